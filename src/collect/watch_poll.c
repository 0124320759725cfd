/* Looking at a place: one stat a file. Sums of hashes, so that the order of a listing does not
 * matter. */
#include "collect/watch_poll.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/hash.h"

/* A place that is larger than this is not an agent's: what is beyond is left to full rounds. */
enum { MOST_ENTRIES = 200000 };

static uint64_t of_status(struct str name, const struct stat *status)
{
	const int64_t facts[] = { (int64_t)status->st_dev, (int64_t)status->st_ino, status->st_size,
		status->st_mtim.tv_sec, status->st_mtim.tv_nsec, status->st_ctim.tv_sec,
		status->st_ctim.tv_nsec };

	return hash64((struct str){ (const char *)facts, sizeof(facts) }, hash64(name, 1));
}

static void close_dirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static uint64_t of_dir(int at, const char *path, int levels, int *left)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(close_dirp) DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	uint64_t sum = 0;

	if (fd >= 0 && !dir)
		close(fd);
	while (dir && (entry = readdir(dir)) && (*left)-- > 0) {
		struct str name = str_from(entry->d_name);
		struct stat status;

		if (str_eq_c(name, ".") || str_eq_c(name, "..") ||
			fstatat(fd, entry->d_name, &status, 0) < 0)
			continue;
		if (!S_ISDIR(status.st_mode))
			sum += of_status(name, &status);
		else if (levels > 0)
			sum += hash64(name, of_dir(fd, entry->d_name, levels - 1, left));
	}
	return sum;
}

uint64_t poll_signature(const char *path, int levels)
{
	CLEANUP(buf_release) struct buf log = BUF_INIT;
	int left = MOST_ENTRIES;
	struct stat status;
	uint64_t sum = 0;

	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		return of_dir(AT_FDCWD, path, levels, &left) | 1;
	if (stat(path, &status) == 0)
		sum += of_status(STR(""), &status) | 1;
	buf_printf(&log, "%s-wal", path);
	if (stat(buf_cstr(&log), &status) == 0)
		sum += of_status(STR("-wal"), &status);
	return sum;
}

void poll_add(struct poll_set *set, size_t place, const char *path, int levels, bool lasting)
{
	size_t bytes = strlen(path) + 1;

	/* Doubled when the count is a power of two. */
	if ((set->count & (set->count - 1)) == 0)
		set->units = mem_resize(set->units, set->count * 2 + 1, sizeof(*set->units));
	set->units[set->count++] = (struct poll_unit){ .place = place,
		.levels = levels,
		.lasting = lasting,
		.path = memcpy(mem_alloc(bytes), path, bytes),
		.signature = poll_signature(path, levels) };
}

static void drop_at(struct poll_set *set, size_t at)
{
	free(set->units[at].path);
	set->units[at] = set->units[--set->count];
}

void poll_drop(struct poll_set *set, size_t place)
{
	for (size_t i = set->count; i-- > 0;)
		if (set->units[i].place == place)
			drop_at(set, i);
}

int64_t poll_sweep(struct poll_set *set, void (*changed)(void *owner, size_t place), void *owner)
{
	int64_t began_ns = clock_monotonic_ns();

	for (size_t i = set->count; i-- > 0;) {
		struct poll_unit *unit = &set->units[i];
		uint64_t signature = poll_signature(unit->path, unit->levels);

		if (signature != unit->signature)
			changed(owner, unit->place);
		unit->signature = signature;
		if (signature == 0 && !unit->lasting)
			drop_at(set, i);
	}
	return clock_monotonic_ns() - began_ns;
}

void poll_release(struct poll_set *set)
{
	while (set->count > 0)
		drop_at(set, set->count - 1);
	free(set->units);
	set->units = NULL;
}
