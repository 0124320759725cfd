/* A growing byte buffer; grows by half again, aborts when out of memory. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

void buf_release(struct buf *buf)
{
	free(buf->ptr);
	*buf = (struct buf)BUF_INIT;
}

void buf_clear(struct buf *buf)
{
	buf->len = 0;
	if (buf->ptr)
		buf->ptr[0] = '\0';
}

char *buf_reserve(struct buf *buf, size_t extra)
{
	size_t need;

	/* A size beyond all memory: mem_resize says so and aborts. */
	if (__builtin_add_overflow(buf->len + 1, extra, &need))
		need = SIZE_MAX;
	if (need > buf->cap) {
		size_t cap = buf->cap + buf->cap / 2 + 64;

		buf->cap = cap < need ? need : cap;
		buf->ptr = mem_resize(buf->ptr, buf->cap, 1);
	}
	return buf->ptr + buf->len;
}

void buf_add(struct buf *buf, struct str s)
{
	char *to = buf_reserve(buf, s.len);

	if (s.len > 0)
		memcpy(to, s.ptr, s.len);
	buf->len += s.len;
	buf->ptr[buf->len] = '\0';
}

void buf_addc(struct buf *buf, const char *c)
{
	buf_add(buf, str_from(c));
}

void buf_byte(struct buf *buf, char byte)
{
	char *to = buf_reserve(buf, 1);

	to[0] = byte;
	to[1] = '\0';
	buf->len++;
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args, again;
	int len;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	if (len > 0) {
		char *to = buf_reserve(buf, (size_t)len);

		vsnprintf(to, (size_t)len + 1, format, again);
		buf->len += (size_t)len;
	}
	va_end(again);
	va_end(args);
}

void buf_i64(struct buf *buf, int64_t value)
{
	char digits[24];
	char *at = digits + sizeof(digits);
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	do {
		*--at = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (value < 0)
		*--at = '-';
	buf_add(buf, (struct str){ at, (size_t)(digits + sizeof(digits) - at) });
}

void buf_consume(struct buf *buf, size_t count)
{
	if (count >= buf->len) {
		buf_clear(buf);
		return;
	}
	memmove(buf->ptr, buf->ptr + count, buf->len - count + 1);
	buf->len -= count;
}

struct str buf_str(const struct buf *buf)
{
	return (struct str){ buf->ptr, buf->len };
}

const char *buf_cstr(const struct buf *buf)
{
	return buf->len > 0 ? buf->ptr : "";
}
