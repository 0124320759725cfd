/*
 * Pulling from remotes: each one's feed from the hub's cursor on, rows and cursor in one
 * transaction. The remote keeps nothing; a cut stream is known by its missing trailer, and is
 * simply asked for again.
 */
#ifndef TT_SYNC_PULL_H
#define TT_SYNC_PULL_H

#include "base/log.h"
#include "base/mem.h"
#include "model/machine.h"
#include "store/store.h"

enum { PULL_MOST_REMOTES = 64 };

struct pull_options {
	const struct store *store;  /* each remote has a connection of its own to it */
	const char *remote_command; /* the program on the remotes: "tt" */
	const struct machine *self; /* NULL: this machine has no identity */
	const struct log *log;
	int64_t timeout_ms; /* without any byte from the remote */
	int64_t now_ns;
	bool interactive;
};

struct pull_result {
	const char *name;      /* as typed */
	struct str machine_id; /* empty: it never said */
	struct str label;      /* what it calls itself */
	bool first_contact;    /* no label was known here */
	int64_t pulled;        /* new events */
	int64_t updated;
	int64_t duplicate;
	int64_t quarantined;
	int64_t cursor;
	int64_t skew_ns;
	int64_t elapsed_ms;
	int code; /* 0 or ERR_* */
	char error[ERR_MESSAGE_BYTES];
};

/*
 * Pull from all NAMES at once, each failing on its own: RESULTS has a row for each, in their order,
 * strings in the arena. Machines met for the first time have no label afterwards: the caller asks
 * for one. ERR_USAGE for a bad name, before anything is started.
 */
MUST_USE int pull_all(const char *const names[], size_t count, const struct pull_options *options,
	struct arena *arena, struct pull_result *results, struct err *err);

#endif
