/* What transcripts and chats have in common. */
#include "collect/cursor/words.h"

enum { FIRST_SLOTS = 256 };

struct cursor_seen_entry {
	uint64_t hash; /* 0: free */
	int64_t count;
};

bool cursor_is_one_of(struct str word, const char *const *words)
{
	for (; *words; words++)
		if (str_eq_c(word, *words))
			return true;
	return false;
}

/* --- what a person typed --- */

/* Bytes of a block `<name …>…</name>` at the start of TEXT that Cursor put there; 0: none. Its
 * names have two words, as hardly any markup has. */
static size_t context_block(struct str text)
{
	CLEANUP(buf_release) struct buf closing = BUF_INIT;
	struct str name = { NULL, 0 };
	bool ours;
	ptrdiff_t end;

	if (!str_starts(text, STR("<")))
		return 0;
	for (end = 1; (size_t)end < text.len && !strchr(" >\n", text.ptr[end]); end++)
		;
	name = str_sub(text, 1, (size_t)end - 1);
	ours = str_find(name, '_', 0) > 0 || str_find(name, '-', 0) > 0 ||
	       str_eq(name, STR("rules")) || str_eq(name, STR("timestamp"));
	if (!ours)
		return 0;
	buf_addc(&closing, "</");
	buf_add(&closing, name);
	buf_byte(&closing, '>');
	end = str_find_str(text, buf_str(&closing));
	return end < 0 ? 0 : (size_t)end + closing.len;
}

void cursor_add_part(struct buf *out, struct str part)
{
	part = str_trim(part);
	if (out->len > 0 && part.len > 0)
		buf_byte(out, '\n');
	buf_add(out, part);
}

void cursor_typed(struct buf *out, struct str text)
{
	struct str opening = STR("<user_query>"), closing = STR("</user_query>");
	bool any = false;
	ptrdiff_t at;
	size_t block;

	while ((at = str_find_str(text, opening)) >= 0) {
		text = str_sub(text, (size_t)at + opening.len, text.len);
		at = str_find_str(text, closing);
		cursor_add_part(out, at < 0 ? text : str_sub(text, 0, (size_t)at));
		text = at < 0 ? (struct str){ NULL, 0 }
			      : str_sub(text, (size_t)at + closing.len, text.len);
		any = true;
	}
	if (any)
		return;
	text = str_trim(text);
	while ((block = context_block(text)) > 0)
		text = str_trim(str_sub(text, block, text.len));
	cursor_add_part(out, text);
}

/* --- what was met --- */

static struct cursor_seen_entry *slot_of(
	struct cursor_seen_entry *entries, size_t slots, uint64_t hash)
{
	size_t at = (size_t)(hash >> 1) & (slots - 1);

	while (entries[at].hash != 0 && entries[at].hash != hash)
		at = (at + 1) & (slots - 1);
	return &entries[at];
}

static void grow(struct cursor_seen *seen)
{
	size_t slots = seen->slots ? seen->slots * 2 : FIRST_SLOTS;
	struct cursor_seen_entry *grown = arena_zalloc(seen->arena, slots, sizeof(*grown));

	for (size_t i = 0; i < seen->slots; i++)
		if (seen->entries[i].hash != 0)
			*slot_of(grown, slots, seen->entries[i].hash) = seen->entries[i];
	seen->entries = grown;
	seen->slots = slots;
}

int64_t cursor_seen(struct cursor_seen *seen, uint64_t hash)
{
	struct cursor_seen_entry *entry;

	hash |= 1;
	if ((seen->used + 1) * 2 > seen->slots)
		grow(seen);
	entry = slot_of(seen->entries, seen->slots, hash);
	seen->used += entry->hash == 0;
	entry->hash = hash;
	return ++entry->count;
}
