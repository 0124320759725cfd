/* tt-serve: what `tt serve` and `tt query --lang` become, over an SQLite store. */
#include "cli/become.h"
#include "cli/commands.h"

const struct program *program(void)
{
	static const struct program serve = { .name = "tt-serve", .server = "tt-serve" };

	return &serve;
}

const struct command *const *commands(size_t *count)
{
	static const struct command *const table[] = { &command_serve, &command_query };

	*count = ARRAY_LEN(table);
	return table;
}
