/*
 * The writer, with requests of the test's own making: what is answered is on disk and what failed
 * is not, whichever call to the disk fails; nobody is answered twice or not at all.
 */
#include <sqlite3.h>

#include "base/time.h"
#include "fake_request.h"
#include "fault_vfs.h"
#include "serve/server_inner.h"
#include "store_fixture.h"

enum { REQUESTS = 6, LAST_CALL = 400 };

/* --- a server of which only the writer runs --- */

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
	struct server_options options;
	struct server server;
	struct http_request requests[REQUESTS];
};

static void open_stage(struct stage *stage)
{
	const struct server_config config = { .access_log = false };
	struct server *server = &stage->server;
	struct err err;

	*stage = (struct stage){ .options = { .log_fd = -1, .machine_id = MACHINE_A } };
	fixture_begin(&stage->fixture);
	store_close(fixture_open(&stage->fixture));
	stage->options.store_url = stage->fixture.path;
	server->options = &stage->options;
	server->log.level = LOG_QUIET;
	server->log.program = "# tt";
	server->tables = &table;
	server->table_count = 1;
	server->metrics = metrics_new(&table, 1);
	server->devices = server_devices_new();
	server->keys = server_keys_new(stage->options.store_url, no_news, NULL);
	server->wrong_keys = rates_new(1, 1);
	queue_init(&server->reads, 10);
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
	queue_release(&server->reads);
	queue_release(&server->writers[0].queue);
	pthread_mutex_destroy(&server->lock);
	fixture_end(&stage->fixture);
}

/* The whole way of a request, up to the queue. */
static void send(struct stage *stage, size_t index, const char *path)
{
	struct http_request *request = &stage->requests[index];
	int64_t body_limit;

	*request = (struct http_request){
		.method = HTTP_POST, .path = path, .headers = { { "Host", "localhost" } }
	};
	IS_INT(work_owner.begin(&stage->server, request, &body_limit), 0);
	work_owner.handle(&stage->server, request);
	IS_INT(request->replies, 0);
}

static void write_all(struct stage *stage)
{
	struct server_writer *writer = &stage->server.writers[0];

	queue_close(&writer->queue);
	writer_main(writer);
	queue_release(&writer->queue);
	queue_init(&writer->queue, 10);
}

static void forget(struct stage *stage, size_t index)
{
	struct http_request *request = &stage->requests[index];

	IS_INT(request->replies, 1);
	work_owner.ended(&stage->server, request, request->status, 0, true);
	buf_release(&request->body_sent);
	arena_release(&request->arena);
}

/* Is event N of the requests' in the store? */
static bool is_stored(struct stage *stage, const char *name)
{
	CLEANUP(buf_release) struct buf all = BUF_INIT;
	struct store *store = fixture_open(&stage->fixture);
	char id_end[32];

	snprintf(id_end, sizeof(id_end), ":%s ", name);
	fixture_dump(store, &all);
	store_close(store);
	return str_find_str(buf_str(&all), str_from(id_end)) >= 0;
}

/* --- tests --- */

static void all_in_one(void)
{
	struct stage stage;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	const struct metrics_now now = { 0 };

	open_stage(&stage);
	send(&stage, 0, "/event/a");
	send(&stage, 1, "/refused");
	send(&stage, 2, "/event/b");
	write_all(&stage);
	IS_INT(stage.requests[0].status, 200);
	IS_INT(stage.requests[1].status, 404);
	IS_INT(stage.requests[2].status, 200);
	OK(is_stored(&stage, "a"));
	OK(is_stored(&stage, "b"));
	metrics_print(stage.server.metrics, &now, &text);
	OK(strstr(buf_cstr(&text), "\ntt_committed_requests_total 3\n") != NULL);
	OK(strstr(buf_cstr(&text), "\ntt_commit_duration_seconds_count 1\n") != NULL);
	for (size_t i = 0; i < 3; i++)
		forget(&stage, i);
	close_stage(&stage);
}

/* A store that fails takes its transaction with it; what came behind is done in the next. */
static void broken(void)
{
	struct stage stage;

	open_stage(&stage);
	send(&stage, 0, "/event/a");
	send(&stage, 1, "/broken");
	send(&stage, 2, "/event/b");
	write_all(&stage);
	IS_INT(stage.requests[0].status, 500);
	IS_INT(stage.requests[1].status, 500);
	IS_INT(stage.requests[2].status, 200);
	OK(strstr(buf_cstr(&stage.requests[0].body_sent), "the disk is broken") != NULL);
	OK(!is_stored(&stage, "a"));
	OK(is_stored(&stage, "b"));
	for (size_t i = 0; i < 3; i++)
		forget(&stage, i);
	close_stage(&stage);
}

/* No route, a full queue, a closed one: an answer each. */
static void refused(void)
{
	struct stage stage;
	struct http_request *request = &stage.requests[0];
	int64_t body_limit;

	open_stage(&stage);
	*request = (struct http_request){
		.method = HTTP_POST, .path = "/api/0/x", .headers = { { "Host", "localhost" } }
	};
	OK(work_owner.begin(&stage.server, request, &body_limit) < 0);
	IS_INT(request->status, 404);
	forget(&stage, 0);
	queue_close(&stage.server.writers[0].queue);
	*request = (struct http_request){
		.method = HTTP_POST, .path = "/event/a", .headers = { { "Host", "localhost" } }
	};
	IS_INT(work_owner.begin(&stage.server, request, &body_limit), 0);
	work_owner.handle(&stage.server, request);
	IS_INT(request->status, 503);
	forget(&stage, 0);
	close_stage(&stage);
}

/* False: call N was not reached. *DOUBTFUL counts what failed and is there all the same: when the
 * sync itself fails, nobody can know what is on the disk. */
static bool fail_call(struct stage *stage, long n, int code, bool sticky, int *doubtful)
{
	static const char *const names[] = { "a", "b", "c" };
	bool failed, stored[ARRAY_LEN(names)];

	open_stage(stage);
	send(stage, 0, "/event/a");
	send(stage, 1, "/event/b");
	fault_vfs_arm(n, code, sticky);
	write_all(stage);
	failed = fault_vfs_disarm();
	send(stage, 2, "/event/c");
	write_all(stage);
	IS_INT(stage->requests[2].status, 200); /* it has got over it */
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		int status = stage->requests[i].status;

		stored[i] = is_stored(stage, names[i]);
		tap_check(stored[i] || status != 200, __FILE__, __LINE__,
			"call %ld (%d): request %zu was answered, and is not stored", n, code, i);
		OK(status == 200 || status >= 500);
		forget(stage, i);
	}
	*doubtful += stored[0] && stage->requests[0].status != 200;
	close_stage(stage);
	return failed;
}

static void every_fault(int code, bool sticky)
{
	struct stage stage;
	int doubtful = 0;
	long n = 1;

	while (n < LAST_CALL && fail_call(&stage, n, code, sticky, &doubtful))
		n++;
	OK(n > 5 && n < LAST_CALL);
	OK(doubtful <= 1);
}

static void with_faults(void)
{
	fault_vfs_install();
	every_fault(SQLITE_IOERR_WRITE, false);
	every_fault(SQLITE_IOERR_WRITE, true);
	every_fault(SQLITE_FULL, false);
	every_fault(SQLITE_FULL, true);
}

/* --- several users --- */

static struct str user_of(struct stage *stage, size_t index)
{
	const struct work *work = http_context(&stage->requests[index]);

	return work->call.who.user_id;
}

/* As for a shared store, whose users are locked one by one: here one lock is all of them. */
static void send_as(struct stage *stage, size_t index, const char *path, const char *user_id)
{
	struct http_request *request = &stage->requests[index];
	struct work *work;
	int64_t body_limit;

	*request = (struct http_request){
		.method = HTTP_POST, .path = path, .headers = { { "Host", "localhost" } }
	};
	stage->server.shared = false; /* nobody is asked for a key */
	IS_INT(work_owner.begin(&stage->server, request, &body_limit), 0);
	stage->server.shared = true;
	work = http_context(request);
	work->call.who.user_id = str_from(user_id);
	work_owner.handle(&stage->server, request);
	IS_INT(request->replies, 0);
}

/* What is wrong with one user's data fails their requests and nobody else's. */
static void one_of_many_broken(void)
{
	struct stage stage;

	open_stage(&stage);
	send_as(&stage, 0, "/event/a", "anna");
	send_as(&stage, 1, "/event/b", "bert");
	send_as(&stage, 2, "/broken", "bert");
	send_as(&stage, 3, "/event/c", "carl");
	send_as(&stage, 4, "/refused", "anna");
	IS_STR(user_of(&stage, 1), "bert");
	write_all(&stage);
	IS_INT(stage.requests[0].status, 200);
	IS_INT(stage.requests[1].status, 500);
	IS_INT(stage.requests[2].status, 500);
	IS_INT(stage.requests[3].status, 200);
	IS_INT(stage.requests[4].status, 404);
	OK(is_stored(&stage, "a"));
	OK(!is_stored(&stage, "b"));
	OK(is_stored(&stage, "c"));
	for (size_t i = 0; i < 5; i++)
		forget(&stage, i);
	close_stage(&stage);
}

/* Many users in one transaction; where the disk fails, what was answered is there. */
static void many_with_faults(void)
{
	static const char *const users[] = { "anna", "bert", "carl" };
	static const char *const names[] = { "a", "b", "c" };
	static const char *const paths[] = { "/event/a", "/event/b", "/event/c" };
	bool failed = true;

	for (long n = 1; failed && n < LAST_CALL; n++) {
		struct stage stage;

		open_stage(&stage);
		for (size_t i = 0; i < ARRAY_LEN(users); i++)
			send_as(&stage, i, paths[i], users[i]);
		fault_vfs_arm(n, SQLITE_IOERR_WRITE, false);
		write_all(&stage);
		failed = fault_vfs_disarm();
		for (size_t i = 0; i < ARRAY_LEN(users); i++) {
			tap_check(stage.requests[i].status != 200 || is_stored(&stage, names[i]),
				__FILE__, __LINE__, "call %ld: %s's is answered, not stored", n,
				users[i]);
			forget(&stage, i);
		}
		close_stage(&stage);
	}
	OK(!failed);
}

/* --- who goes to which writer --- */

static void spread(void)
{
	struct server server = { .shared = true };
	struct http_request small = { .body = "{}" };
	struct work work = { .call = { .http = &small } };
	char text[32];
	size_t met[SHARED_WRITERS] = { 0 };

	server_writers_init(&server, SHARED_WRITERS);
	for (int i = 0; i < 1000; i++) {
		const struct server_writer *writer;

		snprintf(text, sizeof(text), "user-%d", i);
		work.call.who.user_id = str_from(text);
		writer = server_writer_for(&server, &work);
		OK(writer == server_writer_for(&server, &work));
		met[writer - server.writers]++;
	}
	OK(met[0] > 300 && met[1] > 300);
	IS_INT(met[SHARED_WRITERS - 1], 0);
	for (size_t i = 0; i < SHARED_WRITERS; i++)
		queue_release(&server.writers[i].queue);
}

static const struct tap_case cases[] = { TAP_CASE(all_in_one), TAP_CASE(broken), TAP_CASE(refused),
	TAP_CASE(one_of_many_broken), TAP_CASE(spread), TAP_CASE(with_faults),
	TAP_CASE(many_with_faults) };
TAP_MAIN(cases)
