/* What the handlers answer alike: refusals, and the bucket that a path names. */
#ifndef TT_SERVE_API_ANSWER_H
#define TT_SERVE_API_ANSWER_H

#include "serve/call.h"
#include "store/aw.h"
#include "store/users.h"

/* A body that parsed but is not what it should be (ERR says why): 422, or 413 for what is too
 * large. Returns the negative code to return. */
int answer_body(struct call *call, struct err *err);
/*
 * ERR is what store/aw.h or store/aw_write.h said about bucket ID. What was refused before anything
 * was written is answered (404, 403, 400, 413); an error of the store itself stays one. Returns the
 * negative code to return.
 */
int answer_bucket(struct call *call, struct str id, struct err *err);
/* All buckets, the streams' (serve/stream_bucket.h) last. */
MUST_USE int answer_buckets(struct call *call, struct store *store, struct aw_bucket **out,
	size_t *count, struct err *err);
/* The bucket of the path's first parameter, which may be the streams'; absent: answered 404. As
 * aw_bucket_find_brief tells of it. */
MUST_USE int answer_find(
	struct call *call, struct store *store, struct aw_bucket *out, struct err *err);
/* The same, with what its events tell of it. */
MUST_USE int answer_find_whole(
	struct call *call, struct store *store, struct aw_bucket *out, struct err *err);
/* The same to write to. The streams' cannot be written: answered 403. */
MUST_USE int answer_target(
	struct call *call, struct intake *intake, int64_t *bucket_no, struct err *err);
/* A connection of the caller's own, which works for them, too. */
MUST_USE int answer_own_store(
	const struct call *call, bool read_only, struct store **out, struct err *err);
/*
 * Whose events a bucket of host HOSTNAME has, in the arena: those of the device that asks; when
 * that is not known, of the user's device of this host name, the one that was seen last; when there
 * is none, of a new one, whose id is made from the user's and the name, so that the same computer
 * stays the same device. While writing (STORE is the user's). ERR_USAGE: no name of a host.
 */
MUST_USE int answer_machine(struct call *call, struct store *store, struct str hostname,
	struct str *machine_id, struct err *err);
/* The device that asks. When it is not known: this machine; on a shared store, where another
 * server may be the next to answer, an id that all of them have. */
struct str answer_own_machine(const struct call *call);
/* This host; who comes to a shared store with a key finds "server" behind each of its servers. */
struct str answer_host(const struct call *call);
/* For route.is_long: always; and when the path's first parameter is the streams' bucket, which is
 * computed. */
bool answer_always_long(const struct call *call);
bool answer_long_for_streams(const struct call *call);
/* Was it refused (true), or did the store fail? */
bool answer_is_refusal(int code);

/* The events that a request asks for, for prepare: `start`, `end` and, if LIMITED, `limit`. */
struct answer_range {
	int64_t from_ns;
	int64_t to_ns;
	uint64_t limit; /* UINT64_MAX: none */
};
MUST_USE int answer_range(
	struct call *call, bool limited, struct answer_range *out, struct err *err);

#endif
