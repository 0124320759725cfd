/* A walk over the words of a statement (PostgreSQL's documentation, 4.1): only where they end
 * matters. */
#include "store/postgres/sql_text.h"

#include <strings.h>

#include "base/time.h"

struct walk {
	struct str text;
	size_t at;
};

static char at(const struct walk *walk, size_t ahead)
{
	size_t where = walk->at + ahead;

	return where < walk->text.len ? walk->text.ptr[where] : '\0';
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/* Behind the QUOTE that ends what begins here; a doubled one does not, nor with BACKSLASH what
 * stands behind one. */
static void skip_quoted(struct walk *walk, char quote, bool backslash)
{
	for (walk->at++; walk->at < walk->text.len; walk->at++) {
		if (backslash && at(walk, 0) == '\\') {
			walk->at++;
		} else if (at(walk, 0) == quote) {
			walk->at++;
			if (at(walk, 0) != quote)
				return;
		}
	}
	walk->at = walk->text.len;
}

static void skip_block(struct walk *walk)
{
	size_t depth = 0;

	do {
		if (at(walk, 0) == '/' && at(walk, 1) == '*') {
			depth++;
			walk->at += 2;
		} else if (at(walk, 0) == '*' && at(walk, 1) == '/') {
			depth--;
			walk->at += 2;
		} else {
			walk->at++;
		}
	} while (depth > 0 && walk->at < walk->text.len);
}

static void skip_line(struct walk *walk)
{
	while (walk->at < walk->text.len && at(walk, 0) != '\n')
		walk->at++;
}

/* "$tag$ … $tag$"; a '$' that begins none is one character. */
static void skip_dollars(struct walk *walk)
{
	ptrdiff_t end = str_find(walk->text, '$', walk->at + 1), close;
	struct str tag, rest;

	if (end < 0) {
		walk->at++;
		return;
	}
	tag = str_sub(walk->text, walk->at, (size_t)end + 1 - walk->at);
	for (size_t i = 1; i + 1 < tag.len; i++) {
		if (!is_name(tag.ptr[i]) || tag.ptr[i] == '$') {
			walk->at++;
			return;
		}
	}
	rest = str_sub(walk->text, walk->at + tag.len, walk->text.len);
	close = str_find_str(rest, tag);
	walk->at = close < 0 ? walk->text.len : walk->at + tag.len + (size_t)close + tag.len;
}

static void skip_blanks(struct walk *walk)
{
	while (at(walk, 0) != '\0' && strchr(" \t\r\n", at(walk, 0)))
		walk->at++;
}

/* Behind the name ns: its text, when a call with one string follows. */
static bool read_call(struct walk *walk, struct str *out)
{
	struct walk ahead = *walk;
	size_t begin;

	skip_blanks(&ahead);
	if (at(&ahead, 0) != '(')
		return false;
	ahead.at++;
	skip_blanks(&ahead);
	begin = ahead.at + 1;
	if (at(&ahead, 0) != '\'')
		return false;
	skip_quoted(&ahead, '\'', false);
	*out = str_sub(ahead.text, begin, ahead.at - begin - 1);
	skip_blanks(&ahead);
	if (at(&ahead, 0) != ')')
		return false;
	ahead.at++;
	*walk = ahead;
	return true;
}

static int take_name(struct walk *walk, int64_t now_ns, struct buf *out, struct err *err)
{
	size_t begin = walk->at;
	bool qualified = begin > 0 && walk->text.ptr[begin - 1] == '.';
	struct str name, text;
	int64_t ns;

	while (is_name(at(walk, 0)))
		walk->at++;
	name = str_sub(walk->text, begin, walk->at - begin);
	if (at(walk, 0) == '\'' && name.len == 1 && (*name.ptr == 'e' || *name.ptr == 'E')) {
		skip_quoted(walk, '\'', true);
	} else if (!qualified && name.len == 2 && strncasecmp(name.ptr, "ns", 2) == 0 &&
		   read_call(walk, &text)) {
		if (time_parse_human(text, now_ns, &ns, err) < 0)
			return err->code = ERR_USAGE;
		buf_printf(out, "%lld::bigint", (long long)ns);
		return 0;
	}
	buf_add(out, str_sub(walk->text, begin, walk->at - begin));
	return 0;
}

/* What is no word and means nothing. */
static void skip_comments(struct walk *walk)
{
	size_t before;

	do {
		before = walk->at;
		skip_blanks(walk);
		if (at(walk, 0) == '/' && at(walk, 1) == '*')
			skip_block(walk);
		else if (at(walk, 0) == '-' && at(walk, 1) == '-')
			skip_line(walk);
	} while (walk->at > before);
}

static bool take_word(struct walk *walk, const char *word)
{
	struct walk ahead = *walk;
	size_t begin;

	skip_comments(&ahead);
	begin = ahead.at;
	while (ahead.at < ahead.text.len && is_name(at(&ahead, 0)))
		ahead.at++;
	if (ahead.at - begin != strlen(word) ||
		strncasecmp(ahead.text.ptr + begin, word, strlen(word)) != 0)
		return false;
	*walk = ahead;
	return true;
}

bool sql_text_explains(struct str text, struct str *rest)
{
	struct walk walk = { .text = text }, plan;

	if (!take_word(&walk, "EXPLAIN"))
		return false;
	plan = walk;
	if (take_word(&plan, "QUERY") && take_word(&plan, "PLAN"))
		walk = plan;
	*rest = str_sub(text, walk.at, text.len);
	return true;
}

int sql_text_instants(struct str text, int64_t now_ns, struct buf *out, struct err *err)
{
	struct walk walk = { .text = text };

	while (walk.at < text.len) {
		size_t begin = walk.at;
		char c = at(&walk, 0);

		if (is_name(c) && c != '$') {
			if (take_name(&walk, now_ns, out, err) < 0)
				return err->code;
			continue;
		}
		if (c == '\'' || c == '"')
			skip_quoted(&walk, c, false);
		else if (c == '$')
			skip_dollars(&walk);
		else if (c == '/' && at(&walk, 1) == '*')
			skip_block(&walk);
		else if (c == '-' && at(&walk, 1) == '-')
			skip_line(&walk);
		else
			walk.at++;
		buf_add(out, str_sub(text, begin, walk.at - begin));
	}
	return 0;
}
