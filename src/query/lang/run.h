/* One lang_run under way: its limits, its errors, what it holds. Belongs to one thread. */
#ifndef TT_QUERY_LANG_RUN_H
#define TT_QUERY_LANG_RUN_H

#include "query/lang.h"
#include "query/lang/ast.h"
#include "query/lang/hoard.h"

struct value;

enum { RUN_STEPS = 4096, RUN_LIVE_SLOTS = 256, RUN_NOWHERE = -1 };

struct run {
	const struct lang_source *source;
	const struct lang_request *request;
	struct hoard *hoard;
	struct arena arena;   /* for the whole run */
	struct arena scratch; /* for one period */
	struct ast ast;
	int64_t deadline_ns;
	size_t limit_bytes;
	size_t used_bytes;
	unsigned steps;
	ptrdiff_t at; /* byte offset of what is evaluated, for errors; RUN_NOWHERE: none */
	struct lang_bucket *buckets;
	size_t bucket_count;
	bool listed;              /* buckets are known */
	bool stale;               /* the source changed under way: what was computed is not kept */
	struct value **variables; /* by the program's names; NULL: not defined */
	size_t interval, result;  /* which of them are TIMEINTERVAL and RETURN */
	struct events *empty;     /* an empty list, once one was asked for */
	struct value *live[RUN_LIVE_SLOTS]; /* calls whose value may still be asked for, by key */
	int64_t hits, misses;
	enum lang_kind kind;
	struct err *err;
};

/* Fail with `Kind("text")`, where it happened added to the text. Returns the error's code. */
int run_fail(struct run *run, enum lang_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);
/* The same for what has no place in the program and a code of its own. */
int run_fail_code(struct run *run, enum lang_kind kind, int code, const char *format, ...)
	PRINTF_LIKE(4, 5);
/* The source failed, and has said how. */
int run_fail_store(struct run *run, int code, const char *what);

/* Ask for time, memory and cancellation: ERR_TIMEOUT, ERR_LIMIT, ERR_INTERRUPTED. */
int run_check(struct run *run);
/* Call in every loop, with about how many steps (of 10 ns) were done since: it asks now and then.
 */
static inline int run_step(struct run *run, unsigned steps)
{
	run->steps += steps;
	return run->steps < RUN_STEPS ? 0 : run_check(run);
}

/* Account for memory: ERR_LIMIT, nothing is accounted for, when there is too little left. */
int run_charge(struct run *run, size_t bytes);
void run_refund(struct run *run, size_t bytes);
/* A list without events; the run's. */
int run_empty(struct run *run, struct events **out);
/* TEXT's data in the run's pool. */
const struct data *run_data(struct run *run, struct str text);

#endif
