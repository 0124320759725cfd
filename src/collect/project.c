/*
 * Which project a directory belongs to, told from the files of git and jj alone.
 *
 * Each directory upwards is asked for `.git`, then `.jj`; the nearest that is really a repository
 * decides. A `.git` file points to a git directory (`gitdir:`), that of a worktree further to the
 * one it shares (`commondir`), whose configuration knows "origin". A `.jj` names its git store in
 * repo/store/git_target; in a second workspace `.jj/repo` is a file that names the first one's.
 *
 * This runs in a tmux hook: all reading together stays within BUDGET_BYTES, only regular files are
 * read and none is waited for. What cannot be read or understood gives no name; it is never an
 * error.
 */
#include "collect/project.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "model/limits.h"

enum { BUDGET_BYTES = 64 << 10, POINTER_BYTES = 4096 + 64 };

struct finder {
	struct arena *arena;
	size_t budget_bytes;
	struct project *out;
};

struct str project_of_url(struct str url)
{
	url = str_trim(url);
	while (url.len > 0) {
		size_t from = url.len;
		struct str name;

		while (from > 0 && url.ptr[from - 1] != '/' && url.ptr[from - 1] != ':')
			from--;
		name = str_sub(url, from, url.len);
		if (str_ends(name, STR(".git")))
			name.len -= 4;
		if (name.len > 0)
			return name;
		url.len = from > 0 ? from - 1 : 0;
	}
	return url;
}

/* The last component of PATH; empty for the root. */
static struct str base_name(struct str path)
{
	size_t from;

	while (path.len > 0 && path.ptr[path.len - 1] == '/')
		path.len--;
	for (from = path.len; from > 0 && path.ptr[from - 1] != '/';)
		from--;
	return str_sub(path, from, path.len);
}

/* PATH without its last component; "/" at the end of the way. */
static struct str parent_of(struct str path)
{
	while (path.len > 1 && path.ptr[path.len - 1] == '/')
		path.len--;
	while (path.len > 0 && path.ptr[path.len - 1] != '/')
		path.len--;
	while (path.len > 1 && path.ptr[path.len - 1] == '/')
		path.len--;
	return path;
}

/* TARGET as seen from directory DIR, with `.` and `..` taken away lexically. */
static const char *resolve(struct finder *finder, const char *dir, struct str target)
{
	const char *path = arena_cstr(finder->arena, target);
	struct str rest, out;
	char *to;

	if (path[0] != '/')
		path = fs_join(finder->arena, dir, path);
	rest = str_from(path);
	to = arena_alloc(finder->arena, rest.len + 2);
	out = (struct str){ to, 0 };
	while (rest.ptr) {
		struct str part = str_split(&rest, '/');

		if (part.len == 0 || str_eq_c(part, "."))
			continue;
		if (str_eq_c(part, "..")) {
			while (out.len > 0 && to[--out.len] != '/')
				;
			continue;
		}
		to[out.len++] = '/';
		memcpy(to + out.len, part.ptr, part.len);
		out.len += part.len;
	}
	if (out.len == 0)
		to[out.len++] = '/';
	to[out.len] = '\0';
	return to;
}

/* At most LIMIT bytes of the regular file DIR/NAME, within the budget; an empty view when there is
 * none. */
static struct str read_start(struct finder *finder, const char *dir, const char *name, size_t limit)
{
	CLEANUP(fs_closep)
	int fd = open(
		fs_join(finder->arena, dir, name), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct str out = { NULL, 0 };
	struct stat status;
	char *bytes;
	ssize_t got;

	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
		return out;
	if (limit > finder->budget_bytes)
		limit = finder->budget_bytes;
	bytes = arena_alloc(finder->arena, limit + 1);
	do
		got = read(fd, bytes, limit);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		return out;
	finder->budget_bytes -= (size_t)got;
	return (struct str){ bytes, (size_t)got };
}

static bool is_dir(struct finder *finder, const char *dir, const char *name)
{
	struct stat status;

	return stat(fs_join(finder->arena, dir, name), &status) == 0 && S_ISDIR(status.st_mode);
}

static bool is_file(struct finder *finder, const char *dir, const char *name)
{
	struct stat status;

	return stat(fs_join(finder->arena, dir, name), &status) == 0 && S_ISREG(status.st_mode);
}

static struct str without_git(struct str name)
{
	if (name.len > 4 && str_ends(name, STR(".git")))
		name.len -= 4;
	return name;
}

/*
 * What a repository without origin is called: /src/acme/.git is acme, /srv/acme.git is acme, and
 * one whose git directory lies elsewhere (a submodule's, --separate-git-dir) has the name of its
 * working tree.
 */
static struct str repository_name(struct str common, struct str top, bool is_worktree)
{
	struct str last = base_name(common);

	if (str_eq_c(last, ".git"))
		return base_name(parent_of(common));
	return is_worktree ? without_git(last) : base_name(top);
}

/* The project's name as the configuration of the git directory COMMON tells it; empty without
 * origin. */
static struct str origin_name(struct finder *finder, const char *common)
{
	struct str text = read_start(finder, common, "config", BUDGET_BYTES);

	return project_of_url(project_origin_url(text, finder->arena));
}

/* The line "gitdir: PATH" of a `.git` file, as a path. */
static const char *git_file(struct finder *finder, const char *top)
{
	struct str text = read_start(finder, top, ".git", POINTER_BYTES);

	if (!str_starts(text, STR("gitdir:")))
		return NULL;
	text = str_sub(text, 7, text.len);
	text = str_trim(str_split(&text, '\n'));
	return text.len > 0 ? resolve(finder, top, text) : NULL;
}

static bool try_git(struct finder *finder, const char *top)
{
	const char *git = NULL, *common;
	struct str pointer;

	if (is_dir(finder, top, ".git"))
		git = fs_join(finder->arena, top, ".git");
	else if (is_file(finder, top, ".git"))
		git = git_file(finder, top);
	if (!git || !is_file(finder, git, "HEAD"))
		return false;
	pointer = str_trim(read_start(finder, git, "commondir", POINTER_BYTES));
	common = pointer.len > 0 ? resolve(finder, git, pointer) : git;
	finder->out->name = origin_name(finder, common);
	if (finder->out->name.len == 0)
		finder->out->name =
			repository_name(str_from(common), str_from(top), pointer.len > 0);
	finder->out->workspace = base_name(str_from(top));
	return true;
}

static bool try_jj(struct finder *finder, const char *top)
{
	const char *jj = fs_join(finder->arena, top, ".jj");
	const char *repo = fs_join(finder->arena, jj, "repo"), *store;
	bool second = is_file(finder, jj, "repo");
	struct str target;

	if (second)
		repo = resolve(finder, jj, str_trim(read_start(finder, jj, "repo", POINTER_BYTES)));
	if (!is_dir(finder, repo, "store"))
		return false;
	store = fs_join(finder->arena, repo, "store");
	target = str_trim(read_start(finder, store, "git_target", POINTER_BYTES));
	if (target.len > 0)
		finder->out->name = origin_name(finder, resolve(finder, store, target));
	if (finder->out->name.len == 0)
		finder->out->name =
			base_name(second ? parent_of(parent_of(str_from(repo))) : str_from(top));
	finder->out->workspace = base_name(str_from(top));
	return true;
}

struct project project_find(struct arena *arena, const char *cwd)
{
	struct project found = { { NULL, 0 }, { NULL, 0 } };
	struct finder finder = { arena, BUDGET_BYTES, &found };
	struct str dir;

	if (!cwd || cwd[0] != '/' || strlen(cwd) > LIMIT_PATH_BYTES)
		return found;
	dir = str_from(resolve(&finder, "/", str_from(cwd)));
	for (int level = 0; level < LIMIT_PROJECT_LEVELS; level++) {
		const char *top = arena_cstr(arena, dir);

		if (try_git(&finder, top) || try_jj(&finder, top) || dir.len <= 1)
			break;
		dir = parent_of(dir);
	}
	return found;
}
