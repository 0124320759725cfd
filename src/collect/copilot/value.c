/* Values as Copilot's files have them. */
#include "base/hash.h"
#include "collect/agent_value.h"
#include "collect/copilot/parts.h"
#include "collect/places.h"

/* --- times and numbers --- */

int64_t copilot_time(const struct json *value)
{
	int64_t ns;

	return agent_time(value, &ns) ? ns : INT64_MIN;
}

int64_t copilot_number(const struct json *value)
{
	int64_t number;

	return json_to_i64(value, &number) && number >= 0 ? number : -1;
}

struct str copilot_keep(struct agent_session *session, struct str text)
{
	return text.len > 0 ? arena_str(session->arena, text) : (struct str){ NULL, 0 };
}

struct str copilot_key(
	struct agent_session *session, struct str a, const char *middle, struct str b)
{
	CLEANUP(buf_release) struct buf key = BUF_INIT;

	buf_add(&key, a);
	buf_addc(&key, middle);
	buf_add(&key, b);
	return arena_str(session->arena, buf_str(&key));
}

struct str copilot_number_key(
	struct agent_session *session, struct str a, const char *middle, int64_t number)
{
	CLEANUP(buf_release) struct buf digits = BUF_INIT;

	buf_i64(&digits, number);
	return copilot_key(session, a, middle, buf_str(&digits));
}

/* --- files --- */

static struct str cut_at(struct str text, char byte)
{
	ptrdiff_t at = str_find(text, byte, 0);

	return at < 0 ? text : str_sub(text, 0, (size_t)at);
}

/* A path, or a URI of a file. */
static struct str file_of_text(struct arena *arena, struct str text)
{
	if (str_starts(text, STR("file:")) || str_starts(text, STR("vscode-remote:")))
		text = cut_at(cut_at(text, '#'), '?');
	else if (str_find_str(text, STR("://")) >= 0 || str_starts(text, STR("untitled:")))
		return STR("");
	return places_workspace_of_uri(arena, text);
}

static bool is_file_scheme(struct str scheme)
{
	static const char *const schemes[] = { "", "file", "vscode-remote", "vscode-notebook-cell",
		"vscode-userdata" };

	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (str_eq_c(scheme, schemes[i]))
			return true;
	return false;
}

static struct str file_of_components(struct arena *arena, const struct json *uri)
{
	struct str path = json_get_str(uri, "fsPath");

	if (path.len == 0)
		path = json_get_str(uri, "path");
	if (path.len == 0)
		return file_of_text(arena, json_get_str(uri, "external"));
	return is_file_scheme(json_get_str(uri, "scheme")) ? places_workspace_of_uri(arena, path)
							   : STR("");
}

struct str copilot_file(struct arena *arena, const struct json *value)
{
	static const char *const holders[] = { "uri", "reference", "value" };

	for (int level = 0; level < 3; level++) {
		const struct json *inner = NULL;
		struct str file = json_is(value, JSON_STRING) ? file_of_text(arena, json_str(value))
							      : file_of_components(arena, value);

		if (file.len > 0)
			return file;
		for (size_t i = 0; i < ARRAY_LEN(holders) && !inner; i++)
			inner = json_get(value, holders[i]);
		if (!inner)
			break;
		value = inner;
	}
	return STR("");
}

/* --- maps --- */

struct copilot_map_slot {
	struct str key;
	const void *value;
	bool used;
};

static struct copilot_map_slot *slot_of(const struct copilot_map *map, struct str key)
{
	size_t at = (size_t)hash64(key, 0) & (map->slot_count - 1);

	while (map->slots[at].used && !str_eq(map->slots[at].key, key))
		at = (at + 1) & (map->slot_count - 1);
	return &map->slots[at];
}

static void grow(struct copilot_map *map)
{
	struct copilot_map old = *map;

	map->slot_count = old.slot_count ? old.slot_count * 2 : 32;
	map->slots = arena_zalloc(map->arena, map->slot_count, sizeof(*map->slots));
	for (size_t i = 0; i < old.slot_count; i++)
		if (old.slots[i].used)
			*slot_of(map, old.slots[i].key) = old.slots[i];
}

bool copilot_map_add(struct copilot_map *map, struct str key, const void *value)
{
	struct copilot_map_slot *slot;

	if ((map->count + 1) * 2 > map->slot_count)
		grow(map);
	slot = slot_of(map, key);
	if (slot->used)
		return false;
	*slot = (struct copilot_map_slot){ key, value, true };
	map->count++;
	return true;
}

const void *copilot_map_get(const struct copilot_map *map, struct str key, bool *found)
{
	const struct copilot_map_slot *slot = map->slot_count ? slot_of(map, key) : NULL;

	*found = slot && slot->used;
	return *found ? slot->value : NULL;
}
