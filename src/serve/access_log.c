#include "serve/access_log.h"

#include <unistd.h>

#include "base/json.h"
#include "base/time.h"

enum { PATH_BYTES = 1024 };

static void put_millis(struct json_writer *json, int64_t ns)
{
	json_key(json, STR("ms"));
	json_put_double(json, (double)(ns / 1000) / 1000);
}

void access_log_write(int fd, const struct http_request *request, const struct access *access)
{
	CLEANUP(buf_release) struct buf line = BUF_INIT;
	struct json_writer json = json_writer(&line);
	const struct str none = { NULL, 0 };
	char time[TIME_TEXT_BYTES];
	ssize_t written;

	json_begin_object(&json);
	json_kv_str(&json, "time", str_from(time_format(access->now_ns, 3, time)));
	json_kv_str(&json, "peer", http_peer(request));
	json_kv_str(&json, "method", str_from(route_method_name(http_method(request))));
	json_kv_str(&json, "route", access->route ? str_from(access->route->path) : none);
	json_kv_str(&json, "path", str_sub(http_path(request), 0, PATH_BYTES));
	json_kv_i64(&json, "status", access->status);
	json_kv_i64(&json, "bytes", access->bytes);
	put_millis(&json, access->duration_ns);
	json_kv_str(&json, "key", access->key_id.len > 0 ? access->key_id : none);
	json_kv_bool(&json, "complete", access->complete);
	json_end_object(&json);
	buf_byte(&line, '\n');
	written = write(fd, line.ptr, line.len);
	(void)written;
}
