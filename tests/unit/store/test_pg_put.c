/*
 * What is put in bulk (store/sql/put.h) into PostgreSQL, against a naive model: rows put, changed
 * and deleted for several users, with reads between them, committed or rolled back; sizes around
 * those at which rows are written without being asked for; failures, which leave nothing.
 */
#include "base/err.h"
#include "base/hash.h"
#include "base/time.h"
#include "store/keys.h"
#include "store/postgres/db.h"
#include "store/sql/put.h"
#include "store_fixture.h"

enum { USERS = 3, SHELVES = 3, STARTS = 14, KEYS = 3, DATAS = 400, BUCKETS = 3 };
enum { EVENTS = SHELVES * STARTS * KEYS };

/* Around the ends of months, the first and the last partitions, and the ends of all time. */
static const int64_t starts[STARTS] = { INT64_MIN + NS_PER_S, -1, 0, INT64_C(1420070400000000000),
	INT64_C(1420070399999999999), INT64_C(1769903999999999999), INT64_C(1769904000000000000),
	INT64_C(1769904000000000001), INT64_C(1772323200000000000), INT64_C(1772323199999999999),
	INT64_C(1740000000123456789), INT64_C(2208988799999999999), INT64_C(2208988800000000000),
	INT64_MAX - NS_PER_S };
static const char *const keys[KEYS] = { "", "b", "k\xc3\xa9y with 'quotes' and \\ {braces}" };

struct row {
	bool there;
	struct put_event values; /* without key */
};

struct content {
	struct row events[EVENTS];
	bool corrected[EVENTS];
	int64_t corrected_data[EVENTS];
	size_t datas;
	struct put_bucket buckets[BUCKETS];
	int64_t seq;
};

struct model {
	struct store *store;
	char user_ids[USERS][40];
	struct content now[USERS];
	struct content committed[USERS];
	int64_t marks[USERS]; /* derived_mark.seq */
	size_t user;
	uint64_t dice;
};

static size_t dice(struct model *m, size_t sides)
{
	m->dice = hash64((struct str){ (const char *)&m->dice, sizeof(m->dice) }, 7);
	return (size_t)(m->dice % sides);
}

static struct str data_of(size_t user, size_t no, char text[64])
{
	snprintf(text, 64, "{\"n\":%zu,\"u\":%zu,\"t\":\"\\u0000 \xf0\x9f\x98\x80\"}", no, user);
	return str_from(text);
}

/* --- a world --- */

static void be(struct model *m, size_t user)
{
	const struct actor actor = { str_from(m->user_ids[user]), STR("") };
	struct err err;

	m->user = user;
	GOOD(store_as(m->store, &actor, &err));
}

static void run(struct store *store, const char *sql)
{
	struct err err;

	GOOD(db_run(store, sql, &err));
}

static void make_buckets(struct model *m)
{
	struct err err;

	for (size_t user = 0; user < USERS; user++) {
		be(m, user);
		GOOD(db_write_begin(m->store, &err));
		run(m->store, "INSERT INTO machine (" OWNER "machine_no, machine_id)"
			      " VALUES (" OWN_VALUE "1, 'm')");
		run(m->store,
			"INSERT INTO bucket (" OWNER "bucket_no, machine_no, source, type)"
			" SELECT " OWN_VALUE "n, 1, 's', n::TEXT FROM generate_series(1, 3) n");
		GOOD(db_write_commit(m->store, &err));
		for (int64_t i = 0; i < BUCKETS; i++)
			m->now[user].buckets[i] = (struct put_bucket){ .bucket_no = i + 1,
				.end_ns = INT64_MIN,
				.first_ns = INT64_MAX,
				.last_ns = INT64_MIN };
		m->committed[user] = m->now[user];
	}
}

static struct model *model_new(struct fixture *f)
{
	struct model *m = mem_zalloc(sizeof(*m));
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct err err;

	m->store = open_alone(f);
	m->dice = 1;
	for (size_t i = 0; i < USERS; i++) {
		struct user user = { .email = arena_printf(&arena, "u%zu@example.org", i) };

		GOOD(user_make(m->store, 1, &user, &arena, &err));
		snprintf(m->user_ids[i], sizeof(m->user_ids[i]), "%.*s", STR_ARG(user.user_id));
	}
	make_buckets(m);
	return m;
}

static void model_end(struct model *m, struct fixture *f)
{
	store_close(m->store);
	free(m);
	fixture_end(f);
}

/* --- what is done, to both --- */

static struct put_event event_at(size_t at)
{
	return (struct put_event){ .shelf = 2 + (int64_t)(at % SHELVES),
		.start_ns = starts[at / SHELVES % STARTS],
		.key = str_from(keys[at / SHELVES / STARTS]) };
}

static void put(struct model *m, size_t at)
{
	struct content *content = &m->now[m->user];
	struct row *row = &content->events[at];
	struct put_event values = event_at(at);
	bool numbered;
	struct err err;

	values.duration_ns = (int64_t)dice(m, 1000) - 10;
	values.revision = (int64_t)dice(m, 5);
	values.data_no = 1 + (int64_t)dice(m, 50);
	values.seq = ++content->seq;
	values.number = dice(m, 2) ? values.seq : 0;
	if (!row->there) {
		GOOD(put_event(m->store, &values, &err));
		*row = (struct row){ true, values };
		return;
	}
	numbered = row->values.number == 0 && values.number != 0;
	if (!numbered)
		values.number = row->values.number;
	values.old_seq = row->values.seq;
	values.old_data_no = row->values.data_no;
	GOOD(put_event_change(m->store, &values, numbered, &err));
	if (row->values.seq <= m->marks[m->user] && !content->corrected[at]) {
		content->corrected[at] = true;
		content->corrected_data[at] = row->values.data_no;
	}
	row->values = values;
}

static void delete (struct model *m, size_t at)
{
	struct content *content = &m->now[m->user];
	struct row *row = &content->events[at];
	const struct put_event place = event_at(at);
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	struct err err;

	if (!row->there)
		return;
	GOOD(db_stmt(m->store,
		"DELETE FROM event WHERE " OWN "shelf = ? AND start_ns = ? AND key = ?", &stmt,
		&err));
	db_bind_i64(stmt, 1, place.shelf);
	db_bind_i64(stmt, 2, place.start_ns);
	db_bind_str(stmt, 3, place.key);
	GOOD(db_exec(m->store, stmt, &err));
	if (row->values.seq <= m->marks[m->user] && !content->corrected[at]) {
		content->corrected[at] = true;
		content->corrected_data[at] = row->values.data_no;
	}
	row->there = false;
}

static void put_text(struct model *m)
{
	struct content *content = &m->now[m->user];
	char text[64];
	int64_t no;
	struct err err;

	if (content->datas == DATAS)
		return;
	GOOD(put_data(m->store, data_of(m->user, content->datas + 1, text), content->datas % 7, &no,
		&err));
	IS_INT(no, (int64_t)++content->datas);
}

static void put_to_bucket(struct model *m)
{
	struct put_bucket *bucket = &m->now[m->user].buckets[dice(m, BUCKETS)];
	struct put_bucket row = { .bucket_no = bucket->bucket_no,
		.added = (int64_t)dice(m, 9) - 4,
		.longest_ns = (int64_t)dice(m, 100),
		.end_ns = (int64_t)dice(m, 100),
		.changed_seq = (int64_t)dice(m, 100),
		.moved_seq = (int64_t)dice(m, 100),
		.first_ns = dice(m, 3) == 0 ? INT64_MAX : (int64_t)dice(m, 1000),
		.last_ns = dice(m, 3) == 0 ? INT64_MIN : (int64_t)dice(m, 1000) };
	struct err err;

	GOOD(put_bucket(m->store, &row, &err));
	row.added += bucket->added;
	row.first_ns = row.first_ns < bucket->first_ns ? row.first_ns : bucket->first_ns;
	row.last_ns = row.last_ns > bucket->last_ns ? row.last_ns : bucket->last_ns;
	*bucket = row;
}

/* --- are they equal? --- */

static int64_t number(struct store *store, const char *sql)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	struct err err;

	if (!GOOD(db_stmt(store, sql, &stmt, &err)) || !GOOD(db_step(store, stmt, &err)))
		return -1;
	return db_col_i64(stmt, 0);
}

static size_t place_of(struct db_statement *stmt)
{
	for (size_t at = 0; at < EVENTS; at++) {
		const struct put_event place = event_at(at);

		if (place.shelf == db_col_i64(stmt, 0) && place.start_ns == db_col_i64(stmt, 1) &&
			str_eq(place.key, db_col_str(stmt, 2)))
			return at;
	}
	return EVENTS;
}

static void compare_events(struct model *m)
{
	const struct content *content = &m->now[m->user];
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	size_t want = 0, got = 0, wrong = 0;
	struct err err;

	for (size_t i = 0; i < EVENTS; i++)
		want += content->events[i].there;
	GOOD(db_stmt(m->store,
		"SELECT shelf, start_ns, key, duration_ns, revision, data_no, seq, number"
		" FROM event" ALL_OWN,
		&stmt, &err));
	for (; db_step(m->store, stmt, &err) == 1; got++) {
		size_t at = place_of(stmt);
		const struct put_event *values = &content->events[at < EVENTS ? at : 0].values;

		wrong += at == EVENTS || !content->events[at].there ||
			 values->duration_ns != db_col_i64(stmt, 3) ||
			 values->revision != db_col_i64(stmt, 4) ||
			 values->data_no != db_col_i64(stmt, 5) ||
			 values->seq != db_col_i64(stmt, 6) ||
			 values->number != db_col_i64(stmt, 7);
	}
	IS_INT(wrong, 0);
	IS_INT(got, want);
}

static void compare_corrections(struct model *m)
{
	const struct content *content = &m->now[m->user];
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	size_t want = 0, got = 0, wrong = 0;
	struct err err;

	for (size_t i = 0; i < EVENTS; i++)
		want += content->corrected[i];
	GOOD(db_stmt(m->store,
		"SELECT shelf, start_ns, key, data_no FROM derived_correction" ALL_OWN, &stmt,
		&err));
	for (; db_step(m->store, stmt, &err) == 1; got++) {
		size_t at = place_of(stmt);

		wrong += at == EVENTS || !content->corrected[at] ||
			 content->corrected_data[at] != db_col_i64(stmt, 3);
	}
	IS_INT(wrong, 0);
	IS_INT(got, want);
}

static void compare_datas(struct model *m)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	size_t got = 0, wrong = 0;
	char text[64];
	struct err err;

	GOOD(db_stmt(m->store, "SELECT data_no, hash, body FROM dict" ALL_OWN " ORDER BY data_no",
		&stmt, &err));
	while (db_step(m->store, stmt, &err) == 1) {
		got++;
		wrong += db_col_i64(stmt, 0) != (int64_t)got ||
			 db_col_i64(stmt, 1) != (int64_t)((got - 1) % 7) ||
			 !str_eq(db_col_str(stmt, 2), data_of(m->user, got, text));
	}
	IS_INT(wrong, 0);
	IS_INT(got, m->now[m->user].datas);
}

static void compare_buckets(struct model *m)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	size_t got = 0;
	struct err err;

	GOOD(db_stmt(m->store,
		"SELECT events, longest_ns, end_ns, changed_seq, moved_seq, first_ns, last_ns"
		" FROM bucket" ALL_OWN " ORDER BY bucket_no",
		&stmt, &err));
	for (; db_step(m->store, stmt, &err) == 1 && got < BUCKETS; got++) {
		const struct put_bucket *bucket = &m->now[m->user].buckets[got];

		IS_INT(db_col_i64(stmt, 0), bucket->added);
		IS_INT(db_col_i64(stmt, 1), bucket->longest_ns);
		IS_INT(db_col_i64(stmt, 2), bucket->end_ns);
		IS_INT(db_col_i64(stmt, 3), bucket->changed_seq);
		IS_INT(db_col_i64(stmt, 4), bucket->moved_seq);
		IS_INT(db_col_i64(stmt, 5), bucket->first_ns);
		IS_INT(db_col_i64(stmt, 6), bucket->last_ns);
	}
	IS_INT(got, BUCKETS);
}

static void compare(struct model *m)
{
	static void (*const all[])(struct model * m) = { compare_events, compare_corrections,
		compare_datas, compare_buckets };

	all[dice(m, ARRAY_LEN(all))](m);
}

static void compare_all(struct model *m)
{
	for (size_t user = 0; user < USERS; user++) {
		be(m, user);
		compare_events(m);
		compare_corrections(m);
		compare_datas(m);
		compare_buckets(m);
	}
}

/* --- the model --- */

static void do_something(struct model *m)
{
	size_t what = dice(m, 100);

	if (what < 60)
		put(m, dice(m, EVENTS));
	else if (what < 70)
		put_text(m);
	else if (what < 80)
		put_to_bucket(m);
	else if (what < 86)
		delete (m, dice(m, EVENTS));
	else if (what < 90)
		compare(m);
	else
		be(m, dice(m, USERS));
}

/* One transaction of all users. */
static void transact(struct model *m)
{
	struct str ids[USERS];
	bool locked[USERS];
	size_t steps = dice(m, 200);
	struct err err;

	for (size_t i = 0; i < USERS; i++)
		ids[i] = str_from(m->user_ids[i]);
	GOOD(db_write_begin_for(m->store, ids, USERS, locked, &err));
	for (size_t i = 0; i < USERS; i++)
		OK(locked[i]);
	for (size_t i = 0; i < steps; i++)
		do_something(m);
	if (dice(m, 3) > 0) {
		GOOD(db_write_commit(m->store, &err));
		memcpy(m->committed, m->now, sizeof(m->now));
	} else {
		db_write_rollback(m->store);
		memcpy(m->now, m->committed, sizeof(m->now));
	}
}

/* What was derived accounts for everything up to here. */
static void mark(struct model *m)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	struct err err;

	be(m, dice(m, USERS));
	GOOD(db_write_begin(m->store, &err));
	GOOD(db_stmt(m->store, "UPDATE derived_mark SET seq = ?" ALL_OWN, &stmt, &err));
	m->marks[m->user] = m->now[m->user].seq;
	db_bind_i64(stmt, 1, m->marks[m->user]);
	GOOD(db_exec(m->store, stmt, &err));
	run(m->store, "DELETE FROM derived_correction" ALL_OWN);
	memset(m->now[m->user].corrected, 0, sizeof(m->now[m->user].corrected));
	m->committed[m->user] = m->now[m->user];
	GOOD(db_write_commit(m->store, &err));
}

static void model(void)
{
	struct fixture f;
	struct model *m = model_new(&f);

	for (int i = 0; i < 60; i++) {
		transact(m);
		if (i % 7 == 3)
			mark(m);
	}
	compare_all(m);
	model_end(m, &f);
}

/* --- sizes --- */

static void put_many(struct store *store, int64_t count, int64_t shelf)
{
	struct err err;

	for (int64_t i = 0; i < count; i++) {
		const struct put_event row = { .shelf = shelf,
			.start_ns = T0 + (count - i) * NS_PER_HOUR,
			.key = STR("k"),
			.data_no = i,
			.seq = i };

		if (put_event(store, &row, &err) < 0) {
			GOOD(err.code);
			return;
		}
	}
}

/* Backwards, so that they are sorted; and some changed before and after they are written. */
static void sizes(void)
{
	static const int64_t counts[] = { 1, 2, 1999, 2000, 2001, 4001 };
	struct fixture f;
	struct model *m = model_new(&f);
	struct err err;

	be(m, 0);
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		struct put_event first = { .shelf = 100 + (int64_t)i,
			.start_ns = T0 + counts[i] * NS_PER_HOUR,
			.key = STR("k"),
			.duration_ns = 5,
			.number = 17 };

		GOOD(db_write_begin(m->store, &err));
		put_many(m->store, counts[i], 100 + (int64_t)i);
		GOOD(put_event_change(m->store, &first, true, &err));
		GOOD(db_write_commit(m->store, &err));
	}
	IS_INT(number(m->store, "SELECT count(*) FROM event" ALL_OWN),
		1 + 2 + 1999 + 2000 + 2001 + 4001);
	IS_INT(number(m->store,
		       "SELECT count(*) FROM event WHERE " OWN "duration_ns = 5 AND number = 17"),
		ARRAY_LEN(counts));
	model_end(m, &f);
}

/* Rows enough for a statement that says once what they have in common: each of the columns of
 * SHAPE's bits differs in them, the others do not. */
enum { MANY = 700, SHAPES = 32 };

static struct put_event in_shape(unsigned shape, int64_t i)
{
	return (struct put_event){ .shelf = 1000 + 10 * (int64_t)shape + (shape & 1 ? i % 3 : 0),
		.start_ns = T0 + i,
		.key = STR("k"),
		.duration_ns = shape & 2 ? i : 7,
		.revision = shape & 4 ? i % 2 : 1,
		.data_no = i,
		.seq = 3 * i,
		.number = shape & 8 ? 3 * i : 0 };
}

static int64_t right_ones(struct store *store, unsigned shape)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int64_t right = 0;
	struct err err;

	GOOD(db_stmt(store,
		"SELECT shelf, start_ns, duration_ns, revision, data_no, seq, number FROM event"
		" WHERE " OWN "shelf BETWEEN ? AND ?",
		&stmt, &err));
	db_bind_i64(stmt, 1, 1000 + 10 * (int64_t)shape);
	db_bind_i64(stmt, 2, 1009 + 10 * (int64_t)shape);
	while (db_step(store, stmt, &err) == 1) {
		const struct put_event want = in_shape(shape, db_col_i64(stmt, 1) - T0);

		right += db_col_i64(stmt, 0) == want.shelf &&
			 db_col_i64(stmt, 2) == want.duration_ns &&
			 db_col_i64(stmt, 3) == want.revision &&
			 db_col_i64(stmt, 4) == want.data_no && db_col_i64(stmt, 5) == want.seq &&
			 db_col_i64(stmt, 6) == want.number;
	}
	return right;
}

static void shapes(void)
{
	struct fixture f;
	struct model *m = model_new(&f);
	struct str ids[2] = { str_from(m->user_ids[0]), str_from(m->user_ids[1]) };
	bool locked[2];
	struct err err;

	for (unsigned shape = 0; shape < SHAPES; shape++) {
		size_t users = shape & 16 ? 2 : 1;

		be(m, 0);
		GOOD(db_write_begin_for(m->store, ids, users, locked, &err));
		for (int64_t i = 0; i < MANY; i++) {
			const struct put_event row = in_shape(shape, i);

			be(m, (size_t)i % users);
			GOOD(put_event(m->store, &row, &err));
		}
		GOOD(db_write_commit(m->store, &err));
		for (size_t user = 0; user < users; user++) {
			be(m, user);
			IS_INT(right_ones(m->store, shape), MANY / (int64_t)users);
		}
	}
	model_end(m, &f);
}

static void long_texts(void)
{
	struct fixture f;
	struct model *m = model_new(&f);
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	int64_t no, sum = 0;
	struct err err;

	be(m, 0);
	GOOD(db_write_begin(m->store, &err));
	for (int i = 0; i < 12; i++) {
		size_t bytes = (size_t)1 << (i < 6 ? 20 : 3 * (i - 6));

		buf_clear(&text);
		memset(buf_reserve(&text, bytes), 'a' + i, bytes);
		text.len = bytes;
		sum += (int64_t)bytes;
		GOOD(put_data(m->store, buf_str(&text), (uint64_t)i, &no, &err));
		IS_INT(no, i + 1);
	}
	GOOD(db_write_commit(m->store, &err));
	IS_INT(number(m->store, "SELECT sum(length(body))::BIGINT FROM dict" ALL_OWN), sum);
	IS_INT(number(m->store, "SELECT count(*) FROM dict WHERE " OWN
				"body = repeat(chr((96 + data_no)::INT), length(body))"),
		12);
	model_end(m, &f);
}

/* --- failures --- */

/* After a failure: nothing is there, and the next transaction is good. */
static void check_nothing(struct model *m)
{
	struct err err;

	be(m, 0);
	IS_INT(number(m->store, "SELECT count(*) FROM event" ALL_OWN), 0);
	IS_INT(number(m->store, "SELECT count(*) FROM dict" ALL_OWN), 0);
	IS_INT(number(m->store, "SELECT sum(events)::BIGINT FROM bucket" ALL_OWN), 0);
	GOOD(db_write_begin(m->store, &err));
	put_many(m->store, 3, 2);
	GOOD(db_write_commit(m->store, &err));
	IS_INT(number(m->store, "SELECT count(*) FROM event" ALL_OWN), 3);
}

static void put_some(struct model *m, int64_t events)
{
	const struct put_bucket bucket = { .bucket_no = 1, .added = events };
	int64_t no;
	struct err err;

	be(m, 0);
	GOOD(db_write_begin(m->store, &err));
	GOOD(put_data(m->store, STR("{}"), 1, &no, &err));
	GOOD(put_bucket(m->store, &bucket, &err));
	put_many(m->store, events, 2);
}

static void lost_connections(void)
{
	static const int64_t counts[] = { 10, 5000 };

	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		struct fixture f;
		struct model *m = model_new(&f);
		struct err err;

		put_some(m, counts[i]);
		/* Everything up to here has come to the server; then it lets go. */
		FAILS(db_run(m->store, "SELECT pg_terminate_backend(pg_backend_pid())", &err) < 0
				? err.code
				: db_write_commit(m->store, &err),
			ERR_BUSY);
		db_write_rollback(m->store);
		while (store_as(m->store, &(struct actor){ str_from(m->user_ids[0]), STR("") },
			       &err) < 0 ||
			db_read_begin(m->store, &err) < 0)
			IS_INT(err.code, ERR_BUSY);
		db_read_end(m->store);
		check_nothing(m);
		model_end(m, &f);
	}
}

/* Somebody else has the bucket's row, for longer than the statement may wait. */
static void timeouts(void)
{
	struct fixture f;
	struct model *m = model_new(&f);
	PGconn *other = PQconnectdb(f.path);
	char sql[160];
	struct err err;

	be(m, 0);
	snprintf(sql, sizeof(sql),
		"SET tt.users = '{%lld}'; SET search_path = tidemark; BEGIN;"
		" SELECT 1 FROM bucket WHERE bucket_no = 1 FOR UPDATE",
		(long long)m->store->user->user_no);
	PQclear(PQexec(other, sql));
	IS_INT(PQtransactionStatus(other), PQTRANS_INTRANS);
	put_some(m, 10);
	GOOD(db_run(m->store, "SET LOCAL statement_timeout = '100ms'", &err));
	FAILS(db_write_commit(m->store, &err), ERR_BUSY);
	PQfinish(other);
	check_nothing(m);
	model_end(m, &f);
}

static void rows_that_are_there_are_a_fault(void)
{
	struct fixture f;
	struct model *m = model_new(&f);
	struct err err;

	be(m, 0);
	GOOD(db_write_begin(m->store, &err));
	put_many(m->store, 3, 2);
	GOOD(db_write_commit(m->store, &err));
	GOOD(db_write_begin(m->store, &err));
	put_many(m->store, 1, 4);
	put_many(m->store, 3, 2);
	FAILS(db_write_commit(m->store, &err), ERR_CORRUPT);
	IS_INT(number(m->store, "SELECT count(*) FROM event" ALL_OWN), 3);
	model_end(m, &f);
}

static const struct tap_case cases[] = {
	TAP_CASE(model),
	TAP_CASE(sizes),
	TAP_CASE(shapes),
	TAP_CASE(long_texts),
	TAP_CASE(lost_connections),
	TAP_CASE(timeouts),
	TAP_CASE(rows_that_are_there_are_a_fault),
};
TAP_MAIN(cases)
