/*
 * Classifications: what is read is whole (every rule names a stream of the plan, no stream is named
 * twice, every rule has what its kind needs) and reading is a function; what is refused says why.
 * Every pattern is compared with a slow matcher written straight from the rule.
 */
#include <stdint.h>

#include "attention/classify_plan.h"

enum { MAX_PATTERN = 24 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool slow_like(struct str pattern, struct str cwd)
{
	if (pattern.len == 0)
		return cwd.len == 0;
	if (pattern.ptr[0] == '%')
		return slow_like(str_sub(pattern, 1, pattern.len), cwd) ||
		       (cwd.len > 0 && slow_like(pattern, str_sub(cwd, 1, cwd.len)));
	return cwd.len > 0 && cwd.ptr[0] == pattern.ptr[0] &&
	       slow_like(str_sub(pattern, 1, pattern.len), str_sub(cwd, 1, cwd.len));
}

static void check_pattern(struct str pattern)
{
	static const struct str paths[] = { STR_INIT("/"), STR_INIT("/h/p"), STR_INIT("/h/p/aab"),
		STR_INIT("/aabaab") };

	if (pattern.len > MAX_PATTERN || str_find(pattern, '%', 0) < 0)
		return;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		ASSERT(plan_like(pattern, paths[i]) == slow_like(pattern, paths[i]));
}

static void check_rule(const struct plan *plan, const struct plan_rule *rule)
{
	ASSERT(rule->stream < plan->stream_count);
	ASSERT(rule->kind != PLAN_SESSION || rule->session_id.len > 0);
	ASSERT(rule->kind != PLAN_PATTERN || rule->cwd_like.len > 0);
	ASSERT(rule->kind != PLAN_TIME || (rule->from_ns != INT64_MIN && rule->to_ns != INT64_MAX));
	for (size_t i = 0; i < rule->event_id_count; i++)
		ASSERT(rule->event_ids[i].len > 0);
	if (rule->kind == PLAN_PATTERN)
		check_pattern(rule->cwd_like);
}

static void check_plan(const struct plan *plan)
{
	for (size_t i = 0; i < plan->stream_count; i++) {
		ASSERT(plan->streams[i].name.len > 0);
		for (size_t k = 0; k < i; k++)
			ASSERT(!str_eq(plan->streams[i].name, plan->streams[k].name));
	}
	for (size_t i = 0; i < plan->rule_count; i++)
		check_rule(plan, &plan->rules[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct str text = { (const char *)data, size };
	struct err err = { 0 }, again = { 0 };
	struct plan plan, other;
	int rc = plan_read(&plan, text, &arena, &err);

	ASSERT(plan_read(&other, text, &arena, &again) == rc);
	if (rc < 0) {
		ASSERT(err.message[0] != '\0' && strcmp(err.message, again.message) == 0);
		return 0;
	}
	ASSERT(plan.stream_count == other.stream_count && plan.rule_count == other.rule_count);
	check_plan(&plan);
	return 0;
}
