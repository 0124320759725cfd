/* tt-postgres: every command and the server, over a PostgreSQL store. */
#include "cli/become.h"

const struct program *program(void)
{
	static const struct program postgres = {
		.name = "tt-postgres", .server = "tt-postgres", .postgres = true
	};

	return &postgres;
}
