/*
 * A writer: what waits becomes one transaction, and each of its requests is answered when that is
 * on disk. While one transaction is written the next requests gather, so the more are waiting the
 * fewer syncs each costs, and one that is alone waits for nobody.
 *
 * A file has one writer. A shared store has several, each with a connection; a user's requests go
 * to one of them (server_writer_for), except large ones, which have a writer to themselves. A
 * transaction has the write locks of all its users. A user for whom another writer, here or in
 * another process, writes just now is left out: their requests wait for a later batch, and nobody
 * else does.
 *
 * The intakes are the same from batch to batch, as long as nothing fails: they remember what
 * heartbeats need, and notice what other processes changed (store/aw_memory.h).
 *
 * On a shared store, what is wrong with one user's data must not fail the others': a batch of
 * several that fails is done again, each user alone. When the store itself cannot be reached, all
 * are told so at once.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/time.h"
#include "serve/server_inner.h"
#include "store/aw_write.h"

enum {
	HEAVY_BYTES = 256 << 10,
	AGAIN_MS = 3,        /* until those who were put back are tried again */
	PUT_BACK_MS = 10000, /* for so long; then 503 */
};

struct batch {
	uint64_t number;
	struct work *handled; /* in the transaction, newest first */
	size_t count;
	struct seat *seats[SERVER_BATCH];
	struct intake *intakes[SERVER_BATCH]; /* of those seats; later, of those that were locked */
	size_t user_count;
	bool alone;                         /* one user only */
	struct aw_beat beats[SERVER_BATCH]; /* of the heartbeats in it */
	struct intake *beaten[SERVER_BATCH];
	struct work *strangers; /* who ask in nobody's name, as for /readyz */
	int64_t began_ns;
};

struct writing {
	struct server *server;
	struct server_writer *writer;
	struct server_store conn;
	struct seats *seats;
	struct work *put_back, **put_back_end; /* the oldest first */
	size_t put_back_count;
	struct batch batch;
};

static struct work *next_of(struct work *work)
{
	return (struct work *)work->waits.item.next;
}

static void set_next(struct work *work, struct work *next)
{
	work->waits.item.next = next ? &next->waits.item : NULL;
}

bool server_probe_due(const struct server *server)
{
	int64_t probed_ns = atomic_load(&server->probed_ns);

	return probed_ns == 0 || clock_monotonic_ns() - probed_ns >= SERVER_PROBE_MS * NS_PER_MS;
}

void server_probed(struct server *server)
{
	atomic_store(&server->probed_ns, clock_monotonic_ns());
}

struct server_writer *server_writer_for(struct server *server, const struct work *work)
{
	size_t last = server->writer_count - 1;

	if (last == 0)
		return &server->writers[0];
	if (http_body(work->call.http).len > HEAVY_BYTES)
		return &server->writers[last];
	return &server->writers[hash64(work->call.who.user_id, 0) % last];
}

void server_writers_init(struct server *server, size_t count)
{
	ASSERT(count <= MOST_WRITERS);
	server->writer_count = count;
	for (size_t i = 0; i < count; i++) {
		server->writers[i] = (struct server_writer){ .server = server };
		queue_init(&server->writers[i].queue, SERVER_QUEUE);
	}
}

void server_count_queues(struct server *server)
{
	size_t writes = 0;

	for (size_t i = 0; i < server->writer_count; i++)
		writes += queue_count(&server->writers[i].queue);
	metrics_queues(server->metrics, (int64_t)writes, (int64_t)reads_count(&server->reads));
}

/* --- those who wait for a later batch --- */

static void put_back(struct writing *self, struct work *work)
{
	const struct err busy = { .code = ERR_BUSY,
		.message = "another request of this user takes long" };
	int64_t now_ns = clock_monotonic_ns();

	if (work->put_back_ns == 0)
		work->put_back_ns = now_ns;
	if (now_ns - work->put_back_ns > PUT_BACK_MS * NS_PER_MS ||
		self->put_back_count >= SERVER_QUEUE) {
		work_fail(work, &busy);
		return;
	}
	set_next(work, NULL);
	*self->put_back_end = work;
	self->put_back_end = (struct work **)&work->waits.item.next;
	self->put_back_count++;
}

/* Those first, then MORE. */
static struct work *take_back(struct writing *self, struct work *more)
{
	struct work *first = self->put_back;

	*self->put_back_end = more;
	if (!first)
		first = more;
	self->put_back = NULL;
	self->put_back_end = &self->put_back;
	self->put_back_count = 0;
	return first;
}

/* --- the end of a batch --- */

static void reply_all(struct batch *batch)
{
	for (struct work *work = batch->handled, *next; work; work = next) {
		next = next_of(work);
		work_reply(work);
	}
}

static void fail_all(struct work *first, const struct err *err)
{
	for (struct work *work = first, *next; work; work = next) {
		next = next_of(work);
		call_reset(&work->call);
		work_fail(work, err);
	}
}

/* Before anybody is told that it is there. */
static void note_written(struct writing *self, const struct batch *batch)
{
	for (size_t i = 0; self->server->written && i < batch->user_count; i++)
		server_written_note(self->server->written, intake_user(batch->intakes[i]),
			intake_last_seq(batch->intakes[i]));
}

/* Undo, and keep nothing that may be broken. */
static void undo(struct writing *self, int code)
{
	seats_forget(self->seats);
	server_store_failed(self->server, &self->conn, code);
	atomic_store(&self->server->probed_ns, 0);
}

/* A file that was replaced takes what is known of it along. */
static int open_store(struct writing *self, struct err *err)
{
	if (self->conn.store && store_replaced(self->conn.store))
		undo(self, 0);
	return server_store_open(self->server, &self->conn, err);
}

/* Each user of the failed batch alone. */
static void do_again(struct writing *self, struct work *first)
{
	for (struct work *work = first, *next; work; work = next) {
		next = next_of(work);
		call_reset(&work->call);
		work->alone = true;
		put_back(self, work);
	}
}

/* What was handled, oldest first, and then REST. */
static struct work *in_order(const struct batch *batch, struct work *rest)
{
	for (struct work *work = batch->handled, *older; work; work = older) {
		older = next_of(work);
		set_next(work, rest);
		rest = work;
	}
	return rest;
}

/* REST is what was not touched: what is to be tried in another batch is returned. When it failed
 * before any was handled, or nobody can be reached, another would fail, too. */
static struct work *fail_batch(
	struct writing *self, struct batch *batch, struct work *rest, const struct err *err)
{
	bool away = err->code == ERR_BUSY || err->code == ERR_FULL || err->code == ERR_READONLY;
	bool whole = batch->count == 0 || (self->server->shared && err->code == ERR_BUSY);
	struct work *failed = in_order(batch, whole ? rest : NULL);

	undo(self, err->code);
	if (batch->user_count > 1 && !away)
		do_again(self, failed);
	else
		fail_all(failed, err);
	fail_all(batch->strangers, err);
	return whole ? NULL : rest;
}

/* --- who is in it --- */

/* The seat of WORK's user in this batch, with an intake. */
static int take_seat(
	struct writing *self, struct batch *batch, const struct work *work, struct err *err)
{
	const struct actor actor = work_actor(work);
	struct seat *seat = seats_take(self->seats, self->server->shared ? actor.user_id : STR(""));

	if (seat->batch == batch->number)
		return 0;
	if (!seat->intake && (store_as(self->conn.store, &actor, err) < 0 ||
				     intake_begin_lazy(&seat->intake, self->conn.store, err) < 0))
		return err->code;
	seat->batch = batch->number;
	seat->locked = false;
	batch->seats[batch->user_count] = seat;
	batch->intakes[batch->user_count++] = seat->intake;
	return 0;
}

/* May WORK be in this batch, when some must be alone in theirs? */
static bool fits(const struct batch *batch, const struct work *work)
{
	if (batch->user_count == 0)
		return true;
	if (batch->alone || work->alone)
		return str_eq_c(work->call.who.user_id, batch->seats[0]->user_id);
	return true;
}

static bool is_stranger(const struct writing *self, const struct work *work)
{
	return self->server->shared && work->call.who.user_id.len == 0;
}

/* No rows to write to: of a user that was erased a moment ago, or the store failed. */
static void refuse_user(struct work *work, const struct err *err)
{
	if (err->code == ERR_NOT_FOUND)
		work_refuse(work, 401, "The user of this key is not here any more");
	else
		work_fail(work, err);
}

/* The seats of all in WAITING; what can be handled stays in it. */
static void gather(struct writing *self, struct batch *batch, struct work **waiting)
{
	struct work *all = *waiting, **end = waiting;
	struct err err;

	while (all) {
		struct work *work = all;

		all = next_of(work);
		if (is_stranger(self, work)) {
			set_next(work, batch->strangers);
			batch->strangers = work;
		} else if (!fits(batch, work) || batch->user_count == SERVER_BATCH) {
			put_back(self, work);
		} else if (take_seat(self, batch, work, &err) < 0) {
			refuse_user(work, &err);
		} else {
			batch->alone |= work->alone;
			*end = work;
			end = (struct work **)&work->waits.item.next;
		}
	}
	*end = NULL;
}

/* Only those whose users were locked stay in WAITING. */
static void leave_out(struct writing *self, struct work **waiting)
{
	struct work *all = *waiting, **end = waiting;

	while (all) {
		struct work *work = all;

		all = next_of(work);
		if (seats_take(self->seats, work->call.who.user_id)->locked) {
			*end = work;
			end = (struct work **)&work->waits.item.next;
		} else {
			put_back(self, work);
		}
	}
	*end = NULL;
}

static int lock_users(
	struct writing *self, struct batch *batch, struct work **waiting, struct err *err)
{
	bool locked[SERVER_BATCH] = { false };
	size_t had = 0;

	if (intake_lock_all(batch->intakes, batch->user_count, locked, err) < 0)
		return err->code;
	for (size_t i = 0; i < batch->user_count; i++) {
		batch->seats[i]->locked = locked[i];
		if (locked[i])
			batch->intakes[had++] = batch->seats[i]->intake;
	}
	leave_out(self, waiting);
	batch->user_count = had;
	return 0;
}

/* --- a batch --- */

static int handle_one(struct writing *self, struct work *work, struct err *err)
{
	const struct actor actor = work_actor(work);
	struct str user_id = self->server->shared ? actor.user_id : STR("");
	struct intake *intake = seats_take(self->seats, user_id)->intake;
	int rc = intake_device(intake, actor.machine_id, err);

	if (rc == 0)
		rc = work_check_device(work, self->conn.store, err);
	if (rc == 0)
		return work_handle(work, self->conn.store, intake, err);
	return work->call.answered ? 0 : rc;
}

/* What the heartbeats of the batch will ask of the store, asked at once. */
static int expect(
	struct writing *self, struct batch *batch, const struct work *waiting, struct err *err)
{
	size_t count = 0;

	for (; waiting && count < SERVER_BATCH; waiting = (struct work *)waiting->waits.item.next) {
		const struct call *call = &waiting->call;

		if (!call->route->beat)
			continue;
		batch->beats[count] = (struct aw_beat){ .machine_id = call->who.machine_id,
			.bucket_id = call->params[0],
			.event = call->route->beat(call) };
		batch->beaten[count++] = seats_take(self->seats, call->who.user_id)->intake;
	}
	return count == 0 ? 0 : aw_expect_beats(batch->beaten, batch->beats, count, err);
}

/* Handle WAITING; on failure *WAITING is what was not touched. */
static int handle_all(
	struct writing *self, struct batch *batch, struct work **waiting, struct err *err)
{
	while (*waiting) {
		struct work *work = *waiting;

		*waiting = next_of(work);
		set_next(work, batch->handled);
		batch->handled = work;
		batch->count++;
		if (handle_one(self, work, err) < 0)
			return err->code;
	}
	return 0;
}

/* More that has come meanwhile, unless those who wait have waited long enough. On a shared store
 * each round has a price, and what comes meanwhile is the next batch. */
static struct work *more(struct writing *self, const struct batch *batch)
{
	if (self->server->shared || batch->count >= SERVER_BATCH ||
		clock_monotonic_ns() - batch->began_ns >= SERVER_BATCH_MS * NS_PER_MS)
		return NULL;
	return (struct work *)queue_take(&self->writer->queue, SERVER_BATCH - batch->count, 0);
}

static int fill(struct writing *self, struct batch *batch, struct work **waiting, struct err *err)
{
	gather(self, batch, waiting);
	if (self->server->shared && (lock_users(self, batch, waiting, err) < 0 ||
					    expect(self, batch, *waiting, err) < 0))
		return err->code;
	do {
		if (handle_all(self, batch, waiting, err) < 0)
			return err->code;
		*waiting = more(self, batch);
	} while (*waiting);
	return intake_commit_all(batch->intakes, batch->user_count, err);
}

static void answer_strangers(struct writing *self, struct work *first)
{
	const struct actor nobody = { { "", 0 }, { "", 0 } };

	for (struct work *work = first, *next; work; work = next) {
		struct err err;

		next = next_of(work);
		if (store_as(self->conn.store, &nobody, &err) == 0 &&
			work_handle(work, self->conn.store, NULL, &err) == 0) {
			work_reply(work);
			continue;
		}
		undo(self, err.code);
		work_fail(work, &err);
		if (next && open_store(self, &err) < 0) {
			fail_all(next, &err);
			return;
		}
	}
}

static void begin_batch(struct batch *batch)
{
	batch->number++;
	batch->handled = batch->strangers = NULL;
	batch->count = batch->user_count = 0;
	batch->alone = false;
	batch->began_ns = clock_monotonic_ns();
}

/* One transaction of FIRST and what else comes; what it did not touch is returned. */
static struct work *write_batch(struct writing *self, struct work *first)
{
	struct server *server = self->server;
	struct batch *batch = &self->batch;
	struct err err;

	begin_batch(batch);
	if (open_store(self, &err) < 0) {
		undo(self, err.code);
		fail_all(first, &err);
		metrics_commit(server->metrics, 0, 0, true);
		return NULL;
	}
	if (fill(self, batch, &first, &err) < 0) {
		metrics_commit(server->metrics, batch->count,
			clock_monotonic_ns() - batch->began_ns, true);
		return fail_batch(self, batch, first, &err);
	}
	if (batch->count > 0)
		metrics_commit(server->metrics, batch->count,
			clock_monotonic_ns() - batch->began_ns, false);
	note_written(self, batch);
	server_count_queues(server);
	reply_all(batch);
	answer_strangers(self, batch->strangers);
	seats_trim(self->seats);
	return NULL;
}

/* --- the thread --- */

static void write_uses(struct writing *self)
{
	const struct actor nobody = { { "", 0 }, { "", 0 } };
	struct server *server = self->server;
	struct err err;

	if (open_store(self, &err) == 0 && store_as(self->conn.store, &nobody, &err) == 0 &&
		server_keys_write(server->keys, self->conn.store, clock_monotonic_ns(), &err) == 0)
		return;
	log_warn(&server->log, "when keys were used is not noted: %s", err.message);
	undo(self, err.code);
}

/* What waits: those who were put back, and those who have come. */
static struct work *wait_for_work(struct writing *self)
{
	struct queue *queue = &self->writer->queue;
	bool first = self->writer == self->server->writers;
	int64_t due_ms = first ? server_keys_due(self->server->keys, clock_monotonic_ns()) : -1;
	struct work *work;

	if (due_ms == 0) {
		write_uses(self);
		due_ms = -1;
	}
	if (self->put_back && queue_closed(queue))
		clock_sleep_ms(AGAIN_MS);
	work = (struct work *)queue_take(queue, SERVER_BATCH, self->put_back ? AGAIN_MS : due_ms);
	return take_back(self, work);
}

void *writer_main(void *context)
{
	struct server_writer *writer = context;
	struct server *server = writer->server;
	struct writing *self = mem_zalloc(sizeof(*self));

	self->server = server;
	self->writer = writer;
	self->seats = seats_new(SERVER_SEATS);
	self->put_back_end = &self->put_back;
	while (!queue_closed(&writer->queue) || self->put_back) {
		struct work *waiting = wait_for_work(self);

		while (waiting)
			waiting = write_batch(self, waiting);
	}
	if (writer == server->writers && server_keys_due(server->keys, clock_monotonic_ns()) >= 0)
		write_uses(self);
	seats_free(self->seats);
	server_store_close(&self->conn);
	free(self);
	return NULL;
}
