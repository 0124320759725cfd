/*
 * Chats of Cursor's command line as files: HOME/chats/MD5/SESSION/store.db, where MD5 is that of
 * the workspace's path; no other file below HOME/chats is opened.
 *
 * A chat is small, and read as a whole when its database changed. What its newest index does not
 * list any more was summed up to save room, so nothing is taken back.
 */
#include "collect/cursor/round.h"
#include "collect/database.h"
#include "model/limits.h"
#include "store/foreign_chat.h"

enum { DEEPEST_INDEX = 8, MOST_BYTES = LIMIT_DOCUMENT_BYTES };

/* A chat that is read. */
struct chat_reading {
	struct cursor_round *round;
	const char *path;
	struct str id, hash; /* its directory, and the one above */
	struct arena arena;
	struct foreign *foreign;
	struct cursor_chat chat;
	struct str workspace; /* as an index tells */
	size_t bytes;         /* read of it */
};

static struct path_list chats_of(
	const struct collect_context *context, struct arena *arena, const struct path_list *homes)
{
	struct path_list out = path_list(arena);

	for (size_t i = 0; i < homes->count; i++) {
		struct path_list hashes = places_list(context, arena,
			fs_join(arena, homes->paths[i], "chats"), PLACES_DIRS, NULL);

		for (size_t j = 0; j < hashes.count; j++) {
			struct path_list sessions =
				places_list(context, arena, hashes.paths[j], PLACES_DIRS, NULL);

			for (size_t k = 0; k < sessions.count; k++)
				path_list_add(&out, fs_join(arena, sessions.paths[k], "store.db"));
		}
	}
	return out;
}

int64_t cursor_count_chats(
	const struct collect_context *context, struct arena *arena, const struct path_list *homes)
{
	return (int64_t)chats_of(context, arena, homes).count;
}

/* --- reading it; errors are the database's --- */

static int read_blob(struct chat_reading *reading, struct str id, int depth, struct err *err)
{
	struct cursor_chat_index index;
	struct str data;

	if (foreign_chat_blob(reading->foreign, id, &reading->arena, &data, err) < 0)
		return err->code;
	reading->bytes += data.len;
	if (depth > DEEPEST_INDEX || reading->bytes > MOST_BYTES)
		return err_set(err, ERR_LIMIT, "chat '%s' is too large, or goes in circles",
			reading->path);
	if (data.len == 0)
		return 0;
	if (str_starts(data, STR("{"))) {
		cursor_chat_message(&reading->chat, id, data);
		return 0;
	}
	if (!cursor_chat_index(&index, &reading->arena, data)) {
		agent_session_bad(&reading->chat.session, str_from(reading->path), -1, "not_json",
			"neither a message nor an index", data);
		return 0;
	}
	if (reading->workspace.len == 0)
		reading->workspace = index.workspace;
	for (size_t i = 0; i < index.count; i++)
		if (read_blob(reading, index.ids[i], depth + 1, err) < 0)
			return err->code;
	return 0;
}

static int read_chat(struct chat_reading *reading, int64_t mtime_ns, struct err *err)
{
	struct cursor_chat_meta meta;
	struct str value;

	if (foreign_chat_meta(reading->foreign, &reading->arena, &value, err) < 0)
		return err->code;
	if (value.len > 0 && !cursor_chat_meta(&meta, &reading->arena, value)) {
		meta = (struct cursor_chat_meta){ .created_ns = AGENT_NO_TIME };
		cursor_chat_begin(&reading->chat, &reading->arena, reading->id, &meta, mtime_ns,
			str_from(reading->path));
		agent_session_bad(&reading->chat.session, str_from(reading->path), -1, "not_json",
			"the row of the chat", value);
		return 0;
	}
	if (value.len == 0)
		meta = (struct cursor_chat_meta){ .created_ns = AGENT_NO_TIME };
	cursor_chat_begin(&reading->chat, &reading->arena, reading->id, &meta, mtime_ns,
		str_from(reading->path));
	return meta.root.len > 0 ? read_blob(reading, meta.root, 0, err) : 0;
}

/* In one view of the database. */
static int open_chat(struct chat_reading *reading, int64_t mtime_ns, struct err *err)
{
	int rc;

	if (foreign_chat_open(&reading->foreign, reading->path,
		    reading->round->context->dirs->state, err) < 0 ||
		foreign_begin(reading->foreign, err) < 0)
		return err->code;
	rc = read_chat(reading, mtime_ns, err);
	foreign_end(reading->foreign);
	return rc < 0 ? rc : foreign_check(reading->foreign, err);
}

/* --- giving it --- */

static int find_workspace(
	struct chat_reading *reading, struct str known, struct str *workspace, struct err *err)
{
	struct cursor_round *round = reading->round;

	*workspace = reading->workspace;
	if (workspace->len > 0)
		*workspace = places_workspace_of_uri(&reading->arena, *workspace);
	if (workspace->len == 0 &&
		cursor_find_hashed(round, reading->hash, known.len == 0, workspace, err) < 0)
		return err->code;
	if (workspace->len == 0)
		*workspace = known;
	if (workspace->len == 0)
		return 0;
	return cursor_tell_link(round, reading->id, *workspace, err);
}

/* Its state is its workspace. */
static int give(
	struct chat_reading *reading, struct database *database, struct str known, struct err *err)
{
	struct cursor_round *round = reading->round;
	struct agent_session *session = &reading->chat.session;

	if (find_workspace(reading, known, &session->cwd, err) < 0)
		return err->code;
	if (session->cwd.len == 0 && cursor_must_wait(round))
		return 0;
	if (agent_round_put(round->round, session, AGENT_APPEND, err) < 0 ||
		database_save(database, round->set, round->intake, false, session->cwd, err) < 0)
		return err->code;
	return agent_round_relax(round->round, err);
}

static int is_unchanged(
	struct chat_reading *reading, struct str *known, bool *unchanged, struct err *err)
{
	struct cursor_round *round = reading->round;
	struct str workspace;

	*unchanged = database_unchanged(round->set, &reading->arena, reading->path, known);
	if (!*unchanged || known->len > 0)
		return 0;
	if (cursor_find_hashed(round, reading->hash, false, &workspace, err) < 0)
		return err->code;
	*unchanged = workspace.len == 0;
	return 0;
}

static int64_t last_write(const struct database *database)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	int64_t mtime_ns = database->doc.cursor.mtime_ns;
	struct stat status;

	buf_printf(&path, "%s-wal", database->doc.path);
	if (stat(buf_cstr(&path), &status) == 0 && status.st_size > 0) {
		int64_t log_ns = status.st_mtim.tv_sec * NS_PER_S + status.st_mtim.tv_nsec;

		return log_ns > mtime_ns ? log_ns : mtime_ns;
	}
	return mtime_ns;
}

static void reading_release(struct chat_reading *reading)
{
	cursor_chat_release(&reading->chat);
	foreign_close(reading->foreign);
	arena_release(&reading->arena);
}

static int collect_chat(struct cursor_round *round, const char *path, struct err *err)
{
	CLEANUP(reading_release)
	struct chat_reading reading = { .round = round, .path = path };
	struct str dir = str_from(path), known;
	struct database database;
	bool unchanged;

	dir.len -= places_name(path).len + 1;
	reading.id = places_name(arena_cstr(&reading.arena, dir));
	dir.len -= reading.id.len + 1;
	reading.hash = places_name(arena_cstr(&reading.arena, dir));
	round->counts->files++;
	if (is_unchanged(&reading, &known, &unchanged, err) < 0)
		return err->code;
	if (unchanged) {
		round->counts->skipped_unchanged++;
		return 0;
	}
	if (database_look(&database, &reading.arena, path, err) < 0 ||
		open_chat(&reading, last_write(&database), err) < 0)
		return database_fault(round->context, round->counts, &database, round->set,
			round->intake, known, err);
	return give(&reading, &database, known, err);
}

int cursor_collect_chats(struct cursor_round *round, struct err *err)
{
	struct path_list chats = chats_of(round->context, &round->arena, &round->homes);

	for (size_t i = 0; i < chats.count; i++)
		if (collect_chat(round, chats.paths[i], err) < 0)
			return err->code;
	return 0;
}
