/*
 * Which workspace a directory of the editor's storage belongs to: its workspace.json names a
 * folder, or the file of a workspace of several folders.
 */
#include "collect/copilot/group.h"
#include "collect/places.h"

enum { WORKSPACE_BYTES = 1 << 16 };

/* A file of several folders stands for the directory it is in; one that was never saved is in a
 * place of the editor's own, which says nothing. */
static struct str directory_of(struct str file)
{
	struct str name = places_name(file.ptr);

	if (!str_ends(name, STR(".code-workspace")) || name.len >= file.len)
		return STR("");
	return str_sub(file, 0, file.len - name.len - (file.len - name.len > 1));
}

static struct str workspace_of(struct arena *arena, const struct json *root)
{
	struct str folder = json_get_str(root, "folder");
	struct str file = json_get_str(root, "workspace");

	if (file.len == 0)
		file = json_get_str(json_get(root, "workspace"), "configPath");
	if (folder.len > 0)
		return places_workspace_of_uri(arena, folder);
	file = places_workspace_of_uri(arena, file);
	return file.len > 0 ? directory_of(file) : file;
}

struct str copilot_workspace(struct arena *arena, const char *home)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct json_parser parser = { 0 };
	const struct json *root;
	struct str workspace = STR("");
	struct err ignored;

	if (home &&
		fs_read(fs_join(arena, home, "workspace.json"), WORKSPACE_BYTES, &text, &ignored) ==
			0 &&
		json_parse(&parser, buf_str(&text), true, &root, &ignored) == 0)
		workspace = workspace_of(arena, root);
	json_parser_release(&parser);
	return workspace;
}
