/* tt events: events in the order of time, in wire form. */
#include "model/codec.h"

#include "cli/commands.h"

struct events_values {
	const char *after;
	const char *before;
	const char *bucket;
	const char *type;
	int no_collect;
};

static const struct args_option events_options[] = {
	{ "after", 0, ARGS_TEXT, offsetof(struct events_values, after), "TIME",
		"that start at this time or later" },
	{ "before", 0, ARGS_TEXT, offsetof(struct events_values, before), "TIME",
		"that start before this time" },
	{ "bucket", 0, ARGS_TEXT, offsetof(struct events_values, bucket), "GLOB",
		"of these buckets, as 'claude.*' or '*@devbox'" },
	{ "type", 0, ARGS_TEXT, offsetof(struct events_values, type), "TYPE", "of this type" },
	{ "no-collect", 0, ARGS_FLAG, offsetof(struct events_values, no_collect), NULL,
		"only what is in the store already" },
};

enum { FLUSH_BYTES = 64 << 10 };

static int print_events(
	struct cli *cli, struct store *store, const struct event_filter *filter, struct err *err)
{
	struct event_scan *scan CLEANUP(event_scan_closep) = NULL;
	struct stored_event item;
	int rc = event_scan_open(&scan, store, filter, err);

	if (rc < 0)
		return rc;
	while ((rc = event_scan_next(scan, &item, err)) > 0) {
		wire_encode_event(&cli->out, &item.event);
		if (cli->out.len < FLUSH_BYTES)
			continue;
		rc = cli_flush(cli, err);
		if (rc < 0)
			return rc;
	}
	return rc;
}

static int events_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	const struct events_values *command = values;
	struct event_filter filter = {
		.type = str_from(command->type),
		.bucket = str_from(command->bucket),
	};
	struct store *store;
	int rc = 0;

	(void)operands;
	if (command->after || command->before) {
		filter.from_ns = INT64_MIN;
		filter.to_ns = INT64_MAX;
	}
	if (command->after)
		rc = cli_time(cli, "--after", command->after, &filter.from_ns, err);
	if (rc == 0 && command->before)
		rc = cli_time(cli, "--before", command->before, &filter.to_ns, err);
	if (rc == 0)
		rc = cli_store(cli, &store, err);
	if (rc < 0)
		return rc;
	if (!command->no_collect)
		cli_drain(cli, store);
	return print_events(cli, store, &filter, err);
}

const struct command command_events = {
	.name = "events",
	.summary = "print events in the order of time, as JSONL",
	.usage = "[--after TIME] [--before TIME] [--bucket GLOB] [--type TYPE]",
	.args = { .options = events_options, .option_count = ARRAY_LEN(events_options) },
	.values_size = sizeof(struct events_values),
	.run = events_run,
};
