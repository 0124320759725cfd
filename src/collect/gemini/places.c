/* Which workspace a directory of Gemini's is of: two small files say so, each for releases of its
 * own. */
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
	struct json_parser parser = { 0 };
	struct str path, found = { NULL, 0 };
	const struct json *root, *value;
	struct json_iter iter;
	struct err ignored;

	if (json_parse(&parser, projects, true, &root, &ignored) == 0) {
		iter = json_iter(json_get(root, "projects"));
		while (found.len == 0 && json_next(&iter, &path, &value))
			if (iter.object &&
				(str_eq(json_str(value), name) || is_hash_of(name, path)))
				found = places_workspace_of_uri(arena, path);
	}
	json_parser_release(&parser);
	return found;
}

struct str gemini_workspace(
	struct arena *arena, struct str name, struct str root, struct str projects)
{
	struct str found = places_workspace_of_uri(arena, str_trim(root));

	return found.len > 0 || projects.len == 0 ? found : registered(arena, name, projects);
}
