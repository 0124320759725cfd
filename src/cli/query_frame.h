/* What `query` and `stats` share: times, forms of output. */
#ifndef TT_CLI_QUERY_FRAME_H
#define TT_CLI_QUERY_FRAME_H

#include "cli/command.h"
#include "query/span.h"

enum query_format {
	QUERY_TABLE,  /* for people */
	QUERY_LINES,  /* one JSON object a line */
	QUERY_OBJECT, /* one JSON object: --json */
	QUERY_CSV,
};

/* The store of this run, to read (cli_store_to_read); nobody is waited for long. */
MUST_USE int query_store(struct cli *cli, struct store **out, struct err *err);
/* What words about time mean in ZONE. */
struct span_clock query_clock(const struct cli *cli, const struct zone *zone);
/* --format beside --json; NULL: a table. */
MUST_USE int query_format(
	const struct cli *cli, const char *name, enum query_format *out, struct err *err);
/*
 * ERR ends a list that is printed as it comes. Of a part of the object (--json) that is out already
 * the rest follows: CLOSE, which ends the list and may begin more members, and the error. So it is
 * JSON, and tells of the failure. The code of ERR.
 */
MUST_USE int query_fail(struct cli *cli, struct str close, const struct err *err);
/* 12,345 as `12.3k`; below 10,000 as it is. */
const char *query_number(int64_t number, char text[static TIME_TEXT_BYTES]);
/* PATH with the home directory as `~`, in the command's arena. */
struct str query_path(struct cli *cli, struct str path);

#endif
