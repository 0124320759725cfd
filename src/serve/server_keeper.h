/* What a server does of itself, in the background. */
#ifndef TT_SERVE_SERVER_KEEPER_H
#define TT_SERVE_SERVER_KEEPER_H

#include "base/err.h"

struct server;
struct server_keeper;

/* Begin; the server's settings are there. */
MUST_USE int server_keeper_start(
	struct server *server, struct server_keeper **out, struct err *err);
/* The settings are others: what is due by them is done now. Accepts NULL. */
void server_keeper_wake(struct server_keeper *keeper);
/* Ends what it does at the next occasion, and waits for that. Accepts NULL. */
void server_keeper_stop(struct server_keeper *keeper);

#endif
