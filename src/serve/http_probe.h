/* Asking a server of ours over HTTP, as its own machine: does it answer, and what? */
#ifndef TT_SERVE_HTTP_PROBE_H
#define TT_SERVE_HTTP_PROBE_H

#include "base/buf.h"
#include "base/err.h"

enum { HTTP_PROBE_MS = 15000, HTTP_PROBE_BYTES = 64 << 10 };

struct http_probe {
	const char *address; /* a literal one, or localhost */
	int port;
	bool tls; /* whose certificate it is is not looked at: the address says who answers */
};
/*
 * GET PATH: *STATUS, and the body (its first HTTP_PROBE_BYTES) appended to BODY. Each step may take
 * HTTP_PROBE_MS. ERR_REMOTE: nobody answers there, or it is no HTTP.
 */
MUST_USE int http_probe(const struct http_probe *probe, const char *path, int *status,
	struct buf *body, struct err *err);

#endif
