/*
 * What is sent over a connection, and its answers, in order. Nothing here waits but pg_wait and
 * pg_settle; everything sent is read as it comes, so that neither side's buffers fill up while the
 * other one is writing.
 */
#ifndef TT_STORE_POSTGRES_PIPE_H
#define TT_STORE_POSTGRES_PIPE_H

#include "store/postgres/db.h"

/* A statement's parameters, as libpq takes them. */
struct pg_params {
	int count;
	const Oid *types;
	const char *const *values;
	const int *lengths;
	const int *formats;
};

/* The state of a statement that is prepared on the connection under a number. */
struct pg_prepared {
	unsigned connection; /* on which; 0 or another than the store's: not prepared */
	unsigned name;
};

/*
 * A unit is a transaction, or a single statement outside of one. The first failure of a unit is
 * kept in store->failure, and nothing is sent any more until the next unit. Beginning a unit makes
 * sure of the connection (a new one where the old one is gone: ERR_BUSY) and, if ALONE, which is
 * for a single statement, that the session's tt.users is the store's user.
 */
MUST_USE int pg_unit_begin(struct store *store, bool alone, struct err *err);

/* Send one statement. DOING is a literal, for messages. INTO: where its result goes when it comes;
 * NULL: nobody asks. Returns the failure of the unit, if it has one. */
struct pg_sending {
	const char *doing;
	PGresult **into;
};
MUST_USE int pg_send_text(struct store *store, const char *sql, const struct pg_params *params,
	const struct pg_sending *how, struct err *err);
/* The same, prepared under PREPARED first where it is not. */
MUST_USE int pg_send_prepared(struct store *store, struct pg_prepared *prepared, const char *sql,
	const struct pg_params *params, const struct pg_sending *how, struct err *err);

/* End the group of what was sent: after a failure the server goes on behind it. Does not wait. */
void pg_sync(struct store *store);
/* Get on the way what was sent, and read what there is. Does not wait. */
void pg_push(struct store *store);
/* The number of what was sent last, for pg_wait. */
uint64_t pg_last(const struct store *store);
/* Have the server tell what it has done so far, and not only at the next sync: behind what takes
 * long, or a store with a patience would take work for silence. Does not wait. */
void pg_ask_to_tell(struct store *store);
/* Until NUMBER is answered; LIMIT_MS 0: as long as patience.h says. Returns the failure of the
 * unit. */
MUST_USE int pg_wait(struct store *store, uint64_t number, int64_t limit_ms, struct err *err);
/* Until everything is answered. */
MUST_USE int pg_settle(struct store *store, struct err *err);
/* Nobody asks for what was to go to INTO any more. */
void pg_abandon(struct store *store, PGresult **into);
/* The connection is no good any more: the failure of the unit, and nothing else will be answered.
 */
void pg_lose(struct store *store, const PGresult *result, const char *doing);

#endif
