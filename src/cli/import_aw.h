/* ActivityWatch's data into this store, for tt import and tt setup. */
#ifndef TT_CLI_IMPORT_AW_H
#define TT_CLI_IMPORT_AW_H

#include "cli/command.h"
#include "sync/aw_import.h"

enum import_format {
	IMPORT_AUTO,
	IMPORT_JSONL,
	IMPORT_AW,          /* an export */
	IMPORT_AW_DB,       /* a server's database */
	IMPORT_AW_SETTINGS, /* aw-server's settings.json */
};

/* By its first bytes; IMPORT_AUTO: more of them are needed, which is never so at the END. */
enum import_format import_detect(struct str head, bool end);

struct import_job {
	const char *path;
	enum import_format format; /* one of ActivityWatch's */
	const char *origin;        /* for quarantine */
	bool dry_run;
	bool unnamed; /* the path means nothing to people, and is not remembered */
};
/* With progress. COUNTS is what was taken, also after a failure. ERR_IDENTITY without an identity.
 */
MUST_USE int import_aw(struct cli *cli, const struct import_job *job,
	struct aw_import_counts *counts, struct err *err);
/* The members of an open JSON object that every import has, and those of ActivityWatch's. */
void import_aw_json(struct json_writer *json, const struct import_job *job,
	const struct aw_import_counts *counts);
void import_aw_say(
	struct cli *cli, const struct import_job *job, const struct aw_import_counts *counts);
void import_put_reasons(struct json_writer *json, const struct intake_reason *reasons);
void import_say_reasons(struct cli *cli, const struct intake_reason *reasons, int64_t quarantined);

/* Was the file imported as it is now, or was it at all? STORE as it was read. */
enum import_memory { IMPORT_NEVER, IMPORT_CHANGED, IMPORT_SAME };
MUST_USE int import_remembered(struct store *store, const char *path, struct arena *arena,
	enum import_memory *out, struct err *err);

#endif
