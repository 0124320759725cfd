-- The PostgreSQL schema, version 1: the tables of 00x_permanent.sql and 001_derived.sql, where their columns are explained, for many
-- users in one database. What differs:
--   user_no stands in every table and first in every key; a statement that says it touches one user's rows, and one shard of a
--   database that is distributed by it. Only what is looked up before a user is known ("user", api_key) has keys without it.
--   Values that are foreign bytes are BYTEA; every other text is TEXT COLLATE "C", compared by bytes.
--   Numbers (of machines, buckets, data, …) are counted per user, by who writes for the user: its row of store_state is locked then.
--   Those that people or other rows may remember when their row is gone (rules, entries of quarantine, data) have a counter there; a
--   new machine, bucket or aw_bucket.making has one more than the largest: the first two stay as long as the user, and of the last
--   only the order counts.
-- Run in the schema tidemark, in one transaction.

-- The users whose rows a transaction may see: the setting tt.users, an array as text. Not set: none.
CREATE FUNCTION actors() RETURNS BIGINT[] LANGUAGE sql STABLE PARALLEL SAFE
	AS $$ SELECT nullif(current_setting('tt.users', true), '')::BIGINT[] $$;

-- tt.keys: a statement looks users and keys up, whoever they are.
CREATE FUNCTION looks_up() RETURNS BOOLEAN LANGUAGE sql STABLE PARALLEL SAFE
	AS $$ SELECT coalesce(current_setting('tt.keys', true), '') = 'on' $$;

-- One row, of the whole database. It is everybody's.
CREATE TABLE server_state (
	one BIGINT PRIMARY KEY CHECK (one = 1),
	schema_version BIGINT NOT NULL,
	store_id TEXT COLLATE "C" NOT NULL,
	key_generation BIGINT NOT NULL    -- grows when users or keys change
);
INSERT INTO server_state VALUES (1, 1, gen_random_uuid()::TEXT, 0);

-- Processes that remember keys hear of a change at its commit.
CREATE FUNCTION keys_changed() RETURNS TRIGGER LANGUAGE plpgsql
	AS $$ BEGIN PERFORM pg_notify('tt_keys', NEW.key_generation::TEXT); RETURN NULL; END $$;
CREATE TRIGGER keys_changed AFTER UPDATE OF key_generation ON server_state
	FOR EACH ROW EXECUTE FUNCTION keys_changed();

CREATE TABLE "user" (
	user_no BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	user_id TEXT COLLATE "C" NOT NULL UNIQUE,
	email TEXT COLLATE "C" NOT NULL,
	created_ns BIGINT NOT NULL
);
CREATE UNIQUE INDEX user_by_email ON "user" (lower(email)); -- lower is ASCII's in this collation

CREATE TABLE api_key (
	user_no BIGINT NOT NULL REFERENCES "user" ON DELETE CASCADE,
	key_id TEXT COLLATE "C" NOT NULL UNIQUE,
	user_id TEXT COLLATE "C" NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	role BIGINT NOT NULL,
	hash BYTEA NOT NULL UNIQUE,
	machine_id TEXT COLLATE "C" NOT NULL DEFAULT '',
	created_ns BIGINT NOT NULL,
	expires_ns BIGINT NOT NULL,
	revoked_ns BIGINT NOT NULL,
	used_ns BIGINT NOT NULL,
	PRIMARY KEY (user_no, key_id)
);

-- A row for each user; one who is being erased has none any more. Who writes for the user locks it first, until the commit: so a user's change numbers become visible in order.
-- fillfactor: an update of the counters finds room on the same page and touches no index.
CREATE TABLE store_state (
	user_no BIGINT PRIMARY KEY REFERENCES "user" ON DELETE CASCADE,
	store_id TEXT COLLATE "C" NOT NULL,
	last_seq BIGINT NOT NULL DEFAULT 0,
	last_data BIGINT NOT NULL DEFAULT 0,      -- the last data_no given out
	last_rule BIGINT NOT NULL DEFAULT 0,      -- the last rule_no
	last_entry BIGINT NOT NULL DEFAULT 0,     -- the last entry_no of quarantine
	deletions BIGINT NOT NULL DEFAULT 0,      -- how often rows of dict were deleted
	events BIGINT NOT NULL DEFAULT 0,
	odd_ids BIGINT NOT NULL DEFAULT 0,
	tombstones BIGINT NOT NULL DEFAULT 0,
	quarantined BIGINT NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TABLE machine (
	user_no BIGINT NOT NULL,
	machine_no BIGINT NOT NULL,
	machine_id TEXT COLLATE "C" NOT NULL,
	label TEXT COLLATE "C" NOT NULL DEFAULT '',
	hostname TEXT COLLATE "C" NOT NULL DEFAULT '',
	PRIMARY KEY (user_no, machine_no),
	UNIQUE (user_no, machine_id)
);

CREATE TABLE peer (
	user_no BIGINT NOT NULL,
	machine_no BIGINT NOT NULL,
	store_id TEXT COLLATE "C" NOT NULL,
	version TEXT COLLATE "C" NOT NULL,
	cursor BIGINT NOT NULL,
	synced_at_ns BIGINT NOT NULL,
	clock_skew_ns BIGINT NOT NULL,
	PRIMARY KEY (user_no, machine_no),
	FOREIGN KEY (user_no, machine_no) REFERENCES machine
);

CREATE TABLE alias (
	user_no BIGINT NOT NULL,
	alias TEXT COLLATE "C" NOT NULL,
	machine_no BIGINT NOT NULL,
	synced_at_ns BIGINT NOT NULL,
	PRIMARY KEY (user_no, alias),
	FOREIGN KEY (user_no, machine_no) REFERENCES machine
);

CREATE TABLE device (
	user_no BIGINT NOT NULL,
	machine_no BIGINT NOT NULL,
	version TEXT COLLATE "C" NOT NULL,
	registered_ns BIGINT NOT NULL,
	seen_ns BIGINT NOT NULL,
	PRIMARY KEY (user_no, machine_no),
	FOREIGN KEY (user_no, machine_no) REFERENCES machine
);

-- fillfactor: the counts change with every heartbeat.
CREATE TABLE bucket (
	user_no BIGINT NOT NULL,
	bucket_no BIGINT NOT NULL,
	machine_no BIGINT NOT NULL,
	source TEXT COLLATE "C" NOT NULL,
	type TEXT COLLATE "C" NOT NULL,
	events BIGINT NOT NULL DEFAULT 0,
	longest_ns BIGINT NOT NULL DEFAULT 0,
	end_ns BIGINT NOT NULL DEFAULT '-9223372036854775808',
	changed_seq BIGINT NOT NULL DEFAULT 0,
	moved_seq BIGINT NOT NULL DEFAULT 0,
	first_ns BIGINT NOT NULL DEFAULT 9223372036854775807,
	last_ns BIGINT NOT NULL DEFAULT '-9223372036854775808',
	PRIMARY KEY (user_no, bucket_no),
	UNIQUE (user_no, machine_no, source, type),
	FOREIGN KEY (user_no, machine_no) REFERENCES machine
) WITH (fillfactor = 50);

CREATE TABLE aw_bucket (
	user_no BIGINT NOT NULL,
	making BIGINT NOT NULL,
	bucket_no BIGINT NOT NULL,
	id TEXT COLLATE "C" NOT NULL,
	type TEXT COLLATE "C" NOT NULL,
	client TEXT COLLATE "C" NOT NULL,
	hostname TEXT COLLATE "C" NOT NULL,
	data TEXT COLLATE "C" NOT NULL,
	created_ns BIGINT NOT NULL,
	PRIMARY KEY (user_no, making),
	UNIQUE (user_no, bucket_no),
	FOREIGN KEY (user_no, bucket_no) REFERENCES bucket
);
CREATE INDEX aw_bucket_by_id ON aw_bucket (user_no, id);

CREATE TABLE aw_told (
	user_no BIGINT NOT NULL,
	bucket_no BIGINT NOT NULL,
	type TEXT COLLATE "C" NOT NULL,
	client TEXT COLLATE "C" NOT NULL,
	hostname TEXT COLLATE "C" NOT NULL,
	data TEXT COLLATE "C" NOT NULL,
	created_ns BIGINT NOT NULL,
	PRIMARY KEY (user_no, bucket_no),
	FOREIGN KEY (user_no, bucket_no) REFERENCES bucket
);

CREATE TABLE aw_setting (
	user_no BIGINT NOT NULL,
	key TEXT COLLATE "C" NOT NULL,
	value TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (user_no, key)
);

CREATE TABLE dict (
	user_no BIGINT NOT NULL,
	data_no BIGINT NOT NULL,
	hash BIGINT NOT NULL,
	body TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (user_no, data_no)
);
CREATE INDEX dict_by_hash ON dict (user_no, hash);

-- By user, then by month of start_ns: event_h<0-7>_<YYYY>_<MM>, with one partition before 2015 and one from 2040 on. Those of the
-- months are made when they are needed (postgres/partitions.c). number and seq are unique per user by the counter that gives them.
-- key comes last: numbers lie at multiples of eight.
CREATE TABLE event (
	user_no BIGINT NOT NULL,
	shelf BIGINT NOT NULL,
	start_ns BIGINT NOT NULL,
	duration_ns BIGINT NOT NULL,
	revision BIGINT NOT NULL,
	data_no BIGINT NOT NULL,
	seq BIGINT NOT NULL,
	number BIGINT NOT NULL DEFAULT 0,
	key TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (user_no, shelf, start_ns, key)
) PARTITION BY HASH (user_no);
-- WHERE: every row is in it, but only statements that say so (BY_SEQ) may use it. To a planner that thinks a user has no rows, any index
-- that begins with user_no is good enough.
CREATE INDEX event_by_seq ON event (user_no, seq) WHERE seq > 0;
-- Most events that have a number were never changed: their number is their seq.
CREATE INDEX event_by_number ON event (user_no, number) WHERE number > 0 AND number <> seq;

DO $$ BEGIN
	FOR i IN 0..7 LOOP
		EXECUTE format('CREATE TABLE event_h%s PARTITION OF event FOR VALUES WITH (MODULUS 8, REMAINDER %s)'
			' PARTITION BY RANGE (start_ns)', i, i);
		EXECUTE format('CREATE TABLE event_h%s_before PARTITION OF event_h%s'
			' FOR VALUES FROM (MINVALUE) TO (1420070400000000000)', i, i);
		EXECUTE format('CREATE TABLE event_h%s_behind PARTITION OF event_h%s'
			' FOR VALUES FROM (2208988800000000000) TO (MAXVALUE)', i, i);
	END LOOP;
END $$;

CREATE TABLE odd_id (
	user_no BIGINT NOT NULL,
	id TEXT COLLATE "C" NOT NULL,
	shelf BIGINT NOT NULL,
	start_ns BIGINT NOT NULL,
	PRIMARY KEY (user_no, id)
);

CREATE TABLE tombstone (
	user_no BIGINT NOT NULL,
	id TEXT COLLATE "C" NOT NULL,
	bucket_no BIGINT NOT NULL,
	start_ns BIGINT NOT NULL,
	revision BIGINT NOT NULL,
	seq BIGINT NOT NULL,
	PRIMARY KEY (user_no, id),
	FOREIGN KEY (user_no, bucket_no) REFERENCES bucket
);
CREATE UNIQUE INDEX tombstone_by_seq ON tombstone (user_no, seq) WHERE seq > 0; -- as event_by_seq

CREATE TABLE quarantine (
	user_no BIGINT NOT NULL,
	entry_no BIGINT NOT NULL,
	hash BYTEA NOT NULL,
	source TEXT COLLATE "C" NOT NULL,
	path BYTEA NOT NULL,
	position BIGINT NOT NULL,
	reason TEXT COLLATE "C" NOT NULL,
	detail BYTEA NOT NULL,
	at_ns BIGINT NOT NULL,
	bytes_total BIGINT NOT NULL,
	bytes BYTEA NOT NULL,
	PRIMARY KEY (user_no, entry_no),
	UNIQUE (user_no, hash)
);

CREATE TABLE cursor (
	user_no BIGINT NOT NULL,
	source TEXT COLLATE "C" NOT NULL,
	path BYTEA NOT NULL,
	device BIGINT NOT NULL,
	inode BIGINT NOT NULL,
	size BIGINT NOT NULL,
	mtime_ns BIGINT NOT NULL,
	position BIGINT NOT NULL,
	head_hash BIGINT NOT NULL,
	head_bytes BIGINT NOT NULL,
	tail_hash BIGINT NOT NULL,
	tail_bytes BIGINT NOT NULL,
	state BYTEA NOT NULL,
	PRIMARY KEY (user_no, source, path)
);

CREATE TABLE memo (
	user_no BIGINT NOT NULL,
	source TEXT COLLATE "C" NOT NULL,
	key BYTEA NOT NULL,
	value BYTEA NOT NULL,
	PRIMARY KEY (user_no, source, key)
);

CREATE TABLE setting (
	user_no BIGINT NOT NULL,
	key TEXT COLLATE "C" NOT NULL,
	value BYTEA NOT NULL,
	PRIMARY KEY (user_no, key)
);

CREATE TABLE stream (
	user_no BIGINT NOT NULL,
	stream_id TEXT COLLATE "C" NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	anchor_id TEXT COLLATE "C" NOT NULL,
	merged_into TEXT COLLATE "C" NOT NULL,
	created_ns BIGINT NOT NULL,
	updated_ns BIGINT NOT NULL,
	seq BIGINT NOT NULL,
	PRIMARY KEY (user_no, stream_id)
);

CREATE TABLE stream_tag (
	user_no BIGINT NOT NULL,
	stream_id TEXT COLLATE "C" NOT NULL,
	tag TEXT COLLATE "C" NOT NULL,
	seq BIGINT NOT NULL,
	PRIMARY KEY (user_no, stream_id, tag)
);

CREATE TABLE event_assignment (
	user_no BIGINT NOT NULL,
	event_id TEXT COLLATE "C" NOT NULL,
	start_ns BIGINT NOT NULL,
	stream_id TEXT COLLATE "C" NOT NULL,
	assigned_by BIGINT NOT NULL,
	seq BIGINT NOT NULL,
	PRIMARY KEY (user_no, event_id)
);
CREATE INDEX event_assignment_by_start ON event_assignment (user_no, start_ns);

CREATE TABLE session_assignment (
	user_no BIGINT NOT NULL,
	machine_id TEXT COLLATE "C" NOT NULL,
	session_id TEXT COLLATE "C" NOT NULL,
	stream_id TEXT COLLATE "C" NOT NULL,
	assigned_by BIGINT NOT NULL,
	seq BIGINT NOT NULL,
	PRIMARY KEY (user_no, machine_id, session_id)
);

CREATE TABLE rule (
	user_no BIGINT NOT NULL,
	rule_no BIGINT NOT NULL,
	glob TEXT COLLATE "C" NOT NULL,
	seq BIGINT NOT NULL,
	PRIMARY KEY (user_no, rule_no)
);

CREATE TABLE rule_tag (
	user_no BIGINT NOT NULL,
	rule_no BIGINT NOT NULL,
	position BIGINT NOT NULL,
	tag TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (user_no, rule_no, position),
	FOREIGN KEY (user_no, rule_no) REFERENCES rule ON DELETE CASCADE
);

-- What is derived.

CREATE TABLE derived_partition (
	user_no BIGINT NOT NULL,
	partition_no BIGINT NOT NULL,
	machine_id TEXT COLLATE "C" NOT NULL,
	by_project BIGINT NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	base TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (user_no, partition_no),
	UNIQUE (user_no, machine_id, by_project, name)
);
CREATE INDEX derived_partition_by_base ON derived_partition (user_no, base);

CREATE TABLE derived_run (
	user_no BIGINT NOT NULL,
	run_no BIGINT NOT NULL,
	partition_no BIGINT NOT NULL,
	first_ns BIGINT NOT NULL,
	first_rank BIGINT NOT NULL,
	first_id TEXT COLLATE "C" NOT NULL,
	last_ns BIGINT NOT NULL,
	root_no BIGINT NOT NULL,
	cwd_ns BIGINT NOT NULL,
	cwd TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (user_no, run_no)
);
CREATE INDEX derived_run_by_partition ON derived_run (user_no, partition_no, first_ns);
CREATE INDEX derived_run_by_time ON derived_run (user_no, last_ns, first_ns, root_no);
CREATE INDEX derived_run_by_root ON derived_run (user_no, root_no);

CREATE TABLE derived_piece (
	user_no BIGINT NOT NULL,
	run_no BIGINT NOT NULL,
	session_no BIGINT NOT NULL,
	events BIGINT NOT NULL,
	first_ns BIGINT NOT NULL,
	last_ns BIGINT NOT NULL,
	PRIMARY KEY (user_no, run_no, session_no)
);
CREATE INDEX derived_piece_by_session ON derived_piece (user_no, session_no, run_no);

CREATE TABLE derived_session (
	user_no BIGINT NOT NULL,
	session_no BIGINT NOT NULL,
	machine_id TEXT COLLATE "C" NOT NULL,
	session_id TEXT COLLATE "C" NOT NULL,
	parent_id TEXT COLLATE "C" NOT NULL,
	group_no BIGINT NOT NULL,
	partition_no BIGINT NOT NULL,
	first_ns BIGINT NOT NULL,
	first_rank BIGINT NOT NULL,
	first_id TEXT COLLATE "C" NOT NULL,
	home_ns BIGINT NOT NULL,
	home_rank BIGINT NOT NULL,
	home_id TEXT COLLATE "C" NOT NULL,
	home_by_project BIGINT NOT NULL,
	home_name TEXT COLLATE "C" NOT NULL,
	home_cwd TEXT COLLATE "C" NOT NULL,
	stray_events BIGINT NOT NULL,
	stray_first_ns BIGINT NOT NULL,
	stray_last_ns BIGINT NOT NULL,
	PRIMARY KEY (user_no, session_no),
	UNIQUE (user_no, session_id, machine_id)
);
CREATE INDEX derived_session_by_group ON derived_session (user_no, group_no);
CREATE INDEX derived_session_strays ON derived_session (user_no, session_no) WHERE stray_events > 0;

CREATE TABLE derived_mark (
	user_no BIGINT PRIMARY KEY REFERENCES "user" ON DELETE CASCADE,
	seq BIGINT NOT NULL DEFAULT 0,
	gap_ns BIGINT NOT NULL DEFAULT 0,
	rebuild BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE derived_correction (
	user_no BIGINT NOT NULL,
	shelf BIGINT NOT NULL,
	start_ns BIGINT NOT NULL,
	key TEXT COLLATE "C" NOT NULL,
	data_no BIGINT NOT NULL,
	PRIMARY KEY (user_no, shelf, start_ns, key)
);

-- Corrections are noted by who writes them, in bulk (postgres/put.c); deletions here, once for each statement, however many rows and
-- partitions it touches.
CREATE FUNCTION event_deleted() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO derived_correction (user_no, shelf, start_ns, key, data_no)
		SELECT o.user_no, o.shelf, o.start_ns, o.key, o.data_no
		FROM old_rows AS o JOIN derived_mark AS m USING (user_no) WHERE o.seq <= m.seq
		ON CONFLICT DO NOTHING;
	RETURN NULL;
END $$;
CREATE TRIGGER event_deleted AFTER DELETE ON event
	REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION event_deleted();

-- The second wall: what a statement forgets to say, the policies say. Also for the owner of the tables; partitions of event have no
-- policy at all, so that nobody reads them but through event.
DO $$
DECLARE
	table_name TEXT;
BEGIN
	FOR table_name IN SELECT c.relname FROM pg_class c
		WHERE c.relnamespace = current_schema()::REGNAMESPACE AND c.relkind IN ('r', 'p') LOOP
		EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
		EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', table_name);
		CONTINUE WHEN table_name LIKE 'event\_h%' OR table_name IN ('server_state', 'user', 'api_key');
		-- + 0: a condition for rows only. As one for an index it makes the planner take any index that begins with user_no.
		EXECUTE format('CREATE POLICY own ON %I USING (user_no + 0 = ANY ((SELECT actors())::BIGINT[]))', table_name);
	END LOOP;
END $$;
CREATE POLICY everybody ON server_state USING (true);
CREATE POLICY own ON "user" USING (user_no = ANY ((SELECT actors())::BIGINT[]) OR (SELECT looks_up()));
CREATE POLICY own ON api_key USING (user_no = ANY ((SELECT actors())::BIGINT[]) OR (SELECT looks_up()));
