/*
 * A load of heartbeats: N kept connections, each of which sends its next request as soon as its
 * last one was answered, for S seconds. One thread, two system calls a request, so that little of
 * the machine is lost to the measuring.
 *
 *   http_load [KEY=VALUE]… ADDRESS:PORT
 *
 *   connections=64 seconds=10
 *   path=/api/0/buckets/load-{n}/heartbeat?pulsetime=60    {n}: number of the connection
 *   body={"id":null,"timestamp":"{time}",…}                {time}: step_ms later at each request
 *   start=2026-01-05T09:00:00Z step_ms=1000
 *   header=NAME: VALUE                                     again for more
 *   method=POST
 *   create=no                                              do not make the buckets first
 *   connect=each                                           a new connection for each request
 *
 * Prints one JSON object: requests, seconds, per_second, p50_us, p90_us, p99_us, max_us, errors
 * (answers other than 2xx, and connections lost). Exit status 1 when there were errors; the first
 * one is shown.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/time.h"

enum {
	EVENTS = 256,
	ANSWER_BYTES = 16 << 10,
	HEADERS = 8,
	TIME_DIGITS = 6,
	TIME_LEN = 27, /* 2026-01-05T09:00:00.000000Z */
	TIMES = 4,     /* at most so many in a body */
	LAST_WAIT_MS = 5000,
	FINE_BITS = 7, /* latencies are kept to 1 in 128 */
	FINE = 1 << FINE_BITS,
	BUCKETS = FINE * 40,
	SHOWN_BYTES = 300,
};

struct setup {
	int connections;
	int seconds;
	int64_t start_ns;
	int64_t step_ns;
	const char *method;
	const char *path;
	const char *body;
	const char *headers[HEADERS];
	size_t header_count;
	bool create;
	bool connect_each;
	struct sockaddr_in server;
	char host[64];
};

struct client {
	int fd;
	struct buf request;
	size_t times[TIMES]; /* offsets of the timestamp in the request */
	size_t time_count;
	int64_t now_ns; /* of its events */
	int64_t sent_ns;
	size_t got;
	char answer[ANSWER_BYTES];
};

struct sums {
	int64_t answered;
	int64_t errors;
	int64_t max_us;
	int64_t latencies[BUCKETS];
	bool told;
};

/* --- latencies --- */

static size_t bucket_of(int64_t us)
{
	int shift = 0;

	while ((us >> shift) >= 2 * FINE)
		shift++;
	return (size_t)(shift * FINE + (us >> shift));
}

/* The least latency of a bucket. */
static int64_t latency_of(size_t bucket)
{
	size_t shift = bucket < 2 * FINE ? 0 : bucket / FINE - 1;

	return (int64_t)(bucket - shift * FINE) << shift;
}

static int64_t percentile(const struct sums *sums, int percent)
{
	int64_t wanted = (sums->answered * percent + 99) / 100, seen = 0;

	for (size_t i = 0; i < BUCKETS; i++) {
		seen += sums->latencies[i];
		if (seen >= wanted && seen > 0)
			return latency_of(i);
	}
	return 0;
}

static void note_error(struct sums *sums, const char *what, struct str shown)
{
	sums->errors++;
	if (!sums->told)
		fprintf(stderr, "http_load: first error: %s: %.*s\n", what,
			STR_ARG(str_sub(shown, 0, SHOWN_BYTES)));
	sums->told = true;
}

/* --- requests --- */

/* TEXT with {n} replaced, and room for {time}, whose offsets are noted. */
static void expand(struct buf *out, const char *text, int number, struct client *client)
{
	struct str rest = str_from(text);

	while (rest.len > 0) {
		if (str_starts(rest, STR("{n}"))) {
			buf_i64(out, number);
			rest = str_sub(rest, 3, rest.len);
		} else if (str_starts(rest, STR("{time}")) && client->time_count < TIMES) {
			client->times[client->time_count++] = out->len;
			buf_reserve(out, TIME_LEN);
			out->len += TIME_LEN;
			rest = str_sub(rest, 6, rest.len);
		} else {
			buf_byte(out, rest.ptr[0]);
			rest = str_sub(rest, 1, rest.len);
		}
	}
}

static void write_request(struct client *client, const struct setup *setup, const char *path,
	const char *body, int number)
{
	struct buf content = BUF_INIT;
	struct buf *out = &client->request;
	size_t in_path;

	client->time_count = 0;
	buf_clear(out);
	buf_printf(out, "%s ", setup->method);
	expand(out, path, number, client);
	in_path = client->time_count;
	expand(&content, body, number, client);
	buf_printf(out, " HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n", setup->host);
	for (size_t i = 0; i < setup->header_count; i++)
		buf_printf(out, "%s\r\n", setup->headers[i]);
	buf_printf(out, "Content-Length: %zu\r\n\r\n", content.len);
	for (size_t i = in_path; i < client->time_count; i++)
		client->times[i] += out->len;
	buf_add(out, buf_str(&content));
	buf_release(&content);
}

static void set_time(struct client *client)
{
	char text[TIME_TEXT_BYTES];

	time_format(client->now_ns, TIME_DIGITS, text);
	for (size_t i = 0; i < client->time_count; i++)
		memcpy(client->request.ptr + client->times[i], text, TIME_LEN);
}

static bool send_request(struct client *client)
{
	size_t len = client->request.len;

	client->got = 0;
	client->sent_ns = clock_monotonic_ns();
	return send(client->fd, client->request.ptr, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* --- answers --- */

/* Bytes of the whole answer, 0: not there yet, -1: none that this program understands. */
static int64_t answer_bytes(const struct client *client)
{
	static const char field[] = "\r\ncontent-length:";
	struct str all = { client->answer, client->got };
	ptrdiff_t end = str_find_str(all, STR("\r\n\r\n"));
	int64_t length;

	if (end < 0)
		return client->got == sizeof(client->answer) ? -1 : 0;
	for (size_t i = 0; i + sizeof(field) <= (size_t)end; i++) {
		struct str value;

		if (all.ptr[i] != '\r' || strncasecmp(all.ptr + i, field, sizeof(field) - 1) != 0)
			continue;
		value = str_sub(all, i + sizeof(field) - 1, all.len);
		value = str_split(&value, '\r');
		if (!str_to_i64(str_trim(value), &length) || length < 0 ||
			length > (int64_t)sizeof(client->answer) - end - 4)
			return -1;
		return end + 4 + length;
	}
	return -1;
}

/* 1: answered; 0: more is to come; -1: no use going on. */
static int receive(struct client *client, struct sums *sums)
{
	struct str shown;
	int64_t whole;
	ssize_t count = recv(client->fd, client->answer + client->got,
		sizeof(client->answer) - client->got, MSG_DONTWAIT);

	if (count < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (count <= 0) {
		note_error(
			sums, "connection lost", str_from(count < 0 ? strerror(errno) : "closed"));
		return -1;
	}
	client->got += (size_t)count;
	shown = (struct str){ client->answer, client->got };
	whole = answer_bytes(client);
	if (whole < 0 || whole > (int64_t)client->got)
		return whole < 0 ? (note_error(sums, "answer not understood", shown), -1) : 0;
	if (!str_starts(shown, STR("HTTP/1.1 2")))
		note_error(sums, "answer", shown);
	return 1;
}

static void count_answer(struct sums *sums, const struct client *client, int64_t now)
{
	int64_t us = (now - client->sent_ns) / 1000;
	size_t bucket = bucket_of(us);

	sums->answered++;
	sums->latencies[bucket < BUCKETS ? bucket : BUCKETS - 1]++;
	if (us > sums->max_us)
		sums->max_us = us;
}

/* --- connections --- */

static int fail(const char *what)
{
	fprintf(stderr, "http_load: %s: %s\n", what, strerror(errno));
	return -1;
}

static int open_client(struct client *client, const struct setup *setup, int epoll_fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };
	/* Closed by a reset: ports that wait after a close would run out. */
	struct linger none = { .l_onoff = 1 };
	int on = 1;

	client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd < 0 || connect(client->fd, (const struct sockaddr *)&setup->server,
				      sizeof(setup->server)) < 0)
		return fail("connecting");
	if (setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
		setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none)) < 0)
		return fail("setting TCP_NODELAY and SO_LINGER");
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, client->fd, &event) < 0)
		return fail("watching a connection");
	return 0;
}

static int reopen_client(struct client *client, const struct setup *setup, int epoll_fd)
{
	close(client->fd);
	return open_client(client, setup, epoll_fd);
}

/* The bucket of connection NUMBER: any answer will do, it may be there already. */
static int create_bucket(struct client *client, const struct setup *setup, int number)
{
	static const char path[] = "/api/0/buckets/load-{n}";
	static const char body[] =
		"{\"client\":\"http_load\",\"type\":\"currentwindow\",\"hostname\":\"load\"}";
	int64_t whole = 0;

	write_request(client, setup, path, body, number);
	if (!send_request(client))
		return fail("sending");
	while (whole == 0 || whole > (int64_t)client->got) {
		ssize_t count = recv(client->fd, client->answer + client->got,
			sizeof(client->answer) - client->got, 0);

		if (count <= 0)
			return fail("creating a bucket");
		client->got += (size_t)count;
		whole = answer_bytes(client);
		if (whole < 0)
			return fail("creating a bucket: the answer is not understood");
	}
	return 0;
}

static struct client *open_clients(const struct setup *setup, int epoll_fd)
{
	struct client *clients = mem_zalloc((size_t)setup->connections * sizeof(*clients));

	for (int i = 0; i < setup->connections; i++) {
		struct client *client = &clients[i];

		if (open_client(client, setup, epoll_fd) < 0 ||
			(setup->create && create_bucket(client, setup, i) < 0))
			exit(1);
		write_request(client, setup, setup->path, setup->body, i);
		client->now_ns = setup->start_ns;
	}
	return clients;
}

/* --- the load --- */

/* 1: another request is under way; 0: this connection has done. */
static int next(struct client *client, const struct setup *setup, int epoll_fd, struct sums *sums)
{
	client->now_ns += setup->step_ns;
	set_time(client);
	if (setup->connect_each && reopen_client(client, setup, epoll_fd) < 0)
		exit(1);
	if (send_request(client))
		return 1;
	note_error(sums, "sending", str_from(strerror(errno)));
	return 0;
}

static int64_t run_load(
	struct client *clients, const struct setup *setup, int epoll_fd, struct sums *sums)
{
	int64_t began = clock_monotonic_ns(), last = began, end = began + setup->seconds * NS_PER_S;
	struct epoll_event events[EVENTS];
	int open = 0;

	for (int i = 0; i < setup->connections; i++)
		open += next(&clients[i], setup, epoll_fd, sums);
	while (open > 0) {
		int count = epoll_wait(epoll_fd, events, EVENTS, LAST_WAIT_MS);

		if (count <= 0) {
			note_error(sums, "no answer for", STR("5 s"));
			break;
		}
		for (int i = 0; i < count; i++) {
			struct client *client = events[i].data.ptr;
			int rc = receive(client, sums);

			if (rc == 0)
				continue;
			last = clock_monotonic_ns();
			if (rc > 0)
				count_answer(sums, client, last);
			if (rc > 0 && last < end && next(client, setup, epoll_fd, sums))
				continue;
			epoll_ctl(epoll_fd, EPOLL_CTL_DEL, client->fd, NULL);
			open--;
		}
	}
	return last - began;
}

/* --- the program --- */

static bool take_address(struct setup *setup, const char *text)
{
	const char *colon = strrchr(text, ':');
	char address[32] = "";

	if (!colon || (size_t)(colon - text) >= sizeof(address))
		return false;
	memcpy(address, text, (size_t)(colon - text));
	setup->server = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(colon + 1)) };
	snprintf(setup->host, sizeof(setup->host), "%s", text);
	return inet_pton(AF_INET, address, &setup->server.sin_addr) == 1;
}

static bool take_option(struct setup *setup, const char *text)
{
	struct str value = str_from(text);
	struct str key = str_split(&value, '=');
	struct err err;

	if (!value.ptr)
		return take_address(setup, text);
	if (str_eq_c(key, "connections"))
		setup->connections = atoi(value.ptr);
	else if (str_eq_c(key, "seconds"))
		setup->seconds = atoi(value.ptr);
	else if (str_eq_c(key, "step_ms"))
		setup->step_ns = atoll(value.ptr) * NS_PER_MS;
	else if (str_eq_c(key, "start"))
		return time_parse(value, &setup->start_ns, &err) == 0;
	else if (str_eq_c(key, "path"))
		setup->path = value.ptr;
	else if (str_eq_c(key, "body"))
		setup->body = value.ptr;
	else if (str_eq_c(key, "method"))
		setup->method = value.ptr;
	else if (str_eq_c(key, "create"))
		setup->create = !str_eq_c(value, "no");
	else if (str_eq_c(key, "connect"))
		setup->connect_each = str_eq_c(value, "each");
	else if (str_eq_c(key, "header") && setup->header_count < HEADERS)
		setup->headers[setup->header_count++] = value.ptr;
	else
		return false;
	return true;
}

static void print_sums(const struct sums *sums, int64_t took_ns)
{
	double seconds = (double)took_ns / 1e9;

	printf("{\"requests\":%lld,\"seconds\":%.2f,\"per_second\":%.0f,\"p50_us\":%lld,"
	       "\"p90_us\":%lld,\"p99_us\":%lld,\"max_us\":%lld,\"errors\":%lld}\n",
		(long long)sums->answered, seconds,
		seconds > 0 ? (double)sums->answered / seconds : 0, (long long)percentile(sums, 50),
		(long long)percentile(sums, 90), (long long)percentile(sums, 99),
		(long long)sums->max_us, (long long)sums->errors);
}

int main(int argc, char **argv)
{
	static struct setup setup = { .connections = 64,
		.seconds = 10,
		.start_ns = INT64_C(1767603600) * NS_PER_S,
		.step_ns = NS_PER_S,
		.method = "POST",
		.path = "/api/0/buckets/load-{n}/heartbeat?pulsetime=60",
		.body = "{\"id\":null,\"timestamp\":\"{time}\",\"duration\":0.0,\"data\":{\"app\":"
			"\"editor\",\"title\":\"src/serve/http.c - tidemark - {n}\"}}",
		.create = true };
	static struct sums sums;
	struct client *clients;
	int64_t took_ns;
	int epoll_fd;

	for (int i = 1; i < argc; i++)
		if (!take_option(&setup, argv[i])) {
			fprintf(stderr,
				"http_load: what is '%s'? (its source begins with what it "
				"takes)\n",
				argv[i]);
			return 2;
		}
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (setup.host[0] == '\0' || setup.connections < 1 || epoll_fd < 0) {
		fprintf(stderr, "usage: http_load [KEY=VALUE]… ADDRESS:PORT\n");
		return 2;
	}
	clients = open_clients(&setup, epoll_fd);
	took_ns = run_load(clients, &setup, epoll_fd, &sums);
	print_sums(&sums, took_ns);
	for (int i = 0; i < setup.connections; i++) {
		close(clients[i].fd);
		buf_release(&clients[i].request);
	}
	free(clients);
	close(epoll_fd);
	return sums.errors > 0;
}
