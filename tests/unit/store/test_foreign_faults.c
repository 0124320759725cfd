/* Databases of others: private copies, and what goes wrong. */
#include <sys/file.h>

#include "foreign_fixture.h"

/* --- copies --- */

/* Descriptors of this process that are of files in a copy. */
static int open_copies(bool *closed_to_others)
{
	struct dirent **names;
	int count = scandir("/proc/self/fd", &names, not_dots, alphasort), found = 0;

	for (int i = 0; i < count; i++) {
		char link[64], target[512] = "";
		struct stat status;

		snprintf(link, sizeof(link), "/proc/self/fd/%.16s", names[i]->d_name);
		if (readlink(link, target, sizeof(target) - 1) > 0 &&
			strstr(target, "/tt-foreign-") && stat(link, &status) == 0) {
			found++;
			*closed_to_others &= (status.st_mode & 077) == 0;
		}
		free(names[i]);
	}
	if (count >= 0)
		free(names);
	return found;
}

static const char *make_needing_copy(struct fixture *f)
{
	const char *path = begin_world(f);
	struct writer writer = writer_start(path);

	IS_INT(run(&writer, "PRAGMA journal_mode = WAL;" GOOD_TABLE), SQLITE_OK);
	writer_end(&writer, true);
	unlink(arena_printf(&f->arena, "%s-shm", path).ptr);
	return path;
}

static void copies_are_private_and_leave_nothing(void)
{
	struct fixture f;
	const char *path = make_needing_copy(&f);
	struct foreign *foreign = NULL;
	bool closed_to_others = true;
	struct err err;

	umask(0);
	GOOD(open_good(&foreign, path, &err));
	umask(022);
	OK(open_copies(&closed_to_others) >= 2);
	OK(closed_to_others);
	IS_INT(files_in(fixture_path(&f, "run")), 0);
	IS_INT(number(foreign, COUNT_SQL, &err), 1);
	foreign_close(foreign);
	IS_INT(open_copies(&closed_to_others), 0);
	fixture_end(&f);
}

static void too_large_to_copy(void)
{
	struct fixture f;
	struct foreign_options options = {
		.path = make_needing_copy(&f), .tables = tables, .copy_limit_bytes = 4096
	};
	struct foreign *foreign = NULL;
	struct err err;

	FAILS(foreign_open(&foreign, &options, &err), ERR_LIMIT);
	OK(strstr(err.message, "too large to be copied") != NULL);
	OK(foreign == NULL);
	IS_INT(files_in(fixture_path(&f, "run")), 0);
	fixture_end(&f);
}

static void copy_goes_where_there_is_room(void)
{
	struct fixture f;
	const char *path = make_needing_copy(&f);
	struct foreign_options options = { .path = path, .tables = tables };
	struct foreign *foreign = NULL;
	struct err err;

	setenv("XDG_RUNTIME_DIR", fixture_path(&f, "nowhere"), 1);
	options.state_dir = fixture_path(&f, "run");
	GOOD(foreign_open(&foreign, &options, &err));
	IS_INT(number(foreign, COUNT_SQL, &err), 1);
	foreign_close(foreign);
	fixture_end(&f);
}

static void left_copies_are_removed(void)
{
	struct fixture f;
	const char *path = make_needing_copy(&f);
	const char *left = fixture_path(&f, "run/tt-foreign-abcdef");
	const char *lived_in = fixture_path(&f, "run/tt-foreign-ghijkl");
	int fd;

	mkdir(left, 0700);
	close(open(fixture_path(&f, "run/tt-foreign-abcdef/db"), O_CREAT | O_WRONLY, 0600));
	mkdir(lived_in, 0700);
	fd = -1;
	OK(fs_lock(fixture_path(&f, "run/unrelated"), 0, &fd, &(struct err){ 0 }) == 0);
	close(fd);
	fflush(stdout);
	{
		/* A process that is still copying. */
		int ready[2];
		pid_t pid;
		char byte;

		if (pipe(ready) < 0)
			return;
		pid = fork();
		if (pid == 0) {
			int dir = open(lived_in, O_RDONLY | O_DIRECTORY);

			close(ready[0]);
			if (flock(dir, LOCK_EX) < 0 || write(ready[1], "x", 1) != 1)
				_exit(1);
			pause();
			_exit(0);
		}
		close(ready[1]);
		OK(read(ready[0], &byte, 1) == 1);
		IS_INT(count_good(path, FOREIGN_COPY), 1);
		OK(!fs_exists(left));
		OK(fs_exists(lived_in));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		close(ready[0]);
	}
	OK(fs_exists(fixture_path(&f, "run/unrelated")));
	IS_INT(count_good(path, FOREIGN_COPY), 1);
	OK(!fs_exists(lived_in));
	fixture_end(&f);
}

/* --- faults --- */

static void locked_database_is_busy(void)
{
	struct fixture f;
	const char *path = begin_world(&f), *theirs = fixture_path(&f, "theirs");
	struct writer writer = writer_start(path);
	struct foreign *foreign = NULL;
	struct str before;
	struct err err;

	IS_INT(run(&writer, "PRAGMA journal_mode = WAL;" GOOD_TABLE), SQLITE_OK);
	IS_INT(run(&writer, "PRAGMA locking_mode = EXCLUSIVE; INSERT INTO good VALUES(2, 'two')"),
		SQLITE_OK);
	before = picture(&f, theirs);
	FAILS(open_good(&foreign, path, &err), ERR_BUSY);
	same(&f, theirs, before);
	IS_INT(run(&writer, "PRAGMA locking_mode = NORMAL; SELECT count(*) FROM good"), SQLITE_OK);
	IS_INT(count_good(path, FOREIGN_LIVE), 2);
	writer_end(&writer, false);
	fixture_end(&f);
}

static void damage_is_told(void)
{
	struct fixture f;
	const char *path = begin_world(&f), *theirs = fixture_path(&f, "theirs");
	struct foreign *foreign = NULL;
	struct str before;
	struct err err;

	FAILS(open_good(&foreign, path, &err), ERR_NOT_FOUND);
	FAILS(open_good(&foreign, theirs, &err), ERR_CORRUPT);
	GOOD(fs_write_atomic(path,
		STR("this is not a database, by far, and never will be one at all, "
		    "however long one looks at it; yes, really"),
		0644, &err));
	before = picture(&f, theirs);
	FAILS(open_good(&foreign, path, &err), ERR_CORRUPT);
	same(&f, theirs, before);
	OK(unlink(path) == 0);
	make(path, "PRAGMA page_size = 512; CREATE TABLE good(a INTEGER, b TEXT);"
		   "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
		   "INSERT INTO good SELECT i, 'some text' FROM n");
	for (long page = 1; page < 8; page++)
		for (long at = 0; at < 16; at++)
			fixture_poke(path, page * 512 + at, 0xee);
	before = picture(&f, theirs);
	GOOD(open_good(&foreign, path, &err));
	IS_INT(number(foreign, "SELECT max(b) FROM good", &err), ERR_CORRUPT);
	foreign_close(foreign);
	OK(truncate(path, 700) == 0);
	OK(open_good(&foreign, path, &err) == ERR_CORRUPT ||
		number(foreign, "SELECT max(b) FROM good", &err) == ERR_CORRUPT);
	foreign_close(foreign);
	fixture_end(&f);
}

static void empty_file_is_an_unknown_schema(void)
{
	struct fixture f;
	const char *path = begin_world(&f);
	CLEANUP(foreign_closep) struct foreign *foreign = NULL;
	struct err err;

	GOOD(fs_write_atomic(path, STR(""), 0644, &err));
	GOOD(open_good(&foreign, path, &err));
	IS_INT(number(foreign, COUNT_SQL, &err), ERR_VERSION);
	OK(strncmp(err.message, "unknown_schema:", 15) == 0);
	fixture_end(&f);
}

static void only_listed_tables_can_be_read(void)
{
	static const char *const refused[] = { "SELECT value FROM secret",
		"SELECT count(*) FROM sqlite_schema", "SELECT a FROM good, secret",
		"SELECT a FROM good WHERE b = (SELECT value FROM secret)",
		"SELECT v FROM looks_good", "SELECT quote(b) FROM good",
		"SELECT load_extension('x')", "PRAGMA table_info(secret)",
		"PRAGMA journal_mode = DELETE", "PRAGMA wal_checkpoint",
		"PRAGMA writable_schema = 1", "DELETE FROM good", "INSERT INTO good VALUES(1, 2)",
		"CREATE TABLE x(y)", "ATTACH 'x' AS y", "VACUUM", "SELECT missing FROM good",
		"SELECT a FROM missing" };
	struct fixture f;
	const char *path = begin_world(&f), *theirs = fixture_path(&f, "theirs");
	static const char *const both[] = { "good", "looks_good", NULL };
	struct foreign_options options = { .path = path, .tables = both };
	CLEANUP(foreign_closep) struct foreign *foreign = NULL;
	struct str before;
	struct err err;
	bool present[3];

	make(path, GOOD_TABLE "CREATE TABLE secret(value TEXT); INSERT INTO secret VALUES('never');"
			      "CREATE VIEW looks_good AS SELECT value AS v FROM secret");
	before = picture(&f, theirs);
	GOOD(foreign_open(&foreign, &options, &err));
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (!IS_INT(number(foreign, refused[i], &err), ERR_VERSION))
			printf("# %s\n", refused[i]);
	IS_INT(number(foreign, "SELECT max(length(b)) FROM good", &err), 3);
	GOOD(foreign_columns(foreign, "PRAGMA table_info(good)",
		(const char *const[]){ "a", "c", "b" }, 3, present, &err));
	OK(present[0] && !present[1] && present[2]);
	same(&f, theirs, before);
	fixture_end(&f);
}

/* As another user, for whom the directory is not writable. */
static void child_reads(const char *path, enum foreign_way way, int64_t want)
{
	struct foreign *foreign = NULL;
	struct err err = { 0 };

	if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
		_exit(2);
	if (open_good(&foreign, path, &err) < 0 || foreign_way(foreign) != way ||
		number(foreign, COUNT_SQL, &err) != want || foreign_check(foreign, &err) < 0) {
		printf("# %s\n", err.message);
		fflush(stdout);
		_exit(1);
	}
	_exit(0);
}

static int read_as_other(const char *path, enum foreign_way way, int64_t want)
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		child_reads(path, way, want);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void read_only_directory(void)
{
	struct fixture f;
	const char *path = begin_world(&f), *theirs = fixture_path(&f, "theirs");
	struct writer writer;
	struct str before;

	chmod(f.dir, 0755);
	chmod(fixture_path(&f, "run"), 0777);
	make(path, "PRAGMA journal_mode = WAL;" GOOD_TABLE);
	chmod(theirs, 0555);
	before = picture(&f, theirs);
	IS_INT(read_as_other(path, FOREIGN_IMMUTABLE, 1), 0);
	same(&f, theirs, before);
	chmod(theirs, 0755);
	writer = writer_start(path);
	IS_INT(run(&writer, "INSERT INTO good VALUES(2, 'two')"), SQLITE_OK);
	chmod(theirs, 0555);
	before = picture(&f, theirs);
	IS_INT(read_as_other(path, FOREIGN_LIVE, 2), 0);
	same(&f, theirs, before);
	writer_end(&writer, true);
	chmod(theirs, 0755);
	OK(unlink(arena_printf(&f.arena, "%s-shm", path).ptr) == 0);
	chmod(theirs, 0555);
	before = picture(&f, theirs);
	IS_INT(read_as_other(path, FOREIGN_COPY, 2), 0);
	same(&f, theirs, before);
	IS_INT(files_in(fixture_path(&f, "run")), 0);
	chmod(theirs, 0755);
	fixture_end(&f);
}

static void odd_names(void)
{
	static const char *const names[] = { "a b.db", "100%.db", "what?.db", "no#1.db", "%41.db" };
	struct fixture f;

	begin_world(&f);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *path = arena_printf(&f.arena, "%s/theirs/%s", f.dir, names[i]).ptr;

		make(path, GOOD_TABLE);
		IS_INT(count_good(path, FOREIGN_IMMUTABLE), 1);
	}
	IS_INT(count_good(
		       arena_printf(&f.arena, "/%s/theirs/a b.db", f.dir).ptr, FOREIGN_IMMUTABLE),
		1);
	fixture_end(&f);
}

static const struct tap_case cases[] = {
	TAP_CASE(copies_are_private_and_leave_nothing),
	TAP_CASE(too_large_to_copy),
	TAP_CASE(copy_goes_where_there_is_room),
	TAP_CASE(left_copies_are_removed),
	TAP_CASE(locked_database_is_busy),
	TAP_CASE(damage_is_told),
	TAP_CASE(empty_file_is_an_unknown_schema),
	TAP_CASE(only_listed_tables_can_be_read),
	TAP_CASE(read_only_directory),
	TAP_CASE(odd_names),
};
TAP_MAIN(cases)
