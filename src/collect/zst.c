/* Lines out of a compressed stream. What was taken is dropped only when more is needed, so that a
 * byte is moved once. */
#include "collect/zst.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/zstd.h"
#include "model/limits.h"

enum { CHUNK_BYTES = 256 << 10 };

struct zst {
	struct zstd_reader *reader;
	struct buf bytes;
	size_t at;       /* where the next line begins in BYTES */
	size_t scan;     /* no newline between AT and here */
	int64_t dropped; /* bytes of the next line beyond the limit, no longer in BYTES */
	int64_t offset;  /* of the content, behind the last line */
	bool at_end;
};

int zst_open(struct zst **out, const char *path, int64_t limit_bytes, struct err *err)
{
	struct zstd_reader *reader;

	*out = NULL;
	if (zstd_reader_open(&reader, path, limit_bytes, err) < 0)
		return err->code;
	*out = mem_zalloc(sizeof(**out));
	(*out)->reader = reader;
	return 0;
}

/* 1, 0 at the end, or an error. */
static int read_more(struct zst *zst, struct err *err)
{
	size_t count;

	buf_consume(&zst->bytes, zst->at);
	zst->at = 0;
	if (zst->bytes.len > LIMIT_LOG_LINE_BYTES) {
		zst->dropped += (int64_t)zst->bytes.len - LIMIT_LOG_LINE_BYTES;
		zst->bytes.len = LIMIT_LOG_LINE_BYTES;
	}
	zst->scan = zst->bytes.len;
	if (zstd_reader_next(zst->reader, buf_reserve(&zst->bytes, CHUNK_BYTES), CHUNK_BYTES,
		    &count, err) < 0)
		return err->code;
	zst->bytes.len += count;
	return count > 0;
}

static struct str trim_line(struct str line, bool first)
{
	if (first && str_starts(line, STR("\xef\xbb\xbf")))
		line = str_sub(line, 3, line.len);
	if (str_ends(line, STR("\r")))
		line.len--;
	return line;
}

int zst_next(struct zst *zst, struct str *line, int64_t *offset, bool *overlong, struct err *err)
{
	ptrdiff_t end;

	while ((end = str_find(buf_str(&zst->bytes), '\n', zst->scan)) < 0) {
		int more = zst->at_end ? 0 : read_more(zst, err);

		zst->at_end = more == 0;
		if (more <= 0)
			return more;
	}
	*line = str_sub(buf_str(&zst->bytes), zst->at, (size_t)end - zst->at);
	*offset = zst->offset;
	*overlong = zst->dropped > 0 || line->len > LIMIT_LOG_LINE_BYTES;
	zst->offset += zst->dropped + (int64_t)line->len + 1;
	zst->dropped = 0;
	zst->at = zst->scan = (size_t)end + 1;
	if (*overlong)
		*line = str_sub(*line, 0, LIMIT_LOG_LINE_BYTES);
	*line = trim_line(*line, *offset == 0);
	return 1;
}

int64_t zst_waiting_bytes(const struct zst *zst)
{
	return zst->dropped + (int64_t)(zst->bytes.len - zst->at);
}

void zst_close(struct zst *zst)
{
	if (!zst)
		return;
	zstd_reader_close(zst->reader);
	buf_release(&zst->bytes);
	free(zst);
}

void zst_closep(struct zst **zst)
{
	zst_close(*zst);
	*zst = NULL;
}
