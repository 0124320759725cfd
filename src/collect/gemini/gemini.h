/* Gemini CLI's chat recordings (~/.gemini/tmp) as a source. */
#ifndef TT_COLLECT_GEMINI_H
#define TT_COLLECT_GEMINI_H

#include "collect/source.h"

extern const struct source gemini_source;

#endif
