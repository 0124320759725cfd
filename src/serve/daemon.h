/*
 * The daemon: collects what changes, as it changes, from every source of this machine.
 *
 * One process that waits: for the system to tell of a change (collect/watch.h), for a round's time,
 * for a job to end (serve/job.h), for a signal. It opens no store and no log of an agent itself, so
 * that it is small and nothing foreign can bring it down. Idle, it is woken a few times a minute.
 * The server is a program beside it (serve/child.h), started and ended with it.
 * What will speak with remotes gets jobs of its own, beside these: nothing that waits for a network
 * may hold up a source.
 *
 * Signals: SIGTERM and SIGINT let the jobs at work finish for STOP_MS, then end them (what they had
 * not committed is collected next time); again: at once. SIGHUP reads the configuration again; one
 * that is wrong is refused and the old one stays. SIGUSR1: look whether to pause. While paused no
 * job runs, and those at work are ended after PAUSE_MS; afterwards everything is collected.
 */
#ifndef TT_SERVE_DAEMON_H
#define TT_SERVE_DAEMON_H

#include "collect/watch.h"
#include "serve/diary.h"
#include "serve/instance.h"
#include "serve/schedule.h"

enum { DAEMON_STOP_MS = 10000, DAEMON_PAUSE_MS = 2000 };

struct daemon_host {
	void *owner;
	/*
	 * Read the configuration. OUT and what it points to stay valid until the next call that
	 * succeeds; its store is NULL. *STORE: the store that the configuration names, "" for the
	 * usual.
	 */
	int (*configure)(
		void *owner, struct collect_context *out, const char **store, struct err *err);
	/* The daemon holds its lock and works from now on. */
	void (*ready)(void *owner);
	/*
	 * After each configure: the program to run as the server beside it, with its arguments,
	 * valid until the next call; NULL: none. May itself be NULL.
	 */
	const char *const *(*serve)(void *owner);
};

struct daemon_options {
	struct instance_paths paths;
	const char *store_url;  /* absolute, exists; the same as long as the daemon runs */
	const char *store_user; /* see store_options; may be NULL */
	struct daemon_host host;
	bool log_to_file;            /* standard error becomes the log file of PATHS */
	struct schedule_times times; /* zeros: the usual ones */
	struct watch_options watching;
};

/* Runs until a signal ends it: 0 then. ERR_BUSY: there is one already. */
MUST_USE int daemon_run(const struct daemon_options *options, struct err *err);

#endif
