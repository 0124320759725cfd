/* tt list: the buckets of the store, as ActivityWatch's clients see them. */
#include "base/table.h"
#include "cli/commands.h"
#include "store/aw.h"

static void write_json(struct cli *cli, const struct aw_bucket *buckets, size_t count)
{
	struct json_writer json = json_writer(&cli->out);

	json_begin_object(&json);
	json_key(&json, STR("buckets"));
	json_begin_array(&json);
	for (size_t i = 0; i < count; i++) {
		const struct aw_bucket *bucket = &buckets[i];

		json_begin_object(&json);
		json_kv_str(&json, "id", bucket->id);
		json_kv_str(&json, "type", bucket->type);
		json_kv_str(&json, "client", bucket->client);
		json_kv_str(&json, "hostname", bucket->hostname);
		json_kv_str(&json, "machine_id", bucket->machine_id);
		json_kv_i64(&json, "event_count", bucket->events);
		json_kv_str(&json, "first", cli_time_text(cli, bucket->first_ns));
		json_kv_str(&json, "last", cli_time_text(cli, bucket->end_ns));
		json_end_object(&json);
	}
	json_end_array(&json);
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
}

static void write_table(struct cli *cli, const struct aw_bucket *buckets, size_t count)
{
	static const char *const headings[] = { "BUCKET", "TYPE", "CLIENT", "EVENTS", "FIRST",
		"LAST" };
	static const enum table_align aligns[] = { TABLE_LEFT, TABLE_LEFT, TABLE_LEFT, TABLE_RIGHT,
		TABLE_LEFT, TABLE_LEFT };
	struct table *table = table_new(&cli->arena, ARRAY_LEN(headings), headings, aligns);

	for (size_t i = 0; i < count; i++)
		table_row(table,
			(const struct str[]){ buckets[i].id, buckets[i].type,
				buckets[i].client.len > 0 ? buckets[i].client : STR("-"),
				arena_printf(&cli->arena, "%lld", (long long)buckets[i].events),
				cli_ago(cli, buckets[i].first_ns, "-"),
				cli_ago(cli, buckets[i].end_ns, "-") });
	table_print(table, &cli->out);
}

static int list_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	struct aw_bucket *buckets;
	struct store *store;
	size_t count;
	int rc = cli_store(cli, &store, err);

	(void)values;
	(void)operands;
	if (rc < 0)
		return rc;
	cli_drain(cli, store);
	rc = aw_buckets(store, &cli->arena, &buckets, &count, err);
	if (rc < 0)
		return rc;
	if (cli->globals.json)
		write_json(cli, buckets, count);
	else if (count > 0)
		write_table(cli, buckets, count);
	else
		log_info(&cli->log, "No buckets yet: each comes with its first event.");
	return 0;
}

const struct command command_list = {
	.name = "list",
	.summary = "the buckets that events are in, as ActivityWatch's clients see them",
	.usage = "",
	.run = list_run,
};
