/* Statements of sql/db.h. */
#ifndef TT_STORE_POSTGRES_STATEMENT_H
#define TT_STORE_POSTGRES_STATEMENT_H

#include "store/postgres/pipe.h"
#include "store/postgres/text.h"

enum pg_bind_kind { BIND_NULL, BIND_I64, BIND_STR, BIND_BYTES };

struct pg_bind {
	enum pg_bind_kind kind;
	char i64[8];
	struct str value;
};

/*
 * A cursor's rows come in parts: the first one small, since most readers want few, and while one is
 * read the next one is on its way. All other statements' rows come at once.
 */
struct db_statement {
	struct store *store;
	const char *sql; /* a literal */
	struct pg_text text;
	struct pg_prepared prepared;
	Oid *types; /* of the parameters as it was prepared, $0 among them */
	struct pg_bind *binds;
	bool lone; /* db_prepare's, prepared nowhere */
	bool cursor;
	bool active; /* its rows, or its cursor, are of UNIT */
	uint64_t unit;
	unsigned cursor_no;
	PGresult *result;     /* the rows that are being read; NULL: none came yet */
	PGresult *next;       /* of a cursor: the part behind */
	uint64_t next_number; /* what pg_wait waits for until it is there; 0: not asked for */
	int row;
	bool whole;                /* no part comes behind RESULT */
	char number[24];           /* an integer as text, for db_col_str */
	struct db_statement *kept; /* in struct pg_cache */
};

/* A parameter in binary. */
struct pg_value {
	Oid type; /* 0: there is none */
	struct str bytes;
};
/* As pg_send with one parameter or none, also outside of a transaction (a unit must have begun),
 * and what it gives goes to INTO, if not NULL, when pg_wait has waited for it. */
MUST_USE int pg_send_one(struct store *store, const char *text, struct pg_value value,
	PGresult **into, struct err *err);
/* All kept ones, before the store is closed. */
void pg_statements_free(struct store *store);

#endif
