/*
 * OpenCode's tree of files, as releases before the database wrote it:
 *
 *	session/PROJECT/SESSION.json  message/SESSION/MESSAGE.json  part/MESSAGE/PART.json
 *	project/PROJECT.json
 *
 * Every file is rewritten whole, in place. A session is one group: its cursor is that of its own
 *file and keeps a hash of the names, sizes and times of all the others, so that nothing is opened
 *while none of them changed. A session that a database holds is not looked at beyond its own file.
 */
#include "base/hash.h"
#include "collect/database.h"
#include "collect/opencode/round.h"

/* One session's files. */
struct group {
	struct opencode_round *round;
	const char *path; /* of the session */
	const char *project;
	struct str id;
	struct arena arena;
	struct path_list messages;
	struct path_list *parts; /* of each message */
	int64_t files;
	uint64_t hash;
};

struct path_list opencode_sessions_in(
	const struct collect_context *context, struct arena *arena, const char *dir)
{
	struct path_list out = path_list(arena);
	struct path_list projects =
		places_list(context, arena, fs_join(arena, dir, "session"), PLACES_DIRS, NULL);

	for (size_t i = 0; i < projects.count; i++) {
		struct path_list files =
			places_list(context, arena, projects.paths[i], PLACES_FILES, ".json");

		for (size_t j = 0; j < files.count; j++)
			path_list_add(&out, files.paths[j]);
	}
	return out;
}

/* NAME of DIR/NAME.json. */
static struct str name_of(const char *path)
{
	struct str name = places_name(path);

	return str_sub(name, 0, name.len - (sizeof(".json") - 1));
}

/* --- the group --- */

static void note_file(struct group *group, const char *path)
{
	struct doc doc = { 0 };
	struct err ignored;
	int64_t facts[3] = { 0 };

	group->files++;
	if (doc_stat(&doc, path, &ignored) == 0) {
		facts[0] = doc.cursor.size;
		facts[1] = doc.cursor.mtime_ns;
		facts[2] = (int64_t)doc.cursor.inode;
	}
	group->hash = hash64(str_from(path), group->hash);
	group->hash = hash64((struct str){ (const char *)facts, sizeof(facts) }, group->hash);
	doc_release(&doc);
}

static struct path_list list_files(struct group *group, const char *dir)
{
	struct path_list files =
		places_list(group->round->context, &group->arena, dir, PLACES_FILES, ".json");

	for (size_t i = 0; i < files.count; i++)
		note_file(group, files.paths[i]);
	return files;
}

/* TREE is ROOT/storage. */
static void find_files(struct group *group, const char *tree)
{
	struct arena *arena = &group->arena;
	struct str id = group->id;

	note_file(group, group->path);
	if (fs_exists(group->project))
		note_file(group, group->project);
	group->messages =
		list_files(group, arena_printf(arena, "%s/message/%.*s", tree, STR_ARG(id)).ptr);
	group->parts = arena_zalloc(arena, group->messages.count + 1, sizeof(*group->parts));
	for (size_t i = 0; i < group->messages.count; i++) {
		struct str message = name_of(group->messages.paths[i]);

		group->parts[i] = list_files(
			group, arena_printf(arena, "%s/part/%.*s", tree, STR_ARG(message)).ptr);
	}
}

static struct str state_of(struct group *group)
{
	return arena_printf(&group->arena, "%016llx", (unsigned long long)group->hash);
}

/* --- reading it --- */

/* What cannot be read because it is just being written, or gone, waits for the next round. *AGAIN.
 */
static int read_file(struct group *group, struct doc *doc, const char *path, bool *again,
	bool *good, struct err *err)
{
	*good = doc_read(doc, path, err) == 0;
	if (*good)
		return 0;
	if (err->code == ERR_BUSY || err->code == ERR_NOT_FOUND) {
		*again = true;
		return 0;
	}
	group->round->counts->failed++;
	log_warn(group->round->context->log, "%s", err->message);
	return 0;
}

static struct str read_worktree(struct group *group, bool *again, struct err *err)
{
	CLEANUP(doc_release) struct doc doc = { 0 };
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	const struct json *root;
	bool good = false;

	if (!fs_exists(group->project) ||
		read_file(group, &doc, group->project, again, &good, err) < 0 || !good ||
		json_parse(&parser, buf_str(&doc.bytes), true, &root, err) < 0)
		return (struct str){ NULL, 0 };
	return arena_str(&group->arena, json_get_str(root, "worktree"));
}

/* The session's own file. False: it cannot be read now; what is known of the session stays. */
static bool begin_chat(struct group *group, struct opencode_chat *chat, struct str bytes,
	struct str worktree, int64_t *updated_ns)
{
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	CLEANUP(buf_release) struct buf revert = BUF_INIT;
	struct json_writer writer = json_writer(&revert);
	struct opencode_facts facts = { .created_ns = AGENT_NO_TIME };
	const struct json *root = NULL;
	struct err err;
	bool good =
		json_parse(&parser, bytes, true, &root, &err) == 0 && json_is(root, JSON_OBJECT);

	if (good) {
		facts = opencode_facts_of(root);
		if (json_is(json_get(root, "revert"), JSON_OBJECT))
			json_put_value(&writer, json_get(root, "revert"));
		facts.revert = buf_str(&revert);
		if (!json_get_i64(json_get(root, "time"), "updated", updated_ns))
			*updated_ns = 0;
	}
	facts.id = group->id;
	facts.worktree = worktree;
	opencode_begin(chat, &group->arena, &facts, str_from(group->path));
	chat->session.strength = OPENCODE_TREE;
	if (!good)
		agent_session_bad(&chat->session, str_from(group->path), -1, "not_json",
			root ? "a session is an object" : err.message, bytes);
	return good;
}

static int read_rows(struct group *group, struct opencode_chat *chat, bool *again, struct err *err)
{
	CLEANUP(doc_release) struct doc doc = { 0 };
	bool good;

	for (size_t i = 0; i < group->messages.count; i++) {
		const char *path = group->messages.paths[i];
		struct str message = name_of(path);

		if (read_file(group, &doc, path, again, &good, err) < 0)
			return err->code;
		if (good)
			opencode_message(
				chat, message, AGENT_NO_TIME, buf_str(&doc.bytes), str_from(path));
		for (size_t j = 0; j < group->parts[i].count; j++) {
			path = group->parts[i].paths[j];
			if (read_file(group, &doc, path, again, &good, err) < 0)
				return err->code;
			if (good)
				opencode_part(chat, name_of(path), message, AGENT_NO_TIME,
					buf_str(&doc.bytes), str_from(path));
		}
	}
	return 0;
}

static int give(struct group *group, struct opencode_chat *chat, int64_t updated, struct err *err)
{
	struct opencode_round *round = group->round;
	struct str key = arena_printf(&group->arena, "tree:%.*s", STR_ARG(chat->session.id));
	bool may;

	if (database_may_give(
		    round->intake, OPENCODE_SOURCE, group->path, key, updated, &may, err) < 0)
		return err->code;
	if (!may)
		return 0;
	return agent_round_put(round->round, &chat->session,
		chat->session.bad_count > 0 ? AGENT_APPEND : AGENT_WHOLE, err);
}

static int read_group(struct group *group, struct err *err)
{
	CLEANUP(doc_release) struct doc doc = { 0 };
	CLEANUP(opencode_release) struct opencode_chat chat = { 0 };
	struct opencode_round *round = group->round;
	bool again = false, good;
	int64_t updated = 0;
	struct str worktree = read_worktree(group, &again, err);

	if (read_file(group, &doc, group->path, &again, &good, err) < 0)
		return err->code;
	if (!good || again)
		return 0;
	if (begin_chat(group, &chat, buf_str(&doc.bytes), worktree, &updated) &&
		read_rows(group, &chat, &again, err) < 0)
		return err->code;
	if (again) /* a state that never was would take back what is only not there now */
		return 0;
	opencode_end(&chat);
	if (give(group, &chat, updated, err) < 0 ||
		doc_save(&doc, round->set, round->intake, doc.cursor.size, state_of(group), err) <
			0)
		return err->code;
	return agent_round_relax(round->round, err);
}

/* A database has it: it is only remembered. */
static int pass_over(struct group *group, struct err *err)
{
	CLEANUP(doc_release) struct doc doc = { 0 };
	struct opencode_round *round = group->round;

	round->counts->files++;
	round->counts->skipped_unchanged++;
	if (doc_unchanged(round->set, group->path) || doc_stat(&doc, group->path, err) < 0)
		return 0;
	return doc_save(&doc, round->set, round->intake, doc.cursor.size, STR("held"), err);
}

static int collect_group(struct group *group, const char *tree, struct err *err)
{
	struct opencode_round *round = group->round;
	bool held, same;

	if (database_holds(round->intake, OPENCODE_SOURCE, group->id, &held, err) < 0)
		return err->code;
	if (held)
		return pass_over(group, err);
	find_files(group, tree);
	round->counts->files += group->files;
	same = doc_unchanged(round->set, group->path) &&
	       str_eq(doc_state(round->set, group->path), state_of(group));
	if (!same)
		return read_group(group, err);
	round->counts->skipped_unchanged += group->files;
	return 0;
}

static void group_release(struct group *group)
{
	arena_release(&group->arena);
}

int opencode_collect_tree(struct opencode_round *round, const char *dir, struct err *err)
{
	struct path_list sessions = opencode_sessions_in(round->context, &round->arena, dir);

	for (size_t i = 0; i < sessions.count; i++) {
		CLEANUP(group_release)
		struct group group = { .round = round, .path = sessions.paths[i] };
		struct str parent = str_from(group.path);
		struct str project;

		parent.len -= places_name(group.path).len + 1;
		project = places_name(arena_cstr(&group.arena, parent));
		group.id = name_of(group.path);
		group.project =
			arena_printf(&group.arena, "%s/project/%.*s.json", dir, STR_ARG(project))
				.ptr;
		if (group.id.len > 0 && collect_group(&group, dir, err) < 0)
			return err->code;
	}
	return 0;
}
