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

	*stage = (struct stage){ .options = { .log_fd = -1 } };
	fixture_begin(&stage->fixture);
	store_close(fixture_open(&stage->fixture));
	stage->options.store_url = stage->fixture.path;
	server->options = &stage->options;
	server->log.level = LOG_QUIET;
	server->log.program = "# tt";
	server->tables = &table;
	server->table_count = 1;
	server->metrics = metrics_new(&table, 1);
	server->keys = server_keys_new(stage->options.store_url, no_news, NULL);
	server->wrong_keys = rates_new(1, 1);
	queue_init(&server->reads, 10);
	queue_init(&server->writes, 10);
	pthread_mutex_init(&server->lock, NULL);
	GOOD(settings_new(&server->settings, &config, NULL, 0, false, &err));
}

static void close_stage(struct stage *stage)
{
	struct server *server = &stage->server;

	settings_drop(server->settings);
	metrics_free(server->metrics);
	server_keys_free(server->keys);
	rates_free(server->wrong_keys);
	queue_release(&server->reads);
	queue_release(&server->writes);
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
	queue_close(&stage->server.writes);
	writer_main(&stage->server);
	queue_release(&stage->server.writes);
	queue_init(&stage->server.writes, 10);
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
	queue_close(&stage.server.writes);
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

static const struct tap_case cases[] = { TAP_CASE(all_in_one), TAP_CASE(broken), TAP_CASE(refused),
	TAP_CASE(with_faults) };
TAP_MAIN(cases)
