/* Selecting: each filter alone, and all of them against a selection made the simple way. */
#include "query/select.h"

#include "store_fixture.h"

enum { RANDOM_EVENTS = 1500 };

static const int64_t minute = NS_PER_MINUTE;

/* Of machine A unless MACHINE says otherwise. */
struct sample {
	const char *source, *type, *key, *data, *machine;
	int64_t at_min;
};

static const struct sample samples[] = {
	{ "claude", "user_message", "p1",
		"{\"agent\":\"claude-code\",\"session_id\":\"s1\",\"cwd\":\"/w/shop\"}", MACHINE_A,
		0 },
	{ "claude", "agent_tool_use", "t1",
		"{\"agent\":\"claude-code\",\"session_id\":\"s1\",\"cwd\":\"/w/shop/src\"}",
		MACHINE_A, 1 },
	{ "claude", "agent_response", "r1",
		"{\"agent\":\"claude-code\",\"session_id\":\"s1/agent-a\",\"cwd\":\"/w/shop front\"}",
		MACHINE_A, 2 },
	{ "codex", "agent_tool_use", "t2",
		"{\"agent\":\"codex\",\"session_id\":\"s22\",\"cwd\":\"/w/blog\"}", MACHINE_A, 60 },
	{ "codex", "agent_tool_use", "t3", "{\"agent\":\"codex\",\"session_id\":\"s23\"}",
		MACHINE_B, 5000 },
	{ "remote.tmux", "tmux_pane_focus", "%1", "{\"pane_id\":\"%1\",\"cwd\":\"/w/shop\"}",
		MACHINE_B, 100000 },
	{ "manual", "note", "n", "{\"x\":\"s\\\\24\",\"session_id\":\"s\\\\24\"}", MACHINE_A,
		100001 },
};

static void take_sample(struct store *store, struct arena *arena, const struct sample *sample)
{
	CLEANUP(buf_release) struct buf id = BUF_INIT;
	struct event event = { .source = str_from(sample->source),
		.type = str_from(sample->type),
		.start_ns = T0 + sample->at_min * minute,
		.data = str_from(sample->data) };

	id_build(&id, str_from(sample->machine), event.source, event.type, event.start_ns,
		str_from(sample->key));
	event.id = arena_str(arena, buf_str(&id));
	OK(fixture_take(store, &event) == INTAKE_NEW);
}

static struct store *filled(struct fixture *f)
{
	struct store *store = open_new(f);

	for (size_t i = 0; i < ARRAY_LEN(samples); i++)
		take_sample(store, &f->arena, &samples[i]);
	return store;
}

/* The last part of the id of each event given. */
static int note_key(void *context, const struct stored_event *item, struct err *err)
{
	struct event_id parts;

	(void)err;
	OK(id_parse(item->event.id, &parts));
	OK(item->event.data.len > 0);
	buf_printf(context, "%.*s ", STR_ARG(parts.discriminator));
	return 0;
}

static struct select_result last_result;

static struct str ask(struct fixture *f, struct store *store, struct select_request request)
{
	CLEANUP(buf_release) struct buf keys = BUF_INIT;
	struct err err;
	int rc;

	if (request.span.from_ns == 0 && request.span.to_ns == 0)
		request.span = SPAN_ALWAYS;
	rc = select_run(store, &request, note_key, &keys, &last_result, &err);
	if (rc < 0) {
		buf_clear(&keys);
		buf_printf(&keys, "! %s", err.message);
	}
	return arena_str(&f->arena, buf_str(&keys));
}

#define ALL .limit = -1
#define TYPES(...)                                                                                 \
	.types = (const char *const[]){ __VA_ARGS__ },                                             \
	.type_count = ARRAY_LEN(((const char *const[]){ __VA_ARGS__ }))

static void by_type(void)
{
	struct fixture f;
	struct store *store = filled(&f);

	IS_STR(ask(&f, store, (struct select_request){ ALL }), "p1 t1 r1 t2 t3 %1 n ");
	IS_INT(last_result.count, 7);
	OK(!last_result.unknown_type && !last_result.unknown_session && !last_result.cut);
	IS_STR(ask(&f, store, (struct select_request){ ALL, TYPES("agent_tool_use") }),
		"t1 t2 t3 ");
	IS_STR(ask(&f, store, (struct select_request){ ALL, TYPES("tool_use") }), "t1 t2 t3 ");
	IS_STR(ask(&f, store, (struct select_request){ ALL, TYPES("pane_focus", "note") }),
		"%1 n ");
	IS_STR(ask(&f, store, (struct select_request){ ALL, TYPES("message") }), "");
	IS_CSTR(last_result.unknown_type, "message");
	IS_STR(ask(&f, store, (struct select_request){ ALL, TYPES("agent_error") }), "");
	OK(!last_result.unknown_type); /* known, there are just none */
	IS_STR(ask(&f, store, (struct select_request){ ALL, TYPES("note", "nope") }), "n ");
	IS_CSTR(last_result.unknown_type, "nope");
	close_all(&f, store);
}

static void by_agent_and_machine(void)
{
	struct fixture f;
	struct store *store = filled(&f);

	IS_STR(ask(&f, store, (struct select_request){ ALL, .agent = STR("claude-code") }),
		"p1 t1 r1 ");
	IS_STR(ask(&f, store, (struct select_request){ ALL, .agent = STR("claude") }), "p1 t1 r1 ");
	IS_STR(ask(&f, store, (struct select_request){ ALL, .agent = STR("codex") }), "t2 t3 ");
	IS_STR(ask(&f, store, (struct select_request){ ALL, .agent = STR("tmux") }), "%1 ");
	IS_STR(ask(&f, store, (struct select_request){ ALL, .agent = STR("remote.tmux") }), "%1 ");
	IS_STR(ask(&f, store, (struct select_request){ ALL, .agent = STR("clau") }), "");
	IS_STR(ask(&f, store, (struct select_request){ ALL, .machine_id = STR(MACHINE_B) }),
		"t3 %1 ");
	IS_STR(ask(&f, store,
		       (struct select_request){
			       ALL, .machine_id = STR(MACHINE_B), .agent = STR("codex") }),
		"t3 ");
	close_all(&f, store);
}

static void by_session(void)
{
	struct fixture f;
	struct store *store = filled(&f);

	IS_STR(ask(&f, store, (struct select_request){ ALL, .session = STR("s1") }), "p1 t1 ");
	IS_STR(ask(&f, store, (struct select_request){ ALL, .session = STR("s1/") }), "r1 ");
	IS_STR(ask(&f, store, (struct select_request){ ALL, .session = STR("s22") }), "t2 ");
	IS_STR(ask(&f, store, (struct select_request){ ALL, .session = STR("s2") }),
		"! several sessions begin with 's2': s22, s23");
	IS_STR(ask(&f, store, (struct select_request){ ALL, .session = STR("s\\") }), "n ");
	IS_STR(ask(&f, store, (struct select_request){ ALL, .session = STR("q") }), "");
	OK(last_result.unknown_session);
	close_all(&f, store);
}

static void parts_do_not_make_a_session_ambiguous(void)
{
	static const struct sample more[] = {
		{ "claude", "agent_response", "a", "{\"session_id\":\"xy1/agent-a\"}", MACHINE_A,
			0 },
		{ "claude", "agent_response", "b", "{\"session_id\":\"xy1/agent-b\"}", MACHINE_A,
			1 },
		{ "claude", "agent_response", "c", "{\"session_id\":\"xy1\"}", MACHINE_A, 2 },
	};
	struct fixture f;
	struct store *store = filled(&f);

	for (size_t i = 0; i < ARRAY_LEN(more); i++)
		take_sample(store, &f.arena, &more[i]);
	IS_STR(ask(&f, store, (struct select_request){ ALL, .session = STR("xy") }), "c ");
	IS_STR(ask(&f, store, (struct select_request){ ALL, .session = STR("xy1/agent") }),
		"! several sessions begin with 'xy1/agent': xy1/agent-a, xy1/agent-b");
	close_all(&f, store);
}

static void by_directory(void)
{
	struct fixture f;
	struct store *store = filled(&f);
	struct workspace *shop;
	struct err err;

	GOOD(workspace_make(&shop, &f.arena, STR("~/shop/"), STR("/w"), STR("/"), &err));
	IS_STR(ask(&f, store, (struct select_request){ ALL, .workspace = shop }), "p1 t1 %1 ");
	IS_STR(ask(&f, store,
		       (struct select_request){ ALL, .workspace = shop, TYPES("user_message") }),
		"p1 ");
	close_all(&f, store);
}

static void by_time(void)
{
	struct fixture f;
	struct store *store = filled(&f);
	struct span span = { T0 + minute, T0 + 60 * minute };

	IS_STR(ask(&f, store, (struct select_request){ ALL, .span = span }), "t1 r1 ");
	span.to_ns++;
	IS_STR(ask(&f, store, (struct select_request){ ALL, .span = span }), "t1 r1 t2 ");
	IS_STR(ask(&f, store, (struct select_request){ .limit = 1, .span = span }), "t2 ");
	span = (struct span){ T0 + 200000 * minute, INT64_MAX };
	IS_STR(ask(&f, store, (struct select_request){ ALL, .span = span }), "");
	span = (struct span){ INT64_MIN, T0 };
	IS_STR(ask(&f, store, (struct select_request){ ALL, .span = span }), "");
	close_all(&f, store);
}

static void the_newest(void)
{
	struct fixture f;
	struct store *store = filled(&f);

	IS_STR(ask(&f, store, (struct select_request){ .limit = 2 }), "%1 n ");
	OK(last_result.cut);
	IS_INT(last_result.count, 2);
	IS_STR(ask(&f, store, (struct select_request){ .limit = 6 }), "t1 r1 t2 t3 %1 n ");
	IS_STR(ask(&f, store, (struct select_request){ .limit = 7 }), "p1 t1 r1 t2 t3 %1 n ");
	OK(!last_result.cut);
	IS_STR(ask(&f, store, (struct select_request){ .limit = 0 }), "");
	OK(last_result.cut);
	IS_STR(ask(&f, store, (struct select_request){ .limit = 2, .agent = STR("claude") }),
		"t1 r1 ");
	IS_STR(ask(&f, store, (struct select_request){ .limit = INT64_MAX, .session = STR("s1") }),
		"p1 t1 ");
	OK(!last_result.cut);
	close_all(&f, store);
}

static void nothing_there(void)
{
	struct fixture f;
	struct store *store = open_new(&f);

	IS_STR(ask(&f, store, (struct select_request){ ALL }), "");
	IS_STR(ask(&f, store, (struct select_request){ .limit = 5, .session = STR("s") }), "");
	IS_STR(ask(&f, store, (struct select_request){ .limit = 0 }), "");
	IS_INT(last_result.count, 0);
	close_all(&f, store);
}

/* The years before and after 1970, where instants are 0 and below. */
static void around_zero(void)
{
	static const int64_t at_min[] = { -100, -1, 0, 1, 100 };
	struct fixture f;
	struct store *store = open_new(&f);
	const int64_t back_min = T0 / minute;

	for (size_t i = 0; i < ARRAY_LEN(at_min); i++) {
		struct sample sample = { "manual", "note", "", "{}", MACHINE_A,
			at_min[i] - back_min };

		sample.key = arena_printf(&f.arena, "%d", (int)at_min[i]).ptr;
		take_sample(store, &f.arena, &sample);
	}
	IS_STR(ask(&f, store, (struct select_request){ ALL }), "-100 -1 0 1 100 ");
	IS_STR(ask(&f, store, (struct select_request){ .limit = 3 }), "0 1 100 ");
	IS_STR(ask(&f, store, (struct select_request){ .limit = 4 }), "-1 0 1 100 ");
	IS_STR(ask(&f, store, (struct select_request){ ALL, .span = { 0, INT64_MAX } }),
		"0 1 100 ");
	IS_STR(ask(&f, store, (struct select_request){ ALL, .span = { INT64_MIN, 0 } }),
		"-100 -1 ");
	close_all(&f, store);
}

static int refuse(void *context, const struct stored_event *item, struct err *err)
{
	(void)item;
	return ++*(int *)context == 3 ? err_set(err, ERR_IO, "enough") : 0;
}

static void each_may_end_it(void)
{
	struct fixture f;
	struct store *store = filled(&f);
	const struct select_request all = { ALL, .span = SPAN_ALWAYS };
	struct select_result result;
	struct err err;
	int calls = 0;

	FAILS(select_run(store, &all, refuse, &calls, &result, &err), ERR_IO);
	IS_INT(calls, 3);
	close_all(&f, store);
}

/* --- against the simple way --- */

static uint64_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *state >> 33;
}

static void fill_random(struct store *store, struct arena *arena)
{
	static const char *const types[] = { "user_message", "agent_tool_use", "note" };
	struct intake *intake = begin(store);
	uint64_t state = 11;
	struct err err;

	for (int i = 0; i < RANDOM_EVENTS; i++) {
		struct str key = arena_printf(arena, "k%d", i);
		struct str data = arena_printf(arena,
			"{\"agent\":\"a%d\",\"session_id\":\"s%d\",\"cwd\":\"/w/%d\"}",
			(int)(next_random(&state) % 2), (int)(next_random(&state) % 3),
			(int)(next_random(&state) % 3));
		/* Dense hours and empty months. */
		int64_t at = (int64_t)(next_random(&state) % 40) *
				     ((int64_t)(next_random(&state) % 4) * 30000 * minute) +
			     (int64_t)(next_random(&state) % 100) * NS_PER_S;

		take(intake, event_make(arena, types[next_random(&state) % 3], T0 + at, key.ptr,
				     data.ptr));
	}
	GOOD(intake_commit(intake, &err));
	intake_free(intake);
}

/* Keys of the events that fit, the newest LIMIT, by reading everything. */
static struct str simply(
	struct fixture *f, struct store *store, const struct select_request *request)
{
	const struct event_filter all = { 0 };
	struct event_scan *scan CLEANUP(event_scan_closep) = NULL;
	struct json_parser parser = { 0 };
	struct buf out CLEANUP(buf_release) = BUF_INIT;
	size_t starts[RANDOM_EVENTS + 1], count = 0;
	struct stored_event item;
	struct err err;

	GOOD(event_scan_open(&scan, store, &all, &err));
	while (event_scan_next(scan, &item, &err) == 1) {
		struct event_facts facts;

		event_facts(&parser, item.event.data, &facts);
		if (!span_has(request->span, item.event.start_ns) ||
			(request->type_count > 0 &&
				!str_eq_c(item.event.type, request->types[0])) ||
			(request->session.len > 0 && !str_eq(facts.session_id, request->session)) ||
			(request->agent.len > 0 && !str_eq(facts.agent, request->agent)) ||
			(request->workspace && !str_eq_c(facts.cwd, "/w/1")))
			continue;
		starts[count++] = out.len;
		note_key(&out, &item, &err);
	}
	json_parser_release(&parser);
	starts[count] = out.len;
	if (request->limit >= 0 && (size_t)request->limit < count)
		buf_consume(&out, starts[count - (size_t)request->limit]);
	return arena_str(&f->arena, buf_str(&out));
}

static void all_filters_together(void)
{
	static const char *const type[] = { "agent_tool_use" };
	struct fixture f;
	struct store *store = open_new(&f);
	struct workspace *workspace;
	uint64_t state = 5;
	struct err err;

	fill_random(store, &f.arena);
	GOOD(workspace_make(&workspace, &f.arena, STR("/w/1"), STR("/h"), STR("/"), &err));
	for (int round = store_place_rounds(300); round-- > 0;) {
		struct select_request request = { .span = SPAN_ALWAYS, .limit = -1 };

		if (next_random(&state) % 2) {
			request.types = type;
			request.type_count = 1;
		}
		if (next_random(&state) % 2)
			request.session = STR("s1");
		if (next_random(&state) % 2)
			request.agent = STR("a1");
		if (next_random(&state) % 2)
			request.workspace = workspace;
		if (next_random(&state) % 4)
			request.limit = (int64_t)(next_random(&state) % 600);
		if (next_random(&state) % 2)
			request.span.from_ns =
				T0 + (int64_t)(next_random(&state) % 100) * 10000 * minute;
		if (next_random(&state) % 2)
			request.span.to_ns =
				T0 + (int64_t)(next_random(&state) % 200) * 10000 * minute;
		if (!OK(str_eq(ask(&f, store, request), simply(&f, store, &request))))
			break;
	}
	close_all(&f, store);
}

static const struct tap_case cases[] = {
	TAP_CASE(by_type),
	TAP_CASE(by_agent_and_machine),
	TAP_CASE(by_session),
	TAP_CASE(parts_do_not_make_a_session_ambiguous),
	TAP_CASE(by_directory),
	TAP_CASE(by_time),
	TAP_CASE(the_newest),
	TAP_CASE(nothing_there),
	TAP_CASE(around_zero),
	TAP_CASE(each_may_end_it),
	TAP_CASE(all_filters_together),
};

TAP_MAIN(cases)
