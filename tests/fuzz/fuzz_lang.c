/*
 * Programs. What parses is printed, parses again to the same tree and is printed the same; what
 * runs, under small limits and over a few events, ends with an answer that is JSON or with an error
 * of a known kind, and does the same when it is run again.
 */
#include <math.h>

#include "base/json.h"
#include "query/lang.h"
#include "query/lang/ast.h"

enum { EVENTS = 12, TIME_MS = 2000, MEMORY_BYTES = 4 << 20, CACHE_BYTES = 64 << 10 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- trees --- */

static void same_block(const struct ast *a, const struct ast *b, const struct block *left,
	const struct block *right);

static bool same_name(const struct ast *a, const struct ast *b, size_t left, size_t right)
{
	return str_eq(a->names[left], b->names[right]);
}

static void same_expr(
	const struct ast *a, const struct ast *b, const struct expr *left, const struct expr *right)
{
	const struct expr_item *item = left->items, *other = right->items;
	const struct expr_link *link = left->links, *second = right->links;

	ASSERT(left->type == right->type && left->flag == right->flag);
	ASSERT(left->count == right->count);
	ASSERT(str_eq(left->text, right->text));
	ASSERT(memcmp(&left->number, &right->number, sizeof(left->number)) == 0);
	if (left->type == EXPR_NAME || left->type == EXPR_CALL)
		ASSERT(same_name(a, b, left->name, right->name));
	for (; item && other; item = item->next, other = other->next) {
		ASSERT(str_eq(item->key, other->key));
		same_expr(a, b, item->value, other->value);
	}
	ASSERT(!item && !other);
	if (left->first)
		same_expr(a, b, left->first, right->first);
	for (; link && second; link = link->next, second = second->next) {
		ASSERT(link->op == second->op);
		same_expr(a, b, link->operand, second->operand);
	}
	ASSERT(!link && !second);
}

static void same_branches(const struct ast *a, const struct ast *b, const struct branch *left,
	const struct branch *right)
{
	for (; left && right; left = left->next, right = right->next) {
		ASSERT(!left->condition == !right->condition);
		if (left->condition)
			same_expr(a, b, left->condition, right->condition);
		same_block(a, b, &left->block, &right->block);
	}
	ASSERT(!left && !right);
}

static void same_block(const struct ast *a, const struct ast *b, const struct block *left,
	const struct block *right)
{
	const struct statement *one = left->first, *two = right->first;

	for (; one && two; one = one->next, two = two->next) {
		ASSERT(one->type == two->type && one->returns == two->returns);
		if (one->type == STATEMENT_ASSIGN)
			ASSERT(same_name(a, b, one->name, two->name));
		if (one->value)
			same_expr(a, b, one->value, two->value);
		same_branches(a, b, one->branches, two->branches);
	}
	ASSERT(!one && !two);
}

static bool check_printing(struct str program)
{
	CLEANUP(buf_release) struct buf once = BUF_INIT, again = BUF_INIT;
	struct arena arena = { 0 };
	struct ast first, second;
	struct err err;
	bool parsed = ast_parse(&first, &arena, program, &err) == 0;

	if (parsed) {
		ast_print(&first, &once);
		ASSERT(ast_parse(&second, &arena, buf_str(&once), &err) == 0);
		same_block(&first, &second, &first.block, &second.block);
		ast_print(&second, &again);
		ASSERT(str_eq(buf_str(&once), buf_str(&again)));
	} else {
		ASSERT(err.code == ERR_PARSE || err.code == ERR_LIMIT);
	}
	arena_release(&arena);
	return parsed;
}

/* --- a source --- */

static int buckets(
	void *owner, struct arena *arena, struct lang_bucket **out, size_t *count, struct err *err)
{
	static const char *const ids[] = { "a", "b" };

	(void)owner;
	(void)err;
	*count = ARRAY_LEN(ids);
	*out = arena_zalloc(arena, *count, sizeof(**out));
	for (size_t i = 0; i < *count; i++)
		(*out)[i] = (struct lang_bucket){ str_from(ids[i]), STR("h"), (int64_t)i };
	return 0;
}

static int version(void *owner, int64_t no, int64_t from_ns, int64_t to_ns, int64_t known,
	int64_t *out, struct err *err)
{
	(void)owner;
	(void)no;
	(void)from_ns;
	(void)to_ns;
	(void)err;
	*out = known > 0 ? known : 1;
	return 0;
}

static int load(void *owner, int64_t no, int64_t from_ns, int64_t to_ns,
	int (*take)(void *context, const struct lang_row *row, struct err *err), void *context,
	struct err *err)
{
	(void)owner;
	for (int64_t i = EVENTS; i > 0; i--) {
		struct lang_row row = { i, i * 4000000000 + no, i % 5 * 1000000000, i % 4 + no };
		int result = 0;

		if (row.start_ns <= to_ns && row.start_ns + row.duration_ns >= from_ns)
			result = take(context, &row, err);
		if (result < 0)
			return result;
	}
	return 0;
}

static int event_data(void *owner, int64_t data_no, struct buf *out, struct err *err)
{
	static const char *const data[] = { "{\"k\":\"x\",\"url\":\"http://www.a.b/c?d\"}",
		"{\"k\":1,\"t\":\"\\u0022\"}", "{\"k\":[\"x\",null,1.5]}", "{}", "{\"k\":\"y\"}" };

	(void)owner;
	(void)err;
	buf_addc(out, data[data_no]);
	return 0;
}

/* --- running --- */

static void check_answer(struct str answer)
{
	struct json_parser parser = { 0 };
	const struct json *root;
	struct err err;

	ASSERT(json_parse(&parser, answer, false, &root, &err) == 0);
	ASSERT(json_len(root) == 1);
	json_parser_release(&parser);
}

/* Programs stop at a limit of time or memory at places that need not be the same. */
static bool is_limit(int code)
{
	return code == ERR_LIMIT || code == ERR_TIMEOUT;
}

static void check_running(struct str program)
{
	CLEANUP(buf_release) struct buf first = BUF_INIT, second = BUF_INIT;
	const struct str period = STR("1970-01-01T00:00:00Z/1970-01-01T00:00:40Z");
	const struct lang_source source = { NULL, 1, buckets, version, load, event_data };
	const struct lang_request request = { .periods = &period,
		.period_count = 1,
		.program = program,
		.limits = { TIME_MS, MEMORY_BYTES } };
	const struct lang_options options = { .cache_bytes = CACHE_BYTES };
	struct lang *lang = lang_new(&options);
	enum lang_kind kind, again;
	struct err err;
	int code = lang_run(lang, &source, &request, &first, &kind, &err);
	int repeated = lang_run(lang, &source, &request, &second, &again, &err);

	ASSERT((code < 0) == (kind != LANG_OK));
	if (!is_limit(code) && !is_limit(repeated)) {
		ASSERT(code == repeated && kind == again);
		ASSERT(str_eq(buf_str(&first), buf_str(&second)));
	}
	if (code == 0)
		check_answer(buf_str(&first));
	lang_free(lang);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str program = { (const char *)data, size };

	if (check_printing(program))
		check_running(program);
	return 0;
}
