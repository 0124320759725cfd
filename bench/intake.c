/*
 * The rate of the intake alone: events are decoded first, then taken into a new store in batches,
 * each batch durable.
 *
 *   intake EVENTS.jsonl STORE     prints events per second
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "event_list.h"
#include "model/limits.h"
#include "store/intake.h"

static int take_all(const struct event_list *list, const char *path, struct err *err)
{
	CLEANUP(store_closep) struct store *store = NULL;
	CLEANUP(intake_freep) struct intake *intake = NULL;
	const struct quarantine_entry origin = { .source = STR("bench") };
	enum intake_result result;
	int rc = store_open(&store, &(struct store_options){ .url = path }, err);

	if (rc == 0)
		rc = intake_begin(&intake, store, err);
	for (size_t i = 0; rc == 0 && i < list->count; i++) {
		rc = intake_event(intake, &list->events[i], &origin, &result, err);
		if (rc == 0 && intake_pending(intake) >= LIMIT_INTAKE_BATCH)
			rc = intake_commit(intake, err);
	}
	return rc < 0 ? rc : intake_commit(intake, err);
}

int main(int argc, char **argv)
{
	struct arena arena = { 0 };
	struct event_list list;
	struct err err = { 0 };
	int64_t began_ns;

	if (argc != 3) {
		fprintf(stderr, "usage: intake EVENTS.jsonl STORE\n");
		return 2;
	}
	if (event_list_read(argv[1], &arena, &list, &err) < 0) {
		fprintf(stderr, "intake: %s\n", err.message);
		return 1;
	}
	began_ns = clock_monotonic_ns();
	if (take_all(&list, argv[2], &err) < 0) {
		fprintf(stderr, "intake: %s\n", err.message);
		return 1;
	}
	printf("%.0f\n", (double)list.count * 1e9 / (double)(clock_monotonic_ns() - began_ns));
	return 0;
}
