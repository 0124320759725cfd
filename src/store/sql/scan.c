/*
 * Reading events: scans in the total order, the feed in the order of seq, and one event by id.
 *
 * A scan merges one statement per shelf in a heap. Within a shelf the rows come in the total order:
 * of equal starts the ids share everything before the key. All statements of a scan run in one read
 * transaction, so they see one state of the store. The feed merges two statements, events and
 * tombstones, in the same heap with another order.
 *
 * In SQLite data come with their rows. On PostgreSQL they are read by themselves, many at once, and
 * remembered (ahead_text): a text that many events share comes over once.
 */
#include <stdlib.h>

#include "base/glob.h"
#include "store/sql/ahead.h"
#include "store/sql/buckets.h"
#include "store/sql/events.h"

/* Columns of every statement that a stream reads. */
enum { COL_SHELF, COL_START, COL_KEY, COL_DURATION, COL_REVISION, COL_SEQ, COL_DATA_NO, COL_DATA };

struct stream {
	struct db_statement *stmt;
	bool tombstones;
	int rank;
	struct stored_event row;
	const struct bucket_row *bucket;
	int64_t shelf;
	struct buf id;   /* of the row; empty until somebody needs it */
	struct buf data; /* of the row, where it does not come with it */
};

struct event_scan {
	struct store *store;
	struct arena arena;
	const struct bucket_row **by_no; /* index: bucket number; NULL where there is none */
	int64_t largest_no;
	int (*cmp)(struct stream *a, struct stream *b);
	struct stream **heap; /* the least first */
	size_t count;
	bool taken; /* the first stream's row was handed out */
	bool lean;
	bool apart;      /* data do not come with the rows */
	struct buf data; /* of event_scan_data */
	struct err failure;
};

/* Ids are long to build, and most rows are told apart without: by time. */
static struct str id_of(struct stream *stream)
{
	if (stream->id.len == 0)
		shelf_id(&stream->id, stream->bucket, stream->shelf, stream->row.event.start_ns,
			db_col_str(stream->stmt, COL_KEY));
	return buf_str(&stream->id);
}

static int cmp_time(struct stream *a, struct stream *b)
{
	const struct event *left = &a->row.event, *right = &b->row.event;

	if (left->start_ns != right->start_ns)
		return left->start_ns < right->start_ns ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return str_cmp(id_of(a), id_of(b));
}

static int cmp_seq(struct stream *a, struct stream *b)
{
	return (a->row.seq > b->row.seq) - (a->row.seq < b->row.seq);
}

/* --- streams --- */

static void stream_free(struct stream *stream)
{
	db_finalize(stream->stmt);
	buf_release(&stream->id);
	buf_release(&stream->data);
	free(stream);
}

static int lost(const struct event_scan *scan, const char *what, struct err *err)
{
	return err_set(err, ERR_CORRUPT, "store '%s': an event has lost its %s",
		store_path(scan->store), what);
}

/* A view; tombstones have none. */
static int data_of(struct event_scan *scan, struct stream *stream, struct str *out, struct err *err)
{
	*out = (struct str){ 0 };
	if (scan->lean || stream->tombstones)
		return 0;
	if (!scan->apart) {
		*out = db_col_str(stream->stmt, COL_DATA);
		return db_col_null(stream->stmt, COL_DATA) ? lost(scan, "data", err) : 0;
	}
	buf_clear(&stream->data);
	if (dictionary_text(
		    scan->store, db_col_i64(stream->stmt, COL_DATA_NO), &stream->data, err) < 0)
		return err->code;
	*out = buf_str(&stream->data);
	return 0;
}

static int take(struct event_scan *scan, struct stream *stream, struct err *err)
{
	struct db_statement *stmt = stream->stmt;
	int64_t shelf = db_col_i64(stmt, COL_SHELF), start_ns = db_col_i64(stmt, COL_START);
	int64_t bucket_no = shelf / 2;
	const struct bucket_row *bucket =
		bucket_no <= scan->largest_no ? scan->by_no[bucket_no] : NULL;
	struct str data;

	if (!bucket)
		return lost(scan, "bucket", err);
	if (data_of(scan, stream, &data, err) < 0)
		return err->code;
	buf_clear(&stream->id);
	stream->bucket = bucket;
	stream->shelf = shelf;
	stream->row = (struct stored_event){
		.event = {
			.source = bucket->source,
			.type = bucket->type,
			.start_ns = start_ns,
			.duration_ns = db_col_i64(stmt, COL_DURATION),
			.revision = db_col_i64(stmt, COL_REVISION),
			.deleted = stream->tombstones,
			.data = data,
		},
		.machine_id = bucket->machine_id,
		.seq = db_col_i64(stmt, COL_SEQ),
		.bucket_no = bucket_no,
		.data_no = db_col_i64(stmt, COL_DATA_NO),
	};
	return 0;
}

/* 1: the next row is loaded; 0: the end. */
static int advance(struct event_scan *scan, struct stream *stream, struct err *err)
{
	int rc = db_step(scan->store, stream->stmt, err);

	if (rc == 1 && take(scan, stream, err) < 0)
		return err->code;
	return rc;
}

/* --- the heap --- */

static void sift_down(struct event_scan *scan, size_t at)
{
	struct stream *moving = scan->heap[at];

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= scan->count)
			break;
		if (child + 1 < scan->count &&
			scan->cmp(scan->heap[child + 1], scan->heap[child]) < 0)
			child++;
		if (scan->cmp(moving, scan->heap[child]) <= 0)
			break;
		scan->heap[at] = scan->heap[child];
		at = child;
	}
	scan->heap[at] = moving;
}

static void heapify(struct event_scan *scan)
{
	for (size_t i = scan->count / 2; i-- > 0;)
		sift_down(scan, i);
}

/* Add a stream over SQL, whose parameters are A, B, C (as many as it has); one without rows is
 * dropped at once. */
static int add_stream(struct event_scan *scan, const char *sql, const int64_t params[3],
	struct stream like, struct err *err)
{
	struct stream *stream = mem_zalloc(sizeof(*stream));
	int rc;

	*stream = like;
	rc = db_prepare(scan->store, sql, &stream->stmt, err);
	if (rc == 0) {
		for (int i = 0; i < db_params(stream->stmt); i++)
			db_bind_i64(stream->stmt, i + 1, params[i]);
		rc = advance(scan, stream, err);
	}
	if (rc != 1) {
		stream_free(stream);
		return rc;
	}
	scan->heap[scan->count++] = stream;
	return 0;
}

/* --- opening --- */

static int load_buckets(
	struct event_scan *scan, struct bucket_row **rows, size_t *count, struct err *err)
{
	if (buckets_load(scan->store, &scan->arena, rows, count, err) < 0)
		return err->code;
	for (size_t i = 0; i < *count; i++)
		if ((*rows)[i].bucket_no > scan->largest_no)
			scan->largest_no = (*rows)[i].bucket_no;
	scan->by_no = arena_zalloc(
		&scan->arena, (size_t)scan->largest_no + 1, sizeof(struct bucket_row *));
	for (size_t i = 0; i < *count; i++)
		scan->by_no[(*rows)[i].bucket_no] = &(*rows)[i];
	return 0;
}

static bool wanted(
	struct event_scan *scan, const struct event_filter *filter, const struct bucket_row *bucket)
{
	if (filter->machine_id.len > 0 && !str_eq(filter->machine_id, bucket->machine_id))
		return false;
	if (filter->source.len > 0 && !str_eq(filter->source, bucket->source))
		return false;
	if (filter->type.len > 0 && !str_eq(filter->type, bucket->type))
		return false;
	if (filter->bucket.len == 0)
		return true;
	return glob_match_name(
		       filter->bucket, bucket_name(&scan->arena, bucket, bucket->machine_id)) ||
	       (bucket->label.len > 0 && glob_match_name(filter->bucket,
						 bucket_name(&scan->arena, bucket, bucket->label)));
}

/* What a bucket's row says of its events is behind while an intake is open. */
static int has_odd(struct store *store, bool *odd, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	*odd = true;
	if (db_is_writing(store))
		return 0;
	if (db_stmt(store, "SELECT odd_ids FROM store_state" ALL_OWN, &stmt, err) < 0)
		return err->code;
	rc = db_step(store, stmt, err);
	if (rc == 1)
		*odd = db_col_i64(stmt, 0) > 0;
	return rc < 0 ? rc : 0;
}

/* With COL_DATA unless `apart`. */
#define ROW                                                                                        \
	"SELECT e.shelf, e.start_ns, e.key, e.duration_ns, e.revision, e.seq, e.data_no" SQLITE(   \
		", d.body") " FROM event e"
#define ITS_DATA SQLITE(" LEFT JOIN dict d USING (data_no)")

static int open_shelf(struct event_scan *scan, const struct event_filter *filter,
	const struct bucket_row *bucket, int odd, struct err *err)
{
	static const char lean_sql[] =
		"SELECT shelf, start_ns, key, duration_ns, revision, seq, data_no FROM event"
		" WHERE " OWN
		"shelf = ? AND start_ns >= ? AND start_ns <= ? ORDER BY start_ns, key";
	static const char full_sql[] = ROW ITS_DATA
		" WHERE " OWN_OF("e") "e.shelf = ? AND e.start_ns >= ? AND e.start_ns <= ?"
				      " ORDER BY e.start_ns, e.key";
	const struct stream like = { .rank = event_type_rank(bucket->type) };
	int64_t before_ns = filter->to_ns;
	int64_t params[] = {
		2 * bucket->bucket_no + odd,
		filter->from_ns != 0 ? filter->from_ns : INT64_MIN,
		before_ns == 0 || before_ns == INT64_MIN ? INT64_MAX : before_ns - 1,
	};

	if (!db_is_writing(scan->store)) {
		params[1] = bucket->first_ns > params[1] ? bucket->first_ns : params[1];
		params[2] = bucket->last_ns < params[2] ? bucket->last_ns : params[2];
	}
	if (before_ns == INT64_MIN || params[1] > params[2])
		return 0;
	return add_stream(scan, filter->lean ? lean_sql : full_sql, params, like, err);
}

static int open_shelves(struct event_scan *scan, const struct event_filter *filter, struct err *err)
{
	struct bucket_row *rows;
	size_t count;
	bool odd;

	if (load_buckets(scan, &rows, &count, err) < 0 || has_odd(scan->store, &odd, err) < 0)
		return err->code;
	scan->heap = mem_zalloc(2 * count * sizeof(struct stream *));
	for (size_t i = 0; i < count; i++) {
		if (!wanted(scan, filter, &rows[i]))
			continue;
		if (open_shelf(scan, filter, &rows[i], 0, err) < 0 ||
			(odd && open_shelf(scan, filter, &rows[i], 1, err) < 0))
			return err->code;
	}
	return 0;
}

static int open_feed(struct event_scan *scan, int64_t after_seq, struct err *err)
{
	const int64_t params[] = { after_seq, 0, 0 };
	struct bucket_row *rows;
	size_t count;

	if (load_buckets(scan, &rows, &count, err) < 0)
		return err->code;
	scan->heap = mem_zalloc(2 * sizeof(struct stream *));
	if (add_stream(scan,
		    ROW SQLITE(" INDEXED BY event_by_seq") ITS_DATA
		    " WHERE " OWN_OF("e") "e.seq > ?" POSTGRES(" AND e.seq > 0") " ORDER BY e.seq",
		    params, (struct stream){ 0 }, err) < 0)
		return err->code;
	return add_stream(scan,
		"SELECT 2 * bucket_no + 1, start_ns, id, 0, revision, seq, 0, '' FROM tombstone"
		" WHERE " OWN "seq > ?" BY_SEQ " ORDER BY seq",
		params, (struct stream){ .tombstones = true }, err);
}

static struct event_scan *scan_new(struct store *store)
{
	struct event_scan *scan = mem_zalloc(sizeof(*scan));

	scan->store = store;
	scan->apart = ahead_pays(store);
	return scan;
}

/* SCAN has its read transaction; RC is how filling it went. */
static int finish_open(struct event_scan **out, struct event_scan *scan, int rc)
{
	if (rc < 0) {
		event_scan_close(scan);
		return rc;
	}
	heapify(scan);
	*out = scan;
	return 0;
}

int event_scan_open(struct event_scan **out, struct store *store, const struct event_filter *filter,
	struct err *err)
{
	struct event_scan *scan;

	*out = NULL;
	if (db_read_begin(store, err) < 0)
		return err->code;
	scan = scan_new(store);
	scan->cmp = cmp_time;
	scan->lean = filter->lean;
	return finish_open(out, scan, open_shelves(scan, filter, err));
}

int event_feed_open(
	struct event_scan **out, struct store *store, int64_t after_seq, struct err *err)
{
	struct event_scan *scan;

	*out = NULL;
	if (db_read_begin(store, err) < 0)
		return err->code;
	scan = scan_new(store);
	scan->cmp = cmp_seq;
	return finish_open(out, scan, open_feed(scan, after_seq, err));
}

/* --- reading --- */

static int advance_first(struct event_scan *scan, struct err *err)
{
	int rc = advance(scan, scan->heap[0], err);

	if (rc < 0) {
		scan->failure = *err;
		return rc;
	}
	if (rc == 0) {
		stream_free(scan->heap[0]);
		scan->heap[0] = scan->heap[--scan->count];
	}
	if (scan->count > 0)
		sift_down(scan, 0);
	return 0;
}

int event_scan_next(struct event_scan *scan, struct stored_event *out, struct err *err)
{
	if (scan->failure.code != 0) {
		*err = scan->failure;
		return err->code;
	}
	if (scan->taken && advance_first(scan, err) < 0)
		return err->code;
	scan->taken = scan->count > 0;
	if (!scan->taken)
		return 0;
	*out = scan->heap[0]->row;
	if (!scan->lean)
		out->event.id = id_of(scan->heap[0]);
	return 1;
}

int event_scan_data(struct event_scan *scan, struct str *out, struct err *err)
{
	ASSERT(scan->taken);
	if (!scan->lean) {
		*out = scan->heap[0]->row.event.data;
		return 0;
	}
	buf_clear(&scan->data);
	if (dictionary_text(scan->store, scan->heap[0]->row.data_no, &scan->data, err) < 0)
		return err->code;
	*out = buf_str(&scan->data);
	return 0;
}

void event_scan_close(struct event_scan *scan)
{
	if (!scan)
		return;
	for (size_t i = 0; i < scan->count; i++)
		stream_free(scan->heap[i]);
	buf_release(&scan->data);
	free(scan->heap);
	arena_release(&scan->arena);
	db_read_end(scan->store);
	free(scan);
}

void event_scan_closep(struct event_scan **scan)
{
	event_scan_close(*scan);
}

/* --- one event --- */

static int fill(struct store *store, struct catalogue *catalogue, const struct event_row *row,
	struct arena *arena, struct stored_event *out, struct err *err)
{
	CLEANUP(buf_release) struct buf data = BUF_INIT;
	struct bucket *bucket;

	if (catalogue_bucket_no(catalogue, row->bucket_no, &bucket, err) < 0 ||
		dictionary_text(store, row->data_no, &data, err) < 0)
		return err->code;
	out->event.source = arena_str(arena, bucket->source);
	out->event.type = arena_str(arena, bucket->type);
	out->machine_id = arena_str(arena, bucket->machine_id);
	out->event.data = arena_str(arena, buf_str(&data));
	out->event.start_ns = row->start_ns;
	out->event.duration_ns = row->duration_ns;
	out->event.revision = row->revision;
	out->seq = row->seq;
	out->bucket_no = row->bucket_no;
	out->data_no = row->data_no;
	return 0;
}

static int find(struct events *events, struct str id, struct arena *arena, struct stored_event *out,
	struct err *err)
{
	struct event_name name;
	struct event_row row;
	int rc;

	event_name(&name, id);
	rc = db_is_text(id) ? events_find(events, &name, &row, err) : 0;
	if (rc < 0)
		return rc;
	if (rc == 0 || row.deleted)
		return err_set(err, ERR_NOT_FOUND, "no event has the id '%.*s'", STR_ARG(id));
	*out = (struct stored_event){ .event.id = arena_str(arena, id) };
	return fill(events->store, events->catalogue, &row, arena, out, err);
}

int store_event_find(struct store *store, struct str id, struct arena *arena,
	struct stored_event *out, struct err *err)
{
	struct events events = { .store = store };
	int rc;

	if (db_read_begin(store, err) < 0)
		return err->code;
	events.catalogue = catalogue_new(store);
	rc = find(&events, id, arena, out, err);
	catalogue_free(events.catalogue);
	events_release(&events);
	db_read_end(store);
	return rc;
}
