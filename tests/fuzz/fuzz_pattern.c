/*
 * Regular expressions and what they search. The first line is the pattern (its first byte's lowest
 * bit says whether case matters), the rest the subject. A pattern in a group of its own finds the
 * same; text with every character escaped finds itself.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "query/lang/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum pattern_result find(const struct pattern *pattern, struct str subject)
{
	enum pattern_result result = pattern_search(pattern, subject);

	ASSERT(result == PATTERN_NO || result == PATTERN_YES || result == PATTERN_LIMIT);
	return result;
}

static bool compile(struct pattern **out, struct str text, bool ignore_case)
{
	struct err err = { 0 };
	int result = pattern_compile(out, text, ignore_case, &err);

	ASSERT(result == 0 || result == ERR_PARSE || result == ERR_LIMIT);
	ASSERT((result == 0) == (*out != NULL) && (result == 0) == (err.message[0] == '\0'));
	return result == 0;
}

/* '#' could begin a comment that swallows the closing parenthesis. */
static void check_grouped(struct str text, bool ignore_case, struct str subject)
{
	CLEANUP(buf_release) struct buf grouped = BUF_INIT;
	struct pattern *plain, *group;
	enum pattern_result one, other;

	if (!compile(&plain, text, ignore_case))
		return;
	one = find(plain, subject);
	buf_addc(&grouped, "(?:");
	buf_add(&grouped, text);
	buf_byte(&grouped, ')');
	if (str_find(text, '#', 0) < 0 && compile(&group, buf_str(&grouped), ignore_case)) {
		other = find(group, subject);
		ASSERT(one == other || one == PATTERN_LIMIT || other == PATTERN_LIMIT);
		pattern_free(group);
	}
	pattern_free(plain);
}

static void check_escaped(struct str subject, bool ignore_case)
{
	CLEANUP(buf_release) struct buf escaped = BUF_INIT;
	struct pattern *pattern;

	if (!utf8_valid(subject))
		return;
	for (size_t i = 0; i < subject.len; i++) {
		unsigned char c = (unsigned char)subject.ptr[i];

		if (c < 0x80)
			buf_printf(&escaped, "\\x%02x", c);
		else
			buf_byte(&escaped, (char)c);
	}
	if (!compile(&pattern, buf_str(&escaped), ignore_case))
		return;
	ASSERT(find(pattern, subject) == PATTERN_YES);
	pattern_free(pattern);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data + 1, size - 1 }, subject;
	ptrdiff_t line;
	bool ignore_case;

	if (size == 0)
		return 0;
	ignore_case = data[0] & 1;
	line = str_find(text, '\n', 0);
	subject = str_sub(text, line < 0 ? text.len : (size_t)line + 1, text.len);
	text = str_sub(text, 0, line < 0 ? text.len : (size_t)line);
	check_grouped(text, ignore_case, subject);
	check_escaped(subject, ignore_case);
	return 0;
}
