/*
 * The partitions of event: each of the eight parts by user is cut by month of start_ns. Where a
 * distributed database does the cutting by user, event itself is cut by month (docs/storage.md).
 *
 * They are made on a connection of its own and committed there, so that a transaction that has to
 * be undone leaves them, and so that nobody waits for it: CREATE TABLE and ATTACH PARTITION are in
 * nobody's way (PARTITION OF would be: it locks the table above against readers). One process makes
 * them at a time, under an advisory lock.
 *
 * A transaction that has event in use already does not see a new partition until it looks at what
 * others have changed, which it does when it locks a table that it had not. So it locks the new
 * one.
 *
 * Dropping does lock the table above, for a moment, and is given up when that is not had at once.
 * The size of a partition's file says whether it is empty: row-level security hides its rows.
 */
#include "store/postgres/partitions.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/time.h"
#include "store/postgres/array.h"
#include "store/postgres/connect.h"
#include "store/postgres/statement.h"

enum { PARTS = 8, FIRST_YEAR = 2015, AHEAD = 2 };

#define NS_PER_DAY (INT64_C(86400) * NS_PER_S)
/* "tt event" in ASCII, as migrate.c's. */
#define LOCK "SELECT pg_advisory_xact_lock(8391720353911828084)"

/* --- months: counted from January 2015 --- */

/* -1 or PG_MONTHS: the partitions before and behind, which are always there. */
static int month_of(int64_t ns)
{
	int64_t days = ns / NS_PER_DAY - (ns % NS_PER_DAY < 0);
	struct date date = date_from_days(days);
	int month = (date.year - FIRST_YEAR) * 12 + date.month - 1;

	return month < 0 ? -1 : month > PG_MONTHS ? PG_MONTHS : month;
}

static int64_t month_start(int month)
{
	const struct date date = { FIRST_YEAR + month / 12, month % 12 + 1, 1 };

	return date_to_days(date) * NS_PER_DAY;
}

/* The table that a part's months are partitions of. */
static void add_part(struct buf *out, const struct store *store, int part)
{
	buf_addc(out, "event");
	if (store->event_parts > 1)
		buf_printf(out, "_h%d", part);
}

static void add_name(struct buf *out, const struct store *store, int part, int month)
{
	add_part(out, store, part);
	buf_printf(out, "_%04d_%02d", FIRST_YEAR + month / 12, month % 12 + 1);
}

/* In how many parts event is cut by user. */
static int know_parts(struct store *store, struct err *err)
{
	static const char by_user[] = "SELECT partstrat = 'h' FROM pg_partitioned_table"
				      " WHERE partrelid = 'tidemark.event'::regclass";
	PGresult *result = NULL;

	if (store->event_parts > 0)
		return 0;
	if (pg_ask(store, by_user, 0, NULL, NULL, NULL, &result, err) < 0)
		return err->code;
	store->event_parts = PQntuples(result) == 1 && *PQgetvalue(result, 0, 0) ? PARTS : 1;
	PQclear(result);
	return 0;
}

/* Not to_regclass(), see migrate.c. */
#define IS_THERE                                                                                   \
	"SELECT 1 FROM pg_catalog.pg_class c WHERE c.relnamespace = 'tidemark'::regnamespace"      \
	" AND c.relname = "

/* --- making --- */

static int make_one(const struct store *store, PGconn *conn, int part, int month, struct err *err)
{
	CLEANUP(buf_release) struct buf name = BUF_INIT;
	CLEANUP(buf_release) struct buf above = BUF_INIT;
	CLEANUP(buf_release) struct buf sql = BUF_INIT;
	CLEANUP(buf_release) struct buf there = BUF_INIT;

	add_name(&name, store, part, month);
	add_part(&above, store, part);
	buf_printf(&sql, IS_THERE "'%s'", buf_cstr(&name));
	if (pg_ask_text(store, conn, buf_cstr(&sql), &there, err) < 0)
		return err->code;
	if (there.len > 0)
		return 0;
	buf_clear(&sql);
	buf_printf(&sql,
		"CREATE TABLE tidemark.%1$s (LIKE tidemark.%2$s INCLUDING DEFAULTS);"
		" ALTER TABLE tidemark.%1$s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;"
		" ALTER TABLE tidemark.%2$s ATTACH PARTITION tidemark.%1$s"
		" FOR VALUES FROM (%3$lld) TO (%4$lld)",
		buf_cstr(&name), buf_cstr(&above), (long long)month_start(month),
		(long long)month_start(month + 1));
	return pg_run(store, conn, buf_cstr(&sql), "making a month's partition", err);
}

/* One month is one transaction. */
static int make_month(const struct store *store, PGconn *conn, int month, struct err *err)
{
	struct err ignored;
	int rc = pg_run(store, conn, "BEGIN", "making a month's partitions", err);

	if (rc == 0)
		rc = pg_run(store, conn, LOCK, "waiting to make a month's partitions", err);
	for (int part = 0; part < store->event_parts && rc == 0; part++)
		rc = make_one(store, conn, part, month, err);
	if (rc == 0)
		rc = pg_run(store, conn, "COMMIT", "making a month's partitions", err);
	if (rc < 0)
		(void)!pg_run(store, conn, "ROLLBACK", "", &ignored);
	return rc;
}

/* --- which there are --- */

static const char missing_of[] =
	"SELECT n.at FROM unnest($1::TEXT[]) WITH ORDINALITY AS n (name, at)"
	" WHERE NOT EXISTS (" IS_THERE "n.name)";

/* Of the months in WANTED, leave those that are not there: a month's last part is made last. */
static int find_missing(struct store *store, bool wanted[PG_MONTHS], struct err *err)
{
	CLEANUP(pg_array_release) struct pg_array names = { 0 };
	CLEANUP(buf_release) struct buf name = BUF_INIT;
	const Oid types[1] = { PG_TEXT_ARRAY };
	int months[PG_MONTHS + 1], count = 0, lengths[1];
	PGresult *missing = NULL;
	const char *values[1];

	pg_array_begin(&names, PG_TEXT);
	for (int month = 0; month < PG_MONTHS; month++) {
		if (!wanted[month])
			continue;
		buf_clear(&name);
		add_name(&name, store, store->event_parts - 1, month);
		pg_array_str(&names, buf_str(&name));
		months[++count] = month;
	}
	values[0] = pg_array_value(&names).ptr;
	lengths[0] = (int)pg_array_value(&names).len;
	if (pg_ask(store, missing_of, 1, types, values, lengths, &missing, err) < 0)
		return err->code;
	memset(wanted, 0, PG_MONTHS * sizeof(*wanted));
	for (int row = 0; row < PQntuples(missing); row++)
		wanted[months[pg_get_i64(PQgetvalue(missing, row, 0))]] = true;
	PQclear(missing);
	return 0;
}

static int make_missing(struct store *store, const bool missing[PG_MONTHS], struct err *err)
{
	CLEANUP(pg_connection_freep) PGconn *conn = NULL;

	for (int month = 0; month < PG_MONTHS; month++) {
		if (!missing[month])
			continue;
		if (!conn && pg_connect(store, &conn, err) < 0)
			return err->code;
		if (make_month(store, conn, month, err) < 0)
			return err->code;
	}
	return 0;
}

/* Let the open transaction see them. */
static int look_at(struct store *store, const bool months[PG_MONTHS], struct err *err)
{
	const struct pg_sending how = { "looking at a month's partitions", NULL };
	static const struct pg_params none = { 0 };
	CLEANUP(buf_release) struct buf sql = BUF_INIT;

	for (int month = 0; month < PG_MONTHS && store->in_transaction; month++) {
		if (!months[month])
			continue;
		buf_clear(&sql);
		buf_addc(&sql, "LOCK TABLE ONLY tidemark.");
		add_name(&sql, store, 0, month);
		buf_addc(&sql, " IN ACCESS SHARE MODE");
		if (pg_send_text(store, buf_cstr(&sql), &none, &how, err) < 0)
			return err->code;
	}
	return 0;
}

/* Who writes of these days will soon write of the next months: then they are there. */
static void want_ahead(const struct store *store, bool wanted[PG_MONTHS])
{
	int now = month_of(clock_now_ns());

	for (int month = now; month >= 0 && month <= now + AHEAD && month < PG_MONTHS; month++)
		wanted[month] = wanted[month] || !store->months[month];
}

int pg_partitions_ensure(
	struct store *store, const int64_t *starts_ns, size_t count, struct err *err)
{
	bool wanted[PG_MONTHS] = { 0 }, missing[PG_MONTHS];
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		int month = month_of(starts_ns[i]);

		if (month < 0 || month >= PG_MONTHS || store->months[month])
			continue;
		wanted[month] = any = true;
	}
	if (!any)
		return 0;
	want_ahead(store, wanted);
	memcpy(missing, wanted, sizeof(missing));
	if (know_parts(store, err) < 0 || find_missing(store, missing, err) < 0 ||
		make_missing(store, missing, err) < 0 || look_at(store, wanted, err) < 0)
		return err->code;
	for (int month = 0; month < PG_MONTHS; month++)
		store->months[month] = store->months[month] || wanted[month];
	return 0;
}

/* --- dropping: a month's parts are all there, or none is --- */

/* Months before one, as YYYY_MM, and what they take: those that hold no row, and those whose rows
 * are all dead as far as statistics know. */
static const char empty_ones[] =
	"SELECT right(c.relname, 7) AS month, sum(pg_total_relation_size(c.oid))::BIGINT,"
	" sum(pg_relation_size(c.oid))::BIGINT FROM pg_class c"
	" LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid"
	" WHERE c.relnamespace = 'tidemark'::regnamespace AND c.relkind = 'r'"
	" AND c.relname ~ '^event_h[0-7]_[0-9]{4}_[0-9]{2}$'"
	" AND right(c.relname, 7) < convert_from($1::BYTEA, 'UTF8') GROUP BY 1"
	" HAVING bool_and(pg_relation_size(c.oid) = 0 OR s.n_live_tup = 0) ORDER BY 1 LIMIT 64";

/* Run BEFORE, the names of a month's parts, BEHIND. */
static int run_month(const struct store *store, PGconn *conn, const char *before, const char *month,
	const char *behind, struct err *err)
{
	CLEANUP(buf_release) struct buf sql = BUF_INIT;

	buf_addc(&sql, before);
	for (int part = 0; part < PARTS; part++)
		buf_printf(&sql, "%stidemark.event_h%d_%s", part > 0 ? ", " : "", part, month);
	buf_addc(&sql, behind);
	return pg_run(store, conn, buf_cstr(&sql), "dropping a month", err);
}

/* Nothing may come between looking and dropping: the locks are the tables' own. */
static int drop_locked(
	const struct store *store, PGconn *conn, const char *month, bool *dropped, struct err *err)
{
	CLEANUP(buf_release) struct buf sql = BUF_INIT;
	CLEANUP(buf_release) struct buf size = BUF_INIT;

	if (run_month(store, conn, "BEGIN; SET LOCAL lock_timeout TO 200; LOCK TABLE ", month,
		    " IN ACCESS EXCLUSIVE MODE", err) < 0)
		return err->code;
	buf_printf(&sql,
		"SELECT sum(pg_relation_size(c.oid)) FROM pg_class c"
		" WHERE c.relnamespace = 'tidemark'::regnamespace AND c.relname ~ '^event_h[0-7]_%s$'",
		month);
	if (pg_ask_text(store, conn, buf_cstr(&sql), &size, err) < 0)
		return err->code;
	*dropped = str_eq_c(buf_str(&size), "0");
	if (*dropped && run_month(store, conn, "DROP TABLE ", month, "", err) < 0)
		return err->code;
	return pg_run(store, conn, "COMMIT", "dropping a month", err);
}

/* What is full of dead rows is emptied first. */
static int drop_month(const struct store *store, PGconn *conn, const PGresult *found, int row,
	int64_t *bytes, struct err *err)
{
	const char *month = PQgetvalue(found, row, 0);
	bool dropped = false;
	struct err ignored;
	int rc = 0;

	if (pg_get_i64(PQgetvalue(found, row, 2)) > 0)
		rc = run_month(store, conn, "VACUUM ", month, "", err);
	if (rc == 0)
		rc = drop_locked(store, conn, month, &dropped, err);
	if (rc < 0)
		(void)!pg_run(store, conn, "ROLLBACK", "", &ignored);
	else if (dropped)
		*bytes += pg_get_i64(PQgetvalue(found, row, 1));
	return rc == ERR_BUSY ? 0 : rc;
}

static int drop_all(struct store *store, const PGresult *found, int64_t *bytes, struct err *err)
{
	CLEANUP(pg_connection_freep) PGconn *conn = NULL;

	if (PQntuples(found) > 0 && pg_connect(store, &conn, err) < 0)
		return err->code;
	for (int row = 0; row < PQntuples(found); row++)
		if (drop_month(store, conn, found, row, bytes, err) < 0)
			return err->code;
	return 0;
}

int pg_partitions_drop_empty(struct store *store, int64_t *bytes, struct err *err)
{
	CLEANUP(buf_release) struct buf before = BUF_INIT;
	const Oid types[1] = { PG_BYTEA };
	PGresult *found = NULL;
	const char *values[1];
	int lengths[1], month = month_of(clock_now_ns());
	int rc;

	if (know_parts(store, err) < 0)
		return err->code;
	/* Where they are spread over machines the files here say nothing. */
	if (month < 0 || store->event_parts == 1)
		return 0;
	buf_printf(&before, "%04d_%02d", FIRST_YEAR + month / 12, month % 12 + 1);
	values[0] = buf_cstr(&before);
	lengths[0] = (int)before.len;
	if (pg_ask(store, empty_ones, 1, types, values, lengths, &found, err) < 0)
		return err->code;
	rc = drop_all(store, found, bytes, err);
	PQclear(found);
	memset(store->months, 0, sizeof(store->months));
	return rc;
}
