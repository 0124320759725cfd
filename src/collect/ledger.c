/*
 * Ledgers as memos. Numbers are written in groups of seven bits, the sign folded into the lowest
 * one, so that an entry takes about 30 bytes and its key. The head says how many entries there are.
 */
#include "collect/ledger.h"

#include <stdlib.h>

#include "base/hash.h"

enum { CHUNK = 256, FORMAT = 1, FIRST_SLOTS = 64 };

/* --- numbers and strings --- */

static void put_number(struct buf *out, int64_t value)
{
	uint64_t rest = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);

	while (rest >= 0x80) {
		buf_byte(out, (char)(rest | 0x80));
		rest >>= 7;
	}
	buf_byte(out, (char)rest);
}

static bool take_number(struct str *text, int64_t *out)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64 && text->len > 0; shift += 7) {
		uint8_t byte = (uint8_t)text->ptr[0];

		*text = str_sub(*text, 1, text->len);
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*out = (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
			return true;
		}
	}
	return false;
}

static void put_text(struct buf *out, struct str text)
{
	put_number(out, (int64_t)text.len);
	buf_add(out, text);
}

static bool take_text(struct str *text, struct str *out)
{
	int64_t len;

	if (!take_number(text, &len) || len < 0 || (uint64_t)len > text->len)
		return false;
	*out = str_sub(*text, 0, (size_t)len);
	*text = str_sub(*text, (size_t)len, text->len);
	return true;
}

void ledger_entry_write(const struct ledger_entry *entry, struct buf *out)
{
	int known = 0;

	for (int i = 0; i < AGENT_TOKENS; i++)
		known |= entry->tokens[i] >= 0 ? 1 << i : 0;
	put_number(out, entry->kind);
	put_number(out, entry->flags);
	put_number(out, known);
	put_text(out, entry->key);
	put_number(out, entry->at_ns);
	put_number(out, (int64_t)entry->content);
	put_number(out, entry->revision);
	for (int i = 0; i < AGENT_TOKENS; i++)
		if (entry->tokens[i] >= 0)
			put_number(out, entry->tokens[i]);
}

bool ledger_entry_read(struct str *text, struct ledger_entry *entry)
{
	int64_t kind, flags, known, content;

	*entry = (struct ledger_entry){ 0 };
	if (!take_number(text, &kind) || !take_number(text, &flags) || !take_number(text, &known) ||
		!take_text(text, &entry->key) || !take_number(text, &entry->at_ns) ||
		!take_number(text, &content) || !take_number(text, &entry->revision) || kind < 0 ||
		kind > LEDGER_BAD || flags < 0 || flags > 0xff || known < 0 ||
		known >= 1 << AGENT_TOKENS || entry->revision < 0)
		return false;
	entry->kind = (int)kind;
	entry->flags = (int)flags;
	entry->content = (uint64_t)content;
	for (int i = 0; i < AGENT_TOKENS; i++) {
		entry->tokens[i] = -1;
		if ((known & 1 << i) &&
			(!take_number(text, &entry->tokens[i]) || entry->tokens[i] < 0))
			return false;
	}
	return true;
}

/* --- entries --- */

static uint64_t hash_of(int kind, struct str key)
{
	return hash64(key, (uint64_t)kind + 1);
}

static void put_slot(struct ledger *ledger, size_t number)
{
	const struct ledger_entry *entry = &ledger->entries[number];
	size_t at = (size_t)hash_of(entry->kind, entry->key) & (ledger->slot_count - 1);

	while (ledger->slots[at])
		at = (at + 1) & (ledger->slot_count - 1);
	ledger->slots[at] = (uint32_t)number + 1;
}

static void grow(struct ledger *ledger)
{
	if (ledger->count == ledger->capacity) {
		ledger->capacity = ledger->capacity * 2 + 16;
		ledger->entries =
			mem_resize(ledger->entries, ledger->capacity, sizeof(*ledger->entries));
	}
	if ((ledger->count + 1) * 2 <= ledger->slot_count)
		return;
	ledger->slot_count = ledger->slot_count ? ledger->slot_count * 2 : FIRST_SLOTS;
	free(ledger->slots);
	ledger->slots = mem_zalloc(ledger->slot_count * sizeof(*ledger->slots));
	for (size_t i = 0; i < ledger->count; i++)
		put_slot(ledger, i);
}

struct ledger_entry *ledger_find(const struct ledger *ledger, int kind, struct str key)
{
	size_t at;

	if (ledger->slot_count == 0)
		return NULL;
	at = (size_t)hash_of(kind, key) & (ledger->slot_count - 1);
	for (; ledger->slots[at]; at = (at + 1) & (ledger->slot_count - 1)) {
		struct ledger_entry *entry = &ledger->entries[ledger->slots[at] - 1];

		if (entry->kind == kind && str_eq(entry->key, key))
			return entry;
	}
	return NULL;
}

static struct ledger_entry *append(struct ledger *ledger, const struct ledger_entry *entry)
{
	grow(ledger);
	ledger->entries[ledger->count] = *entry;
	put_slot(ledger, ledger->count);
	return &ledger->entries[ledger->count++];
}

struct ledger_entry *ledger_add(struct ledger *ledger, int kind, struct str key)
{
	struct ledger_entry fresh = { .kind = kind, .key = arena_str(&ledger->arena, key) };
	struct ledger_entry *entry;

	for (int i = 0; i < AGENT_TOKENS; i++)
		fresh.tokens[i] = -1;
	entry = append(ledger, &fresh);
	ledger_touch(ledger, entry);
	return entry;
}

void ledger_touch(struct ledger *ledger, const struct ledger_entry *entry)
{
	size_t chunk = (size_t)(entry - ledger->entries) / CHUNK;

	if (chunk >= ledger->dirty_capacity) {
		size_t capacity = chunk * 2 + 8;

		ledger->dirty = mem_resize(ledger->dirty, capacity, sizeof(*ledger->dirty));
		memset(ledger->dirty + ledger->dirty_capacity, 0,
			capacity - ledger->dirty_capacity);
		ledger->dirty_capacity = capacity;
	}
	ledger->dirty[chunk] = true;
	ledger->head_dirty = true;
}

/* --- memos --- */

static void write_head(const struct ledger *ledger, struct buf *out)
{
	put_number(out, FORMAT);
	put_number(out, (int64_t)ledger->count);
	put_number(out, ledger->strength);
	put_number(out, ledger->at_ns);
	put_number(out, ledger->revision);
	put_number(out, (int64_t)ledger->shown);
	put_number(out, ledger->unknown);
	put_text(out, ledger->project);
}

static bool read_head(struct ledger *ledger, struct str text, size_t *count)
{
	int64_t format, entries, strength, shown;
	struct str project;

	if (!take_number(&text, &format) || format != FORMAT || !take_number(&text, &entries) ||
		!take_number(&text, &strength) || !take_number(&text, &ledger->at_ns) ||
		!take_number(&text, &ledger->revision) || !take_number(&text, &shown) ||
		!take_number(&text, &ledger->unknown) || !take_text(&text, &project) ||
		entries < 0 || entries > UINT32_MAX / 4)
		return false;
	*count = (size_t)entries;
	ledger->strength = (int)strength;
	ledger->shown = (uint64_t)shown;
	ledger->project = arena_str(&ledger->arena, project);
	return true;
}

static struct str head_key(struct arena *arena, struct str session)
{
	return arena_printf(arena, "s:%.*s", STR_ARG(session));
}

static struct str chunk_key(struct arena *arena, struct str session, size_t chunk)
{
	return arena_printf(arena, "l:%.*s:%zu", STR_ARG(session), chunk);
}

static int damaged(const struct ledger *ledger, struct err *err)
{
	return err_set(err, ERR_CORRUPT, "the memory of session %.*s is damaged",
		STR_ARG(ledger->session));
}

static int load_chunk(struct ledger *ledger, struct str text, size_t count, struct err *err)
{
	struct ledger_entry entry;

	while (text.len > 0 && ledger->count < count) {
		if (!ledger_entry_read(&text, &entry))
			return damaged(ledger, err);
		append(ledger, &entry); /* its key is a view into the memo, in the same arena */
	}
	return 0;
}

int ledger_load(struct ledger *out, struct intake *intake, struct str source, struct str session,
	struct err *err)
{
	struct str text;
	size_t count;
	bool found;

	*out = (struct ledger){ .at_ns = INT64_MIN };
	out->session = arena_str(&out->arena, session);
	if (intake_memo_get(intake, source, head_key(&out->arena, session), &out->arena, &text,
		    &found, err) < 0)
		return err->code;
	if (!found)
		return 0;
	if (!read_head(out, text, &count))
		return damaged(out, err);
	for (size_t chunk = 0; chunk * CHUNK < count; chunk++) {
		size_t end = (chunk + 1) * CHUNK < count ? (chunk + 1) * CHUNK : count;

		if (intake_memo_get(intake, source, chunk_key(&out->arena, session, chunk),
			    &out->arena, &text, &found, err) < 0)
			return err->code;
		if (!found || load_chunk(out, text, end, err) < 0 || out->count != end)
			return damaged(out, err);
	}
	return 0;
}

int ledger_save(struct ledger *ledger, struct intake *intake, struct str source, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	if (!ledger->head_dirty)
		return 0;
	for (size_t chunk = 0; chunk * CHUNK < ledger->count; chunk++) {
		if (chunk >= ledger->dirty_capacity || !ledger->dirty[chunk])
			continue;
		buf_clear(&text);
		for (size_t i = chunk * CHUNK; i < ledger->count && i < (chunk + 1) * CHUNK; i++)
			ledger_entry_write(&ledger->entries[i], &text);
		if (intake_memo_put(intake, source, chunk_key(&arena, ledger->session, chunk),
			    buf_str(&text), err) < 0)
			return err->code;
		ledger->dirty[chunk] = false;
	}
	buf_clear(&text);
	write_head(ledger, &text);
	ledger->head_dirty = false;
	return intake_memo_put(
		intake, source, head_key(&arena, ledger->session), buf_str(&text), err);
}

void ledger_release(struct ledger *ledger)
{
	arena_release(&ledger->arena);
	free(ledger->entries);
	free(ledger->slots);
	free(ledger->dirty);
	*ledger = (struct ledger){ .at_ns = INT64_MIN };
}
