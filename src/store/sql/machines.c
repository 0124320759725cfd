/* Machines, how they are reached, and what was learned of them when they were last synced. */
#include "base/uuid.h"
#include "store/sql/buckets.h"
#include "store/sql/catalogue.h"
#include "store/sql/writes.h"

/* --- reading --- */

static int64_t i64_or(struct db_statement *stmt, int column, int64_t absent)
{
	return db_col_null(stmt, column) ? absent : db_col_i64(stmt, column);
}

static void take_machine(struct db_statement *stmt, struct arena *arena, struct store_machine *out)
{
	*out = (struct store_machine){
		.machine_id = db_col_copy(stmt, 0, arena),
		.label = db_col_copy(stmt, 1, arena),
		.hostname = db_col_copy(stmt, 2, arena),
		.alias = db_col_copy(stmt, 3, arena),
		.store_id = db_col_copy(stmt, 4, arena),
		.cursor = i64_or(stmt, 5, 0),
		.last_sync_ns = i64_or(stmt, 6, INT64_MIN),
		.clock_skew_ns = i64_or(stmt, 7, 0),
		.version = db_col_copy(stmt, 8, arena),
		.last_event_ns = INT64_MIN,
	};
}

/* MACHINE_ID with ptr NULL: all. */
static int query(struct store *store, struct str machine_id, struct db_rows *rows, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	struct store_machine machine;
	int rc;

	if (db_stmt(store,
		    "SELECT m.machine_id, m.label, m.hostname,"
		    " (SELECT a.alias FROM alias a WHERE a.machine_no = m.machine_no"
		    "  /*!AND a.user_no = m.user_no*/ ORDER BY a.synced_at_ns DESC, a.alias LIMIT 1),"
		    " p.store_id, p.cursor, p.synced_at_ns, p.clock_skew_ns, p.version"
		    " FROM machine m LEFT JOIN peer p USING (" OWNER "machine_no)"
		    " WHERE (CAST(?1 AS BIGINT) <> 0 OR m.machine_id = ?2) /*!AND m.user_no = $0*/"
		    " ORDER BY m.label, m.machine_id",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, machine_id.ptr == NULL);
	db_bind_str(stmt, 2, machine_id);
	while ((rc = db_step(store, stmt, err)) == 1) {
		take_machine(stmt, rows->arena, &machine);
		db_rows_add(rows, &machine);
	}
	return rc;
}

static int add_events(struct store *store, const struct bucket_row *buckets, size_t count,
	struct arena *arena, struct store_machine *machine, struct err *err)
{
	struct event newest = { .start_ns = INT64_MIN };

	for (size_t i = 0; i < count; i++) {
		struct event last;
		int rc;

		if (!str_eq(buckets[i].machine_id, machine->machine_id))
			continue;
		machine->events += buckets[i].events;
		rc = bucket_end(store, &buckets[i], true, arena, &last, err);
		if (rc < 0)
			return rc;
		if (rc == 1 && event_cmp(&last, &newest) > 0)
			newest = last;
	}
	machine->last_event_id = newest.id;
	machine->last_event_ns = newest.start_ns;
	return 0;
}

static int load(struct store *store, struct str machine_id, struct db_rows *rows, struct err *err)
{
	struct store_machine *machines;
	struct bucket_row *buckets;
	size_t bucket_count;

	if (query(store, machine_id, rows, err) < 0 ||
		buckets_load(store, rows->arena, &buckets, &bucket_count, err) < 0)
		return err->code;
	machines = rows->items;
	for (size_t i = 0; i < rows->count; i++)
		if (add_events(store, buckets, bucket_count, rows->arena, &machines[i], err) < 0)
			return err->code;
	return 0;
}

int store_machines(struct store *store, struct arena *arena, struct store_machine **out,
	size_t *count, struct err *err)
{
	struct db_rows rows = db_rows(arena, sizeof(**out));
	int rc;

	if (db_read_begin(store, err) < 0)
		return err->code;
	rc = load(store, (struct str){ NULL, 0 }, &rows, err);
	db_read_end(store);
	*out = rows.items;
	*count = rows.count;
	return rc;
}

static int id_of_alias(
	struct store *store, struct str alias, struct arena *arena, struct str *id, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	if (db_stmt(store,
		    "SELECT m.machine_id FROM alias a JOIN machine m USING (" OWNER
		    "machine_no) WHERE " OWN_OF("a") "a.alias = ?",
		    &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, alias);
	rc = db_step(store, stmt, err);
	if (rc == 0)
		return err_set(err, ERR_NOT_FOUND, "no machine is known as '%.*s'", STR_ARG(alias));
	if (rc == 1)
		*id = db_col_copy(stmt, 0, arena);
	return rc < 0 ? rc : 0;
}

static int find(struct store *store, struct str id_or_alias, struct db_rows *rows, struct err *err)
{
	struct str id = id_or_alias;

	if (!uuid_valid(id) && !db_is_text(id))
		return err_set(err, ERR_NOT_FOUND, "no machine is known as '%.*s'", STR_ARG(id));
	if (!uuid_valid(id) && id_of_alias(store, id_or_alias, rows->arena, &id, err) < 0)
		return err->code;
	if (load(store, id, rows, err) < 0)
		return err->code;
	if (rows->count == 0)
		return err_set(err, ERR_NOT_FOUND, "no machine has the id '%.*s'", STR_ARG(id));
	return 0;
}

int store_machine_find(struct store *store, struct str id_or_alias, struct arena *arena,
	struct store_machine *out, struct err *err)
{
	struct db_rows rows = db_rows(arena, sizeof(*out));
	int rc;

	if (db_read_begin(store, err) < 0)
		return err->code;
	rc = find(store, id_or_alias, &rows, err);
	db_read_end(store);
	if (rc == 0)
		memcpy(out, rows.items, sizeof(*out));
	return rc;
}

/* --- writing --- */

static int set_label(struct store *store, struct str machine_id, struct str label,
	bool only_if_empty, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int64_t machine_no;

	if (machine_number(store, machine_id, true, &machine_no, err) < 0 ||
		db_stmt(store,
			"UPDATE machine SET label = ? WHERE " OWN
			"machine_no = ? AND (label = '' OR CAST(? AS BIGINT) = 0)",
			&stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, label);
	db_bind_i64(stmt, 2, machine_no);
	db_bind_i64(stmt, 3, only_if_empty);
	return db_exec(store, stmt, err);
}

int store_machine_label(struct store *store, struct str machine_id, struct str label,
	bool only_if_empty, struct err *err)
{
	bool own;

	if (db_check_text("the label", label, err) < 0 || db_write_join(store, &own, err) < 0)
		return err->code;
	return db_write_leave(
		store, own, set_label(store, machine_id, label, only_if_empty, err), err);
}

static int put_alias(
	struct store *store, int64_t machine_no, const struct peer_state *peer, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (peer->alias.len == 0)
		return 0;
	if (db_stmt(store,
		    "INSERT INTO alias (" OWNER
		    "alias, machine_no, synced_at_ns) VALUES (" OWN_VALUE
		    "?, ?, ?) ON CONFLICT (" OWNER "alias) DO UPDATE SET"
		    " machine_no = excluded.machine_no, synced_at_ns = excluded.synced_at_ns",
		    &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, peer->alias);
	db_bind_i64(stmt, 2, machine_no);
	db_bind_i64(stmt, 3, peer->synced_at_ns);
	return db_exec(store, stmt, err);
}

static int put_hostname(
	struct store *store, int64_t machine_no, const struct peer_state *peer, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (peer->hostname.len == 0)
		return 0;
	if (db_stmt(store, "UPDATE machine SET hostname = ? WHERE " OWN "machine_no = ?", &stmt,
		    err) < 0)
		return err->code;
	db_bind_str(stmt, 1, peer->hostname);
	db_bind_i64(stmt, 2, machine_no);
	return db_exec(store, stmt, err);
}

static int check_peer(const struct peer_state *peer, struct err *err)
{
	if (db_check_text("the name of the machine", peer->alias, err) < 0 ||
		db_check_text("the machine's store id", peer->store_id, err) < 0 ||
		db_check_text("the machine's hostname", peer->hostname, err) < 0)
		return err->code;
	return db_check_text("the machine's version", peer->version, err);
}

int peer_put(struct store *store, const struct peer_state *peer, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int64_t machine_no;

	if (check_peer(peer, err) < 0 ||
		machine_number(store, peer->machine_id, true, &machine_no, err) < 0 ||
		put_alias(store, machine_no, peer, err) < 0 ||
		put_hostname(store, machine_no, peer, err) < 0 ||
		db_stmt(store,
			"INSERT INTO peer (" OWNER
			"machine_no, store_id, version, cursor, synced_at_ns, clock_skew_ns)"
			" VALUES (" OWN_VALUE "?, ?, ?, ?, ?, ?) ON CONFLICT (" OWNER
			"machine_no) DO UPDATE SET store_id = excluded.store_id,"
			" version = excluded.version, cursor = excluded.cursor,"
			" synced_at_ns = excluded.synced_at_ns,"
			" clock_skew_ns = excluded.clock_skew_ns",
			&stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, machine_no);
	db_bind_str(stmt, 2, peer->store_id);
	db_bind_str(stmt, 3, peer->version);
	db_bind_i64(stmt, 4, peer->cursor);
	db_bind_i64(stmt, 5, peer->synced_at_ns);
	db_bind_i64(stmt, 6, peer->clock_skew_ns);
	return db_exec(store, stmt, err);
}
