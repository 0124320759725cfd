/*
 * Counters are atomic and nothing more: a reading may see a request counted in one and not yet in
 * another, which Prometheus does not mind. A route is a label by its path as the table has it,
 * never by what was asked for: so there are no more series than routes.
 */
#include "serve/metrics.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/time.h"

/* Upper ends of the classes of durations, in milliseconds; the last class has none. */
static const int64_t bounds_ms[] = { 1, 2, 5, 10, 20, 50, 100, 250, 500, 1000, 2500, 5000, 10000,
	30000 };
enum { CLASSES = ARRAY_LEN(bounds_ms) + 1 };

/* What the server answers; 0 stands for all others. */
static const int statuses[] = { 200, 201, 206, 304, 400, 401, 403, 404, 409, 413, 422, 429, 431,
	500, 503, 504, 507, 0 };

struct histogram {
	atomic_int_fast64_t classes[CLASSES];
	atomic_int_fast64_t sum_ns;
};

struct series {
	const struct route *route; /* NULL: none matched */
	atomic_int_fast64_t statuses[ARRAY_LEN(statuses)];
	atomic_int_fast64_t bytes;
	struct histogram durations;
};

struct metrics {
	struct series *series; /* one a route, the last without */
	size_t count;
	const struct route_table *tables;
	size_t table_count;
	struct histogram commits;
	atomic_int_fast64_t committed_calls, failed_commits;
	atomic_int_fast64_t waiting_writes, waiting_reads;
	atomic_int_fast64_t retired_events, failed_retentions, retention_ns, servers;
};

struct metrics *metrics_new(const struct route_table *tables, size_t count)
{
	struct metrics *metrics = mem_zalloc(sizeof(*metrics));
	size_t at = 0;

	metrics->tables = tables;
	metrics->table_count = count;
	atomic_init(&metrics->servers, 1);
	metrics->count = 1;
	for (size_t t = 0; t < count; t++)
		metrics->count += tables[t].count;
	metrics->series = mem_zalloc(metrics->count * sizeof(*metrics->series));
	for (size_t t = 0; t < count; t++)
		for (size_t i = 0; i < tables[t].count; i++)
			metrics->series[at++].route = &tables[t].routes[i];
	return metrics;
}

void metrics_free(struct metrics *metrics)
{
	if (metrics)
		free(metrics->series);
	free(metrics);
}

static void count(atomic_int_fast64_t *counter, int64_t by)
{
	atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

static int64_t value(atomic_int_fast64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static struct series *series_of(struct metrics *metrics, const struct route *route)
{
	size_t before = 0;

	for (size_t t = 0; route && t < metrics->table_count; t++) {
		const struct route_table *table = &metrics->tables[t];
		uintptr_t first = (uintptr_t)table->routes, at = (uintptr_t)route;

		if (at >= first && at < first + table->count * sizeof(*route))
			return &metrics->series[before + (at - first) / sizeof(*route)];
		before += table->count;
	}
	return &metrics->series[metrics->count - 1];
}

static void observe(struct histogram *histogram, int64_t duration_ns)
{
	size_t class = 0;

	while (class < ARRAY_LEN(bounds_ms) && duration_ns > bounds_ms[class] * NS_PER_MS)
		class ++;
	count(&histogram->classes[class], 1);
	count(&histogram->sum_ns, duration_ns);
}

void metrics_request(struct metrics *metrics, const struct route *route, int status,
	int64_t duration_ns, int64_t bytes)
{
	struct series *series = series_of(metrics, route);
	size_t at = 0;

	while (at + 1 < ARRAY_LEN(statuses) && statuses[at] != status)
		at++;
	count(&series->statuses[at], 1);
	count(&series->bytes, bytes);
	observe(&series->durations, duration_ns);
}

void metrics_commit(struct metrics *metrics, size_t calls, int64_t duration_ns, bool failed)
{
	if (failed) {
		count(&metrics->failed_commits, 1);
		return;
	}
	count(&metrics->committed_calls, (int64_t)calls);
	observe(&metrics->commits, duration_ns);
}

void metrics_retention(struct metrics *metrics, int64_t events, bool failed)
{
	count(&metrics->retired_events, events);
	count(&metrics->failed_retentions, failed);
}

void metrics_retention_ran(struct metrics *metrics, int64_t now_ns)
{
	atomic_store_explicit(&metrics->retention_ns, now_ns, memory_order_relaxed);
}

void metrics_servers(struct metrics *metrics, int servers)
{
	atomic_store_explicit(&metrics->servers, servers, memory_order_relaxed);
}

void metrics_queues(struct metrics *metrics, int64_t writes, int64_t reads)
{
	atomic_store_explicit(&metrics->waiting_writes, writes, memory_order_relaxed);
	atomic_store_explicit(&metrics->waiting_reads, reads, memory_order_relaxed);
}

/* --- printing --- */

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void seconds(struct buf *out, int64_t ns)
{
	buf_printf(out, "%.9g", (double)ns / 1e9);
}

static void gauge(struct buf *out, const char *name, const char *help, int64_t number)
{
	head(out, name, "gauge", help);
	buf_printf(out, "%s %lld\n", name, (long long)number);
}

static void counter(struct buf *out, const char *name, const char *help, int64_t number)
{
	head(out, name, "counter", help);
	buf_printf(out, "%s %lld\n", name, (long long)number);
}

/* A label's value: the three characters that the format has escapes for. */
static void label(struct buf *out, const char *name, struct str text)
{
	buf_printf(out, "%s=\"", name);
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '\\' || text.ptr[i] == '"')
			buf_byte(out, '\\');
		if (text.ptr[i] == '\n')
			buf_addc(out, "\\n");
		else
			buf_byte(out, text.ptr[i]);
	}
	buf_byte(out, '"');
}

static void labels(struct buf *out, const struct series *series)
{
	label(out, "method",
		str_from(series->route ? route_method_name(series->route->method) : ""));
	buf_byte(out, ',');
	label(out, "route", str_from(series->route ? series->route->path : ""));
}

static int64_t total(struct histogram *histogram)
{
	int64_t sum = 0;

	for (size_t i = 0; i < CLASSES; i++)
		sum += value(&histogram->classes[i]);
	return sum;
}

/* SERIES: labels inside the braces, or NULL. */
static void print_histogram(
	struct buf *out, const char *name, const struct series *series, struct histogram *histogram)
{
	int64_t sum = 0;

	for (size_t i = 0; i < CLASSES; i++) {
		sum += value(&histogram->classes[i]);
		buf_printf(out, "%s_bucket{", name);
		if (series) {
			labels(out, series);
			buf_byte(out, ',');
		}
		if (i < ARRAY_LEN(bounds_ms))
			buf_printf(out, "le=\"%g\"} ", (double)bounds_ms[i] / 1000);
		else
			buf_addc(out, "le=\"+Inf\"} ");
		buf_printf(out, "%lld\n", (long long)sum);
	}
	for (int part = 0; part < 2; part++) {
		buf_printf(out, "%s_%s", name, part == 0 ? "sum" : "count");
		if (series) {
			buf_byte(out, '{');
			labels(out, series);
			buf_byte(out, '}');
		}
		buf_byte(out, ' ');
		if (part == 0)
			seconds(out, value(&histogram->sum_ns));
		else
			buf_i64(out, sum);
		buf_byte(out, '\n');
	}
}

static void print_statuses(struct buf *out, const char *name, struct series *series)
{
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		int64_t number = value(&series->statuses[i]);

		if (number == 0)
			continue;
		buf_printf(out, "%s{", name);
		labels(out, series);
		if (statuses[i] > 0)
			buf_printf(out, ",status=\"%d\"", statuses[i]);
		else
			buf_addc(out, ",status=\"other\"");
		buf_printf(out, "} %lld\n", (long long)number);
	}
}

static void print_requests(struct metrics *metrics, struct buf *out)
{
	static const char requests[] = "tt_http_requests_total",
			  bytes[] = "tt_http_sent_bytes_total",
			  durations[] = "tt_http_request_duration_seconds";

	head(out, requests, "counter", "Requests that have ended.");
	for (size_t i = 0; i < metrics->count; i++)
		print_statuses(out, requests, &metrics->series[i]);
	head(out, bytes, "counter", "Bytes of bodies sent.");
	for (size_t i = 0; i < metrics->count; i++) {
		if (total(&metrics->series[i].durations) == 0)
			continue;
		buf_printf(out, "%s{", bytes);
		labels(out, &metrics->series[i]);
		buf_printf(out, "} %lld\n", (long long)value(&metrics->series[i].bytes));
	}
	head(out, durations, "histogram", "From the headers of a request to the end of its reply.");
	for (size_t i = 0; i < metrics->count; i++)
		if (total(&metrics->series[i].durations) > 0)
			print_histogram(
				out, durations, &metrics->series[i], &metrics->series[i].durations);
}

static void print_commits(struct metrics *metrics, struct buf *out)
{
	static const char durations[] = "tt_commit_duration_seconds";

	head(out, durations, "histogram", "Transactions of the writer, from begin to disk.");
	print_histogram(out, durations, NULL, &metrics->commits);
	counter(out, "tt_committed_requests_total", "Requests whose writes are on disk.",
		value(&metrics->committed_calls));
	counter(out, "tt_commit_failures_total",
		"Transactions that failed; nothing of them is stored.",
		value(&metrics->failed_commits));
	head(out, "tt_queue_length", "gauge", "Requests that wait.");
	buf_printf(out, "tt_queue_length{queue=\"write\"} %lld\n",
		(long long)value(&metrics->waiting_writes));
	buf_printf(out, "tt_queue_length{queue=\"read\"} %lld\n",
		(long long)value(&metrics->waiting_reads));
}

static void print_retention(struct metrics *metrics, struct buf *out)
{
	int64_t ran_ns = value(&metrics->retention_ns);

	counter(out, "tt_retention_deleted_events_total",
		"Events deleted because they were older than storage.retention_days.",
		value(&metrics->retired_events));
	counter(out, "tt_retention_failures_total",
		"Times that this did not work; it is tried again.",
		value(&metrics->failed_retentions));
	if (ran_ns != 0)
		gauge(out, "tt_retention_last_run_timestamp_seconds",
			"When this server had last been through all users.", ran_ns / NS_PER_S);
}

static void print_sources(const struct metrics_now *now, struct buf *out)
{
	static const char lag[] = "tt_source_lag_seconds";

	head(out, lag, "gauge", "Time since the start of the newest event of a source.");
	for (size_t i = 0; i < now->source_count; i++) {
		if (now->sources[i].last_event_ns == INT64_MIN)
			continue;
		buf_printf(out, "%s{", lag);
		label(out, "source", now->sources[i].name);
		buf_addc(out, "} ");
		seconds(out, now->now_ns - now->sources[i].last_event_ns);
		buf_byte(out, '\n');
	}
}

void metrics_print(struct metrics *metrics, const struct metrics_now *now, struct buf *out)
{
	print_requests(metrics, out);
	print_commits(metrics, out);
	print_retention(metrics, out);
	gauge(out, "tt_servers", "Servers on the store, which divide the rates among them.",
		value(&metrics->servers));
	gauge(out, "tt_http_connections", "Connections that are open.", now->connections);
	gauge(out, "tt_store_bytes", "Size of the store's files.", now->store_bytes);
	gauge(out, "tt_store_events", "Events in the store.", now->store_events);
	gauge(out, "tt_store_quarantined", "Entries in quarantine.", now->quarantined);
	gauge(out, "tt_resident_bytes", "Memory of this process.", now->resident_bytes);
	gauge(out, "tt_query_cache_bytes", "Memory of the cache of queries.", now->cache_bytes);
	counter(out, "tt_query_cache_hits_total", "Values that a query found in the cache.",
		now->cache_hits);
	counter(out, "tt_query_cache_misses_total", "Values that a query had to compute.",
		now->cache_misses);
	print_sources(now, out);
}
