/*
 * What it costs to take events into PostgreSQL: events are decoded first, then taken in batches,
 * each batch durable, as a new user's; then all of them again, which are there by now.
 *
 *   pg_intake EVENTS.jsonl URL
 *
 * Prints a line for each of the two: events per second, the processor's microseconds per event here
 * and in the server's process (which must be on this machine), bytes of WAL per event; then the
 * bytes per event on disk. Nobody else should be using the server.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "event_list.h"
#include "model/limits.h"
#include "store/intake.h"
#include "store/keys.h"
#include "store/postgres/db.h"

struct cost {
	double seconds;
	double own;    /* of the processor, seconds */
	double server; /* of the server's process */
	double wal_bytes;
};

static double ask(struct store *store, const char *sql)
{
	PGconn *conn = PQconnectdb(store->conninfo);
	PGresult *result = PQexec(conn, sql);
	double value = PQntuples(result) == 1 ? strtod(PQgetvalue(result, 0, 0), NULL) : -1;

	if (PQntuples(result) != 1)
		fprintf(stderr, "pg_intake: %s", PQerrorMessage(conn));
	PQclear(result);
	PQfinish(conn);
	return value;
}

/* Fields 14 and 15 of /proc/PID/stat. */
static double processor_of(int pid)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	char path[32];
	struct str rest;
	int64_t ticks = 0, value;
	struct err err;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (fs_read(path, 4096, &text, &err) < 0)
		return -1;
	rest = buf_str(&text);
	for (int i = 1; i <= 15; i++) {
		struct str field = str_split(&rest, ' ');

		if (i >= 14 && str_to_i64(field, &value))
			ticks += value;
	}
	return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

static struct cost now(struct store *store)
{
	struct cost cost = { .seconds = (double)clock_monotonic_ns() / 1e9 };
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	cost.own = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		   (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	cost.server = processor_of(PQbackendPID(store->conn));
	cost.wal_bytes = ask(store, "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn");
	return cost;
}

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
	const struct cost before = now(store);
	double count = (double)list->count;
	struct cost after;

	if (take_all(store, list, err) < 0)
		return err->code;
	after = now(store);
	printf("%s: %.0f events/s, processor %.1f us here and %.1f us in the server, WAL %.0f bytes an event\n",
		what, count / (after.seconds - before.seconds),
		(after.own - before.own) * 1e6 / count,
		(after.server - before.server) * 1e6 / count,
		(after.wal_bytes - before.wal_bytes) / count);
	return 0;
}

static double bytes_on_disk(struct store *store)
{
	return ask(store,
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

static int run(const char *events, const char *url, struct err *err)
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
	return measure(store, "again", &list, err);
}

int main(int argc, char **argv)
{
	struct err err;

	if (argc != 3) {
		fprintf(stderr, "usage: pg_intake EVENTS.jsonl URL\n");
		return 2;
	}
	if (run(argv[1], argv[2], &err) == 0)
		return 0;
	fprintf(stderr, "pg_intake: %s\n", err.message);
	return 1;
}
