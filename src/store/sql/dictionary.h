/* The dictionary of event data: each distinct text has one number. A bounded cache spares the query
 * for what repeats. */
#ifndef TT_STORE_SQL_DICTIONARY_H
#define TT_STORE_SQL_DICTIONARY_H

#include "store/sql/db.h"

struct dictionary;

struct dictionary *dictionary_new(struct store *store);
void dictionary_free(struct dictionary *dictionary);
/* After the transaction began: forget what was known if rows were deleted since, and what there was
 * not unless this connection has written ALONE. */
void dictionary_begin(struct dictionary *dictionary, bool alone);
/* Rows were deleted in this transaction: every dictionary must hear of it. Only while writing. */
void dictionary_note_deletions(struct store *store);
/* After a rollback: numbers given in it are void. */
void dictionary_forget(struct dictionary *dictionary);

/* The number of DATA; 0 when it is not there and MAKE is false (MAKE only while writing). */
MUST_USE int dictionary_number(
	struct dictionary *dictionary, struct str data, bool make, int64_t *no, struct err *err);
/* These are about to be asked for: where a question is dear, look them up together. Some thousand
 * at most; what was expected before is forgotten. */
MUST_USE int dictionary_expect(
	struct dictionary *dictionary, const struct str *datas, size_t count, struct err *err);
/* The parts of that, where one question is for several dictionaries: false when the number of DATA
 * (hash and text count) is known; else `absent` is set. What the answers were, in the place of what
 * was expected before. */
struct ahead_data;
bool dictionary_wants(struct dictionary *dictionary, struct ahead_data *data);
void dictionary_learn(struct dictionary *dictionary, const struct ahead_data *datas, size_t count);
/* Beside what is expected already, unless that has become much. */
void dictionary_learn_more(
	struct dictionary *dictionary, const struct ahead_data *datas, size_t count);
/* Append the text of number NO to OUT. */
MUST_USE int dictionary_text(struct store *store, int64_t no, struct buf *out, struct err *err);

#endif
