/* What PostgreSQL says went wrong, in our words. */
#include "store/postgres/connect.h"

static const struct {
	const char *state; /* SQLSTATE, or what it begins with; the first that fits counts */
	int code;
	const char *advice;
} failures[] = {
	{ "08", ERR_BUSY, "the connection was lost; try again" },
	{ "57P", ERR_BUSY, "the database is going down or coming up; try again" },
	{ "53100", ERR_FULL, "no space left on the database's disk; free some and try again" },
	{ "53", ERR_BUSY, "the database is out of connections or memory; try again" },
	{ "40", ERR_BUSY, "another connection was in the way; try again" },
	{ "55P03", ERR_BUSY,
		"another process is writing for the same user; wait for it to finish, or end it, and try again" },
	{ "57014", ERR_BUSY, "it took longer than the database allows" },
	{ "25P03", ERR_BUSY, "nothing came for too long; try again" },
	{ "25006", ERR_READONLY, "it may only be read: a standby, or a read-only database" },
	{ "42501", ERR_READONLY, "permission denied, or another user's rows" },
	{ "28", ERR_READONLY, "the database refuses this role" },
	{ "3D000", ERR_NOT_FOUND, "there is no such database; make it with 'createdb'" },
	{ "54", ERR_LIMIT, "a value or statement is too large" },
	{ "22001", ERR_LIMIT, "a value is too large" },
	{ "22021", ERR_PARSE, "a text is not UTF-8 or holds a zero byte" },
	{ "22P05", ERR_PARSE, "a text is not UTF-8 or holds a zero byte" },
	/* Below the store's own tables: the intake looks before it inserts, under a lock. */
	{ "23514", ERR_BUSY, "a partition is missing; try again" },
	{ "23", ERR_CORRUPT, "its rows contradict each other; run 'tt verify'" },
	{ "XX001", ERR_CORRUPT, "it is damaged; restore a backup of the database" },
	{ "XX002", ERR_CORRUPT, "an index is damaged; reindex the database" },
};

/* Two who make the same user or key at once. */
static bool is_taken(const PGresult *result, const char *state)
{
	const char *table = PQresultErrorField(result, PG_DIAG_TABLE_NAME);

	return strcmp(state, "23505") == 0 && table &&
	       (strcmp(table, "user") == 0 || strcmp(table, "api_key") == 0);
}

/* Of a connection that was not made there is no SQLSTATE, only a text. A server that speaks another
 * language leaves it at "busy", with its text. */
static const struct {
	const char *part;
	const char *state;
} refusals[] = {
	{ "password authentication failed", "28P01" },
	{ "no password supplied", "28P01" },
	{ "authentication failed", "28000" },
	{ "no pg_hba.conf entry", "28000" },
	{ "role \"", "28000" },
	{ "database \"", "3D000" },
};

static const char *state_of_refusal(const char *text)
{
	if (strstr(text, "does not exist") || strstr(text, "authentication") ||
		strstr(text, "pg_hba") || strstr(text, "password"))
		for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
			if (strstr(text, refusals[i].part))
				return refusals[i].state;
	return "08000";
}

/* One line; of several hosts each has said something. */
static void add_text(struct buf *out, const char *text)
{
	struct str rest = str_trim(str_from(text));

	while (rest.len > 0) {
		struct str line = str_trim(str_split(&rest, '\n'));

		if (out->len > 0)
			buf_addc(out, "; ");
		buf_add(out, line);
	}
}

static int say(
	const char *url, const char *doing, const char *state, struct str text, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(failures); i++)
		if (str_starts(str_from(state), str_from(failures[i].state)))
			return err_set(err, failures[i].code, "store '%s': %s: %s (%.*s)", url,
				doing, failures[i].advice, STR_ARG(text));
	return err_set(err, ERR_IO, "store '%s': %s: %.*s (SQLSTATE %s)", url, doing, STR_ARG(text),
		state);
}

int pg_fail_on(
	const char *url, PGconn *conn, const PGresult *result, const char *doing, struct err *err)
{
	const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	const char *primary = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	add_text(&text, primary ? primary : result ? PQresultErrorMessage(result) : "");
	if (text.len == 0 && conn)
		add_text(&text, PQerrorMessage(conn));
	if (text.len == 0)
		buf_addc(&text, "no connection");
	if (!state || *state == '\0')
		state = state_of_refusal(buf_cstr(&text));
	if (is_taken(result, state))
		return err_set(err, ERR_EXISTS, "store '%s': %s: it was made at the same time (%s)",
			url, doing, buf_cstr(&text));
	return say(url, doing, state, buf_str(&text), err);
}

int pg_fail(const struct store *store, const PGresult *result, const char *doing, struct err *err)
{
	return pg_fail_on(store->url, store->conn, result, doing, err);
}
