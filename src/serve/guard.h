/*
 * Who may come in: Host, Origin, and the key against the matched route. Pure; deny by default.
 *
 * Rules, in this order, for every request, static files and errors included:
 *   1. Origin, if there is one: allowed when it is http(s)://{127.0.0.1,localhost,[::1]}:PORT of a
 *      port we listen on, the Host header's own host and port (with an allowed Host), one that is
 *      configured (exact, or a regular expression that must match all of it), moz-extension://… or
 *      ActivityWatch's Chrome extension; when testing also 127.0.0.1/localhost:27180 and any Chrome
 *      extension. Anything else, "null" included: 403, without CORS headers.
 *   2. Host: while every address listened on is a loopback one: 127.0.0.1, localhost, [::1], with
 *      any port, or a configured one; otherwise any, but exactly one and well formed. Else 400. A
 *      request without Host: 400.
 *   3. Preflight (OPTIONS with Origin): answered here. OPTIONS without Origin: 200, empty.
 *   4. The key: `Authorization: Bearer KEY` (one space, scheme as written). A key that is wrong,
 *      expired or revoked is 401 everywhere, also on loopback and on open routes other than the
 *      health checks. No key: allowed on open routes; on others only from this machine itself, with
 *      no require_key, no header of a proxy (Forwarded, X-Forwarded-For, …: then the client is
 *      another's), and a Host that is a loopback name, a configured one or an address in figures: a
 *      web page may give its own name this machine's address, but then Host has that name. A key
 *      whose role is less than the route's: 403.
 * CORS headers are attached to whatever follows step 1.
 */
#ifndef TT_SERVE_GUARD_H
#define TT_SERVE_GUARD_H

#include "base/mem.h"
#include "serve/http.h"
#include "serve/route.h"

struct guard; /* the rules as configured; immutable, shared */

struct guard_options {
	const struct http_listen *listen; /* with the real ports */
	size_t listen_count;
	bool testing;
	bool require_key;
	const char *const
		*hosts; /* further names under which the server is reached; NULL-terminated */
	const char *const *origins;        /* exact */
	const char *const *origin_regexes; /* PCRE2 */
};
MUST_USE int guard_new(struct guard **out, const struct guard_options *options, struct err *err);
void guard_free(struct guard *guard);

struct identity {
	bool known; /* by a good key */
	struct str key_id;
	struct str user_id;
	struct str email;      /* of the user; empty: not known */
	struct str machine_id; /* the device that asks (store/users.h); empty: not known */
	bool machine_claimed;  /* the client names it: whether it is registered is to be seen */
	enum key_role role; /* what the caller may: of the key; KEY_ADMIN on loopback without one */
};

/* Looks up a key by its hash: 1 and *OUT (strings in the arena), 0: not good. < 0: cannot tell. */
struct guard_keys {
	int (*find)(void *context, const unsigned char hash[KEY_HASH_BYTES], struct arena *arena,
		struct identity *out, struct err *err);
	void *context;
};

struct guard_verdict {
	int status;          /* 0: come in; else the reply: */
	const char *message; /* NULL: an empty body (preflight) */
	struct identity who;
	struct http_reply cors; /* its headers alone: to be added to whatever is replied */
	bool www_authenticate;
	bool wrong_key;    /* there was one, and it is not good: rates apply */
	int retry_after_s; /* 0: none */
};
/* From this machine itself, not through a proxy on it. */
bool guard_is_here(const struct http_request *request);
void guard_check(const struct guard *guard, const struct guard_keys *keys,
	struct http_request *request, const struct route_match *match, struct guard_verdict *out);

/* --- rates --- */

struct rates; /* token buckets, by key or by address; thread-safe, bounded in memory */
struct rates *rates_new(int per_second, int burst);
void rates_free(struct rates *rates);
/* So many servers give out tokens: this one its part of them, and of the burst. */
void rates_share(struct rates *rates, int servers);
/* 0: go on; else seconds to wait. */
int rates_take(struct rates *rates, struct str who, int64_t now_ns);

#endif
