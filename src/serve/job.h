/*
 * One job of the daemon: some sources, collected by a child process, one after the other.
 *
 * A process of its own, because what it reads is foreign: a fault in it, memory that it needs for a
 * large log, a file server that does not answer are its alone. The daemon stays small, goes on
 * hearing of changes and signals, and may end a job at any time: what was not committed is
 * collected again. It tells through a pipe what has become of each source, beside what it logs.
 *
 * The daemon must have no other thread when it starts a job.
 */
#ifndef TT_SERVE_JOB_H
#define TT_SERVE_JOB_H

#include <sys/types.h>

#include "collect/source.h"
#include "serve/diary.h"
#include "serve/schedule.h"

struct job_plan {
	const char *store_url;
	const char *store_user;                /* see store_options; may be NULL */
	const struct collect_context *context; /* its store is the job's own */
	const size_t *chosen;                  /* indices of SOURCES */
	size_t count;
	const struct source *const *sources;
	bool places;  /* also ask them what to watch, before they are collected */
	int keep_out; /* a descriptor that the child must not hold; -1: none */
};

enum job_state { JOB_WAITS, JOB_AT_WORK, JOB_DONE };

struct job_item {
	size_t source; /* index */
	enum job_state state;
	struct source_counts counts;
	int code; /* 0, or why it failed: */
	char message[ERR_MESSAGE_BYTES];
	bool has_places; /* all of them came: */
	struct source_places places;
};

struct job {
	pid_t pid; /* 0: none */
	int fd;    /* hung up when the job is over */
	int64_t began_ns;
	struct buf pending; /* of a line that has not all come */
	bool plenty;        /* came at the last reading: read soon again */
	struct json_parser parser;
	struct arena arena; /* of places */
	struct job_item items[SCHEDULE_MOST];
	size_t count;
};

MUST_USE int job_start(
	struct job *job, const struct job_plan *plan, int64_t now_ns, struct err *err);
/*
 * Take what has come, without waiting; log lines go to DIARY. True when the job is over: items at
 * work then have failed, unless it was ended by job_end.
 */
bool job_read(struct job *job, struct diary *diary, int64_t now_ns);
void job_signal(const struct job *job, int number);
/* After job_read said true: ready for another job_start. */
void job_release(struct job *job);

#endif
