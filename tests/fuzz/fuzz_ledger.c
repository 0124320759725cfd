/*
 * Properties of entries of a ledger: what is read is written as it was read, wherever it stands in
 * a memo, and is read again from what was written; a reader takes no more than the entry; what is
 * cut short is damaged, never another entry; and a number may be known or not, but not negative.
 */
#include "base/err.h"
#include "collect/ledger.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_values(const struct ledger_entry *entry)
{
	ASSERT(entry->kind >= 0 && entry->kind <= LEDGER_BAD);
	ASSERT(entry->flags >= 0 && entry->revision >= 0 && !entry->met);
	for (int i = 0; i < AGENT_TOKENS; i++)
		ASSERT(entry->tokens[i] >= -1);
}

static void check_equal(const struct ledger_entry *a, const struct ledger_entry *b)
{
	ASSERT(a->kind == b->kind && a->flags == b->flags && str_eq(a->key, b->key));
	ASSERT(a->at_ns == b->at_ns && a->content == b->content && a->revision == b->revision);
	ASSERT(memcmp(a->tokens, b->tokens, sizeof(a->tokens)) == 0);
}

/* All of ENTRY's bytes, and nothing of what follows them. */
static void check_written(const struct ledger_entry *entry)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct ledger_entry again;
	struct str rest;
	size_t length;

	ledger_entry_write(entry, &text);
	length = text.len;
	buf_addc(&text, "\x7fmore");
	rest = buf_str(&text);
	ASSERT(ledger_entry_read(&rest, &again));
	ASSERT(str_eq(rest, STR("\x7fmore")));
	check_equal(entry, &again);
	for (size_t cut = 0; cut < length; cut++) {
		rest = str_sub(buf_str(&text), 0, cut);
		ASSERT(!ledger_entry_read(&rest, &again));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct ledger_entry entry;

	while (text.len > 0) {
		size_t before = text.len;

		if (!ledger_entry_read(&text, &entry))
			break;
		ASSERT(text.len < before);
		check_values(&entry);
		/* Each is checked against all of its beginnings: long keys would take too long. */
		if (entry.key.len <= 512)
			check_written(&entry);
	}
	return 0;
}
