/*
 * The evaluator walks the tree. Variables and functions share one namespace; blocks have none of
 * their own; `return` sets RETURN and goes on.
 */
#include "query/lang/eval.h"

#include <math.h>

#include "query/lang/function.h"

static int eval(struct run *run, const struct expr *expr, struct value **out);

static int eval_name(struct run *run, const struct expr *expr, struct value **out)
{
	struct value *value = run->variables[expr->name];

	if (!value) {
		struct str name = str_sub(run->ast.names[expr->name], 0, 200);

		run->at = (ptrdiff_t)expr->at;
		return run_fail(run, LANG_VARIABLE_NOT_DEFINED, "%.*s", STR_ARG(name));
	}
	*out = value_ref(value);
	return 0;
}

static int eval_list(struct run *run, const struct expr *expr, struct value **out)
{
	struct value *list;
	size_t i = 0;
	int result = value_list(&list, run, expr->count);

	for (const struct expr_item *item = expr->items; result == 0 && item; item = item->next) {
		struct value *value;

		result = eval(run, item->value, &value);
		if (result == 0)
			result = value_put(list, run, i++, value);
	}
	if (result < 0)
		value_unref(run, list);
	else
		*out = list;
	return result;
}

static int eval_dict(struct run *run, const struct expr *expr, struct value **out)
{
	struct member *members = arena_zalloc(&run->scratch, expr->count + 1, sizeof(*members));
	size_t count = 0;
	int result = 0;

	for (const struct expr_item *item = expr->items; item; item = item->next) {
		members[count] = (struct member){ .key = item->key, .order = count };
		result = eval(run, item->value, &members[count].value);
		if (result < 0)
			break;
		count++;
	}
	if (result == 0) {
		result = value_dict(out, run, members, count);
		if (result < 0)
			value_unref(run, *out);
		return result;
	}
	while (count > 0)
		value_unref(run, members[--count].value);
	return result;
}

/* Arguments first, then what is called. */
static int eval_call(struct run *run, const struct expr *expr, struct value **out)
{
	struct value **args = arena_zalloc(&run->scratch, expr->count + 1, sizeof(*args));
	struct value *callee = NULL;
	size_t count = 0;
	int result = 0;

	for (const struct expr_item *item = expr->items; result == 0 && item; item = item->next) {
		result = eval(run, item->value, &args[count]);
		count += result == 0;
	}
	if (result == 0)
		result = eval_name(run, expr, &callee);
	run->at = (ptrdiff_t)expr->at;
	if (result == 0 && callee->type == VALUE_FUNCTION) {
		result = function_call(out, run, callee->function, args, count);
		value_unref(run, callee);
		return result;
	}
	if (result == 0)
		result = run_fail(run, LANG_INVALID_TYPE, "%.*s",
			STR_ARG(str_sub(run->ast.names[expr->name], 0, 200)));
	value_unref(run, callee);
	while (count > 0)
		value_unref(run, args[--count]);
	return result;
}

/* --- operators --- */

static const char *operator_name(enum token_type op)
{
	switch (op) {
	case TOKEN_PLUS:
		return "+";
	case TOKEN_MINUS:
		return "-";
	case TOKEN_TIMES:
		return "*";
	case TOKEN_DIVIDE:
		return "/";
	default:
		return "%";
	}
}

static int fail_operands(
	struct run *run, enum token_type op, const struct value *a, const struct value *b)
{
	return run_fail(run, LANG_INVALID_TYPE, "Cannot use operator %s on %.*s and %.*s",
		operator_name(op), STR_ARG(value_show(run, a)), STR_ARG(value_show(run, b)));
}

static int compute(struct run *run, enum token_type op, double a, double b, struct value **out)
{
	switch (op) {
	case TOKEN_PLUS:
		return value_number(out, run, a + b);
	case TOKEN_MINUS:
		return value_number(out, run, a - b);
	case TOKEN_TIMES:
		return value_number(out, run, a * b);
	case TOKEN_MODULO:
		return value_number(out, run, fmod(a, b));
	default:
		if (fpclassify(b) == FP_ZERO)
			return run_fail(run, LANG_MATH_ERROR, "Tried to divide by zero!");
		return value_number(out, run, a / b);
	}
}

static int join_strings(struct run *run, struct str a, struct str b, struct value **out)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	buf_add(&text, a);
	buf_add(&text, b);
	return value_string(out, run, buf_str(&text));
}

/* How many items LIST has, its events computed. */
static int count_items(struct run *run, struct value *list, size_t *count)
{
	struct events *events;
	int result;

	if (list->type == VALUE_LIST) {
		*count = list->list.count;
		return 0;
	}
	result = function_events(run, list, &events);
	if (result == 0)
		*count = events->count;
	return result;
}

/* Put the items of FROM into TO from place AT on; events become values each. */
static int put_items(struct run *run, struct value *to, size_t at, struct value *from, size_t count)
{
	struct events *events = NULL;
	int result = 0;

	if (from->type == VALUE_EVENTS)
		result = function_events(run, from, &events);
	for (size_t i = 0; result == 0 && i < count; i++) {
		struct value *item;

		if (events) {
			result = value_new(&item, run, VALUE_EVENT, 0);
			if (result < 0)
				break;
			item->event = events->at[i];
		} else {
			item = value_ref(from->list.items[i]);
		}
		result = value_put(to, run, at + i, item);
		if (result == 0)
			result = run_step(run, 2);
	}
	return result;
}

static int join_lists(struct run *run, struct value *a, struct value *b, struct value **out)
{
	size_t a_count = 0, b_count = 0;
	int result;

	if (value_is_events(a) && value_is_events(b)) {
		struct value **args = arena_zalloc(&run->scratch, 2, sizeof(*args));

		args[0] = value_ref(a);
		args[1] = value_ref(b);
		return function_call(out, run, function_find(STR("concat")), args, 2);
	}
	result = count_items(run, a, &a_count);
	if (result == 0)
		result = count_items(run, b, &b_count);
	if (result == 0)
		result = value_list(out, run, a_count + b_count);
	if (result < 0)
		return result;
	result = put_items(run, *out, 0, a, a_count);
	if (result == 0)
		result = put_items(run, *out, a_count, b, b_count);
	if (result < 0)
		value_unref(run, *out);
	return result;
}

static int compare(struct run *run, struct value *a, struct value *b, struct value **out)
{
	bool lists = value_is_list(a) && value_is_list(b), equal = false;
	int result;

	if ((a->type != b->type && !lists) || a->type == VALUE_FUNCTION)
		return run_fail(run, LANG_INVALID_TYPE,
			"Cannot compare values of different types %.*s and %.*s",
			STR_ARG(value_show(run, a)), STR_ARG(value_show(run, b)));
	if (a->type == VALUE_NONE)
		return value_bool(out, run, false);
	result = value_equal(run, a, b, &equal);
	return result < 0 ? result : value_bool(out, run, equal);
}

static int apply(
	struct run *run, enum token_type op, struct value *a, struct value *b, struct value **out)
{
	if (op == TOKEN_EQUALS)
		return compare(run, a, b, out);
	if (a->type == VALUE_NUMBER && b->type == VALUE_NUMBER)
		return compute(run, op, a->number, b->number, out);
	if (op == TOKEN_PLUS && a->type == VALUE_STRING && b->type == VALUE_STRING)
		return join_strings(run, a->text, b->text, out);
	if (op == TOKEN_PLUS && value_is_list(a) && value_is_list(b))
		return join_lists(run, a, b, out);
	return fail_operands(run, op, a, b);
}

static int eval_chain(struct run *run, const struct expr *chain, struct value **out)
{
	struct value *left;
	int result = eval(run, chain->first, &left);

	for (const struct expr_link *link = chain->links; result == 0 && link; link = link->next) {
		struct value *right, *both = NULL;

		result = eval(run, link->operand, &right);
		if (result < 0) {
			value_unref(run, left);
			return result;
		}
		run->at = (ptrdiff_t)link->at;
		result = apply(run, link->op, left, right, &both);
		value_unref(run, left);
		value_unref(run, right);
		left = both;
	}
	if (result == 0)
		*out = left;
	return result;
}

static int eval(struct run *run, const struct expr *expr, struct value **out)
{
	int result = run_step(run, 8);

	if (result < 0)
		return result;
	run->at = (ptrdiff_t)expr->at;
	switch (expr->type) {
	case EXPR_BOOL:
		return value_bool(out, run, expr->flag);
	case EXPR_NUMBER:
		return value_number(out, run, expr->number);
	case EXPR_STRING:
		return value_string(out, run, expr->text);
	case EXPR_NAME:
		return eval_name(run, expr, out);
	case EXPR_LIST:
		return eval_list(run, expr, out);
	case EXPR_DICT:
		return eval_dict(run, expr, out);
	case EXPR_CALL:
		return eval_call(run, expr, out);
	case EXPR_CHAIN:
		break;
	}
	return eval_chain(run, expr, out);
}

/* --- statements --- */

/* Takes VALUE over. */
static void set_variable(struct run *run, size_t name, struct value *value)
{
	value_unref(run, run->variables[name]);
	run->variables[name] = value;
}

static int exec_block(struct run *run, const struct block *block);

static int exec_if(struct run *run, const struct statement *statement)
{
	for (const struct branch *at = statement->branches; at; at = at->next) {
		struct value *condition;
		bool yes;
		int result;

		if (!at->condition)
			return exec_block(run, &at->block);
		result = eval(run, at->condition, &condition);
		if (result < 0)
			return result;
		if (condition->type != VALUE_BOOL) {
			run->at = (ptrdiff_t)at->condition->at;
			result = run_fail(run, LANG_INVALID_TYPE,
				"Cannot compare values of different types %.*s and Bool(true)",
				STR_ARG(value_show(run, condition)));
			value_unref(run, condition);
			return result;
		}
		yes = condition->flag;
		value_unref(run, condition);
		if (yes)
			return exec_block(run, &at->block);
	}
	return 0;
}

static int exec_value(struct run *run, const struct statement *statement)
{
	struct value *value;
	int result = eval(run, statement->value, &value);

	if (result < 0)
		return result;
	if (statement->type == STATEMENT_ASSIGN) {
		set_variable(run, statement->name, value);
		if (!statement->returns)
			return 0;
		result = value_none(&value, run); /* what an assignment is worth */
	}
	if (result < 0)
		return result;
	if (statement->returns)
		set_variable(run, run->result, value);
	else
		value_unref(run, value);
	return 0;
}

static int exec_block(struct run *run, const struct block *block)
{
	int result = 0;

	for (const struct statement *at = block->first; result == 0 && at; at = at->next)
		result = at->type == STATEMENT_IF ? exec_if(run, at) : exec_value(run, at);
	return result;
}

/* --- the program --- */

static int define_functions(struct run *run)
{
	for (size_t i = 0; i < run->ast.name_count; i++) {
		const struct function *function = function_find(run->ast.names[i]);
		int result;

		if (!function)
			continue;
		result = value_new(&run->variables[i], run, VALUE_FUNCTION, 0);
		if (result < 0)
			return result;
		run->variables[i]->function = function;
	}
	return 0;
}

/* Where NAME is kept: among the program's names, or at SPARE, behind them. */
static size_t place_of(const struct run *run, const char *name, size_t spare)
{
	for (size_t i = 0; i < run->ast.name_count; i++)
		if (str_eq_c(run->ast.names[i], name))
			return i;
	return run->ast.name_count + spare;
}

int eval_program(struct run *run, struct str interval, struct value **out)
{
	size_t count = run->ast.name_count + 2;
	int result;

	run->at = RUN_NOWHERE;
	run->variables = arena_zalloc(&run->scratch, count, sizeof(*run->variables));
	run->interval = place_of(run, "TIMEINTERVAL", 0);
	run->result = place_of(run, "RETURN", 1);
	result = define_functions(run);
	if (result == 0)
		result = value_string(&run->variables[run->interval], run, interval);
	if (result == 0)
		result = exec_block(run, &run->ast.block);
	*out = NULL;
	if (result == 0 && run->variables[run->result])
		*out = value_ref(run->variables[run->result]);
	for (size_t i = 0; i < count; i++)
		value_unref(run, run->variables[i]);
	run->variables = NULL;
	run->at = RUN_NOWHERE;
	if (result < 0 || *out)
		return result;
	run->kind = LANG_EMPTY_QUERY;
	return err_set(run->err, ERR_USAGE, "%s", lang_kind_name(LANG_EMPTY_QUERY));
}
