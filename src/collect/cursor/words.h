/* What the parsers of transcripts and chats have in common. */
#ifndef TT_COLLECT_CURSOR_WORDS_H
#define TT_COLLECT_CURSOR_WORDS_H

#include "collect/cursor/cursor.h"

/* WORDS: NULL-terminated. */
bool cursor_is_one_of(struct str word, const char *const *words);

/* PART on a line of its own; blanks around it are dropped. */
void cursor_add_part(struct buf *out, struct str part);
/* Of TEXT what is in <user_query>, or, without that, what is not context that Cursor put there. */
void cursor_typed(struct buf *out, struct str text);

/* How often HASH was met, this time included. */
int64_t cursor_seen(struct cursor_seen *seen, uint64_t hash);

#endif
