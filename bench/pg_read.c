/*
 * How fast a PostgreSQL store reads: all events of a user, first bucket by bucket as queries read
 * them, without and with their data, then in the order of time with data as exports and reports do.
 *
 *   pg_read URL EMAIL
 *
 * Prints a line for each of the three, for the second time that it was done: events per second, and
 * the processor's microseconds per event here and in the server's process (which must be on this
 * machine). Nobody else should be using the server.
 */
#include <stdio.h>

#include "pg_cost.h"
#include "store/aw.h"
#include "store/keys.h"
#include "store/users.h"

enum { ROUNDS = 2 };

/* Reads everything, and counts. */
typedef int reader(struct store *store, int64_t *count, struct err *err);

static int read_bucket(
	struct store *store, int64_t bucket_no, bool lean, int64_t *count, struct err *err)
{
	CLEANUP(aw_scan_closep) struct aw_scan *scan = NULL;
	const struct aw_range range = {
		.bucket_no = bucket_no, .from_ns = INT64_MIN, .to_ns = INT64_MAX, .lean = lean
	};
	struct aw_event event;
	int rc = aw_scan_open(&scan, store, &range, err);

	while (rc >= 0 && (rc = aw_scan_next(scan, &event, err)) == 1)
		++*count;
	return rc;
}

static int read_buckets(struct store *store, bool lean, int64_t *count, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct aw_bucket *buckets;
	size_t bucket_count;
	int rc = aw_buckets_brief(store, &arena, &buckets, &bucket_count, err);

	for (size_t i = 0; rc == 0 && i < bucket_count; i++)
		rc = read_bucket(store, buckets[i].bucket_no, lean, count, err);
	return rc;
}

static int by_bucket_lean(struct store *store, int64_t *count, struct err *err)
{
	return read_buckets(store, true, count, err);
}

static int by_bucket(struct store *store, int64_t *count, struct err *err)
{
	return read_buckets(store, false, count, err);
}

static int by_time(struct store *store, int64_t *count, struct err *err)
{
	CLEANUP(event_scan_closep) struct event_scan *scan = NULL;
	struct stored_event event;
	int rc = event_scan_open(&scan, store, &(struct event_filter){ 0 }, err);

	while (rc >= 0 && (rc = event_scan_next(scan, &event, err)) == 1)
		++*count;
	return rc;
}

static int measure(struct store *store, const char *what, reader *read, struct err *err)
{
	struct pg_cost before = { 0 }, after;
	int64_t count = 0;

	for (int i = 0; i < ROUNDS; i++) {
		count = 0;
		before = pg_cost_now(store);
		if (read(store, &count, err) < 0)
			return err->code;
	}
	after = pg_cost_now(store);
	printf("%s: %lld events, %.0f events/s, processor %.2f us here and %.2f us in the server an event\n",
		what, (long long)count, (double)count / (after.seconds - before.seconds),
		(after.own - before.own) * 1e6 / (double)count,
		(after.server - before.server) * 1e6 / (double)count);
	return 0;
}

static int be(struct store *store, const char *email, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct actor actor = { { NULL, 0 }, { NULL, 0 } };
	struct user user;

	if (user_find(store, str_from(email), &arena, &user, err) < 0)
		return err->code;
	actor.user_id = user.user_id;
	return store_as(store, &actor, err);
}

static int run(const char *url, const char *email, struct err *err)
{
	CLEANUP(store_closep) struct store *store = NULL;

	if (store_open(&store, &(struct store_options){ .url = url }, err) < 0 ||
		be(store, email, err) < 0 ||
		measure(store, "bucket by bucket, without data", by_bucket_lean, err) < 0 ||
		measure(store, "bucket by bucket, with data", by_bucket, err) < 0)
		return err->code;
	return measure(store, "in the order of time, with data", by_time, err);
}

int main(int argc, char **argv)
{
	struct err err;

	if (argc != 3) {
		fprintf(stderr, "usage: pg_read URL EMAIL\n");
		return 2;
	}
	if (run(argv[1], argv[2], &err) == 0)
		return 0;
	fprintf(stderr, "pg_read: %s\n", err.message);
	return 1;
}
