/* The parts of a PostgreSQL database's URL that others than libpq have to know (PostgreSQL's
 * documentation, 34.1.1.2). */
#ifndef TT_CLI_DATABASE_URL_H
#define TT_CLI_DATABASE_URL_H

#include "base/mem.h"

struct database_url { /* decoded; empty: it does not say */
	const char *user;
	const char *password;
	const char *host;
	const char *port;
	const char *database;
};

/* Does TEXT begin as such a URL does? */
bool database_url_is(const char *text);
/* False: it is none, or not one that can be understood. Strings in the arena. */
bool database_url_parse(const char *text, struct arena *arena, struct database_url *out);
/* Is it a server on this machine, by its address or its socket? */
bool database_url_is_local(const struct database_url *url);
/* TEXT, which parses, with this user and password instead of its own. In the arena. */
const char *database_url_with(
	const char *text, const char *user, const char *password, struct arena *arena);
/* URL as it may be shown: without the password that may be in it. In the arena. */
struct str database_url_shown(struct arena *arena, struct str url);

#endif
