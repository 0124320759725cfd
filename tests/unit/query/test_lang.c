/* The engine: what it remembers, its limits, sources that fail or change, many threads. */
#include <pthread.h>

#include "lang_world.h"
#include "model/limits.h"
#include "tap.h"

static const char *const everything =
	"e = flood(query_bucket(find_bucket(\"a\")));\n"
	"p = filter_keyvals(query_bucket(\"b\"), \"k\", [\"x\", \"y\"]);\n"
	"q = filter_keyvals_regex(query_bucket(\"b\"), \"k\", \"[yz]\");\n"
	"p = period_union(p, exclude_keyvals(q, \"k\", [\"y\"]));\n"
	"e = filter_period_intersect(e, p);\n"
	"c = categorize(split_url_events(e), [[[\"X\"], {\"type\": \"regex\", \"regex\": \"x|u\"}],\n"
	"[[\"X\", \"Y\"], {\"type\": \"regex\", \"regex\": \"y\", \"select_keys\": [\"k\"]}]]);\n"
	"t = tag(e, [[\"t\", {\"type\": \"regex\", \"regex\": \"Z\", \"ignore_case\": true}]]);\n"
	"m = sort_by_duration(merge_events_by_keys(c, [\"$category\", \"k\"]));\n"
	"return {\"m\": limit_events(m, 5), \"c\": chunk_events_by_key(c, \"k\"), \"t\": t,\n"
	"\"u\": union_no_overlap(sort_by_timestamp(p), e), \"n\": query_bucket_names(),\n"
	"\"s\": sum_durations(concat(e, p)), \"e\": contains([e], t) == true};";

static void fill(struct world *world)
{
	static const char *const data[] = { "{\"k\":\"x\"}", "{\"k\":\"y\"}", "{\"k\":\"z\"}",
		"{\"k\":1,\"url\":\"http://www.u.example/p?q\"}" };
	unsigned dice = 7;

	for (size_t bucket = 0; bucket < 2; bucket++) {
		world_bucket(world, bucket == 0 ? STR("a") : STR("b"), STR("h"));
		for (int i = 0; i < 400; i++) {
			dice = dice * 1103515245u + 12345u;
			world_event(world, bucket, i,
				WORLD_START_NS + (i * 20 + (int)(dice >> 16) % 10) * NS_PER_S,
				(dice >> 20) % 20 * NS_PER_S,
				str_from(data[(dice >> 18) % ARRAY_LEN(data)]));
		}
	}
}

static struct str ask(struct lang *lang, struct world *world, const char *program, struct buf *out)
{
	struct err err;
	struct str got = world_ask(lang, world, program, out, &err);

	if (got.ptr != err.message)
		return got;
	buf_clear(out); /* the message must outlive this frame */
	buf_add(out, got);
	return buf_str(out);
}

static void remembers(void)
{
	CLEANUP(buf_release) struct buf first = BUF_INIT, second = BUF_INIT, other = BUF_INIT;
	struct lang *lang = lang_new(NULL), *fresh = lang_new(NULL);
	static struct world world;
	struct lang_stats before, after;
	struct str want, got;

	fill(&world);
	want = ask(lang, &world, everything, &first);
	OK(str_starts(want, STR("{\"c\":[{")));
	IS_INT(world.loads, 2);
	IS_INT(world.fetches, 4);
	IS_INT(world.questions, 1);
	lang_stats(lang, &before);
	got = ask(lang, &world, everything, &second);
	lang_stats(lang, &after);
	OK(str_eq(got, want));
	IS_INT(world.loads, 2);
	IS_INT(after.misses, before.misses);
	OK(after.hits > before.hits);
	OK(after.bytes > 0);
	/* A change of one bucket: what depends on it is computed again, from the data that is
	 * known. */
	world_event(
		&world, 0, 1000, WORLD_START_NS + 9000 * NS_PER_S, NS_PER_S, STR("{\"k\":\"x\"}"));
	world.buckets[0]->version++;
	got = ask(lang, &world, everything, &second);
	IS_INT(world.loads, 3);
	IS_INT(world.fetches, 4);
	IS_INT(world.questions, 1); /* nothing that is known is expected again */
	IS_INT(world.surprises, 0);
	OK(str_eq(got, ask(fresh, &world, everything, &other)));
	world_release(&world);
	lang_free(lang);
	lang_free(fresh);
}

/* Equal numbers of another source mean something else. */
static void keeps_sources_apart(void)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	const struct str period = STR("2020-01-01T00:00:00Z/2020-01-02T00:00:00Z");
	struct lang *lang = lang_new(NULL);
	static struct world worlds[2];

	for (size_t i = 0; i < 2; i++) {
		struct lang_source source = world_source(&worlds[i]);
		struct lang_request request = { &period, 1, STR("return query_bucket(\"b\");"),
			.cancelled = NULL };
		enum lang_kind kind;
		struct err err;

		source.identity = i + 1;
		world_bucket(&worlds[i], STR("b"), STR("h"));
		world_event(&worlds[i], 0, 1, WORLD_START_NS, NS_PER_S,
			i == 0 ? STR("{\"i\":0}") : STR("{\"i\":1}"));
		buf_clear(&out);
		IS_INT(lang_run(lang, &source, &request, &out, &kind, &err), 0);
		OK(str_find_str(buf_str(&out), i == 0 ? STR("\"i\":0") : STR("\"i\":1")) >= 0);
	}
	world_release(&worlds[0]);
	world_release(&worlds[1]);
	lang_free(lang);
}

/* What changes while it is read is not kept under the version from before. */
static void does_not_keep_what_moves(void)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct lang *lang = lang_new(NULL);
	static struct world world;
	struct str got;

	fill(&world);
	world.moving = true;
	ask(lang, &world, "return sum_durations(flood(query_bucket(\"a\")));", &out);
	world.buckets[0]->version =
		1; /* as if it had not happened: the version of the first time */
	world.buckets[0]->count = 0;
	got = ask(lang, &world, "return sum_durations(flood(query_bucket(\"a\")));", &out);
	IS_STR(got, "0.0");
	IS_INT(world.loads, 2);
	world_release(&world);
	lang_free(lang);
}

/* One call that stands in two places is made once. */
static void shares_equal_calls(void)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct lang_options options = { .cache_bytes = 1 };
	struct lang *lang = lang_new(&options);
	static struct world world;

	fill(&world);
	ask(lang, &world,
		"a = query_bucket(\"a\"); b = query_bucket(\"a\"); return [flood(a), flood(b)];",
		&out);
	IS_INT(world.loads, 1);
	/* What nobody asks for is not loaded. */
	ask(lang, &world, "a = flood(query_bucket(\"a\")); return 1;", &out);
	IS_INT(world.loads, 1);
	world_release(&world);
	lang_free(lang);
}

/* With next to no room, and with none left for data: the same answers. */
static void stays_small(void)
{
	static const size_t sizes[] = { 1, 4 << 10, 64 << 10, 1 << 20 };
	CLEANUP(buf_release) struct buf want = BUF_INIT, out = BUF_INIT;
	struct lang *large = lang_new(NULL);
	static struct world world;

	fill(&world);
	ask(large, &world, everything, &want);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct lang_options options = { .cache_bytes = sizes[i] };
		struct lang *lang = lang_new(&options);

		for (int round = 0; round < 4; round++) {
			OK(str_eq(ask(lang, &world, everything, &out),
				ask(large, &world, everything, &want)));
			world.buckets[round % 2]->version++;
		}
		lang_free(lang);
	}
	world_release(&world);
	lang_free(large);
}

/* Hundreds of different questions fill the cache, and no more than that. */
static void keeps_within_its_room(void)
{
	enum { ROOM = 1 << 20, FIXED = 160 << 10, QUESTIONS = 300 };
	CLEANUP(buf_release) struct buf program = BUF_INIT, out = BUF_INIT;
	struct lang_options options = { .cache_bytes = ROOM };
	struct lang *lang = lang_new(&options);
	static struct world world;
	struct lang_stats stats;

	fill(&world);
	for (int i = 0; i < QUESTIONS; i++) {
		buf_clear(&program);
		buf_printf(&program,
			"return exclude_keyvals(query_bucket(\"a\"), \"k\", [\"%d\"]);", i);
		OK(str_starts(ask(lang, &world, buf_cstr(&program), &out), STR("[{")));
		lang_stats(lang, &stats);
		OK(stats.bytes < ROOM + FIXED);
	}
	OK(stats.bytes > ROOM / 4);
	world_release(&world);
	lang_free(lang);
}

/* Whatever call fails: an error that says so, and the next run is as if nothing had been. */
static void bears_failing_sources(void)
{
	CLEANUP(buf_release) struct buf want = BUF_INIT, out = BUF_INIT;
	struct lang *fresh = lang_new(NULL);
	static struct world world;
	int calls;

	fill(&world);
	ask(fresh, &world, everything, &want);
	calls = world.calls;
	OK(calls > 8);
	for (int i = 1; i <= calls; i++) {
		struct lang *lang = lang_new(NULL);
		struct str got;

		world.calls = 0;
		world.fail_at = i;
		got = ask(lang, &world, everything, &out);
		OK(str_starts(got, STR("StoreError(\"")) &&
			str_ends(got, STR(": the disk is on \\\"fire\\\"\")")));
		world.fail_at = 0;
		got = ask(lang, &world, everything, &out);
		OK(str_eq(got, str_sub(buf_str(&want), 1, want.len - 2)));
		lang_free(lang);
	}
	world_release(&world);
	lang_free(fresh);
}

/* --- limits --- */

/* True from the time on that the counter runs out. */
static bool runs_out(void *context)
{
	return --*(int *)context < 0;
}

static int run_limited(struct lang *lang, struct world *world, const char *program,
	struct lang_limits limits, int *cancels, struct err *err)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	const struct str period = STR("2020-01-01T00:00:00Z/2020-01-02T00:00:00Z");
	struct lang_source source = world_source(world);
	struct lang_request request = { &period, 1, str_from(program), limits,
		cancels ? runs_out : NULL, cancels };
	enum lang_kind kind;
	int code;

	buf_addc(&out, "before");
	code = lang_run(lang, &source, &request, &out, &kind, err);
	if (code < 0) {
		IS_STR(buf_str(&out), "before");
		IS_INT(kind, LANG_LIMIT);
	}
	return code;
}

static void repeat(struct buf *out, const char *before, const char *line, int times)
{
	buf_clear(out);
	buf_addc(out, before);
	for (int i = 0; i < times; i++)
		buf_addc(out, line);
}

static void ends_at_limits(void)
{
	static const struct {
		const char *before, *line;
		int times;
		struct lang_limits limits;
		int code;
		const char *message;
	} programs[] = {
		{ "x = [1];", "x = [x];", 99, { 0, 0 }, 0, NULL },
		{ "x = [1];", "x = [x];", 100, { 0, 0 }, ERR_LIMIT, "nested deeper than 100" },
		{ "x = 1;", "x = {\"a\": x};", 101, { 0, 0 }, ERR_LIMIT, "nested deeper than 100" },
		{ "x = [1];", "x = [x, x];", 60, { 0, 0 }, ERR_LIMIT, "larger than 64 MB" },
		{ "x = [1];", "x = x + x;", 60, { 0, 0 }, ERR_LIMIT, "larger than 64 MB" },
		{ "x = \"long\";", "x = x + x;", 60, { 0, 0 }, ERR_LIMIT, "larger than 64 MB" },
		{ "x = \"long\";", "x = x + x;", 60, { 0, 1 << 20 }, ERR_LIMIT, "the 1 MB" },
		{ "e = query_bucket(\"a\");", "e = concat(e, e);", 60, { 0, 8 << 20 }, ERR_LIMIT,
			"the 8 MB" },
		{ "e = query_bucket(\"a\");", "e = concat(e, e);", 60, { 1, 256 << 20 },
			ERR_TIMEOUT, "too long" },
		{ "e = query_bucket(\"a\");", "e = flood(e);", 70000, { 0, 0 }, 0, NULL },
		{ "e = query_bucket(\"a\");", "e = sort_by_duration(e);", 40000, { 0, 0 }, 0,
			NULL },
	};
	CLEANUP(buf_release) struct buf program = BUF_INIT, out = BUF_INIT;
	struct lang *lang = lang_new(NULL);
	static struct world world;

	fill(&world);
	for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
		struct err err = { 0 };

		repeat(&program, programs[i].before, programs[i].line, programs[i].times);
		buf_addc(&program, programs[i].before[0] == 'e' ? "return sum_durations(e);"
								: "return x == x;");
		IS_INT(run_limited(
			       lang, &world, buf_cstr(&program), programs[i].limits, NULL, &err),
			programs[i].code);
		if (programs[i].message)
			tap_check(strstr(err.message, programs[i].message) != NULL &&
					  strncmp(err.message, "LimitExceeded(\"", 15) == 0,
				__FILE__, __LINE__, "case %zu: %s", i, err.message);
	}
	IS_STR(ask(lang, &world, "return 1;", &out), "1.0");
	world_release(&world);
	lang_free(lang);
}

static void bounds_answers(void)
{
	CLEANUP(buf_release) struct buf program = BUF_INIT;
	struct lang *lang = lang_new(NULL);
	static struct world world;
	struct err err;

	fill(&world);
	repeat(&program, "e = query_bucket(\"a\"); return [1", ", e", 100);
	buf_addc(&program, "];");
	IS_INT(run_limited(lang, &world, buf_cstr(&program), (struct lang_limits){ 0, 1 << 20 },
		       NULL, &err),
		ERR_LIMIT);
	OK(strstr(err.message, "the answer is larger than the 1 MB") != NULL);
	world_release(&world);
	lang_free(lang);
}

/* Wherever it is that a run is cancelled: what it has left behind on the way is right. */
static void can_be_cancelled(void)
{
	CLEANUP(buf_release) struct buf program = BUF_INIT, want = BUF_INIT, out = BUF_INIT;
	struct lang *lang = lang_new(NULL), *fresh = lang_new(NULL);
	static struct world world;
	int code = ERR_INTERRUPTED, patience = 0;

	fill(&world);
	/* Many rules, so that it happens within one object too. */
	repeat(&program, "r = [[[\"b\"], {\"type\": \"regex\", \"regex\": \"z\"}]",
		", [[\"a\"], {\"type\": \"regex\", \"regex\": \"[^xyz]y\"}]", 300);
	buf_addc(&program, "];");
	buf_addc(&program, "x = categorize(query_bucket(\"a\"), r);");
	buf_addc(&program, everything);
	buf_addc(&program, "return [RETURN, x];");
	ask(fresh, &world, buf_cstr(&program), &want);
	for (; code == ERR_INTERRUPTED; patience++) {
		int counter = patience;
		struct err err;

		code = run_limited(lang, &world, buf_cstr(&program), (struct lang_limits){ 0 },
			&counter, &err);
		if (code < 0)
			IS_CSTR(err.message, "LimitExceeded(\"the query was cancelled\")");
	}
	IS_INT(code, 0);
	OK(patience > 5);
	ask(lang, &world, buf_cstr(&program), &out);
	OK(str_eq(buf_str(&out), buf_str(&want)));
	world_release(&world);
	lang_free(lang);
	lang_free(fresh);
}

/* --- periods --- */

static int run_periods(const struct str *periods, size_t count, struct buf *out, struct err *err)
{
	struct lang *lang = lang_new(NULL);
	static struct world world;
	struct lang_source source = world_source(&world);
	struct lang_request request = { periods, count, STR("return TIMEINTERVAL;"),
		.cancelled = NULL };
	enum lang_kind kind;
	int code = lang_run(lang, &source, &request, out, &kind, err);

	IS_INT(kind, LANG_OK);
	world_release(&world);
	lang_free(lang);
	return code;
}

static void reads_periods(void)
{
	static const struct {
		const char *period, *interval;
	} periods[] = {
		{ "2020-01-01T00:00:00Z/2020-01-01T00:00:00.5Z",
			"2020-01-01T00:00:00+00:00/2020-01-01T00:00:00.500+00:00" },
		{ "2020-01-01 02:00:00.000001+02:00/2020-01-01t00:00:00.000000001z",
			"2020-01-01T00:00:00.000001+00:00/2020-01-01T00:00:00.000000001+00:00" },
		{ "2020-01-02T00:00:00Z/2020-01-01T00:00:00Z",
			"2020-01-02T00:00:00+00:00/2020-01-01T00:00:00+00:00" },
		{ "2020-01-02T00:00:00Z", NULL },
		{ "2020-01-02T00:00:00Z/", NULL },
		{ "2020-01-02/2020-01-03", NULL },
		{ "2020-01-02T00:00:00Z/2020-01-02T00:00:00Z/2020-01-02T00:00:00Z", NULL },
		{ "2020-01-02T00:00:00/2020-01-03T00:00:00", NULL },
		{ "1500-01-01T00:00:00Z/2020-01-01T00:00:00Z", NULL },
		{ "", NULL },
	};
	CLEANUP(buf_release) struct buf out = BUF_INIT, want = BUF_INIT;
	static struct str many[LIMIT_QUERY_PERIODS + 1];
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(periods); i++) {
		struct str period = str_from(periods[i].period);

		buf_clear(&out);
		buf_clear(&want);
		IS_INT(run_periods(&period, 1, &out, &err), periods[i].interval ? 0 : ERR_PARSE);
		if (periods[i].interval)
			buf_printf(&want, "[\"%s\"]", periods[i].interval);
		OK(str_eq(buf_str(&out), buf_str(&want)));
	}
	buf_clear(&out);
	IS_INT(run_periods(NULL, 0, &out, &err), 0);
	IS_STR(buf_str(&out), "[]");
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = STR("2020-01-01T00:00:00Z/2020-01-02T00:00:00Z");
	IS_INT(run_periods(many, LIMIT_QUERY_PERIODS, &out, &err), 0);
	IS_INT(run_periods(many, LIMIT_QUERY_PERIODS + 1, &out, &err), ERR_LIMIT);
}

/* --- threads --- */

struct worker {
	pthread_t thread;
	struct lang *lang;
	struct world world; /* its own view of the same events */
	struct str want;
	int wrong;
};

static void *work(void *context)
{
	struct worker *worker = context;
	CLEANUP(buf_release) struct buf out = BUF_INIT;

	for (int round = 0; round < 30; round++) {
		struct str got = ask(worker->lang, &worker->world, everything, &out);

		worker->wrong += !str_eq(got, worker->want);
		worker->world.buckets[0]->version = round % 5;
	}
	return NULL;
}

/* On one engine whose room is small enough that it is given up again and again. */
static void serves_many_threads(void)
{
	static const size_t sizes[] = { 0, 16 << 10 };
	enum { THREADS = 4 };
	static struct worker workers[THREADS];
	static struct world world;

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		CLEANUP(buf_release) struct buf want = BUF_INIT;
		struct lang_options options = { .cache_bytes = sizes[i] };
		struct lang *lang = lang_new(&options), *alone = lang_new(NULL);

		fill(&world);
		ask(alone, &world, everything, &want);
		for (size_t j = 0; j < THREADS; j++) {
			workers[j] = (struct worker){ .lang = lang };
			fill(&workers[j].world);
			workers[j].want = str_sub(buf_str(&want), 1, want.len - 2);
			OK(pthread_create(&workers[j].thread, NULL, work, &workers[j]) == 0);
		}
		for (size_t j = 0; j < THREADS; j++) {
			pthread_join(workers[j].thread, NULL);
			IS_INT(workers[j].wrong, 0);
			world_release(&workers[j].world);
		}
		world_release(&world);
		lang_free(lang);
		lang_free(alone);
	}
}

static void names_kinds(void)
{
	IS_CSTR(lang_kind_name(LANG_PARSING_ERROR), "ParsingError");
	IS_CSTR(lang_kind_name(LANG_REGEX_COMPILE_ERROR), "RegexCompileError");
	IS_CSTR(lang_kind_name(LANG_STORE), "StoreError");
}

static const struct tap_case cases[] = {
	TAP_CASE(remembers),
	TAP_CASE(keeps_sources_apart),
	TAP_CASE(does_not_keep_what_moves),
	TAP_CASE(shares_equal_calls),
	TAP_CASE(stays_small),
	TAP_CASE(keeps_within_its_room),
	TAP_CASE(bears_failing_sources),
	TAP_CASE(ends_at_limits),
	TAP_CASE(bounds_answers),
	TAP_CASE(can_be_cancelled),
	TAP_CASE(reads_periods),
	TAP_CASE(serves_many_threads),
	TAP_CASE(names_kinds),
};
TAP_MAIN(cases)
