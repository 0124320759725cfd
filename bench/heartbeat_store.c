/*
 * The rate of heartbeats in the store alone: one connection, batches as the server makes them, each
 * durable; then how long it takes to delete the bucket's events.
 *
 *   heartbeat_store STORE COUNT BATCH BUCKETS CHANGES     CHANGES: of 100 beats so many have new
 * data
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "store/aw_write.h"

#define MACHINE "5f0c8a52-91d7-4c0e-8b6a-2d1f7a9be310"
#define FROM_NS (INT64_C(1770000000) * NS_PER_S)

struct plan {
	int64_t count;
	int64_t batch;
	int64_t buckets;
	int64_t changes;
};

static struct str id_of(char *text, size_t bytes, int64_t bucket)
{
	int len = snprintf(text, bytes, "aw-watcher-window_host%lld", (long long)bucket);

	return (struct str){ text, (size_t)len };
}

static int make_buckets(struct intake *intake, int64_t count, struct err *err)
{
	for (int64_t i = 0; i < count; i++) {
		char id[64];
		struct aw_bucket bucket = { .id = id_of(id, sizeof(id), i),
			.type = STR("currentwindow"),
			.client = STR("bench"),
			.hostname = STR("host"),
			.data = STR("{}"),
			.machine_id = STR(MACHINE) };
		bool made;

		if (aw_make(intake, &bucket, &made, err) < 0)
			return err->code;
	}
	return intake_commit(intake, err);
}

static int beat(struct intake *intake, const struct plan *plan, int64_t i, struct err *err)
{
	int64_t of_bucket = i / plan->buckets, bucket_no;
	char id[64], data[128];
	struct aw_event event = { .start_ns = FROM_NS + of_bucket * NS_PER_S };
	int len = snprintf(data, sizeof(data), "{\"app\":\"Editor\",\"title\":\"file %lld\"}",
		(long long)(of_bucket * plan->changes / 100 % 5000));

	event.data = (struct str){ data, (size_t)len };
	if (aw_target(intake, id_of(id, sizeof(id), i % plan->buckets), &bucket_no, err) < 0)
		return err->code;
	return aw_heartbeat(intake, bucket_no, &event, 2 * NS_PER_S, err);
}

static int beat_all(struct intake *intake, const struct plan *plan, struct err *err)
{
	for (int64_t i = 0; i < plan->count; i++)
		if (beat(intake, plan, i, err) < 0 ||
			((i + 1) % plan->batch == 0 && intake_commit(intake, err) < 0))
			return err->code;
	return intake_commit(intake, err);
}

static int delete_all(struct intake *intake, const struct plan *plan, struct err *err)
{
	for (int64_t i = 0; i < plan->buckets; i++) {
		char id[64];
		int64_t bucket_no;

		if (aw_target(intake, id_of(id, sizeof(id), i), &bucket_no, err) < 0 ||
			aw_delete(intake, bucket_no, err) < 0)
			return err->code;
	}
	return intake_commit(intake, err);
}

static int run(const char *path, const struct plan *plan, struct err *err)
{
	CLEANUP(store_closep) struct store *store = NULL;
	CLEANUP(intake_freep) struct intake *intake = NULL;
	struct store_info info;
	int64_t began_ns;

	if (store_open(&store, &(struct store_options){ .url = path }, err) < 0 ||
		intake_begin(&intake, store, err) < 0 ||
		make_buckets(intake, plan->buckets, err) < 0)
		return err->code;
	began_ns = clock_monotonic_ns();
	if (beat_all(intake, plan, err) < 0 || store_info(store, &info, err) < 0)
		return err->code;
	printf("%.0f heartbeats/s, %lld events, ",
		(double)plan->count * 1e9 / (double)(clock_monotonic_ns() - began_ns),
		(long long)info.events);
	began_ns = clock_monotonic_ns();
	if (delete_all(intake, plan, err) < 0)
		return err->code;
	printf("deleted in %.0f ms\n", (double)(clock_monotonic_ns() - began_ns) / 1e6);
	return 0;
}

int main(int argc, char **argv)
{
	struct plan plan;
	struct err err = { 0 };

	if (argc != 6) {
		fprintf(stderr, "usage: heartbeat_store STORE COUNT BATCH BUCKETS CHANGES\n");
		return 2;
	}
	plan = (struct plan){ atoll(argv[2]), atoll(argv[3]), atoll(argv[4]), atoll(argv[5]) };
	if (plan.count < 1 || plan.batch < 1 || plan.buckets < 1 || run(argv[1], &plan, &err) < 0) {
		fprintf(stderr, "heartbeat_store: %s\n", err.message);
		return 1;
	}
	return 0;
}
