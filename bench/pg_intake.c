/*
 * What it costs to take events into PostgreSQL: events are decoded first, then taken in batches,
 * each batch durable, as a new user's; then all of them again, which are there by now.
 *
 *   pg_intake EVENTS.jsonl URL [USERS]
 *
 * Prints a line for each of the two: events per second, the processor's microseconds per event here
 * and in the server's process (which must be on this machine), bytes of WAL per event; then the
 * bytes per event on disk. Then so many new users (4) at the same time, each over a connection of
 * their own and with all of the events: events per second of all together. Nobody else should be
 * using the server.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "event_list.h"
#include "model/limits.h"
#include "pg_cost.h"
#include "store/intake.h"
#include "store/keys.h"
#include "store/users.h"

static int take_all(struct store *store, const struct event_list *list, struct err *err)
{
	CLEANUP(intake_freep) struct intake *intake = NULL;
	const struct quarantine_entry origin = { .source = STR("bench") };
	enum intake_result result;
	int rc = intake_begin_lazy(&intake, store, err);

	for (size_t i = 0; rc == 0 && i < list->count; i++) {
		size_t left = list->count - i;

		if (i % LIMIT_INTAKE_EXPECT == 0)
			rc = intake_expect(intake, &list->events[i],
				left < LIMIT_INTAKE_EXPECT ? left : LIMIT_INTAKE_EXPECT, err);
		if (rc == 0)
			rc = intake_event(intake, &list->events[i], &origin, &result, err);
		if (rc == 0 && intake_pending(intake) >= LIMIT_INTAKE_BATCH)
			rc = intake_commit(intake, err);
	}
	return rc < 0 ? rc : intake_commit(intake, err);
}

static int measure(
	struct store *store, const char *what, const struct event_list *list, struct err *err)
{
	const struct pg_cost before = pg_cost_now(store);
	double count = (double)list->count;
	struct pg_cost after;

	if (take_all(store, list, err) < 0)
		return err->code;
	after = pg_cost_now(store);
	printf("%s: %.0f events/s, processor %.1f us here and %.1f us in the server, WAL %.0f bytes an event\n",
		what, count / (after.seconds - before.seconds),
		(after.own - before.own) * 1e6 / count,
		(after.server - before.server) * 1e6 / count,
		(after.wal_bytes - before.wal_bytes) / count);
	return 0;
}

static double bytes_on_disk(struct store *store)
{
	return pg_number(store,
		"SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c"
		" WHERE c.relkind = 'r' AND (c.relname ~ '^event_' OR c.relname = 'dict')");
}

static int make_user(struct store *store, struct arena *arena, struct err *err)
{
	struct user user = { .email = arena_printf(
				     arena, "bench%lld@example.org", (long long)clock_now_ns()) };
	struct actor actor = { { NULL, 0 }, { NULL, 0 } };

	if (user_make(store, clock_now_ns(), &user, arena, err) < 0)
		return err->code;
	actor.user_id = user.user_id;
	return store_as(store, &actor, err);
}

/* --- several users at once --- */

enum { MOST_USERS = 64 };

struct importer {
	pthread_t thread;
	struct store *store;
	const struct event_list *list;
	int rc;
	struct err err;
};

static void *import(void *arg)
{
	struct importer *importer = arg;

	importer->rc = take_all(importer->store, importer->list, &importer->err);
	return NULL;
}

static int open_all(struct importer *importers, int count, const char *url,
	const struct event_list *list, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };

	for (int i = 0; i < count; i++) {
		importers[i].list = list;
		if (store_open(&importers[i].store, &(struct store_options){ .url = url }, err) <
				0 ||
			make_user(importers[i].store, &arena, err) < 0)
			return err->code;
	}
	return 0;
}

static int import_all(struct importer *importers, int count, struct err *err)
{
	int started = 0, rc = 0;

	for (; started < count; started++)
		if (pthread_create(&importers[started].thread, NULL, import, &importers[started]) !=
			0)
			break;
	for (int i = 0; i < started; i++) {
		pthread_join(importers[i].thread, NULL);
		if (importers[i].rc < 0) {
			rc = importers[i].rc;
			*err = importers[i].err;
		}
	}
	if (rc == 0 && started < count)
		rc = err_set(err, ERR_IO, "starting a thread");
	return rc;
}

static int measure_together(
	const char *url, int count, const struct event_list *list, struct err *err)
{
	struct importer importers[MOST_USERS] = { 0 };
	double begin, seconds;
	int rc = open_all(importers, count, url, list, err);

	begin = (double)clock_monotonic_ns() / 1e9;
	if (rc == 0)
		rc = import_all(importers, count, err);
	seconds = (double)clock_monotonic_ns() / 1e9 - begin;
	for (int i = 0; i < count; i++)
		store_close(importers[i].store);
	if (rc == 0)
		printf("%d users at once: %.0f events/s\n", count,
			(double)list->count * count / seconds);
	return rc;
}

static int run(const char *events, const char *url, int users, struct err *err)
{
	CLEANUP(store_closep) struct store *store = NULL;
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct event_list list;
	double before;

	if (event_list_read(events, &arena, &list, err) < 0 ||
		store_open(&store, &(struct store_options){ .url = url }, err) < 0 ||
		make_user(store, &arena, err) < 0)
		return err->code;
	before = bytes_on_disk(store);
	if (measure(store, "new", &list, err) < 0)
		return err->code;
	printf("%.0f bytes an event on disk\n",
		(bytes_on_disk(store) - before) / (double)list.count);
	if (measure(store, "again", &list, err) < 0)
		return err->code;
	return measure_together(url, users, &list, err);
}

int main(int argc, char **argv)
{
	struct err err;
	int users = argc == 4 ? atoi(argv[3]) : 4;

	if (argc < 3 || argc > 4 || users < 1 || users > MOST_USERS) {
		fprintf(stderr, "usage: pg_intake EVENTS.jsonl URL [USERS]\n");
		return 2;
	}
	if (run(argv[1], argv[2], users, &err) == 0)
		return 0;
	fprintf(stderr, "pg_intake: %s\n", err.message);
	return 1;
}
