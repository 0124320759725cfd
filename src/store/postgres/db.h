/*
 * One connection to a PostgreSQL store: what sql/db.h says of statements and transactions, in
 * libpq's pipeline mode.
 *
 * What only changes rows (db_exec, put_…) is sent and not waited for; what it said is read at the
 * next thing that needs an answer. So a transaction costs as many round trips as it asks questions.
 * After a failure the server ignores everything up to the end of the transaction, and so do we: the
 * first failure is what every later call reports, until db_write_rollback or db_read_end.
 *
 * A connection that is lost is made anew by the next db_write_begin or db_read_begin, or the next
 * statement outside of both (backoff: at most one attempt in RECONNECT_MS, or twice as long as the
 * last one took; meanwhile ERR_BUSY at once). Inside a transaction the loss is that transaction's
 * failure (ERR_BUSY: nothing of it is stored, or, when the COMMIT itself was under way, nobody can
 * tell).
 *
 * A server that says nothing for patience_ms is treated as lost, too (patience.h). What it makes of
 * what was begun over such a connection is nobody's business any more: it is told to look whether
 * we are still there, and to end a transaction that nobody goes on with.
 *
 * Rows are those of one user at a time ($0 of sql/db.h). A transaction may write for several: each
 * is locked (its row of store_state, FOR UPDATE) by db_write_begin, db_write_begin_for or a
 * store_as, and has counters of its own until the commit, which writes them all. The row being
 * locked, all writers of a user come one after the other, and their change numbers become visible
 * in order: that is what the feed's promise rests on. Nobody (user 0) may write too: users and
 * keys, which are nobody's rows; there is nothing to lock and to count then.
 *
 * As the second wall, every table has row-level security by the setting tt.users: the users that
 * the connection, or its transaction, works for.
 */
#ifndef TT_STORE_POSTGRES_DB_H
#define TT_STORE_POSTGRES_DB_H

#include <libpq-fe.h>

#include "store/sql/db.h"
#include "store/users.h"

/* The tables whose new rows put.c holds back, and of which a statement speaks. */
enum { HELD_EVENT = 1, HELD_DICT = 2, HELD_BUCKET = 4 };

enum { RECONNECT_MS = 500 };

struct pg_user {
	int64_t user_no; /* 0: nobody */
	char user_id[40];
	bool writing; /* its row is locked by the open transaction; nobody's never is */
	struct db_counters counters;
	struct db_counters stored;
	int64_t last_data;   /* the last data_no given out, kept in store_state like the counters */
	int64_t stored_data; /* what the row holds of it */
	struct pg_user *next;        /* in its slot of struct store's users */
	struct pg_user *next_writer; /* in struct store's writers */
};

struct pg_held;  /* postgres/put.c */
struct pg_texts; /* postgres/texts.c */
struct pg_cache; /* postgres/statement.c: kept statements, by the address of their text */

/* One thing that was sent, and what its answer is for. */
struct pg_pending {
	enum { PENDING_ANSWER, PENDING_SYNC } kind;
	uint64_t unit;      /* in which it was sent: a failure is that unit's */
	const char *doing;  /* for messages */
	PGresult **into;    /* where its result goes; NULL: nobody asks */
	unsigned *prepared; /* of a PREPARE: becomes 0 when it was not done */
};

/* What was sent and not answered yet, a ring. */
struct pg_queue {
	struct pg_pending *items;
	size_t room; /* a power of two */
	uint64_t sent;
	uint64_t answered;
	uint64_t synced;    /* everything before it has a sync behind it */
	uint64_t preparing; /* the last PREPARE that was sent */
};

enum { PG_USER_SLOTS = 1024, PG_MONTHS = 300 };

struct store {
	PGconn *conn; /* NULL: lost */
	struct pg_queue queue;
	unsigned connection; /* counts connections: what an earlier one prepared is gone */
	unsigned names;      /* of prepared statements and cursors, given out */
	char *url;           /* without its password, for messages: store_path */
	char *conninfo;
	bool read_only;
	int64_t busy_ms;
	int64_t patience_ms; /* 0: none, but the network's (patience.h) */
	struct pg_user nobody;
	struct pg_user *users[PG_USER_SLOTS]; /* met by this connection, by hash of user_id */
	struct pg_user *user;                 /* never NULL */
	struct pg_user *writers;              /* whose rows are locked */
	int64_t session_user;                 /* whom the session's tt.users names; -1: unknown */
	char machine_id[40];                  /* of the actor */
	bool in_transaction; /* BEGIN was sent, and neither COMMIT nor ROLLBACK since */
	bool writing;        /* and it was db_write_begin's */
	unsigned readers;
	bool snapshot;
	uint64_t unit;      /* counts transactions, and single statements outside of them */
	uint64_t long_unit; /* the one of db_may_take_long; 0: none */
	struct err failure; /* of the unit; code 0: none */
	struct pg_cache *cache;
	struct pg_held *held;
	struct pg_texts *texts;
	bool months[PG_MONTHS]; /* partitions of event that are known to be there, from 2015 on */
	int event_parts;        /* in how many parts event is cut by user; 0: not known yet */
	int64_t retry_ns;       /* monotonic: no new attempt to connect before */
	int64_t bytes;          /* of the database, as store_info has last seen it */
	int64_t bytes_until_ns;
};

/*
 * Translate the last failure of the connection, or RESULT's (may be NULL), into ERR. SQLSTATE
 * class 08, 57P0x, 53xxx: ERR_BUSY; 53100: ERR_FULL; 42501, 25006: ERR_READONLY; 40001, 40P01,
 * 55P03, 57014: ERR_BUSY; … (fail.c). The message names the store and what was being done.
 */
int pg_fail(const struct store *store, const PGresult *result, const char *doing, struct err *err);

/* --- what put.c needs of db.c, and the other way round --- */

/* Send a statement whose parameters are all binary, in the pipeline, unanswered like db_exec's.
 * TEXT is a literal, prepared once a connection; TYPES are OIDs. */
MUST_USE int pg_send(struct store *store, const char *text, int count, const Oid *types,
	const char *const *values, const int *lengths, struct err *err);
/* The same, but waits and gives the rows, in binary, for PQclear: what is held back of tables that
 * TEXT speaks of is written before. Also outside of a transaction. */
MUST_USE int pg_ask(struct store *store, const char *text, int count, const Oid *types,
	const char *const *values, const int *lengths, PGresult **out, struct err *err);
/* Write what is held back of the tables in MASK, and of those it depends on; called before
 * every statement that speaks of one of them, and before the commit. */
MUST_USE int pg_held_write(struct store *store, unsigned mask, struct err *err);
/* A question was sent, and its answer is going to be waited for: write what is held back of event
 * behind it if that is worth a statement. */
MUST_USE int pg_held_write_behind(struct store *store, struct err *err);
/* After a rollback: nothing is held back. */
void pg_held_forget(struct store *store);
/* Accepts NULL. */
void pg_held_free(struct pg_held *held);

/* Make sure that the partitions of event for the months of these starts exist, on a connection of
 * its own; cheap when they are known to. */
MUST_USE int pg_partitions_ensure(
	struct store *store, const int64_t *starts_ns, size_t count, struct err *err);

#endif
