/* Rows of SQL. They are printed as they come, except in a table, which must know how wide it is. */
#include "cli/query_sql.h"

#include <math.h>
#include <stdio.h>

#include "base/csv.h"
#include "base/hash.h"
#include "base/table.h"
#include "store/sql.h"

enum {
	USUAL_TIMEOUT_MS = 10000,
	USUAL_ROWS = 100000,
	TABLE_BYTES = 64 << 20, /* a table is laid out in memory */
	FLUSH_BYTES = 64 << 10,
	CLOSE_BYTES = 64,
};

struct rows {
	struct cli *cli;
	const struct query_sql_request *request;
	struct sql *sql;
	size_t columns;
	struct str *headings; /* no two the same */
	struct sql_value *values;
	struct str *cells;
	struct table *table;
	struct csv csv;
	struct buf scratch;
	int64_t count;
	bool cut;
};

static bool is_finite(const struct sql_value *value)
{
	return value->kind != SQL_REAL || isfinite(value->real);
}

static void put_value(struct json_writer *json, struct buf *scratch, const struct sql_value *value)
{
	switch (value->kind) {
	case SQL_INTEGER:
		json_put_i64(json, value->integer);
		break;
	case SQL_REAL:
		if (is_finite(value))
			json_put_double(json, value->real);
		else
			json_put_null(json);
		break;
	case SQL_TEXT:
		json_put_str(json, value->text);
		break;
	case SQL_BLOB:
		buf_clear(scratch);
		hash_hex((const uint8_t *)value->text.ptr, value->text.len,
			buf_reserve(scratch, 2 * value->text.len));
		json_put_str(json, (struct str){ scratch->ptr, 2 * value->text.len });
		break;
	default:
		json_put_null(json);
		break;
	}
}

/* The text of anything but text: as JSON writes it, without quotes. */
static struct str value_text(struct rows *rows, const struct sql_value *value)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct json_writer json = json_writer(&text);

	if (value->kind == SQL_TEXT)
		return value->text;
	if (value->kind == SQL_NULL || !is_finite(value))
		return (struct str){ "", 0 };
	put_value(&json, &rows->scratch, value);
	if (value->kind == SQL_BLOB)
		return arena_str(&rows->cli->arena, str_sub(buf_str(&text), 1, text.len - 2));
	return arena_str(&rows->cli->arena, buf_str(&text));
}

static void add_object(struct rows *rows)
{
	struct json_writer json = json_writer(&rows->cli->out);

	json_begin_object(&json);
	for (size_t i = 0; i < rows->columns; i++) {
		json_key(&json, rows->headings[i]);
		put_value(&json, &rows->scratch, &rows->values[i]);
	}
	json_end_object(&json);
}

static void add_csv(struct rows *rows)
{
	for (size_t i = 0; i < rows->columns; i++) {
		const struct sql_value *value = &rows->values[i];

		if (value->kind == SQL_INTEGER)
			csv_i64(&rows->csv, value->integer);
		else if (value->kind == SQL_REAL && is_finite(value))
			csv_double(&rows->csv, value->real);
		else
			csv_text(&rows->csv, value_text(rows, value));
	}
	csv_end(&rows->csv);
}

static int add_cells(struct rows *rows, struct err *err)
{
	if (rows->cli->arena.used_bytes > TABLE_BYTES)
		return err_set(err, ERR_LIMIT,
			"a table of more than %d MB; use --limit, --format json or --format csv",
			TABLE_BYTES >> 20);
	for (size_t i = 0; i < rows->columns; i++)
		rows->cells[i] = value_text(rows, &rows->values[i]);
	table_row(rows->table, rows->cells);
	return 0;
}

static int add_row(struct rows *rows, struct err *err)
{
	struct buf *out = &rows->cli->out;

	switch (rows->request->format) {
	case QUERY_TABLE:
		return add_cells(rows, err);
	case QUERY_CSV:
		add_csv(rows);
		break;
	case QUERY_LINES:
		add_object(rows);
		buf_byte(out, '\n');
		break;
	case QUERY_OBJECT:
		if (rows->count > 0)
			buf_byte(out, ',');
		add_object(rows);
		break;
	}
	return out->len >= FLUSH_BYTES ? cli_flush(rows->cli, err) : 0;
}

/* A name that stands twice gets a number, so that an object has it once. */
static struct str unique_heading(struct rows *rows, size_t index)
{
	struct str name = sql_column(rows->sql, index);
	struct str heading = arena_str(&rows->cli->arena, name);

	for (size_t i = 0, number = 2; i < index; i++) {
		if (!str_eq(rows->headings[i], heading))
			continue;
		heading = arena_printf(&rows->cli->arena, "%.*s_%zu", STR_ARG(name), number++);
		i = SIZE_MAX; /* from the first again */
	}
	return heading;
}

static void begin_table(struct rows *rows)
{
	struct arena *arena = &rows->cli->arena;
	const char **headings = arena_zalloc(arena, rows->columns, sizeof(*headings));
	enum table_align *aligns = arena_zalloc(arena, rows->columns, sizeof(*aligns));

	for (size_t i = 0; i < rows->columns; i++)
		headings[i] = rows->headings[i].ptr;
	rows->table = table_new(arena, rows->columns, headings, aligns);
}

static void begin(struct rows *rows)
{
	struct arena *arena = &rows->cli->arena;
	struct buf *out = &rows->cli->out;
	struct json_writer json = json_writer(out);

	rows->columns = sql_columns(rows->sql);
	rows->headings = arena_zalloc(arena, rows->columns, sizeof(*rows->headings));
	rows->values = arena_zalloc(arena, rows->columns, sizeof(*rows->values));
	rows->cells = arena_zalloc(arena, rows->columns, sizeof(*rows->cells));
	rows->csv.out = out;
	for (size_t i = 0; i < rows->columns; i++)
		rows->headings[i] = unique_heading(rows, i);
	if (rows->request->format == QUERY_TABLE)
		begin_table(rows);
	if (rows->request->format == QUERY_CSV) {
		for (size_t i = 0; i < rows->columns; i++)
			csv_text(&rows->csv, rows->headings[i]);
		csv_end(&rows->csv);
	}
	if (rows->request->format == QUERY_OBJECT) {
		buf_addc(out, "{\"columns\":");
		json_begin_array(&json);
		for (size_t i = 0; i < rows->columns; i++)
			json_put_str(&json, rows->headings[i]);
		json_end_array(&json);
		buf_addc(out, ",\"rows\":[");
	}
}

/* RC: how it went so far. */
static int end(struct rows *rows, int rc, struct err *err)
{
	struct cli *cli = rows->cli;
	char close[CLOSE_BYTES];

	snprintf(close, sizeof(close), "],\"count\":%lld,\"truncated\":%s", (long long)rows->count,
		rows->cut || rc < 0 ? "true" : "false");
	if (rc < 0) {
		err_context(err, "--sql");
		return query_fail(cli, str_from(close), err);
	}
	if (rows->request->format == QUERY_TABLE)
		table_print(rows->table, &cli->out);
	if (rows->request->format == QUERY_OBJECT)
		buf_printf(&cli->out, "%s}\n", close);
	if (cli_flush(cli, err) < 0)
		return err->code;
	if (rows->cut && rows->request->limit < 0)
		log_info(&cli->log, "the first %lld rows; there are more (--limit)",
			(long long)rows->count);
	return 0;
}

static int print_rows(struct rows *rows, struct err *err)
{
	int64_t limit = rows->request->limit >= 0 ? rows->request->limit : USUAL_ROWS;
	int rc;

	begin(rows);
	while ((rc = sql_next(rows->sql, rows->values, err)) == 1) {
		rows->cut = rows->count == limit;
		if (rows->cut)
			break;
		rc = add_row(rows, err);
		if (rc < 0)
			break;
		rows->count++;
	}
	return end(rows, rc, err);
}

int query_sql_run(struct cli *cli, const struct query_sql_request *request, struct err *err)
{
	struct rows rows = { .cli = cli, .request = request };
	struct sql_options options = { .timeout_ms = USUAL_TIMEOUT_MS, .now_ns = cli->now_ns };
	struct store *store;
	int rc;

	if (request->timeout) {
		if (duration_parse(str_from(request->timeout), &options.timeout_ms, err) < 0) {
			err_context(err, "--timeout");
			return err->code = ERR_USAGE;
		}
		options.timeout_ms = (options.timeout_ms + NS_PER_MS - 1) / NS_PER_MS;
	}
	rc = query_store(cli, &store, err);
	if (rc < 0)
		return rc;
	options.url = cli_store_url(cli);
	options.user = cli->config.user;
	rc = sql_open(&rows.sql, &options, str_from(request->statement), err);
	if (rc < 0)
		return err_context(err, "--sql");
	rc = print_rows(&rows, err);
	sql_close(rows.sql);
	buf_release(&rows.scratch);
	return rc;
}
