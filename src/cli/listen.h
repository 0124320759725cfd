/* Where the server listens: what the options and the configuration say. */
#ifndef TT_CLI_LISTEN_H
#define TT_CLI_LISTEN_H

#include "cli/config.h"

enum { LISTEN_PORT = 5600, LISTEN_PORT_TESTING = 5666, LISTEN_MOST = 16 };

struct listen_place {
	const char *address; /* without brackets */
	int port;
};

/* `127.0.0.1:5600`, `[::1]:5600`, `localhost:0`. ERR_USAGE names the forms. */
MUST_USE int listen_parse(
	const char *text, struct arena *arena, struct listen_place *out, struct err *err);
/* Can only this machine reach it? */
bool listen_is_loopback(const char *address);
/* The port that clients on this machine are told. */
int listen_first_port(const struct config_serve *config, bool testing);

#endif
