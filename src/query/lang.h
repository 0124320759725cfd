/*
 * ActivityWatch's query language: a program, run once for each period, whose variable RETURN is the
 * answer. docs/query-language.md is its description; results are those of aw-server-rust 0.14.
 *
 * The engine keeps what it computed: the value of a function call is known by the call's name and
 * the identity of its arguments, in the end by (bucket, range, version). So a dashboard's second
 * look at a year that is over costs next to nothing. One engine serves many threads at once.
 *
 * Limits: time, memory, nesting and the work of regular expressions are bounded; what goes over
 * ends with ERR_LIMIT or ERR_TIMEOUT and a message, and leaves the engine as it was.
 */
#ifndef TT_QUERY_LANG_H
#define TT_QUERY_LANG_H

#include "base/json.h"
#include "base/mem.h"

/* --- where events come from --- */

struct lang_bucket {
	struct str id;
	struct str hostname;
	int64_t no; /* the source's own number: the same as long as the bucket lives */
};

struct lang_row {
	int64_t number; /* INT64_MIN: none */
	int64_t start_ns;
	int64_t duration_ns;
	int64_t data_no; /* equal numbers of one source: equal data, for ever */
};

struct lang_source {
	void *owner;
	/* Numbers of data and versions of two sources with equal identity mean the same. Never 0.
	 */
	uint64_t identity;
	/* All buckets in the order in which they were made, in the arena. */
	int (*buckets)(void *owner, struct arena *arena, struct lang_bucket **out, size_t *count,
		struct err *err);
	/*
	 * What the bucket shows in [from, to] has not changed between two calls that give the same
	 * *VERSION. KNOWN is what an earlier call gave, -1 for none: a source that finds that
	 * nothing changed there since gives it again.
	 */
	int (*version)(void *owner, int64_t bucket_no, int64_t from_ns, int64_t to_ns,
		int64_t known, int64_t *version, struct err *err);
	/* The rows that touch [from, to], unclipped: start descending, end ascending, number
	 * ascending (store/aw.h). ROW returns < 0 to stop. */
	int (*load)(void *owner, int64_t bucket_no, int64_t from_ns, int64_t to_ns,
		int (*row)(void *context, const struct lang_row *row, struct err *err),
		void *context, struct err *err);
	/* The data of a row: append a JSON object. Never asked for while LOAD is at work. What is
	 * no object is left out of answers with its events. */
	int (*data)(void *owner, int64_t data_no, struct buf *out, struct err *err);
	/* What DATA will be asked for next; a number may be there several times. NULL: that is of
	 * no use to the source. */
	int (*expect)(void *owner, const int64_t *data_nos, size_t count, struct err *err);
};

/* --- the engine --- */

struct lang;

struct lang_options {
	/* Of all that is kept between runs (0: 48 MiB); it may pass by a sixth. */
	size_t cache_bytes;
};
struct lang *lang_new(const struct lang_options *options);
void lang_free(struct lang *lang);

struct lang_limits {
	int64_t time_ms;     /* of one lang_run; 0: LIMIT_QUERY_MS */
	size_t memory_bytes; /* 0: LIMIT_QUERY_BYTES */
};

/* What went wrong, in the words that ActivityWatch's clients know. */
enum lang_kind {
	LANG_OK,
	LANG_PARSING_ERROR,
	LANG_EMPTY_QUERY,
	LANG_VARIABLE_NOT_DEFINED,
	LANG_MATH_ERROR,
	LANG_INVALID_TYPE,
	LANG_INVALID_FUNCTION_PARAMETERS,
	LANG_TIME_INTERVAL_ERROR,
	LANG_BUCKET_QUERY_ERROR,
	LANG_REGEX_COMPILE_ERROR,
	LANG_LIMIT, /* time, memory, depth */
	LANG_STORE, /* the source failed */
};
/* "ParsingError"; the last two, which ActivityWatch does not know: "LimitExceeded", "StoreError".
 */
const char *lang_kind_name(enum lang_kind kind);

struct lang_request {
	const struct str *periods; /* `<start>/<end>`, RFC 3339 */
	size_t period_count;
	struct str program;
	struct lang_limits limits;
	bool (*cancelled)(void *context); /* asked now and then; may be NULL */
	void *context;
};

/*
 * Append the answer to OUT: a JSON array with an element for each period, in order. On failure OUT
 * is as before, *KIND says what it was, and the message is `Kind("text")`, for errors in the
 * program with line and column. Codes: ERR_PARSE, ERR_USAGE (the program), ERR_NOT_FOUND (a
 * bucket), ERR_LIMIT, ERR_TIMEOUT, ERR_INTERRUPTED (cancelled), or what the source said. A period
 * that does not parse is ERR_PARSE with kind LANG_OK.
 */
MUST_USE int lang_run(struct lang *lang, const struct lang_source *source,
	const struct lang_request *request, struct buf *out, enum lang_kind *kind, struct err *err);

/* Parse only: ERR_PARSE, ERR_LIMIT. CANONICAL, if not NULL: the program printed so that parsing it
 * gives the same program. */
MUST_USE int lang_check(struct str program, struct buf *canonical, struct err *err);

struct lang_stats {
	int64_t hits;
	int64_t misses;
	int64_t bytes; /* kept */
};
void lang_stats(struct lang *lang, struct lang_stats *out);

#endif
