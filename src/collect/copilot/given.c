/*
 * What is remembered of a session: memos "given:HASH" (JSON) and "bad:HASH" (lines as
 * REASON:LENGTH:BYTES, one after the other), HASH being that of the session's id. Written only when
 * they change.
 */
#include "collect/copilot/given.h"

#include "base/hash.h"

enum { CARRIED_LINES = 64, CARRIED_BYTES = 4096 };

#define SOURCE STR("copilot")

static struct str memo_key(const struct copilot_memory *memory, const char *what)
{
	uint8_t hash[16];
	char hex[2 * sizeof(hash) + 1];

	hash128(memory->session, hash);
	hash_hex(hash, sizeof(hash), hex);
	return arena_printf(memory->arena, "%s:%s", what, hex);
}

/* Empty: none. */
static int get_memo(
	const struct copilot_memory *memory, const char *what, struct str *value, struct err *err)
{
	bool found;
	int rc = intake_memo_get(
		memory->intake, SOURCE, memo_key(memory, what), memory->arena, value, &found, err);

	if (rc == 0 && !found)
		*value = STR("");
	return rc;
}

static int put_memo(
	const struct copilot_memory *memory, const char *what, struct str value, struct err *err)
{
	struct str old;

	if (get_memo(memory, what, &old, err) < 0)
		return err->code;
	return str_eq(old, value) ? 0
				  : intake_memo_put(memory->intake, SOURCE, memo_key(memory, what),
					    value, err);
}

static int64_t time_or_none(const struct json *root, const char *key)
{
	int64_t ns;

	return json_get_i64(root, key, &ns) ? ns : INT64_MIN;
}

static void read_given(
	const struct copilot_memory *memory, const struct json *root, struct copilot_given *out)
{
	int64_t strength = 0;

	json_get_i64(root, "strength", &strength);
	json_get_i64(root, "requests", &out->requests);
	json_get_i64(root, "unknown", &out->unknown);
	out->strength = (int)strength;
	out->document = json_is_true(json_get(root, "document"));
	out->last_ns = time_or_none(root, "last_ns");
	out->surplus.from_ns = time_or_none(root, "surplus_from_ns");
	out->surplus.to_ns = time_or_none(root, "surplus_to_ns");
	out->path = arena_str(memory->arena, json_get_str(root, "path"));
	out->cwd = arena_str(memory->arena, json_get_str(root, "cwd"));
	out->branch = arena_str(memory->arena, json_get_str(root, "branch"));
	out->version = arena_str(memory->arena, json_get_str(root, "version"));
}

int copilot_given_load(
	const struct copilot_memory *memory, struct copilot_given *out, struct err *err)
{
	struct json_parser parser = { 0 };
	const struct json *root;
	struct str text;
	int rc = get_memo(memory, "given", &text, err);

	*out = (struct copilot_given){ .last_ns = INT64_MIN, .surplus = { INT64_MIN, INT64_MIN } };
	if (rc < 0 || text.len == 0)
		return rc;
	rc = json_parse(&parser, text, true, &root, err);
	if (rc == 0)
		read_given(memory, root, out);
	json_parser_release(&parser);
	return rc == 0 ? 0
		       : err_set(err, ERR_CORRUPT, "the memory of session %.*s is damaged",
				 STR_ARG(memory->session));
}

static void put_time(struct json_writer *writer, const char *key, int64_t ns)
{
	if (ns != INT64_MIN)
		json_kv_i64(writer, key, ns);
}

int copilot_given_save(
	const struct copilot_memory *memory, const struct copilot_given *given, struct err *err)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct json_writer writer = json_writer(&text);

	json_begin_object(&writer);
	json_kv_i64(&writer, "strength", given->strength);
	json_kv_bool(&writer, "document", given->document);
	json_kv_i64(&writer, "requests", given->requests);
	json_kv_i64(&writer, "unknown", given->unknown);
	put_time(&writer, "last_ns", given->last_ns);
	put_time(&writer, "surplus_from_ns", given->surplus.from_ns);
	put_time(&writer, "surplus_to_ns", given->surplus.to_ns);
	json_kv_str(&writer, "path", given->path);
	json_kv_str(&writer, "cwd", given->cwd);
	json_kv_str(&writer, "branch", given->branch);
	json_kv_str(&writer, "version", given->version);
	json_end_object(&writer);
	return put_memo(memory, "given", buf_str(&text), err);
}

/* --- lines that nobody could read --- */

/* Why: of these a complete state does not make good. */
static const char *const carried[] = { "not_json", "not_object", "too_deep" };

static const char *carried_reason(struct str reason)
{
	for (size_t i = 0; i < ARRAY_LEN(carried); i++)
		if (str_eq_c(reason, carried[i]))
			return carried[i];
	return NULL;
}

static bool has_bad(const struct agent_session *session, const char *reason, struct str bytes)
{
	for (size_t i = 0; i < session->bad_count; i++)
		if (str_eq(session->bad[i].bytes, bytes) &&
			strcmp(session->bad[i].reason, reason) == 0)
			return true;
	return false;
}

/* Take one line from the front of REST; false at its end. */
static bool take_line(struct str *rest, const char **reason, struct str *line)
{
	int64_t count;

	*reason = carried_reason(str_split(rest, ':'));
	if (!*reason || !str_to_i64(str_split(rest, ':'), &count) || count < 0 ||
		(uint64_t)count > rest->len)
		return false;
	*line = str_sub(*rest, 0, (size_t)count);
	*rest = str_sub(*rest, (size_t)count, rest->len);
	return true;
}

static void write_lines(const struct agent_session *session, struct buf *out)
{
	int lines = 0;

	for (size_t i = 0; i < session->bad_count && lines < CARRIED_LINES; i++) {
		const struct agent_bad *bad = &session->bad[i];

		if (!carried_reason(str_from(bad->reason)) || bad->bytes_total > CARRIED_BYTES)
			continue;
		buf_printf(out, "%s:%lld:", bad->reason, (long long)bad->bytes_total);
		buf_add(out, bad->bytes);
		lines++;
	}
}

int copilot_carry_bad(
	const struct copilot_memory *memory, struct agent_session *session, struct err *err)
{
	CLEANUP(buf_release) struct buf kept = BUF_INIT;
	struct str rest, line;
	const char *reason;

	if (get_memo(memory, "bad", &rest, err) < 0)
		return err->code;
	while (rest.len > 0 && take_line(&rest, &reason, &line))
		if (!has_bad(session, reason, line))
			agent_session_bad(session, session->path, -1, reason,
				"was in the log before it was compacted", line);
	write_lines(session, &kept);
	return put_memo(memory, "bad", buf_str(&kept), err);
}
