/* SQL of people: what the views show, and all that a statement may not do. */
#include "sql_fixture.h"

#define MS(count) ((count)*NS_PER_MS)

static const struct sql_content content[] = {
	{ "agent_session", MS(0), "s1:facts",
		"{\"agent\":\"claude-code\",\"session_id\":\"s1\",\"session_type\":\"user\",\"cwd\":\"/w\","
		"\"prompts\":1,\"responses\":1,\"input_tokens\":12,\"output_tokens\":null}" },
	{ "agent_session", MS(1), "s1:started", "{\"session_id\":\"s1\",\"action\":\"started\"}" },
	{ "user_message", MS(10), "u1",
		"{\"agent\":\"claude-code\",\"session_id\":\"s1\",\"cwd\":\"/w\",\"length\":5,"
		"\"withdrawn\":true}" },
	{ "agent_response", MS(20), "r1",
		"{\"agent\":\"claude-code\",\"session_id\":\"s1\",\"model\":\"m\",\"input_tokens\":12,"
		"\"output_tokens\":9007199254740993}",
		1250500000 },
	{ "agent_usage", MS(25), "g1", "{\"session_id\":\"s1\",\"input_tokens\":5}" },
	{ "agent_tool_use", MS(30), "t1",
		"{\"session_id\":\"s1\",\"tool\":\"Edit\",\"tool_class\":\"edit\",\"file\":\"/w/a.c\"}" },
	{ "agent_tool_use", MS(31), "t2",
		"{\"session_id\":\"s1\",\"tool\":\"Bash\",\"tool_class\":\"command\"}" },
	{ "agent_file_read", MS(32), "f1", "{\"session_id\":\"s1\",\"file\":\"/w/b.c\"}" },
	{ "agent_tool_error", MS(40), "t2", "{\"session_id\":\"s1\",\"tool_use_id\":\"t2\"}" },
	{ "agent_error", MS(50), "e1", "{\"session_id\":\"s1\",\"error\":\"overloaded\"}" },
	{ "note", MS(60), "n:1", "{\"x\":\"a\"}" },
};

static struct store *filled(struct fixture *f)
{
	return sql_filled(f, content, ARRAY_LEN(content));
}

static void events_are_whole(void)
{
	struct fixture f;
	struct store *store = filled(&f);

	IS_STR(ask(&f, "SELECT id, machine, source, type, start, start_ns, duration_ms, revision, seq,"
		       " data FROM events WHERE type = 'note'"),
		MACHINE_A ":claude:note:2026-02-02T02:40:00.060Z:n:1|" MACHINE_A
			  "|claude|note|2026-02-02T02:40:00.060Z|1770000000060000000|0.00|0|11|"
			  "{\"x\":\"a\"}\n");
	IS_STR(ask(&f, "SELECT count(*), count(DISTINCT id) FROM events"), "11|11\n");
	IS_STR(ask(&f, "SELECT duration_ms FROM events WHERE type = 'agent_response'"),
		"1250.50\n");
	IS_STR(ask(&f, "SELECT type FROM events WHERE start_ns >= ns('2026-02-02T02:40:00.050Z')"
		       " ORDER BY start_ns"),
		"agent_error\nnote\n");
	IS_STR(ask(&f, "SELECT (ns('now') - ns('2 hours ago')) / 1000000000, ns(NULL)"),
		"7200|NULL\n");
	close_all(&f, store);
}

static void views_of_agents(void)
{
	struct fixture f;
	struct store *store = filled(&f);

	IS_STR(ask(&f, "SELECT session_id, agent, session_type, cwd, prompts, responses, input, output"
		       " FROM sessions"),
		"s1|claude-code|user|/w|1|1|12|NULL\n");
	IS_STR(ask(&f, "SELECT session_id, length, command, withdrawn FROM prompts"), "s1|5|0|1\n");
	IS_STR(ask(&f, "SELECT type, model, input, output, cache_read FROM tokens ORDER BY start_ns"),
		"agent_response|m|12|9007199254740993|NULL\nagent_usage|NULL|5|NULL|NULL\n");
	IS_STR(ask(&f, "SELECT tool, class, file FROM tools ORDER BY start_ns"),
		"Edit|edit|/w/a.c\nBash|command|NULL\n");
	IS_STR(ask(&f, "SELECT file, class FROM files ORDER BY file"),
		"/w/a.c|edit\n/w/b.c|read\n");
	IS_STR(ask(&f, "SELECT type, error, tool_use_id FROM errors ORDER BY start_ns"),
		"agent_tool_error|NULL|t2\nagent_error|overloaded|NULL\n");
	close_all(&f, store);
}

static void views_of_the_store(void)
{
	struct fixture f;
	struct store *store = filled(&f);

	IS_STR(ask(&f, "SELECT machine, events FROM machines"), MACHINE_A "|11\n");
	IS_STR(ask(&f, "SELECT bucket, events FROM buckets WHERE type = 'agent_tool_use'"),
		"claude.agent_tool_use@" MACHINE_A "|2\n");
	IS_STR(ask(&f, "SELECT source, path, position, reason, bytes FROM quarantine"),
		"claude|/log|7|not_json|1\n");
	close_all(&f, store);
}

static void every_view_can_be_read(void)
{
	struct fixture f;
	struct store *store = filled(&f);
	size_t views = 0;

	for (; sql_view(views); views++) {
		struct str statement = arena_printf(&f.arena, "SELECT * FROM %s", sql_view(views));

		OK(!str_starts(ask(&f, statement.ptr), STR("!")));
	}
	IS_INT(views, 10);
	close_all(&f, store);
}

static void columns_have_names(void)
{
	struct fixture f;
	struct store *store = filled(&f);
	struct sql *sql = NULL;
	struct err err;

	if (GOOD(open_sql(&f, "SELECT 1 AS one, count(*), x'00ff' FROM events", TIMEOUT_MS, &sql,
		    &err))) {
		struct sql_value row[3];

		IS_INT(sql_columns(sql), 3);
		IS_STR(sql_column(sql, 0), "one");
		IS_STR(sql_column(sql, 1), "count(*)");
		IS_INT(sql_next(sql, row, &err), 1);
		OK(row[2].kind == SQL_BLOB && row[2].text.len == 2);
	}
	sql_close(sql);
	sql_close(NULL);
	close_all(&f, store);
}

static void other_forms_of_reading(void)
{
	struct fixture f;
	struct store *store = filled(&f);

	IS_STR(ask(&f, "VALUES (1, 2)"), "1|2\n");
	IS_STR(ask(&f, " ; \n"), "! usage the query is empty");
	IS_STR(ask(&f, "SELECT 1;  -- that is all\n;"), "1\n");
	IS_STR(ask(&f, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3)"
		       " SELECT group_concat(i, '') FROM n"),
		"123\n");
	IS_STR(ask(&f, "SELECT row_number() OVER (ORDER BY start_ns) AS n, type FROM events"
		       " ORDER BY n LIMIT 1"),
		"1|agent_session\n");
	OK(str_find_str(ask(&f, "EXPLAIN QUERY PLAN SELECT * FROM events WHERE type = 'note'"),
		   STR("SEARCH")) > 0);
	IS_STR(ask(&f, "SELECT date(start) FROM events WHERE type = 'note'"), "2026-02-02\n");
	close_all(&f, store);
}

static void nothing_but_reading(void)
{
	static const char *const refused[] = {
		"ATTACH '/tmp/x.db' AS x",
		"ATTACH ':memory:' AS x",
		"DETACH temp",
		"PRAGMA user_version",
		"PRAGMA query_only = OFF",
		"SELECT * FROM pragma_table_info('event')",
		"SELECT load_extension('x')",
		"SELECT randomblob(10)",
		"SELECT zeroblob(1000000000)",
		"SELECT sqlite_version()",
		"SELECT fts3_tokenizer('x')",
		"CREATE TABLE x (a)",
		"CREATE TEMP TABLE x (a)",
		"CREATE VIRTUAL TABLE temp.x USING fts5(a)",
		"CREATE TEMP VIEW x AS SELECT 1",
		"DROP VIEW events",
		"INSERT INTO setting VALUES ('a', 'b')",
		"DELETE FROM event",
		"UPDATE event SET revision = 9 RETURNING key",
		"BEGIN",
		"SAVEPOINT x",
		"VACUUM",
		"VACUUM INTO '/tmp/x.db'",
		"ANALYZE",
		"REINDEX",
		"SELECT * FROM setting",
		"SELECT * FROM memo",
		"SELECT count(*) FROM cursor",
		"SELECT count(*) FROM json_each('[1]')",
		"SELECT count(*) FROM pragma_table_list",
		"SELECT count(*) FROM MEMO",
		"SELECT (SELECT value FROM main.setting)",
		"WITH events AS (SELECT * FROM memo) SELECT * FROM events",
		"SELECT * FROM sqlite_schema",
		"SELECT * FROM dbstat",
		"SELECT * FROM json_each('[1]')",
		"SELECT * FROM sqlite_dbpage",
	};
	struct fixture f;
	struct store *store = filled(&f);

	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct sql *sql = NULL;
		struct err err = { 0 };

		IS_CSTR(open_sql(&f, refused[i], TIMEOUT_MS, &sql, &err) == ERR_USAGE ? ""
										      : refused[i],
			"");
		OK(err.message[0] != '\0');
		sql_close(sql);
	}
	close_all(&f, store);
}

static void refusals_say_why(void)
{
	struct fixture f;
	struct store *store = filled(&f);

	IS_STR(ask(&f, "ATTACH 'x' AS x"),
		"! usage ATTACH is not allowed: queries only read the views (not authorized)");
	OK(str_find_str(ask(&f, "SELECT random()"), STR("random")) > 0);
	OK(str_find_str(ask(&f, "SELECT * FROM memo"), STR("memo")) > 0);
	IS_STR(ask(&f, "SELECT * FROM event_s"),
		"! usage no such table: event_s (there are events, sessions, prompts, tokens, tools, files,"
		" errors, machines, buckets, quarantine)");
	IS_STR(ask(&f, "SELECT colour FROM events"), "! usage no such column: colour");
	OK(str_find_str(ask(&f, "SELEC 1"), STR("syntax error")) > 0);
	IS_STR(ask(&f, "SELECT 1; SELECT 2"), "! usage one statement at a time");
	IS_STR(ask(&f, "SELECT 1; x"), "! usage one statement at a time");
	IS_STR(ask(&f, "SELECT ?"),
		"! usage '?': a query has no parameters; write the value into it");
	IS_STR(ask(&f, "SELECT :a"),
		"! usage ':a': a query has no parameters; write the value into it");
	OK(str_find_str(ask(&f, "SELECT ns('yesterday-ish')"), STR("ago")) > 0);
	OK(str_find_str(ask(&f, "SELECT json('{')"), STR("malformed JSON")) > 0);
	close_all(&f, store);
}

static void what_is_too_much(void)
{
	static char longest[SQL_TEXT_BYTES + 2];
	struct fixture f;
	struct store *store = filled(&f);
	struct sql *sql = NULL;
	struct err err;

	OK(str_find_str(
		   ask(&f, "WITH RECURSIVE n(i) AS (VALUES ('abcdefgh') UNION ALL SELECT i || i"
			   " FROM n) SELECT length(i) FROM n"),
		   STR("longer than")) > 0);
	memset(longest, ' ', sizeof(longest) - 1);
	memcpy(longest, "SELECT 1", 8);
	FAILS(open_sql(&f, longest, TIMEOUT_MS, &sql, &err), ERR_LIMIT);
	longest[SQL_TEXT_BYTES] = '\0';
	GOOD(open_sql(&f, longest, TIMEOUT_MS, &sql, &err));
	sql_close(sql);
	FAILS(sql_open(&sql,
		      &(struct sql_options){ .url = f.path, .timeout_ms = 1000, .now_ns = T0 },
		      STR("SELECT 1\0x"), &err),
		ERR_USAGE);
	close_all(&f, store);
}

static void what_takes_too_long(void)
{
	struct fixture f;
	struct store *store = filled(&f);
	struct sql *sql = NULL;
	struct sql_value row[1];
	struct err err;
	const struct sql_options options = { .url = f.path, .timeout_ms = 50, .now_ns = T0 };

	if (GOOD(sql_open(&sql, &options,
		    STR("WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n)"
			" SELECT count(*) FROM n"),
		    &err)))
		FAILS(sql_next(sql, row, &err), ERR_TIMEOUT);
	sql_close(sql);
	close_all(&f, store);
}

static void a_writer_is_not_waited_for(void)
{
	struct fixture f;
	struct store *store = filled(&f);
	struct intake *intake = begin(store);
	struct event event = event_make(&f.arena, "note", T0, "n2", "{}");
	enum intake_result result;
	struct err err;

	GOOD(intake_event(intake, &event, &fixture_origin, &result, &err));
	IS_STR(ask(&f, "SELECT count(*) FROM events"), "11\n");
	GOOD(intake_commit(intake, &err));
	intake_free(intake);
	IS_STR(ask(&f, "SELECT count(*) FROM events"), "12\n");
	close_all(&f, store);
}

static void no_store(void)
{
	struct fixture f;
	struct sql *sql = NULL;
	struct err err;

	fixture_begin(&f);
	FAILS(open_sql(&f, "SELECT 1", TIMEOUT_MS, &sql, &err), ERR_NOT_FOUND);
	OK(!sql);
	fixture_end(&f);
}

static const struct tap_case cases[] = {
	TAP_CASE(events_are_whole),
	TAP_CASE(views_of_agents),
	TAP_CASE(views_of_the_store),
	TAP_CASE(every_view_can_be_read),
	TAP_CASE(columns_have_names),
	TAP_CASE(other_forms_of_reading),
	TAP_CASE(nothing_but_reading),
	TAP_CASE(refusals_say_why),
	TAP_CASE(what_is_too_much),
	TAP_CASE(what_takes_too_long),
	TAP_CASE(a_writer_is_not_waited_for),
	TAP_CASE(no_store),
};

TAP_MAIN(cases)
