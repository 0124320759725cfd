/*
 * Workspaces as lists of prefixes: what was typed and where its links lead. Both sides are brought
 * into one form first: an authority (empty for local paths) and an absolute path without `.`, `..`,
 * doubled slashes and slashes at the end, the root being the empty path.
 */
#include "query/workspace.h"

#include <stdlib.h>

#include "base/buf.h"

enum { FORMS = 2 };

struct workspace {
	struct str authority; /* "ssh-remote+host"; empty: local */
	struct str forms[FORMS];
	size_t count;
};

/* The authority that TEXT begins with, up to the ":/" of its path; empty: none. */
static struct str authority_of(struct str text)
{
	ptrdiff_t colon = str_find_str(text, STR(":/"));
	struct str authority = str_sub(text, 0, colon > 0 ? (size_t)colon : 0);

	if (str_find(authority, '+', 0) <= 0 || str_find(authority, '/', 0) >= 0)
		return (struct str){ "", 0 };
	return authority;
}

/* Append PATH, which is absolute, in its normal form. */
static void add_normal(struct buf *out, struct str path)
{
	size_t from = out->len;

	while (path.len > 0) {
		struct str part = str_split(&path, '/');

		if (part.len == 0 || str_eq_c(part, "."))
			continue;
		if (!str_eq_c(part, "..")) {
			buf_byte(out, '/');
			buf_add(out, part);
			continue;
		}
		while (out->len > from && out->ptr[--out->len] != '/')
			;
	}
}

/* Where the links of PATH lead, as far as it exists: false when nowhere else. */
static bool add_resolved(struct buf *out, struct str path)
{
	CLEANUP(buf_release) struct buf exists = BUF_INIT;
	size_t len = path.len;

	if (memchr(path.ptr ? path.ptr : "", '\0', path.len))
		return false;
	while (len > 0) {
		CLEANUP(mem_freep) char *real = NULL;

		buf_clear(&exists);
		buf_add(&exists, str_sub(path, 0, len));
		real = realpath(buf_cstr(&exists), NULL);
		if (real) {
			buf_clear(&exists);
			buf_addc(&exists, real);
			buf_add(&exists, str_sub(path, len, path.len));
			add_normal(out, buf_str(&exists));
			return !str_eq(buf_str(out), path);
		}
		while (len > 0 && path.ptr[--len] != '/')
			;
	}
	return false;
}

static int make_absolute(
	struct buf *out, struct str text, struct str home, struct str cwd, struct err *err)
{
	if (text.ptr[0] == '~') {
		if (text.len > 1 && text.ptr[1] != '/')
			return err_set(err, ERR_USAGE,
				"'%.*s': only one's own home can be named with ~", STR_ARG(text));
		buf_add(out, home);
		buf_add(out, str_sub(text, 1, text.len));
		return 0;
	}
	if (text.ptr[0] != '/') {
		if (cwd.len == 0)
			return err_set(err, ERR_USAGE,
				"'%.*s' is relative, and the current directory is gone",
				STR_ARG(text));
		buf_add(out, cwd);
		buf_byte(out, '/');
	}
	buf_add(out, text);
	return 0;
}

int workspace_make(struct workspace **out, struct arena *arena, struct str text, struct str home,
	struct str cwd, struct err *err)
{
	CLEANUP(buf_release) struct buf absolute = BUF_INIT, normal = BUF_INIT, real = BUF_INIT;
	struct workspace *workspace = arena_zalloc(arena, 1, sizeof(*workspace));
	struct str authority = authority_of(text);

	if (text.len == 0)
		return err_set(err, ERR_USAGE, "a directory has a name: '' has none");
	workspace->authority = arena_str(arena, authority);
	if (authority.len > 0)
		buf_add(&absolute, str_sub(text, authority.len + 1, text.len));
	else if (make_absolute(&absolute, text, home, cwd, err) < 0)
		return err->code;
	add_normal(&normal, buf_str(&absolute));
	workspace->forms[workspace->count++] = arena_str(arena, buf_str(&normal));
	if (authority.len == 0 && add_resolved(&real, buf_str(&normal)))
		workspace->forms[workspace->count++] = arena_str(arena, buf_str(&real));
	*out = workspace;
	return 0;
}

static bool holds(const struct workspace *workspace, struct str path)
{
	for (size_t i = 0; i < workspace->count; i++) {
		struct str form = workspace->forms[i];

		if (str_starts(path, form) && (path.len == form.len || path.ptr[form.len] == '/'))
			return true;
	}
	return false;
}

bool workspace_has(const struct workspace *workspace, struct str path, bool here)
{
	CLEANUP(buf_release) struct buf normal = BUF_INIT, real = BUF_INIT;
	struct str authority = authority_of(path);

	if (!str_eq(authority, workspace->authority))
		return false;
	if (authority.len > 0)
		path = str_sub(path, authority.len + 1, path.len);
	if (path.len == 0 || path.ptr[0] != '/')
		return false;
	add_normal(&normal, path);
	if (holds(workspace, buf_str(&normal)))
		return true;
	return here && authority.len == 0 && add_resolved(&real, buf_str(&normal)) &&
	       holds(workspace, buf_str(&real));
}
