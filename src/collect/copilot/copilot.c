/*
 * GitHub Copilot Chat in VS Code and its kin. Below each `User` directory:
 *
 *   workspaceStorage/HASH/chatSessions/ID.json, ID.jsonl       (HASH also: no-workspace)
 *   workspaceStorage/HASH/GitHub.copilot-chat/transcripts/ID.jsonl
 *   globalStorage/emptyWindowChatSessions/, globalStorage/transferredChatSessions/
 *   globalStorage/GitHub.copilot-chat/transcripts/
 *
 * and workspaceStorage/HASH/workspace.json. Nothing else is opened. The extension's directory is
 * written in different case by different releases.
 *
 * Files are grouped by session: a file's name is its session, where it is a UUID; a copy that
 * somebody else named (`ID (1).jsonl`) is read to know. Known files carry their session in their
 * cursor. A session of which nothing changed costs one stat a file.
 */
#include "collect/copilot/copilot.h"

#include <stdlib.h>
#include <strings.h>

#include "collect/agent_value.h"
#include "collect/copilot/group.h"
#include "collect/doc.h"
#include "collect/places.h"

#define NAME "copilot"

enum { UUID_BYTES = 36 };

/* Called for each directory that may hold sessions; HOME is that of its workspace, or NULL. */
struct found {
	const struct collect_context *context;
	struct arena *arena;
	struct copilot_stored *files;
	size_t count, capacity;
	struct source_places *places; /* NULL: collect files; else note the directories */
};

static copilot_reader *reader_of(const char *path, bool transcripts)
{
	struct str name = str_from(path);

	if (str_ends(name, STR(".jsonl")))
		return transcripts ? copilot_read_transcript : copilot_read_log;
	return !transcripts && str_ends(name, STR(".json")) ? copilot_read_document : NULL;
}

static void add_file(struct found *found, const char *path, const char *home, copilot_reader *read)
{
	struct copilot_stored *grown;

	if (found->count == found->capacity) {
		found->capacity = found->capacity ? found->capacity * 2 : 64;
		grown = arena_zalloc(found->arena, found->capacity, sizeof(*grown));
		if (found->count > 0)
			memcpy(grown, found->files, found->count * sizeof(*grown));
		found->files = grown;
	}
	found->files[found->count++] =
		(struct copilot_stored){ .path = path, .home = home, .read = read };
}

/* Windows' files below WSL do not tell when they change. */
static bool is_foreign(const char *dir)
{
	return strncmp(dir, "/mnt/", 5) == 0;
}

static void find_files(struct found *found, const char *dir, const char *home, bool transcripts)
{
	struct path_list list;

	if (found->places) {
		source_place_add(found->places, dir, 0, is_foreign(dir));
		return;
	}
	list = places_list(found->context, found->arena, dir, PLACES_FILES, NULL);
	for (size_t i = 0; i < list.count; i++) {
		copilot_reader *read = reader_of(list.paths[i], transcripts);

		if (read)
			add_file(found, list.paths[i], home, read);
	}
}

/* The extension's directory in DIR, in whatever case. */
static void find_transcripts(struct found *found, const char *dir, const char *home)
{
	static const char extension[] = "GitHub.copilot-chat";
	struct path_list dirs = places_list(found->context, found->arena, dir, PLACES_DIRS, NULL);
	bool any = false;

	for (size_t i = 0; i < dirs.count; i++) {
		struct str name = places_name(dirs.paths[i]);

		if (name.len != sizeof(extension) - 1 ||
			strncasecmp(name.ptr, extension, name.len) != 0)
			continue;
		find_files(found, fs_join(found->arena, dirs.paths[i], "transcripts"), home, true);
		any = true;
	}
	if (!any && found->places) /* it may come */
		find_files(found, fs_join(found->arena, dir, "GitHub.copilot-chat/transcripts"),
			home, true);
}

static void find_in_user(struct found *found, const char *user)
{
	const char *storage = fs_join(found->arena, user, "workspaceStorage");
	const char *global = fs_join(found->arena, user, "globalStorage");
	struct path_list homes =
		places_list(found->context, found->arena, storage, PLACES_DIRS, NULL);

	if (found->places)
		source_place_add(found->places, storage, 0, is_foreign(storage));
	for (size_t i = 0; i < homes.count; i++) {
		const char *home = homes.paths[i];

		find_files(found, fs_join(found->arena, home, "chatSessions"), home, false);
		find_transcripts(found, home, home);
	}
	find_files(found, fs_join(found->arena, global, "emptyWindowChatSessions"), NULL, false);
	find_files(found, fs_join(found->arena, global, "transferredChatSessions"), NULL, false);
	find_transcripts(found, global, NULL);
}

/* False: there are no roots. */
static bool find(struct found *found)
{
	struct path_list users =
		places_vscode_users(found->context, found->arena, copilot_source.name);

	for (size_t i = 0; i < users.count; i++)
		find_in_user(found, users.paths[i]);
	return users.count > 0;
}

/* --- sessions --- */

static bool is_uuid(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? name.ptr[i] != '-' : !memchr("0123456789abcdefABCDEF", name.ptr[i], 22))
			return false;
	}
	return name.len == UUID_BYTES;
}

static struct str stem_of(const char *path)
{
	struct str name = places_name(path);

	return str_sub(name, 0, name.len - (str_ends(name, STR(".json")) ? 5 : 6));
}

/* One stat, and the content only of a new or changed file whose name does not tell. */
static void look_at(struct copilot_round *round, struct copilot_stored *file)
{
	struct str known = doc_state(round->set, file->path);
	struct stat status;

	file->changed = !doc_unchanged(round->set, file->path) || known.len == 0;
	round->counts->files++;
	if (!file->changed) {
		file->session = known;
		return;
	}
	file->bytes = stat(file->path, &status) == 0 ? status.st_size : 0;
	collect_progress_todo(round->context->progress, file->bytes);
	file->session = agent_text(&round->arena, stem_of(file->path));
	if (is_uuid(file->session))
		return;
	known = copilot_find_session(&round->arena, file);
	if (known.len > 0)
		file->session = agent_text(&round->arena, known);
}

static int by_session(const void *a, const void *b)
{
	const struct copilot_stored *one = a, *other = b;
	int order = str_cmp(one->session, other->session);

	return order ? order : strcmp(one->path, other->path);
}

static int take_sessions(struct copilot_round *round, const struct copilot_stored *files,
	size_t count, struct err *err)
{
	for (size_t from = 0, to; from < count; from = to) {
		bool changed = false;

		for (to = from; to < count && str_eq(files[to].session, files[from].session); to++)
			changed |= files[to].changed;
		if (!changed) {
			round->counts->skipped_unchanged += (int64_t)(to - from);
			continue;
		}
		if (copilot_take_group(round, files + from, to - from, err) < 0 ||
			agent_round_relax(round->round, err) < 0)
			return err->code;
	}
	return 0;
}

static void round_release(struct copilot_round *round)
{
	tail_set_free(round->set);
	agent_round_free(round->round);
	arena_release(&round->arena);
}

static int collect(
	const struct collect_context *context, struct source_counts *counts, struct err *err)
{
	CLEANUP(round_release)
	struct copilot_round round = { .context = context, .counts = counts };
	struct found found = { .context = context, .arena = &round.arena };

	if (tail_set_load(&round.set, context->store, STR(NAME), err) < 0 ||
		agent_round_begin(&round.round, context, NAME, err) < 0)
		return err->code;
	find(&found);
	for (size_t i = 0; i < found.count; i++)
		look_at(&round, &found.files[i]);
	if (found.count > 1)
		qsort(found.files, found.count, sizeof(*found.files), by_session);
	if (take_sessions(&round, found.files, found.count, err) < 0 ||
		tail_set_forget_missing(round.set, agent_round_intake(round.round), err) < 0)
		return err->code;
	return agent_round_end(round.round, counts, err);
}

static int64_t present(const struct collect_context *context)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct found found = { .context = context, .arena = &arena };

	return find(&found) ? (int64_t)found.count : -1;
}

static void places(const struct collect_context *context, struct source_places *places)
{
	struct found found = { .context = context, .arena = places->arena, .places = places };

	find(&found);
}

const struct source copilot_source = {
	.name = NAME,
	.summary = "GitHub Copilot Chat in VS Code",
	.alone = true,
	.collect = collect,
	.present = present,
	.places = places,
};
