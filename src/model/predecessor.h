/*
 * The predecessor's wire forms that differ from ours, turned into ours: `session_metadata` lines
 * (no id, no timestamp) and the types `session_start` and `session_end`. Rules from its export
 * format (reference: version 0.5).
 */
#ifndef TT_MODEL_PREDECESSOR_H
#define TT_MODEL_PREDECESSOR_H

#include "base/json.h"

/* Append to OUT the wire line that says the same as a `session_metadata` object; ERR_PARSE with
 * REASON when it lacks what is needed. */
MUST_USE int predecessor_session(
	const struct json *line, struct buf *out, const char **reason, struct err *err);
/* The type and action that stand for an old type name; false when NAME is not an old one. */
bool predecessor_type(struct str name, struct str *type, struct str *action);

#endif
