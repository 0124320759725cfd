/* Memos: "known:H" of a session, "turn:H" of one of its turns, "wait:H" of an origin, with a list
 * of paths. */
#include "collect/codex/memory.h"

#include "base/hash.h"
#include "base/json.h"
#include "collect/agent.h"

enum { MOST_WAITING = 4096 };

#define SOURCE STR("codex")

/* NAME:H, H of SESSION and, behind a NUL, of TURN. */
static void build_key(struct buf *key, const char *name, struct str session, struct str turn)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	uint8_t hash[16];
	char hex[2 * sizeof(hash) + 1];

	buf_add(&text, session);
	buf_byte(&text, '\0');
	buf_add(&text, turn);
	hash128(buf_str(&text), hash);
	hash_hex(hash, sizeof(hash), hex);
	buf_printf(key, "%s:%s", name, hex);
}

static int get(struct intake *intake, const char *name, struct str session, struct str turn,
	struct arena *arena, struct str *value, bool *found, struct err *err)
{
	CLEANUP(buf_release) struct buf key = BUF_INIT;

	build_key(&key, name, session, turn);
	return intake_memo_get(intake, SOURCE, buf_str(&key), arena, value, found, err);
}

static int put(struct intake *intake, const char *name, struct str session, struct str turn,
	struct str value, struct err *err)
{
	CLEANUP(buf_release) struct buf key = BUF_INIT;

	build_key(&key, name, session, turn);
	return intake_memo_put(intake, SOURCE, buf_str(&key), value, err);
}

int codex_known(struct intake *intake, struct str session, struct codex_span *span, bool *found,
	struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct codex_span none = { AGENT_NO_TIME, AGENT_NO_TIME, 0 };
	int64_t *numbers[] = { &span->started_ns, &span->ended_ns, &span->unknown };
	struct str value;

	*span = none;
	if (get(intake, "known", session, STR(""), &arena, &value, found, err) < 0)
		return err->code;
	for (size_t i = 0; *found && i < ARRAY_LEN(numbers); i++) {
		if (str_to_i64(str_split(&value, ' '), numbers[i]))
			continue;
		*span = none;
		break;
	}
	return 0;
}

int codex_remember(
	struct intake *intake, struct str session, const struct codex_span *span, struct err *err)
{
	CLEANUP(buf_release) struct buf value = BUF_INIT;

	buf_i64(&value, span->started_ns);
	buf_byte(&value, ' ');
	buf_i64(&value, span->ended_ns);
	buf_byte(&value, ' ');
	buf_i64(&value, span->unknown);
	return put(intake, "known", session, STR(""), buf_str(&value), err);
}

int codex_turn_known(
	struct intake *intake, struct str session, struct str turn, bool *found, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct str value;

	return get(intake, "turn", session, turn, &arena, &value, found, err);
}

int codex_turn_remember(struct intake *intake, struct str session, struct str turn, struct err *err)
{
	return put(intake, "turn", session, turn, STR("1"), err);
}

/* The list as it stands; what cannot be read is none. */
static int waiting(struct intake *intake, struct str origin, struct arena *arena,
	struct json_parser *parser, const struct json **list, struct err *err)
{
	struct err ignored;
	struct str value;
	bool found;

	*list = NULL;
	if (get(intake, "wait", origin, STR(""), arena, &value, &found, err) < 0)
		return err->code;
	if (found && json_parse(parser, value, true, list, &ignored) < 0)
		*list = NULL;
	return 0;
}

static int add_waiting(struct intake *intake, struct str origin, const struct json *list,
	struct str path, struct err *err)
{
	CLEANUP(buf_release) struct buf value = BUF_INIT;
	struct json_writer writer = json_writer(&value);
	struct json_iter paths = json_iter(list);
	const struct json *known;
	struct str key;

	json_begin_array(&writer);
	while (json_next(&paths, &key, &known)) {
		if (str_eq(json_str(known), path))
			return 0;
		json_put_value(&writer, known);
	}
	json_put_str(&writer, path);
	json_end_array(&writer);
	return put(intake, "wait", origin, STR(""), buf_str(&value), err);
}

int codex_wait(struct intake *intake, struct str origin, const char *path, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct json_parser parser = { 0 };
	const struct json *list;
	int rc = waiting(intake, origin, &arena, &parser, &list, err);

	if (rc == 0 && json_len(list) < MOST_WAITING)
		rc = add_waiting(intake, origin, list, str_from(path), err);
	json_parser_release(&parser);
	return rc;
}

int codex_waiting(struct intake *intake, struct str origin, struct arena *arena,
	const char ***paths, size_t *count, struct err *err)
{
	struct json_parser parser = { 0 };
	const struct json *list, *path;
	struct json_iter values;
	struct str key;
	int rc = waiting(intake, origin, arena, &parser, &list, err);

	*count = 0;
	values = json_iter(list);
	*paths = arena_zalloc(arena, json_len(list) + 1, sizeof(**paths));
	while (rc == 0 && json_next(&values, &key, &path))
		(*paths)[(*count)++] = arena_cstr(arena, json_str(path));
	json_parser_release(&parser);
	return rc;
}

int codex_nobody_waits(struct intake *intake, struct str origin, struct err *err)
{
	return put(intake, "wait", origin, STR(""), STR("[]"), err);
}
