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

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		IS_STR(gemini_workspace(&arena, STR("n"), str_from(cases[i].root),
			       str_from(cases[i].projects)),
			cases[i].want);
	arena_release(&arena);
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
	TAP_CASE(a_workspace_that_becomes_known_is_taken_over),
	TAP_CASE(workspaces_of_what_is_written_anyhow),
	TAP_CASE(other_roots),
};
TAP_MAIN(cases)
