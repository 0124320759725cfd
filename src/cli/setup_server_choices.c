/* What has to be decided for a server: a table of choices, from options, from last time, from a
 * person, or as is usual. */
#include <stdio.h>
#include <sys/stat.h>

#include "cli/database_url.h"
#include "cli/listen.h"
#include "cli/setup_server.h"
#include "model/limits.h"

enum { ANSWER_BYTES = 1024, STATE_BYTES = 64 << 10, NEW_DIR_MODE = 0700 };

typedef const struct server_choices choices;

struct choice {
	const char *name; /* in the state file, and of the option */
	size_t offset;
	const char *question; /* NULL: nobody is asked */
	const char *usual;    /* NULL: there is no usual */
	bool (*wanted)(choices *chosen);
	/* What is wrong with it, or NULL. */
	const char *(*fault)(choices *chosen, const char *value);
};

static bool listens_beyond(choices *chosen)
{
	struct arena arena = { 0 };
	struct listen_place place;
	struct err ignored;
	bool beyond = listen_parse(chosen->listen, &arena, &place, &ignored) == 0 &&
		      !listen_is_loopback(place.address);

	arena_release(&arena);
	return beyond && chosen->plain[0] == '\0';
}

static bool has_certificate(choices *chosen)
{
	return chosen->tls_cert && chosen->tls_cert[0] != '\0';
}

static bool may_have_certificate(choices *chosen)
{
	return listens_beyond(chosen) || has_certificate(chosen);
}

static bool always(choices *chosen)
{
	(void)chosen;
	return true;
}

static const char *store_fault(choices *chosen, const char *value)
{
	struct str path = str_from(value);

	(void)chosen;
	if (database_url_is(value))
		return NULL;
	if (str_starts(path, STR("sqlite:")))
		path = str_sub(path, strlen("sqlite:"), path.len);
	return str_starts(path, STR("/")) ? NULL : "give sqlite:/PATH or postgresql://…";
}

static const char *listen_fault(choices *chosen, const char *value)
{
	struct arena arena = { 0 };
	struct listen_place place;
	struct err ignored;
	bool good = listen_parse(value, &arena, &place, &ignored) == 0 && place.port != 0;

	(void)chosen;
	arena_release(&arena);
	return good ? NULL : "write 127.0.0.1:5600, [::1]:5600 or 0.0.0.0:5600";
}

static const char *file_fault(choices *chosen, const char *value)
{
	(void)chosen;
	if (value[0] == '\0')
		return NULL;
	if (value[0] != '/')
		return "give the whole path, from / on";
	return fs_exists(value) ? NULL : "there is no such file";
}

static const char *key_fault(choices *chosen, const char *value)
{
	return value[0] == '\0' ? "a certificate needs its key" : file_fault(chosen, value);
}

static const char *email_fault(choices *chosen, const char *value)
{
	const char *at = strchr(value, '@');

	(void)chosen;
	return at && at > value && at[1] != '\0' ? NULL : "that is no e-mail address";
}

static const char *path_fault(choices *chosen, const char *value)
{
	(void)chosen;
	return value[0] == '/' ? NULL : "give the whole path, from / on";
}

static const char *name_fault(choices *chosen, const char *value)
{
	(void)chosen;
	return value[0] == '\0' || value[0] == '-' || strpbrk(value, " :/\n")
		       ? "that is no user's name"
		       : NULL;
}

static const char *no_fault(choices *chosen, const char *value)
{
	(void)chosen;
	(void)value;
	return NULL;
}

#define CHOICE(name) offsetof(struct server_choices, name)

static const struct choice table[] = {
	{ "store", CHOICE(store), "Where shall it keep events? sqlite:/PATH, or postgresql://…",
		"sqlite:/var/lib/tidemark/tt/tt.db", always, store_fault },
	{ "make-database", CHOICE(make_database), NULL, "", always, no_fault },
	{ "plain", CHOICE(plain), NULL, "", always, no_fault },
	{ "listen", CHOICE(listen), "Where shall it listen?", "127.0.0.1:5600", always,
		listen_fault },
	{ "tls-cert", CHOICE(tls_cert),
		"Others reach it there. Its certificate (PEM); nothing: a proxy in front has TLS",
		"", may_have_certificate, file_fault },
	{ "tls-key", CHOICE(tls_key), "The certificate's key (PEM)?", "", has_certificate,
		key_fault },
	{ "email", CHOICE(email), "Who is to manage it? An e-mail address", NULL, always,
		email_fault },
	{ "user", CHOICE(account), NULL, "tidemark", always, name_fault },
	{ "config", CHOICE(config), NULL, "/etc/tt/config.toml", always, path_fault },
	{ "unit", CHOICE(unit), NULL, "/etc/systemd/system/tidemark-server.service", always,
		path_fault },
};

static const char **field(struct server_choices *chosen, const struct choice *choice)
{
	return (const char **)((char *)chosen + choice->offset);
}

static const char *value_of(choices *chosen, const struct choice *choice)
{
	return *(const char *const *)((const char *)chosen + choice->offset);
}

/* --- the state file --- */

static void read_choices(struct server_setup *server, const struct json *root)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct json *value = json_get(root, table[i].name);
		const char **to = field(&server->chosen, &table[i]);

		if (!*to && json_is(value, JSON_STRING))
			*to = arena_cstr(&server->cli->arena, json_str(value));
	}
}

int server_choices_load(struct server_setup *server, struct str *unfinished, struct err *err)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct json_parser parser = { 0 };
	const struct json *root;
	struct err ignored;
	int rc = fs_read(server->state, STATE_BYTES, &text, err);

	*unfinished = (struct str){ NULL, 0 };
	if (rc == ERR_NOT_FOUND)
		return 0;
	/* One that cannot be read is not worth more than none: everything is looked at anyway. */
	if (rc == 0 && json_parse(&parser, buf_str(&text), false, &root, &ignored) == 0) {
		read_choices(server, root);
		*unfinished = arena_str(&server->cli->arena, json_get_str(root, "step"));
	}
	json_parser_release(&parser);
	return rc;
}

int server_choices_save(struct server_setup *server, const char *step, struct err *err)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct json_writer json = json_writer(&text);
	struct arena *arena = &server->cli->arena;
	int rc;

	if (server->print)
		return 0;
	json_begin_object(&json);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct str value = str_from(value_of(&server->chosen, &table[i]));

		json_kv_str(&json, table[i].name, database_url_shown(arena, value));
	}
	json_kv_str(&json, "step", str_from(step));
	json_end_object(&json);
	buf_byte(&text, '\n');
	rc = fs_make_dirs(server->cli->dirs.state, NEW_DIR_MODE, err);
	return rc < 0 ? rc : fs_write_atomic(server->state, buf_str(&text), 0600, err);
}

/* --- a person --- */

/* A line without its end, or NULL when nobody answers any more. */
static const char *read_line(char line[static ANSWER_BYTES])
{
	if (!fgets(line, ANSWER_BYTES, stdin))
		return NULL;
	line[strcspn(line, "\n")] = '\0';
	return line;
}

bool server_ask_yes(const struct server_setup *server, const char *question, bool usual)
{
	char line[ANSWER_BYTES];
	const char *answer;

	if (server->yes)
		return usual;
	fprintf(stderr, "%s [%s]: ", question, usual ? "Y/n" : "y/N");
	fflush(stderr);
	answer = read_line(line);
	if (!answer || answer[0] == '\0')
		return answer ? usual : false;
	return answer[0] == 'y' || answer[0] == 'Y';
}

/* "-" for nothing, where something would be usual. */
static int ask(struct server_setup *server, const struct choice *choice, struct err *err)
{
	const char **to = field(&server->chosen, choice), *usual = *to ? *to : choice->usual;
	struct arena *arena = &server->cli->arena;
	char line[ANSWER_BYTES];
	struct str shown;
	const char *fault;

	for (;;) {
		shown = database_url_shown(arena, str_from(usual));
		fprintf(stderr, shown.len > 0 ? "%s [%.*s]: " : "%s%.*s: ", choice->question,
			STR_ARG(shown));
		fflush(stderr);
		if (!read_line(line))
			return err_set(err, ERR_INTERRUPTED, "nobody answers: nothing was changed");
		if (line[0] != '\0')
			*to = arena_cstr(arena, strcmp(line, "-") == 0 ? (struct str){ NULL, 0 }
								       : str_trim(str_from(line)));
		else
			*to = usual ? usual : "";
		fault = choice->fault(&server->chosen, *to);
		if (!fault)
			return 0;
		log_warn(&server->cli->log, "%s", fault);
		usual = choice->usual;
	}
}

static int check(struct server_setup *server, const struct choice *choice, struct err *err)
{
	const char **to = field(&server->chosen, choice), *fault;

	if (!*to)
		*to = choice->usual;
	if (!*to)
		return err_set(err, ERR_USAGE, "--%s must be given", choice->name);
	fault = choice->fault(&server->chosen, *to);
	return fault ? err_set(err, ERR_USAGE, "--%s '%.*s': %s", choice->name,
			       STR_ARG(database_url_shown(&server->cli->arena, str_from(*to))),
			       fault)
		     : 0;
}

int server_choices_complete(struct server_setup *server, const struct server_choices *given,
	bool asking, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(table) && rc == 0; i++) {
		const struct choice *choice = &table[i];

		if (!choice->wanted(&server->chosen))
			*field(&server->chosen, choice) = "";
		else if (!server->yes && asking && choice->question && !value_of(given, choice))
			rc = ask(server, choice, err);
		else
			rc = check(server, choice, err);
	}
	if (rc == 0 && listens_beyond(&server->chosen) && !has_certificate(&server->chosen)) {
		if (server->yes)
			return err_set(err, ERR_USAGE,
				"%s can be reached by others: give --tls-cert and --tls-key, or --plain if a proxy in front has TLS",
				server->chosen.listen);
		server->chosen.plain = "yes";
	}
	if (has_certificate(&server->chosen))
		server->chosen.plain = "";
	return rc;
}
