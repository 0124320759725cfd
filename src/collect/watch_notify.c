/* inotify(7) on Linux; elsewhere nothing is told, and everything is polled. */
#include "collect/watch_notify.h"

#include <stdint.h>

#ifdef __linux__

#include <errno.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fs.h"

enum { READ_BYTES = 16 << 10, LIMIT_FILE_BYTES = 64, MOST_READS = 256 };

static const uint32_t names_mask =
	IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_MASK_ADD;

int notify_open(struct err *err)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	return fd >= 0 ? fd : (err_sys(err, "inotify"), -1);
}

int notify_add(int fd, const char *path, bool only_names, struct err *err)
{
	int watch = inotify_add_watch(fd, path, only_names ? names_mask : names_mask | IN_MODIFY);

	if (watch >= 0)
		return watch;
	if (errno == ENOSPC || errno == ENOMEM)
		return err_set(err, ERR_FULL, "no more directories can be watched");
	if (errno == ENOENT || errno == ENOTDIR)
		return err_set(err, ERR_NOT_FOUND, "no directory '%s'", path);
	return err_sys(err, "cannot watch '%s'", path);
}

void notify_remove(int fd, int watch)
{
	inotify_rm_watch(fd, watch);
}

static unsigned what_of(uint32_t mask)
{
	static const struct {
		uint32_t mask;
		enum notify_what what;
	} rows[] = {
		{ IN_MODIFY, NOTIFY_CHANGED },
		{ IN_CREATE | IN_MOVED_TO, NOTIFY_APPEARED },
		{ IN_ISDIR, NOTIFY_IS_DIR },
		{ IN_MOVE_SELF, NOTIFY_MOVED },
		{ IN_IGNORED, NOTIFY_GONE },
		{ IN_Q_OVERFLOW, NOTIFY_LOST },
	};
	unsigned what = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (mask & rows[i].mask)
			what |= rows[i].what;
	return what;
}

bool notify_read(int fd, void (*take)(void *owner, const struct notify_event *event), void *owner)
{
	_Alignas(struct inotify_event) char bytes[READ_BYTES];
	bool any = false;
	ssize_t got;

	/* Bounded: whoever writes without end shall not keep us here. */
	for (int reads = 0; reads < MOST_READS; reads++) {
		do
			got = read(fd, bytes, sizeof(bytes));
		while (got < 0 && errno == EINTR);
		if (got <= 0)
			return any;
		any = true;
		for (ssize_t at = 0; at < got;) {
			const struct inotify_event *event = (const void *)(bytes + at);
			struct notify_event told = { event->wd, what_of(event->mask),
				event->len > 0 ? event->name : "" };

			take(owner, &told);
			at += (ssize_t)(sizeof(*event) + event->len);
		}
	}
	return any;
}

bool notify_reliable(const char *path)
{
	/* statfs(2); what the list does not name is a local disk or memory. */
	static const unsigned long silent[] = {
		0x6969,     /* NFS */
		0x517b,     /* SMB */
		0xfe534d42, /* SMB 2 */
		0xff534d42, /* CIFS */
		0x01021997, /* 9p: drives of Windows under WSL 2, folders of virtual machines */
		0x53464846, /* drives of Windows under WSL 1 */
		0x65735546, /* FUSE: sshfs, rclone, … */
		0x786f4256, /* VirtualBox */
		0xbacbacbc, /* VMware */
		0x7c7c6673, /* Parallels */
		0x6a656a63, /* virtiofs */
		0x5346414f, /* AFS */
		0x6b414653, /* AFS */
		0x00c36400, /* Ceph */
		0x0bd00bd0, /* Lustre */
		0x7461636f, /* OCFS2 */
		0x01161970, /* GFS2 */
		0x73757245, /* Coda */
	};
	struct statfs info;

	if (statfs(path, &info) < 0)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(silent); i++)
		if (((unsigned long)info.f_type & 0xffffffffUL) == silent[i])
			return false;
	return true;
}

int64_t notify_limit(void)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct err ignored;
	int64_t limit;

	if (fs_read("/proc/sys/fs/inotify/max_user_watches", LIMIT_FILE_BYTES, &text, &ignored) <
			0 ||
		!str_to_i64(str_trim(buf_str(&text)), &limit))
		return INT64_MAX;
	return limit;
}

#else

int notify_open(struct err *err)
{
	err_set(err, ERR_NOT_FOUND, "this system tells nothing of changes");
	return -1;
}

int notify_add(int fd, const char *path, bool only_names, struct err *err)
{
	(void)fd;
	(void)only_names;
	return err_set(err, ERR_FULL, "cannot watch '%s'", path);
}

void notify_remove(int fd, int watch)
{
	(void)fd;
	(void)watch;
}

bool notify_read(int fd, void (*take)(void *owner, const struct notify_event *event), void *owner)
{
	(void)fd;
	(void)take;
	(void)owner;
	return false;
}

bool notify_reliable(const char *path)
{
	(void)path;
	return false;
}

int64_t notify_limit(void)
{
	return INT64_MAX;
}

#endif
