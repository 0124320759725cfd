/* One request as its handler sees it, and what handlers share. */
#ifndef TT_SERVE_CALL_H
#define TT_SERVE_CALL_H

#include "base/json.h"
#include "serve/guard.h"
#include "serve/http.h"
#include "serve/route.h"
#include "store/intake.h"
#include "store/store.h"

struct server;

struct call {
	struct server *server;
	struct http_request *http;
	const struct route *route;
	struct str params[ROUTE_PARAMS]; /* decoded, as the path of the route names them */
	struct str rest;
	struct identity who;
	const char *store_url;   /* of the STORE that it is answered from; NULL: the server's */
	struct arena *arena;     /* of the request */
	void *prepared;          /* what prepare found, in the arena */
	struct http_reply reply; /* status 0: 200 */
	bool answered; /* the handler set a status by call_fail: an error return is not the store's
			*/
	struct json_parser parser; /* of call_body_json; the server releases it */
};

/* A query argument, decoded ('+' is a space; a space before HH:MM at the end of a time is put right
 * by call_time). ptr NULL when absent; *REPEATED if not NULL. */
struct str call_arg(struct call *call, const char *name, bool *repeated);
/* A time in an argument: RFC 3339 with an offset. 0 and *OUT = ABSENT when it is not there. Fails
 * with 400 `Failed to parse <what>, datetime needs to be in rfc3339 format: …`. */
MUST_USE int call_time(struct call *call, const char *name, const char *what, int64_t absent,
	int64_t *out, struct err *err);

/* The reply is STATUS with {"message": …}. Returns the negative code to return. */
int call_fail(struct call *call, int status, struct err *err, const char *format, ...)
	PRINTF_LIKE(4, 5);
/* The same without an error to return. */
void call_message(struct call *call, int status, const char *message);
/* Forget the reply and what it holds. */
void call_reset(struct call *call);
/* A JSON reply: write into the writer's buffer, then return 0. */
struct json_writer call_json(struct call *call);
/* 200 (or STATUS) with an empty body. */
int call_empty(struct call *call, int status);
/* A reply that is made piece by piece. */
void call_stream(struct call *call, const char *type, struct http_stream stream);

/* The parsed body, for prepare. What does not parse, or is nested too
 * deeply: 400 with what and where. The
 * parser's memory lives as long as the call. Duplicate keys of the top two levels are refused
 * (400). */
MUST_USE int call_body_json(struct call *call, const struct json **root, struct err *err);

#endif
