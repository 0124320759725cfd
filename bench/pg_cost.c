#include "pg_cost.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/fs.h"
#include "store/postgres/db.h"

double pg_number(struct store *store, const char *sql)
{
	PGconn *conn = PQconnectdb(store->conninfo);
	PGresult *result = PQexec(conn, sql);
	double value = PQntuples(result) == 1 ? strtod(PQgetvalue(result, 0, 0), NULL) : -1;

	if (PQntuples(result) != 1)
		fprintf(stderr, "%s: %s", sql, PQerrorMessage(conn));
	PQclear(result);
	PQfinish(conn);
	return value;
}

/* The first number of /proc/PID/schedstat: nanoseconds on a processor. */
static double processor_of(int pid)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct str rest;
	char path[40];
	int64_t value;
	struct err err;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	if (fs_read(path, 4096, &text, &err) < 0)
		return -1;
	rest = buf_str(&text);
	return str_to_i64(str_split(&rest, ' '), &value) ? (double)value / 1e9 : -1;
}

struct pg_cost pg_cost_now(struct store *store)
{
	struct pg_cost cost = {
		.wal_bytes = pg_number(store, "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"),
		.server = processor_of(PQbackendPID(store->conn)),
		.seconds = (double)clock_monotonic_ns() / 1e9,
	};
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	cost.own = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		   (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	return cost;
}
