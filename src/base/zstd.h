/*
 * Zstandard, read as a stream (RFC 8878). Memory is bounded by the window that a frame may ask for,
 * whatever the size of the file and of what is in it.
 */
#ifndef TT_BASE_ZSTD_H
#define TT_BASE_ZSTD_H

#include "base/err.h"

/* A frame that asks for a larger window is refused (ERR_LIMIT). */
enum { ZSTD_READER_WINDOW_LOG = 27 };

struct zstd_reader;

/*
 * Read what is in PATH, a regular file of one or more frames. At most LIMIT_BYTES of content:
 * beyond that zstd_reader_next fails with ERR_LIMIT. ERR_NOT_FOUND, ERR_IO. PATH must live as long.
 */
MUST_USE int zstd_reader_open(
	struct zstd_reader **out, const char *path, int64_t limit_bytes, struct err *err);
/*
 * The next bytes of content, as many as fit into CAPACITY (at least 1) or less: their number in
 * *COUNT, 0 at the end. What was given before an error is sound. ERR_PARSE: damaged, cut within a
 * frame, or no Zstandard at all; an empty file is that too. After an error every call fails.
 */
MUST_USE int zstd_reader_next(
	struct zstd_reader *reader, char *bytes, size_t capacity, size_t *count, struct err *err);
/* Accepts NULL. */
void zstd_reader_close(struct zstd_reader *reader);
void zstd_reader_closep(struct zstd_reader **reader);

#endif
