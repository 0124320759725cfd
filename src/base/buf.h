/* A growing byte buffer, always NUL-terminated behind its length once it holds anything. */
#ifndef TT_BASE_BUF_H
#define TT_BASE_BUF_H

#include "base/str.h"

struct buf {
	char *ptr;
	size_t len;
	size_t cap;
};

#define BUF_INIT                                                                                   \
	{                                                                                          \
		NULL, 0, 0                                                                         \
	}

void buf_release(struct buf *buf);
/* Forget the content, keep the memory. */
void buf_clear(struct buf *buf);
/* Make room for EXTRA more bytes and the NUL; returns where they go. */
char *buf_reserve(struct buf *buf, size_t extra);
void buf_add(struct buf *buf, struct str s);
void buf_addc(struct buf *buf, const char *c);
void buf_byte(struct buf *buf, char byte);
void buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_i64(struct buf *buf, int64_t value);
/* Drop the first COUNT bytes (clamped). */
void buf_consume(struct buf *buf, size_t count);
struct str buf_str(const struct buf *buf);
/* The content as a C string, "" when empty; valid until the next change. */
const char *buf_cstr(const struct buf *buf);

#endif
