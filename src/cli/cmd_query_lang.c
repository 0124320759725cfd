/* tt query --lang: a program of ActivityWatch's query language over one period. In tt-serve. */
#include <stdlib.h>
#include <unistd.h>

#include "cli/become.h"
#include "cli/query_frame.h"
#include "model/limits.h"
#include "query/lang.h"
#include "serve/lang_store.h"

/* Without --since and --until: everything that can be written as a time. */
#define ALWAYS_FROM "1678-01-01T00:00:00Z"
#define ALWAYS_TO "2262-01-01T00:00:00Z"

static int read_program(const char *name, struct buf *out, struct err *err)
{
	int rc = fs_read(
		strcmp(name, "-") == 0 ? "/dev/stdin" : name, LIMIT_QUERY_TEXT_BYTES, out, err);

	return rc < 0 ? err_context(err, "--lang") : 0;
}

static struct str time_text(struct arena *arena, int64_t ns, const char *always)
{
	char text[TIME_TEXT_BYTES];

	if (ns == INT64_MIN || ns == INT64_MAX)
		return str_from(always);
	return arena_str(arena, str_from(time_format_exact(ns, text)));
}

static int find_period(
	struct cli *cli, const struct query_lang_values *values, struct str *out, struct err *err)
{
	CLEANUP(zone_freep) struct zone *zone = NULL;
	struct span_clock clock;
	struct span span;

	if (cli_zone(cli, values->zone, &zone, err) < 0)
		return err->code;
	clock = query_clock(cli, zone);
	if (span_parse(&span, values->last, values->since, values->until, &clock, err) < 0)
		return err->code;
	*out = arena_printf(&cli->arena, "%.*s/%.*s",
		STR_ARG(time_text(&cli->arena, span.from_ns, ALWAYS_FROM)),
		STR_ARG(time_text(&cli->arena, span.to_ns, ALWAYS_TO)));
	return 0;
}

/* Show the streams' bucket too, as the server does. Without an identity there is nobody's. */
static void show_streams(struct cli *cli, struct store *store, struct lang_store *source)
{
	const struct machine *machine;
	struct actor actor = store_actor(store);
	struct err none;

	if (cli_machine(cli, &machine, &none) < 0)
		return;
	actor.user_id = arena_str(&cli->arena, actor.user_id);
	actor.machine_id = machine->id;
	lang_store_streams(source, cli_store_url(cli), machine_host_name(&cli->arena).ptr, &actor,
		cli_params(cli));
}

static int run(
	struct cli *cli, const struct lang_request *request, struct buf *out, struct err *err)
{
	const struct lang_options usual = { 0 };
	struct lang_store source;
	struct store *store;
	enum lang_kind kind;
	struct lang *lang;
	int rc = query_store(cli, &store, err);

	if (rc == 0)
		rc = store_snapshot_begin(store, err);
	if (rc == 0)
		rc = lang_store_init(&source, store, err);
	if (rc < 0)
		return rc;
	lang = lang_new(&usual);
	show_streams(cli, store, &source);
	rc = lang_run(lang, &source.source, request, out, &kind, err);
	lang_free(lang);
	lang_store_release(&source);
	return rc;
}

int query_lang_run(struct cli *cli, const struct query_lang_values *values, struct err *err)
{
	CLEANUP(buf_release) struct buf program = BUF_INIT;
	CLEANUP(buf_release) struct buf answers = BUF_INIT;
	struct json_writer json = json_writer(&cli->out);
	struct lang_request request = { .period_count = 1 };
	struct str period, answer;
	int rc = read_program(values->program, &program, err);

	if (rc == 0)
		rc = find_period(cli, values, &period, err);
	request.periods = &period;
	request.program = buf_str(&program);
	if (rc == 0)
		rc = run(cli, &request, &answers, err);
	if (rc < 0)
		return rc;
	answer = buf_str(&answers);
	answer = str_sub(answer, 1, answer.len - 2); /* of the one period */
	if (cli->globals.json) {
		json_begin_object(&json);
		json_key(&json, STR("result"));
		json_put_raw(&json, answer);
		json_end_object(&json);
	} else {
		buf_add(&cli->out, answer);
	}
	buf_byte(&cli->out, '\n');
	return 0;
}
