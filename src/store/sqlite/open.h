/* Opening stores with a list of migrations of the caller's choice: for tests of the migrations,
 * backup and restore. */
#ifndef TT_STORE_SQLITE_OPEN_H
#define TT_STORE_SQLITE_OPEN_H

#include "store/sqlite/migrate.h"

/* store_open with SCHEMA in place of schema_current. */
MUST_USE int open_store(struct store **out, const struct store_options *options,
	const struct schema *schema, struct err *err);
/* For reading only, an older version too: for copying, not for queries. */
MUST_USE int open_as_it_is(struct store **out, const char *path, const struct schema *schema,
	int64_t busy_ms, struct err *err);
/* Make the directory that PATH will be in, 0700, if it is missing. */
MUST_USE int open_make_dir(const char *path, struct err *err);
/* The path a store URL means: a view into URL. ERR_USAGE. */
MUST_USE int open_path(const char *url, const char **path, struct err *err);

#endif
