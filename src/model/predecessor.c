/*
 * The predecessor sent session facts as lines without id. Here they are `agent_session` events: the
 * id is made from machine, session and start, which never change, and the revision from the message
 * counts, which only grow. Prompt text is left out.
 */
#include "model/predecessor.h"

#include "base/time.h"
#include "base/uuid.h"
#include "model/id.h"

static const struct {
	const char *old;
	const char *now;
} session_keys[] = {
	{ "session_id", "session_id" },
	{ "parent_session_id", "parent_session_id" },
	{ "session_type", "session_type" },
	{ "project_path", "cwd" },
	{ "project_name", "project_name" },
	{ "start_time", "started_at" },
	{ "end_time", "ended_at" },
	{ "message_count", "messages" },
	{ "assistant_message_count", "responses" },
	{ "tool_call_count", "tool_calls" },
};

bool predecessor_type(struct str name, struct str *type, struct str *action)
{
	bool start = str_eq_c(name, "session_start");

	if (!start && !str_eq_c(name, "session_end"))
		return false;
	*type = STR("agent_session");
	*action = start ? STR("started") : STR("ended");
	return true;
}

/* Capped, so that the sum of a few is no overflow. */
static int64_t count_of(const struct json *line, const char *key)
{
	const int64_t most = INT64_MAX / 8;
	int64_t value = 0;

	if (!json_get_i64(line, key, &value) || value < 0)
		return 0;
	return value < most ? value : most;
}

static struct str agent_name(struct str source)
{
	return str_eq_c(source, "claude") ? STR("claude-code") : source;
}

static void put_payload(struct json_writer *writer, const struct json *line)
{
	for (size_t i = 0; i < ARRAY_LEN(session_keys); i++) {
		const struct json *value = json_get(line, session_keys[i].old);

		if (!value || json_type(value) == JSON_NULL)
			continue;
		json_key(writer, str_from(session_keys[i].now));
		json_put_value(writer, value);
	}
}

int predecessor_session(
	const struct json *line, struct buf *out, const char **reason, struct err *err)
{
	struct str machine = json_get_str(line, "machine_id");
	struct str source = json_get_str(line, "source");
	struct str session = json_get_str(line, "session_id");
	struct json_writer writer = json_writer(out);
	struct buf id CLEANUP(buf_release) = BUF_INIT;
	struct buf mark CLEANUP(buf_release) = BUF_INIT;
	char time[TIME_TEXT_BYTES];
	int64_t start_ns;

	*reason = "missing_key";
	if (session.len == 0)
		return err_set(err, ERR_PARSE, "session_metadata without session_id");
	if (!uuid_valid(machine))
		return err_set(err, ERR_PARSE, "session_metadata without machine_id");
	if (time_parse(json_get_str(line, "start_time"), &start_ns, err) < 0)
		return err_context(err, "session_metadata without start_time");
	if (source.len == 0)
		source = STR("claude");
	buf_add(&mark, session);
	buf_addc(&mark, ":metadata");
	id_build(&id, machine, source, STR("agent_session"), start_ns, buf_str(&mark));
	json_begin_object(&writer);
	json_kv_str(&writer, "id", buf_str(&id));
	json_kv_str(&writer, "timestamp", str_from(time_format_exact(start_ns, time)));
	json_kv_str(&writer, "source", source);
	json_kv_str(&writer, "type", STR("agent_session"));
	json_kv_i64(&writer, "revision",
		count_of(line, "message_count") + count_of(line, "assistant_message_count") +
			count_of(line, "tool_call_count"));
	json_kv_str(&writer, "agent", agent_name(source));
	put_payload(&writer, line);
	json_end_object(&writer);
	return 0;
}
