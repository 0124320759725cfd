/* Readers: each with its own connection to the store, opened when it is first needed and anew after
 * a failure. They also parse what is long. One that nobody needs gives its pages back. */
#include "serve/server_inner.h"

enum { IDLE_MS = 60000 };

static void forget(struct store **store)
{
	store_close(*store);
	*store = NULL;
}

/* The store that has its name now. */
static int open_store(struct server *server, struct store **store, struct err *err)
{
	const struct store_options options = { .url = server->options->store_url,
		.must_exist = true };

	if (*store && store_replaced(*store))
		forget(store);
	return *store ? 0 : store_open(store, &options, err);
}

static void answer(struct server *server, struct work *work, struct store **store)
{
	struct err err;

	if (open_store(server, store, &err) == 0 && work_handle(work, *store, NULL, &err) == 0) {
		work_reply(work);
		return;
	}
	/* Whatever it was: the next request finds a connection that knows nothing of it. */
	forget(store);
	work_fail(work, &err);
}

static void serve(struct server *server, struct work *work, struct store **store)
{
	metrics_queues(server->metrics, (int64_t)queue_count(&server->writes),
		(int64_t)queue_count(&server->reads));
	if (!work->prepared && !work_prepare(work))
		return;
	if (work->call.route->work == WORK_WRITE)
		work_queue(work, WORK_WRITE);
	else
		answer(server, work, store);
}

void *reader_main(void *context)
{
	struct server *server = context;
	struct store *store = NULL;
	struct queue_item *item;

	while ((item = queue_take(&server->reads, 1, store ? IDLE_MS : -1)) ||
		!queue_closed(&server->reads)) {
		if (item)
			serve(server, (struct work *)item, &store);
		else
			forget(&store);
	}
	store_close(store);
	return NULL;
}
