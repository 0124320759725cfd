/* tt import: read a wire stream from a file or standard input. */
#include "sync/import.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "cli/commands.h"

struct import_values {
	const char *source;
	const char *format;
};

static const struct args_option import_options[] = {
	{ "source", 0, ARGS_TEXT, offsetof(struct import_values, source), "NAME",
		"the source of lines that name none, and where quarantine says they came from" },
	{ "format", 0, ARGS_TEXT, offsetof(struct import_values, format), "FORMAT",
		"jsonl or auto" },
};

enum { READ_BYTES = 256 << 10, IDLE_MS = 100 };

/* Nobody else shall wait for the store while this program waits for its input. */
static int pause_if_idle(int fd, struct import *import, struct err *err)
{
	struct pollfd input = { .fd = fd, .events = POLLIN };

	return poll(&input, 1, IDLE_MS) == 0 ? import_pause(import, err) : 0;
}

static int read_all(int fd, const char *path, struct import *import, struct err *err)
{
	char *buffer CLEANUP(mem_freep) = mem_alloc(READ_BYTES);

	for (;;) {
		int rc = pause_if_idle(fd, import, err);
		ssize_t got;

		if (rc < 0)
			return rc;
		got = read(fd, buffer, READ_BYTES);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(err, "reading %s", path);
		if (got == 0)
			return import_end(import, err);
		rc = import_push(import, (struct str){ buffer, (size_t)got }, err);
		if (rc < 0)
			return rc;
	}
}

static void write_json(struct cli *cli, const struct intake_counts *counts)
{
	struct json_writer json = json_writer(&cli->out);

	json_begin_object(&json);
	json_kv_i64(&json, "new", counts->new_events);
	json_kv_i64(&json, "updated", counts->updated);
	json_kv_i64(&json, "duplicate", counts->duplicate);
	json_kv_i64(&json, "quarantined", counts->quarantined);
	json_kv_i64(&json, "unknown_types", counts->unknown_types);
	json_kv_i64(&json, "sessions", counts->sessions);
	json_key(&json, STR("reasons"));
	json_begin_array(&json);
	for (size_t i = 0; i < INTAKE_REASONS && counts->reasons[i].count > 0; i++) {
		json_begin_object(&json);
		json_kv_str(&json, "reason", str_from(counts->reasons[i].reason));
		json_kv_i64(&json, "count", counts->reasons[i].count);
		json_end_object(&json);
	}
	json_end_array(&json);
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
}

static void say(struct cli *cli, const struct import *import)
{
	const struct intake_counts *counts = import_counts(import);

	if (import_cut(import))
		log_warn(&cli->log,
			"the input has a header, but its trailer is missing or counts other events: it was cut or changed; "
			"what came was taken");
	log_info(&cli->log, "%lld new, %lld updated, %lld known, %lld in quarantine",
		(long long)counts->new_events, (long long)counts->updated,
		(long long)counts->duplicate, (long long)counts->quarantined);
	for (size_t i = 0; i < INTAKE_REASONS && counts->reasons[i].count > 0; i++)
		log_info(&cli->log, "  %s: %lld", counts->reasons[i].reason,
			(long long)counts->reasons[i].count);
	if (counts->quarantined > 0)
		log_info(&cli->log, "'tt quarantine' shows what could not be understood, and why");
	if (counts->unknown_types > 0)
		log_info(&cli->log, "%lld events of unknown types were kept as they are",
			(long long)counts->unknown_types);
}

static int import_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	const struct import_values *command = values;
	const char *path = operands->count > 0 ? operands->items[0] : "-";
	bool standard = strcmp(path, "-") == 0;
	struct import_options options = {
		.origin = command->source ? command->source : "import",
		.path = standard ? "" : path,
		.default_source = str_from(command->source),
	};
	struct import *import CLEANUP(import_freep) = NULL;
	int fd CLEANUP(fs_closep) = -1;
	struct store *store;
	int rc;

	if (command->format && strcmp(command->format, "jsonl") != 0 &&
		strcmp(command->format, "auto") != 0)
		return err_set(err, ERR_USAGE, "--format '%s' is not known; use jsonl or auto",
			command->format);
	if (!standard) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return err_sys(err, "opening %s", path);
	}
	rc = cli_store(cli, &store, err);
	if (rc == 0)
		rc = import_open(&import, store, &options, err);
	if (rc == 0)
		rc = read_all(standard ? STDIN_FILENO : fd, standard ? "standard input" : path,
			import, err);
	if (rc < 0)
		return rc;
	if (cli->globals.json)
		write_json(cli, import_counts(import));
	say(cli, import);
	return 0;
}

const struct command command_import = {
	.name = "import",
	.summary = "read events from a file or standard input",
	.usage = "[--source NAME] [FILE]",
	.details =
		"Any order, any repetition: the same event is stored once. Lines that cannot be understood are kept in\n"
		"quarantine, counted by reason; the rest goes on.",
	.args = { .options = import_options,
		.option_count = ARRAY_LEN(import_options),
		.max_operands = 1,
		.operands = "FILE" },
	.values_size = sizeof(struct import_values),
	.run = import_run,
};
