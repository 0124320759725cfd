/* Memos: "known:H" of a session, "turn:H" of one of its turns; "wait:H" of an origin, with a list
 * of files, and "claim:H" of one of its turns, with a list of sessions, each before its file. */
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
	struct codex_span none = { AGENT_NO_TIME, AGENT_NO_TIME, 0, 0 };
	int64_t *numbers[] = { &span->started_ns, &span->ended_ns, &span->unknown,
		&span->strength };
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
	buf_byte(&value, ' ');
	buf_i64(&value, span->strength);
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

/* --- lists --- */

struct list {
	struct intake *intake;
	const char *name;
	struct str session, turn;
	struct arena arena;
	struct json_parser parser;
	const struct json *root; /* NULL: none, or one that cannot be read */
};

static void list_release(struct list *list)
{
	json_parser_release(&list->parser);
	arena_release(&list->arena);
}

static int list_load(struct list *list, struct err *err)
{
	struct err ignored;
	struct str value;
	bool found;

	if (get(list->intake, list->name, list->session, list->turn, &list->arena, &value, &found,
		    err) < 0)
		return err->code;
	if (found && json_parse(&list->parser, value, true, &list->root, &ignored) < 0)
		list->root = NULL;
	return 0;
}

/* COUNT texts more at its end, the last one of which is not in it yet. */
static int list_add(struct list *list, const struct str *texts, size_t count, struct err *err)
{
	CLEANUP(buf_release) struct buf value = BUF_INIT;
	struct json_writer writer = json_writer(&value);
	struct json_iter iter = json_iter(list->root);
	const struct json *known;
	struct str key;

	if (json_len(list->root) >= MOST_WAITING)
		return 0;
	json_begin_array(&writer);
	while (json_next(&iter, &key, &known)) {
		if (str_eq(json_str(known), texts[count - 1]))
			return 0;
		json_put_value(&writer, known);
	}
	for (size_t i = 0; i < count; i++)
		json_put_str(&writer, texts[i]);
	json_end_array(&writer);
	return put(list->intake, list->name, list->session, list->turn, buf_str(&value), err);
}

static int list_clear(struct list *list, struct err *err)
{
	return put(list->intake, list->name, list->session, list->turn, STR("[]"), err);
}

/* --- who waits --- */

uint64_t codex_file_mark(const char *path)
{
	return hash64(str_from(path), 0);
}

static struct str mark_text(struct arena *arena, uint64_t file)
{
	return arena_printf(arena, "%lld", (long long)(int64_t)file);
}

int codex_wait(struct intake *intake, struct str origin, uint64_t file, struct err *err)
{
	CLEANUP(list_release)
	struct list list = { .intake = intake, .name = "wait", .session = origin };
	struct str text = mark_text(&list.arena, file);

	return list_load(&list, err) < 0 ? err->code : list_add(&list, &text, 1, err);
}

int codex_waiting(struct intake *intake, struct str origin, struct arena *arena, uint64_t **files,
	size_t *count, struct err *err)
{
	CLEANUP(list_release)
	struct list list = { .intake = intake, .name = "wait", .session = origin };
	const struct json *value;
	struct json_iter iter;
	struct str key;
	int64_t file;

	*count = 0;
	if (list_load(&list, err) < 0)
		return err->code;
	iter = json_iter(list.root);
	*files = arena_zalloc(arena, json_len(list.root) + 1, sizeof(**files));
	while (json_next(&iter, &key, &value))
		if (str_to_i64(json_str(value), &file))
			(*files)[(*count)++] = (uint64_t)file;
	return 0;
}

int codex_nobody_waits(struct intake *intake, struct str origin, struct err *err)
{
	struct list list = { .intake = intake, .name = "wait", .session = origin };

	return list_clear(&list, err);
}

/* --- who took a turn for its own --- */

int codex_claim(struct intake *intake, struct str origin, struct str turn, struct str session,
	uint64_t file, struct err *err)
{
	CLEANUP(list_release)
	struct list list = { .intake = intake, .name = "claim", .session = origin, .turn = turn };
	struct str texts[] = { session, mark_text(&list.arena, file) };

	return list_load(&list, err) < 0 ? err->code
					 : list_add(&list, texts, ARRAY_LEN(texts), err);
}

/* What was given of SESSION is to be replaced. */
static int outdate(struct intake *intake, struct str session, struct err *err)
{
	struct codex_span span;
	bool found;

	if (codex_known(intake, session, &span, &found, err) < 0)
		return err->code;
	span = (struct codex_span){ AGENT_NO_TIME, AGENT_NO_TIME, 0,
		span.strength > 0 ? span.strength + 1 : 2 };
	return codex_remember(intake, session, &span, err);
}

int codex_disclaim(struct intake *intake, struct str origin, struct str turn, struct err *err)
{
	CLEANUP(list_release)
	struct list list = { .intake = intake, .name = "claim", .session = origin, .turn = turn };
	const struct json *session, *value;
	struct str key, last = STR("");
	struct json_iter iter;
	int64_t file;

	if (list_load(&list, err) < 0)
		return err->code;
	iter = json_iter(list.root);
	while (json_next(&iter, &key, &session) && json_next(&iter, &key, &value)) {
		if (!str_eq(json_str(session), last) && outdate(intake, json_str(session), err) < 0)
			return err->code;
		last = json_str(session);
		if (str_to_i64(json_str(value), &file) &&
			codex_wait(intake, origin, (uint64_t)file, err) < 0)
			return err->code;
	}
	return json_len(list.root) > 0 ? list_clear(&list, err) : 0;
}
