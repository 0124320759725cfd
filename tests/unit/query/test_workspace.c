/* Directories by components, by what was typed and by where links lead. */
#include "query/workspace.h"

#include "store_fixture.h"

static struct arena arena;

static struct workspace *make(const char *text, const char *home, const char *cwd)
{
	struct workspace *workspace = NULL;
	struct err err;

	GOOD(workspace_make(
		&workspace, &arena, str_from(text), str_from(home), str_from(cwd), &err));
	return workspace;
}

static bool has(const char *text, const char *path)
{
	return workspace_has(make(text, "/nowhere/ana", "/nowhere/ana/work"), str_from(path), true);
}

static void by_components(void)
{
	OK(has("/nowhere/ana/work/shop", "/nowhere/ana/work/shop"));
	OK(has("/nowhere/ana/work/shop", "/nowhere/ana/work/shop/src/a"));
	OK(!has("/nowhere/ana/work/shop", "/nowhere/ana/work/shop front"));
	OK(!has("/nowhere/ana/work/shop", "/nowhere/ana/work/shop2"));
	OK(!has("/nowhere/ana/work/shop", "/nowhere/ana/work"));
	OK(!has("/nowhere/ana/work/shop", ""));
	OK(!has("/nowhere/ana/work/shop", "work/shop"));
	OK(has("/nowhere/ana/work/shop front", "/nowhere/ana/work/shop front/x"));
	OK(has("/", "/anything"));
	OK(has("/", "/"));
	OK(!has("/nowhere/*", "/nowhere/ana"));
}

static void as_people_type_it(void)
{
	static const char *const forms[] = { "~/work/shop", "~/work/shop/", "~//work/./shop",
		"shop", "./shop", "../work/shop", "shop/../shop/.", "/nowhere/ana/work/x/../shop",
		"/../nowhere/ana/work/shop" };

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		IS_CSTR(has(forms[i], "/nowhere/ana/work/shop/a") ? "" : forms[i], "");
		IS_CSTR(has(forms[i], "/nowhere/ana/work/shopx") ? forms[i] : "", "");
	}
	OK(has("~", "/nowhere/ana"));
	OK(has(".", "/nowhere/ana/work"));
	OK(!has(".", "/nowhere/ana"));
	OK(has("/nowhere/ana/work/shop", "/nowhere/ana//work/./shop/"));
	OK(has("/nowhere/ana/work/shop", "/nowhere/ana/work/blog/../shop"));
}

static void remote_ones(void)
{
	OK(has("ssh-remote+devbox:/home/ana/work", "ssh-remote+devbox:/home/ana/work/api"));
	OK(has("ssh-remote+devbox:/home/ana/work/", "ssh-remote+devbox:/home/ana/./work"));
	OK(has("ssh-remote+devbox:/", "ssh-remote+devbox:/home"));
	OK(!has("ssh-remote+devbox:/home/ana/work", "ssh-remote+other:/home/ana/work"));
	OK(!has("ssh-remote+devbox:/home/ana/work", "/home/ana/work"));
	OK(!has("/home/ana/work", "ssh-remote+devbox:/home/ana/work"));
	OK(!has("/", "ssh-remote+devbox:/home"));
	OK(has("/a/b+c:/d", "/a/b+c:/d/e"));
}

static void through_links(void)
{
	struct fixture f;
	struct workspace *real, *link;
	const char *in_link, *in_real, *gone;

	fixture_begin(&f);
	OK(mkdir(fixture_path(&f, "data"), 0700) == 0);
	OK(mkdir(fixture_path(&f, "data/work"), 0700) == 0);
	OK(symlink("data/work", fixture_path(&f, "work")) == 0);
	real = make(fixture_path(&f, "data/work"), "", "");
	link = make(fixture_path(&f, "work"), "", "");
	in_real = fixture_path(&f, "data/work/gone/x");
	in_link = fixture_path(&f, "work/gone/x");
	gone = fixture_path(&f, "data/workshop");
	OK(workspace_has(real, str_from(in_real), true));
	OK(workspace_has(link, str_from(in_link), true));
	OK(workspace_has(link, str_from(in_real), true));
	OK(workspace_has(real, str_from(in_link), true));
	OK(!workspace_has(real, str_from(in_link), false)); /* a path of another machine */
	OK(workspace_has(link, str_from(in_real), false));
	OK(!workspace_has(link, str_from(gone), true));
	OK(workspace_has(make("work", "", f.dir), str_from(in_real), true));
	fixture_end(&f);
}

static void refused(void)
{
	struct workspace *workspace;
	struct err err;

	FAILS(workspace_make(&workspace, &arena, STR(""), STR("/h"), STR("/c"), &err), ERR_USAGE);
	FAILS(workspace_make(&workspace, &arena, STR("~bob/x"), STR("/h"), STR("/c"), &err),
		ERR_USAGE);
	FAILS(workspace_make(&workspace, &arena, STR("x"), STR("/h"), STR(""), &err), ERR_USAGE);
	OK(!workspace_has(make("/x", "", ""), STR("/y\0/x"), true));
	arena_release(&arena);
}

static const struct tap_case cases[] = {
	TAP_CASE(by_components),
	TAP_CASE(as_people_type_it),
	TAP_CASE(remote_ones),
	TAP_CASE(through_links),
	TAP_CASE(refused),
};

TAP_MAIN(cases)
