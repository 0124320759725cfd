/*
 * Blocks of BLOCK neighbouring numbers, read as a whole when one of them is missed soon after
 * another miss; a single miss reads its row alone. A number always means the same text once it is
 * committed, so a block is good for as long as the connection; long texts are not kept. Who says
 * before what he will ask for gets that alone, with one question.
 */
#include "store/postgres/texts.h"

#include <stdlib.h>

#include "base/clock.h"
#include "store/postgres/array.h"
#include "store/postgres/db.h"
#include "store/sql/ahead.h"
#include "store/sql/row_index.h"

enum { BLOCK = 256, BLOCKS = 512, TEXT_BYTES = 4096, MOST_BYTES = 8 << 20 };
/* Misses closer to each other than this come from a reader who will have more. */
static const int64_t SOON_NS = 100000000;

struct text {
	uint32_t at;
	uint32_t length;
	bool known;
};

struct block {
	int64_t user_no; /* 0: empty */
	int64_t first_no;
	int64_t last_no; /* the largest number there was; 0: it was not read as a whole */
	uint64_t used;   /* when, by texts->clock */
	struct buf bytes;
	struct text texts[BLOCK];
};

struct pg_texts {
	unsigned connection; /* from which it was read */
	int64_t missed_ns;   /* monotonic: the last time; 0: never */
	uint64_t clock;
	size_t bytes;
	struct block *blocks[BLOCKS];
	PGresult *expected; /* numbers and texts of expected_user; NULL: nothing is */
	int64_t expected_user;
	struct row_index index; /* of its rows, by number */
};

static uint64_t hash_of(int64_t no)
{
	return (uint64_t)no * UINT64_C(0x9e3779b97f4a7c15);
}

/* --- blocks --- */

static void drop(struct pg_texts *texts, size_t slot)
{
	struct block *block = texts->blocks[slot];

	if (!block)
		return;
	texts->bytes -= sizeof(*block) + block->bytes.cap;
	buf_release(&block->bytes);
	free(block);
	texts->blocks[slot] = NULL;
}

static void unexpect(struct pg_texts *texts)
{
	PQclear(texts->expected);
	texts->expected = NULL;
	row_index_release(&texts->index);
}

void pg_texts_forget(struct pg_texts *texts)
{
	for (size_t i = 0; texts && i < BLOCKS; i++)
		drop(texts, i);
	if (texts)
		unexpect(texts);
}

void pg_texts_free(struct pg_texts *texts)
{
	pg_texts_forget(texts);
	free(texts);
}

static size_t slot_of(int64_t user_no, int64_t first_no)
{
	uint64_t hash = ((uint64_t)first_no / BLOCK + (uint64_t)user_no * 31) *
			UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(hash >> 32) % BLOCKS;
}

static struct block *block_of(struct pg_texts *texts, int64_t user_no, int64_t first_no)
{
	struct block *block = texts->blocks[slot_of(user_no, first_no)];

	if (!block || block->user_no != user_no || block->first_no != first_no)
		return NULL;
	block->used = ++texts->clock;
	return block;
}

static void make_room(struct pg_texts *texts)
{
	while (texts->bytes > MOST_BYTES) {
		size_t oldest = BLOCKS;

		for (size_t i = 0; i < BLOCKS; i++)
			if (texts->blocks[i] &&
				(oldest == BLOCKS ||
					texts->blocks[i]->used < texts->blocks[oldest]->used))
				oldest = i;
		drop(texts, oldest);
	}
}

/* --- reading --- */

static int ask(struct store *store, const char *sql, const int64_t *numbers, int count,
	PGresult **out, struct err *err)
{
	const Oid types[] = { PG_INT8, PG_INT8, PG_INT8, PG_INT8 };
	const int lengths[] = { 8, 8, 8, 8 };
	const char *values[4];
	char bytes[4][8];

	for (int i = 0; i < count; i++) {
		pg_put_i64(bytes[i], numbers[i]);
		values[i] = bytes[i];
	}
	return pg_ask(store, sql, count, types, values, lengths, out, err);
}

static struct str body_at(const PGresult *answer, int row, int column)
{
	return (struct str){ PQgetvalue(answer, row, column),
		(size_t)PQgetlength(answer, row, column) };
}

/* The user as a row: a planner who is told a user that the statistics do not know takes any index
 * that begins with user_no. OFFSET 0 keeps it from seeing through this. */
#define OWNER_ROW "(SELECT $1 AS user_no OFFSET 0) n"

static int read_one(struct store *store, int64_t no, struct buf *out, struct err *err)
{
	const int64_t numbers[] = { store->user->user_no, no };
	PGresult *answer;
	int rows;

	if (ask(store,
		    "SELECT d.body FROM " OWNER_ROW
		    " CROSS JOIN LATERAL (SELECT c.body FROM dict c WHERE c.user_no = n.user_no"
		    " AND c.data_no = $2 LIMIT 1) d",
		    numbers, 2, &answer, err) < 0)
		return err->code;
	rows = PQntuples(answer);
	if (rows > 0)
		buf_add(out, body_at(answer, 0, 0));
	PQclear(answer);
	return rows > 0;
}

static void keep(struct block *block, int64_t no, struct str body)
{
	block->texts[no - block->first_no] = (struct text){
		.at = (uint32_t)block->bytes.len, .length = (uint32_t)body.len, .known = true
	};
	buf_add(&block->bytes, body);
}

static void fill(struct block *block, const PGresult *answer)
{
	size_t bytes = 0;

	for (int i = 0; i < PQntuples(answer); i++)
		bytes += body_at(answer, i, 1).len;
	buf_reserve(&block->bytes, bytes);
	for (int i = 0; i < PQntuples(answer); i++) {
		int64_t no = pg_get_i64(PQgetvalue(answer, i, 0));

		block->last_no = no > block->last_no ? no : block->last_no;
		keep(block, no, body_at(answer, i, 1));
	}
}

static struct block *new_block(struct pg_texts *texts, int64_t user_no, int64_t first_no)
{
	size_t slot = slot_of(user_no, first_no);
	struct block *block = mem_zalloc(sizeof(*block));

	drop(texts, slot);
	block->user_no = user_no;
	block->first_no = first_no;
	block->used = ++texts->clock;
	texts->blocks[slot] = block;
	texts->bytes += sizeof(*block);
	return block;
}

static int read_block(
	struct store *store, struct pg_texts *texts, int64_t first_no, struct err *err)
{
	const int64_t numbers[] = { store->user->user_no, first_no, first_no + BLOCK - 1,
		TEXT_BYTES };
	struct block *block;
	PGresult *answer;

	if (ask(store,
		    "SELECT d.data_no, d.body FROM " OWNER_ROW
		    " CROSS JOIN LATERAL (SELECT c.data_no, c.body FROM dict c"
		    " WHERE c.user_no = n.user_no AND c.data_no BETWEEN $2 AND $3"
		    " AND octet_length(c.body) <= $4 OFFSET 0) d",
		    numbers, 4, &answer, err) < 0)
		return err->code;
	block = new_block(texts, numbers[0], first_no);
	fill(block, answer);
	PQclear(answer);
	texts->bytes += block->bytes.cap;
	make_room(texts);
	return 0;
}

/* --- the cache --- */

/* OUT may be NULL: is it there? */
static bool give(struct pg_texts *texts, int64_t user_no, int64_t no, struct buf *out)
{
	const struct block *block = block_of(texts, user_no, no - no % BLOCK);
	const struct text *text = block ? &block->texts[no % BLOCK] : NULL;

	if (!text || !text->known)
		return false;
	if (out)
		buf_add(out, (struct str){ block->bytes.ptr + text->at, text->length });
	return true;
}

static bool give_expected(struct pg_texts *texts, int64_t user_no, int64_t no, struct buf *out)
{
	size_t step = 0, row;

	if (!texts->expected || texts->expected_user != user_no)
		return false;
	while (row_index_next(&texts->index, hash_of(no), &step, &row)) {
		if (pg_get_i64(PQgetvalue(texts->expected, (int)row, 0)) != no)
			continue;
		buf_add(out, body_at(texts->expected, (int)row, 1));
		return true;
	}
	return false;
}

/* Would reading the block give what is not in it? Long texts are not; new ones may be, and last_no
 * is 0 where it was not read. */
static bool is_worth_reading(struct pg_texts *texts, int64_t user_no, int64_t no)
{
	const struct block *block = block_of(texts, user_no, no - no % BLOCK);

	return !block || no > block->last_no;
}

/* Was there another miss just now? */
static bool is_run(struct pg_texts *texts)
{
	int64_t now_ns = clock_monotonic_ns(), before_ns = texts->missed_ns;

	texts->missed_ns = now_ns;
	return before_ns != 0 && now_ns - before_ns < SOON_NS;
}

static struct pg_texts *texts_of(struct store *store)
{
	if (!store->texts)
		store->texts = mem_zalloc(sizeof(*store->texts));
	if (store->texts->connection != store->connection)
		pg_texts_forget(store->texts); /* another server may have lost what that one had */
	store->texts->connection = store->connection;
	return store->texts;
}

int ahead_text(struct store *store, int64_t no, struct buf *out, struct err *err)
{
	struct pg_texts *texts = texts_of(store);
	int64_t user_no = store->user->user_no;

	if (no > 0 && (give_expected(texts, user_no, no, out) || give(texts, user_no, no, out)))
		return 1;
	if (no > 0 && is_run(texts) && is_worth_reading(texts, user_no, no)) {
		if (read_block(store, texts, no - no % BLOCK, err) < 0)
			return err->code;
		if (give(texts, user_no, no, out))
			return 1;
	}
	return read_one(store, no, out, err);
}

/* --- what is expected --- */

static int ask_for(struct store *store, struct pg_array *numbers, PGresult **out, struct err *err)
{
	const struct str value = pg_array_value(numbers);
	const Oid types[] = { PG_INT8, PG_INT8_ARRAY, PG_INT8 };
	const int lengths[] = { 8, (int)value.len, 8 };
	const char *values[3];
	char user_no[8], longest[8];

	pg_put_i64(user_no, store->user->user_no);
	pg_put_i64(longest, TEXT_BYTES);
	values[0] = user_no;
	values[1] = value.ptr;
	values[2] = longest;
	return pg_ask(store,
		"SELECT n.data_no, d.body FROM (SELECT $1 AS user_no, unnest($2) AS data_no) n"
		" CROSS JOIN LATERAL (SELECT c.body FROM dict c WHERE c.user_no = n.user_no"
		" AND c.data_no = n.data_no AND octet_length(c.body) <= $3 LIMIT 1) d",
		3, types, values, lengths, out, err);
}

/* In blocks of which nothing else is known: who asks for a text will ask for it again. */
static void keep_expected(struct pg_texts *texts)
{
	int64_t user_no = texts->expected_user;

	for (int i = 0; i < PQntuples(texts->expected); i++) {
		int64_t no = pg_get_i64(PQgetvalue(texts->expected, i, 0));
		struct block *block = block_of(texts, user_no, no - no % BLOCK);

		if (!block)
			block = new_block(texts, user_no, no - no % BLOCK);
		texts->bytes -= block->bytes.cap;
		keep(block, no, body_at(texts->expected, i, 1));
		texts->bytes += block->bytes.cap;
	}
	make_room(texts);
}

static void index_expected(struct pg_texts *texts)
{
	row_index_grow(&texts->index, (size_t)PQntuples(texts->expected));
	for (int i = 0; i < PQntuples(texts->expected); i++)
		ASSERT(row_index_add(&texts->index,
			hash_of(pg_get_i64(PQgetvalue(texts->expected, i, 0))), (size_t)i));
}

int ahead_texts(struct store *store, const int64_t *numbers, size_t count, struct err *err)
{
	struct pg_texts *texts = texts_of(store);
	struct pg_array wanted = { 0 };
	int rc = 0;

	unexpect(texts);
	pg_array_begin(&wanted, PG_INT8);
	for (size_t i = 0; i < count; i++)
		if (numbers[i] > 0 && !give(texts, store->user->user_no, numbers[i], NULL))
			pg_array_i64(&wanted, numbers[i]);
	if (wanted.count > 1)
		rc = ask_for(store, &wanted, &texts->expected, err);
	pg_array_release(&wanted);
	if (!texts->expected)
		return rc;
	texts->expected_user = store->user->user_no;
	index_expected(texts);
	keep_expected(texts);
	return 0;
}
