/*
 * Gemini CLI's chats: session-*.json or .jsonl, and those of sub-agents in directories named by the
 * session of the parent. Both forms are read whole, since a line may take back what others said.
 *
 * A session may lie in several files: an old .json beside the .jsonl that took its place, a
 * project's directory under its old and its new name, copies. When any of them changes all of them
 * are read, and the best is given: a .jsonl before a .json, then the one with the most messages,
 * then the one that goes furthest. While one of them cannot be read none is given, unless it is a
 * .json beside a .jsonl: an older file must not withdraw what the newer one has.
 */
#include "collect/gemini/gemini.h"

#include <stdlib.h>

#include "collect/agent_value.h"
#include "collect/doc.h"
#include "collect/gemini/log.h"
#include "collect/gemini/places.h"
#include "collect/gemini/walk.h"
#include "collect/places.h"

#define NAME "gemini"
#define AGENT "gemini-cli"

enum { NAMING_LINES = 8 }; /* within which a chat says which session it is of */

/* Stands in a cursor for a workspace that is excluded. No path looks like it. */
#define EXCLUDED STR("excluded:")

/* A file that was read. */
struct chat {
	const struct gemini_file *file;
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
	struct gemini_walk walk;
	struct json_parser parser;
	struct source_counts *counts;
};

static void collecting_release(struct collecting *all)
{
	agent_round_free(all->round);
	tail_set_free(all->walk.set);
	json_parser_release(&all->parser);
	arena_release(&all->walk.arena);
}

/* --- sessions --- */

/* The session that a chat names, without reading all of it if it has lines. */
static struct str named_inside(struct collecting *all, const struct gemini_file *file)
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
		return agent_text(&all->walk.arena, session);
	}
	if (tail_open_whole(&tail, file->path, &ignored) < 0)
		return session;
	for (int i = 0; i < NAMING_LINES && session.len == 0; i++) {
		if (tail_next(tail, &line, &offset, &overlong, &ignored) <= 0)
			break;
		if (json_parse(&all->parser, line, true, &root, &ignored) == 0)
			session = json_get_str(root, "sessionId");
	}
	return agent_text(&all->walk.arena, session);
}

/* The file's name without its ending, for a chat that does not say. */
static struct str named_by(struct arena *arena, const struct gemini_file *file)
{
	struct str name = places_name(file->path);

	return agent_text(
		arena, str_sub(name, 0, name.len - strlen(file->lines ? ".jsonl" : ".json")));
}

static struct str state_member(struct collecting *all, const char *path, const char *key)
{
	struct str state = doc_state(all->walk.set, path);
	const struct json *root;
	struct err ignored;

	if (state.len == 0 || json_parse(&all->parser, state, true, &root, &ignored) < 0)
		return (struct str){ NULL, 0 };
	return arena_str(&all->walk.arena, json_get_str(root, key));
}

/* Its workspace, as its cursor may have it. */
static struct str kept_cwd(const struct collecting *all, const struct gemini_file *file)
{
	return collect_excluded(all->context, file->cwd) ? EXCLUDED : file->cwd;
}

/* A file counts as changed too when its project has become known, or is another one; what was known
 * of it is not forgotten when the project's directory does not say it any more. */
static bool look_at_files(struct collecting *all)
{
	bool any = false;

	all->counts->files += (int64_t)all->walk.count;
	for (size_t i = 0; i < all->walk.count; i++) {
		struct gemini_file *file = &all->walk.files[i];
		struct str cwd = state_member(all, file->path, "cwd");

		if (file->cwd.len == 0)
			file->cwd = cwd;
		file->changed = !doc_unchanged(all->walk.set, file->path) ||
				!str_eq(kept_cwd(all, file), cwd);
		all->counts->skipped_unchanged += !file->changed;
		any |= file->changed;
		if (file->changed)
			file->session = named_inside(all, file);
		if (file->session.len == 0)
			file->session = state_member(all, file->path, "session");
		if (file->session.len == 0)
			file->session = named_by(&all->walk.arena, file);
	}
	return any;
}

static int by_session(const void *a, const void *b)
{
	const struct gemini_file *x = a, *y = b;
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

/* A document that is none is broken, unless it may be being written. */
static int read_document(struct collecting *all, struct chat *chat, struct err *err)
{
	struct str text = buf_str(&chat->doc.bytes);
	struct agent_bad bad = {
		.path = str_from(chat->file->path),
		.detail = STR("no chat"),
		.bytes = text,
		.bytes_total = (int64_t)text.len,
	};

	bad.reason = gemini_log_document(&chat->log, &all->parser, text);
	chat->understood = !bad.reason;
	if (chat->understood)
		chat->taken = (int64_t)text.len;
	return chat->understood || agent_is_cut(text) ? 0 : agent_round_bad(all->round, &bad, err);
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

/* Files that tools were given tell the workspace of a project whose name is but its hash. */
static struct str workspace_of_calls(const struct gemini_log *log, struct str project)
{
	struct str found = { NULL, 0 };

	for (size_t i = 0; i < log->count; i++)
		for (size_t j = 0; j < log->messages[i].call_count && found.len == 0; j++)
			found = gemini_workspace_above(project, log->messages[i].calls[j].file);
	return found;
}

static int give(struct collecting *all, struct chat *chat, struct err *err)
{
	const struct gemini_file *file = chat->file;
	struct agent_session *session = &chat->session;
	bool delegated = file->parent.len > 0 || chat->log.subagent;

	session->id = file->session;
	session->parent = file->parent;
	session->automatic = delegated && file->parent.len == 0;
	session->path = str_from(file->path);
	session->cwd = file->cwd;
	session->strength = file->lines;
	if (session->cwd.len == 0)
		session->cwd = workspace_of_calls(&chat->log, file->project);
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
		json_kv_str(&writer, "cwd", kept_cwd(all, chat->file));
	json_end_object(&writer);
	return doc_save(&chat->doc, all->walk.set, agent_round_intake(all->round), chat->taken,
		buf_str(&state), err);
}

/* All files of one session. */
static int collect_session(
	struct collecting *all, const struct gemini_file *files, size_t count, struct err *err)
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
	if (rc == 0 && best && whole && !str_eq(best->file->cwd, EXCLUDED))
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

	qsort(all->walk.files, all->walk.count, sizeof(*all->walk.files), by_session);
	for (size_t start = 0; start < all->walk.count; start = end) {
		bool changed = false;

		for (end = start; end < all->walk.count && str_eq(all->walk.files[start].session,
								   all->walk.files[end].session);
			end++)
			changed |= all->walk.files[end].changed;
		if (changed && collect_session(all, &all->walk.files[start], end - start, err) < 0)
			return err->code;
	}
	return 0;
}

static int collect(
	const struct collect_context *context, struct source_counts *counts, struct err *err)
{
	CLEANUP(collecting_release)
	struct collecting all = {
		.context = context, .counts = counts, .walk = { .context = context }
	};

	if (tail_set_load(&all.walk.set, context->store, STR(NAME), err) < 0 ||
		agent_round_begin(&all.round, context, NAME, err) < 0)
		return err->code;
	all.walk.intake = agent_round_intake(all.round);
	if (gemini_walk(&all.walk, err) < 0 ||
		(look_at_files(&all) && collect_sessions(&all, err) < 0) ||
		tail_set_forget_missing(all.walk.set, all.walk.intake, err) < 0)
		return err->code;
	return agent_round_end(all.round, counts, err);
}

static int64_t present(const struct collect_context *context)
{
	struct gemini_walk walk = { .context = context };
	struct err ignored;
	int64_t out =
		gemini_walk(&walk, &ignored) == 0 && walk.roots > 0 ? (int64_t)walk.count : -1;

	arena_release(&walk.arena);
	return out;
}

const struct source gemini_source = {
	.name = NAME,
	.summary = "Gemini CLI's chats",
	.alone = true,
	.collect = collect,
	.present = present,
	.places = gemini_places,
};
