-- Version 3: keys of devices. What PostgreSQL's schema has as columns is one here, too.

ALTER TABLE api_key ADD COLUMN machine_id TEXT NOT NULL DEFAULT '';             -- the device that uses the key; '': any

ALTER TABLE store_state ADD COLUMN deletions INTEGER NOT NULL DEFAULT 0;       -- how often rows of dict were deleted
UPDATE store_state SET deletions =
	coalesce((SELECT CAST(CAST(value AS TEXT) AS INTEGER) FROM setting WHERE key = 'dictionary.deletions'), 0);
DELETE FROM setting WHERE key = 'dictionary.deletions';

-- People name entries by number, so a number is never used again.
ALTER TABLE store_state ADD COLUMN last_entry INTEGER NOT NULL DEFAULT 0;      -- the last entry_no of quarantine
UPDATE store_state SET last_entry = coalesce((SELECT max(entry_no) FROM quarantine), 0);

-- Events of the API are numbered by the change that makes them.
UPDATE store_state SET last_seq = max(last_seq, last_number);
ALTER TABLE store_state DROP COLUMN last_number;

-- Where a bucket's events lie: a search looks nowhere else.
ALTER TABLE bucket ADD COLUMN first_ns INTEGER NOT NULL DEFAULT 9223372036854775807;  -- smallest start of its events; that: none
ALTER TABLE bucket ADD COLUMN last_ns INTEGER NOT NULL DEFAULT -9223372036854775808;  -- greatest start; that: none
UPDATE bucket SET
	first_ns = coalesce((SELECT min(start_ns) FROM event WHERE shelf IN (2 * bucket_no, 2 * bucket_no + 1)), 9223372036854775807),
	last_ns = coalesce((SELECT max(start_ns) FROM event WHERE shelf IN (2 * bucket_no, 2 * bucket_no + 1)), -9223372036854775808);

-- What another machine's store said of a bucket that was made there over the API; type, client, … are as in aw_bucket.
CREATE TABLE aw_told (
	bucket_no INTEGER PRIMARY KEY REFERENCES bucket,
	type TEXT NOT NULL,
	client TEXT NOT NULL,
	hostname TEXT NOT NULL,
	data TEXT NOT NULL,
	created_ns INTEGER NOT NULL
) STRICT;

PRAGMA user_version = 3;
