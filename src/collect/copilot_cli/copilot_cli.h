/* GitHub Copilot CLI's session logs (~/.copilot/session-state) as a source. */
#ifndef TT_COLLECT_COPILOT_CLI_H
#define TT_COLLECT_COPILOT_CLI_H

#include "collect/source.h"

extern const struct source copilot_cli_source;

#endif
