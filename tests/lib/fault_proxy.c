#include "fault_proxy.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"

enum { BUFFER_BYTES = 65536, HEADER_BYTES = 5, LENGTH_BYTES = 4, PART_BYTES = 4096 };
/* Statements of a connection, by the number in their name; messages whose kind is kept. */
enum { MOST_STATEMENTS = 2048, MOST_KINDS = 8192 };

/* What the two processes share. */
struct wire {
	atomic_bool armed;
	atomic_long cut_at;
	atomic_int cut;
	atomic_bool sticky;
	atomic_long messages;
	atomic_bool met;
	atomic_ullong kinds[MOST_KINDS];
};

static struct wire *wire;
static char proxy_dir[64];
static struct sockaddr_un server_address;

/* One connection, and the two threads that forward its directions. */
struct connection {
	int client;
	int server;
	atomic_bool deaf; /* what the server says is not forwarded any more */
	atomic_bool held; /* and the client is not told that it has ended */
	atomic_int users;
	uint64_t texts[MOST_STATEMENTS]; /* hashes of those that were prepared; 0: the unnamed */
	uint64_t bound;                  /* the one that Execute means, and Sync ends */
};

/* --- the child --- */

static void leave(struct connection *connection)
{
	if (atomic_fetch_sub(&connection->users, 1) > 1)
		return;
	close(connection->client);
	close(connection->server);
	free(connection);
}

static bool write_all(int fd, const unsigned char *bytes, size_t count)
{
	while (count > 0) {
		ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		bytes += sent;
		count -= (size_t)sent;
	}
	return true;
}

static bool read_all(int fd, unsigned char *bytes, size_t count)
{
	while (count > 0) {
		ssize_t got = recv(fd, bytes, count, 0);

		if (got <= 0)
			return false;
		bytes += got;
		count -= (size_t)got;
	}
	return true;
}

/* From the server, to its end. */
static void *forward_answers(void *context)
{
	struct connection *connection = context;
	unsigned char *bytes = mem_alloc(BUFFER_BYTES);
	ssize_t got;

	while ((got = recv(connection->server, bytes, BUFFER_BYTES, 0)) > 0) {
		if (atomic_load(&connection->deaf))
			continue;
		if (!write_all(connection->client, bytes, (size_t)got))
			break;
	}
	if (!atomic_load(&connection->held))
		shutdown(connection->client, SHUT_RDWR);
	free(bytes);
	leave(connection);
	return NULL;
}

/* The rest of a message, REST bytes. */
static bool forward_rest(struct connection *connection, uint32_t rest)
{
	unsigned char bytes[PART_BYTES];

	while (rest > 0) {
		size_t part = rest < sizeof(bytes) ? rest : sizeof(bytes);

		if (!read_all(connection->client, bytes, part) ||
			!write_all(connection->server, bytes, part))
			return false;
		rest -= (uint32_t)part;
	}
	return true;
}

/* --- what messages mean --- */

/* A string that ends in a zero, or where PART does. */
static struct str take_word(struct str *part)
{
	return part->len > 0 ? str_split(part, '\0') : *part;
}

static uint64_t hash_text(struct str text)
{
	uint64_t hash = 1;

	for (size_t i = 0; i < text.len; i++)
		if (!isdigit((unsigned char)text.ptr[i]))
			hash = hash64((struct str){ text.ptr + i, 1 }, hash);
	return hash;
}

/* Where the text of statement NAME is kept: "s12", or "". */
static uint64_t *text_of(struct connection *connection, struct str name)
{
	uint64_t number = 0;

	if (name.len > 0 &&
		(!str_to_u64(str_sub(name, 1, name.len - 1), &number) || number >= MOST_STATEMENTS))
		_exit(1);
	return &connection->texts[number];
}

/* A message of TYPE whose first bytes are PART. */
static void understand(struct connection *connection, unsigned char type, struct str part)
{
	if (type == 'Q')
		connection->bound = hash_text(take_word(&part));
	if (type == 'P') {
		struct str name = take_word(&part);

		*text_of(connection, name) = hash_text(take_word(&part));
	}
	if (type == 'B') {
		(void)take_word(&part); /* the portal's name */
		connection->bound = *text_of(connection, take_word(&part));
	}
}

/* Is it of the kind that is counted? */
static bool counts(unsigned char type, bool first)
{
	return first || type == 'Q' || type == 'S' ||
	       (type == 'E' && atomic_load(&wire->cut) == FAULT_BEFORE);
}

/* Counts a message; true when it is the one. */
static bool is_cut(struct connection *connection, unsigned char type, bool first)
{
	long n;

	if (!atomic_load(&wire->armed) || !counts(type, first))
		return false;
	n = atomic_fetch_add(&wire->messages, 1) + 1;
	atomic_store(&wire->kinds[n % MOST_KINDS], first ? 0 : connection->bound * 256 + type);
	if (n != atomic_load(&wire->cut_at))
		return false;
	atomic_store(&connection->held, atomic_load(&wire->cut) == FAULT_SILENCE);
	atomic_store(&connection->deaf, true);
	atomic_store(&wire->met, true);
	return true;
}

/* False at the end, or behind the cut. */
static bool forward_message(struct connection *connection, bool first)
{
	unsigned char header[HEADER_BYTES], part[PART_BYTES];
	size_t header_bytes = first ? LENGTH_BYTES : HEADER_BYTES, part_bytes;
	uint32_t length;
	bool cut;

	if (!read_all(connection->client, header, header_bytes))
		return false;
	memcpy(&length, header + header_bytes - LENGTH_BYTES, LENGTH_BYTES);
	length = ntohl(length);
	if (length < LENGTH_BYTES)
		return false;
	length -= LENGTH_BYTES;
	part_bytes = length < sizeof(part) ? length : sizeof(part);
	if (!read_all(connection->client, part, part_bytes))
		return false;
	if (!first)
		understand(connection, header[0], (struct str){ (const char *)part, part_bytes });
	cut = is_cut(connection, header[0], first);
	if (cut && atomic_load(&wire->cut) == FAULT_BEFORE)
		return false;
	return write_all(connection->server, header, header_bytes) &&
	       write_all(connection->server, part, part_bytes) &&
	       forward_rest(connection, length - (uint32_t)part_bytes) && !cut;
}

/* Swallows what the client says, to its end. */
static void swallow(int client)
{
	unsigned char bytes[4096];

	while (recv(client, bytes, sizeof(bytes), 0) > 0)
		;
}

static void *forward_questions(void *context)
{
	struct connection *connection = context;

	for (bool first = true; forward_message(connection, first); first = false)
		;
	if (atomic_load(&connection->held))
		swallow(connection->client);
	/* The server does what it has, and ends; the client sees the end after that. */
	shutdown(connection->server, SHUT_WR);
	leave(connection);
	return NULL;
}

static void *stay_silent(void *context)
{
	struct connection *connection = context;

	swallow(connection->client);
	leave(connection);
	return NULL;
}

static void start(struct connection *connection, void *(*run)(void *))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, connection) != 0)
		_exit(1);
	pthread_detach(thread);
}

static void take_connection(int client)
{
	struct connection *connection = mem_zalloc(sizeof(*connection));
	bool away = atomic_load(&wire->sticky) && atomic_load(&wire->met);

	connection->client = client;
	connection->server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (away && atomic_load(&wire->cut) == FAULT_SILENCE) {
		atomic_store(&connection->users, 1);
		start(connection, stay_silent);
	} else if (away || connect(connection->server, (const struct sockaddr *)&server_address,
				   sizeof(server_address)) < 0) {
		atomic_store(&connection->users, 1);
		leave(connection);
	} else {
		atomic_store(&connection->users, 2);
		start(connection, forward_answers);
		start(connection, forward_questions);
	}
}

static void serve(int listener, pid_t parent)
{
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent) {
		int client = accept(listener, NULL, NULL);

		if (client >= 0)
			take_connection(client);
	}
	_exit(0);
}

/* --- the parent --- */

static void give_up(const char *what)
{
	printf("Bail out! the proxy: %s\n", what);
	exit(99);
}

/* The value of KEY in a URL's query. */
static struct str url_word(const char *url, const char *key)
{
	const char *at = strstr(url, key);
	const char *end;

	if (!at)
		give_up(url);
	at += strlen(key);
	end = strchr(at, '&');
	return (struct str){ at, end ? (size_t)(end - at) : strlen(at) };
}

static void name_socket(struct sockaddr_un *address, struct str dir, const char *url)
{
	struct str port = url_word(url, "port=");

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (snprintf(address->sun_path, sizeof(address->sun_path), "%.*s/.s.PGSQL.%.*s",
		    STR_ARG(dir), STR_ARG(port)) >= (int)sizeof(address->sun_path))
		give_up("the socket's name is too long");
}

void fault_proxy_start(const char *dir, const char *url)
{
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un own;
	pid_t parent = getpid(), child;

	snprintf(proxy_dir, sizeof(proxy_dir), "%s", dir);
	name_socket(&own, str_from(dir), url);
	name_socket(&server_address, url_word(url, "host="), url);
	wire = mmap(NULL, sizeof(*wire), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (listener < 0 || wire == MAP_FAILED ||
		bind(listener, (const struct sockaddr *)&own, sizeof(own)) < 0 ||
		listen(listener, 64) < 0)
		give_up("no socket");
	fflush(stdout);
	child = fork();
	if (child < 0)
		give_up("no process");
	if (child == 0)
		serve(listener, parent);
	close(listener);
}

struct str fault_proxy_url(const char *url, struct arena *arena)
{
	struct str host = url_word(url, "host=");

	return arena_printf(
		arena, "%.*s%s%s", (int)(host.ptr - url), url, proxy_dir, host.ptr + host.len);
}

void fault_proxy_arm(long n, enum fault_cut cut, bool sticky)
{
	atomic_store(&wire->messages, 0);
	atomic_store(&wire->met, false);
	atomic_store(&wire->cut_at, n);
	atomic_store(&wire->cut, (int)cut);
	atomic_store(&wire->sticky, sticky);
	atomic_store(&wire->armed, true);
}

bool fault_proxy_disarm(void)
{
	bool met = atomic_load(&wire->met);

	atomic_store(&wire->armed, false);
	atomic_store(&wire->sticky, false);
	return met;
}

long fault_proxy_messages(void)
{
	return atomic_load(&wire->messages);
}

uint64_t fault_proxy_kind(long n)
{
	return atomic_load(&wire->kinds[n % MOST_KINDS]);
}
