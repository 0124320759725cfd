/*
 * Foreign JSON. What parses, written minified, is UTF-8, parses strictly, and written again gives
 * the same bytes; what parses strictly parses loosely to the same. The first byte's lowest bit
 * chooses between strict and loose.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* 0 and OUT holds TEXT minified, or the parser's error. */
static int minify(struct str text, bool loose, struct buf *out, struct err *err)
{
	struct json_parser parser = { 0 };
	struct json_writer writer = json_writer(out);
	const struct json *root;
	int result = json_parse(&parser, text, loose, &root, err);

	if (result == 0)
		json_put_value(&writer, root);
	json_parser_release(&parser);
	return result;
}

/* Numbers are read without a crash, and an integer is the double that is nearest to it. */
static void check_numbers(const struct json *value)
{
	struct json_iter iter = json_iter(value);
	const struct json *member;
	struct str key;
	int64_t integer;
	double real;
	size_t count = 0;

	if (json_to_i64(value, &integer))
		ASSERT(json_to_double(value, &real) && real == (double)integer);
	for (; json_next(&iter, &key, &member); count++)
		check_numbers(member);
	ASSERT(count == json_len(value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_release) struct buf once = BUF_INIT, again = BUF_INIT, loosely = BUF_INIT;
	struct json_parser parser = { 0 };
	const struct json *root;
	struct str text;
	struct err err;
	bool loose;

	if (size == 0)
		return 0;
	loose = data[0] & 1;
	text = (struct str){ (const char *)data + 1, size - 1 };
	if (minify(text, loose, &once, &err) < 0) {
		ASSERT(err.code == ERR_PARSE || err.code == ERR_LIMIT);
		return 0;
	}
	ASSERT(utf8_valid(buf_str(&once)));
	ASSERT(minify(buf_str(&once), false, &again, &err) == 0);
	ASSERT(str_eq(buf_str(&once), buf_str(&again)));
	if (!loose) {
		ASSERT(minify(text, true, &loosely, &err) == 0);
		ASSERT(str_eq(buf_str(&once), buf_str(&loosely)));
	}
	ASSERT(json_parse(&parser, buf_str(&once), false, &root, &err) == 0);
	check_numbers(root);
	json_parser_release(&parser);
	return 0;
}
