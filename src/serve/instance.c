/* The one daemon of a store; see instance.h for the files. */
#include "serve/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/time.h"

enum {
	TAKE_MS = 1000, /* others hold the lock for a moment, to look */
	LOOK_MS = 5,
	LOOKS = 100,
	FILE_BYTES = 4096,
	STATE_BYTES = 1 << 20,
};

struct instance_paths instance_paths(
	struct arena *arena, const struct fs_dirs *dirs, const char *store_path)
{
	CLEANUP(mem_freep) char *real = realpath(store_path, NULL);
	struct str path = str_from(real ? real : store_path), name = path;
	const char *slash = strrchr(path.ptr, '/'), *dir = ".", *stem = "";

	if (slash) {
		dir = slash == path.ptr
			      ? "/"
			      : arena_cstr(arena, str_sub(path, 0, (size_t)(slash - path.ptr)));
		name = str_from(slash + 1);
	}
	if (!str_eq_c(name, "tt.db"))
		stem = arena_printf(arena, ".%.*s", STR_ARG(name)).ptr;
	return (struct instance_paths){
		.lock = fs_join(arena, dir, arena_printf(arena, "%s.daemon.lock", stem).ptr),
		.state = fs_join(arena, dir, arena_printf(arena, "%s.daemon.json", stem).ptr),
		.pause = fs_join(arena, dirs->data, ".paused"),
		.log = fs_join(arena, dirs->state, "daemon.log"),
	};
}

static int lock_file(int fd, int how)
{
	int rc;

	do
		rc = flock(fd, how | LOCK_NB);
	while (rc < 0 && errno == EINTR);
	return rc;
}

static bool is_process(int64_t pid)
{
	return pid > 0 && pid <= INT_MAX && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

/* False: nothing, or not yet all, stands there, or what a daemon left that is gone. */
static bool read_lock(const char *path, struct arena *arena, struct instance *out)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct json_parser parser = { 0 };
	const struct json *root;
	struct err ignored;
	bool whole = false;

	if (fs_read(path, FILE_BYTES, &text, &ignored) == 0 &&
		json_parse(&parser, buf_str(&text), false, &root, &ignored) == 0) {
		whole = json_get_i64(root, "pid", &out->pid) && is_process(out->pid) &&
			time_parse(json_get_str(root, "started"), &out->started_ns, &ignored) == 0;
		out->version = arena_str(arena, json_get_str(root, "version"));
	}
	json_parser_release(&parser);
	return whole;
}

int instance_find(const struct instance_paths *paths, struct arena *arena, struct instance *out,
	struct err *err)
{
	CLEANUP(fs_closep) int fd = open(paths->lock, O_RDONLY | O_CLOEXEC);

	*out = (struct instance){ .started_ns = INT64_MIN };
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : err_sys(err, "cannot open '%s'", paths->lock);
	for (int look = 0; look < LOOKS; look++) {
		/* Shared: those who look do not take each other for a daemon. */
		if (lock_file(fd, LOCK_SH) == 0)
			return 0;
		if (errno != EWOULDBLOCK)
			return err_sys(err, "cannot lock '%s'", paths->lock);
		out->running = true;
		if (read_lock(paths->lock, arena, out))
			return 0;
		clock_sleep_ms(LOOK_MS); /* it is about to write */
		*out = (struct instance){ .started_ns = INT64_MIN };
	}
	out->running = true;
	return 0;
}

static int write_lock(const char *path, int fd, struct err *err)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct json_writer json = json_writer(&text);
	char started[TIME_TEXT_BYTES];

	json_begin_object(&json);
	json_kv_i64(&json, "pid", getpid());
	json_kv_str(&json, "started", str_from(time_format(clock_now_ns(), 3, started)));
	json_kv_str(&json, "version", STR(TT_VERSION));
	json_end_object(&json);
	buf_byte(&text, '\n');
	if (ftruncate(fd, 0) < 0)
		return err_sys(err, "cannot write '%s'", path);
	return fs_write_all(fd, path, buf_str(&text), err);
}

static int busy(const struct instance_paths *paths, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct instance other;

	if (instance_find(paths, &arena, &other, err) == 0 && other.running)
		return err_set(err, ERR_BUSY, "a daemon runs already for this store (process %lld)",
			(long long)other.pid);
	return err_set(err, ERR_BUSY, "another process holds '%s'", paths->lock);
}

int instance_take(const struct instance_paths *paths, int *lock, struct err *err)
{
	int rc = fs_lock(paths->lock, TAKE_MS, lock, err);

	if (rc == ERR_BUSY)
		return busy(paths, err);
	if (rc == 0)
		rc = write_lock(paths->lock, *lock, err);
	if (rc < 0)
		fs_closep(lock);
	return rc;
}

bool instance_holds(const struct instance_paths *paths, int lock)
{
	struct stat ours, found;

	return fstat(lock, &ours) == 0 && stat(paths->lock, &found) == 0 &&
	       ours.st_dev == found.st_dev && ours.st_ino == found.st_ino;
}

void instance_leave(const struct instance_paths *paths, int *lock)
{
	/* The files are only of use while somebody runs. The lock itself stays: a file that is
	 * deleted could be locked by two. */
	if (instance_holds(paths, *lock)) {
		unlink(paths->state);
		if (ftruncate(*lock, 0) < 0)
			unlink(paths->lock); /* cannot be: it was written through this descriptor */
	}
	fs_closep(lock);
}

int instance_write_state(const struct instance_paths *paths, struct str json, struct err *err)
{
	CLEANUP(buf_release) struct buf temporary = BUF_INIT;
	CLEANUP(fs_closep) int fd = -1;
	const char *name;
	int rc;

	buf_printf(&temporary, "%s.tmp", paths->state);
	name = buf_cstr(&temporary); /* there is one daemon: nobody else writes it */
	fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, "cannot write '%s'", paths->state);
	rc = fs_write_all(fd, name, json, err);
	if (rc == 0 && rename(name, paths->state) < 0)
		rc = err_sys(err, "cannot replace '%s'", paths->state);
	if (rc < 0)
		unlink(name);
	return rc;
}

const struct json *instance_read_state(
	const struct instance_paths *paths, struct json_parser *parser, struct buf *text)
{
	const struct json *root;
	struct err ignored;

	buf_clear(text);
	if (fs_read(paths->state, STATE_BYTES, text, &ignored) < 0 ||
		json_parse(parser, buf_str(text), false, &root, &ignored) < 0)
		return NULL;
	return root;
}

bool instance_paused(const struct instance_paths *paths)
{
	return fs_exists(paths->pause);
}

int instance_pause(const struct instance_paths *paths, bool pause, bool *changed, struct err *err)
{
	*changed = instance_paused(paths) != pause;
	if (!*changed)
		return 0;
	if (pause)
		return fs_write_atomic(paths->pause, STR(""), 0600, err);
	if (unlink(paths->pause) < 0 && errno != ENOENT)
		return err_sys(err, "cannot remove '%s'", paths->pause);
	return 0;
}
