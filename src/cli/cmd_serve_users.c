/*
 * The people of a server, from the machine that it runs on: who they are, what they bring events
 * with, all of one in a stream, and nothing of one any more. In an SQLite store all of them see the
 * one person's events: there is nothing to tell apart but their keys.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/table.h"
#include "cli/commands.h"
#include "cli/serve_admin.h"
#include "cli/serve_keys.h"
#include "store/users.h"
#include "sync/export_user.h"

enum { ANSWER_BYTES = 512 };

struct user_values {
	const char *email;
	const char *output;
	int yes;
	int testing;
};

#define VALUE(name) offsetof(struct user_values, name)

/* The options of all of them, the last for users alone. */
#define EMAIL_OPTION                                                                               \
	{                                                                                          \
		"email", 'e', ARGS_TEXT, VALUE(email), "EMAIL",                                    \
			"whose: an e-mail address or a user's id"                                  \
	}
#define TESTING_OPTION                                                                             \
	{                                                                                          \
		"testing", 0, ARGS_FLAG, VALUE(testing), NULL, "of 'tt serve --testing'"           \
	}

/* The user whom --email names. */
static int find(struct cli *cli, const struct user_values *given, struct store **store,
	struct user *user, struct err *err)
{
	if (!given->email)
		return err_set(err, ERR_USAGE, "--email says whose: it must be given");
	if (serve_open_store(cli, given->testing, store, err) < 0)
		return err->code;
	return user_find(*store, str_from(given->email), &cli->arena, user, err);
}

/* --- devices --- */

/* When one of them was seen last; INT64_MIN: never. */
static int64_t seen_ns(const struct serve_owner *owned)
{
	int64_t last_ns = INT64_MIN;

	for (size_t i = 0; i < owned->count; i++)
		if (owned->devices[i].seen_ns > last_ns)
			last_ns = owned->devices[i].seen_ns;
	return last_ns;
}

/* Of all users or, in a store that is not shared, of the store. */
static int load_all(struct cli *cli, struct store *store, bool each_user, struct serve_owner **out,
	size_t *count, struct err *err)
{
	struct user *users = NULL;

	*count = 1;
	if (each_user && user_list(store, cli->now_ns, &cli->arena, &users, count, err) < 0)
		return err->code;
	*out = arena_zalloc(&cli->arena, *count + 1, sizeof(**out));
	for (size_t i = 0; i < *count; i++) {
		if (each_user)
			(*out)[i].user = users[i];
		if (serve_load_devices(cli, store, &(*out)[i], err) < 0)
			return err->code;
	}
	return 0;
}

static void devices_json(struct cli *cli, const struct serve_owner *owned, size_t count)
{
	struct json_writer json = json_writer(&cli->out);

	json_begin_object(&json);
	json_key(&json, STR("devices"));
	json_begin_array(&json);
	for (size_t i = 0; i < count; i++) {
		for (size_t d = 0; d < owned[i].count; d++) {
			const struct device *device = &owned[i].devices[d];

			json_begin_object(&json);
			json_kv_str(&json, "user_id", cli_or_null(owned[i].user.user_id));
			json_kv_str(&json, "email", cli_or_null(owned[i].user.email));
			json_kv_str(&json, "machine_id", device->machine_id);
			json_kv_str(&json, "label", cli_or_null(device->label));
			json_kv_str(&json, "hostname", cli_or_null(device->hostname));
			json_kv_str(&json, "version", cli_or_null(device->version));
			json_kv_str(
				&json, "registered_at", cli_time_text(cli, device->registered_ns));
			json_kv_str(&json, "seen_at", cli_time_text(cli, device->seen_ns));
			json_end_object(&json);
		}
	}
	json_end_array(&json);
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
}

static void devices_table(struct cli *cli, const struct serve_owner *owned, size_t count)
{
	static const char *const headings[] = { "EMAIL", "DEVICE", "MACHINE", "LAST SYNC" };
	static const enum table_align aligns[] = { TABLE_LEFT, TABLE_LEFT, TABLE_LEFT, TABLE_LEFT };
	struct table *table = table_new(&cli->arena, ARRAY_LEN(headings), headings, aligns);
	size_t rows = 0;

	for (size_t i = 0; i < count; i++) {
		for (size_t d = 0; d < owned[i].count; d++, rows++) {
			const struct device *device = &owned[i].devices[d];
			struct str name = device->label.len > 0 ? device->label : device->hostname;

			table_row(table, (const struct str[]){ owned[i].user.email.len > 0
								       ? owned[i].user.email
								       : STR("-"),
						 name.len > 0 ? name : STR("-"), device->machine_id,
						 cli_ago(cli, device->seen_ns, "never") });
		}
	}
	if (rows > 0)
		table_print(table, &cli->out);
	else
		log_info(&cli->log,
			"No devices: each comes with its first sync, or its first event.");
}

static int devices_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	const struct user_values *given = values;
	struct serve_owner one = { 0 }, *owned = &one;
	struct store *store;
	size_t count = 1;
	int rc;

	(void)operands;
	if (given->email)
		rc = find(cli, given, &store, &one.user, err);
	else
		rc = serve_open_store(cli, given->testing, &store, err);
	if (rc < 0)
		return rc;
	rc = given->email ? serve_load_devices(cli, store, &one, err)
			  : load_all(cli, store, store_is_shared(store), &owned, &count, err);
	if (rc < 0)
		return rc;
	if (cli->globals.json)
		devices_json(cli, owned, count);
	else
		devices_table(cli, owned, count);
	return 0;
}

static const struct args_option devices_options[] = { EMAIL_OPTION, TESTING_OPTION };

const struct command command_serve_devices = {
	.name = "devices",
	.summary = "the machines that bring events, and when each was seen last",
	.usage = "[--email EMAIL] [--testing]",
	.args = { .options = devices_options, .option_count = ARRAY_LEN(devices_options) },
	.values_size = sizeof(struct user_values),
	.run = devices_run,
};

/* --- users --- */

static void users_json(struct cli *cli, const struct serve_owner *owned, size_t count)
{
	struct json_writer json = json_writer(&cli->out);

	json_begin_object(&json);
	json_key(&json, STR("users"));
	json_begin_array(&json);
	for (size_t i = 0; i < count; i++) {
		const struct user *user = &owned[i].user;

		json_begin_object(&json);
		json_kv_str(&json, "user_id", user->user_id);
		json_kv_str(&json, "email", user->email);
		json_kv_str(&json, "created_at", cli_time_text(cli, user->created_ns));
		json_kv_i64(&json, "keys", user->keys);
		json_kv_i64(&json, "devices", (int64_t)owned[i].count);
		json_kv_str(&json, "last_sync_at", cli_time_text(cli, seen_ns(&owned[i])));
		json_end_object(&json);
	}
	json_end_array(&json);
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
}

static void users_table(struct cli *cli, const struct serve_owner *owned, size_t count)
{
	static const char *const headings[] = { "EMAIL", "KEYS", "DEVICES", "LAST SYNC", "SINCE" };
	static const enum table_align aligns[] = { TABLE_LEFT, TABLE_RIGHT, TABLE_RIGHT, TABLE_LEFT,
		TABLE_LEFT };
	struct table *table = table_new(&cli->arena, ARRAY_LEN(headings), headings, aligns);
	struct arena *arena = &cli->arena;

	for (size_t i = 0; i < count; i++)
		table_row(table, (const struct str[]){ owned[i].user.email,
					 arena_printf(arena, "%lld", (long long)owned[i].user.keys),
					 arena_printf(arena, "%zu", owned[i].count),
					 cli_ago(cli, seen_ns(&owned[i]), "never"),
					 cli_ago(cli, owned[i].user.created_ns, "-") });
	if (count > 0)
		table_print(table, &cli->out);
	else
		log_info(&cli->log, "No users: 'tt serve generate-key' makes the first.");
}

static int users_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	const struct user_values *given = values;
	struct serve_owner *owned;
	struct store *store;
	size_t count;

	(void)operands;
	if (serve_open_store(cli, given->testing, &store, err) < 0 ||
		load_all(cli, store, true, &owned, &count, err) < 0)
		return err->code;
	if (cli->globals.json)
		users_json(cli, owned, count);
	else
		users_table(cli, owned, count);
	return 0;
}

static const struct args_option users_options[] = { TESTING_OPTION };

const struct command command_serve_users = {
	.name = "users",
	.summary = "who has keys, and when a device of theirs was seen last",
	.usage = "[--testing]",
	.args = { .options = users_options, .option_count = ARRAY_LEN(users_options) },
	.values_size = sizeof(struct user_values),
	.run = users_run,
};

/* --- export --- */

struct output {
	struct cli *cli;
	const char *path; /* NULL: standard output */
	int fd;
};

static int put(void *context, struct str bytes, struct err *err)
{
	struct output *output = context;

	if (output->path)
		return fs_write_all(output->fd, output->path, bytes, err);
	buf_add(&output->cli->out, bytes);
	return cli_flush(output->cli, err);
}

static int export_to(struct output *output, struct store *store, const struct user *user,
	const struct machine *machine, struct err *err)
{
	const struct export_user_request request = { .machine = machine,
		.now_ns = output->cli->now_ns };
	int rc;

	if (!output->path)
		return export_user(store, user->user_id, &request, put, output, err);
	output->fd = open(output->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (output->fd < 0)
		return err_sys(err, "%s", output->path);
	rc = export_user(store, user->user_id, &request, put, output, err);
	if (rc == 0 && fsync(output->fd) < 0)
		rc = err_sys(err, "%s", output->path);
	if (rc < 0)
		unlink(output->path);
	return rc;
}

static int export_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	const struct user_values *given = values;
	struct output output = { .cli = cli, .path = given->output, .fd = -1 };
	const struct machine *machine;
	struct store *store;
	struct user user;
	int rc = find(cli, given, &store, &user, err);

	(void)operands;
	if (rc == 0)
		rc = cli_machine(cli, &machine, err);
	if (rc == 0)
		rc = export_to(&output, store, &user, machine, err);
	fs_closep(&output.fd);
	if (rc == 0)
		log_info(&cli->log, "Everything of %.*s%s%s.", STR_ARG(user.email),
			given->output ? " is in " : "", given->output ? given->output : "");
	return rc;
}

static const struct args_option export_options[] = {
	EMAIL_OPTION,
	{ "output", 'o', ARGS_TEXT, VALUE(output), "FILE",
		"write it there (a new file, for its owner alone); else to standard output" },
	TESTING_OPTION,
};

const struct command command_serve_export = {
	.name = "export",
	.summary = "everything of one user in one stream",
	.usage = "--email EMAIL [--output FILE] [--testing]",
	.details =
		"Events in wire form, which 'tt import' takes, and between them what the user decided: devices, streams, tags,\n"
		"rules, settings, quarantine, each a JSON object on a line.",
	.args = { .options = export_options, .option_count = ARRAY_LEN(export_options) },
	.values_size = sizeof(struct user_values),
	.run = export_run,
};

/* --- erase --- */

struct doomed {
	struct serve_owner owned;
	int64_t events;
};

/* What there is to delete, for people: an erasure that was interrupted may have deleted some. */
static void look(struct cli *cli, struct store *store, struct doomed *doomed)
{
	struct store_info info;
	struct err err;

	if (serve_load_devices(cli, store, &doomed->owned, &err) < 0)
		log_debug(&cli->log, "%s", err.message);
	if (!store_is_shared(store) || serve_work_as(store, doomed->owned.user.user_id, &err) < 0)
		return;
	if (store_info(store, &info, &err) == 0)
		doomed->events = info.events;
	if (serve_work_as(store, (struct str){ NULL, 0 }, &err) < 0)
		log_debug(&cli->log, "%s", err.message);
}

static struct str contents(struct cli *cli, const struct store *store, const struct doomed *doomed)
{
	int64_t keys = doomed->owned.user.keys;

	if (!store_is_shared(store))
		return arena_printf(&cli->arena, "%lld key%s; the events are the store's and stay",
			(long long)keys, cli_plural(keys));
	return arena_printf(&cli->arena, "%lld key%s, %zu device%s, %lld event%s, and all else",
		(long long)keys, cli_plural(keys), doomed->owned.count,
		cli_plural((int64_t)doomed->owned.count), (long long)doomed->events,
		cli_plural(doomed->events));
}

/* The address has to be typed: 'y' comes too easily. */
static int confirm(struct str email, struct str what, struct err *err)
{
	char answer[ANSWER_BYTES] = "";

	if (!cli_interactive())
		return err_set(err, ERR_USAGE,
			"this cannot be undone: --yes says that it is meant, where nobody can be asked");
	fprintf(stderr,
		"Of %.*s there are %.*s. This cannot be undone.\nType the address to delete it: ",
		STR_ARG(email), STR_ARG(what));
	fflush(stderr);
	if (str_eq(str_trim(str_from(fgets(answer, sizeof(answer), stdin))), email))
		return 0;
	return err_set(err, ERR_INTERRUPTED, "that is another address: nothing was deleted");
}

static void say_erased(struct cli *cli, const struct user *user, struct str what, int64_t rows)
{
	struct json_writer json = json_writer(&cli->out);

	log_info(&cli->log, "Deleted %.*s: %.*s (%lld row%s).", STR_ARG(user->email), STR_ARG(what),
		(long long)rows, cli_plural(rows));
	if (!cli->globals.json)
		return;
	json_begin_object(&json);
	json_kv_str(&json, "user_id", user->user_id);
	json_kv_str(&json, "email", user->email);
	json_kv_i64(&json, "rows", rows);
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
}

static int erase_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	const struct user_values *given = values;
	struct doomed doomed = { .events = 0 };
	struct store *store;
	struct str what;
	int64_t rows;
	int rc = find(cli, given, &store, &doomed.owned.user, err);

	(void)operands;
	if (rc < 0)
		return rc;
	look(cli, store, &doomed);
	what = contents(cli, store, &doomed);
	if (!given->yes)
		rc = confirm(doomed.owned.user.email, what, err);
	if (rc == 0)
		rc = user_erase(store, doomed.owned.user.user_id, &rows, err);
	if (rc < 0)
		return rc;
	say_erased(cli, &doomed.owned.user, what, rows);
	return 0;
}

static const struct args_option erase_options[] = {
	EMAIL_OPTION,
	{ "yes", 'y', ARGS_FLAG, VALUE(yes), NULL, "do not ask" },
	TESTING_OPTION,
};

const struct command command_serve_erase = {
	.name = "erase",
	.summary = "delete a user and everything of theirs",
	.usage = "--email EMAIL [--yes] [--testing]",
	.details =
		"Keys, devices, events, records, settings, quarantine; in an SQLite store, which is one person's, the user and the\n"
		"keys alone. Cannot be undone: 'tt serve export' first. Cut short, call it again. Backups keep what they have.",
	.args = { .options = erase_options, .option_count = ARRAY_LEN(erase_options) },
	.values_size = sizeof(struct user_values),
	.run = erase_run,
};
