/* tt status: per source the last event and how long ago it was; the daemon; what waits, what was
 * refused. */
#include <stdlib.h>

#include "base/table.h"
#include "cli/commands.h"
#include "cli/status_daemon.h"

/* One source of one machine: its buckets together. */
struct source_status {
	struct str source;
	struct str machine_id;
	int64_t events;
	int64_t last_ns;
};

/* Buckets come ordered by machine and source, so those of one source stand together. */
static size_t by_source(const struct store_bucket *buckets, size_t count, struct source_status *out)
{
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		struct source_status *status = NULL;

		for (size_t s = 0; s < used && !status; s++)
			if (str_eq(out[s].source, buckets[i].source) &&
				str_eq(out[s].machine_id, buckets[i].machine_id))
				status = &out[s];
		if (!status) {
			status = &out[used++];
			*status = (struct source_status){ .source = buckets[i].source,
				.machine_id = buckets[i].machine_id,
				.last_ns = INT64_MIN };
		}
		status->events += buckets[i].events;
		if (buckets[i].last_ns > status->last_ns)
			status->last_ns = buckets[i].last_ns;
	}
	return used;
}

static int newest_first(const void *a, const void *b)
{
	const struct source_status *left = a, *right = b;

	if (left->last_ns != right->last_ns)
		return left->last_ns > right->last_ns ? -1 : 1;
	return str_cmp(left->source, right->source);
}

struct status {
	struct store_info info;
	struct source_status *sources;
	size_t source_count;
	struct store_machine *machines;
	size_t machine_count;
	const struct machine *self; /* NULL without identity */
	struct status_daemon daemon;
};

/* What is known of the collecting of SOURCE: of this machine's own ones only. */
static const struct status_source *collecting(
	const struct status *status, const struct source_status *source)
{
	if (!status->self || !str_eq(status->self->id, source->machine_id))
		return NULL;
	return status_daemon_source(&status->daemon, source->source);
}

/* Sources that something waits in, or that fail, although nothing of them is in the store yet. */
static void add_silent(struct status *status)
{
	size_t with_events = status->source_count;

	for (size_t i = 0; i < status->daemon.count; i++) {
		const struct status_source *source = &status->daemon.sources[i];
		bool listed = source->waiting == 0 && source->failed == 0 && !source->error.ptr;

		for (size_t s = 0; s < with_events && !listed; s++)
			listed = collecting(status, &status->sources[s]) == source;
		if (!listed)
			status->sources[status->source_count++] =
				(struct source_status){ .source = str_from(source->name),
					.machine_id = status->self->id,
					.last_ns = INT64_MIN };
	}
}

static int gather(struct cli *cli, struct store *store, struct status *out, struct err *err)
{
	struct store_bucket *buckets;
	const struct machine *self;
	size_t count;
	int rc = store_info(store, &out->info, err);

	if (rc == 0)
		rc = store_buckets(store, &cli->arena, &buckets, &count, err);
	if (rc == 0)
		rc = store_machines(store, &cli->arena, &out->machines, &out->machine_count, err);
	if (rc < 0)
		return rc;
	rc = cli_machine(cli, &self, err);
	if (rc < 0 && rc != ERR_IDENTITY)
		return rc;
	out->self = rc == 0 ? self : NULL;
	rc = status_daemon_load(cli, store, out->self != NULL, &out->daemon, err);
	if (rc < 0)
		return rc;
	out->sources =
		arena_zalloc(&cli->arena, count + out->daemon.count + 1, sizeof(*out->sources));
	out->source_count = by_source(buckets, count, out->sources);
	qsort(out->sources, out->source_count, sizeof(*out->sources), newest_first);
	add_silent(out);
	return 0;
}

static void write_machine(struct json_writer *json, const struct machine *self)
{
	json_key(json, STR("machine"));
	if (!self) {
		json_put_null(json);
		return;
	}
	json_begin_object(json);
	json_kv_str(json, "machine_id", self->id);
	json_kv_str(json, "label", self->label);
	json_kv_bool(json, "other_host", !machine_is_this_host(self));
	json_end_object(json);
}

static void write_collecting(struct json_writer *json, const struct status_source *source)
{
	if (source) {
		json_kv_i64(json, "waiting", source->waiting);
		json_kv_i64(json, "failed", source->failed);
		json_kv_str(json, "error", source->error);
		json_kv_str(json, "retry_at", source->retry_at);
		return;
	}
	json_kv_null(json, "waiting");
	json_kv_null(json, "failed");
	json_kv_null(json, "error");
	json_kv_null(json, "retry_at");
}

static void write_sources(struct cli *cli, struct json_writer *json, const struct status *status)
{
	json_key(json, STR("sources"));
	json_begin_array(json);
	for (size_t i = 0; i < status->source_count; i++) {
		const struct source_status *source = &status->sources[i];

		json_begin_object(json);
		json_kv_str(json, "source", source->source);
		json_kv_str(json, "machine_id",
			source->machine_id.len > 0 ? source->machine_id : (struct str){ NULL, 0 });
		json_kv_i64(json, "events", source->events);
		json_kv_str(json, "last_event_at", cli_time_text(cli, source->last_ns));
		if (source->last_ns == INT64_MIN)
			json_kv_null(json, "lag_ms");
		else
			json_kv_i64(json, "lag_ms", (cli->now_ns - source->last_ns) / NS_PER_MS);
		write_collecting(json, collecting(status, source));
		json_end_object(json);
	}
	json_end_array(json);
}

static void write_remotes(struct cli *cli, struct json_writer *json, const struct status *status)
{
	json_key(json, STR("remotes"));
	json_begin_array(json);
	for (size_t i = 0; i < status->machine_count; i++) {
		const struct store_machine *machine = &status->machines[i];

		if (machine->last_sync_ns == INT64_MIN)
			continue;
		json_begin_object(json);
		json_kv_str(json, "name", machine->alias);
		json_kv_str(json, "machine_id", machine->machine_id);
		json_kv_str(json, "label", machine->label);
		json_kv_str(json, "last_sync_at", cli_time_text(cli, machine->last_sync_ns));
		json_kv_i64(json, "clock_skew_ms", machine->clock_skew_ns / NS_PER_MS);
		json_end_object(json);
	}
	json_end_array(json);
}

static void write_json(struct cli *cli, const struct store *store, const struct status *status)
{
	struct json_writer json = json_writer(&cli->out);

	json_begin_object(&json);
	write_machine(&json, status->self);
	json_key(&json, STR("store"));
	json_begin_object(&json);
	json_kv_str(&json, "path", str_from(store_path(store)));
	json_kv_i64(&json, "events", status->info.events);
	json_kv_i64(&json, "bytes", status->info.bytes);
	json_kv_i64(&json, "last_seq", status->info.last_seq);
	json_end_object(&json);
	write_sources(cli, &json, status);
	write_remotes(cli, &json, status);
	status_daemon_json(&json, &status->daemon);
	json_kv_i64(&json, "quarantined", status->info.quarantined);
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
}

static struct str label_of(const struct status *status, struct str machine_id)
{
	if (status->self && str_eq(status->self->id, machine_id))
		return STR("this machine");
	for (size_t i = 0; i < status->machine_count; i++)
		if (str_eq(status->machines[i].machine_id, machine_id) &&
			status->machines[i].label.len > 0)
			return status->machines[i].label;
	return machine_id.len > 0 ? str_sub(machine_id, 0, 8) : STR("(none)");
}

static void write_table(struct cli *cli, const struct status *status)
{
	static const char *const headings[] = { "SOURCE", "MACHINE", "LAST EVENT", "EVENTS" };
	static const enum table_align aligns[] = { TABLE_LEFT, TABLE_LEFT, TABLE_LEFT,
		TABLE_RIGHT };
	struct table *table = table_new(&cli->arena, ARRAY_LEN(headings), headings, aligns);

	for (size_t i = 0; i < status->source_count; i++)
		table_row(table, (const struct str[]){ status->sources[i].source,
					 label_of(status, status->sources[i].machine_id),
					 cli_ago(cli, status->sources[i].last_ns, "-"),
					 arena_printf(&cli->arena, "%lld",
						 (long long)status->sources[i].events) });
	buf_byte(&cli->out, '\n');
	table_print(table, &cli->out);
}

static void write_text(struct cli *cli, const struct store *store, const struct status *status)
{
	int64_t quarantined = status->info.quarantined;

	buf_printf(&cli->out, "store  %s  %lld events, %lld KiB\n", store_path(store),
		(long long)status->info.events, (long long)(status->info.bytes >> 10));
	status_daemon_text(cli, &status->daemon);
	if (status->source_count > 0)
		write_table(cli, status);
	else
		buf_addc(&cli->out,
			"\nNo events yet. 'tt setup tmux' records where you look, 'tt collect' reads agents' transcripts.\n");
	status_troubles_text(cli, &status->daemon);
	if (quarantined > 0)
		buf_printf(&cli->out, "\n%lld line%s could not be understood: 'tt quarantine'\n",
			(long long)quarantined, cli_plural(quarantined));
}

static void say_identity(struct cli *cli, const struct status *status)
{
	if (!status->self)
		log_info(&cli->log, "%s", MACHINE_MISSING);
	else if (!machine_is_this_host(status->self))
		log_warn(&cli->log,
			"machine.json was made on another host ('%.*s'): 'tt doctor' says what to do",
			STR_ARG(status->self->hostname));
}

static int status_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	struct status status = { 0 };
	struct store *store;
	int rc = cli_store_to_read(cli, 0, &store, err);

	(void)values;
	(void)operands;
	if (rc < 0)
		return rc;
	rc = gather(cli, store, &status, err);
	if (rc == 0) {
		say_identity(cli, &status);
		if (cli->globals.json)
			write_json(cli, store, &status);
		else
			write_text(cli, store, &status);
	}
	status_daemon_release(&status.daemon);
	return rc;
}

const struct command command_status = {
	.name = "status",
	.summary = "per source the last event and what waits; the daemon; what is in the store",
	.usage = "",
	.run = status_run,
};
