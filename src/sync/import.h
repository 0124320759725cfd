/* Reading a wire stream into the store: bytes are pushed in, in pieces of any size. */
#ifndef TT_SYNC_IMPORT_H
#define TT_SYNC_IMPORT_H

#include "model/codec.h"
#include "store/intake.h"

struct import;

struct import_options {
	const char *origin;        /* for quarantine: "import", "sync:devbox" */
	const char *path;          /* for quarantine: the file, or "" */
	struct str default_source; /* for lines without `source`; may be empty */
	/*
	 * For sync: rows are committed with the cursor that covers them, at trailers, and what no
	 * trailer covers never is. Lines are held back until their trailer comes (up to
	 * IMPORT_HELD_BYTES), so that nobody waits for the store while a network does. Otherwise
	 * rows are committed every LIMIT_INTAKE_BATCH.
	 */
	bool commit_at_trailers;
	/* Called with the header, once, before any event; < 0 stops. May be NULL. */
	int (*on_header)(void *context, const struct wire_header *header, struct err *err);
	/* Called at each trailer before its commit: what it puts into INTAKE is committed with the
	 * rows. May be NULL. */
	int (*on_trailer)(void *context, const struct wire_trailer *trailer, struct intake *intake,
		struct err *err);
	void *context;
};

enum { IMPORT_HELD_BYTES = 16 << 20 };

MUST_USE int import_open(struct import **out, struct store *store,
	const struct import_options *options, struct err *err);
/*
 * Memory stays within one line (LIMIT_WIRE_LINE_BYTES; longer ones go to quarantine, cut) and what
 * is held. ERR_VERSION: the header's format is newer than this program's. ERR_REMOTE, with
 * commit_at_trailers: a trailer whose count says that lines are missing. Lines that are no events
 * (a greeting of the remote's shell) are in quarantine and do not spoil the count.
 */
MUST_USE int import_push(struct import *import, struct str bytes, struct err *err);
/* Commit what is pending now, as before a long wait for input. Not for commit_at_trailers. */
MUST_USE int import_pause(struct import *import, struct err *err);
/*
 * The end of the input: a last line without newline is taken, what is pending is committed; with
 * commit_at_trailers only if the stream is complete.
 */
MUST_USE int import_end(struct import *import, struct err *err);
/* The last event line or mark was a final trailer whose count is right: nothing is missing. */
bool import_complete(const struct import *import);
/* A header came, but not the final trailer of its stream, or one whose count is wrong: something is
 * missing. */
bool import_cut(const struct import *import);
bool import_has_header(const struct import *import);
/* Anything but blank lines has been seen. */
bool import_started(const struct import *import);
/* Of what is committed. */
const struct intake_counts *import_counts(const struct import *import);
/* What is not committed is undone. */
void import_free(struct import *import);
void import_freep(struct import **import);

#endif
