/*
 * tt setup server: its configuration and the first key. In the configuration one marked part is
 * ours; whatever else stands there stays. It is ours to the byte: what the server shall do
 * otherwise belongs behind it.
 */
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "base/toml.h"
#include "cli/run_program.h"
#include "cli/setup_server.h"
#include "model/limits.h"

#define BEGIN "# >>> 'tt setup server' writes and removes what stands between these two lines\n"
#define END "# <<<\n"

enum { CONFIG_MODE = 0640, CONFIG_DIR_MODE = 0755 };

/* --- the text --- */

static void put_text(struct buf *out, const char *key, const char *value)
{
	buf_printf(out, "%s = \"", key);
	for (const char *c = value; *c; c++) {
		if (*c == '"' || *c == '\\')
			buf_byte(out, '\\');
		buf_byte(out, *c);
	}
	buf_addc(out, "\"\n");
}

int server_config_text(
	struct server_setup *server, const char *store, struct buf *out, struct err *err)
{
	const struct server_choices *chosen = &server->chosen;

	(void)err;
	buf_addc(out, BEGIN);
	put_text(out, "store", store);
	buf_printf(out, "serve.listen = [\"%s\"]\n", chosen->listen);
	if (chosen->tls_cert[0]) {
		put_text(out, "serve.tls_cert", chosen->tls_cert);
		put_text(out, "serve.tls_key", chosen->tls_key);
	}
	/* Whoever has an account here is not therefore one of its users. */
	buf_addc(out, "serve.require_key = true\n");
	if (chosen->plain[0])
		buf_addc(out, "serve.plain = true\n");
	buf_addc(out, END);
	return 0;
}

/* Our part of TEXT; an empty view: it has none. */
static struct str our_part(struct str text)
{
	ptrdiff_t begin = str_find_str(text, STR(BEGIN)), length;
	struct str rest;

	if (begin < 0)
		return (struct str){ NULL, 0 };
	rest = str_sub(text, (size_t)begin, text.len);
	length = str_find_str(rest, STR(END));
	return length < 0 ? rest : str_sub(rest, 0, (size_t)length + strlen(END));
}

/* TEXT with PART, which may be empty, in the place of ours: at the head, before any table. */
static void replace_part(struct str text, struct str part, struct buf *out)
{
	struct str ours = our_part(text);

	if (ours.len == 0) {
		buf_add(out, part);
		buf_add(out, text);
		return;
	}
	buf_add(out, (struct str){ text.ptr, (size_t)(ours.ptr - text.ptr) });
	buf_add(out, part);
	buf_add(out, str_sub(text, (size_t)(ours.ptr - text.ptr) + ours.len, text.len));
}

static int read_config(struct server_setup *server, struct buf *out, bool *exists, struct err *err)
{
	int rc = fs_read(server->chosen.config, LIMIT_CONFIG_BYTES, out, err);

	*exists = rc == 0;
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

int server_config_store(struct server_setup *server, const char **out, struct err *err)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct arena *arena = &server->cli->arena;
	const struct toml *store;
	struct toml *root;
	bool exists;

	*out = "";
	if (read_config(server, &text, &exists, err) < 0)
		return err->code;
	if (toml_parse(&root, our_part(buf_str(&text)), arena, err) < 0)
		return err_context(err, "%s", server->chosen.config);
	store = toml_get(root, STR("store"));
	if (store && store->type == TOML_STRING)
		*out = arena_cstr(arena, store->string);
	return 0;
}

/* --- the file --- */

/* The account reads it, and nobody else: a password may stand in it. */
static int give(struct server_setup *server, const char *path, struct err *err)
{
	const struct passwd *account = getpwnam(server->chosen.account);

	if (account && account->pw_uid != geteuid() && chown(path, geteuid(), account->pw_gid) < 0)
		return err_sys(err, "%s", path);
	return chmod(path, CONFIG_MODE) < 0 ? err_sys(err, "%s", path) : 0;
}

/* Is it a configuration, together with what stands there? It is tried beside its place. */
static int write_config(struct server_setup *server, struct str text, struct err *err)
{
	struct arena *arena = &server->cli->arena;
	const char *path = server->chosen.config;
	const char *trial = arena_printf(arena, "%s.new", path).ptr;
	const char *dir =
		arena_cstr(arena, (struct str){ path, (size_t)(strrchr(path, '/') - path) });
	struct config config;
	int rc = fs_make_dirs(dir, CONFIG_DIR_MODE, err);

	if (rc == 0)
		rc = fs_write_atomic(trial, text, 0600, err);
	if (rc < 0)
		return rc;
	rc = config_load(&config, trial, true, arena, err);
	if (rc < 0)
		err_context(err, "with what stands in %s it would not be one", path);
	if (rc == 0)
		rc = give(server, trial, err);
	if (rc == 0 && rename(trial, path) < 0)
		rc = err_sys(err, "%s", path);
	if (rc < 0)
		unlink(trial);
	return rc;
}

/* Certificate and key are the account's to read too. */
static int check_files(struct server_setup *server, struct err *err)
{
	const char *const files[] = { server->chosen.tls_cert, server->chosen.tls_key };

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		const char *const command[] = { "test", "-r", files[i], NULL };

		if (files[i][0] && !run_program_succeeds(server_as_account(server, command)))
			return err_set(err, ERR_READONLY,
				"%s cannot be read by %s: give it to its group (chgrp %s, chmod 640)",
				files[i], server->chosen.account, server->chosen.account);
	}
	return 0;
}

int server_config_step(struct server_setup *server, struct err *err)
{
	CLEANUP(buf_release) struct buf old = BUF_INIT, part = BUF_INIT, text = BUF_INIT;
	struct arena *arena = &server->cli->arena;
	const char *path = server->chosen.config;
	bool exists;

	if (read_config(server, &old, &exists, err) < 0 ||
		server_config_text(server, server->chosen.store, &part, err) < 0)
		return err->code;
	replace_part(buf_str(&old), buf_str(&part), &text);
	if (exists && str_eq(buf_str(&old), buf_str(&text))) {
		setup_note(&server->setup, "config", "unchanged", str_from(path));
		return 0;
	}
	if (server->print) {
		setup_note(&server->setup, "config", "missing", str_from(path));
		return 0;
	}
	if (check_files(server, err) < 0 || write_config(server, buf_str(&text), err) < 0)
		return err->code;
	server->changed = true;
	setup_note(&server->setup, "config", "done", arena_printf(arena, "wrote %s", path));
	return 0;
}

int server_config_remove(struct server_setup *server, struct err *err)
{
	CLEANUP(buf_release) struct buf old = BUF_INIT, text = BUF_INIT;
	struct arena *arena = &server->cli->arena;
	const char *path = server->chosen.config;
	bool exists;

	if (read_config(server, &old, &exists, err) < 0)
		return err->code;
	if (our_part(buf_str(&old)).len == 0) {
		setup_note(&server->setup, "config", "unchanged", str_from(path));
		return 0;
	}
	replace_part(buf_str(&old), (struct str){ NULL, 0 }, &text);
	if (server->print) {
		setup_note(&server->setup, "config", "missing",
			arena_printf(arena, "our part of %s goes", path));
		return 0;
	}
	if (text.len > 0 ? write_config(server, buf_str(&text), err) < 0 : unlink(path) < 0)
		return text.len > 0 ? err->code : err_sys(err, "%s", path);
	setup_note(&server->setup, "config", "done",
		arena_printf(arena, text.len > 0 ? "removed from %s" : "removed %s", path));
	return 0;
}

/* --- the first key --- */

static int ask_tt(struct server_setup *server, const char *const *words, struct run_program *run,
	struct json_parser *parser, const struct json **root, struct err *err)
{
	const char *command[16] = { setup_program(&server->cli->arena), "--quiet", "--config",
		server->chosen.config, "--json", "serve" };
	size_t count = 6;

	while (*words && count + 1 < ARRAY_LEN(command))
		command[count++] = *words++;
	if (run_program(run, server_as_account(server, command)) != 0)
		return err_set(err, ERR_IO, "tt serve %s: %.*s", command[6],
			STR_ARG(run_program_complaint(run)));
	return json_parse(parser, buf_str(&run->out), false, root, err);
}

/* Has the manager a key that is good and may manage? */
static int has_key(struct server_setup *server, bool *out, struct err *err)
{
	static const char *const words[] = { "keys", NULL };
	CLEANUP(run_program_release) struct run_program run = { .input = { NULL, 0 } };
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	const struct json *root = NULL, *row;
	struct json_iter iter;
	struct str key;
	int rc = ask_tt(server, words, &run, &parser, &root, err);

	*out = false;
	iter = json_iter(json_get(root, "keys"));
	while (rc == 0 && json_next(&iter, &key, &row))
		*out |= str_eq_c(json_get_str(row, "email"), server->chosen.email) &&
			str_eq_c(json_get_str(row, "role"), "admin") &&
			str_eq_c(json_get_str(row, "status"), "good");
	return rc;
}

/* At once: whatever fails later, nobody can show it again. */
static int show_key(struct server_setup *server, struct str key, struct err *err)
{
	struct cli *cli = server->cli;

	server->setup.key = arena_str(&cli->arena, key);
	if (cli->globals.json)
		return 0;
	buf_add(&cli->out, key);
	buf_byte(&cli->out, '\n');
	return cli_flush(cli, err);
}

int server_key(struct server_setup *server, struct err *err)
{
	const char *const words[] = { "generate-key", "--email", server->chosen.email, "--role",
		"admin", "--name", "tt setup server", NULL };
	CLEANUP(run_program_release) struct run_program run = { .input = { NULL, 0 } };
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	struct arena *arena = &server->cli->arena;
	const struct json *root;
	bool there;

	if (server->print) {
		setup_note(&server->setup, "key", "skipped",
			arena_printf(arena, "an admin's key of %s, unless there is one",
				server->chosen.email));
		return 0;
	}
	if (has_key(server, &there, err) < 0)
		return err->code;
	if (there) {
		setup_note(&server->setup, "key", "unchanged",
			arena_printf(arena, "%s has one", server->chosen.email));
		return 0;
	}
	if (ask_tt(server, words, &run, &parser, &root, err) < 0 ||
		show_key(server, json_get_str(root, "key"), err) < 0)
		return err->code;
	setup_note(&server->setup, "key", "done",
		arena_printf(
			arena, "of %s, who may manage; shown once, above", server->chosen.email));
	return 0;
}
