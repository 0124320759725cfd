/*
 * A user's lock. It is taken and the counters are read by one statement: what was committed by the
 * last writer is what it sees, since a row that had to be waited for is read again. All counters
 * are written by one statement, however many users a transaction had.
 */
#include "store/postgres/lock.h"

#include "store/postgres/array.h"
#include "store/postgres/statement.h"

/* The server gives up waiting for a lock after busy_ms; one that says nothing at all gets a little
 * more. */
enum { GRACE_MS = 1000 };

enum { LAST_SEQ, EVENTS, ODD_IDS, TOMBSTONES, QUARANTINED, DELETIONS, LAST_ENTRY, COUNTERS };

/* Where each is, in the order above. */
static void counters_of(struct db_counters *counters, int64_t *out[COUNTERS])
{
	out[LAST_SEQ] = &counters->last_seq;
	out[EVENTS] = &counters->events;
	out[ODD_IDS] = &counters->odd_ids;
	out[TOMBSTONES] = &counters->tombstones;
	out[QUARANTINED] = &counters->quarantined;
	out[DELETIONS] = &counters->deletions;
	out[LAST_ENTRY] = &counters->last_entry;
}

#define COLUMNS                                                                                    \
	"user_no, last_seq, events, odd_ids, tombstones, quarantined, deletions, last_entry,"      \
	" last_data"

static const char lock_row[] =
	"SELECT " COLUMNS " FROM store_state WHERE user_no = $1::BIGINT FOR UPDATE";
static const char lock_rows[] =
	"SELECT " COLUMNS " FROM store_state WHERE user_no = ANY ($1::BIGINT[])"
	" ORDER BY user_no FOR UPDATE SKIP LOCKED";

static void add_user(struct buf *out, const struct pg_user *user)
{
	if (user->user_no == 0)
		return;
	if (out->len > 1)
		buf_byte(out, ',');
	buf_i64(out, user->user_no);
}

void lock_users_text(const struct store *store, struct buf *out)
{
	buf_byte(out, '{');
	if (!store->writers)
		add_user(out, store->user);
	for (const struct pg_user *user = store->writers; user; user = user->next_writer)
		add_user(out, user);
	buf_byte(out, '}');
}

/* A statement and not set_config(): a distributed database sends it on to where the rows are. */
static int send_users(struct store *store, const struct buf *text, struct err *err)
{
	static const struct pg_params none = { 0 };
	const struct pg_sending how = { "saying whose rows they are", NULL };
	CLEANUP(buf_release) struct buf sql = BUF_INIT;

	buf_printf(&sql, "SET LOCAL tt.users = '%s'", buf_cstr(text));
	return pg_send_text(store, buf_cstr(&sql), &none, &how, err);
}

int lock_send_users(struct store *store, struct err *err)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	lock_users_text(store, &text);
	return send_users(store, &text, err);
}

static void take(struct store *store, struct pg_user *user, const PGresult *result, int row)
{
	int64_t *counters[COUNTERS];

	if (user->writing)
		return;
	counters_of(&user->counters, counters);
	for (int i = 0; i < COUNTERS; i++)
		*counters[i] = pg_get_i64(PQgetvalue(result, row, 1 + i));
	user->last_data = user->stored_data = pg_get_i64(PQgetvalue(result, row, 1 + COUNTERS));
	user->stored = user->counters;
	user->writing = true;
	user->next_writer = store->writers;
	store->writers = user;
}

static int lock_row_of(struct store *store, struct pg_user *user, struct err *err)
{
	char user_no[8];
	const struct pg_value value = { PG_INT8, { user_no, sizeof(user_no) } };
	PGresult *row = NULL;
	int rc;

	pg_put_i64(user_no, user->user_no);
	rc = pg_send_one(store, lock_row, value, &row, err);
	if (rc == 0)
		rc = pg_wait(store, pg_last(store), store->busy_ms + GRACE_MS, err);
	pg_abandon(store, &row);
	if (rc == 0 && PQntuples(row) == 1)
		take(store, user, row, 0);
	else if (rc == 0)
		rc = err_set(err, ERR_NOT_FOUND, "store '%s': the user %s is not there any more",
			store->url, user->user_id);
	PQclear(row);
	return rc;
}

int lock_own(struct store *store, struct err *err)
{
	return lock_row_of(store, store->user, err);
}

int lock_another(struct store *store, struct pg_user *user, struct err *err)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	lock_users_text(store, &text);
	text.len--;
	add_user(&text, user);
	buf_byte(&text, '}');
	if (send_users(store, &text, err) < 0)
		return err->code;
	return lock_row_of(store, user, err);
}

static int send_many(struct store *store, struct pg_user *const *users, size_t count,
	PGresult **rows, struct err *err)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	CLEANUP(pg_array_release) struct pg_array numbers = { 0 };
	struct pg_value value = { .type = PG_INT8_ARRAY };

	buf_byte(&text, '{');
	for (const struct pg_user *user = store->writers; user; user = user->next_writer)
		add_user(&text, user);
	pg_array_begin(&numbers, PG_INT8);
	for (size_t i = 0; i < count; i++)
		if (users[i] && !users[i]->writing) {
			add_user(&text, users[i]);
			pg_array_i64(&numbers, users[i]->user_no);
		}
	buf_byte(&text, '}');
	value.bytes = pg_array_value(&numbers);
	if (send_users(store, &text, err) < 0)
		return err->code;
	return pg_send_one(store, lock_rows, value, rows, err);
}

int lock_many(struct store *store, struct pg_user *const *users, size_t count, struct err *err)
{
	PGresult *rows = NULL;
	int rc = send_many(store, users, count, &rows, err);

	if (rc == 0)
		rc = pg_wait(store, pg_last(store), store->busy_ms + GRACE_MS, err);
	pg_abandon(store, &rows);
	for (int row = 0; rc == 0 && row < PQntuples(rows); row++)
		for (size_t i = 0; i < count; i++)
			if (users[i] && users[i]->user_no == pg_get_i64(PQgetvalue(rows, row, 0)))
				take(store, users[i], rows, row);
	PQclear(rows);
	return rc < 0 || !store->writers ? rc : lock_send_users(store, err);
}

/* --- counters --- */

static const char store_counters[] =
	"UPDATE store_state s SET last_seq = n.c0, events = n.c1, odd_ids = n.c2, tombstones = n.c3,"
	" quarantined = n.c4, deletions = n.c5, last_entry = n.c6, last_data = n.c7"
	" FROM (SELECT unnest($1::BIGINT[]) user_no, unnest($2::BIGINT[]) c0,"
	" unnest($3::BIGINT[]) c1, unnest($4::BIGINT[]) c2, unnest($5::BIGINT[]) c3,"
	" unnest($6::BIGINT[]) c4, unnest($7::BIGINT[]) c5, unnest($8::BIGINT[]) c6,"
	" unnest($9::BIGINT[]) c7) n WHERE s.user_no = n.user_no";

enum { COLUMN_COUNT = COUNTERS + 2 };

static bool has_changed(const struct pg_user *user)
{
	return memcmp(&user->counters, &user->stored, sizeof(user->stored)) != 0 ||
	       user->last_data != user->stored_data;
}

static void add_counters(struct pg_array columns[COLUMN_COUNT], struct pg_user *user)
{
	int64_t *counters[COUNTERS];

	counters_of(&user->counters, counters);
	pg_array_i64(&columns[0], user->user_no);
	for (int i = 0; i < COUNTERS; i++)
		pg_array_i64(&columns[1 + i], *counters[i]);
	pg_array_i64(&columns[1 + COUNTERS], user->last_data);
}

static int send_counters(
	struct store *store, struct pg_array columns[COLUMN_COUNT], struct err *err)
{
	const char *values[COLUMN_COUNT];
	int lengths[COLUMN_COUNT];
	Oid types[COLUMN_COUNT];

	for (int i = 0; i < COLUMN_COUNT; i++) {
		struct str value = pg_array_value(&columns[i]);

		values[i] = value.ptr;
		lengths[i] = (int)value.len;
		types[i] = PG_INT8_ARRAY;
	}
	return pg_send(store, store_counters, COLUMN_COUNT, types, values, lengths, err);
}

int lock_send_counters(struct store *store, struct err *err)
{
	struct pg_array columns[COLUMN_COUNT] = { 0 };
	int rc = 0;

	for (int i = 0; i < COLUMN_COUNT; i++)
		pg_array_begin(&columns[i], PG_INT8);
	for (struct pg_user *user = store->writers; user; user = user->next_writer)
		if (has_changed(user))
			add_counters(columns, user);
	if (columns[0].count > 0)
		rc = send_counters(store, columns, err);
	for (int i = 0; i < COLUMN_COUNT; i++)
		pg_array_release(&columns[i]);
	return rc;
}

void lock_end(struct store *store, bool stored)
{
	store->nobody.counters = (struct db_counters){ 0 };
	while (store->writers) {
		struct pg_user *user = store->writers;

		store->writers = user->next_writer;
		user->writing = false;
		if (stored) {
			user->stored = user->counters;
			user->stored_data = user->last_data;
		} else {
			user->counters = user->stored;
			user->last_data = user->stored_data;
		}
	}
}
