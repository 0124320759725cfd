/*
 * Canonical JSON of foreign JSON: it parses strictly to the same text again, whatever order the
 * members came in, and says the same values. The first byte's lowest bit chooses between strict
 * and loose.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* VALUE with the members of every object in reverse order, repeated keys left out but the last. */
static void put_reversed(struct json_writer *writer, const struct json *value)
{
	struct json_iter iter = json_iter(value);
	struct str key;
	const struct json *member;

	if (!json_is(value, JSON_OBJECT)) {
		json_put_value(writer, value);
		return;
	}
	json_begin_object(writer);
	for (size_t left = json_len(value); left > 0; left--) {
		struct json_iter to = iter;

		for (size_t i = 0; i < left; i++)
			ASSERT(json_next(&to, &key, &member));
		json_key(writer, key);
		put_reversed(writer, member);
	}
	json_end_object(writer);
}

/* Keys in strictly growing order at every level. */
static void check_order(const struct json *value)
{
	struct json_iter iter = json_iter(value);
	struct str key, last = { NULL, 0 };
	const struct json *member;

	for (size_t i = 0; json_next(&iter, &key, &member); i++) {
		ASSERT(!json_is(value, JSON_OBJECT) || i == 0 || str_cmp(last, key) < 0);
		last = key;
		check_order(member);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_release) struct buf once = BUF_INIT, again = BUF_INIT, reversed = BUF_INIT;
	struct json_writer writer = json_writer(&reversed);
	struct json_parser parser = { 0 };
	const struct json *root;
	struct err err;

	if (size == 0)
		return 0;
	if (json_parse(&parser, (struct str){ (const char *)data + 1, size - 1 }, data[0] & 1,
		    &root, &err) < 0 ||
		!json_canonical(&once, root)) {
		ASSERT(once.len == 0);
		json_parser_release(&parser);
		return 0;
	}
	ASSERT(utf8_valid(buf_str(&once)));
	ASSERT(json_parse(&parser, buf_str(&once), false, &root, &err) == 0);
	check_order(root);
	put_reversed(&writer, root);
	ASSERT(json_canonical(&again, root));
	ASSERT(str_eq(buf_str(&once), buf_str(&again)));
	buf_clear(&again);
	ASSERT(json_parse(&parser, buf_str(&reversed), false, &root, &err) == 0);
	ASSERT(json_canonical(&again, root));
	ASSERT(str_eq(buf_str(&once), buf_str(&again)));
	json_parser_release(&parser);
	return 0;
}
