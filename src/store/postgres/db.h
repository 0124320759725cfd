/*
 * One connection to a PostgreSQL store: what sql/db.h says of statements and transactions, in
 * libpq's pipeline mode.
 *
 * What only changes rows (db_exec, put_…) is sent and not waited for; what it said is read at the
 * next thing that needs an answer. So a transaction costs as many round trips as it asks questions.
 * After a failure the server ignores everything up to the end of the transaction, and so do we: the
 * first failure is what every later call reports, until db_write_rollback.
 *
 * A connection that is lost is made anew by the next db_write_begin or db_read_begin, or the next
 * statement outside of both (backoff: at most one attempt in RECONNECT_MS; meanwhile ERR_BUSY at
 * once). Inside a transaction the loss is that transaction's failure (ERR_BUSY: nothing of it is
 * stored, or, when the COMMIT itself was under way, nobody can tell).
 *
 * Rows are those of one user at a time ($0 of sql/db.h). A transaction may write for several: each
 * is locked (its row of store_state, FOR UPDATE) by db_write_begin, and has counters of its own
 * until the commit, which writes them all. The row being locked, all writers of a user come one
 * after the other, and their change numbers become visible in order: that is what the feed's
 * promise rests on.
 *
 * As the second wall, every table has row-level security by the setting tt.users, which a
 * transaction sets to the users it works for.
 */
#ifndef TT_STORE_POSTGRES_DB_H
#define TT_STORE_POSTGRES_DB_H

#include <libpq-fe.h>

#include "store/sql/db.h"
#include "store/users.h"

/* The tables whose new rows put.c holds back, and of which a statement speaks. */
enum { HELD_EVENT = 1, HELD_DICT = 2, HELD_BUCKET = 4 };

struct pg_user {
	int64_t user_no; /* 0: nobody */
	char user_id[40];
	bool writing; /* its row is locked by the open transaction */
	struct db_counters counters;
	struct db_counters stored;
	int64_t last_data;   /* the last data_no given out, kept in store_state like the counters */
	int64_t stored_data; /* what the row holds of it */
	struct pg_user *next;
};

struct pg_held;  /* postgres/put.c */
struct pg_cache; /* kept statements, by the address of their text */

struct store {
	PGconn *conn;
	char *url; /* without its password, for messages: store_path */
	char *conninfo;
	bool read_only;
	int64_t busy_ms;
	struct pg_user *users; /* met by this connection; the first is nobody */
	struct pg_user *user;  /* never NULL */
	char machine_id[40];   /* of the actor */
	bool in_transaction;   /* BEGIN was sent, and neither COMMIT nor ROLLBACK since */
	unsigned readers;
	bool snapshot;
	struct err failure; /* of the open transaction; code 0: none */
	struct pg_cache *cache;
	struct pg_held *held;
	int64_t retry_ns; /* monotonic: no new attempt to connect before */
};

/* Translate the last failure of the connection, or RESULT's (may be NULL), into ERR. SQLSTATE
 * class 08, 57P0x, 53xxx: ERR_BUSY; 53100: ERR_FULL; 42501, 25006: ERR_READONLY; 40001, 40P01,
 * 55P03, 57014: ERR_BUSY. The message names the store and what was being done. */
int pg_fail(const struct store *store, const PGresult *result, const char *doing, struct err *err);

/* --- what put.c needs of db.c, and the other way round --- */

/* Send a statement whose parameters are all binary, in the pipeline, unanswered like db_exec's.
 * TEXT is a literal, prepared once a connection; TYPES are OIDs. */
MUST_USE int pg_send(struct store *store, const char *text, int count, const Oid *types,
	const char *const *values, const int *lengths, struct err *err);
/* Write what is held back of the tables in MASK, and of those it depends on; db.c calls it before
 * every statement that speaks of one of them, and before the commit. */
MUST_USE int pg_held_write(struct store *store, unsigned mask, struct err *err);
/* After a rollback: nothing is held back. */
void pg_held_forget(struct store *store);
void pg_held_free(struct pg_held *held);

/* Make sure that the partitions of event for the months of these starts exist, on a connection of
 * its own; cheap when they are known to. */
MUST_USE int pg_partitions_ensure(
	struct store *store, const int64_t *starts_ns, size_t count, struct err *err);

#endif
