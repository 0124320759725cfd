/*
 * The unit tests' harness: TAP 13 on standard output. A test program lists its cases in a table and
 * calls TAP_MAIN.
 *
 *   static void adds(void) { OK(1 + 1 == 2); IS_INT(1 + 1, 2); IS_STR(str, "expected"); }
 *   static const struct tap_case cases[] = { TAP_CASE(adds) };
 *   TAP_MAIN(cases)
 *
 * A failed check prints where and what, and the case goes on. `prog NAME` runs only the cases whose
 * name contains NAME.
 */
#ifndef TT_TESTS_TAP_H
#define TT_TESTS_TAP_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

struct tap_case {
	const char *name;
	void (*run)(void);
};

struct tap_state {
	int checks;
	int failed;
	const char *skip;
};

#define TAP_CASE(function)                                                                         \
	{                                                                                          \
#function, function                                                                \
	}

/* The one variable a test program shares among its cases. */
static struct tap_state tap;

__attribute__((format(printf, 4, 5), unused)) static int tap_check(
	int ok, const char *file, int line, const char *format, ...)
{
	va_list args;

	tap.checks++;
	if (ok)
		return 1;
	tap.failed++;
	printf("# %s:%d: ", file, line);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	return 0;
}

__attribute__((unused)) static int tap_is_str(
	struct str got, struct str want, const char *file, int line)
{
	return tap_check(str_eq(got, want), file, line, "got '%.*s', want '%.*s'", STR_ARG(got),
		STR_ARG(want));
}

__attribute__((unused)) static int tap_is_int(
	long long got, long long want, const char *what, const char *file, int line)
{
	return tap_check(got == want, file, line, "%s: got %lld, want %lld", what, got, want);
}

/* Each returns whether it held, so that a case can stop: if (!OK(ptr)) return; */
#define OK(condition) tap_check((condition) != 0, __FILE__, __LINE__, "not true: %s", #condition)
#define IS_INT(got, want) tap_is_int((long long)(got), (long long)(want), #got, __FILE__, __LINE__)
#define IS_STR(got, want) tap_is_str((got), str_from(want), __FILE__, __LINE__)
#define IS_CSTR(got, want) tap_is_str(str_from(got), str_from(want), __FILE__, __LINE__)
/* Give up on a case for a reason outside the program; shown as SKIP, never in CI (where it fails).
 */
#define SKIP(reason) (tap.skip = (reason))

__attribute__((unused)) static int tap_main(
	const struct tap_case *cases, size_t count, int argc, char **argv)
{
	int number = 0, bad = 0;
	int ci = getenv("CI") != NULL;

	printf("TAP version 13\n");
	for (size_t i = 0; i < count; i++) {
		if (argc > 1 && !strstr(cases[i].name, argv[1]))
			continue;
		tap = (struct tap_state){ 0 };
		cases[i].run();
		number++;
		if (tap.skip && !ci) {
			printf("ok %d - %s # SKIP %s\n", number, cases[i].name, tap.skip);
			continue;
		}
		if (tap.checks == 0)
			printf("# %s: no checks ran%s%s\n", cases[i].name, tap.skip ? ": " : "",
				tap.skip ? tap.skip : "");
		if (tap.failed || tap.checks == 0)
			bad++;
		printf("%s %d - %s\n", tap.failed || tap.checks == 0 ? "not ok" : "ok", number,
			cases[i].name);
		fflush(stdout);
	}
	printf("1..%d\n", number);
	return bad != 0;
}

#define TAP_MAIN(cases)                                                                            \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		return tap_main(cases, ARRAY_LEN(cases), argc, argv);                              \
	}

#endif
