/* What the statements of foreign_*.c share. A statement must not be kept longer than the foreign.
 */
#ifndef TT_STORE_FOREIGN_STATEMENT_H
#define TT_STORE_FOREIGN_STATEMENT_H

#include <sqlite3.h>

#include "base/fs.h"
#include "store/foreign.h"

/* Set ERR from result code RC of the last call on the connection. */
int foreign_fail(const struct foreign *foreign, int rc, const char *doing, struct err *err);
/* SQL is a literal. ERR_VERSION when a table or column of it is not there. */
MUST_USE int foreign_prepare(
	struct foreign *foreign, const char *sql, sqlite3_stmt **out, struct err *err);
/* 1: a row; 0: the end; < 0: error. */
MUST_USE int foreign_step(struct foreign *foreign, sqlite3_stmt *stmt, struct err *err);
/* For CLEANUP. */
void foreign_donep(sqlite3_stmt **stmt);
/* Indexes of parameters count from 1, columns from 0; NULL is an empty view, and 0. A view that is
 * bound must live until the statement is reset; one of a column lives until the next step. */
void foreign_bind_i64(sqlite3_stmt *stmt, int index, int64_t value);
void foreign_bind_str(sqlite3_stmt *stmt, int index, struct str value);
int64_t foreign_col_i64(sqlite3_stmt *stmt, int column);
struct str foreign_col_str(sqlite3_stmt *stmt, int column);
struct str foreign_col_copy(sqlite3_stmt *stmt, int column, struct arena *arena);
/* The first column of what SQL, a literal, gives for KEY, its only parameter: in the arena, an
 * empty view when there is no such row or it is NULL. */
MUST_USE int foreign_text(struct foreign *foreign, const char *sql, struct str key,
	struct arena *arena, struct str *out, struct err *err);
/* PRAGMA is the literal "PRAGMA table_info(TABLE)": which of the COUNT columns NAMES are there?
 * None of them: the table is not. */
MUST_USE int foreign_columns(struct foreign *foreign, const char *pragma, const char *const *names,
	size_t count, bool *present, struct err *err);

/* --- foreign_copy.c --- */

/* A private copy of a database and its log; all of it is gone after foreign_copy_remove. */
struct foreign_copy {
	char dir[512];
	char db[544];
	int lock; /* on the directory, so that others see that somebody lives */
};
/* Of PATH, and PATH-wal or PATH-journal where there are any. ERR_BUSY: changed meanwhile. */
MUST_USE int foreign_copy_make(
	struct foreign_copy *copy, const struct foreign_options *options, struct err *err);
void foreign_copy_remove(struct foreign_copy *copy);

/* The state of a file for comparing; all zero when it does not exist. */
struct foreign_file {
	uint64_t device, inode;
	int64_t size, mtime_ns, ctime_ns;
};
struct foreign_file foreign_file_of(const char *path);
bool foreign_file_same(const struct foreign_file *a, const struct foreign_file *b);

#endif
