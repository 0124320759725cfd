/* Messages: what is shown at which level, and that a message is one line in one write. */
#include "tap.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

/*
 * What SAY writes to standard error as LOG, in TEXT. Through a socket that keeps each write apart:
 * returns how many there were.
 */
static int capture(void (*say)(const struct log *), int level, char *text, size_t size)
{
	struct log log = { .level = level, .program = "tt" };
	int ends[2], saved = dup(STDERR_FILENO), writes = 0;
	ssize_t got;
	size_t used = 0;

	if (saved < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) < 0)
		abort();
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	say(&log);
	dup2(saved, STDERR_FILENO);
	close(saved);
	while ((got = read(ends[0], text + used, size - 1 - used)) > 0) {
		used += (size_t)got;
		writes++;
	}
	close(ends[0]);
	text[used] = '\0';
	return writes;
}

static void say_all(const struct log *log)
{
	log_warn(log, "disk is %d%% full", 99);
	log_info(log, "%d events", 3);
	log_debug(log, "opened %s", "x");
}

static void each_level_shows_its_own(void)
{
	static const struct {
		int level;
		int writes;
		const char *text;
	} rows[] = {
		{ LOG_QUIET, 1, "tt: warning: disk is 99% full\n" },
		{ LOG_NORMAL, 2, "tt: warning: disk is 99% full\n3 events\n" },
		{ LOG_VERBOSE, 3, "tt: warning: disk is 99% full\n3 events\nopened x\n" },
		{ LOG_DEBUG, 3, "tt: warning: disk is 99% full\n3 events\nopened x\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[1000];

		IS_INT(capture(say_all, rows[i].level, text, sizeof(text)), rows[i].writes);
		IS_CSTR(text, rows[i].text);
	}
}

static void say_foreign(const struct log *log)
{
	log_warn(log, "line '%s'\n",
		"a\ntt: warning: b\x1b[2J\x7f\xc2\x9b"
		"c\xff\xc3\xa9");
}

static void foreign_text_cannot_forge_lines(void)
{
	char text[1000];

	IS_INT(capture(say_foreign, LOG_NORMAL, text, sizeof(text)), 1);
	IS_CSTR(text, "tt: warning: line 'a tt: warning: b [2J   c\xef\xbf\xbd\xc3\xa9'\n");
}

static void say_much(const struct log *log)
{
	log_info(log, "%20000d", 1);
}

static void a_long_message_is_whole(void)
{
	char text[30000];

	IS_INT(capture(say_much, LOG_NORMAL, text, sizeof(text)), 1);
	IS_INT(strlen(text), 20001);
}

static void say_under_a_bar(const struct log *log)
{
	struct log barred = *log;

	barred.before = "\r\x1b[K";
	log_warn(&barred, "a\x1b[2J");
	log_info(&barred, "%s", "");
}

static void what_clears_a_progress_bar_is_sent_on(void)
{
	char text[100];

	IS_INT(capture(say_under_a_bar, LOG_NORMAL, text, sizeof(text)), 2);
	IS_CSTR(text, "\r\x1b[Ktt: warning: a [2J\n\r\x1b[K\n");
}

static void say_into_nothing(const struct log *log)
{
	close(STDERR_FILENO);
	log_warn(log, "nobody hears this");
}

static void a_closed_standard_error_harms_nothing(void)
{
	char text[100];

	IS_INT(capture(say_into_nothing, LOG_NORMAL, text, sizeof(text)), 0);
}

static const struct tap_case cases[] = {
	TAP_CASE(each_level_shows_its_own),
	TAP_CASE(foreign_text_cannot_forge_lines),
	TAP_CASE(a_long_message_is_whole),
	TAP_CASE(what_clears_a_progress_bar_is_sent_on),
	TAP_CASE(a_closed_standard_error_harms_nothing),
};

TAP_MAIN(cases)
