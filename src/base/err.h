/*
 * The one error type. A function that can fail returns 0 or a negative ERR_* and fills a
 * caller-owned struct err, its last parameter. It is set where the fault is seen, each layer adds
 * context at most once, the command line prints it.
 */
#ifndef TT_BASE_ERR_H
#define TT_BASE_ERR_H

#include "base/str.h"

enum err_code {
	ERR_USAGE = -1, /* the caller asked for something that is not on offer */
	ERR_IO = -2,    /* a system call failed */
	ERR_NOT_FOUND = -3,
	ERR_EXISTS = -4,
	ERR_CONFLICT = -5,
	ERR_PARSE = -6,     /* foreign bytes that do not follow their format */
	ERR_LIMIT = -7,     /* a limit of model/limits.h or of an arena */
	ERR_BUSY = -8,      /* somebody else holds it; trying again may work */
	ERR_CORRUPT = -9,   /* our own data is damaged */
	ERR_VERSION = -10,  /* made by a newer program */
	ERR_IDENTITY = -11, /* this machine has no identity */
	ERR_FULL = -12,     /* no space left, or a quota */
	ERR_REMOTE = -13,   /* another machine answered badly or not at all */
	ERR_TIMEOUT = -14,
	ERR_INTERRUPTED = -15,
	ERR_AMBIGUOUS = -16, /* a name that fits several things */
	ERR_READONLY = -17,
};

enum { ERR_MESSAGE_BYTES = 1024 };

struct err {
	int code; /* 0 or an enum err_code */
	char message[ERR_MESSAGE_BYTES];
};

/* Set code and message; returns CODE, so that `return err_set(err, …)` works. A message that is too
 * long is cut. */
int err_set(struct err *err, int code, const char *format, ...) PRINTF_LIKE(3, 4);
/* The same for a failed system call: the message ends in ": <strerror>", the code is chosen from
 * errno. */
int err_sys(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);
/* Put "<context>: " before the message; returns the code. */
int err_context(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Stable name for JSON ("not_found"), exit status (1, or 2 for wrong usage), HTTP status of a code.
 */
const char *err_name(int code);
int err_exit_status(int code);
int err_http_status(int code);

/* A bug, not an error of the outside world: says where and aborts, in every build. */
#define ASSERT(condition)                                                                          \
	((condition) ? (void)0 : err_assert_failed(#condition, __FILE__, __LINE__))
_Noreturn void err_assert_failed(const char *condition, const char *file, int line);

#endif
