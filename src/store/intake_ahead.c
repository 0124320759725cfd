/*
 * Looking up together what is about to be taken (sql/ahead.h). Nothing depends on it but the number
 * of questions: what was not expected is looked up by itself.
 */
#include "model/limits.h"
#include "store/intake_part.h"
#include "store/sql/ahead.h"

/* What is wrong with an event is said when it is taken. */
static bool is_askable(const struct event *event)
{
	return event->id.len > 0 && event->id.len <= LIMIT_ID_BYTES &&
	       str_find(event->id, '\0', 0) < 0;
}

static int expect(struct intake *intake, const struct event *events, size_t count, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct str *ids = arena_zalloc(&arena, count + 1, sizeof(*ids));
	struct str *datas = arena_zalloc(&arena, count + 1, sizeof(*datas));
	size_t id_count = 0, data_count = 0;

	for (size_t i = 0; i < count; i++) {
		if (!is_askable(&events[i]))
			continue;
		ids[id_count++] = events[i].id;
		if (!events[i].deleted && events[i].data.len <= LIMIT_EVENT_BYTES)
			datas[data_count++] = events[i].data;
	}
	if (events_expect(&intake->events, ids, id_count, err) < 0)
		return err->code;
	return dictionary_expect(intake->events.dictionary, datas, data_count, err);
}

/* Who wrote before will write again: under the lock what was read once is good, and what is known
 * not to be there need not be asked for. */
int intake_expect(struct intake *intake, const struct event *events, size_t count, struct err *err)
{
	bool waits = intake->lazy && !(intake->wrote && ahead_pays(intake->store));
	int rc = waits ? intake_go_on(intake, err) : intake_ready(intake, err);

	if (rc < 0 || !ahead_pays(intake->store))
		return rc;
	return intake_check(intake, expect(intake, events, count, err), err);
}

int intake_expect_lines(struct intake *intake, const struct str *lines, size_t count,
	struct str default_source, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct event *events;
	size_t event_count = 0;

	if (!ahead_pays(intake->store))
		return 0;
	events = arena_zalloc(&arena, count + 1, sizeof(*events));
	for (size_t i = 0; i < count; i++) {
		struct event *event = &events[event_count];
		struct wire_line line;
		struct err fault;

		if (wire_decode(&intake->decoder, lines[i], default_source, &line, &fault) < 0 ||
			line.kind != WIRE_EVENT)
			continue;
		event->id = arena_str(&arena, line.event.id);
		event->data = arena_str(&arena, line.event.data);
		event->deleted = line.event.deleted;
		event_count++;
	}
	return intake_expect(intake, events, event_count, err);
}
