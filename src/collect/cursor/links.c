/*
 * Where composers were opened: what the editor's windows, whose databases lie beside a
 * workspace.json, and composers themselves say of it.
 *
 * Memo `workspace:ID`: a digit, how much it is worth (the less the better), and the workspace.
 */
#include "collect/cursor/round.h"
#include "collect/database.h"
#include "store/foreign_cursor.h"

/* What a composer says itself; rows of `composer.…`, which say whose it is; those of panes, where
 * it was looked at. */
enum { TOLD, LISTED, SHOWN };

/* --- links --- */

static int rank_of(struct str key)
{
	return str_starts(key, STR("composer.")) ? LISTED : SHOWN;
}

static struct str workspace_key(struct arena *arena, struct str composer)
{
	return arena_printf(arena, "workspace:%.*s", STR_ARG(composer));
}

/* The better link stays, whatever the order in which they come. */
static int keep_link(struct cursor_round *round, struct arena *arena, int rank,
	const struct cursor_link *link, struct err *err)
{
	struct str key = workspace_key(arena, link->composer), known;
	struct str value = arena_printf(arena, "%d%.*s", rank, STR_ARG(link->workspace));
	bool found;

	if (link->workspace.len == 0 || str_find(link->composer, '\n', 0) >= 0)
		return 0;
	if (intake_memo_get(round->intake, CURSOR_SOURCE, key, arena, &known, &found, err) < 0)
		return err->code;
	if (found && str_cmp(known, value) <= 0)
		return 0;
	round->relinked = true;
	return intake_memo_put(round->intake, CURSOR_SOURCE, key, value, err);
}

int cursor_get_link(struct cursor_round *round, struct arena *arena, struct str composer,
	struct str *workspace, struct err *err)
{
	bool found;

	if (intake_memo_get(round->intake, CURSOR_SOURCE, workspace_key(arena, composer), arena,
		    workspace, &found, err) < 0)
		return err->code;
	*workspace = str_sub(*workspace, 1, found ? workspace->len : 0);
	return 0;
}

int cursor_tell_link(
	struct cursor_round *round, struct str composer, struct str workspace, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct str key = workspace_key(&arena, composer), known;
	struct str value = arena_printf(&arena, "%d%.*s", TOLD, STR_ARG(workspace));
	bool found;

	if (intake_memo_get(round->intake, CURSOR_SOURCE, key, &arena, &known, &found, err) < 0)
		return err->code;
	if (found && str_eq(known, value))
		return 0;
	return intake_memo_put(round->intake, CURSOR_SOURCE, key, value, err);
}

int cursor_keep_links(struct cursor_round *round, const struct foreign_item *items, size_t count,
	struct str workspace, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };

	for (size_t i = 0; i < count; i++) {
		size_t links;
		struct cursor_link *link =
			cursor_workspace_links(&arena, items[i].key, items[i].value, &links);

		for (; links > 0; links--, link++) {
			if (link->workspace.len == 0)
				link->workspace = workspace;
			if (keep_link(round, &arena, rank_of(items[i].key), link, err) < 0)
				return err->code;
		}
	}
	return 0;
}

/* --- windows --- */

/* The workspace that DIR/workspace.json names, from the file or from what was kept of it. */
static int read_workspace(
	struct cursor_round *round, const char *dir, struct str *workspace, struct err *err)
{
	CLEANUP(doc_release) struct doc doc = { 0 };
	const char *path = fs_join(&round->arena, dir, "workspace.json");

	*workspace = (struct str){ NULL, 0 };
	if (!fs_exists(path))
		return 0;
	round->counts->files++;
	if (doc_unchanged(round->set, path)) {
		round->counts->skipped_unchanged++;
		*workspace = doc_state(round->set, path);
		return 0;
	}
	if (doc_read(&doc, path, err) < 0) {
		log_debug(round->context->log, "%s", err->message);
		return 0;
	}
	*workspace = cursor_workspace_of(&round->arena, buf_str(&doc.bytes));
	return doc_save(&doc, round->set, round->intake, doc.cursor.size, *workspace, err);
}

static void know(struct cursor_round *round, struct str workspace)
{
	if (round->known_count == round->known_capacity) {
		size_t capacity = round->known_capacity * 2 + 16;
		struct cursor_known *grown = arena_zalloc(&round->arena, capacity, sizeof(*grown));

		if (round->known_count > 0)
			memcpy(grown, round->known, round->known_count * sizeof(*grown));
		round->known = grown;
		round->known_capacity = capacity;
	}
	round->known[round->known_count++] = (struct cursor_known){
		.workspace = workspace,
		.name = cursor_project_name(&round->arena, workspace),
		.hash = cursor_workspace_hash(&round->arena, workspace),
	};
}

/* Its database; what was kept with it is the workspace its rows were linked to. */
static int read_links(
	struct cursor_round *round, const char *path, struct str workspace, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	CLEANUP(foreign_closep) struct foreign *foreign = NULL;
	struct database database;
	struct foreign_item *items;
	struct str kept;
	size_t count = 0;

	round->counts->files++;
	if (database_unchanged(round->set, &arena, path, &kept) && str_eq(kept, workspace)) {
		round->counts->skipped_unchanged++;
		return 0;
	}
	if (database_look(&database, &arena, path, err) < 0 ||
		(workspace.len > 0 &&
			(foreign_cursor_open(&foreign, path, round->context->dirs->state, err) <
					0 ||
				foreign_cursor_items(foreign, &arena, &items, &count, err) < 0 ||
				foreign_check(foreign, err) < 0))) {
		round->unlinked |= err->code == ERR_BUSY;
		return database_fault(round->context, round->counts, &database, round->set,
			round->intake, workspace, err);
	}
	if (count > 0 && cursor_keep_links(round, items, count, workspace, err) < 0)
		return err->code;
	return database_save(&database, round->set, round->intake, false, workspace, err);
}

int cursor_collect_workspace(struct cursor_round *round, const char *dir, struct err *err)
{
	const char *path = fs_join(&round->arena, dir, "state.vscdb");
	struct str workspace;

	if (read_workspace(round, dir, &workspace, err) < 0)
		return err->code;
	if (workspace.len > 0)
		know(round, workspace);
	return fs_exists(path) ? read_links(round, path, workspace, err) : 0;
}
