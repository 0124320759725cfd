/* What the tests of foreign databases share: the other program, as a process of its own, and what
 * lies in its directory. */
#ifndef TT_TESTS_STORE_FOREIGN_FIXTURE_H
#define TT_TESTS_STORE_FOREIGN_FIXTURE_H

#include <dirent.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include "base/hash.h"
#include "base/time.h"
#include "store/foreign/statement.h"
#include "store_fixture.h"

static const char *const tables[] = { "good", NULL };

/* --- the other program --- */

/* A process that runs SQL lines from a pipe on one connection and answers each with its result
 * code. */
struct writer {
	pid_t pid;
	int to, from;
};

__attribute__((unused)) static void serve(const char *path, int from, int to)
{
	sqlite3 *db;
	char sql[4096];
	ssize_t got;

	if (sqlite3_open(path, &db) != SQLITE_OK)
		_exit(3);
	while ((got = read(from, sql, sizeof(sql) - 1)) > 0) {
		int rc;

		sql[got] = '\0';
		rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
		if (write(to, &rc, sizeof(rc)) != sizeof(rc))
			break;
	}
	sqlite3_close(db);
	_exit(0);
}

__attribute__((unused)) static struct writer writer_start(const char *path)
{
	int down[2], up[2];
	struct writer writer = { 0 };

	if (pipe(down) < 0 || pipe(up) < 0)
		exit(99);
	fflush(stdout);
	writer.pid = fork();
	if (writer.pid == 0) {
		close(down[1]);
		close(up[0]);
		serve(path, down[0], up[1]);
	}
	close(down[0]);
	close(up[1]);
	writer.to = down[1];
	writer.from = up[0];
	return writer;
}

__attribute__((unused)) static int run(struct writer *writer, const char *sql)
{
	int rc = -1;

	if (write(writer->to, sql, strlen(sql)) < 0 ||
		read(writer->from, &rc, sizeof(rc)) != sizeof(rc))
		return -1;
	return rc;
}

/* KILL: as a crash, leaving what it has. */
__attribute__((unused)) static void writer_end(struct writer *writer, bool kill_it)
{
	if (kill_it)
		kill(writer->pid, SIGKILL);
	close(writer->to);
	close(writer->from);
	waitpid(writer->pid, NULL, 0);
}

#define GOOD_TABLE "CREATE TABLE good(a INTEGER, b TEXT); INSERT INTO good VALUES(1, 'one');"

__attribute__((unused)) static void make(const char *path, const char *sql)
{
	struct writer writer = writer_start(path);

	IS_INT(run(&writer, sql), SQLITE_OK);
	writer_end(&writer, false);
}

/* --- what is there --- */

__attribute__((unused)) static int not_dots(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

/* Names, sizes, times and hashes of all files in DIR. */
__attribute__((unused)) static struct str picture(struct fixture *f, const char *dir)
{
	struct buf out = BUF_INIT;
	struct dirent **names;
	int count = scandir(dir, &names, not_dots, alphasort);
	struct str copy;

	for (int i = 0; i < count; i++) {
		CLEANUP(buf_release) struct buf bytes = BUF_INIT;
		const char *path = arena_printf(&f->arena, "%s/%s", dir, names[i]->d_name).ptr;
		struct stat status;
		struct err err;

		if (stat(path, &status) == 0 && S_ISREG(status.st_mode) &&
			GOOD(fs_read(path, 64 << 20, &bytes, &err)))
			buf_printf(&out, "%s %zu %lld.%09ld %016llx\n", names[i]->d_name, bytes.len,
				(long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
				(unsigned long long)hash64(buf_str(&bytes), 0));
		free(names[i]);
	}
	if (count >= 0)
		free(names);
	copy = arena_str(&f->arena, buf_str(&out));
	buf_release(&out);
	return copy;
}

__attribute__((unused)) static void same(struct fixture *f, const char *dir, struct str before)
{
	struct str now = picture(f, dir);

	if (!OK(str_eq(now, before)))
		printf("# before:\n%.*s\n# now:\n%.*s\n", STR_ARG(before), STR_ARG(now));
}

__attribute__((unused)) static size_t files_in(const char *dir)
{
	struct dirent **names;
	int count = scandir(dir, &names, not_dots, alphasort);

	for (int i = 0; i < count; i++)
		free(names[i]);
	if (count >= 0)
		free(names);
	return count > 0 ? (size_t)count : 0;
}

/* A directory for the foreign database, and one for copies. */
static const char *begin_world(struct fixture *f)
{
	fixture_begin(f);
	mkdir(fixture_path(f, "theirs"), 0755);
	mkdir(fixture_path(f, "run"), 0700);
	setenv("XDG_RUNTIME_DIR", fixture_path(f, "run"), 1);
	return fixture_path(f, "theirs/x.db");
}

__attribute__((unused)) static int open_good(
	struct foreign **out, const char *path, struct err *err)
{
	const struct foreign_options options = { .path = path, .tables = tables, .busy_ms = 50 };

	return foreign_open(out, &options, err);
}

__attribute__((unused)) static int64_t number(
	struct foreign *foreign, const char *sql, struct err *err)
{
	CLEANUP(foreign_donep) sqlite3_stmt *stmt = NULL;
	int rc = foreign_prepare(foreign, sql, &stmt, err);

	if (rc == 0)
		rc = foreign_step(foreign, stmt, err);
	return rc > 0 ? sqlite3_column_int64(stmt, 0) : rc;
}

#define COUNT_SQL "SELECT count(a) FROM good"

__attribute__((unused)) static int64_t count_good(const char *path, enum foreign_way way)
{
	CLEANUP(foreign_closep) struct foreign *foreign = NULL;
	struct err err = { 0 };
	int64_t out;

	if (!GOOD(open_good(&foreign, path, &err)))
		return -1;
	IS_INT(foreign_way(foreign), way);
	out = number(foreign, COUNT_SQL, &err);
	GOOD(foreign_check(foreign, &err));
	return out;
}

#endif
