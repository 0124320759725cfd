/*
 * Heartbeats: what watchers send all day, so the hottest path. Nothing is read here but the body
 * and one argument; the store's merge needs no search (store/aw_write.h).
 */
#include "serve/api/heartbeat.h"

#include "serve/api/answer.h"
#include "serve/api/aw_json.h"
#include "store/aw_write.h"

struct beat_given {
	struct aw_event event;
	int64_t pulsetime_ns;
};

static int read_pulsetime(struct call *call, int64_t *out_ns, struct err *err)
{
	struct str text = call_arg(call, "pulsetime", NULL);
	double seconds;

	if (!text.ptr)
		return call_fail(call, 422, err, "Missing required parameter pulsetime (seconds)");
	if (!aw_read_number(str_trim(text), &seconds))
		return call_fail(call, 422, err,
			"The parameter pulsetime is not a number of seconds: '%.*s'",
			STR_ARG(str_sub(text, 0, 40)));
	/* Longer than all time is all time. */
	if (!aw_seconds_to_ns(seconds, out_ns))
		*out_ns = seconds < 0 ? -INT64_MAX : INT64_MAX;
	return 0;
}

int heartbeat_prepare(struct call *call, struct err *err)
{
	struct beat_given *given = arena_alloc(call->arena, sizeof(*given));
	const struct json *root;
	struct aw_given event;
	int rc = read_pulsetime(call, &given->pulsetime_ns, err);

	if (rc == 0)
		rc = call_body_json(call, &root, err);
	if (rc < 0)
		return rc;
	if (aw_read_event(root, call->arena, &event, err) < 0)
		return answer_body(call, err);
	given->event = event.event;
	given->event.number = 0; /* a heartbeat's id says nothing */
	call->prepared = given;
	return 0;
}

const struct aw_event *heartbeat_beat(const struct call *call)
{
	return &((const struct beat_given *)call->prepared)->event;
}

int heartbeat_handle(struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	struct beat_given *given = call->prepared;
	struct aw_event event = given->event;
	struct json_writer writer;
	int64_t bucket_no;
	int rc = answer_target(call, intake, &bucket_no, err);

	(void)store;
	if (rc < 0)
		return rc;
	if (aw_heartbeat(intake, bucket_no, &event, given->pulsetime_ns, err) < 0)
		return answer_bucket(call, call->params[0], err);
	/* Whether merged or not, its data is equal to what was sent. */
	event.data = given->event.data;
	writer = call_json(call);
	aw_put_event(&writer, &event);
	return 0;
}

const struct route_doc heartbeat_doc = {
	.tag = "events",
	.summary =
		"Lengthen the bucket's last event if its data is equal and it ended within pulsetime, else add one",
	.args = { { "pulsetime", "number", true,
		"Seconds that may lie between the last event's end and this one's start" } },
	.body = "NewEvent",
	.answer = "Event",
	.statuses = { { 404, "There is no such bucket" },
		{ 422, "pulsetime or a member of the event is missing or wrong" } },
};
