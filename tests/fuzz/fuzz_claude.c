/*
 * Properties of reading one Claude record: blanks and a CR behind it change nothing; what is of a
 * conversation has session, time and a name that makes an id; a prompt's length is that of its
 * text; what fails has a reason.
 */
#include "collect/claude/record.h"
#include "model/id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MACHINE STR("5f0c8a52-91d7-4c0e-8b6a-2d1f7a9be310")

static size_t count_tools(const struct claude_record *record, bool (*next)(struct claude_tools *))
{
	struct claude_tools tools = claude_tools(record);
	size_t count = 0;
	int last = -1;

	while (next(&tools)) {
		ASSERT(tools.ordinal > last);
		last = tools.ordinal;
		count++;
	}
	return count;
}

static bool same(const struct claude_record *a, const struct claude_record *b)
{
	return a->kind == b->kind && str_eq(a->uuid, b->uuid) &&
	       str_eq(a->session_id, b->session_id) && a->at_ns == b->at_ns &&
	       a->length == b->length && a->has_image == b->has_image &&
	       str_eq(a->message_id, b->message_id) && str_eq(a->cwd, b->cwd) &&
	       memcmp(a->tokens, b->tokens, sizeof(a->tokens)) == 0 &&
	       count_tools(a, claude_next_call) == count_tools(b, claude_next_call) &&
	       count_tools(a, claude_next_result) == count_tools(b, claude_next_result);
}

static void check_id(const struct claude_record *record)
{
	CLEANUP(buf_release) struct buf id = BUF_INIT;
	struct event_id parts;

	id_build(&id, MACHINE, STR("claude"), STR("user_message"), record->at_ns, record->uuid);
	if (record->at_ns < INT64_MAX - NS_PER_S && record->at_ns > INT64_MIN + NS_PER_S) {
		ASSERT(id_parse(buf_str(&id), &parts) && parts.canonical);
		ASSERT(str_eq(parts.discriminator, record->uuid));
	}
}

static void check_prompt(const struct claude_record *record)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	claude_record_text(record, &text);
	ASSERT(record->length >= 0 && (record->length > 0) == (text.len > 0));
	ASSERT((int64_t)text.len >= record->length); /* cleaning and joining only add */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str line = { (const char *)data, size };
	CLEANUP(claude_reader_release) struct claude_reader reader = { 0 };
	CLEANUP(claude_reader_release) struct claude_reader other = { 0 };
	CLEANUP(buf_release) struct buf longer = BUF_INIT;
	struct claude_record record, again;
	struct err err;

	if (claude_record_read(&reader, line, &record, &err) < 0) {
		ASSERT(record.reason && record.reason[0]);
		return 0;
	}
	buf_add(&longer, line);
	buf_addc(&longer, " \t\r");
	ASSERT(claude_record_read(&other, buf_str(&longer), &again, &err) == 0);
	ASSERT(same(&record, &again));
	if (!claude_is_conversation(record.kind))
		return 0;
	ASSERT(record.session_id.len > 0 && record.has_time && record.uuid.len > 0);
	check_id(&record);
	if (record.kind == CLAUDE_PROMPT)
		check_prompt(&record);
	return 0;
}
