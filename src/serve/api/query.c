/* Programs of the query language, over HTTP. */
#include "model/limits.h"
#include "serve/api/answer.h"
#include "serve/api/api.h"
#include "serve/api/openapi.h"
#include "serve/lang_store.h"
#include "serve/server.h"

struct query_given {
	struct str *periods;
	size_t period_count;
	struct str program;
};

/* The strings of member MEMBER, an array. */
static int read_strings(struct call *call, const struct json *root, const char *member,
	struct str **out, size_t *count, struct err *err)
{
	const struct json *list = json_get(root, member), *item;
	struct json_iter iter = json_iter(list);
	struct str key;

	if (!json_is(list, JSON_ARRAY))
		return call_fail(call, 422, err, "'%s' is %s (expected: an array of strings)",
			member, list ? "no array" : "missing");
	*count = json_len(list);
	*out = arena_zalloc(call->arena, *count, sizeof(**out));
	for (size_t i = 0; json_next(&iter, &key, &item); i++) {
		if (!json_is(item, JSON_STRING))
			return call_fail(
				call, 422, err, "'%s': element %zu is no string", member, i);
		(*out)[i] = json_str(item);
	}
	return 0;
}

/* The lines as one program. */
static struct str join(struct call *call, const struct str *lines, size_t count)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_byte(&text, '\n');
		buf_add(&text, lines[i]);
	}
	return arena_str(call->arena, buf_str(&text));
}

static int query_prepare(struct call *call, struct err *err)
{
	struct query_given *given = arena_zalloc(call->arena, 1, sizeof(*given));
	const struct json *root;
	struct str *lines;
	size_t count;
	int rc = call_body_json(call, &root, err);

	if (rc == 0)
		rc = read_strings(
			call, root, "timeperiods", &given->periods, &given->period_count, err);
	if (rc == 0)
		rc = read_strings(call, root, "query", &lines, &count, err);
	if (rc < 0)
		return rc;
	if (given->period_count > LIMIT_QUERY_PERIODS)
		return call_fail(call, 413, err, "%zu timeperiods, more than %d",
			given->period_count, LIMIT_QUERY_PERIODS);
	given->program = join(call, lines, count);
	if (given->program.len > LIMIT_QUERY_TEXT_BYTES)
		return call_fail(call, 413, err, "The query has %zu bytes, more than %d",
			given->program.len, LIMIT_QUERY_TEXT_BYTES);
	call->prepared = given;
	return 0;
}

static bool is_unwanted(void *context)
{
	const struct call *call = context;

	return http_gone(call->http) || server_stopping(call->server);
}

/* What the program got wrong is the client's (aw-server-rust says 500); what takes too long may
 * succeed when there is less to do. */
static int status_of(enum lang_kind kind, int code)
{
	if (code == ERR_TIMEOUT || code == ERR_INTERRUPTED)
		return 503;
	if (kind == LANG_OK)
		return 422; /* a period */
	return 400;
}

/* Is it the server's own failure, which is answered as every other? */
static bool is_internal(enum lang_kind kind, int code)
{
	if (kind == LANG_STORE)
		return code != ERR_TIMEOUT && code != ERR_INTERRUPTED;
	return kind == LANG_OK && code != ERR_PARSE && code != ERR_TIMEOUT &&
	       code != ERR_INTERRUPTED;
}

static int answer_fault(struct call *call, enum lang_kind kind, struct err *err)
{
	struct json_writer writer;

	if (is_internal(kind, err->code))
		return err->code;
	buf_clear(&call->reply.body);
	writer = json_writer(&call->reply.body);
	json_begin_object(&writer);
	if (kind != LANG_OK)
		json_kv_str(&writer, "type", str_from(lang_kind_name(kind)));
	json_kv_str(&writer, "message", str_from(err->message));
	json_end_object(&writer);
	call->reply.status = status_of(kind, err->code);
	return 0;
}

static int query_handle(
	struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	const struct query_given *given = call->prepared;
	const struct lang_request request = { .periods = given->periods,
		.period_count = given->period_count,
		.program = given->program,
		.cancelled = is_unwanted,
		.context = call };
	struct json_writer writer = call_json(call);
	enum lang_kind kind = LANG_STORE;
	const struct server_options *server = server_options(call->server);
	const struct actor actor = { call->who.user_id, answer_own_machine(call) };
	struct lang_store source = { 0 };
	int rc = store_snapshot_begin(store, err);

	(void)intake;
	if (rc < 0)
		return rc;
	rc = lang_store_init(&source, store, err);
	if (call->store_url) /* what is known of one says nothing of the other */
		source.source.identity = ~source.source.identity | 1;
	if (rc == 0)
		lang_store_streams(&source, server->store_url,
			arena_cstr(call->arena, answer_host(call)), &actor,
			server_attention(call->server));
	source.patience_ms = server->patience_ms;
	if (rc == 0)
		rc = lang_run(server_lang(call->server), &source.source, &request, writer.out,
			&kind, err);
	lang_store_release(&source);
	store_snapshot_end(store);
	return rc < 0 ? answer_fault(call, kind, err) : 0;
}

static const struct route_doc query_doc = {
	.tag = "query",
	.summary = "Run a program of the query language, once for each period",
	.args = { { "name", "string", false, "Accepted, means nothing" },
		{ "cache", "string", false, "Accepted, means nothing: what can be kept is" } },
	.body = "Query",
	.answer = "Answers",
	.statuses = { { 413, "More periods or text than a query may have" },
		{ 422, "A period is no `start/end` of RFC 3339 instants, or a member is missing" } },
};

static const struct route routes[] = {
	{
		.method = HTTP_POST,
		.path = "/api/0/query",
		.work = WORK_READ,
		.needs = KEY_READ,
		.is_long = answer_always_long,
		.from_copy = true,
		.body_limit = 2 * LIMIT_QUERY_TEXT_BYTES, /* quoted, with periods */
		.prepare = query_prepare,
		.handle = query_handle,
		.doc = &query_doc,
	},
};

const struct route_table api_query_routes = { routes, ARRAY_LEN(routes) };
