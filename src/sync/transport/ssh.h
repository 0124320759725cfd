/*
 * The ssh carrier: the system's `ssh` with the user's configuration, keys, agent and connection
 * sharing. Nothing that came from a remote is ever part of a command line; the host is an argument
 * of its own behind "--".
 */
#ifndef TT_SYNC_TRANSPORT_SSH_H
#define TT_SYNC_TRANSPORT_SSH_H

#include "base/mem.h"
#include "base/proc.h"

/*
 * May HOST be given to ssh? An alias, a host, user@host or ssh://[user@]host[:port]. ERR_USAGE:
 * empty, longer than 255 bytes, holds anything but letters, digits and . _ - @ : / [ ] %, or it or
 * a part of it begins with '-'.
 */
MUST_USE int ssh_check_host(const char *host, struct err *err);
/*
 * Start `tt export --cursor CURSOR` on HOST. TT is the program there ("tt": from the remote's
 * PATH); it is quoted for the remote's shell unless plain. INTERACTIVE: ssh may ask for a
 * passphrase or password.
 */
MUST_USE int ssh_export(struct proc *proc, const char *host, const char *tt, int64_t cursor,
	bool interactive, struct err *err);

#endif
