/* Path globs: the rules of the header, the routing table of workspaces, and patterns that tempt to
 * backtrack. */
#include "base/glob.h"

#include "tap.h"

static const struct str home = STR_INIT("/home/ana");

/* -1: the pattern was refused. */
static int matches(const char *pattern, struct str path)
{
	struct arena arena = { 0 };
	struct glob *glob;
	struct err err;
	int result = -1;

	if (glob_compile(&glob, &arena, str_from(pattern), home, &err) == 0)
		result = glob_match(glob, path);
	arena_release(&arena);
	return result;
}

struct match {
	const char *pattern;
	const char *path;
	int want;
};

static void check(const struct match *table, size_t count)
{
	for (size_t i = 0; i < count; i++)
		tap_check(matches(table[i].pattern, str_from(table[i].path)) == table[i].want,
			__FILE__, __LINE__, "'%s' and '%s': want %d", table[i].pattern,
			table[i].path, table[i].want);
}

/* What a remote does: included by one of two patterns, excluded by none of two. */
static bool exported(const char *path)
{
	struct str workspace = str_from(path);

	if (matches("**/personal/**", workspace) != 0 || matches("**/scratch/**", workspace) != 0)
		return false;
	return matches("~/work/**", workspace) == 1 || matches("~/company/**", workspace) == 1;
}

static void routing_of_workspaces(void)
{
	OK(exported("/home/ana/work/shop"));
	OK(exported("/home/ana/work"));
	OK(!exported("/home/ana/workspace"));
	OK(!exported("/home/ana/work/personal/diary"));
	OK(!exported("/home/ana/work/personal"));
	OK(exported("/home/ana/work/scratchpad"));
	OK(!exported("/home/ana/personal/blog"));
	OK(exported("/home/ana/work/shop front"));
	OK(!exported("/home/bob/work/x"));
	OK(!exported("/home/ana/work/../personal/x"));
	OK(!exported(NULL));
	OK(exported("/home/ana/company"));
	OK(!exported("/home/ana/work/a/scratch/b/c"));
}

static void an_unknown_path_matches_nothing(void)
{
	static const struct match table[] = {
		{ "**", "", 0 },
		{ "**", NULL, 0 },
		{ "/", "", 0 },
		{ "x", "", 0 },
	};

	check(table, ARRAY_LEN(table));
}

static void stars_and_classes(void)
{
	static const struct match table[] = {
		{ "/a/*", "/a/b", 1 },
		{ "/a/*", "/a", 0 },
		{ "/a/*", "/a/b/c", 0 },
		{ "/a/*/c", "/a/b/c", 1 },
		{ "/a/*/c", "/a/b/c/d", 1 },
		{ "/a/*/c", "/a/b/b/c", 0 },
		{ "/a*", "/abc", 1 },
		{ "/a*", "/a", 1 },
		{ "/a*", "/abc/d", 0 },
		{ "/*c", "/abc", 1 },
		{ "/a*c", "/acbc", 1 },
		{ "/a*c", "/acb", 0 },
		{ "/a**c", "/abbc", 1 },
		{ "/a**c", "/a/c", 0 },
		{ "/***", "/abc", 1 },
		{ "/***", "/a/b", 0 },
		{ "/*", "/.hidden", 1 },
		{ "/.*", "/.hidden", 1 },
		{ "/a?c", "/abc", 1 },
		{ "/a?c", "/ac", 0 },
		{ "/a?c", "/a/c", 0 },
		{ "/a?c", "/aäc", 1 },
		{ "/a??c", "/aäc", 0 },
		{ "/a?c",
			"/a\xff"
			"c",
			1 },
		{ "/[abc]", "/b", 1 },
		{ "/[abc]", "/d", 0 },
		{ "/[a-c]x", "/bx", 1 },
		{ "/[a-c]x", "/dx", 0 },
		{ "/[!a-c]", "/d", 1 },
		{ "/[!a-c]", "/b", 0 },
		{ "/[^a-c]", "/b", 0 },
		{ "/[]a]", "/]", 1 },
		{ "/[!]a]", "/]", 0 },
		{ "/[!]a]", "/b", 1 },
		{ "/[a-]", "/-", 1 },
		{ "/[-a]", "/-", 1 },
		{ "/[\\]]", "/]", 1 },
		{ "/[a\\-c]", "/b", 0 },
		{ "/[z-a]", "/m", 0 },
		{ "/[à-ü]", "/é", 1 },
		{ "/[à-ü]", "/e", 0 },
		{ "/A", "/a", 0 },
		{ "/[A]", "/a", 0 },
	};

	check(table, ARRAY_LEN(table));
}

static void double_stars(void)
{
	static const struct match table[] = {
		{ "**", "/", 1 },
		{ "**", "/a/b", 1 },
		{ "**", "relative", 1 },
		{ "/**", "/", 1 },
		{ "/**", "/a/b", 1 },
		{ "/a/**", "/a", 1 },
		{ "/a/**", "/a/b/c", 1 },
		{ "/a/**", "/ab", 0 },
		{ "/a/**/d", "/a/d", 1 },
		{ "/a/**/d", "/a/b/c/d", 1 },
		{ "/a/**/d", "/a/b/d/c", 1 },
		{ "/a/**/d*", "/a/b/d1/c", 0 },
		{ "/a/**/d*", "/a/b/d1/d2", 1 },
		{ "/a/**/**/d", "/a/d", 1 },
		{ "/**/b/**/d", "/a/b/c/b/d", 1 },
		{ "/**/b/*/d/*", "/b/b/b/d/x", 1 },
		{ "/**/b/*/d/*", "/b/b/b/d/x/y", 0 },
		{ "**/a/*", "/x/a/y", 1 },
		{ "**/a/*", "/x/a", 0 },
		{ "**/a/*", "/a/a/a/y", 1 },
	};

	check(table, ARRAY_LEN(table));
}

static void anchoring(void)
{
	static const struct match table[] = {
		{ "scratch", "/home/ana/scratch", 1 },
		{ "scratch", "/home/ana/scratch/x", 1 },
		{ "scratch", "/home/ana/scratchpad", 0 },
		{ "a/b", "/x/a/b/y", 1 },
		{ "a/b", "/x/a/c/b", 0 },
		{ "/ana", "/home/ana", 0 },
		{ "/home/ana", "home/ana", 0 },
		{ "ana", "home/ana", 1 },
		{ "ssh-remote+devbox:/home/ana/work/**", "ssh-remote+devbox:/home/ana/work/api",
			1 },
		{ "/home/ana/work/**", "ssh-remote+devbox:/home/ana/work/api", 0 },
		{ "~/work/**", "ssh-remote+devbox:/home/ana/work/api", 0 },
	};

	check(table, ARRAY_LEN(table));
}

static void plain_directories(void)
{
	static const struct match table[] = {
		{ "/a/b", "/a/b", 1 },
		{ "/a/b", "/a/b/c/d", 1 },
		{ "/a/b/", "/a/b", 1 },
		{ "/a//b", "/a/b", 1 },
		{ "/a/./b/.", "/a/b", 1 },
		{ "/a/b", "/a", 0 },
		{ "/a/b", "/a/bc", 0 },
		{ "/*/b", "/a/b/c", 1 },
		{ "/", "/a", 1 },
		{ "/a/\\*", "/a/*/c", 1 },
		{ "/a/\\*", "/a/b", 0 },
		{ "/a\\b", "/ab/c", 1 },
		{ "\\!x", "/a/!x", 1 },
		{ "\\~x", "/a/~x", 1 },
		{ "/a/~", "/a/~/b", 1 },
		{ "/\\\\", "/\\", 1 },
	};

	check(table, ARRAY_LEN(table));
}

static void paths_are_tidied(void)
{
	static const struct match table[] = {
		{ "/a/b", "/a/b/", 1 },
		{ "/a/b", "/a//b", 1 },
		{ "/a/b", "/a/./b/.", 1 },
		{ "/a/b", "/a/x/../b", 1 },
		{ "/a/b", "/../a/b", 1 },
		{ "/a/b", "/a/b/..", 0 },
		{ "/a/b", "/a/b/../../x", 0 },
		{ "/x/*", "/x/y/../../..", 0 },
		{ "a", "../a", 1 },
		{ "a", "a/../../b", 0 },
	};

	check(table, ARRAY_LEN(table));
}

static void home_directories(void)
{
	static const struct match table[] = {
		{ "~", "/home/ana", 1 },
		{ "~", "/home/ana/x", 1 },
		{ "~", "/home/anas", 0 },
		{ "~/", "/home/ana", 1 },
		{ "~/**", "/home/ana", 1 },
		{ "~/*", "/home/ana/x", 1 },
		{ "~/*", "/home/ana", 0 },
	};
	struct arena arena = { 0 };
	struct glob *glob;
	struct err err;

	check(table, ARRAY_LEN(table));
	if (OK(glob_compile(&glob, &arena, STR("~/w"), STR("/h/[x]*/../y?/"), &err) == 0)) {
		OK(glob_match(glob, STR("/h/y?/w/z")));
		OK(!glob_match(glob, STR("/h/yx/w")));
	}
	if (OK(glob_compile(&glob, &arena, STR("~/w"), STR("/"), &err) == 0))
		OK(glob_match(glob, STR("/w")));
	arena_release(&arena);
}

static void refuse(struct str pattern, struct str at_home, const char *message)
{
	struct arena arena = { 0 };
	struct glob *glob;
	struct err err = { 0 };

	IS_INT(glob_compile(&glob, &arena, pattern, at_home, &err), ERR_PARSE);
	OK(glob == NULL);
	IS_CSTR(err.message, message);
	arena_release(&arena);
}

static void bad_patterns(void)
{
	char longest[4097];
	struct arena arena = { 0 };
	struct glob *glob;
	struct err err;

	refuse(STR(""), home, "pattern '': it is empty");
	refuse(STR("[a"), home, "pattern '[a': a '[' is not closed");
	refuse(STR("/x/[]"), home, "pattern '/x/[]': a '[' is not closed");
	refuse(STR("/x/[!]"), home, "pattern '/x/[!]': a '[' is not closed");
	refuse(STR("/[a/b]"), home, "pattern '/[a/b]': a '[' is not closed");
	refuse(STR("/[a\\]"), home, "pattern '/[a\\]': a '[' is not closed");
	refuse(STR("!x"), home, "pattern '!x': it starts with '!', which negates nothing here");
	refuse(STR("~bob/**"), home,
		"pattern '~bob/**': '~' stands for your own home directory only");
	refuse(STR("~/x"), STR(""),
		"pattern '~/x': '~' is used, but the home directory is not known");
	refuse(STR("~"), STR("ana"),
		"pattern '~': '~' is used, but the home directory is not known");
	refuse(STR("/x\\"), home, "pattern '/x\\': nothing follows a '\\'");
	refuse(STR("/a/../b"), home, "pattern '/a/../b': '..' cannot be part of a pattern");
	refuse(STR("./."), home, "pattern './.': it names nothing");
	memset(longest, 'a', sizeof(longest));
	IS_INT(glob_compile(&glob, &arena, (struct str){ longest, 4097 }, home, &err), ERR_PARSE);
	IS_INT(glob_compile(&glob, &arena, (struct str){ longest, 4096 }, home, &err), 0);
	arena_release(&arena);
}

static void the_pattern_may_go_away(void)
{
	char text[] = "/abc/d*";
	struct arena arena = { 0 };
	struct glob *glob;
	struct err err;

	if (OK(glob_compile(&glob, &arena, str_from(text), home, &err) == 0)) {
		memset(text, 'x', sizeof(text) - 1);
		OK(glob_match(glob, STR("/abc/de")));
		OK(!glob_match(glob, STR("/xxx/x")));
	}
	arena_release(&arena);
}

static void names(void)
{
	static const struct match table[] = {
		{ "", "", 1 },
		{ "", "a", 0 },
		{ "*", "", 1 },
		{ "*", "aw-watcher/window_laptop", 1 },
		{ "aw-*", "aw-watcher-window", 1 },
		{ "aw-*", "aw", 0 },
		{ "*_laptop", "window_laptop", 1 },
		{ "*_laptop", "window_laptop2", 0 },
		{ "a?b", "a/b", 1 },
		{ "[!a]", "/", 1 },
		{ "a", "a/b", 0 },
		{ "*a*b*", "xxaxxbxx", 1 },
		{ "*a*b*", "xxbxxaxx", 0 },
		{ "*ab", "aab", 1 },
		{ "*aab", "aaaab", 1 },
		{ "\\*", "*", 1 },
		{ "\\*", "a", 0 },
		{ "~", "~", 1 },
		{ "!a", "!a", 1 },
		{ "[a", "[a", 1 },
		{ "[a", "a", 0 },
		{ "a\\", "a\\", 1 },
		{ "**/a", "a", 0 },
		{ "**/a", "x/y/a", 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		tap_check(glob_match_name(str_from(table[i].pattern), str_from(table[i].path)) ==
				  (table[i].want == 1),
			__FILE__, __LINE__, "'%s' and '%s': want %d", table[i].pattern,
			table[i].path, table[i].want);
}

/* No clock: a matcher that backtracks does not come back, and the test runner ends it. */
static void hard_patterns_take_little_time(void)
{
	enum { PATH_BYTES = 4096 };
	static const char *const patterns[] = {
		"**/**/**/**/a*b*c*d",
		"**/a*a*a*a*a*a*a*a*a*a*b",
		"**/a/**/a/**/a/**/a/**/a/**/a/**/b*",
	};
	static char paths[2][PATH_BYTES];

	memset(paths[0], 'a', PATH_BYTES);
	paths[0][0] = '/';
	for (size_t i = 0; i < PATH_BYTES; i++)
		paths[1][i] = i % 2 ? 'a' : '/';
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
		for (size_t p = 0; p < ARRAY_LEN(paths); p++)
			IS_INT(matches(patterns[i], (struct str){ paths[p], PATH_BYTES }), 0);
}

static const struct tap_case cases[] = {
	TAP_CASE(routing_of_workspaces),
	TAP_CASE(an_unknown_path_matches_nothing),
	TAP_CASE(stars_and_classes),
	TAP_CASE(double_stars),
	TAP_CASE(anchoring),
	TAP_CASE(plain_directories),
	TAP_CASE(paths_are_tidied),
	TAP_CASE(home_directories),
	TAP_CASE(bad_patterns),
	TAP_CASE(the_pattern_may_go_away),
	TAP_CASE(names),
	TAP_CASE(hard_patterns_take_little_time),
};

TAP_MAIN(cases)
