/*
 * libpq's pipeline mode. Answers come in the order of what was sent; struct pg_queue says what each
 * is for. A sync ends a group: an error within it makes the server skip the rest of the group
 * (PGRES_PIPELINE_ABORTED), and outside of a transaction a group is one by itself.
 */
#include "store/postgres/pipe.h"

#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/time.h"
#include "store/postgres/connect.h"
#include "store/postgres/patience.h"

/* Whatever is not waited for is synced, pushed and read at least so often. */
enum { GROUP = 256, FIRST_ROOM = 64, LAST_WORDS = 8 };

/* --- the queue --- */

static struct pg_pending *item(struct pg_queue *queue, uint64_t number)
{
	return &queue->items[number & (queue->room - 1)];
}

static void grow(struct pg_queue *queue)
{
	struct pg_queue larger = *queue;

	larger.room = queue->room ? 2 * queue->room : FIRST_ROOM;
	larger.items = mem_resize(NULL, larger.room, sizeof(*larger.items));
	for (uint64_t i = queue->answered; i < queue->sent; i++)
		*item(&larger, i) = *item(queue, i);
	free(queue->items);
	*queue = larger;
}

static void push(struct store *store, const struct pg_pending *pending)
{
	struct pg_queue *queue = &store->queue;

	if (queue->sent - queue->answered == queue->room)
		grow(queue);
	*item(queue, queue->sent++) = *pending;
}

void pg_abandon(struct store *store, PGresult **into)
{
	struct pg_queue *queue = &store->queue;

	for (uint64_t i = queue->answered; i < queue->sent; i++)
		if (item(queue, i)->into == into)
			item(queue, i)->into = NULL;
}

uint64_t pg_last(const struct store *store)
{
	return store->queue.sent;
}

/* --- failures --- */

static int failed(const struct store *store, struct err *err)
{
	if (store->failure.code != 0)
		*err = store->failure;
	return store->failure.code;
}

static void note_failure(
	struct store *store, uint64_t unit, const PGresult *result, const char *doing)
{
	if (unit == store->unit && store->failure.code == 0)
		(void)pg_fail(store, result, doing, &store->failure);
}

void pg_lose(struct store *store, const PGresult *result, const char *doing)
{
	struct pg_queue *queue = &store->queue;

	note_failure(store, store->unit, result, doing);
	PQfinish(store->conn);
	store->conn = NULL;
	queue->answered = queue->synced = queue->sent;
}

/* The server says nothing. Whoever tries again at once would only wait again. */
static void give_up(struct store *store)
{
	if (store->failure.code == 0)
		(void)!err_set(&store->failure, ERR_BUSY,
			"store '%s': the database says nothing; try again", store->url);
	store->retry_ns = clock_monotonic_ns() + RECONNECT_MS * NS_PER_MS;
	pg_lose(store, NULL, "waiting for an answer");
}

/* --- answers --- */

static bool is_failure(const PGresult *result)
{
	switch (PQresultStatus(result)) {
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
	case PGRES_PIPELINE_SYNC:
		return false;
	default:
		return true;
	}
}

static void take(struct store *store, struct pg_pending *pending, PGresult *result)
{
	if (is_failure(result)) {
		if (pending->prepared)
			*pending->prepared = 0;
		if (PQresultStatus(result) != PGRES_PIPELINE_ABORTED)
			note_failure(store, pending->unit, result, pending->doing);
		PQclear(result);
	} else if (pending->into) {
		*pending->into = result;
	} else {
		PQclear(result);
	}
}

/* The next answer, if it is there as a whole: 1; 0: not yet. libpq ends each with a NULL, a sync's
 * apart. */
static int answer(struct store *store)
{
	struct pg_queue *queue = &store->queue;
	struct pg_pending *pending = item(queue, queue->answered);
	PGresult *result;

	if (PQisBusy(store->conn))
		return 0;
	result = PQgetResult(store->conn);
	if (!result || PQstatus(store->conn) == CONNECTION_BAD) {
		pg_lose(store, result, pending->doing);
		PQclear(result);
		return 1;
	}
	if ((PQresultStatus(result) == PGRES_PIPELINE_SYNC) != (pending->kind == PENDING_SYNC) ||
		(pending->kind == PENDING_ANSWER && PQgetResult(store->conn) != NULL)) {
		pg_lose(store, result, pending->doing);
		PQclear(result);
		return 1;
	}
	queue->answered++;
	take(store, pending, result);
	return 1;
}

/* false: the connection was given up. */
static bool wait_for_socket(struct store *store, bool writing, int64_t limit_ns)
{
	enum patience patience = store->long_unit == store->unit ? PATIENCE_LONG : PATIENCE_USUAL;

	if (patience_wait(store, store->conn, writing, limit_ns, patience))
		return true;
	give_up(store);
	return false;
}

static void read_ready(struct store *store)
{
	if (PQconsumeInput(store->conn) == 0) {
		/* A FATAL message may have come before the end. */
		while (store->conn && store->queue.answered < store->queue.sent)
			if (!answer(store))
				break;
		if (store->conn)
			pg_lose(store, NULL, "reading an answer");
		return;
	}
	while (store->conn && store->queue.answered < store->queue.sent)
		if (!answer(store))
			break;
}

/* Give all to the system, reading meanwhile: the server may be waiting for us to. */
static void flush(struct store *store)
{
	while (store->conn) {
		int rc = PQflush(store->conn);

		if (rc == 0)
			return;
		if (rc < 0) {
			read_ready(store);
			if (store->conn)
				pg_lose(store, NULL, "sending");
			return;
		}
		if (wait_for_socket(store, true, 0))
			read_ready(store);
	}
}

void pg_push(struct store *store)
{
	flush(store);
	if (store->conn)
		read_ready(store);
}

void pg_sync(struct store *store)
{
	const struct pg_pending sync = {
		.kind = PENDING_SYNC, .unit = store->unit, .doing = "reading an answer"
	};

	if (!store->conn || store->queue.synced == store->queue.sent)
		return;
	if (PQpipelineSync(store->conn) == 0) {
		pg_lose(store, NULL, "sending");
		return;
	}
	push(store, &sync);
	store->queue.synced = store->queue.sent;
}

int pg_wait(struct store *store, uint64_t number, int64_t limit_ms, struct err *err)
{
	int64_t limit_ns = limit_ms > 0 ? clock_monotonic_ns() + limit_ms * NS_PER_MS : 0;

	if (number > store->queue.synced)
		pg_sync(store);
	flush(store);
	while (store->conn && store->queue.answered < number)
		if (wait_for_socket(store, false, limit_ns))
			read_ready(store);
	return failed(store, err);
}

int pg_settle(struct store *store, struct err *err)
{
	pg_sync(store);
	return pg_wait(store, store->queue.sent, 0, err);
}

/* --- sending --- */

static int sent(struct store *store, int ok, const struct pg_pending *pending, struct err *err)
{
	if (!ok) {
		pg_lose(store, NULL, pending->doing);
		return failed(store, err);
	}
	push(store, pending);
	if (store->queue.sent - store->queue.synced >= GROUP && store->in_transaction) {
		pg_sync(store);
		pg_push(store);
	}
	return 0;
}

void pg_ask_to_tell(struct store *store)
{
	if (store->conn && store->patience_ms > 0 && PQsendFlushRequest(store->conn) == 0)
		pg_lose(store, NULL, "sending");
}

int pg_send_text(struct store *store, const char *sql, const struct pg_params *params,
	const struct pg_sending *how, struct err *err)
{
	const struct pg_pending pending = {
		.unit = store->unit, .doing = how->doing, .into = how->into
	};

	if (failed(store, err) < 0)
		return err->code;
	return sent(store,
		PQsendQueryParams(store->conn, sql, params->count, params->types, params->values,
			params->lengths, params->formats, 1),
		&pending, err);
}

static int prepare(struct store *store, struct pg_prepared *prepared, const char *sql,
	const struct pg_params *params, struct err *err)
{
	const struct pg_pending pending = { .unit = store->unit,
		.doing = "preparing a statement",
		.prepared = &prepared->connection };
	char name[16];

	prepared->name = ++store->names;
	prepared->connection = store->connection;
	snprintf(name, sizeof(name), "s%u", prepared->name);
	if (sent(store, PQsendPrepare(store->conn, name, sql, params->count, params->types),
		    &pending, err) < 0)
		return err->code;
	store->queue.preparing = store->queue.sent;
	return 0;
}

int pg_send_prepared(struct store *store, struct pg_prepared *prepared, const char *sql,
	const struct pg_params *params, const struct pg_sending *how, struct err *err)
{
	const struct pg_pending pending = {
		.unit = store->unit, .doing = how->doing, .into = how->into
	};
	char name[16];

	if (failed(store, err) < 0)
		return err->code;
	if (prepared->connection != store->connection &&
		prepare(store, prepared, sql, params, err) < 0)
		return err->code;
	snprintf(name, sizeof(name), "s%u", prepared->name);
	return sent(store,
		PQsendQueryPrepared(store->conn, name, params->count, params->values,
			params->lengths, params->formats, 1),
		&pending, err);
}

/* --- units --- */

/* A connection that the server has closed can be read from, its last words first: seen before
 * anything is sent on it, the loss is nobody's failure. */
static void look_for_loss(struct store *store)
{
	for (int i = 0; i < LAST_WORDS && store->conn; i++) {
		struct pollfd fd = { .fd = PQsocket(store->conn), .events = POLLIN };

		if (poll(&fd, 1, 0) != 1)
			return;
		read_ready(store);
	}
}

/* tt.users of the session, for statements outside of a transaction: in a group of its own, so that
 * nothing that fails undoes it. */
static int be_user(struct store *store, struct err *err)
{
	const struct pg_sending how = { .doing = "saying whose rows they are" };
	int64_t user_no = store->user->user_no;
	const char *values[1];
	const Oid types[1] = { 25 };
	const int zero[1] = { 0 };
	const struct pg_params params = { 1, types, values, zero, zero };
	char users[32];

	if (store->session_user == user_no)
		return 0;
	snprintf(users, sizeof(users), user_no ? "{%lld}" : "{}", (long long)user_no);
	values[0] = users;
	if (pg_send_text(store, "SELECT set_config('tt.users', $1, false)", &params, &how, err) < 0)
		return err->code;
	store->session_user = user_no;
	return 0;
}

int pg_unit_begin(struct store *store, bool alone, struct err *err)
{
	ASSERT(!store->in_transaction);
	store->unit++;
	pg_sync(store);
	look_for_loss(store);
	/* Whether something is prepared must be known before it is used. */
	if (store->conn && store->queue.preparing > store->queue.answered)
		(void)!pg_settle(store, err);
	store->failure = (struct err){ 0 };
	if (!store->conn && pg_reconnect(store, err) < 0)
		store->failure = *err;
	if (failed(store, err) < 0 || (alone && be_user(store, err) < 0))
		return err->code;
	pg_sync(store);
	return failed(store, err);
}
