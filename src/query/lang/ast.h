/* A query program as a tree: parsed, and printed again. */
#ifndef TT_QUERY_LANG_AST_H
#define TT_QUERY_LANG_AST_H

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "query/lang/lex.h"

enum expr_type {
	EXPR_BOOL,
	EXPR_NUMBER,
	EXPR_STRING,
	EXPR_NAME,
	EXPR_LIST,
	EXPR_DICT,
	EXPR_CALL,
	EXPR_CHAIN,
};

struct expr;

/* What comes behind the first operand of a chain. */
struct expr_link {
	enum token_type op;
	size_t at;
	struct expr *operand;
	struct expr_link *next;
};

/* An element of a list, a value of a dict, an argument of a call. */
struct expr_item {
	struct str key; /* of a dict: its value */
	struct expr *value;
	struct expr_item *next;
};

struct expr {
	enum expr_type type;
	size_t at; /* byte offset in the program */
	bool flag;
	double number;
	struct str text; /* a number as it is written, a string's value */
	size_t name;     /* of a name or call: index into ast.names */
	size_t count;    /* of items */
	struct expr_item *items;
	struct expr *first;      /* of a chain, which is evaluated from left to right */
	struct expr_link *links; /* at least one */
};

enum statement_type { STATEMENT_VALUE, STATEMENT_ASSIGN, STATEMENT_IF };

struct block {
	struct statement *first;
};

/* An `if`, `elif` or, without a condition, `else`. */
struct branch {
	struct expr *condition;
	struct block block;
	struct branch *next;
};

struct statement {
	enum statement_type type;
	bool returns; /* `return` stands before it */
	size_t name;  /* of an assignment */
	struct expr *value;
	struct branch *branches;
	struct statement *next;
};

struct ast {
	struct str program;
	struct block block;
	struct str *names; /* each once, in order of appearance */
	size_t name_count;
};

/* Parse PROGRAM, which must live as long as the tree, in ARENA. ERR_PARSE, or ERR_LIMIT when nested
 * deeper or chained longer than LIMIT_QUERY_DEPTH, in words, with line and column. */
MUST_USE int ast_parse(struct ast *ast, struct arena *arena, struct str program, struct err *err);
/* Append the program so that parsing it gives the same tree. */
void ast_print(const struct ast *ast, struct buf *out);

#endif
