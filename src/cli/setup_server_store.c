/*
 * tt setup server: what it keeps events in. A database of this machine can be
 * made through psql as its administrator: the password is made up, goes to psql's standard input
 * and into the configuration, and is kept nowhere else.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "base/rng.h"
#include "cli/become.h"
#include "cli/database_url.h"
#include "cli/run_program.h"
#include "cli/setup_server.h"

enum { PASSWORD_BYTES = 24, MOST_WORDS = 24 };

const char *server_store_path(const struct server_setup *server)
{
	const char *store = server->chosen.store;

	if (database_url_is(store))
		return NULL;
	return str_starts(str_from(store), STR("sqlite:")) ? store + strlen("sqlite:") : store;
}

/* --- the store --- */

/* What `tt serve users` says over the store at URL, which makes it if it has no tables yet. */
static int try_store(struct server_setup *server, const char *url, struct run_program *run)
{
	const char *const command[] = { setup_program(&server->cli->arena), "--quiet", "--config",
		"/dev/null", "serve", "users", "--json", NULL };
	int status;

	/* Not as an argument: others see those. */
	if (setenv("TT_STORE", url, 1) < 0)
		return -1;
	status = run_program(run, server_as_account(server, command));
	unsetenv("TT_STORE");
	return status;
}

static bool run_psql(struct server_setup *server, const struct database_url *url, const char *role,
	const char *password, struct run_program *run)
{
	CLEANUP(buf_release) struct buf script = BUF_INIT;
	struct arena *arena = &server->cli->arena;
	const char *words[MOST_WORDS] = { "runuser", "-u", "postgres", "--", "psql", "--no-psqlrc",
		"--quiet", "--dbname", "postgres" };
	size_t count = 9;

	if (url->host[0] == '/') {
		words[count++] = "--host";
		words[count++] = url->host;
	}
	if (url->port[0] != '\0') {
		words[count++] = "--port";
		words[count++] = url->port;
	}
	words[count++] = "--set";
	words[count++] = arena_printf(arena, "role=%s", role).ptr;
	words[count++] = "--set";
	words[count++] =
		arena_printf(arena, "database=%s", url->database[0] ? url->database : role).ptr;
	buf_printf(&script, "\\set password '%s'\n", password);
	buf_addc(&script, setup_server_make_database);
	run->input = buf_str(&script);
	return run_program(run, words) == 0;
}

/* Role and database on this machine; the store's URL has the new password then. */
static int make_database(
	struct server_setup *server, const struct database_url *url, struct err *err)
{
	CLEANUP(run_program_release) struct run_program run = { .input = { NULL, 0 } };
	struct arena *arena = &server->cli->arena;
	const char *role = url->user[0] ? url->user : server->chosen.account;
	unsigned char random[PASSWORD_BYTES];
	char password[2 * PASSWORD_BYTES + 1];

	rng_bytes(random, sizeof(random));
	hash_hex(random, sizeof(random), password);
	if (!run_psql(server, url, role, password, &run))
		return err_set(err, ERR_REMOTE, "psql: %.*s", STR_ARG(run_program_complaint(&run)));
	server->chosen.store = database_url_with(server->chosen.store, role, password, arena);
	setup_note(&server->setup, "database", "done",
		arena_printf(arena,
			"made the role %s and the database %s, with a password of their own", role,
			url->database[0] ? url->database : role));
	return 0;
}

/* What was saved has no password: the configuration that was written last time may. */
static int find_password(struct server_setup *server, struct err *err)
{
	struct arena *arena = &server->cli->arena;
	const char *written;

	if (server_config_store(server, &written, err) < 0)
		return err->code;
	if (str_eq(database_url_shown(arena, str_from(written)), str_from(server->chosen.store)))
		server->chosen.store = written;
	return 0;
}

static bool may_make(const struct server_setup *server, const struct database_url *url)
{
	if (url->password[0] != '\0' || !database_url_is_local(url))
		return false;
	return server->chosen.make_database[0] != '\0' ||
	       (!server->yes &&
		       server_ask_yes(server,
			       "It cannot be used as it is. Make its role and database, as PostgreSQL's administrator of "
			       "this machine?",
			       true));
}

static int use_database(struct server_setup *server, struct err *err)
{
	CLEANUP(run_program_release) struct run_program run = { .input = { NULL, 0 } };
	struct arena *arena = &server->cli->arena;
	struct database_url url;
	const char *path;

	if (become_path(arena, "tt-postgres", &path, err) < 0 || find_password(server, err) < 0)
		return err->code;
	if (!database_url_parse(server->chosen.store, arena, &url))
		return err_set(err, ERR_USAGE, "the store's URL cannot be understood");
	if (server->print) {
		setup_note(&server->setup, "database", "skipped",
			arena_printf(arena, "%.*s: tried when it is meant",
				STR_ARG(database_url_shown(
					arena, str_from(server->chosen.store)))));
		return 0;
	}
	if (try_store(server, server->chosen.store, &run) != 0) {
		struct str complaint = arena_str(arena, run_program_complaint(&run));

		if (!may_make(server, &url))
			return err_set(err, ERR_REMOTE, "%.*s%s", STR_ARG(complaint),
				url.password[0] == '\0' && database_url_is_local(&url)
					? "; --make-database makes it, as PostgreSQL's administrator of this machine"
					: "");
		server->chosen.make_database = "yes"; /* also when it is called again */
		if (server_choices_save(server, "store", err) < 0 ||
			make_database(server, &url, err) < 0)
			return err->code;
		if (try_store(server, server->chosen.store, &run) != 0)
			return err_set(
				err, ERR_REMOTE, "%.*s", STR_ARG(run_program_complaint(&run)));
	}
	setup_note(&server->setup, "store", "done",
		database_url_shown(arena, str_from(server->chosen.store)));
	return 0;
}

static int use_file(struct server_setup *server, struct err *err)
{
	CLEANUP(run_program_release) struct run_program run = { .input = { NULL, 0 } };
	const char *path = server_store_path(server);
	bool exists = fs_exists(path);

	if (server->print) {
		setup_note(
			&server->setup, "store", exists ? "unchanged" : "missing", str_from(path));
		return 0;
	}
	if (server_make_dirs(server, path, err) < 0)
		return err->code;
	if (try_store(server, server->chosen.store, &run) != 0)
		return err_set(err, ERR_IO, "%.*s", STR_ARG(run_program_complaint(&run)));
	setup_note(&server->setup, "store", exists ? "unchanged" : "done", str_from(path));
	return 0;
}

int server_store(struct server_setup *server, struct err *err)
{
	return server_store_path(server) ? use_file(server, err) : use_database(server, err);
}
