/* Instants in JSON, as all of our own answers and files have them. */
#ifndef TT_BASE_JSON_TIME_H
#define TT_BASE_JSON_TIME_H

#include "base/json.h"

/* NS in RFC 3339, UTC, with milliseconds; INT64_MIN: null. */
void json_kv_time(struct json_writer *writer, const char *key, int64_t ns);

#endif
