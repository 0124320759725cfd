/*
 * A faulty wire between libpq and its server: a process of its own, which forwards the connections
 * of a unix socket and counts the messages that clients send (protocol version 3: postgresql.org,
 * "Message Formats"; a connection's first message is its start-up). When armed it cuts at the Nth.
 */
#ifndef TT_TESTS_FAULT_PROXY_H
#define TT_TESTS_FAULT_PROXY_H

#include <stdbool.h>

#include "base/mem.h"

enum fault_cut {
	FAULT_BEFORE, /* the Nth message does not arrive; the server does what came before it */
	FAULT_AFTER,  /* it arrives and is obeyed, but nobody hears the answer */
};

/* Start it in the directory DIR, before the server of URL (postgresql://…?host=DIRECTORY&port=N).
 * It ends with this process. */
void fault_proxy_start(const char *dir, const char *url);
/* URL (of the same server) by way of the proxy. */
struct str fault_proxy_url(const char *url, struct arena *arena);
/* Cut at the Nth message from now on, counting from 1 over all connections. STICKY: no connection
 * is made after that. */
void fault_proxy_arm(long n, enum fault_cut cut, bool sticky);
/* Whole again. Was the Nth message met? */
bool fault_proxy_disarm(void);
/* Messages since it was armed. */
long fault_proxy_messages(void);

#endif
