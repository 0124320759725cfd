/*
 * Versions of the schema. The version of a file is its PRAGMA user_version; APPLICATION_ID tells
 * that it is a store at all. A store is made, and an older one brought up, by the same list of
 * steps.
 */
#ifndef TT_STORE_SQLITE_MIGRATE_H
#define TT_STORE_SQLITE_MIGRATE_H

#include "store/sqlite/db.h"

enum { SCHEMA_APPLICATION_ID = 0x74746462 }; /* "ttdb" */

/* From version N - 1 to version N: its scripts, the last of which sets PRAGMA user_version = N. */
struct schema_step {
	const char *scripts[3]; /* NULL-terminated */
};

/* steps[0] makes version 1, and so on: the newest version is COUNT. */
struct schema {
	const struct schema_step *steps;
	size_t count;
};

extern const struct schema schema_current;

/* Make a store of the newest version at PATH, all at once; ERR_EXISTS if something is there. */
MUST_USE int schema_create(const char *path, const struct schema *schema, struct err *err);
/*
 * Bring the open store to the newest version, in one transaction, after copying it to
 * `<path>.v<N>.bak` (an earlier copy of that name is replaced). Nothing happens when it is there
 * already. ERR_READONLY when it is older and opened for reading only.
 */
MUST_USE int schema_migrate(struct store *store, const struct schema *schema, struct err *err);
/* ERR_VERSION if VERSION is newer than SCHEMA, naming both; ERR_CORRUPT if it is none. */
MUST_USE int schema_check(
	const char *path, int64_t version, const struct schema *schema, struct err *err);
/* The version of the open store. */
MUST_USE int schema_version(struct store *store, int64_t *version, struct err *err);

#endif
