/*
 * Bodies of events, of one event (a heartbeat) and of buckets: what is taken and written is taken
 * again and written the same; forms fall into parts that lie within them.
 */
#include <stdint.h>

#include "serve/api/aw_json.h"
#include "serve/api/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_given(struct buf *out, const struct aw_given *events, size_t count)
{
	struct json_writer writer = json_writer(out);

	json_begin_array(&writer);
	for (size_t i = 0; i < count; i++)
		aw_put_event(&writer, &events[i].event);
	json_end_array(&writer);
}

static void check_events(const struct json *root, struct arena *arena)
{
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	CLEANUP(buf_release) struct buf once = BUF_INIT, again = BUF_INIT;
	struct aw_given *events, *others;
	const struct json *written;
	size_t count, other_count;
	struct err err;

	if (aw_read_events(root, arena, &events, &count, &err) < 0) {
		ASSERT(err.code == ERR_PARSE || err.code == ERR_LIMIT);
		return;
	}
	put_given(&once, events, count);
	ASSERT(json_parse(&parser, buf_str(&once), false, &written, &err) == 0);
	ASSERT(aw_read_events(written, arena, &others, &other_count, &err) == 0);
	ASSERT(other_count == count);
	for (size_t i = 0; i < count; i++) {
		ASSERT(others[i].event.start_ns == events[i].event.start_ns);
		ASSERT(str_eq(others[i].event.data, events[i].event.data));
	}
	put_given(&again, others, other_count);
	ASSERT(str_eq(buf_str(&once), buf_str(&again)));
}

static void check_bucket(const struct json *root, struct arena *arena)
{
	struct aw_given_bucket whole, change;
	struct err err;
	int rc = aw_read_bucket(root, true, arena, &whole, &err);

	ASSERT(rc == 0 || rc == ERR_PARSE || rc == ERR_LIMIT);
	if (rc < 0)
		return;
	/* What makes a bucket may change one. */
	ASSERT(aw_read_bucket(root, false, arena, &change, &err) == 0);
	ASSERT(str_eq(whole.type, change.type) && str_eq(whole.data, change.data));
	if (whole.data.ptr) {
		struct str more = aw_data_with(whole.data, "device_id", STR("x"), arena);

		ASSERT(str_eq(more, aw_data_with(more, "device_id", STR("x"), arena)));
	}
}

static void check_form(struct str body)
{
	struct str parts[MULTIPART_PARTS];
	size_t count;
	struct err err;
	int rc =
		multipart_parse(STR("multipart/form-data; boundary=XX"), body, parts, &count, &err);

	ASSERT(rc == 0 || rc == ERR_PARSE || rc == ERR_LIMIT);
	for (size_t i = 0; i < count && rc == 0; i++) {
		if (parts[i].len == 0)
			continue;
		ASSERT(parts[i].ptr >= body.ptr);
		ASSERT(parts[i].ptr + parts[i].len <= body.ptr + body.len);
		ASSERT(str_find_str(parts[i], STR("\r\n--XX")) < 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct str text = { (const char *)data, size };
	const struct json *root;
	struct err err;

	check_form(text);
	if (json_parse(&parser, text, false, &root, &err) < 0)
		return 0;
	check_events(root, &arena);
	check_bucket(root, &arena);
	return 0;
}
