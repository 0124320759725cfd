/* What is kept of a Copilot CLI log between two readings, as JSON. */
#include <stddef.h>

#include "collect/copilot_cli/log.h"

struct copilot_cli_log copilot_cli_log(struct str session)
{
	struct copilot_cli_log log = { .started_ns = INT64_MIN, .ended_ns = INT64_MIN };

	log.session = arena_str(&log.arena, session);
	return log;
}

void copilot_cli_log_release(struct copilot_cli_log *log)
{
	arena_release(&log->arena);
}

/* The texts of a log, and where they stand. */
static const struct {
	const char *key;
	size_t at;
} texts[] = {
	{ "session", offsetof(struct copilot_cli_log, session) },
	{ "version", offsetof(struct copilot_cli_log, version) },
	{ "title", offsetof(struct copilot_cli_log, title) },
	{ "first_cwd", offsetof(struct copilot_cli_log, first_cwd) },
	{ "cwd", offsetof(struct copilot_cli_log, cwd) },
	{ "branch", offsetof(struct copilot_cli_log, branch) },
	{ "model", offsetof(struct copilot_cli_log, model) },
	{ "mode", offsetof(struct copilot_cli_log, mode) },
	{ "turn", offsetof(struct copilot_cli_log, turn) },
	{ "prompt", offsetof(struct copilot_cli_log, prompt.key) },
	{ "prompt_cwd", offsetof(struct copilot_cli_log, prompt.cwd) },
	{ "prompt_mode", offsetof(struct copilot_cli_log, prompt.mode) },
};

static const struct {
	const char *key;
	size_t at;
} numbers[] = {
	{ "started", offsetof(struct copilot_cli_log, started_ns) },
	{ "ended", offsetof(struct copilot_cli_log, ended_ns) },
	{ "unknown", offsetof(struct copilot_cli_log, unknown) },
	{ "prompt_offset", offsetof(struct copilot_cli_log, prompt.offset) },
	{ "prompt_bytes", offsetof(struct copilot_cli_log, prompt.bytes) },
};

static const struct {
	const char *key;
	size_t at;
} marks[] = {
	{ "named", offsetof(struct copilot_cli_log, named) },
	{ "given", offsetof(struct copilot_cli_log, given) },
	{ "prompt_stopped", offsetof(struct copilot_cli_log, prompt.stopped) },
};

/* --- writing --- */

static void write_calls(struct json_writer *writer, const struct copilot_cli_log *log)
{
	json_key(writer, STR("calls"));
	json_begin_array(writer);
	for (size_t i = 0; i < log->call_count; i++) {
		json_begin_object(writer);
		json_kv_str(writer, "id", log->calls[i].id);
		json_kv_str(writer, "tool", log->calls[i].tool);
		json_end_object(writer);
	}
	json_end_array(writer);
}

static void write_models(struct json_writer *writer, const struct copilot_cli_log *log)
{
	json_key(writer, STR("models"));
	json_begin_array(writer);
	for (size_t i = 0; i < log->model_count; i++) {
		const struct copilot_cli_model *model = &log->models[i];

		json_begin_object(writer);
		json_kv_str(writer, "name", model->name);
		json_kv_i64(writer, "given", model->given);
		json_key(writer, STR("last"));
		json_begin_array(writer);
		for (int j = 0; j < AGENT_TOKENS; j++)
			json_put_i64(writer, model->last[j]);
		json_end_array(writer);
		json_end_object(writer);
	}
	json_end_array(writer);
}

void copilot_cli_log_write(const struct copilot_cli_log *log, struct buf *out)
{
	const char *base = (const char *)log;
	struct json_writer writer = json_writer(out);

	json_begin_object(&writer);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct str text;

		memcpy(&text, base + texts[i].at, sizeof(text));
		if (text.len > 0)
			json_kv_str(&writer, texts[i].key, text);
	}
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		int64_t number;

		memcpy(&number, base + numbers[i].at, sizeof(number));
		json_kv_i64(&writer, numbers[i].key, number);
	}
	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		bool mark;

		memcpy(&mark, base + marks[i].at, sizeof(mark));
		json_kv_bool(&writer, marks[i].key, mark);
	}
	write_calls(&writer, log);
	write_models(&writer, log);
	json_end_object(&writer);
}

/* --- reading --- */

static void read_calls(struct copilot_cli_log *log, const struct json *calls)
{
	struct json_iter iter = json_iter(calls);
	const struct json *call;
	struct str key;

	while (log->call_count < COPILOT_CLI_CALLS && json_next(&iter, &key, &call))
		log->calls[log->call_count++] = (struct copilot_cli_call){
			.id = arena_str(&log->arena, json_get_str(call, "id")),
			.tool = arena_str(&log->arena, json_get_str(call, "tool")),
		};
}

static void read_model(struct copilot_cli_log *log, const struct json *from)
{
	struct copilot_cli_model *model = &log->models[log->model_count++];
	struct json_iter iter = json_iter(json_get(from, "last"));
	const struct json *value;
	struct str key;

	model->name = arena_str(&log->arena, json_get_str(from, "name"));
	if (!json_get_i64(from, "given", &model->given) || model->given < 0)
		model->given = 0;
	for (int i = 0; i < AGENT_TOKENS && json_next(&iter, &key, &value); i++)
		if (!json_to_i64(value, &model->last[i]) || model->last[i] < 0)
			model->last[i] = 0;
}

static void read_models(struct copilot_cli_log *log, const struct json *models)
{
	struct json_iter iter = json_iter(models);
	const struct json *model;
	struct str key;

	log->model_capacity = iter.count < COPILOT_CLI_MODELS ? iter.count : COPILOT_CLI_MODELS;
	if (log->model_capacity > 0)
		log->models = arena_zalloc(&log->arena, log->model_capacity, sizeof(*log->models));
	while (log->model_count < log->model_capacity && json_next(&iter, &key, &model))
		read_model(log, model);
}

struct copilot_cli_log copilot_cli_log_read(
	struct json_parser *parser, struct str text, struct str session)
{
	struct copilot_cli_log log = copilot_cli_log(session);
	char *base = (char *)&log;
	const struct json *root;
	struct err ignored;

	if (text.len == 0 || json_parse(parser, text, true, &root, &ignored) < 0)
		return log;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct str value = json_get_str(root, texts[i].key);

		if (value.len == 0)
			continue;
		value = arena_str(&log.arena, value);
		memcpy(base + texts[i].at, &value, sizeof(value));
	}
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		int64_t number;

		if (json_get_i64(root, numbers[i].key, &number))
			memcpy(base + numbers[i].at, &number, sizeof(number));
	}
	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		bool mark = json_is_true(json_get(root, marks[i].key));

		memcpy(base + marks[i].at, &mark, sizeof(mark));
	}
	read_calls(&log, json_get(root, "calls"));
	read_models(&log, json_get(root, "models"));
	return log;
}
