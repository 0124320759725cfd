#include "serve/api/answer.h"

#include "base/clock.h"
#include "base/time.h"
#include "base/uuid.h"
#include "serve/server.h"
#include "serve/stream_bucket.h"
#include "store/aw_write.h"
#include "store/keys.h"

/* STATUS with the message that ERR has now. */
static int fail_as_is(struct call *call, int status, struct err *err)
{
	struct str message = arena_str(call->arena, str_from(err->message));

	return call_fail(call, status, err, "%.*s", STR_ARG(message));
}

int answer_body(struct call *call, struct err *err)
{
	return fail_as_is(call, err->code == ERR_LIMIT ? 413 : 422, err);
}

bool answer_is_refusal(int code)
{
	switch (code) {
	case ERR_NOT_FOUND:
	case ERR_EXISTS:
	case ERR_READONLY:
	case ERR_USAGE:
	case ERR_LIMIT:
	case ERR_AMBIGUOUS:
		return true;
	default:
		return false;
	}
}

int answer_bucket(struct call *call, struct str id, struct err *err)
{
	if (!answer_is_refusal(err->code))
		return err->code;
	if (err->code == ERR_NOT_FOUND)
		return call_fail(
			call, 404, err, "The requested bucket '%.*s' does not exist", STR_ARG(id));
	return fail_as_is(call, err_http_status(err->code), err);
}

struct str answer_own_machine(const struct call *call)
{
	if (call->who.machine_id.len > 0)
		return call->who.machine_id;
	return str_from(server_is_shared(call->server) ? server_common_id(call->server)
						       : server_options(call->server)->machine_id);
}

struct str answer_host(const struct call *call)
{
	if (server_is_shared(call->server) && call->who.known)
		return STR("server");
	return str_from(server_options(call->server)->hostname);
}

int answer_own_store(const struct call *call, bool read_only, struct store **out, struct err *err)
{
	const struct store_options options = {
		.url = read_only && call->store_url ? call->store_url
						    : server_options(call->server)->store_url,
		.read_only = read_only,
		.must_exist = true,
		.busy_ms = server_busy_ms(call->server),
		.patience_ms = server_options(call->server)->patience_ms,
	};
	const struct actor actor = { call->who.user_id, call->who.machine_id };

	if (store_open(out, &options, err) < 0)
		return err->code;
	if (store_as(*out, &actor, err) == 0)
		return 0;
	store_close(*out);
	*out = NULL;
	return err->code;
}

/* --- devices --- */

static const struct device *last_seen(
	const struct device *devices, size_t count, struct str hostname)
{
	const struct device *found = NULL;

	for (size_t i = 0; i < count; i++)
		if (str_eq(devices[i].hostname, hostname) &&
			(!found || devices[i].seen_ns > found->seen_ns))
			found = &devices[i];
	return found;
}

static struct str id_of_host(struct call *call, struct str hostname)
{
	char *id = arena_alloc(call->arena, UUID_BYTES + 1);

	uuid_of_name(arena_printf(call->arena, "tidemark device %.*s %.*s",
			     STR_ARG(call->who.user_id), STR_ARG(hostname)),
		id);
	return str_from(id);
}

int answer_machine(struct call *call, struct store *store, struct str hostname,
	struct str *machine_id, struct err *err)
{
	struct device made = { .hostname = hostname, .label = hostname }, *devices;
	const struct device *known;
	size_t count;

	*machine_id = call->who.machine_id;
	if (machine_id->len > 0)
		return 0;
	if (device_list(store, call->arena, &devices, &count, err) < 0)
		return err->code;
	known = last_seen(devices, count, hostname);
	if (known) {
		*machine_id = known->machine_id;
		return 0;
	}
	made.machine_id = *machine_id = id_of_host(call, hostname);
	return device_register(store, clock_now_ns(), &made, call->arena, err);
}

/* --- buckets --- */

int answer_buckets(struct call *call, struct store *store, struct aw_bucket **out, size_t *count,
	struct err *err)
{
	struct aw_bucket *stored;

	if (aw_buckets(store, call->arena, &stored, count, err) < 0)
		return err->code;
	*out = arena_zalloc(call->arena, *count + 1, sizeof(**out));
	if (*count > 0)
		memcpy(*out, stored, *count * sizeof(**out));
	if (stream_bucket_make(stored, *count, answer_host(call), answer_own_machine(call),
		    call->arena, *out + *count))
		++*count;
	return 0;
}

bool answer_always_long(const struct call *call)
{
	(void)call;
	return true;
}

bool answer_long_for_streams(const struct call *call)
{
	return stream_bucket_is(call->params[0], answer_host(call));
}

int answer_find(struct call *call, struct store *store, struct aw_bucket *out, struct err *err)
{
	struct str id = call->params[0];
	struct aw_bucket *all;
	struct err other;
	size_t count;

	if (aw_bucket_find_brief(store, id, call->arena, out, err) == 0)
		return 0;
	if (err->code != ERR_NOT_FOUND || !stream_bucket_is(id, answer_host(call)))
		return answer_bucket(call, id, err);
	if (answer_buckets(call, store, &all, &count, &other) < 0) {
		*err = other;
		return err->code;
	}
	if (count == 0 || all[count - 1].bucket_no != STREAM_BUCKET_NO)
		return answer_bucket(call, id, err);
	*out = all[count - 1];
	return 0;
}

int answer_find_whole(
	struct call *call, struct store *store, struct aw_bucket *out, struct err *err)
{
	int rc = answer_find(call, store, out, err);

	if (rc < 0 || out->bucket_no == STREAM_BUCKET_NO)
		return rc;
	if (aw_bucket_find(store, call->params[0], call->arena, out, err) < 0)
		return answer_bucket(call, call->params[0], err);
	return 0;
}

int answer_target(struct call *call, struct intake *intake, int64_t *bucket_no, struct err *err)
{
	struct str id = call->params[0];

	if (aw_target(intake, id, bucket_no, err) == 0)
		return 0;
	if (err->code == ERR_NOT_FOUND && stream_bucket_is(id, answer_host(call)))
		return call_fail(call, 403, err, "Bucket '%.*s' is computed: it cannot be written",
			STR_ARG(id));
	return answer_bucket(call, id, err);
}

/*
 * Is TEXT an instant that nanoseconds of 64 bits do not reach? As a bound it is as good as none, or
 * as all; what else it says must be right all the same. So it is read with a year that they reach,
 * some multiple of 400 years away: there the calendar is the same.
 */
static bool is_beyond(struct str text, bool *before)
{
	enum { YEAR_BYTES = 4, FIRST_YEAR = 1678, LAST_YEAR = 2262, CYCLE = 400, BASE = 1700 };
	CLEANUP(buf_release) struct buf near = BUF_INIT;
	int64_t year, ns;
	struct err err;

	if (!str_to_i64(str_sub(text, 0, YEAR_BYTES), &year) || year < 0 ||
		(year >= FIRST_YEAR && year < LAST_YEAR) || time_parse(text, &ns, &err) == 0)
		return false;
	buf_i64(&near, BASE + (year + CYCLE - BASE % CYCLE) % CYCLE);
	buf_add(&near, str_sub(text, YEAR_BYTES, text.len));
	*before = year < FIRST_YEAR;
	return time_parse(buf_str(&near), &ns, &err) == 0;
}

static int read_bound(struct call *call, const char *name, const char *what, int64_t absent,
	int64_t *out, struct err *err)
{
	struct str text = call_arg(call, name, NULL);
	bool before;

	if (!text.ptr || !is_beyond(text, &before))
		return call_time(call, name, what, absent, out, err);
	*out = before ? INT64_MIN : INT64_MAX;
	return 0;
}

int answer_range(struct call *call, bool limited, struct answer_range *out, struct err *err)
{
	bool repeated = false;
	struct str limit = limited ? call_arg(call, "limit", &repeated) : (struct str){ 0 };
	int rc = read_bound(call, "start", "starttime", INT64_MIN, &out->from_ns, err);

	if (rc == 0)
		rc = read_bound(call, "end", "endtime", INT64_MAX, &out->to_ns, err);
	/* What is no natural number is no limit: clients say -1. */
	if (repeated || !str_to_u64(limit, &out->limit))
		out->limit = UINT64_MAX;
	return rc;
}
