/* What the checks of `tt doctor` share. Each check adds what it found: one row, or one per machine.
 */
#ifndef TT_CLI_DOCTOR_H
#define TT_CLI_DOCTOR_H

#include "cli/command.h"

enum doctor_status { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL };

struct doctor_row {
	const char *name;
	enum doctor_status status;
	struct str detail;
	struct str remedy; /* ptr NULL: nothing to do */
};

struct doctor {
	struct cli *cli;
	struct store *store;           /* NULL: it does not open */
	const struct machine *machine; /* NULL: no identity */
	bool deep;
	struct store_bucket *buckets;
	size_t bucket_count;
	struct store_machine *machines;
	size_t machine_count;
	struct doctor_row *rows;
	size_t count;
	size_t room;
};

/* DETAIL must live as long as the arena; REMEDY is a literal or in the arena, NULL: nothing to do.
 */
void doctor_add(struct doctor *doctor, const char *name, enum doctor_status status,
	struct str detail, const char *remedy);

/* Of this machine: identity, files, tmux, agents. They do not need the store. */
void doctor_identity(struct doctor *doctor);
void doctor_files(struct doctor *doctor);
void doctor_journal(struct doctor *doctor);
void doctor_tmux(struct doctor *doctor);
void doctor_program(struct doctor *doctor);
void doctor_hook_log(struct doctor *doctor);
/* Of what collects. */
void doctor_daemon(struct doctor *doctor);
void doctor_retention(struct doctor *doctor);
void doctor_transcripts(struct doctor *doctor);
/* Of the store: opens it first. The others are to be called only if it is open. */
void doctor_store(struct doctor *doctor);
void doctor_clock(struct doctor *doctor);
void doctor_places(struct doctor *doctor);
void doctor_quarantine(struct doctor *doctor);
void doctor_sync(struct doctor *doctor);
void doctor_silent(struct doctor *doctor);

#endif
