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

enum { WRITE_MS = 300000, PREFIX_BYTES = 4, BUSY_MS = 2000, LOOK_MS = 500 };

struct server_keys {
	const char *store_url;
	int64_t patience_ms;
	void (*tell)(void *context);
	void *context;
	/* The store could not be read. Of one that is shared nobody tries it meanwhile but the
	 * looker; else who finds somebody trying does not wait. */
	atomic_bool away;
	pthread_mutex_t store_lock; /* taken before the other one; of: */
	struct store *store;
	int64_t generation;
	bool loaded;
	bool shared;
	bool looks; /* there is a looker */
	bool ends;
	pthread_t looker;
	pthread_cond_t wake;  /* the looker */
	pthread_mutex_t lock; /* never held while the store is waited for; of: */
	struct api_key *keys; /* by hash */
	size_t count;
	struct user *users;
	size_t user_count;
	struct arena arena;
	bool used;          /* some uses are not written yet */
	int64_t written_ns; /* when they were last; monotonic */
};

struct server_keys *server_keys_new(
	const char *store_url, int64_t patience_ms, void (*used)(void *context), void *context)
{
	struct server_keys *keys = mem_zalloc(sizeof(*keys));

	pthread_mutex_init(&keys->store_lock, NULL);
	pthread_mutex_init(&keys->lock, NULL);
	pthread_cond_init(&keys->wake, NULL);
	keys->store_url = store_url;
	keys->patience_ms = patience_ms;
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

static void end_looker(struct server_keys *keys)
{
	pthread_mutex_lock(&keys->store_lock);
	keys->ends = true;
	pthread_cond_signal(&keys->wake);
	pthread_mutex_unlock(&keys->store_lock);
	if (keys->looks)
		pthread_join(keys->looker, NULL);
}

void server_keys_free(struct server_keys *keys)
{
	if (!keys)
		return;
	end_looker(keys);
	forget(keys);
	arena_release(&keys->arena);
	pthread_cond_destroy(&keys->wake);
	pthread_mutex_destroy(&keys->lock);
	pthread_mutex_destroy(&keys->store_lock);
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
	pthread_mutex_lock(&keys->lock);
	if (keys->count > 0)
		keep_uses(keys->keys, keys->count, list, count);
	arena_release(&keys->arena);
	keys->arena = arena;
	keys->keys = list;
	keys->count = count;
	keys->users = users;
	keys->user_count = user_count;
	pthread_mutex_unlock(&keys->lock);
	keys->generation = generation;
	keys->loaded = true;
	return 0;
}

static int refresh(struct server_keys *keys, struct err *err)
{
	const struct store_options options = { .url = keys->store_url,
		.read_only = true,
		.must_exist = true,
		.busy_ms = BUSY_MS,
		.patience_ms = keys->patience_ms };
	int64_t generation;

	if (keys->store && store_replaced(keys->store))
		forget(keys);
	if (!keys->store && store_open(&keys->store, &options, err) < 0)
		return err->code;
	keys->shared = store_is_shared(keys->store);
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

/* --- a store that cannot be read --- */

/* refresh, and what follows from its failure; store_lock is held. */
static int try(struct server_keys *keys, struct err *err)
{
	int rc = refresh(keys, err);

	atomic_store(&keys->away, rc == ERR_BUSY);
	if (rc == 0)
		return 0;
	/* What it was is read anew: the file may be another by then. One that is lost and comes
	 * back by itself stays. */
	if (rc == ERR_BUSY && keys->store && keys->shared)
		keys->loaded = false;
	else
		forget(keys);
	return rc;
}

/* Whoever looks may wait for long, and HTTP's threads have others to serve. */
static void *look(void *context)
{
	struct server_keys *keys = context;
	struct err err;

	pthread_mutex_lock(&keys->store_lock);
	while (!keys->ends) {
		const struct timespec until = clock_deadline(LOOK_MS);

		if (!atomic_load(&keys->away)) {
			pthread_cond_wait(&keys->wake, &keys->store_lock);
			continue;
		}
		pthread_cond_timedwait(&keys->wake, &keys->store_lock, &until);
		if (!keys->ends)
			(void)!try(keys, &err);
	}
	pthread_mutex_unlock(&keys->store_lock);
	return NULL;
}

static void have_it_looked_for(struct server_keys *keys)
{
	if (keys->looks)
		pthread_cond_signal(&keys->wake);
	else
		keys->looks = pthread_create(&keys->looker, NULL, look, keys) == 0;
}

static int say_away(struct err *err)
{
	return err_set(err, ERR_BUSY, "the store of the keys cannot be reached");
}

/* store_lock, unless that would be to wait for a store that is away. */
static int lock_store(struct server_keys *keys, struct err *err)
{
	if (!atomic_load(&keys->away))
		pthread_mutex_lock(&keys->store_lock);
	else if (pthread_mutex_trylock(&keys->store_lock) != 0)
		return say_away(err);
	/* Lost by the one who was waited for. */
	if (!atomic_load(&keys->away) || !keys->looks)
		return 0;
	pthread_mutex_unlock(&keys->store_lock);
	return say_away(err);
}

/* What was read is good, and the lock is held, when this returns 0. */
static int lock_fresh(struct server_keys *keys, struct err *err)
{
	int rc = lock_store(keys, err);

	if (rc < 0)
		return rc;
	rc = try(keys, err);
	if (rc == 0)
		pthread_mutex_lock(&keys->lock);
	else if (rc == ERR_BUSY && keys->shared)
		have_it_looked_for(keys);
	pthread_mutex_unlock(&keys->store_lock);
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
