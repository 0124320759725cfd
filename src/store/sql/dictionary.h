/* The dictionary of event data: each distinct text has one number. A bounded cache spares the query
 * for what repeats. */
#ifndef TT_STORE_SQL_DICTIONARY_H
#define TT_STORE_SQL_DICTIONARY_H

#include "store/sql/db.h"

struct dictionary;

struct dictionary *dictionary_new(struct store *store);
void dictionary_free(struct dictionary *dictionary);
/* After the transaction began: forget what was known if rows were deleted since. */
MUST_USE int dictionary_begin(struct dictionary *dictionary, struct err *err);
/* Rows were deleted in this transaction: every dictionary must hear of it. Only while writing. */
MUST_USE int dictionary_note_deletions(struct store *store, struct err *err);
/* After a rollback: numbers given in it are void. */
void dictionary_forget(struct dictionary *dictionary);

/* The number of DATA; 0 when it is not there and MAKE is false (MAKE only while writing). */
MUST_USE int dictionary_number(
	struct dictionary *dictionary, struct str data, bool make, int64_t *no, struct err *err);
/* Append the text of number NO to OUT. */
MUST_USE int dictionary_text(struct store *store, int64_t no, struct buf *out, struct err *err);

#endif
