/*
 * Properties of workspaces made of URIs: each is absolute, here or on a named host; it has no empty
 * component, ".", ".." or NUL in it; made into a workspace again it stays as it is; and a path of
 * this machine is found again from the URI that an editor would write for it.
 */
#include "base/err.h"
#include "collect/places.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(struct str path)
{
	struct str rest = str_sub(path, 1, path.len);

	ASSERT(str_starts(path, STR("/")));
	ASSERT(path.len == 1 || !str_ends(path, STR("/")));
	while (rest.len > 0) {
		struct str name = str_split(&rest, '/');

		ASSERT(name.len > 0 && !str_eq(name, STR(".")) && !str_eq(name, STR("..")));
	}
}

/* The path of a workspace: what stands behind a drive or a host. */
static struct str path_of(struct str workspace)
{
	ptrdiff_t colon = str_find(workspace, ':', 0);

	return str_starts(workspace, STR("/")) || colon < 0
		       ? workspace
		       : str_sub(workspace, (size_t)colon + 1, workspace.len);
}

static void add_escaped(struct buf *out, struct str path)
{
	for (size_t i = 0; i < path.len; i++)
		if (path.ptr[i] == '/')
			buf_byte(out, '/');
		else
			buf_printf(out, "%%%02X", (unsigned)(unsigned char)path.ptr[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	CLEANUP(buf_release) struct buf uri = BUF_INIT;
	struct str text = { (const char *)data, size };
	struct str workspace = places_workspace_of_uri(&arena, text);

	if (workspace.len == 0)
		return 0;
	ASSERT(str_find(workspace, '\0', 0) < 0);
	check_path(path_of(workspace));
	ASSERT(str_eq(places_workspace_of_uri(&arena, workspace), workspace));
	/* "/c:" on Linux is a directory that a URI cannot tell from a drive. */
	if (!str_starts(workspace, STR("/")) || (workspace.len > 2 && workspace.ptr[2] == ':'))
		return 0;
	buf_addc(&uri, "file://");
	add_escaped(&uri, workspace);
	ASSERT(str_eq(places_workspace_of_uri(&arena, buf_str(&uri)), workspace));
	return 0;
}
