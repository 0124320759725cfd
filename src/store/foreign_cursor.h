/*
 * What is read of Cursor's state.vscdb: named rows of ItemTable and the composers and bubbles of
 * cursorDiskKV; never `cursorAuth/…` nor anything else. ItemTable's keys are fixed here, so that no
 * caller can ask for another.
 */
#ifndef TT_STORE_FOREIGN_CURSOR_H
#define TT_STORE_FOREIGN_CURSOR_H

#include "store/foreign.h"

/* As foreign_open; STATE_DIR: see foreign_options. */
MUST_USE int foreign_cursor_open(
	struct foreign **out, const char *path, const char *state_dir, struct err *err);

/* Cursor writes a row by replacing it, which gives it the highest ROWID: the order of rows is that
 * of their last change. */
struct foreign_composer {
	int64_t rowid;
	struct str id; /* any bytes */
};
/* All composers, the last written first, from the index alone; copied into ARENA. */
MUST_USE int foreign_cursor_composers(struct foreign *foreign, struct arena *arena,
	struct foreign_composer **out, size_t *count, struct err *err);
/* The JSON of composer ID, copied into ARENA; ptr NULL: no row, or the row is NULL. */
MUST_USE int foreign_cursor_composer(struct foreign *foreign, struct str id, struct arena *arena,
	struct str *value, struct err *err);

/* Composers of which a bubble was written after row LAST, some several times; at most LIMIT rows
 * are looked at, and LAST is then the last of them. */
struct foreign_written {
	struct str *composers; /* copied into ARENA */
	size_t count;
	int64_t last;
};
MUST_USE int foreign_cursor_written(struct foreign *foreign, size_t limit, struct arena *arena,
	struct foreign_written *written, struct err *err);
/* The last row of all; 0: none. */
MUST_USE int foreign_cursor_last(struct foreign *foreign, int64_t *last, struct err *err);

/* The bubbles of one composer by the bytes of their ids; one by one, each valid until the next
 * step. */
struct foreign_bubbles;
struct foreign_bubble {
	struct str id;
	struct str value; /* JSON; ptr NULL: the row is NULL */
};
/* COMPOSER lives until the close. */
MUST_USE int foreign_bubbles_open(struct foreign_bubbles **out, struct foreign *foreign,
	struct str composer, struct err *err);
/* 1: a bubble; 0: the end; < 0: error. */
MUST_USE int foreign_bubbles_next(
	struct foreign_bubbles *bubbles, struct foreign_bubble *out, struct err *err);
void foreign_bubbles_close(struct foreign_bubbles *bubbles);
void foreign_bubbles_closep(struct foreign_bubbles **bubbles);

/* Rows of ItemTable that tell which composers belong to a workspace: `composer.composerData`,
 * `composer.composerHeaders` and all `workbench.panel.composerChatViewPane.…`. */
struct foreign_item {
	struct str key;
	struct str value; /* JSON */
};
/* Those that are there, copied into ARENA. */
MUST_USE int foreign_cursor_items(struct foreign *foreign, struct arena *arena,
	struct foreign_item **out, size_t *count, struct err *err);

#endif
