/*
 * A batch is a table of items by hash. Memos are put in the order of their keys, which are hashes,
 * so that the store's pages are gone through once a batch and not once an item.
 *
 * A first collection asks for hundreds of thousands of items that nobody has: when the store has no
 * item at all as the round begins, the hashes of all that were put since are kept, and only what is
 * among them is asked for. Beyond MOST_HASHES that costs too much memory, and every item is asked
 * for.
 *
 * A response with more than MOST_CALLS calls has the others as memos of their own.
 */
#include "collect/claude/memory.h"

#include <endian.h>
#include <stdlib.h>

#include "base/hash.h"
#include "collect/claude/memo.h"

enum {
	FIRST_SLOTS = 1024, /* a power of two, as all numbers of slots */
	MOST_HASHES = 1 << 20,
	MOST_CALLS = 256,
};

/* The memo that says that there are items. */
#define MARK STR("items")

/* Hashes of items; 0 is a free slot. */
struct hashes {
	uint64_t *slots;
	size_t slot_count, count;
	bool complete; /* an item that is not among them is not in the store */
};

/* In the order in which events and memos are written. */
static const enum claude_item_kind kinds[] = { ITEM_API_ERROR, ITEM_DELEGATED, ITEM_TOOL_ERROR,
	ITEM_PROMPT, ITEM_RESPONSE, ITEM_CALL };

/* The items of one kind, as they came. */
struct kind_list {
	struct claude_item **items;
	size_t count, capacity;
};

struct claude_memory {
	struct intake *intake;
	struct str source;
	struct arena arena;
	struct claude_item **slots;
	size_t slot_count, slots_used;
	size_t count; /* of items, calls kept with their response among them */
	struct kind_list lists[ARRAY_LEN(kinds)];
	struct hashes stored;
	bool marked;
	struct buf value; /* of the memo at hand */
};

static uint64_t hash_word(const struct claude_item *item)
{
	uint64_t word;

	memcpy(&word, item->hash, sizeof(word));
	word += (uint64_t)item->kind;
	return word ? word : 1;
}

/* --- what the store has --- */

static bool hashes_has(const struct hashes *hashes, uint64_t hash)
{
	size_t at = (size_t)hash & (hashes->slot_count - 1);

	while (hashes->slots[at] && hashes->slots[at] != hash)
		at = (at + 1) & (hashes->slot_count - 1);
	return hashes->slots[at] != 0;
}

static void hashes_place(struct hashes *hashes, uint64_t hash)
{
	size_t at = (size_t)hash & (hashes->slot_count - 1);

	while (hashes->slots[at] && hashes->slots[at] != hash)
		at = (at + 1) & (hashes->slot_count - 1);
	hashes->count += hashes->slots[at] == 0;
	hashes->slots[at] = hash;
}

static void hashes_add(struct hashes *hashes, uint64_t hash)
{
	struct hashes larger = { .slot_count = hashes->slot_count * 2, .complete = true };

	if (!hashes->complete)
		return;
	if (hashes->count >= MOST_HASHES) {
		free(hashes->slots);
		*hashes = (struct hashes){ 0 };
		return;
	}
	if (hashes->count * 2 >= hashes->slot_count) {
		larger.slots = mem_zalloc(larger.slot_count * sizeof(*larger.slots));
		for (size_t i = 0; i < hashes->slot_count; i++)
			if (hashes->slots[i])
				hashes_place(&larger, hashes->slots[i]);
		free(hashes->slots);
		*hashes = larger;
	}
	hashes_place(hashes, hash);
}

/* --- items in memory --- */

static void add(struct claude_memory *memory, struct claude_item *item)
{
	struct kind_list *list = memory->lists;

	for (size_t i = 0; kinds[i] != item->kind; i++)
		list++;
	if (list->count == list->capacity) {
		list->capacity = list->capacity * 2 + 256;
		list->items = mem_resize(list->items, list->capacity, sizeof(*list->items));
	}
	list->items[list->count++] = item;
	memory->count++;
}

static struct claude_item *new_item(struct claude_memory *memory, enum claude_item_kind kind)
{
	struct claude_item *item = arena_alloc(&memory->arena, sizeof(*item));

	*item = (struct claude_item){ .kind = kind, .tokens = { -1, -1, -1, -1 } };
	return item;
}

static struct claude_item *add_call(struct claude_memory *memory, struct claude_item *response)
{
	struct claude_item *call = new_item(memory, ITEM_CALL), **link = &response->calls;

	while (*link)
		link = &(*link)->next;
	*link = call;
	call->kept = true;
	add(memory, call);
	return call;
}

static bool read_item(struct claude_memory *memory, struct str value, struct claude_item *item)
{
	if (!claude_memo_read(&value, item))
		return false;
	while (value.len > 0 && item->kind == ITEM_RESPONSE)
		if (!claude_memo_read_call(&value, add_call(memory, item), item))
			return false;
	return value.len == 0;
}

static int ask(struct claude_memory *memory, struct claude_item *item, struct err *err)
{
	char key[CLAUDE_ITEM_KEY_BYTES];
	struct str value;

	if (memory->stored.complete && !hashes_has(&memory->stored, hash_word(item)))
		return 0;
	claude_memo_key(item, key);
	if (intake_memo_get(memory->intake, memory->source, (struct str){ key, sizeof(key) },
		    &memory->arena, &value, &item->known, err) < 0)
		return err->code;
	item->stored = item->known;
	if (item->known && !read_item(memory, value, item))
		return err_set(err, ERR_CORRUPT, "the memory of a Claude record is damaged");
	return 0;
}

static int put(struct claude_memory *memory, struct claude_item *item, struct err *err)
{
	char key[CLAUDE_ITEM_KEY_BYTES];

	ASSERT(item->known);
	item->changed = false;
	for (struct claude_item *call = item->calls; call; call = call->next)
		call->changed = false;
	hashes_add(&memory->stored, hash_word(item));
	buf_clear(&memory->value);
	claude_memo_write(item, &memory->value);
	claude_memo_key(item, key);
	return intake_memo_put(memory->intake, memory->source, (struct str){ key, sizeof(key) },
		buf_str(&memory->value), err);
}

/* --- the table --- */

int claude_memory_new(
	struct claude_memory **out, struct intake *intake, struct str source, struct err *err)
{
	struct claude_memory *memory = mem_zalloc(sizeof(*memory));
	struct str ignored;

	*out = memory;
	memory->intake = intake;
	memory->source = source;
	memory->slot_count = memory->stored.slot_count = FIRST_SLOTS;
	memory->slots = mem_zalloc(FIRST_SLOTS * sizeof(struct claude_item *));
	memory->stored.slots = mem_zalloc(FIRST_SLOTS * sizeof(uint64_t));
	if (intake_memo_get(intake, source, MARK, &memory->arena, &ignored, &memory->marked, err) <
		0)
		return err->code;
	memory->stored.complete = !memory->marked;
	return 0;
}

void claude_memory_free(struct claude_memory *memory)
{
	if (!memory)
		return;
	free(memory->slots);
	free(memory->stored.slots);
	buf_release(&memory->value);
	for (size_t i = 0; i < ARRAY_LEN(memory->lists); i++)
		free(memory->lists[i].items);
	arena_release(&memory->arena);
	free(memory);
}

static struct claude_item **slot_of(
	struct claude_item **slots, size_t slot_count, const struct claude_item *item)
{
	size_t at = (size_t)hash_word(item) & (slot_count - 1);

	while (slots[at] && (slots[at]->kind != item->kind ||
				    memcmp(slots[at]->hash, item->hash, sizeof(item->hash)) != 0))
		at = (at + 1) & (slot_count - 1);
	return &slots[at];
}

static void grow(struct claude_memory *memory)
{
	size_t slot_count = memory->slot_count * 2;
	struct claude_item **slots = mem_zalloc(slot_count * sizeof(struct claude_item *));

	for (size_t i = 0; i < memory->slot_count; i++)
		if (memory->slots[i])
			*slot_of(slots, slot_count, memory->slots[i]) = memory->slots[i];
	free(memory->slots);
	memory->slots = slots;
	memory->slot_count = slot_count;
}

int claude_memory_item(struct claude_memory *memory, enum claude_item_kind kind, struct str natural,
	struct claude_item **out, struct err *err)
{
	struct claude_item wanted = { .kind = kind }, *item, **slot;

	hash128(natural, wanted.hash);
	slot = slot_of(memory->slots, memory->slot_count, &wanted);
	*out = *slot;
	if (*slot)
		return 0;
	item = new_item(memory, kind);
	memcpy(item->hash, wanted.hash, sizeof(item->hash));
	if (ask(memory, item, err) < 0)
		return err->code;
	item->natural = arena_str(&memory->arena, natural);
	*out = *slot = item;
	add(memory, item);
	if (++memory->slots_used * 2 > memory->slot_count)
		grow(memory);
	return 0;
}

int claude_memory_call(struct claude_memory *memory, struct claude_item *response,
	struct str natural, struct claude_item **out, struct err *err)
{
	uint64_t hash = htole64(hash64(natural, 0));
	size_t count = 0;

	for (struct claude_item *call = response->calls; call; call = call->next, count++) {
		if (memcmp(call->hash, &hash, sizeof(hash)) != 0)
			continue;
		if (call->natural.len == 0)
			call->natural = arena_str(&memory->arena, natural);
		*out = call;
		return 0;
	}
	if (count >= MOST_CALLS)
		return claude_memory_item(memory, ITEM_CALL, natural, out, err);
	*out = add_call(memory, response);
	memcpy((*out)->hash, &hash, sizeof(hash));
	(*out)->natural = arena_str(&memory->arena, natural);
	return 0;
}

struct arena *claude_memory_arena(struct claude_memory *memory)
{
	return &memory->arena;
}

size_t claude_memory_items(const struct claude_memory *memory)
{
	return memory->count;
}

size_t claude_memory_bytes(const struct claude_memory *memory)
{
	return memory->arena.used_bytes;
}

/* --- the batch as a whole --- */

/* What an item is ordered by, beside it: sorting need not look at the items themselves. */
struct entry {
	uint64_t order;
	struct claude_item *item;
};

struct list {
	struct entry *entries;
	size_t count;
};

static int by_order(const void *a, const void *b)
{
	const struct entry *one = a, *other = b;

	if (one->order != other->order)
		return one->order < other->order ? -1 : 1;
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct entry *one = a, *other = b;
	int order = by_order(a, b);

	return order ? order : str_cmp(one->item->natural, other->item->natural);
}

static int by_key(const void *a, const void *b)
{
	const struct entry *one = a, *other = b;
	int order = by_order(a, b);

	if (order)
		return order;
	return memcmp(one->item->hash, other->item->hash, sizeof(one->item->hash));
}

/* Does its memo have to be put? */
static bool has_changed(const struct claude_item *item)
{
	bool changed = item->changed;

	for (const struct claude_item *call = item->calls; call && !changed; call = call->next)
		changed = call->changed;
	return changed && !item->kept;
}

/* Those of ITEMS that have something to give (DUE), or whose memo changed. The list is the caller's
 * to free. */
static struct list choose(const struct kind_list *items, bool due)
{
	struct list list = { mem_alloc((items->count + 1) * sizeof(struct entry)), 0 };

	for (size_t i = 0; i < items->count; i++) {
		struct claude_item *item = items->items[i];
		uint64_t order;

		if (!(due ? item->data.len > 0 : has_changed(item)))
			continue;
		memcpy(&order, item->hash, sizeof(order));
		order = due ? (uint64_t)item->at_ns ^ UINT64_C(1) << 63 : be64toh(order);
		list.entries[list.count++] = (struct entry){ order, item };
	}
	qsort(list.entries, list.count, sizeof(*list.entries), due ? by_time : by_key);
	return list;
}

static int give_list(const struct kind_list *items,
	int (*give)(void *context, const struct claude_item *item, struct err *err), void *context,
	struct err *err)
{
	struct list list = choose(items, true);
	int rc = 0;

	for (size_t i = 0; i < list.count && rc == 0; i++) {
		struct claude_item *item = list.entries[i].item;

		rc = give(context, item, err);
		item->stored = true;
		item->data = item->text = (struct str){ NULL, 0 };
	}
	free(list.entries);
	return rc;
}

static int put_list(struct claude_memory *memory, const struct kind_list *items, struct err *err)
{
	struct list list = choose(items, false);
	int rc = 0;

	for (size_t i = 0; i < list.count && rc == 0; i++)
		rc = put(memory, list.entries[i].item, err);
	if (rc == 0 && list.count > 0 && !memory->marked) {
		memory->marked = true;
		rc = intake_memo_put(memory->intake, memory->source, MARK, STR("1"), err);
	}
	free(list.entries);
	return rc;
}

int claude_memory_give(struct claude_memory *memory,
	int (*give)(void *context, const struct claude_item *item, struct err *err), void *context,
	struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (give_list(&memory->lists[i], give, context, err) < 0)
			return err->code;
	return 0;
}

int claude_memory_put(struct claude_memory *memory, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (put_list(memory, &memory->lists[i], err) < 0)
			return err->code;
	return 0;
}

void claude_memory_clear(struct claude_memory *memory)
{
	memset(memory->slots, 0, memory->slot_count * sizeof(struct claude_item *));
	memory->count = memory->slots_used = 0;
	for (size_t i = 0; i < ARRAY_LEN(memory->lists); i++)
		memory->lists[i].count = 0;
	arena_reset(&memory->arena);
}
