/*
 * Verification: SQLite's own checks, then ours, which are a table of queries that each count
 * faults. All in one read transaction.
 */
#include "base/hash.h"
#include "store/sql/events.h"
#include "store/sqlite/db.h"

static const struct {
	const char *fault; /* after the number of them */
	const char *sql;
} checks[] = {
	{ "events without data",
		"SELECT count(*) FROM event e LEFT JOIN dict d USING (data_no) WHERE d.data_no IS NULL" },
	{ "shelves of events without a bucket",
		"SELECT count(*) FROM (SELECT DISTINCT shelf FROM event) s"
		" LEFT JOIN bucket b ON b.bucket_no = s.shelf / 2 WHERE b.bucket_no IS NULL" },
	{ "odd events that are not found by their id",
		"SELECT count(*) FROM event e LEFT JOIN odd_id o ON o.id = e.key AND o.shelf = e.shelf"
		" AND o.start_ns = e.start_ns WHERE e.shelf % 2 = 1 AND o.id IS NULL" },
	{ "ids of odd events that are not there",
		"SELECT count(*) FROM odd_id o LEFT JOIN event e ON e.shelf = o.shelf"
		" AND e.start_ns = o.start_ns AND e.key = o.id WHERE e.key IS NULL" },
	{ "change numbers that an event and a tombstone share",
		"SELECT count(*) FROM tombstone t JOIN event e USING (seq)" },
	{ "changes beyond the store's change number, or below 1",
		"SELECT (SELECT count(*) FROM event WHERE seq > last_seq OR seq < 1)"
		" + (SELECT count(*) FROM tombstone WHERE seq > last_seq OR seq < 1)"
		" + (SELECT count(*) FROM stream WHERE seq > last_seq)"
		" + (SELECT count(*) FROM stream_tag WHERE seq > last_seq)"
		" + (SELECT count(*) FROM event_assignment WHERE seq > last_seq)"
		" + (SELECT count(*) FROM session_assignment WHERE seq > last_seq)"
		" + (SELECT count(*) FROM rule WHERE seq > last_seq) FROM store_state" },
	{ "rows missing from or beyond one of the store's state and mark",
		"SELECT abs(1 - (SELECT count(*) FROM store_state))"
		" + abs(1 - (SELECT count(*) FROM derived_mark))" },
	{ "events more or less than counted",
		"SELECT abs((SELECT count(*) FROM event) - events) FROM store_state" },
	{ "odd events more or less than counted",
		"SELECT abs((SELECT count(*) FROM odd_id) - odd_ids) FROM store_state" },
	{ "tombstones more or less than counted",
		"SELECT abs((SELECT count(*) FROM tombstone) - tombstones) FROM store_state" },
	{ "quarantine entries more or less than counted",
		"SELECT abs((SELECT count(*) FROM quarantine) - quarantined) FROM store_state" },
	{ "buckets with more or fewer events than counted",
		"SELECT count(*) FROM bucket b LEFT JOIN (SELECT shelf / 2 AS bucket_no, count(*) AS n"
		" FROM event GROUP BY shelf / 2) e USING (bucket_no)"
		" WHERE b.events <> coalesce(e.n, 0)" },
	{ "buckets whose bounds are not those of their events",
		"SELECT count(*) FROM bucket b LEFT JOIN (SELECT shelf / 2 AS bucket_no,"
		" max(duration_ns) AS longest_ns, max(start_ns + duration_ns) AS end_ns,"
		" min(start_ns) AS first_ns, max(start_ns) AS last_ns, max(seq) AS seq"
		" FROM event GROUP BY shelf / 2) e USING (bucket_no)"
		" WHERE b.end_ns <> coalesce(e.end_ns, -9223372036854775808)"
		" OR b.first_ns <> coalesce(e.first_ns, 9223372036854775807)"
		" OR b.last_ns <> coalesce(e.last_ns, -9223372036854775808)"
		" OR b.longest_ns < coalesce(e.longest_ns, 0) OR b.longest_ns < 0"
		" OR b.changed_seq < coalesce(e.seq, 0) OR b.moved_seq > b.changed_seq" },
	{ "changes of buckets beyond the store's change number",
		"SELECT count(*) FROM bucket, store_state WHERE changed_seq > last_seq" },
	{ "numbers of events that were not given out",
		"SELECT count(*) FROM event, store_state WHERE number < 0 OR number > last_seq"
		" AND (number <= 1 << 52 OR number >= (1 << 52) + seq)" },
	{ "ActivityWatch buckets of another name than in the store",
		"SELECT count(*) FROM aw_bucket a JOIN bucket b USING (bucket_no)"
		" WHERE a.id = '' OR b.source NOT GLOB 'aw.*'" },
	{ "buckets and settings with data that is no JSON",
		"SELECT (SELECT count(*) FROM aw_bucket WHERE NOT json_valid(data))"
		" + (SELECT count(*) FROM aw_setting WHERE NOT json_valid(value))" },
	{ "keys that no SHA-256 or role stands for",
		"SELECT count(*) FROM api_key WHERE length(hash) <> 32 OR role NOT BETWEEN 1 AND 3" },
};

struct verification {
	struct store *store;
	struct buf *report; /* may be NULL */
	int64_t faults;
	struct buf first;
};

static void fault(struct verification *check, struct str text)
{
	if (check->faults++ == 0)
		buf_add(&check->first, text);
	if (!check->report)
		return;
	buf_add(check->report, text);
	buf_byte(check->report, '\n');
}

/* A query that fails on a damaged page is itself a finding. */
static int found_damage(struct verification *check, int rc, struct err *err)
{
	if (rc != ERR_CORRUPT)
		return rc;
	fault(check, str_from(err->message));
	return 0;
}

static int check_sqlite(struct verification *check, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc = db_stmt(check->store, "PRAGMA integrity_check", &stmt, err);

	while (rc == 0 && (rc = db_step(check->store, stmt, err)) == 1) {
		if (!str_eq(db_col_str(stmt, 0), STR("ok")))
			fault(check, db_col_str(stmt, 0));
		rc = 0;
	}
	return found_damage(check, rc, err);
}

static int check_foreign_keys(struct verification *check, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	int rc = db_stmt(check->store, "PRAGMA foreign_key_check", &stmt, err);

	while (rc == 0 && (rc = db_step(check->store, stmt, err)) == 1) {
		buf_clear(&text);
		buf_printf(&text, "a row of %.*s refers to a missing row of %.*s",
			STR_ARG(db_col_str(stmt, 0)), STR_ARG(db_col_str(stmt, 2)));
		fault(check, buf_str(&text));
		rc = 0;
	}
	return found_damage(check, rc, err);
}

static int run_check(struct verification *check, size_t index, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	int rc = db_stmt(check->store, checks[index].sql, &stmt, err);

	if (rc == 0)
		rc = db_step(check->store, stmt, err);
	if (rc == 1 && db_col_i64(stmt, 0) != 0) {
		buf_printf(&text, "%lld %s", (long long)db_col_i64(stmt, 0), checks[index].fault);
		fault(check, buf_str(&text));
	}
	return found_damage(check, rc < 0 ? rc : 0, err);
}

/* A flipped bit in a text is no fault to SQLite, and would make equal data unequal. */
static int check_dictionary(struct verification *check, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	int64_t bad = 0;
	int rc = db_stmt(check->store, "SELECT hash, body FROM dict", &stmt, err);

	while (rc == 0 && (rc = db_step(check->store, stmt, err)) == 1) {
		bad += db_col_i64(stmt, 0) != (int64_t)hash64(db_col_str(stmt, 1), 0);
		rc = 0;
	}
	if (bad > 0) {
		buf_printf(&text, "%lld texts of data differ from what was stored", (long long)bad);
		fault(check, buf_str(&text));
	}
	return found_damage(check, rc, err);
}

/* An id is in one place only: none of the deleted ones may be found alive. */
static int check_tombstones(struct verification *check, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	struct events events = { .store = check->store, .catalogue = catalogue_new(check->store) };
	int rc = db_stmt(check->store, "SELECT id FROM tombstone", &stmt, err);

	while (rc == 0 && (rc = db_step(check->store, stmt, err)) == 1) {
		CLEANUP(buf_release) struct buf text = BUF_INIT;
		struct event_name name;
		struct event_row row;

		event_name(&name, db_col_str(stmt, 0));
		rc = events_find(&events, &name, &row, err);
		if (rc < 0)
			break;
		if (!row.deleted) {
			buf_printf(&text, "the deleted event '%.*s' is still there",
				STR_ARG(db_col_str(stmt, 0)));
			fault(check, buf_str(&text));
		}
		rc = 0;
	}
	catalogue_free(events.catalogue);
	return found_damage(check, rc, err);
}

static int check_all(struct verification *check, struct err *err)
{
	int rc = check_sqlite(check, err);

	if (rc == 0)
		rc = check_foreign_keys(check, err);
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(checks); i++)
		rc = run_check(check, i, err);
	if (rc == 0)
		rc = check_dictionary(check, err);
	if (rc == 0)
		rc = check_tombstones(check, err);
	return rc;
}

int store_verify(struct store *store, struct buf *report, struct err *err)
{
	CLEANUP(buf_release) struct buf first = BUF_INIT;
	struct verification check = { .store = store, .report = report };
	int rc;

	ASSERT(!store->writing); /* the counters in the file are behind then */
	if (db_read_begin(store, err) < 0)
		return err->code;
	rc = check_all(&check, err);
	db_read_end(store);
	first = check.first;
	if (rc < 0 || check.faults == 0)
		return rc;
	return err_set(err, ERR_CORRUPT, "store '%s' is damaged: %.*s%s", store->path,
		STR_ARG(buf_str(&first)), check.faults > 1 ? " (and more)" : "");
}
