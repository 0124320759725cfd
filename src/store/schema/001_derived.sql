-- What is derived from events and can be dropped and rebuilt at any time. See store/derived.h.

-- by_project: name is a project, else a directory. base is what its streams are named after.
CREATE TABLE derived_partition (
	partition_no INTEGER PRIMARY KEY,
	machine_id TEXT NOT NULL,
	by_project INTEGER NOT NULL,
	name TEXT NOT NULL,
	base TEXT NOT NULL,
	UNIQUE (machine_id, by_project, name)
) STRICT;
CREATE INDEX derived_partition_by_base ON derived_partition (base);

CREATE TABLE derived_run (
	run_no INTEGER PRIMARY KEY,
	partition_no INTEGER NOT NULL,
	first_ns INTEGER NOT NULL,
	first_rank INTEGER NOT NULL,
	first_id TEXT NOT NULL,
	last_ns INTEGER NOT NULL,
	root_no INTEGER NOT NULL,
	cwd_ns INTEGER NOT NULL,
	cwd TEXT NOT NULL
) STRICT;
CREATE INDEX derived_run_by_partition ON derived_run (partition_no, first_ns);
CREATE INDEX derived_run_by_time ON derived_run (last_ns, first_ns, root_no);
CREATE INDEX derived_run_by_root ON derived_run (root_no);
CREATE INDEX derived_run_roots ON derived_run (partition_no, first_ns) WHERE root_no = run_no;

-- The events of one session in a run; session 0: those of none.
CREATE TABLE derived_piece (
	run_no INTEGER NOT NULL,
	session_no INTEGER NOT NULL,
	events INTEGER NOT NULL,
	first_ns INTEGER NOT NULL,
	last_ns INTEGER NOT NULL,
	PRIMARY KEY (run_no, session_no)
) STRICT, WITHOUT ROWID;
CREATE INDEX derived_piece_by_session ON derived_piece (session_no, run_no);

CREATE TABLE derived_session (
	session_no INTEGER PRIMARY KEY,
	machine_id TEXT NOT NULL,
	session_id TEXT NOT NULL,
	parent_id TEXT NOT NULL,
	group_no INTEGER NOT NULL,
	partition_no INTEGER NOT NULL,
	first_ns INTEGER NOT NULL,
	first_rank INTEGER NOT NULL,
	first_id TEXT NOT NULL,
	home_ns INTEGER NOT NULL,
	home_rank INTEGER NOT NULL,
	home_id TEXT NOT NULL,
	home_by_project INTEGER NOT NULL,
	home_name TEXT NOT NULL,
	home_cwd TEXT NOT NULL,
	stray_events INTEGER NOT NULL,
	stray_first_ns INTEGER NOT NULL,
	stray_last_ns INTEGER NOT NULL,
	UNIQUE (session_id, machine_id)
) STRICT;
CREATE INDEX derived_session_by_group ON derived_session (group_no);
CREATE INDEX derived_session_strays ON derived_session (session_no) WHERE stray_events > 0;

-- One row, always there. rebuild: what is derived does not follow from the events any more.
CREATE TABLE derived_mark (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	seq INTEGER NOT NULL,
	gap_ns INTEGER NOT NULL,
	rebuild INTEGER NOT NULL
) STRICT;
INSERT INTO derived_mark VALUES (1, 0, 0, 0);

-- What events accounted for looked like before they were corrected or deleted: the triggers see every such change.
CREATE TABLE derived_correction (
	shelf INTEGER NOT NULL,
	start_ns INTEGER NOT NULL,
	key TEXT NOT NULL,
	data_no INTEGER NOT NULL,
	PRIMARY KEY (shelf, start_ns, key)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER derived_event_updated AFTER UPDATE ON event
WHEN old.seq <= (SELECT seq FROM derived_mark)
BEGIN
	INSERT OR IGNORE INTO derived_correction VALUES (old.shelf, old.start_ns, old.key, old.data_no);
END;

CREATE TRIGGER derived_event_deleted AFTER DELETE ON event
WHEN old.seq <= (SELECT seq FROM derived_mark)
BEGIN
	INSERT OR IGNORE INTO derived_correction VALUES (old.shelf, old.start_ns, old.key, old.data_no);
END;
