/* tt machines: the machines whose events are here. */
#include "base/table.h"
#include "cli/commands.h"

static bool is_self(const struct store_machine *machine, const struct machine *self)
{
	return self && str_eq(machine->machine_id, self->id);
}

/* What the machine said of itself over the server; of this one what its identity says. */
static struct str host_of(const struct store_machine *machine, const struct machine *self)
{
	return machine->hostname.len == 0 && is_self(machine, self) ? self->hostname
								    : machine->hostname;
}

static void write_json(struct cli *cli, const struct store_machine *machines, size_t count,
	const struct machine *self)
{
	struct json_writer json = json_writer(&cli->out);

	json_begin_object(&json);
	json_key(&json, STR("machines"));
	json_begin_array(&json);
	for (size_t i = 0; i < count; i++) {
		const struct store_machine *machine = &machines[i];

		json_begin_object(&json);
		json_kv_str(&json, "machine_id", cli_or_null(machine->machine_id));
		json_kv_str(&json, "label", cli_or_null(machine->label));
		json_kv_str(&json, "hostname", cli_or_null(host_of(machine, self)));
		json_kv_str(&json, "alias", cli_or_null(machine->alias));
		json_kv_str(&json, "version", cli_or_null(machine->version));
		json_kv_str(&json, "last_sync_at", cli_time_text(cli, machine->last_sync_ns));
		json_kv_str(&json, "last_event_id", cli_or_null(machine->last_event_id));
		json_kv_str(&json, "last_event_at", cli_time_text(cli, machine->last_event_ns));
		json_kv_i64(&json, "clock_skew_ms", machine->clock_skew_ns / NS_PER_MS);
		json_kv_i64(&json, "event_count", machine->events);
		json_kv_bool(&json, "self", is_self(machine, self));
		json_end_object(&json);
	}
	json_end_array(&json);
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
}

static void write_table(struct cli *cli, const struct store_machine *machines, size_t count,
	const struct machine *self)
{
	static const char *const headings[] = { "LABEL", "MACHINE", "LAST SYNC", "LAST EVENT",
		"EVENTS" };
	static const enum table_align aligns[] = { TABLE_LEFT, TABLE_LEFT, TABLE_LEFT, TABLE_LEFT,
		TABLE_RIGHT };
	struct table *table = table_new(&cli->arena, ARRAY_LEN(headings), headings, aligns);

	for (size_t i = 0; i < count; i++) {
		table_row(table,
			(const struct str[]){
				machines[i].label.len > 0 ? machines[i].label : STR("-"),
				machines[i].machine_id.len > 0 ? machines[i].machine_id
							       : STR("(none)"),
				is_self(&machines[i], self)
					? STR("this machine")
					: cli_ago(cli, machines[i].last_sync_ns, "never"),
				cli_ago(cli, machines[i].last_event_ns, "-"),
				arena_printf(&cli->arena, "%lld", (long long)machines[i].events),
			});
	}
	table_print(table, &cli->out);
}

static int machines_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	const struct machine *self = NULL;
	struct store_machine *machines;
	struct store *store;
	size_t count;
	int rc = cli_store(cli, &store, err);

	(void)values;
	(void)operands;
	if (rc < 0)
		return rc;
	rc = cli_machine(cli, &self, err);
	if (rc == 0) {
		cli_drain(cli, store);
		rc = store_machine_label(store, self->id, self->label, false, err);
	}
	if (rc == 0 || rc == ERR_IDENTITY)
		rc = store_machines(store, &cli->arena, &machines, &count, err);
	if (rc < 0)
		return rc;
	if (cli->globals.json) {
		write_json(cli, machines, count, self);
		return 0;
	}
	if (count == 0)
		log_info(&cli->log,
			"No machines yet. 'tt init' gives this one an identity, 'tt sync HOST' brings others.");
	else
		write_table(cli, machines, count, self);
	return 0;
}

const struct command command_machines = {
	.name = "machines",
	.summary = "the machines whose events are here",
	.usage = "",
	.run = machines_run,
};
