/* What the tests of Copilot Chat share: its samples in a world, and sessions made from few words.
 */
#ifndef TT_TESTS_COPILOT_WORLD_H
#define TT_TESTS_COPILOT_WORLD_H

#include "collect/copilot/copilot.h"
#include "world.h"

#define S1 "edb36688-20b1-58c7-8d37-0e4d2088b9db"
#define S2 "e40fa5bd-8cb3-5ee9-b882-9ad71f0e4807"
#define S4 "fa8d5e21-d06e-509a-b5d6-734fe2bfcefd"
#define S5 "f8218a05-81bc-5f47-bfe2-d0133a3cbfa2"
#define USER ".config/Code/User/"
#define HASH_A USER "workspaceStorage/280080c2946263af850194cdddf47da8/"
#define HASH_B USER "workspaceStorage/a9de144eb433e3b5aa0d80140bbbbd54/"
#define HASH_C "workspaceStorage/746f8fb00f489a8e8d3e57976e271653/"
#define TRANSCRIPTS "GitHub.copilot-chat/transcripts/"
#define REMOTE ".vscode-server/data/User/" HASH_C
#define S1_FILE HASH_A "chatSessions/" S1 ".json"
#define S1_COPY HASH_B "chatSessions/" S1 ".json"
#define S2_FILE HASH_B "chatSessions/" S2 ".jsonl"
#define S2_TRANSCRIPT HASH_B TRANSCRIPTS S2 ".jsonl"
#define S4_FILE USER "globalStorage/emptyWindowChatSessions/" S4 ".json"
#define S5_FILE REMOTE TRANSCRIPTS S5 ".jsonl"

static const char *const files[] = { S1_FILE, S1_COPY, S2_FILE, S2_TRANSCRIPT, S4_FILE, S5_FILE };
static const char *const workspaces[] = { HASH_A "workspace.json", HASH_B "workspace.json",
	USER HASH_C "workspace.json" };

/* A session of these cases, its document, log and transcript. */
#define ID "11111111-2222-4333-8444-555555555555"
#define HOME USER "workspaceStorage/aa/"
#define OTHER USER "workspaceStorage/bb/"
#define DOCUMENT HOME "chatSessions/" ID ".json"
#define LOG HOME "chatSessions/" ID ".jsonl"
#define TRANSCRIPT HOME TRANSCRIPTS ID ".jsonl"

__attribute__((unused)) static struct world world;

__attribute__((unused)) static struct str sample(const char *name)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	const char *dir = getenv("TEST_DATA");

	if (!dir) {
		SKIP("TEST_DATA does not tell where the samples are");
		return (struct str){ NULL, 0 };
	}
	OK(fs_read(fs_join(&world.arena, dir, name), 8 << 20, &text, &world.err) == 0);
	return arena_str(&world.arena, buf_str(&text));
}

__attribute__((unused)) static void put_sample(const char *name)
{
	struct str content = sample(arena_printf(&world.arena, "copilot-vscode/home/%s", name).ptr);

	if (content.ptr)
		world_write(&world, name, content);
}

__attribute__((unused)) static void put_workspaces(void)
{
	for (size_t i = 0; i < ARRAY_LEN(workspaces); i++)
		put_sample(workspaces[i]);
}

__attribute__((unused)) static void put_samples(void)
{
	put_workspaces();
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		put_sample(files[i]);
}

__attribute__((unused)) static const struct event *session_event(const char *id)
{
	struct world_events sessions = world_events(&world, "agent_session");

	for (size_t i = 0; i < sessions.count; i++)
		if (strcmp(world_value(&world, &sessions.items[i], "session_id"), id) == 0)
			return &sessions.items[i];
	return NULL;
}

/* Member KEY of the event of session ID. */
__attribute__((unused)) static const char *fact(const char *id, const char *key)
{
	const struct event *event = session_event(id);

	return event ? world_value(&world, event, key) : "no session";
}

__attribute__((unused)) static struct source_counts collect(void)
{
	return world_collect(&world, &copilot_source);
}

/* Nothing is there to do, and nothing is opened. */
__attribute__((unused)) static void check_settled(int64_t count)
{
	struct str before = world_dump(&world);
	struct source_counts counts = collect();

	IS_INT(counts.new_events, 0);
	IS_INT(counts.updated, 0);
	IS_INT(counts.skipped_unchanged, count);
	IS_INT(counts.files, count);
	OK(str_eq(before, world_dump(&world)));
}

/* --- sessions made here --- */

/* COUNT requests from 10:00 on, a minute each, all answered; DATED is lastMessageDate. */
__attribute__((unused)) static struct str document(int count, long long dated)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	buf_printf(
		&text, "{\"version\":3,\"sessionId\":\"%s\",\"creationDate\":1772445600000,", ID);
	buf_printf(&text, "\"lastMessageDate\":%lld,\"requests\":[", dated);
	for (int i = 0; i < count; i++)
		buf_printf(&text,
			"%s{\"requestId\":\"r%d\",\"timestamp\":%lld,\"message\":\"prompt %d\","
			"\"response\":[{\"value\":\"done\"}],\"modelState\":{\"value\":1},"
			"\"result\":{\"metadata\":{\"promptTokens\":100,\"outputTokens\":10}}}",
			i ? "," : "", i, 1772445600000LL + i * 60000, i);
	buf_addc(&text, "]}");
	return arena_str(&world.arena, buf_str(&text));
}

/* The same as a log of one line. */
__attribute__((unused)) static struct str compacted(struct str state)
{
	return arena_printf(&world.arena, "{\"kind\":0,\"v\":%.*s}\n", STR_ARG(state));
}

/* Transcript lines for prompts FROM to TO - 1 of such a session, each with its answer; line ids
 * begin with MARK. */
__attribute__((unused)) static struct str transcript(int from, int to, char mark)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	char at[TIME_TEXT_BYTES];

	buf_printf(&text,
		"{\"type\":\"session.start\",\"data\":{\"sessionId\":\"%s\",\"copilotVersion\":\"0.52.0\","
		"\"context\":{\"cwd\":\"/home/ana/work/api\"}},\"id\":\"%c\",\"timestamp\":\"2026-03-02T09:59:59.000Z\"}\n",
		ID, mark);
	for (int i = from; i < to; i++) {
		int64_t ns = (1772445600 + i * 60) * NS_PER_S + NS_PER_S / 5;

		buf_printf(&text,
			"{\"type\":\"user.message\",\"data\":{\"content\":\"prompt %d\"},\"id\":\"%c%d\",\"timestamp\":\"%s\"}\n",
			i, mark, i, time_format(ns, 3, at));
		buf_printf(&text,
			"{\"type\":\"assistant.message\",\"data\":{\"content\":\"done\",\"toolRequests\":["
			"{\"toolCallId\":\"call_%d\",\"name\":\"read_file\",\"arguments\":{\"filePath\":\"/x\"}}]},"
			"\"id\":\"%c%da\",\"timestamp\":\"%s\"}\n",
			i, mark, i, time_format(ns + 5 * NS_PER_S, 3, at));
	}
	return arena_str(&world.arena, buf_str(&text));
}

__attribute__((unused)) static void put_home(const char *home, const char *content)
{
	world_write(&world, arena_printf(&world.arena, "%sworkspace.json", home).ptr,
		str_from(content));
}

#endif
