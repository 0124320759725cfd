/* Sections and their keys are tables; each key has one reader, which is given where it stands. */
#include "attention/classify_plan.h"

#include "store/records.h"

struct reader {
	struct plan *plan;
	struct arena *arena;
	struct err *err;
	struct plan_stream *stream; /* what is being filled in */
	struct plan_rule *rule;
	struct str where;
};

static int fail(const struct reader *reader, const char *key, const char *fault)
{
	return err_set(reader->err, ERR_PARSE, "%.*s%s%s: %s", STR_ARG(reader->where),
		*key ? "." : "", key, fault);
}

/* --- values --- */

static int read_text(
	struct reader *reader, const char *key, const struct json *value, struct str *out)
{
	if (!json_is(value, JSON_STRING) || json_str(value).len == 0)
		return fail(reader, key, "not a text, or empty");
	*out = arena_str(reader->arena, json_str(value));
	return 0;
}

static int read_texts(struct reader *reader, const char *key, const struct json *value,
	struct str **out, size_t *count)
{
	struct json_iter iter = json_iter(value);
	const struct json *element;
	struct str none;

	if (!json_is(value, JSON_ARRAY))
		return fail(reader, key, "not a list of texts");
	*out = arena_zalloc(reader->arena, json_len(value), sizeof(**out));
	for (*count = 0; json_next(&iter, &none, &element); (*count)++)
		if (read_text(reader, key, element, &(*out)[*count]) < 0)
			return reader->err->code;
	return 0;
}

static int read_time(struct reader *reader, const char *key, const struct json *value, int64_t *out)
{
	struct str text;

	if (read_text(reader, key, value, &text) < 0)
		return reader->err->code;
	if (time_parse(text, out, reader->err) < 0)
		return err_context(reader->err, "%.*s.%s", STR_ARG(reader->where), key);
	return 0;
}

/* --- keys --- */

static size_t stream_named(struct plan *plan, struct str name)
{
	size_t at = 0;

	while (at < plan->stream_count && !str_eq(plan->streams[at].name, name))
		at++;
	if (at == plan->stream_count)
		plan->streams[plan->stream_count++] = (struct plan_stream){ .name = name };
	return at;
}

static int read_stream(struct reader *reader, const char *key, const struct json *value)
{
	struct str name;

	if (read_text(reader, key, value, &name) < 0)
		return reader->err->code;
	if (record_check_name(name, reader->err) < 0)
		return err_context(reader->err, "%.*s.%s", STR_ARG(reader->where), key);
	if (reader->rule)
		reader->rule->stream = stream_named(reader->plan, name);
	else
		reader->stream->name = name;
	return 0;
}

static int read_tags(struct reader *reader, const char *key, const struct json *value)
{
	struct plan_stream *stream = reader->stream;

	if (read_texts(reader, key, value, &stream->tags, &stream->tag_count) < 0)
		return reader->err->code;
	for (size_t i = 0; i < stream->tag_count; i++)
		if (record_check_tag(stream->tags[i], reader->err) < 0)
			return err_context(reader->err, "%.*s.%s", STR_ARG(reader->where), key);
	return 0;
}

static int read_session(struct reader *reader, const char *key, const struct json *value)
{
	return read_text(reader, key, value, &reader->rule->session_id);
}

static int read_pattern(struct reader *reader, const char *key, const struct json *value)
{
	return read_text(reader, key, value, &reader->rule->cwd_like);
}

static int read_ids(struct reader *reader, const char *key, const struct json *value)
{
	return read_texts(
		reader, key, value, &reader->rule->event_ids, &reader->rule->event_id_count);
}

static int read_start(struct reader *reader, const char *key, const struct json *value)
{
	return read_time(reader, key, value, &reader->rule->from_ns);
}

static int read_end(struct reader *reader, const char *key, const struct json *value)
{
	return read_time(reader, key, value, &reader->rule->to_ns);
}

struct key {
	const char *name;
	bool required;
	int (*read)(struct reader *reader, const char *key, const struct json *value);
};

enum { SECTION_KEYS = 5 };

static const struct section {
	const char *name;
	bool rules;
	enum plan_kind kind;
	struct key keys[SECTION_KEYS]; /* name NULL ends them */
} sections[] = {
	{ "streams", false, PLAN_EVENTS,
		{ { "name", true, read_stream }, { "tags", false, read_tags } } },
	{ "assign_by_session", true, PLAN_SESSION,
		{ { "session_id", true, read_session }, { "stream", true, read_stream } } },
	{ "assign_by_pattern", true, PLAN_PATTERN,
		{ { "cwd_like", true, read_pattern }, { "start", false, read_start },
			{ "end", false, read_end }, { "stream", true, read_stream } } },
	{ "assign_by_event_ids", true, PLAN_EVENTS,
		{ { "event_ids", true, read_ids }, { "stream", true, read_stream } } },
	{ "assign_by_time", true, PLAN_TIME,
		{ { "start", true, read_start }, { "end", true, read_end },
			{ "stream", true, read_stream } } },
};

/* --- entries and sections --- */

static const struct key *key_find(const struct section *section, struct str name)
{
	for (size_t i = 0; i < SECTION_KEYS && section->keys[i].name; i++)
		if (str_eq_c(name, section->keys[i].name))
			return &section->keys[i];
	return NULL;
}

static int read_entry(
	struct reader *reader, const struct section *section, const struct json *entry)
{
	struct json_iter iter = json_iter(entry);
	const struct json *value;
	struct str name;

	if (!json_is(entry, JSON_OBJECT))
		return fail(reader, "", "not an object");
	while (json_next(&iter, &name, &value)) {
		const struct key *key = key_find(section, name);

		if (!key)
			return fail(reader, arena_cstr(reader->arena, name), "unknown key");
		if (key->read(reader, key->name, value) < 0)
			return reader->err->code;
	}
	for (size_t i = 0; i < SECTION_KEYS && section->keys[i].name; i++)
		if (section->keys[i].required && !json_get(entry, section->keys[i].name))
			return fail(reader, section->keys[i].name, "missing");
	return 0;
}

/* Tags of a stream that is listed twice add up. */
static void keep_stream(struct reader *reader, const struct plan_stream *listed)
{
	size_t at = stream_named(reader->plan, listed->name);
	struct plan_stream *stream = &reader->plan->streams[at];
	struct str *tags =
		arena_zalloc(reader->arena, stream->tag_count + listed->tag_count, sizeof(*tags));

	if (stream->tag_count > 0)
		memcpy(tags, stream->tags, stream->tag_count * sizeof(*tags));
	if (listed->tag_count > 0)
		memcpy(tags + stream->tag_count, listed->tags, listed->tag_count * sizeof(*tags));
	stream->tags = tags;
	stream->tag_count += listed->tag_count;
}

static int read_section(
	struct reader *reader, const struct section *section, const struct json *list)
{
	struct json_iter iter = json_iter(list);
	const struct json *entry;
	struct str none;

	reader->where = str_from(section->name);
	if (!list)
		return 0;
	if (!json_is(list, JSON_ARRAY))
		return fail(reader, "", "not a list");
	for (size_t i = 0; json_next(&iter, &none, &entry); i++) {
		struct plan_rule rule = {
			.kind = section->kind, .from_ns = INT64_MIN, .to_ns = INT64_MAX
		};
		struct plan_stream stream = { 0 };

		reader->where = arena_printf(reader->arena, "%s[%zu]", section->name, i);
		rule.where = reader->where;
		reader->rule = section->rules ? &rule : NULL;
		reader->stream = &stream;
		if (read_entry(reader, section, entry) < 0)
			return reader->err->code;
		if (section->rules)
			reader->plan->rules[reader->plan->rule_count++] = rule;
		else
			keep_stream(reader, &stream);
	}
	return 0;
}

static int check_sections(const struct json *root, struct err *err)
{
	struct json_iter iter = json_iter(root);
	const struct json *value;
	struct str name;

	if (!json_is(root, JSON_OBJECT))
		return err_set(err, ERR_PARSE, "not an object");
	while (json_next(&iter, &name, &value)) {
		size_t at = 0;

		while (at < ARRAY_LEN(sections) && !str_eq_c(name, sections[at].name))
			at++;
		if (at == ARRAY_LEN(sections))
			return err_set(err, ERR_PARSE, "unknown key '%.*s'", STR_ARG(name));
	}
	return 0;
}

static int read_sections(
	struct plan *out, const struct json *root, struct arena *arena, struct err *err)
{
	struct reader reader = { .plan = out, .arena = arena, .err = err };
	size_t entries = 0;

	if (check_sections(root, err) < 0)
		return err->code;
	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		entries += json_len(json_get(root, sections[i].name));
	out->streams = arena_zalloc(arena, entries, sizeof(*out->streams));
	out->rules = arena_zalloc(arena, entries, sizeof(*out->rules));
	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		if (read_section(&reader, &sections[i], json_get(root, sections[i].name)) < 0)
			return err->code;
	return 0;
}

int plan_read(struct plan *out, struct str text, struct arena *arena, struct err *err)
{
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	const struct json *root;

	*out = (struct plan){ 0 };
	if (json_parse(&parser, text, false, &root, err) < 0 ||
		read_sections(out, root, arena, err) < 0)
		return err_context(err, "classification");
	return 0;
}

/* --- patterns --- */

/* CWD below a directory that the pattern names with a slash at its end is the directory itself,
 * too. */
static bool has_prefix(struct str cwd, struct str prefix)
{
	return str_starts(cwd, prefix) ||
	       (prefix.len == cwd.len + 1 && prefix.ptr[cwd.len] == '/' && str_starts(prefix, cwd));
}

bool plan_like(struct str pattern, struct str cwd)
{
	ptrdiff_t percent = str_find(pattern, '%', 0);
	struct str piece;

	if (percent < 0)
		return has_prefix(cwd, pattern);
	piece = str_sub(pattern, 0, (size_t)percent);
	if (!str_starts(cwd, piece))
		return false;
	cwd = str_sub(cwd, piece.len, cwd.len);
	pattern = str_sub(pattern, piece.len + 1, pattern.len);
	while ((percent = str_find(pattern, '%', 0)) >= 0) {
		ptrdiff_t at;

		piece = str_sub(pattern, 0, (size_t)percent);
		at = str_find_str(cwd, piece);
		if (at < 0)
			return false;
		cwd = str_sub(cwd, (size_t)at + piece.len, cwd.len);
		pattern = str_sub(pattern, piece.len + 1, pattern.len);
	}
	return str_ends(cwd, pattern);
}
