/* Lists of paths, roots by environment and configuration, the VS Code family's directories, and
 * workspaces from URIs. */
#include "collect/places.h"

#include <stdlib.h>

#include "world.h"

static void make_dir(struct world *world, const char *name)
{
	OK(fs_make_dirs(world_path(world, name), 0700, &world->err) == 0);
}

static void begin(struct world *world)
{
	world_init(world);
	unsetenv("XDG_DATA_HOME");
	unsetenv("WSL_DISTRO_NAME");
	unsetenv("TEST_AGENT_HOME");
}

/* The paths of LIST, those below the world's directory without it, each with a comma. */
static struct str show(struct world *world, const struct path_list *list)
{
	struct buf out = BUF_INIT;
	size_t home = strlen(world->dir);
	struct str copy;

	for (size_t i = 0; i < list->count; i++) {
		bool below = strncmp(list->paths[i], world->dir, home) == 0;

		buf_printf(&out, "%s,", list->paths[i] + (below ? home : 0));
	}
	copy = arena_str(&world->arena, buf_str(&out));
	buf_release(&out);
	return copy;
}

static void each_thing_is_listed_once(void)
{
	struct world world;
	struct path_list list;

	begin(&world);
	list = path_list(&world.arena);
	world_write(&world, "b", STR("x"));
	world_write(&world, "a", STR("x"));
	OK(link(world_path(&world, "a"), world_path(&world, "hard")) == 0);
	OK(symlink("a", world_path(&world, "soft")) == 0);
	OK(path_list_add(&list, world_path(&world, "b")));
	OK(path_list_add(&list, world_path(&world, "a")));
	OK(!path_list_add(&list, world_path(&world, "a")));
	OK(!path_list_add(&list, world_path(&world, "hard")));
	OK(!path_list_add(&list, world_path(&world, "soft")));
	OK(!path_list_add(&list, world_path(&world, "none")));
	IS_STR(show(&world, &list), "/b,/a,");
	path_list_sort(&list);
	IS_STR(show(&world, &list), "/a,/b,");
	OK(!path_list_add(&list, world_path(&world, "b")));
	world_end(&world);
}

static void many_paths(void)
{
	enum { FILES = 300 };
	struct world world;
	struct path_list list;

	begin(&world);
	list = path_list(&world.arena);
	for (int i = 0; i < 2 * FILES; i++) {
		const char *name = arena_printf(&world.arena, "many/%03d", (i * 7) % FILES).ptr;

		if (i < FILES)
			world_write(&world, name, STR(""));
		IS_INT(path_list_add(&list, world_path(&world, name)), i < FILES);
	}
	IS_INT(list.count, FILES);
	list = places_list(
		&world.context, &world.arena, world_path(&world, "many"), PLACES_FILES, NULL);
	IS_INT(list.count, FILES);
	for (size_t i = 1; i < list.count; i++)
		OK(strcmp(list.paths[i - 1], list.paths[i]) < 0);
	world_end(&world);
}

static void listings(void)
{
	struct world world;
	struct path_list list;
	const char *dir;

	begin(&world);
	dir = world_path(&world, "dir");
	world_write(&world, "dir/b.json", STR(""));
	world_write(&world, "dir/a.json", STR(""));
	world_write(&world, "dir/.hidden.json", STR(""));
	world_write(&world, "dir/a.txt", STR(""));
	make_dir(&world, "dir/sub.json");
	make_dir(&world, "dir/.git");
	OK(mkfifo(world_path(&world, "dir/pipe.json"), 0600) == 0);
	OK(symlink("nowhere", world_path(&world, "dir/dead.json")) == 0);
	OK(symlink("../data", world_path(&world, "dir/link")) == 0);
	list = places_list(&world.context, &world.arena, dir, PLACES_FILES, ".json");
	IS_STR(show(&world, &list), "/dir/a.json,/dir/b.json,");
	list = places_list(&world.context, &world.arena, dir, PLACES_FILES, NULL);
	IS_STR(show(&world, &list), "/dir/a.json,/dir/a.txt,/dir/b.json,");
	list = places_list(&world.context, &world.arena, dir, PLACES_DIRS, NULL);
	IS_STR(show(&world, &list), "/dir/link,/dir/sub.json,");
	list = places_list(
		&world.context, &world.arena, world_path(&world, "none"), PLACES_DIRS, NULL);
	IS_INT(list.count, 0);
	world_end(&world);
}

static void roots(void)
{
	static const char *const defaults[] = { ".agent", ".config/agent", "/", NULL };
	const char *extra[] = { "~/more", "~", NULL, NULL };
	struct source_settings settings = { .source = "test", .enabled = true, .roots = extra };
	struct world world;
	struct path_list list;

	begin(&world);
	make_dir(&world, ".agent");
	make_dir(&world, "more");
	make_dir(&world, "set");
	world_write(&world, ".config/agent", STR("no directory"));
	list = places_roots(&world.context, &world.arena, "test", "TEST_AGENT_HOME", defaults);
	IS_STR(show(&world, &list), "/.agent,/,");
	world.context.settings = &settings;
	world.context.settings_count = 1;
	extra[2] = world_path(&world, ".agent");
	list = places_roots(&world.context, &world.arena, "test", NULL, defaults);
	IS_STR(show(&world, &list), "/.agent,/,/more,,");
	setenv("TEST_AGENT_HOME", " , ", 1);
	list = places_roots(&world.context, &world.arena, "test", "TEST_AGENT_HOME", defaults);
	IS_STR(show(&world, &list), "/.agent,/,/more,,");
	setenv("TEST_AGENT_HOME", arena_printf(&world.arena, "~/set, %s/none", world.dir).ptr, 1);
	list = places_roots(&world.context, &world.arena, "test", "TEST_AGENT_HOME", defaults);
	IS_STR(show(&world, &list), "/set,/more,,/.agent,");
	list = places_roots(&world.context, &world.arena, "other", "TEST_AGENT_HOME", NULL);
	IS_STR(show(&world, &list), "/set,");
	unsetenv("TEST_AGENT_HOME");
	list = places_roots(&world.context, &world.arena, "other", "TEST_AGENT_HOME", NULL);
	IS_STR(show(&world, &list), "");
	world_end(&world);
}

static void base_directories(void)
{
	struct world world;

	begin(&world);
#ifndef __APPLE__
	IS_CSTR(places_config_home(&world.context, &world.arena), world_path(&world, ".config"));
	setenv("XDG_CONFIG_HOME", "/etc/xdg", 1);
	IS_CSTR(places_config_home(&world.context, &world.arena), "/etc/xdg");
	setenv("XDG_CONFIG_HOME", "relative", 1);
	IS_CSTR(places_config_home(&world.context, &world.arena), world_path(&world, ".config"));
	unsetenv("XDG_CONFIG_HOME");
#endif
	IS_CSTR(places_data_home(&world.context, &world.arena), world_path(&world, ".local/share"));
	setenv("XDG_DATA_HOME", "/srv/data", 1);
	IS_CSTR(places_data_home(&world.context, &world.arena), "/srv/data");
	unsetenv("XDG_DATA_HOME");
	world_end(&world);
}

static void editors_of_all_kinds(void)
{
	const char *extra[] = { "~/portable/User", NULL };
	struct source_settings settings = { .source = "test", .enabled = true, .roots = extra };
	struct world world;
	struct path_list list;

	begin(&world);
	setenv("XDG_CONFIG_HOME", world_path(&world, ".config"), 1);
	make_dir(&world, ".config/Code/User");
	make_dir(&world, ".config/Code - Insiders/User");
	make_dir(&world, ".config/Cursor/User");
	make_dir(&world, ".config/Other/User");
	make_dir(&world, ".vscode-server/data/User");
	make_dir(&world, ".windsurf-server/data/User");
	make_dir(&world, "portable/User");
	world.context.settings = &settings;
	world.context.settings_count = 1;
	list = places_vscode_users(&world.context, &world.arena, "test");
#ifndef __APPLE__
	IS_STR(show(&world, &list),
		"/.config/Code/User,/.config/Code - Insiders/User,/.config/Cursor/User,"
		"/.vscode-server/data/User,/.windsurf-server/data/User,/portable/User,");
#else
	IS_STR(show(&world, &list),
		"/.vscode-server/data/User,/.windsurf-server/data/User,/portable/User,");
#endif
	unsetenv("XDG_CONFIG_HOME");
	world_end(&world);
}

static void windows_beside(void)
{
	struct world world;
	struct path_list list;

	begin(&world);
	list = path_list(&world.arena);
	make_dir(&world, "Users/ana/AppData/Roaming/Code/User");
	make_dir(&world, "Users/bob/AppData/Roaming/Cursor/User");
	make_dir(&world, "Users/Public");
	places_windows_users(&world.context, &list, world_path(&world, "Users"));
	IS_STR(show(&world, &list), "/Users/ana/AppData/Roaming/Code/User,"
				    "/Users/bob/AppData/Roaming/Cursor/User,");
	world_end(&world);
}

static void workspaces_of_uris(void)
{
	static const char *const table[][2] = {
		{ "file:///home/ana/shop%20front", "/home/ana/shop front" },
		{ "FILE:///home/ana/", "/home/ana" },
		{ "file:/home/ana", "/home/ana" },
		{ "file://localhost/home/ana", "/home/ana" },
		{ "file:////home//ana/./x/../y", "/home/ana/y" },
		{ "file:///", "/" },
		{ "file:///../..", "/" },
		{ "file:///home/%2e%2e/etc", "/etc" },
		{ "file:///100%/x%2", "/100%/x%2" },
		{ "file:///a%2520b", "/a%20b" },
		{ "file:///c%3A/Users/ana", "C:/Users/ana" },
		{ "file:///D:/", "D:/" },
		{ "c:\\Users\\ana\\", "C:/Users/ana" },
		{ "C:", "C:/" },
		{ "vscode-remote://ssh-remote%2Bdevbox/home/ana/api",
			"ssh-remote+devbox:/home/ana/api" },
		{ "vscode-remote://ssh-remote+ana@devbox/home/../srv/",
			"ssh-remote+ana@devbox:/srv" },
		{ "vscode-remote://wsl%2BUbuntu/home/ana", "wsl+Ubuntu:/home/ana" },
		{ "vscode-remote://wsl%2BUbuntu", "wsl+Ubuntu:/" },
		{ "vscode-remote://ssh-remote%2B7b22686f73744e616d65223a22446576426f78227d/srv",
			"ssh-remote+DevBox:/srv" },
		{ "vscode-remote://dev-container%2B7b7d/w", "dev-container+7b7d:/w" },
		{ "vscode-remote://localhost:8080/home/ana", "/home/ana" },
		{ "ssh-remote+devbox:/home/ana/../bob", "ssh-remote+devbox:/home/bob" },
		{ "file://wsl.localhost/Ubuntu/home/ana", "wsl+Ubuntu:/home/ana" },
		{ "\\\\wsl$\\Ubuntu\\home\\ana", "wsl+Ubuntu:/home/ana" },
		{ "file://server/share/x", "unc+server:/share/x" },
		{ "\\\\server\\share\\x", "unc+server:/share/x" },
		{ "/home/ana/work/../personal/x", "/home/ana/personal/x" },
		{ "/home/ana/100%20x", "/home/ana/100%20x" },
		{ "//home/ana", "/home/ana" },
		{ "/a:b/c", "/a:b/c" },
		{ "/caf\xc3\xa9", "/caf\xc3\xa9" },
		{ "", "" },
		{ "work/shop", "" },
		{ "untitled:Untitled-1", "" },
		{ "vscode-vfs://github/a/b", "" },
		{ "file:relative", "" },
		{ "file:///home/%00/x", "" },
		{ "vscode-remote://ssh-remote%2Bdev%2Fbox/home", "" },
		{ "vscode-remote://ssh-remote%2Bdev%3A22/home", "" },
		{ "vscode-remote://ssh-remote%2B/home", "" },
		{ "vscode-remote:///home", "" },
	};
	CLEANUP(arena_release) struct arena arena = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (!IS_STR(places_workspace_of_uri(&arena, str_from(table[i][0])), table[i][1]))
			printf("# %s\n", table[i][0]);
}

static void names(void)
{
	IS_STR(places_name("/a/b/c"), "c");
	IS_STR(places_name("/a/b/"), "b");
	IS_STR(places_name("c"), "c");
	IS_STR(places_name("/"), "");
	IS_STR(places_name(""), "");
}

static const struct tap_case cases[] = {
	TAP_CASE(each_thing_is_listed_once),
	TAP_CASE(many_paths),
	TAP_CASE(listings),
	TAP_CASE(roots),
	TAP_CASE(base_directories),
	TAP_CASE(editors_of_all_kinds),
	TAP_CASE(windows_beside),
	TAP_CASE(workspaces_of_uris),
	TAP_CASE(names),
};
TAP_MAIN(cases)
