/*
 * ActivityWatch's data into this store.
 *
 * What was imported is remembered by path, size and time of change, beside the store's own
 * settings, so that `tt setup` can say what is left.
 */
#include "cli/import_aw.h"

#include <stdlib.h>

#include "cli/progress.h"

#define SQLITE_MAGIC "SQLite format 3"
#define FIRST_KEY "\"buckets\""
#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define MEMORY_PREFIX "imported:"

enum { DIR_MODE = 0700 };

/* --- what it is --- */

/* Could more bytes make HEAD begin with WORD? */
static bool may_become(struct str head, struct str word)
{
	return head.len < word.len && str_starts(word, head);
}

static struct str without_space(struct str text)
{
	size_t at = 0;

	while (at < text.len && strchr(" \t\r\n", text.ptr[at]) && text.ptr[at] != '\0')
		at++;
	return str_sub(text, at, text.len);
}

/* An object that is no wire line: its first key is "buckets", or it goes on in another line. */
static enum import_format detect_object(struct str head, bool end)
{
	struct str inside = str_sub(head, 1, head.len);
	struct str first = without_space(inside);
	bool spread = str_find(str_sub(inside, 0, inside.len - first.len), '\n', 0) >= 0;

	if (first.len == 0)
		return end ? IMPORT_JSONL : IMPORT_AUTO;
	if (str_starts(first, STR(FIRST_KEY)) || (spread && first.ptr[0] == '"'))
		return IMPORT_AW;
	return may_become(first, STR(FIRST_KEY)) && !end ? IMPORT_AUTO : IMPORT_JSONL;
}

enum import_format import_detect(struct str head, bool end)
{
	struct str text = head;

	if (str_starts(head, STR(SQLITE_MAGIC)))
		return IMPORT_AW_DB;
	if (may_become(head, STR(SQLITE_MAGIC)) && !end)
		return IMPORT_AUTO;
	if (str_starts(text, STR(BYTE_ORDER_MARK)))
		text = str_sub(text, strlen(BYTE_ORDER_MARK), text.len);
	text = without_space(text);
	if (text.len == 0)
		return end ? IMPORT_JSONL : IMPORT_AUTO;
	if (text.ptr[0] == '[')
		return IMPORT_AW;
	return text.ptr[0] == '{' ? detect_object(text, end) : IMPORT_JSONL;
}

/* --- what was imported --- */

static void add_state(struct buf *out, const char *path)
{
	struct stat status;

	if (stat(path, &status) == 0)
		buf_printf(out, "%lld %lld.%09ld ", (long long)status.st_size,
			(long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

/* The log of a database counts: it may be all that grows for weeks. */
static int memory_of(
	const char *path, struct arena *arena, const char **key, struct str *value, struct err *err)
{
	char *real CLEANUP(mem_freep) = realpath(path, NULL);
	CLEANUP(buf_release) struct buf state = BUF_INIT;

	if (!real)
		return err_sys(err, "%s", path);
	add_state(&state, real);
	add_state(&state, arena_printf(arena, "%s-wal", real).ptr);
	*key = arena_printf(arena, MEMORY_PREFIX "%s", real).ptr;
	*value = arena_str(arena, buf_str(&state));
	return 0;
}

int import_remembered(struct store *store, const char *path, struct arena *arena,
	enum import_memory *out, struct err *err)
{
	const char *key;
	struct str now, then;

	if (memory_of(path, arena, &key, &now, err) < 0 ||
		store_setting_get(store, key, arena, &then, err) < 0)
		return err->code;
	*out = then.len == 0 ? IMPORT_NEVER : str_eq(now, then) ? IMPORT_SAME : IMPORT_CHANGED;
	return 0;
}

/* --- the import --- */

struct shown {
	struct cli *cli;
	int64_t bytes, done;
};

/* Progress is shown in bytes of the file, whatever is counted. */
static void show(void *context, int64_t done, int64_t total)
{
	struct shown *shown = context;
	double part = total > 0 && done < total ? (double)done / (double)total : 1;
	int64_t now = (int64_t)((double)shown->bytes * part);

	if (now > shown->done)
		collect_progress_done(shown->cli->progress, now - shown->done);
	shown->done = now > shown->done ? now : shown->done;
}

static int run(struct cli *cli, const struct import_job *job, struct aw_import_options *options,
	struct aw_import_counts *counts, struct err *err)
{
	struct store *store;

	if (cli_store(cli, &store, err) < 0)
		return err->code;
	switch (job->format) {
	case IMPORT_AW_DB:
		return aw_import_database(store, job->path, cli->dirs.state, options, counts, err);
	case IMPORT_AW_SETTINGS:
		return aw_import_settings(store, job->path, options, counts, err);
	default:
		return aw_import_file(store, job->path, options, counts, err);
	}
}

int import_aw(struct cli *cli, const struct import_job *job, struct aw_import_counts *counts,
	struct err *err)
{
	struct aw_import_options options = { .origin = str_from(job->origin),
		.path = job->unnamed ? STR("") : str_from(job->path),
		.dry_run = job->dry_run,
		.progress = show };
	struct shown shown = { .cli = cli };
	const struct machine *machine;
	struct progress *progress;
	const char *key;
	struct str value;
	struct stat status;
	int rc;

	*counts = (struct aw_import_counts){ 0 };
	if (cli_machine(cli, &machine, err) < 0)
		return err->code;
	/* As it is now: what comes while it is read may be missing. */
	if (memory_of(job->path, &cli->arena, &key, &value, err) < 0 ||
		fs_make_dirs(cli->dirs.state, DIR_MODE, err) < 0)
		return err->code;
	options.machine_id = machine->id;
	options.hostname = machine->hostname;
	options.context = &shown;
	shown.bytes = stat(job->path, &status) == 0 ? status.st_size : 0;
	progress = progress_start(cli, "importing");
	collect_progress_todo(cli->progress, shown.bytes);
	rc = run(cli, job, &options, counts, err);
	progress_stop(progress);
	if (rc < 0 || job->dry_run || job->unnamed)
		return rc;
	return store_setting_put(cli->store, key, value, err);
}

/* --- saying it --- */

void import_put_reasons(struct json_writer *json, const struct intake_reason *reasons)
{
	json_key(json, STR("reasons"));
	json_begin_array(json);
	for (size_t i = 0; i < INTAKE_REASONS && reasons[i].count > 0; i++) {
		json_begin_object(json);
		json_kv_str(json, "reason", str_from(reasons[i].reason));
		json_kv_i64(json, "count", reasons[i].count);
		json_end_object(json);
	}
	json_end_array(json);
}

void import_say_reasons(struct cli *cli, const struct intake_reason *reasons, int64_t quarantined)
{
	for (size_t i = 0; i < INTAKE_REASONS && reasons[i].count > 0; i++)
		log_info(&cli->log, "  %s: %lld", reasons[i].reason, (long long)reasons[i].count);
	if (quarantined > 0)
		log_info(&cli->log, "'tt quarantine' shows what could not be understood, and why");
}

static const char *format_name(enum import_format format)
{
	return format == IMPORT_AW_DB ? "aw-db" : format == IMPORT_AW ? "aw" : "aw-settings";
}

void import_aw_json(struct json_writer *json, const struct import_job *job,
	const struct aw_import_counts *counts)
{
	json_kv_i64(json, "new", counts->new_events);
	json_kv_i64(json, "updated", 0);
	json_kv_i64(json, "duplicate", counts->duplicate);
	json_kv_i64(json, "quarantined", counts->quarantined);
	json_kv_i64(json, "unknown_types", 0);
	json_kv_i64(json, "sessions", 0);
	import_put_reasons(json, counts->reasons);
	json_kv_str(json, "format", str_from(format_name(job->format)));
	json_kv_bool(json, "dry_run", job->dry_run);
	json_kv_str(json, "server", str_from(counts->server));
	json_kv_i64(json, "buckets_made", counts->buckets_made);
	json_kv_i64(json, "buckets_known", counts->buckets_known);
	json_kv_i64(json, "buckets_readonly", counts->buckets_readonly);
	json_kv_i64(json, "settings", counts->settings);
}

void import_aw_say(
	struct cli *cli, const struct import_job *job, const struct aw_import_counts *counts)
{
	if (counts->server && counts->version > 0)
		log_info(
			&cli->log, "a database of %s, version %d", counts->server, counts->version);
	else if (counts->server)
		log_info(&cli->log, "a database of %s", counts->server);
	log_info(&cli->log,
		"%s%lld new, %lld known, %lld in quarantine; %lld new buckets, %lld known; %lld settings",
		job->dry_run ? "would be: " : "", (long long)counts->new_events,
		(long long)counts->duplicate, (long long)counts->quarantined,
		(long long)counts->buckets_made, (long long)counts->buckets_known,
		(long long)counts->settings);
	if (counts->buckets_readonly > 0)
		log_warn(&cli->log,
			"%lld of the buckets are recorded by this program or by another machine, and cannot be imported into: "
			"their events were left out",
			(long long)counts->buckets_readonly);
	import_say_reasons(cli, counts->reasons, job->dry_run ? 0 : counts->quarantined);
}
