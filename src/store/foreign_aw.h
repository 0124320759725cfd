/*
 * The databases of ActivityWatch's two servers: aw-server-rust's sqlite.db (user_version 1 to 5)
 * and aw-server's peewee v2 (and its sqlite v1). Opened as foreign.h says: nothing is written
 * there. Errors as in foreign.h; ERR_VERSION "unknown_schema" for anything else.
 */
#ifndef TT_STORE_FOREIGN_AW_H
#define TT_STORE_FOREIGN_AW_H

#include "store/foreign.h"

enum foreign_aw_kind { FOREIGN_AW_RUST, FOREIGN_AW_PEEWEE, FOREIGN_AW_SQLITE_V1 };

struct foreign_aw;
MUST_USE int foreign_aw_open(
	struct foreign_aw **out, const char *path, const char *state_dir, struct err *err);
void foreign_aw_close(struct foreign_aw *db);
void foreign_aw_closep(struct foreign_aw **db);
enum foreign_aw_kind foreign_aw_kind(const struct foreign_aw *db);
/* user_version; where that is still in the log, the lowest that has these tables. */
int foreign_aw_version(const struct foreign_aw *db);
/* As foreign_check: after all is read. */
MUST_USE int foreign_aw_check(struct foreign_aw *db, struct err *err);

struct foreign_aw_bucket {
	int64_t row; /* its key there */
	struct str id;
	struct str type;
	struct str client;
	struct str hostname;
	struct str created; /* as it is written there; peewee's may have no offset (local time) */
	struct str data;    /* JSON text as it is there, or empty */
};
MUST_USE int foreign_aw_buckets(struct foreign_aw *db, struct arena *arena,
	struct foreign_aw_bucket **out, size_t *count, struct err *err);
MUST_USE int foreign_aw_count(struct foreign_aw *db, int64_t *events, struct err *err);

struct foreign_aw_event {
	int64_t row;
	bool good; /* times could be read: */
	int64_t start_ns;
	int64_t duration_ns; /* may be negative; peewee's DECIMAL rounded to ns */
	struct str data;     /* as it is there; "{}" for NULL */
	/* When not good, as they are written there: start and end; peewee's start and duration. */
	struct str times[2];
};
/* The events of one bucket, oldest first or in the order of their rows, as they are cheapest to
 * read; ROW returns < 0 to stop. Views live until ROW returns. */
MUST_USE int foreign_aw_events(struct foreign_aw *db, int64_t bucket_row,
	int (*row)(void *context, const struct foreign_aw_event *event, struct err *err),
	void *context, struct err *err);

struct foreign_aw_setting {
	struct str key; /* without "settings." */
	struct str value;
};
/* Rust's key_value rows that are settings; none for the others. */
MUST_USE int foreign_aw_settings(struct foreign_aw *db, struct arena *arena,
	struct foreign_aw_setting **out, size_t *count, struct err *err);

#endif
