/*
 * A reader for git's configuration format, as far as one value of it: `url` of remote "origin".
 *
 * The text is foreign and may be anything. What git would refuse is skipped to the end of its line,
 * so that a damaged file still tells what can be told. Every step consumes at least one byte: time
 * is linear in the text, whatever it is.
 */
#include "collect/project.h"

#include "base/buf.h"

struct reader {
	struct str text;
	size_t at;
	bool in_origin;
	struct buf value; /* of the variable being read */
};

/* The byte OFFSET ahead, or -1 behind the end. CR before LF is no byte of its own. */
static int peek(const struct reader *reader, size_t offset)
{
	size_t at = reader->at + offset;

	return at < reader->text.len ? (unsigned char)reader->text.ptr[at] : -1;
}

static bool at_line_end(const struct reader *reader)
{
	int byte = peek(reader, 0);

	return byte < 0 || byte == '\n' || (byte == '\r' && peek(reader, 1) == '\n');
}

static bool is_blank(int byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\f' || byte == '\v';
}

static bool is_alpha(int byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool is_name(int byte)
{
	return is_alpha(byte) || (byte >= '0' && byte <= '9') || byte == '-';
}

static int lower(int byte)
{
	return byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte;
}

static void skip_blanks(struct reader *reader)
{
	while (!at_line_end(reader) && is_blank(peek(reader, 0)))
		reader->at++;
}

static void skip_line(struct reader *reader)
{
	ptrdiff_t end = str_find(reader->text, '\n', reader->at);

	reader->at = end < 0 ? reader->text.len : (size_t)end + 1;
}

/* Names of sections and variables know no case. */
static bool same_name(struct str a, const char *b)
{
	if (a.len != strlen(b))
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (lower((unsigned char)a.ptr[i]) != b[i])
			return false;
	return true;
}

static struct str read_name(struct reader *reader, bool with_dots)
{
	size_t from = reader->at;

	while (is_name(peek(reader, 0)) || (with_dots && peek(reader, 0) == '.'))
		reader->at++;
	return str_sub(reader->text, from, reader->at - from);
}

/* The quoted name of a subsection, unescaped, in VALUE. */
static bool read_subsection(struct reader *reader)
{
	buf_clear(&reader->value);
	for (reader->at++; !at_line_end(reader) && peek(reader, 0) != '"'; reader->at++) {
		if (peek(reader, 0) == '\\' && peek(reader, 1) != '\n' && peek(reader, 1) >= 0)
			reader->at++;
		buf_byte(&reader->value, (char)peek(reader, 0));
	}
	if (peek(reader, 0) != '"')
		return false;
	reader->at++;
	return true;
}

/* At '['. What is no section header belongs to no section. */
static void read_section(struct reader *reader)
{
	bool quoted;
	struct str name;

	reader->at++;
	reader->in_origin = false;
	skip_blanks(reader);
	name = read_name(reader, true);
	skip_blanks(reader);
	quoted = peek(reader, 0) == '"';
	if ((quoted && !read_subsection(reader)) || peek(reader, 0) != ']') {
		skip_line(reader);
		return;
	}
	reader->at++;
	if (quoted)
		reader->in_origin =
			same_name(name, "remote") && str_eq_c(buf_str(&reader->value), "origin");
	else
		reader->in_origin = same_name(name, "remote.origin");
}

/* A byte behind a backslash: what it stands for, or -1 for what git does not know. */
static int unescape(int byte)
{
	switch (byte) {
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case 'b':
		return '\b';
	case '"':
	case '\\':
		return byte;
	default:
		return -1;
	}
}

/* At a backslash: take the escape into VALUE. False when it is none. */
static bool read_escape(struct reader *reader)
{
	int byte;

	reader->at++;
	if (at_line_end(reader)) { /* the value goes on in the next line */
		skip_line(reader);
		return true;
	}
	byte = unescape(peek(reader, 0));
	if (byte < 0)
		return false;
	buf_byte(&reader->value, (char)byte);
	reader->at++;
	return true;
}

/* Behind '=': the value in VALUE, up to the line's end or a comment. False when it is malformed. */
static bool read_value(struct reader *reader)
{
	bool quoted = false;
	size_t keep = 0; /* bytes that trailing blanks must not take away */

	buf_clear(&reader->value);
	skip_blanks(reader);
	while (!at_line_end(reader)) {
		int byte = peek(reader, 0);

		if (!quoted && (byte == '#' || byte == ';'))
			break;
		if (byte == '\\') {
			if (!read_escape(reader))
				return false;
			keep = reader->value.len;
			continue;
		}
		reader->at++;
		if (byte == '"')
			quoted = !quoted;
		else
			buf_byte(&reader->value, (char)byte);
		if (quoted || byte == '"' || !is_blank(byte))
			keep = reader->value.len;
	}
	reader->value.len = keep;
	return !quoted;
}

/* At a letter: a variable. True when it is the one that is looked for, its value in VALUE. */
static bool read_variable(struct reader *reader)
{
	struct str name = read_name(reader, false);
	bool good;

	skip_blanks(reader);
	if (peek(reader, 0) != '=') {
		skip_line(reader);
		return false;
	}
	reader->at++;
	good = read_value(reader);
	skip_line(reader);
	return good && reader->in_origin && same_name(name, "url") && reader->value.len > 0;
}

struct str project_origin_url(struct str text, struct arena *arena)
{
	struct reader reader = { .text = text };
	struct str url = { NULL, 0 };

	if (str_starts(text, STR("\xef\xbb\xbf")))
		reader.at = 3;
	while (reader.at < text.len && url.len == 0) {
		int byte = peek(&reader, 0);

		if (byte == '[')
			read_section(&reader);
		else if (is_blank(byte) || byte == '\n')
			reader.at++;
		else if (!is_alpha(byte))
			skip_line(&reader);
		else if (read_variable(&reader))
			url = arena_str(arena, buf_str(&reader.value));
	}
	buf_release(&reader.value);
	return url;
}
