/*
 * Reading many rows with one question: what is asked for goes over as arrays, and each row of the
 * answer says by its first column which of them it is.
 *
 * LATERAL with LIMIT or OFFSET 0 holds the planner to an index look-up for each of what is asked
 * for, however old its statistics are.
 */
#include "store/sql/ahead.h"

#include "base/time.h"
#include "store/postgres/array.h"
#include "store/postgres/db.h"
#include "store/sql/aw_rows.h"

bool ahead_pays(const struct store *store)
{
	(void)store;
	return true;
}

int ahead_rows_per_question(const struct store *store)
{
	(void)store;
	return 128;
}

int ahead_rows_per_look_up(const struct store *store)
{
	(void)store;
	return 12;
}

unsigned ahead_connection(const struct store *store)
{
	return store->connection;
}

int64_t ahead_owner(const struct store *store)
{
	return store->user->user_no;
}

/* --- questions --- */

enum { MOST_COLUMNS = 5, MOST_NUMBERS = 3 };

/* SQL's parameters are the columns of what is asked for, the first of which is its index, then
 * single numbers. */
struct question {
	const char *sql;
	struct pg_array columns[MOST_COLUMNS];
	int column_count;
	int64_t numbers[MOST_NUMBERS];
	int number_count;
};

/* COLUMNS: for each 'i' (numbers) or 't' (texts). */
static struct question question(const char *sql, const char *columns)
{
	struct question made = { .sql = sql, .column_count = (int)strlen(columns) };

	ASSERT(made.column_count <= MOST_COLUMNS);
	for (int i = 0; i < made.column_count; i++)
		pg_array_begin(&made.columns[i], columns[i] == 't' ? PG_TEXT : PG_INT8);
	return made;
}

static void question_release(struct question *question)
{
	for (int i = 0; i < question->column_count; i++)
		pg_array_release(&question->columns[i]);
}

static void add_index(struct question *question, size_t index)
{
	pg_array_i64(&question->columns[0], (int64_t)index);
}

static void add_number(struct question *question, int64_t number)
{
	question->numbers[question->number_count++] = number;
}

/* When nothing is asked for there is no answer. */
static int ask(struct store *store, struct question *question, PGresult **out, struct err *err)
{
	const char *values[MOST_COLUMNS + MOST_NUMBERS];
	int lengths[MOST_COLUMNS + MOST_NUMBERS];
	Oid types[MOST_COLUMNS + MOST_NUMBERS];
	char numbers[MOST_NUMBERS][8];
	int at = 0;

	*out = NULL;
	if (question->columns[0].count == 0)
		return 0;
	for (; at < question->column_count; at++) {
		struct str value = pg_array_value(&question->columns[at]);

		types[at] = question->columns[at].type;
		values[at] = value.ptr;
		lengths[at] = (int)value.len;
	}
	for (int i = 0; i < question->number_count; i++, at++) {
		pg_put_i64(numbers[i], question->numbers[i]);
		types[at] = PG_INT8;
		values[at] = numbers[i];
		lengths[at] = 8;
	}
	return pg_ask(store, question->sql, at, types, values, lengths, out, err);
}

/* --- answers --- */

static void answer_clear(PGresult **answer)
{
	PQclear(*answer);
}

static int64_t number_at(const PGresult *answer, int row, int column)
{
	return PQgetisnull(answer, row, column) ? 0 : pg_get_i64(PQgetvalue(answer, row, column));
}

static struct str text_at(const PGresult *answer, int row, int column)
{
	return (struct str){ PQgetvalue(answer, row, column),
		(size_t)PQgetlength(answer, row, column) };
}

/* Which of COUNT things a row is about. */
static size_t index_at(const PGresult *answer, int row, size_t count)
{
	int64_t index = number_at(answer, row, 0);

	ASSERT(index >= 0 && (uint64_t)index < count);
	return (size_t)index;
}

/* The columns of a row of event, from FIRST on. */
#define ROW_COLUMNS "e.shelf, e.start_ns, e.duration_ns, e.revision, e.data_no, e.seq, e.number"
enum { ROW_SHELF, ROW_START, ROW_DURATION, ROW_REVISION, ROW_DATA, ROW_SEQ, ROW_NUMBER };

static struct event_row row_at(const PGresult *answer, int row, int first)
{
	int64_t shelf = number_at(answer, row, first + ROW_SHELF);

	return (struct event_row){
		.odd = shelf % 2 != 0,
		.bucket_no = shelf / 2,
		.start_ns = number_at(answer, row, first + ROW_START),
		.duration_ns = number_at(answer, row, first + ROW_DURATION),
		.revision = number_at(answer, row, first + ROW_REVISION),
		.data_no = number_at(answer, row, first + ROW_DATA),
		.seq = number_at(answer, row, first + ROW_SEQ),
		.number = number_at(answer, row, first + ROW_NUMBER),
	};
}

/* --- events by their ids --- */

static int take_events(struct store *store, struct question *question, struct ahead_event *events,
	size_t count, struct err *err)
{
	CLEANUP(answer_clear) PGresult *answer = NULL;

	if (ask(store, question, &answer, err) < 0)
		return err->code;
	for (int i = 0; i < PQntuples(answer); i++) {
		struct ahead_event *event = &events[index_at(answer, i, count)];

		event->found = true;
		event->row = row_at(answer, i, 1);
	}
	return 0;
}

/* The last instant of the millisecond that begins at AT. */
static int64_t last_of_ms(int64_t at_ns)
{
	int64_t last_ns;

	return __builtin_add_overflow(at_ns, NS_PER_MS - 1, &last_ns) ? INT64_MAX : last_ns;
}

/* The bounds of all that is asked for say which partitions there are to look at, before the
 * statement runs. */
static const char canonical_sql[] =
	"SELECT n.i, " ROW_COLUMNS " FROM (SELECT unnest($1::BIGINT[]) i,"
	" unnest($2::BIGINT[]) shelf, unnest($3::BIGINT[]) from_ns, unnest($4::BIGINT[]) last_ns,"
	" unnest($5::TEXT[]) AS key) n CROSS JOIN LATERAL (SELECT * FROM event v"
	" WHERE v.user_no = $6 AND v.shelf = n.shelf AND v.start_ns BETWEEN n.from_ns AND n.last_ns"
	" AND v.key = n.key AND v.start_ns BETWEEN $7 AND $8 LIMIT 1) e";

static int find_canonical(
	struct store *store, struct ahead_event *events, size_t count, struct err *err)
{
	CLEANUP(question_release) struct question asked = question(canonical_sql, "iiiit");
	int64_t least_ns = INT64_MAX, last_ns = INT64_MIN;

	for (size_t i = 0; i < count; i++) {
		const struct ahead_event *event = &events[i];

		if (event->shelf < 0)
			continue;
		add_index(&asked, i);
		pg_array_i64(&asked.columns[1], event->shelf);
		pg_array_i64(&asked.columns[2], event->at_ns);
		pg_array_i64(&asked.columns[3], last_of_ms(event->at_ns));
		pg_array_str(&asked.columns[4], event->key);
		least_ns = event->at_ns < least_ns ? event->at_ns : least_ns;
		last_ns = event->at_ns > last_ns ? event->at_ns : last_ns;
	}
	add_number(&asked, store->user->user_no);
	add_number(&asked, least_ns);
	add_number(&asked, last_of_ms(last_ns));
	return take_events(store, &asked, events, count, err);
}

/* Ask for those not found yet by their ids. */
static struct question by_id(
	const struct store *store, const char *sql, const struct ahead_event *events, size_t count)
{
	struct question asked = question(sql, "it");

	for (size_t i = 0; i < count; i++) {
		if (events[i].found)
			continue;
		add_index(&asked, i);
		pg_array_str(&asked.columns[1], events[i].id);
	}
	add_number(&asked, store->user->user_no);
	return asked;
}

#define BY_ID "(SELECT unnest($1::BIGINT[]) i, unnest($2::TEXT[]) id) n"

static int find_odd(struct store *store, struct ahead_event *events, size_t count, struct err *err)
{
	static const char sql[] =
		"SELECT n.i, " ROW_COLUMNS " FROM " BY_ID " CROSS JOIN LATERAL"
		" (SELECT * FROM odd_id p WHERE p.user_no = $3 AND p.id = n.id LIMIT 1) o"
		" CROSS JOIN LATERAL (SELECT * FROM event v WHERE v.user_no = $3"
		" AND v.shelf = o.shelf AND v.start_ns = o.start_ns AND v.key = n.id LIMIT 1) e";
	CLEANUP(question_release) struct question asked = by_id(store, sql, events, count);

	if (store->user->writing && store->user->counters.odd_ids == 0)
		return 0;
	return take_events(store, &asked, events, count, err);
}

static int find_tombstones(
	struct store *store, struct ahead_event *events, size_t count, struct err *err)
{
	static const char sql[] =
		"SELECT n.i, 2 * e.bucket_no, e.start_ns, 0::BIGINT, e.revision, 0::BIGINT, e.seq,"
		" 0::BIGINT FROM " BY_ID " CROSS JOIN LATERAL"
		" (SELECT * FROM tombstone t WHERE t.user_no = $3 AND t.id = n.id LIMIT 1) e";
	CLEANUP(question_release) struct question asked = by_id(store, sql, events, count);
	CLEANUP(answer_clear) PGresult *answer = NULL;

	if (store->user->writing && store->user->counters.tombstones == 0)
		return 0;
	if (ask(store, &asked, &answer, err) < 0)
		return err->code;
	for (int i = 0; i < PQntuples(answer); i++) {
		struct ahead_event *event = &events[index_at(answer, i, count)];

		event->found = true;
		event->row = row_at(answer, i, 1);
		event->row.deleted = true;
	}
	return 0;
}

int ahead_events(struct store *store, struct ahead_event *events, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		events[i].found = false;
	if (find_canonical(store, events, count, err) < 0 ||
		find_odd(store, events, count, err) < 0)
		return err->code;
	return find_tombstones(store, events, count, err);
}

/* --- numbers of data --- */

static const char data_sql[] =
	"SELECT n.i, d.data_no FROM (SELECT unnest($1::BIGINT[]) i,"
	" unnest($2::BIGINT[]) user_no, unnest($3::BIGINT[]) hash, unnest($4::TEXT[]) body) n"
	" CROSS JOIN LATERAL (SELECT c.data_no, c.body FROM dict c WHERE c.user_no = n.user_no"
	" AND c.hash = n.hash OFFSET 0) d WHERE d.body = n.body";

int ahead_data(struct store *store, struct ahead_data *datas, size_t count, struct err *err)
{
	CLEANUP(question_release) struct question asked = question(data_sql, "iiit");
	CLEANUP(answer_clear) PGresult *answer = NULL;

	for (size_t i = 0; i < count; i++) {
		datas[i].data_no = 0;
		if (datas[i].absent)
			continue;
		add_index(&asked, i);
		pg_array_i64(&asked.columns[1], datas[i].owner);
		pg_array_i64(&asked.columns[2], (int64_t)datas[i].hash);
		pg_array_str(&asked.columns[3], datas[i].text);
	}
	if (ask(store, &asked, &answer, err) < 0)
		return err->code;
	for (int i = 0; i < PQntuples(answer); i++)
		datas[index_at(answer, i, count)].data_no = number_at(answer, i, 1);
	return 0;
}

/* --- events near each other --- */

enum {
	NEAR_START,
	NEAR_DURATION,
	NEAR_DATA,
	NEAR_NUMBER,
	NEAR_SEQ,
	NEAR_TEXT,
	NEAR_TEXT_BYTES = 4096
};

/* Parameters: user, shelf of the canonical ones, from, how many, how long a text may be. */
#define NEAR_OF(shelf_no, is_behind, order)                                                        \
	"(SELECT v.user_no, v.start_ns, v.duration_ns, v.data_no, v.number, v.seq FROM event v"    \
	" WHERE v.user_no = $1 AND v.shelf = " shelf_no " AND v.start_ns " is_behind               \
	" $3 ORDER BY v.start_ns" order " LIMIT $4)"
#define NEAR(is_behind, order)                                                                                 \
	"SELECT e.start_ns, e.duration_ns, e.data_no, e.number, e.seq, d.body FROM (" NEAR_OF(                 \
		"$2", is_behind, order) " UNION ALL " NEAR_OF("$2 + 1", is_behind,                             \
		order) " ORDER BY start_ns" order                                                              \
		       " LIMIT $4) e LEFT JOIN LATERAL (SELECT c.body FROM dict c"                             \
		       " WHERE c.user_no = e.user_no AND c.data_no = e.data_no AND octet_length(c.body) <= $5" \
		       " LIMIT 1) d ON true ORDER BY e.start_ns" order

static int ask_near(
	struct store *store, const struct ahead_range *range, PGresult **out, struct err *err)
{
	const int64_t numbers[] = { store->user->user_no, 2 * range->bucket_no, range->from_ns,
		(int64_t)range->most, NEAR_TEXT_BYTES };
	const char *values[ARRAY_LEN(numbers)];
	char bytes[ARRAY_LEN(numbers)][8];
	int lengths[ARRAY_LEN(numbers)];
	Oid types[ARRAY_LEN(numbers)];

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		pg_put_i64(bytes[i], numbers[i]);
		values[i] = bytes[i];
		lengths[i] = 8;
		types[i] = PG_INT8;
	}
	return pg_ask(store, range->down ? NEAR("<=", " DESC") : NEAR(">=", ""), ARRAY_LEN(numbers),
		types, values, lengths, out, err);
}

int ahead_events_near(struct store *store, const struct ahead_range *range, struct arena *arena,
	struct ahead_near *out, size_t *count, struct err *err)
{
	CLEANUP(answer_clear) PGresult *answer = NULL;

	*count = 0;
	if (ask_near(store, range, &answer, err) < 0)
		return err->code;
	for (int i = 0; i < PQntuples(answer); i++) {
		int64_t number = number_at(answer, i, NEAR_NUMBER);
		struct ahead_near *near = &out[(*count)++];

		*near = (struct ahead_near){
			.start_ns = number_at(answer, i, NEAR_START),
			.duration_ns = number_at(answer, i, NEAR_DURATION),
			.data_no = number_at(answer, i, NEAR_DATA),
			.number = number > 0 ? number
					     : AW_NUMBER_SEQ + number_at(answer, i, NEAR_SEQ),
		};
		if (!PQgetisnull(answer, i, NEAR_TEXT))
			near->text = arena_str(arena, text_at(answer, i, NEAR_TEXT));
	}
	return 0;
}

/* --- what ids of buckets mean --- */

static const char targets_sql[] =
	"SELECT n.i, a.bucket_no, a.machine_id, a.made FROM (SELECT unnest($1::BIGINT[]) i,"
	" unnest($2::BIGINT[]) user_no, unnest($3::TEXT[]) id) n CROSS JOIN LATERAL"
	" (SELECT w.bucket_no, m.machine_id, count(*) OVER () AS made FROM aw_bucket w"
	" JOIN bucket b ON b.user_no = w.user_no AND b.bucket_no = w.bucket_no"
	" JOIN machine m ON m.user_no = b.user_no AND m.machine_no = b.machine_no"
	" WHERE w.user_no = n.user_no AND w.id = n.id) a";

int ahead_targets(struct store *store, struct ahead_target *targets, size_t count, struct err *err)
{
	CLEANUP(question_release) struct question asked = question(targets_sql, "iit");
	CLEANUP(answer_clear) PGresult *answer = NULL;

	for (size_t i = 0; i < count; i++) {
		targets[i].bucket_no = 0;
		if (str_find(targets[i].id, '\0', 0) >= 0)
			continue;
		add_index(&asked, i);
		pg_array_i64(&asked.columns[1], targets[i].owner);
		pg_array_str(&asked.columns[2], targets[i].id);
	}
	if (ask(store, &asked, &answer, err) < 0)
		return err->code;
	for (int i = 0; i < PQntuples(answer); i++) {
		struct ahead_target *target = &targets[index_at(answer, i, count)];

		if (number_at(answer, i, 3) == 1 ||
			str_eq(text_at(answer, i, 2), target->machine_id))
			target->bucket_no = number_at(answer, i, 1);
	}
	return 0;
}

/* --- buckets --- */

/*
 * No event starts before the greatest end less the longest duration and is the last of its bucket:
 * so few partitions are looked at. The last of each shelf; of equal starts the one that ends first,
 * then the one of the least number. Shelves and the bound are columns, not sums: those may fail,
 * and under row-level security nothing that may fail is asked of an index (PostgreSQL 15.20).
 */
#define LAST_OF(shelf_no)                                                                          \
	"(SELECT * FROM event v WHERE v.user_no = n.user_no AND v.shelf = " shelf_no               \
	" AND v.start_ns >= b.least_ns"                                                            \
	" AND b.events > 0 ORDER BY v.start_ns DESC, v.duration_ns,"                               \
	" CASE WHEN v.number > 0 THEN v.number ELSE v.seq + 4503599627370496 END LIMIT 1)"
_Static_assert(AW_NUMBER_SEQ == 4503599627370496, "LAST_OF says it too");

static const char buckets_sql[] =
	"SELECT n.i, " ROW_COLUMNS ", e.key, b.longest_ns, b.end_ns, b.changed_seq, b.moved_seq,"
	" m.machine_id, b.source, b.type FROM (SELECT unnest($1::BIGINT[]) i,"
	" unnest($2::BIGINT[]) user_no, unnest($3::BIGINT[]) bucket_no,"
	" 2 * unnest($3::BIGINT[]) shelf, 2 * unnest($3::BIGINT[]) + 1 odd) n"
	" CROSS JOIN LATERAL (SELECT c.*, greatest(c.end_ns, c.longest_ns - 9223372036854775807)"
	" - c.longest_ns AS least_ns FROM bucket c WHERE c.user_no = n.user_no"
	" AND c.bucket_no = n.bucket_no LIMIT 1) b"
	" CROSS JOIN LATERAL (SELECT k.machine_id FROM machine k WHERE k.user_no = n.user_no"
	" AND k.machine_no = b.machine_no LIMIT 1) m"
	" LEFT JOIN LATERAL (" LAST_OF("n.shelf") " UNION ALL " LAST_OF("n.odd") ") e ON true";

enum {
	BUCKET_ROW = 1,
	BUCKET_KEY = BUCKET_ROW + ROW_NUMBER + 1,
	BUCKET_LONGEST,
	BUCKET_END,
	BUCKET_CHANGED,
	BUCKET_MOVED,
	BUCKET_MACHINE,
	BUCKET_SOURCE,
	BUCKET_TYPE
};

/* What the first of its rows says of the bucket itself. */
static void take_bucket(
	const PGresult *answer, int row, struct ahead_bucket *out, struct arena *arena)
{
	struct bucket *bucket = &out->bucket;
	int64_t before_ns;

	out->found = out->empty = true;
	bucket->machine_id = arena_str(arena, text_at(answer, row, BUCKET_MACHINE));
	bucket->source = arena_str(arena, text_at(answer, row, BUCKET_SOURCE));
	bucket->type = arena_str(arena, text_at(answer, row, BUCKET_TYPE));
	bucket->longest_ns = number_at(answer, row, BUCKET_LONGEST);
	bucket->end_ns = number_at(answer, row, BUCKET_END);
	bucket->changed_seq = number_at(answer, row, BUCKET_CHANGED);
	bucket->moved_seq = number_at(answer, row, BUCKET_MOVED);
	/* A shelf without a row here has nothing that starts where was looked. */
	if (__builtin_sub_overflow(bucket->end_ns, bucket->longest_ns, &before_ns))
		before_ns = INT64_MIN;
	bucket->newest_ns[0] = bucket->newest_ns[1] = before_ns;
}

static bool is_later(const struct event_row *row, const struct event_row *than)
{
	if (row->start_ns != than->start_ns)
		return row->start_ns > than->start_ns;
	if (row->duration_ns != than->duration_ns)
		return row->duration_ns < than->duration_ns;
	return aw_number(row) < aw_number(than);
}

static void take_last(
	const PGresult *answer, int row, struct ahead_bucket *out, struct arena *arena)
{
	const struct event_row last = row_at(answer, row, BUCKET_ROW);

	if (PQgetisnull(answer, row, BUCKET_KEY))
		return;
	out->bucket.newest_ns[last.odd] = last.start_ns;
	if (!out->empty && !is_later(&last, &out->last))
		return;
	out->empty = false;
	out->last = last;
	out->key = arena_str(arena, text_at(answer, row, BUCKET_KEY));
}

int ahead_buckets(struct store *store, struct ahead_bucket *buckets, size_t count,
	struct arena *arena, struct err *err)
{
	CLEANUP(question_release) struct question asked = question(buckets_sql, "iii");
	CLEANUP(answer_clear) PGresult *answer = NULL;

	for (size_t i = 0; i < count; i++) {
		buckets[i].found = false;
		add_index(&asked, i);
		pg_array_i64(&asked.columns[1], buckets[i].owner);
		pg_array_i64(&asked.columns[2], buckets[i].bucket.bucket_no);
	}
	if (ask(store, &asked, &answer, err) < 0)
		return err->code;
	for (int i = 0; i < PQntuples(answer); i++) {
		struct ahead_bucket *bucket = &buckets[index_at(answer, i, count)];

		if (!bucket->found)
			take_bucket(answer, i, bucket, arena);
		take_last(answer, i, bucket, arena);
	}
	return 0;
}
