/* tt export: this store's events as a wire stream on standard output. */
#include "sync/export.h"

#include "cli/commands.h"

struct export_values {
	const char *after;
	const char *cursor;
	const char *since;
	const char *format;
	const char *workspace;
	int no_collect;
};

#define VALUE(name) offsetof(struct export_values, name)

static const struct args_option export_options[] = {
	{ "after", 0, ARGS_TEXT, VALUE(after), "EVENT_ID",
		"what came or changed after this event (unknown: everything)" },
	{ "cursor", 0, ARGS_TEXT, VALUE(cursor), "N",
		"what came or changed after change number N (0: everything)" },
	{ "since", 0, ARGS_TEXT, VALUE(since), "TIME",
		"only events that start at this time or later" },
	{ "format", 0, ARGS_TEXT, VALUE(format), "FORMAT", "jsonl" },
	{ "workspace", 0, ARGS_TEXT, VALUE(workspace), "GLOB", "only events in these directories" },
	{ "no-collect", 0, ARGS_FLAG, VALUE(no_collect), NULL,
		"only what is in the store already" },
};

static int to_stdout(void *context, struct str bytes, struct err *err)
{
	struct cli *cli = context;

	buf_add(&cli->out, bytes);
	return cli_flush(cli, err);
}

static int choose_start(struct cli *cli, const struct export_values *values, struct store *store,
	struct export_request *request, struct err *err)
{
	uint64_t cursor = 0;

	request->since_ns = INT64_MIN;
	if (values->format && strcmp(values->format, "jsonl") != 0)
		return err_set(
			err, ERR_USAGE, "--format '%s' is not known; use jsonl", values->format);
	if (values->after && values->cursor)
		return err_set(
			err, ERR_USAGE, "--after and --cursor say the same in two ways: use one");
	if (values->cursor &&
		(!str_to_u64(str_from(values->cursor), &cursor) || cursor > (uint64_t)INT64_MAX))
		return err_set(
			err, ERR_USAGE, "--cursor takes a whole number, not '%s'", values->cursor);
	request->after_seq = (int64_t)cursor;
	request->marked = values->cursor != NULL;
	if (values->since) {
		int rc = cli_time(cli, "--since", values->since, &request->since_ns, err);

		if (rc < 0)
			return rc;
	}
	if (!values->after)
		return 0;
	return export_after(store, str_from(values->after), &request->after_seq, err);
}

static int export_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	const struct export_values *export = values;
	struct export_request request = { .workspace = str_from(export->workspace) };
	struct store *store;
	int partial = 0;
	int rc = cli_machine(cli, &request.machine, err);

	(void)operands;
	if (rc == 0)
		rc = cli_store(cli, &store, err);
	if (rc < 0)
		return rc;
	if (!machine_is_this_host(request.machine))
		log_warn(&cli->log,
			"this machine's identity was made on another host ('%.*s'): if this is a clone, its events pass for "
			"that machine's (move machine.json away and run 'tt init')",
			STR_ARG(request.machine->hostname));
	request.now_ns = cli->now_ns;
	request.home = str_from(cli->dirs.home);
	rc = choose_start(cli, export, store, &request, err);
	if (rc < 0)
		return rc;
	if (!export->no_collect) {
		partial = cli_collect(cli, store, err);
		if (partial < 0)
			return partial;
	}
	rc = export_stream(store, &request, to_stdout, cli, err);
	return rc < 0 ? rc : partial;
}

const struct command command_export = {
	.name = "export",
	.summary = "print this store's events, for another machine to import",
	.usage = "[--after EVENT_ID | --cursor N] [--since TIME] [--workspace GLOB] [--no-collect]",
	.details =
		"JSONL: a header, one event a line, a trailer (docs/wire-format.md). Collects first, unless told not to.\n"
		"Standard output carries data only. Example: tt export > events.jsonl; tt import events.jsonl",
	.args = { .options = export_options, .option_count = ARRAY_LEN(export_options) },
	.values_size = sizeof(struct export_values),
	.run = export_run,
};
