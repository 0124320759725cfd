/*
 * The list of buckets as the ActivityWatch API shows it.
 *
 * Ids must be unique, though two machines may have a bucket of one id. A bucket that does not go by
 * the id it was made under has several names, from the shortest to one that no other can have; of
 * those that share a name each takes its next one, until none do.
 */
#include <stdlib.h>

#include "store/aw_name.h"
#include "store/sql/aw_rows.h"
#include "store/sql/buckets.h"

enum { LEVELS = 5 };
static const int64_t TOGETHER_NS = INT64_C(31) * 86400 * 1000000000;

/* A bucket before its name is chosen. */
struct shown {
	struct aw_bucket bucket;
	struct bucket_row row;
	bool api;   /* its source begins with AW_SOURCE */
	bool made;  /* over the API */
	bool fixed; /* goes by the id that it was made under */
	int level;  /* which of its names is in use; fixed: always 0 */
};

/* --- loading --- */

enum {
	COL_NO,
	COL_MACHINE,
	COL_LABEL,
	COL_SOURCE,
	COL_TYPE,
	COL_EVENTS,
	COL_END,
	COL_FIRST,
	COL_LAST,
	COL_ID,
	COL_AW_TYPE,
	COL_CLIENT,
	COL_HOSTNAME,
	COL_DATA,
	COL_CREATED,
	COL_IS_LAST,
	COL_NAMESAKES,
	COL_TOLD_TYPE,
	COL_TOLD_CLIENT,
	COL_TOLD_HOSTNAME,
	COL_TOLD_DATA,
	COL_TOLD_CREATED
};

static struct str decoded(struct arena *arena, struct str name)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	aw_name_decode(&text, name);
	return arena_str(arena, buf_str(&text));
}

static struct str label_or_id(const struct bucket_row *row)
{
	return row->label.len > 0 ? row->label : row->machine_id;
}

/* What a bucket that was not made over the API says of itself. */
static void describe_foreign(struct shown *shown, struct arena *arena)
{
	struct aw_bucket *bucket = &shown->bucket;

	bucket->type = shown->api ? decoded(arena, shown->row.type) : shown->row.type;
	bucket->client = (struct str){ "", 0 };
	bucket->hostname = label_or_id(&shown->row);
	bucket->data = STR("{}");
	bucket->created_ns = bucket->first_ns == INT64_MIN ? 0 : bucket->first_ns;
}

/* What its own machine says of it (store/aw_told.h). */
static void take_told(struct db_statement *stmt, struct arena *arena, struct aw_bucket *bucket)
{
	if (db_col_null(stmt, COL_TOLD_TYPE))
		return;
	bucket->type = db_col_copy(stmt, COL_TOLD_TYPE, arena);
	bucket->client = db_col_copy(stmt, COL_TOLD_CLIENT, arena);
	bucket->hostname = db_col_copy(stmt, COL_TOLD_HOSTNAME, arena);
	bucket->data = db_col_copy(stmt, COL_TOLD_DATA, arena);
	bucket->created_ns = db_col_i64(stmt, COL_TOLD_CREATED);
}

/* What can be written, and what goes by its plain id: see aw_rows.h. */
static void take_rights(const struct store *store, struct db_statement *stmt, struct shown *out)
{
	struct aw_bucket *bucket = &out->bucket;

	if (aw_row_last_is_meant(store)) {
		bucket->writable = out->fixed = db_col_i64(stmt, COL_IS_LAST) != 0;
		return;
	}
	bucket->writable = true;
	out->fixed = db_col_i64(stmt, COL_NAMESAKES) == 1 ||
		     str_eq(bucket->machine_id, store_actor(store).machine_id);
}

static void take(const struct store *store, struct db_statement *stmt, struct arena *arena,
	struct shown *out)
{
	struct aw_bucket *bucket = &out->bucket;
	struct str source = db_col_copy(stmt, COL_SOURCE, arena);

	*out = (struct shown){
		.api = str_starts(source, STR(AW_SOURCE)),
		.made = !db_col_null(stmt, COL_ID),
	};
	out->row.bucket_no = bucket->bucket_no = db_col_i64(stmt, COL_NO);
	out->row.machine_id = bucket->machine_id = db_col_copy(stmt, COL_MACHINE, arena);
	out->row.label = db_col_copy(stmt, COL_LABEL, arena);
	out->row.source = source;
	out->row.type = db_col_copy(stmt, COL_TYPE, arena);
	bucket->events = db_col_i64(stmt, COL_EVENTS);
	bucket->end_ns = db_col_i64(stmt, COL_END);
	aw_row_ends(bucket, db_col_i64(stmt, COL_FIRST), db_col_i64(stmt, COL_LAST));
	describe_foreign(out, arena);
	if (!out->made) {
		take_told(stmt, arena, bucket);
		return;
	}
	bucket->id = db_col_copy(stmt, COL_ID, arena);
	bucket->type = db_col_copy(stmt, COL_AW_TYPE, arena);
	bucket->client = db_col_copy(stmt, COL_CLIENT, arena);
	bucket->hostname = db_col_copy(stmt, COL_HOSTNAME, arena);
	bucket->data = db_col_copy(stmt, COL_DATA, arena);
	bucket->created_ns = db_col_i64(stmt, COL_CREATED);
	take_rights(store, stmt, out);
}

/* What was deleted over the API, here or elsewhere, leaves a row without events. */
static int load(struct store *store, struct db_rows *rows, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	struct shown shown;
	int rc;

	if (db_stmt(store,
		    "SELECT b.bucket_no, m.machine_id, m.label, b.source, b.type, b.events, b.end_ns,"
		    " b.first_ns, b.last_ns,"
		    " a.id, a.type, a.client, a.hostname, a.data, a.created_ns,"
		    " a.making = (SELECT max(n.making) FROM aw_bucket n WHERE n.id = a.id"
		    " /*!AND n.user_no = a.user_no*/),"
		    " (SELECT count(*) FROM aw_bucket n WHERE n.id = a.id"
		    " /*!AND n.user_no = a.user_no*/),"
		    " t.type, t.client, t.hostname, t.data, t.created_ns"
		    " FROM bucket b JOIN machine m USING (" OWNER "machine_no)"
		    " LEFT JOIN aw_bucket a USING (" OWNER "bucket_no)"
		    " LEFT JOIN aw_told t USING (" OWNER "bucket_no)"
		    " WHERE (a.id IS NOT NULL OR b.events > 0"
		    " OR substr(b.source, 1, 3) <> '" AW_SOURCE "') /*!AND b.user_no = $0*/"
		    " ORDER BY a.making IS NULL, a.making, b.bucket_no",
		    &stmt, err) < 0)
		return err->code;
	while ((rc = db_step(store, stmt, err)) == 1) {
		take(store, stmt, rows->arena, &shown);
		db_rows_add(rows, &shown);
	}
	return rc;
}

/* --- names --- */

/* The name of LEVEL. Each level has more in it than the one before. */
static struct str name_at(const struct shown *shown, int level, struct arena *arena)
{
	struct str label = label_or_id(&shown->row), machine = shown->row.machine_id;
	struct str id;

	if (!shown->api && level < LEVELS - 1)
		return bucket_name(arena, &shown->row, level == 0 ? label : machine);
	if (!shown->api)
		return arena_printf(arena, "%.*s.%.*s@%.*s#%lld", STR_ARG(shown->row.source),
			STR_ARG(shown->row.type), STR_ARG(machine),
			(long long)shown->row.bucket_no);
	id = decoded(arena, str_sub(shown->row.source, sizeof(AW_SOURCE) - 1, SIZE_MAX));
	switch (level) {
	case 0:
		return id;
	case 1:
		return arena_printf(arena, "%.*s@%.*s", STR_ARG(id), STR_ARG(label));
	case 2:
		return arena_printf(arena, "%.*s@%.*s", STR_ARG(id), STR_ARG(machine));
	case 3:
		return arena_printf(arena, "%.*s.%.*s@%.*s", STR_ARG(id), STR_ARG(shown->row.type),
			STR_ARG(machine));
	default:
		return arena_printf(arena, "%.*s.%.*s@%.*s#%lld", STR_ARG(id),
			STR_ARG(shown->row.type), STR_ARG(machine),
			(long long)shown->row.bucket_no);
	}
}

static int by_id(const void *a, const void *b)
{
	const struct shown *const *left = a, *const *right = b;

	return str_cmp((*left)->bucket.id, (*right)->bucket.id);
}

/* Those that share a name with another take their next one. True when there were any. */
static bool step_aside(struct shown **sorted, size_t count, struct arena *arena)
{
	bool any = false;

	qsort(sorted, count, sizeof(struct shown *), by_id);
	for (size_t i = 0, end; i < count; i = end) {
		end = i + 1;
		while (end < count && str_eq(sorted[end]->bucket.id, sorted[i]->bucket.id))
			end++;
		for (size_t at = i; end - i > 1 && at < end; at++)
			if (!sorted[at]->fixed && sorted[at]->level < LEVELS - 1) {
				sorted[at]->level++;
				any = true;
			}
	}
	for (size_t i = 0; any && i < count; i++)
		if (!sorted[i]->fixed)
			sorted[i]->bucket.id = name_at(sorted[i], sorted[i]->level, arena);
	return any;
}

static void choose_names(struct shown *all, size_t count, struct arena *arena)
{
	struct shown **sorted = arena_zalloc(arena, count + 1, sizeof(struct shown *));

	for (size_t i = 0; i < count; i++) {
		sorted[i] = &all[i];
		if (!all[i].fixed)
			all[i].bucket.id = name_at(&all[i], 0, arena);
	}
	while (step_aside(sorted, count, arena))
		;
}

/* --- ends --- */

/* SHORTEST shelf LAST: the shortest of its events that start when the bucket's last one does. */
#define SHORTEST "(SELECT min(e.duration_ns) FROM event e WHERE " OWN_OF("e") "e.shelf = "
#define LAST " AND e.start_ns = b.last_ns AND e.start_ns >= ?1 AND e.start_ns <= ?2)"
#define OWN_BUCKET OWN_OF("c")

/* Shelves are columns, and stay so by OFFSET, so that each is asked of an index: under row-level
 * security PostgreSQL 15.20 asks it no sums, and for a user whom it believes empty no list. */
static const char newest_sql[] =
	"SELECT b.bucket_no, " SHORTEST "b.direct" LAST ", " SHORTEST "b.delegated" LAST
	" FROM (SELECT c.bucket_no, c.last_ns, 2 * c.bucket_no AS direct,"
	" 2 * c.bucket_no + 1 AS delegated FROM bucket c"
	" WHERE " OWN_BUCKET "c.bucket_no >= ?3 AND c.bucket_no <= ?4"
	" AND c.last_ns >= ?1 AND c.last_ns <= ?2" POSTGRES(" OFFSET 0") ") b";

/* The last event's end, where it starts within [from, to]; of several the one that ends first. */
static int read_newest(struct store *store, struct aw_bucket *buckets, size_t count,
	const int64_t range_ns[2], struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int64_t first_no = INT64_MAX, last_no = 0;
	int rc;

	for (size_t i = 0; i < count; i++) {
		first_no = buckets[i].bucket_no < first_no ? buckets[i].bucket_no : first_no;
		last_no = buckets[i].bucket_no > last_no ? buckets[i].bucket_no : last_no;
	}
	if (db_stmt(store, newest_sql, &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, range_ns[0]);
	db_bind_i64(stmt, 2, range_ns[1]);
	db_bind_i64(stmt, 3, first_no);
	db_bind_i64(stmt, 4, last_no);
	while ((rc = db_step(store, stmt, err)) == 1) {
		int64_t shortest_ns = INT64_MAX;

		for (int i = 1; i <= 2; i++)
			if (!db_col_null(stmt, i) && db_col_i64(stmt, i) < shortest_ns)
				shortest_ns = db_col_i64(stmt, i);
		for (size_t i = 0; shortest_ns < INT64_MAX && i < count; i++)
			if (buckets[i].bucket_no == db_col_i64(stmt, 0))
				buckets[i].newest_end_ns = buckets[i].newest_start_ns + shortest_ns;
	}
	return rc;
}

/* Those whose last events lie in the same days are asked for together: each question is for a month
 * or two, and all buckets that are in use are one. */
static int read_ends(struct store *store, struct aw_bucket *buckets, size_t count, struct err *err)
{
	int64_t range_ns[2] = { INT64_MAX, INT64_MIN };

	for (;;) {
		range_ns[1] = INT64_MIN;
		for (size_t i = 0; i < count; i++)
			if (buckets[i].newest_start_ns < range_ns[0] &&
				buckets[i].newest_start_ns > range_ns[1])
				range_ns[1] = buckets[i].newest_start_ns;
		if (range_ns[1] == INT64_MIN)
			return 0;
		if (__builtin_sub_overflow(range_ns[1], TOGETHER_NS, &range_ns[0]))
			range_ns[0] = INT64_MIN;
		if (read_newest(store, buckets, count, range_ns, err) < 0)
			return err->code;
	}
}

/* --- reading --- */

static int list(struct store *store, struct db_rows *rows, struct err *err)
{
	if (load(store, rows, err) < 0)
		return err->code;
	choose_names(rows->items, rows->count, rows->arena);
	return 0;
}

static int list_all(struct store *store, bool ends, struct db_rows *rows, struct aw_bucket **out,
	struct err *err)
{
	const struct shown *all;

	if (list(store, rows, err) < 0)
		return err->code;
	all = rows->items;
	*out = arena_zalloc(rows->arena, rows->count + 1, sizeof(**out));
	for (size_t i = 0; i < rows->count; i++)
		(*out)[i] = all[i].bucket;
	return ends ? read_ends(store, *out, rows->count, err) : 0;
}

static int read_all(struct store *store, bool ends, struct arena *arena, struct aw_bucket **out,
	size_t *count, struct err *err)
{
	struct db_rows rows = db_rows(arena, sizeof(struct shown));
	int rc;

	if (db_read_begin(store, err) < 0)
		return err->code;
	rc = list_all(store, ends, &rows, out, err);
	db_read_end(store);
	*count = rows.count;
	return rc;
}

int aw_buckets(struct store *store, struct arena *arena, struct aw_bucket **out, size_t *count,
	struct err *err)
{
	return read_all(store, true, arena, out, count, err);
}

int aw_buckets_brief(struct store *store, struct arena *arena, struct aw_bucket **out,
	size_t *count, struct err *err)
{
	return read_all(store, false, arena, out, count, err);
}

/* First under the id that it is shown by, then under any of its names. */
static struct shown *find_shown(struct db_rows *rows, struct str id)
{
	struct shown *all = rows->items;

	for (size_t i = 0; i < rows->count; i++)
		if (str_eq(all[i].bucket.id, id))
			return &all[i];
	for (int level = 1; level < LEVELS; level++)
		for (size_t i = 0; i < rows->count; i++)
			if (str_eq(name_at(&all[i], level, rows->arena), id) ||
				(!all[i].api && str_eq(name_at(&all[i], 0, rows->arena), id)))
				return &all[i];
	return NULL;
}

static int find(struct store *store, struct str id, struct arena *arena, struct aw_bucket *out,
	struct err *err)
{
	struct db_rows rows = db_rows(arena, sizeof(struct shown));
	struct shown *shown;
	int rc = aw_row_bucket(store, id, arena, out, err);

	if (rc < 0)
		return rc;
	out->id = arena_str(arena, id);
	if (rc == 1)
		return 0;
	if (list(store, &rows, err) < 0)
		return err->code;
	shown = find_shown(&rows, id);
	if (!shown)
		return err_set(err, ERR_NOT_FOUND, "there is no bucket '%.*s'", STR_ARG(id));
	*out = shown->bucket;
	return 0;
}

static int read_one(struct store *store, struct str id, bool ends, struct arena *arena,
	struct aw_bucket *out, struct err *err)
{
	int rc;

	if (db_read_begin(store, err) < 0)
		return err->code;
	rc = find(store, id, arena, out, err);
	if (rc == 0 && ends)
		rc = read_ends(store, out, 1, err);
	db_read_end(store);
	return rc;
}

int aw_bucket_find(struct store *store, struct str id, struct arena *arena, struct aw_bucket *out,
	struct err *err)
{
	return read_one(store, id, true, arena, out, err);
}

int aw_bucket_find_brief(struct store *store, struct str id, struct arena *arena,
	struct aw_bucket *out, struct err *err)
{
	return read_one(store, id, false, arena, out, err);
}
