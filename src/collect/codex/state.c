/*
 * A parser as text, for the cursor of its file. Members that say nothing are left out. A text that
 * is not exactly understood is no state: the file is read from its start then, which is always
 * right.
 */
#include "base/utf8.h"
#include "collect/codex/codex.h"

enum { STATE_VERSION = 2 };

#define MEMBER(name)                                                                               \
	{                                                                                          \
#name, offsetof(struct codex_parser, name)                                         \
	}

static const struct member {
	const char *key;
	size_t offset;
} texts[] = { MEMBER(id), MEMBER(parent), MEMBER(origin), MEMBER(version), MEMBER(branch),
	MEMBER(cwd), MEMBER(title), MEMBER(turn_cwd), MEMBER(model), MEMBER(mode), MEMBER(turn) };

static const struct member flags[] = { MEMBER(automatic), MEMBER(spawned), MEMBER(named),
	MEMBER(has_meta), MEMBER(second_meta), MEMBER(turns_seen), MEMBER(item_calls),
	MEMBER(turn_calls), MEMBER(gave), MEMBER(gave_without_cwd), MEMBER(mending) };

static const struct member numbers[] = { MEMBER(meta_ns), MEMBER(started_ns), MEMBER(ended_ns),
	MEMBER(last_ns), MEMBER(first_second), MEMBER(lines), MEMBER(unknown), MEMBER(turn_prompts),
	MEMBER(strength) };

static const void *member(const struct codex_parser *parser, const struct member *member)
{
	return (const char *)parser + member->offset;
}

static void *member_of(struct codex_parser *parser, const struct member *member)
{
	return (char *)parser + member->offset;
}

/* --- saving --- */

static void save_total(const struct codex_tokens *total, struct json_writer *writer)
{
	if (!total->known)
		return;
	json_key(writer, STR("total"));
	json_begin_array(writer);
	for (int i = 0; i < AGENT_TOKENS; i++)
		json_put_i64(writer, total->by_kind[i]);
	json_end_array(writer);
}

static void save_pairs(const struct codex_parser *parser, struct json_writer *writer)
{
	json_key(writer, STR("pairs"));
	json_begin_array(writer);
	for (size_t i = 0; i < parser->pair_count; i++) {
		const struct codex_pair *pair = &parser->pairs[i];

		json_begin_array(writer);
		json_put_i64(writer, pair->what);
		json_put_i64(writer, pair->sides);
		json_put_i64(writer, (int64_t)pair->hash);
		json_end_array(writer);
	}
	json_end_array(writer);
}

static void save_calls(const struct codex_parser *parser, struct json_writer *writer)
{
	json_key(writer, STR("calls"));
	json_begin_array(writer);
	for (size_t i = 0; i < parser->call_count; i++) {
		const struct codex_call *call = &parser->calls[i];

		json_begin_array(writer);
		json_put_i64(writer, (int64_t)call->id);
		json_put_i64(writer, (int64_t)call->key);
		json_put_i64(writer, call->as_item);
		json_put_i64(writer, call->failed);
		json_put_str(writer, str_from(call->tool));
		json_end_array(writer);
	}
	json_end_array(writer);
}

void codex_parser_save(const struct codex_parser *parser, struct buf *out)
{
	struct json_writer writer = json_writer(out);

	json_begin_object(&writer);
	json_kv_i64(&writer, "v", STATE_VERSION);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const struct buf *text = member(parser, &texts[i]);

		if (text->len > 0)
			json_kv_str(&writer, texts[i].key, buf_str(text));
	}
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (*(const bool *)member(parser, &flags[i]))
			json_kv_bool(&writer, flags[i].key, true);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		json_kv_i64(&writer, numbers[i].key, *(const int64_t *)member(parser, &numbers[i]));
	json_kv_i64(&writer, "replay", parser->replay);
	json_kv_i64(&writer, "prompt_turn", (int64_t)parser->prompt_turn);
	save_total(&parser->total, &writer);
	if (parser->pair_count > 0)
		save_pairs(parser, &writer);
	if (parser->call_count > 0)
		save_calls(parser, &writer);
	json_end_object(&writer);
}

/* --- loading --- */

/* COUNT integers from the front of ARRAY, which has MORE elements behind them. */
static bool load_numbers(
	const struct json *array, int64_t *out, size_t count, size_t more, const struct json **rest)
{
	struct json_iter values = json_iter(array);
	const struct json *value;
	struct str key;

	if (!json_is(array, JSON_ARRAY) || json_len(array) != count + more)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!json_next(&values, &key, &value) || !json_to_i64(value, &out[i]))
			return false;
	return more == 0 || json_next(&values, &key, rest);
}

static bool load_total(const struct json *root, struct codex_tokens *total)
{
	const struct json *array = json_get(root, "total");

	total->known = array != NULL;
	return !array || load_numbers(array, total->by_kind, AGENT_TOKENS, 0, NULL);
}

static bool load_pairs(const struct json *root, struct codex_parser *parser)
{
	struct json_iter values = json_iter(json_get(root, "pairs"));
	const struct json *value;
	struct str key;
	int64_t pair[3];

	while (json_next(&values, &key, &value)) {
		if (parser->pair_count == CODEX_PAIRS || !load_numbers(value, pair, 3, 0, NULL))
			return false;
		parser->pairs[parser->pair_count++] = (struct codex_pair){ (int)(pair[0] & 0xff),
			(int)(pair[1] & 0xff), (uint64_t)pair[2] };
	}
	return true;
}

static bool load_calls(const struct json *root, struct codex_parser *parser)
{
	struct json_iter values = json_iter(json_get(root, "calls"));
	const struct json *value, *name = NULL;
	int64_t call[4];
	struct str key;

	while (json_next(&values, &key, &value)) {
		struct codex_call *out = &parser->calls[parser->call_count];
		struct str tool;

		if (parser->call_count == CODEX_CALLS || !load_numbers(value, call, 4, 1, &name))
			return false;
		parser->call_count++;
		tool = utf8_cut(json_str(name), sizeof(out->tool) - 1);
		*out = (struct codex_call){ (uint64_t)call[0], (uint64_t)call[1], call[2] != 0,
			call[3] != 0, "" };
		if (tool.len > 0)
			memcpy(out->tool, tool.ptr, tool.len);
	}
	return true;
}

static bool load_members(const struct json *root, struct codex_parser *parser)
{
	int64_t version, replay, turn;

	if (!json_get_i64(root, "v", &version) || version != STATE_VERSION ||
		!json_get_i64(root, "prompt_turn", &turn) ||
		!json_get_i64(root, "replay", &replay) || replay < CODEX_OWN ||
		replay > CODEX_FIRST_SECOND)
		return false;
	parser->replay = (enum codex_replay)replay;
	parser->prompt_turn = parser->before_turn = (uint64_t)turn;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		buf_add(member_of(parser, &texts[i]), json_get_str(root, texts[i].key));
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		*(bool *)member_of(parser, &flags[i]) = json_is_true(json_get(root, flags[i].key));
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (!json_get_i64(root, numbers[i].key, member_of(parser, &numbers[i])))
			return false;
	return load_total(root, &parser->total) && load_pairs(root, parser) &&
	       load_calls(root, parser);
}

bool codex_parser_load(struct codex_parser *parser, struct str text)
{
	struct json_parser json = { 0 };
	const struct json *root;
	struct err ignored;
	bool loaded;

	codex_parser(parser, false);
	loaded = json_parse(&json, text, false, &root, &ignored) == 0 && load_members(root, parser);
	json_parser_release(&json);
	if (!loaded) {
		codex_parser_release(parser);
		codex_parser(parser, true);
	}
	return loaded;
}
