/*
 * Reading growing files by lines, with cursors.
 *
 * The cursor's hashes are of bytes that were taken as complete lines: the first TAIL_HEAD_BYTES at
 * most, and TAIL_END_BYTES at most before the offset. A file that only grew has both still; one
 * that was cut, replaced or rewritten has not. A cursor says "unchanged" only of a file that was
 * read to its end: before that, the size it keeps is the offset. The status is taken before
 * reading, so that what is written meanwhile makes a difference at the next look.
 */
#include "collect/tail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"
#include "collect/lines.h"
#include "collect/tail_set.h"

enum { CHUNK_BYTES = 256 << 10 };

struct tail {
	int fd;
	const char *path;
	struct stat status;   /* when it was opened */
	struct tail_set *set; /* NULL: no cursor is kept */
	struct lines lines;
	bool at_end;
};

/* --- cursors by path --- */

static struct tail_entry **slot_of(struct tail_entry **slots, size_t slot_count, struct str path)
{
	return &slots[hash64(path, 0) & (slot_count - 1)];
}

struct tail_entry *tail_set_find(const struct tail_set *set, struct str path)
{
	struct tail_entry *entry = *slot_of(set->slots, set->slot_count, path);

	while (entry && !str_eq(entry->cursor.path, path))
		entry = entry->next;
	return entry;
}

static void resize(struct tail_set *set, size_t slot_count)
{
	struct tail_entry **slots = mem_zalloc(slot_count * sizeof(struct tail_entry *));

	for (size_t i = 0; i < set->slot_count; i++) {
		while (set->slots[i]) {
			struct tail_entry *entry = set->slots[i];
			struct tail_entry **slot = slot_of(slots, slot_count, entry->cursor.path);

			set->slots[i] = entry->next;
			entry->next = *slot;
			*slot = entry;
		}
	}
	free(set->slots);
	set->slots = slots;
	set->slot_count = slot_count;
}

/* CURSOR's strings belong to the set's arena. */
static struct tail_entry *add(struct tail_set *set, const struct file_cursor *cursor)
{
	struct tail_entry *entry = arena_zalloc(&set->arena, 1, sizeof(*entry));
	struct tail_entry **slot;

	if (set->count >= set->slot_count)
		resize(set, set->slot_count * 2);
	entry->cursor = *cursor;
	slot = slot_of(set->slots, set->slot_count, cursor->path);
	entry->next = *slot;
	*slot = entry;
	set->count++;
	return entry;
}

int tail_set_keep(struct tail_set *set, struct intake *intake, struct str path,
	struct file_cursor cursor, struct str state, struct err *err)
{
	struct tail_entry *entry = tail_set_find(set, path);

	cursor.source = set->source;
	cursor.path = entry ? entry->cursor.path : arena_str(&set->arena, path);
	cursor.state = arena_str(&set->arena, state);
	if (entry)
		entry->cursor = cursor;
	else
		entry = add(set, &cursor);
	entry->seen = true;
	return intake_cursor(intake, &cursor, err);
}

int tail_set_load(struct tail_set **out, struct store *store, struct str source, struct err *err)
{
	CLEANUP(tail_set_freep) struct tail_set *set = mem_zalloc(sizeof(*set));
	struct file_cursor *cursors;
	size_t count;

	*out = NULL;
	resize(set, 64);
	set->source = arena_str(&set->arena, source);
	if (store_cursors(store, source, &set->arena, &cursors, &count, err) < 0)
		return err->code;
	for (size_t i = 0; i < count; i++)
		add(set, &cursors[i]);
	*out = set;
	set = NULL;
	return 0;
}

static bool is_gone(const struct tail_entry *entry)
{
	struct stat status;

	return !entry->seen && stat(entry->cursor.path.ptr, &status) < 0 &&
	       (errno == ENOENT || errno == ENOTDIR);
}

bool tail_set_has_all(const struct tail_set *set, const char *path)
{
	const struct tail_entry *entry = tail_set_find(set, str_from(path));
	struct stat status;

	return entry && stat(path, &status) == 0 &&
	       entry->cursor.device == (uint64_t)status.st_dev &&
	       entry->cursor.inode == (uint64_t)status.st_ino &&
	       entry->cursor.offset == status.st_size;
}

int tail_set_forget_missing(struct tail_set *set, struct intake *intake, struct err *err)
{
	for (size_t i = 0; i < set->slot_count; i++) {
		struct tail_entry **link = &set->slots[i];

		while (*link) {
			if (!is_gone(*link)) {
				link = &(*link)->next;
				continue;
			}
			if (intake_cursor_forget(intake, set->source, (*link)->cursor.path, err) <
				0)
				return err->code;
			*link = (*link)->next;
			set->count--;
		}
	}
	return 0;
}

void tail_set_free(struct tail_set *set)
{
	if (!set)
		return;
	free(set->slots);
	arena_release(&set->arena);
	free(set);
}

void tail_set_freep(struct tail_set **set)
{
	tail_set_free(*set);
	*set = NULL;
}

/* --- looking at a file --- */

static int64_t mtime_ns(const struct stat *status)
{
	return (int64_t)status->st_mtim.tv_sec * NS_PER_S + status->st_mtim.tv_nsec;
}

struct file_cursor tail_cursor_of(const struct stat *status)
{
	return (struct file_cursor){
		.device = (uint64_t)status->st_dev,
		.inode = (uint64_t)status->st_ino,
		.size = status->st_size,
		.mtime_ns = mtime_ns(status),
	};
}

bool tail_cursor_fits(const struct file_cursor *cursor, const struct stat *status)
{
	return cursor->device == (uint64_t)status->st_dev &&
	       cursor->inode == (uint64_t)status->st_ino && cursor->size == status->st_size &&
	       cursor->mtime_ns == mtime_ns(status);
}

/* The hash of COUNT bytes at FROM; false when they are not there. */
static bool hash_range(int fd, int64_t from, int64_t count, uint64_t *out)
{
	char bytes[TAIL_HEAD_BYTES];
	size_t have = 0;

	if (count < 0 || count > TAIL_HEAD_BYTES || from < 0)
		return false;
	while (have < (size_t)count) {
		ssize_t got = pread(fd, bytes + have, (size_t)count - have, from + (int64_t)have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		have += (size_t)got;
	}
	*out = hash64((struct str){ bytes, have }, 0);
	return true;
}

/* Does the file still have what the cursor covers? */
static bool goes_on(int fd, const struct file_cursor *cursor)
{
	uint64_t head, end;

	return hash_range(fd, 0, cursor->head_bytes, &head) && head == cursor->head_hash &&
	       hash_range(fd, cursor->offset - cursor->tail_bytes, cursor->tail_bytes, &end) &&
	       end == cursor->tail_hash;
}

int tail_open_regular(const char *path, int *fd, struct stat *status, struct err *err)
{
	*fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (*fd < 0)
		return err_sys(err, "cannot open '%s'", path);
	if (fstat(*fd, status) < 0)
		return err_sys(err, "cannot look at '%s'", path);
	if (!S_ISREG(status->st_mode))
		return err_set(err, ERR_IO, "'%s' is no regular file", path);
	return 0;
}

int tail_open_whole(struct tail **out, const char *path, struct err *err)
{
	CLEANUP(fs_closep) int fd = -1;
	struct tail *tail;
	struct stat status;

	*out = NULL;
	if (tail_open_regular(path, &fd, &status, err) < 0)
		return err->code;
	tail = mem_zalloc(sizeof(*tail));
	tail->path = path;
	tail->status = status;
	tail->fd = fd;
	fd = -1;
	*out = tail;
	return 0;
}

static enum tail_start start_of(struct tail *tail, const struct file_cursor *cursor)
{
	if (!goes_on(tail->fd, cursor))
		return TAIL_RESTARTED;
	tail->lines.offset = cursor->offset;
	return TAIL_CONTINUED;
}

int tail_open(struct tail **out, struct tail_set *set, const char *path, enum tail_start *start,
	struct str *state, struct err *err)
{
	struct tail_entry *entry = tail_set_find(set, str_from(path));
	struct stat status;

	*out = NULL;
	*state = STR("");
	*start = TAIL_UNCHANGED;
	if (entry) {
		entry->seen = true;
		if (stat(path, &status) == 0 && tail_cursor_fits(&entry->cursor, &status))
			return 0;
	}
	if (tail_open_whole(out, path, err) < 0)
		return err->code;
	(*out)->set = set;
	*start = entry ? start_of(*out, &entry->cursor) : TAIL_FRESH;
	if (*start == TAIL_CONTINUED)
		*state = entry->cursor.state;
	return 0;
}

/* --- lines --- */

/* Read on behind what is there: 1, 0 at the end, or an error. */
static int read_more(struct tail *tail, struct err *err)
{
	int64_t from = lines_end(&tail->lines);
	char *room = lines_reserve(&tail->lines, CHUNK_BYTES);
	ssize_t got;

	do
		got = pread(tail->fd, room, CHUNK_BYTES, from);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_sys(err, "cannot read '%s'", tail->path);
	tail->lines.bytes.len += (size_t)got;
	return got > 0;
}

int tail_next(struct tail *tail, struct str *line, int64_t *offset, bool *overlong, struct err *err)
{
	while (!lines_next(&tail->lines, line, offset, overlong)) {
		int more = tail->at_end ? 0 : read_more(tail, err);

		tail->at_end = more == 0;
		if (more <= 0)
			return more;
	}
	return 1;
}

static int64_t at_most(int64_t value, int64_t limit)
{
	return value < limit ? value : limit;
}

int tail_save(struct tail *tail, struct intake *intake, struct str state, struct err *err)
{
	struct file_cursor cursor = tail_cursor_of(&tail->status);

	if (!tail->at_end)
		cursor.size = tail->lines.offset;
	cursor.offset = tail->lines.offset;
	cursor.head_bytes = at_most(tail->lines.offset, TAIL_HEAD_BYTES);
	cursor.tail_bytes = at_most(tail->lines.offset, TAIL_END_BYTES);
	if (!hash_range(tail->fd, 0, cursor.head_bytes, &cursor.head_hash) ||
		!hash_range(tail->fd, cursor.offset - cursor.tail_bytes, cursor.tail_bytes,
			&cursor.tail_hash)) {
		/* Cut while it was read: what it became is read from its start at the next look. */
		cursor.size = -1;
		cursor.offset = cursor.head_bytes = cursor.tail_bytes = 0;
		state = STR("");
	}
	return tail_set_keep(tail->set, intake, str_from(tail->path), cursor, state, err);
}

void tail_close(struct tail *tail)
{
	if (!tail)
		return;
	fs_closep(&tail->fd);
	lines_release(&tail->lines);
	free(tail);
}

void tail_closep(struct tail **tail)
{
	tail_close(*tail);
	*tail = NULL;
}

int64_t tail_waiting_bytes(const struct tail *tail)
{
	return lines_waiting_bytes(&tail->lines);
}

bool tail_rest(const struct tail *tail, struct str *line, int64_t *offset)
{
	return lines_rest(&tail->lines, line, offset);
}
