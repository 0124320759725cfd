/* Project detection: URLs, git's configuration format, and repositories of every shape found from
 * the files alone. */
#include <sys/stat.h>

#include "collect/project.h"
#include "world.h"

static void urls_end_in_the_project(void)
{
	static const struct {
		const char *url;
		const char *want;
	} cases[] = {
		{ "https://h/u/acme.git", "acme" },
		{ "git@h:u/acme.git", "acme" },
		{ "git@h:acme.git", "acme" },
		{ "ssh://h/u/acme/", "acme" },
		{ "ssh://git@h:2222/u/acme", "acme" },
		{ "/srv/acme.git//", "acme" },
		{ "/src/acme/.git", "acme" },
		{ " https://h/u/acme.git.git ", "acme.git" },
		{ "acme", "acme" },
		{ "///", "" },
		{ ".git", "" },
		{ "", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		IS_STR(project_of_url(str_from(cases[i].url)), cases[i].want);
}

static void configuration_is_read_as_git_does(void)
{
	static const struct {
		const char *text;
		const char *want;
	} cases[] = {
		{ "[remote \"origin\"]\n\turl = https://h/a.git\n", "https://h/a.git" },
		{ "[core]\nurl = no\n[REMOTE \"origin\"]\n URL=yes", "yes" },
		{ "[remote \"Origin\"]\nurl = no\n", "" },
		{ "[remote \"or\\igin\"] url = yes\n", "yes" },
		{ "[remote.origin]\r\nurl = yes\r\n", "yes" },
		{ "[remote \"origin\"]\nurl = \"a # b\" ; c\n", "a # b" },
		{ "[remote \"origin\"]\nurl = a\\\n  b # c\n", "a  b" },
		{ "[remote \"origin\"]\nurl = a\\tb\\\"c\\\\\n", "a\tb\"c\\" },
		{ "[remote \"origin\"]\n# url = no\n; url = no\nurl\nurl =\nurl = yes\nurl = second\n",
			"yes" },
		{ "[remote \"origin\"]\npushurl = no\n[remote \"up\"]\nurl = no\n", "" },
		{ "[remote \"origin\"\nurl = no\n", "" },
		{ "[remote \"origin\n\"]\nurl = no\n", "" },
		{ "[remote \"origin\"]\nurl = \"open\nurl = yes\n", "yes" },
		{ "[remote \"origin\"]\nurl = bad \\q\nurl = yes\n", "yes" },
		{ "\xef\xbb\xbf[remote \"origin\"]\nurl = yes\n", "yes" },
		{ "[remote \"origin\"]\nurl = trailing  \t \n", "trailing" },
		{ "[include]\npath = /etc/passwd\n", "" },
		{ "", "" },
	};
	struct arena arena = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		IS_STR(project_origin_url(str_from(cases[i].text), &arena), cases[i].want);
	arena_release(&arena);
}

static void check(struct world *world, const char *dir, const char *name, const char *workspace)
{
	struct project found = project_find(&world->arena, world_path(world, dir));

	if (!IS_STR(found.name, name) || !IS_STR(found.workspace, workspace))
		printf("# of %s\n", dir);
}

static void git(struct world *world, const char *dir, const char *config)
{
	world_write(world, arena_printf(&world->arena, "%s/HEAD", dir).ptr,
		STR("ref: refs/heads/main\n"));
	world_write(world, arena_printf(&world->arena, "%s/config", dir).ptr, str_from(config));
}

#define ORIGIN "[remote \"origin\"]\n\turl = git@h:u/acme.git\n"

static void git_repositories(void)
{
	struct world world;

	world_init(&world);
	git(&world, "one/.git", ORIGIN);
	world_write(&world, "one/src/deep/file", STR(""));
	check(&world, "one", "acme", "one");
	check(&world, "one/src/deep/", "acme", "one");
	check(&world, "one/gone/too", "acme", "one");
	check(&world, "one/../one/./src", "acme", "one");
	git(&world, "plain/.git", "[core]\n\tbare = false\n");
	check(&world, "plain", "plain", "plain");
	world_write(&world, "one/empty/.git/nothing", STR(""));
	check(&world, "one/empty", "acme", "one");
	check(&world, "data", "", "");
	IS_STR(project_find(&world.arena, "relative").name, "");
	IS_STR(project_find(&world.arena, "").name, "");
	IS_STR(project_find(&world.arena, NULL).name, "");
	IS_STR(project_find(&world.arena, "/").workspace, "");
	world_end(&world);
}

static void worktrees_and_submodules(void)
{
	struct world world;

	world_init(&world);
	git(&world, "main/.git", ORIGIN);
	git(&world, "main/.git/worktrees/fix", "");
	world_write(&world, "main/.git/worktrees/fix/commondir", STR("../..\n"));
	world_write(&world, "trees/fix/.git", STR("gitdir: ../../main/.git/worktrees/fix\n"));
	check(&world, "trees/fix", "acme", "fix");
	git(&world, "bare.git", "[core]\n\tbare = true\n");
	git(&world, "bare.git/worktrees/w", "");
	world_write(&world, "bare.git/worktrees/w/commondir", STR("../.."));
	world_write(&world, "w/.git",
		arena_printf(&world.arena, "gitdir: %s/bare.git/worktrees/w", world.dir));
	check(&world, "w", "bare", "w");
	git(&world, "nameless/.git", "");
	git(&world, "nameless/.git/worktrees/t", "");
	world_write(&world, "nameless/.git/worktrees/t/commondir", STR("../..\n"));
	world_write(&world, "t/.git", STR("gitdir: ../nameless/.git/worktrees/t\n"));
	check(&world, "t", "nameless", "t");
	git(&world, "main/.git/modules/sub", "[core]\n\tworktree = ../../../sub\n");
	world_write(&world, "main/sub/.git", STR("gitdir: ../.git/modules/sub\r\n"));
	check(&world, "main/sub", "sub", "sub");
	world_write(&world, "main/lost/.git", STR("gitdir: ../nowhere\n"));
	check(&world, "main/lost", "acme", "main");
	world_write(&world, "main/junk/.git", STR("junk"));
	check(&world, "main/junk", "acme", "main");
	world_end(&world);
}

static void jj_repositories(void)
{
	struct world world;

	world_init(&world);
	git(&world, "inner/.jj/repo/store/git", ORIGIN);
	world_write(&world, "inner/.jj/repo/store/git_target", STR("git"));
	check(&world, "inner", "acme", "inner");
	git(&world, "outer/.git", ORIGIN);
	world_write(&world, "outer/.jj/repo/store/git_target", STR("../../../.git"));
	check(&world, "outer", "acme", "outer");
	world_write(&world, "second/.jj/repo", STR("../../outer/.jj/repo"));
	check(&world, "second", "acme", "second");
	world_write(&world, "solo/.jj/repo/store/type", STR("simple"));
	check(&world, "solo", "solo", "solo");
	world_write(&world, "other/.jj/repo", STR("../../solo/.jj/repo"));
	check(&world, "other", "solo", "other");
	world_end(&world);
}

static void hostile_files_are_not_waited_for(void)
{
	CLEANUP(buf_release) struct buf big = BUF_INIT;
	struct world world;

	world_init(&world);
	world_write(&world, "pipe/.git/HEAD", STR("x"));
	OK(mkfifo(world_path(&world, "pipe/.git/config"), 0600) == 0);
	check(&world, "pipe", "pipe", "pipe");
	OK(fs_make_dirs(world_path(&world, "fifo"), 0700, &world.err) == 0);
	OK(mkfifo(world_path(&world, "fifo/.git"), 0600) == 0);
	check(&world, "fifo", "", "");
	world_write(&world, "zero/.git/HEAD", STR("x"));
	OK(symlink("/dev/zero", world_path(&world, "zero/.git/config")) == 0);
	check(&world, "zero", "zero", "zero");
	buf_addc(&big, ORIGIN);
	while (big.len < 1 << 20)
		buf_addc(&big, "[x]\ny = z\n");
	git(&world, "big/.git", buf_cstr(&big));
	check(&world, "big", "acme", "big");
	OK(symlink(".git", world_path(&world, "loop")) == 0);
	OK(symlink("loop", world_path(&world, ".git")) == 0);
	check(&world, "anywhere", "", "");
	world_end(&world);
}

static const struct tap_case cases[] = {
	TAP_CASE(urls_end_in_the_project),
	TAP_CASE(configuration_is_read_as_git_does),
	TAP_CASE(git_repositories),
	TAP_CASE(worktrees_and_submodules),
	TAP_CASE(jj_repositories),
	TAP_CASE(hostile_files_are_not_waited_for),
};

TAP_MAIN(cases)
