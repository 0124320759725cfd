/*
 * Which workspace a composer belongs to.
 *
 * New composers say it; for others the workspaces' own databases list the composers that were
 * opened there. Names below ~/.cursor/projects are a workspace's path with everything between its
 * words made
 * '-': they can be compared, not undone.
 */
#include "collect/cursor/cursor.h"
#include "collect/places.h"

enum { UUID_TEXT = 36, MOST_COMPOSERS = 1 << 20 };

struct str cursor_workspace_of(struct arena *arena, struct str json)
{
	static const char *const keys[] = { "folder", "workspace", "configuration" };
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	const struct json *root;
	struct str uri = { NULL, 0 };
	struct err ignored;

	if (json_parse(&parser, json, true, &root, &ignored) < 0)
		return uri;
	for (size_t i = 0; i < ARRAY_LEN(keys) && uri.len == 0; i++)
		uri = json_get_str(root, keys[i]);
	return uri.len > 0 ? places_workspace_of_uri(arena, uri) : uri;
}

struct str cursor_workspace_identified(struct arena *arena, const struct json *identifier)
{
	const struct json *uri = json_get(identifier, "uri");
	struct str scheme, authority, path, text = json_str(uri);

	if (!json_is(uri, JSON_OBJECT) && text.len == 0)
		uri = json_get(identifier, "configPath"); /* several folders */
	scheme = json_get_str(uri, "scheme");
	authority = json_get_str(uri, "authority");
	path = json_get_str(uri, "path");
	if (json_str(uri).len > 0)
		text = json_str(uri);
	else if (json_get_str(uri, "external").len > 0)
		text = json_get_str(uri, "external");
	else if (scheme.len > 0 && !str_eq(scheme, STR("file")))
		text = arena_printf(arena, "%.*s://%.*s%.*s", STR_ARG(scheme), STR_ARG(authority),
			STR_ARG(path));
	else
		text = json_get_str(uri, "fsPath").len > 0 ? json_get_str(uri, "fsPath") : path;
	return text.len > 0 ? places_workspace_of_uri(arena, text) : (struct str){ NULL, 0 };
}

/* --- composers of a workspace --- */

struct links {
	struct arena *arena;
	struct cursor_link *items;
	size_t count, capacity;
};

static void add_link(struct links *links, struct str composer, struct str workspace)
{
	if (composer.len == 0 || links->count >= MOST_COMPOSERS)
		return;
	if (links->count == links->capacity) {
		size_t capacity = links->capacity * 2 + 16;
		struct cursor_link *grown = arena_zalloc(links->arena, capacity, sizeof(*grown));

		if (links->count > 0)
			memcpy(grown, links->items, links->count * sizeof(*grown));
		links->items = grown;
		links->capacity = capacity;
	}
	links->items[links->count++] =
		(struct cursor_link){ arena_str(links->arena, composer), workspace };
}

/* Objects with a composerId, or the ids themselves. */
static void add_list(struct links *links, const struct json *list)
{
	struct json_iter iter = json_iter(list);
	const struct json *value;
	struct str key;

	while (json_next(&iter, &key, &value)) {
		struct str id = json_is(value, JSON_STRING) ? json_str(value)
							    : json_get_str(value, "composerId");

		add_link(links, id,
			cursor_workspace_identified(
				links->arena, json_get(value, "workspaceIdentifier")));
	}
}

/* An id at the end of a key such as workbench.panel.aichat.view.ID. */
static void add_link_of_key(struct links *links, struct str key)
{
	struct str id = key.len > UUID_TEXT ? str_sub(key, key.len - UUID_TEXT, UUID_TEXT)
					    : (struct str){ NULL, 0 };

	if (id.len == UUID_TEXT && id.ptr[8] == '-' && id.ptr[13] == '-' && id.ptr[18] == '-' &&
		id.ptr[23] == '-')
		add_link(links, id, (struct str){ NULL, 0 });
}

static void add_pane(struct links *links, struct str key, const struct json *value)
{
	struct json_iter iter = json_iter(value);
	const struct json *view;
	struct str name;

	add_link_of_key(links, key);
	while (json_next(&iter, &name, &view))
		add_link_of_key(links, name);
}

struct cursor_link *cursor_workspace_links(
	struct arena *arena, struct str key, struct str value, size_t *count)
{
	static const char *const lists[] = { "allComposers", "composers", "selectedComposerIds",
		"lastFocusedComposerIds" };
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	struct links links = { .arena = arena };
	const struct json *root;
	struct err ignored;

	*count = 0;
	if (json_parse(&parser, value, true, &root, &ignored) < 0)
		return NULL;
	if (str_starts(key, STR("workbench."))) {
		add_pane(&links, key, root);
	} else {
		if (json_is(root, JSON_ARRAY))
			add_list(&links, root);
		for (size_t i = 0; i < ARRAY_LEN(lists); i++)
			add_list(&links, json_get(root, lists[i]));
		add_link(&links, json_get_str(root, "selectedComposerId"), (struct str){ NULL, 0 });
	}
	*count = links.count;
	return links.items;
}

/* --- names of projects --- */

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (unsigned char)c >= 0x80;
}

struct str cursor_project_name(struct arena *arena, struct str path)
{
	CLEANUP(buf_release) struct buf name = BUF_INIT;

	for (size_t i = 0; i < path.len; i++) {
		if (is_plain(path.ptr[i]))
			buf_byte(&name, path.ptr[i]);
		else if (name.len > 0 && name.ptr[name.len - 1] != '-')
			buf_byte(&name, '-');
	}
	while (name.len > 0 && name.ptr[name.len - 1] == '-')
		name.len--;
	return arena_str(arena, buf_str(&name));
}
