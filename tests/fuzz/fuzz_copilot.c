/*
 * Properties of reading Copilot Chat's files, each input taken as a document, a log and a
 * transcript: what comes out is sound (keys, tokens, offsets, an id for whoever asks for one); the
 * order of the world's endings does not matter (CRLF, blank lines); a log is what its last complete
 * state says, whatever came before; the items of a part of a transcript are the first of those of
 * the whole, and the whole again behind itself is nothing new.
 */
#include <stdlib.h>

#include "base/err.h"
#include "collect/copilot/parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct read {
	struct arena arena;
	struct agent_session session;
	struct copilot_extent extent;
	bool ok;
};

static struct read *read_with(copilot_reader *reader, struct str bytes)
{
	struct read *read = mem_zalloc(sizeof(*read));

	read->session = agent_session(&read->arena, COPILOT_AGENT);
	read->session.id = STR("s");
	read->ok = reader(bytes, STR("/f"), &read->session, &read->extent);
	return read;
}

static void read_free(struct read *read)
{
	arena_release(&read->arena);
	free(read);
}

static void check_sound(const struct read *read, size_t size)
{
	const struct agent_session *session = &read->session;
	struct arena arena = { 0 };
	struct copilot_map keys[AGENT_KINDS] = { 0 };
	int64_t prompts = 0;

	for (size_t i = 0; i < session->count; i++) {
		const struct agent_item *item = &session->items[i];

		ASSERT(item->key.len > 0 && item->edits >= 0 && item->kind < AGENT_KINDS);
		for (int j = 0; j < AGENT_TOKENS; j++)
			ASSERT(item->tokens[j] >= -1);
		keys[item->kind].arena = &arena;
		ASSERT(copilot_map_add(&keys[item->kind], item->key, NULL));
		prompts += item->kind == AGENT_PROMPT;
	}
	for (size_t i = 0; i < session->bad_count; i++)
		ASSERT(session->bad[i].reason && session->bad[i].offset < (int64_t)size);
	ASSERT(prompts <= read->extent.prompts && read->extent.taken <= size);
	ASSERT(session->started_ns == INT64_MIN || session->started_ns <= session->ended_ns);
	arena_release(&arena);
}

static bool same_item(const struct agent_item *a, const struct agent_item *b)
{
	return a->kind == b->kind && str_eq(a->key, b->key) && a->at_ns == b->at_ns &&
	       str_eq(a->text, b->text) && str_eq(a->tool, b->tool) && str_eq(a->file, b->file) &&
	       str_eq(a->error, b->error) && str_eq(a->turn, b->turn) && a->edits == b->edits &&
	       memcmp(a->tokens, b->tokens, sizeof(a->tokens)) == 0;
}

/* A's items are the first of B's, or all of them. */
static void check_items(const struct read *a, const struct read *b, bool all)
{
	ASSERT(all ? a->session.count == b->session.count : a->session.count <= b->session.count);
	for (size_t i = 0; i < a->session.count; i++)
		ASSERT(same_item(&a->session.items[i], &b->session.items[i]));
}

static void add_with_crlf(struct buf *out, struct str bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		if (bytes.ptr[i] == '\n' && (i == 0 || bytes.ptr[i - 1] != '\r'))
			buf_addc(out, "\r\n\r");
		buf_byte(out, bytes.ptr[i]);
	}
}

/* Bytes up to the last newline. */
static struct str lines_of(struct str bytes)
{
	while (bytes.len > 0 && bytes.ptr[bytes.len - 1] != '\n')
		bytes.len--;
	return bytes;
}

static void check_document(struct str bytes)
{
	CLEANUP(buf_release) struct buf longer = BUF_INIT;
	struct read *one = read_with(copilot_read_document, bytes), *other;

	check_sound(one, bytes.len);
	buf_add(&longer, bytes);
	buf_addc(&longer, " \r\n");
	other = read_with(copilot_read_document, buf_str(&longer));
	if (one->ok) {
		ASSERT(other->ok && one->extent.prompts == other->extent.prompts);
		check_items(one, other, true);
	}
	read_free(one);
	read_free(other);
}

static void check_log(struct str bytes)
{
	static const char state[] =
		"{\"kind\":0,\"v\":{\"requests\":[{\"requestId\":\"a\",\"timestamp\":1772445600000,"
		"\"message\":\"x\",\"modelState\":{\"value\":1}}]}}\n";
	CLEANUP(buf_release) struct buf healed = BUF_INIT, crlf = BUF_INIT;
	struct read *one = read_with(copilot_read_log, bytes), *other, *want;
	struct str lines = lines_of(bytes);

	check_sound(one, bytes.len);
	read_free(one);
	buf_add(&healed, lines);
	buf_addc(&healed, state);
	other = read_with(copilot_read_log, buf_str(&healed));
	want = read_with(copilot_read_log, str_from(state));
	ASSERT(other->ok);
	check_items(other, want, true);
	read_free(other);
	read_free(want);
	add_with_crlf(&crlf, lines);
	one = read_with(copilot_read_log, lines);
	other = read_with(copilot_read_log, buf_str(&crlf));
	ASSERT(one->ok == other->ok && one->session.bad_count == other->session.bad_count);
	check_items(one, other, true);
	read_free(one);
	read_free(other);
}

static bool all_timed(const struct read *read)
{
	for (size_t i = 0; i < read->session.count; i++)
		if (read->session.items[i].at_ns == AGENT_NO_TIME)
			return false;
	return true;
}

static void check_transcript(struct str bytes)
{
	CLEANUP(buf_release) struct buf twice = BUF_INIT;
	struct str lines = lines_of(bytes);
	struct read *one = read_with(copilot_read_transcript, bytes), *other;

	check_sound(one, bytes.len);
	other = read_with(copilot_read_transcript, lines);
	check_items(other, one, false);
	read_free(one);
	one = other;
	other = read_with(copilot_read_transcript, lines_of(str_sub(lines, 0, lines.len / 2)));
	check_items(other, one, false);
	read_free(other);
	buf_add(&twice, lines);
	buf_add(&twice, lines);
	other = read_with(copilot_read_transcript, buf_str(&twice));
	check_items(one, other, all_timed(one) && all_timed(other));
	read_free(one);
	read_free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str bytes = { (const char *)data, size };

	check_document(bytes);
	check_log(bytes);
	check_transcript(bytes);
	return 0;
}
