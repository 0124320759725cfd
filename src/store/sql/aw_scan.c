/*
 * Events of one bucket in the order of the ActivityWatch API.
 *
 * A shelf gives its rows by start; those of equal start are gathered from both shelves and sorted.
 * Since no event of a bucket is longer than its longest_ns, those that reach FROM start at most
 * that long before it: nothing earlier is read, nor what lies outside of the bucket's first and
 * last start. A long time is asked for piece by piece, each longer than the one before: who wants
 * the newest few events costs no look at the months before them. Data is fetched for the row that
 * is handed out, and kept for those that follow: a few data are those of most events.
 */
#include <stdlib.h>

#include "store/sql/ahead.h"
#include "store/sql/aw_rows.h"

struct shelf {
	struct db_statement *stmt; /* of a piece; NULL: there are no more rows */
	int64_t no;
	int64_t from_ns, to_ns; /* starts that were not asked for yet; from > to: none */
	int64_t piece_ns;       /* length of the next piece */
	struct aw_event next;
};

static const int64_t FIRST_PIECE_NS = INT64_C(31) * 86400 * 1000000000;
enum { PIECES_GROW = 4 };

enum { DATA_SLOTS = 1024, DATA_SLOT_BYTES = 1 << 10 };
/* The data of so many rows are asked for together, at first, and at last; who reads more meets the
 * same data again and again. */
enum { FIRST_AHEAD = 16, AHEAD_GROWS = 4, LAST_AHEAD = 4096 };

/* A text that was read already; data_no 0: none. */
struct data_slot {
	int64_t data_no;
	struct buf text;
};

struct aw_scan {
	struct store *store;
	int64_t from_ns;
	bool oldest_first;
	struct shelf shelves[2];
	struct aw_event *group; /* in order: those of equal start, or several such */
	size_t group_count;
	size_t group_room;
	size_t given;            /* of the group */
	size_t ahead;            /* 0: data are asked for one by one */
	struct data_slot *slots; /* NULL: lean */
	struct buf text;         /* read last */
	struct err failure;
};

void aw_clip(struct aw_event *event, int64_t from_ns, int64_t to_ns)
{
	int64_t end_ns = event->start_ns + event->duration_ns;

	if (event->start_ns < from_ns)
		event->start_ns = from_ns;
	if (end_ns > to_ns)
		end_ns = to_ns;
	event->duration_ns = end_ns - event->start_ns;
}

/* --- the shelves --- */

/* The starts of a bucket's events that may touch a range. */
struct starts {
	int64_t from_ns, to_ns; /* from > to: none */
	bool odd;               /* are there odd events at all? Most have none */
};

/* Where to begin, so that no event is missed that ends at FROM or later. */
static int64_t first_start(int64_t from_ns, int64_t longest_ns)
{
	int64_t start_ns;

	return __builtin_sub_overflow(from_ns, longest_ns, &start_ns) ? INT64_MIN : start_ns;
}

static int find_starts(
	struct store *store, const struct aw_range *range, struct starts *out, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	*out = (struct starts){ .from_ns = INT64_MAX, .to_ns = INT64_MIN };
	if (range->from_ns > range->to_ns)
		return 0;
	if (db_stmt(store,
		    "SELECT longest_ns, first_ns, last_ns, (SELECT odd_ids FROM store_state" ALL_OWN
		    ") FROM bucket WHERE " OWN "bucket_no = ?",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, range->bucket_no);
	rc = db_step(store, stmt, err);
	if (rc != 1)
		return rc;
	out->from_ns = first_start(range->from_ns, db_col_i64(stmt, 0));
	if (db_col_i64(stmt, 1) > out->from_ns)
		out->from_ns = db_col_i64(stmt, 1);
	out->to_ns = db_col_i64(stmt, 2) < range->to_ns ? db_col_i64(stmt, 2) : range->to_ns;
	out->odd = db_col_i64(stmt, 3) > 0;
	return 0;
}

/* --- pieces --- */

#define SELECT_STARTS                                                                              \
	"SELECT start_ns, duration_ns, data_no, number, seq FROM event WHERE " OWN                 \
	"shelf = ? AND start_ns >= ? AND start_ns <= ?"

static void bind_starts(struct db_statement *stmt, int64_t shelf, int64_t from_ns, int64_t to_ns)
{
	db_bind_i64(stmt, 1, shelf);
	db_bind_i64(stmt, 2, from_ns);
	db_bind_i64(stmt, 3, to_ns);
}

/* Take the next piece off the shelf's time, into [*FROM, *TO]. */
static void cut_piece(struct aw_scan *scan, struct shelf *shelf, int64_t *from_ns, int64_t *to_ns)
{
	int64_t end_ns;

	*from_ns = shelf->from_ns;
	*to_ns = shelf->to_ns;
	if (scan->oldest_first) {
		if (!__builtin_add_overflow(*from_ns, shelf->piece_ns, &end_ns) && end_ns < *to_ns)
			*to_ns = end_ns;
	} else if (!__builtin_sub_overflow(*to_ns, shelf->piece_ns, &end_ns) && end_ns > *from_ns) {
		*from_ns = end_ns;
	}
	if (*from_ns == shelf->from_ns && *to_ns == shelf->to_ns) {
		shelf->from_ns = INT64_MAX;
		shelf->to_ns = INT64_MIN;
	} else if (scan->oldest_first) {
		shelf->from_ns = *to_ns + 1;
	} else {
		shelf->to_ns = *from_ns - 1;
	}
	if (shelf->piece_ns < INT64_MAX / PIECES_GROW)
		shelf->piece_ns *= PIECES_GROW;
}

static int open_piece(struct aw_scan *scan, struct shelf *shelf, struct err *err)
{
	int64_t from_ns, to_ns;

	cut_piece(scan, shelf, &from_ns, &to_ns);
	if (db_prepare(scan->store,
		    scan->oldest_first ? SELECT_STARTS " ORDER BY start_ns"
				       : SELECT_STARTS " ORDER BY start_ns DESC",
		    &shelf->stmt, err) < 0)
		return err->code;
	bind_starts(shelf->stmt, shelf->no, from_ns, to_ns);
	return 0;
}

/* The next row that reaches FROM. */
static int step(struct aw_scan *scan, struct shelf *shelf, struct err *err)
{
	int rc;

	do
		rc = db_step(scan->store, shelf->stmt, err);
	while (rc == 1 && db_col_i64(shelf->stmt, 0) + db_col_i64(shelf->stmt, 1) < scan->from_ns);
	return rc;
}

static void close_piece(struct shelf *shelf)
{
	db_finalize(shelf->stmt);
	shelf->stmt = NULL;
}

/* From piece to piece. */
static int step_shelf(struct aw_scan *scan, struct shelf *shelf, struct err *err)
{
	int rc = shelf->stmt ? step(scan, shelf, err) : 0;

	while (rc == 0) {
		close_piece(shelf);
		if (shelf->from_ns > shelf->to_ns)
			return 0;
		rc = open_piece(scan, shelf, err);
		if (rc == 0)
			rc = step(scan, shelf, err);
	}
	return rc;
}

static int advance(struct aw_scan *scan, struct shelf *shelf, struct err *err)
{
	int rc = step_shelf(scan, shelf, err);
	int64_t number;

	if (rc != 1) {
		close_piece(shelf);
		return rc;
	}
	number = db_col_i64(shelf->stmt, 3);
	shelf->next = (struct aw_event){
		.start_ns = db_col_i64(shelf->stmt, 0),
		.duration_ns = db_col_i64(shelf->stmt, 1),
		.data_no = db_col_i64(shelf->stmt, 2),
		.number = number > 0 ? number : AW_NUMBER_SEQ + db_col_i64(shelf->stmt, 4),
	};
	return 1;
}

static int open_all(struct aw_scan *scan, const struct aw_range *range, struct err *err)
{
	struct starts starts;

	if (find_starts(scan->store, range, &starts, err) < 0)
		return err->code;
	for (int odd = 0; odd < (starts.odd ? 2 : 1); odd++) {
		scan->shelves[odd] = (struct shelf){
			.no = 2 * range->bucket_no + odd,
			.from_ns = starts.from_ns,
			.to_ns = starts.to_ns,
			.piece_ns = FIRST_PIECE_NS,
		};
		if (advance(scan, &scan->shelves[odd], err) < 0)
			return err->code;
	}
	if (range->lean)
		return 0;
	scan->slots = mem_zalloc(DATA_SLOTS * sizeof(*scan->slots));
	scan->ahead = ahead_pays(scan->store) ? FIRST_AHEAD : 0;
	return 0;
}

int aw_scan_open(
	struct aw_scan **out, struct store *store, const struct aw_range *range, struct err *err)
{
	CLEANUP(aw_scan_closep) struct aw_scan *scan = NULL;

	*out = NULL;
	if (db_read_begin(store, err) < 0)
		return err->code;
	scan = mem_zalloc(sizeof(*scan));
	scan->store = store;
	scan->from_ns = range->from_ns;
	scan->oldest_first = range->oldest_first;
	if (open_all(scan, range, err) < 0)
		return err->code;
	*out = scan;
	scan = NULL;
	return 0;
}

void aw_scan_close(struct aw_scan *scan)
{
	if (!scan)
		return;
	for (size_t i = 0; i < ARRAY_LEN(scan->shelves); i++)
		db_finalize(scan->shelves[i].stmt);
	buf_release(&scan->text);
	for (size_t i = 0; scan->slots && i < DATA_SLOTS; i++)
		buf_release(&scan->slots[i].text);
	free(scan->slots);
	free(scan->group);
	db_read_end(scan->store);
	free(scan);
}

void aw_scan_closep(struct aw_scan **scan)
{
	aw_scan_close(*scan);
}

/* --- groups --- */

static int by_end_and_number(const void *a, const void *b)
{
	const struct aw_event *left = a, *right = b;

	if (left->duration_ns != right->duration_ns)
		return left->duration_ns < right->duration_ns ? -1 : 1;
	return (left->number > right->number) - (left->number < right->number);
}

static void add_to_group(struct aw_scan *scan, const struct aw_event *event)
{
	if (scan->group_count == scan->group_room) {
		scan->group_room = scan->group_room * 2 + 4;
		scan->group = mem_resize(scan->group, scan->group_room, sizeof(*scan->group));
	}
	scan->group[scan->group_count++] = *event;
}

/* *FOUND: *START is the next one. */
static void next_start(const struct aw_scan *scan, int64_t *start_ns, bool *found)
{
	*found = false;
	for (size_t i = 0; i < ARRAY_LEN(scan->shelves); i++) {
		int64_t own_ns = scan->shelves[i].next.start_ns;

		if (!scan->shelves[i].stmt)
			continue;
		if (!*found || (scan->oldest_first ? own_ns < *start_ns : own_ns > *start_ns))
			*start_ns = own_ns;
		*found = true;
	}
}

/* Add those of the next start to the group. */
static int gather(struct aw_scan *scan, struct err *err)
{
	int64_t start_ns = 0;
	size_t begin = scan->group_count;
	bool found;

	next_start(scan, &start_ns, &found);
	for (size_t i = 0; found && i < ARRAY_LEN(scan->shelves); i++) {
		struct shelf *shelf = &scan->shelves[i];

		while (shelf->stmt && shelf->next.start_ns == start_ns) {
			add_to_group(scan, &shelf->next);
			if (advance(scan, shelf, err) < 0)
				return err->code;
		}
	}
	if (scan->group_count - begin > 1)
		qsort(scan->group + begin, scan->group_count - begin, sizeof(*scan->group),
			by_end_and_number);
	return 0;
}

static struct data_slot *slot_of(struct aw_scan *scan, int64_t data_no)
{
	return &scan->slots[(uint64_t)data_no % DATA_SLOTS];
}

static int expect_data(struct aw_scan *scan, struct err *err)
{
	int64_t *unknown = mem_resize(NULL, scan->group_count + 1, sizeof(*unknown));
	size_t count = 0;
	int rc;

	for (size_t i = 0; i < scan->group_count; i++) {
		int64_t data_no = scan->group[i].data_no;

		if (slot_of(scan, data_no)->data_no != data_no)
			unknown[count++] = data_no;
	}
	rc = ahead_texts(scan->store, unknown, count, err);
	free(unknown);
	return rc;
}

static int next_group(struct aw_scan *scan, struct err *err)
{
	size_t before;

	scan->group_count = scan->given = 0;
	do {
		before = scan->group_count;
		if (gather(scan, err) < 0)
			return err->code;
	} while (scan->group_count > before && scan->group_count < scan->ahead);
	if (scan->ahead == 0)
		return 0;
	scan->ahead = scan->ahead < LAST_AHEAD ? scan->ahead * AHEAD_GROWS : 0;
	return expect_data(scan, err);
}

static void keep_data(struct data_slot *slot, const struct aw_event *event)
{
	if (event->data.len > DATA_SLOT_BYTES)
		return;
	slot->data_no = event->data_no;
	buf_clear(&slot->text);
	buf_add(&slot->text, event->data);
}

static int read_data(struct aw_scan *scan, struct aw_event *event, struct err *err)
{
	struct data_slot *slot = slot_of(scan, event->data_no);

	if (slot->data_no == event->data_no) {
		event->data = buf_str(&slot->text);
		return 0;
	}
	buf_clear(&scan->text);
	if (dictionary_text(scan->store, event->data_no, &scan->text, err) < 0)
		return err->code;
	event->data = buf_str(&scan->text);
	keep_data(slot, event);
	return 0;
}

static int fail(struct aw_scan *scan, const struct err *err)
{
	scan->failure = *err;
	return err->code;
}

int aw_scan_next(struct aw_scan *scan, struct aw_event *out, struct err *err)
{
	if (scan->failure.code != 0) {
		*err = scan->failure;
		return err->code;
	}
	if (scan->given == scan->group_count && next_group(scan, err) < 0)
		return fail(scan, err);
	if (scan->given == scan->group_count)
		return 0;
	*out = scan->group[scan->given++];
	if (scan->slots && read_data(scan, out, err) < 0)
		return fail(scan, err);
	return 1;
}

/* --- other reads --- */

int aw_data(struct store *store, int64_t data_no, struct buf *out, struct err *err)
{
	return dictionary_text(store, data_no, out, err);
}

int aw_expect_data(struct store *store, const int64_t *data_nos, size_t count, struct err *err)
{
	return ahead_texts(store, data_nos, count, err);
}

static int count_shelf(struct store *store, int64_t shelf, const struct starts *starts,
	int64_t from_ns, int64_t *count, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store,
		    "SELECT count(*) FROM event WHERE " OWN
		    "shelf = ? AND start_ns >= ? AND start_ns <= ?"
		    " AND start_ns + duration_ns >= ?",
		    &stmt, err) < 0)
		return err->code;
	bind_starts(stmt, shelf, starts->from_ns, starts->to_ns);
	db_bind_i64(stmt, 4, from_ns);
	if (db_step(store, stmt, err) < 0)
		return err->code;
	*count += db_col_i64(stmt, 0);
	return 0;
}

static int count_range(
	struct store *store, const struct aw_range *range, int64_t *count, struct err *err)
{
	struct starts starts;

	*count = 0;
	if (find_starts(store, range, &starts, err) < 0)
		return err->code;
	for (int odd = 0; starts.from_ns <= starts.to_ns && odd < (starts.odd ? 2 : 1); odd++)
		if (count_shelf(store, 2 * range->bucket_no + odd, &starts, range->from_ns, count,
			    err) < 0)
			return err->code;
	return 0;
}

static int count_all(struct store *store, int64_t bucket_no, int64_t *count, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	*count = 0;
	if (db_stmt(store, "SELECT events FROM bucket WHERE " OWN "bucket_no = ?", &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, bucket_no);
	rc = db_step(store, stmt, err);
	if (rc == 1)
		*count = db_col_i64(stmt, 0);
	return rc < 0 ? rc : 0;
}

int aw_count(struct store *store, const struct aw_range *range, int64_t *count, struct err *err)
{
	int rc;

	if (range->from_ns == INT64_MIN && range->to_ns == INT64_MAX)
		return count_all(store, range->bucket_no, count, err);
	if (db_read_begin(store, err) < 0)
		return err->code;
	rc = count_range(store, range, count, err);
	db_read_end(store);
	return rc;
}

static int find(struct store *store, int64_t bucket_no, int64_t number, struct arena *arena,
	struct aw_event *out, struct err *err)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct event_row row;
	int rc = aw_row_by_number(store, number, &row, &text, err);

	if (rc < 0)
		return rc;
	if (rc == 0 || row.bucket_no != bucket_no)
		return err_set(
			err, ERR_NOT_FOUND, "the bucket has no event %lld", (long long)number);
	buf_clear(&text);
	if (dictionary_text(store, row.data_no, &text, err) < 0)
		return err->code;
	*out = (struct aw_event){
		.number = number,
		.start_ns = row.start_ns,
		.duration_ns = row.duration_ns,
		.data_no = row.data_no,
		.data = arena_str(arena, buf_str(&text)),
	};
	return 0;
}

int aw_event_find(struct store *store, int64_t bucket_no, int64_t number, struct arena *arena,
	struct aw_event *out, struct err *err)
{
	int rc;

	if (db_read_begin(store, err) < 0)
		return err->code;
	rc = find(store, bucket_no, number, arena, out, err);
	db_read_end(store);
	return rc;
}
