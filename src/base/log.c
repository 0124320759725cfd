/*
 * One message is one line and one write(2), so that lines of several processes do not mix. What a
 * message quotes comes from outside: line breaks and other control characters become spaces, bytes
 * that are not UTF-8 become U+FFFD, so that no text can forge a line or steer the terminal.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/utf8.h"

/* Also the C1 controls, U+0080 to U+009F, which some terminals obey. */
static void blank_controls(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < 0x20 || c == 0x7f)
			text[i] = ' ';
		if (c == 0xc2 && i + 1 < len && (unsigned char)text[i + 1] < 0xa0)
			text[i] = text[i + 1] = ' ';
	}
}

static void put_line(const struct log *log, const char *prefix, const char *kind,
	const char *format, va_list args) PRINTF_LIKE(4, 0);

static void put_line(const struct log *log, const char *prefix, const char *kind,
	const char *format, va_list args)
{
	CLEANUP(buf_release) struct buf line = BUF_INIT;
	CLEANUP(mem_freep) char *message = NULL;
	struct err ignored;
	size_t begin;
	int len = vasprintf(&message, format, args);

	ASSERT(len >= 0);
	while (len > 0 && message[len - 1] == '\n')
		len--;
	buf_addc(&line, log->before ? log->before : "");
	begin = line.len;
	buf_addc(&line, prefix);
	buf_addc(&line, kind);
	utf8_add_clean(&line, (struct str){ message, (size_t)len });
	if (line.len > begin)
		blank_controls(line.ptr + begin, line.len - begin);
	buf_byte(&line, '\n');
	/* A standard error that takes nothing leaves nobody to tell. */
	if (fs_write_all(STDERR_FILENO, "standard error", buf_str(&line), &ignored) < 0)
		return;
}

void log_warn(const struct log *log, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put_line(log, log->program, ": warning: ", format, args);
	va_end(args);
}

void log_info(const struct log *log, const char *format, ...)
{
	va_list args;

	if (log->level < LOG_NORMAL)
		return;
	va_start(args, format);
	put_line(log, "", "", format, args);
	va_end(args);
}

void log_debug(const struct log *log, const char *format, ...)
{
	va_list args;

	if (log->level < LOG_VERBOSE)
		return;
	va_start(args, format);
	put_line(log, "", "", format, args);
	va_end(args);
}
