/* What is read of a store.db of Cursor's command line: row '0' of meta, and blobs by their ids. */
#ifndef TT_STORE_FOREIGN_CHAT_H
#define TT_STORE_FOREIGN_CHAT_H

#include "store/foreign.h"

/* As foreign_open; STATE_DIR: see foreign_options. */
MUST_USE int foreign_chat_open(
	struct foreign **out, const char *path, const char *state_dir, struct err *err);
/* Copied into ARENA; ptr NULL: no row, or the row is NULL. */
MUST_USE int foreign_chat_meta(
	struct foreign *foreign, struct arena *arena, struct str *value, struct err *err);
/* The bytes under ID, likewise. */
MUST_USE int foreign_chat_blob(struct foreign *foreign, struct str id, struct arena *arena,
	struct str *data, struct err *err);

#endif
