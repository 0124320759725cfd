/* Events in the forms of `tt query`. */
#ifndef TT_CLI_QUERY_SHOW_H
#define TT_CLI_QUERY_SHOW_H

#include "base/csv.h"
#include "base/table.h"
#include "cli/query_frame.h"

struct query_show {
	struct cli *cli;
	enum query_format format;
	const struct zone *zone; /* of the times in tables */
	struct table *table;
	struct csv csv;
	struct json_parser parser;
	struct buf scratch;
	size_t detail_columns;
	bool any;
};

void query_show_begin(struct query_show *show, struct cli *cli, enum query_format format,
	const struct zone *zone);
/* A select_each; the context is the struct query_show. */
MUST_USE int query_show_event(void *context, const struct stored_event *item, struct err *err);
/* The rest, behind COUNT events, on standard output; after a failure RC (of ERR): see query_fail.
 */
MUST_USE int query_show_end(struct query_show *show, int64_t count, int rc, struct err *err);
/* Accepts one that was not begun, if it is all-zero. */
void query_show_release(struct query_show *show);

#endif
