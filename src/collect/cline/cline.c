/*
 * Cline, Roo Code, Kilo Code.
 *
 * A task is read anew, whole, when one of its documents changed. Its conversation is what counts; a
 * conversation that is half written changes nothing until it is written again. The documents beside
 * it are condensed and rewritten as a task goes on, so what they told of its workspace and models
 * is kept in the cursor of the conversation (cline_context_state).
 *
 * The same task may lie in several directories: editors that were migrated, homes that are copied.
 * Then the one that goes on longest is the task, and the others are older states of it.
 */
#include "collect/cline/cline.h"

#include <stdlib.h>

#include "collect/doc.h"

enum { DOCS = 4 }; /* the conversation as seen, then what is beside it */

struct side {
	const char *name;
	enum cline_bytes (*read)(
		struct cline_context *context, struct str bytes, struct err *detail);
};

/* All that is ever opened in a task's directory, in the order in which they are believed. */
static const struct side task_sides[DOCS - 1] = {
	{ "history_item.json", cline_read_history_item },
	{ "api_conversation_history.json", cline_read_conversation },
	{ "task_metadata.json", cline_read_metadata },
};

struct collecting {
	const struct collect_context *context;
	struct source_counts *counts;
	struct agent_round *round;
	struct tail_set *set;
	struct arena arena;
	const struct cline_copies *copies;
	struct cline_history *histories; /* beside copies->histories */
	bool *history_changed, *history_loaded;
};

enum state {
	ABSENT,  /* vanished, or cannot be read */
	WAITING, /* half written */
	BROKEN,
	READ
};

struct reading {
	const struct cline_copy *copy;
	struct doc docs[DOCS];
	bool have[DOCS];
	bool waits[DOCS];
	bool was_cut;
	struct cline_context context;
	struct agent_session session;
	enum state state;
};

/* --- names --- */

/* Document I of COPY; NULL: there is none such. */
static const char *doc_path(struct arena *arena, const struct cline_copy *copy, size_t i)
{
	if (i == 0)
		return copy->main;
	if (!copy->session)
		return fs_join(arena, copy->dir, task_sides[i - 1].name);
	return i > 1 ? NULL
		     : fs_join(arena, copy->dir,
			       arena_printf(arena, "%.*s.json", STR_ARG(copy->id)).ptr);
}

/* --- lists of tasks --- */

static void load_history(struct collecting *collecting, size_t i)
{
	CLEANUP(doc_release) struct doc doc = { 0 };
	const char *path = collecting->copies->histories.paths[i];
	struct intake *intake = agent_round_intake(collecting->round);
	enum cline_bytes status = CLINE_CUT;
	struct err err;

	if (collecting->history_loaded[i])
		return;
	collecting->history_loaded[i] = true;
	if (doc_read(&doc, path, &err) == 0)
		status = cline_read_history(
			&collecting->histories[i], &collecting->arena, buf_str(&doc.bytes), &err);
	if (status != CLINE_GOOD) {
		log_debug(collecting->context->log, "'%s' is not read now: %s", path, err.message);
		return;
	}
	if (doc_save(&doc, collecting->set, intake, doc.cursor.size, STR(""), &err) < 0)
		log_warn(collecting->context->log, "%s", err.message);
}

static const struct cline_history_entry *find_in_history(
	struct collecting *collecting, const struct cline_copy *copy, bool only_changed)
{
	const struct path_list *paths = &collecting->copies->histories;

	for (size_t i = 0; copy->history && i < paths->count; i++) {
		if (strcmp(paths->paths[i], copy->history) != 0 ||
			(only_changed && !collecting->history_changed[i]))
			continue;
		load_history(collecting, i);
		return cline_history_find(&collecting->histories[i], copy->id);
	}
	return NULL;
}

/* --- has anything changed? --- */

static void load_state(struct collecting *collecting, struct arena *arena,
	const struct cline_copy *copy, struct cline_context *out)
{
	*out = (struct cline_context){ .arena = arena };
	cline_context_load(out, doc_state(collecting->set, copy->main));
}

/* Does a list that changed tell the workspace of a task that has none? */
static bool is_told_now(struct collecting *collecting, const struct cline_copy *copy)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	const struct cline_history_entry *entry = find_in_history(collecting, copy, true);
	struct cline_context known;

	if (!entry || entry->cwd.len == 0)
		return false;
	load_state(collecting, &arena, copy, &known);
	return known.cwd.len == 0 && !known.excluded;
}

/* Every file is asked, since what is not is taken for gone. */
static bool has_changed(struct collecting *collecting, const struct cline_copy *copy)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	bool changed = false;

	for (size_t i = 0; i < DOCS; i++) {
		const char *path = doc_path(&arena, copy, i);

		if (path && !doc_unchanged(collecting->set, path) && fs_exists(path))
			changed = true;
	}
	return changed || is_told_now(collecting, copy);
}

/* --- reading --- */

static void reading_release(struct reading *reading)
{
	for (size_t i = 0; i < DOCS; i++)
		doc_release(&reading->docs[i]);
}

/* ERR_BUSY: not in this round. */
static int read_docs(struct collecting *collecting, struct arena *arena, struct reading *reading,
	struct err *err)
{
	for (size_t i = 0; i < DOCS; i++) {
		const char *path = doc_path(arena, reading->copy, i);
		int rc = path ? doc_read(&reading->docs[i], path, err) : ERR_NOT_FOUND;

		reading->have[i] = rc == 0;
		if (rc == ERR_BUSY)
			return rc;
		if (rc == 0 || rc == ERR_NOT_FOUND)
			continue;
		log_warn(collecting->context->log, "%s", err->message);
		collecting->counts->failed++;
	}
	return 0;
}

static void note_bad(struct reading *reading, size_t i, const struct err *detail)
{
	agent_session_bad(&reading->session, str_from(reading->docs[i].path), 0, "not_json",
		detail->message, buf_str(&reading->docs[i].bytes));
}

static void read_sides(struct reading *reading)
{
	for (size_t i = 1; i < DOCS; i++) {
		struct str bytes = buf_str(&reading->docs[i].bytes);
		enum cline_bytes status;
		struct err detail;

		if (!reading->have[i])
			continue;
		status = (reading->copy->session ? cline_read_session : task_sides[i - 1].read)(
			&reading->context, bytes, &detail);
		reading->waits[i] = status == CLINE_CUT;
		if (status == CLINE_BAD)
			note_bad(reading, i, &detail);
	}
}

/* What is believed first is read first; what was known stands before the list of tasks. */
static void read_context(struct collecting *collecting, struct reading *reading)
{
	const struct cline_history_entry *entry = find_in_history(collecting, reading->copy, false);
	struct cline_context *context = &reading->context, known;

	load_state(collecting, context->arena, reading->copy, &known);
	context->models = known.models;
	context->model_count = known.model_count;
	context->model_capacity = known.model_capacity;
	context->excluded = known.excluded;
	reading->was_cut = known.cut;
	read_sides(reading);
	if (context->cwd.len == 0)
		context->cwd = known.cwd;
	if (entry && context->cwd.len == 0)
		context->cwd = entry->cwd;
	if (entry && context->title.len == 0)
		context->title = entry->title;
	if (context->cwd.len > 0)
		context->excluded = collect_excluded(collecting->context, context->cwd);
}

/* Some time of the task for records without one: task ids are often their start in milliseconds. */
static int64_t fallback_of(const struct reading *reading)
{
	int64_t ms;

	if (reading->context.at_ns != 0)
		return reading->context.at_ns;
	if (reading->copy->id.len == 13 && str_to_i64(reading->copy->id, &ms) && ms > 0)
		return ms * NS_PER_MS;
	return reading->docs[0].cursor.mtime_ns;
}

static int read_copy(struct collecting *collecting, struct arena *arena, struct reading *reading,
	struct err *err)
{
	const struct cline_copy *copy = reading->copy;
	struct agent_session *session = &reading->session;
	enum cline_bytes status;
	struct err detail;

	if (read_docs(collecting, arena, reading, err) < 0)
		return err->code;
	if (!reading->have[0])
		return 0;
	*session = agent_session(arena, copy->agent);
	session->id = copy->id;
	session->path = str_from(copy->main);
	reading->context.arena = arena;
	read_context(collecting, reading);
	status = (copy->session ? cline_read_messages : cline_read_task)(
		session, &reading->context, buf_str(&reading->docs[0].bytes), &detail);
	if (status == CLINE_BAD)
		note_bad(reading, 0, &detail);
	session->cwd = reading->context.cwd;
	session->parent = reading->context.parent;
	session->title = reading->context.title;
	session->fallback_ns = fallback_of(reading);
	reading->waits[0] = reading->context.cut = status == CLINE_CUT;
	reading->state = status == CLINE_GOOD ? READ : status == CLINE_CUT ? WAITING : BROKEN;
	return 0;
}

/* --- giving --- */

static bool is_better(const struct reading *a, const struct reading *b)
{
	if (a->state != b->state)
		return a->state > b->state;
	if (a->session.ended_ns != b->session.ended_ns)
		return a->session.ended_ns > b->session.ended_ns;
	return a->session.count > b->session.count;
}

/* The best of the copies. One that is being written now may become better than all: *WAIT. */
static struct reading *choose(struct reading *readings, size_t count, bool *wait, bool *cut)
{
	struct reading *best = &readings[0];

	*wait = *cut = false;
	for (size_t i = 0; i < count; i++) {
		if (readings[i].state == WAITING) {
			*cut = true;
			*wait |= !readings[i].was_cut;
		}
		if (is_better(&readings[i], best))
			best = &readings[i];
	}
	return best;
}

static int save_copy(struct collecting *collecting, struct reading *reading, struct err *err)
{
	struct intake *intake = agent_round_intake(collecting->round);

	for (size_t i = 0; i < DOCS; i++) {
		struct doc *doc = &reading->docs[i];
		struct str state = i == 0 ? cline_context_state(&reading->context) : STR("");

		if (reading->have[i] &&
			doc_save(doc, collecting->set, intake,
				reading->waits[i] ? 0 : doc->cursor.size, state, err) < 0)
			return err->code;
	}
	return 0;
}

static int give_group(
	struct collecting *collecting, struct reading *readings, size_t count, struct err *err)
{
	bool wait, cut;
	struct reading *best = choose(readings, count, &wait, &cut);
	enum agent_mode mode = best->state == READ && !cut ? AGENT_WHOLE : AGENT_APPEND;
	/* That its workspace was excluded is known also when the workspace itself is not any more.
	 */
	bool hidden = best->context.excluded && best->context.cwd.len == 0;

	if (best->state >= BROKEN && !wait && !hidden) {
		best->session.from_start = true;
		if (agent_round_put(collecting->round, &best->session, mode, err) < 0)
			return err->code;
	}
	for (size_t i = 0; i < count; i++)
		if ((!wait || readings[i].state == WAITING) && readings[i].have[0] &&
			save_copy(collecting, &readings[i], err) < 0)
			return err->code;
	return agent_round_relax(collecting->round, err);
}

static int read_group(struct collecting *collecting, const struct cline_copy *copies, size_t count,
	struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct reading *readings = arena_zalloc(&arena, count, sizeof(*readings));
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++) {
		readings[i].copy = &copies[i];
		rc = read_copy(collecting, &arena, &readings[i], err);
	}
	if (rc == 0)
		rc = give_group(collecting, readings, count, err);
	else if (rc == ERR_BUSY)
		rc = 0;
	for (size_t i = 0; i < count; i++)
		reading_release(&readings[i]);
	return rc;
}

static int collect_group(struct collecting *collecting, const struct cline_copy *copies,
	size_t count, struct err *err)
{
	bool changed = false;

	for (size_t i = 0; i < count; i++)
		changed |= has_changed(collecting, &copies[i]);
	collecting->counts->files += (int64_t)count;
	if (!changed) {
		collecting->counts->skipped_unchanged += (int64_t)count;
		return 0;
	}
	return read_group(collecting, copies, count, err);
}

static int collect_groups(struct collecting *collecting, struct err *err)
{
	const struct cline_copies *copies = collecting->copies;
	struct intake *intake = agent_round_intake(collecting->round);
	size_t end;

	for (size_t i = 0; i < copies->count; i = end) {
		for (end = i + 1; end < copies->count; end++)
			if (!str_eq(copies->items[end].id, copies->items[i].id))
				break;
		if (collect_group(collecting, &copies->items[i], end - i, err) < 0)
			return err->code;
	}
	if (tail_set_forget_missing(collecting->set, intake, err) < 0)
		return err->code;
	return agent_round_end(collecting->round, collecting->counts, err);
}

static void look_at_histories(struct collecting *collecting)
{
	const struct path_list *paths = &collecting->copies->histories;
	struct arena *arena = &collecting->arena;

	collecting->histories = arena_zalloc(arena, paths->count + 1, sizeof(struct cline_history));
	collecting->history_changed = arena_zalloc(arena, paths->count + 1, sizeof(bool));
	collecting->history_loaded = arena_zalloc(arena, paths->count + 1, sizeof(bool));
	for (size_t i = 0; i < paths->count; i++)
		collecting->history_changed[i] = !doc_unchanged(collecting->set, paths->paths[i]);
}

static int collect(
	const struct collect_context *context, struct source_counts *counts, struct err *err)
{
	CLEANUP(agent_round_freep) struct agent_round *round = NULL;
	CLEANUP(tail_set_freep) struct tail_set *set = NULL;
	struct collecting collecting = { .context = context, .counts = counts };
	struct cline_copies copies;
	int rc;

	if (tail_set_load(&set, context->store, str_from(cline_source.name), err) < 0 ||
		agent_round_begin(&round, context, cline_source.name, err) < 0)
		return err->code;
	copies = cline_walk(context, &collecting.arena);
	collecting.round = round;
	collecting.set = set;
	collecting.copies = &copies;
	look_at_histories(&collecting);
	rc = collect_groups(&collecting, err);
	arena_release(&collecting.arena);
	return rc;
}

static int64_t present(const struct collect_context *context)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct cline_copies copies = cline_walk(context, &arena);

	return copies.count == 0 && copies.dirs.count == 0 ? -1 : (int64_t)copies.count;
}

static void places(const struct collect_context *context, struct source_places *out)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct cline_copies copies = cline_walk(context, &arena);

	for (size_t i = 0; i < copies.dirs.count; i++) {
		const char *dir = copies.dirs.paths[i];

		/* Windows' drives tell nobody of changes. */
		source_place_add(out, dir, 1, strncmp(dir, "/mnt/", 5) == 0);
	}
}

const struct source cline_source = {
	.name = "cline",
	.summary = "tasks of Cline, Roo Code and Kilo Code",
	.alone = true,
	.collect = collect,
	.present = present,
	.places = places,
};
