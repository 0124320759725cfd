/*
 * The views over one user's rows: names and columns of sqlite/sql_views.c, which docs/query.md
 * promises. Data is JSON here. Numbers are NUMERIC, what is true or not is BOOLEAN. U+0000, which a
 * text in PostgreSQL cannot hold, is shown as U+FFFD.
 */
#include "store/postgres/sql_views.h"

#include "store/sql.h"

#define TEXT_OF(key) "data ->> '" key "'"
#define NUMBER_OF(key)                                                                             \
	"CASE json_typeof(data -> '" key "') WHEN 'number' THEN (data ->> '" key "')::NUMERIC END"
#define TRUTH_OF(key) "coalesce(data ->> '" key "' IN ('true', '1'), false)"
#define COUNT_COLUMN(name) " " NUMBER_OF(name) " AS " name ","

/* NS as floor(NS / 1000) microseconds, which timestamps are made of. */
#define MICROSECONDS(ns) "((" ns " - ((" ns " % 1000) + 1000) % 1000) / 1000)"
#define STAMP(ns, form)                                                                            \
	"to_char(TIMESTAMP 'epoch' + " MICROSECONDS(ns) " * INTERVAL '1 microsecond', '" form "')"
#define TIME_OF(ns)                                                                                \
	"CASE WHEN " ns " % 1000000 = 0 THEN " STAMP(                                              \
		ns, "YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"") " WHEN " ns " % 1000 = 0 THEN " STAMP(ns, \
		"YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"") " ELSE " STAMP(ns,                            \
		"YYYY-MM-DD\"T\"HH24:MI:SS.US") " || lpad((((" ns                                  \
						" % 1000) + 1000) % 1000)::TEXT, 3, '0') || 'Z' END"

#define AGENT_COLUMNS                                                                                                                \
	"SELECT start, start_ns, machine, source, " TEXT_OF("agent") " AS agent, " TEXT_OF("session_id") " AS session_id, " TEXT_OF( \
		"parent_session_id") " AS parent_session_id, " TEXT_OF("cwd") " AS cwd, " TEXT_OF("git_project") " AS project, " TRUTH_OF("withdrawn") " AS withdrawn,"
#define TOKEN_COLUMNS                                                                                    \
	" " NUMBER_OF("input_tokens") " AS input, " NUMBER_OF("output_tokens") " AS output, " NUMBER_OF( \
		"cache_read_tokens") " AS cache_read, " NUMBER_OF("cache_write_tokens") " AS cache_write, " NUMBER_OF("reasoning_tokens") " AS reasoning,"

static const struct {
	const char *name;
	const char *sql; /* $0 is the user's number */
} views[] = {
	{ "events",
		"SELECT CASE WHEN e.shelf % 2 <> 0 THEN e.key ELSE m.machine_id || ':' || b.source"
		" || ':' || b.type || ':' || " STAMP("e.start_ns",
			"YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"") " || ':' || e.key END AS id,"
							     " m.machine_id AS machine, b.source AS source, b.type AS type, " TIME_OF(
								     "e.start_ns") " AS start, e.start_ns AS start_ns,"
										   " e.duration_ns / 1e6::DOUBLE PRECISION AS duration_ms, e.revision AS revision,"
										   " e.seq AS seq, replace(d.body, '\\u0000', '\\ufffd')::JSON AS data"
										   " FROM tidemark.bucket b"
										   " JOIN tidemark.machine m ON m.user_no = $0 AND m.machine_no = b.machine_no"
										   " JOIN tidemark.event e ON e.user_no = $0"
										   " AND e.shelf IN (2 * b.bucket_no, 2 * b.bucket_no + 1)"
										   " LEFT JOIN tidemark.dict d ON d.user_no = $0 AND d.data_no = e.data_no"
										   " WHERE b.user_no = $0" },
	{ "sessions", AGENT_COLUMNS
		" " TEXT_OF("session_type") " AS session_type, " TEXT_OF("agent_version") " AS version, " TEXT_OF(
			"git_branch") " AS branch, " TEXT_OF("started_at") " AS started, " TEXT_OF("ended_at") " AS ended," COUNT_COLUMN("prompts")
			COUNT_COLUMN("commands") COUNT_COLUMN("responses") COUNT_COLUMN(
				"tool_calls") COUNT_COLUMN("tool_errors") COUNT_COLUMN("api_errors")
				COUNT_COLUMN("file_reads") COUNT_COLUMN("file_edits")
					COUNT_COLUMN("cancelled") COUNT_COLUMN("malformed")
						COUNT_COLUMN("unknown_records") TOKEN_COLUMNS
		" " TEXT_OF(
			"title") " AS title, id, seq FROM pg_temp.events"
				 " WHERE type = 'agent_session' AND data ->> 'action' IS NULL" },
	{ "prompts",
		AGENT_COLUMNS COUNT_COLUMN("length") " " TRUTH_OF("command") " AS command, " TRUTH_OF("queued") " AS queued, " TRUTH_OF(
			"cancelled") " AS cancelled, " TEXT_OF("model") " AS model, " TEXT_OF("mode") " AS mode, " TEXT_OF("text") " AS text, id, seq FROM pg_temp.events WHERE type = 'user_message'" },
	{ "tokens",
		AGENT_COLUMNS " type, " TEXT_OF(
			"model") " AS model," TOKEN_COLUMNS
				 " id, seq FROM pg_temp.events WHERE type IN ('agent_response', 'agent_usage')" },
	{ "tools", AGENT_COLUMNS
		" " TEXT_OF("tool") " AS tool, " TEXT_OF("tool_class") " AS class, " TEXT_OF(
			"file") " AS file, " TEXT_OF("model") " AS model, id, seq"
							      " FROM pg_temp.events WHERE type = 'agent_tool_use'" },
	{ "files",
		AGENT_COLUMNS " " TEXT_OF(
			"file") " AS file, CASE type WHEN 'agent_file_read'"
				" THEN 'read' WHEN 'agent_file_edit' THEN 'edit' ELSE " TEXT_OF("tool_class") " END AS class, " TEXT_OF(
					"tool") " AS tool," COUNT_COLUMN("edits") " id, seq"
										  " FROM pg_temp.events"
										  " WHERE type IN ('agent_tool_use', 'agent_file_read', 'agent_file_edit')"
										  " AND data ->> 'file' IS NOT NULL" },
	{ "errors", AGENT_COLUMNS
		" type, " TEXT_OF("error") " AS error, " TEXT_OF("tool") " AS tool, " TEXT_OF(
			"tool_use_id") " AS tool_use_id, id, seq FROM pg_temp.events"
				       " WHERE type IN ('agent_error', 'agent_tool_error')" },
	{ "machines", "SELECT m.machine_id AS machine, m.label AS label, m.hostname AS hostname,"
		      " (SELECT coalesce(sum(b.events), 0)::BIGINT FROM tidemark.bucket b"
		      " WHERE b.user_no = $0 AND b.machine_no = m.machine_no) AS events"
		      " FROM tidemark.machine m WHERE m.user_no = $0" },
	{ "buckets",
		"SELECT b.source || '.' || b.type || '@' || m.machine_id AS bucket,"
		" m.machine_id AS machine, b.source AS source, b.type AS type, b.events AS events"
		" FROM tidemark.bucket b"
		" JOIN tidemark.machine m ON m.user_no = $0 AND m.machine_no = b.machine_no"
		" WHERE b.user_no = $0" },
	{ "quarantine",
		"SELECT entry_no AS entry, source, encode(path, 'escape') AS path, position, reason,"
		" encode(detail, 'escape') AS detail, " TIME_OF(
			"at_ns") " AS at,"
				 " bytes_total AS bytes FROM tidemark.quarantine WHERE user_no = $0" },
};

const char *sql_view(size_t index)
{
	return index < ARRAY_LEN(views) ? views[index].name : NULL;
}

/* Views have no parameters: the number stands in their text. */
static void put_view(struct buf *out, size_t index, int64_t user_no)
{
	struct str rest = str_from(views[index].sql);
	ptrdiff_t at;

	buf_printf(out, "CREATE TEMP VIEW %s AS ", views[index].name);
	while ((at = str_find_str(rest, STR("$0"))) >= 0) {
		buf_add(out, str_sub(rest, 0, (size_t)at));
		buf_i64(out, user_no);
		rest = str_sub(rest, (size_t)at + 2, rest.len);
	}
	buf_add(out, rest);
}

int sql_views_make(const struct store *store, PGconn *conn, int64_t user_no, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(views); i++) {
		CLEANUP(buf_release) struct buf sql = BUF_INIT;

		put_view(&sql, i, user_no);
		if (pg_run(store, conn, buf_cstr(&sql), "making a view", err) < 0)
			return err->code;
	}
	return 0;
}
