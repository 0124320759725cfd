/* For those who operate it: is it alive, can it answer, what does it do. */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "query/lang.h"
#include "serve/api/api.h"
#include "serve/api/openapi.h"
#include "serve/server.h"

static int put_text(struct call *call, const char *text)
{
	call_empty(call, 200);
	http_reply_header(&call->reply, STR("Content-Type"), STR("text/plain; charset=utf-8"));
	http_reply_header(&call->reply, STR("Cache-Control"), STR("no-store"));
	buf_addc(&call->reply.body, text);
	return 0;
}

static int healthz(struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	(void)store;
	(void)intake;
	(void)err;
	return put_text(call, "ok\n");
}

/* The writer answers, its connection to the store does, and the store can be written. */
static int readyz(struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	struct store_info info;

	(void)intake;
	if (server_stopping(call->server))
		return call_fail(call, 503, err, "The server is about to end");
	if (store_info(store, &info, err) < 0)
		return err->code;
	if (server_probe_due(call->server)) {
		if (store_probe(store, err) < 0)
			return err->code;
		server_probed(call->server);
	}
	return put_text(call, "ready\n");
}

/* ActivityWatch's web page asks for it; our log is the system's. */
static int no_log(struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	(void)store;
	(void)intake;
	return call_fail(call, 404, err, "The log is not served: it is on standard error");
}

/* --- metrics --- */

static int64_t resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long long size, resident = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%lld %lld", &size, &resident) != 2)
		resident = 0;
	fclose(file);
	return resident * sysconf(_SC_PAGESIZE);
}

/* The newest event of each source, over its buckets. */
static int find_sources(
	struct call *call, struct store *store, struct metrics_now *now, struct err *err)
{
	struct store_bucket *buckets;
	size_t count;

	if (store_buckets(store, call->arena, &buckets, &count, err) < 0)
		return err->code;
	now->sources = arena_zalloc(call->arena, count + 1, sizeof(*now->sources));
	for (size_t i = 0; i < count; i++) {
		size_t at = 0;

		while (at < now->source_count && !str_eq(now->sources[at].name, buckets[i].source))
			at++;
		if (at == now->source_count)
			now->sources[now->source_count++] =
				(struct metrics_source){ buckets[i].source, INT64_MIN };
		if (buckets[i].last_ns > now->sources[at].last_event_ns)
			now->sources[at].last_event_ns = buckets[i].last_ns;
	}
	return 0;
}

static int metrics(struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	struct metrics_now now = { .connections = server_connections(call->server),
		.resident_bytes = resident_bytes(),
		.now_ns = clock_now_ns() };
	struct store_info info;
	struct lang_stats stats;
	int rc = store_info(store, &info, err);

	(void)intake;
	if (rc == 0)
		rc = find_sources(call, store, &now, err);
	if (rc < 0)
		return rc;
	now.store_bytes = info.bytes;
	now.store_events = info.events;
	now.quarantined = info.quarantined;
	lang_stats(server_lang(call->server), &stats);
	now.cache_hits = stats.hits;
	now.cache_misses = stats.misses;
	now.cache_bytes = stats.bytes;
	call_empty(call, 200);
	http_reply_header(
		&call->reply, STR("Content-Type"), STR("text/plain; version=0.0.4; charset=utf-8"));
	http_reply_header(&call->reply, STR("Cache-Control"), STR("no-store"));
	metrics_print(server_metrics(call->server), &now, &call->reply.body);
	return 0;
}

static const struct route_doc health_doc = {
	.tag = "operations", .summary = "Alive: the process answers", .answer_type = "text/plain"
};
static const struct route_doc ready_doc = { .tag = "operations",
	.summary = "Ready: the writer is at work and its store can be written",
	.answer_type = "text/plain" };
static const struct route_doc metrics_doc = { .tag = "operations",
	.summary = "Counters in Prometheus's text format",
	.answer_type = "text/plain" };

static const struct route routes[] = {
	{ .method = HTTP_GET,
		.path = "/healthz",
		.work = WORK_HERE,
		.open = true,
		.handle = healthz,
		.doc = &health_doc },
	{ .method = HTTP_GET,
		.path = "/readyz",
		.work = WORK_WRITE,
		.open = true,
		.handle = readyz,
		.doc = &ready_doc },
	{ .method = HTTP_GET,
		.path = "/metrics",
		.work = WORK_READ,
		.needs = KEY_READ,
		.handle = metrics,
		.doc = &metrics_doc },
	{ .method = HTTP_GET,
		.path = "/api/0/log",
		.work = WORK_HERE,
		.needs = KEY_READ,
		.handle = no_log },
};

const struct route_table api_ops_routes = { routes, ARRAY_LEN(routes) };
