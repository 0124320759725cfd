/*
 * Where programs keep their files: base directories by operating system, and listings. Nothing here
 * opens a file; nothing walks below what a source names.
 */
#ifndef TT_COLLECT_PLACES_H
#define TT_COLLECT_PLACES_H

#include "collect/source.h"

/* A growing list of paths in an arena, each once, in the order they were added. */
struct path_list {
	struct arena *arena;
	const char **paths;
	size_t count, capacity;
	struct path_identity *known; /* a hash table of CAPACITY * 2 */
};
struct path_list path_list(struct arena *arena);
/* Adds PATH unless the same directory or file (device and inode, also through links) is in it
 * already; false then, or when it does not exist. */
bool path_list_add(struct path_list *list, const char *path);
/* Order bytewise. */
void path_list_sort(struct path_list *list);

/*
 * The roots of an agent: those in environment variable ENV (NULL: none; a comma list; when it is
 * set the defaults are left out), else DEFAULTS (NULL-terminated, relative to the home directory or
 * absolute); and those that the configuration names for SOURCE. Only existing directories; '~' and
 * '~/' are understood.
 */
struct path_list places_roots(const struct collect_context *context, struct arena *arena,
	const char *source, const char *env, const char *const *defaults);
/*
 * Existing `User` directories of the VS Code family: of this machine's editors (Code, Code -
 * Insiders, VSCodium, Cursor, Windsurf, Positron, Antigravity, Kiro, Trae, Void; below
 * $XDG_CONFIG_HOME or ~/.config, ~/Library/Application Support on macOS), of their remote servers
 * (~/.vscode-server, ~/.vscode-server-insiders, ~/.vscode-remote, ~/.cursor-server,
 * ~/.windsurf-server, …: data/User; code-server's), and, under WSL, of Windows
 * (/mnt/c/Users/NAME/AppData/Roaming/EDITOR/User). Extra roots of SOURCE are taken as such
 * directories.
 */
struct path_list places_vscode_users(
	const struct collect_context *context, struct arena *arena, const char *source);
/* Those of the editors of every user of a Windows whose directory of users is USERS. */
void places_windows_users(
	const struct collect_context *context, struct path_list *list, const char *users);
/* Directory for the configuration of desktop programs: $XDG_CONFIG_HOME or ~/.config; on macOS
 * ~/Library/Application Support. And for data: $XDG_DATA_HOME or ~/.local/share. */
const char *places_config_home(const struct collect_context *context, struct arena *arena);
const char *places_data_home(const struct collect_context *context, struct arena *arena);

enum places_kind { PLACES_FILES, PLACES_DIRS };
/*
 * Names in DIR of KIND (links are followed) that end in SUFFIX (NULL: any), hidden ones left out,
 * ordered bytewise, as paths DIR/NAME. A directory that cannot be read is logged once a round and
 * empty; one that does not exist is empty.
 */
struct path_list places_list(const struct collect_context *context, struct arena *arena,
	const char *dir, enum places_kind kind, const char *suffix);

/*
 * A file or folder URI as editors write it, as a workspace: `file:///home/ana/shop%20front` is
 * /home/ana/shop front; `file:///c%3A/Users/ana` is C:/Users/ana;
 * `vscode-remote://ssh-remote%2Bdevbox/home/ana/api` is ssh-remote+devbox:/home/ana/api, and
 * `vscode-remote://wsl%2BUbuntu/home/ana` is wsl+Ubuntu:/home/ana. A host that VS Code wrote as
 * JSON in hexadecimal digits is given by its name. `file://server/share/x` and `\\server\share\x`
 * are unc+server:/share/x, and wsl+Ubuntu:/x for WSL's own servers. Anything without a scheme is
 * taken as a path. "." and ".." are resolved, a trailing slash is dropped. What this function gave,
 * it gives again unchanged. Empty: not understood, as any relative path.
 */
struct str places_workspace_of_uri(struct arena *arena, struct str uri);
/* The last component of a path or DIR's name of a path: views. */
struct str places_name(const char *path);

#endif
