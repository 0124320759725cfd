/*
 * What is known of histories from earlier rounds: where they are, by their cursors; when it was
 * last looked for new ones; and which were moved.
 *
 * Memos: "far" is the time of the last far look and a hash of the directories that the
 * configuration named then; "moved:{path}" the name of a history that was another one's before. A
 * name is kept in a memo and not in the cursor, since cursors are forgotten when rules change.
 */
#include "base/clock.h"
#include "base/hash.h"
#include "collect/aider/aider.h"

enum { FAR_EVERY_MINUTES = 10 };

static const int64_t far_every_ns = (int64_t)FAR_EVERY_MINUTES * 60 * NS_PER_S;

/* --- where they are --- */

void aider_put_workspace(struct json_writer *state, const struct aider_file *file)
{
	json_kv_str(state, "workspace", file->workspace.ptr ? file->workspace : STR(""));
}

int aider_known(const struct collect_context *context, struct arena *arena, struct aider_files *out,
	struct err *err)
{
	struct json_parser parser = { 0 };
	struct file_cursor *cursors;
	size_t count;

	*out = (struct aider_files){ 0 };
	if (store_cursors(
		    context->store, str_from(aider_source.name), arena, &cursors, &count, err) < 0)
		return err->code;
	for (size_t i = 0; i < count; i++) {
		const struct json *root, *workspace;
		struct err ignored;

		/* Histories of inputs have no state. */
		if (cursors[i].state.len == 0 ||
			json_parse(&parser, cursors[i].state, false, &root, &ignored) < 0)
			continue;
		workspace = json_get(root, "workspace");
		if (json_is(workspace, JSON_STRING))
			aider_files_add(out, arena,
				(struct aider_file){ .path = arena_cstr(arena, cursors[i].path),
					.workspace = arena_str(arena, json_str(workspace)) });
	}
	json_parser_release(&parser);
	return 0;
}

/* --- when to look for others --- */

static uint64_t hash_of_roots(const struct collect_context *context)
{
	const char *const *roots = source_roots(context, aider_source.name);
	uint64_t hash = hash64(str_from(context->dirs->home), 0);

	for (size_t i = 0; roots[i]; i++)
		hash = hash64(str_from(roots[i]), hash + 1);
	return hash;
}

int aider_far_due(
	const struct collect_context *context, struct intake *intake, bool *due, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	int64_t now_ns = clock_now_ns(), last_ns;
	struct str memo, roots;
	bool found;

	*due = true;
	if (!context->background)
		return 0;
	if (intake_memo_get(intake, str_from(aider_source.name), STR("far"), &arena, &memo, &found,
		    err) < 0)
		return err->code;
	roots = arena_printf(&arena, "%016llx", (unsigned long long)hash_of_roots(context));
	if (found && str_to_i64(str_split(&memo, ' '), &last_ns) && str_eq(memo, roots))
		*due = last_ns > now_ns || last_ns <= now_ns - far_every_ns;
	return 0;
}

int aider_far_done(const struct collect_context *context, struct intake *intake, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct str memo;

	/* By hand it is never asked, so that a round that finds nothing new writes nothing. */
	if (!context->background)
		return 0;
	memo = arena_printf(&arena, "%lld %016llx", (long long)clock_now_ns(),
		(unsigned long long)hash_of_roots(context));
	return intake_memo_put(intake, str_from(aider_source.name), STR("far"), memo, err);
}

/* --- which were moved --- */

struct str aider_own_name(const struct aider_file *file)
{
	return file->workspace.len > 0 ? file->workspace : str_from(file->path);
}

static struct str moved_key(struct arena *arena, const struct aider_file *file)
{
	return arena_printf(arena, "moved:%s", file->path);
}

int aider_moved_name(
	struct intake *intake, struct arena *arena, struct aider_file *file, struct err *err)
{
	struct str name;
	bool found;

	if (intake_memo_get(intake, str_from(aider_source.name), moved_key(arena, file), arena,
		    &name, &found, err) < 0)
		return err->code;
	if (found)
		file->name = name;
	return 0;
}

int aider_note_moved(struct intake *intake, const struct aider_file *file, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };

	return intake_memo_put(
		intake, str_from(aider_source.name), moved_key(&arena, file), file->name, err);
}
