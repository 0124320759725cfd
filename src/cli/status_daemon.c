/*
 * The daemon in `tt status`. What it tells of itself is in its state file (serve/report.h); what
 * waits is found out here, by comparing files with their cursors, so that it is also known when no
 * daemon runs.
 */
#include "cli/status_daemon.h"

#include "base/table.h"
#include "base/time.h"
#include "cli/commands.h"

static const struct json *reported(const struct status_daemon *daemon, const char *source)
{
	struct json_iter iter = json_iter(json_get(daemon->state, "sources"));
	const struct json *row;
	struct str key;

	while (json_next(&iter, &key, &row))
		if (str_eq_c(json_get_str(row, "source"), source))
			return row;
	return NULL;
}

static bool is_collected(const struct file_cursor *cursor, const struct stat *status)
{
	return (uint64_t)status->st_dev == cursor->device &&
	       (uint64_t)status->st_ino == cursor->inode && status->st_size == cursor->size &&
	       status->st_mtim.tv_sec * NS_PER_S + status->st_mtim.tv_nsec == cursor->mtime_ns;
}

/* A daemon at work finds new files by itself: looking for them is spared then. */
static int count_waiting(const struct collect_context *context, const struct source *source,
	bool look_for_new, struct arena *arena, int64_t *waiting, struct err *err)
{
	struct file_cursor *cursors;
	int64_t known = 0, present;
	size_t count;

	*waiting = 0;
	if (store_cursors(context->store, str_from(source->name), arena, &cursors, &count, err) < 0)
		return err->code;
	for (size_t i = 0; i < count; i++) {
		struct stat status;

		if (stat(cursors[i].path.ptr, &status) < 0)
			continue; /* gone: what was in it is in the store */
		known++;
		*waiting += !is_collected(&cursors[i], &status);
	}
	present = look_for_new ? source->present(context) : 0;
	if (present > known)
		*waiting += present - known;
	return 0;
}

static bool is_enabled(const struct collect_context *context, const char *source)
{
	for (size_t i = 0; i < context->settings_count; i++)
		if (strcmp(context->settings[i].source, source) == 0)
			return context->settings[i].enabled;
	return true;
}

static int load_source(struct cli *cli, const struct collect_context *context,
	const struct source *source, struct status_daemon *out, struct err *err)
{
	const struct json *row = reported(out, source->name);
	struct status_source *found = &out->sources[out->count];
	bool at_work = out->state && !out->paused;

	if (!is_enabled(context, source->name))
		return 0;
	*found = (struct status_source){ .name = source->name,
		.error = json_get_str(row, "error"),
		.retry_at = json_get_str(row, "retry_at") };
	json_get_i64(row, "failed", &found->failed);
	out->count++;
	return count_waiting(context, source, !at_work, &cli->arena, &found->waiting, err);
}

int status_daemon_load(struct cli *cli, struct store *store, bool machine,
	struct status_daemon *out, struct err *err)
{
	struct collect_context context;
	const struct source *const *all;
	struct err fault;
	size_t count;

	*out = (struct status_daemon){ .text = BUF_INIT };
	if (target_find(cli, &out->target, err) < 0)
		return err->code;
	out->paused = instance_paused(&out->target.paths);
	if (out->target.found.running)
		out->state = instance_read_state(&out->target.paths, &out->parser, &out->text);
	if (!machine)
		return 0;
	if (cli_collect_context(cli, store, &context, &fault) < 0) {
		log_warn(&cli->log, "%s", fault.message); /* all else can be told */
		return 0;
	}
	all = sources(&count);
	out->sources = arena_zalloc(&cli->arena, count, sizeof(*out->sources));
	for (size_t i = 0; i < count; i++)
		if (load_source(cli, &context, all[i], out, err) < 0)
			return err->code;
	return 0;
}

void status_daemon_release(struct status_daemon *daemon)
{
	json_parser_release(&daemon->parser);
	buf_release(&daemon->text);
}

const struct status_source *status_daemon_source(
	const struct status_daemon *daemon, struct str source)
{
	struct str prefix = STR("remote.");

	if (str_starts(source, prefix))
		source = str_sub(source, prefix.len, source.len);
	for (size_t i = 0; i < daemon->count; i++)
		if (str_eq_c(source, daemon->sources[i].name))
			return &daemon->sources[i];
	return NULL;
}

/* --- what is printed --- */

static void copy_member(struct json_writer *json, const struct json *state, const char *key)
{
	const struct json *value = json_get(state, key);

	json_key(json, str_from(key));
	if (value)
		json_put_value(json, value);
	else
		json_put_null(json);
}

void status_daemon_json(struct json_writer *json, const struct status_daemon *daemon)
{
	static const char *const members[] = { "last_round", "configuration_error", "watched",
		"polled", "polled_because", "serve" };
	const struct instance *found = &daemon->target.found;
	char since[TIME_TEXT_BYTES];
	bool known = found->running && found->started_ns != INT64_MIN;

	json_key(json, STR("daemon"));
	json_begin_object(json);
	json_kv_bool(json, "running", found->running);
	if (known)
		json_kv_i64(json, "pid", found->pid);
	else
		json_kv_null(json, "pid");
	json_kv_str(json, "since",
		known ? str_from(time_format(found->started_ns, 3, since))
		      : (struct str){ NULL, 0 });
	json_kv_str(json, "version", known ? found->version : (struct str){ NULL, 0 });
	json_kv_bool(json, "paused", daemon->paused);
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		copy_member(json, daemon->state, members[i]);
	json_kv_str(json, "log", str_from(daemon->target.paths.log));
	json_key(json, STR("sources"));
	if (json_get(daemon->state, "sources")) {
		json_put_value(json, json_get(daemon->state, "sources"));
	} else {
		json_begin_array(json);
		json_end_array(json);
	}
	json_end_object(json);
	json_kv_bool(json, "paused", daemon->paused);
}

static struct str ago(struct cli *cli, struct str at)
{
	struct err ignored;
	int64_t ns;

	return cli_ago(cli, time_parse(at, &ns, &ignored) < 0 ? INT64_MIN : ns, "not yet");
}

static void say_running(struct cli *cli, const struct status_daemon *daemon)
{
	int64_t pid = daemon->target.found.pid;

	if (pid == 0) {
		buf_printf(&cli->out, "daemon: another process holds '%s'\n",
			daemon->target.paths.lock);
		return;
	}
	buf_printf(&cli->out, "daemon %s (process %lld), last round %.*s\n",
		daemon->paused ? "paused: 'tt resume'" : "collects", (long long)pid,
		STR_ARG(ago(cli, json_get_str(daemon->state, "last_round"))));
}

static void say_served(struct cli *cli, const struct status_daemon *daemon)
{
	const struct json *serve = json_get(daemon->state, "serve"), *place;
	struct str error = json_get_str(serve, "error"), key;
	struct json_iter iter = json_iter(json_get(serve, "listen"));

	while (json_next(&iter, &key, &place)) {
		buf_addc(&cli->out, "serves on ");
		table_clean(&cli->out, json_str(place));
		buf_byte(&cli->out, '\n');
	}
	if (error.len == 0)
		return;
	buf_addc(&cli->out, "  it does not serve: ");
	table_clean(&cli->out, error);
	buf_byte(&cli->out, '\n');
}

void status_daemon_text(struct cli *cli, const struct status_daemon *daemon)
{
	struct str error = json_get_str(daemon->state, "configuration_error");

	if (daemon->target.found.running)
		say_running(cli, daemon);
	else
		buf_printf(&cli->out, "daemon does not run%s\n",
			daemon->paused ? ", and is paused" : ": 'tt start'");
	say_served(cli, daemon);
	if (error.len == 0)
		return;
	buf_addc(&cli->out, "  its new configuration was refused: ");
	table_clean(&cli->out, error);
	buf_byte(&cli->out, '\n');
}

static void say_troubles(struct cli *cli, const struct status_source *source)
{
	struct buf *out = &cli->out;

	if (source->waiting > 0)
		buf_printf(out, "%s: %lld file%s to be collected\n", source->name,
			(long long)source->waiting, source->waiting == 1 ? " waits" : "s wait");
	if (source->failed > 0)
		buf_printf(out, "%s: %lld file%s could not be read\n", source->name,
			(long long)source->failed, cli_plural(source->failed));
	if (source->error.len == 0)
		return;
	buf_printf(out, "%s: ", source->name);
	table_clean(out, source->error);
	buf_printf(out, " (again at %.*s)\n", STR_ARG(source->retry_at));
}

void status_troubles_text(struct cli *cli, const struct status_daemon *daemon)
{
	bool any = false;

	for (size_t i = 0; i < daemon->count; i++) {
		const struct status_source *source = &daemon->sources[i];

		if (source->waiting == 0 && source->failed == 0 && source->error.len == 0)
			continue;
		if (!any)
			buf_byte(&cli->out, '\n');
		any = true;
		say_troubles(cli, source);
	}
}
