/*
 * A worker's connection to the store. It stays open: behind a network, opening costs more than most
 * answers, and the store itself comes back after it was lost (store/postgres/db.h), at the cost of
 * one attempt in a while. So does this, when there is nothing to come back to yet: those who ask
 * meanwhile are told so at once.
 */
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/time.h"
#include "serve/server_inner.h"

enum { RETRY_MS = 1000, SHARED_BUSY_MS = 4000 };

/* Who waits for a lock is to be told so before the patience with the server ends. */
int64_t server_busy_ms(const struct server *server)
{
	int64_t patience_ms = server->options->patience_ms;

	if (!server->shared)
		return 0;
	return patience_ms > 0 && patience_ms < 2 * SHARED_BUSY_MS ? patience_ms / 2
								   : SHARED_BUSY_MS;
}

void server_store_close(struct server_store *self)
{
	store_close(self->store);
	self->store = NULL;
}

static int open_conn(struct server *server, struct server_store *self,
	const struct store_options *options, struct err *err)
{
	int64_t now_ns = clock_monotonic_ns();

	/* The one that has its name now: what is written to a file that was replaced would be lost.
	 */
	if (self->store && store_replaced(self->store))
		server_store_close(self);
	if (self->store)
		return 0;
	if (server->shared && now_ns < self->retry_ns) {
		*err = self->failure;
		return err->code;
	}
	if (store_open(&self->store, options, err) == 0)
		return 0;
	self->store = NULL;
	self->failure = *err;
	self->retry_ns = clock_monotonic_ns() + RETRY_MS * NS_PER_MS;
	return err->code;
}

int server_store_open(struct server *server, struct server_store *self, struct err *err)
{
	const struct store_options options = { .url = server->options->store_url,
		.must_exist = true,
		.busy_ms = server_busy_ms(server),
		.patience_ms = server->options->patience_ms };

	return open_conn(server, self, &options, err);
}

int server_copy_open(struct server *server, struct server_store *self, struct err *err)
{
	const struct store_options options = { .url = server->options->read_store,
		.read_only = true,
		.must_exist = true,
		.busy_ms = server_busy_ms(server),
		.patience_ms = server->options->patience_ms };

	return open_conn(server, self, &options, err);
}

static bool stays(const struct server *server, int code)
{
	return server->shared && code == ERR_BUSY;
}

void server_store_failed(const struct server *server, struct server_store *self, int code)
{
	if (!stays(server, code))
		server_store_close(self);
}

/* --- what was written --- */

enum { MOST_USERS = 1 << 20, FIRST_SLOTS = 1024 };

struct written {
	uint64_t user; /* hash of the user's id, which is random; 0: empty */
	int64_t seq;
};

struct server_written {
	pthread_mutex_t lock;
	struct written *slots; /* open addressing, at most half of them full */
	size_t slot_count;
	size_t count;
};

struct server_written *server_written_new(void)
{
	struct server_written *written = mem_zalloc(sizeof(*written));

	pthread_mutex_init(&written->lock, NULL);
	written->slot_count = FIRST_SLOTS;
	written->slots = mem_zalloc(FIRST_SLOTS * sizeof(*written->slots));
	return written;
}

void server_written_free(struct server_written *written)
{
	if (!written)
		return;
	pthread_mutex_destroy(&written->lock);
	free(written->slots);
	free(written);
}

static struct written *find_written(struct server_written *written, uint64_t user)
{
	size_t slot = (size_t)user & (written->slot_count - 1);

	while (written->slots[slot].user != 0 && written->slots[slot].user != user)
		slot = (slot + 1) & (written->slot_count - 1);
	return &written->slots[slot];
}

static void grow_written(struct server_written *written)
{
	struct written *old = written->slots;
	size_t old_count = written->slot_count;

	written->slot_count *= 2;
	written->slots = mem_zalloc(written->slot_count * sizeof(*written->slots));
	for (size_t i = 0; i < old_count; i++)
		if (old[i].user != 0)
			*find_written(written, old[i].user) = old[i];
	free(old);
}

void server_written_note(struct server_written *written, struct str user_id, int64_t seq)
{
	struct written *found;

	pthread_mutex_lock(&written->lock);
	found = find_written(written, hash64(user_id, 0) | 1);
	if (found->user == 0 && written->count < MOST_USERS) {
		found->user = hash64(user_id, 0) | 1;
		written->count++;
	}
	if (found->user != 0 && seq > found->seq)
		found->seq = seq;
	if (2 * written->count >= written->slot_count)
		grow_written(written);
	pthread_mutex_unlock(&written->lock);
}

int64_t server_written_seq(struct server_written *written, struct str user_id)
{
	const struct written *found;
	int64_t seq;

	pthread_mutex_lock(&written->lock);
	found = find_written(written, hash64(user_id, 0) | 1);
	seq = found->user == 0 && written->count == MOST_USERS ? INT64_MAX : found->seq;
	pthread_mutex_unlock(&written->lock);
	return seq;
}
