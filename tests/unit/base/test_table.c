/* Tables, bars, and text made fit for a terminal. */
#include "base/table.h"

#include "tap.h"

static const enum table_align aligns[] = { TABLE_LEFT, TABLE_RIGHT, TABLE_LEFT };

static void add(struct table *table, const char *a, const char *b, const char *c)
{
	const struct str cells[] = { str_from(a), str_from(b), str_from(c) };

	table_row(table, cells);
}

static void columns_are_aligned(void)
{
	static const char *const headings[] = { "stream", "time", "machine" };
	struct arena arena = { 0 };
	struct table *table = table_new(&arena, 3, headings, aligns);
	struct buf out = BUF_INIT;

	add(table, "fix the parser", "1h 05m", "laptop");
	add(table, "mail", "7m", "");
	add(table, "", "", "");
	IS_INT(table_rows(table), 3);
	table_print(table, &out);
	IS_STR(buf_str(&out), "stream            time  machine\n"
			      "fix the parser  1h 05m  laptop\n"
			      "mail                7m\n"
			      "\n");
	buf_release(&out);
	arena_release(&arena);
}

static void headings_widen_columns(void)
{
	static const char *const headings[] = { "s", "duration", "" };
	struct arena arena = { 0 };
	struct table *table = table_new(&arena, 3, headings, aligns);
	struct buf out = BUF_INIT;

	add(table, "a", "1m", "x");
	table_print(table, &out);
	IS_STR(buf_str(&out), "s  duration\n"
			      "a        1m  x\n");
	buf_release(&out);
	arena_release(&arena);
}

static void without_headings_there_is_no_heading_line(void)
{
	static const char *const headings[] = { "", "", "" };
	struct arena arena = { 0 };
	struct table *table = table_new(&arena, 3, headings, aligns);
	struct buf out = BUF_INIT;

	table_print(table, &out);
	IS_INT(out.len, 0);
	IS_INT(table_rows(table), 0);
	add(table, "a", "b", "c");
	buf_addc(&out, "before ");
	table_print(table, &out);
	IS_STR(buf_str(&out), "before a  b  c\n");
	buf_release(&out);
	arena_release(&arena);
}

static void widths_are_columns(void)
{
	static const char *const headings[] = { "", "", "" };
	struct arena arena = { 0 };
	struct table *table = table_new(&arena, 3, headings, aligns);
	struct buf out = BUF_INIT;

	add(table, "日本", "ü", "|");
	add(table, "abcdef", "xyz", "|");
	add(table, "e\xcc\x81", "…", "|");
	table_print(table, &out);
	IS_STR(buf_str(&out), "日本      ü  |\n"
			      "abcdef  xyz  |\n"
			      "e\xcc\x81         …  |\n");
	buf_release(&out);
	arena_release(&arena);
}

static void cells_are_copied_and_cleaned(void)
{
	static const char *const headings[] = { "", "", "" };
	struct arena arena = { 0 };
	struct table *table = table_new(&arena, 3, headings, aligns);
	struct buf out = BUF_INIT;
	char text[] = "red\x1b[31m\n";
	struct str cells[] = { str_from(text), STR("b"), STR("a\0b") };

	table_row(table, cells);
	memset(text, '!', sizeof(text) - 1);
	add(table, "x", "c", "d");
	table_print(table, &out);
	IS_STR(buf_str(&out), "red\\x1b[31m\\x0a  b  a\\x00b\n"
			      "x                c  d\n");
	buf_release(&out);
	arena_release(&arena);
}

static void clean_text(void)
{
	static const struct {
		struct str text;
		const char *want;
	} table[] = {
		{ STR_INIT(""), "" },
		{ STR_INIT("plain ~ text"), "plain ~ text" },
		{ STR_INIT("ä € 日 😀"), "ä € 日 😀" },
		{ STR_INIT("\t\r\n\0\x7f"), "\\x09\\x0d\\x0a\\x00\\x7f" },
		{ STR_INIT("\xc2\x9b"
			   "31m"),
			"\\xc2\\x9b31m" },
		{ STR_INIT("\xc2\xa0"), "\xc2\xa0" },
		{ STR_INIT("\xff"
			   "a\xc3"),
			"\\xffa\\xc3" },
		{ STR_INIT("\xed\xa0\x80"), "\\xed\\xa0\\x80" },
		{ STR_INIT("a\xe2\x80\xae"
			   "b"),
			"a\\xe2\\x80\\xae"
			"b" },
		{ STR_INIT("\xe2\x81\xa7"), "\\xe2\\x81\\xa7" },
		{ STR_INIT("👩\xe2\x80\x8d💻"), "👩\xe2\x80\x8d💻" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct buf out = BUF_INIT;

		table_clean(&out, table[i].text);
		IS_STR(buf_str(&out), table[i].want);
		buf_release(&out);
	}
}

static void bars(void)
{
	static const struct {
		int64_t value;
		int64_t max;
		const char *want;
	} table[] = {
		{ 0, 0, "" },
		{ 5, 0, "" },
		{ 5, -1, "" },
		{ 0, 100, "░░░░░░░░░░" },
		{ -7, 100, "░░░░░░░░░░" },
		{ 1, 100, "█░░░░░░░░░" },
		{ 4, 100, "█░░░░░░░░░" },
		{ 5, 100, "█░░░░░░░░░" },
		{ 14, 100, "█░░░░░░░░░" },
		{ 15, 100, "██░░░░░░░░" },
		{ 50, 100, "█████░░░░░" },
		{ 94, 100, "█████████░" },
		{ 95, 100, "██████████" },
		{ 100, 100, "██████████" },
		{ 700, 100, "██████████" },
		{ 1, 3, "███░░░░░░░" },
		{ 1, INT64_MAX, "█░░░░░░░░░" },
		{ INT64_MAX / 2, INT64_MAX, "█████░░░░░" },
		{ INT64_MAX - 1, INT64_MAX, "██████████" },
		{ INT64_MAX, INT64_MAX, "██████████" },
		{ INT64_MIN, INT64_MAX, "░░░░░░░░░░" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct buf out = BUF_INIT;

		table_bar(table[i].value, table[i].max, &out);
		IS_STR(buf_str(&out), table[i].want);
		buf_release(&out);
	}
}

static const struct tap_case cases[] = {
	TAP_CASE(columns_are_aligned),
	TAP_CASE(headings_widen_columns),
	TAP_CASE(without_headings_there_is_no_heading_line),
	TAP_CASE(widths_are_columns),
	TAP_CASE(cells_are_copied_and_cleaned),
	TAP_CASE(clean_text),
	TAP_CASE(bars),
};

TAP_MAIN(cases)
