/*
 * Records: what people (or programs on their behalf) decide and edit. They get seq numbers from the
 * same counter as events. Each function is one transaction, unless between records_begin and
 * records_commit.
 */
#ifndef TT_STORE_RECORDS_H
#define TT_STORE_RECORDS_H

#include "store/store.h"

/* Several edits as one: all or nothing. Not while a scan or snapshot of the store is open. */
MUST_USE int records_begin(struct store *store, struct err *err);
MUST_USE int records_commit(struct store *store, struct err *err);
void records_rollback(struct store *store);

enum { RECORD_TAG_BYTES = 64 };

/* ERR_USAGE unless NAME is 1 to LIMIT_NAME_BYTES bytes of UTF-8, not only blanks, without control
 * characters. */
MUST_USE int record_check_name(struct str name, struct err *err);
/* ERR_USAGE unless TAG is 1 to RECORD_TAG_BYTES of A-Z, a-z, 0-9 and "_-:./". */
MUST_USE int record_check_tag(struct str tag, struct err *err);

/* In order of strength. */
enum assigned_by { BY_NOBODY = 0, BY_PROGRAM = 1, BY_PERSON = 2 };

/*
 * A stream somebody made, named or tagged. An inferred stream becomes a record when a person
 * touches it: then ANCHOR_ID is the id of the event that began it, and the stream that holds this
 * event is it, whatever is recomputed.
 */
struct stream_record {
	struct str stream_id;   /* UUID text */
	struct str name;        /* empty: the inferred name holds */
	struct str anchor_id;   /* event id, or empty for one made by hand */
	struct str merged_into; /* stream id, or empty */
	int64_t created_ns;
	int64_t updated_ns;
	struct str *tags; /* sorted */
	size_t tag_count;
};

/* Ordered by id. */
MUST_USE int records_streams(struct store *store, struct arena *arena, struct stream_record **out,
	size_t *count, struct err *err);
/* One by id, without its tags; *FOUND tells. */
MUST_USE int records_stream_find(struct store *store, struct str stream_id, struct arena *arena,
	struct stream_record *out, bool *found, struct err *err);
/* Insert or replace by stream_id (tags are not touched). ERR_USAGE: bad name. */
MUST_USE int records_stream_put(
	struct store *store, const struct stream_record *stream, struct err *err);
/* With its tags and what is assigned to it. ERR_NOT_FOUND. */
MUST_USE int records_stream_delete(struct store *store, struct str stream_id, struct err *err);
/* *CHANGED: false when it already was so. ERR_USAGE: bad tag; taking a bad one away changes
 * nothing. */
MUST_USE int records_tag(struct store *store, struct str stream_id, struct str tag, bool on,
	bool *changed, struct err *err);
/* Give all tags of FROM to INTO, too. */
MUST_USE int records_tags_copy(
	struct store *store, struct str from_id, struct str into_id, struct err *err);

struct event_assignment {
	struct str event_id;
	int64_t start_ns; /* the event's */
	struct str stream_id;
	enum assigned_by by;
};
struct session_assignment {
	struct str machine_id;
	struct str session_id;
	struct str stream_id;
	enum assigned_by by;
};
/*
 * Assignment of a single event, of a whole session of a machine (events to come included). It
 * replaces an older one, but a program's never a person's. *CHANGED: false when it already was so,
 * or may not be.
 */
MUST_USE int records_assign_event(struct store *store, const struct event_assignment *assignment,
	bool *changed, struct err *err);
MUST_USE int records_assign_session(struct store *store,
	const struct session_assignment *assignment, bool *changed, struct err *err);
/* Those of events starting in [FROM, TO), both 0: all; ordered by start and id; copied into the
 * arena. */
MUST_USE int records_event_assignments(struct store *store, int64_t from_ns, int64_t to_ns,
	struct arena *arena, struct event_assignment **out, size_t *count, struct err *err);
/* Ordered by session and machine. */
MUST_USE int records_session_assignments(struct store *store, struct arena *arena,
	struct session_assignment **out, size_t *count, struct err *err);
/* After events were corrected: make the starts in assignments those of their events again. */
MUST_USE int records_assignments_settle(struct store *store, struct err *err);

/* A rule gives tags to every stream whose directory matches its path glob. */
struct rule_record {
	int64_t rule_no;
	struct str glob;
	struct str *tags; /* as given */
	size_t tag_count;
};
/* Ordered by number. */
MUST_USE int records_rules(struct store *store, struct arena *arena, struct rule_record **out,
	size_t *count, struct err *err);
/* ERR_PARSE: bad glob (base/glob.h); ERR_USAGE: bad tag, or none. */
MUST_USE int records_rule_add(struct store *store, struct str glob, const struct str *tags,
	size_t tag_count, int64_t *rule_no, struct err *err);
/* ERR_NOT_FOUND. */
MUST_USE int records_rule_remove(struct store *store, int64_t rule_no, struct err *err);

#endif
