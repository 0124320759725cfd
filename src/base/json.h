/*
 * The one JSON wrapper, over yyjson: a reader whose numbers keep their exact text, and a writer
 * that always produces valid UTF-8. RFC 8259. Values are views into their parser and live until its
 * next parse.
 */
#ifndef TT_BASE_JSON_H
#define TT_BASE_JSON_H

#include "base/buf.h"
#include "base/err.h"

struct json; /* a value */

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

enum { JSON_MAX_DEPTH = 128 };

/* Reuses its memory from parse to parse: one per thread. All-zero is a valid fresh one. */
struct json_parser {
	char *pool;
	size_t pool_bytes;
	void *doc;
};

void json_parser_release(struct json_parser *parser);

/*
 * Parse TEXT, one value and nothing after it but white space. A byte order mark is skipped. When
 * LOOSE, strings may hold bytes that are not UTF-8 and escaped halves of surrogate pairs (both
 * written as U+FFFD each) and bare control characters (written escaped); all of them are refused
 * otherwise. ERR_PARSE with the byte offset; ERR_LIMIT when nested deeper than JSON_MAX_DEPTH,
 * or when there is no memory for it.
 */
MUST_USE int json_parse(struct json_parser *parser, struct str text, bool loose,
	const struct json **root, struct err *err);

/* NULL is accepted everywhere as "absent". */
enum json_type json_type(const struct json *value);          /* JSON_NULL for NULL */
bool json_is(const struct json *value, enum json_type type); /* false for NULL */
/* Member KEY of an object (the first, if repeated); NULL if absent or not an object. */
const struct json *json_get(const struct json *object, const char *key);
/* The text of a string; an empty view for anything else. */
struct str json_str(const struct json *value);
struct str json_get_str(const struct json *object, const char *key);
/* The exact text of a number; an empty view for anything else. */
struct str json_number_text(const struct json *value);
/* An integer, also when given as a string of digits or as a real without fraction; false for
 * anything else. */
bool json_to_i64(const struct json *value, int64_t *out);
bool json_get_i64(const struct json *object, const char *key, int64_t *out);
bool json_to_double(const struct json *value, double *out);
/* True only for the value true. */
bool json_is_true(const struct json *value);
size_t json_len(const struct json *value); /* members or elements; 0 for anything else */

/* Walk an array or an object; for arrays KEY is empty. Anything else has no members. */
struct json_iter {
	size_t index;
	size_t count;
	const struct json *at;
	bool object;
};
struct json_iter json_iter(const struct json *container);
bool json_next(struct json_iter *iter, struct str *key, const struct json **value);

/* A writer appends to OUT and places commas itself. All-zero with OUT set is a valid fresh one. */
struct json_writer {
	struct buf *out;
	uint64_t started[(JSON_MAX_DEPTH + 64) / 64]; /* per level: something was written */
	unsigned depth;
	bool after_key;
};

struct json_writer json_writer(struct buf *out);
void json_begin_object(struct json_writer *writer);
void json_end_object(struct json_writer *writer);
void json_begin_array(struct json_writer *writer);
void json_end_array(struct json_writer *writer);
void json_key(struct json_writer *writer, struct str key);
void json_put_str(struct json_writer *writer, struct str value);
void json_put_i64(struct json_writer *writer, int64_t value);
void json_put_bool(struct json_writer *writer, bool value);
void json_put_null(struct json_writer *writer);
void json_put_double(
	struct json_writer *writer, double value); /* finite; shortest text that reads back */
/* Already JSON: copied as it is. */
void json_put_raw(struct json_writer *writer, struct str json);
/* A parsed value, minified; numbers keep their exact text. */
void json_put_value(struct json_writer *writer, const struct json *value);

/* A number as ActivityWatch's server prints it (the form of Rust's serde_json): shortest digits
 * that read back, always with a fraction or an exponent ("1.0", "1e-6", "1e16"; decimal from 1e-5
 * up to 1e16); not finite: null. */
void json_put_float(struct json_writer *writer, double value);
/*
 * Append VALUE so that equal values have equal text: members sorted by the bytes of their keys at
 * every level, the last of repeated keys, integers of 64 bits (signed or unsigned) as they are,
 * other numbers as json_put_float has them, strings with only what must be escaped. 1 and 1.0 stay
 * different. A number beyond doubles: false, OUT is as before.
 */
MUST_USE bool json_canonical(struct buf *out, const struct json *value);

/* Key and value together; the key is a literal. An empty `str` with ptr NULL becomes null. */
void json_kv_str(struct json_writer *writer, const char *key, struct str value);
void json_kv_i64(struct json_writer *writer, const char *key, int64_t value);
void json_kv_bool(struct json_writer *writer, const char *key, bool value);
void json_kv_null(struct json_writer *writer, const char *key);

/* Append S to OUT as a JSON string with its quotes; invalid UTF-8 becomes U+FFFD. */
void json_quote(struct buf *out, struct str s);

#endif
