/* Which workspace a directory of Gemini's is of: two small files say so, each for releases of its
 * own. A directory that is named by a hash tells of any path whether it is its workspace. */
#include "collect/gemini/places.h"

#include "base/hash.h"
#include "base/json.h"
#include "base/sha256.h"
#include "collect/places.h"

/* Older releases named the directory by the path's SHA-256. */
static bool is_hash_of(struct str name, struct str path)
{
	uint8_t hash[SHA256_BYTES];
	char hex[2 * SHA256_BYTES + 1];

	if (name.len != sizeof(hex) - 1)
		return false;
	sha256(path, hash);
	hash_hex(hash, sizeof(hash), hex);
	return str_eq_c(name, hex);
}

static struct str registered(struct arena *arena, struct str name, struct str projects)
{
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	struct str path, found = { NULL, 0 };
	const struct json *root, *value;
	struct json_iter iter;
	struct err ignored;

	if (projects.len == 0 || json_parse(&parser, projects, true, &root, &ignored) < 0)
		return found;
	iter = json_iter(json_get(root, "projects"));
	while (found.len == 0 && json_next(&iter, &path, &value))
		if (iter.object && (str_eq(json_str(value), name) || is_hash_of(name, path)))
			found = places_workspace_of_uri(arena, path);
	return found;
}

struct str gemini_workspace(
	struct arena *arena, struct str name, struct str root, const struct gemini_known *known)
{
	struct str found = places_workspace_of_uri(arena, str_trim(root));

	if (found.len == 0)
		found = registered(arena, name, known->projects);
	for (size_t i = 0; i < known->count && found.len == 0; i++)
		if (is_hash_of(name, known->paths[i]))
			found = places_workspace_of_uri(arena, known->paths[i]);
	return found;
}

struct str gemini_workspace_above(struct str name, struct str file)
{
	struct str dir = str_starts(file, STR("/")) ? file : STR("");

	while (dir.len > 1) {
		while (dir.len > 1 && dir.ptr[--dir.len] != '/')
			;
		if (is_hash_of(name, dir))
			return dir;
	}
	return STR("");
}

static bool is_excluded(const struct collect_context *context, struct str path)
{
	CLEANUP(arena_release) struct arena arena = { 0 };

	return collect_excluded(context, places_workspace_of_uri(&arena, path));
}

bool gemini_names_excluded(const struct collect_context *context, struct str text)
{
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	const struct json *root, *value;
	struct json_iter iter;
	struct err ignored;
	struct str path;

	if (json_parse(&parser, text, true, &root, &ignored) < 0)
		return is_excluded(context, str_trim(text));
	iter = json_iter(json_get(root, "projects"));
	while (json_next(&iter, &path, &value))
		if (iter.object && is_excluded(context, path))
			return true;
	return false;
}
