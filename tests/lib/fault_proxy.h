/*
 * A faulty wire between libpq and its server: a process of its own, which forwards the connections
 * of a unix socket and counts the messages by which clients have something done (protocol version
 * 3: postgresql.org, "Message Formats"): a connection's start-up, Query, Execute and Sync. What
 * stands between these prepares the next one and leaves nothing. When armed it fails at the Nth.
 */
#ifndef TT_TESTS_FAULT_PROXY_H
#define TT_TESTS_FAULT_PROXY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

enum fault_cut {
	FAULT_BEFORE, /* the Nth message does not arrive; the server does what came before it */
	FAULT_AFTER,  /* it arrives and is obeyed, but nobody hears the answer; an Execute, of which
			 nothing is told before its Sync, is not counted */
	FAULT_SILENCE, /* as FAULT_AFTER, but no connection is closed: nothing passes any more */
};

/* Start it in the directory DIR, before the server of URL (postgresql://…?host=DIRECTORY&port=N).
 * It ends with this process. */
void fault_proxy_start(const char *dir, const char *url);
/* URL (of the same server) by way of the proxy. */
struct str fault_proxy_url(const char *url, struct arena *arena);
/* Fail at the Nth message from now on, counting from 1 over all connections. STICKY: no connection
 * is made after that; of FAULT_SILENCE, it is made and nobody speaks. */
void fault_proxy_arm(long n, enum fault_cut cut, bool sticky);
/* Whole again, but for connections that have failed. Was the Nth message met? */
bool fault_proxy_disarm(void);
/* How many were counted since it was armed. */
long fault_proxy_messages(void);
/* What the Nth of them has done: a hash of the statement's text without its numbers and of the kind
 * of message. */
uint64_t fault_proxy_kind(long n);

#endif
