/* Addresses: which sockets listen, and what those who connect are called. */
#include "serve/http_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#ifdef __linux__
#include <linux/filter.h>
#endif
#include <netdb.h>
#include <stdio.h>
#include <unistd.h>

enum {
	BACKLOG = 1024,
	PORT_TRIES = 16, /* "localhost" with any port: one that is free for IPv4 and IPv6 */
};

static int port_of(const struct sockaddr_storage *address)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (address->ss_family == AF_INET6) {
		memcpy(&v6, address, sizeof(v6));
		return ntohs(v6.sin6_port);
	}
	memcpy(&v4, address, sizeof(v4));
	return ntohs(v4.sin_port);
}

static int fail_to_listen(const char *address, int port, struct err *err)
{
	switch (errno) {
	case EADDRINUSE:
		return err_set(err, ERR_BUSY,
			"port %d of %s is in use by another program: stop it, or listen on another port",
			port, address);
	case EADDRNOTAVAIL:
		return err_set(err, ERR_IO, "%s is no address of this machine", address);
	case EACCES:
		return err_set(err, ERR_READONLY,
			"port %d of %s is not for this user: listen on one above 1023", port,
			address);
	default:
		return err_sys(err, "listening on port %d of %s", port, address);
	}
}

static int prepare(int fd, const struct addrinfo *info)
{
	int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -1;
	/* "::" and "0.0.0.0" are two addresses. */
	if (info->ai_family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		return -1;
	if (bind(fd, info->ai_addr, info->ai_addrlen) < 0)
		return -1;
	return listen(fd, BACKLOG);
}

/* One socket; errno tells what failed when the result is < 0. */
static int open_socket(const struct addrinfo *info, int *port)
{
	struct sockaddr_storage bound;
	socklen_t len = sizeof(bound);
	int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (prepare(fd, info) < 0 || getsockname(fd, (struct sockaddr *)&bound, &len) < 0) {
		int number = errno;

		close(fd);
		errno = number;
		return -1;
	}
	*port = port_of(&bound);
	return fd;
}

/* ADDRESS, a literal, on PORT; *PORT becomes the real one. */
static int listen_on(
	struct http *http, size_t index, const char *address, int *port, struct err *err)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *info;
	char service[16];
	int fd;

	if (http->listener_count == HTTP_LISTENERS)
		return err_set(
			err, ERR_LIMIT, "more than %d addresses to listen on", (int)HTTP_LISTENERS);
	snprintf(service, sizeof(service), "%d", *port);
	if (*port < 0 || *port > 65535 || getaddrinfo(address, service, &hints, &info) != 0)
		return err_set(err, ERR_USAGE,
			"cannot listen on '%s', port %d: give an IP address or localhost, and a "
			"port "
			"up to 65535",
			address, *port);
	fd = open_socket(info, port);
	freeaddrinfo(info);
	if (fd < 0)
		return fail_to_listen(address, *port, err);
	http->listeners[http->listener_count++] =
		(struct http_listener){ .fd = fd, .index = index, .port = *port };
	return 0;
}

static bool has_loopback6(void)
{
	const struct addrinfo info = { .ai_family = AF_INET6,
		.ai_addr = (struct sockaddr *)&(struct sockaddr_in6){ .sin6_family = AF_INET6,
			.sin6_addr = IN6ADDR_LOOPBACK_INIT },
		.ai_addrlen = sizeof(struct sockaddr_in6) };
	int port, fd = open_socket(&info, &port);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* 127.0.0.1 and, where the machine speaks IPv6, ::1, on the same port. */
static int listen_on_localhost(struct http *http, size_t index, int wanted, struct err *err)
{
	bool both = has_loopback6();

	for (int tries = 1;; tries++) {
		int port = wanted;
		int rc = listen_on(http, index, "127.0.0.1", &port, err);

		if (rc < 0 || !both)
			return rc;
		rc = listen_on(http, index, "::1", &port, err);
		if (rc != ERR_BUSY || wanted != 0 || tries == PORT_TRIES)
			return rc;
		close(http->listeners[--http->listener_count].fd);
	}
}

int http_listen_open(struct http *http, struct err *err)
{
	for (size_t i = 0; i < http->options.listen_count; i++) {
		const struct http_listen *listen = &http->options.listen[i];
		int port = listen->port;
		int rc = strcmp(listen->address, "localhost") == 0
				 ? listen_on_localhost(http, i, port, err)
				 : listen_on(http, i, listen->address, &port, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/*
 * A connection that the kernel has made, but nobody has accepted, is reset when the socket closes.
 * So the socket takes no more SYN first: who connects then tries again a second later and is
 * refused, which a client knows how to handle, a balancer too.
 */
void http_listen_deafen(struct http *http)
{
#ifdef SO_ATTACH_FILTER
	enum { FLAGS_OFFSET = 13, SYN = 0x02, ALL = 0xffff };
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FLAGS_OFFSET),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, SYN, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, ALL),
	};
	const struct sock_fprog program = { .len = ARRAY_LEN(code), .filter = code };

	for (size_t i = 0; i < http->listener_count; i++) /* without it, it is nearly as good */
		if (setsockopt(http->listeners[i].fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
			    sizeof(program)) < 0)
			return;
#else
	(void)http;
#endif
}

void http_listen_close(struct http *http)
{
	for (size_t i = 0; i < http->listener_count; i++) {
		if (http->listeners[i].fd >= 0)
			close(http->listeners[i].fd);
		http->listeners[i].fd = -1;
	}
}

int http_port(const struct http *http, size_t index)
{
	for (size_t i = 0; i < http->listener_count; i++)
		if (http->listeners[i].index == index)
			return http->listeners[i].port;
	return 0;
}

void http_listen_name(struct http_request *request, const struct sockaddr *from)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const unsigned char loopback6[16] = { [15] = 1 };
	unsigned char *address = request->address;

	if (from->sa_family == AF_INET6) {
		struct sockaddr_in6 v6;

		memcpy(&v6, from, sizeof(v6));
		memcpy(address, &v6.sin6_addr, 16);
	} else {
		struct sockaddr_in v4;

		memcpy(&v4, from, sizeof(v4));
		memcpy(address, mapped, 12);
		memcpy(address + 12, &v4.sin_addr, 4);
	}
	if (memcmp(address, mapped, 12) == 0) {
		inet_ntop(AF_INET, address + 12, request->peer, sizeof(request->peer));
		request->local = address[12] == 127;
	} else {
		inet_ntop(AF_INET6, address, request->peer, sizeof(request->peer));
		request->local = memcmp(address, loopback6, 16) == 0;
		/* One customer has a network of 64 bits, and all addresses in it. */
		memset(address + 8, 0, 8);
	}
}
