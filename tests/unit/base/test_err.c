/* Errors: codes, messages, context, and what a code means outside. */
#include "tap.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"

static void sets_code_and_message(void)
{
	struct err err = { 0 };

	IS_INT(err_set(&err, ERR_PARSE, "line %d: %s", 3, "bad"), ERR_PARSE);
	IS_INT(err.code, ERR_PARSE);
	IS_CSTR(err.message, "line 3: bad");
	IS_INT(err_set(&err, ERR_LIMIT, "again"), ERR_LIMIT);
	IS_CSTR(err.message, "again");
}

static void puts_context_before(void)
{
	struct err err = { 0 };

	(void)err_set(&err, ERR_NOT_FOUND, "no such bucket");
	IS_INT(err_context(&err, "reading '%s'", "x"), ERR_NOT_FOUND);
	IS_INT(err_context(&err, "sync"), ERR_NOT_FOUND);
	IS_CSTR(err.message, "sync: reading 'x': no such bucket");
}

static void chooses_a_code_from_errno(void)
{
	static const struct {
		int number;
		int code;
	} rows[] = { { ENOENT, ERR_NOT_FOUND }, { EEXIST, ERR_EXISTS }, { ENOSPC, ERR_FULL },
		{ EDQUOT, ERR_FULL }, { EFBIG, ERR_FULL }, { EROFS, ERR_READONLY },
		{ EACCES, ERR_READONLY }, { EPERM, ERR_READONLY }, { EAGAIN, ERR_BUSY },
		{ EBUSY, ERR_BUSY }, { EINTR, ERR_INTERRUPTED }, { ETIMEDOUT, ERR_TIMEOUT },
		{ EIO, ERR_IO }, { EISDIR, ERR_IO } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = { 0 };
		char want[256];

		errno = rows[i].number;
		IS_INT(err_sys(&err, "cannot open '%s'", "f"), rows[i].code);
		IS_INT(err.code, rows[i].code);
		snprintf(want, sizeof(want), "cannot open 'f': %s", strerror(rows[i].number));
		IS_CSTR(err.message, want);
	}
}

static void cuts_what_is_too_long(void)
{
	struct err err = { 0 };
	char path[3 * ERR_MESSAGE_BYTES];
	struct str message;

	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	(void)err_set(&err, ERR_IO, "%s", path);
	IS_INT(strlen(err.message), ERR_MESSAGE_BYTES - 1);
	(void)err_context(&err, "context");
	IS_INT(strlen(err.message), ERR_MESSAGE_BYTES - 1);
	OK(str_starts(str_from(err.message), STR("context: ppp")));
	(void)err_context(&err, "%s", path);
	IS_INT(strlen(err.message), ERR_MESSAGE_BYTES - 1);

	/* Of a path that is too long, not the reason is cut. */
	errno = ENOSPC;
	IS_INT(err_sys(&err, "cannot write '%s'", path), ERR_FULL);
	message = str_from(err.message);
	IS_INT(message.len, ERR_MESSAGE_BYTES - 1);
	OK(str_starts(message, STR("cannot write 'ppp")));
	OK(str_ends(message, str_from(strerror(ENOSPC))));
}

static void every_code_has_its_own_name(void)
{
	for (int code = ERR_READONLY; code < 0; code++) {
		OK(strcmp(err_name(code), "internal") != 0);
		OK(err_http_status(code) >= 400 && err_http_status(code) < 600);
		IS_INT(err_exit_status(code), code == ERR_USAGE ? 2 : 1);
		for (int other = ERR_READONLY; other < code; other++)
			OK(strcmp(err_name(code), err_name(other)) != 0);
	}
	IS_CSTR(err_name(ERR_NOT_FOUND), "not_found");
	IS_INT(err_http_status(ERR_NOT_FOUND), 404);
	IS_INT(err_http_status(ERR_PARSE), 400);
	IS_INT(err_exit_status(0), 0);
	IS_CSTR(err_name(-999), "internal");
	IS_INT(err_exit_status(-999), 1);
	IS_INT(err_http_status(-999), 500);
}

static void a_false_assertion_aborts_and_says_where(void)
{
	int pipe_ends[2], status = 0;
	char text[512] = "";
	pid_t pid;

	ASSERT(1 + 1 == 2);
	if (!OK(pipe(pipe_ends) == 0))
		return;
	pid = fork();
	if (pid == 0) {
		dup2(pipe_ends[1], STDERR_FILENO);
		ASSERT(pid != 0);
		_exit(0);
	}
	close(pipe_ends[1]);
	OK(read(pipe_ends[0], text, sizeof(text) - 1) > 0);
	close(pipe_ends[0]);
	OK(waitpid(pid, &status, 0) == pid);
	OK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	OK(strstr(text, "test_err.c:") != NULL);
	OK(strstr(text, "pid != 0") != NULL);
}

static const struct tap_case cases[] = {
	TAP_CASE(sets_code_and_message),
	TAP_CASE(puts_context_before),
	TAP_CASE(chooses_a_code_from_errno),
	TAP_CASE(cuts_what_is_too_long),
	TAP_CASE(every_code_has_its_own_name),
	TAP_CASE(a_false_assertion_aborts_and_says_where),
};

TAP_MAIN(cases)
