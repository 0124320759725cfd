/*
 * The TOML reader: what it accepts is a tree whose places are inside the text, whose texts are
 * UTF-8, which is not too deep and in which no table has a key twice; what it refuses has a message
 * with a place inside the text.
 */
#include <stdint.h>
#include <stdio.h>

#include "base/toml.h"
#include "base/utf8.h"

enum { MAX_DEPTH = 64, MAX_TEXT_BYTES = 8192 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* COLUMN may be one behind the end of its line; it counts characters, of which there are no more
 * than bytes. */
static void check_place(struct str text, unsigned line, unsigned column)
{
	struct str rest = text, current = { NULL, 0 };

	ASSERT(line >= 1 && column >= 1);
	for (unsigned i = 0; i < line; i++) {
		ASSERT(i == 0 || rest.ptr);
		current = str_split(&rest, '\n');
	}
	ASSERT(column <= current.len + 1);
}

static void check_value(struct str text, const struct toml *value, int depth)
{
	check_place(text, value->line, value->column);
	ASSERT(utf8_valid(value->key));
	if (value->type == TOML_STRING || value->type == TOML_TIME)
		ASSERT(utf8_valid(value->string));
	if (value->type != TOML_TABLE && value->type != TOML_ARRAY)
		return;
	ASSERT(depth <= MAX_DEPTH);
	for (const struct toml *member = value->first; member; member = member->next) {
		if (value->type == TOML_TABLE)
			ASSERT(toml_get(value, member->key) == member);
		else
			ASSERT(member->key.len == 0);
		check_value(text, member, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct arena arena = { 0 };
	struct toml *root = NULL;
	struct err err = { 0 };
	unsigned line = 0, column = 0;

	if (size > MAX_TEXT_BYTES)
		return 0;
	if (toml_parse(&root, text, &arena, &err) == 0) {
		check_value(text, root, 0);
	} else {
		ASSERT(err.code == ERR_PARSE || err.code == ERR_LIMIT);
		ASSERT(sscanf(err.message, "line %u, column %u: ", &line, &column) == 2);
		check_place(text, line, column);
	}
	arena_release(&arena);
	return 0;
}
