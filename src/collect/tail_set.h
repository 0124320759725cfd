/*
 * The inside of a tail_set, for the two that keep cursors in it: tail.c (files that grow) and doc.c
 * (files that are read whole). Nobody else includes this.
 */
#ifndef TT_COLLECT_TAIL_SET_H
#define TT_COLLECT_TAIL_SET_H

#include "base/fs.h"
#include "collect/tail.h"

enum { TAIL_HEAD_BYTES = 1024, TAIL_END_BYTES = 256 };

struct tail_entry {
	struct file_cursor cursor;
	bool seen;               /* this round */
	struct tail_entry *next; /* in its slot */
};

struct tail_set {
	struct arena arena;
	struct str source;
	struct tail_entry **slots;
	size_t slot_count; /* a power of two */
	size_t count;
};

/* NULL: no cursor is kept for PATH. */
struct tail_entry *tail_set_find(const struct tail_set *set, struct str path);
/* Keep CURSOR for PATH, in place of what was kept, and give it to INTAKE. Its path, source and
 * state are filled in here; the file counts as seen. */
MUST_USE int tail_set_keep(struct tail_set *set, struct intake *intake, struct str path,
	struct file_cursor cursor, struct str state, struct err *err);

/* Device, inode, size and time of STATUS; nothing of it is taken yet. */
struct file_cursor tail_cursor_of(const struct stat *status);
/* Is the file of STATUS as CURSOR has it? */
bool tail_cursor_fits(const struct file_cursor *cursor, const struct stat *status);
/* A regular file, opened for reading without waiting for anybody; *STATUS is taken of it. */
MUST_USE int tail_open_regular(const char *path, int *fd, struct stat *status, struct err *err);

#endif
