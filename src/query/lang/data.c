/* An open-addressing table of pointers into an arena, under one lock. */
#include "query/lang/data.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"

enum { FIRST_SLOTS = 256 };

const struct data data_none = { 0 };

struct data_pool {
	pthread_mutex_t lock;
	struct arena arena;
	const struct data **slots;
	size_t slot_count; /* a power of two */
	size_t count;
};

struct str data_text(const struct data *data)
{
	return (struct str){ data->text, data->bytes };
}

struct data_pool *data_pool_new(void)
{
	struct data_pool *pool = mem_zalloc(sizeof(*pool));

	pthread_mutex_init(&pool->lock, NULL);
	pool->slot_count = FIRST_SLOTS;
	pool->slots = mem_zalloc(FIRST_SLOTS * sizeof(struct data *));
	return pool;
}

void data_pool_free(struct data_pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_destroy(&pool->lock);
	arena_release(&pool->arena);
	free(pool->slots);
	free(pool);
}

static size_t bytes_held(const struct data_pool *pool)
{
	return pool->arena.used_bytes + pool->slot_count * sizeof(struct data *);
}

size_t data_pool_bytes(struct data_pool *pool)
{
	size_t bytes;

	pthread_mutex_lock(&pool->lock);
	bytes = bytes_held(pool);
	pthread_mutex_unlock(&pool->lock);
	return bytes;
}

size_t data_pool_count(struct data_pool *pool)
{
	size_t count;

	pthread_mutex_lock(&pool->lock);
	count = pool->count;
	pthread_mutex_unlock(&pool->lock);
	return count;
}

/* The slot of TEXT, or the free one where it belongs. */
static const struct data **find(struct data_pool *pool, struct str text, uint32_t hash)
{
	size_t mask = pool->slot_count - 1;

	for (size_t at = hash & mask;; at = (at + 1) & mask) {
		const struct data *data = pool->slots[at];

		if (!data || (data->hash == hash && str_eq(data_text(data), text)))
			return &pool->slots[at];
	}
}

static void grow(struct data_pool *pool)
{
	const struct data **old = pool->slots;
	size_t old_count = pool->slot_count;

	pool->slot_count *= 2;
	pool->slots = mem_zalloc(pool->slot_count * sizeof(struct data *));
	for (size_t i = 0; i < old_count; i++)
		if (old[i])
			*find(pool, data_text(old[i]), old[i]->hash) = old[i];
	free(old);
}

static const struct data *add(struct data_pool *pool, struct str text, uint32_t hash)
{
	struct data *data = arena_alloc(&pool->arena, sizeof(*data) + text.len);

	/* Sources and the builders of data bound a text far below. */
	ASSERT(text.len < UINT32_MAX && pool->count < UINT32_MAX);
	*data = (struct data){ hash, (uint32_t)pool->count++, (uint32_t)text.len };
	memcpy(data->text, text.ptr, text.len);
	return data;
}

const struct data *data_pool_put(struct data_pool *pool, struct str text, size_t *grown_bytes)
{
	uint64_t wide = hash64(text, 0);
	uint32_t hash = (uint32_t)(wide ^ wide >> 32);
	const struct data **slot;
	const struct data *data;
	size_t before;

	pthread_mutex_lock(&pool->lock);
	before = bytes_held(pool);
	slot = find(pool, text, hash);
	if (!*slot) {
		if (pool->count >= pool->slot_count / 4 * 3) {
			grow(pool);
			slot = find(pool, text, hash);
		}
		*slot = add(pool, text, hash);
	}
	data = *slot;
	if (grown_bytes)
		*grown_bytes += bytes_held(pool) - before;
	pthread_mutex_unlock(&pool->lock);
	return data;
}

/* --- members --- */

/* What stands in the text, quotes included. */
static struct str whole(const struct json_token *token)
{
	if (token->type != JSON_STRING)
		return token->text;
	return (struct str){ token->text.ptr - 1, token->text.len + 2 };
}

struct str data_get(const struct data *data, struct str key, struct arena *scratch)
{
	struct json_scan scan = json_scan(data_text(data));
	struct json_token name, value;

	if (!json_scan_enter(&scan))
		return (struct str){ NULL, 0 };
	while (json_scan_next(&scan, &name))
		if (str_eq(json_token_text(&name, scratch), key) && json_scan_value(&scan, &value))
			return whole(&value);
	return (struct str){ NULL, 0 };
}

bool data_string(struct str value, struct arena *scratch, struct str *out)
{
	struct json_scan scan = json_scan(value);
	struct json_token token;

	if (!json_scan_value(&scan, &token) || token.type != JSON_STRING)
		return false;
	*out = json_token_text(&token, scratch);
	return true;
}

struct writer {
	struct buf *out;
	bool started;
};

static void put_member(struct writer *writer, struct str quoted_key, struct str value)
{
	buf_byte(writer->out, writer->started ? ',' : '{');
	writer->started = true;
	buf_add(writer->out, quoted_key);
	buf_byte(writer->out, ':');
	buf_add(writer->out, value);
}

static void put_new(struct writer *writer, const struct data_member *member)
{
	buf_byte(writer->out, writer->started ? ',' : '{');
	writer->started = true;
	json_quote(writer->out, member->key);
	buf_byte(writer->out, ':');
	buf_add(writer->out, member->value);
}

void data_with(struct buf *out, const struct data *data, const struct data_member *members,
	size_t count, struct arena *scratch)
{
	struct json_scan scan = json_scan(data_text(data));
	struct writer writer = { .out = out };
	struct json_token key, value;
	size_t next = 0;

	if (json_scan_enter(&scan)) {
		while (json_scan_next(&scan, &key)) {
			struct str name = json_token_text(&key, scratch);

			while (next < count && str_cmp(members[next].key, name) < 0)
				put_new(&writer, &members[next++]);
			if (next < count && str_eq(members[next].key, name))
				continue; /* its place is before whatever comes next */
			if (json_scan_value(&scan, &value))
				put_member(&writer, whole(&key), whole(&value));
		}
	}
	while (next < count)
		put_new(&writer, &members[next++]);
	buf_addc(out, writer.started ? "}" : "{}");
}
