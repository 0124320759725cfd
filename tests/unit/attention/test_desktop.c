/* The desktop's watchers, from the store to the report: windows, tabs, editors and AFK as
 * ActivityWatch's clients post them, in whatever order, with their heartbeats. */
#include "attention/report.h"

#include "fixture.h"

#define DAY_MINUTES 1440.0

enum { STORY_MAX = 16, SHUFFLES = 40 };

#define PANE(project)                                                                              \
	"{\"pane_id\":\"%1\",\"cwd\":\"/h/" project "\",\"git_project\":\"" project "\"}"
#define WINDOW_OF(machine_id, from, to, name)                                                      \
	{                                                                                          \
		.machine = (machine_id), .type = "currentwindow", .at = (from), .key = "w" #from,  \
		.data = "{\"app\":\"" name "\",\"title\":\"t\"}", .source = "aw.window",           \
		.lasts = (to) - (from)                                                             \
	}
#define WINDOW(from, to, name) WINDOW_OF(M1, from, to, name)
#define AFK_OF(machine_id, from, to, word)                                                         \
	{                                                                                          \
		.machine = (machine_id), .type = "afkstatus", .at = (from), .key = "a" #from,      \
		.data = "{\"status\":\"" word "\"}", .source = "aw.afk", .lasts = (to) - (from)    \
	}
#define AFK(from, to, word) AFK_OF(M1, from, to, word)
#define EDITOR(from, to, path)                                                                     \
	{                                                                                          \
		.type = "app.editor.activity", .at = (from), .key = "e" #from,                     \
		.data = "{\"file\":\"a.c\",\"language\":\"c\",\"project\":\"" path "\"}",          \
		.source = "aw.editor", .lasts = (to) - (from)                                      \
	}
#define FOCUS(from, project)                                                                       \
	{                                                                                          \
		.at = (from), .data = PANE(project)                                                \
	}

/* The 3rd of February 2026, which is minute -540 to 900 of the fixture. */
static struct report_request request_of(const char *explain)
{
	return (struct report_request){
		.period = { .type = PERIOD_DAY,
			.start_ns = minute(-540),
			.end_ns = minute(DAY_MINUTES - 540) },
		.explain = str_from(explain),
		.now_ns = minute(100 * DAY_MINUTES),
		.params = ATTENTION_DEFAULTS,
	};
}

struct story {
	const char *name;
	struct put puts[STORY_MAX]; /* up to the first without data */
	int direct;                 /* minutes */
	int web;                    /* of them, in the streams of this project */
	int unassigned;
};

static const struct story stories[] = {
	{ "a morning at one desk",
		{ FOCUS(0, "web"), AFK(0, 30, "not-afk"), AFK(30, 90, "afk"),
			AFK(90, 120, "not-afk"), WINDOW(0, 20, "kitty"), WINDOW(20, 100, "Slack"),
			WINDOW(100, 120, "Code"), EDITOR(105, 110, "/h/web") },
		65, 30, 35 },
	{ "an AFK threshold of 3 minutes is below the attention window",
		{ FOCUS(0, "web"), AFK(0, 1, "not-afk"), AFK(1, 60, "afk") }, 1, 1, 0 },
	{ "the watchers stop", { FOCUS(0, "web"), AFK(0, 10, "not-afk"), WINDOW(0, 10, "kitty") },
		15, 15, 0 },
	{ "another machine's AFK",
		{ FOCUS(0, "web"), AFK(0, 10, "not-afk"), WINDOW(0, 10, "kitty"),
			AFK_OF(M2, -60, 1, "not-afk"), AFK_OF(M2, 1, 60, "afk"),
			WINDOW_OF(M2, 5, 20, "Slack") },
		15, 15, 0 },
	{ "away since three weeks, and windows that change by themselves",
		{ AFK(-21 * DAY_MINUTES, 60, "afk"), WINDOW(10, 20, "Slack"),
			WINDOW(20, 70, "Mail"), AFK(60, 70, "not-afk") },
		15, 0, 15 },
	{ "a desktop that does not tell its windows",
		{ FOCUS(0, "web"), WINDOW(0, 60, "unknown"), AFK(0, 60, "not-afk") }, 5, 5, 0 },
	{ "negative and zero durations",
		{ FOCUS(0, "web"), AFK(1, -9, "afk"), AFK(2, 2, "afk"), AFK(3, 3, "not-afk"),
			WINDOW(10, 2, "Slack"), WINDOW(30, 30, "Mail"), EDITOR(40, 30, "/h/web") },
		20, 10, 10 },
	{ "what watchers leave out, or make up",
		{ FOCUS(0, "web"),
			{ .type = "afkstatus",
				.at = 1,
				.key = "x",
				.data = "{}",
				.source = "aw.x",
				.lasts = 9 },
			{ .type = "afkstatus",
				.at = 1,
				.key = "y",
				.data = "{\"status\":7}",
				.source = "aw.x",
				.lasts = 9 },
			{ .type = "currentwindow",
				.at = 2,
				.key = "z",
				.data = "{\"title\":null}",
				.source = "aw.x",
				.lasts = 8 } },
		15, 2, 13 },
	{ "an editor's project is the stream of its folder",
		{ FOCUS(0, "web"), EDITOR(10, 20, "/h/web/"), EDITOR(22, 22, "unknown") }, 22, 17,
		5 },
	{ "input and a stopwatch move no number",
		{ { .type = "os.hid.input",
			  .at = 0,
			  .key = "i",
			  .data = "{\"presses\":9}",
			  .source = "aw.input",
			  .lasts = 60 },
			{ .type = "general.stopwatch",
				.at = 0,
				.key = "s",
				.data = "{\"label\":\"web\",\"running\":true}",
				.source = "aw.stopwatch",
				.lasts = 60 } },
		0, 0, 0 },
};

static size_t story_size(const struct story *story)
{
	size_t count = 0;

	while (count < STORY_MAX && story->puts[count].data)
		count++;
	return count;
}

static void is_minutes(const struct story *story, int64_t ns, int want, const char *what)
{
	tap_check(ns == want * NS_PER_MINUTE, __FILE__, __LINE__, "%s: %s is %g minutes, want %d",
		story->name, what, (double)ns / (double)NS_PER_MINUTE, want);
}

static void check_story(struct fixture *fixture, const struct story *story)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct report_request request = request_of("all");
	struct report report = { 0 };
	int64_t web_ns = 0;

	if (!OK_RC(fixture, report_build(fixture->store, &request, &arena, &report, &fixture->err)))
		return;
	for (size_t i = 0; i < report.stream_count; i++)
		if (str_eq_c(report.streams[i]->stream->project, "web"))
			web_ns += report.streams[i]->time.direct_ns;
	is_minutes(story, report.totals.direct_ns, story->direct, "direct");
	is_minutes(story, report.totals.unassigned_direct_ns, story->unassigned, "unassigned");
	is_minutes(story, web_ns, story->web, "web");
}

static void stories_come_out(void)
{
	for (size_t i = 0; i < ARRAY_LEN(stories); i++) {
		struct fixture fixture = fixture_open();

		fixture_put_all(&fixture, stories[i].puts, story_size(&stories[i]));
		check_story(&fixture, &stories[i]);
		fixture_close(&fixture);
	}
}

static size_t below(uint64_t *state, size_t limit)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (size_t)((*state >> 33) % limit);
}

/* Each event in up to three versions, each longer than the one before, all in any order. */
static size_t shuffled(const struct story *story, uint64_t *state, struct put *out)
{
	size_t count = 0;

	for (size_t i = 0; i < story_size(story); i++) {
		size_t versions = story->puts[i].lasts > 0 ? 1 + below(state, 3) : 1;

		for (size_t version = 1; version <= versions; version++) {
			out[count] = story->puts[i];
			out[count].lasts *= (double)version / (double)versions;
			out[count].revision = (int64_t)version;
			count++;
		}
	}
	for (size_t i = count; i > 1; i--) {
		size_t at = below(state, i);
		struct put swapped = out[at];

		out[at] = out[i - 1];
		out[i - 1] = swapped;
	}
	return count;
}

static void any_order_and_any_heartbeats_come_out_the_same(void)
{
	uint64_t state = 42;

	for (int round = 0; round < SHUFFLES && !tap.failed; round++) {
		const struct story *story = &stories[below(&state, ARRAY_LEN(stories))];
		struct put puts[3 * STORY_MAX];
		size_t count = shuffled(story, &state, puts), at = 0;
		struct fixture fixture = fixture_open();

		while (at < count) {
			size_t some = 1 + below(&state, count - at);

			fixture_put_all(&fixture, puts + at, some);
			at += some;
			/* Streams are brought up to date in between. */
			OK_RC(&fixture, streams_update(fixture.store, &fixture_params, false,
						&fixture.err));
		}
		check_story(&fixture, story);
		OK_RC(&fixture, streams_update(fixture.store, &fixture_params, true, &fixture.err));
		check_story(&fixture, story);
		fixture_close(&fixture);
	}
}

static void id_is(struct str id, const struct put *put)
{
	CLEANUP(buf_release) struct buf want = BUF_INIT;

	put_id(&want, put);
	IS_STR(id, buf_cstr(&want));
}

static void explanations_name_the_window_and_what_ended_it(void)
{
	const struct story *story = &stories[0];
	const struct put *afk = &story->puts[2], *slack = &story->puts[5];
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct report_request request = request_of("unassigned");
	struct fixture fixture = fixture_open();
	struct report report = { 0 };

	fixture_put_all(&fixture, story->puts, story_size(story));
	OK_RC(&fixture, report_build(fixture.store, &request, &arena, &report, &fixture.err));
	if (IS_INT(report.explain_count, 4)) {
		IS_INT(report.explain[0].start_ns, minute(20));
		IS_INT(report.explain[0].end_ns, minute(30));
		id_is(report.explain[0].event_id, slack);
		id_is(report.explain[0].ended_by, afk);
		IS_INT(report.explain[1].start_ns, minute(90));
		IS_INT(report.explain[1].end_ns, minute(100));
		id_is(report.explain[1].event_id, slack);
		IS_STR(report.explain[1].ended_by, "");
	}
	fixture_close(&fixture);
}

/* Where the word that somebody went away is older than what was loaded, it is not named. */
static void explanations_with_someone_long_away(void)
{
	const struct put puts[] = { AFK(-21 * DAY_MINUTES, 60, "afk"), AFK(-600, 10, "not-afk"),
		WINDOW(0, 70, "Slack") };
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct report_request request = request_of("all");
	struct fixture fixture = fixture_open();
	struct report report = { 0 };

	fixture_put_all(&fixture, puts, ARRAY_LEN(puts));
	OK_RC(&fixture, report_build(fixture.store, &request, &arena, &report, &fixture.err));
	if (IS_INT(report.explain_count, 1)) {
		IS_INT(report.explain[0].start_ns, minute(0));
		IS_INT(report.explain[0].end_ns, minute(10));
		IS_STR(report.explain[0].ended_by, "");
	}
	fixture_close(&fixture);
}

static void a_withdrawn_afk_event_gives_the_time_back(void)
{
	const struct put puts[] = { WINDOW(0, 60, "Slack"), AFK(0, 10, "not-afk"),
		AFK(10, 60, "afk") };
	struct story before = { "before", .direct = 10, .unassigned = 10 };
	struct story after = { "after", .direct = 65, .unassigned = 65 };
	CLEANUP(buf_release) struct buf id = BUF_INIT;
	struct fixture fixture = fixture_open();
	struct intake *intake = NULL;

	fixture_put_all(&fixture, puts, ARRAY_LEN(puts));
	check_story(&fixture, &before);
	put_id(&id, &puts[2]);
	OK_RC(&fixture, intake_begin(&intake, fixture.store, &fixture.err));
	OK_RC(&fixture, intake_withdraw(intake, buf_str(&id), &fixture.err));
	OK_RC(&fixture, intake_commit(intake, &fixture.err));
	intake_freep(&intake);
	check_story(&fixture, &after);
	fixture_close(&fixture);
}

static const struct tap_case cases[] = {
	TAP_CASE(stories_come_out),
	TAP_CASE(any_order_and_any_heartbeats_come_out_the_same),
	TAP_CASE(explanations_name_the_window_and_what_ended_it),
	TAP_CASE(explanations_with_someone_long_away),
	TAP_CASE(a_withdrawn_afk_event_gives_the_time_back),
};
TAP_MAIN(cases)
