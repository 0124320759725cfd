/* What tests of the ActivityWatch view share. */
#ifndef TT_TESTS_AW_FIXTURE_H
#define TT_TESTS_AW_FIXTURE_H

#include "store/aw_write.h"
#include "store_fixture.h"

#define S NS_PER_S

__attribute__((unused)) static int64_t make_on(
	struct intake *intake, const char *machine, const char *id, const char *type)
{
	struct aw_bucket bucket = { .id = str_from(id),
		.type = str_from(type),
		.client = STR("client"),
		.hostname = STR("host"),
		.data = STR("{\"k\":1}"),
		.created_ns = 77,
		.machine_id = str_from(machine) };
	bool made = false;
	struct err err;

	GOOD(aw_make(intake, &bucket, &made, &err));
	OK(made);
	return bucket.bucket_no;
}

__attribute__((unused)) static int64_t make_bucket(struct intake *intake, const char *id)
{
	return make_on(intake, MACHINE_A, id, "t");
}

__attribute__((unused)) static struct aw_event aw_make_event(
	int64_t start_ns, int64_t duration_ns, const char *data)
{
	return (struct aw_event){
		.start_ns = start_ns, .duration_ns = duration_ns, .data = str_from(data)
	};
}

/* Returns its number. */
__attribute__((unused)) static int64_t put(struct intake *intake, int64_t bucket_no,
	int64_t start_ns, int64_t duration_ns, const char *data)
{
	struct aw_event event = aw_make_event(start_ns, duration_ns, data);
	struct err err;

	GOOD(aw_insert(intake, bucket_no, &event, &err));
	return event.number;
}

__attribute__((unused)) static struct aw_event beat(struct intake *intake, int64_t bucket_no,
	int64_t start_ns, int64_t duration_ns, const char *data, int64_t pulse_ns)
{
	struct aw_event event = aw_make_event(start_ns, duration_ns, data);
	struct err err;

	GOOD(aw_heartbeat(intake, bucket_no, &event, pulse_ns, &err));
	return event;
}

__attribute__((unused)) static void commit(struct intake *intake)
{
	struct err err;

	GOOD(intake_commit(intake, &err));
}

/* Events of a range as text: "number start duration data", times relative to T0 in ns, '|' between.
 */
__attribute__((unused)) static void list_range(
	struct store *store, struct aw_range range, struct buf *out)
{
	CLEANUP(aw_scan_closep) struct aw_scan *scan = NULL;
	struct aw_event event;
	struct err err;
	int rc;

	if (!GOOD(aw_scan_open(&scan, store, &range, &err)))
		return;
	while ((rc = aw_scan_next(scan, &event, &err)) == 1)
		buf_printf(out, "%s%lld %lld %lld %.*s", out->len > 0 ? "|" : "",
			(long long)event.number, (long long)(event.start_ns - T0),
			(long long)event.duration_ns, STR_ARG(event.data));
	GOOD(rc);
}

__attribute__((unused)) static struct aw_range range_all(int64_t bucket_no)
{
	return (struct aw_range){
		.bucket_no = bucket_no, .from_ns = INT64_MIN, .to_ns = INT64_MAX
	};
}

__attribute__((unused)) static int64_t count_of(struct store *store, struct aw_range range)
{
	int64_t count = -1;
	struct err err;

	GOOD(aw_count(store, &range, &count, &err));
	return count;
}

#endif
