/*
 * The one options parser. A command describes its options and operands in tables; help text and
 * errors come from them.
 * `--name VALUE`, `--name=VALUE`, `-x VALUE`, bundled short flags, `--` ends options. Unknown or
 * ambiguous: ERR_USAGE with the nearest name as a suggestion.
 */
#ifndef TT_BASE_ARGS_H
#define TT_BASE_ARGS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

enum args_kind {
	ARGS_FLAG,     /* no value; counted (int) */
	ARGS_TEXT,     /* const char *: the last one given wins */
	ARGS_LIST,     /* struct args_list: every one given */
	ARGS_COUNT,    /* int64_t, decimal, >= 0 */
	ARGS_OPTIONAL, /* const char *; `--name=VALUE` or alone (then "") */
};

struct args_list {
	const char **items;
	size_t count;
};

struct args_option {
	const char *name; /* long name without dashes */
	char letter;      /* short name or 0 */
	enum args_kind kind;
	size_t offset;     /* offsetof(struct of the command, field) */
	const char *value; /* placeholder in help: "FILE"; NULL for flags */
	const char *help;  /* one line */
};

/* What remains after options: at least MIN, at most MAX operands. */
struct args_spec {
	const struct args_option *options;
	size_t option_count;
	size_t min_operands;
	size_t max_operands;
	const char *operands; /* for usage lines: "REMOTE…" */
};

/*
 * Parse ARGV (without program and command name) by SPEC into VALUES, a zeroed struct, and OPERANDS.
 * Options of GLOBAL, whose values go to GLOBAL_VALUES, are accepted everywhere too (GLOBAL may be
 * NULL).
 */
MUST_USE int args_parse(const struct args_spec *spec, void *values, const struct args_spec *global,
	void *global_values, int argc, const char *const argv[], struct args_list *operands,
	struct arena *arena, struct err *err);
/* "  -l, --label LABEL   what it does" lines, aligned. */
void args_help(const struct args_option *options, size_t count, struct buf *out);
/* The nearest of NAMES to WORD by edit distance, or NULL when none is near. */
const char *args_nearest(const char *word, const char *const names[], size_t count);

#endif
