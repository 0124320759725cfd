/*
 * The cache is direct-mapped: a slot holds the last text that hashed to it, if it is short enough.
 * At most CACHE_SLOTS x CACHE_TEXT_BYTES are held. What was committed stays good until
 * retention deletes rows, which a setting counts; a rollback empties the
 * cache too.
 */
#include "store/sql/dictionary.h"

#include <stdlib.h>

#include "base/hash.h"
#include "store/sql/filter.h"
#include "store/sql/put.h"

/* The setting that counts how often rows were deleted. */
#define DELETIONS "dictionary.deletions"

enum { CACHE_SLOTS = 8192, CACHE_TEXT_BYTES = 1024 };

struct slot {
	uint64_t hash;
	int64_t data_no; /* 0: empty */
	struct buf text;
};

struct dictionary {
	struct store *store;
	int64_t deletions;    /* as of the transaction in which the slots were filled */
	struct filter filter; /* of hashes */
	struct slot slots[CACHE_SLOTS];
};

struct dictionary *dictionary_new(struct store *store)
{
	struct dictionary *dictionary = mem_zalloc(sizeof(*dictionary));

	dictionary->store = store;
	return dictionary;
}

void dictionary_free(struct dictionary *dictionary)
{
	if (!dictionary)
		return;
	for (size_t i = 0; i < CACHE_SLOTS; i++)
		buf_release(&dictionary->slots[i].text);
	filter_release(&dictionary->filter);
	free(dictionary);
}

static int read_deletions(struct store *store, int64_t *deletions, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct str text;

	if (store_setting_get(store, DELETIONS, &arena, &text, err) < 0)
		return err->code;
	if (!str_to_i64(text, deletions))
		*deletions = 0;
	return 0;
}

int dictionary_note_deletions(struct store *store, struct err *err)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	int64_t deletions;

	if (read_deletions(store, &deletions, err) < 0)
		return err->code;
	buf_i64(&text, deletions + 1);
	return store_setting_put(store, DELETIONS, buf_str(&text), err);
}

int dictionary_begin(struct dictionary *dictionary, struct err *err)
{
	int64_t deletions;

	if (read_deletions(dictionary->store, &deletions, err) < 0)
		return err->code;
	if (deletions != dictionary->deletions)
		dictionary_forget(dictionary);
	dictionary->deletions = deletions;
	return 0;
}

void dictionary_forget(struct dictionary *dictionary)
{
	filter_release(&dictionary->filter);
	for (size_t i = 0; i < CACHE_SLOTS; i++)
		dictionary->slots[i].data_no = 0;
}

static int query(struct store *store, struct str data, uint64_t hash, int64_t *no, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	*no = 0;
	if (db_stmt(store, "SELECT data_no, body FROM dict WHERE hash = ?", &stmt, err) < 0)
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

	if (db_stmt(dictionary->store, "SELECT max(data_no) FROM dict", &stmt, err) < 0)
		return err->code;
	rc = db_step(dictionary->store, stmt, err);
	if (rc < 0)
		return rc;
	filter_counted(&dictionary->filter, db_col_i64(stmt, 0));
	return 0;
}

static int fill(struct dictionary *dictionary, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	struct filter *filter = &dictionary->filter;
	int rc;

	if (db_stmt(dictionary->store, "SELECT hash FROM dict", &stmt, err) < 0)
		return err->code;
	filter_reset(filter);
	while ((rc = db_step(dictionary->store, stmt, err)) == 1)
		filter_add(filter, (uint64_t)db_col_i64(stmt, 0));
	if (rc < 0)
		filter_release(filter);
	return rc;
}

/* Its number in the table; 0: it is not there. While writing the filter may know. */
static int find(
	struct dictionary *dictionary, struct str data, uint64_t hash, int64_t *no, struct err *err)
{
	struct filter *filter = &dictionary->filter;

	*no = 0;
	if (db_is_writing(dictionary->store)) {
		if ((filter_wants_count(filter) && count_rows(dictionary, err) < 0) ||
			(filter_is_due(filter) && fill(dictionary, err) < 0))
			return err->code;
		if (filter_excludes(filter, hash))
			return 0;
	}
	if (query(dictionary->store, data, hash, no, err) < 0)
		return err->code;
	if (*no == 0)
		filter_missed(filter);
	return 0;
}

int dictionary_number(
	struct dictionary *dictionary, struct str data, bool make, int64_t *no, struct err *err)
{
	uint64_t hash = hash64(data, 0);
	struct slot *slot = &dictionary->slots[hash % CACHE_SLOTS];

	if (slot->data_no != 0 && slot->hash == hash && str_eq(buf_str(&slot->text), data)) {
		*no = slot->data_no;
		return 0;
	}
	if (find(dictionary, data, hash, no, err) < 0)
		return err->code;
	if (*no == 0 && !make)
		return 0;
	if (*no == 0) {
		if (put_data(dictionary->store, data, hash, no, err) < 0)
			return err->code;
		filter_inserted(&dictionary->filter, hash);
	}
	if (data.len <= CACHE_TEXT_BYTES) {
		slot->hash = hash;
		slot->data_no = *no;
		buf_clear(&slot->text);
		buf_add(&slot->text, data);
	}
	return 0;
}

int dictionary_text(struct store *store, int64_t no, struct buf *out, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	if (db_stmt(store, "SELECT body FROM dict WHERE data_no = ?", &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, no);
	rc = db_step(store, stmt, err);
	if (rc == 0)
		return err_set(err, ERR_CORRUPT, "store '%s': data %lld is missing",
			store_path(store), (long long)no);
	if (rc == 1)
		buf_add(out, db_col_str(stmt, 0));
	return rc < 0 ? rc : 0;
}
