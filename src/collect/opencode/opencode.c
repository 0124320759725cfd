/*
 * OpenCode as a source.
 *
 * Opened are, below its data directory, opencode.db and opencode-CHANNEL.db (with their -wal and
 * -shm), of which four tables are read, and in storage/ the JSON files of session, message, part
 * and project; auth.json, session_diff and everything else are not.
 */
#include "collect/opencode/round.h"

static const int64_t read_bytes = INT64_C(512) << 20;
static const int64_t compare_bytes = INT64_C(4) << 20;

static struct path_list find_roots(const struct collect_context *context, struct arena *arena)
{
	const char *const defaults[] = {
		fs_join(arena, places_data_home(context, arena), "opencode"),
		".local/share/opencode",
		"Library/Application Support/opencode",
		NULL,
	};

	return places_roots(context, arena, "opencode", "OPENCODE_DATA_DIR", defaults);
}

static struct path_list databases_in(
	const struct collect_context *context, struct arena *arena, const char *root)
{
	struct path_list files = places_list(context, arena, root, PLACES_FILES, ".db");
	struct path_list out = path_list(arena);

	for (size_t i = 0; i < files.count; i++) {
		struct str name = places_name(files.paths[i]);

		if (str_eq(name, STR("opencode.db")) || str_starts(name, STR("opencode-")))
			path_list_add(&out, files.paths[i]);
	}
	return out;
}

/* All databases first: what they hold is not looked for in the trees. */
static int collect_roots(struct opencode_round *round, struct err *err)
{
	for (size_t i = 0; i < round->roots.count; i++) {
		struct path_list databases =
			databases_in(round->context, &round->arena, round->roots.paths[i]);

		for (size_t j = 0; j < databases.count; j++)
			if (opencode_collect_database(round, databases.paths[j], err) < 0)
				return err->code;
	}
	for (size_t i = 0; i < round->roots.count; i++)
		if (opencode_collect_tree(round,
			    fs_join(&round->arena, round->roots.paths[i], "storage"), err) < 0)
			return err->code;
	return 0;
}

static void round_release(struct opencode_round *round)
{
	agent_round_free(round->round);
	tail_set_free(round->set);
	arena_release(&round->arena);
}

static int collect_opencode(
	const struct collect_context *context, struct source_counts *counts, struct err *err)
{
	CLEANUP(round_release)
	struct opencode_round round = {
		.context = context,
		.counts = counts,
		.to_read = read_bytes,
		.to_compare = compare_bytes,
	};

	if (tail_set_load(&round.set, context->store, OPENCODE_SOURCE, err) < 0 ||
		agent_round_begin(&round.round, context, "opencode", err) < 0)
		return err->code;
	round.intake = agent_round_intake(round.round);
	round.roots = find_roots(context, &round.arena);
	if (collect_roots(&round, err) < 0 ||
		tail_set_forget_missing(round.set, round.intake, err) < 0)
		return err->code;
	return agent_round_end(round.round, counts, err);
}

static int64_t present_opencode(const struct collect_context *context)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct path_list roots = find_roots(context, &arena);
	size_t files = 0;

	if (roots.count == 0)
		return -1;
	for (size_t i = 0; i < roots.count; i++)
		files += databases_in(context, &arena, roots.paths[i]).count +
			 opencode_sessions_in(
				 context, &arena, fs_join(&arena, roots.paths[i], "storage"))
				 .count;
	return (int64_t)files;
}

static void places_opencode(const struct collect_context *context, struct source_places *places)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct path_list roots = find_roots(context, &arena);

	for (size_t i = 0; i < roots.count; i++) {
		source_place_add(places, roots.paths[i], 0, true);
		source_place_add(places, fs_join(&arena, roots.paths[i], "storage"), 3, false);
	}
	if (roots.count == 0)
		source_place_add(places,
			fs_join(&arena, places_data_home(context, &arena), "opencode"), 0, true);
}

const struct source opencode_source = {
	.name = "opencode",
	.summary = "OpenCode, from its database and the files of older releases",
	.alone = true,
	.collect = collect_opencode,
	.present = present_opencode,
	.places = places_opencode,
};
