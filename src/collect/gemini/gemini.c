/*
 * Gemini CLI's chats: `tmp/{project}/chats/session-*.json` or `.jsonl` below ~/.gemini, and those
 * of sub-agents in `chats/{session of the parent}/`. Both forms are read whole, since a line may
 * take back what others said.
 *
 * A session may lie in several files: an old .json beside the .jsonl that took its place, a
 * project's directory under its old and its new name, copies. When any of them changes all of them
 * are read, and the best is given: a .jsonl before a .json, then the one with the most messages,
 * then the one that goes furthest. While one of them cannot be read none is given, unless it is a
 * .json beside a .jsonl: an older file must not withdraw what the newer one has.
 *
 * Opened are these files, projects.json, and a project's .project_root.
 */
#include "collect/gemini/gemini.h"

#include <stdlib.h>

#include "base/utf8.h"
#include "collect/agent_value.h"
#include "collect/doc.h"
#include "collect/gemini/log.h"
#include "collect/gemini/places.h"
#include "collect/places.h"

#define NAME "gemini"
#define AGENT "gemini-cli"

enum { NAMING_LINES = 8 }; /* within which a chat says which session it is of */

struct file {
	const char *path;
	struct str session;
	struct str parent; /* of a sub-agent's chat: the name of its directory */
	struct str cwd;    /* its project's; empty: unknown */
	bool lines;        /* a .jsonl */
	bool changed;
};

/* A file that was read. */
struct chat {
	const struct file *file;
	struct doc doc;
	struct gemini_log log;
	struct agent_session session; /* with what nobody can read */
	int64_t taken;
	bool readable;
	bool understood;
};

struct collecting {
	const struct collect_context *context;
	struct agent_round *round;
	struct tail_set *set;
	struct arena arena; /* of the round */
	struct json_parser parser;
	struct file *files;
	size_t count, capacity;
	struct source_counts *counts;
};

static void collecting_release(struct collecting *all)
{
	agent_round_free(all->round);
	tail_set_free(all->set);
	json_parser_release(&all->parser);
	arena_release(&all->arena);
}

/* --- finding --- */

/* $GEMINI_CLI_HOME is a home directory; what the configuration names may be one, or the directory
 * itself. */
static struct path_list roots(const struct collect_context *context, struct arena *arena)
{
	static const char *const defaults[] = { ".gemini", NULL };
	struct path_list list = places_roots(context, arena, NAME, "GEMINI_CLI_HOME", defaults);
	struct path_list out = path_list(arena);

	for (size_t i = 0; i < list.count; i++) {
		const char *inner = fs_join(arena, list.paths[i], ".gemini");

		path_list_add(&out, fs_exists(inner) ? inner : list.paths[i]);
	}
	return out;
}

static void add_file(struct collecting *all, const char *path, struct str parent, struct str cwd)
{
	struct file *grown;

	if (all->count == all->capacity) {
		all->capacity = all->capacity * 2 + 64;
		grown = arena_zalloc(&all->arena, all->capacity, sizeof(*grown));
		if (all->count > 0)
			memcpy(grown, all->files, all->count * sizeof(*grown));
		all->files = grown;
	}
	all->files[all->count++] = (struct file){
		.path = path,
		.parent = parent,
		.cwd = cwd,
		.lines = str_ends(str_from(path), STR(".jsonl")),
	};
}

static void walk_chats(struct collecting *all, const char *chats, struct str cwd)
{
	static const char *const suffixes[] = { ".json", ".jsonl" };
	struct path_list dirs = places_list(all->context, &all->arena, chats, PLACES_DIRS, NULL);

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		struct path_list own =
			places_list(all->context, &all->arena, chats, PLACES_FILES, suffixes[i]);

		for (size_t j = 0; j < own.count; j++)
			if (str_starts(places_name(own.paths[j]), STR("session-")))
				add_file(all, own.paths[j], (struct str){ NULL, 0 }, cwd);
		for (size_t d = 0; d < dirs.count; d++) {
			struct path_list inner = places_list(all->context, &all->arena,
				dirs.paths[d], PLACES_FILES, suffixes[i]);

			for (size_t j = 0; j < inner.count; j++)
				add_file(all, inner.paths[j], places_name(dirs.paths[d]), cwd);
		}
	}
}

/* --- workspaces --- */

/* The text of a small file, kept with its cursor so that an unchanged one is not opened. Empty:
 * none. */
static int small_text(struct collecting *all, const char *path, struct str *text, struct err *err)
{
	CLEANUP(doc_release) struct doc doc = { 0 };
	CLEANUP(buf_release) struct buf clean = BUF_INIT;
	struct err fault;

	*text = (struct str){ NULL, 0 };
	if (!fs_exists(path))
		return 0;
	if (doc_unchanged(all->set, path)) {
		*text = doc_state(all->set, path);
		return 0;
	}
	if (doc_read(&doc, path, &fault) < 0) {
		log_debug(all->context->log, "%s", fault.message);
		return 0;
	}
	utf8_add_clean(&clean, buf_str(&doc.bytes));
	*text = arena_str(&all->arena, buf_str(&clean));
	return doc_save(
		&doc, all->set, agent_round_intake(all->round), doc.cursor.size, *text, err);
}

static int list_project(
	struct collecting *all, const char *project, struct str projects, struct err *err)
{
	const char *chats = fs_join(&all->arena, project, "chats");
	struct str root, cwd;

	if (!fs_exists(chats))
		return 0;
	if (small_text(all, fs_join(&all->arena, project, ".project_root"), &root, err) < 0)
		return err->code;
	cwd = gemini_workspace(&all->arena, places_name(project), root, projects);
	walk_chats(all, chats, cwd);
	return 0;
}

static int list_root(struct collecting *all, const char *root, struct err *err)
{
	struct path_list dirs = places_list(
		all->context, &all->arena, fs_join(&all->arena, root, "tmp"), PLACES_DIRS, NULL);
	struct str projects;

	if (small_text(all, fs_join(&all->arena, root, "projects.json"), &projects, err) < 0)
		return err->code;
	for (size_t i = 0; i < dirs.count; i++)
		if (list_project(all, dirs.paths[i], projects, err) < 0)
			return err->code;
	return 0;
}

/* --- sessions --- */

/* The session that a chat names, without reading all of it if it has lines. */
static struct str named_inside(struct collecting *all, const struct file *file)
{
	CLEANUP(tail_closep) struct tail *tail = NULL;
	CLEANUP(doc_release) struct doc doc = { 0 };
	struct str line, session = { NULL, 0 };
	const struct json *root;
	struct err ignored;
	int64_t offset;
	bool overlong;

	if (!file->lines) {
		if (doc_read(&doc, file->path, &ignored) == 0 &&
			json_parse(&all->parser, buf_str(&doc.bytes), true, &root, &ignored) == 0)
			session = json_get_str(root, "sessionId");
		return agent_text(&all->arena, session);
	}
	if (tail_open_whole(&tail, file->path, &ignored) < 0)
		return session;
	for (int i = 0; i < NAMING_LINES && session.len == 0; i++) {
		if (tail_next(tail, &line, &offset, &overlong, &ignored) <= 0)
			break;
		if (json_parse(&all->parser, line, true, &root, &ignored) == 0)
			session = json_get_str(root, "sessionId");
	}
	return agent_text(&all->arena, session);
}

/* The file's name without its ending, for a chat that does not say. */
static struct str named_by(struct arena *arena, const struct file *file)
{
	struct str name = places_name(file->path);

	return agent_text(
		arena, str_sub(name, 0, name.len - strlen(file->lines ? ".jsonl" : ".json")));
}

static struct str state_member(struct collecting *all, const char *path, const char *key)
{
	struct str state = doc_state(all->set, path);
	const struct json *root;
	struct err ignored;

	if (state.len == 0 || json_parse(&all->parser, state, true, &root, &ignored) < 0)
		return (struct str){ NULL, 0 };
	return arena_str(&all->arena, json_get_str(root, key));
}

/* A file counts as changed too when its project has become known, or is another one; what was known
 * of it is not forgotten when the project's directory does not say it any more. */
static bool look_at_files(struct collecting *all)
{
	bool any = false;

	all->counts->files += (int64_t)all->count;
	for (size_t i = 0; i < all->count; i++) {
		struct file *file = &all->files[i];
		struct str cwd = state_member(all, file->path, "cwd");

		if (file->cwd.len == 0)
			file->cwd = cwd;
		file->changed = !doc_unchanged(all->set, file->path) || !str_eq(file->cwd, cwd);
		all->counts->skipped_unchanged += !file->changed;
		any |= file->changed;
		if (file->changed)
			file->session = named_inside(all, file);
		if (file->session.len == 0)
			file->session = state_member(all, file->path, "session");
		if (file->session.len == 0)
			file->session = named_by(&all->arena, file);
	}
	return any;
}

static int by_session(const void *a, const void *b)
{
	const struct file *x = a, *y = b;
	int order = str_cmp(x->session, y->session);

	return order ? order : strcmp(x->path, y->path);
}

/* --- reading --- */

static void chat_release(struct chat *chat)
{
	doc_release(&chat->doc);
}

/* A last line without its end is a record if it is one already; else it waits. */
static void read_rest(struct collecting *all, struct chat *chat, const struct doc_lines *lines)
{
	struct gemini_line line = { .text = lines->rest };
	const struct json *root;
	struct err ignored;

	chat->taken = lines->offset;
	if (json_parse(&all->parser, lines->rest, true, &root, &ignored) < 0 ||
		!json_is(root, JSON_OBJECT))
		return;
	gemini_log_line(&chat->log, &all->parser, &line, &chat->session);
	chat->taken += (int64_t)lines->rest.len;
}

static void read_lines(struct collecting *all, struct chat *chat)
{
	struct gemini_line line = { .path = str_from(chat->file->path) };
	struct doc_lines lines = doc_lines(&chat->doc);

	while (doc_line(&lines, &line.text, &line.offset))
		gemini_log_line(&chat->log, &all->parser, &line, &chat->session);
	read_rest(all, chat, &lines);
	chat->understood = true;
}

/* A document that ends as one but is none is broken; any other is being written. */
static int read_document(struct collecting *all, struct chat *chat, struct err *err)
{
	struct str text = buf_str(&chat->doc.bytes);
	struct agent_bad bad = {
		.path = str_from(chat->file->path),
		.reason = "not_json",
		.detail = STR("no chat"),
		.bytes = text,
		.bytes_total = (int64_t)text.len,
	};

	chat->understood = gemini_log_document(&chat->log, &all->parser, text);
	if (chat->understood)
		chat->taken = (int64_t)text.len;
	else if (str_ends(str_trim(text), STR("}")) || str_ends(str_trim(text), STR("]")))
		return agent_round_bad(all->round, &bad, err);
	return 0;
}

static int read_chat(
	struct collecting *all, struct chat *chat, struct arena *arena, struct err *err)
{
	struct err fault;
	int rc = doc_read(&chat->doc, chat->file->path, &fault);

	chat->log = gemini_log(arena);
	chat->session = agent_session(arena, AGENT);
	if (rc == 0) {
		chat->readable = true;
		if (!chat->file->lines)
			return read_document(all, chat, err);
		read_lines(all, chat);
	} else if (rc == ERR_BUSY) {
		log_debug(all->context->log, "%s", fault.message);
	} else if (rc != ERR_NOT_FOUND) {
		all->counts->failed++;
		log_warn(all->context->log, "%s", fault.message);
	}
	return 0;
}

/* --- giving --- */

static bool is_better(const struct chat *chat, const struct chat *than)
{
	if (chat->file->lines != than->file->lines && chat->log.count > 0 && than->log.count > 0)
		return chat->file->lines;
	if (chat->log.count != than->log.count)
		return chat->log.count > than->log.count;
	return chat->log.updated_ns > than->log.updated_ns;
}

/* NULL: none, or what cannot be read might be better. */
static struct chat *best_of(struct chat *chats, size_t count)
{
	struct chat *best = NULL;

	for (size_t i = 0; i < count; i++)
		if (chats[i].understood && (!best || is_better(&chats[i], best)))
			best = &chats[i];
	for (size_t i = 0; best && i < count; i++)
		if (!chats[i].understood && chats[i].doc.bytes.len > 0 &&
			(chats[i].file->lines || !best->file->lines))
			return NULL;
	return best;
}

static int give(struct collecting *all, struct chat *chat, struct err *err)
{
	const struct file *file = chat->file;
	struct agent_session *session = &chat->session;
	bool delegated = file->parent.len > 0 || chat->log.subagent;

	session->id = file->session;
	session->parent = file->parent;
	session->automatic = delegated && file->parent.len == 0;
	session->path = str_from(file->path);
	session->cwd = file->cwd;
	session->strength = file->lines;
	gemini_log_items(&chat->log, delegated, session);
	if (session->fallback_ns == INT64_MIN)
		session->fallback_ns = chat->doc.cursor.mtime_ns;
	return agent_round_put(all->round, session, AGENT_WHOLE, err);
}

static int save(struct collecting *all, struct chat *chat, struct err *err)
{
	CLEANUP(buf_release) struct buf state = BUF_INIT;
	struct json_writer writer = json_writer(&state);

	json_begin_object(&writer);
	json_kv_str(&writer, "session", chat->file->session);
	if (chat->file->cwd.len > 0)
		json_kv_str(&writer, "cwd", chat->file->cwd);
	json_end_object(&writer);
	return doc_save(&chat->doc, all->set, agent_round_intake(all->round), chat->taken,
		buf_str(&state), err);
}

/* All files of one session. */
static int collect_session(
	struct collecting *all, const struct file *files, size_t count, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct chat *chats = arena_zalloc(&arena, count, sizeof(*chats)), *best;
	bool whole = true;
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++) {
		chats[i].file = &files[i];
		rc = read_chat(all, &chats[i], &arena, err);
		whole &= chats[i].readable;
	}
	best = best_of(chats, count);
	if (rc == 0 && best && whole)
		rc = give(all, best, err);
	for (size_t i = 0; i < count && rc == 0 && whole; i++)
		rc = save(all, &chats[i], err);
	for (size_t i = 0; i < count; i++)
		chat_release(&chats[i]);
	return rc < 0 ? rc : agent_round_relax(all->round, err);
}

static int collect_sessions(struct collecting *all, struct err *err)
{
	size_t end;

	qsort(all->files, all->count, sizeof(*all->files), by_session);
	for (size_t start = 0; start < all->count; start = end) {
		bool changed = false;

		for (end = start; end < all->count &&
				  str_eq(all->files[start].session, all->files[end].session);
			end++)
			changed |= all->files[end].changed;
		if (changed && collect_session(all, &all->files[start], end - start, err) < 0)
			return err->code;
	}
	return 0;
}

static int collect(
	const struct collect_context *context, struct source_counts *counts, struct err *err)
{
	CLEANUP(collecting_release)
	struct collecting all = { .context = context, .counts = counts };
	struct path_list list = roots(context, &all.arena);

	if (tail_set_load(&all.set, context->store, STR(NAME), err) < 0 ||
		agent_round_begin(&all.round, context, NAME, err) < 0)
		return err->code;
	for (size_t i = 0; i < list.count; i++)
		if (list_root(&all, list.paths[i], err) < 0)
			return err->code;
	if (look_at_files(&all) && collect_sessions(&all, err) < 0)
		return err->code;
	if (tail_set_forget_missing(all.set, agent_round_intake(all.round), err) < 0)
		return err->code;
	return agent_round_end(all.round, counts, err);
}

/* --- what others ask --- */

static int64_t present(const struct collect_context *context)
{
	struct collecting all = { .context = context };
	struct path_list list = roots(context, &all.arena);
	int64_t out;

	for (size_t i = 0; i < list.count; i++) {
		struct path_list dirs = places_list(context, &all.arena,
			fs_join(&all.arena, list.paths[i], "tmp"), PLACES_DIRS, NULL);

		for (size_t j = 0; j < dirs.count; j++)
			walk_chats(&all, fs_join(&all.arena, dirs.paths[j], "chats"),
				(struct str){ NULL, 0 });
	}
	out = list.count > 0 ? (int64_t)all.count : -1;
	collecting_release(&all);
	return out;
}

static void places(const struct collect_context *context, struct source_places *out)
{
	struct path_list list = roots(context, out->arena);

	for (size_t i = 0; i < list.count; i++)
		source_place_add(out, fs_join(out->arena, list.paths[i], "tmp"), 3, false);
	if (list.count == 0)
		source_place_add(
			out, fs_join(out->arena, context->dirs->home, ".gemini/tmp"), 3, false);
}

const struct source gemini_source = {
	.name = NAME,
	.summary = "Gemini CLI's chats",
	.alone = true,
	.collect = collect,
	.present = present,
	.places = places,
};
