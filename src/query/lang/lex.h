/*
 * The tokens of a query program: maximal munch over UTF-8. What no token starts with is an error
 * where ActivityWatch's server ends the program there in silence.
 */
#ifndef TT_QUERY_LANG_LEX_H
#define TT_QUERY_LANG_LEX_H

#include "base/str.h"

enum token_type {
	TOKEN_END,
	TOKEN_IF,
	TOKEN_ELIF,
	TOKEN_ELSE,
	TOKEN_RETURN,
	TOKEN_TRUE,
	TOKEN_FALSE,
	TOKEN_STRING,
	TOKEN_NUMBER,
	TOKEN_NAME,
	TOKEN_EQUALS, /* == */
	TOKEN_ASSIGN,
	TOKEN_PLUS,
	TOKEN_MINUS,
	TOKEN_TIMES,
	TOKEN_DIVIDE,
	TOKEN_MODULO,
	TOKEN_PAREN_OPEN,
	TOKEN_PAREN_CLOSE,
	TOKEN_BRACKET_OPEN,
	TOKEN_BRACKET_CLOSE,
	TOKEN_BRACE_OPEN,
	TOKEN_BRACE_CLOSE,
	TOKEN_COMMA,
	TOKEN_COLON,
	TOKEN_SEMICOLON,
	TOKEN_UNCLOSED, /* a string that never ends */
	TOKEN_UNKNOWN,  /* a character that starts no token, or bytes that are no UTF-8 */
};

struct token {
	enum token_type type;
	struct str text; /* of a string: what is between its quotes, escapes and all */
	size_t at;       /* byte offset in the program */
};

struct lexer {
	struct str program;
	size_t at;
};

/* A byte order mark at the start is skipped. */
struct lexer lexer(struct str program);
/* The next token; TOKEN_END, TOKEN_UNCLOSED and TOKEN_UNKNOWN come again and again. */
struct token lexer_next(struct lexer *lexer);

/* Line and column of a byte offset, both from 1; columns are characters. */
struct lex_place {
	size_t line;
	size_t column;
};
struct lex_place lex_place(struct str program, size_t at);

#endif
