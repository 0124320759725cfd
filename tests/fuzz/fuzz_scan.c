/*
 * A walk over foreign JSON accepts what json_parse(loose) accepts and nothing else, whether values
 * are taken or passed over, and what it takes is the same.
 */
#include <stdint.h>

#include "base/json_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_token(
	struct json_writer *writer, const struct json_token *token, struct arena *arena)
{
	if (token->type == JSON_STRING)
		json_put_str(writer, json_token_text(token, arena));
	else
		json_put_raw(writer, token->text);
}

/* The value that comes next, minified. */
static void put_value(struct json_scan *scan, struct json_writer *writer, struct arena *arena)
{
	struct json_token key, value;
	bool array = json_scan_type(scan) == JSON_ARRAY;

	if (!json_scan_enter(scan)) {
		if (json_scan_value(scan, &value))
			put_token(writer, &value, arena);
		return;
	}
	if (array)
		json_begin_array(writer);
	else
		json_begin_object(writer);
	while (json_scan_next(scan, &key)) {
		if (!array)
			json_key(writer, json_token_text(&key, arena));
		put_value(scan, writer, arena);
		if (writer->after_key)
			json_put_null(writer); /* after a fault */
	}
	if (array)
		json_end_array(writer);
	else
		json_end_object(writer);
}

static void check_number(const struct json_token *token, const struct json *value)
{
	int64_t one = 0, other = 0;

	ASSERT(json_token_i64(token, &one) == json_to_i64(value, &other) && one == other);
	ASSERT(json_token_is_true(token) == json_is_true(value));
	ASSERT(token->type == json_type(value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct json_scan walk = json_scan(text), skip = json_scan(text), take = json_scan(text);
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	CLEANUP(buf_release) struct buf walked = BUF_INIT, parsed = BUF_INIT;
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct json_writer walk_writer = json_writer(&walked);
	struct json_writer parse_writer = json_writer(&parsed);
	const struct json *root;
	struct json_token token;
	struct err err, fault;
	enum json_type type;
	int rc = json_parse(&parser, text, true, &root, &err);

	put_value(&walk, &walk_writer, &arena);
	ASSERT((json_scan_end(&walk, &fault) < 0) == (rc < 0));
	ASSERT((json_scan_end(&skip, &fault) < 0) == (rc < 0));
	type = json_scan_type(&take);
	json_scan_value(&take, &token);
	ASSERT((json_scan_end(&take, &fault) < 0) == (rc < 0));
	if (rc < 0)
		return 0;
	json_put_value(&parse_writer, root);
	ASSERT(str_eq(buf_str(&walked), buf_str(&parsed)) && type == token.type);
	check_number(&token, root);
	return 0;
}
