/* Files and directories. Paths are C strings; every error names the path. */
#ifndef TT_BASE_FS_H
#define TT_BASE_FS_H

#include <sys/stat.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

/* For CLEANUP(fs_closep) int fd = -1. */
void fs_closep(int *fd);

/* Append the whole file to OUT; ERR_LIMIT beyond LIMIT_BYTES, ERR_NOT_FOUND. */
MUST_USE int fs_read(const char *path, size_t limit_bytes, struct buf *out, struct err *err);
/*
 * Replace PATH atomically and durably: temporary file beside it, fsync, rename, fsync of the
 * directory. With MODE, less the umask, as open(2). A symbolic link is replaced, not followed. On
 * failure the old content stays and no temporary file is left.
 */
MUST_USE int fs_write_atomic(const char *path, struct str content, mode_t mode, struct err *err);
/* The same, but ERR_EXISTS if PATH is there already, also when two processes race: exactly one
 * wins. */
MUST_USE int fs_create_atomic(const char *path, struct str content, mode_t mode, struct err *err);
/* mkdir -p, new directories with MODE, less the umask. */
MUST_USE int fs_make_dirs(const char *path, mode_t mode, struct err *err);
/* All of COUNT bytes, repeating after short writes and EINTR. */
MUST_USE int fs_write_all(int fd, const char *path, struct str content, struct err *err);
bool fs_exists(const char *path);
/* DIR/NAME in the arena. */
const char *fs_join(struct arena *arena, const char *dir, const char *name);
/* fsync of a directory, so that a rename in it is durable. */
MUST_USE int fs_sync_dir(const char *path, struct err *err);

/*
 * An exclusive advisory lock (flock) on PATH, which is created if missing (0600). Waits up to
 * WAIT_MS (0: not at all): ERR_BUSY then. Closing *FD releases it; the kernel does when the process
 * dies.
 */
MUST_USE int fs_lock(const char *path, int64_t wait_ms, int *fd, struct err *err);

/* This program's directories (XDG Base Directory Specification, leaf "tt"), not created: absolute
 * paths in the arena. */
struct fs_dirs {
	const char *config;
	const char *data;
	const char *state;
	const char *home;
};
/* ERR_NOT_FOUND when neither HOME nor the user database tells a home. Relative XDG values are
 * ignored, as it demands. */
MUST_USE int fs_dirs(struct arena *arena, struct fs_dirs *out, struct err *err);

#endif
