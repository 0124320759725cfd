/*
 * OpenCode's database.
 *
 * How far each session is tells which ones changed: the number of its messages and of its parts,
 * and the latest time at which one of them was written. A row that was written in the same
 * millisecond as the last one that was read makes no difference in that, nor one that was written
 * while the clock was set back: so the sessions that were written last are read again whenever the
 * database changed, those with rows of the last round's latest time always, others as far as so
 * many bytes go. At most so many bytes a round, those written last first.
 *
 * Memos: `session:DATABASE:ID` how far it was read, `owner:ID` the database whose state holds.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "collect/database.h"
#include "collect/opencode/round.h"
#include "store/foreign_opencode.h"

/* One look at the database. */
struct reading {
	struct opencode_round *round;
	struct foreign *foreign;
	const char *path;
	struct arena arena; /* of one session */
	int64_t last_ms;    /* the latest time at the last round; INT64_MAX: there was none */
	int64_t left, broken;
};

/* How far a session was read. */
struct known {
	uint64_t messages, parts, updated_ms;
	uint64_t mark;  /* of the rules */
	uint64_t given; /* it had items once */
	bool found;
};

static struct str memo_key(const struct reading *reading, struct arena *arena, struct str id)
{
	return arena_printf(arena, "session:%016llx:%.*s",
		(unsigned long long)hash64(str_from(reading->path), 0), STR_ARG(id));
}

static int get_known(struct reading *reading, struct str id, struct known *out, struct err *err)
{
	struct str text;

	*out = (struct known){ 0 };
	if (intake_memo_get(reading->round->intake, OPENCODE_SOURCE,
		    memo_key(reading, &reading->arena, id), &reading->arena, &text, &out->found,
		    err) < 0)
		return err->code;
	out->found = out->found && database_number(&text, 10, &out->messages) &&
		     database_number(&text, 10, &out->parts) &&
		     database_number(&text, 10, &out->updated_ms) &&
		     database_number(&text, 16, &out->mark) &&
		     database_number(&text, 10, &out->given);
	return 0;
}

static int put_known(
	struct reading *reading, struct str id, const struct known *known, struct err *err)
{
	struct str text = arena_printf(&reading->arena, "%llu %llu %llu %016llx %llu",
		(unsigned long long)known->messages, (unsigned long long)known->parts,
		(unsigned long long)known->updated_ms, (unsigned long long)known->mark,
		(unsigned long long)known->given);

	return intake_memo_put(reading->round->intake, OPENCODE_SOURCE,
		memo_key(reading, &reading->arena, id), text, err);
}

/* --- reading a session; errors are the database's --- */

static int64_t ns_of(int64_t ms)
{
	int64_t ns;

	return ms > 0 && !__builtin_mul_overflow(ms, NS_PER_MS, &ns) ? ns : AGENT_NO_TIME;
}

static int read_rows(struct reading *reading, struct opencode_chat *chat,
	enum foreign_rows_kind kind, struct str id, struct err *err)
{
	CLEANUP(foreign_rows_closep) struct foreign_rows *rows = NULL;
	struct str path = str_from(reading->path);
	struct foreign_row row;
	int rc;

	if (foreign_rows_open(&rows, reading->foreign, kind, id, err) < 0)
		return err->code;
	while ((rc = foreign_rows_next(rows, &row, err)) > 0) {
		reading->round->to_read -= (int64_t)row.data.len;
		if (kind == FOREIGN_MESSAGES)
			opencode_message(chat, row.id, ns_of(row.created_ms), row.data, path);
		else
			opencode_part(
				chat, row.id, row.message, ns_of(row.created_ms), row.data, path);
	}
	return rc;
}

static int read_all(struct reading *reading, struct str id, struct opencode_chat *chat, bool *found,
	struct err *err)
{
	struct foreign_session row;
	struct opencode_facts facts;

	if (foreign_opencode_session(reading->foreign, id, &reading->arena, &row, found, err) < 0)
		return err->code;
	if (!*found)
		return 0;
	facts = (struct opencode_facts){
		.id = row.id,
		.parent = row.parent,
		.directory = row.directory,
		.title = row.title,
		.version = row.version,
		.worktree = row.worktree,
		.revert = row.revert,
		.created_ns = ns_of(row.created_ms),
	};
	opencode_begin(chat, &reading->arena, &facts, str_from(reading->path));
	chat->session.strength = OPENCODE_DATABASE;
	if (read_rows(reading, chat, FOREIGN_MESSAGES, id, err) < 0 ||
		read_rows(reading, chat, FOREIGN_PARTS, id, err) < 0)
		return err->code;
	opencode_end(chat);
	return 0;
}

/* In one view of the database. */
static int read_session(struct reading *reading, struct str id, struct opencode_chat *chat,
	bool *found, struct err *err)
{
	int rc;

	*found = false;
	if (foreign_begin(reading->foreign, err) < 0)
		return err->code;
	rc = read_all(reading, id, chat, found, err);
	foreign_end(reading->foreign);
	return rc < 0 ? rc : foreign_check(reading->foreign, err);
}

/* --- giving it --- */

static int give(
	struct reading *reading, struct opencode_chat *chat, struct known *known, struct err *err)
{
	struct agent_session *session = &chat->session;
	bool may;

	if (session->count == 0 && session->bad_count == 0 && !known->given)
		return 0; /* what the tree or another database has of it may be more */
	if (database_may_give(reading->round->intake, OPENCODE_SOURCE, reading->path, session->id,
		    (int64_t)known->updated_ms, &may, err) < 0)
		return err->code;
	if (!may)
		return 0;
	/* All of it was taken back. */
	session->even_empty =
		session->count == 0 && known->given && session->started_ns != INT64_MIN;
	known->given |= session->count > 0;
	/* What cannot be read now is not gone. */
	return agent_round_put(reading->round->round, session,
		session->bad_count > 0 ? AGENT_APPEND : AGENT_WHOLE, err);
}

/* *STOP: the database cannot be read on, ERR says why. */
static int take_session(
	struct reading *reading, struct str id, struct known *now, bool *stop, struct err *err)
{
	CLEANUP(opencode_release) struct opencode_chat chat = { 0 };
	bool found;
	int rc = read_session(reading, id, &chat, &found, err);

	if (rc < 0 && err->code != ERR_LIMIT && err->code != ERR_CORRUPT) {
		*stop = true;
		return 0;
	}
	if (rc < 0) { /* the others may be readable */
		reading->broken++;
		log_warn(reading->round->context->log, "session %.*s: %s", STR_ARG(id),
			err->message);
	} else if (found && give(reading, &chat, now, err) < 0) {
		return err->code;
	}
	if (put_known(reading, id, now, err) < 0)
		return err->code;
	return agent_round_relax(reading->round->round, err);
}

/* --- which sessions --- */

static bool has_changed(
	const struct foreign_progress *progress, const struct known *known, uint64_t mark)
{
	return !known->found || known->messages != (uint64_t)progress->messages ||
	       known->parts != (uint64_t)progress->parts ||
	       known->updated_ms != (uint64_t)progress->updated_ms || known->mark != mark;
}

static int leave_for_later(
	struct reading *reading, struct str session, struct known *known, struct err *err)
{
	reading->left++;
	known->messages = UINT64_MAX; /* the next round sees that it was left */
	return known->found ? put_known(reading, session, known, err) : 0;
}

static int look_at_session(struct reading *reading, const struct foreign_progress *progress,
	bool *stop, struct err *err)
{
	uint64_t mark = workspace_policy_mark(reading->round->context->policy);
	int64_t to_read = reading->round->to_read;
	struct known known;
	bool changed;

	arena_reset(&reading->arena);
	if (get_known(reading, progress->session, &known, err) < 0)
		return err->code;
	changed = has_changed(progress, &known, mark);
	if (!changed && progress->updated_ms < reading->last_ms && reading->round->to_compare <= 0)
		return 0;
	if (changed && to_read <= 0)
		return leave_for_later(reading, progress->session, &known, err);
	known.messages = (uint64_t)progress->messages;
	known.parts = (uint64_t)progress->parts;
	known.updated_ms = (uint64_t)progress->updated_ms;
	known.mark = mark;
	if (take_session(reading, progress->session, &known, stop, err) < 0)
		return err->code;
	if (changed)
		return 0;
	/* What is read once more to make sure does not keep others from being read at all. */
	reading->round->to_compare -= to_read - reading->round->to_read;
	reading->round->to_read = to_read;
	return 0;
}

static int by_update(const void *a, const void *b)
{
	const struct foreign_progress *one = a, *two = b;

	if (one->updated_ms != two->updated_ms)
		return one->updated_ms > two->updated_ms ? -1 : 1;
	return str_cmp(one->session, two->session);
}

/* --- the database --- */

/* Errors are the database's. */
static int open_reading(struct reading *reading, struct str kept,
	struct foreign_progress **sessions, size_t *count, struct err *err)
{
	struct opencode_round *round = reading->round;
	uint64_t last_ms;

	reading->last_ms = database_number(&kept, 10, &last_ms) ? (int64_t)last_ms : INT64_MAX;
	if (foreign_opencode_open(
		    &reading->foreign, reading->path, round->context->dirs->state, err) < 0 ||
		foreign_opencode_progress(reading->foreign, &round->arena, sessions, count, err) <
			0)
		return err->code;
	if (*count > 1)
		qsort(*sessions, *count, sizeof(**sessions), by_update);
	return foreign_check(reading->foreign, err);
}

static int fault(
	struct opencode_round *round, struct database *database, struct str kept, struct err *err)
{
	return database_fault(
		round->context, round->counts, database, round->set, round->intake, kept, err);
}

static int finish(struct reading *reading, struct database *database,
	const struct foreign_progress *sessions, size_t count, struct err *err)
{
	struct opencode_round *round = reading->round;
	int64_t latest_ms = count > 0 && sessions[0].updated_ms > 0 ? sessions[0].updated_ms : 0;

	if (reading->left > 0)
		log_info(round->context->log, "'%s': %lld sessions are left for the next round",
			reading->path, (long long)reading->left);
	round->counts->failed += reading->broken > 0;
	return database_save(database, round->set, round->intake, reading->left > 0,
		arena_printf(&round->arena, "%lld", (long long)latest_ms), err);
}

static void reading_release(struct reading *reading)
{
	foreign_close(reading->foreign);
	arena_release(&reading->arena);
}

int opencode_collect_database(struct opencode_round *round, const char *path, struct err *err)
{
	CLEANUP(reading_release) struct reading reading = { .round = round, .path = path };
	struct database database;
	struct foreign_progress *sessions;
	struct str kept;
	size_t count;
	bool stop = false;

	round->counts->files++;
	if (database_unchanged(round->set, &round->arena, path, &kept)) {
		round->counts->skipped_unchanged++;
		return 0;
	}
	if (database_look(&database, &round->arena, path, err) < 0 ||
		open_reading(&reading, kept, &sessions, &count, err) < 0)
		return fault(round, &database, kept, err);
	collect_progress_todo(round->context->progress, database.doc.cursor.size);
	for (size_t i = 0; i < count && !stop; i++)
		if (look_at_session(&reading, &sessions[i], &stop, err) < 0)
			return err->code;
	collect_progress_done(round->context->progress, database.doc.cursor.size);
	return stop ? fault(round, &database, kept, err)
		    : finish(&reading, &database, sessions, count, err);
}
