#include "base/json_time.h"
#include "tap.h"

static void instants(void)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct json_writer writer = json_writer(&text);

	json_begin_object(&writer);
	json_kv_time(&writer, "none", INT64_MIN);
	json_kv_time(&writer, "epoch", 0);
	json_kv_time(&writer, "cut", 1770000000123999999);
	json_kv_time(&writer, "before", -1);
	json_end_object(&writer);
	IS_CSTR(buf_cstr(&text), "{\"none\":null,\"epoch\":\"1970-01-01T00:00:00.000Z\","
				 "\"cut\":\"2026-02-02T02:40:00.123Z\","
				 "\"before\":\"1969-12-31T23:59:59.999Z\"}");
}

static const struct tap_case cases[] = { TAP_CASE(instants) };
TAP_MAIN(cases)
