/*
 * Writing CSV as RFC 4180 has it: fields quoted where they must be, lines ended by CR LF. Text of
 * others cannot become a formula of the spreadsheet that opens it: one that begins with = + - @, a
 * tab or a CR gets an apostrophe before it.
 */
#ifndef TT_BASE_CSV_H
#define TT_BASE_CSV_H

#include "base/buf.h"

/* Appends to OUT and places commas itself. All-zero with OUT set is a valid fresh one. */
struct csv {
	struct buf *out;
	size_t row_start; /* length of OUT where the open row began */
	size_t fields;    /* of the open row */
};

/* Invalid UTF-8 and NUL become U+FFFD. An empty text is an empty field. */
void csv_text(struct csv *csv, struct str text);
void csv_i64(struct csv *csv, int64_t value);
/* Finite; the shortest text that reads back. */
void csv_double(struct csv *csv, double value);
void csv_empty(struct csv *csv);
/* End the row; one that would be an empty line holds one quoted empty field. */
void csv_end(struct csv *csv);

#endif
