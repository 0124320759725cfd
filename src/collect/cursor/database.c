/*
 * Cursor's databases.
 *
 * The global one holds all composers and may have a hundred gigabytes. What changed in it is found
 * without reading it: Cursor replaces a row by a new one with a higher number, so composers and
 * bubbles that were written have numbers above the last round's. What was changed in place (nobody
 * has seen that but in repaired databases) is found by comparing hashes of what is there, a bounded
 * piece each round. New composers are read newest first, up to so many bytes a round; the others
 * wait for the next one.
 *
 * Memos: `composer:DATABASE:ID` what was read of a composer there, `owner:ID` the database whose
 * state of a composer holds (the newest: the others are copies).
 */
#include <stdlib.h>

#include "base/hash.h"
#include "collect/cursor/round.h"
#include "collect/database.h"
#include "store/foreign_cursor.h"

enum { WRITTEN_ROWS = 1 << 20 };

/* One look at the global database. */
struct reading {
	struct cursor_round *round;
	struct foreign *foreign;
	const char *path;
	uint64_t database;              /* hash of its path */
	struct arena arena;             /* of one composer */
	struct foreign_written written; /* by id; its last row is that up to which it is known */
	int64_t below;                  /* rows from here on were compared */
	struct foreign_composer *rows;
	size_t row_count;
	struct foreign_item *items;
	size_t item_count;
	int64_t left, broken;
	struct cursor_ignored ignored;
};

/* What is kept of a composer. */
struct known {
	int64_t rowid;
	uint64_t content;
	uint64_t mark;  /* of the rules and its workspace */
	uint64_t given; /* it had items once */
	bool found;
};

/* A composer that is looked at. */
struct subject {
	const struct foreign_composer *row;
	struct known before, now;
	struct str link; /* the workspace it was opened in */
	bool changed;    /* as far as can be seen without reading it */
};

static int note_fault(
	struct cursor_round *round, struct database *database, struct str kept, struct err *err)
{
	round->unlinked |= err->code == ERR_BUSY;
	return database_fault(
		round->context, round->counts, database, round->set, round->intake, kept, err);
}

/* --- what is known of composers --- */

static struct str composer_key(const struct reading *reading, struct arena *arena, struct str id)
{
	return arena_printf(
		arena, "composer:%016llx:%.*s", (unsigned long long)reading->database, STR_ARG(id));
}

static int get_known(struct reading *reading, struct str id, struct known *out, struct err *err)
{
	struct str text;
	uint64_t rowid = 0;

	*out = (struct known){ 0 };
	if (intake_memo_get(reading->round->intake, CURSOR_SOURCE,
		    composer_key(reading, &reading->arena, id), &reading->arena, &text, &out->found,
		    err) < 0)
		return err->code;
	out->found = out->found && database_number(&text, 10, &rowid) &&
		     database_number(&text, 16, &out->content) &&
		     database_number(&text, 16, &out->mark) &&
		     database_number(&text, 10, &out->given);
	out->rowid = (int64_t)rowid;
	return 0;
}

static uint64_t mark_of(const struct cursor_round *round, struct str link)
{
	return hash64(link, workspace_policy_mark(round->context->policy));
}

static int put_known(
	struct reading *reading, struct str id, const struct known *known, struct err *err)
{
	struct str text = arena_printf(&reading->arena, "%lld %016llx %016llx %llu",
		(long long)known->rowid, (unsigned long long)known->content,
		(unsigned long long)known->mark, (unsigned long long)known->given);

	return intake_memo_put(reading->round->intake, CURSOR_SOURCE,
		composer_key(reading, &reading->arena, id), text, err);
}

/* --- reading a composer; errors are the database's --- */

static int hash_content(
	struct reading *reading, struct str id, uint64_t *out, int64_t *bytes, struct err *err)
{
	CLEANUP(foreign_bubbles_closep) struct foreign_bubbles *bubbles = NULL;
	struct foreign_bubble bubble;
	struct str value;
	int rc;

	if (foreign_cursor_composer(reading->foreign, id, &reading->arena, &value, err) < 0 ||
		foreign_bubbles_open(&bubbles, reading->foreign, id, err) < 0)
		return err->code;
	*out = hash64(value, 1);
	*bytes = (int64_t)value.len;
	while ((rc = foreign_bubbles_next(bubbles, &bubble, err)) > 0) {
		*out = hash64(bubble.value, hash64(bubble.id, *out));
		*bytes += (int64_t)(bubble.id.len + bubble.value.len);
	}
	return rc;
}

/* A sub-agent works where its parent does. */
static int read_parents_workspace(
	struct reading *reading, struct cursor_composer *composer, struct err *err)
{
	struct agent_session *session = &composer->session;
	const struct json *root;
	struct str value;
	struct err ignored;

	if (session->cwd.len > 0 || session->parent.len == 0)
		return 0;
	if (foreign_cursor_composer(
		    reading->foreign, session->parent, &reading->arena, &value, err) < 0)
		return err->code;
	if (value.len > 0 && json_parse(&composer->parser, value, true, &root, &ignored) == 0)
		session->cwd = cursor_workspace_identified(
			&reading->arena, json_get(root, "workspaceIdentifier"));
	return 0;
}

static int read_content(struct reading *reading, struct str id, struct cursor_composer *composer,
	bool *any, struct err *err)
{
	CLEANUP(foreign_bubbles_closep) struct foreign_bubbles *bubbles = NULL;
	struct foreign_bubble bubble;
	struct str value;
	int rc;

	if (foreign_cursor_composer(reading->foreign, id, &reading->arena, &value, err) < 0)
		return err->code;
	*any = cursor_composer_begin(composer, &reading->arena, id, value, str_from(reading->path));
	if (!*any)
		return 0;
	if (read_parents_workspace(reading, composer, err) < 0)
		return err->code;
	if (foreign_bubbles_open(&bubbles, reading->foreign, id, err) < 0)
		return err->code;
	while ((rc = foreign_bubbles_next(bubbles, &bubble, err)) > 0)
		cursor_composer_bubble(composer, bubble.id, bubble.value);
	if (rc == 0)
		cursor_composer_end(composer);
	return rc;
}

/* In one view of the database. *ANY: there is something new, in COMPOSER. */
static int read_composer(struct reading *reading, struct subject *subject,
	struct cursor_composer *composer, bool *any, struct err *err)
{
	const struct known *before = &subject->before;
	struct str id = subject->row->id;
	uint64_t content = 0;
	int64_t bytes = 0;
	int rc;

	*any = false;
	if (foreign_begin(reading->foreign, err) < 0)
		return err->code;
	rc = hash_content(reading, id, &content, &bytes, err);
	*(subject->changed ? &reading->round->to_read : &reading->round->to_compare) -= bytes;
	if (rc == 0 && !(before->found && before->content == content &&
			       before->mark == subject->now.mark)) {
		rc = read_content(reading, id, composer, any, err);
		subject->now.content = content;
	}
	foreign_end(reading->foreign);
	return rc < 0 ? rc : foreign_check(reading->foreign, err);
}

/* --- giving it --- */

/* Its transcript, and others of its project, are told the same: one may be excluded. */
static int tell_workspace(struct reading *reading, struct subject *subject,
	const struct cursor_composer *composer, struct err *err)
{
	struct cursor_round *round = reading->round;
	struct str cwd = composer->session.cwd;

	subject->now.mark = mark_of(round, cwd);
	if (cursor_tell_link(round, composer->id, cwd, err) < 0)
		return err->code;
	return cursor_know_project(round, cwd, cwd, err);
}

static int find_workspace(struct reading *reading, struct subject *subject,
	struct cursor_composer *composer, struct err *err)
{
	struct cursor_round *round = reading->round;
	struct agent_session *session = &composer->session;
	struct str name = places_name(arena_cstr(&reading->arena, composer->project_dir));

	if (session->cwd.len > 0 && tell_workspace(reading, subject, composer, err) < 0)
		return err->code;
	if (session->cwd.len == 0)
		session->cwd = subject->link;
	if (session->cwd.len == 0 && session->parent.len > 0 &&
		cursor_get_link(round, &reading->arena, session->parent, &session->cwd, err) < 0)
		return err->code;
	if (session->cwd.len > 0)
		return cursor_know_project(round, name, session->cwd, err);
	return cursor_find_project(round, name, true, &session->cwd, err);
}

/* 1: not now. Without its workspace nobody can tell whether it may be kept. */
static int give(struct reading *reading, struct subject *subject, struct cursor_composer *composer,
	struct err *err)
{
	struct agent_session *session = &composer->session;
	bool may = false;

	if (find_workspace(reading, subject, composer, err) < 0)
		return err->code;
	if (session->cwd.len == 0 && reading->round->unlinked)
		return 1;
	if (session->count == 0 && session->bad_count == 0 && !subject->now.given)
		return 0; /* a copy elsewhere may have more */
	if (database_may_give(reading->round->intake, CURSOR_SOURCE, reading->path, composer->id,
		    composer->updated_ns, &may, err) < 0)
		return err->code;
	if (!may)
		return 0;
	if (session->count == 0 && subject->now.given && composer->created_ns != INT64_MIN) {
		session->even_empty = true; /* all its turns were taken back */
		session->started_ns = composer->created_ns;
	}
	subject->now.given |= session->count > 0;
	/* What cannot be read now is not gone. */
	return agent_round_put(reading->round->round, session,
		session->bad_count > 0 ? AGENT_APPEND : AGENT_WHOLE, err);
}

static void add_ignored(struct cursor_ignored *sum, const struct cursor_ignored *one)
{
	sum->empty += one->empty;
	sum->subcalls += one->subcalls;
	sum->orphans += one->orphans;
	sum->missing += one->missing;
}

/* One composer that cannot be read does not keep the others from being read; a lock does. */
static int skip_broken(
	struct reading *reading, const struct subject *subject, bool *stop, struct err *err)
{
	if (err->code != ERR_LIMIT && err->code != ERR_CORRUPT) {
		*stop = true;
		return 0;
	}
	reading->broken++;
	log_warn(reading->round->context->log, "composer %.*s: %s", STR_ARG(subject->row->id),
		err->message);
	return put_known(reading, subject->row->id, &subject->now, err);
}

/* Its own number tells the next round of it; where that is not new it is forgotten. */
static int leave_for_later(struct reading *reading, const struct subject *subject, struct err *err)
{
	struct known known = subject->before;

	reading->left++;
	if (!known.found || known.rowid != subject->row->rowid)
		return 0;
	known.rowid = -1;
	return put_known(reading, subject->row->id, &known, err);
}

/* SUBJECT is to be read. *STOP: the database cannot be read on, ERR says why. */
static int take_composer(
	struct reading *reading, struct subject *subject, bool *stop, struct err *err)
{
	CLEANUP(cursor_composer_release) struct cursor_composer composer = { 0 };
	const struct known *before = &subject->before, *now = &subject->now;
	bool any;
	int rc = read_composer(reading, subject, &composer, &any, err);

	if (rc < 0)
		return skip_broken(reading, subject, stop, err);
	add_ignored(&reading->ignored, &composer.ignored);
	if (any && (rc = give(reading, subject, &composer, err)) != 0)
		return rc < 0 ? rc : leave_for_later(reading, subject, err);
	if (now->rowid == before->rowid && now->content == before->content &&
		now->mark == before->mark)
		return 0;
	if (put_known(reading, subject->row->id, now, err) < 0)
		return err->code;
	return agent_round_relax(reading->round->round, err);
}

/* --- which composers --- */

static int by_str(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static bool was_written(const struct reading *reading, struct str id)
{
	const struct foreign_written *written = &reading->written;

	return written->count > 0 &&
	       bsearch(&id, written->composers, written->count, sizeof(id), by_str) != NULL;
}

static int know_subject(struct reading *reading, struct subject *subject, struct err *err)
{
	const struct foreign_composer *row = subject->row;
	struct cursor_round *round = reading->round;
	struct known *before = &subject->before;

	if (get_known(reading, row->id, before, err) < 0 ||
		cursor_get_link(round, &reading->arena, row->id, &subject->link, err) < 0)
		return err->code;
	subject->now = *before;
	subject->now.rowid = row->rowid;
	subject->now.mark = mark_of(round, subject->link);
	subject->changed = !before->found || before->rowid != row->rowid ||
			   before->mark != subject->now.mark || was_written(reading, row->id);
	return 0;
}

static int look_at_composer(
	struct reading *reading, const struct foreign_composer *row, bool *stop, struct err *err)
{
	struct subject subject = { .row = row };

	arena_reset(&reading->arena);
	if (str_find(row->id, '\n', 0) >= 0) {
		reading->ignored.subcalls++;
		return 0;
	}
	if (know_subject(reading, &subject, err) < 0)
		return err->code;
	if (subject.changed && reading->round->to_read <= 0)
		return leave_for_later(reading, &subject, err);
	if (!subject.changed && (row->rowid >= reading->below || reading->round->to_compare <= 0))
		return 0;
	if (!subject.changed)
		reading->below = row->rowid;
	return take_composer(reading, &subject, stop, err);
}

/* *STOP: see take_composer. */
static int look_at_composers(struct reading *reading, bool *stop, struct err *err)
{
	for (size_t i = 0; i < reading->row_count && !*stop; i++)
		if (look_at_composer(reading, &reading->rows[i], stop, err) < 0)
			return err->code;
	if (reading->round->to_compare > 0)
		reading->below = INT64_MAX; /* all of them */
	return 0;
}

/* --- the database --- */

/* KEPT is `LAST BELOW`. A file whose rows have lower numbers than before was packed: its composers
 * have other numbers too, so nothing is missed. */
static int read_written(struct reading *reading, struct str kept, struct err *err)
{
	uint64_t last = 0, below = 0;
	int64_t highest;
	bool known = database_number(&kept, 10, &last) && database_number(&kept, 10, &below);

	reading->below = known && below > 0 ? (int64_t)below : INT64_MAX;
	if (foreign_cursor_last(reading->foreign, &highest, err) < 0)
		return err->code;
	reading->written.last = highest;
	if (!known || (int64_t)last > highest)
		return 0;
	reading->written.last = (int64_t)last;
	if (foreign_cursor_written(reading->foreign, WRITTEN_ROWS, &reading->round->arena,
		    &reading->written, err) < 0)
		return err->code;
	if (reading->written.count > 1)
		qsort(reading->written.composers, reading->written.count, sizeof(struct str),
			by_str);
	if (reading->written.last < highest)
		reading->left++; /* so many that the rest waits */
	return 0;
}

static void log_ignored(const struct reading *reading)
{
	const struct cursor_ignored *ignored = &reading->ignored;

	log_debug(reading->round->context->log,
		"'%s': ignored %lld composers without content, %lld within others, %lld bubbles of edited turns, %lld that are not there",
		reading->path, (long long)ignored->empty, (long long)ignored->subcalls,
		(long long)ignored->orphans, (long long)ignored->missing);
	if (reading->left > 0)
		log_info(reading->round->context->log,
			"'%s': %lld composers are left for the next round", reading->path,
			(long long)reading->left);
}

static int finish(struct reading *reading, struct database *database, struct err *err)
{
	struct cursor_round *round = reading->round;
	bool pending = reading->left > 0 || reading->below != INT64_MAX;
	struct str keep = arena_printf(&round->arena, "%lld %lld", (long long)reading->written.last,
		(long long)reading->below);

	log_ignored(reading);
	round->unlinked |= reading->left > 0;
	round->counts->failed += reading->broken > 0;
	return database_save(database, round->set, round->intake, pending, keep, err);
}

/* Errors are the database's. */
static int open_reading(struct reading *reading, struct str kept, struct err *err)
{
	struct cursor_round *round = reading->round;

	if (foreign_cursor_open(
		    &reading->foreign, reading->path, round->context->dirs->state, err) < 0 ||
		foreign_cursor_items(reading->foreign, &round->arena, &reading->items,
			&reading->item_count, err) < 0 ||
		read_written(reading, kept, err) < 0 ||
		foreign_cursor_composers(reading->foreign, &round->arena, &reading->rows,
			&reading->row_count, err) < 0)
		return err->code;
	return foreign_check(reading->foreign, err);
}

static void reading_release(struct reading *reading)
{
	foreign_close(reading->foreign);
	arena_release(&reading->arena);
}

int cursor_collect_database(struct cursor_round *round, const char *path, struct err *err)
{
	CLEANUP(reading_release)
	struct reading reading = {
		.round = round,
		.path = path,
		.database = hash64(str_from(path), 0),
	};
	struct database database;
	struct str kept;
	bool stop = false;

	round->counts->files++;
	if (database_unchanged(round->set, &round->arena, path, &kept) && !round->relinked) {
		round->counts->skipped_unchanged++;
		return 0;
	}
	if (database_look(&database, &round->arena, path, err) < 0 ||
		open_reading(&reading, kept, err) < 0)
		return note_fault(round, &database, kept, err);
	collect_progress_todo(round->context->progress, database.doc.cursor.size);
	if (cursor_keep_links(
		    round, reading.items, reading.item_count, (struct str){ NULL, 0 }, err) < 0 ||
		look_at_composers(&reading, &stop, err) < 0)
		return err->code;
	collect_progress_done(round->context->progress, database.doc.cursor.size);
	return stop ? note_fault(round, &database, kept, err) : finish(&reading, &database, err);
}
