/* Recursive descent. Nesting is bounded; operators of a chain, statements and branches are lists,
 * so that walking the tree nests no deeper than the program does. */
#include <stdlib.h>

#include "base/utf8.h"
#include "model/limits.h"
#include "query/lang/ast.h"

enum { NAME_SLOTS_MIN = 64, SHOWN_BYTES = 60 };

struct parser {
	struct lexer lexer;
	struct token token; /* the one at hand */
	struct token ahead; /* the one behind it */
	struct arena *arena;
	struct ast *ast;
	size_t name_room;
	size_t *slots; /* a hash table of indices into ast->names, plus 1 */
	size_t slot_count;
	unsigned depth;
	struct err *err;
};

static int parse_expr(struct parser *parser, struct expr **out);
static int parse_block(struct parser *parser, struct block *out, enum token_type end);

static void advance(struct parser *parser)
{
	parser->token = parser->ahead;
	parser->ahead = lexer_next(&parser->lexer);
}

static int fail_at(struct parser *parser, size_t at, int code, const char *what)
{
	struct lex_place place = lex_place(parser->ast->program, at);

	return err_set(
		parser->err, code, "%s (line %zu, column %zu)", what, place.line, place.column);
}

static int fail_expected(struct parser *parser, const char *expected)
{
	struct token token = parser->token;
	struct str shown = utf8_cut(token.text, SHOWN_BYTES);
	struct str what;

	if (token.type == TOKEN_UNCLOSED)
		return fail_at(parser, token.at, ERR_PARSE,
			"the string that begins here is never "
			"closed");
	if (token.type == TOKEN_END)
		what = arena_printf(parser->arena, "expected %s, found the end", expected);
	else if (token.type == TOKEN_UNKNOWN)
		what = arena_printf(parser->arena, "unknown character '%.*s', expected %s",
			STR_ARG(utf8_valid(shown) ? shown : UTF8_REPLACEMENT), expected);
	else
		what = arena_printf(parser->arena, "expected %s, found %s%.*s%s", expected,
			token.type == TOKEN_STRING ? "the string \"" : "'", STR_ARG(shown),
			token.type == TOKEN_STRING ? "\"" : "'");
	return fail_at(parser, token.at, ERR_PARSE, what.ptr);
}

static int expect(struct parser *parser, enum token_type type, const char *name)
{
	if (parser->token.type != type)
		return fail_expected(parser, name);
	advance(parser);
	return 0;
}

static int enter(struct parser *parser)
{
	if (++parser->depth <= LIMIT_QUERY_DEPTH)
		return 0;
	return fail_at(parser, parser->token.at, ERR_LIMIT,
		arena_printf(
			parser->arena, "the program is nested deeper than %d", LIMIT_QUERY_DEPTH)
			.ptr);
}

/* --- names --- */

static size_t hash_name(struct str name)
{
	size_t hash = 5381;

	for (size_t i = 0; i < name.len; i++)
		hash = hash * 33 + (unsigned char)name.ptr[i];
	return hash;
}

static size_t *find_slot(struct parser *parser, struct str name)
{
	size_t at = hash_name(name) % parser->slot_count;

	while (parser->slots[at] != 0 && !str_eq(parser->ast->names[parser->slots[at] - 1], name))
		at = (at + 1) % parser->slot_count;
	return &parser->slots[at];
}

static void grow_names(struct parser *parser)
{
	struct ast *ast = parser->ast;
	size_t room = parser->name_room > 0 ? parser->name_room * 2 : NAME_SLOTS_MIN;
	struct str *names = arena_zalloc(parser->arena, room, sizeof(*names));

	if (ast->name_count > 0)
		memcpy(names, ast->names, ast->name_count * sizeof(*names));
	ast->names = names;
	parser->name_room = room;
	parser->slot_count = room * 2 + 1;
	parser->slots = arena_zalloc(parser->arena, parser->slot_count, sizeof(size_t));
	for (size_t i = 0; i < ast->name_count; i++)
		*find_slot(parser, names[i]) = i + 1;
}

static size_t name_index(struct parser *parser, struct str name)
{
	size_t *slot;

	if (parser->ast->name_count == parser->name_room)
		grow_names(parser);
	slot = find_slot(parser, name);
	if (*slot == 0) {
		parser->ast->names[parser->ast->name_count++] = name;
		*slot = parser->ast->name_count;
	}
	return *slot - 1;
}

/* --- expressions --- */

/* The value of a string: each `\"` is a quote, nothing else is an escape. */
static struct str string_value(struct arena *arena, struct str text)
{
	char *out;
	size_t len = 0;

	if (str_find(text, '"', 0) < 0)
		return text;
	out = arena_alloc(arena, text.len);
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '"')
			len--;
		out[len++] = text.ptr[i];
	}
	return (struct str){ out, len };
}

static struct expr *new_expr(struct parser *parser, enum expr_type type)
{
	struct expr *expr = arena_zalloc(parser->arena, 1, sizeof(*expr));

	expr->type = type;
	expr->at = parser->token.at;
	return expr;
}

static int parse_item(struct parser *parser, bool keyed, struct expr_item **out)
{
	struct expr_item *item = arena_zalloc(parser->arena, 1, sizeof(*item));
	int result;

	*out = item;
	if (keyed) {
		if (parser->token.type != TOKEN_STRING)
			return fail_expected(parser, "a string as key");
		item->key = string_value(parser->arena, parser->token.text);
		advance(parser);
		result = expect(parser, TOKEN_COLON, "':'");
		if (result < 0)
			return result;
	}
	return parse_expr(parser, &item->value);
}

/* The items up to the mark END, which is passed; the opening mark was. */
static int parse_items(struct parser *parser, struct expr *expr, enum token_type end)
{
	const char *wanted = end == TOKEN_PAREN_CLOSE     ? "',' or ')'"
			     : end == TOKEN_BRACKET_CLOSE ? "',' or ']'"
							  : "',' or '}'";
	struct expr_item **link = &expr->items;

	if (parser->token.type == end) {
		advance(parser);
		return 0;
	}
	for (;;) {
		int result = parse_item(parser, expr->type == EXPR_DICT, link);

		if (result < 0)
			return result;
		link = &(*link)->next;
		expr->count++;
		if (parser->token.type != TOKEN_COMMA)
			return expect(parser, end, wanted);
		advance(parser);
	}
}

static int parse_name(struct parser *parser, struct expr **out)
{
	bool call = parser->ahead.type == TOKEN_PAREN_OPEN;
	struct expr *expr = new_expr(parser, call ? EXPR_CALL : EXPR_NAME);

	*out = expr;
	expr->name = name_index(parser, parser->token.text);
	advance(parser);
	if (!call)
		return 0;
	advance(parser);
	return parse_items(parser, expr, TOKEN_PAREN_CLOSE);
}

static int parse_literal(struct parser *parser, struct expr **out)
{
	struct token token = parser->token;
	struct expr *expr = new_expr(parser, EXPR_BOOL);

	*out = expr;
	if (token.type == TOKEN_STRING) {
		expr->type = EXPR_STRING;
		expr->text = string_value(parser->arena, token.text);
	} else if (token.type == TOKEN_NUMBER) {
		expr->type = EXPR_NUMBER;
		expr->text = token.text;
		expr->number = strtod(arena_cstr(parser->arena, token.text), NULL);
	} else {
		expr->flag = token.type == TOKEN_TRUE;
	}
	advance(parser);
	return 0;
}

static int parse_container(struct parser *parser, struct expr **out)
{
	bool list = parser->token.type == TOKEN_BRACKET_OPEN;

	*out = new_expr(parser, list ? EXPR_LIST : EXPR_DICT);
	advance(parser);
	return parse_items(parser, *out, list ? TOKEN_BRACKET_CLOSE : TOKEN_BRACE_CLOSE);
}

static int parse_parens(struct parser *parser, struct expr **out)
{
	int result;

	advance(parser);
	result = parse_expr(parser, out);
	return result < 0 ? result : expect(parser, TOKEN_PAREN_CLOSE, "an operator or ')'");
}

static int parse_operand(struct parser *parser, struct expr **out)
{
	switch (parser->token.type) {
	case TOKEN_NAME:
		return parse_name(parser, out);
	case TOKEN_STRING:
	case TOKEN_NUMBER:
	case TOKEN_TRUE:
	case TOKEN_FALSE:
		return parse_literal(parser, out);
	case TOKEN_BRACKET_OPEN:
	case TOKEN_BRACE_OPEN:
		return parse_container(parser, out);
	case TOKEN_PAREN_OPEN:
		return parse_parens(parser, out);
	default:
		return fail_expected(parser, "a value");
	}
}

static bool is_operator(enum token_type type)
{
	return type == TOKEN_EQUALS || (type >= TOKEN_PLUS && type <= TOKEN_MODULO);
}

static int parse_links(struct parser *parser, struct expr *chain)
{
	struct expr_link **link = &chain->links;

	while (is_operator(parser->token.type)) {
		int result;

		if (++chain->count > LIMIT_QUERY_DEPTH)
			return fail_at(parser, parser->token.at, ERR_LIMIT,
				arena_printf(parser->arena, "more than %d operators in a row",
					LIMIT_QUERY_DEPTH)
					.ptr);
		*link = arena_zalloc(parser->arena, 1, sizeof(**link));
		(*link)->op = parser->token.type;
		(*link)->at = parser->token.at;
		advance(parser);
		result = parse_operand(parser, &(*link)->operand);
		if (result < 0)
			return result;
		link = &(*link)->next;
	}
	return 0;
}

static int parse_expr(struct parser *parser, struct expr **out)
{
	int result = enter(parser);

	if (result == 0)
		result = parse_operand(parser, out);
	if (result == 0 && is_operator(parser->token.type)) {
		struct expr *chain = new_expr(parser, EXPR_CHAIN);

		chain->first = *out;
		*out = chain;
		result = parse_links(parser, chain);
	}
	parser->depth--;
	return result;
}

/* --- statements --- */

static int parse_braces(struct parser *parser, struct block *out)
{
	int result = expect(parser, TOKEN_BRACE_OPEN, "an operator or '{'");

	if (result == 0)
		result = parse_block(parser, out, TOKEN_BRACE_CLOSE);
	if (result == 0)
		advance(parser);
	return result;
}

static int parse_if(struct parser *parser, struct statement *statement)
{
	struct branch **link = &statement->branches;
	bool more = true;

	statement->type = STATEMENT_IF;
	while (more) {
		enum token_type type = parser->token.type;
		int result = 0;

		*link = arena_zalloc(parser->arena, 1, sizeof(**link));
		advance(parser);
		if (type != TOKEN_ELSE)
			result = parse_expr(parser, &(*link)->condition);
		if (result == 0)
			result = parse_braces(parser, &(*link)->block);
		if (result < 0)
			return result;
		link = &(*link)->next;
		more = type != TOKEN_ELSE &&
		       (parser->token.type == TOKEN_ELIF || parser->token.type == TOKEN_ELSE);
	}
	return 0;
}

static int parse_statement(struct parser *parser, struct statement *statement)
{
	int result;

	if (parser->token.type == TOKEN_IF)
		return parse_if(parser, statement);
	statement->returns = parser->token.type == TOKEN_RETURN;
	if (statement->returns)
		advance(parser);
	if (parser->token.type == TOKEN_NAME && parser->ahead.type == TOKEN_ASSIGN) {
		statement->type = STATEMENT_ASSIGN;
		statement->name = name_index(parser, parser->token.text);
		advance(parser);
		advance(parser);
	}
	result = parse_expr(parser, &statement->value);
	return result < 0 ? result : expect(parser, TOKEN_SEMICOLON, "an operator or ';'");
}

/* The statements up to END, which is not passed. */
static int parse_block(struct parser *parser, struct block *out, enum token_type end)
{
	struct statement **link = &out->first;
	int result = enter(parser);

	while (result == 0 && parser->token.type != end) {
		if (parser->token.type == TOKEN_SEMICOLON) {
			advance(parser);
			continue;
		}
		if (parser->token.type == TOKEN_END) {
			result = fail_expected(parser, "'}'");
			break;
		}
		*link = arena_zalloc(parser->arena, 1, sizeof(**link));
		result = parse_statement(parser, *link);
		link = &(*link)->next;
	}
	parser->depth--;
	return result;
}

int ast_parse(struct ast *ast, struct arena *arena, struct str program, struct err *err)
{
	struct parser parser = {
		.lexer = lexer(program),
		.arena = arena,
		.ast = ast,
		.err = err,
	};

	*ast = (struct ast){ .program = program };
	if (program.len > LIMIT_QUERY_TEXT_BYTES)
		return err_set(err, ERR_LIMIT, "the program is longer than %d bytes",
			LIMIT_QUERY_TEXT_BYTES);
	advance(&parser);
	advance(&parser);
	return parse_block(&parser, &ast->block, TOKEN_END);
}
