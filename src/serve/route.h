/*
 * Which handler a request is for. Pure.
 *
 * A path is decoded once, here, and everything after (keys, limits, handlers) goes by the route
 * and its decoded parts, never by the text of the path. Empty segments count for nothing, so a
 * route is the same with and without a slash at its end; "." and ".." segments are refused.
 */
#ifndef TT_SERVE_ROUTE_H
#define TT_SERVE_ROUTE_H

#include "base/mem.h"
#include "serve/http.h"
#include "store/keys.h"

enum { ROUTE_PARTS = 16, ROUTE_PARAMS = 4 };

/* Who does the work. */
enum route_work {
	WORK_HERE,  /* on the HTTP thread: no store, no waiting */
	WORK_READ,  /* on a reading worker, with its store */
	WORK_WRITE, /* on the writer, in the open batch */
};

struct call; /* serve/call.h */
struct store;
struct intake;
struct aw_event; /* store/aw.h */

struct route {
	enum http_method method;
	const char *path; /* "/api/0/buckets/{bucket}/events/{event}"; a last "{rest*}" takes all
			     that follows */
	enum route_work work;
	bool open;      /* needs no key, wherever it is asked from */
	bool from_copy; /* may be answered from a copy of the store that lags behind */
	/* May it keep a reader for long? Asked before prepare. NULL: no. See serve/reads.h. */
	bool (*is_long)(const struct call *call);
	bool any_device;     /* the client may name a device that is not registered yet */
	enum key_role needs; /* the role of the key, else */
	int64_t body_limit;  /* bytes; 0: a body is read up to 1 MiB and thrown away */
	/*
	 * What can be done without the store: query arguments, JSON, validation. On a reading
	 * worker when the body is long, else on the HTTP thread. May be NULL.
	 */
	int (*prepare)(struct call *call, struct err *err);
	/* WORK_READ: STORE is the worker's, INTAKE NULL. WORK_WRITE: INTAKE is the batch, STORE its
	 * connection. WORK_HERE: both NULL. The reply is in call->reply. < 0 after call_fail: that
	 * is the reply. < 0 without it: the store failed; the reply is made from ERR (500, 503,
	 * 507), and for WORK_WRITE the whole batch fails. */
	int (*handle)(
		struct call *call, struct store *store, struct intake *intake, struct err *err);
	/* Of a heartbeat, once prepared: the event that it brings to the bucket of the first
	 * parameter, so that the batch can ask the store for all of them at once. May be NULL. */
	const struct aw_event *(*beat)(const struct call *call);
	/* For the OpenAPI document: see serve/api/openapi.h. */
	const struct route_doc *doc;
};

struct route_table {
	const struct route *routes;
	size_t count;
};

struct route_match {
	const struct route *route;       /* NULL: none */
	bool path_known;                 /* a route has this path, but none this method */
	struct str params[ROUTE_PARAMS]; /* decoded, in the order of the path */
	size_t param_count;
	struct str rest; /* of "{rest*}": decoded segments joined by '/' */
};

/* PATH as it was sent. ERR_PARSE: it is no path (bad percent-encoding, NUL, dots). HEAD matches
 * GET. */
MUST_USE int route_match(const struct route_table *tables, size_t table_count,
	enum http_method method, struct str path, struct arena *arena, struct route_match *out,
	struct err *err);
/* Does a decoded path of this request begin with /api (or /v1)? Those get JSON errors and need
 * keys, also where no route matches. */
bool route_is_api(struct str path);
/* "GET", …; "OTHER". */
const char *route_method_name(enum http_method method);

#endif
