#include "query/lang/run.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/utf8.h"

enum { MESSAGE_BYTES = 400 };

static int code_of(enum lang_kind kind)
{
	switch (kind) {
	case LANG_PARSING_ERROR:
		return ERR_PARSE;
	case LANG_BUCKET_QUERY_ERROR:
		return ERR_NOT_FOUND;
	case LANG_LIMIT:
		return ERR_LIMIT;
	case LANG_STORE:
		return ERR_IO;
	default:
		return ERR_USAGE;
	}
}

/*
 * `Kind("text")`, TEXT escaped as a string literal of Rust is: clients show it as it is, and some
 * compare it. Behind it comes the place, if there is one.
 */
static int set_error(struct run *run, enum lang_kind kind, int code, const char *text,
	const struct lex_place *place)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;

	buf_addc(&out, lang_kind_name(kind));
	buf_addc(&out, "(\"");
	for (const char *at = text; *at; at++) {
		if (*at == '"' || *at == '\\')
			buf_byte(&out, '\\');
		if (*at == '\n' || *at == '\r' || *at == '\t')
			buf_addc(&out, *at == '\n' ? "\\n" : *at == '\r' ? "\\r" : "\\t");
		else if ((unsigned char)*at < ' ' || *at == '\x7f')
			buf_printf(&out, "\\u{%x}", (unsigned)*at);
		else
			buf_byte(&out, *at);
	}
	buf_addc(&out, "\")");
	if (place)
		buf_printf(&out, " at line %zu, column %zu", place->line, place->column);
	run->kind = kind;
	return err_set(run->err, code, "%s", buf_cstr(&out));
}

/* Into TEXT, cut between characters. */
PRINTF_LIKE(2, 0)
static void format_message(char text[static MESSAGE_BYTES], const char *format, va_list args)
{
	int len = vsnprintf(text, MESSAGE_BYTES, format, args);

	if (len >= MESSAGE_BYTES)
		text[utf8_cut(str_from(text), MESSAGE_BYTES - 5).len] = '\0';
}

int run_fail(struct run *run, enum lang_kind kind, const char *format, ...)
{
	char message[MESSAGE_BYTES];
	struct lex_place place;
	va_list args;

	va_start(args, format);
	format_message(message, format, args);
	va_end(args);
	if (run->at == RUN_NOWHERE)
		return set_error(run, kind, code_of(kind), message, NULL);
	place = lex_place(run->ast.program, (size_t)run->at);
	return set_error(run, kind, code_of(kind), message, &place);
}

int run_fail_code(struct run *run, enum lang_kind kind, int code, const char *format, ...)
{
	char message[MESSAGE_BYTES];
	va_list args;

	va_start(args, format);
	format_message(message, format, args);
	va_end(args);
	return set_error(run, kind, code, message, NULL);
}

int run_fail_store(struct run *run, int code, const char *what)
{
	struct err cause;

	if (run->kind != LANG_OK)
		return code; /* it was one of ours, on its way through the source */
	cause = *run->err;
	return run_fail_code(run, LANG_STORE, code, "%s: %s", what, cause.message);
}

int run_check(struct run *run)
{
	run->steps = 0;
	if (run->request->cancelled && run->request->cancelled(run->request->context))
		return run_fail_code(run, LANG_LIMIT, ERR_INTERRUPTED, "the query was cancelled");
	if (run->used_bytes > run->limit_bytes || run->scratch.used_bytes > run->limit_bytes)
		return run_fail_code(run, LANG_LIMIT, ERR_LIMIT,
			"the query needs more memory than the %zu MB it may have: ask for a "
			"shorter period",
			run->limit_bytes >> 20);
	if (clock_monotonic_ns() > run->deadline_ns)
		return run_fail_code(run, LANG_LIMIT, ERR_TIMEOUT,
			"the query took too long: ask for a shorter period");
	return 0;
}

int run_charge(struct run *run, size_t bytes)
{
	if (bytes <= run->limit_bytes && run->used_bytes <= run->limit_bytes - bytes) {
		run->used_bytes += bytes;
		return 0;
	}
	return run_fail_code(run, LANG_LIMIT, ERR_LIMIT,
		"the query needs more memory than the %zu MB it may have: ask for a shorter period",
		run->limit_bytes >> 20);
}

void run_refund(struct run *run, size_t bytes)
{
	ASSERT(bytes <= run->used_bytes);
	run->used_bytes -= bytes;
}

const struct data *run_data(struct run *run, struct str text)
{
	return data_pool_put(hoard_pool(run->hoard), text, &run->used_bytes);
}

int run_empty(struct run *run, struct events **out)
{
	int result = run->empty ? 0 : events_new(&run->empty, run, 0);

	*out = run->empty;
	return result;
}
