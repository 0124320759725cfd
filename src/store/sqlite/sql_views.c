/*
 * The views over the interned schema, and the functions they need. Names and columns are a contract
 * (docs/query.md): columns may be added, nothing else. `events` is the base of the others, so that
 * a condition on the type reaches the buckets and one on start_ns the index.
 */
#include "store/sqlite/sql_views.h"

#include <stdlib.h>

#include "store/sql.h"
#include "store/sql/buckets.h"

/* What every view over agents' events begins with. */
#define AGENT_COLUMNS                                                                              \
	"SELECT start, start_ns, machine, source, data ->> 'agent' AS agent,"                      \
	" data ->> 'session_id' AS session_id, data ->> 'parent_session_id' AS parent_session_id," \
	" data ->> 'cwd' AS cwd, data ->> 'git_project' AS project,"                               \
	" coalesce(data ->> 'withdrawn', 0) AS withdrawn,"
#define TOKEN_COLUMNS                                                                              \
	" data ->> 'input_tokens' AS input, data ->> 'output_tokens' AS output,"                   \
	" data ->> 'cache_read_tokens' AS cache_read,"                                             \
	" data ->> 'cache_write_tokens' AS cache_write,"                                           \
	" data ->> 'reasoning_tokens' AS reasoning,"
#define COUNT_COLUMN(name) " data ->> '" name "' AS " name ","

static const struct {
	const char *name;
	const char *sql;
} views[] = {
	{ "events",
		"CREATE TEMP VIEW events AS"
		" SELECT tt_id(e.shelf, m.machine_id, b.source, b.type, e.start_ns, e.key) AS id,"
		" m.machine_id AS machine, b.source AS source, b.type AS type,"
		" tt_time(e.start_ns) AS start, e.start_ns AS start_ns,"
		" e.duration_ns / 1e6 AS duration_ms, e.revision AS revision, e.seq AS seq,"
		" d.body AS data"
		" FROM main.bucket b CROSS JOIN main.machine m CROSS JOIN main.event e"
		" LEFT JOIN main.dict d ON d.data_no = e.data_no"
		" WHERE m.machine_no = b.machine_no"
		" AND e.shelf IN (2 * b.bucket_no, 2 * b.bucket_no + 1)" },
	{ "sessions",
		"CREATE TEMP VIEW sessions AS " AGENT_COLUMNS
		" data ->> 'session_type' AS session_type, data ->> 'agent_version' AS version,"
		" data ->> 'git_branch' AS branch, data ->> 'started_at' AS started,"
		" data ->> 'ended_at' AS ended," COUNT_COLUMN("prompts") COUNT_COLUMN("commands")
			COUNT_COLUMN("responses") COUNT_COLUMN("tool_calls") COUNT_COLUMN(
				"tool_errors") COUNT_COLUMN("api_errors") COUNT_COLUMN("file_reads")
				COUNT_COLUMN("file_edits") COUNT_COLUMN("cancelled") COUNT_COLUMN(
					"malformed") COUNT_COLUMN("unknown_records") TOKEN_COLUMNS
		" data ->> 'title' AS title, id, seq FROM events"
		" WHERE type = 'agent_session' AND data ->> 'action' IS NULL" },
	{ "prompts", "CREATE TEMP VIEW prompts AS " AGENT_COLUMNS
		     " data ->> 'length' AS length, coalesce(data ->> 'command', 0) AS command,"
		     " coalesce(data ->> 'queued', 0) AS queued,"
		     " coalesce(data ->> 'cancelled', 0) AS cancelled, data ->> 'model' AS model,"
		     " data ->> 'mode' AS mode, data ->> 'text' AS text, id, seq FROM events"
		     " WHERE type = 'user_message'" },
	{ "tokens", "CREATE TEMP VIEW tokens AS " AGENT_COLUMNS
		    " type, data ->> 'model' AS model," TOKEN_COLUMNS " id, seq FROM events"
		    " WHERE type IN ('agent_response', 'agent_usage')" },
	{ "tools",
		"CREATE TEMP VIEW tools AS " AGENT_COLUMNS
		" data ->> 'tool' AS tool, data ->> 'tool_class' AS class, data ->> 'file' AS file,"
		" data ->> 'model' AS model, id, seq FROM events WHERE type = 'agent_tool_use'" },
	{ "files", "CREATE TEMP VIEW files AS " AGENT_COLUMNS
		   " data ->> 'file' AS file, CASE type WHEN 'agent_file_read' THEN 'read'"
		   " WHEN 'agent_file_edit' THEN 'edit' ELSE data ->> 'tool_class' END AS class,"
		   " data ->> 'tool' AS tool, data ->> 'edits' AS edits, id, seq FROM events"
		   " WHERE type IN ('agent_tool_use', 'agent_file_read', 'agent_file_edit')"
		   " AND data ->> 'file' IS NOT NULL" },
	{ "errors", "CREATE TEMP VIEW errors AS " AGENT_COLUMNS
		    " type, data ->> 'error' AS error, data ->> 'tool' AS tool,"
		    " data ->> 'tool_use_id' AS tool_use_id, id, seq FROM events"
		    " WHERE type IN ('agent_error', 'agent_tool_error')" },
	{ "machines",
		"CREATE TEMP VIEW machines AS SELECT m.machine_id AS machine, m.label AS label,"
		" m.hostname AS hostname, (SELECT coalesce(sum(b.events), 0) FROM main.bucket b"
		" WHERE b.machine_no = m.machine_no) AS events FROM main.machine m" },
	{ "buckets",
		"CREATE TEMP VIEW buckets AS"
		" SELECT b.source || '.' || b.type || '@' || m.machine_id AS bucket,"
		" m.machine_id AS machine, b.source AS source, b.type AS type, b.events AS events"
		" FROM main.bucket b JOIN main.machine m USING (machine_no)" },
	{ "quarantine", "CREATE TEMP VIEW quarantine AS SELECT entry_no AS entry, source, path,"
			" position, reason, detail, tt_time(at_ns) AS at, bytes_total AS bytes"
			" FROM main.quarantine" },
};

static const char *const tables[] = { "event", "dict", "bucket", "machine", "quarantine" };

/* Of SQLite's own, those that compute from their arguments. Sorted. */
static const char *const functions[] = { "->", "->>", "abs", "acos", "asin", "atan", "atan2", "avg",
	"ceil", "ceiling", "char", "coalesce", "concat", "concat_ws", "cos", "count", "cume_dist",
	"date", "datetime", "degrees", "dense_rank", "exp", "first_value", "floor", "format",
	"glob", "group_concat", "hex", "ifnull", "iif", "instr", "json", "json_array",
	"json_array_length", "json_extract", "json_group_array", "json_group_object", "json_object",
	"json_quote", "json_type", "json_valid", "julianday", "lag", "last_value", "lead", "length",
	"like", "likely", "ln", "log", "log10", "log2", "lower", "ltrim", "max", "min", "mod", "ns",
	"nth_value", "ntile", "nullif", "percent_rank", "pi", "pow", "power", "printf", "quote",
	"radians", "rank", "replace", "round", "row_number", "rtrim", "sign", "sin", "sqrt",
	"strftime", "string_agg", "substr", "substring", "sum", "tan", "time", "timediff", "total",
	"trim", "trunc", "tt_id", "tt_time", "typeof", "unicode", "unixepoch", "unlikely",
	"upper" };

bool sql_views_table(const char *table)
{
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		if (strcmp(tables[i], table) == 0)
			return true;
	return false;
}

static int by_name(const void *key, const void *item)
{
	return sqlite3_stricmp(key, *(const char *const *)item);
}

bool sql_views_function(const char *function)
{
	return bsearch(function, functions, ARRAY_LEN(functions), sizeof(functions[0]), by_name) !=
	       NULL;
}

const char *sql_view(size_t index)
{
	return index < ARRAY_LEN(views) ? views[index].name : NULL;
}

/* --- functions --- */

static struct str text_of(sqlite3_value *value)
{
	const void *ptr = sqlite3_value_blob(value);
	int len = sqlite3_value_bytes(value);

	return len > 0 ? (struct str){ ptr, (size_t)len } : (struct str){ "", 0 };
}

/* tt_time(ns): RFC 3339. */
static void call_time(sqlite3_context *context, int count, sqlite3_value **values)
{
	char text[TIME_TEXT_BYTES];

	(void)count;
	if (sqlite3_value_type(values[0]) == SQLITE_NULL)
		return;
	time_format_exact(sqlite3_value_int64(values[0]), text);
	sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

/* tt_id(shelf, machine, source, type, start_ns, key): the event's id. */
static void call_id(sqlite3_context *context, int count, sqlite3_value **values)
{
	CLEANUP(buf_release) struct buf id = BUF_INIT;
	const struct bucket_row bucket = {
		.machine_id = text_of(values[1]),
		.source = text_of(values[2]),
		.type = text_of(values[3]),
	};

	(void)count;
	shelf_id(&id, &bucket, sqlite3_value_int64(values[0]), sqlite3_value_int64(values[4]),
		text_of(values[5]));
	sqlite3_result_text64(context, buf_cstr(&id), id.len, SQLITE_TRANSIENT, SQLITE_UTF8);
}

/* ns(text): an instant as people write it. */
static void call_ns(sqlite3_context *context, int count, sqlite3_value **values)
{
	const int64_t *now_ns = sqlite3_user_data(context);
	int64_t ns;
	struct err err;

	(void)count;
	if (sqlite3_value_type(values[0]) == SQLITE_NULL)
		return;
	if (time_parse_human(text_of(values[0]), *now_ns, &ns, &err) < 0)
		sqlite3_result_error(context, err.message, -1);
	else
		sqlite3_result_int64(context, ns);
}

static int make_function(struct store *store, const char *name, int arguments, void *data,
	void (*call)(sqlite3_context *, int, sqlite3_value **), void (*destroy)(void *),
	struct err *err)
{
	int rc = sqlite3_create_function_v2(store->db, name, arguments,
		SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, data, call, NULL, NULL,
		destroy);

	return rc == SQLITE_OK ? 0 : db_fail(store, rc, "making a function", err);
}

int sql_views_make(struct store *store, int64_t now_ns, struct err *err)
{
	int64_t *now = mem_alloc(sizeof(*now));

	*now = now_ns;
	if (make_function(store, "ns", 1, now, call_ns, free, err) < 0 ||
		make_function(store, "tt_time", 1, NULL, call_time, NULL, err) < 0 ||
		make_function(store, "tt_id", 6, NULL, call_id, NULL, err) < 0)
		return err->code;
	for (size_t i = 0; i < ARRAY_LEN(views); i++)
		if (db_script(store, views[i].sql, err) < 0)
			return err->code;
	return 0;
}
