/*
 * Rows in bulk. They are held until a statement speaks of their table, the transaction commits, or
 * there are many; then each table gets one statement, whose parameters are the columns as arrays.
 *
 * What was measured (docs/decisions/009): arrays unnested in the list of SELECT give 165,000 to
 * 187,000 new events a second, with ON CONFLICT 109,000; COPY into a staging table and from there
 * 149,000, and the pipeline has to be left for it, so that the server waits while rows are made
 * here. Hence there is no COPY, and events are sent early, behind the next question (or when there
 * are many): the server answers it at once and stores them while the answer is worked on.
 *
 * New events are inserted plainly. The intake has looked under the user's lock, so a duplicate key
 * is a bug or damage, and the server says so. Changed ones go by ON CONFLICT, which finds their
 * partitions row by row: twice as fast as UPDATE … FROM.
 */
#include "store/postgres/db.h"
#include "store/postgres/held.h"
#include "store/postgres/texts.h"

#include <stdlib.h>

#include "base/time.h"

/* When to write without being asked to. */
enum { MOST_EVENTS = 2000, MOST_DATA = 2000, MOST_BUCKETS = 2000, MOST_BYTES = 4 << 20 };
/* So many are worth a statement of their own. */
enum { WORTH_EVENTS = 500 };

enum { MOST_COLUMNS = 11 };

enum {
	EVENT_USER,
	EVENT_SHELF,
	EVENT_START,
	EVENT_KEY,
	EVENT_DURATION,
	EVENT_REVISION,
	EVENT_DATA,
	EVENT_SEQ,
	EVENT_NUMBER,
	EVENT_OLD_SEQ,
	EVENT_OLD_DATA,
	EVENT_COLUMNS,
	EVENT_MADE_COLUMNS = EVENT_OLD_SEQ, /* of one that is not there yet */
	SHAPES = 1 << EVENT_MADE_COLUMNS
};

struct pg_held {
	struct held_events events;
	struct held_buckets buckets;
	struct pg_array data[4]; /* columns of dict: user_no, data_no, hash, body */
	struct pg_array columns[MOST_COLUMNS];
	int64_t *starts_ns; /* of new events: one for each run on one day */
	size_t start_room;
	const char *inserts[SHAPES]; /* the statement for each shape; NULL: not needed yet */
	struct arena texts;
	bool writing_events; /* which may ask, too */
};

static struct pg_held *held_of(struct store *store)
{
	if (!store->held)
		store->held = mem_zalloc(sizeof(*store->held));
	return store->held;
}

static int64_t writer_of(const struct store *store)
{
	ASSERT(store->user->writing);
	return store->user->user_no;
}

static int send(
	struct store *store, const char *text, struct pg_array *columns, int count, struct err *err)
{
	const char *values[MOST_COLUMNS];
	int lengths[MOST_COLUMNS];
	Oid types[MOST_COLUMNS];

	for (int i = 0; i < count; i++) {
		struct str value = pg_array_value(&columns[i]);

		ASSERT(value.len <= INT32_MAX);
		types[i] = columns[i].type;
		values[i] = value.ptr;
		lengths[i] = (int)value.len;
	}
	return pg_send(store, text, count, types, values, lengths, err);
}

/* --- events --- */

#define EVENT_NAMES "user_no, shelf, start_ns, key, duration_ns, revision, data_no, seq, number"
#define EVENT_VALUES                                                                               \
	"unnest($1::BIGINT[]) user_no, unnest($2::BIGINT[]) shelf,"                                \
	" unnest($3::BIGINT[]) start_ns, unnest($4::TEXT[]) AS key,"                               \
	" unnest($5::BIGINT[]) duration_ns, unnest($6::BIGINT[]) revision,"                        \
	" unnest($7::BIGINT[]) data_no, unnest($8::BIGINT[]) seq,"                                 \
	" unnest($9::BIGINT[]) AS number"

/* What events that were accounted for looked like is noted: SQLite has a trigger for it. */
static const char change_events[] =
	"WITH given AS MATERIALIZED (SELECT " EVENT_VALUES
	", unnest($10::BIGINT[]) old_seq, unnest($11::BIGINT[]) old_data_no), noted AS ("
	"INSERT INTO derived_correction (user_no, shelf, start_ns, key, data_no)"
	" SELECT user_no, g.shelf, g.start_ns, g.key, g.old_data_no"
	" FROM given g JOIN derived_mark m USING (user_no) WHERE g.old_seq <= m.seq"
	" ON CONFLICT DO NOTHING)"
	" INSERT INTO event (" EVENT_NAMES ") SELECT " EVENT_NAMES " FROM given"
	" ON CONFLICT (user_no, shelf, start_ns, key) DO UPDATE SET"
	" duration_ns = excluded.duration_ns, revision = excluded.revision,"
	" data_no = excluded.data_no, seq = excluded.seq, number = excluded.number";

static int64_t value_at(const struct held_event *held, int column)
{
	const struct put_event *row = &held->row;

	switch (column) {
	case EVENT_USER:
		return held->user_no;
	case EVENT_SHELF:
		return row->shelf;
	case EVENT_START:
		return row->start_ns;
	case EVENT_DURATION:
		return row->duration_ns;
	case EVENT_REVISION:
		return row->revision;
	case EVENT_DATA:
		return row->data_no;
	case EVENT_SEQ:
		return row->seq;
	case EVENT_NUMBER:
		return row->number;
	case EVENT_OLD_SEQ:
		return row->old_seq;
	default:
		ASSERT(column == EVENT_OLD_DATA);
		return row->old_data_no;
	}
}

static void fill_column(
	struct pg_array *array, int column, const struct held_event *rows, size_t count)
{
	pg_array_begin(array, column == EVENT_KEY ? PG_TEXT : PG_INT8);
	for (size_t i = 0; i < count; i++) {
		if (column == EVENT_KEY)
			pg_array_str(array, rows[i].row.key);
		else
			pg_array_i64(array, value_at(&rows[i], column));
	}
}

/* All of them are there already. */
static int send_changes(
	struct store *store, const struct held_event *rows, size_t count, struct err *err)
{
	struct pg_array *columns = store->held->columns;

	if (count == 0)
		return 0;
	for (int i = 0; i < EVENT_COLUMNS; i++)
		fill_column(&columns[i], i, rows, count);
	return send(store, change_events, columns, EVENT_COLUMNS, err);
}

/* --- new ones --- */

/*
 * What all rows of a large import have in common goes over once: an array costs the server a sixth
 * of a microsecond for each of its elements. The shape of a statement is the set of the columns
 * that are spared so; each shape is a statement of its own.
 */
static unsigned shape_of(const struct held_event *rows, size_t count)
{
	static const int often_same[] = { EVENT_USER, EVENT_SHELF, EVENT_DURATION, EVENT_REVISION,
		EVENT_NUMBER };
	unsigned shape = 0;

	for (size_t i = 0; i < ARRAY_LEN(often_same) && count >= WORTH_EVENTS; i++) {
		int column = often_same[i];
		size_t same = 1;

		while (same < count && value_at(&rows[same], column) == value_at(&rows[0], column))
			same++;
		shape |= same == count ? 1U << column : 0;
	}
	return shape;
}

static bool is_spared(unsigned shape, int column)
{
	return shape >> column & 1;
}

static const char *insert_text(struct pg_held *held, unsigned shape)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	if (held->inserts[shape])
		return held->inserts[shape];
	buf_add(&text, STR("INSERT INTO event (" EVENT_NAMES ") SELECT "));
	for (int i = 0; i < EVENT_MADE_COLUMNS; i++) {
		buf_add(&text, str_from(i == 0 ? "" : ", "));
		if (is_spared(shape, i))
			buf_printf(&text, "$%d::BIGINT", i + 1);
		else
			buf_printf(&text, "unnest($%d::%s[])", i + 1,
				i == EVENT_KEY ? "TEXT" : "BIGINT");
	}
	held->inserts[shape] = arena_cstr(&held->texts, buf_str(&text));
	return held->inserts[shape];
}

static int send_new(
	struct store *store, const struct held_event *rows, size_t count, struct err *err)
{
	struct pg_array *columns = store->held->columns;
	unsigned shape;

	if (count == 0)
		return 0;
	shape = shape_of(rows, count);
	for (int i = 0; i < EVENT_MADE_COLUMNS; i++) {
		if (is_spared(shape, i))
			pg_array_all(&columns[i], value_at(&rows[0], i));
		else
			fill_column(&columns[i], i, rows, count);
	}
	return send(store, insert_text(store->held, shape), columns, EVENT_MADE_COLUMNS, err);
}

/* A month consists of whole days. */
static int64_t day_of(int64_t start_ns)
{
	const int64_t day_ns = 24 * NS_PER_HOUR;

	return start_ns / day_ns - (start_ns % day_ns < 0);
}

static int make_partitions(struct store *store, size_t made, struct err *err)
{
	struct pg_held *held = store->held;
	size_t count = 0;

	if (held->start_room < made) {
		held->start_room = made;
		held->starts_ns = mem_resize(held->starts_ns, made, sizeof(*held->starts_ns));
	}
	for (size_t i = 0; i < made; i++) {
		int64_t start_ns = held->events.rows[i].row.start_ns;

		if (count == 0 || day_of(held->starts_ns[count - 1]) != day_of(start_ns))
			held->starts_ns[count++] = start_ns;
	}
	return count > 0 ? pg_partitions_ensure(store, held->starts_ns, count, err) : 0;
}

static int write_events(struct store *store, struct err *err)
{
	struct held_events *events = &store->held->events;
	size_t made = held_events_sort(events);
	int rc;

	store->held->writing_events = true;
	rc = make_partitions(store, made, err);
	store->held->writing_events = false;
	if (rc == 0)
		rc = send_new(store, events->rows, made, err);
	if (rc == 0)
		rc = send_changes(store, events->rows + made, events->count - made, err);
	held_events_clear(events);
	return rc;
}

static int hold_event(struct store *store, const struct put_event *row, bool made, struct err *err)
{
	struct held_events *events = &held_of(store)->events;

	held_event(events, writer_of(store), row, made);
	if (events->count < MOST_EVENTS && events->keys.used_bytes < MOST_BYTES)
		return 0;
	return write_events(store, err);
}

int put_event(struct store *store, const struct put_event *row, struct err *err)
{
	return hold_event(store, row, true, err);
}

/* NUMBERED: what it has then is in ROW in any case. */
int put_event_change(
	struct store *store, const struct put_event *row, bool numbered, struct err *err)
{
	(void)numbered;
	return hold_event(store, row, false, err);
}

/* --- data --- */

enum { DATA_USER, DATA_NO, DATA_HASH, DATA_BODY, DATA_COLUMNS };

static const char insert_data[] =
	"INSERT INTO dict (user_no, data_no, hash, body) SELECT unnest($1::BIGINT[]),"
	" unnest($2::BIGINT[]), unnest($3::BIGINT[]), unnest($4::TEXT[])";

static int write_data(struct store *store, struct err *err)
{
	struct pg_array *data = store->held->data;
	int rc = 0;

	if (data[DATA_NO].count > 0)
		rc = send(store, insert_data, data, DATA_COLUMNS, err);
	for (int i = 0; i < DATA_COLUMNS; i++)
		data[i].count = 0;
	return rc;
}

int put_data(struct store *store, struct str data, uint64_t hash, int64_t *no, struct err *err)
{
	struct pg_array *columns = held_of(store)->data;
	int64_t user_no = writer_of(store);

	*no = ++store->user->last_data;
	for (int i = 0; columns[DATA_NO].count == 0 && i < DATA_COLUMNS; i++)
		pg_array_begin(&columns[i], i == DATA_BODY ? PG_TEXT : PG_INT8);
	pg_array_i64(&columns[DATA_USER], user_no);
	pg_array_i64(&columns[DATA_HASH], (int64_t)hash);
	pg_array_str(&columns[DATA_BODY], data);
	pg_array_i64(&columns[DATA_NO], *no);
	if (columns[DATA_NO].count < MOST_DATA && columns[DATA_BODY].bytes.len < MOST_BYTES)
		return 0;
	return write_data(store, err);
}

/* --- buckets --- */

enum {
	BUCKET_USER,
	BUCKET_NO,
	BUCKET_ADDED,
	BUCKET_LONGEST,
	BUCKET_END,
	BUCKET_CHANGED,
	BUCKET_MOVED,
	BUCKET_FIRST,
	BUCKET_LAST,
	BUCKET_COLUMNS
};

static const char update_buckets[] =
	"UPDATE bucket b SET events = b.events + g.added, longest_ns = g.longest_ns,"
	" end_ns = g.end_ns, changed_seq = g.changed_seq, moved_seq = g.moved_seq,"
	" first_ns = least(b.first_ns, g.first_ns), last_ns = greatest(b.last_ns, g.last_ns)"
	" FROM (SELECT unnest($1::BIGINT[]) user_no, unnest($2::BIGINT[]) bucket_no,"
	" unnest($3::BIGINT[]) added, unnest($4::BIGINT[]) longest_ns,"
	" unnest($5::BIGINT[]) end_ns, unnest($6::BIGINT[]) changed_seq,"
	" unnest($7::BIGINT[]) moved_seq, unnest($8::BIGINT[]) first_ns,"
	" unnest($9::BIGINT[]) last_ns) g"
	" WHERE b.user_no = g.user_no AND b.bucket_no = g.bucket_no";

static void add_bucket(struct pg_array *columns, const struct held_bucket *held)
{
	pg_array_i64(&columns[BUCKET_USER], held->user_no);
	pg_array_i64(&columns[BUCKET_NO], held->row.bucket_no);
	pg_array_i64(&columns[BUCKET_ADDED], held->row.added);
	pg_array_i64(&columns[BUCKET_LONGEST], held->row.longest_ns);
	pg_array_i64(&columns[BUCKET_END], held->row.end_ns);
	pg_array_i64(&columns[BUCKET_CHANGED], held->row.changed_seq);
	pg_array_i64(&columns[BUCKET_MOVED], held->row.moved_seq);
	pg_array_i64(&columns[BUCKET_FIRST], held->row.first_ns);
	pg_array_i64(&columns[BUCKET_LAST], held->row.last_ns);
}

static int write_buckets(struct store *store, struct err *err)
{
	struct pg_held *held = store->held;

	if (held->buckets.count == 0)
		return 0;
	for (int i = 0; i < BUCKET_COLUMNS; i++)
		pg_array_begin(&held->columns[i], PG_INT8);
	for (size_t i = 0; i < held->buckets.count; i++)
		add_bucket(held->columns, &held->buckets.rows[i]);
	held_buckets_clear(&held->buckets);
	return send(store, update_buckets, held->columns, BUCKET_COLUMNS, err);
}

int put_bucket(struct store *store, const struct put_bucket *row, struct err *err)
{
	struct held_buckets *buckets = &held_of(store)->buckets;

	held_bucket(buckets, writer_of(store), row);
	return buckets->count < MOST_BUCKETS ? 0 : write_buckets(store, err);
}

/* --- for db.c --- */

int pg_held_write_behind(struct store *store, struct err *err)
{
	const struct pg_held *held = store->held;

	if (!held || held->writing_events || held->events.count < WORTH_EVENTS)
		return 0;
	return write_events(store, err);
}

int pg_held_write(struct store *store, unsigned mask, struct err *err)
{
	if (!store->held)
		return 0;
	if ((mask & HELD_DICT && write_data(store, err) < 0) ||
		(mask & HELD_EVENT && write_events(store, err) < 0) ||
		(mask & HELD_BUCKET && write_buckets(store, err) < 0))
		return err->code;
	return 0;
}

void pg_held_forget(struct store *store)
{
	pg_texts_forget(store->texts);
	if (!store->held)
		return;
	held_events_clear(&store->held->events);
	held_buckets_clear(&store->held->buckets);
	for (int i = 0; i < DATA_COLUMNS; i++)
		store->held->data[i].count = 0;
}

void pg_held_free(struct pg_held *held)
{
	if (!held)
		return;
	held_events_release(&held->events);
	held_buckets_release(&held->buckets);
	for (int i = 0; i < DATA_COLUMNS; i++)
		pg_array_release(&held->data[i]);
	for (int i = 0; i < MOST_COLUMNS; i++)
		pg_array_release(&held->columns[i]);
	arena_release(&held->texts);
	free(held->starts_ns);
	free(held);
}
