/*
 * Regular expressions of category rules and filters, as aw-server-rust understands them
 * (fancy-regex: Unicode always on, search, "." stops at LF only, "$" is the very end), over PCRE2
 * with JIT and limits. The dialect is translated: what that one refuses is refused here, what both
 * have but read differently (\h, nested classes, POSIX classes, \Z, …) is rewritten.
 * docs/query-language.md has the list of what differs.
 */
#ifndef TT_QUERY_LANG_PATTERN_H
#define TT_QUERY_LANG_PATTERN_H

#include "base/err.h"

struct pattern; /* immutable; any number of threads may search with it */

/* ERR_PARSE: what is wrong and at which byte; ERR_LIMIT: longer than LIMIT_REGEX_BYTES, or too
 * large when compiled. */
MUST_USE int pattern_compile(
	struct pattern **out, struct str text, bool ignore_case, struct err *err);
void pattern_free(struct pattern *pattern);
void pattern_freep(struct pattern **pattern);

enum pattern_result {
	PATTERN_NO,
	PATTERN_YES,
	PATTERN_LIMIT /* gave up after LIMIT_REGEX_STEPS */
};
/* Is it found anywhere in SUBJECT? Bytes that are no UTF-8 are not matched by anything but
 * themselves being skipped. */
enum pattern_result pattern_search(const struct pattern *pattern, struct str subject);

#endif
