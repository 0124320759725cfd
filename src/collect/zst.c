/* Lines out of a compressed stream. */
#include "collect/zst.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/zstd.h"
#include "collect/lines.h"

enum { CHUNK_BYTES = 256 << 10 };

struct zst {
	struct zstd_reader *reader;
	struct lines lines;
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

	if (zstd_reader_next(zst->reader, lines_reserve(&zst->lines, CHUNK_BYTES), CHUNK_BYTES,
		    &count, err) < 0)
		return err->code;
	zst->lines.bytes.len += count;
	return count > 0;
}

int zst_next(struct zst *zst, struct str *line, int64_t *offset, bool *overlong, struct err *err)
{
	while (!lines_next(&zst->lines, line, offset, overlong)) {
		int more = zst->at_end ? 0 : read_more(zst, err);

		zst->at_end = more == 0;
		if (more <= 0)
			return more;
	}
	return 1;
}

int64_t zst_waiting_bytes(const struct zst *zst)
{
	return lines_waiting_bytes(&zst->lines);
}

bool zst_rest(const struct zst *zst, struct str *line, int64_t *offset)
{
	return lines_rest(&zst->lines, line, offset);
}

void zst_close(struct zst *zst)
{
	if (!zst)
		return;
	zstd_reader_close(zst->reader);
	lines_release(&zst->lines);
	free(zst);
}

void zst_closep(struct zst **zst)
{
	zst_close(*zst);
	*zst = NULL;
}
