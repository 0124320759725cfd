/*
 * Finding and changing rows of event, odd_id and tombstone, and keeping the counters that go with
 * them. Invariant: an id has at most one row, in event or in tombstone; it has a row in odd_id
 * exactly while its event is odd.
 *
 * While writing, most of what is new is known to be so without a query: it is newer than its
 * bucket, or a filter excludes it.
 */
#include "store/sql/events.h"

#include "store/sql/expected.h"
#include "store/sql/known.h"
#include "store/sql/put.h"

/* Where an event lies. */
struct place {
	struct bucket *bucket;
	bool odd;
	int64_t start_ns;
	struct str key;
	int64_t seq; /* of the change that puts it there */
};

static int64_t shelf_of(int64_t bucket_no, bool odd)
{
	return 2 * bucket_no + (odd ? 1 : 0);
}

void event_name(struct event_name *name, struct str id)
{
	*name = (struct event_name){ .id = id };
	name->canonical = id_parse(id, &name->parts) && name->parts.canonical &&
			  !__builtin_mul_overflow(name->parts.at_ms, NS_PER_MS, &name->at_ns);
}

void event_name_made(
	struct event_name *name, const struct event *event, const struct event_id *parts)
{
	*name = (struct event_name){ .id = event->id,
		.parts = *parts,
		.canonical = true,
		.at_ns = time_floor_ms(event->start_ns) };
	name->parts.at_ms = name->at_ns / NS_PER_MS;
}

/* --- finding --- */

static void take_row(struct db_statement *stmt, struct event_row *row)
{
	row->start_ns = db_col_i64(stmt, 0);
	row->duration_ns = db_col_i64(stmt, 1);
	row->revision = db_col_i64(stmt, 2);
	row->data_no = db_col_i64(stmt, 3);
	row->seq = db_col_i64(stmt, 4);
	row->number = db_col_i64(stmt, 5);
}

/* The row of KEY on SHELF with SQL, whose parameters are shelf, key and one or two times. */
static int query_shelf(struct events *events, const char *sql, int64_t shelf, struct str key,
	const int64_t times[2], struct event_row *row, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	if (db_stmt(events->store, sql, &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, shelf);
	db_bind_str(stmt, 2, key);
	for (int i = 3; i <= db_params(stmt); i++)
		db_bind_i64(stmt, i, times[i - 3]);
	rc = db_step(events->store, stmt, err);
	if (rc == 1) {
		take_row(stmt, row);
		row->bucket_no = shelf / 2;
		row->odd = shelf % 2 != 0;
	}
	return rc;
}

#define SELECT_ROW                                                                                 \
	"SELECT start_ns, duration_ns, revision, data_no, seq, number FROM event"                  \
	" WHERE " OWN "shelf = ? AND key = ?"
static const char at_time[] = SELECT_ROW " AND start_ns = ?";
static const char in_time[] = SELECT_ROW " AND start_ns BETWEEN ? AND ?";

static int query_canonical(struct events *events, int64_t bucket_no, const struct event_name *name,
	struct event_row *row, struct err *err)
{
	int64_t shelf = shelf_of(bucket_no, false), times[2] = { name->at_ns };
	struct str key = name->parts.discriminator;
	int rc;

	/* Most events lie on the millisecond: there the key finds the row among any number of
	 * others. */
	rc = query_shelf(events, at_time, shelf, key, times, row, err);
	if (rc != 0)
		return rc;
	times[0]++;
	if (__builtin_add_overflow(name->at_ns, NS_PER_MS - 1, &times[1]))
		times[1] = INT64_MAX;
	return query_shelf(events, in_time, shelf, key, times, row, err);
}

static int find_canonical(struct events *events, const struct event_name *name,
	struct event_row *row, struct err *err)
{
	const struct event_id *id = &name->parts;
	struct bucket *bucket;
	bool excluded;
	int rc;

	if (catalogue_bucket(
		    events->catalogue, id->machine, id->source, id->type, false, &bucket, err) < 0)
		return err->code;
	if (!bucket)
		return 0;
	/* Who only finds (and has no dictionary) knows nothing of the tables that would spare a
	 * query. */
	if (!db_is_writing(events->store) || !events->dictionary)
		return query_canonical(events, bucket->bucket_no, name, row, err);
	if (bucket->newest_ns[0] < name->at_ns)
		return 0;
	if (known_absent(events, bucket, name, &excluded, err) < 0)
		return err->code;
	if (excluded)
		return 0;
	rc = query_canonical(events, bucket->bucket_no, name, row, err);
	if (rc == 0)
		filter_missed(known_filter(events, bucket->bucket_no),
			ahead_rows_per_question(events->store));
	return rc;
}

static int find_odd(struct events *events, struct str id, struct event_row *row, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int64_t shelf, times[2] = { 0 };
	int rc;

	if (db_is_writing(events->store) && db_counters(events->store)->odd_ids == 0)
		return 0;
	if (db_stmt(events->store, "SELECT shelf, start_ns FROM odd_id WHERE " OWN "id = ?", &stmt,
		    err) < 0)
		return err->code;
	db_bind_str(stmt, 1, id);
	rc = db_step(events->store, stmt, err);
	if (rc != 1)
		return rc;
	shelf = db_col_i64(stmt, 0);
	times[0] = db_col_i64(stmt, 1);
	return query_shelf(events, at_time, shelf, id, times, row, err);
}

static int find_tombstone(
	struct events *events, struct str id, struct event_row *row, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	if (db_is_writing(events->store) && db_counters(events->store)->tombstones == 0)
		return 0;
	if (db_stmt(events->store,
		    "SELECT start_ns, 0, revision, 0, seq, 0, bucket_no FROM tombstone WHERE " OWN
		    "id = ?",
		    &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, id);
	rc = db_step(events->store, stmt, err);
	if (rc == 1) {
		take_row(stmt, row);
		row->bucket_no = db_col_i64(stmt, 6);
		row->deleted = true;
	}
	return rc;
}

int events_find(struct events *events, const struct event_name *name, struct event_row *row,
	struct err *err)
{
	struct ahead_event *expected;
	int rc = expected_look(events, name->id, &expected, err);

	if (rc < 0)
		return rc;
	if (expected) {
		*row = expected->found ? expected->row : (struct event_row){ 0 };
		return expected->found;
	}
	*row = (struct event_row){ 0 };
	if (name->canonical)
		rc = find_canonical(events, name, row, err);
	if (rc == 0)
		rc = find_odd(events, name->id, row, err);
	if (rc == 0)
		rc = find_tombstone(events, name->id, row, err);
	return rc;
}

/* --- changing --- */

static int choose_place(struct events *events, const struct event *event,
	const struct event_name *name, struct place *place, struct err *err)
{
	place->odd = !(name->canonical && name->at_ns == time_floor_ms(event->start_ns) &&
		       str_eq(name->parts.source, event->source) &&
		       str_eq(name->parts.type, event->type));
	place->start_ns = event->start_ns;
	place->seq = db_next_seq(events->store);
	place->key = place->odd ? event->id : name->parts.discriminator;
	return catalogue_bucket(events->catalogue, name->parts.machine, event->source, event->type,
		true, &place->bucket, err);
}

static void count(struct events *events, struct bucket *bucket, int64_t change)
{
	bucket->added += change;
	db_counters(events->store)->events += change;
}

static int insert_odd_id(
	struct events *events, struct str id, const struct place *place, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(events->store,
		    "INSERT INTO odd_id (" OWNER "id, shelf, start_ns) VALUES (" OWN_VALUE
		    "?, ?, ?)",
		    &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, id);
	db_bind_i64(stmt, 2, shelf_of(place->bucket->bucket_no, true));
	db_bind_i64(stmt, 3, place->start_ns);
	db_counters(events->store)->odd_ids++;
	return db_exec(events->store, stmt, err);
}

static struct put_event row_of(
	const struct event *event, const struct place *place, int64_t data_no, int64_t number)
{
	return (struct put_event){
		.shelf = shelf_of(place->bucket->bucket_no, place->odd),
		.start_ns = place->start_ns,
		.key = place->key,
		.duration_ns = event->duration_ns,
		.revision = event->revision,
		.data_no = data_no,
		.seq = place->seq,
		.number = number,
	};
}

static int insert_event(struct events *events, const struct event *event, const struct place *place,
	const struct put_event *row, struct err *err)
{
	if (put_event(events->store, row, err) < 0)
		return err->code;
	count(events, place->bucket, 1);
	bucket_gains(place->bucket, place->start_ns, event->duration_ns, place->seq);
	if (!place->odd)
		filter_inserted(known_filter(events, place->bucket->bucket_no),
			known_hash(time_floor_ms(place->start_ns), place->key));
	if (place->start_ns > place->bucket->newest_ns[place->odd])
		place->bucket->newest_ns[place->odd] = place->start_ns;
	return place->odd ? insert_odd_id(events, event->id, place, err) : 0;
}

static int update_event(struct events *events, const struct event *event, const struct place *place,
	const struct event_row *old, const struct put_event *row, struct err *err)
{
	bool numbered = old->number == 0 && row->number != 0;

	if (put_event_change(events->store, row, numbered, err) < 0)
		return err->code;
	bucket_loses(place->bucket, old->start_ns, old->duration_ns, place->seq);
	bucket_gains(place->bucket, place->start_ns, event->duration_ns, place->seq);
	if (event->duration_ns < old->duration_ns)
		bucket_moved(place->bucket, place->seq);
	return 0;
}

static int delete_by_id(struct events *events, const char *sql, struct str id, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(events->store, sql, &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, id);
	return db_exec(events->store, stmt, err);
}

/* MOVED: what takes its place, if anything, does not say where it was. */
static int delete_event(struct events *events, const struct event_name *name,
	const struct event_row *old, int64_t seq, bool moved, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	struct bucket *bucket;

	if (catalogue_bucket_no(events->catalogue, old->bucket_no, &bucket, err) < 0 ||
		db_stmt(events->store,
			"DELETE FROM event WHERE " OWN "shelf = ? AND start_ns = ? AND key = ?",
			&stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, shelf_of(old->bucket_no, old->odd));
	db_bind_i64(stmt, 2, old->start_ns);
	db_bind_str(stmt, 3, old->odd ? name->id : name->parts.discriminator);
	if (db_exec(events->store, stmt, err) < 0)
		return err->code;
	count(events, bucket, -1);
	bucket_loses(bucket, old->start_ns, old->duration_ns, seq);
	if (moved)
		bucket_moved(bucket, seq);
	if (!old->odd)
		return 0;
	db_counters(events->store)->odd_ids--;
	return delete_by_id(events, "DELETE FROM odd_id WHERE " OWN "id = ?", name->id, err);
}

static int remove_old(struct events *events, const struct event *event,
	const struct event_name *name, const struct event_row *old, const struct place *place,
	struct err *err)
{
	struct bucket *bucket;

	if (!old)
		return 0;
	if (!old->deleted)
		return delete_event(events, name, old, place->seq,
			!event->deleted || old->start_ns != place->start_ns ||
				old->bucket_no != place->bucket->bucket_no,
			err);
	if (catalogue_bucket_no(events->catalogue, old->bucket_no, &bucket, err) < 0)
		return err->code;
	bucket_moved(bucket, place->seq);
	db_counters(events->store)->tombstones--;
	return delete_by_id(events, "DELETE FROM tombstone WHERE " OWN "id = ?", name->id, err);
}

static int put_tombstone(struct events *events, const struct event *event,
	const struct place *place, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(events->store,
		    "INSERT INTO tombstone (" OWNER
		    "id, bucket_no, start_ns, revision, seq) VALUES (" OWN_VALUE "?, ?, ?, ?, ?)",
		    &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, event->id);
	db_bind_i64(stmt, 2, place->bucket->bucket_no);
	db_bind_i64(stmt, 3, event->start_ns);
	db_bind_i64(stmt, 4, event->revision);
	db_bind_i64(stmt, 5, place->seq);
	db_counters(events->store)->tombstones++;
	return db_exec(events->store, stmt, err);
}

static bool stays(const struct event_row *old, const struct place *place)
{
	return old && !old->deleted && old->bucket_no == place->bucket->bucket_no &&
	       old->odd == place->odd && old->start_ns == place->start_ns;
}

/* *NOW becomes what is stored. */
static int put(struct events *events, const struct event *event, const struct event_name *name,
	const struct event_row *old, struct event_row *now, struct err *err)
{
	struct place place;
	struct put_event row;

	if (choose_place(events, event, name, &place, err) < 0)
		return err->code;
	now->deleted = event->deleted;
	now->odd = place.odd;
	now->bucket_no = place.bucket->bucket_no;
	now->seq = place.seq;
	if (event->deleted) {
		if (remove_old(events, event, name, old, &place, err) < 0)
			return err->code;
		return put_tombstone(events, event, &place, err);
	}
	if (dictionary_number(events->dictionary, event->data, true, &now->data_no, err) < 0)
		return err->code;
	row = row_of(event, &place, now->data_no, now->number);
	if (stays(old, &place)) {
		row.old_seq = old->seq;
		row.old_data_no = old->data_no;
		return update_event(events, event, &place, old, &row, err);
	}
	if (remove_old(events, event, name, old, &place, err) < 0)
		return err->code;
	return insert_event(events, event, &place, &row, err);
}

int events_put(struct events *events, const struct event *event, const struct event_name *name,
	const struct event_row *old, int64_t number, struct err *err)
{
	struct ahead_event *expected = expected_find(events->expected, name->id);
	struct event_row now = { .start_ns = event->start_ns,
		.duration_ns = event->duration_ns,
		.revision = event->revision };

	ASSERT(db_is_writing(events->store));
	now.number = old && !old->deleted && old->number != 0 ? old->number : number;
	if (put(events, event, name, old, &now, err) < 0)
		return err->code;
	if (expected) {
		expected->found = true;
		expected->row = now;
	}
	return 0;
}
