/* Opening and closing. */
#include <stdlib.h>

#include "base/uuid.h"
#include "store/postgres/connect.h"
#include "store/postgres/migrate.h"
#include "store/postgres/pipe.h"
#include "store/postgres/pooler.h"
#include "store/postgres/statement.h"
#include "store/postgres/texts.h"
#include "store/postgres/users.h"

enum { DEFAULT_BUSY_MS = 30000 };

static char *copy_of(const char *text)
{
	size_t bytes = strlen(text) + 1;
	char *copy = mem_alloc(bytes);

	memcpy(copy, text, bytes);
	return copy;
}

static struct store *make(const char *url, const char *shown, const struct store_options *options)
{
	struct store *store = mem_zalloc(sizeof(*store));

	store->conninfo = copy_of(url);
	store->url = copy_of(shown);
	store->read_only = options->read_only;
	store->busy_ms = options->busy_ms > 0 ? options->busy_ms : DEFAULT_BUSY_MS;
	store->patience_ms = options->patience_ms;
	store->user = &store->nobody;
	return store;
}

/* A program of a team may start before its database does: that is ERR_BUSY, and not waited for. */
static int connect(struct store *store, const struct store_options *options, struct err *err)
{
	struct pg_user *user;
	PGconn *conn;

	if (pg_connect(store, &conn, err) < 0)
		return err->code;
	if (pooler_check(store, conn, err) < 0 ||
		schema_ready(store, conn, options->must_exist, err) < 0) {
		PQfinish(conn);
		return err->code;
	}
	pg_take(store, conn);
	if (!options->user || *options->user == '\0')
		return 0;
	if (pg_user_find(store, str_from(options->user), &user, err) < 0)
		return err->code;
	store->user = user;
	return 0;
}

int store_open(struct store **out, const struct store_options *options, struct err *err)
{
	CLEANUP(buf_release) struct buf shown = BUF_INIT;
	CLEANUP(store_closep) struct store *store = NULL;

	*out = NULL;
	if (pg_url_shown(options->url, &shown, err) < 0)
		return err->code;
	store = make(options->url, buf_cstr(&shown), options);
	if (connect(store, options, err) < 0)
		return err->code;
	*out = store;
	store = NULL;
	return 0;
}

int store_open_again(struct store **out, const struct store *like,
	const struct store_options *options, struct err *err)
{
	const struct store_options same = {
		.url = like->conninfo,
		.user = like->user->user_id,
		.read_only = options->read_only,
		.must_exist = true,
		.busy_ms = options->busy_ms,
		.patience_ms = options->patience_ms,
	};

	if (store_open(out, &same, err) < 0)
		return err->code;
	memcpy((*out)->machine_id, like->machine_id, sizeof(like->machine_id));
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	store_snapshot_end(store);
	db_write_rollback(store);
	pg_statements_free(store);
	pg_held_free(store->held);
	pg_texts_free(store->texts);
	pg_users_free(store);
	PQfinish(store->conn);
	free(store->queue.items);
	free(store->conninfo);
	free(store->url);
	free(store);
}

void store_closep(struct store **store)
{
	store_close(*store);
}

const char *store_path(const struct store *store)
{
	return store->url;
}

/* A database that is restored is another one, and its connections end. */
bool store_replaced(struct store *store)
{
	(void)store;
	return false;
}

/* Nobody has no row to write: whether anything could be written is what the server says. */
static int probe_nobody(struct store *store, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc = db_stmt(store,
		"SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::BOOLEAN",
		&stmt, err);

	if (rc == 0)
		rc = db_step(store, stmt, err);
	if (rc == 1 && db_col_i64(stmt, 0) != 0)
		rc = err_set(err, ERR_READONLY, "store '%s': it may only be read", store->url);
	return rc < 0 ? rc : 0;
}

int store_probe(struct store *store, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	bool own;
	int rc;

	if (store->user == &store->nobody)
		return probe_nobody(store, err);
	rc = db_write_join(store, &own, err);
	if (rc < 0)
		return rc;
	rc = db_stmt(
		store, "UPDATE store_state SET store_id = store_id WHERE user_no = $0", &stmt, err);
	if (rc == 0)
		rc = db_exec(store, stmt, err);
	return db_write_leave(store, own, rc, err);
}

int store_snapshot_begin(struct store *store, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	ASSERT(!store->snapshot);
	if (db_read_begin(store, err) < 0)
		return err->code;
	store->snapshot = true;
	/* The first statement fixes the view. */
	if (db_stmt(store, "SELECT 1", &stmt, err) < 0 || db_step(store, stmt, err) < 0) {
		store_snapshot_end(store);
		return err->code;
	}
	return 0;
}

void store_snapshot_end(struct store *store)
{
	if (!store->snapshot)
		return;
	store->snapshot = false;
	db_read_end(store);
}
