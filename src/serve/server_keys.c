/*
 * Keys are found by the first bytes of their hash and then compared whole, in a time that does not
 * tell where they differ. The store knows no key, so neither does this.
 */
#include "serve/server_keys.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "base/time.h"
#include "store/users.h"

enum { WRITE_MS = 300000, PREFIX_BYTES = 4, BUSY_MS = 2000 };

struct server_keys {
	pthread_mutex_t lock;
	atomic_bool away; /* the store could not be read: who finds somebody trying does not wait */
	const char *store_url;
	void (*tell)(void *context);
	void *context;
	struct store *store;
	int64_t generation;
	bool loaded;
	struct api_key *keys; /* by hash */
	size_t count;
	struct user *users;
	size_t user_count;
	struct arena arena;
	bool used;          /* some uses are not written yet */
	int64_t written_ns; /* when they were last; monotonic */
};

struct server_keys *server_keys_new(
	const char *store_url, void (*used)(void *context), void *context)
{
	struct server_keys *keys = mem_zalloc(sizeof(*keys));

	pthread_mutex_init(&keys->lock, NULL);
	keys->store_url = store_url;
	keys->tell = used;
	keys->context = context;
	keys->written_ns = clock_monotonic_ns();
	return keys;
}

static void forget(struct server_keys *keys)
{
	store_close(keys->store);
	keys->store = NULL;
	keys->loaded = false;
}

void server_keys_free(struct server_keys *keys)
{
	if (!keys)
		return;
	forget(keys);
	arena_release(&keys->arena);
	pthread_mutex_destroy(&keys->lock);
	free(keys);
}

/* --- what is known --- */

static int by_hash(const void *a, const void *b)
{
	const struct api_key *left = a, *right = b;

	return memcmp(left->hash, right->hash, sizeof(left->hash));
}

/* Uses that are not written yet are lost with a reload: take them along. */
static void keep_uses(
	const struct api_key *old, size_t old_count, struct api_key *keys, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct api_key *before =
			bsearch(&keys[i], old, old_count, sizeof(*old), by_hash);

		if (before && before->used_ns > keys[i].used_ns)
			keys[i].used_ns = before->used_ns;
	}
}

static int load(struct server_keys *keys, int64_t generation, struct err *err)
{
	struct arena arena = { 0 };
	struct api_key *list = NULL;
	struct user *users = NULL;
	size_t count = 0, user_count = 0;

	if (key_list(keys->store, &arena, &list, &count, err) < 0 ||
		user_list(keys->store, clock_now_ns(), &arena, &users, &user_count, err) < 0) {
		arena_release(&arena);
		return err->code;
	}
	if (count > 0)
		qsort(list, count, sizeof(*list), by_hash);
	if (keys->count > 0)
		keep_uses(keys->keys, keys->count, list, count);
	arena_release(&keys->arena);
	keys->arena = arena;
	keys->keys = list;
	keys->count = count;
	keys->users = users;
	keys->user_count = user_count;
	keys->generation = generation;
	keys->loaded = true;
	return 0;
}

static int refresh(struct server_keys *keys, struct err *err)
{
	const struct store_options options = {
		.url = keys->store_url, .read_only = true, .must_exist = true, .busy_ms = BUSY_MS
	};
	int64_t generation;

	if (keys->store && store_replaced(keys->store))
		forget(keys);
	if (!keys->store && store_open(&keys->store, &options, err) < 0)
		return err->code;
	if (key_generation(keys->store, &generation, err) < 0)
		return err->code;
	return keys->loaded && generation == keys->generation ? 0 : load(keys, generation, err);
}

static bool same(const unsigned char *a, const unsigned char *b)
{
	volatile unsigned char different = 0;

	for (size_t i = 0; i < KEY_HASH_BYTES; i++)
		different |= (unsigned char)(a[i] ^ b[i]);
	return different == 0;
}

static struct api_key *look_up(struct server_keys *keys, const unsigned char *hash)
{
	size_t low = 0, high = keys->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(keys->keys[middle].hash, hash, PREFIX_BYTES) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < keys->count && memcmp(keys->keys[low].hash, hash, PREFIX_BYTES) == 0; low++)
		if (same(keys->keys[low].hash, hash))
			return &keys->keys[low];
	return NULL;
}

/* 1: a good one. */
static int take(struct server_keys *keys, const unsigned char *hash, struct arena *arena,
	struct identity *out)
{
	struct api_key *key = look_up(keys, hash);
	int64_t now_ns = clock_now_ns();

	if (!key || key->revoked_ns != INT64_MIN || key->expires_ns <= now_ns)
		return 0;
	*out = (struct identity){ .known = true,
		.key_id = arena_str(arena, key->key_id),
		.user_id = arena_str(arena, key->user_id),
		.email = arena_str(arena, key->email),
		.machine_id = arena_str(arena, key->machine_id),
		.role = key->role };
	/* Known to a few minutes: not every request is another value. */
	if (key->used_ns == INT64_MIN || now_ns - key->used_ns >= WRITE_MS * NS_PER_MS) {
		key->used_ns = now_ns;
		if (!keys->used)
			keys->tell(keys->context);
		keys->used = true;
	}
	return 1;
}

/* What was read is good, and the lock is held, when this returns 0. */
static int lock_fresh(struct server_keys *keys, struct err *err)
{
	int rc;

	if (!atomic_load(&keys->away))
		pthread_mutex_lock(&keys->lock);
	else if (pthread_mutex_trylock(&keys->lock) != 0)
		return err_set(err, ERR_BUSY, "the store of the keys cannot be reached");
	rc = refresh(keys, err);
	atomic_store(&keys->away, rc == ERR_BUSY);
	if (rc == 0)
		return 0;
	/* What it was is read anew: the file may be another by then. One that is lost and comes
	 * back by itself stays. */
	if (rc == ERR_BUSY && keys->store && store_is_shared(keys->store))
		keys->loaded = false;
	else
		forget(keys);
	pthread_mutex_unlock(&keys->lock);
	return rc;
}

int server_keys_find(void *context, const unsigned char hash[KEY_HASH_BYTES], struct arena *arena,
	struct identity *out, struct err *err)
{
	struct server_keys *keys = context;
	int rc = lock_fresh(keys, err);

	if (rc < 0)
		return rc;
	rc = take(keys, hash, arena, out);
	pthread_mutex_unlock(&keys->lock);
	return rc;
}

static bool same_email(struct str a, struct str b)
{
	return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

int server_keys_user(struct server_keys *keys, struct str email_or_id, struct arena *arena,
	struct identity *out, struct err *err)
{
	int rc = lock_fresh(keys, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < keys->user_count && rc == 0; i++) {
		const struct user *user = &keys->users[i];

		if (!same_email(user->email, email_or_id) &&
			!same_email(user->user_id, email_or_id))
			continue;
		out->user_id = arena_str(arena, user->user_id);
		out->email = arena_str(arena, user->email);
		rc = 1;
	}
	pthread_mutex_unlock(&keys->lock);
	return rc;
}

/* --- when they were used --- */

int64_t server_keys_due(struct server_keys *keys, int64_t monotonic_ns)
{
	int64_t left_ms;
	bool used;

	pthread_mutex_lock(&keys->lock);
	used = keys->used;
	left_ms = WRITE_MS - (monotonic_ns - keys->written_ns) / NS_PER_MS;
	pthread_mutex_unlock(&keys->lock);
	return !used ? -1 : left_ms > 0 ? left_ms : 0;
}

static size_t collect_uses(struct server_keys *keys, struct arena *arena, struct key_use **out)
{
	size_t count = 0;

	pthread_mutex_lock(&keys->lock);
	*out = arena_zalloc(arena, keys->count + 1, sizeof(**out));
	for (size_t i = 0; i < keys->count; i++)
		if (keys->keys[i].used_ns != INT64_MIN)
			(*out)[count++] = (struct key_use){ arena_str(arena, keys->keys[i].key_id),
				keys->keys[i].used_ns };
	keys->used = false;
	pthread_mutex_unlock(&keys->lock);
	return count;
}

int server_keys_write(
	struct server_keys *keys, struct store *store, int64_t monotonic_ns, struct err *err)
{
	struct arena arena = { 0 };
	struct key_use *uses;
	size_t count = collect_uses(keys, &arena, &uses);
	int rc = count > 0 ? key_used(store, uses, count, err) : 0;

	pthread_mutex_lock(&keys->lock);
	keys->written_ns = monotonic_ns;
	keys->used |= rc < 0;
	pthread_mutex_unlock(&keys->lock);
	arena_release(&arena);
	return rc;
}
