/* The one place where SQLite's result codes become ERR_*. */
#ifndef TT_STORE_SQLITE_FAIL_H
#define TT_STORE_SQLITE_FAIL_H

#include <sqlite3.h>

#include "base/err.h"

/* Translate result code RC of the last call on DB, which may be NULL; the message names the file
 * and what was being done. */
int sqlite_fail(sqlite3 *db, const char *path, int rc, const char *doing, struct err *err);

#endif
