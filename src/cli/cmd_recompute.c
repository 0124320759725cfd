/* tt recompute: bring what is derived up to date, or build it again from the events. */
#include "attention/streams.h"
#include "base/clock.h"
#include "cli/commands.h"

struct recompute_values {
	int force;
};

static const struct args_option recompute_options[] = {
	{ "force", 'f', ARGS_FLAG, offsetof(struct recompute_values, force), NULL,
		"drop what is derived and build it again" },
};

static int recompute_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	const struct recompute_values *command = values;
	struct stream_set *set CLEANUP(stream_set_freep) = NULL;
	struct attention_params params = cli_params(cli);
	struct json_writer json = json_writer(&cli->out);
	int64_t began = clock_monotonic_ns();
	struct store *store;
	long long streams, elapsed_ms;
	int rc = cli_store(cli, &store, err);

	(void)operands;
	if (rc < 0)
		return rc;
	cli_drain(cli, store);
	rc = streams_update(store, &params, command->force > 0, err);
	if (rc == 0)
		rc = stream_set_load(&set, store, &params, 0, 0, err);
	if (rc < 0)
		return rc;
	streams = (long long)stream_set_count(set);
	elapsed_ms = (clock_monotonic_ns() - began) / NS_PER_MS;
	if (!cli->globals.json) {
		log_info(&cli->log, "%lld streams, %lld ms", streams, elapsed_ms);
		return 0;
	}
	json_begin_object(&json);
	json_kv_i64(&json, "streams", streams);
	json_kv_i64(&json, "elapsed_ms", elapsed_ms);
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
	return 0;
}

const struct command command_recompute = {
	.name = "recompute",
	.summary = "bring streams up to date; --force builds them again",
	.usage = "[--force]",
	.details =
		"Not needed in daily use: every command that shows streams does it. What people decided is never touched.",
	.args = { .options = recompute_options, .option_count = ARRAY_LEN(recompute_options) },
	.values_size = sizeof(struct recompute_values),
	.run = recompute_run,
};
