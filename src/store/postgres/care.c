/*
 * Looking after a store: its verification, which is a table of queries that each count faults, for
 * one user in one read transaction; nobody's are the users and keys alone. Pages, indexes and keys
 * are PostgreSQL's to look after, and so are copies.
 */
#include "base/hash.h"
#include "base/json.h"
#include "store/postgres/connect.h"
#include "store/sql/events.h"

struct check {
	const char *fault; /* after the number of them */
	const char *sql;
};

static const struct check checks[] = {
	{ "events without data",
		"SELECT count(*) FROM event e LEFT JOIN dict d ON d.user_no = $0"
		" AND d.data_no = e.data_no WHERE e.user_no = $0 AND d.data_no IS NULL" },
	{ "data numbers that were not given out",
		"SELECT count(*) FROM dict d JOIN store_state s ON s.user_no = $0"
		" WHERE d.user_no = $0 AND (d.data_no > s.last_data OR d.data_no < 1)" },
	{ "shelves of events without a bucket",
		"SELECT count(*) FROM (SELECT DISTINCT shelf FROM event WHERE user_no = $0) s"
		" LEFT JOIN bucket b ON b.user_no = $0 AND b.bucket_no = s.shelf / 2"
		" WHERE b.bucket_no IS NULL" },
	{ "odd events that are not found by their id",
		"SELECT count(*) FROM event e LEFT JOIN odd_id o ON o.user_no = $0 AND o.id = e.key"
		" AND o.shelf = e.shelf AND o.start_ns = e.start_ns"
		" WHERE e.user_no = $0 AND e.shelf % 2 = 1 AND o.id IS NULL" },
	{ "ids of odd events that are not there",
		"SELECT count(*) FROM odd_id o LEFT JOIN event e ON e.user_no = $0"
		" AND e.shelf = o.shelf AND e.start_ns = o.start_ns AND e.key = o.id"
		" WHERE o.user_no = $0 AND e.key IS NULL" },
	{ "change numbers that several events or tombstones share",
		"SELECT count(*) FROM (SELECT seq FROM (SELECT seq FROM event WHERE user_no = $0"
		" UNION ALL SELECT seq FROM tombstone WHERE user_no = $0) s"
		" GROUP BY seq HAVING count(*) > 1) s" },
	{ "changes beyond the store's change number, or below 1",
		"SELECT (SELECT count(*) FROM event"
		" WHERE user_no = $0 AND (seq > last_seq OR seq < 1))"
		" + (SELECT count(*) FROM tombstone"
		" WHERE user_no = $0 AND (seq > last_seq OR seq < 1))"
		" + (SELECT count(*) FROM stream WHERE user_no = $0 AND seq > last_seq)"
		" + (SELECT count(*) FROM stream_tag WHERE user_no = $0 AND seq > last_seq)"
		" + (SELECT count(*) FROM event_assignment WHERE user_no = $0 AND seq > last_seq)"
		" + (SELECT count(*) FROM session_assignment WHERE user_no = $0 AND seq > last_seq)"
		" + (SELECT count(*) FROM rule WHERE user_no = $0 AND seq > last_seq)"
		" FROM store_state WHERE user_no = $0" },
	{ "rows missing from or beyond one of the store's state and mark",
		"SELECT abs(1 - (SELECT count(*) FROM store_state WHERE user_no = $0))"
		" + abs(1 - (SELECT count(*) FROM derived_mark WHERE user_no = $0))" },
	{ "events more or less than counted",
		"SELECT abs((SELECT count(*) FROM event WHERE user_no = $0) - events)"
		" FROM store_state WHERE user_no = $0" },
	{ "odd events more or less than counted",
		"SELECT abs((SELECT count(*) FROM odd_id WHERE user_no = $0) - odd_ids)"
		" FROM store_state WHERE user_no = $0" },
	{ "tombstones more or less than counted",
		"SELECT abs((SELECT count(*) FROM tombstone WHERE user_no = $0) - tombstones)"
		" FROM store_state WHERE user_no = $0" },
	{ "quarantine entries more or less than counted",
		"SELECT abs((SELECT count(*) FROM quarantine WHERE user_no = $0) - quarantined)"
		" FROM store_state WHERE user_no = $0" },
	{ "buckets with more or fewer events than counted",
		"SELECT count(*) FROM bucket b LEFT JOIN (SELECT shelf / 2 AS bucket_no,"
		" count(*) AS n FROM event WHERE user_no = $0 GROUP BY shelf / 2) e"
		" USING (bucket_no) WHERE b.user_no = $0 AND b.events <> coalesce(e.n, 0)" },
	{ "buckets whose bounds are not those of their events",
		"SELECT count(*) FROM bucket b LEFT JOIN (SELECT shelf / 2 AS bucket_no,"
		" max(duration_ns) AS longest_ns, max(start_ns + duration_ns) AS end_ns,"
		" min(start_ns) AS first_ns, max(start_ns) AS last_ns, max(seq) AS seq"
		" FROM event WHERE user_no = $0 GROUP BY shelf / 2) e"
		" USING (bucket_no) WHERE b.user_no = $0"
		" AND (b.end_ns <> coalesce(e.end_ns, -9223372036854775808)"
		" OR b.first_ns <> coalesce(e.first_ns, 9223372036854775807)"
		" OR b.last_ns <> coalesce(e.last_ns, -9223372036854775808)"
		" OR b.longest_ns < coalesce(e.longest_ns, 0) OR b.longest_ns < 0"
		" OR b.changed_seq < coalesce(e.seq, 0) OR b.moved_seq > b.changed_seq)" },
	{ "changes of buckets beyond the store's change number",
		"SELECT count(*) FROM bucket b JOIN store_state s ON s.user_no = $0"
		" WHERE b.user_no = $0 AND b.changed_seq > s.last_seq" },
	{ "numbers of events that were not given out, or given twice",
		"SELECT (SELECT count(*) FROM event e JOIN store_state s ON s.user_no = $0"
		" WHERE e.user_no = $0 AND (e.number < 0 OR e.number > s.last_seq"
		" AND (e.number <= 1::BIGINT << 52 OR e.number >= (1::BIGINT << 52) + e.seq)))"
		" + (SELECT count(*) FROM (SELECT number FROM event WHERE user_no = $0"
		" AND number > 0 GROUP BY number HAVING count(*) > 1) n)" },
	{ "ActivityWatch buckets of another name than in the store",
		"SELECT count(*) FROM aw_bucket a JOIN bucket b ON b.user_no = $0"
		" AND b.bucket_no = a.bucket_no WHERE a.user_no = $0"
		" AND (a.id = '' OR b.source NOT LIKE 'aw.%')" },
};

/* Of nobody's store: users and keys, whoever they are. */
static const struct check nobodys[] = {
	{ "keys that no SHA-256 or role stands for",
		"SELECT count(*) FROM api_key WHERE length(hash) <> 32 OR role NOT BETWEEN 1 AND 3" },
	{ "keys of another user than they say",
		"SELECT count(*) FROM api_key k LEFT JOIN \"user\" u USING (user_no)"
		" WHERE u.user_id IS DISTINCT FROM k.user_id" },
	{ "rows missing from or beyond the one of the database",
		"SELECT abs(1 - count(*)) FROM server_state" },
};

struct verification {
	struct store *store;
	struct buf *report;   /* may be NULL */
	struct events events; /* to look for some */
	int64_t faults;
	struct buf first;
};

static void fault(struct verification *check, int64_t count, const char *what)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	if (count == 0)
		return;
	buf_printf(&text, "%lld %s", (long long)count, what);
	if (check->faults++ == 0)
		buf_add(&check->first, buf_str(&text));
	if (check->report)
		buf_printf(check->report, "%s\n", buf_cstr(&text));
}

static int run_check(struct verification *check, const struct check *what, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc = db_stmt(check->store, what->sql, &stmt, err);

	if (rc == 0)
		rc = db_step(check->store, stmt, err);
	if (rc == 1)
		fault(check, db_col_i64(stmt, 0), what->fault);
	return rc < 0 ? rc : 0;
}

/* Is the row that STMT stands on as it should be? 1, 0, < 0: error. */
typedef int look(struct verification *check, struct db_statement *stmt, struct err *err);

static int look_at_data(struct verification *check, struct db_statement *stmt, struct err *err)
{
	(void)check;
	(void)err;
	return db_col_i64(stmt, 0) == (int64_t)hash64(db_col_str(stmt, 1), 0);
}

static int look_at_json(struct verification *check, struct db_statement *stmt, struct err *err)
{
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	const struct json *value;

	(void)check;
	return json_parse(&parser, db_col_str(stmt, 0), false, &value, err) == 0;
}

/* An id is in one place only: none of the deleted ones may be found alive. */
static int look_at_tombstone(struct verification *check, struct db_statement *stmt, struct err *err)
{
	struct event_name name;
	struct event_row row;
	int rc;

	event_name(&name, db_col_str(stmt, 0));
	rc = events_find(&check->events, &name, &row, err);
	return rc < 0 ? rc : row.deleted;
}

static const struct {
	const char *fault;
	const char *sql;
	look *look;
} looks[] = {
	{ "texts of data that differ from what was stored",
		"SELECT hash, body FROM dict WHERE user_no = $0", look_at_data },
	{ "buckets with data that is no JSON", "SELECT data FROM aw_bucket WHERE user_no = $0",
		look_at_json },
	{ "settings that are no JSON", "SELECT value FROM aw_setting WHERE user_no = $0",
		look_at_json },
	{ "deleted events that are still there", "SELECT id FROM tombstone WHERE user_no = $0",
		look_at_tombstone },
};

static int run_look(struct verification *check, size_t index, struct err *err)
{
	struct db_statement *stmt;
	int64_t bad = 0;
	int rc = db_prepare(check->store, looks[index].sql, &stmt, err);

	while (rc == 0 && (rc = db_step(check->store, stmt, err)) == 1) {
		rc = looks[index].look(check, stmt, err);
		bad += rc == 0;
		rc = rc < 0 ? rc : 0;
	}
	db_finalize(stmt);
	fault(check, bad, looks[index].fault);
	return rc;
}

/* Each check reads whole tables. Of tables that are new, or have grown since their statistics were
 * made, the planner believes that they are small, and compares each row with each. */
static int run_checks(struct verification *check, struct err *err)
{
	int rc = db_run(check->store, "SELECT set_config('enable_nestloop', 'off', true)", err);

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(checks); i++)
		rc = run_check(check, &checks[i], err);
	/* What looks for single rows is better off with it. */
	if (rc == 0)
		rc = db_run(check->store, "SELECT set_config('enable_nestloop', 'on', true)", err);
	return rc;
}

static int check_all(struct verification *check, struct err *err)
{
	int rc;

	check->events.store = check->store;
	check->events.catalogue = catalogue_new(check->store);
	rc = run_checks(check, err);
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(looks); i++)
		rc = run_look(check, i, err);
	catalogue_free(check->events.catalogue);
	return rc;
}

static int check_nobodys(struct verification *check, struct err *err)
{
	int rc = db_run(check->store, "SELECT set_config('tt.keys', 'on', true)", err);

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(nobodys); i++)
		rc = run_check(check, &nobodys[i], err);
	return rc;
}

int store_verify(struct store *store, struct buf *report, struct err *err)
{
	CLEANUP(buf_release) struct buf first = BUF_INIT;
	struct verification check = { .store = store, .report = report };
	int rc;

	ASSERT(!store->writing); /* the counters in the rows are behind then */
	if (db_read_begin(store, err) < 0)
		return err->code;
	rc = store->user == &store->nobody ? check_nobodys(&check, err) : check_all(&check, err);
	db_read_end(store);
	first = check.first;
	if (rc < 0 || check.faults == 0)
		return rc;
	return err_set(err, ERR_CORRUPT, "store '%s' is damaged: %.*s%s", store->url,
		STR_ARG(buf_str(&first)), check.faults > 1 ? " (and more)" : "");
}

int store_backup(struct store *store, const char *path, struct err *err)
{
	(void)path;
	return err_set(err, ERR_USAGE,
		"store '%s' is a PostgreSQL database: pg_dump copies it (pg_dump --format=custom), pg_basebackup the whole server",
		store->url);
}

int store_restore(const char *url, const char *from, struct err *err)
{
	CLEANUP(buf_release) struct buf shown = BUF_INIT;

	(void)from;
	if (pg_url_shown(url, &shown, err) < 0)
		return err->code;
	return err_set(err, ERR_USAGE,
		"store '%s' is a PostgreSQL database: pg_restore puts what pg_dump has copied into an empty one",
		buf_cstr(&shown));
}
