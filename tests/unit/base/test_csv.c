/* CSV: quoting, formulas, bytes that are no text, and that a reader gets back what was written. */
#include "base/csv.h"

#include "tap.h"

static struct buf out;

static struct str one(struct str text)
{
	struct csv csv = { .out = &out };

	buf_clear(&out);
	csv_text(&csv, text);
	csv_end(&csv);
	return str_sub(buf_str(&out), 0, out.len - 2);
}

static void rows_are_separated(void)
{
	struct csv csv = { .out = &out };

	buf_clear(&out);
	csv_text(&csv, STR("a"));
	csv_i64(&csv, -5);
	csv_empty(&csv);
	csv_double(&csv, 0.1);
	csv_end(&csv);
	csv_text(&csv, STR(""));
	csv_text(&csv, STR("b"));
	csv_end(&csv);
	IS_STR(buf_str(&out), "a,-5,,0.1\r\n,b\r\n");
}

static void a_row_is_never_an_empty_line(void)
{
	struct csv csv = { .out = &out };

	buf_clear(&out);
	csv_text(&csv, STR(""));
	csv_end(&csv);
	csv_empty(&csv);
	csv_end(&csv);
	csv_empty(&csv);
	csv_empty(&csv);
	csv_end(&csv);
	IS_STR(buf_str(&out), "\"\"\r\n\"\"\r\n,\r\n");
}

static void quotes_where_they_must_be(void)
{
	IS_STR(one(STR("plain text")), "plain text");
	IS_STR(one(STR("a,b")), "\"a,b\"");
	IS_STR(one(STR("say \"hi\"")), "\"say \"\"hi\"\"\"");
	IS_STR(one(STR("two\nlines")), "\"two\nlines\"");
	IS_STR(one(STR("two\r\nlines")), "\"two\r\nlines\"");
	IS_STR(one(STR(" edge")), "\" edge\"");
	IS_STR(one(STR("edge ")), "\"edge \"");
	IS_STR(one(STR("\"")), "\"\"\"\"");
}

static void formulas_are_text(void)
{
	IS_STR(one(STR("=1+1")), "'=1+1");
	IS_STR(one(STR("+1")), "'+1");
	IS_STR(one(STR("-1")), "'-1");
	IS_STR(one(STR("@SUM(A1)")), "'@SUM(A1)");
	IS_STR(one(STR("\tx")), "'\tx");
	IS_STR(one(STR("\rx")), "\"'\rx\"");
	IS_STR(one(STR("=HYPERLINK(\"http://x\",\"y\")")),
		"\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"");
	IS_STR(one(STR("a=1")), "a=1");
	IS_STR(one(STR("'=1")), "'=1");
}

static void bytes_that_are_no_text(void)
{
	IS_STR(one(STR("a\0b")), "a\xef\xbf\xbd"
				 "b");
	IS_STR(one(STR("caf\xe9")), "caf\xef\xbf\xbd");
	IS_STR(one(STR("\xf0\x9f\"x")), "\"\xef\xbf\xbd\xef\xbf\xbd\"\"x\"");
	IS_STR(one(STR("\0")), "\xef\xbf\xbd");
	IS_STR(one(STR("\xc3\xa4,")), "\"\xc3\xa4,\"");
}

/* Read the field at *AT as a reader of RFC 4180 does; *AT moves to the byte behind it. */
static struct str read_field(struct str row, size_t *at, struct buf *field)
{
	bool quoted = *at < row.len && row.ptr[*at] == '"';

	buf_clear(field);
	*at += quoted;
	while (*at < row.len) {
		char byte = row.ptr[*at];

		if (quoted && byte == '"') {
			if (*at + 1 >= row.len || row.ptr[*at + 1] != '"') {
				++*at;
				break;
			}
			++*at;
		} else if (!quoted && (byte == ',' || byte == '\r')) {
			break;
		}
		buf_byte(field, byte);
		++*at;
	}
	return buf_str(field);
}

static void what_was_written_is_read(void)
{
	static const char alphabet[] = "ab\"\",,\r\n '=x";
	struct buf field = BUF_INIT, text = BUF_INIT;
	unsigned state = 1;

	for (int round = 0; round < 5000; round++) {
		struct csv csv = { .out = &out };
		struct str want;
		size_t at = 0;

		buf_clear(&out);
		buf_clear(&text);
		for (unsigned i = state % 9; i > 0; i--) {
			state = state * 1103515245u + 12345u;
			buf_byte(&text, alphabet[(state >> 16) % (sizeof(alphabet) - 1)]);
		}
		state = state * 1103515245u + 12345u;
		want = buf_str(&text);
		csv_text(&csv, want);
		csv_text(&csv, STR("end"));
		csv_end(&csv);
		read_field(buf_str(&out), &at, &field);
		if (want.len > 0 && memchr("=\r", want.ptr[0], 2))
			buf_consume(&field, 1);
		if (!OK(str_eq(buf_str(&field), want)) || !OK(out.ptr[at++] == ','))
			break;
		IS_STR(read_field(buf_str(&out), &at, &field), "end");
	}
	buf_release(&field);
	buf_release(&text);
	buf_release(&out);
}

static const struct tap_case cases[] = {
	TAP_CASE(rows_are_separated),
	TAP_CASE(a_row_is_never_an_empty_line),
	TAP_CASE(quotes_where_they_must_be),
	TAP_CASE(formulas_are_text),
	TAP_CASE(bytes_that_are_no_text),
	TAP_CASE(what_was_written_is_read),
};

TAP_MAIN(cases)
