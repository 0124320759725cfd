/* The erasure of a user: of one with rows in every table nothing stays, of the other nothing goes.
 */
#include "aw_fixture.h"

#include <libpq-fe.h>

#include "store/aw_told.h"
#include "store/derived.h"
#include "store/keys.h"
#include "store/records.h"
#include "store/users.h"

/* More than two batches. */
enum { MANY = 25000 };

/* --- a user with rows everywhere --- */

static void write_events(struct fixture *f, struct store *store, int count)
{
	struct intake *intake = begin(store);
	struct event event;

	for (int i = 0; i < count; i++) {
		event = event_make(&f->arena, "note", T0 + i * 1000 * NS_PER_S, "d",
			arena_printf(&f->arena, "{\"a\":%d}", i % 30).ptr);
		take(intake, event);
	}
	commit(intake); /* before the mark */
	event = event_make(&f->arena, "note", T0, "gone", "{}");
	event.deleted = true;
	take(intake, event);
	event = event_make(&f->arena, "note", T0, "x", "{}");
	event.id = STR("an id of another form");
	take(intake, event);
	commit(intake);
	intake_free(intake);
}

static void write_beside(struct fixture *f, struct store *store)
{
	struct intake *intake = begin(store);
	struct file_cursor cursor = { .source = STR("s"), .path = STR("/p") };
	struct peer_state peer = {
		.machine_id = STR(MACHINE_B), .alias = STR("desk"), .store_id = STR("i")
	};
	const struct wire_bucket told = { .machine_id = STR(MACHINE_A),
		.source = STR("claude"),
		.event_type = STR("note"),
		.data = STR("{}") };
	struct quarantine_entry entry = fixture_origin;
	struct device device = { .machine_id = STR(MACHINE_B) };
	struct err err;

	entry.reason = STR("r");
	entry.bytes = STR("\xff");
	GOOD(intake_quarantine(intake, &entry, &err));
	GOOD(intake_cursor(intake, &cursor, &err));
	GOOD(intake_memo_put(intake, STR("s"), STR("k"), STR("v"), &err));
	GOOD(intake_peer(intake, &peer, &err));
	GOOD(intake_told(intake, &told, true, &err));
	put(intake, make_bucket(intake, "b"), T0, S, "{}");
	GOOD(aw_setting_put(intake, STR("k"), STR("1"), &err));
	commit(intake);
	intake_free(intake);
	GOOD(store_setting_put(store, "k", STR("v"), &err));
	GOOD(device_register(store, T0, &device, &f->arena, &err));
}

static void write_records(struct store *store)
{
	const struct stream_record stream = { .stream_id = STR("s"), .name = STR("n") };
	const struct event_assignment event = { STR("e"), T0, STR("s"), BY_PERSON };
	const struct session_assignment session = { STR("m"), STR("x"), STR("s"), BY_PERSON };
	const struct str tag = STR("t");
	int64_t rule_no;
	bool changed;
	struct err err;

	GOOD(records_stream_put(store, &stream, &err));
	GOOD(records_tag(store, STR("s"), tag, true, &changed, &err));
	GOOD(records_assign_event(store, &event, &changed, &err));
	GOOD(records_assign_session(store, &session, &changed, &err));
	GOOD(records_rule_add(store, STR("*"), &tag, 1, &rule_no, &err));
}

static void write_derived(struct fixture *f, struct store *store)
{
	const struct derived_partition partition = {
		.partition_no = 1, .name = STR("n"), .base = STR("n")
	};
	const struct derived_run run = { .run_no = 1, .partition_no = 1, .root_no = 1 };
	const struct derived_piece piece = { .run_no = 1, .events = 1 };
	const struct derived_session session = { .session_no = 1, .session_id = STR("x") };
	const struct derived_mark mark = { .seq = INT64_MAX, .gap_ns = 1 };
	struct event event = event_make(&f->arena, "note", T0, "d", "{\"a\":\"corrected\"}");
	struct intake *intake;
	struct err err;

	GOOD(derived_begin(store, &err));
	GOOD(derived_partition_put(store, &partition, &err));
	GOOD(derived_run_put(store, &run, &err));
	GOOD(derived_piece_add(store, &piece, &err));
	GOOD(derived_session_put(store, &session, &err));
	GOOD(derived_mark_put(store, &mark, &err));
	GOOD(derived_commit(store, &err));
	intake = begin(store);
	event.revision = 1;
	IS_INT(take(intake, event), INTAKE_UPDATED);
	commit(intake);
	intake_free(intake);
}

static struct store *fill(struct fixture *f, int events)
{
	struct store *store = open_new(f);

	write_events(f, store, events);
	write_beside(f, store);
	write_records(store);
	write_derived(f, store);
	return store;
}

/* --- as the database sees it --- */

static PGconn *connect_as_superuser(const struct fixture *f)
{
	CLEANUP(buf_release) struct buf url = BUF_INIT;
	PGconn *conn;

	buf_printf(&url, "postgresql://postgres%s", strstr(f->path, "@/"));
	conn = PQconnectdb(buf_cstr(&url));
	OK(PQstatus(conn) == CONNECTION_OK);
	return conn;
}

static PGresult *query(PGconn *conn, const char *sql, const char *param)
{
	PGresult *result = PQexecParams(conn, sql, param ? 1 : 0, NULL, &param, NULL, NULL, 0);

	if (!tap_check(PQresultStatus(result) == PGRES_TUPLES_OK, __FILE__, __LINE__, "%s: %s", sql,
		    PQerrorMessage(conn)))
		exit(1);
	return result;
}

/* "table count" lines of the rows of a user, by number; empty tables are listed too. */
static void count_rows(PGconn *conn, const char *user_no, struct buf *out, int64_t *tables)
{
	PGresult *names = query(conn,
		"SELECT DISTINCT format('%I.%I', table_schema, table_name)"
		" FROM information_schema.columns JOIN information_schema.tables"
		" USING (table_schema, table_name)"
		" WHERE column_name = 'user_no' AND table_type = 'BASE TABLE'"
		" AND table_name NOT LIKE 'event\\_h%' ORDER BY 1",
		NULL);

	*tables = PQntuples(names);
	for (int i = 0; i < PQntuples(names); i++) {
		CLEANUP(buf_release) struct buf sql = BUF_INIT;
		PGresult *count;

		buf_printf(&sql, "SELECT count(*) FROM %s WHERE user_no = $1::BIGINT",
			PQgetvalue(names, i, 0));
		count = query(conn, buf_cstr(&sql), user_no);
		buf_printf(out, "%s %s\n", PQgetvalue(names, i, 0), PQgetvalue(count, 0, 0));
		PQclear(count);
	}
	PQclear(names);
}

static void read_user_no(PGconn *conn, const struct fixture *f, char out[static 32])
{
	CLEANUP(buf_release) struct buf sql = BUF_INIT;
	PGresult *result, *schema = query(conn,
				  "SELECT table_schema FROM information_schema.tables"
				  " WHERE table_name = 'api_key'",
				  NULL);

	buf_printf(
		&sql, "SELECT user_no FROM %s.\"user\" WHERE email = $1", PQgetvalue(schema, 0, 0));
	result = query(conn, buf_cstr(&sql), f->place.user);
	snprintf(out, 32, "%s", PQntuples(result) == 1 ? PQgetvalue(result, 0, 0) : "none");
	PQclear(result);
	PQclear(schema);
}

static size_t count_of_lines_ending(struct str text, struct str end)
{
	size_t count = 0;

	while (text.len > 0)
		count += str_ends(str_split(&text, '\n'), end);
	return count;
}

/* --- tests --- */

static struct store *open_as_nobody(struct fixture *f)
{
	struct store_options options = fixture_options(f, 20000);
	struct store *store = NULL;
	struct err err;

	options.user = NULL;
	GOOD(store_open(&store, &options, &err));
	return store;
}

static void add_key(struct fixture *f, struct store *nobody, int byte)
{
	struct api_key key = {
		.email = str_from(f->place.user), .role = KEY_WRITE, .expires_ns = INT64_MAX
	};
	struct err err;

	memset(key.hash, byte, sizeof(key.hash));
	GOOD(key_make(nobody, T0, &key, &f->arena, &err));
}

static void all_of_one_goes(void)
{
	CLEANUP(buf_release) struct buf full = BUF_INIT;
	CLEANUP(buf_release) struct buf other = BUF_INIT;
	CLEANUP(buf_release) struct buf after = BUF_INIT;
	CLEANUP(buf_release) struct buf other_after = BUF_INIT;
	struct fixture f, g;
	struct store *store = fill(&f, MANY), *others = fill(&g, 10), *nobody = open_as_nobody(&f);
	PGconn *conn = connect_as_superuser(&f);
	char user_no[32], other_no[32];
	struct intake *intake = NULL;
	int64_t tables, rows;
	struct err err;

	add_key(&f, nobody, 0xa1);
	add_key(&g, nobody, 0xa2);
	read_user_no(conn, &f, user_no);
	read_user_no(conn, &g, other_no);
	count_rows(conn, user_no, &full, &tables);
	OK(tables > 25);
	/* Else this test shows nothing of a table. */
	if (!IS_INT(count_of_lines_ending(buf_str(&full), STR(" 0")), 0))
		printf("# %s\n", buf_cstr(&full));
	count_rows(conn, other_no, &other, &tables);
	GOOD(user_erase(nobody, str_from(f.place.user), &rows, &err));
	OK(rows > MANY);
	count_rows(conn, user_no, &after, &tables);
	if (!IS_INT(count_of_lines_ending(buf_str(&after), STR(" 0")), tables))
		printf("# %s\n", buf_cstr(&after));
	count_rows(conn, other_no, &other_after, &tables);
	IS_STR(buf_str(&other_after), buf_cstr(&other));
	/* Who still works for the user cannot write any more. */
	FAILS(intake_begin(&intake, store, &err), ERR_NOT_FOUND);
	GOOD(store_verify(others, NULL, &err));
	PQfinish(conn);
	store_close(nobody);
	store_close(others);
	store_close(store);
	fixture_end(&f);
	fixture_end(&g);
}

/* After its first transaction. */
static void an_interrupted_one_is_finished(void)
{
	CLEANUP(buf_release) struct buf after = BUF_INIT;
	struct fixture f;
	struct store *store = fill(&f, 10), *nobody = open_as_nobody(&f);
	PGconn *conn = connect_as_superuser(&f);
	CLEANUP(buf_release) struct buf sql = BUF_INIT;
	struct api_key key = {
		.email = str_from(f.place.user), .role = KEY_WRITE, .expires_ns = INT64_MAX
	};
	PGresult *schema = query(conn,
		"SELECT table_schema FROM information_schema.tables WHERE table_name = 'api_key'",
		NULL);
	char user_no[32];
	int64_t rows, tables;
	struct err err;

	read_user_no(conn, &f, user_no);
	buf_printf(&sql, "DELETE FROM %s.store_state WHERE user_no = $1::BIGINT RETURNING 1",
		PQgetvalue(schema, 0, 0));
	PQclear(schema);
	PQclear(query(conn, buf_cstr(&sql), user_no));
	FAILS(key_make(nobody, T0, &key, &f.arena, &err), ERR_BUSY);
	GOOD(user_erase(nobody, str_from(f.place.user), &rows, &err));
	count_rows(conn, user_no, &after, &tables);
	IS_INT(count_of_lines_ending(buf_str(&after), STR(" 0")), tables);
	PQfinish(conn);
	store_close(nobody);
	store_close(store);
	fixture_end(&f);
}

static const struct tap_case cases[] = {
	TAP_CASE(all_of_one_goes),
	TAP_CASE(an_interrupted_one_is_finished),
};
TAP_MAIN(cases)
