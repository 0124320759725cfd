/*
 * What a daemon has to say: to standard error, which is the system's journal, a terminal, or a file
 * that never grows beyond LIMIT bytes (then it is kept once as FILE.1, and begun anew). Lines in a
 * file begin with their time. What is said again and again, every round, is said once an hour.
 */
#ifndef TT_SERVE_DIARY_H
#define TT_SERVE_DIARY_H

#include "base/err.h"

enum { DIARY_LIMIT_BYTES = 1 << 20 };

struct diary;
/* PATH: the file (its directory must exist), which becomes standard error; NULL: standard error as
 * it is. */
MUST_USE int diary_open(struct diary **out, const char *path, int64_t limit_bytes, struct err *err);
void diary_close(struct diary *diary);
void diary_closep(struct diary **diary);

/* News of the daemon's own: always written. */
void diary_say(struct diary *diary, const char *format, ...) PRINTF_LIKE(2, 3);
/* A line that somebody else wrote, without its newline: repetitions are held back. */
void diary_line(struct diary *diary, struct str line, int64_t monotonic_ns);

#endif
