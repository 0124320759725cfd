/*
 * Lines out of bytes that come in pieces: for tail.c (plain files) and zst.c (compressed ones). A
 * line is bytes up to '\n'; a CR before it is dropped; a BOM at the start is skipped. What was
 * taken is dropped only when more is needed, so that a byte is moved once, and memory stays within
 * the longest line.
 */
#ifndef TT_COLLECT_LINES_H
#define TT_COLLECT_LINES_H

#include "base/buf.h"

/* All-zero is a valid fresh one, at the start of a file; `offset` may be set to begin elsewhere. */
struct lines {
	struct buf bytes;
	size_t at;       /* where the next line begins in BYTES */
	size_t scan;     /* no newline between AT and here */
	int64_t dropped; /* bytes of the next line beyond the limit, no longer in BYTES */
	int64_t offset;  /* in the file, behind the last line */
};

/* Make room for COUNT more bytes, to be added to `bytes`: where they go. */
char *lines_reserve(struct lines *lines, size_t count);
/* Where in the file the next piece begins. */
int64_t lines_end(const struct lines *lines);
/*
 * The next LINE (valid until lines_reserve) and the OFFSET it began at. False: more bytes are
 * needed. A line longer than LIMIT_LOG_LINE_BYTES comes cut, with *OVERLONG true.
 */
bool lines_next(struct lines *lines, struct str *line, int64_t *offset, bool *overlong);
/* Bytes behind the last line. */
int64_t lines_waiting_bytes(const struct lines *lines);
/* Those as if they were a line; false: there are none, or more than a line may have. */
bool lines_rest(const struct lines *lines, struct str *line, int64_t *offset);
void lines_release(struct lines *lines);

#endif
