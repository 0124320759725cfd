/* This machine's identity: a UUID v4 made once, in machine.json, with a fingerprint of the host
 * beside it. */
#ifndef TT_MODEL_MACHINE_H
#define TT_MODEL_MACHINE_H

#include "base/err.h"
#include "base/mem.h"

struct machine {
	struct str id;          /* 36 bytes */
	struct str label;       /* for people, never identity */
	struct str hostname;    /* of the host where it was made */
	struct str fingerprint; /* hash of that host's name and /etc/machine-id; may be empty */
};

/* What this host calls itself, "unknown" if it does not say; NUL-terminated. */
struct str machine_host_name(struct arena *arena);

/* Text of the error without an identity: the contract with scripts. */
#define MACHINE_MISSING "No machine identity found. Run 'tt init' first."

/*
 * Read DATA_DIR/machine.json. ERR_IDENTITY with MACHINE_MISSING when there is none; ERR_PARSE,
 * naming path and fault, when it is damaged: it is never overwritten then.
 */
MUST_USE int machine_load(
	const char *data_dir, struct arena *arena, struct machine *out, struct err *err);
/*
 * Make the identity if there is none, else load it; of two processes at once one makes it and both
 * get the same. LABEL NULL: the host's name for a new one, unchanged for an old one. Otherwise the
 * label is set (ERR_USAGE: empty, longer than LIMIT_NAME_BYTES, control characters). *CREATED says
 * which happened.
 */
MUST_USE int machine_init(const char *data_dir, const char *label, struct arena *arena,
	struct machine *out, bool *created, struct err *err);
/* False when the identity was made on a host with another fingerprint: a cloned VM or a synced
 * home. One made while its host had no machine id is told by the name alone. */
bool machine_is_this_host(const struct machine *machine);

#endif
