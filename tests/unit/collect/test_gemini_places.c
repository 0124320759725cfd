/* Where Gemini CLI's chats are, and which workspace each is of. */
#include "collect/gemini/gemini.h"
#include "collect/gemini/places.h"
#include "sample_sessions.h"

#define AGENT "gemini"
#define TMP ".gemini/tmp/"
#define PROJECTS ".gemini/projects.json"
#define S_FILE TMP "p/chats/session-S.jsonl"
#define G2_FILE TMP "blog/chats/session-2026-03-09T16-20-5e6f7a8b.jsonl"
#define ROOT_FILE TMP "blog/.project_root"

static void begin(struct world *world)
{
	world_init(world);
	unsetenv("GEMINI_CLI_HOME");
}

static struct source_counts collect(struct world *world)
{
	return world_collect(world, &gemini_source);
}

static void put_prompt(struct world *world, const char *id, int second)
{
	world_append(world, S_FILE,
		arena_printf(&world->arena,
			"{\"id\":\"%s\",\"type\":\"user\",\"timestamp\":\"2026-03-09T10:00:%02dZ\","
			"\"content\":\"a\"}\n",
			id, second));
}

static const char *cwd_of_prompt(struct world *world, size_t number)
{
	struct world_events events = world_events(world, "user_message");

	return OK(number < events.count) ? world_value(world, &events.items[number], "cwd") : "";
}

/* By both names that a directory can have; new chats in it are excluded too, and allowed again all
 * of them come. */
static void excluded_workspaces(void)
{
	const char *roots[] = { "", "/secret/p\n" };

	for (size_t i = 0; i < 2 * ARRAY_LEN(roots); i++) {
		struct workspace_rules rules = { .exclude =
							 (const char *const[]){ "/secret", NULL } };
		struct workspace_policy *policy;
		struct world world;

		begin(&world);
		OK(workspace_policy(&policy, &world.arena, &rules, "/home/ana", &world.err) == 0);
		world.context.policy = policy;
		if (i < 2)
			world_write(&world, PROJECTS, STR("{\"projects\":{\"/secret/p\":\"p\"}}"));
		if (roots[i % 2][0] != '\0' || i >= 2)
			world_write(&world, TMP "p/.project_root", STR("/secret/p\n"));
		world_write(&world, S_FILE, STR("{\"sessionId\":\"S\"}\n"));
		put_prompt(&world, "m1", 1);
		collect(&world);
		put_prompt(&world, "m2", 2);
		world_write(&world, TMP "p/chats/session-T.jsonl",
			STR("{\"sessionId\":\"T\"}\n{\"id\":\"t\",\"type\":\"user\","
			    "\"timestamp\":\"2026-03-09T10:00:00Z\",\"content\":\"a\"}\n"));
		collect(&world);
		IS_INT(world_events(&world, "").count, 0);
		world.context.policy = NULL;
		collect(&world);
		IS_INT(world_events(&world, "user_message").count, 3);
		IS_CSTR(cwd_of_prompt(&world, 0), "/secret/p");
		world_end(&world);
	}
}

static void a_workspace_that_becomes_known_is_taken_over(void)
{
	struct source_counts counts;
	struct world world;

	begin(&world);
	world_write(&world, S_FILE, STR("{\"sessionId\":\"S\"}\n"));
	put_prompt(&world, "m1", 1);
	collect(&world);
	IS_CSTR(of_session(&world, "S", "cwd"), "");
	world_append(
		&world, S_FILE, STR("{\"$set\":{\"directories\":[\"/listed\",\"/other\"]}}\n"));
	collect(&world);
	IS_CSTR(of_session(&world, "S", "cwd"), "/listed");
	world_write(&world, PROJECTS,
		STR("{\"projects\":{\"/q\":\"q\",\"/home/ana/p/\":\"p\",\"/z\":7}}"));
	collect(&world);
	IS_CSTR(of_session(&world, "S", "cwd"), "/home/ana/p");
	IS_CSTR(cwd_of_prompt(&world, 0), "/home/ana/p");
	world_write(&world, TMP "p/.project_root", STR("/home/ana/root\n"));
	collect(&world);
	IS_CSTR(of_session(&world, "S", "cwd"), "/home/ana/root");
	counts = collect(&world);
	IS_INT(counts.skipped_unchanged, 1);
	IS_INT(counts.new_events + counts.updated, 0);
	OK(unlink(world_path(&world, TMP "p/.project_root")) == 0);
	OK(unlink(world_path(&world, PROJECTS)) == 0);
	put_prompt(&world, "m2", 2);
	collect(&world);
	IS_CSTR(of_session(&world, "S", "cwd"), "/home/ana/root");
	IS_CSTR(cwd_of_prompt(&world, 1), "/home/ana/root");
	world_end(&world);
}

static void workspaces_of_what_is_written_anyhow(void)
{
	static const struct {
		const char *root, *projects, *want;
	} cases[] = { { "", "", "" }, { "relative", "", "" }, { "", "garbage", "" },
		{ "", "[]", "" }, { "", "{\"projects\":[\"n\"]}", "" },
		{ "", "{\"projects\":{\"relative\":\"n\",\"/a/../b\":\"n\"}}", "/b" },
		{ "", "{\"projects\":{\"/a\":\"m\"}}", "" }, { " /r/ \r\n", "{}", "/r" } };
	struct arena arena = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct gemini_known known = { .projects = str_from(cases[i].projects) };

		IS_STR(gemini_workspace(&arena, STR("n"), str_from(cases[i].root), &known),
			cases[i].want);
	}
	arena_release(&arena);
}

#define SHOP "/home/ana/work/shop"
#define SHOP_HASH "0eb399366de9d48155547b2c4d21d2edffd38b62a896e999cc490bab7f500c0a"

/* The name of an older release is the hash of a path. */
static void a_hash_tells_of_any_path_whether_it_is_the_workspace(void)
{
	const struct str paths[] = { STR("/home/ana"), STR(SHOP "/"), STR(SHOP), STR("") };
	struct gemini_known known = { .paths = paths, .count = 3 };
	struct arena arena = { 0 };

	IS_STR(gemini_workspace(&arena, STR(SHOP_HASH), STR(""), &known), SHOP);
	known.count = 2;
	IS_STR(gemini_workspace(&arena, STR(SHOP_HASH), STR(""), &known), "");
	IS_STR(gemini_workspace(&arena, STR(SHOP_HASH), STR("/other"), &known), "/other");
	known.projects = STR("{\"projects\":{\"" SHOP "\":\"shop\"}}");
	IS_STR(gemini_workspace(&arena, STR(SHOP_HASH), STR(""), &known), SHOP);
	IS_STR(gemini_workspace_above(STR(SHOP_HASH), STR(SHOP "/src/a/b.c")), SHOP);
	IS_STR(gemini_workspace_above(STR(SHOP_HASH), STR(SHOP "/")), SHOP);
	IS_STR(gemini_workspace_above(STR(SHOP_HASH), STR(SHOP)), "");
	IS_STR(gemini_workspace_above(STR(SHOP_HASH), STR("work/shop/a.c")), "");
	IS_STR(gemini_workspace_above(STR("shop"), STR(SHOP "/a.c")), "");
	IS_STR(gemini_workspace_above(STR(SHOP_HASH), STR("")), "");
	arena_release(&arena);
}

/* Whatever says it: another directory's .project_root, or a file that a tool was given. */
static void a_directory_named_by_a_hash_gets_its_workspace(void)
{
	struct source_counts counts;
	struct world world;

	begin(&world);
	world_write(&world, TMP SHOP_HASH "/chats/session-A.jsonl",
		STR("{\"sessionId\":\"A\"}\n{\"id\":\"m1\",\"type\":\"gemini\",\"timestamp\":"
		    "\"2026-03-09T10:00:00Z\",\"toolCalls\":[{\"id\":\"c1\",\"name\":\"glob\"},"
		    "{\"id\":\"c2\",\"name\":\"read_file\",\"args\":{\"absolute_path\":"
		    "\"" SHOP "/src/a.c\"}}]}\n"));
	world_write(&world, TMP SHOP_HASH "/chats/session-B.jsonl",
		STR("{\"sessionId\":\"B\"}\n{\"id\":\"m1\",\"type\":\"gemini\",\"timestamp\":"
		    "\"2026-03-09T10:00:00Z\"}\n"));
	collect(&world);
	IS_CSTR(of_session(&world, "A", "cwd"), SHOP);
	IS_CSTR(of_session(&world, "B", "cwd"), "");
	world_write(&world, TMP "shop/.project_root", STR(SHOP "\n"));
	collect(&world);
	IS_CSTR(of_session(&world, "B", "cwd"), SHOP);
	counts = collect(&world);
	IS_INT(counts.skipped_unchanged, 2);
	IS_INT(counts.new_events + counts.updated, 0);
	world_end(&world);
}

static void other_roots(void)
{
	struct source_places places;
	struct world world;

	begin(&world);
	IS_INT(gemini_source.present(&world.context), -1);
	places = (struct source_places){ .arena = &world.arena };
	gemini_source.places(&world.context, &places);
	if (IS_INT(places.count, 1))
		IS_CSTR(places.items[0].path, world_path(&world, ".gemini/tmp"));
	put_sample_as(&world, AGENT, G2_FILE, "other/" G2_FILE);
	put_sample_as(&world, AGENT, ROOT_FILE, "other/" ROOT_FILE);
	setenv("GEMINI_CLI_HOME", world_path(&world, "other"), 1);
	IS_INT(gemini_source.present(&world.context), 1);
	collect(&world);
	check_session(&world, AGENT, "gemini/G2", NULL);
	unsetenv("GEMINI_CLI_HOME");
	world_end(&world);
}

static const struct tap_case cases[] = {
	TAP_CASE(excluded_workspaces),
	TAP_CASE(a_workspace_that_becomes_known_is_taken_over),
	TAP_CASE(workspaces_of_what_is_written_anyhow),
	TAP_CASE(a_hash_tells_of_any_path_whether_it_is_the_workspace),
	TAP_CASE(a_directory_named_by_a_hash_gets_its_workspace),
	TAP_CASE(other_roots),
};
TAP_MAIN(cases)
