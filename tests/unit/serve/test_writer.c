/*
 * The writer: what is answered is stored and what failed is not; one user's failure is not
 * another's.
 */
#include "writer_stage.h"

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

/* --- several users --- */

/* What is wrong with one user's data fails their requests and nobody else's. */
static void one_of_many_broken(void)
{
	struct stage stage;

	open_stage(&stage);
	stage.shared = true;
	send_as(&stage, 0, "/event/a", 0);
	send_as(&stage, 1, "/event/b", 1);
	send_as(&stage, 2, "/broken", 1);
	send_as(&stage, 3, "/event/c", 2);
	send_as(&stage, 4, "/refused", 0);
	write_all(&stage);
	IS_INT(stage.requests[0].status, 200);
	IS_INT(stage.requests[1].status, 500);
	IS_INT(stage.requests[2].status, 500);
	IS_INT(stage.requests[3].status, 200);
	IS_INT(stage.requests[4].status, 404);
	OK(is_stored_of(&stage, "a", 0));
	OK(!is_stored_of(&stage, "b", 1));
	OK(is_stored_of(&stage, "c", 2));
	for (size_t i = 0; i < 5; i++)
		forget(&stage, i);
	close_stage(&stage);
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
	TAP_CASE(one_of_many_broken), TAP_CASE(spread) };
TAP_MAIN(cases)
