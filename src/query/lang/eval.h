/* Running a program. */
#ifndef TT_QUERY_LANG_EVAL_H
#define TT_QUERY_LANG_EVAL_H

#include "query/lang/value.h"

/* Run RUN's program, INTERVAL being TIMEINTERVAL; *OUT gets what RETURN is, a reference of its own.
 * On failure the error is set, with its kind. */
MUST_USE int eval_program(struct run *run, struct str interval, struct value **out);

/* Append VALUE as JSON (output.c), computing what was not yet. */
MUST_USE int output_value(struct run *run, struct value *value, struct buf *out);

#endif
