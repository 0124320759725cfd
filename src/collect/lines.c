/* Lines out of pieces: the buffer holds what was not taken yet, cut to what a line may have. */
#include "collect/lines.h"

#include "model/limits.h"

char *lines_reserve(struct lines *lines, size_t count)
{
	buf_consume(&lines->bytes, lines->at);
	lines->at = 0;
	if (lines->bytes.len > LIMIT_LOG_LINE_BYTES) {
		lines->dropped += (int64_t)lines->bytes.len - LIMIT_LOG_LINE_BYTES;
		lines->bytes.len = LIMIT_LOG_LINE_BYTES;
	}
	lines->scan = lines->bytes.len;
	return buf_reserve(&lines->bytes, count);
}

int64_t lines_waiting_bytes(const struct lines *lines)
{
	return lines->dropped + (int64_t)(lines->bytes.len - lines->at);
}

int64_t lines_end(const struct lines *lines)
{
	return lines->offset + lines_waiting_bytes(lines);
}

static struct str trim_line(struct str line, bool first)
{
	if (first && str_starts(line, STR("\xef\xbb\xbf")))
		line = str_sub(line, 3, line.len);
	if (str_ends(line, STR("\r")))
		line.len--;
	return line;
}

bool lines_next(struct lines *lines, struct str *line, int64_t *offset, bool *overlong)
{
	ptrdiff_t end = str_find(buf_str(&lines->bytes), '\n', lines->scan);

	if (end < 0)
		return false;
	*line = str_sub(buf_str(&lines->bytes), lines->at, (size_t)end - lines->at);
	*offset = lines->offset;
	*overlong = lines->dropped > 0 || line->len > LIMIT_LOG_LINE_BYTES;
	lines->offset += lines->dropped + (int64_t)line->len + 1;
	lines->dropped = 0;
	lines->at = lines->scan = (size_t)end + 1;
	if (*overlong)
		*line = str_sub(*line, 0, LIMIT_LOG_LINE_BYTES);
	*line = trim_line(*line, *offset == 0);
	return true;
}

bool lines_rest(const struct lines *lines, struct str *line, int64_t *offset)
{
	*line = str_sub(buf_str(&lines->bytes), lines->at, lines->bytes.len);
	*offset = lines->offset;
	if (lines->dropped > 0 || line->len == 0 || line->len > LIMIT_LOG_LINE_BYTES)
		return false;
	*line = trim_line(*line, *offset == 0);
	return true;
}

void lines_release(struct lines *lines)
{
	buf_release(&lines->bytes);
	*lines = (struct lines){ 0 };
}
