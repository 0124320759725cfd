/* tt: every command; it becomes another program for what that alone does. */
#include "cli/become.h"

const struct program *program(void)
{
	static const struct program tt = { .name = "tt", .server = "tt-serve" };

	return &tt;
}

int serve_run(struct cli *cli, const struct serve_values *values, struct err *err)
{
	(void)values;
	return become(cli, "tt-serve", err);
}

int serve_check_run(struct cli *cli, struct err *err)
{
	return become(cli, "tt-serve", err);
}

int query_lang_run(struct cli *cli, const struct query_lang_values *values, struct err *err)
{
	(void)values;
	return become(cli, "tt-serve", err);
}
