/*
 * What stands beside a task's conversation: in which workspace it ran, who asked for it, and which
 * models answered when.
 */
#include <stdlib.h>

#include "collect/agent_value.h"
#include "collect/cline/cline.h"

enum { MOST_MODELS = 256 };

enum cline_bytes cline_document(
	struct json_parser *parser, struct str bytes, const struct json **root, struct err *detail)
{
	struct err own;

	if (json_parse(parser, bytes, true, root, detail ? detail : &own) == 0)
		return CLINE_GOOD;
	return agent_is_cut(bytes) ? CLINE_CUT : CLINE_BAD;
}

/* --- models --- */

static void add_model(
	struct cline_context *context, int64_t at_ns, struct str model, struct str mode)
{
	size_t at = context->model_count;
	struct cline_model *models;

	if (model.len == 0 && mode.len == 0)
		return;
	model = agent_text(context->arena, model);
	mode = agent_text(context->arena, mode);
	models = context->models;
	while (at > 0 && models[at - 1].at_ns > at_ns)
		at--;
	if ((at > 0 && str_eq(models[at - 1].model, model) && str_eq(models[at - 1].mode, mode)) ||
		context->model_count == MOST_MODELS)
		return;
	if (context->model_count == context->model_capacity) {
		context->model_capacity = context->model_capacity * 2 + 8;
		models = arena_zalloc(context->arena, context->model_capacity, sizeof(*models));
		if (context->model_count > 0)
			memcpy(models, context->models, context->model_count * sizeof(*models));
		context->models = models;
	}
	memmove(&models[at + 1], &models[at], (context->model_count - at) * sizeof(*models));
	models[at] = (struct cline_model){ at_ns, model, mode };
	context->model_count++;
}

static int64_t time_or_start(const struct json *value)
{
	int64_t at_ns;

	return agent_time(value, &at_ns) ? at_ns : INT64_MIN;
}

static void set_once(struct cline_context *context, struct str *field, struct str value)
{
	if (field->len == 0 && value.len > 0)
		*field = agent_text(context->arena, value);
}

static void set_cwd(struct cline_context *context, struct str path)
{
	set_once(context, &context->cwd, places_workspace_of_uri(context->arena, path));
}

/* --- state --- */

void cline_context_load(struct cline_context *context, struct str state)
{
	struct json_parser parser = { 0 };
	const struct json *root, *entry;
	struct json_iter entries;
	struct str key;

	if (cline_document(&parser, state, &root, NULL) == CLINE_GOOD) {
		set_once(context, &context->cwd, json_get_str(root, "cwd"));
		context->excluded = json_is_true(json_get(root, "excluded"));
		context->cut = json_is_true(json_get(root, "cut"));
		entries = json_iter(json_get(root, "models"));
		while (json_next(&entries, &key, &entry)) {
			int64_t at_ns;

			if (!json_get_i64(entry, "at", &at_ns))
				at_ns = INT64_MIN;
			add_model(context, at_ns, json_get_str(entry, "model"),
				json_get_str(entry, "mode"));
		}
	}
	json_parser_release(&parser);
}

static void put_model(struct json_writer *writer, const struct cline_model *model)
{
	json_begin_object(writer);
	if (model->at_ns != INT64_MIN)
		json_kv_i64(writer, "at", model->at_ns);
	if (model->model.len > 0)
		json_kv_str(writer, "model", model->model);
	if (model->mode.len > 0)
		json_kv_str(writer, "mode", model->mode);
	json_end_object(writer);
}

struct str cline_context_state(const struct cline_context *context)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct json_writer writer = json_writer(&out);

	json_begin_object(&writer);
	if (context->cut)
		json_kv_bool(&writer, "cut", true);
	if (context->excluded) {
		/* Nothing else: it leaves no trace. */
		json_kv_bool(&writer, "excluded", true);
	} else {
		if (context->cwd.len > 0)
			json_kv_str(&writer, "cwd", context->cwd);
		json_key(&writer, STR("models"));
		json_begin_array(&writer);
		for (size_t i = 0; i < context->model_count; i++)
			put_model(&writer, &context->models[i]);
		json_end_array(&writer);
	}
	json_end_object(&writer);
	return arena_str(context->arena, buf_str(&out));
}

/* --- documents --- */

enum cline_bytes cline_read_history_item(
	struct cline_context *context, struct str bytes, struct err *detail)
{
	struct json_parser parser = { 0 };
	const struct json *root;
	enum cline_bytes status = cline_document(&parser, bytes, &root, detail);

	if (status == CLINE_GOOD) {
		set_cwd(context, json_get_str(root, "workspace"));
		set_once(context, &context->parent, json_get_str(root, "parentTaskId"));
		set_once(context, &context->title, json_get_str(root, "task"));
		if (!agent_time(json_get(root, "ts"), &context->at_ns))
			context->at_ns = 0;
	}
	json_parser_release(&parser);
	return status;
}

enum cline_bytes cline_read_metadata(
	struct cline_context *context, struct str bytes, struct err *detail)
{
	struct json_parser parser = { 0 };
	const struct json *root, *usage;
	enum cline_bytes status = cline_document(&parser, bytes, &root, detail);
	struct json_iter usages;
	struct str key;

	if (status == CLINE_GOOD) {
		usages = json_iter(json_get(root, "model_usage"));
		while (json_next(&usages, &key, &usage))
			add_model(context, time_or_start(json_get(usage, "ts")),
				json_get_str(usage, "model_id"), json_get_str(usage, "mode"));
	}
	json_parser_release(&parser);
	return status;
}

static struct str from_needle(struct str text, struct str needle)
{
	ptrdiff_t at = str_find_str(text, needle);

	return at < 0 ? (struct str){ NULL, 0 } : str_sub(text, (size_t)at + needle.len, text.len);
}

/* What stands between <NAME> and </NAME>. */
static struct str between(struct str text, struct str open, struct str close)
{
	struct str rest = from_needle(text, open);
	ptrdiff_t end = str_find_str(rest, close);

	return end < 0 ? (struct str){ NULL, 0 } : str_trim(str_sub(rest, 0, (size_t)end));
}

/* `# Current Working Directory (/home/ana/shop) Files`: the path may hold brackets itself. */
static struct str directory_of(struct str details)
{
	struct str rest = from_needle(details, STR("# Current Working Directory ("));
	struct str line;

	if (rest.len == 0)
		rest = from_needle(details, STR("# Current Workspace Directory ("));
	line = str_split(&rest, '\n');
	while (line.len > 0 && line.ptr[line.len - 1] != ')')
		line.len--;
	return str_sub(line, 0, line.len > 0 ? line.len - 1 : 0);
}

static void read_details(struct cline_context *context, struct str text, int64_t at_ns)
{
	struct str details = from_needle(text, STR("<environment_details>"));

	if (details.len == 0)
		return;
	set_cwd(context, directory_of(details));
	add_model(context, at_ns, between(details, STR("<model>"), STR("</model>")),
		between(details, STR("<slug>"), STR("</slug>")));
}

static void read_turn(struct cline_context *context, const struct json *turn)
{
	const struct json *content = json_get(turn, "content"), *block;
	const struct json *info = json_get(turn, "modelInfo");
	int64_t at_ns = time_or_start(json_get(turn, "ts"));
	struct json_iter blocks = json_iter(content);
	struct str key;

	if (str_eq(json_get_str(turn, "role"), STR("user"))) {
		read_details(context, json_str(content), at_ns);
		while (json_next(&blocks, &key, &block))
			if (str_eq(json_get_str(block, "type"), STR("text")))
				read_details(context, json_get_str(block, "text"), at_ns);
	} else {
		add_model(
			context, at_ns, json_get_str(info, "modelId"), json_get_str(info, "mode"));
	}
}

enum cline_bytes cline_read_conversation(
	struct cline_context *context, struct str bytes, struct err *detail)
{
	struct json_parser parser = { 0 };
	const struct json *root, *turn;
	enum cline_bytes status = cline_document(&parser, bytes, &root, detail);
	struct json_iter turns;
	struct str key;

	if (status == CLINE_GOOD) {
		turns = json_iter(root);
		while (json_next(&turns, &key, &turn))
			read_turn(context, turn);
	}
	json_parser_release(&parser);
	return status;
}

enum cline_bytes cline_read_session(
	struct cline_context *context, struct str bytes, struct err *detail)
{
	struct json_parser parser = { 0 };
	const struct json *root;
	enum cline_bytes status = cline_document(&parser, bytes, &root, detail);

	if (status == CLINE_GOOD) {
		set_cwd(context, json_get_str(root, "cwd"));
		set_cwd(context, json_get_str(root, "workspace_root"));
		set_once(context, &context->parent, json_get_str(root, "parent_session_id"));
		add_model(context, INT64_MIN, json_get_str(root, "model"), STR(""));
		if (!agent_time(json_get(root, "started_at"), &context->at_ns))
			context->at_ns = 0;
	}
	json_parser_release(&parser);
	return status;
}

/* --- the list of tasks --- */

static int by_id(const void *a, const void *b)
{
	const struct cline_history_entry *left = a, *right = b;

	return str_cmp(left->id, right->id);
}

enum cline_bytes cline_read_history(
	struct cline_history *out, struct arena *arena, struct str bytes, struct err *detail)
{
	struct json_parser parser = { 0 };
	const struct json *root, *task;
	enum cline_bytes status = cline_document(&parser, bytes, &root, detail);
	struct json_iter tasks;
	struct str key;

	*out = (struct cline_history){ 0 };
	if (status == CLINE_GOOD) {
		out->entries = arena_zalloc(arena, json_len(root) + 1, sizeof(*out->entries));
		tasks = json_iter(root);
		while (json_next(&tasks, &key, &task)) {
			struct cline_history_entry *entry = &out->entries[out->count];

			entry->id = arena_str(arena, json_get_str(task, "id"));
			entry->title = arena_str(arena, json_get_str(task, "task"));
			entry->cwd = places_workspace_of_uri(
				arena, json_get_str(task, "cwdOnTaskInitialization"));
			out->count += entry->id.len > 0;
		}
		qsort(out->entries, out->count, sizeof(*out->entries), by_id);
	}
	json_parser_release(&parser);
	return status;
}

const struct cline_history_entry *cline_history_find(
	const struct cline_history *history, struct str id)
{
	const struct cline_history_entry wanted = { .id = id };

	return history->count == 0 ? NULL
				   : bsearch(&wanted, history->entries, history->count,
					     sizeof(*history->entries), by_id);
}
