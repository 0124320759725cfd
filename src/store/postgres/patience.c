#include "store/postgres/patience.h"

#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "base/time.h"

enum { POLL_MS = 60000 };
#define PING_S "5"

/* UNTIL_NS 0: however long that takes. */
static bool wait_until(PGconn *conn, bool writing, int64_t until_ns)
{
	struct pollfd fd = { .fd = PQsocket(conn),
		.events = (short)(writing ? POLLIN | POLLOUT : POLLIN) };
	int rc;

	do {
		int64_t left_ms = -1;

		if (until_ns > 0) {
			left_ms = (until_ns - clock_monotonic_ns()) / NS_PER_MS;
			if (left_ms <= 0)
				return false;
		}
		rc = poll(&fd, 1, left_ms > POLL_MS ? POLL_MS : (int)left_ms);
	} while ((rc < 0 && errno == EINTR) || (rc == 0 && until_ns > 0));
	return true;
}

/* Does the server of CONN let others in? */
static bool is_there(const struct store *store, const PGconn *conn)
{
	const char *const keywords[] = { "dbname", "host", "port", "connect_timeout", NULL };
	const char *const values[] = { store->conninfo, PQhost(conn), PQport(conn), PING_S, NULL };

	return PQpingParams(keywords, values, 1) == PQPING_OK;
}

bool patience_wait(const struct store *store, PGconn *conn, bool writing, int64_t limit_ns,
	enum patience patience)
{
	for (;;) {
		int64_t end_ns = limit_ns;
		int64_t patient_ns = clock_monotonic_ns() + store->patience_ms * NS_PER_MS;

		if (store->patience_ms > 0 && (limit_ns == 0 || patient_ns < limit_ns))
			end_ns = patient_ns;
		if (wait_until(conn, writing, end_ns))
			return true;
		if (patience == PATIENCE_USUAL || end_ns == limit_ns || !is_there(store, conn))
			return false;
	}
}

PGresult *patience_exec(const struct store *store, PGconn *conn, const char *sql)
{
	PGresult *last = NULL, *next;

	if (store->patience_ms == 0)
		return PQexec(conn, sql);
	if (PQsendQuery(conn, sql) == 0)
		return NULL;
	for (;;) {
		while (PQisBusy(conn)) {
			if (!patience_wait(store, conn, false, 0, PATIENCE_LONG)) {
				PQclear(last);
				return NULL;
			}
			if (PQconsumeInput(conn) == 0)
				break;
		}
		next = PQgetResult(conn);
		if (!next)
			return last;
		PQclear(last);
		last = next;
	}
}
