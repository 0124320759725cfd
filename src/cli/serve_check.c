/* `tt serve check`: asks the server where the configuration says that it listens. */
#include "cli/become.h"
#include "cli/listen.h"
#include "serve/http_probe.h"

struct answer {
	const char *url;
	bool healthy;
	bool ready;
	struct str error; /* empty: all is well */
};

/* Where this machine reaches what listens everywhere. */
static const char *reachable(const char *address)
{
	if (strcmp(address, "0.0.0.0") == 0)
		return "127.0.0.1";
	return strcmp(address, "::") == 0 ? "::1" : address;
}

/* False: what is wrong is in ANSWER. */
static bool ask(
	struct cli *cli, const struct http_probe *probe, const char *path, struct answer *answer)
{
	CLEANUP(buf_release) struct buf body = BUF_INIT;
	struct err err;
	int status;

	if (http_probe(probe, path, &status, &body, &err) < 0)
		answer->error = arena_str(&cli->arena, str_from(err.message));
	else if (status != 200)
		answer->error = arena_printf(&cli->arena, "%s answers %d: %.*s", path, status,
			STR_ARG(str_trim(buf_str(&body))));
	return answer->error.len == 0;
}

static int check(struct cli *cli, const char *text, struct answer *out, struct err *err)
{
	struct http_probe probe = { .tls = cli->config.serve.tls_cert[0] != '\0' };
	struct listen_place place;
	bool brackets;

	if (listen_parse(text, &cli->arena, &place, err) < 0)
		return err->code;
	if (place.port == 0)
		return err_set(
			err, ERR_USAGE, "serve.listen: which port '%s' became is not known", text);
	probe.address = reachable(place.address);
	probe.port = place.port;
	brackets = strchr(probe.address, ':') != NULL;
	*out = (struct answer){ .url = arena_printf(&cli->arena, "%s://%s%s%s:%d",
					probe.tls ? "https" : "http", brackets ? "[" : "",
					probe.address, brackets ? "]" : "", probe.port)
					       .ptr };
	out->healthy = ask(cli, &probe, "/healthz", out);
	out->ready = out->healthy && ask(cli, &probe, "/readyz", out);
	return 0;
}

static void print_json(struct cli *cli, const struct answer *answers, size_t count)
{
	struct json_writer json = json_writer(&cli->out);

	json_begin_object(&json);
	json_key(&json, STR("servers"));
	json_begin_array(&json);
	for (size_t i = 0; i < count; i++) {
		json_begin_object(&json);
		json_kv_str(&json, "url", str_from(answers[i].url));
		json_kv_bool(&json, "healthy", answers[i].healthy);
		json_kv_bool(&json, "ready", answers[i].ready);
		json_kv_str(&json, "error",
			answers[i].error.len > 0 ? answers[i].error : (struct str){ NULL, 0 });
		json_end_object(&json);
	}
	json_end_array(&json);
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
}

int serve_check_run(struct cli *cli, struct err *err)
{
	static const char *const usual[] = { "127.0.0.1:5600", NULL };
	const char *const *places = cli->config.serve.listen;
	struct answer answers[LISTEN_MOST];
	size_t count = 0;
	int rc = 0;

	if (!places[0])
		places = usual;
	for (; places[count] && count < LISTEN_MOST; count++)
		if (check(cli, places[count], &answers[count], err) < 0)
			return err->code;
	for (size_t i = 0; i < count; i++)
		if (!answers[i].ready)
			rc = CLI_PARTIAL;
	if (cli->globals.json) {
		print_json(cli, answers, count);
		return rc;
	}
	for (size_t i = 0; i < count; i++)
		buf_printf(&cli->out, "%s  %s%.*s\n", answers[i].url,
			answers[i].ready     ? "ready"
			: answers[i].healthy ? "alive, but not ready: "
					     : "",
			STR_ARG(answers[i].error));
	return rc;
}
