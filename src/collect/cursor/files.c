/*
 * Transcripts as files: HOME/projects/NAME/agent-transcripts/ with ID.txt, ID.jsonl, ID/ID.jsonl
 * and ID/subagents/AGENT.jsonl. No other file below HOME is opened.
 *
 * A session may have several files: of several releases, in several homes. The best one is read,
 * JSON before text, then the longest; the others are only remembered. A transcript also has to be
 * read again when its project's workspace becomes known.
 */
#include <stdlib.h>

#include "collect/cursor/round.h"
#include "collect/database.h"

struct transcript {
	const char *path;
	struct str id;     /* of the session */
	struct str parent; /* of a sub-agent */
	struct str project;
	enum cursor_strength strength;
	int64_t size;
};

struct transcripts {
	struct arena *arena;
	struct transcript *items;
	size_t count, capacity;
	struct path_list seen; /* each file once, also through links */
};

/* --- finding them --- */

static struct transcript *add(struct transcripts *list, const char *path, struct str project,
	struct str suffix, struct str parent)
{
	struct str name = places_name(path);
	struct transcript *out;
	struct stat status;

	if (name.len <= suffix.len || stat(path, &status) < 0 || !path_list_add(&list->seen, path))
		return NULL;
	if (list->count == list->capacity) {
		size_t capacity = list->capacity * 2 + 64;
		struct transcript *grown = arena_zalloc(list->arena, capacity, sizeof(*grown));

		if (list->count > 0)
			memcpy(grown, list->items, list->count * sizeof(*grown));
		list->items = grown;
		list->capacity = capacity;
	}
	out = &list->items[list->count++];
	*out = (struct transcript){
		.path = path,
		.id = str_sub(name, 0, name.len - suffix.len),
		.parent = parent,
		.project = project,
		.strength = str_eq(suffix, STR(".txt")) ? CURSOR_TEXT : CURSOR_TRANSCRIPT,
		.size = status.st_size,
	};
	if (parent.len > 0)
		out->id = arena_printf(
			list->arena, "%.*s/agent-%.*s", STR_ARG(parent), STR_ARG(out->id));
	return out;
}

static void add_all(const struct collect_context *context, struct transcripts *list,
	const char *dir, const char *suffix, struct str project, struct str parent)
{
	struct path_list files = places_list(context, list->arena, dir, PLACES_FILES, suffix);

	for (size_t i = 0; i < files.count; i++)
		add(list, files.paths[i], project, str_from(suffix), parent);
}

static void walk_project(
	const struct collect_context *context, struct transcripts *list, const char *project)
{
	const char *dir = fs_join(list->arena, project, "agent-transcripts");
	struct str name = places_name(project), none = { NULL, 0 };
	struct path_list sessions;

	add_all(context, list, dir, ".txt", name, none);
	add_all(context, list, dir, ".jsonl", name, none);
	sessions = places_list(context, list->arena, dir, PLACES_DIRS, NULL);
	for (size_t i = 0; i < sessions.count; i++) {
		const char *session = sessions.paths[i];
		struct str id = places_name(session);
		struct str own = arena_printf(list->arena, "%s/%.*s.jsonl", session, STR_ARG(id));

		if (fs_exists(own.ptr))
			add(list, own.ptr, name, STR(".jsonl"), none);
		add_all(context, list, fs_join(list->arena, session, "subagents"), ".jsonl", name,
			id);
	}
}

/* By session, the best one first. */
static int by_session(const void *a, const void *b)
{
	const struct transcript *one = a, *two = b;
	int order = str_cmp(one->id, two->id);

	if (order != 0)
		return order;
	if (one->strength != two->strength)
		return one->strength > two->strength ? -1 : 1;
	if (one->size != two->size)
		return one->size > two->size ? -1 : 1;
	return strcmp(one->path, two->path);
}

static struct transcripts walk(
	const struct collect_context *context, struct arena *arena, const struct path_list *homes)
{
	struct transcripts list = { .arena = arena, .seen = path_list(arena) };

	for (size_t i = 0; i < homes->count; i++) {
		const char *dir = fs_join(arena, homes->paths[i], "projects");
		struct path_list projects = places_list(context, arena, dir, PLACES_DIRS, NULL);

		for (size_t j = 0; j < projects.count; j++)
			walk_project(context, &list, projects.paths[j]);
	}
	if (list.count > 1)
		qsort(list.items, list.count, sizeof(*list.items), by_session);
	return list;
}

int64_t cursor_count_transcripts(
	const struct collect_context *context, struct arena *arena, const struct path_list *homes)
{
	return (int64_t)walk(context, arena, homes).count;
}

/* --- reading them --- */

/* What its composer says, else what its project's name does. */
static int tell_workspace(struct cursor_round *round, const struct transcript *transcript,
	bool disk, struct str *workspace, struct err *err)
{
	struct str composer = transcript->parent.len > 0 ? transcript->parent : transcript->id;

	if (cursor_get_link(round, &round->arena, composer, workspace, err) < 0)
		return err->code;
	return workspace->len > 0
		       ? 0
		       : cursor_find_project(round, transcript->project, disk, workspace, err);
}

/* Its state is its workspace. */
static int is_unchanged(struct cursor_round *round, const struct transcript *transcript,
	bool *unchanged, struct err *err)
{
	struct str workspace, known = doc_state(round->set, transcript->path);

	*unchanged = doc_unchanged(round->set, transcript->path);
	if (!*unchanged)
		return 0;
	if (tell_workspace(round, transcript, false, &workspace, err) < 0)
		return err->code;
	*unchanged = workspace.len == 0 || str_eq(workspace, known);
	return 0;
}

static int find_workspace(struct cursor_round *round, const struct transcript *transcript,
	struct str *workspace, struct err *err)
{
	struct str known = doc_state(round->set, transcript->path);

	/* The disk is searched only while nothing is known: a directory may be gone later. */
	if (tell_workspace(round, transcript, known.len == 0, workspace, err) < 0)
		return err->code;
	if (workspace->len == 0)
		*workspace = known;
	return cursor_know_project(round, transcript->project, *workspace, err);
}

/* A transcript is only added to. One that is shorter than what was read before is an older copy, or
 * lost its end: nothing is taken back then. */
static int choose_mode(struct cursor_round *round, const struct transcript *transcript,
	int64_t taken, enum agent_mode *mode, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct str key = arena_printf(
		&arena, "transcript:%d:%.*s", (int)transcript->strength, STR_ARG(transcript->id));
	struct str text;
	uint64_t longest = 0;
	bool found;

	if (intake_memo_get(round->intake, CURSOR_SOURCE, key, &arena, &text, &found, err) < 0)
		return err->code;
	if (found && !database_number(&text, 10, &longest))
		longest = 0;
	*mode = (uint64_t)taken < longest ? AGENT_APPEND : AGENT_WHOLE;
	if ((uint64_t)taken <= longest)
		return 0;
	return intake_memo_put(round->intake, CURSOR_SOURCE, key,
		arena_printf(&arena, "%lld", (long long)taken), err);
}

static struct agent_session session_of(struct arena *arena, const struct transcript *transcript,
	struct str workspace, int64_t mtime_ns)
{
	struct agent_session session = agent_session(arena, CURSOR_AGENT);

	session.id = transcript->id;
	session.parent = transcript->parent;
	session.path = str_from(transcript->path);
	session.cwd = workspace;
	session.strength = (int)transcript->strength;
	session.fallback_ns = mtime_ns;
	session.from_start = true;
	return session;
}

static int put_transcript(struct cursor_round *round, const struct transcript *transcript,
	struct doc *doc, struct str workspace, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct str bytes = buf_str(&doc->bytes);
	int64_t mtime_ns = doc->cursor.mtime_ns, taken = 0;
	struct agent_session session = session_of(&arena, transcript, workspace, mtime_ns);
	enum agent_mode mode = AGENT_APPEND;

	if (transcript->strength == CURSOR_TEXT)
		cursor_transcript_text(&session, bytes, mtime_ns, &taken);
	else
		cursor_transcript_lines(&session, bytes, mtime_ns, &taken);
	if (choose_mode(round, transcript, taken, &mode, err) < 0)
		return err->code;
	if (mode == AGENT_APPEND) {
		session.from_start = false;
		session.unknown = 0; /* they were counted */
	}
	if (agent_round_put(round->round, &session, mode, err) < 0 ||
		doc_save(doc, round->set, round->intake, taken, workspace, err) < 0)
		return err->code;
	return agent_round_relax(round->round, err);
}

static int read_transcript(
	struct cursor_round *round, const struct transcript *transcript, struct err *err)
{
	CLEANUP(doc_release) struct doc doc = { 0 };
	struct str workspace;

	if (doc_read(&doc, transcript->path, err) < 0) {
		if (err->code == ERR_BUSY || err->code == ERR_NOT_FOUND)
			return 0;
		round->counts->failed++;
		log_warn(round->context->log, "%s", err->message);
		return 0;
	}
	if (find_workspace(round, transcript, &workspace, err) < 0)
		return err->code;
	if (workspace.len == 0 && cursor_must_wait(round))
		return 0;
	return put_transcript(round, transcript, &doc, workspace, err);
}

/* One that is not read, because there is a better one: it is only remembered. */
static int pass_over(
	struct cursor_round *round, const struct transcript *transcript, struct err *err)
{
	CLEANUP(doc_release) struct doc doc = { 0 };
	struct str workspace;

	if (doc_stat(&doc, transcript->path, err) < 0)
		return 0;
	if (tell_workspace(round, transcript, false, &workspace, err) < 0)
		return err->code;
	return doc_save(&doc, round->set, round->intake, doc.cursor.size, workspace, err);
}

int cursor_collect_transcripts(struct cursor_round *round, struct err *err)
{
	struct transcripts list = walk(round->context, &round->arena, &round->homes);

	for (size_t i = 0; i < list.count; i++) {
		bool best = i == 0 || !str_eq(list.items[i].id, list.items[i - 1].id);
		bool unchanged;
		int rc;

		round->counts->files++;
		if (is_unchanged(round, &list.items[i], &unchanged, err) < 0)
			return err->code;
		if (unchanged) {
			round->counts->skipped_unchanged++;
			continue;
		}
		rc = best ? read_transcript(round, &list.items[i], err)
			  : pass_over(round, &list.items[i], err);
		if (rc < 0)
			return rc;
	}
	return 0;
}
