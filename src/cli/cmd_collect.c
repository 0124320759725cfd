/* tt collect: bring every source of this machine into the store, each from where it was left. */
#include "base/clock.h"
#include "base/table.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "collect/source.h"

struct collect_values {
	struct args_list sources;
};

static const struct args_option collect_options[] = {
	{ "source", 's', ARGS_LIST, offsetof(struct collect_values, sources), "NAME",
		"only this source (may be repeated)" },
};

/* The sources named on the command line; NULL and 0 for all. */
static int choose_sources(struct cli *cli, const struct args_list *names,
	const struct source ***which, struct err *err)
{
	size_t count;
	const struct source *const *all = sources(&count);
	struct buf known CLEANUP(buf_release) = BUF_INIT;

	*which = arena_zalloc(&cli->arena, names->count + 1, sizeof(**which));
	for (size_t i = 0; i < names->count; i++) {
		(*which)[i] = source_find(str_from(names->items[i]));
		if ((*which)[i])
			continue;
		for (size_t s = 0; s < count; s++)
			buf_printf(&known, "%s%s", s ? ", " : "", all[s]->name);
		return err_set(err, ERR_USAGE, "--source: unknown source '%s' (known: %s)",
			names->items[i], buf_cstr(&known));
	}
	return 0;
}

static struct source_counts total_of(const struct source_counts *results, size_t count)
{
	struct source_counts total = { .source = "total" };

	for (size_t i = 0; i < count; i++) {
		total.files += results[i].files;
		total.skipped_unchanged += results[i].skipped_unchanged;
		total.new_events += results[i].new_events;
		total.updated += results[i].updated;
		total.duplicate += results[i].duplicate;
		total.quarantined += results[i].quarantined;
		total.failed += results[i].failed;
	}
	return total;
}

static void write_counts(struct json_writer *json, const struct source_counts *counts)
{
	json_kv_i64(json, "new", counts->new_events);
	json_kv_i64(json, "updated", counts->updated);
	json_kv_i64(json, "duplicate", counts->duplicate);
	json_kv_i64(json, "quarantined", counts->quarantined);
	json_kv_i64(json, "failed", counts->failed);
}

static void write_json(
	struct cli *cli, const struct source_counts *results, size_t count, int64_t elapsed_ms)
{
	struct json_writer json = json_writer(&cli->out);
	struct source_counts total = total_of(results, count);

	json_begin_object(&json);
	json_key(&json, STR("sources"));
	json_begin_array(&json);
	for (size_t i = 0; i < count; i++) {
		json_begin_object(&json);
		json_kv_str(&json, "source", str_from(results[i].source));
		json_kv_i64(&json, "files", results[i].files);
		write_counts(&json, &results[i]);
		json_kv_i64(&json, "skipped_unchanged", results[i].skipped_unchanged);
		json_end_object(&json);
	}
	json_end_array(&json);
	write_counts(&json, &total);
	json_kv_i64(&json, "elapsed_ms", elapsed_ms);
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
}

static void say(struct cli *cli, const struct source_counts *counts)
{
	log_info(&cli->log,
		"%s: %lld new, %lld updated, %lld known, %lld in quarantine (%lld of %lld files unchanged)",
		counts->source, (long long)counts->new_events, (long long)counts->updated,
		(long long)counts->duplicate, (long long)counts->quarantined,
		(long long)counts->skipped_unchanged, (long long)counts->files);
}

static int collect_run_command(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	const struct collect_values *collect = values;
	const struct source **which = NULL;
	struct cli_round round;
	int64_t began = clock_monotonic_ns();
	struct progress *progress;
	struct store *store;
	int rc = choose_sources(cli, &collect->sources, &which, err);

	(void)operands;
	if (rc < 0)
		return rc;
	rc = cli_store(cli, &store, err);
	if (rc < 0)
		return rc;
	progress = progress_start(cli, "collecting");
	rc = cli_collect_sources(cli, store, which, collect->sources.count, &round, err);
	progress_stop(progress);
	if (rc < 0)
		return rc;
	if (cli_retention(cli, store, err) < 0)
		return err->code;
	if (cli->globals.json)
		write_json(cli, round.results, round.count,
			(clock_monotonic_ns() - began) / NS_PER_MS);
	else
		for (size_t i = 0; i < round.count; i++)
			if (round.results[i].files > 0 || collect->sources.count > 0)
				say(cli, &round.results[i]);
	return rc;
}

const struct command command_collect = {
	.name = "collect",
	.summary = "bring this machine's sources into the store",
	.usage = "[--source NAME]…",
	.details =
		"Reads what the tmux hooks wrote and the agents' transcripts, from where the last run ended.\n"
		"What cannot be understood is kept in quarantine ('tt quarantine').",
	.args = { .options = collect_options, .option_count = ARRAY_LEN(collect_options) },
	.values_size = sizeof(struct collect_values),
	.run = collect_run_command,
};

const struct command command_ingest_sessions = {
	.name = "sessions",
	.summary = "the same as 'tt collect'",
	.usage = "[--source NAME]…",
	.args = { .options = collect_options, .option_count = ARRAY_LEN(collect_options) },
	.values_size = sizeof(struct collect_values),
	.run = collect_run_command,
};
