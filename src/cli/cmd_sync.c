/* tt sync: pull from the named machines, collect this one's own sources, bring streams up to date.
 */
#include "sync/pull.h"

#include <stdio.h>

#include "attention/streams.h"
#include "cli/commands.h"
#include "model/limits.h"

struct sync_values {
	int all;
	const char *mode;
};

static const struct args_option sync_options[] = {
	{ "all", 0, ARGS_FLAG, offsetof(struct sync_values, all), NULL,
		"every machine that was reached before" },
	{ "mode", 0, ARGS_TEXT, offsetof(struct sync_values, mode), "MODE", "pull" },
};

static bool is_named(const struct args_list *names, struct str name)
{
	for (size_t i = 0; i < names->count; i++)
		if (str_eq_c(name, names->items[i]))
			return true;
	return false;
}

/* NAMES without repetitions, and with ALL the aliases of the machines that were reached by ssh. */
static int choose_remotes(struct cli *cli, struct store *store, const struct args_list *operands,
	bool all, struct args_list *names, struct err *err)
{
	struct store_machine *machines = NULL;
	size_t count = 0;
	int rc = all ? store_machines(store, &cli->arena, &machines, &count, err) : 0;

	if (rc < 0)
		return rc;
	names->count = 0;
	names->items =
		arena_zalloc(&cli->arena, operands->count + count + 1, sizeof(*names->items));
	for (size_t i = 0; i < operands->count; i++)
		if (!is_named(names, str_from(operands->items[i])))
			names->items[names->count++] = operands->items[i];
	for (size_t i = 0; i < count; i++)
		if (machines[i].alias.len > 0 && !is_named(names, machines[i].alias))
			names->items[names->count++] = arena_cstr(&cli->arena, machines[i].alias);
	if (names->count == 0)
		log_info(&cli->log,
			"%s: only this one's own sources are collected. 'tt sync HOST' pulls from another machine.",
			all ? "No machine was reached by ssh yet" : "No machine was named");
	return 0;
}

static bool is_label(struct str label)
{
	for (size_t i = 0; i < label.len; i++)
		if ((unsigned char)label.ptr[i] < 0x20 || label.ptr[i] == 0x7f)
			return false;
	return label.len > 0 && label.len <= LIMIT_NAME_BYTES;
}

/* What a person at the terminal types; an empty answer, and one that is no label, is what was
 * offered. */
static struct str ask_label(struct cli *cli, const struct pull_result *result, const char *offered)
{
	char answer[LIMIT_NAME_BYTES + 2] = "";
	struct str typed;

	fprintf(stderr, "New machine %.8s. Label? [%s]: ", result->machine_id.ptr, offered);
	fflush(stderr);
	typed = str_trim(str_from(fgets(answer, sizeof(answer), stdin)));
	if (typed.len == 0)
		return str_from(offered);
	if (!is_label(typed)) {
		log_warn(&cli->log,
			"a label has at most %d bytes and no control characters; it is '%s' now",
			LIMIT_NAME_BYTES, offered);
		return str_from(offered);
	}
	return arena_str(&cli->arena, typed);
}

/* The label of a machine met for the first time: asked for on a terminal, else the name it was
 * reached by. */
static int name_machine(
	struct cli *cli, struct store *store, const struct pull_result *result, struct err *err)
{
	struct str label = str_from(result->name);
	struct store_machine known;
	int rc = store_machine_find(store, result->machine_id, &cli->arena, &known, err);

	if (rc < 0 ||
		known.label.len > 0) /* named meanwhile: two aliases of one machine, another sync */
		return rc;
	if (cli_interactive())
		label = ask_label(cli, result, result->name);
	return store_machine_label(store, result->machine_id, label, true, err);
}

static void write_json(struct cli *cli, const struct pull_result *results, size_t count)
{
	struct json_writer json = json_writer(&cli->out);

	json_begin_object(&json);
	json_key(&json, STR("remotes"));
	json_begin_array(&json);
	for (size_t i = 0; i < count; i++) {
		struct str none = { NULL, 0 };

		json_begin_object(&json);
		json_kv_str(&json, "name", str_from(results[i].name));
		json_kv_str(&json, "machine_id",
			results[i].machine_id.len > 0 ? results[i].machine_id : none);
		json_kv_i64(&json, "pulled", results[i].pulled);
		json_kv_i64(&json, "pushed", 0);
		json_kv_i64(&json, "updated", results[i].updated);
		json_kv_i64(&json, "conflicts", 0);
		json_kv_i64(&json, "quarantined", results[i].quarantined);
		json_kv_i64(&json, "cursor", results[i].cursor);
		json_kv_i64(&json, "elapsed_ms", results[i].elapsed_ms);
		json_kv_str(
			&json, "error", results[i].code < 0 ? str_from(results[i].error) : none);
		json_end_object(&json);
	}
	json_end_array(&json);
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
}

static bool say(struct cli *cli, const struct pull_result *result)
{
	if (result->code < 0) {
		log_warn(&cli->log, "%s: %s", result->name, result->error);
		return false;
	}
	log_info(&cli->log, "%s: %lld new, %lld updated%s", result->name, (long long)result->pulled,
		(long long)result->updated,
		result->quarantined > 0 ? "; some lines are in quarantine ('tt quarantine')" : "");
	return true;
}

static int pull_from(struct cli *cli, struct store *store, const struct args_list *names,
	struct pull_result *results, bool *failed, struct err *err)
{
	struct pull_options options = {
		.store = store,
		.remote_command = cli->config.remote_command,
		.log = &cli->log,
		.timeout_ms = cli->config.sync_timeout_ns / NS_PER_MS,
		.now_ns = cli->now_ns,
		.interactive = cli_interactive(),
	};
	const struct machine *self;
	int rc = cli_machine(cli, &self, err);

	if (rc < 0 && rc != ERR_IDENTITY)
		return rc;
	options.self = rc == 0 ? self : NULL;
	rc = pull_all(names->items, names->count, &options, &cli->arena, results, err);
	for (size_t i = 0; rc == 0 && i < names->count; i++) {
		*failed |= !say(cli, &results[i]);
		if (results[i].machine_id.len > 0 && results[i].first_contact &&
			results[i].code == 0)
			rc = name_machine(cli, store, &results[i], err);
	}
	return rc;
}

static int sync_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	const struct sync_values *command = values;
	struct args_list names = { NULL, 0 };
	struct attention_params params = cli_params(cli);
	struct pull_result *results;
	struct store *store;
	bool failed = false;
	int rc = 0;

	if (command->mode && strcmp(command->mode, "pull") != 0)
		return err_set(err, ERR_USAGE,
			"--mode '%s': machines reached by ssh are pulled from; use pull",
			command->mode);
	rc = cli_store(cli, &store, err);
	if (rc == 0)
		rc = choose_remotes(cli, store, operands, command->all, &names, err);
	if (rc < 0)
		return rc;
	results = arena_zalloc(&cli->arena, names.count + 1, sizeof(*results));
	rc = pull_from(cli, store, &names, results, &failed, err);
	if (rc < 0)
		return rc;
	rc = cli_collect(cli, store, err);
	failed |= rc == CLI_PARTIAL;
	if (rc == ERR_IDENTITY)
		log_info(&cli->log,
			"this machine's own sources were left out: it has no identity ('tt init')");
	else if (rc < 0)
		return rc;
	rc = streams_update(store, &params, false, err);
	if (rc < 0)
		return rc;
	if (cli->globals.json)
		write_json(cli, results, names.count);
	return failed ? CLI_PARTIAL : 0;
}

const struct command command_sync = {
	.name = "sync",
	.summary = "pull events from other machines over ssh",
	.usage = "[HOST]… | --all",
	.details =
		"HOST is what ssh takes: an alias of ~/.ssh/config, user@host, ssh://host:port. 'tt' must be in the PATH there\n"
		"(or sync.remote_command names it). All hosts at once; one that fails does not stop the others (exit status 1).\n"
		"The remote keeps no state: any number of machines may pull from it.",
	.args = { .options = sync_options,
		.option_count = ARRAY_LEN(sync_options),
		.max_operands = PULL_MOST_REMOTES,
		.operands = "HOST" },
	.values_size = sizeof(struct sync_values),
	.run = sync_run,
};
