/*
 * The files of one session: copies, a document and a transcript that each know more for a while,
 * what is deleted or half written; and where files are looked for.
 */
#include "copilot_world.h"
#include "model/limits.h"

/* --- copies --- */

static void the_fullest_copy_counts(void)
{
	struct source_counts counts;

	world_init(&world);
	put_home(HOME, "{\"folder\":\"file:///home/ana/one\"}");
	put_home(OTHER, "{\"folder\":\"file:///home/ana/two\"}");
	world_write(&world, DOCUMENT, document(2, 1));
	world_write(&world, OTHER "chatSessions/" ID ".json", document(4, 0));
	collect();
	IS_CSTR(fact(ID, "prompts"), "4");
	IS_CSTR(fact(ID, "cwd"), "/home/ana/two");
	/* The lesser one changes: nothing is new, nothing is withdrawn. */
	world_write(&world, DOCUMENT, document(3, 9));
	counts = collect();
	IS_INT(counts.new_events + counts.updated, 0);
	IS_INT(counts.skipped_unchanged, 0);
	/* The better one goes, the lesser one changes: what was there stays. */
	OK(unlink(world_path(&world, OTHER "chatSessions/" ID ".json")) == 0);
	collect();
	world_write(&world, DOCUMENT, document(2, 5));
	collect();
	IS_CSTR(fact(ID, "prompts"), "4");
	IS_CSTR(fact(ID, "withdrawn"), "0");
	check_settled(1);
	world_end(&world);
}

static void newer_copy_wins_among_equals(void)
{
	world_init(&world);
	put_home(HOME, "{\"folder\":\"file:///home/ana/one\"}");
	put_home(OTHER, "{\"folder\":\"file:///home/ana/two\"}");
	world_write(&world, DOCUMENT, document(2, 1));
	world_write(&world, OTHER "chatSessions/" ID ".json", document(2, 2));
	collect();
	IS_CSTR(fact(ID, "cwd"), "/home/ana/two");
	IS_INT(world_events(&world, "user_message").count, 2);
	world_end(&world);
}

/* A copy where requests were taken back, and the chat went on. */
static void later_copy_wins_over_a_fuller_one(void)
{
	world_init(&world);
	put_home(HOME, "{\"folder\":\"file:///home/ana/one\"}");
	put_home(OTHER, "{\"folder\":\"file:///home/ana/two\"}");
	world_write(&world, DOCUMENT, document(4, 1));
	collect();
	world_write(&world, OTHER "chatSessions/" ID ".jsonl",
		arena_printf(&world.arena,
			"%s{\"kind\":3,\"k\":[\"requests\",1]}\n{\"kind\":3,\"k\":[\"requests\",2]}\n",
			compacted(document(5, 1)).ptr));
	collect();
	IS_CSTR(fact(ID, "cwd"), "/home/ana/two");
	IS_CSTR(fact(ID, "prompts"), "3");
	IS_CSTR(fact(ID, "withdrawn"), "4"); /* prompts and responses */
	check_settled(2);
	world_end(&world);
}

/* Two sessions may number their requests and calls alike, and begin at the same time. */
static void ids_belong_to_their_session(void)
{
	static const char other[] = "99999999-2222-4333-8444-555555555555";
	static const char text[] =
		"{\"sessionId\":\"%s\",\"requests\":[{\"requestId\":\"request_1\",\"timestamp\":1772445600000,\"message\":\"%s\","
		"\"response\":[{\"kind\":\"toolInvocationSerialized\",\"toolId\":\"t\",\"toolCallId\":\"call_1\"}]}]}";

	world_init(&world);
	world_write(&world, DOCUMENT, arena_printf(&world.arena, text, ID, "one"));
	world_write(&world, arena_printf(&world.arena, HOME "chatSessions/%s.json", other).ptr,
		arena_printf(&world.arena, text, other, "another"));
	IS_INT(collect().new_events, 8);
	IS_INT(world_events(&world, "user_message").count, 2);
	IS_INT(world_events(&world, "agent_tool_use").count, 2);
	IS_CSTR(fact(ID, "tool_calls"), "1");
	IS_CSTR(fact(other, "tool_calls"), "1");
	check_settled(2);
	world_end(&world);
}

static void names_do_not_make_sessions(void)
{
	world_init(&world);
	put_home(HOME, "{\"folder\":\"file:///home/ana/one\"}");
	world_write(&world, DOCUMENT, document(2, 1));
	world_write(&world, HOME "chatSessions/" ID " (1).json", document(3, 1));
	world_write(&world, HOME "chatSessions/copy of a log.jsonl", compacted(document(1, 1)));
	collect();
	IS_INT(world_events(&world, "agent_session").count, 1);
	IS_CSTR(fact(ID, "prompts"), "3");
	check_settled(3);
	world_end(&world);
}

static void log_wins_over_what_it_left_behind(void)
{
	world_init(&world);
	world_write(&world, DOCUMENT, document(3, 1));
	collect();
	IS_CSTR(fact(ID, "prompts"), "3");
	world_write(&world, LOG, compacted(document(4, 1)));
	collect();
	IS_CSTR(fact(ID, "prompts"), "4");
	world_write(&world, LOG,
		arena_printf(&world.arena, "%s{\"kind\":2,\"k\":[\"requests\"],\"i\":2}\n",
			compacted(document(4, 1)).ptr));
	collect();
	IS_CSTR(fact(ID, "prompts"), "2");
	IS_CSTR(fact(ID, "withdrawn"), "4"); /* prompts and responses */
	IS_CSTR(fact(ID, "cwd"), "");
	check_settled(2);
	world_end(&world);
}

/* --- document and transcript --- */

static void transcript_goes_ahead_of_the_document(void)
{
	struct source_counts counts;

	world_init(&world);
	world_write(&world, LOG, compacted(document(3, 1)));
	world_write(&world, TRANSCRIPT, transcript(0, 3, 'a'));
	collect();
	IS_CSTR(fact(ID, "prompts"), "3");
	IS_CSTR(fact(ID, "tool_calls"), "0");
	IS_CSTR(fact(ID, "cwd"), "/home/ana/work/api");
	/* The chat goes on; the editor has not saved it yet. */
	world_write(&world, TRANSCRIPT, transcript(0, 5, 'a'));
	counts = collect();
	IS_INT(counts.new_events, 6);
	IS_CSTR(fact(ID, "prompts"), "5");
	IS_CSTR(fact(ID, "responses"), "5");
	IS_CSTR(fact(ID, "input_tokens"), "300");
	/* Now it has one of them. */
	world_write(&world, LOG, compacted(document(4, 1)));
	collect();
	IS_CSTR(fact(ID, "prompts"), "5");
	IS_CSTR(fact(ID, "withdrawn"), "0");
	IS_CSTR(fact(ID, "input_tokens"), "400");
	/* And all, with the last taken back later. */
	world_write(&world, LOG, compacted(document(5, 1)));
	collect();
	IS_CSTR(fact(ID, "prompts"), "5");
	IS_INT(world_events(&world, "user_message").count, 5);
	world_write(&world, LOG, compacted(document(4, 1)));
	collect();
	IS_CSTR(fact(ID, "prompts"), "4");
	IS_CSTR(fact(ID, "withdrawn"), "2");
	check_settled(2);
	world_end(&world);
}

static void document_comes_after_the_transcript(void)
{
	world_init(&world);
	world_write(&world, TRANSCRIPT, transcript(0, 3, 'a'));
	collect();
	IS_CSTR(fact(ID, "prompts"), "3");
	IS_CSTR(fact(ID, "tool_calls"), "3");
	world_write(&world, DOCUMENT, document(3, 1));
	collect();
	IS_CSTR(fact(ID, "prompts"), "3");
	IS_CSTR(fact(ID, "withdrawn"), "0");
	IS_CSTR(fact(ID, "input_tokens"), "300");
	IS_INT(world_events(&world, "user_message").count, 3);
	/* Retention takes the transcript; the document goes too. */
	OK(unlink(world_path(&world, TRANSCRIPT)) == 0);
	OK(unlink(world_path(&world, DOCUMENT)) == 0);
	collect();
	IS_CSTR(fact(ID, "prompts"), "3");
	/* Only the extension goes on with it. */
	world_write(&world, TRANSCRIPT, transcript(0, 4, 'b'));
	collect();
	IS_CSTR(fact(ID, "prompts"), "4");
	IS_CSTR(fact(ID, "input_tokens"), "300");
	check_settled(1);
	world_end(&world);
}

static void surplus_survives_its_transcript(void)
{
	world_init(&world);
	world_write(&world, LOG, compacted(document(2, 1)));
	world_write(&world, TRANSCRIPT, transcript(0, 3, 'a'));
	collect();
	OK(unlink(world_path(&world, TRANSCRIPT)) == 0);
	world_write(&world, LOG, compacted(document(2, 9)));
	collect();
	IS_CSTR(fact(ID, "prompts"), "3");
	IS_CSTR(fact(ID, "withdrawn"), "0");
	world_write(&world, LOG, compacted(document(3, 9)));
	collect();
	IS_CSTR(fact(ID, "prompts"), "3");
	IS_INT(world_events(&world, "user_message").count, 3);
	world_end(&world);
}

/* What only a transcript said of the session stays when it is gone. */
static void workspace_survives_its_transcript(void)
{
	struct source_counts counts;

	world_init(&world);
	world_write(&world, LOG, compacted(document(2, 1)));
	world_write(&world, TRANSCRIPT, transcript(0, 2, 'a'));
	collect();
	IS_CSTR(fact(ID, "cwd"), "/home/ana/work/api");
	OK(unlink(world_path(&world, TRANSCRIPT)) == 0);
	world_write(&world, LOG, compacted(document(2, 9)));
	counts = collect();
	IS_INT(counts.new_events + counts.updated, 0);
	IS_CSTR(fact(ID, "cwd"), "/home/ana/work/api");
	IS_CSTR(fact(ID, "agent_version"), "0.52.0");
	world_end(&world);
}

/* Prompts that follow each other within the time that a transcript may be late. */
static void quick_prompts_are_counted_once(void)
{
	static const char late[] =
		"{\"type\":\"user.message\",\"data\":{\"content\":\"q%d\"},\"timestamp\":\"2026-03-02T10:01:1%d.000Z\"}\n";
	struct str lines;

	world_init(&world);
	lines = transcript(0, 2, 'a');
	world_write(&world, LOG, compacted(document(2, 1)));
	world_write(&world, TRANSCRIPT, lines);
	for (int i = 0; i < 3; i++)
		world_append(&world, TRANSCRIPT, arena_printf(&world.arena, late, i, i));
	collect();
	IS_CSTR(fact(ID, "prompts"), "5");
	/* The transcript goes; the document says nothing new. */
	OK(unlink(world_path(&world, TRANSCRIPT)) == 0);
	world_write(&world, LOG, compacted(document(2, 9)));
	collect();
	IS_CSTR(fact(ID, "prompts"), "5");
	IS_CSTR(fact(ID, "withdrawn"), "0");
	/* Now it does. */
	world_write(&world, LOG, compacted(document(5, 9)));
	collect();
	IS_CSTR(fact(ID, "prompts"), "5");
	IS_CSTR(fact(ID, "withdrawn"), "0");
	check_settled(1);
	world_end(&world);
}

static void reemitted_transcript_is_nothing_new(void)
{
	struct source_counts counts;

	world_init(&world);
	world_write(&world, TRANSCRIPT, transcript(0, 3, 'a'));
	collect();
	world_write(&world, TRANSCRIPT, transcript(0, 3, 'z'));
	counts = collect();
	IS_INT(counts.new_events + counts.updated, 0);
	/* Also behind the old ones, and under the directory's other name. */
	world_append(&world, TRANSCRIPT, transcript(0, 3, 'y'));
	world_write(
		&world, HOME "github.copilot-chat/transcripts/" ID ".jsonl", transcript(1, 3, 'x'));
	counts = collect();
	IS_INT(counts.files, 2);
	IS_INT(counts.new_events + counts.updated, 0);
	world_end(&world);
}

/* --- places and rules --- */

static void workspaces_are_found(void)
{
	static const struct {
		const char *content, *cwd;
	} cases[] = {
		{ "{\"folder\":\"file:///home/ana/work/shop%20front\"}",
			"/home/ana/work/shop front" },
		{ "{\"folder\":\"vscode-remote://ssh-remote%2Bdevbox/home/ana/work/api\"}",
			"ssh-remote+devbox:/home/ana/work/api" },
		{ "{\"folder\":\"file:///c%3A/Users/ana/x\"}", "C:/Users/ana/x" },
		{ "{\"workspace\":\"file:///home/ana/work/all.code-workspace\"}",
			"/home/ana/work" },
		{ "{\"workspace\":{\"id\":\"1\",\"configPath\":\"file:///home/ana/all.code-workspace\"}}",
			"/home/ana" },
		{ "{\"workspace\":\"file:///home/ana/.config/Code/Workspaces/17/workspace.json\"}",
			"" },
		{ "{\"folder\":17}", "" },
		{ "[", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		world_init(&world);
		put_home(HOME, cases[i].content);
		world_write(&world, DOCUMENT, document(1, 1));
		collect();
		IS_CSTR(fact(ID, "prompts"), "1");
		IS_CSTR(fact(ID, "cwd"), cases[i].cwd);
		world_end(&world);
	}
}

static void excluded_workspaces_leave_no_trace(void)
{
	static const char *const exclude[] = { "/home/ana/one/**", NULL };
	const struct workspace_rules rules = { .exclude = exclude };
	struct workspace_policy *policy = NULL;
	struct source_counts counts;

	world_init(&world);
	OK(workspace_policy(&policy, &world.arena, &rules, "/home/ana", &world.err) == 0);
	world.context.policy = policy;
	put_home(HOME, "{\"folder\":\"file:///home/ana/one\"}");
	world_write(&world, LOG, STR("secret\n"));
	world_append(&world, LOG, compacted(document(2, 1)));
	counts = collect();
	IS_INT(counts.new_events + counts.quarantined, 0);
	IS_INT(world_events(&world, "").count, 0);
	world.context.policy = NULL;
	counts = collect();
	IS_CSTR(fact(ID, "prompts"), "2");
	IS_INT(counts.quarantined, 1);
	world_end(&world);
}

static void only_known_places_are_looked_at(void)
{
	struct arena arena = { 0 };
	struct source_places list = { .arena = &arena };
	bool chats = false, transcripts = false;

	world_init(&world);
	IS_INT(copilot_source.present(&world.context), -1);
	put_samples();
	world_write(&world, HOME "chatSessions/deep/" ID ".json", document(1, 1));
	world_write(&world, HOME "state.vscdb", STR("no"));
	world_write(&world, HOME "chatSessions/.hidden.json", document(1, 1));
	world_write(&world, HOME "chatSessions/notes.txt", document(1, 1));
	world_write(&world, HOME TRANSCRIPTS ID ".json", document(1, 1));
	world_write(&world, HOME "chatEditingSessions/" ID "/state.json", document(1, 1));
	IS_INT(copilot_source.present(&world.context), ARRAY_LEN(files));
	copilot_source.places(&world.context, &list);
	for (size_t i = 0; i < list.count; i++) {
		chats |= strcmp(list.items[i].path, world_path(&world, HASH_A "chatSessions")) == 0;
		transcripts |=
			strcmp(list.items[i].path,
				world_path(&world, REMOTE "GitHub.copilot-chat/transcripts")) == 0;
		OK(!list.items[i].poll);
	}
	OK(chats && transcripts);
	arena_release(&arena);
	world_end(&world);
}

static void damage_stops_nothing(void)
{
	struct source_counts counts;

	world_init(&world);
	put_samples();
	world_write(&world, HOME "chatSessions/10000000-2222-4333-8444-555555555555.json", STR(""));
	world_write(&world, HOME "chatSessions/20000000-2222-4333-8444-555555555555.json",
		STR("{\"version\":3,\"requests\":[{\"requestId\":"));
	world_write(&world, HOME "chatSessions/30000000-2222-4333-8444-555555555555.json",
		STR("no JSON"));
	world_write(&world, HOME "chatSessions/40000000-2222-4333-8444-555555555555.jsonl",
		STR("[1,2]\n{\"kind\":1,\"k\":[\"x\"],\"v\":1}\n"));
	OK(symlink("/dev/zero", world_path(&world, HOME "chatSessions/zero.json")) == 0);
	counts = collect();
	IS_INT(counts.failed, 0);
	IS_INT(counts.quarantined,
		4); /* S2's line, what is no JSON or no object, a change of nothing */
	IS_CSTR(fact(S1, "prompts"), "4");
	IS_CSTR(fact(S2, "output_tokens"), "305");
	IS_CSTR(fact(S5, "tool_errors"), "1");
	check_settled(ARRAY_LEN(files) + 4);
	/* What was half written is completed. */
	world_write(&world, HOME "chatSessions/20000000-2222-4333-8444-555555555555.json",
		document(2, 1));
	collect();
	IS_CSTR(fact("20000000-2222-4333-8444-555555555555", "prompts"), "2");
	world_end(&world);
}

/* What cannot be read is counted each time, and what else there is of the session counts. */
static void unreadable_file_leaves_the_others(void)
{
	struct source_counts counts;

	world_init(&world);
	world_write(&world, TRANSCRIPT, transcript(0, 2, 'a'));
	world_write(&world, DOCUMENT, document(3, 1));
	OK(truncate(world_path(&world, DOCUMENT), (off_t)LIMIT_DOCUMENT_BYTES + 1) == 0);
	counts = collect();
	IS_INT(counts.failed, 1);
	IS_CSTR(fact(ID, "prompts"), "2");
	IS_INT(collect().failed, 1);
	world_write(&world, DOCUMENT, document(3, 1));
	IS_INT(collect().failed, 0);
	IS_CSTR(fact(ID, "prompts"), "3");
	IS_CSTR(fact(ID, "withdrawn"), "0");
	check_settled(2);
	world_end(&world);
}

/* A document caught while it is written says nothing, and takes nothing back. */
static void half_written_document_keeps_what_was_known(void)
{
	struct source_counts counts;
	struct str whole, before;

	world_init(&world);
	whole = document(3, 1);
	world_write(&world, DOCUMENT, whole);
	collect();
	before = world_dump(&world);
	world_write(&world, DOCUMENT, str_sub(whole, 0, whole.len / 2));
	counts = collect();
	IS_INT(counts.new_events + counts.updated + counts.quarantined, 0);
	OK(str_eq(world_dump(&world), before));
	world_write(&world, DOCUMENT, document(4, 1));
	collect();
	IS_CSTR(fact(ID, "prompts"), "4");
	IS_CSTR(fact(ID, "withdrawn"), "0");
	world_end(&world);
}

static void forgotten_cursors_change_nothing(void)
{
	struct source_counts counts;
	struct str before;

	world_init(&world);
	put_samples();
	world_write(&world, LOG, compacted(document(3, 1)));
	world_write(&world, TRANSCRIPT, transcript(0, 5, 'a'));
	collect();
	before = world_dump(&world);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		put_sample(files[i]); /* another time of change */
	world_write(&world, LOG, compacted(document(3, 1)));
	counts = collect();
	IS_INT(counts.new_events + counts.updated + counts.quarantined, 0);
	OK(str_eq(world_dump(&world), before));
	world_end(&world);
}

static const struct tap_case cases[] = {
	TAP_CASE(the_fullest_copy_counts),
	TAP_CASE(newer_copy_wins_among_equals),
	TAP_CASE(later_copy_wins_over_a_fuller_one),
	TAP_CASE(ids_belong_to_their_session),
	TAP_CASE(names_do_not_make_sessions),
	TAP_CASE(log_wins_over_what_it_left_behind),
	TAP_CASE(transcript_goes_ahead_of_the_document),
	TAP_CASE(document_comes_after_the_transcript),
	TAP_CASE(surplus_survives_its_transcript),
	TAP_CASE(workspace_survives_its_transcript),
	TAP_CASE(quick_prompts_are_counted_once),
	TAP_CASE(reemitted_transcript_is_nothing_new),
	TAP_CASE(workspaces_are_found),
	TAP_CASE(excluded_workspaces_leave_no_trace),
	TAP_CASE(only_known_places_are_looked_at),
	TAP_CASE(damage_stops_nothing),
	TAP_CASE(unreadable_file_leaves_the_others),
	TAP_CASE(half_written_document_keeps_what_was_known),
	TAP_CASE(forgotten_cursors_change_nothing),
};

TAP_MAIN(cases)
