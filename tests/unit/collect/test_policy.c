/* What the configuration says of workspaces: which leave no trace, how much text is kept of which,
 * through links, in whatever form a log has the path. */
#include "world.h"

static struct world world;

static void use(const struct workspace_rules *rules)
{
	struct workspace_policy *policy;

	OK(workspace_policy(&policy, &world.arena, rules, world.dir, &world.err) == 0);
	world.context.policy = policy;
}

static void use_exclude(const char *pattern)
{
	const char *const patterns[] = { pattern, NULL };

	use(&(const struct workspace_rules){ .exclude = patterns });
}

/* A path in the world, which is the home directory. */
static struct str at(const char *name)
{
	return str_from(world_path(&world, name));
}

static bool excluded(struct str cwd)
{
	return collect_excluded(&world.context, cwd);
}

static void link_to(const char *target, const char *name)
{
	OK(symlink(world_path(&world, target), world_path(&world, name)) == 0);
}

static void as_written(void)
{
	world_init(&world);
	OK(!excluded(at("personal/diary"))); /* no rules at all */
	use(&(const struct workspace_rules){ 0 });
	OK(!excluded(at("personal/diary")));
	use_exclude("~/personal/**");
	OK(excluded(at("personal/diary")));
	OK(excluded(at("personal")));
	OK(excluded(at("personal/")));
	OK(excluded(at("work/../personal/x")));
	OK(!excluded(at("personality")));
	OK(!excluded(at("work/shop")));
	OK(!excluded(STR("")));
	OK(!excluded(STR("/home/nobody/personal/x")));
	use_exclude("**/personal/**");
	OK(excluded(STR("/home/nobody/personal/x")));
	use_exclude("scratch");
	OK(excluded(at("work/scratch/deep")));
	OK(!excluded(at("work/scratchpad")));
	use_exclude("ssh-remote+devbox:/home/ana/personal/**");
	OK(excluded(STR("ssh-remote+devbox:/home/ana/personal/x")));
	OK(!excluded(STR("/home/ana/personal/x")));
	use_exclude("/home/ana/personal/**");
	OK(!excluded(STR("ssh-remote+devbox:/home/ana/personal/x")));
	OK(excluded((struct str){ "/home/ana/personal/\xff\0x", 22 }));
	world_end(&world);
}

static void links_in_the_workspace(void)
{
	world_init(&world);
	world_write(&world, "data/private/x/file", STR("x"));
	link_to("data/private", "link");
	use_exclude("~/data/private/**");
	OK(excluded(at("link")));
	OK(excluded(at("link/x")));
	OK(excluded(at("link/gone/since")));
	OK(!excluded(at("linked")));
	OK(!excluded(at("data")));
	use_exclude("~/link/x/**"); /* the other way round */
	OK(excluded(at("link/x")));
	OK(excluded(at("data/private/x")));
	OK(excluded(at("data/private/x/gone")));
	OK(!excluded(at("data/private/y")));
	world_end(&world);
}

/* The rule names a link, the log where it leads to. */
static void links_in_the_rule(void)
{
	world_init(&world);
	world_write(&world, "data/[work]*/shop/file", STR("x"));
	world_write(&world, "data/xwork/shop/file", STR("x"));
	link_to("data/[work]*", "work");
	use_exclude("~/work/**");
	OK(excluded(at("work/shop")));
	OK(excluded(at("data/[work]*/shop")));
	OK(excluded(at("data/[work]*")));
	OK(excluded(at("data/[work]*/gone")));
	OK(!excluded(at("data/xwork/shop")));
	OK(!excluded(at("data")));
	use_exclude("~/work/sh?p");
	OK(excluded(at("data/[work]*/shop")));
	OK(!excluded(at("data/[work]*/other")));
	use_exclude("~/wo*");
	OK(excluded(at("work")));
	OK(!excluded(at("data/xwork")));
	use_exclude("~/loop/**");
	link_to("loop", "loop");
	OK(excluded(at("loop/x")));
	world_end(&world);
}

static void how_much_text(void)
{
	const char *const none[] = { "~/work/secret/**", NULL };
	const char *const summary[] = { "~/work/**", NULL };
	const char *const full[] = { "~/work/open", "~/link/**", NULL };
	const struct workspace_rules rules = {
		.text = { [TEXT_NONE] = none, [TEXT_SUMMARY] = summary, [TEXT_FULL] = full }
	};
	const struct source_settings settings[] = { { .source = "codex", .text = TEXT_FULL },
		{ .source = "claude", .text = TEXT_SUMMARY } };

	world_init(&world);
	world_write(&world, "work/secret/x", STR("x"));
	link_to("work/secret", "link");
	use(&rules);
	world.context.settings = settings;
	world.context.settings_count = ARRAY_LEN(settings);
	IS_INT(collect_text_of(&world.context, "codex", at("work/secret/a")), TEXT_NONE);
	IS_INT(collect_text_of(&world.context, "codex", at("work/open")), TEXT_SUMMARY);
	IS_INT(collect_text_of(&world.context, "codex", at("work")), TEXT_SUMMARY);
	IS_INT(collect_text_of(&world.context, "codex", at("link")), TEXT_NONE);
	IS_INT(collect_text_of(&world.context, "codex", at("else")), TEXT_FULL);
	IS_INT(collect_text_of(&world.context, "codex", STR("")), TEXT_FULL);
	IS_INT(collect_text_of(&world.context, "claude", at("else")), TEXT_SUMMARY);
	IS_INT(collect_text_of(&world.context, "gemini", at("else")), TEXT_NONE);
	world.context.policy = NULL;
	IS_INT(collect_text_of(&world.context, "codex", at("work/secret")), TEXT_FULL);
	world_end(&world);
}

static void wrong_patterns_are_named(void)
{
	static const char *const wrong[] = { "[a", "", "!x", "~bob/**" };

	world_init(&world);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		const char *const patterns[] = { "fine", wrong[i], NULL };
		const struct workspace_rules rules = { .text = { [TEXT_FULL] = patterns } };
		struct workspace_policy *policy;

		IS_INT(workspace_policy(&policy, &world.arena, &rules, world.dir, &world.err),
			ERR_USAGE);
		OK(strstr(world.err.message, "collect.text_full") != NULL);
		OK(strstr(world.err.message, wrong[i]) != NULL);
	}
	world_end(&world);
}

/* Of the rules as they are written: it tells whether what was left out may be wanted now. */
static void mark_of_the_rules(void)
{
	const char *const one[] = { "~/a", NULL }, *const two[] = { "~/a", "~/b", NULL };
	uint64_t marks[3];

	world_init(&world);
	IS_INT(workspace_policy_mark(NULL), 0);
	use(&(const struct workspace_rules){ .text = { [TEXT_FULL] = one } });
	IS_INT(workspace_policy_mark(world.context.policy), 0);
	use(&(const struct workspace_rules){ .exclude = one });
	marks[0] = workspace_policy_mark(world.context.policy);
	use(&(const struct workspace_rules){ .exclude = two });
	marks[1] = workspace_policy_mark(world.context.policy);
	world_write(&world, "c/x", STR("x"));
	link_to("c", "a"); /* which it resolves to, does not matter */
	use(&(const struct workspace_rules){ .exclude = one });
	marks[2] = workspace_policy_mark(world.context.policy);
	OK(marks[0] != 0 && marks[1] != 0 && marks[0] != marks[1] && marks[0] == marks[2]);
	world_end(&world);
}

static const struct tap_case cases[] = {
	TAP_CASE(as_written),
	TAP_CASE(links_in_the_workspace),
	TAP_CASE(links_in_the_rule),
	TAP_CASE(how_much_text),
	TAP_CASE(wrong_patterns_are_named),
	TAP_CASE(mark_of_the_rules),
};

TAP_MAIN(cases)
