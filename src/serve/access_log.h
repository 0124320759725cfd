/* The access log: one JSON object a line. Never a key, a body, or what stands behind '?'. */
#ifndef TT_SERVE_ACCESS_LOG_H
#define TT_SERVE_ACCESS_LOG_H

#include "serve/guard.h"

struct access {
	int64_t now_ns;
	int64_t duration_ns;
	const struct route *route; /* NULL: none matched */
	struct str key_id;         /* empty: none */
	int status;                /* 0: the client went before there was one */
	int64_t bytes;
	bool complete;
};
/* One write(2) a line, so that lines of several threads do not mix. What cannot be written is lost:
 * a full disk must not stop the server. */
void access_log_write(int fd, const struct http_request *request, const struct access *access);

#endif
