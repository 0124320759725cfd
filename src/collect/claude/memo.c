/*
 * A key is the kind's letter and 22 digits of 6 bits. A value is the owner (8 bytes,
 * little-endian), then as variable-length integers time, revision and flags, and of a response each
 * of its tokens plus one. Its calls follow: a hash (8 bytes), flags, how much later it was,
 * revision, and the owner if it is another.
 */
#include "collect/claude/memo.h"

#include <endian.h>

enum {
	FLAG_SHARED = 1,
	FLAG_SIDECHAIN = 2,
	FLAG_STOPPED = 4,
	FLAG_CANCELLED = 8,
	FLAG_OTHER_OWNER = 16, /* a call that is not its response's owner's */
};

void claude_memo_key(const struct claude_item *item, char out[static CLAUDE_ITEM_KEY_BYTES])
{
	/* In the order of their bytes, so that keys are ordered as hashes are. */
	static const char digits[] =
		"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
	unsigned bits = 0, held = 0;

	*out++ = (char)item->kind;
	for (size_t i = 0; i < sizeof(item->hash); i++) {
		held = held << 8 | item->hash[i];
		for (bits += 8; bits >= 6; bits -= 6)
			*out++ = digits[held >> (bits - 6) & 63];
	}
	*out = digits[held << (6 - bits) & 63];
}

static void write_number(struct buf *out, uint64_t number)
{
	for (; number >= 0x80; number >>= 7)
		buf_byte(out, (char)(number | 0x80));
	buf_byte(out, (char)number);
}

static bool read_number(struct str *from, uint64_t *out)
{
	unsigned shift = 0;

	*out = 0;
	for (size_t i = 0; i < from->len && shift < 64; i++, shift += 7) {
		unsigned char byte = (unsigned char)from->ptr[i];

		*out |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*from = str_sub(*from, i + 1, from->len);
			return true;
		}
	}
	return false;
}

static void write_word(struct buf *out, uint64_t word)
{
	word = htole64(word);
	buf_add(out, (struct str){ (const char *)&word, sizeof(word) });
}

static bool read_word(struct str *from, uint64_t *out)
{
	if (from->len < sizeof(*out))
		return false;
	memcpy(out, from->ptr, sizeof(*out));
	*out = le64toh(*out);
	*from = str_sub(*from, sizeof(*out), from->len);
	return true;
}

static unsigned flags_of(const struct claude_item *item)
{
	return (item->shared ? FLAG_SHARED : 0) | (item->sidechain ? FLAG_SIDECHAIN : 0) |
	       (item->stopped ? FLAG_STOPPED : 0) | (item->cancelled ? FLAG_CANCELLED : 0);
}

static void take_flags(struct claude_item *item, uint64_t flags)
{
	item->shared = (flags & FLAG_SHARED) != 0;
	item->sidechain = (flags & FLAG_SIDECHAIN) != 0;
	item->stopped = (flags & FLAG_STOPPED) != 0;
	item->cancelled = (flags & FLAG_CANCELLED) != 0;
}

/* Positive and negative numbers by turns, so that near ones are short. */
static uint64_t zigzag(int64_t number)
{
	return (uint64_t)number << 1 ^ (number < 0 ? UINT64_MAX : 0);
}

static int64_t unzigzag(uint64_t number)
{
	return (int64_t)(number >> 1 ^ (number & 1 ? UINT64_MAX : 0));
}

static void write_call(
	struct buf *out, const struct claude_item *call, const struct claude_item *response)
{
	bool other = call->owner != response->owner;

	buf_add(out, (struct str){ (const char *)call->hash, sizeof(uint64_t) });
	write_number(out, flags_of(call) | (other ? FLAG_OTHER_OWNER : 0));
	write_number(out, zigzag((int64_t)((uint64_t)call->at_ns - (uint64_t)response->at_ns)));
	write_number(out, (uint64_t)call->revision);
	if (other)
		write_word(out, call->owner);
}

bool claude_memo_read_call(
	struct str *from, struct claude_item *call, const struct claude_item *response)
{
	uint64_t flags, later, revision;

	if (from->len < sizeof(uint64_t))
		return false;
	memcpy(call->hash, from->ptr, sizeof(uint64_t));
	*from = str_sub(*from, sizeof(uint64_t), from->len);
	if (!read_number(from, &flags) || !read_number(from, &later) ||
		!read_number(from, &revision))
		return false;
	take_flags(call, flags);
	call->at_ns = (int64_t)((uint64_t)response->at_ns + (uint64_t)unzigzag(later));
	call->revision = (int64_t)revision;
	call->owner = response->owner;
	call->known = call->stored = true;
	return !(flags & FLAG_OTHER_OWNER) || read_word(from, &call->owner);
}

void claude_memo_write(const struct claude_item *item, struct buf *out)
{
	write_word(out, item->owner);
	write_number(out, (uint64_t)item->at_ns);
	write_number(out, (uint64_t)item->revision);
	write_number(out, flags_of(item));
	for (int i = 0; i < CLAUDE_TOKENS && item->kind == ITEM_RESPONSE; i++)
		write_number(out, (uint64_t)item->tokens[i] + 1);
	for (const struct claude_item *call = item->calls; call; call = call->next)
		if (call->known)
			write_call(out, call, item);
}

bool claude_memo_read(struct str *from, struct claude_item *item)
{
	uint64_t at, revision, flags, tokens;

	if (!read_word(from, &item->owner) || !read_number(from, &at) ||
		!read_number(from, &revision) || !read_number(from, &flags))
		return false;
	item->at_ns = (int64_t)at;
	item->revision = (int64_t)revision;
	take_flags(item, flags);
	for (int i = 0; i < CLAUDE_TOKENS && item->kind == ITEM_RESPONSE; i++) {
		if (!read_number(from, &tokens))
			return false;
		item->tokens[i] = (int64_t)(tokens - 1);
	}
	return true;
}
