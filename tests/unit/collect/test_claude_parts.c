/* Small parts of the Claude source: calls that wait for results, and memos as bytes. */
#include "collect/claude/calls.h"
#include "collect/claude/memo.h"
#include "collect/claude/text.h"
#include "tap.h"

static void results_find_their_calls(void)
{
	struct claude_calls calls = { 0 };
	char id[32];

	IS_STR(claude_calls_close(&calls, STR("a")), "");
	claude_calls_open(&calls, STR("a"), STR("Read"));
	claude_calls_open(&calls, STR("b"), STR("Bash"));
	IS_STR(claude_calls_close(&calls, STR("a")), "Read");
	IS_STR(claude_calls_close(&calls, STR("a")), "");
	IS_STR(claude_calls_close(&calls, STR("")), "");
	IS_STR(claude_calls_close(&calls, STR("b")), "Bash");
	for (int i = 0; i <= CLAUDE_OPEN_CALLS; i++) { /* the first is pushed out */
		snprintf(id, sizeof(id), "t%d", i);
		claude_calls_open(&calls, str_from(id), STR("Grep"));
	}
	IS_STR(claude_calls_close(&calls, STR("t0")), "");
	IS_STR(claude_calls_close(&calls, STR("t1")), "Grep");
	IS_STR(claude_calls_close(&calls, str_from(id)), "Grep");
}

static void foreign_names_have_limits(void)
{
	char longest[CLAUDE_CALL_BYTES + 1];
	struct claude_calls calls = { 0 };
	struct str text = { longest, CLAUDE_CALL_BYTES };

	memset(longest, 'x', sizeof(longest));
	claude_calls_open(&calls, text, STR("Read"));
	IS_STR(claude_calls_close(&calls, text), "");
	claude_calls_open(&calls, STR("a\0b"), STR("Read"));
	claude_calls_open(&calls, STR("c"), text);
	IS_STR(claude_calls_close(&calls, STR("c")), "");
	text.len--;
	claude_calls_open(&calls, text, STR("Read"));
	IS_STR(claude_calls_close(&calls, text), "Read");
}

static void open_calls_are_kept_in_a_state(void)
{
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct claude_calls calls = { 0 }, again = { 0 };
	struct json_writer writer = json_writer(&text);
	const struct json *root;
	struct err err;

	json_begin_object(&writer);
	claude_calls_write(&calls, &writer);
	json_end_object(&writer);
	IS_STR(buf_str(&text), "{}");
	claude_calls_open(&calls, STR("a"), STR("Read"));
	claude_calls_open(&calls, STR("b"), STR("Bash"));
	claude_calls_open(&calls, STR("c"), STR("\"x\""));
	OK(claude_calls_close(&calls, STR("b")).len > 0);
	buf_clear(&text);
	writer = json_writer(&text);
	json_begin_object(&writer);
	claude_calls_write(&calls, &writer);
	json_end_object(&writer);
	IS_STR(buf_str(&text), "{\"calls\":{\"a\":\"Read\",\"c\":\"\\\"x\\\"\"}}");
	if (!OK(json_parse(&parser, buf_str(&text), false, &root, &err) == 0))
		return;
	claude_calls_read(&again, root);
	IS_STR(claude_calls_close(&again, STR("a")), "Read");
	IS_STR(claude_calls_close(&again, STR("b")), "");
	IS_STR(claude_calls_close(&again, STR("c")), "\"x\"");
}

static struct claude_item item_of(enum claude_item_kind kind, uint64_t owner, int64_t at_ns)
{
	return (struct claude_item){ .kind = kind,
		.known = true,
		.owner = owner,
		.at_ns = at_ns,
		.revision = 632,
		.tokens = { 0, -1, INT64_MAX, 7 } };
}

static bool same(const struct claude_item *a, const struct claude_item *b)
{
	return a->owner == b->owner && a->at_ns == b->at_ns && a->revision == b->revision &&
	       a->shared == b->shared && a->sidechain == b->sidechain && a->stopped == b->stopped &&
	       a->cancelled == b->cancelled;
}

static void items_survive_as_bytes(void)
{
	static const int64_t times[] = { 0, INT64_MAX, INT64_MIN, INT64_C(1772442000125000000) };

	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		CLEANUP(buf_release) struct buf value = BUF_INIT;
		struct claude_item item = item_of(ITEM_RESPONSE, UINT64_MAX, times[i]);
		struct claude_item mine =
			item_of(ITEM_CALL, UINT64_MAX, times[ARRAY_LEN(times) - 1 - i]);
		struct claude_item other = item_of(ITEM_CALL, 5, times[i]);
		struct claude_item again = { .kind = ITEM_RESPONSE }, call = { .kind = ITEM_CALL };
		struct claude_item unknown = { .kind = ITEM_CALL };
		struct str rest;

		item.stopped = item.cancelled = true;
		mine.sidechain = other.shared = true;
		mine.hash[0] = 1;
		other.hash[0] = 2;
		item.calls = &mine;
		mine.next = &unknown; /* nobody took it: it is not kept */
		unknown.next = &other;
		claude_memo_write(&item, &value);
		rest = buf_str(&value);
		OK(claude_memo_read(&rest, &again) && same(&item, &again));
		OK(memcmp(item.tokens, again.tokens, sizeof(item.tokens)) == 0);
		OK(claude_memo_read_call(&rest, &call, &again) && same(&mine, &call));
		IS_INT(call.hash[0], 1);
		OK(claude_memo_read_call(&rest, &call, &again) && same(&other, &call));
		IS_INT(rest.len, 0);
		for (size_t cut = 0; cut < value.len; cut++) { /* never read beyond what is there */
			rest = str_sub(buf_str(&value), 0, cut);
			if (claude_memo_read(&rest, &again))
				while (claude_memo_read_call(&rest, &call, &again))
					;
			OK(rest.len <= cut);
		}
	}
}

static void keys_are_ordered_as_hashes(void)
{
	struct claude_item low = { .kind = ITEM_CALL }, high = { .kind = ITEM_CALL };
	char low_key[CLAUDE_ITEM_KEY_BYTES], high_key[CLAUDE_ITEM_KEY_BYTES];

	for (unsigned byte = 0; byte < CLAUDE_HASH_BYTES; byte++) {
		for (unsigned value = 0; value < 255; value += 3) {
			low.hash[byte] = (uint8_t)value;
			high.hash[byte] = (uint8_t)(value + 1);
			claude_memo_key(&low, low_key);
			claude_memo_key(&high, high_key);
			if (!OK(memcmp(low_key, high_key, sizeof(low_key)) < 0))
				return;
		}
		low.hash[byte] = high.hash[byte] = 0;
	}
	IS_INT(low_key[0], 't');
}

static void human_words(void)
{
	struct arena arena = { 0 };

	IS_STR(claude_human_part(STR(
		       " <ide_selection>x</ide_selection> why? <system-reminder>y</system-reminder>\n")),
		"why?");
	IS_STR(claude_human_part(STR("<system-reminder>never closed")), "");
	OK(claude_is_interruption(STR(" [Request interrupted by user]")));
	OK(!claude_is_interruption(STR("Request interrupted by user")));
	IS_STR(claude_command(STR("<bash-input>\n ls \n</bash-input>"), &arena), "!ls");
	IS_STR(claude_command(STR("plain"), &arena), "");
	arena_release(&arena);
}

static const struct tap_case cases[] = {
	TAP_CASE(results_find_their_calls),
	TAP_CASE(foreign_names_have_limits),
	TAP_CASE(open_calls_are_kept_in_a_state),
	TAP_CASE(items_survive_as_bytes),
	TAP_CASE(keys_are_ordered_as_hashes),
	TAP_CASE(human_words),
};

TAP_MAIN(cases)
