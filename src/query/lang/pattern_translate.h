/*
 * From the dialect of fancy-regex 0.17 to that of PCRE2 10.42. The result is to be compiled with
 * UTF, UCP, DOLLAR_ENDONLY, ALT_CIRCUMFLEX and LF as the only newline.
 */
#ifndef TT_QUERY_LANG_PATTERN_TRANSLATE_H
#define TT_QUERY_LANG_PATTERN_TRANSLATE_H

#include "base/buf.h"
#include "base/err.h"

/* What stands at FROM in the original begins at TO in the translation. */
struct pattern_mark {
	size_t from, to;
};

struct translation {
	struct buf text;
	struct pattern_mark *marks; /* growing */
	size_t mark_count, mark_cap;
	bool lazy, atomic; /* has such quantifiers, such groups */
};

/* ERR_PARSE with the byte, ERR_LIMIT: nested or repeated too much. OUT is all-zero before, and to
 * be released in any case. */
MUST_USE int pattern_translate(
	struct translation *out, struct str text, bool ignore_case, struct err *err);
void translation_release(struct translation *translation);
/* The byte of the original that is at offset TO of the translation, or a little before it. */
size_t translation_origin(const struct translation *translation, size_t to);

#endif
