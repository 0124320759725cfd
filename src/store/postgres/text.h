/* The texts of sql/db.h as PostgreSQL takes them. */
#ifndef TT_STORE_POSTGRES_TEXT_H
#define TT_STORE_POSTGRES_TEXT_H

#include "base/buf.h"

struct pg_text {
	struct buf sql;
	int params;      /* without $0 */
	bool own;        /* $1 is the user */
	bool rows;       /* a query, which a cursor can be declared for */
	unsigned tables; /* HELD_… it speaks of */
};

/*
 * What is in a comment that begins with '!' is opened, from a comment of '-' to one of '.' left
 * out, and so are all other comments. $0 becomes $1; ? and ?N become $1 and so on, or $2 and so on
 * where there is a $0; a ? counts on from the largest number before it. Quoted text stays.
 */
void pg_text_read(struct pg_text *text, const char *sql);
void pg_text_release(struct pg_text *text);

#endif
