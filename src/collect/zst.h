/*
 * The lines of a compressed file, as tail.h gives those of a plain one: offsets, lengths and limits
 * are of the content. Such a file does not grow; it is read from its start.
 */
#ifndef TT_COLLECT_ZST_H
#define TT_COLLECT_ZST_H

#include "base/err.h"

struct zst;
/* At most LIMIT_BYTES of content: ERR_LIMIT then. PATH must live as long. */
MUST_USE int zst_open(struct zst **out, const char *path, int64_t limit_bytes, struct err *err);
/*
 * 1: LINE (valid until the next call) and the OFFSET it began at; 0: the end; < 0 error: ERR_PARSE
 * when the file is damaged; what was given before is sound. A line longer than LIMIT_LOG_LINE_BYTES
 * comes cut, with *OVERLONG true. Memory stays within the longest line and the window.
 */
MUST_USE int zst_next(
	struct zst *zst, struct str *line, int64_t *offset, bool *overlong, struct err *err);
/* Bytes of an unterminated last line, after zst_next said 0. */
int64_t zst_waiting_bytes(const struct zst *zst);
/* That line, without a CR at its end, and where it begins; false: there is none, or it is longer
 * than any line may be. */
bool zst_rest(const struct zst *zst, struct str *line, int64_t *offset);
void zst_close(struct zst *zst);
void zst_closep(struct zst **zst);

#endif
