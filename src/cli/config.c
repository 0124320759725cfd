/*
 * Configuration: one table of keys; values come from the file (TOML), then the environment, over
 * the defaults. Every key is text at first, whatever it came from, and one parser per type turns it
 * into its field: so file and environment take the same forms.
 */
#include "cli/config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/args.h"
#include "base/fs.h"
#include "base/time.h"
#include "base/toml.h"
#include "collect/source.h"
#include "model/limits.h"

enum key_type {
	KEY_TEXT,
	KEY_DURATION,
	KEY_PATIENCE,
	KEY_CLOCK,
	KEY_CHOICE,
	KEY_BOOL,
	KEY_PATH,
	KEY_PATHS,
	KEY_GLOBS,
	KEY_DAYS,
	KEY_RATE
};

enum { MOST_DAYS = 36500, MOST_RATE = 1000000, LEAST_PATIENCE_S = 1, MOST_PATIENCE_S = 3600 };

struct key {
	const char *name;
	enum key_type type;
	size_t offset;
	const char *fallback;
	const char *const *choices; /* KEY_CHOICE: the value is the index */
	const char *accepts;        /* for errors */
};

static const char *const weekdays[] = { "monday", "tuesday", "wednesday", "thursday", "friday",
	"saturday", "sunday", NULL };
static const char *const texts[] = {
	[TEXT_NONE] = "none", [TEXT_SUMMARY] = "summary", [TEXT_FULL] = "full", NULL
};

static const char *const source_texts[] = { [TEXT_NONE] = "none",
	[TEXT_SUMMARY] = "summary",
	[TEXT_FULL] = "full",
	[CONFIG_TEXT_INHERIT] = "inherit",
	NULL };

#define FIELD(name) offsetof(struct config, name)

/* The keys of the source called NAME, number I of config_sources. */
#define SOURCE_KEYS(i, name)                                                                       \
	{ "collect." name ".enabled", KEY_BOOL, FIELD(sources[i].enabled), "true", NULL,           \
		"true or false" },                                                                 \
		{ "collect." name ".text", KEY_CHOICE, FIELD(sources[i].text), "inherit",          \
			source_texts, "\"none\", \"summary\", \"full\" or \"inherit\"" },          \
	{                                                                                          \
		"collect." name ".roots", KEY_PATHS, FIELD(sources[i].roots), "", NULL,            \
			"a list of directories"                                                    \
	}

const char *const config_sources[CONFIG_SOURCES] = { "claude", "copilot", "copilot-cli", "cursor",
	"codex", "opencode", "gemini", "aider", "cline" };

static const struct key keys[] = {
	{ "store", KEY_TEXT, FIELD(store), "", NULL, "\"sqlite:PATH\" or \"postgresql://…\"" },
	{ "user", KEY_TEXT, FIELD(user), "", NULL, "an e-mail address or a user's id" },
	{ "report.timezone", KEY_TEXT, FIELD(timezone), "", NULL, "an IANA zone name" },
	{ "report.day_start", KEY_CLOCK, FIELD(day_start_s), "00:00", NULL, "a time \"HH:MM\"" },
	{ "report.week_start", KEY_CHOICE, FIELD(week_start), "monday", weekdays,
		"a weekday's name" },
	{ "attention.window", KEY_DURATION, FIELD(window_ns), "5m", NULL,
		"a duration like \"5m\"" },
	{ "attention.agent_timeout", KEY_DURATION, FIELD(agent_timeout_ns), "30m", NULL,
		"a duration like \"30m\"" },
	{ "attention.waiting_limit", KEY_DURATION, FIELD(waiting_limit_ns), "8h", NULL,
		"a duration like \"8h\"" },
	{ "streams.gap", KEY_DURATION, FIELD(gap_ns), "30m", NULL, "a duration like \"30m\"" },
	{ "collect.text", KEY_CHOICE, FIELD(collect_text), "none", texts,
		"\"none\", \"summary\" or \"full\"" },
	{ "collect.exclude", KEY_GLOBS, FIELD(exclude), "", NULL, "a list of path globs" },
	{ "collect.text_none", KEY_GLOBS, FIELD(text_none), "", NULL, "a list of path globs" },
	{ "collect.text_summary", KEY_GLOBS, FIELD(text_summary), "", NULL,
		"a list of path globs" },
	{ "collect.text_full", KEY_GLOBS, FIELD(text_full), "", NULL, "a list of path globs" },
	SOURCE_KEYS(0, "claude"),
	SOURCE_KEYS(1, "copilot"),
	SOURCE_KEYS(2, "copilot-cli"),
	SOURCE_KEYS(3, "cursor"),
	SOURCE_KEYS(4, "codex"),
	SOURCE_KEYS(5, "opencode"),
	SOURCE_KEYS(6, "gemini"),
	SOURCE_KEYS(7, "aider"),
	SOURCE_KEYS(8, "cline"),
	{ "storage.retention_days", KEY_DAYS, FIELD(retention_days), "0", NULL,
		"a number of days (0 keeps everything)" },
	{ "sync.remote_command", KEY_TEXT, FIELD(remote_command), "tt", NULL, "a program's path" },
	{ "sync.timeout", KEY_DURATION, FIELD(sync_timeout_ns), "10m", NULL,
		"a duration like \"60s\"" },
	{ "serve.listen", KEY_GLOBS, FIELD(serve.listen), "", NULL,
		"a list of addresses with ports, as \"127.0.0.1:5600\"" },
	{ "serve.require_key", KEY_BOOL, FIELD(serve.require_key), "false", NULL, "true or false" },
	{ "serve.hosts", KEY_GLOBS, FIELD(serve.hosts), "", NULL, "a list of host names" },
	{ "serve.origins", KEY_GLOBS, FIELD(serve.origins), "", NULL,
		"a list of origins, as \"https://tracker.example\"" },
	{ "serve.origin_patterns", KEY_GLOBS, FIELD(serve.origin_patterns), "", NULL,
		"a list of regular expressions" },
	{ "serve.webui", KEY_PATH, FIELD(serve.webui), "", NULL, "a directory" },
	{ "serve.pages", KEY_GLOBS, FIELD(serve.pages), "", NULL, "a list of \"NAME=DIRECTORY\"" },
	{ "serve.tls_cert", KEY_PATH, FIELD(serve.tls_cert), "", NULL, "a file" },
	{ "serve.tls_key", KEY_PATH, FIELD(serve.tls_key), "", NULL, "a file" },
	{ "serve.rate", KEY_RATE, FIELD(serve.rate), "0", NULL,
		"a number of requests a second (0: 200)" },
	{ "serve.access_log", KEY_PATH, FIELD(serve.access_log), "", NULL, "a file" },
	{ "serve.read_store", KEY_TEXT, FIELD(serve.read_store), "", NULL,
		"\"postgresql://…\", a replica of the store" },
	{ "serve.store_patience", KEY_PATIENCE, FIELD(serve.store_patience_ns), "10s", NULL,
		"a duration from \"1s\" to \"1h\"" },
	{ "serve.plain", KEY_BOOL, FIELD(serve.plain), "false", NULL, "true or false" },
	{ "serve.on_start", KEY_BOOL, FIELD(serve.on_start), "true", NULL, "true or false" },
};

static void *field(struct config *config, const struct key *key)
{
	return (char *)config + key->offset;
}

static bool parse_clock(struct str text, int64_t *out_s)
{
	struct str hours = str_split(&text, ':');
	uint64_t hour, minute;

	if (hours.len != 2 || text.len != 2 || !str_to_u64(hours, &hour) ||
		!str_to_u64(text, &minute) || hour > 23 || minute > 59)
		return false;
	*out_s = (int64_t)(hour * 3600 + minute * 60);
	return true;
}

static bool parse_choice(const struct key *key, struct str text, int64_t *out)
{
	for (int64_t i = 0; key->choices[i]; i++) {
		if (str_eq_c(text, key->choices[i])) {
			*out = i;
			return true;
		}
	}
	return false;
}

/* "~/" of a path is the home directory. */
static struct str expand(struct arena *arena, struct str path)
{
	const char *home = getenv("HOME");

	if (!str_starts(path, STR("~/")) || !home)
		return path;
	return arena_printf(arena, "%s/%.*s", home, STR_ARG(str_sub(path, 2, path.len)));
}

/* Paths and globs stand one per line in the text form. */
static const char *const *parse_lines(struct arena *arena, struct str text, bool paths)
{
	const char **list;
	size_t count = 0, lines = 2;

	for (size_t i = 0; i < text.len; i++)
		lines += text.ptr[i] == '\n';
	list = arena_zalloc(arena, lines, sizeof(*list));
	while (text.len > 0) {
		struct str path = str_trim(str_split(&text, '\n'));

		if (path.len == 0)
			continue;
		if (paths)
			path = expand(arena, path);
		list[count++] = arena_cstr(arena, path);
	}
	return list;
}

static bool set_field(
	struct config *config, const struct key *key, struct str text, struct arena *arena)
{
	void *to = field(config, key);
	struct err ignored;

	switch (key->type) {
	case KEY_TEXT:
		*(const char **)to = arena_cstr(arena, text);
		return true;
	case KEY_PATH:
		*(const char **)to = arena_cstr(arena, expand(arena, text));
		return true;
	case KEY_DURATION:
		return duration_parse(text, to, &ignored) == 0;
	case KEY_PATIENCE:
		return duration_parse(text, to, &ignored) == 0 &&
		       *(int64_t *)to >= LEAST_PATIENCE_S * NS_PER_S &&
		       *(int64_t *)to <= MOST_PATIENCE_S * NS_PER_S;
	case KEY_CLOCK:
		return parse_clock(text, to);
	case KEY_CHOICE:
		return parse_choice(key, text, to);
	case KEY_BOOL:
		*(bool *)to = str_eq_c(text, "true");
		return str_eq_c(text, "true") || str_eq_c(text, "false");
	case KEY_PATHS:
	case KEY_GLOBS:
		*(const char *const **)to = parse_lines(arena, text, key->type == KEY_PATHS);
		return true;
	case KEY_DAYS:
		return str_to_i64(text, to) && *(int64_t *)to >= 0 && *(int64_t *)to <= MOST_DAYS;
	case KEY_RATE:
		return str_to_i64(text, to) && *(int64_t *)to >= 0 && *(int64_t *)to <= MOST_RATE;
	}
	return false;
}

/* WHERE names the value's place in an error and in `tt config`. */
static int apply(struct config *config, size_t index, struct str text, const char *where,
	struct arena *arena, struct err *err)
{
	const struct key *key = &keys[index];

	if (!set_field(config, key, text, arena))
		return err_set(err, ERR_USAGE, "%s: %s = '%.*s' is not %s", where, key->name,
			STR_ARG(text), key->accepts);
	config->values[index].key = key->name;
	config->values[index].from = where;
	config->values[index].text = arena_cstr(arena, text);
	return 0;
}

static struct str list_text(const struct toml *value, struct arena *arena)
{
	struct buf text CLEANUP(buf_release) = BUF_INIT;

	for (const struct toml *item = value->first; item; item = item->next) {
		buf_add(&text, item->string);
		buf_byte(&text, '\n');
	}
	return arena_str(arena, buf_str(&text));
}

/* The text form of a TOML value if its type is right for KEY. */
static bool value_text(
	const struct key *key, const struct toml *value, struct arena *arena, struct str *out)
{
	switch (key->type) {
	case KEY_BOOL:
		*out = value->type == TOML_BOOL && value->boolean ? STR("true") : STR("false");
		return value->type == TOML_BOOL;
	case KEY_DAYS:
	case KEY_RATE:
		*out = arena_printf(arena, "%lld", (long long)value->integer);
		return value->type == TOML_INTEGER;
	case KEY_PATHS:
	case KEY_GLOBS:
		if (value->type != TOML_ARRAY)
			return false;
		for (const struct toml *item = value->first; item; item = item->next)
			if (item->type != TOML_STRING)
				return false;
		*out = list_text(value, arena);
		return true;
	default:
		*out = value->string;
		return value->type == TOML_STRING;
	}
}

static int unknown_key(const char *path, const struct toml *value, struct str name, struct err *err)
{
	const char *names[ARRAY_LEN(keys)];
	struct arena arena = { 0 };
	const char *near;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		names[i] = keys[i].name;
	near = args_nearest(arena_cstr(&arena, name), names, ARRAY_LEN(names));
	err_set(err, ERR_USAGE, "%s:%u: unknown key '%.*s'%s%s%s", path, value->line, STR_ARG(name),
		near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	arena_release(&arena);
	return err->code;
}

static int apply_table(struct config *config, const char *path, const struct toml *table,
	struct str prefix, struct arena *arena, struct err *err)
{
	for (const struct toml *value = table->first; value; value = value->next) {
		struct str name = prefix.len == 0 ? value->key
						  : arena_printf(arena, "%.*s.%.*s",
							    STR_ARG(prefix), STR_ARG(value->key));
		struct str text = { NULL, 0 };
		const char *where;
		size_t index;
		int rc;

		if (value->type == TOML_TABLE) {
			rc = apply_table(config, path, value, name, arena, err);
			if (rc < 0)
				return rc;
			continue;
		}
		for (index = 0; index < ARRAY_LEN(keys) && !str_eq_c(name, keys[index].name);
			index++)
			;
		if (index == ARRAY_LEN(keys))
			return unknown_key(path, value, name, err);
		where = arena_printf(arena, "%s:%u", path, value->line).ptr;
		if (!value_text(&keys[index], value, arena, &text))
			return err_set(err, ERR_USAGE, "%s: %s is not %s", where, keys[index].name,
				keys[index].accepts);
		rc = apply(config, index, text, where, arena, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int apply_file(struct config *config, const char *path, bool must_exist, struct arena *arena,
	struct err *err)
{
	struct buf text CLEANUP(buf_release) = BUF_INIT;
	struct toml *root;
	int rc = fs_read(path, LIMIT_CONFIG_BYTES, &text, err);

	if (rc == ERR_NOT_FOUND && !must_exist)
		return 0;
	if (rc < 0)
		return rc;
	rc = toml_parse(&root, arena_str(arena, buf_str(&text)), arena, err);
	if (rc < 0) {
		err_context(err, "%s", path);
		return err->code = ERR_USAGE;
	}
	return apply_table(config, path, root, (struct str){ NULL, 0 }, arena, err);
}

/* What separates the items of a list in the environment; '\n': it is no list. */
static char list_separator(const struct key *key)
{
	return key->type == KEY_PATHS ? ':' : key->type == KEY_GLOBS ? ',' : '\n';
}

/* TT_ATTENTION_WINDOW for attention.window. */
static int apply_environment(struct config *config, struct arena *arena, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		size_t name_bytes = strlen(keys[i].name) + sizeof("TT_");
		char *name = arena_alloc(arena, name_bytes);
		const char *value;
		char *text;
		int rc;

		snprintf(name, name_bytes, "TT_%s", keys[i].name);
		for (char *c = name; *c; c++)
			*c = *c == '.' || *c == '-'
				     ? '_'
				     : (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
		value = getenv(name);
		if (!value || value[0] == '\0')
			continue;
		text = arena_alloc(arena, strlen(value) + 1);
		memcpy(text, value, strlen(value) + 1);
		for (char *c = text; *c; c++)
			*c = *c == list_separator(&keys[i]) ? '\n' : *c;
		rc = apply(config, i, str_from(text),
			arena_printf(arena, "environment %s", name).ptr, arena, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int config_load(struct config *config, const char *path, bool must_exist, struct arena *arena,
	struct err *err)
{
	int rc;

	*config = (struct config){ .value_count = ARRAY_LEN(keys) };
	config->values = arena_zalloc(arena, ARRAY_LEN(keys), sizeof(*config->values));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		rc = apply(config, i, str_from(keys[i].fallback), "default", arena, err);
		if (rc < 0)
			return rc;
	}
	rc = apply_file(config, path, must_exist, arena, err);
	if (rc < 0)
		return rc;
	return apply_environment(config, arena, err);
}

void config_override(struct config *config, const char *key, const char *text)
{
	for (size_t i = 0; i < config->value_count; i++) {
		if (strcmp(config->values[i].key, key) == 0) {
			config->values[i].from = "option";
			config->values[i].text = text;
		}
	}
}
