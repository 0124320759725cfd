/* How far a long collection or import is, on a terminal. */
#ifndef TT_CLI_PROGRESS_H
#define TT_CLI_PROGRESS_H

#include "cli/command.h"

struct progress;

/* Show a bar on standard error that says what is being done ("collecting"), if it is a terminal and
 * nobody asked for quiet; only what takes longer than a moment is worth one. NULL: none is shown.
 */
struct progress *progress_start(struct cli *cli, const char *doing);
/* Takes it away. Accepts NULL. */
void progress_stop(struct progress *progress);

#endif
