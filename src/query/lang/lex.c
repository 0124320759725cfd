/*
 * Strings follow ActivityWatch's rule, which does not count backslashes: a string ends at the first
 * quote that no backslash stands before; if there is none in the rest of the program, at the last
 * quote of all. So each quote inside a string has a backslash before it, and nothing else is an
 * escape.
 */
#include "query/lang/lex.h"

#include "base/utf8.h"

struct word {
	struct str text;
	enum token_type type;
};

static const struct word keywords[] = {
	{ STR_INIT("if"), TOKEN_IF },
	{ STR_INIT("elif"), TOKEN_ELIF },
	{ STR_INIT("else"), TOKEN_ELSE },
	{ STR_INIT("return"), TOKEN_RETURN },
	{ STR_INIT("true"), TOKEN_TRUE },
	{ STR_INIT("True"), TOKEN_TRUE },
	{ STR_INIT("false"), TOKEN_FALSE },
	{ STR_INIT("False"), TOKEN_FALSE },
};

/* "==" before "=". */
static const struct word marks[] = {
	{ STR_INIT("=="), TOKEN_EQUALS },
	{ STR_INIT("="), TOKEN_ASSIGN },
	{ STR_INIT("+"), TOKEN_PLUS },
	{ STR_INIT("-"), TOKEN_MINUS },
	{ STR_INIT("*"), TOKEN_TIMES },
	{ STR_INIT("/"), TOKEN_DIVIDE },
	{ STR_INIT("%"), TOKEN_MODULO },
	{ STR_INIT("("), TOKEN_PAREN_OPEN },
	{ STR_INIT(")"), TOKEN_PAREN_CLOSE },
	{ STR_INIT("["), TOKEN_BRACKET_OPEN },
	{ STR_INIT("]"), TOKEN_BRACKET_CLOSE },
	{ STR_INIT("{"), TOKEN_BRACE_OPEN },
	{ STR_INIT("}"), TOKEN_BRACE_CLOSE },
	{ STR_INIT(","), TOKEN_COMMA },
	{ STR_INIT(":"), TOKEN_COLON },
	{ STR_INIT(";"), TOKEN_SEMICOLON },
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c);
}

struct lexer lexer(struct str program)
{
	return (struct lexer){ program, str_starts(program, STR("\xef\xbb\xbf")) ? 3 : 0 };
}

static void skip_space(struct lexer *lexer)
{
	struct str program = lexer->program;

	while (lexer->at < program.len) {
		char c = program.ptr[lexer->at];

		if (c == '#') {
			ptrdiff_t end = str_find(program, '\n', lexer->at);

			lexer->at = end < 0 ? program.len : (size_t)end;
		} else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			lexer->at++;
		} else {
			return;
		}
	}
}

/* The offset of the quote that ends the string that begins at AT, or -1. */
static ptrdiff_t string_end(struct str program, size_t at)
{
	ptrdiff_t last = -1;
	ptrdiff_t quote;

	for (size_t from = at + 1; (quote = str_find(program, '"', from)) >= 0;
		from = (size_t)quote + 1) {
		last = quote;
		if (program.ptr[quote - 1] != '\\')
			break;
	}
	return last;
}

static struct token string_token(struct lexer *lexer)
{
	size_t at = lexer->at;
	ptrdiff_t end = string_end(lexer->program, at);

	if (end < 0)
		return (struct token){ TOKEN_UNCLOSED, str_sub(lexer->program, at, 1), at };
	lexer->at = (size_t)end + 1;
	return (struct token){ TOKEN_STRING, str_sub(lexer->program, at + 1, (size_t)end - at - 1),
		at };
}

/* The longest run of characters from *AT on that KIND accepts. */
static void pass(struct str program, size_t *at, bool (*kind)(char))
{
	while (*at < program.len && kind(program.ptr[*at]))
		(*at)++;
}

static struct token number_token(struct lexer *lexer)
{
	size_t from = lexer->at;

	pass(lexer->program, &lexer->at, is_digit);
	if (lexer->at < lexer->program.len && lexer->program.ptr[lexer->at] == '.') {
		lexer->at++;
		pass(lexer->program, &lexer->at, is_digit);
	}
	return (struct token){ TOKEN_NUMBER, str_sub(lexer->program, from, lexer->at - from),
		from };
}

static struct token name_token(struct lexer *lexer)
{
	size_t from = lexer->at;
	struct token token = { TOKEN_NAME, { NULL, 0 }, from };

	pass(lexer->program, &lexer->at, is_name);
	token.text = str_sub(lexer->program, from, lexer->at - from);
	for (size_t i = 0; i < ARRAY_LEN(keywords); i++)
		if (str_eq(token.text, keywords[i].text))
			token.type = keywords[i].type;
	return token;
}

static struct token mark_token(struct lexer *lexer)
{
	struct str rest = str_sub(lexer->program, lexer->at, lexer->program.len);
	size_t at = lexer->at, width;

	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		if (!str_starts(rest, marks[i].text))
			continue;
		lexer->at += marks[i].text.len;
		return (struct token){ marks[i].type, marks[i].text, at };
	}
	width = utf8_sequence(lexer->program, at);
	return (struct token){ TOKEN_UNKNOWN, str_sub(rest, 0, width > 0 ? width : 1), at };
}

struct token lexer_next(struct lexer *lexer)
{
	char c;

	skip_space(lexer);
	if (lexer->at == lexer->program.len)
		return (struct token){ .type = TOKEN_END, .at = lexer->at };
	c = lexer->program.ptr[lexer->at];
	if (c == '"')
		return string_token(lexer);
	if (is_digit(c))
		return number_token(lexer);
	return is_name(c) ? name_token(lexer) : mark_token(lexer);
}

struct lex_place lex_place(struct str program, size_t at)
{
	struct lex_place place = { 1, 1 };

	for (size_t i = lexer(program).at; i < at && i < program.len;) {
		size_t width = utf8_sequence(program, i);

		place.column++;
		if (program.ptr[i] == '\n')
			place = (struct lex_place){ place.line + 1, 1 };
		i += width > 0 ? width : 1;
	}
	return place;
}
