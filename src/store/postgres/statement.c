/*
 * Statements: what is kept, bound, sent and read.
 *
 * A kept statement is prepared at its first execution, when the kinds of its parameters are known:
 * they are its types, so that the server need not guess. A parameter that was NULL then, and is
 * not later, makes it prepared again.
 *
 * db_prepare's are cursors where that is possible, of a transaction: memory does not grow with
 * their rows, and several can be read at once.
 */
#include "store/postgres/statement.h"

#include <stdlib.h>

#include "store/postgres/array.h"

enum { KEPT_SLOTS = 512, FIRST_PART = 100, PART = 2000, MOST_PARAMS = 100, MUCH_BYTES = 16 << 10 };

/* Types of results (pg_type.dat). */
enum { PG_BOOL = 16, PG_INT2 = 21, PG_INT4 = 23 };

/* A text of pg_send and pg_ask. */
struct known_text {
	const char *text;
	unsigned tables;
	struct pg_prepared prepared;
	struct known_text *next;
};

struct pg_cache {
	struct db_statement *statements[KEPT_SLOTS]; /* by the address of their text */
	struct known_text *texts[KEPT_SLOTS];
};

static struct pg_cache *cache_of(struct store *store)
{
	if (!store->cache)
		store->cache = mem_zalloc(sizeof(*store->cache));
	return store->cache;
}

static size_t slot_of(const char *text)
{
	return ((uintptr_t)text >> 3) % KEPT_SLOTS;
}

/* --- making and keeping --- */

static struct db_statement *make(struct store *store, const char *sql)
{
	struct db_statement *stmt = mem_zalloc(sizeof(*stmt));

	stmt->store = store;
	stmt->sql = sql;
	pg_text_read(&stmt->text, sql);
	stmt->binds = mem_zalloc(((size_t)stmt->text.params + 1) * sizeof(*stmt->binds));
	stmt->types = mem_zalloc(((size_t)stmt->text.params + 1) * sizeof(*stmt->types));
	return stmt;
}

static void forget_rows(struct db_statement *stmt)
{
	if (stmt->next_number != 0)
		pg_abandon(stmt->store, &stmt->next);
	PQclear(stmt->result);
	PQclear(stmt->next);
	stmt->result = stmt->next = NULL;
	stmt->next_number = 0;
	stmt->active = false;
}

static void discard(struct db_statement *stmt)
{
	forget_rows(stmt);
	pg_text_release(&stmt->text);
	free(stmt->binds);
	free(stmt->types);
	free(stmt);
}

int db_prepare(struct store *store, const char *sql, struct db_statement **out, struct err *err)
{
	(void)err;
	*out = make(store, sql);
	(*out)->lone = true;
	(*out)->cursor = (*out)->text.rows;
	return 0;
}

int db_stmt(struct store *store, const char *sql, struct db_statement **out, struct err *err)
{
	struct db_statement **slot = &cache_of(store)->statements[slot_of(sql)];

	(void)err;
	for (*out = *slot; *out && (*out)->sql != sql; *out = (*out)->kept)
		;
	if (!*out) {
		*out = make(store, sql);
		(*out)->kept = *slot;
		*slot = *out;
	}
	ASSERT(!(*out)->active);
	return 0;
}

void pg_statements_free(struct store *store)
{
	if (!store->cache)
		return;
	for (size_t i = 0; i < KEPT_SLOTS; i++) {
		struct db_statement *stmt = store->cache->statements[i];
		struct known_text *text = store->cache->texts[i];

		while (stmt) {
			struct db_statement *kept = stmt->kept;

			discard(stmt);
			stmt = kept;
		}
		while (text) {
			struct known_text *next = text->next;

			free(text);
			text = next;
		}
	}
	free(store->cache);
	store->cache = NULL;
}

/* --- parameters --- */

int db_params(const struct db_statement *stmt)
{
	return stmt->text.params;
}

static struct pg_bind *bind(struct db_statement *stmt, int index)
{
	ASSERT(index >= 1 && index <= stmt->text.params);
	return &stmt->binds[index - 1];
}

void db_bind_i64(struct db_statement *stmt, int index, int64_t value)
{
	struct pg_bind *at = bind(stmt, index);

	at->kind = BIND_I64;
	pg_put_i64(at->i64, value);
}

static void bind_view(
	struct db_statement *stmt, int index, enum pg_bind_kind kind, struct str value)
{
	struct pg_bind *at = bind(stmt, index);

	ASSERT(value.len <= INT32_MAX);
	at->kind = kind;
	at->value = value.len > 0 ? value : (struct str){ "", 0 };
}

void db_bind_str(struct db_statement *stmt, int index, struct str value)
{
	bind_view(stmt, index, BIND_STR, value);
}

void db_bind_bytes(struct db_statement *stmt, int index, struct str value)
{
	bind_view(stmt, index, BIND_BYTES, value);
}

void db_bind_blob(struct db_statement *stmt, int index, struct str value)
{
	bind_view(stmt, index, BIND_BYTES, value);
}

/* The parameters as libpq takes them, in the memory of ROOM. */
struct param_room {
	const char *values[MOST_PARAMS];
	int lengths[MOST_PARAMS];
	int formats[MOST_PARAMS];
	char user_no[8];
};

static void put_param(
	struct db_statement *stmt, struct param_room *room, int at, const struct pg_bind *from)
{
	static const Oid types[] = { 0, PG_INT8, PG_TEXT, PG_BYTEA };
	bool i64 = from->kind == BIND_I64;

	room->formats[at] = 1;
	room->values[at] = from->kind == BIND_NULL ? NULL : i64 ? from->i64 : from->value.ptr;
	room->lengths[at] = i64 ? (int)sizeof(from->i64) : (int)from->value.len;
	if (from->kind == BIND_NULL || stmt->types[at] == types[from->kind])
		return;
	ASSERT(stmt->types[at] == 0); /* one kind for one parameter, always */
	stmt->types[at] = types[from->kind];
	stmt->prepared.connection = 0;
}

static struct pg_params fill(struct db_statement *stmt, struct param_room *room)
{
	int count = 0;

	if (stmt->text.own) {
		pg_put_i64(room->user_no, stmt->store->user->user_no);
		stmt->types[0] = PG_INT8;
		room->values[0] = room->user_no;
		room->lengths[0] = sizeof(room->user_no);
		room->formats[0] = 1;
		count = 1;
	}
	for (int i = 0; i < stmt->text.params; i++)
		put_param(stmt, room, count++, &stmt->binds[i]);
	return (struct pg_params){ count, stmt->types, room->values, room->lengths, room->formats };
}

/* --- sending --- */

static const char *doing(const struct store *store)
{
	return store->writing ? "writing" : "reading";
}

/* Outside of a transaction each statement is a unit. What is held back comes first. */
static int begin(struct store *store, unsigned tables, struct err *err)
{
	if (!store->in_transaction)
		return pg_unit_begin(store, true, err);
	if (store->failure.code != 0) {
		*err = store->failure;
		return err->code;
	}
	return tables && store->writers ? pg_held_write(store, tables, err) : 0;
}

static int send_whole(struct db_statement *stmt, PGresult **into, struct err *err)
{
	const struct pg_sending how = { doing(stmt->store), into };
	struct param_room room;
	struct pg_params params;

	if (begin(stmt->store, stmt->text.tables, err) < 0)
		return err->code;
	params = fill(stmt, &room);
	if (stmt->lone)
		return pg_send_text(stmt->store, buf_cstr(&stmt->text.sql), &params, &how, err);
	return pg_send_prepared(
		stmt->store, &stmt->prepared, buf_cstr(&stmt->text.sql), &params, &how, err);
}

static void drop(struct store *store, PGresult **into)
{
	pg_abandon(store, into);
	PQclear(*into);
	*into = NULL;
}

/* A query outside of a transaction changes nothing: when the connection is lost under it, it is
 * asked again over a new one, once. */
static int ask_whole(struct db_statement *stmt, PGresult **into, struct err *err)
{
	struct store *store = stmt->store;

	for (int tries = 0;; tries++) {
		int rc = send_whole(stmt, into, err);

		if (rc == 0)
			rc = pg_wait(store, pg_last(store), 0, err);
		if (rc == 0)
			return 0;
		drop(store, into);
		if (store->in_transaction || store->conn || tries > 0 || !stmt->text.rows ||
			rc != ERR_BUSY)
			return rc;
	}
}

/* --- cursors --- */

static int send_declare(struct db_statement *stmt, struct err *err)
{
	const struct pg_sending how = { doing(stmt->store), NULL };
	CLEANUP(buf_release) struct buf sql = BUF_INIT;
	struct param_room room;
	struct pg_params params;

	ASSERT(stmt->store->in_transaction);
	if (begin(stmt->store, stmt->text.tables, err) < 0)
		return err->code;
	stmt->cursor_no = ++stmt->store->names;
	buf_printf(&sql, "DECLARE c%u NO SCROLL CURSOR FOR ", stmt->cursor_no);
	buf_add(&sql, buf_str(&stmt->text.sql));
	params = fill(stmt, &room);
	if (pg_send_text(stmt->store, buf_cstr(&sql), &params, &how, err) < 0)
		return err->code;
	stmt->active = true;
	stmt->unit = stmt->store->unit;
	return 0;
}

static int send_fetch(struct db_statement *stmt, int rows, struct err *err)
{
	static const struct pg_params none = { 0 };
	const struct pg_sending how = { doing(stmt->store), &stmt->next };
	char sql[48];

	snprintf(sql, sizeof(sql), "FETCH %d FROM c%u", rows, stmt->cursor_no);
	if (pg_send_text(stmt->store, sql, &none, &how, err) < 0)
		return err->code;
	stmt->next_number = pg_last(stmt->store);
	pg_sync(stmt->store);
	pg_push(stmt->store);
	return 0;
}

/* Make what comes next the rows that are read. */
static int turn(struct db_statement *stmt, int asked, struct err *err)
{
	uint64_t number = stmt->next_number;

	if (pg_wait(stmt->store, number, 0, err) < 0)
		return err->code;
	PQclear(stmt->result);
	stmt->result = stmt->next;
	stmt->next = NULL;
	stmt->next_number = 0;
	stmt->row = -1;
	stmt->whole = PQntuples(stmt->result) < asked;
	return 0;
}

static int step_cursor(struct db_statement *stmt, struct err *err)
{
	ASSERT(!stmt->active || stmt->unit == stmt->store->unit);
	if (!stmt->active) {
		if (send_declare(stmt, err) < 0 || send_fetch(stmt, FIRST_PART, err) < 0 ||
			turn(stmt, FIRST_PART, err) < 0)
			return err->code;
	} else if (stmt->row + 1 == PQntuples(stmt->result) && !stmt->whole) {
		if (stmt->next_number == 0 && send_fetch(stmt, PART, err) < 0)
			return err->code;
		if (turn(stmt, PART, err) < 0)
			return err->code;
		if (!stmt->whole && send_fetch(stmt, PART, err) < 0)
			return err->code;
	}
	if (stmt->row + 1 >= PQntuples(stmt->result))
		return 0;
	stmt->row++;
	return 1;
}

static void close_cursor(struct db_statement *stmt)
{
	static const struct pg_params none = { 0 };
	static const struct pg_sending how = { "closing a cursor", NULL };
	struct store *store = stmt->store;
	struct err err;
	char sql[24];

	if (!stmt->active || stmt->unit != store->unit || !store->in_transaction ||
		store->failure.code != 0)
		return;
	snprintf(sql, sizeof(sql), "CLOSE c%u", stmt->cursor_no);
	(void)!pg_send_text(store, sql, &none, &how, &err);
}

/* --- running --- */

static int step_whole(struct db_statement *stmt, struct err *err)
{
	if (!stmt->active) {
		if (ask_whole(stmt, &stmt->result, err) < 0)
			return err->code;
		stmt->active = true;
		stmt->row = -1;
	}
	if (stmt->row + 1 < PQntuples(stmt->result)) {
		stmt->row++;
		return 1;
	}
	forget_rows(stmt);
	return 0;
}

int db_step(struct store *store, struct db_statement *stmt, struct err *err)
{
	ASSERT(stmt->store == store);
	return stmt->cursor ? step_cursor(stmt, err) : step_whole(stmt, err);
}

int db_exec(struct store *store, struct db_statement *stmt, struct err *err)
{
	PGresult *result = NULL;

	ASSERT(stmt->store == store && !stmt->active && !stmt->cursor);
	if (store->in_transaction)
		return send_whole(stmt, NULL, err);
	if (ask_whole(stmt, &result, err) < 0)
		return err->code;
	PQclear(result);
	return 0;
}

int db_exec_count(struct store *store, struct db_statement *stmt, int64_t *changes, struct err *err)
{
	PGresult *result = NULL;

	ASSERT(stmt->store == store && !stmt->active && !stmt->cursor);
	*changes = 0;
	if (ask_whole(stmt, &result, err) < 0)
		return err->code;
	if (!str_to_i64(str_from(PQcmdTuples(result)), changes))
		*changes = 0;
	PQclear(result);
	return 0;
}

void db_reset(struct db_statement *stmt)
{
	if (stmt->cursor)
		close_cursor(stmt);
	forget_rows(stmt);
}

void db_finalize(struct db_statement *stmt)
{
	if (!stmt)
		return;
	db_reset(stmt);
	discard(stmt);
}

void db_donep(struct db_statement **stmt)
{
	if (!*stmt)
		return;
	db_reset(*stmt);
	memset((*stmt)->binds, 0, (size_t)(*stmt)->text.params * sizeof(*(*stmt)->binds));
}

/* --- others' texts --- */

static struct known_text *known(struct store *store, const char *text)
{
	struct known_text **slot = &cache_of(store)->texts[slot_of(text)], *at = *slot;
	struct pg_text read;

	while (at && at->text != text)
		at = at->next;
	if (at)
		return at;
	at = mem_zalloc(sizeof(*at));
	at->text = text;
	pg_text_read(&read, text);
	at->tables = read.tables;
	pg_text_release(&read);
	at->next = *slot;
	*slot = at;
	return at;
}

static int send_known(struct store *store, struct known_text *known, struct pg_params *params,
	PGresult **into, struct err *err)
{
	const struct pg_sending how = { doing(store), into };
	int formats[MOST_PARAMS];

	ASSERT(params->count <= MOST_PARAMS);
	for (int i = 0; i < params->count; i++)
		formats[i] = 1;
	params->formats = formats;
	return pg_send_prepared(store, &known->prepared, known->text, params, &how, err);
}

/* Rows in bulk: some hundred milliseconds of work. */
static bool is_much(const struct pg_params *params)
{
	int64_t bytes = 0;

	for (int i = 0; i < params->count; i++)
		bytes += params->lengths[i];
	return bytes > MUCH_BYTES;
}

int pg_send(struct store *store, const char *text, int count, const Oid *types,
	const char *const *values, const int *lengths, struct err *err)
{
	struct pg_params params = { count, types, values, lengths, NULL };

	ASSERT(store->in_transaction);
	if (send_known(store, known(store, text), &params, NULL, err) < 0)
		return err->code;
	if (is_much(&params))
		pg_ask_to_tell(store);
	pg_push(store);
	return 0;
}

int pg_send_one(struct store *store, const char *text, struct pg_value value, PGresult **into,
	struct err *err)
{
	const char *values[1] = { value.bytes.ptr };
	const int lengths[1] = { (int)value.bytes.len };
	struct pg_params params = { value.type ? 1 : 0, &value.type, values, lengths, NULL };

	return send_known(store, known(store, text), &params, into, err);
}

int pg_ask(struct store *store, const char *text, int count, const Oid *types,
	const char *const *values, const int *lengths, PGresult **out, struct err *err)
{
	struct pg_params params = { count, types, values, lengths, NULL };
	struct known_text *statement = known(store, text);
	uint64_t question;
	int rc;

	*out = NULL;
	if (begin(store, statement->tables, err) < 0 ||
		send_known(store, statement, &params, out, err) < 0)
		return err->code;
	question = pg_last(store);
	pg_sync(store);
	rc = pg_held_write_behind(store, err);
	if (rc == 0)
		rc = pg_wait(store, question, 0, err);
	if (rc < 0) {
		drop(store, out);
		return err->code;
	}
	return 0;
}

/* --- columns --- */

bool db_col_null(struct db_statement *stmt, int column)
{
	ASSERT(stmt->result && stmt->row >= 0 && column < PQnfields(stmt->result));
	return PQgetisnull(stmt->result, stmt->row, column) == 1;
}

static bool is_text(Oid type)
{
	switch (type) {
	case PG_TEXT:
	case PG_BYTEA:
	case 18:   /* char */
	case 19:   /* name */
	case 705:  /* unknown: a literal of the statement */
	case 1042: /* bpchar */
	case 1043: /* varchar */
		return true;
	default:
		return false;
	}
}

int64_t db_col_i64(struct db_statement *stmt, int column)
{
	const unsigned char *at;
	Oid type;

	if (db_col_null(stmt, column))
		return 0;
	at = (const unsigned char *)PQgetvalue(stmt->result, stmt->row, column);
	type = PQftype(stmt->result, column);
	switch (type) {
	case PG_BOOL:
		return at[0] != 0;
	case PG_INT2:
		return (int16_t)((at[0] << 8) | at[1]);
	case PG_INT4:
		return (int32_t)((uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
				 (uint32_t)at[2] << 8 | at[3]);
	case PG_INT8:
		return pg_get_i64((const char *)at);
	default:
		break;
	}
	/* A sum() is numeric until it is cast: no integer, and a bug. */
	if (!is_text(type))
		err_assert_failed(stmt->sql, __FILE__, __LINE__);
	return 0;
}

struct str db_col_str(struct db_statement *stmt, int column)
{
	if (db_col_null(stmt, column))
		return (struct str){ "", 0 };
	if (is_text(PQftype(stmt->result, column)))
		return (struct str){ PQgetvalue(stmt->result, stmt->row, column),
			(size_t)PQgetlength(stmt->result, stmt->row, column) };
	snprintf(stmt->number, sizeof(stmt->number), "%lld", (long long)db_col_i64(stmt, column));
	return str_from(stmt->number);
}
