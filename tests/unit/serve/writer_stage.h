/* A server of which only the writer runs, over a store, with requests of the test's own making. */
#ifndef TT_TESTS_WRITER_STAGE_H
#define TT_TESTS_WRITER_STAGE_H

#include "base/time.h"
#include "fake_request.h"
#include "serve/server_inner.h"
#include "store_fixture.h"

enum { REQUESTS = 6, USERS = 3 };

/* The path of a request says what its handler does: "/event/N", "/refused", "/broken". */
static int handle(struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	struct event event;
	enum intake_result result;

	OK(store != NULL);
	if (str_eq_c(http_path(call->http), "/refused"))
		return call_fail(call, 404, err, "refused");
	if (str_eq_c(http_path(call->http), "/broken"))
		return err_set(err, ERR_IO, "the disk is broken");
	event = event_make(call->arena, "note", T0,
		arena_cstr(call->arena, str_sub(http_path(call->http), 7, 10)), "{}");
	if (intake_event(intake, &event, &fixture_origin, &result, err) < 0)
		return err->code;
	call_json(call);
	return 0;
}

static const struct route route = { .method = HTTP_POST,
	.path = "/{rest*}",
	.work = WORK_WRITE,
	.needs = KEY_WRITE,
	.handle = handle };
static const struct route_table table = { &route, 1 };

static void no_news(void *context)
{
	(void)context;
}

struct stage {
	struct fixture fixture;
	char user_ids[USERS]
		     [UUID_BYTES + 1]; /* whom the database knows, or made-up ones of a file */
	struct store_place places[USERS];
	struct server_options options;
	struct server server;
	struct http_request requests[REQUESTS];
	bool shared; /* are users locked one by one? Of a file one lock is all of them */
};

/* Users of a database, each with a place of their own; a file has one for all. */
static void make_users(struct stage *stage)
{
	for (int i = 0; i < USERS; i++) {
		CLEANUP(store_closep) struct store *store = NULL;
		struct store_options options;
		struct err err;

		stage->places[i] = stage->fixture.place;
		snprintf(stage->user_ids[i], sizeof(stage->user_ids[i]), "user-%d", i);
		if (!store_place_is_shared())
			continue;
		if (i > 0)
			store_place_make(&stage->places[i], NULL);
		options = store_place_options(&stage->places[i]);
		GOOD(store_open(&store, &options, &err));
		snprintf(stage->user_ids[i], sizeof(stage->user_ids[i]), "%.*s",
			STR_ARG(store_actor(store).user_id));
	}
}

static void open_stage(struct stage *stage)
{
	const struct server_config config = { .access_log = false };
	struct server *server = &stage->server;
	struct err err;

	*stage = (struct stage){ .options = { .log_fd = -1, .machine_id = MACHINE_A } };
	fixture_begin(&stage->fixture);
	store_close(fixture_open(&stage->fixture));
	make_users(stage);
	stage->options.store_url = stage->fixture.path;
	stage->shared = store_place_is_shared();
	server->options = &stage->options;
	server->log.level = LOG_QUIET;
	server->log.program = "# tt";
	server->tables = &table;
	server->table_count = 1;
	server->metrics = metrics_new(&table, 1);
	server->devices = server_devices_new();
	server->keys = server_keys_new(stage->options.store_url, 0, no_news, NULL);
	server->wrong_keys = rates_new(1, 1);
	reads_init(&server->reads, &(struct reads_options){ .most = 10, .readers = 1 });
	server->writer_count = 1;
	server->writers[0].server = server;
	queue_init(&server->writers[0].queue, 10);
	pthread_mutex_init(&server->lock, NULL);
	GOOD(settings_new(&server->settings, &config, NULL, 0, false, &err));
}

static void close_stage(struct stage *stage)
{
	struct server *server = &stage->server;

	settings_drop(server->settings);
	metrics_free(server->metrics);
	server_keys_free(server->keys);
	server_devices_free(server->devices);
	rates_free(server->wrong_keys);
	reads_release(&server->reads);
	queue_release(&server->writers[0].queue);
	pthread_mutex_destroy(&server->lock);
	fixture_end(&stage->fixture);
}

/* The whole way of a request, up to the queue, as USER where the stage is shared. Nobody is asked
 * for a key. */
__attribute__((unused)) static void send_as(
	struct stage *stage, size_t index, const char *path, size_t user)
{
	struct http_request *request = &stage->requests[index];
	struct server *server = &stage->server;
	int64_t body_limit;

	*request = (struct http_request){
		.method = HTTP_POST, .path = path, .headers = { { "Host", "localhost" } }
	};
	server->shared = false;
	IS_INT(work_owner.begin(server, request, &body_limit), 0);
	server->shared = stage->shared;
	if (server->shared) {
		struct work *work = http_context(request);

		work->call.who.user_id = str_from(stage->user_ids[user]);
	}
	work_owner.handle(server, request);
	IS_INT(request->replies, 0);
}

__attribute__((unused)) static void send(struct stage *stage, size_t index, const char *path)
{
	send_as(stage, index, path, 0);
}

__attribute__((unused)) static void write_all(struct stage *stage)
{
	struct server_writer *writer = &stage->server.writers[0];

	queue_close(&writer->queue);
	writer_main(writer);
	queue_release(&writer->queue);
	queue_init(&writer->queue, 10);
}

__attribute__((unused)) static void forget(struct stage *stage, size_t index)
{
	struct http_request *request = &stage->requests[index];

	IS_INT(request->replies, 1);
	work_owner.ended(&stage->server, request, request->status, 0, true);
	buf_release(&request->body_sent);
	arena_release(&request->arena);
}

/* Is the event NAME of the requests' in USER's store? */
__attribute__((unused)) static bool is_stored_of(
	const struct stage *stage, const char *name, size_t user)
{
	const struct store_options options = store_place_options(&stage->places[user]);
	CLEANUP(buf_release) struct buf all = BUF_INIT;
	CLEANUP(store_closep) struct store *store = NULL;
	struct err err;
	char id_end[32];

	snprintf(id_end, sizeof(id_end), ":%s ", name);
	GOOD(store_open(&store, &options, &err));
	fixture_dump(store, &all);
	return str_find_str(buf_str(&all), str_from(id_end)) >= 0;
}

__attribute__((unused)) static bool is_stored(const struct stage *stage, const char *name)
{
	return is_stored_of(stage, name, 0);
}

#endif
