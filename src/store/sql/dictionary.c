/*
 * The cache is direct-mapped: a slot holds the last text that hashed to it, if it is short enough.
 * At most CACHE_BYTES of text are held, in MOST_SLOTS slots. A server has a dictionary for each
 * user, most of whom repeat few texts: the cache begins small, and is doubled when as many texts as
 * it has slots were pushed out of them. What was committed stays good until retention deletes rows,
 * which a counter tells; a rollback empties the cache too.
 */
#include "store/sql/dictionary.h"

#include <stdlib.h>

#include "base/hash.h"
#include "store/sql/ahead.h"
#include "store/sql/put.h"
#include "store/sql/row_index.h"

enum { FIRST_SLOTS = 64, MOST_SLOTS = 1 << 16, CACHE_TEXT_BYTES = 1024, CACHE_BYTES = 8 << 20 };
enum { MOST_EXPECTED = 4096 }; /* before what was expected first is forgotten */

struct slot {
	uint64_t hash;
	int64_t data_no; /* 0: empty */
	uint64_t round;  /* the last in which it was counted on */
	struct buf text;
};

struct dictionary {
	struct store *store;
	int64_t deletions;    /* as of the transaction in which the slots were filled */
	struct filter filter; /* of hashes */
	struct slot *slots;
	size_t slot_count;
	size_t text_bytes;            /* that the slots have room for */
	size_t pushed_out;            /* since the cache has this size */
	uint64_t round;               /* counts what was expected, from 1 on */
	struct expectation *expected; /* NULL: nothing */
};

/* Texts that are about to be asked for, each once. */
struct expectation {
	struct ahead_data *datas;
	size_t count;
	size_t room;
	bool sure; /* also what is not there: read under the user's lock, and kept up to date since
		    */
	struct arena arena;
	struct row_index index;
};

struct dictionary *dictionary_new(struct store *store)
{
	struct dictionary *dictionary = mem_zalloc(sizeof(*dictionary));

	dictionary->store = store;
	dictionary->slots = mem_zalloc(FIRST_SLOTS * sizeof(struct slot));
	dictionary->slot_count = FIRST_SLOTS;
	dictionary->round = 1;
	return dictionary;
}

static void unexpect(struct dictionary *dictionary)
{
	struct expectation *expected = dictionary->expected;

	dictionary->expected = NULL;
	if (!expected)
		return;
	row_index_release(&expected->index);
	arena_release(&expected->arena);
	free(expected->datas);
	free(expected);
}

void dictionary_free(struct dictionary *dictionary)
{
	if (!dictionary)
		return;
	for (size_t i = 0; i < dictionary->slot_count; i++)
		buf_release(&dictionary->slots[i].text);
	free(dictionary->slots);
	filter_release(&dictionary->filter);
	unexpect(dictionary);
	free(dictionary);
}

void dictionary_note_deletions(struct store *store)
{
	ASSERT(db_is_writing(store));
	db_counters(store)->deletions++;
}

void dictionary_begin(struct dictionary *dictionary, bool alone)
{
	int64_t deletions = db_counters(dictionary->store)->deletions;

	if (!alone)
		filter_release(&dictionary->filter);
	if (deletions != dictionary->deletions)
		dictionary_forget(dictionary);
	if (dictionary->expected)
		dictionary->expected->sure = false;
	dictionary->deletions = deletions;
}

void dictionary_forget(struct dictionary *dictionary)
{
	filter_release(&dictionary->filter);
	unexpect(dictionary);
	for (size_t i = 0; i < dictionary->slot_count; i++)
		dictionary->slots[i].data_no = 0;
}

/* --- the cache --- */

static struct slot *slot_of(const struct dictionary *dictionary, uint64_t hash)
{
	return &dictionary->slots[hash & (dictionary->slot_count - 1)];
}

/* A larger one: each slot's text has its place in it to itself. */
static void grow(struct dictionary *dictionary)
{
	struct slot *old = dictionary->slots;
	size_t old_count = dictionary->slot_count;

	dictionary->slot_count *= 2;
	dictionary->slots = mem_zalloc(dictionary->slot_count * sizeof(struct slot));
	dictionary->pushed_out = 0;
	for (size_t i = 0; i < old_count; i++) {
		if (old[i].data_no != 0) {
			*slot_of(dictionary, old[i].hash) = old[i];
			continue;
		}
		dictionary->text_bytes -= old[i].text.cap;
		buf_release(&old[i].text);
	}
	free(old);
}

static void keep(struct dictionary *dictionary, struct str data, uint64_t hash, int64_t no)
{
	struct slot *slot = slot_of(dictionary, hash);

	if (data.len > CACHE_TEXT_BYTES)
		return;
	if (slot->data_no != 0 && ++dictionary->pushed_out > dictionary->slot_count &&
		dictionary->slot_count < MOST_SLOTS) {
		grow(dictionary);
		slot = slot_of(dictionary, hash);
	}
	if (slot->data_no != 0 && slot->round == dictionary->round)
		return;
	if (data.len >= slot->text.cap && dictionary->text_bytes + data.len > CACHE_BYTES)
		return;
	dictionary->text_bytes -= slot->text.cap;
	slot->hash = hash;
	slot->data_no = no;
	buf_clear(&slot->text);
	buf_add(&slot->text, data);
	dictionary->text_bytes += slot->text.cap;
}

/* --- the table --- */

static int query(struct store *store, struct str data, uint64_t hash, int64_t *no, struct err *err)
{
	static const char sql[] = SQLITE("SELECT data_no, body FROM dict WHERE hash = ?")
		POSTGRES("SELECT d.data_no, d.body FROM (SELECT $0 AS user_no OFFSET 0) n"
			 " CROSS JOIN LATERAL (SELECT c.data_no, c.body FROM dict c"
			 " WHERE c.user_no = n.user_no AND c.hash = ? OFFSET 0) d");
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	*no = 0;
	if (db_stmt(store, sql, &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, (int64_t)hash);
	while ((rc = db_step(store, stmt, err)) == 1) {
		if (!str_eq(db_col_str(stmt, 1), data))
			continue;
		*no = db_col_i64(stmt, 0);
		return 0;
	}
	return rc;
}

static int count_rows(struct dictionary *dictionary, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	if (db_stmt(dictionary->store, "SELECT max(data_no) FROM dict" ALL_OWN, &stmt, err) < 0)
		return err->code;
	rc = db_step(dictionary->store, stmt, err);
	if (rc < 0)
		return rc;
	filter_counted(&dictionary->filter, db_col_i64(stmt, 0));
	return 0;
}

static int fill(struct dictionary *dictionary, struct err *err)
{
	struct db_statement *stmt = NULL;
	struct filter *filter = &dictionary->filter;
	int rc = db_prepare(dictionary->store, "SELECT hash FROM dict" ALL_OWN, &stmt, err);

	filter_reset(filter);
	while (rc == 0 && (rc = db_step(dictionary->store, stmt, err)) == 1) {
		filter_add(filter, (uint64_t)db_col_i64(stmt, 0));
		rc = 0;
	}
	if (rc < 0)
		filter_release(filter);
	db_finalize(stmt);
	return rc;
}

static int fill_when_due(struct dictionary *dictionary, struct err *err)
{
	struct filter *filter = &dictionary->filter;

	if (!db_is_writing(dictionary->store))
		return 0;
	if (filter_wants_count(filter) && count_rows(dictionary, err) < 0)
		return err->code;
	return filter_is_due(filter) ? fill(dictionary, err) : 0;
}

/* Its number in the table; 0: it is not there. While writing the filter may know. */
static int find(
	struct dictionary *dictionary, struct str data, uint64_t hash, int64_t *no, struct err *err)
{
	struct filter *filter = &dictionary->filter;

	*no = 0;
	if (fill_when_due(dictionary, err) < 0)
		return err->code;
	if (db_is_writing(dictionary->store) && filter_excludes(filter, hash))
		return 0;
	if (query(dictionary->store, data, hash, no, err) < 0)
		return err->code;
	if (*no == 0)
		filter_missed(filter, ahead_rows_per_question(dictionary->store));
	return 0;
}

/* --- many at once --- */

static struct ahead_data *find_expected(
	const struct dictionary *dictionary, struct str data, uint64_t hash)
{
	const struct expectation *expected = dictionary->expected;
	size_t step = 0, at;

	while (expected && row_index_next(&expected->index, hash, &step, &at))
		if (str_eq(expected->datas[at].text, data))
			return &expected->datas[at];
	return NULL;
}

static struct slot *cached(const struct dictionary *dictionary, struct str data, uint64_t hash)
{
	struct slot *slot = slot_of(dictionary, hash);

	return slot->data_no != 0 && slot->hash == hash && str_eq(buf_str(&slot->text), data)
		       ? slot
		       : NULL;
}

static int load_expected(struct dictionary *dictionary, struct err *err)
{
	struct expectation *expected = dictionary->expected;

	for (size_t i = 0; i < expected->count; i++)
		expected->datas[i].absent = false;
	if (ahead_data(dictionary->store, expected->datas, expected->count, err) < 0)
		return err->code;
	expected->sure = db_is_writing(dictionary->store);
	return 0;
}

/* What is cached must be so when it is asked for: it keeps its slot until something else is
 * expected. */
bool dictionary_wants(struct dictionary *dictionary, struct ahead_data *data)
{
	struct slot *slot = cached(dictionary, data->text, data->hash);

	if (slot) {
		slot->round = dictionary->round + 1;
		return false;
	}
	data->absent = db_is_writing(dictionary->store) &&
		       filter_excludes(&dictionary->filter, data->hash);
	return true;
}

static void expect_nothing(struct dictionary *dictionary)
{
	unexpect(dictionary);
	dictionary->round++;
	dictionary->expected = mem_zalloc(sizeof(*dictionary->expected));
	dictionary->expected->sure = db_is_writing(dictionary->store);
}

static struct ahead_data *add_expected(struct expectation *expected)
{
	if (expected->count == expected->room) {
		expected->room = 2 * expected->room + 16;
		expected->datas =
			mem_resize(expected->datas, expected->room, sizeof(*expected->datas));
	}
	return &expected->datas[expected->count];
}

static void index_expected(struct expectation *expected)
{
	size_t at = expected->count++;

	if (row_index_add(&expected->index, expected->datas[at].hash, at))
		return;
	row_index_grow(&expected->index, expected->count);
	for (size_t i = 0; i < expected->count; i++)
		ASSERT(row_index_add(&expected->index, expected->datas[i].hash, i));
}

static void expect_more(struct dictionary *dictionary, const struct ahead_data *datas, size_t count)
{
	struct expectation *expected = dictionary->expected;

	for (size_t i = 0; i < count; i++) {
		struct ahead_data *data;

		if (find_expected(dictionary, datas[i].text, datas[i].hash))
			continue;
		data = add_expected(expected);
		*data = datas[i];
		data->text = arena_str(&expected->arena, datas[i].text);
		index_expected(expected);
		if (expected->sure && data->data_no == 0 && !data->absent)
			filter_missed(
				&dictionary->filter, ahead_rows_per_look_up(dictionary->store));
	}
}

void dictionary_learn(struct dictionary *dictionary, const struct ahead_data *datas, size_t count)
{
	expect_nothing(dictionary);
	expect_more(dictionary, datas, count);
}

void dictionary_learn_more(
	struct dictionary *dictionary, const struct ahead_data *datas, size_t count)
{
	if (!dictionary->expected || dictionary->expected->count + count > MOST_EXPECTED)
		expect_nothing(dictionary);
	expect_more(dictionary, datas, count);
}

int dictionary_expect(
	struct dictionary *dictionary, const struct str *datas, size_t count, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct ahead_data *asked;
	size_t asked_count = 0;

	if (!ahead_pays(dictionary->store))
		return 0;
	if (fill_when_due(dictionary, err) < 0)
		return err->code;
	asked = arena_zalloc(&arena, count + 1, sizeof(*asked));
	for (size_t i = 0; i < count; i++) {
		struct ahead_data *data = &asked[asked_count];

		*data = (struct ahead_data){ .owner = ahead_owner(dictionary->store),
			.hash = hash64(datas[i], 0),
			.text = datas[i] };
		asked_count += dictionary_wants(dictionary, data);
	}
	if (asked_count > 0 && ahead_data(dictionary->store, asked, asked_count, err) < 0)
		return err->code;
	dictionary_learn(dictionary, asked, asked_count);
	return 0;
}

/* *OUT is what was expected, or NULL. Numbers are good until rows are deleted; that there is none
 * must have been seen under the lock. */
static int look(struct dictionary *dictionary, struct str data, uint64_t hash,
	struct ahead_data **out, struct err *err)
{
	*out = find_expected(dictionary, data, hash);
	if (!*out || (*out)->data_no != 0 || dictionary->expected->sure ||
		!db_is_writing(dictionary->store))
		return 0;
	return load_expected(dictionary, err);
}

int dictionary_number(
	struct dictionary *dictionary, struct str data, bool make, int64_t *no, struct err *err)
{
	uint64_t hash = hash64(data, 0);
	const struct slot *slot = cached(dictionary, data, hash);
	struct ahead_data *expected;

	if (slot) {
		*no = slot->data_no;
		return 0;
	}
	if (look(dictionary, data, hash, &expected, err) < 0)
		return err->code;
	*no = expected ? expected->data_no : 0;
	if (!expected && find(dictionary, data, hash, no, err) < 0)
		return err->code;
	if (*no == 0 && !make)
		return 0;
	if (*no == 0) {
		if (put_data(dictionary->store, data, hash, no, err) < 0)
			return err->code;
		filter_inserted(&dictionary->filter, hash);
		if (expected)
			expected->data_no = *no;
	}
	keep(dictionary, data, hash, *no);
	return 0;
}

int dictionary_text(struct store *store, int64_t no, struct buf *out, struct err *err)
{
	int rc = ahead_text(store, no, out, err);

	if (rc == 0)
		return err_set(err, ERR_CORRUPT, "store '%s': data %lld is missing",
			store_path(store), (long long)no);
	return rc < 0 ? rc : 0;
}
