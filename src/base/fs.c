/*
 * Files and directories. A file is published only when its bytes are on disk: it is written under a
 * temporary name in the same directory, fsynced, then renamed over the old one (fs_write_atomic) or
 * linked to the new name, which fails if that exists (fs_create_atomic). So a reader sees the old
 * content or the new, never a part, also after a power cut.
 */
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rng.h"

enum {
	READ_CHUNK_BYTES = 64 << 10,
	LOCK_FIRST_PAUSE_MS = 1,
	LOCK_LONGEST_PAUSE_MS = 32,
	PASSWD_BYTES = 16 << 10,
};

void fs_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int open_retry(const char *path, int flags, mode_t mode)
{
	int fd;

	do
		fd = open(path, flags | O_CLOEXEC, mode);
	while (fd < 0 && errno == EINTR);
	return fd;
}

/* One read into OUT of at most WANT bytes: their count, 0 at the end, or -1. */
static ssize_t read_some(int fd, size_t want, struct buf *out)
{
	char *to = buf_reserve(out, want);
	ssize_t got;

	do
		got = read(fd, to, want);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		out->len += (size_t)got;
	out->ptr[out->len] = '\0';
	return got;
}

/* Regular files are read in one go: their size and a byte, which shows that the end is reached. */
static size_t first_read_bytes(int fd, size_t limit_bytes)
{
	struct stat status;
	size_t bytes = READ_CHUNK_BYTES;

	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0)
		bytes = (size_t)status.st_size + 1;
	return bytes <= limit_bytes ? bytes : limit_bytes + 1;
}

int fs_read(const char *path, size_t limit_bytes, struct buf *out, struct err *err)
{
	CLEANUP(fs_closep) int fd = open_retry(path, O_RDONLY, 0);
	size_t before = out->len, want;
	ssize_t got;
	int failed = 0;

	if (fd < 0)
		return err_sys(err, "cannot open '%s'", path);
	want = first_read_bytes(fd, limit_bytes < SIZE_MAX ? limit_bytes : SIZE_MAX - 1);
	while ((got = read_some(fd, want, out)) > 0 && out->len - before <= limit_bytes) {
		size_t spare = out->cap - out->len - 1;

		want = spare > 0 ? spare : READ_CHUNK_BYTES;
	}
	if (got < 0)
		failed = err_sys(err, "cannot read '%s'", path);
	else if (out->len - before > limit_bytes)
		failed =
			err_set(err, ERR_LIMIT, "'%s' is larger than %zu bytes", path, limit_bytes);
	if (failed) {
		out->len = before;
		out->ptr[before] = '\0';
	}
	return failed;
}

int fs_write_all(int fd, const char *path, struct str content, struct err *err)
{
	while (content.len > 0) {
		ssize_t put = write(fd, content.ptr, content.len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return err_sys(err, "cannot write '%s'", path);
		content.ptr += put;
		content.len -= (size_t)put;
	}
	return 0;
}

int fs_sync_dir(const char *path, struct err *err)
{
	CLEANUP(fs_closep) int fd = open_retry(path, O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0)
		return err_sys(err, "cannot open the directory '%s'", path);
	/* EINVAL: a file system (some network ones) that does not sync directories; its renames are
	 * as durable as it makes them. */
	if (fsync(fd) < 0 && errno != EINVAL)
		return err_sys(err, "cannot sync the directory '%s'", path);
	return 0;
}

/* The directory that holds PATH, in OUT: "/" and "." where none is written, no trailing slash. */
static const char *parent_of(struct buf *out, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		buf_addc(out, ".");
	else
		buf_add(out, (struct str){ path, slash == path ? 1 : (size_t)(slash - path) });
	return buf_cstr(out);
}

static int fill_and_sync(int fd, const char *path, struct str content, struct err *err)
{
	int result = fs_write_all(fd, path, content, err);

	if (result == 0 && fsync(fd) < 0)
		result = err_sys(err, "cannot sync '%s'", path);
	return result;
}

/*
 * CONTENT on disk in a new file with a random name in DIR; the name is left in TEMPORARY. Errors
 * name PATH, which the caller knows. close(2) is checked: network file systems report there what
 * they could not store.
 */
static int write_temporary(const char *dir, const char *path, struct str content, mode_t mode,
	struct buf *temporary, struct err *err)
{
	const char *name;
	int fd, result;

	buf_printf(temporary, "%s/.tt-%016" PRIx64 ".tmp", dir, rng_u64());
	name = buf_cstr(temporary);
	fd = open_retry(name, O_WRONLY | O_CREAT | O_EXCL, mode);
	if (fd < 0)
		return err_sys(err, "cannot create a temporary file beside '%s'", path);
	result = fill_and_sync(fd, path, content, err);
	if (close(fd) < 0 && result == 0 && errno != EINTR)
		result = err_sys(err, "cannot close '%s'", path);
	if (result < 0)
		unlink(name);
	return result;
}

int fs_write_atomic(const char *path, struct str content, mode_t mode, struct err *err)
{
	CLEANUP(buf_release) struct buf dir = BUF_INIT, temporary = BUF_INIT;
	int result = write_temporary(parent_of(&dir, path), path, content, mode, &temporary, err);

	if (result < 0)
		return result;
	if (rename(buf_cstr(&temporary), path) < 0) {
		result = err_sys(err, "cannot replace '%s'", path);
		unlink(buf_cstr(&temporary));
		return result;
	}
	return fs_sync_dir(buf_cstr(&dir), err);
}

int fs_create_atomic(const char *path, struct str content, mode_t mode, struct err *err)
{
	CLEANUP(buf_release) struct buf dir = BUF_INIT, temporary = BUF_INIT;
	int result = write_temporary(parent_of(&dir, path), path, content, mode, &temporary, err);

	if (result < 0)
		return result;
	if (link(buf_cstr(&temporary), path) < 0)
		result = err_sys(err, "cannot create '%s'", path);
	unlink(buf_cstr(&temporary));
	return result < 0 ? result : fs_sync_dir(buf_cstr(&dir), err);
}

static bool is_dir(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* What mkdir says of a directory that exists differs (EEXIST, EROFS, EACCES on an automount):
 * looking decides. */
static int make_dir(const char *path, mode_t mode, struct err *err)
{
	int fault;

	if (mkdir(path, mode) == 0)
		return 0;
	fault = errno;
	if (is_dir(path))
		return 0;
	errno = fault == EEXIST ? ENOTDIR : fault;
	return err_sys(err, "cannot create the directory '%s'", path);
}

int fs_make_dirs(const char *path, mode_t mode, struct err *err)
{
	CLEANUP(buf_release) struct buf prefix = BUF_INIT;
	const char *at = path;

	if (*path == '\0')
		return err_set(err, ERR_NOT_FOUND, "cannot create a directory without a name");
	at += strspn(at, "/");
	while (*at) {
		at += strcspn(at, "/");
		buf_clear(&prefix);
		buf_add(&prefix, (struct str){ path, (size_t)(at - path) });
		if (make_dir(buf_cstr(&prefix), mode, err) < 0)
			return err->code;
		at += strspn(at, "/");
	}
	return 0;
}

bool fs_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

const char *fs_join(struct arena *arena, const char *dir, const char *name)
{
	struct str head = str_from(dir);
	bool slash = head.len > 0 && !str_ends(head, STR("/"));

	return arena_printf(arena, "%s%s%s", dir, slash ? "/" : "", name).ptr;
}

/* 0, ERR_BUSY while somebody else holds it, or another error. */
static int try_lock(int fd, const char *path, struct err *err)
{
	int result;

	do
		result = flock(fd, LOCK_EX | LOCK_NB);
	while (result < 0 && errno == EINTR);
	if (result == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return err_set(err, ERR_BUSY, "'%s' is locked by another process", path);
	return err_sys(err, "cannot lock '%s'", path);
}

int fs_lock(const char *path, int64_t wait_ms, int *fd, struct err *err)
{
	CLEANUP(fs_closep) int file = open_retry(path, O_RDWR | O_CREAT, 0600);
	int64_t start_ns = clock_monotonic_ns(), pause_ms = LOCK_FIRST_PAUSE_MS;
	int result;

	*fd = -1;
	if (file < 0)
		return err_sys(err, "cannot open the lock '%s'", path);
	while ((result = try_lock(file, path, err)) == ERR_BUSY) {
		int64_t left_ms = wait_ms - (clock_monotonic_ns() - start_ns) / 1000000;

		if (left_ms <= 0)
			return result;
		clock_sleep_ms(pause_ms < left_ms ? pause_ms : left_ms);
		if (pause_ms < LOCK_LONGEST_PAUSE_MS)
			pause_ms *= 2;
	}
	if (result < 0)
		return result;
	*fd = file;
	file = -1;
	return 0;
}

/* From HOME, else from the user database; NULL when neither tells an absolute path. */
static const char *home_of_user(struct arena *arena)
{
	const char *home = getenv("HOME");
	struct passwd entry, *found = NULL;

	if (home && home[0] == '/')
		return arena_cstr(arena, str_from(home));
	if (getpwuid_r(geteuid(), &entry, arena_alloc(arena, PASSWD_BYTES), PASSWD_BYTES, &found) !=
		0)
		return NULL;
	return found && found->pw_dir && found->pw_dir[0] == '/' ? found->pw_dir : NULL;
}

static const char *xdg_dir(
	struct arena *arena, const char *variable, const char *home, const char *standard)
{
	const char *base = getenv(variable);

	if (!base || base[0] != '/')
		base = fs_join(arena, home, standard);
	return fs_join(arena, base, "tt");
}

int fs_dirs(struct arena *arena, struct fs_dirs *out, struct err *err)
{
	const char *home = home_of_user(arena);

	if (!home)
		return err_set(err, ERR_NOT_FOUND,
			"no home directory: HOME is not set and the user database has none for user %ju",
			(uintmax_t)geteuid());
	out->home = home;
	out->config = xdg_dir(arena, "XDG_CONFIG_HOME", home, ".config");
	out->data = xdg_dir(arena, "XDG_DATA_HOME", home, ".local/share");
	out->state = xdg_dir(arena, "XDG_STATE_HOME", home, ".local/state");
	return 0;
}
