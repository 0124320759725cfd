/* RFC 4180, with care for what spreadsheets do to text (see csv.h). */
#include "base/csv.h"

#include "base/json.h"
#include "base/utf8.h"

static void begin_field(struct csv *csv)
{
	if (csv->fields++ == 0)
		csv->row_start = csv->out->len;
	else
		buf_byte(csv->out, ',');
}

static bool is_formula(struct str text)
{
	return text.len > 0 && memchr("=+-@\t\r", text.ptr[0], 6) != NULL;
}

static bool needs_quotes(struct str text)
{
	static const char special[] = "\",\r\n";

	if (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[text.len - 1] == ' '))
		return true;
	for (size_t i = 0; i < text.len; i++)
		if (memchr(special, text.ptr[i], sizeof(special) - 1))
			return true;
	return false;
}

/* Offset of the first quote or NUL at or behind FROM, or the length. */
static size_t find_special(struct str text, size_t from)
{
	while (from < text.len && text.ptr[from] != '"' && text.ptr[from] != '\0')
		from++;
	return from;
}

void csv_text(struct csv *csv, struct str text)
{
	bool quoted = needs_quotes(text);

	begin_field(csv);
	if (quoted)
		buf_byte(csv->out, '"');
	if (is_formula(text))
		buf_byte(csv->out, '\'');
	for (size_t from = 0; from < text.len;) {
		size_t end = find_special(text, from);

		utf8_add_clean(csv->out, str_sub(text, from, end - from));
		if (end < text.len)
			buf_add(csv->out, text.ptr[end] == '"' ? STR("\"\"") : UTF8_REPLACEMENT);
		from = end + 1;
	}
	if (quoted)
		buf_byte(csv->out, '"');
}

void csv_i64(struct csv *csv, int64_t value)
{
	begin_field(csv);
	buf_i64(csv->out, value);
}

void csv_double(struct csv *csv, double value)
{
	struct json_writer number = json_writer(csv->out);

	begin_field(csv);
	json_put_double(&number, value);
}

void csv_empty(struct csv *csv)
{
	begin_field(csv);
}

void csv_end(struct csv *csv)
{
	if (csv->fields == 1 && csv->out->len == csv->row_start)
		buf_addc(csv->out, "\"\"");
	buf_addc(csv->out, "\r\n");
	csv->fields = 0;
}
