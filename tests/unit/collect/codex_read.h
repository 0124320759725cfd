/* What the tests of Codex's parsers share: a session, read from lines that are made from few words,
 * and its items as text. */
#ifndef TT_TESTS_CODEX_READ_H
#define TT_TESTS_CODEX_READ_H

#include "base/json.h"
#include "base/time.h"
#include "collect/codex/codex.h"
#include "tap.h"

/* A session, read from lines that C strings give. */
struct read {
	struct arena arena;
	struct codex_reader reader;
	struct codex_parser parser;
	struct agent_session session;
	int64_t offset;
	const char *known; /* the session that origins are looked for in; NULL: none is known */
	const char *turns; /* its turns, each between spaces */
	bool saving;       /* the parser is saved and loaded before each line */
	struct buf out;
};

__attribute__((unused)) static void begin(struct read *read)
{
	*read = (struct read){ 0 };
	codex_parser(&read->parser, true);
	read->parser.fallback_id = STR("fallback");
	read->session = agent_session(&read->arena, "codex");
	codex_batch_begin(&read->parser, &read->session);
}

__attribute__((unused)) static void end(struct read *read)
{
	codex_parser_release(&read->parser);
	codex_reader_release(&read->reader);
	arena_release(&read->arena);
	buf_release(&read->out);
}

__attribute__((unused)) static bool has_turn(const struct read *read, struct str turn)
{
	char word[64];

	snprintf(word, sizeof(word), " %.*s ", STR_ARG(turn));
	return read->turns && strstr(read->turns, word);
}

__attribute__((unused)) static void save_and_load(struct read *read)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT, again = BUF_INIT;
	struct codex_parser *parser = &read->parser;

	codex_parser_save(parser, &text);
	codex_parser_release(parser);
	OK(codex_parser_load(parser, buf_str(&text)));
	codex_parser_save(parser, &again);
	IS_STR(buf_str(&again), buf_cstr(&text));
	parser->fallback_id = STR("fallback");
	codex_batch_begin(parser, &read->session);
}

__attribute__((unused)) static void take(struct read *read, struct str line)
{
	struct codex_record record;
	struct str origin;
	struct err err;

	if (read->saving)
		save_and_load(read);
	if (codex_record_read(&read->reader, line, &record, &err) < 0) {
		struct agent_bad bad = { .offset = read->offset,
			.reason = record.reason,
			.detail = str_from(err.message),
			.bytes = line };

		codex_take_bad(&read->parser, &bad);
	} else {
		record.in_parent =
			codex_asks(&read->parser, &record) && has_turn(read, record.turn);
		read->parser.keep_title = true;
		codex_take(&read->parser, &record, line, read->offset);
		if (codex_new_origin(&read->parser, &origin))
			codex_origin(&read->parser, read->known && str_eq_c(origin, read->known));
	}
	read->offset += (int64_t)line.len + 1;
}

__attribute__((unused)) static void add_flag(struct buf *out, bool flag, const char *name)
{
	if (flag)
		buf_printf(out, " %s", name);
}

__attribute__((unused)) static void add_text(struct buf *out, const char *name, struct str value)
{
	if (value.len > 0)
		buf_printf(out, " %s=%.*s", name, STR_ARG(value));
}

/* One item as a line: what it is, and what it says beside its key. */
__attribute__((unused)) static void show(struct buf *out, const struct agent_item *item)
{
	static const char *const kinds[] = { "prompt", "response", "call", "failed", "error",
		"usage", "read", "edit" };

	buf_addc(out, kinds[item->kind]);
	if (item->kind == AGENT_PROMPT || item->kind == AGENT_RESPONSE)
		buf_printf(out, " %lld", (long long)item->length);
	add_text(out, "tool", item->tool);
	add_text(out, "file", item->file);
	add_text(out, "error", item->error);
	add_text(out, "model", item->model);
	add_text(out, "cwd", item->cwd);
	if (item->kind == AGENT_USAGE)
		buf_printf(out, " %lld/%lld/%lld/%lld", (long long)item->tokens[AGENT_INPUT],
			(long long)item->tokens[AGENT_CACHE_READ],
			(long long)item->tokens[AGENT_OUTPUT],
			(long long)item->tokens[AGENT_REASONING]);
	add_flag(out, item->has_image, "image");
	add_flag(out, item->command, "command");
	add_flag(out, item->cancelled, "cancelled");
	add_flag(out, item->withdrawn, "withdrawn");
	add_flag(out, item->estimated, "estimated");
	buf_byte(out, '\n');
}

__attribute__((unused)) static struct str finish(struct read *read)
{
	codex_batch_end(&read->parser);
	buf_clear(&read->out);
	for (size_t i = 0; i < read->session.count; i++)
		show(&read->out, &read->session.items[i]);
	return buf_str(&read->out);
}

/* The second from 2026-03-07T13:00:00Z on, as an envelope around PAYLOAD. */
__attribute__((unused)) static void line(
	struct read *read, int second, const char *type, const char *payload)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	buf_printf(&text,
		"{\"timestamp\":\"2026-03-07T13:%02d:%02d.000Z\",\"type\":\"%s\",\"payload\":%s}",
		second / 60, second % 60, type, payload);
	take(read, buf_str(&text));
}

__attribute__((unused)) static void meta(struct read *read, const char *more)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	buf_printf(&text, "{\"id\":\"own\",\"timestamp\":\"2026-03-07T13:00:00Z\"%s}", more);
	line(read, 0, "session_meta", buf_cstr(&text));
}

__attribute__((unused)) static void said(
	struct read *read, int second, const char *role, const char *text)
{
	CLEANUP(buf_release) struct buf payload = BUF_INIT;

	buf_printf(&payload, "{\"type\":\"message\",\"role\":\"%s\",\"content\":[{\"type\":", role);
	buf_printf(&payload, "\"input_text\",\"text\":\"%s\"}]}", text);
	line(read, second, "response_item", buf_cstr(&payload));
}

__attribute__((unused)) static void event(
	struct read *read, int second, const char *type, const char *more)
{
	CLEANUP(buf_release) struct buf payload = BUF_INIT;

	buf_printf(&payload, "{\"type\":\"%s\"%s}", type, more);
	line(read, second, "event_msg", buf_cstr(&payload));
}

__attribute__((unused)) static void item(
	struct read *read, int second, const char *type, const char *more)
{
	CLEANUP(buf_release) struct buf payload = BUF_INIT;

	buf_printf(&payload, "{\"type\":\"%s\"%s}", type, more);
	line(read, second, "response_item", buf_cstr(&payload));
}

__attribute__((unused)) static void completed(
	struct read *read, int second, const char *type, const char *more)
{
	CLEANUP(buf_release) struct buf payload = BUF_INIT;

	buf_printf(&payload, ",\"turn_id\":\"p1\",\"item\":{\"type\":\"%s\"%s}", type, more);
	event(read, second, "item_completed", buf_cstr(&payload));
}

/* --- tokens --- */

#define TOKENS(input, cached, output, reasoning)                                                   \
	"{\"input_tokens\":" #input ",\"cached_input_tokens\":" #cached                            \
	",\"output_tokens\":" #output ",\"reasoning_output_tokens\":" #reasoning                   \
	",\"total_tokens\":1}"

__attribute__((unused)) static void usage(
	struct read *read, int second, const char *total, const char *last)
{
	CLEANUP(buf_release) struct buf more = BUF_INIT;

	buf_addc(&more, ",\"info\":{\"model_context_window\":272000");
	if (total)
		buf_printf(&more, ",\"total_token_usage\":%s", total);
	if (last)
		buf_printf(&more, ",\"last_token_usage\":%s", last);
	buf_addc(&more, "},\"rate_limits\":{}");
	event(read, second, "token_count", buf_cstr(&more));
}

#endif
