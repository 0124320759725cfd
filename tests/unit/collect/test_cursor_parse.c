/* What Cursor's bubbles, composers and transcripts mean: the parsers alone. */
#include "base/time.h"
#include "collect/cursor/cursor.h"
#include "tap.h"

struct parsing {
	struct arena arena;
	struct cursor_composer composer;
	struct agent_session session;
	int64_t taken;
};

static void parsing_end(struct parsing *parsing)
{
	cursor_composer_release(&parsing->composer);
	arena_release(&parsing->arena);
}

/* A composer with its bubbles inline. */
static struct agent_session *parse_chat(struct parsing *parsing, const char *bubbles)
{
	struct str value;

	*parsing = (struct parsing){ 0 };
	value = arena_printf(&parsing->arena,
		"{\"createdAt\":1748764800000,\"unifiedMode\":\"agent\",\"modelConfig\":{\"modelName\":\"default\"},\"conversation\":[%s]}",
		bubbles);
	OK(cursor_composer_begin(&parsing->composer, &parsing->arena, STR("c"), value, STR("/db")));
	cursor_composer_end(&parsing->composer);
	return &parsing->composer.session;
}

static int64_t ms_of(const struct agent_session *session, size_t item)
{
	return item < session->count && session->items[item].at_ns != AGENT_NO_TIME
		       ? session->items[item].at_ns / NS_PER_MS
		       : -1;
}

static void times_of_bubbles(void)
{
	static const struct {
		const char *bubble;
		int64_t ms; /* -1: none */
	} bubbles[] = {
		{ "\"createdAt\":\"2026-03-06T11:00:03.250Z\"", 1772794803250 },
		{ "\"createdAt\":\"2026-03-06T12:00:03+01:00\"", 1772794803000 },
		{ "\"createdAt\":1772794803000", 1772794803000 },
		{ "\"createdAt\":\"1772794803000\"", 1772794803000 },
		{ "\"createdAt\":\"soon\"", -1 },
		{ "\"timingInfo\":{\"clientStartTime\":1748764801000.25}", 1748764801000 },
		{ "\"timingInfo\":{\"clientStartTime\":1500.0,\"clientRpcSendTime\":1748764810000.0}",
			1748764808500 },
		{ "\"timingInfo\":{\"clientStartTime\":1500,\"clientRpcSendTime\":0,\"clientSettleTime\":0,\"clientEndTime\":1748764810000.5}",
			1748764808500 },
		{ "\"timingInfo\":{\"clientStartTime\":1500}", -1 },
		{ "\"timingInfo\":{\"clientEndTime\":1748764810000}", 1748764810000 },
		{ "\"timingInfo\":{\"clientStartTime\":1e300}", -1 },
		{ "\"timingInfo\":7", -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(bubbles); i++) {
		struct parsing parsing;
		CLEANUP(buf_release) struct buf text = BUF_INIT;
		struct agent_session *session;

		buf_printf(&text,
			"{\"type\":1,\"text\":\"a\",\"bubbleId\":\"a\",\"createdAt\":1748764800500},{\"type\":1,\"text\":\"b\",%s}",
			bubbles[i].bubble);
		session = parse_chat(&parsing, buf_cstr(&text));
		IS_INT(session->count, 2);
		if (!IS_INT(ms_of(session, 1), bubbles[i].ms))
			printf("# %s\n", bubbles[i].bubble);
		parsing_end(&parsing);
	}
}

static void start_without_times(void)
{
	struct parsing parsing;
	struct agent_session *session = parse_chat(&parsing,
		"{\"type\":1,\"text\":\"a\"},{\"type\":2,\"text\":\"b\",\"createdAt\":1748764809000},{\"type\":1,\"text\":\"c\"}");

	IS_INT(session->count, 3);
	IS_INT(ms_of(session, 0), 1748764800000); /* when the composer was made */
	OK(session->items[0].estimated);
	OK(!session->items[1].estimated);
	IS_INT(ms_of(session, 2), -1);
	IS_STR(session->items[0].key, "c:#0");
	parsing_end(&parsing);
}

static void kinds_of_bubbles(void)
{
	struct parsing parsing;
	struct agent_session *session = parse_chat(&parsing,
		/* texts in other places */
		"{\"type\":1,\"bubbleId\":\"u1\",\"requestId\":\"q1\",\"modelInfo\":{\"modelName\":\"m1\"},\"text\":\"\",\"rawText\":\"raw\"},"
		"{\"type\":1,\"bubbleId\":\"u2\",\"requestId\":\"q2\",\"text\":\"\",\"richText\":\"{\\\"root\\\":{\\\"children\\\":[{\\\"children\\\":[{\\\"text\\\":\\\"ri\\\"},{\\\"text\\\":\\\"ch\\\"}]}]}}\"},"
		"{\"type\":1,\"bubbleId\":\"u3\",\"text\":\" \",\"richText\":\"{}\"},"
		"{\"type\":1,\"bubbleId\":\"u4\",\"images\":[{}],\"text\":\"\"},"
		/* an answer that calls a tool, and counts */
		"{\"type\":2,\"bubbleId\":\"r1\",\"text\":\"look\",\"toolFormerData\":{\"name\":\"read_file\",\"toolCallId\":\"t1\",\"status\":\"loading\",\"rawArgs\":\"{\\\"target_file\\\":\\\"a.c\\\"}\"},\"tokenCount\":{\"inputTokens\":\"12\",\"outputTokens\":0}},"
		/* the same call again */
		"{\"type\":2,\"bubbleId\":\"r2\",\"toolFormerData\":{\"name\":\"read_file\",\"toolCallId\":\"t1\",\"status\":\"completed\"}},"
		"{\"type\":2,\"bubbleId\":\"r3\",\"toolFormerData\":{\"tool\":15,\"toolCallId\":\"t2\",\"status\":\"cancelled\"}},"
		"{\"type\":2,\"bubbleId\":\"r4\",\"toolFormerData\":{\"name\":\"run_terminal_cmd\",\"status\":\"completed\",\"result\":\"{\\\"exitCode\\\":2}\"}},"
		"{\"type\":2,\"bubbleId\":\"r5\",\"toolFormerData\":{}},"
		/* thoughts, and what is internal */
		"{\"type\":2,\"bubbleId\":\"r6\",\"text\":\"\",\"thinking\":{\"text\":\"hm\"},\"tokenCount\":{\"inputTokens\":0,\"outputTokens\":7}},"
		"{\"type\":2,\"bubbleId\":\"r7\",\"capabilityType\":22,\"text\":\"summary\"},"
		"{\"type\":3,\"bubbleId\":\"x\"},{\"bubbleId\":\"y\"},7");
	static const struct {
		enum agent_kind kind;
		const char *key;
	} want[] = { { AGENT_PROMPT, "c:u1" }, { AGENT_PROMPT, "c:u2" }, { AGENT_PROMPT, "c:u4" },
		{ AGENT_TOOL_USE, "c:r1" }, { AGENT_RESPONSE, "c:r1" }, { AGENT_TOOL_USE, "c:r3" },
		{ AGENT_TOOL_USE, "c:r4" }, { AGENT_TOOL_ERROR, "c:r4" }, { AGENT_USAGE, "c:r6" } };

	IS_INT(session->count, ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want) && i < session->count; i++) {
		IS_INT(session->items[i].kind, want[i].kind);
		IS_STR(session->items[i].key, want[i].key);
	}
	IS_STR(session->items[0].text, "raw");
	IS_STR(session->items[0].model, "m1");
	IS_STR(session->items[0].turn, "q1");
	IS_STR(session->items[0].mode, "agent");
	IS_STR(session->items[1].text, "rich");
	IS_STR(session->items[1].model, "");
	OK(session->items[2].has_image);
	IS_STR(session->items[3].file, "a.c");
	IS_INT(session->items[4].tokens[AGENT_INPUT], 12);
	IS_INT(session->items[4].tokens[AGENT_OUTPUT], 0);
	IS_STR(session->items[5].tool, "tool-15");
	OK(session->items[5].cancelled);
	IS_STR(session->items[7].call, "c:r4");
	IS_INT(session->items[8].tokens[AGENT_OUTPUT], 7);
	IS_INT(session->items[8].tokens[AGENT_CACHE_READ], -1);
	IS_INT(session->unknown, 2);
	IS_INT(session->bad_count, 0);
	parsing_end(&parsing);
}

static void rows_without_a_list_go_by_time(void)
{
	struct parsing parsing = { 0 };
	struct agent_session *session = &parsing.composer.session;

	OK(cursor_composer_begin(
		&parsing.composer, &parsing.arena, STR("c"), STR("{}"), STR("/db")));
	cursor_composer_bubble(&parsing.composer, STR("a"),
		STR("{\"type\":2,\"text\":\"b\",\"createdAt\":1748764809000}"));
	cursor_composer_bubble(&parsing.composer, STR("b"),
		STR("{\"type\":1,\"text\":\"a\",\"createdAt\":1748764808000}"));
	cursor_composer_end(&parsing.composer);
	IS_INT(session->count, 2);
	IS_STR(session->items[0].key, "c:b");
	IS_INT(parsing.composer.ignored.orphans, 0);
	parsing_end(&parsing);
}

static struct agent_session *parse_transcript(struct parsing *parsing, const char *parent,
	void (*read)(struct agent_session *, struct str, int64_t, int64_t *), struct str bytes)
{
	*parsing = (struct parsing){ 0 };
	parsing->session = agent_session(&parsing->arena, CURSOR_AGENT);
	parsing->session.id = STR("s");
	parsing->session.parent = str_from(parent);
	parsing->session.path = STR("/t");
	read(&parsing->session, bytes, 5 * NS_PER_S, &parsing->taken);
	return &parsing->session;
}

static void lines_of_transcripts(void)
{
	struct parsing parsing;
	struct str bytes = STR(
		"\xef\xbb\xbf{\"role\":\"user\",\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"<open_files>\\nx\\n</open_files>\\n<user_query>\\nhello\\n</user_query>\"}]}}\r\n"
		"\n"
		"{\"role\":\"user\",\"message\":{\"content\":\"<system_reminder>only context</system_reminder>\"}}\n"
		"{\"role\":\"user\",\"message\":{\"content\":\"<div>is markup</div>\"}}\n"
		"{\"role\":\"user\",\"message\":{\"content\":[{\"type\":\"tool_result\",\"content\":\"x\"}]}}\n"
		"{\"role\":\"user\",\"message\":{\"content\":[{\"type\":\"image\"}]}}\n"
		"{\"role\":\"assistant\",\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"},{\"type\":\"tool_use\",\"name\":\"Read\",\"input\":{\"path\":\"x.c\"}},{\"type\":\"tool_use\",\"name\":\"Read\",\"input\":7},{\"type\":\"hologram\"},{\"type\":\"thinking\",\"thinking\":\"t\"}]}}\n"
		"not json\n"
		"[1]\n"
		"{\"role\":\"assistant\",\"message\":{\"content\":\"same\"}}\n"
		"{\"role\":\"assistant\",\"message\":{\"content\":\"same\"}}\n"
		"{\"type\":\"turn_ended\"}\n{\"type\":\"warp\"}\n{\"role\":\"robot\"}\n{}\n"
		"{\"role\":\"assistant\",\"message\":{\"content\":\"\xff last\"}}");
	struct agent_session *session =
		parse_transcript(&parsing, NULL, cursor_transcript_lines, bytes);

	IS_INT(session->count, 9);
	IS_STR(session->items[0].text, "hello");
	IS_STR(session->items[1].text, "<div>is markup</div>");
	OK(session->items[2].kind == AGENT_PROMPT && session->items[2].has_image);
	IS_INT(session->items[3].kind, AGENT_TOOL_USE);
	IS_STR(session->items[3].file, "x.c");
	OK(!str_eq(session->items[3].key, session->items[4].key));
	IS_STR(session->items[5].text, "a\nb");
	OK(!str_eq(session->items[6].key, session->items[7].key));
	IS_STR(session->items[8].text, "\xff last");
	for (size_t i = 0; i < session->count; i++)
		OK(session->items[i].at_ns == 5 * NS_PER_S && session->items[i].estimated);
	IS_INT(session->malformed, 2);
	IS_INT(session->unknown, 4);
	IS_INT(parsing.taken, bytes.len);
	parsing_end(&parsing);
	/* A sub-agent is told by its parent; a torn line waits. */
	session = parse_transcript(&parsing, "p", cursor_transcript_lines,
		STR("{\"role\":\"user\",\"message\":{\"content\":\"do\"}}\n{\"role\":\"assist"));
	IS_INT(session->count + session->bad_count, 0);
	IS_INT(parsing.taken, 43);
	parsing_end(&parsing);
	session = parse_transcript(&parsing, NULL, cursor_transcript_lines, STR(""));
	IS_INT(session->count + session->bad_count, 0);
	parsing_end(&parsing);
}

static void text_of_transcripts(void)
{
	struct parsing parsing;
	struct str bytes = STR(
		"stray\nuser:\r\n<user_query>\nwhat\nassistant:\nis this\n</user_query>\n\n"
		"assistant:\n[Thinking] one\ntwo\n\nI look.\n[Tool call] Read\n  limit: 3\n  path: a: b.c\n"
		"[Tool result] Read\nuser data\n\nmore\n[Tool call] Shell\n\tcommand: ls\nDone.\n\n"
		"user:\nthanks");
	struct agent_session *session =
		parse_transcript(&parsing, NULL, cursor_transcript_text, bytes);

	if (IS_INT(session->count, 5)) {
		IS_STR(session->items[0].text, "what\nassistant:\nis this");
		IS_INT(session->items[1].kind, AGENT_TOOL_USE);
		IS_STR(session->items[1].tool, "Read");
		IS_STR(session->items[1].file, "a: b.c");
		IS_STR(session->items[2].tool, "Shell");
		IS_STR(session->items[3].text, "I look.\nDone.");
		IS_STR(session->items[4].text, "thanks");
		OK(!str_eq(session->items[0].key, session->items[4].key));
	}
	IS_INT(parsing.taken, bytes.len);
	parsing_end(&parsing);
}

static void workspaces_and_links(void)
{
	static const struct {
		const char *json;
		const char *workspace;
	} files[] = { { "{\"folder\":\"file:///srv/a%20b/\"}", "/srv/a b" },
		{ "{\"workspace\":\"file:///srv/x.code-workspace\"}", "/srv/x.code-workspace" },
		{ "{\"folder\":\"vscode-remote://ssh-remote%2Bdevbox/srv/api\"}",
			"ssh-remote+devbox:/srv/api" },
		{ "{\"folder\":7}", "" }, { "{", "" }, { "", "" } };
	static const struct {
		const char *key, *value;
		size_t count;
		const char *first;
	} rows[] = {
		{ "composer.composerData",
			"{\"allComposers\":[{\"composerId\":\"a\"},{},7,{\"composerId\":\"b\"}]}",
			2, "a" },
		{ "composer.composerData",
			"{\"selectedComposerIds\":[\"a\",\"b\"],\"selectedComposerId\":\"c\"}", 3,
			"a" },
		{ "composer.composerHeaders", "[{\"composerId\":\"a\"}]", 1, "a" },
		{ "workbench.panel.composerChatViewPane.x",
			"{\"workbench.panel.aichat.view.54c917a0-d373-53a6-b1a2-9564ef32e26c\":{},\"other\":1}",
			1, "54c917a0-d373-53a6-b1a2-9564ef32e26c" },
		{ "composer.composerData", "nonsense", 0, NULL }
	};
	struct arena arena = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		IS_STR(cursor_workspace_of(&arena, str_from(files[i].json)), files[i].workspace);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t count;
		struct cursor_link *links = cursor_workspace_links(
			&arena, str_from(rows[i].key), str_from(rows[i].value), &count);

		if (IS_INT(count, rows[i].count) && count > 0)
			IS_STR(links[0].composer, rows[i].first);
	}
	arena_release(&arena);
}

static void names_of_projects(void)
{
	static const struct {
		const char *path, *name;
	} paths[] = { { "/home/ana/work/shop", "home-ana-work-shop" },
		{ "home-ana-work-shop", "home-ana-work-shop" },
		{ "/home/ana/.config/x.y_z/", "home-ana-config-x-y-z" },
		{ "C:/Users/ana", "C-Users-ana" }, { "/", "" }, { "", "" } };
	struct arena arena = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		IS_STR(cursor_project_name(&arena, str_from(paths[i].path)), paths[i].name);
	arena_release(&arena);
}

static const struct tap_case cases[] = {
	TAP_CASE(times_of_bubbles),
	TAP_CASE(start_without_times),
	TAP_CASE(kinds_of_bubbles),
	TAP_CASE(rows_without_a_list_go_by_time),
	TAP_CASE(lines_of_transcripts),
	TAP_CASE(text_of_transcripts),
	TAP_CASE(workspaces_and_links),
	TAP_CASE(names_of_projects),
};
TAP_MAIN(cases)
