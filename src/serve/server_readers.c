/* Readers: each with its own connection to the store, opened when it is first needed and anew after
 * a failure. They also parse what is long. One that nobody needs gives its pages back. */
#include "serve/server_inner.h"

enum { IDLE_MS = 60000 };

struct reader {
	struct server *server;
	struct server_store conn;
	struct server_store copy;
};

static int answer_with(struct work *work, struct store *store, struct err *err)
{
	const struct actor actor = work_actor(work);
	int rc = store_as(store, &actor, err);

	if (rc == ERR_NOT_FOUND) /* erased a moment ago */
		return call_fail(
			&work->call, 401, err, "The user of this key is not here any more");
	if (rc == 0)
		rc = work_check_device(work, store, err);
	return rc == 0 ? work_handle(work, store, NULL, err) : rc;
}

/* Has the copy all that this process wrote for the user? */
static bool is_current(struct server *server, const struct work *work, struct store *copy)
{
	const struct actor actor = work_actor(work);
	struct store_info info;
	struct err err;

	return store_as(copy, &actor, &err) == 0 && store_info(copy, &info, &err) == 0 &&
	       info.last_seq >= server_written_seq(server->written, actor.user_id);
}

/* From the copy: true when that was an answer. It may lag behind, it may be gone: then the store is
 * asked. */
static bool answer_from_copy(struct reader *reader, struct work *work)
{
	struct server *server = reader->server;
	struct err err;

	if (!server->written || !work->call.route->from_copy ||
		server_copy_open(server, &reader->copy, &err) < 0 ||
		!is_current(server, work, reader->copy.store))
		return false;
	work->call.store_url = server->options->read_store;
	if (answer_with(work, reader->copy.store, &err) == 0)
		return true;
	work->call.store_url = NULL;
	if (!work->call.answered)
		server_store_failed(server, &reader->copy, err.code);
	call_reset(&work->call);
	return false;
}

static void answer(struct reader *reader, struct work *work)
{
	struct server *server = reader->server;
	struct err err;

	if (answer_from_copy(reader, work) ||
		(server_store_open(server, &reader->conn, &err) == 0 &&
			answer_with(work, reader->conn.store, &err) == 0) ||
		work->call.answered) {
		work_reply(work);
		return;
	}
	/* Whatever it was: the next request finds a connection that knows nothing of it. */
	server_store_failed(server, &reader->conn, err.code);
	work_fail(work, &err);
}

static void serve(struct reader *reader, struct work *work)
{
	server_count_queues(reader->server);
	if (!work->prepared && !work_prepare(work))
		return;
	if (work->call.route->work == WORK_WRITE)
		work_queue(work, WORK_WRITE);
	else
		answer(reader, work);
}

static void close_all(struct reader *reader)
{
	server_store_close(&reader->conn);
	server_store_close(&reader->copy);
}

void *reader_main(void *context)
{
	struct reader reader = { .server = context };
	struct reads *reads = &reader.server->reads;
	struct reads_item *item;

	while ((item = reads_take(reads, reader.conn.store || reader.copy.store ? IDLE_MS : -1)) ||
		!reads_closed(reads)) {
		struct reads_line *line = item ? item->line : NULL;

		if (item)
			serve(&reader, (struct work *)item);
		else
			close_all(&reader);
		reads_done(reads, line);
	}
	close_all(&reader);
	return NULL;
}
