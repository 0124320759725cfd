/*
 * JSON from a file of any size, value by value, in memory that does not grow with it. It knows
 * where values begin and end; what is taken is parsed by whoever takes it.
 */
#ifndef TT_SYNC_JSON_READER_H
#define TT_SYNC_JSON_READER_H

#include "base/buf.h"
#include "base/err.h"

struct json_reader {
	const char *path; /* for messages */
	int fd;
	int64_t bytes;     /* of the file */
	struct buf window; /* of the file from `base` on */
	int64_t base;
	size_t at; /* what was read of the window */
	bool cut;  /* the last error is that the file ends too early */
};

/* A byte order mark is skipped. */
MUST_USE int json_reader_open(struct json_reader *reader, const char *path, struct err *err);
void json_reader_release(struct json_reader *reader);
/* Where the next byte is read; and going back, or on, to such a place. */
int64_t json_reader_tell(const struct json_reader *reader);
MUST_USE int json_reader_seek(struct json_reader *reader, int64_t offset, struct err *err);

/* The next byte that is no white space, which is not passed. ERR_PARSE at the end of the file. */
MUST_USE int json_reader_peek(struct json_reader *reader, char *byte, struct err *err);
/* Pass BYTE, which must come next. ERR_PARSE. */
MUST_USE int json_reader_pass(struct json_reader *reader, char byte, struct err *err);
/*
 * Go through a container, whose opening was passed: *MORE is false when CLOSING came, which is
 * passed. *FIRST is the caller's, true at the beginning.
 */
MUST_USE int json_reader_more(
	struct json_reader *reader, char closing, bool *first, bool *more, struct err *err);
/*
 * Pass the value that comes next, a container as a whole. Its text, or the first LIMIT bytes of it,
 * replaces OUT; *BYTES is the length of all of it. Brackets are counted, nothing else is checked.
 */
MUST_USE int json_reader_take(
	struct json_reader *reader, size_t limit, struct buf *out, int64_t *bytes, struct err *err);
/* Nothing but white space may follow. ERR_PARSE. */
MUST_USE int json_reader_end(struct json_reader *reader, struct err *err);

#endif
