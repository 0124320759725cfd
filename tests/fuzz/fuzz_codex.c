/*
 * Properties of reading a rollout: whatever its bytes are, items have keys, and numbers that mean
 * something; and it makes no difference whether it is read at once, or line by line with the parser
 * written down and read back in between, in a batch each. What is marked in the one is marked in
 * the other, or the parser says that the file has to be mended.
 */
#include "collect/codex/codex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct pass {
	bool stepwise;
	bool known; /* origins are */
	struct arena arena;
	struct codex_reader reader;
	struct codex_parser parser;
	struct agent_session batch; /* what is read at once, or one line */
	struct agent_session all;
};

static void begin(struct pass *pass)
{
	pass->batch = agent_session(&pass->arena, "codex");
	pass->parser.fallback_id = STR("fallback");
	pass->parser.keep_title = true;
	codex_batch_begin(&pass->parser, &pass->batch);
}

/* The batch becomes part of all there is. */
static void flush(struct pass *pass)
{
	codex_batch_end(&pass->parser);
	ASSERT(pass->batch.id.len > 0);
	for (size_t i = 0; i < pass->batch.count; i++) {
		const struct agent_item *from = &pass->batch.items[i];

		*agent_item(&pass->all, from->kind, from->key, from->at_ns) = *from;
	}
	pass->all.bad_count += pass->batch.bad_count;
	pass->all.unknown = pass->batch.unknown;
}

static void step(struct pass *pass)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	flush(pass);
	codex_parser_save(&pass->parser, &text);
	codex_parser_release(&pass->parser);
	ASSERT(codex_parser_load(&pass->parser, buf_str(&text)));
	begin(pass);
}

static void take(struct pass *pass, struct str line, int64_t offset)
{
	struct codex_record record;
	struct str origin;
	struct err err;

	if (codex_record_read(&pass->reader, line, &record, &err) < 0) {
		struct agent_bad bad = {
			.offset = offset, .reason = "not_json", .detail = STR("x"), .bytes = line
		};

		codex_take_bad(&pass->parser, &bad);
		return;
	}
	if (codex_asks(&pass->parser, &record))
		record.in_parent = record.turn.ptr[record.turn.len - 1] % 2;
	codex_take(&pass->parser, &record, line, offset);
	if (codex_new_origin(&pass->parser, &origin)) {
		ASSERT(origin.len > 0);
		codex_origin(&pass->parser, pass->known);
	}
}

static void run(struct pass *pass, struct str bytes)
{
	struct str rest = bytes;

	codex_parser(&pass->parser, true);
	pass->all = agent_session(&pass->arena, "codex");
	begin(pass);
	while (rest.len > 0) {
		int64_t offset = (int64_t)(bytes.len - rest.len);

		take(pass, str_split(&rest, '\n'), offset);
		if (pass->stepwise)
			step(pass);
	}
	flush(pass);
}

static void check_item(const struct agent_item *item)
{
	ASSERT(item->key.len > 0);
	ASSERT(item->kind != AGENT_TOOL_ERROR || item->call.len > 0);
	for (int i = 0; i < AGENT_TOKENS; i++)
		ASSERT(item->tokens[i] >= -1);
	ASSERT(item->length >= -1);
}

static void check_same(const struct agent_item *a, const struct agent_item *b, bool mending)
{
	ASSERT(a->kind == b->kind && str_eq(a->key, b->key) && a->at_ns == b->at_ns);
	ASSERT(a->estimated == b->estimated && a->length == b->length && a->command == b->command);
	ASSERT(a->has_image == b->has_image && str_eq(a->text, b->text));
	ASSERT(memcmp(a->tokens, b->tokens, sizeof(a->tokens)) == 0);
	ASSERT(str_eq(a->tool, b->tool) && str_eq(a->call, b->call) && str_eq(a->file, b->file));
	ASSERT(str_eq(a->cwd, b->cwd) && str_eq(a->model, b->model) && str_eq(a->turn, b->turn));
	ASSERT(mending || (a->cancelled == b->cancelled && a->withdrawn == b->withdrawn));
}

static void release(struct pass *pass)
{
	codex_parser_release(&pass->parser);
	codex_reader_release(&pass->reader);
	arena_release(&pass->arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str bytes = { (const char *)data, size };
	struct pass whole = { .known = size % 2 };
	struct pass steps = { .known = size % 2, .stepwise = true };

	run(&whole, bytes);
	run(&steps, bytes);
	ASSERT(whole.all.count == steps.all.count);
	ASSERT(whole.all.bad_count == steps.all.bad_count);
	ASSERT(whole.all.unknown == steps.all.unknown);
	ASSERT(str_eq(whole.batch.id, steps.batch.id));
	ASSERT(str_eq(whole.batch.cwd, steps.batch.cwd));
	for (size_t i = 0; i < whole.all.count; i++) {
		check_item(&whole.all.items[i]);
		check_same(&whole.all.items[i], &steps.all.items[i], steps.parser.mending);
	}
	release(&whole);
	release(&steps);
	return 0;
}
