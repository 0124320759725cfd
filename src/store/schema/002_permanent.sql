-- Version 2: events as the ActivityWatch API knows them, users of the server and their keys.

-- Integer ids. 0: the event was not posted over the API (it is known by its seq then, see store/aw.h).
ALTER TABLE event ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX event_by_number ON event (number) WHERE number > 0;

ALTER TABLE store_state ADD COLUMN last_number INTEGER NOT NULL DEFAULT 0;     -- the last one given out
ALTER TABLE store_state ADD COLUMN key_generation INTEGER NOT NULL DEFAULT 0;  -- grows when users or keys change

-- What bounds a search in a bucket:
ALTER TABLE bucket ADD COLUMN longest_ns INTEGER NOT NULL DEFAULT 0;           -- no event ever was longer
ALTER TABLE bucket ADD COLUMN end_ns INTEGER NOT NULL DEFAULT -9223372036854775808; -- greatest end of its events; that: no events
ALTER TABLE bucket ADD COLUMN changed_seq INTEGER NOT NULL DEFAULT 0;          -- the last change to its events
ALTER TABLE bucket ADD COLUMN moved_seq INTEGER NOT NULL DEFAULT 0;            -- the last one that left no trace of where an event was
UPDATE bucket SET
	longest_ns = max(0, coalesce((SELECT max(duration_ns) FROM event
		WHERE shelf IN (2 * bucket_no, 2 * bucket_no + 1)), 0)),
	end_ns = coalesce((SELECT max(start_ns + duration_ns) FROM event
		WHERE shelf IN (2 * bucket_no, 2 * bucket_no + 1)), -9223372036854775808),
	changed_seq = (SELECT last_seq FROM store_state),
	moved_seq = (SELECT last_seq FROM store_state);

-- Buckets made over the API. Of two with one id, which only a machine's change of identity makes, the one made last is meant.
CREATE TABLE aw_bucket (
	making INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order in which they were made
	bucket_no INTEGER NOT NULL UNIQUE REFERENCES bucket,
	id TEXT NOT NULL,
	type TEXT NOT NULL,
	client TEXT NOT NULL,
	hostname TEXT NOT NULL,
	data TEXT NOT NULL,
	created_ns INTEGER NOT NULL
) STRICT;
CREATE INDEX aw_bucket_by_id ON aw_bucket (id);

-- The API's settings: any JSON under any key.
CREATE TABLE aw_setting (
	key TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE user (
	user_id TEXT PRIMARY KEY,
	email TEXT NOT NULL COLLATE NOCASE UNIQUE, -- NOCASE is ASCII's
	created_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE api_key (
	key_id TEXT PRIMARY KEY,
	user_id TEXT NOT NULL REFERENCES user,
	name TEXT NOT NULL,
	role INTEGER NOT NULL,            -- enum key_role of store/keys.h
	hash BLOB NOT NULL UNIQUE,        -- SHA-256 of the key, which is not kept
	created_ns INTEGER NOT NULL,
	expires_ns INTEGER NOT NULL,
	revoked_ns INTEGER NOT NULL,
	used_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX api_key_by_user ON api_key (user_id);

-- Machines that registered themselves over the server.
CREATE TABLE device (
	machine_no INTEGER PRIMARY KEY REFERENCES machine,
	version TEXT NOT NULL,
	registered_ns INTEGER NOT NULL,
	seen_ns INTEGER NOT NULL
) STRICT;

PRAGMA user_version = 2;
