/* docs/query.md: its examples run, and it names every view and every column. */
#include "store/sql.h"

#include "base/fs.h"
#include "store_fixture.h"

enum { MOST_COLUMNS = 64, PAGE_BYTES = 1 << 20 };

static struct buf page;

static bool load_page(void)
{
	const char *path = getenv("QUERY_PAGE");
	struct err err;

	buf_clear(&page);
	return OK(path) && GOOD(fs_read(path, PAGE_BYTES, &page, &err));
}

static int open_sql(struct fixture *f, const char *statement, struct sql **out, struct err *err)
{
	const struct sql_options options = {
		.url = f->path, .timeout_ms = 20000, .now_ns = T0 + NS_PER_HOUR
	};

	return sql_open(out, &options, str_from(statement), err);
}

static void run_example(struct fixture *f, const char *statement)
{
	struct sql *sql CLEANUP(sql_closep) = NULL;
	struct sql_value row[MOST_COLUMNS];
	struct err err;
	int rows = 0, rc = -1;

	if (GOOD(open_sql(f, statement, &sql, &err)))
		while ((rc = sql_next(sql, row, &err)) == 1)
			rows++;
	tap_check(rc == 0 && rows > 0, __FILE__, __LINE__, "%d rows: %s", rows, statement);
}

/* One event that each example finds. */
static struct store *filled(struct fixture *f)
{
	static const struct {
		const char *type, *data;
	} events[] = {
		{ "agent_session",
			"{\"session_id\":\"s\",\"started_at\":\"2026-02-02T02:40:00Z\",\"ended_at\":"
			"\"2026-02-02T02:50:00Z\"}" },
		{ "user_message", "{\"session_id\":\"s\",\"length\":3}" },
		{ "agent_response", "{\"session_id\":\"s\",\"model\":\"m\",\"output_tokens\":3}" },
		{ "agent_tool_use",
			"{\"session_id\":\"s\",\"tool\":\"Edit\",\"tool_class\":\"edit\",\"file\":\"/a\"}" },
	};
	struct store *store = open_new(f);

	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		struct event event = event_make(&f->arena, events[i].type, T0, "k", events[i].data);

		OK(fixture_take(store, &event) == INTAKE_NEW);
	}
	return store;
}

static void examples_run(void)
{
	struct fixture f;
	struct store *store;
	struct str rest, fence = STR("```sql\n");
	int examples = 0;

	if (!load_page())
		return;
	store = filled(&f);
	rest = buf_str(&page);
	for (ptrdiff_t at; (at = str_find_str(rest, fence)) >= 0; examples++) {
		ptrdiff_t end;

		rest = str_sub(rest, (size_t)at + fence.len, rest.len);
		end = str_find_str(rest, STR("```"));
		if (!OK(end > 0))
			break;
		run_example(&f, arena_cstr(&f.arena, str_sub(rest, 0, (size_t)end)));
		rest = str_sub(rest, (size_t)end + 3, rest.len);
	}
	OK(examples >= 5);
	close_all(&f, store);
	buf_release(&page);
}

static void is_named(struct fixture *f, const char *what, struct str name)
{
	struct str quoted = arena_printf(&f->arena, "`%.*s`", STR_ARG(name));

	tap_check(str_find_str(buf_str(&page), quoted) >= 0, __FILE__, __LINE__,
		"the page does not name the %s %.*s", what, STR_ARG(name));
}

static void all_is_named(void)
{
	struct fixture f;
	struct store *store;
	struct err err;

	if (!load_page())
		return;
	store = filled(&f);
	for (size_t view = 0; sql_view(view); view++) {
		struct str all = arena_printf(&f.arena, "SELECT * FROM %s", sql_view(view));
		struct sql *sql CLEANUP(sql_closep) = NULL;

		is_named(&f, "view", str_from(sql_view(view)));
		if (!GOOD(open_sql(&f, all.ptr, &sql, &err)))
			continue;
		for (size_t i = 0; i < sql_columns(sql); i++)
			is_named(&f, "column", sql_column(sql, i));
	}
	close_all(&f, store);
	buf_release(&page);
}

static const struct tap_case cases[] = {
	TAP_CASE(examples_run),
	TAP_CASE(all_is_named),
};

TAP_MAIN(cases)
