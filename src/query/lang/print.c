/* Programs as text: a statement a line, blocks indented, parentheses only where a chain is the
 * operand of a chain. */
#include "query/lang/ast.h"

struct printer {
	const struct ast *ast;
	struct buf *out;
	unsigned indent;
};

static void print_expr(struct printer *printer, const struct expr *expr);
static void print_block(struct printer *printer, const struct block *block);

static void print_string(struct buf *out, struct str value)
{
	buf_byte(out, '"');
	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] == '"')
			buf_byte(out, '\\');
		buf_byte(out, value.ptr[i]);
	}
	buf_byte(out, '"');
}

static void print_items(struct printer *printer, const struct expr *expr, const char *marks)
{
	buf_byte(printer->out, marks[0]);
	for (const struct expr_item *item = expr->items; item; item = item->next) {
		if (item != expr->items)
			buf_addc(printer->out, ", ");
		if (expr->type == EXPR_DICT) {
			print_string(printer->out, item->key);
			buf_addc(printer->out, ": ");
		}
		print_expr(printer, item->value);
	}
	buf_byte(printer->out, marks[1]);
}

static void print_operand(struct printer *printer, const struct expr *expr)
{
	bool parens = expr->type == EXPR_CHAIN;

	if (parens)
		buf_byte(printer->out, '(');
	print_expr(printer, expr);
	if (parens)
		buf_byte(printer->out, ')');
}

static const char *operator_text(enum token_type op)
{
	switch (op) {
	case TOKEN_PLUS:
		return " + ";
	case TOKEN_MINUS:
		return " - ";
	case TOKEN_TIMES:
		return " * ";
	case TOKEN_DIVIDE:
		return " / ";
	case TOKEN_MODULO:
		return " % ";
	default:
		return " == ";
	}
}

static void print_chain(struct printer *printer, const struct expr *chain)
{
	print_operand(printer, chain->first);
	for (const struct expr_link *link = chain->links; link; link = link->next) {
		buf_addc(printer->out, operator_text(link->op));
		print_operand(printer, link->operand);
	}
}

static void print_expr(struct printer *printer, const struct expr *expr)
{
	switch (expr->type) {
	case EXPR_BOOL:
		buf_addc(printer->out, expr->flag ? "true" : "false");
		return;
	case EXPR_NUMBER:
		buf_add(printer->out, expr->text);
		return;
	case EXPR_STRING:
		print_string(printer->out, expr->text);
		return;
	case EXPR_LIST:
		print_items(printer, expr, "[]");
		return;
	case EXPR_DICT:
		print_items(printer, expr, "{}");
		return;
	case EXPR_CALL:
		buf_add(printer->out, printer->ast->names[expr->name]);
		print_items(printer, expr, "()");
		return;
	case EXPR_CHAIN:
		print_chain(printer, expr);
		return;
	case EXPR_NAME:
		buf_add(printer->out, printer->ast->names[expr->name]);
		return;
	}
}

static void print_indent(struct printer *printer)
{
	for (unsigned i = 0; i < printer->indent; i++)
		buf_byte(printer->out, '\t');
}

static void print_if(struct printer *printer, const struct branch *branches)
{
	for (const struct branch *branch = branches; branch; branch = branch->next) {
		buf_addc(printer->out, branch == branches ? "if " : "");
		if (branch != branches)
			buf_addc(printer->out, branch->condition ? " elif " : " else ");
		if (branch->condition) {
			print_expr(printer, branch->condition);
			buf_byte(printer->out, ' ');
		}
		buf_addc(printer->out, "{\n");
		printer->indent++;
		print_block(printer, &branch->block);
		printer->indent--;
		print_indent(printer);
		buf_byte(printer->out, '}');
	}
	buf_byte(printer->out, '\n');
}

static void print_block(struct printer *printer, const struct block *block)
{
	for (const struct statement *at = block->first; at; at = at->next) {
		print_indent(printer);
		if (at->type == STATEMENT_IF) {
			print_if(printer, at->branches);
			continue;
		}
		buf_addc(printer->out, at->returns ? "return " : "");
		if (at->type == STATEMENT_ASSIGN) {
			buf_add(printer->out, printer->ast->names[at->name]);
			buf_addc(printer->out, " = ");
		}
		print_expr(printer, at->value);
		buf_addc(printer->out, ";\n");
	}
}

void ast_print(const struct ast *ast, struct buf *out)
{
	struct printer printer = { .ast = ast, .out = out };

	print_block(&printer, &ast->block);
}
