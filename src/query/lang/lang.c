/* The engine: requests come in here. */
#include "query/lang.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/time.h"
#include "model/limits.h"
#include "query/lang/eval.h"

enum { DEFAULT_CACHE_BYTES = 48 << 20 };

struct lang {
	pthread_mutex_t lock;
	size_t cache_bytes;
	struct hoard *hoard;
	int64_t hits, misses;
};

struct period {
	int64_t from_ns, to_ns;
};

struct lang *lang_new(const struct lang_options *options)
{
	struct lang *lang = mem_zalloc(sizeof(*lang));

	pthread_mutex_init(&lang->lock, NULL);
	lang->cache_bytes = options && options->cache_bytes > 0 ? options->cache_bytes
								: (size_t)DEFAULT_CACHE_BYTES;
	lang->hoard = hoard_new(lang->cache_bytes);
	return lang;
}

void lang_free(struct lang *lang)
{
	if (!lang)
		return;
	hoard_unref(lang->hoard);
	pthread_mutex_destroy(&lang->lock);
	free(lang);
}

/* The hoard to work with: a fresh one when the old has grown too large. */
static struct hoard *take_hoard(struct lang *lang)
{
	struct hoard *hoard, *old = NULL;

	pthread_mutex_lock(&lang->lock);
	if (hoard_full(lang->hoard)) {
		old = lang->hoard;
		lang->hoard = hoard_new(lang->cache_bytes);
	}
	hoard = hoard_ref(lang->hoard);
	pthread_mutex_unlock(&lang->lock);
	hoard_unref(old);
	return hoard;
}

void lang_stats(struct lang *lang, struct lang_stats *out)
{
	pthread_mutex_lock(&lang->lock);
	out->hits = lang->hits;
	out->misses = lang->misses;
	out->bytes = (int64_t)hoard_bytes(lang->hoard);
	pthread_mutex_unlock(&lang->lock);
}

/* --- periods --- */

static int parse_period(struct str text, struct period *out, struct err *err)
{
	struct str rest = text;
	struct str start = str_split(&rest, '/');

	if (time_parse(start, &out->from_ns, err) == 0 && time_parse(rest, &out->to_ns, err) == 0)
		return 0;
	return err_context(
		err, "period '%.*s', which is not '<start>/<end>'", STR_ARG(str_sub(text, 0, 100)));
}

static int parse_periods(struct arena *arena, const struct lang_request *request,
	struct period **out, struct err *err)
{
	*out = arena_zalloc(arena, request->period_count + 1, sizeof(**out));
	if (request->period_count > LIMIT_QUERY_PERIODS)
		return err_set(err, ERR_LIMIT, "%zu periods are more than the %d a query may have",
			request->period_count, LIMIT_QUERY_PERIODS);
	for (size_t i = 0; i < request->period_count; i++) {
		int result = parse_period(request->periods[i], &(*out)[i], err);

		if (result < 0)
			return result;
	}
	return 0;
}

/* As chrono writes it: a whole second has no fraction, UTC is +00:00. */
static struct str interval_text(struct arena *arena, const struct period *period)
{
	char start[TIME_TEXT_BYTES], end[TIME_TEXT_BYTES];
	char *texts[] = { start, end };
	const int64_t instants[] = { period->from_ns, period->to_ns };

	for (size_t i = 0; i < ARRAY_LEN(instants); i++) {
		if (instants[i] % NS_PER_S == 0)
			time_format(instants[i], 0, texts[i]);
		else
			time_format_exact(instants[i], texts[i]);
		texts[i][strlen(texts[i]) - 1] = '\0'; /* the Z */
	}
	return arena_printf(arena, "%s+00:00/%s+00:00", start, end);
}

/* --- running --- */

static int parse_program(struct run *run)
{
	struct err cause;
	int code = ast_parse(&run->ast, &run->arena, run->request->program, &cause);

	if (code == 0)
		return 0;
	return run_fail_code(run, code == ERR_LIMIT ? LANG_LIMIT : LANG_PARSING_ERROR, code, "%s",
		cause.message);
}

static int run_period(struct run *run, const struct period *period, struct buf *out)
{
	struct value *result = NULL;
	int code;

	run->stale = false;
	code = eval_program(run, interval_text(&run->scratch, period), &result);
	if (code == 0)
		code = output_value(run, result, out);
	value_unref(run, result);
	arena_reset(&run->scratch);
	return code;
}

static int run_periods(struct run *run, const struct period *periods, struct buf *out)
{
	size_t count = run->request->period_count;
	int code = count > 0 ? parse_program(run) : 0;

	buf_byte(out, '[');
	for (size_t i = 0; code == 0 && i < count; i++) {
		if (i > 0)
			buf_byte(out, ',');
		code = run_period(run, &periods[i], out);
	}
	buf_byte(out, ']');
	return code;
}

static struct run start_run(struct lang *lang, const struct lang_source *source,
	const struct lang_request *request, struct err *err)
{
	const struct lang_limits *limits = &request->limits;
	int64_t time_ms = limits->time_ms > 0 ? limits->time_ms : LIMIT_QUERY_MS;

	return (struct run){
		.source = source,
		.request = request,
		.hoard = take_hoard(lang),
		.deadline_ns = clock_monotonic_ns() + time_ms * NS_PER_MS,
		.limit_bytes =
			limits->memory_bytes > 0 ? limits->memory_bytes : (size_t)LIMIT_QUERY_BYTES,
		.at = RUN_NOWHERE,
		.err = err,
	};
}

static void end_run(struct lang *lang, struct run *run)
{
	pthread_mutex_lock(&lang->lock);
	lang->hits += run->hits;
	lang->misses += run->misses;
	pthread_mutex_unlock(&lang->lock);
	events_unref(run, run->empty);
	arena_release(&run->arena);
	arena_release(&run->scratch);
	hoard_unref(run->hoard);
}

int lang_run(struct lang *lang, const struct lang_source *source,
	const struct lang_request *request, struct buf *out, enum lang_kind *kind, struct err *err)
{
	struct run run = start_run(lang, source, request, err);
	size_t before = out->len;
	struct period *periods;
	int code = parse_periods(&run.arena, request, &periods, err);

	if (code == 0)
		code = run_periods(&run, periods, out);
	*kind = run.kind;
	if (code < 0) {
		out->len = before;
		buf_reserve(out, 0)[0] = '\0';
	}
	end_run(lang, &run);
	return code;
}

int lang_check(struct str program, struct buf *canonical, struct err *err)
{
	struct arena arena = { 0 };
	struct ast ast;
	int code = ast_parse(&ast, &arena, program, err);

	if (code == 0 && canonical)
		ast_print(&ast, canonical);
	arena_release(&arena);
	return code;
}
