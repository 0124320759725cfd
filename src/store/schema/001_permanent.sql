-- What is permanent: events, what people decide, and how far foreign files and machines have been read.
-- Times are nanoseconds since 1970-01-01T00:00:00Z. Nothing here may be dropped; 001_derived.sql holds what may.

-- One row. The counters are kept in the transaction that changes what they count; store_verify compares.
CREATE TABLE store_state (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	store_id TEXT NOT NULL,           -- UUID; cursors of readers are good for one store id only
	last_seq INTEGER NOT NULL,        -- the last change number given out, to events and records alike
	events INTEGER NOT NULL,
	odd_ids INTEGER NOT NULL,         -- rows of odd_id; 0 lets the intake skip looking
	tombstones INTEGER NOT NULL,      -- rows of tombstone; likewise
	quarantined INTEGER NOT NULL      -- rows of quarantine
) STRICT;

-- A small number for each machine. The empty machine_id stands for events whose id names no machine.
CREATE TABLE machine (
	machine_no INTEGER PRIMARY KEY,
	machine_id TEXT NOT NULL UNIQUE,
	label TEXT NOT NULL DEFAULT '',
	hostname TEXT NOT NULL DEFAULT ''
) STRICT;

-- What was learned of another machine when its events were fetched.
CREATE TABLE peer (
	machine_no INTEGER PRIMARY KEY REFERENCES machine,
	store_id TEXT NOT NULL,
	version TEXT NOT NULL,
	cursor INTEGER NOT NULL,          -- its seq up to which its changes are here
	synced_at_ns INTEGER NOT NULL,
	clock_skew_ns INTEGER NOT NULL
) STRICT;

-- How machines are reached. An alias belongs to one machine; the machine's newest one is shown.
CREATE TABLE alias (
	alias TEXT PRIMARY KEY,
	machine_no INTEGER NOT NULL REFERENCES machine,
	synced_at_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE bucket (
	bucket_no INTEGER PRIMARY KEY,
	machine_no INTEGER NOT NULL REFERENCES machine,
	source TEXT NOT NULL,
	type TEXT NOT NULL,
	events INTEGER NOT NULL DEFAULT 0,
	UNIQUE (machine_no, source, type)
) STRICT;

-- Real data repeats itself: each distinct data is stored once. hash finds candidates, body decides.
CREATE TABLE dict (
	data_no INTEGER PRIMARY KEY,
	hash INTEGER NOT NULL,
	body TEXT NOT NULL
) STRICT;
CREATE INDEX dict_by_hash ON dict (hash);

-- A bucket's events lie on two shelves, so that the full id need not be stored for most:
--   shelf = 2 x bucket_no      key is the discriminator; the rest of the id follows from machine, source, type and start
--   shelf = 2 x bucket_no + 1  key is the whole id ("odd": no machine, another form, or a time other than start's)
-- Within a shelf (start_ns, key) is the total order of events. No foreign keys, for speed: store_verify checks.
CREATE TABLE event (
	shelf INTEGER NOT NULL,
	start_ns INTEGER NOT NULL,
	key TEXT NOT NULL,
	duration_ns INTEGER NOT NULL,
	revision INTEGER NOT NULL,
	data_no INTEGER NOT NULL,
	seq INTEGER NOT NULL,
	PRIMARY KEY (shelf, start_ns, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_by_seq ON event (seq);

-- Finds an odd event, whose id does not tell where it lies.
CREATE TABLE odd_id (
	id TEXT PRIMARY KEY,
	shelf INTEGER NOT NULL,
	start_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Deleted events, also ones that never were here: an event with this id below this revision is refused.
CREATE TABLE tombstone (
	id TEXT PRIMARY KEY,
	bucket_no INTEGER NOT NULL REFERENCES bucket,
	start_ns INTEGER NOT NULL,
	revision INTEGER NOT NULL,
	seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX tombstone_by_seq ON tombstone (seq);

-- Foreign bytes that nobody understood. hash (128 bits) is of source, path, reason and bytes.
CREATE TABLE quarantine (
	entry_no INTEGER PRIMARY KEY,
	hash BLOB NOT NULL UNIQUE,
	source TEXT NOT NULL,
	path TEXT NOT NULL,
	position INTEGER NOT NULL,        -- byte offset or line number; -1 unknown
	reason TEXT NOT NULL,
	detail TEXT NOT NULL,
	at_ns INTEGER NOT NULL,
	bytes_total INTEGER NOT NULL,
	bytes BLOB NOT NULL
) STRICT;

-- Cursors over foreign files. Unsigned 64-bit values are stored as the signed integers of the same bits.
CREATE TABLE cursor (
	source TEXT NOT NULL,
	path TEXT NOT NULL,
	device INTEGER NOT NULL,
	inode INTEGER NOT NULL,
	size INTEGER NOT NULL,
	mtime_ns INTEGER NOT NULL,
	position INTEGER NOT NULL,        -- behind the last complete line taken
	head_hash INTEGER NOT NULL,
	head_bytes INTEGER NOT NULL,
	tail_hash INTEGER NOT NULL,
	tail_bytes INTEGER NOT NULL,
	state BLOB NOT NULL,
	PRIMARY KEY (source, path)
) STRICT, WITHOUT ROWID;

-- What a source must remember by natural key.
CREATE TABLE memo (
	source TEXT NOT NULL,
	key TEXT NOT NULL,
	value BLOB NOT NULL,
	PRIMARY KEY (source, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE setting (
	key TEXT PRIMARY KEY,
	value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Records: what people decide. assigned_by is enum assigned_by of store/records.h; seq is the record's last change.
CREATE TABLE stream (
	stream_id TEXT PRIMARY KEY,
	name TEXT NOT NULL,
	anchor_id TEXT NOT NULL,
	merged_into TEXT NOT NULL,
	created_ns INTEGER NOT NULL,
	updated_ns INTEGER NOT NULL,
	seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE stream_tag (
	stream_id TEXT NOT NULL,
	tag TEXT NOT NULL,
	seq INTEGER NOT NULL,
	PRIMARY KEY (stream_id, tag)
) STRICT, WITHOUT ROWID;

-- start_ns is the event's, so that those of a period are found without the others.
CREATE TABLE event_assignment (
	event_id TEXT PRIMARY KEY,
	start_ns INTEGER NOT NULL,
	stream_id TEXT NOT NULL,
	assigned_by INTEGER NOT NULL,
	seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX event_assignment_by_start ON event_assignment (start_ns);

CREATE TABLE session_assignment (
	machine_id TEXT NOT NULL,
	session_id TEXT NOT NULL,
	stream_id TEXT NOT NULL,
	assigned_by INTEGER NOT NULL,
	seq INTEGER NOT NULL,
	PRIMARY KEY (machine_id, session_id)
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: people name rules by number, so a number is never used again.
CREATE TABLE rule (
	rule_no INTEGER PRIMARY KEY AUTOINCREMENT,
	glob TEXT NOT NULL,
	seq INTEGER NOT NULL
) STRICT;

CREATE TABLE rule_tag (
	rule_no INTEGER NOT NULL REFERENCES rule ON DELETE CASCADE,
	position INTEGER NOT NULL,        -- order in which the tags were given
	tag TEXT NOT NULL,
	PRIMARY KEY (rule_no, position)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 1;
