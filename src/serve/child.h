/*
 * The server as a child of the daemon: started, started again when it ends (1 s later at first,
 * twice as long each time it does not last, up to five minutes), ended with the daemon, also when
 * that is killed. It tells where it listens on its standard output (`tt serve --json`); what it
 * says on standard error goes to the diary, each trouble once.
 */
#ifndef TT_SERVE_CHILD_H
#define TT_SERVE_CHILD_H

#include <poll.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "serve/diary.h"

enum { CHILD_FDS = 2, CHILD_ERROR_BYTES = 512 };

struct child {
	const char *const *argv; /* NULL: none is wanted */
	pid_t pid;               /* 0: it does not run */
	int out, err;
	struct buf said, complaints; /* of lines that have not all come */
	int64_t began_ns;
	int64_t retry_at_ns;
	int failures; /* in a row */
	int64_t kill_at_ns;
	bool stopping;
	struct buf words;              /* lines of this attempt, until it listens */
	uint64_t trouble;              /* hash of those of the last failed attempt; 0: none */
	struct str listen;             /* JSON array of addresses; empty: not known */
	char error[CHILD_ERROR_BYTES]; /* the last words of one that ended; "": none did */
	struct arena arena;
};

void child_init(struct child *child);
void child_release(struct child *child);
/* Run ARGV (ARGV[0] is a path), which stays valid; NULL: nothing. */
void child_want(struct child *child, const char *const *argv);
/* Let it read its configuration again. */
void child_reload(struct child *child);
/* It is to end, and none is started any more; after GRACE_MS it is killed. */
void child_stop(struct child *child, int64_t grace_ms, int64_t now_ns);
/* Take what has come, start what is due. True: what it tells has changed. */
bool child_look(struct child *child, struct diary *diary, int64_t now_ns);
/* When child_look has something to do, if nothing comes before. INT64_MAX: never. */
int64_t child_next(const struct child *child, int64_t now_ns);
/* What tells of its news; fd -1 for none. */
void child_fds(const struct child *child, struct pollfd fds[CHILD_FDS]);

#endif
