/* A classification, read and checked: what `classify --apply` is given, before anything is looked
 * up. */
#ifndef TT_ATTENTION_CLASSIFY_PLAN_H
#define TT_ATTENTION_CLASSIFY_PLAN_H

#include "base/json.h"
#include "base/mem.h"
#include "base/time.h"

/* A stream that the file names. */
struct plan_stream {
	struct str name;
	struct str *tags;
	size_t tag_count;
};

/* In order of strength, the strongest first. */
enum plan_kind { PLAN_EVENTS, PLAN_SESSION, PLAN_PATTERN, PLAN_TIME };

struct plan_rule {
	enum plan_kind kind;
	struct str where;      /* "assign_by_time[2]", for messages */
	size_t stream;         /* index of a plan_stream */
	struct str *event_ids; /* PLAN_EVENTS */
	size_t event_id_count;
	struct str session_id; /* PLAN_SESSION */
	struct str cwd_like;   /* PLAN_PATTERN */
	int64_t from_ns;       /* PLAN_PATTERN, PLAN_TIME: half-open */
	int64_t to_ns;
};

struct plan {
	struct plan_stream *streams; /* each name once */
	size_t stream_count;
	struct plan_rule *rules; /* in the order of their kinds' sections, then as written */
	size_t rule_count;
};

/*
 * Read TEXT into the arena. ERR_PARSE: no JSON, or another shape; unknown and missing keys are
 * named with their place. ERR_USAGE: a bad name or tag.
 */
MUST_USE int plan_read(struct plan *out, struct str text, struct arena *arena, struct err *err);

/* Whether PATTERN, a literal prefix or with `%` for any run of bytes, matches the directory. */
bool plan_like(struct str pattern, struct str cwd);

#endif
