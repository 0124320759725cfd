/*
 * What is read of OpenCode's database: session, message, part and project; never account,
 * control_account, credential, session_share nor anything else. Columns that only some releases
 * have are empty where they are not there.
 */
#ifndef TT_STORE_FOREIGN_OPENCODE_H
#define TT_STORE_FOREIGN_OPENCODE_H

#include "store/foreign.h"

/* As foreign_open; STATE_DIR: see foreign_options. */
MUST_USE int foreign_opencode_open(
	struct foreign **out, const char *path, const char *state_dir, struct err *err);

/* How far a session is: its rows and the latest time_updated (ms) among them. */
struct foreign_progress {
	struct str session;
	int64_t messages, parts;
	int64_t updated_ms;
};
/* Of every session, ordered by id; copied into ARENA. */
MUST_USE int foreign_opencode_progress(struct foreign *foreign, struct arena *arena,
	struct foreign_progress **out, size_t *count, struct err *err);

struct foreign_session {
	struct str id, parent, directory, title, version;
	struct str worktree; /* of its project */
	struct str revert;   /* JSON, or empty */
	int64_t created_ms, updated_ms;
};
/* *FOUND tells; copied into ARENA. */
MUST_USE int foreign_opencode_session(struct foreign *foreign, struct str id, struct arena *arena,
	struct foreign_session *out, bool *found, struct err *err);

/* Messages of a session, or parts, one by one: messages by time and id, parts by message and id. */
enum foreign_rows_kind { FOREIGN_MESSAGES, FOREIGN_PARTS };
struct foreign_row {
	struct str id;
	struct str message; /* of a part */
	int64_t created_ms, updated_ms;
	struct str data; /* JSON */
};
struct foreign_rows;
/* SESSION lives until the close. */
MUST_USE int foreign_rows_open(struct foreign_rows **out, struct foreign *foreign,
	enum foreign_rows_kind kind, struct str session, struct err *err);
/* 1: a row, valid until the next step; 0: the end; < 0: error. */
MUST_USE int foreign_rows_next(struct foreign_rows *rows, struct foreign_row *out, struct err *err);
void foreign_rows_close(struct foreign_rows *rows);
void foreign_rows_closep(struct foreign_rows **rows);

#endif
