#include <pthread.h>

#include "base/time.h"
#include "serve/metrics.h"
#include "tap.h"

static const struct route first[] = { { .method = HTTP_GET, .path = "/a" },
	{ .method = HTTP_POST, .path = "/a/{b}" } };
static const struct route second[] = { { .method = HTTP_DELETE, .path = "/c" } };
static const struct route_table tables[] = { { first, 2 }, { second, 1 } };

static void has(const struct buf *text, const char *line)
{
	tap_check(str_find_str(buf_str(text), str_from(line)) >= 0, __FILE__, __LINE__,
		"no line '%s' in:\n%s", line, buf_cstr(text));
}

static void requests(void)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct metrics *metrics = metrics_new(tables, 2);
	struct metrics_source sources[] = { { STR("a\"b\\\n"), 5 * NS_PER_S },
		{ STR("none"), INT64_MIN } };
	const struct metrics_now now = { .connections = 3,
		.store_bytes = 99,
		.cache_hits = 7,
		.sources = sources,
		.source_count = 2,
		.now_ns = 65 * NS_PER_S };

	metrics_request(metrics, &first[1], 200, NS_PER_MS, 10);
	metrics_request(metrics, &first[1], 200, NS_PER_MS + 1, 5);
	metrics_request(metrics, &first[1], 299, 31 * NS_PER_S, 0);
	metrics_request(metrics, &second[0], 404, 0, 0);
	metrics_request(metrics, NULL, 400, 0, 0);
	metrics_commit(metrics, 5, 3 * NS_PER_MS, false);
	metrics_commit(metrics, 7, 3 * NS_PER_MS, true);
	metrics_queues(metrics, 2, 1);
	metrics_retention(metrics, 40, false);
	metrics_retention(metrics, 2, true);
	metrics_retention_ran(metrics, INT64_C(1770000000) * NS_PER_S);
	metrics_print(metrics, &now, &text);
	has(&text, "\ntt_http_requests_total{method=\"POST\",route=\"/a/{b}\",status=\"200\"} 2\n");
	has(&text,
		"\ntt_http_requests_total{method=\"POST\",route=\"/a/{b}\",status=\"other\"} 1\n");
	has(&text, "\ntt_http_requests_total{method=\"DELETE\",route=\"/c\",status=\"404\"} 1\n");
	has(&text, "\ntt_http_requests_total{method=\"\",route=\"\",status=\"400\"} 1\n");
	OK(str_find_str(buf_str(&text), STR("route=\"/a\"")) < 0);
	has(&text, "\ntt_http_sent_bytes_total{method=\"POST\",route=\"/a/{b}\"} 15\n");
	has(&text, "_seconds_bucket{method=\"POST\",route=\"/a/{b}\",le=\"0.001\"} 1\n");
	has(&text, "_seconds_bucket{method=\"POST\",route=\"/a/{b}\",le=\"0.002\"} 2\n");
	has(&text, "_seconds_bucket{method=\"POST\",route=\"/a/{b}\",le=\"30\"} 2\n");
	has(&text, "_seconds_bucket{method=\"POST\",route=\"/a/{b}\",le=\"+Inf\"} 3\n");
	has(&text, "_seconds_count{method=\"POST\",route=\"/a/{b}\"} 3\n");
	has(&text, "\ntt_committed_requests_total 5\n");
	has(&text, "\ntt_commit_failures_total 1\n");
	has(&text, "\ntt_commit_duration_seconds_count 1\n");
	has(&text, "\ntt_queue_length{queue=\"write\"} 2\n");
	has(&text, "\ntt_retention_deleted_events_total 42\n");
	has(&text, "\ntt_retention_failures_total 1\n");
	has(&text, "\ntt_retention_last_run_timestamp_seconds 1770000000\n");
	has(&text, "\ntt_servers 1\n");
	has(&text, "\ntt_store_bytes 99\n");
	has(&text, "\ntt_query_cache_hits_total 7\n");
	has(&text, "\ntt_source_lag_seconds{source=\"a\\\"b\\\\\\n\"} 60\n");
	OK(str_find_str(buf_str(&text), STR("none")) < 0);
	OK(str_ends(buf_str(&text), STR("\n")));
	metrics_free(metrics);
	metrics_free(NULL);
}

static void *count_many(void *metrics)
{
	for (int i = 0; i < 10000; i++)
		metrics_request(metrics, &first[0], 200, 0, 1);
	return NULL;
}

static void threads(void)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct metrics *metrics = metrics_new(tables, 2);
	const struct metrics_now now = { 0 };
	pthread_t ids[4];

	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		IS_INT(pthread_create(&ids[i], NULL, count_many, metrics), 0);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		pthread_join(ids[i], NULL);
	metrics_print(metrics, &now, &text);
	has(&text, "{method=\"GET\",route=\"/a\",status=\"200\"} 40000\n");
	metrics_free(metrics);
}

static const struct tap_case cases[] = { TAP_CASE(requests), TAP_CASE(threads) };
TAP_MAIN(cases)
