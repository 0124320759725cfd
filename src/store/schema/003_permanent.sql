-- Version 3: keys of devices. What PostgreSQL's schema has as columns is one here, too.

ALTER TABLE api_key ADD COLUMN machine_id TEXT NOT NULL DEFAULT '';             -- the device that uses the key; '': any

ALTER TABLE store_state ADD COLUMN deletions INTEGER NOT NULL DEFAULT 0;       -- how often rows of dict were deleted
UPDATE store_state SET deletions =
	coalesce((SELECT CAST(CAST(value AS TEXT) AS INTEGER) FROM setting WHERE key = 'dictionary.deletions'), 0);
DELETE FROM setting WHERE key = 'dictionary.deletions';

PRAGMA user_version = 3;
