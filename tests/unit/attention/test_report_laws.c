/* What holds for a report of any events whatever: its explanations add up to its numbers, in all,
 * stream by stream and for what is unassigned; direct time is within tracked time. */
#include "attention/report.h"
#include "fixture.h"

enum { RANDOM_EVENTS = 120, RANDOM_STORES = 25, PERIODS_EACH = 4, SPAN_KINDS = 3 };

struct random_event {
	char key[16];
	char data[256];
};

static uint64_t below(uint64_t *state, uint64_t limit)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state % limit;
}

static void random_put(
	uint64_t *state, int number, double at, struct random_event *texts, struct put *out)
{
	static const char *const types[] = { "tmux_pane_focus", "tmux_pane_focus", "tmux_pane_blur",
		"tmux_scroll", "user_message", "agent_tool_use", "agent_tool_use", "agent_response",
		"agent_session", "afk_change", "window_focus" };
	static const char *const folders[] = { "", ",\"cwd\":\"/h/web\"", ",\"cwd\":\"/h/api\"",
		",\"cwd\":\"/h/docs\",\"git_project\":\"docs\"" };
	unsigned session = (unsigned)below(state, 4);

	snprintf(texts->key, sizeof(texts->key), "k%d", number);
	snprintf(texts->data, sizeof(texts->data),
		"{\"pane_id\":\"%%%u\",\"session_id\":\"s%u\",\"agent\":\"a%u\",\"status\":\"%s\","
		"\"idle_duration_ms\":%u,\"window_app_id\":\"%s\"%s}",
		(unsigned)below(state, 3), session, session % 2,
		below(state, 2) ? "idle" : "active", (unsigned)below(state, 600000),
		below(state, 2) ? "kitty" : "slack", folders[below(state, ARRAY_LEN(folders))]);
	*out = (struct put){
		.machine = below(state, 2) ? M1 : M2,
		.type = types[below(state, ARRAY_LEN(types))],
		.at = at,
		.key = texts->key,
		.data = texts->data,
	};
}

/* Events of some days, with pauses of all sizes. */
static void fill(struct fixture *fixture, uint64_t *state)
{
	static const uint64_t steps[] = { 10, 60, 300, 1200, 6000, 30000 };
	struct random_event texts[RANDOM_EVENTS];
	struct put puts[RANDOM_EVENTS];
	double at = 0;

	for (int i = 0; i < RANDOM_EVENTS; i++) {
		at += (double)below(state, steps[below(state, ARRAY_LEN(steps))]) / 60;
		random_put(state, i, at, &texts[i], &puts[i]);
	}
	fixture_put_all(fixture, puts, RANDOM_EVENTS);
}

static struct report built(
	struct fixture *fixture, struct arena *arena, const struct report_request *request)
{
	struct report report = { 0 };

	OK_RC(fixture, report_build(fixture->store, request, arena, &report, &fixture->err));
	return report;
}

static bool explains(const struct report *report, const struct time_totals *time)
{
	int64_t sums[SPAN_KINDS] = { 0 };

	for (size_t i = 0; i < report->explain_count; i++) {
		const struct report_explain *e = &report->explain[i];

		if (e->event_id.len == 0 || e->start_ns >= e->end_ns ||
			e->start_ns < report->request.period.start_ns ||
			e->end_ns > report->request.period.end_ns)
			return false;
		sums[e->kind] += e->end_ns - e->start_ns;
	}
	return sums[SPAN_DIRECT] == time->direct_ns && sums[SPAN_DELEGATED] == time->delegated_ns &&
	       sums[SPAN_WAITING] == time->waiting_ns;
}

/* Each stream of WHOLE, and the rest: whether they are explained, and add up to it. */
static bool parts_hold(struct fixture *fixture, struct arena *arena, struct report_request *request,
	const struct report *whole)
{
	struct time_totals rest = whole->totals;
	struct report part;

	for (size_t i = 0; i < whole->stream_count; i++) {
		const struct report_stream *stream = whole->streams[i];

		request->explain = stream->stream->id;
		part = built(fixture, arena, request);
		if (!explains(&part, &stream->time))
			return false;
		rest.direct_ns -= stream->time.direct_ns;
		rest.delegated_ns -= stream->time.delegated_ns;
		rest.waiting_ns -= stream->time.waiting_ns;
	}
	request->explain = STR("unassigned");
	part = built(fixture, arena, request);
	return explains(&part, &rest);
}

static void explanations_are_the_report(void)
{
	uint64_t state = 20260203;
	int64_t seen_ns = 0;
	int stores = store_place_rounds(RANDOM_STORES);

	for (int round = 0; round < stores; round++) {
		struct fixture fixture = fixture_open();

		fill(&fixture, &state);
		for (int i = 0; i < PERIODS_EACH; i++) {
			CLEANUP(arena_release) struct arena arena = { 0 };
			int64_t start = minute((double)below(&state, 3000));
			int64_t now = minute((double)below(&state, 9000));
			struct report_request request = {
				.period = { .type = PERIOD_CUSTOM,
					.start_ns = start,
					.end_ns = start + (int64_t)(1 + below(&state, 6000)) *
								  NS_PER_MINUTE },
				.now_ns = now,
				.params = ATTENTION_DEFAULTS,
				.explain = STR("all"),
			};
			struct report whole = built(&fixture, &arena, &request);

			seen_ns += whole.totals.direct_ns;
			OK(explains(&whole, &whole.totals));
			OK(whole.totals.direct_ns <= whole.totals.tracked_ns);
			OK(parts_hold(&fixture, &arena, &request, &whole));
		}
		fixture_close(&fixture);
	}
	OK(seen_ns > 0);
}

static const struct tap_case cases[] = { TAP_CASE(explanations_are_the_report) };

TAP_MAIN(cases)
