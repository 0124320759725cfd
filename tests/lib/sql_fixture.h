/* SQL of people: what tests of it in both databases share. */
#ifndef TT_TESTS_SQL_FIXTURE_H
#define TT_TESTS_SQL_FIXTURE_H

#include "store/sql.h"
#include "store_fixture.h"

enum { MOST_COLUMNS = 64, TIMEOUT_MS = 20000 };

/* Of the events that a test asks about: what differs between them. */
struct sql_content {
	const char *type;
	int64_t after_ns; /* T0 */
	const char *discriminator;
	const char *data;
	int64_t duration_ns;
};

/* A new store with these, and a line in quarantine. */
static struct store *sql_filled(struct fixture *f, const struct sql_content *content, size_t count)
{
	struct store *store = open_new(f);
	struct intake *intake = begin(store);
	struct quarantine_entry bad = { .source = STR("claude"), .path = STR("/log"), .offset = 7 };
	struct err err;

	for (size_t i = 0; i < count; i++) {
		struct event event = event_make(&f->arena, content[i].type,
			T0 + content[i].after_ns, content[i].discriminator, content[i].data);

		event.duration_ns = content[i].duration_ns;
		OK(take(intake, event) == INTAKE_NEW);
	}
	bad.reason = STR("not_json");
	bad.bytes = STR("{");
	bad.bytes_total = 1;
	GOOD(intake_quarantine(intake, &bad, &err));
	GOOD(intake_commit(intake, &err));
	intake_free(intake);
	return store;
}

static int open_sql(struct fixture *f, const char *statement, int64_t timeout_ms, struct sql **out,
	struct err *err)
{
	const struct sql_options options = {
		.url = f->path, .user = f->place.user, .timeout_ms = timeout_ms, .now_ns = T0
	};

	return sql_open(out, &options, str_from(statement), err);
}

static void add_value(struct buf *out, const struct sql_value *value)
{
	switch (value->kind) {
	case SQL_NULL:
		buf_addc(out, "NULL");
		break;
	case SQL_INTEGER:
		buf_i64(out, value->integer);
		break;
	case SQL_REAL:
		buf_printf(out, "%.2f", value->real);
		break;
	case SQL_TEXT:
		buf_add(out, value->text);
		break;
	case SQL_BLOB:
		buf_printf(out, "blob %zu", value->text.len);
		break;
	}
}

/* All rows as text: columns by '|', rows by newline; what failed as "! CODE message". */
static struct str ask_for(struct fixture *f, const char *statement, int64_t timeout_ms)
{
	struct sql *sql CLEANUP(sql_closep) = NULL;
	struct sql_value row[MOST_COLUMNS];
	struct buf out CLEANUP(buf_release) = BUF_INIT;
	struct err err = { 0 };
	int rc = open_sql(f, statement, timeout_ms, &sql, &err);

	while (rc >= 0 && (rc = sql_next(sql, row, &err)) == 1) {
		for (size_t i = 0; i < sql_columns(sql); i++) {
			if (i > 0)
				buf_byte(&out, '|');
			add_value(&out, &row[i]);
		}
		buf_byte(&out, '\n');
	}
	if (rc < 0)
		buf_printf(&out, "! %s %s", err_name(rc), err.message);
	else
		IS_INT(sql_next(sql, row, &err), 0);
	return arena_str(&f->arena, buf_str(&out));
}

static struct str ask(struct fixture *f, const char *statement)
{
	return ask_for(f, statement, TIMEOUT_MS);
}

#endif
