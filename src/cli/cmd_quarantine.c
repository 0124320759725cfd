/* tt quarantine: what could not be understood, and why; trying again; dropping it. */
#include "base/table.h"
#include "cli/commands.h"
#include "store/intake.h"

enum { SHOWN_BYTES = 60 };

static void write_json(struct cli *cli, const struct quarantine_entry *entries, size_t count)
{
	struct json_writer json = json_writer(&cli->out);

	json_begin_object(&json);
	json_key(&json, STR("entries"));
	json_begin_array(&json);
	for (size_t i = 0; i < count; i++) {
		json_begin_object(&json);
		json_kv_i64(&json, "id", entries[i].entry_no);
		json_kv_str(&json, "source", entries[i].source);
		json_kv_str(&json, "path",
			entries[i].path.len > 0 ? entries[i].path : (struct str){ NULL, 0 });
		json_kv_i64(&json, "offset", entries[i].offset);
		json_kv_str(&json, "reason", entries[i].reason);
		json_kv_str(&json, "detail", entries[i].detail);
		json_kv_str(&json, "at", cli_time_text(cli, entries[i].at_ns));
		json_kv_i64(&json, "bytes", entries[i].bytes_total);
		json_kv_str(&json, "content", entries[i].bytes.ptr ? entries[i].bytes : STR(""));
		json_end_object(&json);
	}
	json_end_array(&json);
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
}

static void write_table(struct cli *cli, const struct quarantine_entry *entries, size_t count)
{
	static const char *const headings[] = { "ID", "SOURCE", "REASON", "WHERE", "BYTES",
		"BEGINS WITH" };
	static const enum table_align aligns[] = { TABLE_RIGHT, TABLE_LEFT, TABLE_LEFT, TABLE_LEFT,
		TABLE_RIGHT, TABLE_LEFT };
	struct table *table = table_new(&cli->arena, ARRAY_LEN(headings), headings, aligns);

	for (size_t i = 0; i < count; i++) {
		const struct quarantine_entry *entry = &entries[i];

		table_row(table,
			(const struct str[]){
				arena_printf(&cli->arena, "%lld", (long long)entry->entry_no),
				entry->source,
				entry->reason,
				arena_printf(&cli->arena, "%.*s:%lld", STR_ARG(entry->path),
					(long long)entry->offset),
				arena_printf(&cli->arena, "%lld", (long long)entry->bytes_total),
				str_sub(entry->bytes, 0, SHOWN_BYTES),
			});
	}
	table_print(table, &cli->out);
}

static int list_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	struct quarantine_entry *entries;
	struct store *store;
	size_t count;
	int rc = cli_store_to_read(cli, 0, &store, err);

	(void)values;
	(void)operands;
	if (rc < 0)
		return rc;
	rc = store_quarantine(store, &cli->arena, &entries, &count, err);
	if (rc < 0)
		return rc;
	if (cli->globals.json)
		write_json(cli, entries, count);
	else if (count == 0)
		log_info(&cli->log, "Nothing in quarantine.");
	else
		write_table(cli, entries, count);
	return 0;
}

/* One entry again through the intake, as a wire line: a newer program may understand it. What was
 * cut cannot be whole. What is not understood again, perhaps for another reason, stays the entry it
 * is: the other one is not kept. */
static int retry_entry(
	struct store *store, const struct quarantine_entry *entry, int64_t *taken, struct err *err)
{
	CLEANUP(intake_freep) struct intake *intake = NULL;
	enum intake_result result = INTAKE_QUARANTINED;
	int64_t dropped;
	int rc;

	if (entry->bytes_total != (int64_t)entry->bytes.len)
		return 0;
	if (intake_begin_lazy(&intake, store, err) < 0)
		return err->code;
	rc = intake_line(intake, entry->bytes, (struct str){ NULL, 0 }, entry, &result, NULL, err);
	if (rc < 0 || result == INTAKE_QUARANTINED)
		return rc;
	if (intake_commit(intake, err) < 0)
		return err->code;
	(*taken)++;
	return store_quarantine_drop(store, entry->entry_no, &dropped, err);
}

static int count_json(struct cli *cli, const char *key, int64_t done, int64_t left)
{
	struct json_writer json = json_writer(&cli->out);

	if (!cli->globals.json) {
		log_info(&cli->log, "%lld %s, %lld left in quarantine", (long long)done, key,
			(long long)left);
		return 0;
	}
	json_begin_object(&json);
	json_kv_i64(&json, key, done);
	json_kv_i64(&json, "left", left);
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
	return 0;
}

static int retry_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	struct quarantine_entry *entries;
	int64_t taken = 0;
	struct store *store;
	size_t count;
	int rc = cli_store(cli, &store, err);

	(void)values;
	(void)operands;
	if (rc == 0)
		rc = store_quarantine(store, &cli->arena, &entries, &count, err);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = retry_entry(store, &entries[i], &taken, err);
	return rc < 0 ? rc : count_json(cli, "taken", taken, (int64_t)count - taken);
}

static int drop_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	struct store_info info;
	struct store *store;
	int64_t total = 0;
	bool all = operands->count == 1 && strcmp(operands->items[0], "all") == 0;
	int rc = cli_store(cli, &store, err);

	(void)values;
	if (rc == 0 && all)
		rc = store_quarantine_drop(store, 0, &total, err);
	for (size_t i = 0; rc == 0 && !all && i < operands->count; i++) {
		int64_t number, dropped;

		if (!str_to_i64(str_from(operands->items[i]), &number) || number <= 0)
			return err_set(err, ERR_USAGE,
				"'%s' is no entry's number (see 'tt quarantine'), nor 'all'",
				operands->items[i]);
		rc = store_quarantine_drop(store, number, &dropped, err);
		total += rc == 0 ? dropped : 0;
	}
	if (rc == 0)
		rc = store_info(store, &info, err);
	return rc < 0 ? rc : count_json(cli, "dropped", total, info.quarantined);
}

static const struct command quarantine_list = {
	.name = "list",
	.summary = "the entries",
	.usage = "",
	.run = list_run,
};

static const struct command quarantine_retry = {
	.name = "retry",
	.summary = "try them again, as after an update of this program",
	.usage = "",
	.run = retry_run,
};

static const struct command quarantine_drop = {
	.name = "drop",
	.summary = "forget entries for good",
	.usage = "ID…|all",
	.args = { .min_operands = 1, .max_operands = SIZE_MAX, .operands = "ID" },
	.run = drop_run,
};

static const struct command *const quarantine_commands[] = { &quarantine_list, &quarantine_retry,
	&quarantine_drop, NULL };

const struct command command_quarantine = {
	.name = "quarantine",
	.summary = "what could not be understood, and why",
	.usage = "[list|retry|drop ID…]",
	.subcommands = quarantine_commands,
};
