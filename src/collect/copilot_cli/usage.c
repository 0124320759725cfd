/*
 * The tokens of a Copilot CLI log. Two numbers tell of output: that of each response, where the log
 * has it, and the counters of a shutdown, which have input and cache too but are missing after a
 * crash. Both are given, each part once: the responses have their own, and a shutdown gives what
 * its counters grew by less what the responses of that time had. So nothing that was given ever
 * needs taking back, whether a crash is followed by another leg or not.
 *
 * Counters belong to the session, over all its legs. When one of them is smaller than at the
 * shutdown before they were begun anew, all of them: then they are what was used since.
 */
#include "base/utf8.h"
#include "collect/agent_value.h"
#include "collect/copilot_cli/log.h"

static const char *const counters[AGENT_TOKENS] = {
	[AGENT_INPUT] = "inputTokens",
	[AGENT_OUTPUT] = "outputTokens",
	[AGENT_CACHE_READ] = "cacheReadTokens",
	[AGENT_CACHE_WRITE] = "cacheWriteTokens",
	[AGENT_REASONING] = "reasoningTokens",
};

/* NULL when there are too many. */
static struct copilot_cli_model *model_of(struct copilot_cli_log *log, struct str name)
{
	struct copilot_cli_model *grown;

	if (!utf8_valid(name))
		name = agent_text(&log->arena, name);
	for (size_t i = 0; i < log->model_count; i++)
		if (str_eq(log->models[i].name, name))
			return &log->models[i];
	if (log->model_count == COPILOT_CLI_MODELS)
		return NULL;
	if (log->model_count == log->model_capacity) {
		log->model_capacity = log->model_capacity * 2 + 4;
		grown = arena_zalloc(&log->arena, log->model_capacity, sizeof(*grown));
		if (log->model_count > 0)
			memcpy(grown, log->models, log->model_count * sizeof(*grown));
		log->models = grown;
	}
	grown = &log->models[log->model_count++];
	*grown = (struct copilot_cli_model){ .name = arena_str(&log->arena, name) };
	return grown;
}

static int64_t sum(int64_t a, int64_t b)
{
	int64_t out;

	return __builtin_add_overflow(a, b, &out) ? INT64_MAX : out;
}

void copilot_cli_usage_given(struct copilot_cli_log *log, struct str model, int64_t output)
{
	struct copilot_cli_model *row = model_of(log, model);

	if (row)
		row->given = sum(row->given, output);
}

/* What is missing or no count is -1. */
static void read_counters(const struct json *metric, int64_t out[AGENT_TOKENS])
{
	const struct json *usage = json_get(metric, "usage");

	for (int i = 0; i < AGENT_TOKENS; i++)
		if (!json_get_i64(usage, counters[i], &out[i]) || out[i] < 0)
			out[i] = -1;
}

static bool were_begun_anew(struct copilot_cli_log *log, const struct json *metrics)
{
	struct json_iter iter = json_iter(metrics);
	const struct json *metric;
	int64_t now[AGENT_TOKENS];
	struct str name;
	bool anew = false;

	while (json_next(&iter, &name, &metric)) {
		struct copilot_cli_model *model = model_of(log, name);

		if (!model)
			continue;
		read_counters(metric, now);
		model->named = true;
		for (int i = 0; i < AGENT_TOKENS; i++)
			anew |= now[i] >= 0 && now[i] < model->last[i];
	}
	return anew;
}

/* Output given with responses of models that the shutdown has under another name, if at all. */
static int64_t take_unnamed(struct copilot_cli_log *log)
{
	int64_t out = 0;

	for (size_t i = 0; i < log->model_count; i++) {
		if (!log->models[i].named)
			out = sum(out, log->models[i].given);
		if (!log->models[i].named)
			log->models[i].given = 0;
	}
	return out;
}

/* NOW becomes what it grew by. True when there is anything to tell. */
static bool take_growth(
	struct copilot_cli_model *model, int64_t now[AGENT_TOKENS], int64_t *unnamed)
{
	bool any = false;

	for (int i = 0; i < AGENT_TOKENS; i++) {
		int64_t grown = now[i] - model->last[i], had;

		if (now[i] < 0)
			continue;
		model->last[i] = now[i];
		now[i] = grown > 0 ? grown : 0;
		if (i == AGENT_OUTPUT) {
			now[i] = grown > model->given ? grown - model->given : 0;
			had = *unnamed < now[i] ? *unnamed : now[i];
			now[i] -= had;
			*unnamed -= had;
			model->given = 0;
		}
		any |= now[i] > 0;
	}
	return any;
}

static void add_usage(const struct copilot_cli_log *log, const struct copilot_cli_model *model,
	const int64_t tokens[AGENT_TOKENS], struct agent_item *item, struct arena *arena)
{
	item->model = arena_str(arena, model->name);
	item->cwd = arena_str(arena, log->cwd);
	memcpy(item->tokens, tokens, sizeof(item->tokens));
}

static struct str usage_key(struct arena *arena, struct str key, struct str model)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	buf_add(&text, key);
	buf_byte(&text, ':');
	buf_add(&text, model);
	return arena_str(arena, buf_str(&text));
}

void copilot_cli_usage_shutdown(struct copilot_cli_log *log, const struct json *metrics,
	struct str key, int64_t at_ns, struct agent_session *out)
{
	struct json_iter iter = json_iter(metrics);
	const struct json *metric;
	int64_t now[AGENT_TOKENS], unnamed;
	struct str name;

	if (!json_is(metrics, JSON_OBJECT) || iter.count == 0)
		return;
	for (size_t i = 0; i < log->model_count; i++)
		log->models[i].named = false;
	if (were_begun_anew(log, metrics))
		for (size_t i = 0; i < log->model_count; i++)
			memset(log->models[i].last, 0, sizeof(log->models[i].last));
	unnamed = take_unnamed(log);
	while (json_next(&iter, &name, &metric)) {
		struct copilot_cli_model *model = model_of(log, name);

		read_counters(metric, now);
		if (model && take_growth(model, now, &unnamed))
			add_usage(log, model, now,
				agent_item(out, AGENT_USAGE,
					usage_key(out->arena, key, model->name), at_ns),
				out->arena);
	}
}
