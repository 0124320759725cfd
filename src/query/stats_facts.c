/* One walk over the members of the data; a small table of slots by data number remembers the last
 * ones. */
#include "query/stats_facts.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/time.h"

enum { SLOTS = 2048, TEXTS = 8 };

struct stats_facts_slot {
	int64_t data_no; /* 0: free; numbers begin at 1 */
	struct stats_facts facts;
	struct buf text; /* what the facts' views are of */
};

enum fact_type { FACT_TEXT, FACT_NUMBER, FACT_TIME, FACT_MARK };

#define FACT(key, field, type)                                                                     \
	{                                                                                          \
		STR_INIT(key), offsetof(struct stats_facts, field), type                           \
	}
#define TOKENS(key, token)                                                                         \
	{                                                                                          \
		STR_INIT(key), offsetof(struct stats_facts, tokens) + (token) * sizeof(int64_t),   \
			FACT_NUMBER                                                                \
	}

/* The texts first, all TEXTS of them. */
static const struct fact {
	struct str key;
	size_t offset;
	enum fact_type type;
} facts[] = {
	FACT("session_id", session_id, FACT_TEXT),
	FACT("parent_session_id", parent_session_id, FACT_TEXT),
	FACT("agent", agent, FACT_TEXT),
	FACT("cwd", workspace, FACT_TEXT),
	FACT("git_project", project, FACT_TEXT),
	FACT("model", model, FACT_TEXT),
	FACT("session_type", session_type, FACT_TEXT),
	FACT("action", action, FACT_TEXT),
	TOKENS("input_tokens", STATS_INPUT),
	TOKENS("output_tokens", STATS_OUTPUT),
	TOKENS("cache_read_tokens", STATS_CACHE_READ),
	TOKENS("cache_write_tokens", STATS_CACHE_WRITE),
	TOKENS("reasoning_tokens", STATS_REASONING),
	FACT("edits", edits, FACT_NUMBER),
	FACT("malformed", malformed, FACT_NUMBER),
	FACT("unknown_records", unknown_records, FACT_NUMBER),
	FACT("started_at", started_ns, FACT_TIME),
	FACT("ended_at", ended_ns, FACT_TIME),
	FACT("command", command, FACT_MARK),
	FACT("cancelled", cancelled, FACT_MARK),
	FACT("withdrawn", withdrawn, FACT_MARK),
	FACT("implausible_time", implausible, FACT_MARK),
};

static void take(struct stats_facts *out, const struct fact *fact, const struct json *value)
{
	void *to = (char *)out + fact->offset;
	struct str text = json_str(value);
	struct err ignored;
	int64_t number;

	switch (fact->type) {
	case FACT_TEXT:
		memcpy(to, &text, sizeof(text));
		break;
	case FACT_NUMBER: /* what is below nothing is no number of anything */
		if (json_to_i64(value, &number) && number >= 0)
			memcpy(to, &number, sizeof(number));
		break;
	case FACT_TIME:
		if (time_parse(text, &number, &ignored) == 0)
			memcpy(to, &number, sizeof(number));
		break;
	case FACT_MARK:
		*(bool *)to = json_is_true(value);
		break;
	}
}

static void read_facts(struct json_parser *parser, struct str data, struct stats_facts *out)
{
	const struct json *root, *value;
	struct json_iter iter;
	struct err ignored;
	struct str key;

	*out = (struct stats_facts){ .started_ns = INT64_MIN, .ended_ns = INT64_MIN };
	memset(out->tokens, -1, sizeof(out->tokens));
	if (json_parse(parser, data, true, &root, &ignored) < 0 || !json_is(root, JSON_OBJECT))
		return;
	iter = json_iter(root);
	while (json_next(&iter, &key, &value))
		for (size_t i = 0; i < ARRAY_LEN(facts); i++)
			if (str_eq(key, facts[i].key)) {
				take(out, &facts[i], value);
				break;
			}
}

/* Move the texts from the parser's memory to the slot's. */
static void keep_texts(struct stats_facts_slot *slot)
{
	size_t at = 0;

	buf_clear(&slot->text);
	for (int pass = 0; pass < 2; pass++) { /* first all bytes, since the buffer may move */
		for (size_t i = 0; i < TEXTS; i++) {
			char *from = (char *)&slot->facts + facts[i].offset;
			struct str text;

			memcpy(&text, from, sizeof(text));
			if (pass == 0) {
				buf_add(&slot->text, text);
				continue;
			}
			text.ptr = slot->text.ptr ? slot->text.ptr + at : NULL;
			at += text.len;
			memcpy(from, &text, sizeof(text));
		}
	}
}

const struct stats_facts *stats_facts_known(const struct stats_facts_cache *cache, int64_t data_no)
{
	const struct stats_facts_slot *slot =
		cache->slots ? &cache->slots[(uint64_t)data_no % SLOTS] : NULL;

	return slot && slot->data_no == data_no ? &slot->facts : NULL;
}

const struct stats_facts *stats_facts_read(
	struct stats_facts_cache *cache, int64_t data_no, struct str data)
{
	struct stats_facts_slot *slot;

	if (!cache->slots)
		cache->slots = mem_zalloc(SLOTS * sizeof(*cache->slots));
	slot = &cache->slots[(uint64_t)data_no % SLOTS];
	slot->data_no = data_no;
	read_facts(&cache->parser, data, &slot->facts);
	keep_texts(slot);
	return &slot->facts;
}

void stats_facts_release(struct stats_facts_cache *cache)
{
	for (size_t i = 0; cache->slots && i < SLOTS; i++)
		buf_release(&cache->slots[i].text);
	free(cache->slots);
	json_parser_release(&cache->parser);
	*cache = (struct stats_facts_cache){ 0 };
}
