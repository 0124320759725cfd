/*
 * Places: lists of paths, base directories, and the directories of the VS Code family.
 *
 * A list knows its paths by device and inode, so that a link, a bind mount or a second way to the
 * same home does not make a log count twice.
 */
#include "collect/places.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

struct path_identity {
	dev_t device;
	ino_t inode;
	bool used;
};

/* Names of the directory that an editor keeps below the user's configuration. */
static const char *const editors[] = { "Code", "Code - Insiders", "Code - OSS", "VSCodium",
	"VSCodium - Insiders", "Cursor", "Windsurf", "Windsurf - Next", "Positron", "Antigravity",
	"Kiro", "Trae", "Void" };

/* `User` directories below the home directory: remote servers, editors in a browser, and editors
 * that are installed in a container of their own. */
static const char *const home_users[] = {
	".vscode-server/data/User",
	".vscode-server-insiders/data/User",
	".vscode-server-oss/data/User",
	".vscode-remote/data/User",
	".vscodium-server/data/User",
	".cursor-server/data/User",
	".windsurf-server/data/User",
	".positron-server/data/User",
	".antigravity-server/data/User",
	".kiro-server/data/User",
	".trae-server/data/User",
	".void-server/data/User",
	".openvscode-server/data/User",
	".local/share/code-server/User",
	".var/app/com.visualstudio.code/config/Code/User",
	".var/app/com.vscodium.codium/config/VSCodium/User",
};

/* --- lists --- */

struct path_list path_list(struct arena *arena)
{
	return (struct path_list){ .arena = arena };
}

/* True the first time IDENTITY comes. */
static bool remember(struct path_identity *known, size_t slots, struct path_identity identity)
{
	size_t at = (size_t)identity.inode * 31 + (size_t)identity.device;

	for (;; at++) {
		struct path_identity *slot = &known[at & (slots - 1)];

		if (!slot->used) {
			*slot = identity;
			return true;
		}
		if (slot->device == identity.device && slot->inode == identity.inode)
			return false;
	}
}

static void grow(struct path_list *list)
{
	size_t capacity = list->capacity ? list->capacity * 2 : 16;
	const char **paths = arena_zalloc(list->arena, capacity, sizeof(*paths));
	struct path_identity *known = arena_zalloc(list->arena, capacity * 2, sizeof(*known));

	for (size_t i = 0; i < list->capacity * 2; i++)
		if (list->known[i].used)
			remember(known, capacity * 2, list->known[i]);
	if (list->count > 0)
		memcpy(paths, list->paths, list->count * sizeof(*paths));
	list->paths = paths;
	list->known = known;
	list->capacity = capacity;
}

/* PATH is of STATUS. */
static bool list_add(struct path_list *list, const char *path, const struct stat *status)
{
	const struct path_identity identity = { status->st_dev, status->st_ino, true };

	if (list->count == list->capacity)
		grow(list);
	if (!remember(list->known, list->capacity * 2, identity))
		return false;
	list->paths[list->count++] = arena_cstr(list->arena, str_from(path));
	return true;
}

bool path_list_add(struct path_list *list, const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && list_add(list, path, &status);
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void path_list_sort(struct path_list *list)
{
	if (list->count > 1)
		qsort(list->paths, list->count, sizeof(*list->paths), by_bytes);
}

static void add_dir(struct path_list *list, const char *path)
{
	struct stat status;

	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		list_add(list, path, &status);
}

/* --- base directories --- */

/* Environment variable NAME if it is an absolute path, as the XDG specification demands. */
static const char *absolute(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] == '/' ? value : NULL;
}

const char *places_config_home(const struct collect_context *context, struct arena *arena)
{
#ifdef __APPLE__
	return fs_join(arena, context->dirs->home, "Library/Application Support");
#else
	const char *set = absolute("XDG_CONFIG_HOME");

	return set ? set : fs_join(arena, context->dirs->home, ".config");
#endif
}

const char *places_data_home(const struct collect_context *context, struct arena *arena)
{
	const char *set = absolute("XDG_DATA_HOME");

	return set ? set : fs_join(arena, context->dirs->home, ".local/share");
}

static const char *expand_home(
	const struct collect_context *context, struct arena *arena, struct str path)
{
	const char *home = context->dirs->home;

	if (str_eq(path, STR("~")))
		return home;
	if (str_starts(path, STR("~/")))
		return fs_join(arena, home, arena_cstr(arena, str_sub(path, 2, path.len)));
	return arena_cstr(arena, path);
}

static void add_configured(
	const struct collect_context *context, struct path_list *list, const char *source)
{
	const char *const *roots = source_roots(context, source);

	for (size_t i = 0; roots[i]; i++)
		add_dir(list, expand_home(context, list->arena, str_from(roots[i])));
}

/* False when ENV says nothing. */
static bool add_environment(
	const struct collect_context *context, struct path_list *list, const char *env)
{
	struct str rest = str_from(env ? getenv(env) : NULL);
	bool any = false;

	while (rest.len > 0) {
		struct str root = str_trim(str_split(&rest, ','));

		if (root.len > 0)
			add_dir(list, expand_home(context, list->arena, root));
		any |= root.len > 0;
	}
	return any;
}

struct path_list places_roots(const struct collect_context *context, struct arena *arena,
	const char *source, const char *env, const char *const *defaults)
{
	struct path_list list = path_list(arena);

	if (!add_environment(context, &list, env))
		for (size_t i = 0; defaults && defaults[i]; i++)
			add_dir(&list, defaults[i][0] == '/'
					       ? defaults[i]
					       : fs_join(arena, context->dirs->home, defaults[i]));
	add_configured(context, &list, source);
	return list;
}

/* --- the VS Code family --- */

static void add_editors(struct path_list *list, const char *config)
{
	for (size_t i = 0; i < ARRAY_LEN(editors); i++)
		add_dir(list,
			fs_join(list->arena, fs_join(list->arena, config, editors[i]), "User"));
}

void places_windows_users(
	const struct collect_context *context, struct path_list *list, const char *users)
{
	struct path_list names = places_list(context, list->arena, users, PLACES_DIRS, NULL);

	for (size_t i = 0; i < names.count; i++)
		add_editors(list, fs_join(list->arena, names.paths[i], "AppData/Roaming"));
}

static bool is_wsl(void)
{
	return getenv("WSL_DISTRO_NAME") || fs_exists("/proc/sys/fs/binfmt_misc/WSLInterop");
}

struct path_list places_vscode_users(
	const struct collect_context *context, struct arena *arena, const char *source)
{
	struct path_list list = path_list(arena);

	add_editors(&list, places_config_home(context, arena));
	for (size_t i = 0; i < ARRAY_LEN(home_users); i++)
		add_dir(&list, fs_join(arena, context->dirs->home, home_users[i]));
	if (is_wsl())
		places_windows_users(context, &list, "/mnt/c/Users");
	add_configured(context, &list, source);
	return list;
}

/* --- listings --- */

static void close_dirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static bool may_be(const struct dirent *entry, enum places_kind kind)
{
	return entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN ||
	       entry->d_type == (kind == PLACES_DIRS ? DT_DIR : DT_REG);
}

struct path_list places_list(const struct collect_context *context, struct arena *arena,
	const char *dir, enum places_kind kind, const char *suffix)
{
	struct path_list list = path_list(arena);
	CLEANUP(close_dirp) DIR *stream = opendir(dir);
	struct dirent *entry;

	if (!stream && errno != ENOENT && errno != ENOTDIR && context->log)
		log_warn(context->log, "cannot read '%s': %s", dir, strerror(errno));
	while (stream && (entry = readdir(stream))) {
		const char *path;
		struct stat status;

		if (entry->d_name[0] == '.' || !may_be(entry, kind) ||
			!str_ends(str_from(entry->d_name), str_from(suffix)))
			continue;
		path = fs_join(arena, dir, entry->d_name);
		if (stat(path, &status) == 0 &&
			(kind == PLACES_DIRS ? S_ISDIR(status.st_mode) : S_ISREG(status.st_mode)))
			list_add(&list, path, &status);
	}
	path_list_sort(&list);
	return list;
}

struct str places_name(const char *path)
{
	struct str rest = str_from(path);
	size_t start;

	while (rest.len > 1 && rest.ptr[rest.len - 1] == '/')
		rest.len--;
	for (start = rest.len; start > 0 && rest.ptr[start - 1] != '/'; start--)
		;
	return str_sub(rest, start, rest.len - start);
}
