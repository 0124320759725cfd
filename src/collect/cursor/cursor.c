/*
 * Cursor as a source: the databases of its windows and of its user, and its agents' transcripts.
 *
 * Opened are, below an editor's `User` directory, workspaceStorage/HASH/workspace.json,
 * workspaceStorage/HASH/state.vscdb and globalStorage/state.vscdb (with their -wal and -shm), and
 * below ~/.cursor the chats and transcripts that chats.c and files.c name; nothing else.
 *
 * Workspaces come first: they tell where composers belong. Then the composers, then the chats; the
 * transcripts last, which are read only of sessions that neither tells.
 */
#include "collect/cursor/round.h"

static const char *const home_defaults[] = { ".cursor", NULL };
static const int64_t read_bytes = INT64_C(512) << 20;
static const int64_t compare_bytes = INT64_C(16) << 20;

/* --- places --- */

/* Is this the `User` directory of Cursor, not of another editor? */
static bool is_cursors(const char *user)
{
	struct str path = str_from(user);
	static const char *const ends[] = { "/Cursor/User", "/.cursor-server/data/User" };

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (str_ends(path, str_from(ends[i])))
			return true;
	return false;
}

/* Configured roots may be a `User` directory, what holds one, or like ~/.cursor. */
static void find_roots(const struct collect_context *context, struct arena *arena,
	struct path_list *users, struct path_list *homes)
{
	struct path_list editors = places_vscode_users(context, arena, "cursor");
	struct path_list configured = places_roots(context, arena, "cursor", NULL, NULL);

	*users = path_list(arena);
	*homes = places_roots(context, arena, "cursor", NULL, home_defaults);
	for (size_t i = 0; i < editors.count; i++)
		if (is_cursors(editors.paths[i]))
			path_list_add(users, editors.paths[i]);
	for (size_t i = 0; i < configured.count; i++) {
		path_list_add(users, configured.paths[i]);
		path_list_add(users, fs_join(arena, configured.paths[i], "User"));
	}
}

static const char *global_of(struct arena *arena, const char *user)
{
	return fs_join(arena, user, "globalStorage/state.vscdb");
}

static struct path_list workspaces_of(
	const struct collect_context *context, struct arena *arena, const char *user)
{
	return places_list(
		context, arena, fs_join(arena, user, "workspaceStorage"), PLACES_DIRS, NULL);
}

/* --- a round --- */

bool cursor_must_wait(const struct cursor_round *round)
{
	return round->unlinked && workspace_policy_mark(round->context->policy) != 0;
}

static int collect_databases(struct cursor_round *round, struct err *err)
{
	for (size_t i = 0; i < round->users.count; i++) {
		struct path_list dirs =
			workspaces_of(round->context, &round->arena, round->users.paths[i]);

		for (size_t j = 0; j < dirs.count; j++)
			if (cursor_collect_workspace(round, dirs.paths[j], err) < 0)
				return err->code;
	}
	for (size_t i = 0; i < round->users.count; i++) {
		const char *path = global_of(&round->arena, round->users.paths[i]);

		if (fs_exists(path) && cursor_collect_database(round, path, err) < 0)
			return err->code;
	}
	return 0;
}

static void round_release(struct cursor_round *round)
{
	agent_round_free(round->round);
	tail_set_free(round->set);
	arena_release(&round->arena);
}

static int collect_cursor(
	const struct collect_context *context, struct source_counts *counts, struct err *err)
{
	CLEANUP(round_release)
	struct cursor_round round = {
		.context = context,
		.counts = counts,
		.to_read = read_bytes,
		.to_compare = compare_bytes,
	};

	if (tail_set_load(&round.set, context->store, CURSOR_SOURCE, err) < 0 ||
		agent_round_begin(&round.round, context, "cursor", err) < 0)
		return err->code;
	round.intake = agent_round_intake(round.round);
	find_roots(context, &round.arena, &round.users, &round.homes);
	if (collect_databases(&round, err) < 0 || cursor_collect_chats(&round, err) < 0 ||
		cursor_collect_transcripts(&round, err) < 0 ||
		tail_set_forget_missing(round.set, round.intake, err) < 0)
		return err->code;
	return agent_round_end(round.round, counts, err);
}

/* --- what there is --- */

static int64_t present_cursor(const struct collect_context *context)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct path_list users, homes;
	int64_t files;

	find_roots(context, &arena, &users, &homes);
	if (users.count == 0 && homes.count == 0)
		return -1;
	files = cursor_count_transcripts(context, &arena, &homes) +
		cursor_count_chats(context, &arena, &homes);
	for (size_t i = 0; i < users.count; i++) {
		struct path_list dirs = workspaces_of(context, &arena, users.paths[i]);

		files += fs_exists(global_of(&arena, users.paths[i]));
		for (size_t j = 0; j < dirs.count; j++)
			files += fs_exists(fs_join(&arena, dirs.paths[j], "state.vscdb")) +
				 fs_exists(fs_join(&arena, dirs.paths[j], "workspace.json"));
	}
	return files;
}

/* A log that is written to shows in its own file only. */
static void places_cursor(const struct collect_context *context, struct source_places *places)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct path_list users, homes;
	const char *missing = fs_join(&arena, context->dirs->home, ".cursor");

	find_roots(context, &arena, &users, &homes);
	for (size_t i = 0; i < users.count; i++) {
		source_place_add(places, fs_join(&arena, users.paths[i], "globalStorage"), 0, true);
		source_place_add(
			places, fs_join(&arena, users.paths[i], "workspaceStorage"), 1, true);
	}
	if (users.count == 0)
		source_place_add(places,
			fs_join(&arena, places_config_home(context, &arena),
				"Cursor/User/globalStorage"),
			0, true);
	if (homes.count == 0)
		homes.paths = &missing;
	for (size_t i = 0; i < homes.count + (homes.count == 0); i++) {
		source_place_add(places, fs_join(&arena, homes.paths[i], "projects"), 4, false);
		source_place_add(places, fs_join(&arena, homes.paths[i], "chats"), 2, true);
	}
}

const struct source cursor_source = {
	.name = "cursor",
	.summary = "Cursor, from its databases, its chats and its agents' transcripts",
	.alone = true,
	.collect = collect_cursor,
	.present = present_cursor,
	.places = places_cursor,
};
