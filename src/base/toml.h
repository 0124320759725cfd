/*
 * A strict reader of TOML 1.0 (toml.io/en/v1.0.0). Errors name line and column. The tree lives in
 * the arena. Values know where they stand, so that a wrong setting can be shown with its line.
 */
#ifndef TT_BASE_TOML_H
#define TT_BASE_TOML_H

#include "base/err.h"
#include "base/mem.h"

enum toml_type {
	TOML_STRING,
	TOML_INTEGER,
	TOML_FLOAT,
	TOML_BOOL,
	TOML_TIME, /* offset or local date-time, date or time: its text, checked */
	TOML_ARRAY,
	TOML_TABLE,
};

struct toml {
	enum toml_type type;
	unsigned line;
	unsigned column;
	struct str key; /* in its table; empty in arrays and for the root */
	union {
		struct str string; /* TOML_STRING, TOML_TIME */
		int64_t integer;
		double number;
		bool boolean;
	};
	struct toml *first; /* elements or members, in order of appearance */
	struct toml *next;
};

/* ERR_PARSE: "line 3, column 7: …"; ERR_LIMIT: nested deeper than 64 or longer than 1 MiB. */
MUST_USE int toml_parse(struct toml **root, struct str text, struct arena *arena, struct err *err);
/* Member of a table, or NULL. */
const struct toml *toml_get(const struct toml *table, struct str key);

#endif
