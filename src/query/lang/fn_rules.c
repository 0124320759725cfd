/*
 * categorize and tag: rules over the strings of an event's data. The deepest category wins, among
 * equally deep ones the last, so categories are tried from the best down and the first that fits is
 * taken.
 *
 * A few values (the names of programs) stand in most data: what such a value was found to fit is
 * remembered for the length of a list.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "base/utf8.h"
#include "query/lang/function.h"
#include "query/lang/pattern.h"

enum { NEAR_ENTRIES = 512, SEARCH_STEPS = 64 };

struct rule {
	struct pattern *pattern;
	struct str *keys; /* only their values are searched */
	size_t key_count; /* 0: every string's */
	size_t depth;     /* of a category */
	size_t order;
	struct str tag;  /* as it is, for their order */
	struct str name; /* JSON: the category, or the tag */
};

struct rules {
	bool tags;
	struct arena arena;
	struct rule *rules; /* of categories: best first; of tags: by name */
	size_t count;
	size_t keyed; /* how many have keys */
};

static void release_rules(void *state)
{
	struct rules *rules = state;

	for (size_t i = 0; i < rules->count; i++)
		pattern_free(rules->rules[i].pattern);
	arena_release(&rules->arena);
	free(rules);
}

/* --- searching --- */

/* What a value fits among the rules without keys: the first rule's place, or the count. Its text is
 * the pool's. */
struct near {
	struct str text;
	size_t best;
};

static bool applies(const struct rule *rule, struct str key)
{
	for (size_t i = 0; i < rule->key_count; i++)
		if (str_eq(rule->keys[i], key))
			return true;
	return rule->key_count == 0;
}

/* One object may be searched many times, so limits are asked for here. Long texts take longer. */
static bool fits(struct mapper *mapper, const struct rule *rule, struct str text)
{
	size_t steps = SEARCH_STEPS + (text.len < RUN_STEPS ? text.len : RUN_STEPS);

	if (mapper->result == 0)
		mapper->result = run_step(mapper->run, (unsigned)steps);
	return mapper->result == 0 && pattern_search(rule->pattern, text) == PATTERN_YES;
}

/* The first rule below LIMIT that TEXT fits; LIMIT if none. */
static size_t first_fit(
	struct mapper *mapper, const struct rules *rules, struct str text, size_t limit)
{
	for (size_t i = 0; i < limit; i++)
		if (rules->rules[i].key_count == 0 && fits(mapper, &rules->rules[i], text))
			return i;
	return limit;
}

/* The same, looked up first. TEXT is a view of the pool. */
static size_t near_fit(
	struct mapper *mapper, const struct rules *rules, struct str text, size_t limit)
{
	struct near *near;
	size_t best;

	if (!mapper->near)
		mapper->near = arena_zalloc(&mapper->lasting, NEAR_ENTRIES, sizeof(struct near));
	near = &mapper->near[hash64(text, 0) % NEAR_ENTRIES];
	if (near->text.ptr && str_eq(near->text, text))
		return near->best < limit ? near->best : limit;
	best = first_fit(mapper, rules, text, limit);
	/* Rules from LIMIT on were not tried. */
	if (best < limit || limit == rules->count)
		*near = (struct near){ text, best };
	return best;
}

static size_t keyed_fit(struct mapper *mapper, const struct rules *rules, struct str key,
	struct str text, size_t limit)
{
	for (size_t i = 0; i < limit; i++)
		if (rules->rules[i].key_count > 0 && applies(&rules->rules[i], key) &&
			fits(mapper, &rules->rules[i], text))
			return i;
	return limit;
}

static const struct data *with_member(
	struct mapper *mapper, const struct data *data, struct str key, struct str value)
{
	const struct data_member member = { key, value };

	buf_clear(&mapper->more);
	data_with(&mapper->more, data, &member, 1, &mapper->scratch);
	return run_data(mapper->run, buf_str(&mapper->more));
}

static const struct data *map_category(
	const void *state, struct mapper *mapper, const struct data *data)
{
	const struct rules *rules = state;
	struct json_scan scan = json_scan(data_text(data));
	struct json_token name, value;
	size_t best = rules->count;

	if (!json_scan_enter(&scan))
		return data;
	while (json_scan_next(&scan, &name)) {
		struct str text;

		if (!json_scan_value(&scan, &value) || value.type != JSON_STRING)
			continue;
		text = json_token_text(&value, &mapper->scratch);
		best = value.escaped ? first_fit(mapper, rules, text, best)
				     : near_fit(mapper, rules, text, best);
		if (rules->keyed > 0)
			best = keyed_fit(mapper, rules, json_token_text(&name, &mapper->scratch),
				text, best);
	}
	return with_member(mapper, data, STR("$category"),
		best < rules->count ? rules->rules[best].name : STR("[\"Uncategorized\"]"));
}

static bool fits_any(struct mapper *mapper, const struct rule *rule, const struct data *data)
{
	struct json_scan scan = json_scan(data_text(data));
	struct json_token name, value;

	if (!json_scan_enter(&scan))
		return false;
	while (json_scan_next(&scan, &name))
		if (json_scan_value(&scan, &value) && value.type == JSON_STRING &&
			applies(rule, json_token_text(&name, &mapper->scratch)) &&
			fits(mapper, rule, json_token_text(&value, &mapper->scratch)))
			return true;
	return false;
}

static const struct data *map_tags(
	const void *state, struct mapper *mapper, const struct data *data)
{
	const struct rules *rules = state;
	const struct rule *last = NULL;
	struct buf *names = &mapper->text;

	buf_clear(names);
	buf_byte(names, '[');
	for (size_t i = 0; i < rules->count; i++) {
		const struct rule *rule = &rules->rules[i];

		if ((last && str_eq(last->name, rule->name)) || !fits_any(mapper, rule, data))
			continue;
		if (last)
			buf_byte(names, ',');
		buf_add(names, rule->name);
		last = rule;
	}
	buf_byte(names, ']');
	return with_member(mapper, data, STR("$tags"), buf_str(names));
}

static const struct mapping_type category_type = { map_category, release_rules };
static const struct mapping_type tags_type = { map_tags, release_rules };

/* --- reading rules --- */

static int fail_rule(struct run *run, const char *what)
{
	return run_fail(run, LANG_INVALID_FUNCTION_PARAMETERS, "%s", what);
}

static struct value *member(const struct value *dict, const char *key)
{
	for (size_t i = 0; i < dict->dict.count; i++)
		if (str_eq_c(dict->dict.members[i].key, key))
			return dict->dict.members[i].value;
	return NULL;
}

static int fail_regex(struct run *run, struct str regex, const char *why)
{
	return run_fail(run, LANG_REGEX_COMPILE_ERROR, "Failed to compile regex string '%.*s': %s",
		STR_ARG(utf8_cut(regex, 100)), why);
}

static int read_keys(struct run *run, struct rules *rules, struct rule *rule,
	const struct value *keys, struct str regex)
{
	if (!keys)
		return 0;
	if (!value_is_list(keys) || keys->type == VALUE_EVENTS)
		return fail_rule(run, "the select_keys of a rule are no List of Strings");
	if (keys->list.count == 0)
		return fail_regex(run, regex, "select_keys must not be empty");
	rule->keys = arena_zalloc(&rules->arena, keys->list.count, sizeof(struct str));
	for (size_t i = 0; i < keys->list.count; i++) {
		if (keys->list.items[i]->type != VALUE_STRING)
			return fail_rule(run, "the select_keys of a rule are no List of Strings");
		rule->keys[i] = arena_str(&rules->arena, keys->list.items[i]->text);
	}
	rule->key_count = keys->list.count;
	rules->keyed++;
	return 0;
}

static int read_regex(
	struct run *run, struct rules *rules, struct rule *rule, const struct value *dict)
{
	const struct value *regex = member(dict, "regex"), *fold = member(dict, "ignore_case");
	struct err cause;
	int result;

	if (!regex)
		return fail_rule(run, "regex rule is missing the 'regex' field");
	if (regex->type != VALUE_STRING)
		return fail_rule(run, "the regex of a rule is no String");
	if (fold && fold->type != VALUE_BOOL)
		return fail_rule(run, "the ignore_case of a rule is no Bool");
	result = read_keys(run, rules, rule, member(dict, "select_keys"), regex->text);
	if (result < 0)
		return result;
	if (pattern_compile(&rule->pattern, regex->text, fold && fold->flag, &cause) < 0)
		return fail_regex(run, regex->text, cause.message);
	return 0;
}

/* RULE's pattern stays NULL when it is of the type that never fits. */
static int read_rule(
	struct run *run, struct rules *rules, struct rule *rule, const struct value *dict)
{
	const struct value *type;

	if (dict->type != VALUE_DICT)
		return run_fail(run, LANG_INVALID_FUNCTION_PARAMETERS,
			"Expected function parameter of type Dict, got %.*s",
			STR_ARG(value_show(run, dict)));
	type = member(dict, "type");
	if (!type)
		return fail_rule(run, "rule does not have a type");
	if (type->type != VALUE_STRING)
		return fail_rule(run, "rule type is no String");
	if (str_eq_c(type->text, "none"))
		return 0;
	if (!str_eq_c(type->text, "regex"))
		return run_fail(run, LANG_INVALID_FUNCTION_PARAMETERS,
			"Unknown rule type '%.*s': there are 'regex' and 'none'",
			STR_ARG(utf8_cut(type->text, 60)));
	return read_regex(run, rules, rule, dict);
}

static int read_category(
	struct run *run, struct rules *rules, struct rule *rule, const struct value *path)
{
	CLEANUP(buf_release) struct buf name = BUF_INIT;
	struct json_writer writer = json_writer(&name);

	if (path->type != VALUE_LIST)
		return run_fail(run, LANG_INVALID_FUNCTION_PARAMETERS,
			"Expected function parameter of type List, got %.*s",
			STR_ARG(value_show(run, path)));
	json_begin_array(&writer);
	for (size_t i = 0; i < path->list.count; i++) {
		if (path->list.items[i]->type != VALUE_STRING)
			return run_fail(run, LANG_INVALID_FUNCTION_PARAMETERS,
				"Expected function parameter of type List of Strings, list "
				"contains %.*s",
				STR_ARG(value_show(run, path->list.items[i])));
		json_put_str(&writer, path->list.items[i]->text);
	}
	json_end_array(&writer);
	rule->depth = path->list.count;
	rule->name = arena_str(&rules->arena, buf_str(&name));
	return 0;
}

static int read_tag(
	struct run *run, struct rules *rules, struct rule *rule, const struct value *tag)
{
	CLEANUP(buf_release) struct buf name = BUF_INIT;

	if (tag->type != VALUE_STRING)
		return run_fail(run, LANG_INVALID_FUNCTION_PARAMETERS,
			"Expected function parameter of type String, got %.*s",
			STR_ARG(value_show(run, tag)));
	json_quote(&name, tag->text);
	rule->tag = arena_str(&rules->arena, tag->text);
	rule->name = arena_str(&rules->arena, buf_str(&name));
	return 0;
}

static int read_pair(struct run *run, struct rules *rules, const struct value *pair)
{
	struct rule rule = { .order = rules->count };
	int result;

	if (!value_is_list(pair))
		return run_fail(run, LANG_INVALID_FUNCTION_PARAMETERS,
			"Expected function parameter of type List, got %.*s",
			STR_ARG(value_show(run, pair)));
	if (pair->type == VALUE_EVENTS || pair->list.count < 2)
		return run_fail(run, LANG_INVALID_FUNCTION_PARAMETERS,
			"Expected function parameter of type list of (%s, rule) tuples, list "
			"contains %.*s",
			rules->tags ? "tag" : "category", STR_ARG(value_show_items(run, pair)));
	result = (rules->tags ? read_tag : read_category)(run, rules, &rule, pair->list.items[0]);
	if (result == 0)
		result = read_rule(run, rules, &rule, pair->list.items[1]);
	/* A category without a name never wins; rules of type "none" never fit. */
	if (result == 0 && rule.pattern && (rules->tags || rule.depth > 0))
		rules->rules[rules->count++] = rule;
	else
		pattern_free(rule.pattern);
	return result;
}

static int best_first(const void *a, const void *b)
{
	const struct rule *left = a, *right = b;

	if (left->depth != right->depth)
		return left->depth < right->depth ? 1 : -1;
	return (left->order < right->order) - (left->order > right->order);
}

static int by_name(const void *a, const void *b)
{
	const struct rule *left = a, *right = b;

	return str_cmp(left->tag, right->tag);
}

static int make_rules(struct run *run, struct call *call, const struct memo_key *key)
{
	const struct value *list = call->args[1];
	bool tags = str_eq_c(STR("tag"), call->function->name);
	struct rules *rules = mem_zalloc(sizeof(*rules));
	int result = 0;

	rules->tags = tags;
	rules->rules = arena_zalloc(&rules->arena, list->list.count + 1, sizeof(struct rule));
	for (size_t i = 0; result == 0 && i < list->list.count; i++)
		result = read_pair(run, rules, list->list.items[i]);
	if (result < 0) {
		release_rules(rules);
		return result;
	}
	if (rules->count > 0)
		qsort(rules->rules, rules->count, sizeof(struct rule), tags ? by_name : best_first);
	call->mapping = mapping_new(tags ? &tags_type : &category_type, rules, key);
	return 0;
}

static int prepare(struct run *run, struct call *call)
{
	if (call->args[1]->type == VALUE_EVENTS)
		return run_fail(run, LANG_INVALID_FUNCTION_PARAMETERS,
			"Expected function parameter of type List of rules, list contains an "
			"Event");
	return function_mapping(run, call, 1, make_rules);
}

int categorize_prepare(struct run *run, struct call *call)
{
	return prepare(run, call);
}

int tag_prepare(struct run *run, struct call *call)
{
	return prepare(run, call);
}

int map_events(struct run *run, struct call *call, struct events **out)
{
	struct mapper mapper = { .run = run };
	struct events *events;
	int result = function_take(run, call, 0, &events);

	if (result < 0)
		return result;
	for (size_t i = 0; result == 0 && i < events->count; i++) {
		events->at[i].data = mapping_get(call->mapping, &mapper, events->at[i].data);
		result = mapper.result < 0 ? mapper.result : run_step(run, 1);
	}
	mapper_release(&mapper);
	if (result < 0)
		events_unref(run, events);
	else
		*out = events;
	return result;
}
