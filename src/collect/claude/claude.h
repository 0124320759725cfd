/* Claude Code as a source; see claude.c. */
#ifndef TT_COLLECT_CLAUDE_H
#define TT_COLLECT_CLAUDE_H

#include "collect/source.h"

extern const struct source claude_source;

#endif
