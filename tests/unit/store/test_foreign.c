/* Databases of others: read as they are, whatever state their program has left them in, and not a
 * byte or a file of theirs changed. */
#include <poll.h>

#include "foreign_fixture.h"

static void plain_file_is_read_as_immutable(void)
{
	struct fixture f;
	const char *path = begin_world(&f);
	struct str before;

	make(path, GOOD_TABLE);
	before = picture(&f, fixture_path(&f, "theirs"));
	IS_INT(count_good(path, FOREIGN_IMMUTABLE), 1);
	same(&f, fixture_path(&f, "theirs"), before);
	make(path, "PRAGMA journal_mode = WAL; INSERT INTO good VALUES(2, 'two');");
	before = picture(&f, fixture_path(&f, "theirs"));
	IS_INT(count_good(path, FOREIGN_IMMUTABLE), 2);
	same(&f, fixture_path(&f, "theirs"), before);
	fixture_end(&f);
}

static void change_of_an_immutable_file_is_seen(void)
{
	static const char *const changes[] = { "INSERT INTO good VALUES(2, 'two')",
		"UPDATE good SET b = 'two'", "PRAGMA journal_mode = WAL; DELETE FROM good" };

	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		struct fixture f;
		const char *path = begin_world(&f);
		struct foreign *foreign = NULL;
		struct writer writer;
		struct err err;

		make(path, GOOD_TABLE);
		if (!GOOD(open_good(&foreign, path, &err)))
			return;
		IS_INT(number(foreign, COUNT_SQL, &err), 1);
		GOOD(foreign_check(foreign, &err));
		writer = writer_start(path);
		IS_INT(run(&writer, changes[i]), SQLITE_OK);
		FAILS(foreign_check(foreign, &err), ERR_BUSY);
		foreign_close(foreign);
		writer_end(&writer, false);
		fixture_end(&f);
	}
}

static void reader_beside_a_live_writer(void)
{
	struct fixture f;
	const char *path = begin_world(&f), *theirs = fixture_path(&f, "theirs");
	struct writer writer = writer_start(path);
	struct foreign *foreign = NULL;
	struct str before;
	struct err err;

	IS_INT(run(&writer, "PRAGMA journal_mode = WAL;" GOOD_TABLE), SQLITE_OK);
	before = picture(&f, theirs);
	IS_INT(count_good(path, FOREIGN_LIVE), 1);
	same(&f, theirs, before);
	/* A view stands still while it is open, and the writer does not wait. */
	GOOD(open_good(&foreign, path, &err));
	GOOD(foreign_begin(foreign, &err));
	IS_INT(number(foreign, COUNT_SQL, &err), 1);
	IS_INT(run(&writer, "INSERT INTO good VALUES(2, 'two')"), SQLITE_OK);
	IS_INT(number(foreign, COUNT_SQL, &err), 1);
	foreign_end(foreign);
	IS_INT(number(foreign, COUNT_SQL, &err), 2);
	IS_INT(run(&writer, "PRAGMA wal_checkpoint(TRUNCATE)"), SQLITE_OK);
	IS_INT(run(&writer, "INSERT INTO good VALUES(3, 'three')"), SQLITE_OK);
	IS_INT(number(foreign, COUNT_SQL, &err), 3);
	before = picture(&f, theirs);
	foreign_close(foreign);
	same(&f, theirs, before);
	IS_INT(count_good(path, FOREIGN_LIVE), 3);
	writer_end(&writer, false);
	/* Its log is gone with it. */
	IS_INT(files_in(theirs), 1);
	IS_INT(count_good(path, FOREIGN_IMMUTABLE), 3);
	IS_INT(files_in(theirs), 1);
	IS_INT(files_in(fixture_path(&f, "run")), 0);
	fixture_end(&f);
}

/* A second writer that moves amounts between two rows as fast as it can, checkpointing now and
 * then, without waiting for anybody: what is read adds up or is refused, and it never meets a lock.
 */
static void move_amounts(const char *path, int to)
{
	sqlite3 *db;
	int refused = 0;
	struct pollfd ended = { .fd = to, .events = 0 };

	if (sqlite3_open(path, &db) != SQLITE_OK)
		_exit(3);
	for (int i = 0; i < 200000 && poll(&ended, 1, 0) == 0; i++) {
		char sql[256];

		snprintf(sql, sizeof(sql),
			"BEGIN; UPDATE good SET a = a + %d WHERE b = 'x'; UPDATE good SET a = a - %d WHERE b = 'y'; COMMIT",
			i % 7, i % 7);
		refused += sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK;
		if (i % 500 == 0)
			refused += sqlite3_exec(db, "PRAGMA wal_checkpoint(PASSIVE)", NULL, NULL,
					   NULL) != SQLITE_OK;
	}
	sqlite3_close(db);
	_exit(refused > 0);
}

static void what_is_read_adds_up(void)
{
	struct fixture f;
	const char *path = begin_world(&f);
	int64_t sums = 0, busy = 0, rounds = 300;
	int ends[2], status = -1;
	pid_t pid;

	make(path, "PRAGMA journal_mode = WAL; CREATE TABLE good(a INTEGER, b TEXT);"
		   "INSERT INTO good VALUES(1000, 'x'), (1000, 'y')");
	if (pipe(ends) < 0)
		return;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		move_amounts(path, ends[1]);
	}
	close(ends[1]);
	for (int64_t i = 0; i < rounds; i++) {
		CLEANUP(foreign_closep) struct foreign *foreign = NULL;
		struct err err = { 0 };
		int64_t x, y;

		if (open_good(&foreign, path, &err) < 0 || foreign_begin(foreign, &err) < 0) {
			busy += OK(err.code == ERR_BUSY);
			continue;
		}
		x = number(foreign, "SELECT max(a) FROM good WHERE b = 'x'", &err);
		y = number(foreign, "SELECT max(a) FROM good WHERE b = 'y'", &err);
		foreign_end(foreign);
		if (err.code == 0 && foreign_check(foreign, &err) == 0)
			sums += x + y == 2000;
		else
			busy += OK(err.code == ERR_BUSY);
	}
	close(ends[0]);
	waitpid(pid, &status, 0);
	OK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	IS_INT(sums + busy, rounds);
	if (!OK(sums > rounds / 2))
		printf("# %lld of %lld could be read\n", (long long)sums, (long long)rounds);
	fixture_end(&f);
}

/* As after a copy by hand, a power failure, or on a read-only medium. */
static void log_without_index_is_read_from_a_copy(void)
{
	struct fixture f;
	const char *path = begin_world(&f), *theirs = fixture_path(&f, "theirs");
	struct writer writer = writer_start(path);
	struct str before;

	IS_INT(run(&writer, "PRAGMA journal_mode = WAL;" GOOD_TABLE), SQLITE_OK);
	writer_end(&writer, true);
	OK(unlink(arena_printf(&f.arena, "%s-shm", path).ptr) == 0);
	before = picture(&f, theirs);
	IS_INT(files_in(theirs), 2);
	IS_INT(count_good(path, FOREIGN_COPY), 1);
	same(&f, theirs, before);
	IS_INT(files_in(fixture_path(&f, "run")), 0);
	fixture_end(&f);
}

static void index_of_a_dead_writer(void)
{
	struct fixture f;
	const char *path = begin_world(&f), *theirs = fixture_path(&f, "theirs");
	struct writer writer = writer_start(path);
	struct str before;

	IS_INT(run(&writer, "PRAGMA journal_mode = WAL;" GOOD_TABLE), SQLITE_OK);
	writer_end(&writer, true);
	IS_INT(files_in(theirs), 3);
	before = picture(&f, theirs);
	IS_INT(count_good(path, FOREIGN_LIVE), 1);
	same(&f, theirs, before);
	/* An index that nobody can make sense of. */
	OK(truncate(arena_printf(&f.arena, "%s-shm", path).ptr, 0) == 0);
	before = picture(&f, theirs);
	IS_INT(count_good(path, FOREIGN_LIVE), 1);
	same(&f, theirs, before);
	/* The log is gone: the index is of nothing. */
	OK(unlink(arena_printf(&f.arena, "%s-wal", path).ptr) == 0);
	before = picture(&f, theirs);
	{
		struct foreign *foreign = NULL;
		struct err err;

		GOOD(open_good(&foreign, path, &err));
		IS_INT(foreign_way(foreign), FOREIGN_IMMUTABLE);
		foreign_close(foreign);
	}
	same(&f, theirs, before);
	fixture_end(&f);
}

static void interrupted_change_is_rolled_back_in_a_copy(void)
{
	struct fixture f;
	const char *path = begin_world(&f), *theirs = fixture_path(&f, "theirs");
	struct writer writer;
	struct str before;

	make(path, GOOD_TABLE);
	writer = writer_start(path);
	IS_INT(run(&writer,
		       "PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN;"
		       "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
		       "INSERT INTO good SELECT i, 'some text' FROM n"),
		SQLITE_OK);
	before = picture(&f, theirs);
	IS_INT(files_in(theirs), 2);
	IS_INT(count_good(path, FOREIGN_COPY), 1); /* it may still be going on */
	same(&f, theirs, before);
	writer_end(&writer, true);
	IS_INT(count_good(path, FOREIGN_COPY), 1); /* or never be finished */
	same(&f, theirs, before);
	IS_INT(files_in(fixture_path(&f, "run")), 0);
	fixture_end(&f);
}

static const struct tap_case cases[] = {
	TAP_CASE(plain_file_is_read_as_immutable),
	TAP_CASE(change_of_an_immutable_file_is_seen),
	TAP_CASE(reader_beside_a_live_writer),
	TAP_CASE(what_is_read_adds_up),
	TAP_CASE(log_without_index_is_read_from_a_copy),
	TAP_CASE(index_of_a_dead_writer),
	TAP_CASE(interrupted_change_is_rolled_back_in_a_copy),
};
TAP_MAIN(cases)
