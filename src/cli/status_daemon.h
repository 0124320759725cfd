/* What `tt status` says about collecting: the daemon, and for each source of this machine what went
 * wrong and how much waits. */
#ifndef TT_CLI_STATUS_DAEMON_H
#define TT_CLI_STATUS_DAEMON_H

#include "cli/target.h"

/* One source of the registry that is enabled. */
struct status_source {
	const char *name;
	int64_t waiting;  /* files with something that is not in the store, as far as one stat each
			     tells */
	int64_t failed;   /* files that could not be read in the last round */
	struct str error; /* of the last round of the daemon; ptr NULL: none */
	struct str retry_at;
};

struct status_daemon {
	struct target target;
	bool paused;
	struct json_parser parser;
	struct buf text;
	const struct json *state; /* NULL: none runs */
	struct status_source *sources;
	size_t count;
};

/* MACHINE is known: without an identity nothing collects, and no source is listed. */
MUST_USE int status_daemon_load(struct cli *cli, struct store *store, bool machine,
	struct status_daemon *out, struct err *err);
void status_daemon_release(struct status_daemon *daemon);
/* The source whose events have SOURCE in their ids, or NULL. */
const struct status_source *status_daemon_source(
	const struct status_daemon *daemon, struct str source);

/* The members `daemon` and `paused`. */
void status_daemon_json(struct json_writer *json, const struct status_daemon *daemon);
/* Its line, and one for each source that has a trouble. */
void status_daemon_text(struct cli *cli, const struct status_daemon *daemon);
void status_troubles_text(struct cli *cli, const struct status_daemon *daemon);

#endif
