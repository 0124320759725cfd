/* UTF-8 (RFC 3629): validity, and replacement of what is not valid. */
#ifndef TT_BASE_UTF8_H
#define TT_BASE_UTF8_H

#include "base/buf.h"

#define UTF8_REPLACEMENT STR("\xef\xbf\xbd")

/* Bytes of the valid sequence that starts at AT (1 to 4), or 0: overlong, surrogate, beyond
 * U+10FFFF, cut, stray. */
size_t utf8_sequence(struct str s, size_t at);
bool utf8_valid(struct str s);
/* Append S with each invalid byte replaced by U+FFFD. */
void utf8_add_clean(struct buf *out, struct str s);
/* The longest prefix of at most MAX bytes that does not cut a sequence. */
struct str utf8_cut(struct str s, size_t max);
/* Columns a terminal shows (wcwidth rules; control characters count 0). */
size_t utf8_columns(struct str s);

#endif
