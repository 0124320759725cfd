/* The one printer of tables and bars for people. Cells are UTF-8; control characters are shown
 * escaped, never sent on. */
#ifndef TT_BASE_TABLE_H
#define TT_BASE_TABLE_H

#include "base/buf.h"
#include "base/mem.h"

enum table_align { TABLE_LEFT, TABLE_RIGHT };

struct table;

/* COLUMNS headings ("" for none at all in any column: no heading line), copied. */
struct table *table_new(struct arena *arena, size_t columns, const char *const headings[],
	const enum table_align aligns[]);
/* One row of as many cells, copied. */
void table_row(struct table *table, const struct str cells[]);
size_t table_rows(const struct table *table);
/* Two spaces between columns, no trailing spaces, a newline per row. */
void table_print(const struct table *table, struct buf *out);

/* Ten cells of full and light blocks: round(10 x value / max), at least one when 0 < value, none
 * when max is 0. */
void table_bar(int64_t value, int64_t max, struct buf *out);
/* TEXT fit for a terminal: control characters and invalid UTF-8 escaped as \xNN. */
void table_clean(struct buf *out, struct str text);

#endif
