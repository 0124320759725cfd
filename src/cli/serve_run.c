/*
 * `tt serve` itself, in the programs that have the libraries of a server.
 *
 * Each reading of the configuration is a run of its own (struct cli), kept until the next one that
 * is good: what the server was given points into it. The descriptor of the access log stays the
 * same for ever; another file is put under it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/become.h"
#include "cli/commands.h"
#include "cli/frame.h"
#include "cli/listen.h"
#include "cli/serve_admin.h"
#include "cli/target.h"
#include "serve/server.h"
#include "store/keys.h"

struct host {
	struct cli *cli; /* of the command */
	const struct serve_values *values;
	struct cli *settings; /* of the last good reading */
	struct http_listen listen[LISTEN_MOST];
	size_t listen_count;
	const char *tls_cert, *tls_key;
	int log_fd;
};

static const char *or_config(const char *option, const char *configured)
{
	const char *value = option ? option : configured;

	return value[0] ? value : NULL;
}

/* Let the descriptor of the log lead to the configured file, or to nothing. */
static int open_log(struct host *host, const char *path, struct err *err)
{
	const char *name = path[0] ? path : "/dev/null";
	int fd = open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_sys(err, "serve.access_log: '%s'", name);
	if (host->log_fd < 0) {
		host->log_fd = fd;
		return 0;
	}
	if (dup3(fd, host->log_fd, O_CLOEXEC) < 0)
		err_sys(err, "serve.access_log: '%s'", name);
	else
		err->code = 0;
	close(fd);
	return err->code;
}

static int check_dir(const char *what, const char *path, struct err *err)
{
	struct stat status;

	if (!path)
		return 0;
	if (stat(path, &status) < 0)
		return err_sys(err, "%s: '%s'", what, path);
	return S_ISDIR(status.st_mode)
		       ? 0
		       : err_set(err, ERR_USAGE, "%s: '%s' is no directory", what, path);
}

static int check_pages(const char *const *pages, struct err *err)
{
	for (size_t i = 0; pages[i]; i++) {
		const char *equals = strchr(pages[i], '=');

		if (!equals || equals == pages[i] ||
			memchr(pages[i], '/', (size_t)(equals - pages[i])))
			return err_set(err, ERR_USAGE, "serve.pages: '%s' is not NAME=/DIRECTORY",
				pages[i]);
		if (check_dir("serve.pages", equals + 1, err) < 0)
			return err->code;
	}
	return 0;
}

static int fill_config(
	struct host *host, const struct config *config, struct server_config *out, struct err *err)
{
	const struct config_serve *from = &config->serve;

	*out = (struct server_config){
		.guard = { .require_key = from->require_key || host->values->require_key,
			.hosts = from->hosts,
			.origins = from->origins,
			.origin_regexes = from->origin_patterns },
		.rate_per_second = (int)from->rate,
		.webui = or_config(host->values->webui, from->webui),
		.pages = from->pages,
		.access_log = from->access_log[0] != '\0',
		.retention_days = config->retention_days,
		.user = config->user,
	};
	if (check_dir("serve.webui", out->webui, err) < 0 || check_pages(from->pages, err) < 0)
		return err->code;
	return open_log(host, from->access_log, err);
}

static int configure(void *owner, struct server_config *out, struct err *err)
{
	struct host *host = owner;
	struct cli *settings;
	int rc = frame_again(host->cli, &settings, err);

	if (rc == 0)
		rc = fill_config(host, &settings->config, out, err);
	if (rc < 0) {
		frame_free(settings);
		return rc;
	}
	out->attention = cli_params(settings);
	frame_free(host->settings);
	host->settings = settings;
	return 0;
}

/* --- where it listens --- */

static int add_listen(struct host *host, const char *text, struct err *err)
{
	struct listen_place place;

	if (host->listen_count == LISTEN_MOST)
		return err_set(
			err, ERR_LIMIT, "the server listens at %d places at most", LISTEN_MOST);
	if (listen_parse(text, &host->cli->arena, &place, err) < 0)
		return err->code;
	host->listen[host->listen_count++] = (struct http_listen){ place.address, place.port };
	return 0;
}

static int choose_listen(struct host *host, struct err *err)
{
	const struct args_list *given = &host->values->listen;
	const char *const *configured = host->cli->config.serve.listen;
	int rc = 0;

	for (size_t i = 0; i < given->count && rc == 0; i++)
		rc = add_listen(host, given->items[i], err);
	for (size_t i = 0; given->count == 0 && !host->values->testing && configured[i] && rc == 0;
		i++)
		rc = add_listen(host, configured[i], err);
	if (rc == 0 && host->listen_count == 0)
		host->listen[host->listen_count++] = (struct http_listen){ "127.0.0.1",
			host->values->testing ? LISTEN_PORT_TESTING : LISTEN_PORT };
	return rc;
}

static int choose_tls(struct host *host, struct err *err)
{
	const struct config_serve *config = &host->cli->config.serve;

	host->tls_cert = or_config(host->values->tls_cert, config->tls_cert);
	host->tls_key = or_config(host->values->tls_key, config->tls_key);
	if (!host->tls_cert == !host->tls_key)
		return 0;
	return err_set(err, ERR_USAGE, "a certificate and its key are both needed: %s is missing",
		host->tls_cert ? "--tls-key" : "--tls-cert");
}

static const char *address(
	const struct host *host, const struct server *server, size_t index, struct arena *arena)
{
	const char *name = host->listen[index].address;
	bool brackets = strchr(name, ':') != NULL;

	return arena_printf(arena, "%s://%s%s%s:%d", host->tls_cert ? "https" : "http",
		brackets ? "[" : "", name, brackets ? "]" : "", server_port(server, index))
		.ptr;
}

static bool has_key(struct host *host)
{
	struct arena arena = { 0 };
	struct api_key *keys;
	struct store *store;
	size_t count = 0;
	struct err ignored;

	if (cli_store_to_administer(host->cli, &store, &ignored) == 0 &&
		key_list(store, &arena, &keys, &count, &ignored) < 0)
		count = 0;
	arena_release(&arena);
	store_close(host->cli->store);
	host->cli->store = NULL;
	return count > 0;
}

static void warn_of_strangers(struct host *host)
{
	bool loopback = true;

	for (size_t i = 0; i < host->listen_count; i++)
		loopback &= listen_is_loopback(host->listen[i].address);
	if (!loopback && !host->tls_cert && !host->cli->config.serve.plain)
		log_warn(&host->cli->log,
			"OTHERS CAN READ WHAT IS SENT: this listens beyond this machine without TLS. "
			"Give --tls-cert and --tls-key, or set serve.plain = true if a proxy in front has TLS");
	if ((!loopback || host->cli->config.serve.require_key || host->values->require_key) &&
		!has_key(host))
		log_warn(&host->cli->log,
			"there is no key yet, and without one nobody from elsewhere is let in: "
			"tt serve generate-key --email you@example.org");
}

static void ready(void *owner, const struct server *server)
{
	struct host *host = owner;
	struct cli *cli = host->cli;
	struct json_writer json = json_writer(&cli->out);
	struct err err;

	for (size_t i = 0; i < host->listen_count; i++)
		log_info(&cli->log, "serving on %s", address(host, server, i, &cli->arena));
	if (!cli->globals.json)
		return;
	json_begin_object(&json);
	json_kv_i64(&json, "pid", getpid());
	json_key(&json, STR("listen"));
	json_begin_array(&json);
	for (size_t i = 0; i < host->listen_count; i++)
		json_put_str(&json, str_from(address(host, server, i, &cli->arena)));
	json_end_array(&json);
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
	if (cli_flush(cli, &err) < 0)
		log_warn(&cli->log, "%s", err.message);
}

/* --- the command --- */

/* What is in the way may be ours: the daemon of this store serves, too. */
static int explain_busy(struct cli *cli, struct err *err)
{
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	const struct err busy = *err;
	const struct json *state;
	struct target target;
	struct err ignored;

	if (target_find(cli, &target, &ignored) < 0 || !target.found.running)
		return busy.code;
	state = instance_read_state(&target.paths, &parser, &text);
	if (!json_is(json_get(json_get(state, "serve"), "listen"), JSON_ARRAY))
		return busy.code;
	return err_set(err, busy.code,
		"%s ('tt start' serves this store already, as process %lld; 'tt stop' ends it)",
		busy.message, (long long)target.found.pid);
}

static int run_server(struct host *host, const struct machine *machine, struct err *err)
{
	struct cli *cli = host->cli;
	struct server_options options = {
		.store_url = cli_store_url(cli),
		.read_store = cli->config.serve.read_store,
		.patience_ms = cli->config.serve.store_patience_ns / NS_PER_MS,
		.http = { .listen = host->listen,
			.listen_count = host->listen_count,
			.tls_cert = host->tls_cert,
			.tls_key = host->tls_key },
		.testing = host->values->testing,
		.hostname = machine_host_name(&cli->arena).ptr,
		.machine_id = arena_cstr(&cli->arena, machine->id),
		.machine_label = arena_cstr(&cli->arena, machine->label),
		.configure = configure,
		.ready = ready,
		.owner = host,
	};
	int rc;

	if (configure(host, &options.config, err) < 0)
		return err->code;
	options.log_fd = host->log_fd;
	warn_of_strangers(host);
	rc = server_run(&options, err);
	return rc == ERR_BUSY ? explain_busy(cli, err) : rc;
}

int serve_run(struct cli *cli, const struct serve_values *values, struct err *err)
{
	struct host host = { .cli = cli, .values = values, .log_fd = -1 };
	const struct machine *machine;
	int rc;

	rc = serve_choose_store(cli, values->testing, err);
	if (rc == 0)
		rc = cli_machine(cli, &machine, err);
	if (rc == 0)
		rc = choose_listen(&host, err);
	if (rc == 0)
		rc = choose_tls(&host, err);
	if (rc == 0)
		rc = run_server(&host, machine, err);
	frame_free(host.settings);
	fs_closep(&host.log_fd);
	return rc;
}
