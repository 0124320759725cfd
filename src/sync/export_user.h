/*
 * Everything of one user as one stream of lines, each a JSON object: to take along, or to look at
 * what is kept. A header, the events in the order of seq with their tombstones, and a trailer are
 *as export.h has them, so that `tt import` takes the stream; between them stands what is no event:
 *
 *	tt.user               user_id, email, created
 *	tt.key                key_id, name, role, machine_id, created, expires, revoked, used
 *	tt.device             machine_id, label, hostname, version, registered, seen
 *	tt.bucket             bucket_id, machine_id, type_name, client, hostname, created, data; of
 *	                      buckets that clients made also source, event_type
 *	tt.setting            key, value
 *	tt.stream             stream_id, name, anchor_id, merged_into, created, updated, tags
 *	tt.rule               rule, path, tags
 *	tt.event_assignment   event_id, stream_id, by
 *	tt.session_assignment machine_id, session_id, stream_id, by
 *	tt.quarantine         source, path, offset, reason, detail, at, bytes
 *
 * Keys come without what would let anybody in. Buckets have the ids and members, settings the keys,
 * of ActivityWatch's API. Bytes that are no UTF-8 are replaced.
 * Times are RFC 3339, null where there is none.
 */
#ifndef TT_SYNC_EXPORT_USER_H
#define TT_SYNC_EXPORT_USER_H

#include "sync/export.h"

struct export_user_request {
	const struct machine *machine; /* that sends it */
	int64_t now_ns;
};

/*
 * On STORE, which it has for itself until export_user_close. An empty EMAIL_OR_ID: the rows that
 * the store shows to nobody, which in a file are everything. ERR_NOT_FOUND: no such user. What
 * REQUEST points to must live as long.
 */
struct export_user;
MUST_USE int export_user_open(struct export_user **out, struct store *store, struct str email_or_id,
	const struct export_user_request *request, struct err *err);
/* Append about WANT bytes: 1; 0: that was all. Memory does not grow with the number of events. */
MUST_USE int export_user_fill(
	struct export_user *self, struct buf *out, size_t want, struct err *err);
/* The store is nobody's then. Accepts NULL. */
void export_user_close(struct export_user *self);
/* All of it. */
MUST_USE int export_user(struct store *store, struct str email_or_id,
	const struct export_user_request *request, export_sink *sink, void *context,
	struct err *err);

#endif
