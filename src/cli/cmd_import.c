/*
 * tt import: a wire stream, or what ActivityWatch keeps, from a file or standard input. What it is
 * its first bytes tell; they are read once, so that standard input may be a pipe. ActivityWatch's
 * files are read back and forth: what comes through a pipe is put into a file first.
 */
#include "sync/import.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/import_aw.h"

struct import_values {
	const char *source;
	const char *format;
	int dry_run;
};

static const struct args_option import_options[] = {
	{ "source", 0, ARGS_TEXT, offsetof(struct import_values, source), "NAME",
		"the source of lines that name none, and where quarantine says they came from" },
	{ "format", 0, ARGS_TEXT, offsetof(struct import_values, format), "FORMAT",
		"jsonl, aw, aw-db, aw-settings or auto" },
	{ "dry-run", 0, ARGS_FLAG, offsetof(struct import_values, dry_run), NULL,
		"aw and aw-db: count, write nothing" },
};

static const struct {
	const char *name;
	enum import_format format;
} formats[] = {
	{ "auto", IMPORT_AUTO },
	{ "jsonl", IMPORT_JSONL },
	{ "aw", IMPORT_AW },
	{ "aw-db", IMPORT_AW_DB },
	{ "aw-settings", IMPORT_AW_SETTINGS },
};

enum { READ_BYTES = 256 << 10, IDLE_MS = 100, NEW_DIR_MODE = 0700 };

struct input {
	int fd;
	const char *path; /* "standard input" */
	bool standard;
	struct buf head; /* what was read already */
	bool end;
};

static void input_close(struct input *input)
{
	if (!input->standard)
		fs_closep(&input->fd);
	buf_release(&input->head);
}

/* Append what comes next to OUT. */
static int read_some(struct input *input, struct buf *out, struct err *err)
{
	ssize_t got;

	do
		got = read(input->fd, buf_reserve(out, READ_BYTES), READ_BYTES);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_sys(err, "reading %s", input->path);
	out->len += (size_t)got;
	input->end = got == 0;
	return 0;
}

/* --- wire lines --- */

/* Nobody else shall wait for the store while this program waits for its input. */
static int pause_if_idle(int fd, struct import *import, struct err *err)
{
	struct pollfd input = { .fd = fd, .events = POLLIN };

	return poll(&input, 1, IDLE_MS) == 0 ? import_pause(import, err) : 0;
}

static int read_all(struct input *input, struct import *import, struct err *err)
{
	CLEANUP(buf_release) struct buf piece = BUF_INIT;

	if (import_push(import, buf_str(&input->head), err) < 0)
		return err->code;
	while (!input->end) {
		int rc = pause_if_idle(input->fd, import, err);

		buf_clear(&piece);
		if (rc == 0)
			rc = read_some(input, &piece, err);
		if (rc == 0)
			rc = import_push(import, buf_str(&piece), err);
		if (rc < 0)
			return rc;
	}
	return import_end(import, err);
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
	import_put_reasons(&json, counts->reasons);
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
	import_say_reasons(cli, counts->reasons, counts->quarantined);
	if (counts->unknown_types > 0)
		log_info(&cli->log, "%lld events of unknown types were kept as they are",
			(long long)counts->unknown_types);
}

static int take_lines(
	struct cli *cli, const struct import_values *command, struct input *input, struct err *err)
{
	struct import_options options = {
		.origin = command->source ? command->source : "import",
		.path = input->standard ? "" : input->path,
		.default_source = str_from(command->source),
	};
	struct import *import CLEANUP(import_freep) = NULL;
	struct store *store;

	if (command->dry_run)
		return err_set(err, ERR_USAGE,
			"--dry-run is for --format aw and aw-db; %s holds lines", input->path);
	if (cli_store(cli, &store, err) < 0 || import_open(&import, store, &options, err) < 0 ||
		read_all(input, import, err) < 0)
		return err->code;
	if (cli->globals.json)
		write_json(cli, import_counts(import));
	say(cli, import);
	return 0;
}

/* --- ActivityWatch's --- */

/* What comes from standard input, as a file of which nobody else knows. */
static int spool(struct input *input, const char *path, int fd, struct err *err)
{
	while (input->head.len > 0 || !input->end) {
		if (fs_write_all(fd, path, buf_str(&input->head), err) < 0)
			return err->code;
		buf_clear(&input->head);
		if (read_some(input, &input->head, err) < 0)
			return err->code;
	}
	return 0;
}

static int take_file(struct cli *cli, const struct import_job *job, struct aw_import_counts *counts,
	struct err *err)
{
	int rc = import_aw(cli, job, counts, err);

	if (rc < 0 && counts->new_events > 0 && !job->dry_run)
		log_warn(&cli->log,
			"%lld events were taken before that; importing the whole again adds the rest",
			(long long)counts->new_events);
	return rc;
}

static int take_spooled(struct cli *cli, struct import_job *job, struct input *input,
	struct aw_import_counts *counts, struct err *err)
{
	struct str path = arena_printf(&cli->arena, "%s/import-XXXXXX", cli->dirs.state);
	int fd CLEANUP(fs_closep) = -1;
	char *name CLEANUP(mem_freep) = mem_alloc(path.len + 1);
	int rc;

	memcpy(name, path.ptr, path.len + 1);
	if (fs_make_dirs(cli->dirs.state, NEW_DIR_MODE, err) < 0)
		return err->code;
	fd = mkstemp(name);
	if (fd < 0)
		return err_sys(err, "making a file in %s", cli->dirs.state);
	rc = spool(input, name, fd, err);
	job->path = name;
	job->unnamed = true;
	if (rc == 0)
		rc = take_file(cli, job, counts, err);
	if (unlink(name) < 0 && rc == 0)
		rc = err_sys(err, "%s", name);
	return rc;
}

static int take_aw(struct cli *cli, const struct import_values *command, struct input *input,
	enum import_format format, struct err *err)
{
	struct import_job job = { .path = input->path,
		.format = format,
		.origin = command->source ? command->source : "import",
		.dry_run = command->dry_run };
	struct json_writer json = json_writer(&cli->out);
	struct aw_import_counts counts;
	int rc;

	if (input->standard && format == IMPORT_AW_DB)
		return err_set(err, ERR_USAGE,
			"a database may have a log beside it, which standard input has not: name its file");
	rc = input->standard ? take_spooled(cli, &job, input, &counts, err)
			     : take_file(cli, &job, &counts, err);
	if (rc < 0)
		return rc;
	if (cli->globals.json) {
		json_begin_object(&json);
		import_aw_json(&json, &job, &counts);
		json_end_object(&json);
		buf_byte(&cli->out, '\n');
	}
	import_aw_say(cli, &job, &counts);
	return 0;
}

/* --- which --- */

static int find_format(const char *name, enum import_format *out, struct err *err)
{
	*out = IMPORT_AUTO;
	if (!name)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (strcmp(formats[i].name, name) == 0) {
			*out = formats[i].format;
			return 0;
		}
	return err_set(err, ERR_USAGE,
		"--format '%s' is not known; use jsonl, aw, aw-db, aw-settings or auto", name);
}

/* Read as much as it takes to know. */
static int detect(struct input *input, enum import_format *format, struct err *err)
{
	while (*format == IMPORT_AUTO) {
		*format = import_detect(
			buf_str(&input->head), input->end || input->head.len >= READ_BYTES);
		if (*format == IMPORT_AUTO && read_some(input, &input->head, err) < 0)
			return err->code;
	}
	return 0;
}

static int import_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	const struct import_values *command = values;
	const char *path = operands->count > 0 ? operands->items[0] : "-";
	bool standard = strcmp(path, "-") == 0;
	CLEANUP(input_close)
	struct input input = {
		.fd = standard ? STDIN_FILENO : -1,
		.path = standard ? "standard input" : path,
		.standard = standard,
	};
	enum import_format format;

	if (find_format(command->format, &format, err) < 0)
		return err->code;
	if (!standard) {
		input.fd = open(path, O_RDONLY | O_CLOEXEC);
		if (input.fd < 0)
			return err_sys(err, "opening %s", path);
	}
	if (detect(&input, &format, err) < 0)
		return err->code;
	return format == IMPORT_JSONL ? take_lines(cli, command, &input, err)
				      : take_aw(cli, command, &input, format, err);
}

const struct command command_import = {
	.name = "import",
	.summary = "read events from a file or standard input",
	.usage = "[--source NAME] [--format FORMAT] [--dry-run] [FILE]",
	.details =
		"Any order, any repetition: the same event is stored once. What cannot be understood is kept in quarantine,\n"
		"counted by reason; the rest goes on. FILE holds lines as 'tt export' writes them (jsonl), an export of\n"
		"ActivityWatch (aw), or is the database of one of its servers (aw-db), of which nothing is changed;\n"
		"aw-settings is aw-server's settings.json. 'tt setup activitywatch' finds them.",
	.args = { .options = import_options,
		.option_count = ARRAY_LEN(import_options),
		.max_operands = 1,
		.operands = "FILE" },
	.values_size = sizeof(struct import_values),
	.run = import_run,
};
