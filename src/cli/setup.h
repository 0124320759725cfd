/* What the steps of `tt setup` share: each says what it did, and may be repeated. */
#ifndef TT_CLI_SETUP_H
#define TT_CLI_SETUP_H

#include "cli/command.h"

enum { SETUP_STEPS = 16, SETUP_FILE_MODE = 0644 /* of a file that was not there */ };

/* What became of one step: "done", "unchanged", "missing", "skipped" or "failed". */
struct setup_step {
	const char *step;
	const char *status;
	struct str detail;
};

struct setup {
	struct cli *cli;
	struct setup_step items[SETUP_STEPS];
	size_t count;
	bool has_key;   /* in JSON, `key` stands beside the steps: */
	struct str key; /* one that was made; empty: null */
};

/* DETAIL is static or in the command's arena. */
void setup_note(struct setup *setup, const char *step, const char *status, struct str detail);
/* As a table, or as JSON. CLI_PARTIAL when a step failed. */
MUST_USE int setup_print(const struct setup *setup);
/* Step "identity". True when there is one. */
bool setup_say_identity(struct setup *setup);

/* Replace a file of the user's: behind a link the file it leads to, with the permissions it had. */
MUST_USE int setup_write(const char *path, struct str content, struct err *err);

/* The name under which this program is found in the PATH, which stays when it is updated; else its
 * own. In the arena. */
const char *setup_program(struct arena *arena);
/* systemd.service(5), "Command lines": in double quotes, with % doubled, and $ where variables are
 * put in: in arguments, not in the program's name nor in Environment=. */
void setup_put_quoted(struct buf *out, const char *word, bool argument);

/* Step "daemon" of the overview. */
MUST_USE int setup_say_daemon(struct setup *setup, struct err *err);
extern const struct command setup_daemon;
/* Step "activitywatch" of the overview, where there is something of it. */
MUST_USE int setup_say_activitywatch(struct setup *setup, struct err *err);
extern const struct command setup_activitywatch;

/* packaging/systemd/tidemark.service.in and packaging/launchd/tidemark.plist.in, as they were when
 * this program was built. */
extern const char setup_systemd_unit[];
extern const char setup_launchd_plist[];

#endif
