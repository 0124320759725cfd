/*
 * Private copies of databases whose log cannot be read where they are.
 *
 * A copy lives in a directory of its own that only this user may enter, and only until SQLite has
 * opened it. The directory is locked as long as its maker lives: what a killed process has left is
 * removed by the next one that looks into the same place.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/time.h"
#include "model/limits.h"
#include "store/foreign/statement.h"

#define PREFIX "tt-foreign-"

enum { CHUNK_BYTES = 1 << 20, RUNTIME_BYTES = 64 << 20 };

static const char *const parts[] = { "", "-wal", "-journal" };
/* What SQLite may have made beside them. */
static const char *const names[] = { "db", "db-wal", "db-journal", "db-shm" };

struct foreign_file foreign_file_of(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return (struct foreign_file){ 0 };
	return (struct foreign_file){
		.device = (uint64_t)status.st_dev,
		.inode = (uint64_t)status.st_ino,
		.size = status.st_size,
		.mtime_ns = (int64_t)status.st_mtim.tv_sec * NS_PER_S + status.st_mtim.tv_nsec,
		.ctime_ns = (int64_t)status.st_ctim.tv_sec * NS_PER_S + status.st_ctim.tv_nsec,
	};
}

bool foreign_file_same(const struct foreign_file *a, const struct foreign_file *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* --- directories --- */

static void remove_dir(int at, const char *name)
{
	CLEANUP(fs_closep)
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	for (size_t i = 0; i < ARRAY_LEN(names) && fd >= 0; i++)
		unlinkat(fd, names[i], 0);
	unlinkat(at, name, AT_REMOVEDIR);
}

static void close_dirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* Of processes that are no more. */
static void sweep(const char *parent)
{
	CLEANUP(close_dirp) DIR *dir = opendir(parent);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		CLEANUP(fs_closep) int fd = -1;
		struct stat status;

		if (!str_starts(str_from(entry->d_name), STR(PREFIX)))
			continue;
		fd = openat(
			dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && fstat(fd, &status) == 0 && status.st_uid == geteuid() &&
			flock(fd, LOCK_EX | LOCK_NB) == 0)
			remove_dir(dirfd(dir), entry->d_name);
	}
}

static bool has_room(const char *parent, int64_t bytes)
{
	struct statvfs status;

	if (access(parent, W_OK | X_OK) < 0 || statvfs(parent, &status) < 0)
		return false;
	/* What is left must not be all: others live there too. */
	return (uint64_t)bytes + (uint64_t)bytes / 4 <
	       (uint64_t)status.f_bavail * (uint64_t)status.f_frsize;
}

/* A fresh directory below PARENT, locked. */
static int make_dir(struct foreign_copy *copy, const char *parent, struct err *err)
{
	int length = snprintf(copy->dir, sizeof(copy->dir), "%s/" PREFIX "XXXXXX", parent);

	if (length < 0 || (size_t)length >= sizeof(copy->dir)) {
		copy->dir[0] = '\0';
		return err_set(err, ERR_LIMIT, "the path '%s' is too long for a copy", parent);
	}
	sweep(parent);
	if (!mkdtemp(copy->dir)) {
		copy->dir[0] = '\0';
		return err_sys(err, "cannot make a directory in '%s'", parent);
	}
	snprintf(copy->db, sizeof(copy->db), "%s/db", copy->dir);
	copy->lock = open(copy->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (copy->lock < 0 || flock(copy->lock, LOCK_EX | LOCK_NB) < 0)
		return err_sys(err, "cannot lock '%s'", copy->dir);
	/* Between its making and its locking another process may have taken it for a left one. */
	return fs_exists(copy->dir) ? 0 : err_set(err, ERR_BUSY, "'%s' was removed", copy->dir);
}

static int find_place(struct foreign_copy *copy, const struct foreign_options *options,
	int64_t bytes, struct err *err)
{
	/* The first one is memory. */
	const char *places[] = { bytes <= RUNTIME_BYTES ? getenv("XDG_RUNTIME_DIR") : NULL,
		options->state_dir, getenv("TMPDIR"), "/tmp" };

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (places[i] && places[i][0] == '/' && has_room(places[i], bytes))
			return make_dir(copy, places[i], err);
	return err_set(err, ERR_FULL,
		"database '%s' has to be copied to be read, and there is no room for %lld bytes",
		options->path, (long long)bytes);
}

/* --- files --- */

static int copy_bytes(int from, int to, const char *path, struct err *err)
{
	CLEANUP(buf_release) struct buf chunk = BUF_INIT;
	ssize_t got;

	for (;;) {
		buf_clear(&chunk);
		do
			got = read(from, buf_reserve(&chunk, CHUNK_BYTES), CHUNK_BYTES);
		while (got < 0 && errno == EINTR);
		if (got < 0)
			return err_sys(err, "cannot read '%s'", path);
		if (got == 0)
			return 0;
		chunk.len = (size_t)got;
		if (fs_write_all(to, "a private copy", buf_str(&chunk), err) < 0)
			return err->code;
	}
}

static int copy_file(const char *from_path, const char *to_path, struct err *err)
{
	CLEANUP(fs_closep) int from = open(from_path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	CLEANUP(fs_closep) int to = -1;

	if (from < 0)
		return errno == ENOENT ? err_set(err, ERR_BUSY, "'%s' is gone", from_path)
				       : err_sys(err, "cannot open '%s'", from_path);
	to = open(to_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to < 0)
		return err_sys(err, "cannot make '%s'", to_path);
	return copy_bytes(from, to, from_path, err);
}

struct part {
	struct buf path;
	struct foreign_file before;
};

static void parts_release(struct part (*all)[ARRAY_LEN(parts)])
{
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		buf_release(&(*all)[i].path);
}

static int copy_parts(const struct foreign_copy *copy, const struct part *all, struct err *err)
{
	CLEANUP(buf_release) struct buf to = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		buf_clear(&to);
		buf_printf(&to, "%s%s", copy->db, parts[i]);
		if (all[i].before.size > 0 &&
			copy_file(buf_cstr(&all[i].path), buf_cstr(&to), err) < 0)
			return err->code;
	}
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		struct foreign_file now = foreign_file_of(buf_cstr(&all[i].path));

		if (!foreign_file_same(&now, &all[i].before))
			return err_set(err, ERR_BUSY, "'%s' was changed while it was copied",
				buf_cstr(&all[i].path));
	}
	return 0;
}

int foreign_copy_make(
	struct foreign_copy *copy, const struct foreign_options *options, struct err *err)
{
	CLEANUP(parts_release) struct part all[ARRAY_LEN(parts)] = { 0 };
	int64_t limit = options->copy_limit_bytes > 0 ? options->copy_limit_bytes
						      : (int64_t)LIMIT_FOREIGN_COPY_BYTES;
	int64_t bytes = 0;

	*copy = (struct foreign_copy){ .lock = -1 };
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		buf_printf(&all[i].path, "%s%s", options->path, parts[i]);
		all[i].before = foreign_file_of(buf_cstr(&all[i].path));
		bytes += all[i].before.size;
	}
	if (bytes > limit)
		return err_set(err, ERR_LIMIT,
			"database '%s' cannot be read where it is (its log lies there without its index) and is too large to be copied: %lld bytes, the limit is %lld; it can be read while its program runs, or after that has ended properly",
			options->path, (long long)bytes, (long long)limit);
	if (find_place(copy, options, bytes, err) < 0 || copy_parts(copy, all, err) < 0) {
		foreign_copy_remove(copy);
		return err->code;
	}
	return 0;
}

void foreign_copy_remove(struct foreign_copy *copy)
{
	if (copy->dir[0] != '\0')
		remove_dir(AT_FDCWD, copy->dir);
	copy->dir[0] = '\0';
	fs_closep(&copy->lock);
}
