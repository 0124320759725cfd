/*
 * Properties of reading a Copilot CLI log. Read in two portions, with what is kept in between, it
 * gives the items and the facts of the log read at once, the items of the first portion first; only
 * that the person stopped a prompt may come to be known later, and is then said of a prompt that
 * was given. Every item has a key, no count is below -1.
 */
#include "collect/copilot_cli/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
	struct arena arena;
	struct json_parser parser;
	struct copilot_cli_log log;
	struct agent_session session;
};

static void take(struct reading *reading, struct str text, int64_t offset)
{
	struct copilot_cli_line line = { .path = STR("/log"), .offset = offset };
	struct str rest = text;

	while (rest.len > 0) {
		line.text = str_split(&rest, '\n');
		copilot_cli_log_line(&reading->log, &reading->parser, &line, &reading->session);
		line.offset += (int64_t)line.text.len + 1;
	}
}

static void begin(struct reading *reading)
{
	*reading = (struct reading){ .log = copilot_cli_log(STR("S")) };
	reading->session = agent_session(&reading->arena, "copilot-cli");
}

static void end(struct reading *reading)
{
	copilot_cli_log_release(&reading->log);
	json_parser_release(&reading->parser);
	arena_release(&reading->arena);
}

static void write_down(struct reading *reading)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT, again = BUF_INIT;
	struct copilot_cli_log next;

	copilot_cli_log_write(&reading->log, &text);
	next = copilot_cli_log_read(&reading->parser, buf_str(&text), STR("other"));
	copilot_cli_log_write(&next, &again);
	ASSERT(str_eq(buf_str(&text), buf_str(&again)));
	copilot_cli_log_release(&reading->log);
	reading->log = next;
}

static void check_item(const struct agent_item *item)
{
	ASSERT(item->key.len > 2 && str_starts(item->key, STR("S")) == (item->key.ptr[0] == 'S'));
	ASSERT((unsigned)item->kind < AGENT_KINDS);
	for (int i = 0; i < AGENT_TOKENS; i++)
		ASSERT(item->tokens[i] >= -1);
}

static void check_same(const struct agent_item *a, const struct agent_item *b)
{
	ASSERT(a->kind == b->kind && str_eq(a->key, b->key) && a->at_ns == b->at_ns);
	ASSERT(str_eq(a->cwd, b->cwd) && str_eq(a->model, b->model) && str_eq(a->mode, b->mode));
	ASSERT(str_eq(a->turn, b->turn) && str_eq(a->tool, b->tool) && str_eq(a->file, b->file));
	ASSERT(str_eq(a->text, b->text) && str_eq(a->error, b->error));
	ASSERT(memcmp(a->tokens, b->tokens, sizeof(a->tokens)) == 0);
	ASSERT(a->cancelled || !b->cancelled);
}

static void check_facts(const struct reading *a, const struct reading *b)
{
	struct agent_session x = { 0 }, y = { 0 };

	copilot_cli_log_facts(&a->log, &x);
	copilot_cli_log_facts(&b->log, &y);
	ASSERT(x.id.len > 0 && str_eq(x.id, y.id) && str_eq(x.cwd, y.cwd));
	ASSERT(str_eq(x.branch, y.branch) && str_eq(x.version, y.version));
	ASSERT(x.started_ns == y.started_ns && x.ended_ns == y.ended_ns);
	ASSERT(x.started_ns <= x.ended_ns && x.unknown == y.unknown && x.unknown >= 0);
	ASSERT(a->session.malformed == b->session.malformed);
}

/* The first byte says at which line to cut. */
static size_t cut_of(struct str text, unsigned lines)
{
	ptrdiff_t at = -1;

	for (unsigned i = 0; i < lines; i++) {
		ptrdiff_t next = str_find(text, '\n', (size_t)(at + 1));

		if (next < 0)
			break;
		at = next;
	}
	return (size_t)(at + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct reading whole, parts;
	size_t first, cut;

	if (size == 0)
		return 0;
	text = str_sub(text, 1, text.len);
	cut = cut_of(text, data[0] % 8U);
	begin(&whole);
	begin(&parts);
	take(&whole, text, 0);
	take(&parts, str_sub(text, 0, cut), 0);
	first = parts.session.count;
	write_down(&parts);
	take(&parts, str_sub(text, cut, text.len), (int64_t)cut);
	ASSERT(whole.session.count == parts.session.count && first <= parts.session.count);
	for (size_t i = 0; i < whole.session.count; i++) {
		check_item(&whole.session.items[i]);
		check_same(&whole.session.items[i], &parts.session.items[i]);
	}
	if (parts.log.stopped.key.len > 0)
		ASSERT(agent_find(&parts.session, AGENT_PROMPT, parts.log.stopped.key));
	check_facts(&whole, &parts);
	end(&whole);
	end(&parts);
	return 0;
}
