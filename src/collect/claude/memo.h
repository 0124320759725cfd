/* The memos in which items are remembered: keys and values as bytes. */
#ifndef TT_COLLECT_CLAUDE_MEMO_H
#define TT_COLLECT_CLAUDE_MEMO_H

#include "collect/claude/memory.h"

enum { CLAUDE_ITEM_KEY_BYTES = 1 + 22 };

/* Keys of one kind are ordered as their hashes are. */
void claude_memo_key(const struct claude_item *item, char out[static CLAUDE_ITEM_KEY_BYTES]);
/* Append the value of ITEM, with the calls that are kept with it. */
void claude_memo_write(const struct claude_item *item, struct buf *out);
/* Back, from the start of *FROM, which moves behind it; false: damaged. ITEM's kind is set. First
 * the item, then, as long as there is more, a call of RESPONSE. */
bool claude_memo_read(struct str *from, struct claude_item *item);
bool claude_memo_read_call(
	struct str *from, struct claude_item *call, const struct claude_item *response);

#endif
