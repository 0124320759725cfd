/*
 * The writer: what waits becomes one transaction, and each of its requests is answered when that is
 * on disk. While one transaction is written the next requests gather, so the more are waiting the
 * fewer syncs each costs, and one that is alone waits for nobody.
 *
 * The intake is the same from batch to batch, as long as nothing fails: it remembers what
 * heartbeats need, and notices what other processes changed (store/aw_memory.h).
 */
#include "base/clock.h"
#include "base/time.h"
#include "serve/server_inner.h"

struct writer {
	struct server *server;
	struct store *store;
	struct intake *intake;
};

struct batch {
	struct work *handled; /* in the transaction, newest first */
	size_t count;
	int64_t began_ns;
};

static struct work *next_of(struct work *work)
{
	return (struct work *)work->waits.next;
}

bool server_probe_due(const struct server *server)
{
	return server->probed_ns == 0 ||
	       clock_monotonic_ns() - server->probed_ns >= SERVER_PROBE_MS * NS_PER_MS;
}

void server_probed(struct server *server)
{
	server->probed_ns = clock_monotonic_ns();
}

/* Undo, and keep nothing that may be broken. */
static void undo(struct writer *writer)
{
	intake_free(writer->intake);
	writer->intake = NULL;
	store_close(writer->store);
	writer->store = NULL;
	writer->server->probed_ns = 0;
}

/* The store that has its name now: what is written to a file that was replaced would be lost. */
static int open_store(struct writer *writer, struct err *err)
{
	const struct store_options options = { .url = writer->server->options->store_url,
		.must_exist = true };

	if (writer->store && store_replaced(writer->store))
		undo(writer);
	return writer->store ? 0 : store_open(&writer->store, &options, err);
}

static int begin(struct writer *writer, struct err *err)
{
	if (open_store(writer, err) < 0)
		return err->code;
	return writer->intake ? 0 : intake_begin_lazy(&writer->intake, writer->store, err);
}

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

/* Handle WAITING; on failure *WAITING is what was not touched. */
static int handle_all(
	struct writer *writer, struct batch *batch, struct work **waiting, struct err *err)
{
	while (*waiting) {
		struct work *work = *waiting;

		*waiting = next_of(work);
		work->waits.next = batch->handled ? &batch->handled->waits : NULL;
		batch->handled = work;
		batch->count++;
		if (work_handle(work, writer->store, writer->intake, err) < 0)
			return err->code;
	}
	return 0;
}

/* More that has come meanwhile, unless those who wait have waited long enough. */
static struct work *more(struct writer *writer, const struct batch *batch)
{
	if (batch->count >= SERVER_BATCH ||
		clock_monotonic_ns() - batch->began_ns >= SERVER_BATCH_MS * NS_PER_MS)
		return NULL;
	return (struct work *)queue_take(&writer->server->writes, SERVER_BATCH - batch->count, 0);
}

static int fill(struct writer *writer, struct batch *batch, struct work **waiting, struct err *err)
{
	do {
		if (handle_all(writer, batch, waiting, err) < 0)
			return err->code;
		*waiting = more(writer, batch);
	} while (*waiting);
	return intake_commit(writer->intake, err);
}

/* One transaction of FIRST and what else comes; what it did not touch is returned. */
static struct work *write_batch(struct writer *writer, struct work *first)
{
	struct server *server = writer->server;
	struct batch batch = { .began_ns = clock_monotonic_ns() };
	struct err err;
	int rc = begin(writer, &err);

	if (rc < 0) {
		undo(writer);
		fail_all(first, &err);
		metrics_commit(server->metrics, 0, 0, true);
		return NULL;
	}
	rc = fill(writer, &batch, &first, &err);
	metrics_commit(server->metrics, batch.count, clock_monotonic_ns() - batch.began_ns, rc < 0);
	metrics_queues(server->metrics, (int64_t)queue_count(&server->writes),
		(int64_t)queue_count(&server->reads));
	if (rc < 0) {
		undo(writer);
		fail_all(batch.handled, &err);
		return first;
	}
	reply_all(&batch);
	return NULL;
}

static void write_uses(struct writer *writer)
{
	struct server *server = writer->server;
	struct err err;

	if (open_store(writer, &err) == 0)
		if (server_keys_write(server->keys, writer->store, clock_monotonic_ns(), &err) == 0)
			return;
	log_warn(&server->log, "when keys were used is not noted: %s", err.message);
	undo(writer);
}

void *writer_main(void *context)
{
	struct server *server = context;
	struct writer writer = { .server = server };

	while (!queue_closed(&server->writes)) {
		int64_t due_ms = server_keys_due(server->keys, clock_monotonic_ns());
		struct work *waiting;

		if (due_ms == 0) {
			write_uses(&writer);
			due_ms = -1;
		}
		waiting = (struct work *)queue_take(&server->writes, SERVER_BATCH, due_ms);
		while (waiting)
			waiting = write_batch(&writer, waiting);
	}
	if (server_keys_due(server->keys, clock_monotonic_ns()) >= 0)
		write_uses(&writer);
	intake_free(writer.intake);
	store_close(writer.store);
	return NULL;
}
