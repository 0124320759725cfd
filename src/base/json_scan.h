/*
 * Walking JSON text in one pass without building anything: for large texts of which little is
 * wanted. What is passed over is checked all the same: a walk to its end accepts what
 * json_parse(loose) accepts, and nothing else.
 *
 *	struct json_scan scan = json_scan(text);
 *	struct json_token key, value;
 *
 *	if (json_scan_enter(&scan))
 *		while (json_scan_next(&scan, &key))
 *			if (json_token_is(&key, "name"))
 *				json_scan_value(&scan, &value);
 *	if (json_scan_end(&scan, err) < 0) …
 *
 * A value that is not taken is passed over. A fault ends every loop; json_scan_end tells.
 */
#ifndef TT_BASE_JSON_SCAN_H
#define TT_BASE_JSON_SCAN_H

#include "base/json.h"
#include "base/mem.h"

struct json_scan {
	const char *start, *at, *end;
	const char *fault;                           /* NULL: none so far */
	uint64_t arrays[(JSON_MAX_DEPTH + 64) / 64]; /* per level: it is an array, no object */
	unsigned depth;
	bool fresh;   /* the container at hand was just entered */
	bool waiting; /* a value comes next that nobody took yet */
	bool too_deep;
};

/* A view into the text: of a string what is between its quotes, as it is written there; of anything
 * else all of it. */
struct json_token {
	enum json_type type;
	struct str text;
	bool escaped; /* a string with escapes: see json_token_text */
};

/* A byte order mark at the start is skipped. */
struct json_scan json_scan(struct str text);
/* What comes next, by its first byte; JSON_NULL also when nothing does. */
enum json_type json_scan_type(const struct json_scan *scan);
/* Go into the array or object that comes next. False, and nothing happens: something else comes. */
bool json_scan_enter(struct json_scan *scan);
/* The next member or element of the container at hand; KEY is empty in an array. False at its end,
 * which is passed, or after a fault. */
bool json_scan_next(struct json_scan *scan, struct json_token *key);
/* Take the value that comes next, containers as a whole. False after a fault. */
bool json_scan_value(struct json_scan *scan, struct json_token *out);
/* Pass over the rest, which must be white space once the outermost value is complete. ERR_PARSE
 * with the offset, ERR_LIMIT when nested deeper than JSON_MAX_DEPTH. */
MUST_USE int json_scan_end(struct json_scan *scan, struct err *err);

/* Is it a string that says NAME? Escapes are understood. */
bool json_token_is(const struct json_token *token, const char *name);
/* The text of a string, decoded into ARENA if it has escapes; empty for anything else. Halves of
 * surrogate pairs become U+FFFD; bytes that are not UTF-8 stay. */
struct str json_token_text(const struct json_token *token, struct arena *arena);
/* As json_to_i64: integers, also given as text or as a real without fraction. */
bool json_token_i64(const struct json_token *token, int64_t *out);
/* The literal true. */
bool json_token_is_true(const struct json_token *token);

#endif
