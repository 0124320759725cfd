/*
 * Events as clients of the ActivityWatch API write them: each becomes an event of the store like
 * any other, with an id that this store gives it and a revision that grows with every change.
 *
 * What is refused is refused before anything is written; what fails after that makes the batch
 * void.
 */
#include "store/aw_write.h"

#include "base/hash.h"
#include "model/heartbeat.h"
#include "model/limits.h"
#include "store/intake_part.h"
#include "store/sql/aw_rows.h"
#include "store/sql/known.h"

/* A bucket to write to, and what was asked for. */
struct writing {
	struct intake *intake;
	struct bucket *bucket;
	struct aw_event *event;
};

static int begin(struct writing *writing, struct intake *intake, int64_t bucket_no,
	struct aw_event *event, struct err *err)
{
	*writing = (struct writing){ .intake = intake, .event = event };
	if (intake_ready(intake, err) < 0)
		return err->code;
	if (catalogue_bucket_no(intake->events.catalogue, bucket_no, &writing->bucket, err) < 0)
		return intake_check(intake, err->code, err);
	if (!str_starts(writing->bucket->source, STR(AW_SOURCE)))
		return err_set(err, ERR_READONLY,
			"bucket %lld was not made over the ActivityWatch API: it cannot be written",
			(long long)bucket_no);
	return 0;
}

/* EVENT as the store has it, but for its id. */
static struct event event_of(const struct bucket *bucket, const struct aw_event *event)
{
	return (struct event){
		.id = STR("-"), /* for the checks: any that is not empty */
		.source = bucket->source,
		.type = bucket->type,
		.start_ns = event->start_ns,
		.duration_ns = event->duration_ns,
		.data = event->data,
	};
}

static int refusal(const struct writing *writing, struct err *err)
{
	struct event event = event_of(writing->bucket, writing->event);

	return intake_refusal(writing->intake, &event, err);
}

/* --- ids --- */

static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
enum { BASE = sizeof(digits) - 1, NUMBER_DIGITS = 13 }; /* 36^13 > 2^63 */
enum { MOST_SKIPPED = 8 };                              /* numbers, before one is asked for */

/* Stores of one machine, of which one was restored from the other, count from the same number on:
 * their ids differ in this. */
static int read_suffix(struct store *store, struct aw_memory *memory, struct err *err)
{
	struct store_info info;
	uint64_t hash;

	if (memory->suffix[0] != '\0')
		return 0;
	if (store_info(store, &info, err) < 0)
		return err->code;
	hash = hash64(str_from(info.store_id), 0);
	for (int i = 0; i < AW_SUFFIX_BYTES; i++, hash /= BASE)
		memory->suffix[i] = digits[hash % BASE];
	return 0;
}

/* "{number in base 36}-{suffix}" */
static struct str discriminator(const struct aw_memory *memory, int64_t number,
	char text[static NUMBER_DIGITS + 1 + AW_SUFFIX_BYTES])
{
	char *end = text + NUMBER_DIGITS + 1 + AW_SUFFIX_BYTES, *at = end - AW_SUFFIX_BYTES;

	memcpy(at, memory->suffix, AW_SUFFIX_BYTES);
	*--at = '-';
	do
		*--at = digits[number % BASE];
	while ((number /= BASE) > 0);
	return (struct str){ at, (size_t)(end - at) };
}

/* The id that follows from PARTS goes into the memory's buffer and EVENT. */
static void name_event(struct intake *intake, struct event *event, const struct event_id *parts,
	struct event_name *name)
{
	struct buf *id = &intake->aw.id;

	buf_clear(id);
	id_build(id, parts->machine, parts->source, parts->type, event->start_ns,
		parts->discriminator);
	event->id = buf_str(id);
	event_name_made(name, event, parts);
}

/* --- putting --- */

/* The last change to the bucket was this heartbeat's: the next one finds its event here. */
static void remember(const struct writing *writing, const struct event_row *row, struct str key)
{
	struct aw_last *last = aw_memory_last(&writing->intake->aw, writing->bucket->bucket_no);

	last->known = true;
	last->as_of_seq = row->seq;
	last->row = *row;
	if (key.ptr != last->key.ptr) {
		buf_clear(&last->key);
		buf_add(&last->key, key);
	}
}

/* Its number is that of the change that makes it. */
static int insert(const struct writing *writing, bool heartbeat, struct err *err)
{
	struct intake *intake = writing->intake;
	const struct bucket *bucket = writing->bucket;
	struct event event = event_of(bucket, writing->event);
	struct event_id parts = { bucket->machine_id, bucket->source, bucket->type, 0, { NULL, 0 },
		true };
	char text[NUMBER_DIGITS + 1 + AW_SUFFIX_BYTES];
	struct event_row row;
	struct event_name name;
	int rc = read_suffix(intake->store, &intake->aw, err), skipped = 0;

	/* An id is there already only if this store's file was put back to an older copy and its
	 * own later events came home from another machine. What a filter takes for one is not asked
	 * for: the next number is as good. */
	do {
		if (rc < 0)
			return rc;
		if (rc == 1)
			(void)db_next_seq(intake->store);
		writing->event->number = db_counters(intake->store)->last_seq + 1;
		parts.discriminator = discriminator(&intake->aw, writing->event->number, text);
		name_event(intake, &event, &parts, &name);
		rc = 1;
		if (skipped++ >= MOST_SKIPPED || !known_suspect(&intake->events, bucket, &name))
			rc = events_find(&intake->events, &name, &row, err);
	} while (rc != 0);
	if (events_put(&intake->events, &event, &name, NULL, writing->event->number, err) < 0 ||
		dictionary_number(intake->events.dictionary, event.data, false, &row.data_no, err) <
			0)
		return err->code;
	ASSERT(bucket->changed_seq == writing->event->number);
	intake_count(intake, &event, INTAKE_NEW);
	writing->event->data_no = row.data_no;
	if (!heartbeat)
		return 0;
	row.number = writing->event->number;
	row.bucket_no = bucket->bucket_no;
	row.start_ns = event.start_ns;
	row.duration_ns = event.duration_ns;
	row.seq = bucket->changed_seq;
	remember(writing, &row, parts.discriminator);
	return 0;
}

/* The id of the event ROW, whose key is KEY: it goes into the memory's buffer, EVENT and NAME. */
static void name_row(const struct writing *writing, const struct event_row *row, struct str key,
	struct event *event, struct event_name *name)
{
	const struct bucket *bucket = writing->bucket;
	struct event_id parts = { bucket->machine_id, bucket->source, bucket->type, 0, key, true };
	struct event old = *event;
	struct buf *id = &writing->intake->aw.id;

	old.start_ns = row->start_ns;
	if (!row->odd) {
		name_event(writing->intake, &old, &parts, name);
	} else {
		buf_clear(id);
		buf_add(id, key);
		event_name(name, buf_str(id));
	}
	event->id = name->id;
}

/* Give the event ROW the values of WRITING; ROW becomes what it is now. An event that was known by
 * its seq keeps the number that it was known by. */
static int correct(
	const struct writing *writing, struct event_row *row, struct str key, struct err *err)
{
	struct intake *intake = writing->intake;
	struct event event = event_of(writing->bucket, writing->event);
	struct event_name name;

	name_row(writing, row, key, &event, &name);
	event.revision = row->revision + 1;
	writing->event->number = aw_number(row);
	if (events_put(&intake->events, &event, &name, row, writing->event->number, err) < 0 ||
		dictionary_number(intake->events.dictionary, event.data, false,
			&writing->event->data_no, err) < 0)
		return err->code;
	intake_count(intake, &event, INTAKE_UPDATED);
	row->number = writing->event->number;
	row->start_ns = event.start_ns;
	row->duration_ns = event.duration_ns;
	row->revision = event.revision;
	row->data_no = writing->event->data_no;
	row->seq = writing->bucket->changed_seq;
	return 0;
}

int aw_check(struct intake *intake, int64_t bucket_no, struct aw_event *event, struct err *err)
{
	struct writing writing;

	return begin(&writing, intake, bucket_no, event, err) < 0 ? err->code
								  : refusal(&writing, err);
}

int aw_insert(struct intake *intake, int64_t bucket_no, struct aw_event *event, struct err *err)
{
	struct writing writing;

	if (begin(&writing, intake, bucket_no, event, err) < 0 || refusal(&writing, err) < 0)
		return err->code;
	return intake_check(intake, insert(&writing, false, err), err);
}

/* --- by number --- */

/* 1: this bucket has the event; 0: it has not; < 0. */
static int find(const struct writing *writing, int64_t number, struct event_row *row,
	struct buf *key, struct err *err)
{
	int rc = aw_row_by_number(writing->intake->store, number, row, key, err);

	if (rc < 0)
		return intake_check(writing->intake, rc, err);
	return rc == 1 && row->bucket_no == writing->bucket->bucket_no;
}

/* Does the event ROW have these values already? */
static int is_same(
	const struct writing *writing, const struct event_row *row, bool *same, struct err *err)
{
	struct aw_event *event = writing->event;

	*same = false;
	if (dictionary_number(writing->intake->events.dictionary, event->data, false,
		    &event->data_no, err) < 0)
		return intake_check(writing->intake, err->code, err);
	*same = event->data_no == row->data_no && event->start_ns == row->start_ns &&
		event->duration_ns == row->duration_ns;
	return 0;
}

static int refuse_last_revision(const struct event_row *row, struct err *err)
{
	if (row->revision < INT64_MAX - 1)
		return 0;
	return err_set(err, ERR_LIMIT, "the event has the last revision there is");
}

int aw_replace(struct intake *intake, int64_t bucket_no, struct aw_event *event, struct err *err)
{
	CLEANUP(buf_release) struct buf key = BUF_INIT;
	struct writing writing;
	struct event_row row;
	bool same;
	int rc;

	if (begin(&writing, intake, bucket_no, event, err) < 0 || refusal(&writing, err) < 0)
		return err->code;
	rc = find(&writing, event->number, &row, &key, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(err, ERR_NOT_FOUND, "the bucket has no event %lld",
			(long long)event->number);
	if (is_same(&writing, &row, &same, err) < 0 || refuse_last_revision(&row, err) < 0)
		return err->code;
	if (same)
		return 0;
	return intake_check(intake, correct(&writing, &row, buf_str(&key), err), err);
}

int aw_remove(
	struct intake *intake, int64_t bucket_no, int64_t number, bool *removed, struct err *err)
{
	CLEANUP(buf_release) struct buf key = BUF_INIT;
	struct aw_event nothing = { .number = number };
	struct event event = { .id = { NULL, 0 } };
	struct event_name name;
	struct writing writing;
	struct event_row row;
	int rc;

	*removed = false;
	if (begin(&writing, intake, bucket_no, &nothing, err) < 0)
		return err->code;
	rc = find(&writing, number, &row, &key, err);
	if (rc != 1)
		return rc;
	name_row(&writing, &row, buf_str(&key), &event, &name);
	rc = intake_check(intake, intake_withdraw_row(intake, &name, &row, err), err);
	*removed = rc == 0;
	return rc;
}

/* --- heartbeats --- */

/* *OUT is the slot of the bucket's last event; its `known` is false when the bucket is empty. */
static int load_last(const struct writing *writing, struct aw_last **out, struct err *err)
{
	struct intake *intake = writing->intake;
	int64_t bucket_no = writing->bucket->bucket_no;
	struct aw_last *last = aw_memory_last(&intake->aw, bucket_no);
	int rc;

	*out = last;
	if (last->as_of_seq == writing->bucket->changed_seq)
		return 0;
	rc = aw_row_last(intake->store, bucket_no, &last->row, &last->key, err);
	if (rc < 0)
		return rc;
	last->known = rc == 1;
	last->as_of_seq = writing->bucket->changed_seq;
	return 0;
}

/* 1: EVENT is part of the last event now; 0: it is not. */
static int merge(
	const struct writing *writing, struct aw_last *last, int64_t pulsetime_ns, struct err *err)
{
	struct aw_event *event = writing->event;
	struct beat beat = { event->start_ns, event->duration_ns };
	struct beat merged = { last->row.start_ns, last->row.duration_ns };
	bool same;

	if (dictionary_number(writing->intake->events.dictionary, event->data, false,
		    &event->data_no, err) < 0)
		return err->code;
	if (event->data_no != last->row.data_no || last->row.revision >= INT64_MAX - 1 ||
		!heartbeat_merge(&merged, &beat, pulsetime_ns))
		return 0;
	event->start_ns = merged.start_ns;
	event->duration_ns = merged.duration_ns;
	event->number = aw_number(&last->row);
	if (is_same(writing, &last->row, &same, err) < 0)
		return err->code;
	if (!same && correct(writing, &last->row, buf_str(&last->key), err) < 0)
		return err->code;
	last->as_of_seq = writing->bucket->changed_seq;
	return 1;
}

static int beat(const struct writing *writing, int64_t pulsetime_ns, struct err *err)
{
	struct aw_last *last;
	int rc = load_last(writing, &last, err);

	if (rc == 0 && last->known)
		rc = merge(writing, last, pulsetime_ns, err);
	return rc == 0 ? insert(writing, true, err) : rc;
}

int aw_heartbeat(struct intake *intake, int64_t bucket_no, struct aw_event *event,
	int64_t pulsetime_ns, struct err *err)
{
	struct writing writing;
	int rc;

	if (begin(&writing, intake, bucket_no, event, err) < 0 || refusal(&writing, err) < 0)
		return err->code;
	rc = intake_check(intake, beat(&writing, pulsetime_ns, err), err);
	return rc < 0 ? rc : 0;
}

/* --- imports --- */

static bool is_newest(const struct bucket *bucket, int64_t start_ns)
{
	return start_ns > bucket->newest_ns[0] && start_ns > bucket->newest_ns[1];
}

static int find_equal(const struct writing *writing, int64_t *number, struct err *err)
{
	const struct aw_event *event = writing->event;
	const struct bucket *bucket = writing->bucket;
	struct intake *intake = writing->intake;
	struct aw_window *window = &intake->aw.window;
	struct ahead_near like = { .start_ns = event->start_ns, .duration_ns = event->duration_ns };
	bool newest = is_newest(bucket, event->start_ns);

	*number = 0;
	if (!newest && !aw_window_covers(window, bucket, event->start_ns) &&
		aw_window_load(window, &intake->events, bucket, event->start_ns, false, err) < 0)
		return err->code;
	if (dictionary_number(intake->events.dictionary, event->data, false, &like.data_no, err) <
		0)
		return err->code;
	if (like.data_no == 0 || newest)
		return 0;
	writing->event->data_no = like.data_no;
	if (!aw_window_covers(window, bucket, event->start_ns))
		return aw_row_equal(intake->store, bucket->bucket_no, &like, number, err);
	*number = aw_window_find(window, &like);
	return 0;
}

static int insert_another(const struct writing *writing, struct err *err)
{
	int64_t before_seq = writing->bucket->changed_seq;
	const struct aw_event *event = writing->event;
	struct ahead_near row = { .start_ns = event->start_ns, .duration_ns = event->duration_ns };

	if (insert(writing, false, err) < 0)
		return err->code;
	row.data_no = event->data_no;
	row.number = event->number;
	aw_window_add(&writing->intake->aw.window, writing->bucket, before_seq, &row);
	return 0;
}

int aw_merge(struct intake *intake, int64_t bucket_no, struct aw_event *event, bool *added,
	struct err *err)
{
	struct writing writing;
	int64_t number;

	*added = false;
	if (begin(&writing, intake, bucket_no, event, err) < 0 || refusal(&writing, err) < 0)
		return err->code;
	if (find_equal(&writing, &number, err) < 0)
		return intake_check(intake, err->code, err);
	event->number = number;
	if (number != 0)
		return 0;
	*added = true;
	return intake_check(intake, insert_another(&writing, err), err);
}

int aw_expect(struct intake *intake, const struct str *datas, size_t count, struct err *err)
{
	if (intake_ready(intake, err) < 0)
		return err->code;
	return intake_check(
		intake, dictionary_expect(intake->events.dictionary, datas, count, err), err);
}

/* Of those that are equal to the one before, nobody needs to know more than once. */
static int expect_data(
	struct intake *intake, const struct aw_event *events, size_t count, struct err *err)
{
	struct str datas[LIMIT_INTAKE_EXPECT];
	size_t data_count = 0;

	for (size_t i = 0; i < count && data_count < ARRAY_LEN(datas); i++)
		if (i == 0 || events[i].data.ptr != events[i - 1].data.ptr)
			datas[data_count++] = events[i].data;
	return aw_expect(intake, datas, data_count, err);
}

int aw_expect_merges(struct intake *intake, int64_t bucket_no, const struct aw_event *events,
	size_t count, bool down, struct err *err)
{
	struct aw_window *window = &intake->aw.window;
	int64_t first_ns = events[0].start_ns, last_ns = events[count - 1].start_ns;
	struct aw_event nothing = { 0 };
	struct writing writing;

	if (begin(&writing, intake, bucket_no, &nothing, err) < 0)
		return err->code;
	/* Before their data: it has those of the events that are there already. */
	if (!is_newest(writing.bucket, first_ns) &&
		!(aw_window_covers(window, writing.bucket, first_ns) &&
			aw_window_covers(window, writing.bucket, last_ns)) &&
		aw_window_load(window, &intake->events, writing.bucket, down ? last_ns : first_ns,
			down, err) < 0)
		return intake_check(intake, err->code, err);
	return expect_data(intake, events, count, err);
}
