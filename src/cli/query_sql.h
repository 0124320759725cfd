/* `tt query --sql`: the rows of a statement in the forms of `tt query`. */
#ifndef TT_CLI_QUERY_SQL_H
#define TT_CLI_QUERY_SQL_H

#include "cli/query_frame.h"

struct query_sql_request {
	const char *statement;
	const char *timeout; /* a duration; NULL: 10 s */
	int64_t limit;       /* rows; below 0: as many as is usual */
	enum query_format format;
};

MUST_USE int query_sql_run(
	struct cli *cli, const struct query_sql_request *request, struct err *err);

#endif
