/* What people and programs do to streams. Each is one transaction; the derived part is brought up
 * to date by the next reader. */
#ifndef TT_ATTENTION_EDIT_H
#define TT_ATTENTION_EDIT_H

#include "attention/streams.h"

/* Make a stream by hand; its new id goes to ID. ERR_USAGE: bad name. */
MUST_USE int edit_create(struct store *store, struct str name, char id[static 37], struct err *err);
/* These turn an inferred stream into a record (see streams.h). */
MUST_USE int edit_rename(
	struct store *store, const struct stream *stream, struct str name, struct err *err);
MUST_USE int edit_tag(struct store *store, const struct stream *stream, struct str tag, bool on,
	bool *changed, struct err *err);
/* Everything of FROM belongs to INTO from now on; FROM is gone. Its tags go along. */
MUST_USE int edit_merge(
	struct store *store, const struct stream *from, const struct stream *into, struct err *err);
/* Events of STREAM from AT on become a stream of their own, named NAME; ID gets its id. ERR_USAGE
 * unless AT splits it. */
MUST_USE int edit_split(struct store *store, const struct stream *stream, int64_t at_ns,
	struct str name, char id[static 37], struct err *err);

/* Which events `streams assign` means; exactly one way. */
struct edit_selection {
	const struct str *event_ids;
	size_t event_id_count;
	struct str session_id;  /* on any machine; events to come included */
	int64_t from_ns, to_ns; /* half-open; with CWD_GLOB (may be empty) */
	struct str cwd_glob;
};
/* Assign as a person; *ASSIGNED counts events. Unknown event ids: ERR_NOT_FOUND and nothing is
 * changed. */
MUST_USE int edit_assign(struct store *store, const struct stream *stream,
	const struct edit_selection *selection, int64_t *assigned, struct err *err);

struct classify_result {
	int64_t streams_created;
	int64_t assigned;
	int64_t skipped_user;
};
/*
 * Apply a classification (the JSON of `classify --apply`, see the command line contract): all or
 * nothing. A session beats a pattern; what a person assigned is left alone and counted as skipped.
 */
MUST_USE int classify_apply(
	struct store *store, struct str json, struct classify_result *out, struct err *err);

#endif
