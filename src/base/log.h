/* Messages for people, on standard error; standard output carries data only. */
#ifndef TT_BASE_LOG_H
#define TT_BASE_LOG_H

#include "base/str.h"

/* What one command may say: shown at and above its level. */
enum log_level { LOG_QUIET = -1, LOG_NORMAL = 0, LOG_VERBOSE = 1, LOG_DEBUG = 2 };

struct log {
	int level;           /* -q: LOG_QUIET, each -v one more */
	const char *program; /* "tt" */
	const char *before;  /* written before each line, to clear a progress bar; NULL: nothing */
};

/* Always shown, also with -q: something is wrong but work goes on. One line, "tt: warning: …". */
void log_warn(const struct log *log, const char *format, ...) PRINTF_LIKE(2, 3);
/* Shown unless -q: summaries, what was done. */
void log_info(const struct log *log, const char *format, ...) PRINTF_LIKE(2, 3);
/* Shown with -v. */
void log_debug(const struct log *log, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
