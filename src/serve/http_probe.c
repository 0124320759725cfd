/* One request on a connection of its own, to its end. */
#include "serve/http_probe.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/fs.h"

enum { READ_BYTES = 4096 };

struct wire {
	int fd;
	gnutls_session_t session; /* NULL: plain */
	gnutls_certificate_credentials_t credentials;
};

static void wire_close(struct wire *wire)
{
	if (wire->session)
		gnutls_deinit(wire->session);
	if (wire->credentials)
		gnutls_certificate_free_credentials(wire->credentials);
	fs_closep(&wire->fd);
}

static int nobody(const struct http_probe *probe, const char *why, struct err *err)
{
	return err_set(err, ERR_REMOTE, "nobody answers on port %d of %s: %s", probe->port,
		probe->address, why);
}

/* To the first of its addresses that takes us: "localhost" has two. */
static int reach(const struct http_probe *probe, struct wire *wire, struct err *err)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
	const struct timeval patience = { .tv_sec = HTTP_PROBE_MS / 1000 };
	struct addrinfo *places;
	char port[16];
	int rc;

	snprintf(port, sizeof(port), "%d", probe->port);
	rc = getaddrinfo(probe->address, port, &hints, &places);
	if (rc != 0)
		return nobody(probe, gai_strerror(rc), err);
	for (const struct addrinfo *place = places; place; place = place->ai_next) {
		fs_closep(&wire->fd);
		wire->fd = socket(place->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (wire->fd < 0)
			continue;
		/* Of connecting too. */
		setsockopt(wire->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		setsockopt(wire->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		if (connect(wire->fd, place->ai_addr, place->ai_addrlen) == 0) {
			freeaddrinfo(places);
			return 0;
		}
	}
	rc = errno;
	freeaddrinfo(places);
	return nobody(probe, strerror(rc), err);
}

static int shake_hands(const struct http_probe *probe, struct wire *wire, struct err *err)
{
	int rc = gnutls_certificate_allocate_credentials(&wire->credentials);

	if (rc == GNUTLS_E_SUCCESS)
		rc = gnutls_init(&wire->session, GNUTLS_CLIENT);
	if (rc == GNUTLS_E_SUCCESS)
		rc = gnutls_set_default_priority(wire->session);
	if (rc == GNUTLS_E_SUCCESS)
		rc = gnutls_credentials_set(
			wire->session, GNUTLS_CRD_CERTIFICATE, wire->credentials);
	if (rc == GNUTLS_E_SUCCESS) {
		gnutls_transport_set_int(wire->session, wire->fd);
		gnutls_handshake_set_timeout(wire->session, HTTP_PROBE_MS);
		do
			rc = gnutls_handshake(wire->session);
		while (rc < 0 && !gnutls_error_is_fatal(rc));
	}
	return rc < 0 ? nobody(probe, gnutls_strerror(rc), err) : 0;
}

static ssize_t wire_read(struct wire *wire, char *buffer, size_t size)
{
	ssize_t got;

	if (!wire->session) {
		do
			got = recv(wire->fd, buffer, size, 0);
		while (got < 0 && errno == EINTR);
		return got;
	}
	do
		got = gnutls_record_recv(wire->session, buffer, size);
	while (got == GNUTLS_E_INTERRUPTED);
	return got;
}

static bool wire_write(struct wire *wire, struct str bytes)
{
	ssize_t sent;

	if (wire->session)
		sent = gnutls_record_send(wire->session, bytes.ptr, bytes.len);
	else
		sent = send(wire->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
	return sent == (ssize_t)bytes.len; /* a request fits into any socket's buffer */
}

static int converse(const struct http_probe *probe, struct wire *wire, const char *path,
	struct buf *answer, struct err *err)
{
	CLEANUP(buf_release) struct buf request = BUF_INIT;
	char piece[READ_BYTES];
	ssize_t got = 1;

	buf_printf(&request, "GET %s HTTP/1.1\r\nHost: localhost:%d\r\nConnection: close\r\n\r\n",
		path, probe->port);
	if (!wire_write(wire, buf_str(&request)))
		return nobody(probe, "the connection ended", err);
	while (got > 0 && answer->len < HTTP_PROBE_BYTES) {
		got = wire_read(wire, piece, sizeof(piece));
		if (got > 0)
			buf_add(answer, (struct str){ piece, (size_t)got });
	}
	return 0;
}

/* "HTTP/1.1 200 OK", fields, an empty line, the body. */
static int take_apart(const struct http_probe *probe, struct str answer, int *status,
	struct buf *body, struct err *err)
{
	struct str line = answer, version = str_split(&line, ' '), code = str_split(&line, ' ');
	ptrdiff_t end = str_find_str(answer, STR("\r\n\r\n"));
	int64_t number;

	if (end < 0 || !str_starts(version, STR("HTTP/1.")) || !str_to_i64(code, &number))
		return nobody(probe, "what came is no HTTP", err);
	*status = (int)number;
	buf_add(body, str_sub(answer, (size_t)end + 4, answer.len));
	return 0;
}

int http_probe(const struct http_probe *probe, const char *path, int *status, struct buf *body,
	struct err *err)
{
	CLEANUP(wire_close) struct wire wire = { .fd = -1 };
	CLEANUP(buf_release) struct buf answer = BUF_INIT;
	int rc = reach(probe, &wire, err);

	if (rc == 0 && probe->tls)
		rc = shake_hands(probe, &wire, err);
	if (rc == 0)
		rc = converse(probe, &wire, path, &answer, err);
	return rc < 0 ? rc : take_apart(probe, buf_str(&answer), status, body, err);
}
