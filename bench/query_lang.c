/*
 * The query language alone: the web page's desktop query with 60 rules over a year of made-up
 * window, AFK and browser events that lie in memory, for the last day, week, month and the year.
 *
 *   query_lang [RULES]     prints times in ms: with an empty cache, and again; in brackets what of
 *                          the first was the processor's
 *
 * The memory that is printed is the process's peak without the events themselves.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/time.h"
#include "dice.h"
#include "query/lang.h"

enum {
	DAYS = 365,
	WINDOW_A_DAY = 2658,
	AFK_A_DAY = 126,
	WEB_A_DAY = 307,
	APPS = 40,
	TITLES = 40000,
	PAGES = 15000,
	RULES = 60,
	AGAIN = 5,
};

/* 2025-01-01T00:00:00Z */
#define YEAR_NS (INT64_C(1735689600) * NS_PER_S)

struct row {
	uint32_t start_ds; /* tenths of a second since the year began */
	uint32_t duration_ds : 16;
	uint32_t data : 16;
};

struct bucket {
	const char *id;
	struct row *rows; /* in the order of time */
	size_t count;
	int64_t first_data; /* data numbers of this bucket begin here */
	void (*data)(int64_t no, struct buf *out);
};

struct year {
	struct bucket buckets[3];
};

/* --- data --- */

static const char *const words[] = { "invoice", "main.rs", "GitHub", "review", "Slack", "budget",
	"parser", "notes", "mail", "terminal", "design", "issue", "release", "standup", "query" };

static void window_data(int64_t no, struct buf *out)
{
	uint64_t state = (uint64_t)no;
	const char *a = words[dice_below(&state, ARRAY_LEN(words))];
	const char *b = words[dice_below(&state, ARRAY_LEN(words))];

	if (no % APPS == 0)
		buf_printf(out, "{\"app\":\"Firefox\",\"title\":\"%s %s %d - Mozilla Firefox\"}", a,
			b, (int)no);
	else
		buf_printf(out,
			"{\"app\":\"program-%d\",\"title\":\"%s: %s of project %d \\u2014 tab %d\"}",
			(int)(no % APPS), a, b, (int)no / 100, (int)no);
}

static void afk_data(int64_t no, struct buf *out)
{
	buf_addc(out, no == 0 ? "{\"status\":\"afk\"}" : "{\"status\":\"not-afk\"}");
}

static void web_data(int64_t no, struct buf *out)
{
	buf_printf(out,
		"{\"audible\":%s,\"incognito\":false,\"tabCount\":%d,\"title\":\"page %d of "
		"site\",\"url\":\"https://www.site-%d.example/path/%d?item=%d\"}",
		no % 50 == 0 ? "true" : "false", (int)(no % 9), (int)no, (int)(no % 300), (int)no,
		(int)no);
}

/* Few are frequent, most are rare. */
static uint16_t skewed(uint64_t *dice, uint64_t count)
{
	uint64_t below = dice_below(dice, 4) == 0 ? count : 1 + count / 100;

	return (uint16_t)dice_below(dice, below);
}

/* A_DAY events from eight o'clock on, of about SECONDS each, a second between two. */
static void fill(struct bucket *bucket, uint64_t a_day, uint32_t seconds, uint64_t distinct)
{
	uint64_t dice = a_day;

	bucket->rows = mem_alloc(DAYS * a_day * sizeof(struct row));
	for (uint32_t day = 0; day < DAYS; day++) {
		uint32_t at_ds = (day * 24 + 8) * 36000;

		for (uint64_t i = 0; i < a_day; i++) {
			struct row row = { .start_ds = at_ds };

			row.duration_ds = (uint16_t)dice_below(&dice, (uint64_t)seconds * 20);
			row.data = distinct == 2 ? (uint16_t)(i % 2) : skewed(&dice, distinct);
			at_ds += row.duration_ds + (uint32_t)dice_below(&dice, 20);
			bucket->rows[bucket->count++] = row;
		}
	}
}

static void make_year(struct year *year)
{
	year->buckets[0] = (struct bucket){ .id = "aw-watcher-window_host", .data = window_data };
	year->buckets[1] = (struct bucket){ .id = "aw-watcher-afk_host", .data = afk_data };
	year->buckets[2] = (struct bucket){ .id = "aw-watcher-web-firefox", .data = web_data };
	year->buckets[1].first_data = TITLES;
	year->buckets[2].first_data = TITLES + 2;
	fill(&year->buckets[0], WINDOW_A_DAY, 11, TITLES);
	fill(&year->buckets[1], AFK_A_DAY, 300, 2);
	fill(&year->buckets[2], WEB_A_DAY, 60, PAGES);
}

/* --- the source --- */

static int list_buckets(
	void *owner, struct arena *arena, struct lang_bucket **out, size_t *count, struct err *err)
{
	struct year *year = owner;

	(void)err;
	*count = ARRAY_LEN(year->buckets);
	*out = arena_zalloc(arena, *count, sizeof(**out));
	for (size_t i = 0; i < *count; i++)
		(*out)[i] = (struct lang_bucket){ str_from(year->buckets[i].id), STR("host"),
			(int64_t)i };
	return 0;
}

static int version(void *owner, int64_t no, int64_t from_ns, int64_t to_ns, int64_t known,
	int64_t *out, struct err *err)
{
	(void)owner;
	(void)no;
	(void)from_ns;
	(void)to_ns;
	(void)known;
	(void)err;
	*out = 1;
	return 0;
}

static int load(void *owner, int64_t no, int64_t from_ns, int64_t to_ns,
	int (*take)(void *context, const struct lang_row *row, struct err *err), void *context,
	struct err *err)
{
	const struct bucket *bucket = &((struct year *)owner)->buckets[no];

	for (size_t i = bucket->count; i-- > 0;) {
		const struct row *at = &bucket->rows[i];
		struct lang_row row = {
			.number = (int64_t)i,
			.start_ns = YEAR_NS + at->start_ds * (NS_PER_S / 10),
			.duration_ns = at->duration_ds * (NS_PER_S / 10),
			.data_no = bucket->first_data + at->data,
		};
		int result = 0;

		if (row.start_ns + row.duration_ns < from_ns)
			return 0;
		if (row.start_ns <= to_ns)
			result = take(context, &row, err);
		if (result < 0)
			return result;
	}
	return 0;
}

static int data(void *owner, int64_t data_no, struct buf *out, struct err *err)
{
	const struct year *year = owner;
	size_t i = ARRAY_LEN(year->buckets) - 1;

	(void)err;
	while (data_no < year->buckets[i].first_data)
		i--;
	year->buckets[i].data(data_no - year->buckets[i].first_data, out);
	return 0;
}

/* --- the query --- */

static void add_rules(struct buf *out, int count)
{
	buf_byte(out, '[');
	for (int i = 0; i < count; i++) {
		buf_printf(out, "%s[[\"Area %d\"", i > 0 ? "," : "", i % 7);
		if (i % 3 > 0)
			buf_printf(out, ",\"Kind %d\"", i % 20);
		buf_addc(out, "],{\"type\":\"regex\",\"regex\":\"");
		for (int j = 0; j <= i % 6; j++)
			buf_printf(out, "%s%s %d", j > 0 ? "|" : "",
				words[(i + j) % (int)ARRAY_LEN(words)], i * 7 + j);
		buf_printf(out, "\",\"ignore_case\":%s}]", i % 4 == 0 ? "true" : "false");
	}
	buf_byte(out, ']');
}

static void make_program(struct buf *out, int rules)
{
	buf_addc(out, "events = flood(query_bucket(find_bucket(\"aw-watcher-window_\")));\n"
		      "not_afk = flood(query_bucket(find_bucket(\"aw-watcher-afk_\")));\n"
		      "not_afk = filter_keyvals(not_afk, \"status\", [\"not-afk\"]);\n"
		      "browser_events = [];\n"
		      "ev_firefox = flood(query_bucket(\"aw-watcher-web-firefox\"));\n"
		      "win_firefox = filter_keyvals(events, \"app\", [\"Firefox\"]);\n"
		      "re_firefox = filter_keyvals_regex(events, \"app\", \"(?i)(librewolf)\");\n"
		      "win_firefox = sort_by_timestamp(concat(win_firefox, re_firefox));\n"
		      "ev_firefox = filter_period_intersect(ev_firefox, win_firefox);\n"
		      "ev_firefox = split_url_events(ev_firefox);\n"
		      "browser_events = sort_by_timestamp(concat(browser_events, ev_firefox));\n"
		      "aud = filter_keyvals(browser_events, \"audible\", [true]);\n"
		      "not_afk = period_union(not_afk, aud);\n"
		      "events = filter_period_intersect(events, not_afk);\n"
		      "events = categorize(events, ");
	add_rules(out, rules);
	buf_addc(out, ");\n"
		      "title_events = sort_by_duration(merge_events_by_keys(events, [\"app\", "
		      "\"title\"]));\n"
		      "app_events = sort_by_duration(merge_events_by_keys(title_events, "
		      "[\"app\"]));\n"
		      "cat_events = sort_by_duration(merge_events_by_keys(events, "
		      "[\"$category\"]));\n"
		      "app_events = limit_events(app_events, 100);\n"
		      "title_events = limit_events(title_events, 100);\n"
		      "duration = sum_durations(events);\n"
		      "urls = sort_by_duration(merge_events_by_keys(browser_events, [\"url\"]));\n"
		      "domains = sort_by_duration(merge_events_by_keys(browser_events, "
		      "[\"$domain\"]));\n"
		      "titles = sort_by_duration(merge_events_by_keys(browser_events, "
		      "[\"title\"]));\n"
		      "RETURN = {\"window\": {\"app_events\": app_events, \"title_events\": "
		      "title_events, \"cat_events\": cat_events, \"active_events\": not_afk, "
		      "\"duration\": duration}, \"browser\": {\"domains\": limit_events(domains, "
		      "100), \"urls\": limit_events(urls, 100), \"titles\": limit_events(titles, "
		      "100), \"duration\": sum_durations(browser_events)}};\n");
}

/* --- measuring --- */

/* A figure of /proc/self/status in KiB; 0 where there is none. */
static long memory_kib(const char *name)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	const char *at;
	struct err err;

	if (fs_read("/proc/self/status", 1 << 16, &text, &err) < 0)
		return 0;
	at = strstr(buf_cstr(&text), name);
	return at ? strtol(at + strlen(name) + 1, NULL, 10) : 0;
}

static void reset_peak(void)
{
	FILE *file = fopen("/proc/self/clear_refs", "w");

	if (!file)
		return;
	fputs("5", file);
	fclose(file);
}

static double run_ms(struct lang *lang, struct year *year, const char *period, struct str program,
	size_t *answer_bytes)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct lang_source source = { year, 1, list_buckets, version, load, data };
	struct str text = str_from(period);
	struct lang_request request = { .periods = &text, .period_count = 1, .program = program };
	int64_t began_ns = clock_monotonic_ns();
	enum lang_kind kind;
	struct err err;

	if (lang_run(lang, &source, &request, &out, &kind, &err) < 0) {
		fprintf(stderr, "query_lang: %s\n", err.message);
		exit(1);
	}
	*answer_bytes = out.len;
	return (double)(clock_monotonic_ns() - began_ns) / 1e6;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name, *period;
	} periods[] = {
		{ "day", "2025-12-30T04:00:00Z/2025-12-31T04:00:00Z" },
		{ "week", "2025-12-24T04:00:00Z/2025-12-31T04:00:00Z" },
		{ "month", "2025-12-01T04:00:00Z/2026-01-01T04:00:00Z" },
		{ "year", "2025-01-01T04:00:00Z/2026-01-01T04:00:00Z" },
	};
	CLEANUP(buf_release) struct buf program = BUF_INIT;
	static struct year year;

	make_program(&program, argc > 1 ? atoi(argv[1]) : RULES);
	make_year(&year);
	for (size_t i = 0; i < ARRAY_LEN(periods); i++) {
		struct lang *lang = lang_new(NULL);
		struct lang_stats stats;
		double first, cpu, again = 0;
		size_t bytes;
		long before;

		reset_peak();
		before = memory_kib("VmRSS:");
		cpu = (double)clock();
		first = run_ms(lang, &year, periods[i].period, buf_str(&program), &bytes);
		cpu = ((double)clock() - cpu) * 1000 / CLOCKS_PER_SEC;
		for (int j = 0; j < AGAIN; j++)
			again += run_ms(lang, &year, periods[i].period, buf_str(&program), &bytes);
		lang_stats(lang, &stats);
		printf("%-6s first %8.1f ms (%.0f)   again %7.2f ms   answer %7.0f KiB   peak %5.1f MiB   "
		       "kept %5.1f MiB\n",
			periods[i].name, first, cpu, again / AGAIN, (double)bytes / 1024,
			(double)(memory_kib("VmHWM:") - before) / 1024,
			(double)stats.bytes / (1 << 20));
		lang_free(lang);
	}
	return 0;
}
