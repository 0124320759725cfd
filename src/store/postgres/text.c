/*
 * Reading a text twice: the first time to see whether $0 is in it, which shifts the numbers of the
 * others, the second time to write it. The texts are our own literals: what does not fit the rules
 * is a bug.
 */
#include "store/postgres/text.h"

#include "base/err.h"
#include "store/postgres/db.h"

enum { MOST_PARAMS = 99 };

struct reader {
	const char *at;
	bool opened; /* within a comment that begins with '!' */
	struct pg_text *out;
};

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static void skip_past(struct reader *reader, const char *end)
{
	const char *found = strstr(reader->at, end);

	ASSERT(found);
	reader->at = found + strlen(end);
}

/* At a comment, or at the end of one that was opened. */
static bool comment(struct reader *reader)
{
	if (reader->opened && strncmp(reader->at, "*/", 2) == 0) {
		reader->opened = false;
		reader->at += 2;
	} else if (strncmp(reader->at, "/*!", 3) == 0) {
		ASSERT(!reader->opened);
		reader->opened = true;
		reader->at += 3;
	} else if (strncmp(reader->at, "/*-*/", 5) == 0) {
		skip_past(reader, "/*.*/");
	} else if (strncmp(reader->at, "/*", 2) == 0) {
		skip_past(reader, "*/");
	} else if (strncmp(reader->at, "--", 2) == 0) {
		reader->at += strcspn(reader->at, "\n");
	} else {
		return false;
	}
	return true;
}

/* A doubled quote within is the end of one part and the beginning of the next. */
static void quoted(struct reader *reader)
{
	const char *end = strchr(reader->at + 1, *reader->at);

	ASSERT(end);
	buf_add(&reader->out->sql, (struct str){ reader->at, (size_t)(end + 1 - reader->at) });
	reader->at = end + 1;
}

static void parameter(struct reader *reader)
{
	struct pg_text *out = reader->out;
	int number = 0;

	reader->at++;
	while (*reader->at >= '0' && *reader->at <= '9' && number <= MOST_PARAMS)
		number = 10 * number + (*reader->at++ - '0');
	if (number == 0)
		number = out->params + 1;
	ASSERT(number <= MOST_PARAMS);
	if (number > out->params)
		out->params = number;
	buf_printf(&out->sql, "$%d", number + (out->own ? 1 : 0));
}

static void word(struct reader *reader)
{
	static const struct {
		const char *name;
		unsigned table;
	} tables[] = {
		{ "event", HELD_EVENT },
		{ "derived_correction", HELD_EVENT },
		{ "dict", HELD_DICT },
		{ "bucket", HELD_BUCKET },
	};
	struct str text = { reader->at, 0 };

	while (is_word(text.ptr[text.len]))
		text.len++;
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		if (str_eq_c(text, tables[i].name))
			reader->out->tables |= tables[i].table;
	buf_add(&reader->out->sql, text);
	reader->at += text.len;
}

static void user(struct reader *reader)
{
	reader->out->own = true;
	buf_addc(&reader->out->sql, "$1");
	reader->at += 2;
}

static void read_all(struct pg_text *text, const char *sql)
{
	struct reader reader = { .at = sql, .out = text };

	while (*reader.at) {
		if (comment(&reader))
			continue;
		if (*reader.at == '\'' || *reader.at == '"')
			quoted(&reader);
		else if (*reader.at == '?')
			parameter(&reader);
		else if (reader.at[0] == '$' && reader.at[1] == '0' && !is_word(reader.at[2]))
			user(&reader);
		else if (is_word(*reader.at))
			word(&reader);
		else
			buf_byte(&text->sql, *reader.at++);
	}
	ASSERT(!reader.opened);
}

static bool has_word(const char *sql, const char *wanted)
{
	size_t len = strlen(wanted);

	for (const char *at = sql; (at = strstr(at, wanted)); at++)
		if ((at == sql || !is_word(at[-1])) && !is_word(at[len]))
			return true;
	return false;
}

static bool is_query(const char *sql)
{
	while (*sql == ' ' || *sql == '\n' || *sql == '\t')
		sql++;
	if (strncmp(sql, "SELECT", 6) == 0)
		return true;
	return strncmp(sql, "WITH", 4) == 0 && !has_word(sql, "INSERT") &&
	       !has_word(sql, "UPDATE") && !has_word(sql, "DELETE");
}

void pg_text_read(struct pg_text *text, const char *sql)
{
	*text = (struct pg_text){ 0 };
	read_all(text, sql);
	if (text->own) {
		buf_clear(&text->sql);
		text->params = 0;
		read_all(text, sql);
	}
	text->rows = is_query(buf_cstr(&text->sql));
}

void pg_text_release(struct pg_text *text)
{
	buf_release(&text->sql);
}
