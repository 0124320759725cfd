/*
 * Databases of other programs as files that are watched: a database and its write-ahead log.
 * Unchanged costs two stats. Their cursors live in a source's tail_set; what the source itself
 * keeps with them is opaque here.
 */
#ifndef TT_COLLECT_DATABASE_H
#define TT_COLLECT_DATABASE_H

#include "collect/doc.h"
#include "collect/source.h"

struct database {
	struct doc doc;
	struct arena *arena;
	struct str log; /* the state of its log when it was looked at */
};

/* Are PATH and its log as they were saved, and nothing was left to do? *KEPT is what the source
 * kept, valid while SET is; empty: nothing. */
bool database_unchanged(
	struct tail_set *set, struct arena *arena, const char *path, struct str *kept);
/* Before it is opened. ERR_NOT_FOUND, ERR_IO. */
MUST_USE int database_look(
	struct database *out, struct arena *arena, const char *path, struct err *err);
/* PENDING: there is more to do, also if it does not change. */
MUST_USE int database_save(struct database *database, struct tail_set *set, struct intake *intake,
	bool pending, struct str keep, struct err *err);
/*
 * ERR is of reading the database (not of the store): locked or gone is tried again next time, and
 * is no failure, nor is an empty file; damaged, unknown or too large when it changes; anything
 * else, which is logged, next time. < 0 for failures of the store.
 */
MUST_USE int database_fault(const struct collect_context *context, struct source_counts *counts,
	struct database *database, struct tail_set *set, struct intake *intake, struct str keep,
	struct err *err);

/*
 * Several databases may hold session ID of SOURCE: those of two releases, a copy. The state that
 * was changed last (UPDATED) holds, and its database goes on from there, also when it is set back;
 * when that one is gone, one that is as new. *MAY: the one in database PATH is that state.
 */
MUST_USE int database_may_give(struct intake *intake, struct str source, const char *path,
	struct str id, int64_t updated, bool *may, struct err *err);
/* Is a database known that holds it? */
MUST_USE int database_holds(
	struct intake *intake, struct str source, struct str id, bool *holds, struct err *err);

/* The next of TEXT's numbers, which are separated by blanks. */
bool database_number(struct str *text, int base, uint64_t *out);

#endif
