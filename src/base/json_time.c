#include "base/json_time.h"

#include "base/time.h"

void json_kv_time(struct json_writer *writer, const char *key, int64_t ns)
{
	char text[TIME_TEXT_BYTES];

	if (ns == INT64_MIN)
		json_kv_null(writer, key);
	else
		json_kv_str(writer, key, str_from(time_format(ns, 3, text)));
}
