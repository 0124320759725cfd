/*
 * A hash table of buckets by (machine, source, type), filled on first use. Bucket numbers never
 * change and buckets are never deleted, so entries outlive transactions; what is known of their
 * rows and events holds while nobody else writes: for one transaction, for the next ones of this
 * connection if nothing was written between them, and, of newest events, if the bucket's
 * changed_seq is still the same.
 */
#include "store/sql/catalogue.h"

#include <stdlib.h>

#include "base/hash.h"
#include "store/sql/put.h"

enum { FIRST_SLOTS = 64, MOST_BY_NUMBER = 1 << 20 };

struct catalogue {
	struct store *store;
	struct arena arena;
	struct bucket **slots; /* open addressing, power of two */
	size_t slot_count;
	size_t count;
	struct bucket **by_no; /* index: bucket number; NULL where none was met */
	size_t by_no_count;
	uint64_t transaction; /* from 1: new buckets are never current */
	struct bucket *last;  /* events come in runs */
};

struct catalogue *catalogue_new(struct store *store)
{
	struct catalogue *catalogue = mem_zalloc(sizeof(*catalogue));

	catalogue->store = store;
	catalogue->transaction = 1;
	catalogue_forget(catalogue);
	return catalogue;
}

void catalogue_free(struct catalogue *catalogue)
{
	if (!catalogue)
		return;
	arena_release(&catalogue->arena);
	free(catalogue->slots);
	free(catalogue->by_no);
	free(catalogue);
}

void catalogue_begin(struct catalogue *catalogue, bool alone)
{
	if (!alone)
		catalogue->transaction++;
}

void catalogue_forget(struct catalogue *catalogue)
{
	arena_release(&catalogue->arena);
	free(catalogue->slots);
	catalogue->slot_count = FIRST_SLOTS;
	catalogue->slots = mem_zalloc(FIRST_SLOTS * sizeof(struct bucket *));
	catalogue->count = 0;
	free(catalogue->by_no);
	catalogue->by_no = NULL;
	catalogue->by_no_count = 0;
	catalogue->last = NULL;
}

/* --- the table --- */

static size_t slot_of(const struct catalogue *catalogue, struct str machine_id, struct str source,
	struct str type)
{
	uint64_t hash = hash64(type, hash64(source, hash64(machine_id, 0)));

	return (size_t)hash & (catalogue->slot_count - 1);
}

static bool is_bucket(
	const struct bucket *bucket, struct str machine_id, struct str source, struct str type)
{
	return str_eq(bucket->type, type) && str_eq(bucket->source, source) &&
	       str_eq(bucket->machine_id, machine_id);
}

static void place(struct catalogue *catalogue, struct bucket *bucket)
{
	size_t slot = slot_of(catalogue, bucket->machine_id, bucket->source, bucket->type);

	while (catalogue->slots[slot])
		slot = (slot + 1) & (catalogue->slot_count - 1);
	catalogue->slots[slot] = bucket;
}

static void grow(struct catalogue *catalogue)
{
	struct bucket **old = catalogue->slots;
	size_t old_count = catalogue->slot_count;

	catalogue->slot_count *= 2;
	catalogue->slots = mem_zalloc(catalogue->slot_count * sizeof(struct bucket *));
	for (size_t i = 0; i < old_count; i++)
		if (old[i])
			place(catalogue, old[i]);
	free(old);
}

static struct bucket *look_up(const struct catalogue *catalogue, struct str machine_id,
	struct str source, struct str type)
{
	size_t slot = slot_of(catalogue, machine_id, source, type);

	while (catalogue->slots[slot]) {
		if (is_bucket(catalogue->slots[slot], machine_id, source, type))
			return catalogue->slots[slot];
		slot = (slot + 1) & (catalogue->slot_count - 1);
	}
	return NULL;
}

static void place_by_number(struct catalogue *catalogue, struct bucket *bucket)
{
	size_t no = (size_t)bucket->bucket_no, count = catalogue->by_no_count;

	if (bucket->bucket_no < 0 || bucket->bucket_no >= MOST_BY_NUMBER)
		return;
	if (no >= count) {
		size_t wanted = 2 * no + 16;

		catalogue->by_no = mem_resize(catalogue->by_no, wanted, sizeof(struct bucket *));
		for (size_t i = count; i < wanted; i++)
			catalogue->by_no[i] = NULL;
		catalogue->by_no_count = wanted;
	}
	catalogue->by_no[no] = bucket;
}

static struct bucket *look_up_number(const struct catalogue *catalogue, int64_t bucket_no)
{
	if (bucket_no < 0 || (uint64_t)bucket_no >= catalogue->by_no_count)
		return NULL;
	return catalogue->by_no[bucket_no];
}

/* Nothing came and nothing went. */
static void clear_ends(struct bucket *bucket)
{
	bucket->first_ns = bucket->lost_first_ns = INT64_MAX;
	bucket->last_ns = bucket->lost_last_ns = INT64_MIN;
}

static struct bucket *add(struct catalogue *catalogue, const struct bucket *like)
{
	struct bucket *bucket = arena_zalloc(&catalogue->arena, 1, sizeof(*bucket));

	bucket->bucket_no = like->bucket_no;
	bucket->machine_id = arena_str(&catalogue->arena, like->machine_id);
	bucket->source = arena_str(&catalogue->arena, like->source);
	bucket->type = arena_str(&catalogue->arena, like->type);
	clear_ends(bucket);
	if (2 * ++catalogue->count > catalogue->slot_count)
		grow(catalogue);
	place(catalogue, bucket);
	place_by_number(catalogue, bucket);
	return bucket;
}

/* --- the rows --- */

int machine_number(
	struct store *store, struct str machine_id, bool make, int64_t *no, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *find = NULL;
	CLEANUP(db_donep) struct db_statement *insert = NULL;
	int rc;

	if (db_stmt(store, "SELECT machine_no FROM machine WHERE " OWN "machine_id = ?", &find,
		    err) < 0)
		return err->code;
	db_bind_str(find, 1, machine_id);
	rc = db_step(store, find, err);
	if (rc < 0)
		return rc;
	*no = rc == 1 ? db_col_i64(find, 0) : 0;
	if (rc == 1 || !make)
		return 0;
	if (db_stmt(store,
		    "INSERT INTO machine (/*!user_no, machine_no, */machine_id) VALUES (/*!$0,"
		    " (SELECT coalesce(max(machine_no), 0) + 1 FROM machine WHERE user_no = $0), */"
		    "?) RETURNING machine_no",
		    &insert, err) < 0)
		return err->code;
	db_bind_str(insert, 1, machine_id);
	return db_exec_number(store, insert, no, err);
}

static int find_row(struct store *store, int64_t machine_no, struct bucket *bucket, bool *found,
	struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	if (db_stmt(store,
		    "SELECT bucket_no FROM bucket WHERE " OWN
		    "machine_no = ? AND source = ? AND type = ?",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, machine_no);
	db_bind_str(stmt, 2, bucket->source);
	db_bind_str(stmt, 3, bucket->type);
	rc = db_step(store, stmt, err);
	*found = rc == 1;
	if (rc == 1)
		bucket->bucket_no = db_col_i64(stmt, 0);
	return rc < 0 ? rc : 0;
}

static int insert_row(
	struct store *store, int64_t machine_no, struct bucket *bucket, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store,
		    "INSERT INTO bucket (/*!user_no, bucket_no, */machine_no, source, type) VALUES"
		    " (/*!$0, (SELECT coalesce(max(bucket_no), 0) + 1 FROM bucket"
		    " WHERE user_no = $0), */?, ?, ?) RETURNING bucket_no",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, machine_no);
	db_bind_str(stmt, 2, bucket->source);
	db_bind_str(stmt, 3, bucket->type);
	return db_exec_number(store, stmt, &bucket->bucket_no, err);
}

static int read_newest(struct store *store, struct bucket *bucket, struct err *err)
{
	for (int odd = 0; odd < 2; odd++) {
		CLEANUP(db_donep) struct db_statement *stmt = NULL;
		int rc;

		if (db_stmt(store,
			    "SELECT start_ns FROM event WHERE " OWN
			    "shelf = ? ORDER BY start_ns DESC LIMIT 1",
			    &stmt, err) < 0)
			return err->code;
		db_bind_i64(stmt, 1, 2 * bucket->bucket_no + odd);
		rc = db_step(store, stmt, err);
		if (rc < 0)
			return rc;
		bucket->newest_ns[odd] = rc == 1 ? db_col_i64(stmt, 0) : INT64_MIN;
	}
	return 0;
}

static int read_bounds(struct store *store, struct bucket *bucket, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	if (db_stmt(store,
		    "SELECT longest_ns, end_ns, changed_seq, moved_seq FROM bucket WHERE " OWN
		    "bucket_no = ?",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, bucket->bucket_no);
	rc = db_step(store, stmt, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(err, ERR_CORRUPT, "store '%s': bucket %lld is missing",
			store_path(store), (long long)bucket->bucket_no);
	bucket->longest_ns = db_col_i64(stmt, 0);
	bucket->end_ns = db_col_i64(stmt, 1);
	bucket->changed_seq = db_col_i64(stmt, 2);
	bucket->moved_seq = db_col_i64(stmt, 3);
	bucket->dirty = bucket->end_lost = false;
	clear_ends(bucket);
	return 0;
}

/* Bounds are only known, and only used, while writing. */
static int make_current(struct catalogue *catalogue, struct bucket *bucket, struct err *err)
{
	int64_t known_seq = bucket->changed_seq;

	if (!db_is_writing(catalogue->store) || bucket->transaction == catalogue->transaction)
		return 0;
	if (read_bounds(catalogue->store, bucket, err) < 0)
		return err->code;
	if ((bucket->transaction == 0 || bucket->changed_seq != known_seq) &&
		read_newest(catalogue->store, bucket, err) < 0)
		return err->code;
	bucket->transaction = catalogue->transaction;
	return 0;
}

void bucket_gains(struct bucket *bucket, int64_t start_ns, int64_t duration_ns, int64_t seq)
{
	int64_t end_ns = start_ns + duration_ns;

	if (duration_ns > bucket->longest_ns)
		bucket->longest_ns = duration_ns;
	if (end_ns >= bucket->end_ns) {
		bucket->end_ns = end_ns;
		bucket->end_lost = false;
	}
	if (start_ns < bucket->first_ns)
		bucket->first_ns = start_ns;
	if (start_ns > bucket->last_ns)
		bucket->last_ns = start_ns;
	if (start_ns <= bucket->lost_first_ns)
		bucket->lost_first_ns = INT64_MAX;
	if (start_ns >= bucket->lost_last_ns)
		bucket->lost_last_ns = INT64_MIN;
	bucket->changed_seq = seq;
	bucket->dirty = true;
}

void bucket_loses(struct bucket *bucket, int64_t start_ns, int64_t duration_ns, int64_t seq)
{
	if (start_ns + duration_ns == bucket->end_ns)
		bucket->end_lost = true;
	if (start_ns < bucket->lost_first_ns)
		bucket->lost_first_ns = start_ns;
	if (start_ns > bucket->lost_last_ns)
		bucket->lost_last_ns = start_ns;
	bucket->changed_seq = seq;
	bucket->dirty = true;
}

void bucket_moved(struct bucket *bucket, int64_t seq)
{
	bucket->changed_seq = bucket->moved_seq = seq;
	bucket->dirty = true;
}

/* The rows of STMT, downwards from the newest start, until nothing earlier can reach further. */
static int read_last_end(struct store *store, struct db_statement *stmt, int64_t longest_ns,
	int64_t *end_ns, struct err *err)
{
	int rc;

	while ((rc = db_step(store, stmt, err)) == 1) {
		int64_t start_ns = db_col_i64(stmt, 0), reach_ns;

		if (__builtin_add_overflow(start_ns, longest_ns, &reach_ns))
			reach_ns = INT64_MAX;
		if (reach_ns <= *end_ns)
			return 0;
		if (start_ns + db_col_i64(stmt, 1) > *end_ns)
			*end_ns = start_ns + db_col_i64(stmt, 1);
	}
	return rc;
}

static int shelf_last_end(
	struct store *store, int64_t shelf, int64_t longest_ns, int64_t *end_ns, struct err *err)
{
	struct db_statement *stmt = NULL;
	int rc = db_prepare(store,
		"SELECT start_ns, duration_ns FROM event WHERE " OWN
		"shelf = ? ORDER BY start_ns DESC",
		&stmt, err);

	if (rc == 0) {
		db_bind_i64(stmt, 1, shelf);
		rc = read_last_end(store, stmt, longest_ns, end_ns, err);
	}
	db_finalize(stmt);
	return rc;
}

int bucket_last_end(struct store *store, int64_t bucket_no, int64_t longest_ns, int64_t *end_ns,
	struct err *err)
{
	*end_ns = INT64_MIN;
	if (shelf_last_end(store, 2 * bucket_no, longest_ns, end_ns, err) < 0)
		return err->code;
	return shelf_last_end(store, 2 * bucket_no + 1, longest_ns, end_ns, err);
}

#define FIRST_OF(shelf_no)                                                                         \
	"coalesce((SELECT start_ns FROM event WHERE " OWN "shelf = " shelf_no                      \
	" AND start_ns >= ?2 ORDER BY start_ns LIMIT 1), 9223372036854775807)"
#define LAST_OF(shelf_no)                                                                          \
	"coalesce((SELECT start_ns FROM event WHERE " OWN "shelf = " shelf_no                      \
	" AND start_ns <= ?2 ORDER BY start_ns DESC LIMIT 1), -9223372036854775807 - 1)"

static int find_end(
	struct store *store, const char *sql, int64_t bucket_no, int64_t bound_ns, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store, sql, &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, bucket_no);
	db_bind_i64(stmt, 2, bound_ns);
	return db_exec(store, stmt, err);
}

int bucket_find_ends(
	struct store *store, int64_t bucket_no, int64_t from_ns, int64_t to_ns, struct err *err)
{
	if (find_end(store,
		    "UPDATE bucket SET first_ns = " SQLITE("min") POSTGRES("least") "(" FIRST_OF(
			    "2 * ?1") ", " FIRST_OF("2 * ?1 + 1") ") WHERE " OWN "bucket_no = ?1",
		    bucket_no, from_ns, err) < 0)
		return err->code;
	return find_end(store,
		"UPDATE bucket SET last_ns = " SQLITE("max") POSTGRES("greatest") "(" LAST_OF(
			"2 * ?1") ", " LAST_OF("2 * ?1 + 1") ") WHERE " OWN "bucket_no = ?1",
		bucket_no, to_ns, err);
}

/* What went may have been the first or the last: the row is written, and knows. */
static int check_ends(struct store *store, const struct bucket *bucket, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int64_t first_ns, last_ns;

	if (bucket->lost_first_ns == INT64_MAX && bucket->lost_last_ns == INT64_MIN)
		return 0;
	if (db_stmt(store, "SELECT first_ns, last_ns FROM bucket WHERE " OWN "bucket_no = ?", &stmt,
		    err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, bucket->bucket_no);
	if (db_step(store, stmt, err) < 0)
		return err->code;
	first_ns = db_col_i64(stmt, 0);
	last_ns = db_col_i64(stmt, 1);
	if (first_ns < bucket->lost_first_ns && last_ns > bucket->lost_last_ns)
		return 0;
	return bucket_find_ends(store, bucket->bucket_no, first_ns, last_ns, err);
}

static int load(struct catalogue *catalogue, struct bucket *like, bool make, struct bucket **out,
	struct err *err)
{
	struct store *store = catalogue->store;
	int64_t machine_no;
	bool found = false;

	*out = NULL;
	if (machine_number(store, like->machine_id, make, &machine_no, err) < 0 ||
		find_row(store, machine_no, like, &found, err) < 0)
		return err->code;
	if (!found && !make)
		return 0;
	if (!found && insert_row(store, machine_no, like, err) < 0)
		return err->code;
	*out = add(catalogue, like);
	return 0;
}

int catalogue_bucket(struct catalogue *catalogue, struct str machine_id, struct str source,
	struct str type, bool make, struct bucket **out, struct err *err)
{
	struct bucket *bucket = catalogue->last;

	if (!bucket || !is_bucket(bucket, machine_id, source, type))
		bucket = look_up(catalogue, machine_id, source, type);
	if (!bucket) {
		struct bucket like = { .machine_id = machine_id, .source = source, .type = type };

		if (load(catalogue, &like, make, &bucket, err) < 0)
			return err->code;
	}
	*out = bucket;
	if (!bucket)
		return 0;
	catalogue->last = bucket;
	return make_current(catalogue, bucket, err);
}

static int read_bucket(struct store *store, int64_t bucket_no, struct arena *arena,
	struct bucket *out, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	if (db_stmt(store,
		    "SELECT m.machine_id, b.source, b.type FROM bucket b JOIN machine m USING (" OWNER
		    "machine_no) WHERE " OWN_OF("b") "b.bucket_no = ?",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, bucket_no);
	rc = db_step(store, stmt, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(err, ERR_CORRUPT, "store '%s': bucket %lld is missing",
			store_path(store), (long long)bucket_no);
	*out = (struct bucket){ .bucket_no = bucket_no };
	out->machine_id = db_col_copy(stmt, 0, arena);
	out->source = db_col_copy(stmt, 1, arena);
	out->type = db_col_copy(stmt, 2, arena);
	return 0;
}

int catalogue_bucket_no(
	struct catalogue *catalogue, int64_t bucket_no, struct bucket **out, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct bucket like;

	*out = look_up_number(catalogue, bucket_no);
	if (*out) {
		catalogue->last = *out;
		return make_current(catalogue, *out, err);
	}
	if (read_bucket(catalogue->store, bucket_no, &arena, &like, err) < 0)
		return err->code;
	return catalogue_bucket(
		catalogue, like.machine_id, like.source, like.type, false, out, err);
}

struct bucket *catalogue_known(const struct catalogue *catalogue, int64_t bucket_no)
{
	struct bucket *bucket = look_up_number(catalogue, bucket_no);

	return bucket && bucket->transaction == catalogue->transaction ? bucket : NULL;
}

bool catalogue_learn(struct catalogue *catalogue, const struct bucket *like)
{
	struct bucket *bucket = look_up_number(catalogue, like->bucket_no);

	ASSERT(db_is_writing(catalogue->store));
	if (bucket && bucket->transaction == catalogue->transaction)
		return false;
	if (!bucket)
		bucket = add(catalogue, like);
	bucket->newest_ns[0] = like->newest_ns[0];
	bucket->newest_ns[1] = like->newest_ns[1];
	bucket->longest_ns = like->longest_ns;
	bucket->end_ns = like->end_ns;
	bucket->changed_seq = like->changed_seq;
	bucket->moved_seq = like->moved_seq;
	bucket->dirty = bucket->end_lost = false;
	clear_ends(bucket);
	bucket->transaction = catalogue->transaction;
	return true;
}

static int flush_bucket(struct store *store, struct bucket *bucket, struct err *err)
{
	struct put_bucket row = { .bucket_no = bucket->bucket_no };

	if (bucket->end_lost && bucket_last_end(store, bucket->bucket_no, bucket->longest_ns,
					&bucket->end_ns, err) < 0)
		return err->code;
	row.added = bucket->added;
	row.longest_ns = bucket->longest_ns;
	row.end_ns = bucket->end_ns;
	row.changed_seq = bucket->changed_seq;
	row.moved_seq = bucket->moved_seq;
	row.first_ns = bucket->first_ns;
	row.last_ns = bucket->last_ns;
	if (put_bucket(store, &row, err) < 0 || check_ends(store, bucket, err) < 0)
		return err->code;
	bucket->added = 0;
	bucket->dirty = bucket->end_lost = false;
	clear_ends(bucket);
	return 0;
}

int catalogue_flush(struct catalogue *catalogue, struct err *err)
{
	for (size_t i = 0; i < catalogue->slot_count; i++) {
		struct bucket *bucket = catalogue->slots[i];

		if (bucket && bucket->dirty && flush_bucket(catalogue->store, bucket, err) < 0)
			return err->code;
	}
	return 0;
}
