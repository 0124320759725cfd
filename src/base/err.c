/* The error type and the one list that maps a code to its name, exit status and HTTP status. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
	int code;
	int exit_status;
	int http_status;
	const char *name;
} codes[] = {
	{ ERR_USAGE, 2, 400, "usage" },
	{ ERR_IO, 1, 500, "io" },
	{ ERR_NOT_FOUND, 1, 404, "not_found" },
	{ ERR_EXISTS, 1, 409, "exists" },
	{ ERR_CONFLICT, 1, 409, "conflict" },
	{ ERR_PARSE, 1, 400, "parse" },
	{ ERR_LIMIT, 1, 413, "limit" },
	{ ERR_BUSY, 1, 503, "busy" },
	{ ERR_CORRUPT, 1, 500, "corrupt" },
	{ ERR_VERSION, 1, 500, "version" },
	{ ERR_IDENTITY, 1, 500, "no_identity" },
	{ ERR_FULL, 1, 507, "full" },
	{ ERR_REMOTE, 1, 502, "remote" },
	{ ERR_TIMEOUT, 1, 504, "timeout" },
	{ ERR_INTERRUPTED, 1, 503, "interrupted" },
	{ ERR_AMBIGUOUS, 1, 409, "ambiguous" },
	{ ERR_READONLY, 1, 403, "read_only" },
};

int err_set(struct err *err, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	err->code = code;
	vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	return code;
}

static int code_of_errno(int number)
{
	switch (number) {
	case ENOENT:
		return ERR_NOT_FOUND;
	case EEXIST:
		return ERR_EXISTS;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return ERR_FULL;
	case EROFS:
	case EACCES:
	case EPERM:
		return ERR_READONLY;
	case EAGAIN:
	case EBUSY:
		return ERR_BUSY;
	case EINTR:
		return ERR_INTERRUPTED;
	case ETIMEDOUT:
		return ERR_TIMEOUT;
	default:
		return ERR_IO;
	}
}

int err_sys(struct err *err, const char *format, ...)
{
	int number = errno;
	char reason[128];
	va_list args;
	size_t used;

	snprintf(reason, sizeof(reason), ": %s", strerror(number));
	va_start(args, format);
	err->code = code_of_errno(number);
	/* A long path is cut rather than the reason. */
	vsnprintf(err->message, sizeof(err->message) - strlen(reason), format, args);
	va_end(args);
	used = strlen(err->message);
	memcpy(err->message + used, reason, strlen(reason) + 1);
	return err->code;
}

int err_context(struct err *err, const char *format, ...)
{
	char inner[ERR_MESSAGE_BYTES];
	va_list args;
	size_t used;

	memcpy(inner, err->message, sizeof(inner));
	va_start(args, format);
	vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	used = strlen(err->message);
	snprintf(err->message + used, sizeof(err->message) - used, ": %s", inner);
	return err->code;
}

const char *err_name(int code)
{
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i].code == code)
			return codes[i].name;
	return "internal";
}

int err_exit_status(int code)
{
	if (code == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i].code == code)
			return codes[i].exit_status;
	return 1;
}

int err_http_status(int code)
{
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i].code == code)
			return codes[i].http_status;
	return 500;
}

void err_assert_failed(const char *condition, const char *file, int line)
{
	fprintf(stderr, "tt: bug: %s:%d: %s\n", file, line, condition);
	abort();
}
