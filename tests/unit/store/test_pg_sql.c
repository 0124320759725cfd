/* SQL of people over PostgreSQL: what the views show, what a statement may not do, and how an
 * instant gets into it. */
#include "base/fs.h"
#include "sql_fixture.h"
#include "store/postgres/sql_text.h"

enum { PAGE_BYTES = 1 << 20 };

static const struct sql_content content[] = {
	{ "agent_session", 0, "s1:facts",
		"{\"session_id\":\"s1\",\"cwd\":\"/w\",\"prompts\":1,\"input_tokens\":12,\"output_tokens\":null,"
		"\"started_at\":\"2026-02-02T02:40:00Z\",\"ended_at\":\"2026-02-02T02:50:00Z\"}" },
	{ "user_message", 10 * NS_PER_MS, "u1",
		"{\"agent\":\"claude-code\",\"session_id\":\"s1\",\"length\":5,\"withdrawn\":true,"
		"\"text\":\"a\\u0000b\"}" },
	{ "agent_response", 20 * NS_PER_MS + 1000, "r1",
		"{\"session_id\":\"s1\",\"model\":\"m\",\"output_tokens\":9007199254740993,"
		"\"input_tokens\":\"many\"}",
		1250500000 },
	{ "agent_file_read", 30 * NS_PER_MS + 7, "f1",
		"{\"session_id\":\"s1\",\"file\":\"/w/b.c\"}" },
	{ "note", -T0 - 1, "n:1", "{\"x\":\"a\"}" },
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
		       " data FROM events WHERE type = 'agent_response'"),
		MACHINE_A ":claude:agent_response:2026-02-02T02:40:00.020Z:r1|" MACHINE_A
			  "|claude|agent_response|2026-02-02T02:40:00.020001Z|1770000000020001000|"
			  "1250.50|0|3|{\"session_id\":\"s1\",\"model\":\"m\",\"output_tokens\":"
			  "9007199254740993,\"input_tokens\":\"many\"}\n");
	IS_STR(ask(&f, "SELECT start FROM events WHERE type = 'agent_file_read'"),
		"2026-02-02T02:40:00.030000007Z\n");
	IS_STR(ask(&f, "SELECT id, start FROM events WHERE type = 'note'"), MACHINE_A
		":claude:note:1969-12-31T23:59:59.999Z:n:1|1969-12-31T23:59:59.999999999Z\n");
	IS_STR(ask(&f, "SELECT type FROM events WHERE start_ns >= ns('2026-02-02T02:40:00.020Z')"
		       " ORDER BY start_ns"),
		"agent_response\nagent_file_read\n");
	IS_STR(ask(&f, "SELECT session_id, prompts, input, output, started FROM sessions"),
		"s1|1|12|NULL|2026-02-02T02:40:00Z\n");
	IS_STR(ask(&f, "SELECT length, withdrawn, command, text FROM prompts"),
		"5|1|0|a\xef\xbf\xbd"
		"b\n");
	IS_STR(ask(&f, "SELECT model, input, sum(output) AS output FROM tokens GROUP BY model, input"),
		"m|NULL|9007199254740993\n");
	IS_STR(ask(&f, "SELECT file, class FROM files"), "/w/b.c|read\n");
	IS_STR(ask(&f, "SELECT machine, events FROM machines"), MACHINE_A "|5\n");
	IS_STR(ask(&f, "SELECT bucket, events FROM buckets WHERE type = 'note'"),
		"claude.note@" MACHINE_A "|1\n");
	IS_STR(ask(&f, "SELECT source, path, position, reason, bytes FROM quarantine"),
		"claude|/log|7|not_json|1\n");
	IS_STR(ask(&f, "SELECT true AS a, NULL AS b, 1.5 AS c, '\\x00ff'::bytea AS d, 2::smallint AS e,"
		       " 'infinity'::float8 AS f WHERE 1 = 1"),
		"1|NULL|1.50|blob 2|2|inf\n");
	IS_STR(ask(&f, "SELECT id FROM tools"), "");
	close_all(&f, store);
}

/* Each is refused as wrong usage, for a reason with these words in it. */
static void nothing_but_queries(void)
{
	static const struct {
		const char *statement;
		const char *words;
	} refused[] = {
		{ "", "empty" },
		{ " \n ", "empty" },
		{ "-- nothing", "one SELECT" },
		{ "DELETE FROM events", "one SELECT" },
		{ "SELECT 1 AS a; SELECT 2 AS b", "one SELECT" },
		{ "SELECT 1 AS a, 2 AS a", "one SELECT" },
		{ "SELECT $1 AS a", "one SELECT" },
		{ "COPY events TO '/tmp/x'", "one SELECT" },
		{ "SET tt.users = '{1}'", "one SELECT" },
		{ "WITH gone AS (DELETE FROM tidemark.event RETURNING 1) SELECT 1 AS a", "WITH" },
		{ "SELECT * FROM event", "there are events, sessions" },
		{ "SELECT * FROM tidemark.event", "the table event" },
		{ "SELECT * FROM tidemark.event_h0", "the table event_h0" },
		{ "SELECT (SELECT count(*) FROM tidemark.api_key) AS n FROM events",
			"the table api_key" },
		{ "SELECT * FROM events WHERE EXISTS (SELECT FROM tidemark.\"user\")",
			"the table user" },
		{ "SELECT relname FROM pg_class", "the table pg_class" },
		{ "SELECT query FROM pg_stat_activity", "pg_stat_activity" },
		{ "SELECT set_config('tt.users', '{1,2}', true) AS a", "set_config" },
		{ "SELECT a FROM (SELECT set_config('tt.users', '{1}', true) AS a) x",
			"set_config" },
		{ "SELECT count(*) AS n FROM events WHERE set_config('tt.users', '{1}', true) = ''",
			"set_config" },
		{ "SELECT current_setting('tt.users') AS a", "current_setting" },
		{ "SELECT pg_read_file('/etc/passwd') AS a", "pg_read_file" },
		{ "SELECT lo_import('/etc/passwd') AS a", "lo_import" },
		{ "SELECT query_to_xml('SELECT 1', true, true, '') AS a", "query_to_xml" },
		{ "SELECT tidemark.actors() AS a", "actors" },
		{ "SELECT nextval('tidemark.user_user_no_seq') AS a", "nextval" },
		{ "SELECT x FROM generate_series(1, 2) AS x ORDER BY random()", "random" },
		{ "SELECT 1 / 0 AS a", "division by zero" },
		{ "SELECT 'x'::int AS a", "invalid input syntax" },
		{ "SELECT ns('whenever') AS a", "not a time" },
		{ "SELECT * FROM buckets FOR UPDATE", "" },
	};
	struct fixture f;
	struct store *store = filled(&f);

	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct str said = ask(&f, refused[i].statement);

		tap_check(str_starts(said, STR("! usage ")) &&
				  str_find_str(said, str_from(refused[i].words)) >= 0,
			__FILE__, __LINE__, "%s: %.*s", refused[i].statement, STR_ARG(said));
	}
	IS_STR(ask(&f, "SELECT count(*) AS n FROM events"), "5\n");
	close_all(&f, store);
}

/* What is explained is not done, and is nothing but a query that might be. */
static void plans_are_shown(void)
{
	static const char *const asked[] = {
		"EXPLAIN SELECT * FROM events WHERE start_ns >= ns('2026-02-02T02:40:00Z')",
		"explain query plan SELECT * FROM events",
		" -- how?\n/* /* and */ why */ EXPLAIN/**/SELECT * FROM events;",
		"EXPLAIN WITH e AS (SELECT * FROM events) SELECT type FROM e",
		"EXPLAIN (SELECT * FROM events)",
	};
	static const char *const refused[] = {
		"EXPLAIN",
		"EXPLAIN QUERY PLAN",
		"EXPLAIN ANALYZE SELECT * FROM events",
		"EXPLAIN QUERY PLAN ANALYZE SELECT * FROM events",
		"EXPLAIN (ANALYZE) SELECT * FROM events",
		"EXPLAIN (ANALYZE, BUFFERS) SELECT 1 AS a",
		"EXPLAIN VERBOSE SELECT * FROM events",
		"EXPLAIN /*x*/ ANALYZE /*y*/ DELETE FROM tidemark.event",
		"EXPLAIN EXPLAIN SELECT 1 AS a",
		"EXPLAIN DELETE FROM tidemark.event",
		"EXPLAIN INSERT INTO tidemark.event SELECT * FROM tidemark.event",
		"EXPLAIN WITH x AS (DELETE FROM tidemark.event RETURNING 1) SELECT 1 AS a",
		"EXPLAIN CREATE TABLE x AS SELECT 1 AS a",
		"EXPLAIN EXECUTE x",
		"EXPLAIN SELECT 1 AS a; DELETE FROM tidemark.event",
		"EXPLAIN; DELETE FROM tidemark.event",
		"EXPLAIN SELECT * FROM tidemark.event",
		"EXPLAIN SELECT * FROM pg_stats",
		"EXPLAIN SELECT set_config('tt.users', '{1}', true) AS a",
		"EXPLAIN SELECT pg_read_file('/etc/passwd') AS a",
		"EXPLAINSELECT 1 AS a",
		"\"EXPLAIN\" SELECT 1 AS a",
	};
	struct fixture f;
	struct store *store = filled(&f);

	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		struct str plan = ask(&f, asked[i]);

		tap_check(str_find_str(plan, STR(" on event_h")) > 0, __FILE__, __LINE__,
			"%s: %.*s", asked[i], STR_ARG(plan));
		OK(str_find_str(plan, STR("cost=")) < 0 && str_find_str(plan, STR("rows=")) < 0);
		OK(str_find_str(plan, STR("actual")) < 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct str said = ask(&f, refused[i]);

		tap_check(str_starts(said, STR("! usage ")), __FILE__, __LINE__, "%s: %.*s",
			refused[i], STR_ARG(said));
	}
	OK(str_starts(ask(&f, "EXPLAIN WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1"
			      " FROM r) SELECT max(n) AS m FROM r"),
		STR("Aggregate")));
	IS_STR(ask(&f, "SELECT count(*) AS n FROM events"), "5\n");
	close_all(&f, store);
}

static void others_are_not_seen(void)
{
	struct fixture f, other;
	struct store *store = filled(&f), *another = filled(&other);

	IS_STR(ask(&f, "SELECT count(*) AS n FROM events"), "5\n");
	IS_STR(ask(&f, "SELECT count(*) AS n FROM quarantine"), "1\n");
	IS_STR(ask(&f, "SELECT count(*) AS n FROM buckets"), "5\n");
	IS_STR(ask(&f, "SELECT count(*) AS n FROM machines"), "1\n");
	close_all(&other, another);
	close_all(&f, store);
}

static void limits_hold(void)
{
	struct fixture f;
	struct store *store = filled(&f);
	struct buf text CLEANUP(buf_release) = BUF_INIT;
	struct str said;

	said = ask_for(&f,
		"WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT max(n) AS m FROM r",
		200);
	OK(str_starts(said, STR("! timeout ")));
	said = ask(&f, "SELECT repeat('x', 17000000) AS a");
	OK(str_starts(said, STR("! limit ")));
	buf_addc(&text, "SELECT 1 AS a --");
	for (int i = 0; i < SQL_TEXT_BYTES; i++)
		buf_byte(&text, 'x');
	said = ask(&f, buf_cstr(&text));
	OK(str_starts(said, STR("! limit ")));
	IS_STR(ask(&f, "SELECT count(*) AS n FROM generate_series(1, 100000) AS x"), "100000\n");
	close_all(&f, store);
}

static void instants_are_put_in(void)
{
	static const struct {
		const char *from;
		const char *to;
	} texts[] = {
		{ "ns('1970-01-01T00:00:01Z')", "1000000000::bigint" },
		{ "a>NS ( '1970-01-01T00:00:01Z' )AND", "a>1000000000::bigintAND" },
		{ "'ns(''x'')' \"ns(''x'')\"", "'ns(''x'')' \"ns(''x'')\"" },
		{ "-- ns('x')\nns('now')", "-- ns('x')\n1770000000000000000::bigint" },
		{ "/* /* ns('x') */ ns('x') */ ns", "/* /* ns('x') */ ns('x') */ ns" },
		{ "$$ns('x')$$ $a$ $$ ns('x')$a$ $1", "$$ns('x')$$ $a$ $$ ns('x')$a$ $1" },
		{ "e'\\'ns(' 'a\\' ns('now')", "e'\\'ns(' 'a\\' 1770000000000000000::bigint" },
		{ "x.ns('now') columns('now') ns(start) ns('a', 'b')",
			"x.ns('now') columns('now') ns(start) ns('a', 'b')" },
		{ "'open", "'open" },
		{ "/* open", "/* open" },
		{ "$x$ open", "$x$ open" },
		{ "ns('open", "ns('open" },
		{ "$", "$" },
		{ "", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct buf out CLEANUP(buf_release) = BUF_INIT;
		struct err err;

		GOOD(sql_text_instants(str_from(texts[i].from), T0, &out, &err));
		IS_CSTR(buf_cstr(&out), texts[i].to);
	}
}

/* docs/query.md: its examples run, and it names every view and every column. */
static void page_is_right(void)
{
	struct fixture f;
	struct store *store = filled(&f);
	struct buf page CLEANUP(buf_release) = BUF_INIT;
	struct str rest, fence = STR("```postgresql\n");
	struct err err;
	int examples = 0;

	if (!OK(getenv("QUERY_PAGE")) ||
		!GOOD(fs_read(getenv("QUERY_PAGE"), PAGE_BYTES, &page, &err)))
		return;
	rest = buf_str(&page);
	for (ptrdiff_t at; (at = str_find_str(rest, fence)) >= 0; examples++) {
		struct str said;

		rest = str_sub(rest, (size_t)at + fence.len, rest.len);
		said = ask(&f, arena_cstr(&f.arena,
				       str_sub(rest, 0, (size_t)str_find_str(rest, STR("```")))));
		tap_check(!str_starts(said, STR("!")), __FILE__, __LINE__, "%.*s", STR_ARG(said));
	}
	IS_INT(examples, 2);
	for (size_t view = 0; sql_view(view); view++) {
		struct str all = arena_printf(&f.arena, "SELECT * FROM %s", sql_view(view));
		struct sql *sql CLEANUP(sql_closep) = NULL;

		if (!GOOD(open_sql(&f, all.ptr, TIMEOUT_MS, &sql, &err)))
			continue;
		for (size_t i = 0; i < sql_columns(sql); i++) {
			struct str name = sql_column(sql, i);

			name = arena_printf(&f.arena, "`%.*s`", STR_ARG(name));
			OK(str_find_str(buf_str(&page), name) >= 0);
		}
	}
	close_all(&f, store);
}

static const struct tap_case cases[] = {
	TAP_CASE(events_are_whole),
	TAP_CASE(nothing_but_queries),
	TAP_CASE(plans_are_shown),
	TAP_CASE(others_are_not_seen),
	TAP_CASE(limits_hold),
	TAP_CASE(instants_are_put_in),
	TAP_CASE(page_is_right),
};

TAP_MAIN(cases)
