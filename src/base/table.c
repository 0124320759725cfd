/*
 * Tables for people: cells are made fit for a terminal when they are added, so that their widths
 * are known when the table is printed. Rows are a list in the arena.
 */
#include "base/table.h"

#include "base/utf8.h"

enum { BAR_CELLS = 10 };

struct cell {
	struct str text;
	size_t width; /* columns on a terminal */
};

struct row {
	struct row *next;
	struct cell cells[];
};

struct table {
	struct arena *arena;
	size_t columns;
	enum table_align *aligns;
	size_t *widths; /* the widest cell of each column */
	struct row *heading;
	bool has_heading;
	struct row *first;
	struct row **end;
	size_t rows;
};

/* Characters that reorder or break the line they stand in, though they are no control characters of
 * C0 and C1. */
static bool is_line_changing(struct str sequence)
{
	static const struct {
		const char *first;
		const char *last;
	} ranges[] = {
		{ "\xe2\x80\x8e", "\xe2\x80\x8f" }, /* U+200E, U+200F: direction marks */
		{ "\xe2\x80\xa8", "\xe2\x80\xae" }, /* separators, embeddings, overrides */
		{ "\xe2\x81\xa6", "\xe2\x81\xa9" }, /* U+2066 to U+2069: isolates */
	};

	for (size_t i = 0; sequence.len == 3 && i < ARRAY_LEN(ranges); i++)
		if (memcmp(sequence.ptr, ranges[i].first, 3) >= 0 &&
			memcmp(sequence.ptr, ranges[i].last, 3) <= 0)
			return true;
	return false;
}

static bool is_fit(struct str sequence)
{
	unsigned char first = (unsigned char)sequence.ptr[0];

	if (sequence.len == 1)
		return first >= 0x20 && first != 0x7f;
	if (sequence.len == 2 && first == 0xc2)
		return (unsigned char)sequence.ptr[1] >= 0xa0;
	return !is_line_changing(sequence);
}

void table_clean(struct buf *out, struct str text)
{
	for (size_t at = 0; at < text.len;) {
		size_t bytes = utf8_sequence(text, at);
		struct str sequence = { text.ptr + at, bytes > 0 ? bytes : 1 };

		if (bytes > 0 && is_fit(sequence))
			buf_add(out, sequence);
		else
			for (size_t i = 0; i < sequence.len; i++)
				buf_printf(out, "\\x%02x", (unsigned char)sequence.ptr[i]);
		at += sequence.len;
	}
}

static struct row *new_row(struct table *table, const struct str texts[])
{
	struct row *row = arena_zalloc(
		table->arena, 1, sizeof(*row) + table->columns * sizeof(row->cells[0]));
	struct buf clean = BUF_INIT;

	for (size_t i = 0; i < table->columns; i++) {
		struct cell *cell = &row->cells[i];

		buf_clear(&clean);
		table_clean(&clean, texts[i]);
		cell->text = arena_str(table->arena, buf_str(&clean));
		cell->width = utf8_columns(cell->text);
		if (cell->width > table->widths[i])
			table->widths[i] = cell->width;
	}
	buf_release(&clean);
	return row;
}

struct table *table_new(struct arena *arena, size_t columns, const char *const headings[],
	const enum table_align aligns[])
{
	struct table *table = arena_zalloc(arena, 1, sizeof(*table));
	struct str *texts = arena_zalloc(arena, columns, sizeof(*texts));

	table->arena = arena;
	table->columns = columns;
	table->aligns = arena_zalloc(arena, columns, sizeof(*table->aligns));
	table->widths = arena_zalloc(arena, columns, sizeof(*table->widths));
	table->end = &table->first;
	for (size_t i = 0; i < columns; i++) {
		table->aligns[i] = aligns[i];
		texts[i] = str_from(headings[i]);
		table->has_heading |= texts[i].len > 0;
	}
	table->heading = new_row(table, texts);
	return table;
}

void table_row(struct table *table, const struct str cells[])
{
	struct row *row = new_row(table, cells);

	*table->end = row;
	table->end = &row->next;
	table->rows++;
}

size_t table_rows(const struct table *table)
{
	return table->rows;
}

static void add_spaces(struct buf *out, size_t count)
{
	memset(buf_reserve(out, count), ' ', count);
	out->len += count;
	out->ptr[out->len] = '\0';
}

static void print_row(const struct table *table, const struct row *row, struct buf *out)
{
	size_t from = out->len;

	for (size_t i = 0; i < table->columns; i++) {
		const struct cell *cell = &row->cells[i];
		size_t padding = table->widths[i] - cell->width;

		if (i > 0)
			add_spaces(out, 2);
		if (table->aligns[i] == TABLE_RIGHT)
			add_spaces(out, padding);
		buf_add(out, cell->text);
		if (table->aligns[i] == TABLE_LEFT)
			add_spaces(out, padding);
	}
	while (out->len > from && out->ptr[out->len - 1] == ' ')
		out->len--;
	buf_byte(out, '\n');
}

void table_print(const struct table *table, struct buf *out)
{
	if (table->has_heading)
		print_row(table, table->heading, out);
	for (const struct row *row = table->first; row; row = row->next)
		print_row(table, row, out);
}

/* Of BAR_CELLS, the full ones: rounded half up, and whatever is more than nothing is seen. */
static int full_cells(int64_t value, int64_t max)
{
	int64_t full;

	if (value <= 0)
		return 0;
	if (value >= max)
		return BAR_CELLS;
	while (max > INT64_MAX / (4 * BAR_CELLS)) {
		max /= 2;
		value /= 2;
	}
	full = (2 * BAR_CELLS * value + max) / (2 * max);
	return full > 0 ? (int)full : 1;
}

void table_bar(int64_t value, int64_t max, struct buf *out)
{
	int full;

	if (max <= 0)
		return;
	full = full_cells(value, max);
	for (int i = 0; i < BAR_CELLS; i++)
		buf_addc(out, i < full ? "█" : "░");
}
