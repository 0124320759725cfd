/* tt classify: apply assignments that a person or another program made. */
#include <errno.h>
#include <unistd.h>

#include "attention/edit.h"
#include "cli/commands.h"

struct classify_values {
	const char *apply;
};

static const struct args_option classify_options[] = {
	{ "apply", 0, ARGS_TEXT, offsetof(struct classify_values, apply), "FILE",
		"the assignments (JSON); '-' is standard input" },
};

enum { INPUT_BYTES = 64 << 20, READ_BYTES = 64 << 10 };

static int read_standard(struct buf *out, struct err *err)
{
	for (;;) {
		ssize_t got = read(STDIN_FILENO, buf_reserve(out, READ_BYTES), READ_BYTES);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(err, "reading standard input");
		if (got == 0)
			return 0;
		out->len += (size_t)got;
		if (out->len > INPUT_BYTES)
			return err_set(err, ERR_LIMIT, "standard input: more than %d MiB",
				INPUT_BYTES >> 20);
	}
}

static int answer(struct cli *cli, const struct classify_result *result)
{
	struct json_writer json = json_writer(&cli->out);

	if (!cli->globals.json) {
		log_info(&cli->log,
			"%lld streams made, %lld events assigned, %lld left as a person assigned them",
			(long long)result->streams_created, (long long)result->assigned,
			(long long)result->skipped_user);
		return 0;
	}
	json_begin_object(&json);
	json_kv_i64(&json, "streams_created", result->streams_created);
	json_kv_i64(&json, "assigned", result->assigned);
	json_kv_i64(&json, "skipped_user", result->skipped_user);
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
	return 0;
}

static int classify_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	const struct classify_values *command = values;
	struct buf text CLEANUP(buf_release) = BUF_INIT;
	struct attention_params params = cli_params(cli);
	struct classify_result result;
	struct store *store;
	int rc;

	(void)operands;
	if (!command->apply)
		return err_set(err, ERR_USAGE,
			"say what to apply: --apply FILE ('tt context' prints what there is to classify)");
	rc = strcmp(command->apply, "-") == 0 ? read_standard(&text, err)
					      : fs_read(command->apply, INPUT_BYTES, &text, err);
	if (rc == 0)
		rc = cli_store(cli, &store, err);
	if (rc < 0)
		return rc;
	cli_drain(cli, store);
	rc = streams_update(store, &params, false, err);
	if (rc == 0)
		rc = classify_apply(store, buf_str(&text), &result, err);
	return rc < 0 ? rc : answer(cli, &result);
}

const struct command command_classify = {
	.name = "classify",
	.summary = "apply assignments made by a person or another program",
	.usage = "--apply FILE|-",
	.details =
		"{\"streams\":[{\"name\",\"tags\":[]}],\n"
		" \"assign_by_session\":[{\"session_id\",\"stream\"}],\n"
		" \"assign_by_pattern\":[{\"cwd_like\",\"start\"?,\"end\"?,\"stream\"}],\n"
		" \"assign_by_event_ids\":[{\"event_ids\":[],\"stream\"}],\n"
		" \"assign_by_time\":[{\"start\",\"end\",\"stream\"}]}\n"
		"All or nothing. Streams are found by name, or made. A session beats a pattern; cwd_like begins the path, or holds\n"
		"'%'; times are half-open and take only what is unassigned; what a person assigned is never touched.",
	.args = { .options = classify_options, .option_count = ARRAY_LEN(classify_options) },
	.values_size = sizeof(struct classify_values),
	.run = classify_run,
};
