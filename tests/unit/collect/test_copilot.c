/*
 * GitHub Copilot Chat as a source: the samples with their expected numbers, in any order and
 * portions, and logs that are compacted or damaged.
 */
#include "copilot_world.h"

/* Where the numbers of expected.json stand in the event of the session. */
static const struct {
	const char *expected;
	const char *key;
} numbers[] = { { "prompts", "prompts" }, { "responses", "responses" },
	{ "cancelled", "cancelled" }, { "errors", "api_errors" }, { "tool_calls", "tool_calls" },
	{ "tool_errors", "tool_errors" }, { "file_edits", "file_edits" },
	{ "context_files", "file_reads" }, { "cache_read", "cache_read_tokens" },
	{ "malformed", "malformed" }, { "first", "started_at" } };

/* The sum of KEY over the events of TYPE of session ID (empty: all). */
static long long sum_of(const char *id, const char *type, const char *key)
{
	struct world_events events = world_events(&world, type);
	long long out = 0;

	for (size_t i = 0; i < events.count; i++)
		if (!*id || strcmp(world_value(&world, &events.items[i], "session_id"), id) == 0)
			out += atoll(world_value(&world, &events.items[i], key));
	return out;
}

/* The newest line of a transcript, the newest prompt of a document: the end of a response is later.
 */
static const char *last_of(const char *id)
{
	struct world_events events = world_events(&world, "user_message");
	const char *last = strcmp(id, S5) == 0 ? fact(id, "ended_at") : "";
	char text[TIME_TEXT_BYTES];

	for (size_t i = 0; i < events.count && !*last; i++)
		if (strcmp(world_value(&world, &events.items[events.count - 1 - i], "session_id"),
			    id) == 0)
			last = arena_cstr(&world.arena,
				str_from(time_format(
					events.items[events.count - 1 - i].start_ns, 3, text)));
	return last;
}

static void check_session(const struct json *expected, const char *id)
{
	const struct json *last = json_get(expected, "last");
	int64_t want;

	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		const struct json *value = json_get(expected, numbers[i].expected);
		struct str text =
			json_is(value, JSON_STRING) ? json_str(value) : json_number_text(value);

		if (value && !IS_CSTR(fact(id, numbers[i].key), arena_cstr(&world.arena, text)))
			printf("# %s of %s\n", numbers[i].key, id);
	}
	IS_CSTR(fact(id, "session_type"), "user");
	IS_CSTR(fact(id, "agent"), "copilot-vscode");
	IS_STR(json_get_str(expected, "workspace"), fact(id, "cwd"));
	IS_STR(json_str(last), last_of(id));
	if (OK(json_get_i64(expected, "input", &want)))
		IS_INT(atoll(fact(id, "input_tokens")), want);
	if (OK(json_get_i64(expected, "output", &want)))
		IS_INT(atoll(fact(id, "output_tokens")), want);
	if (json_get_i64(expected, "edit_count", &want))
		IS_INT(sum_of(id, "agent_file_edit", "edits"), want);
}

static void check_samples(bool appended)
{
	static const struct {
		const char *name, *id;
	} sessions[] = { { "copilot-vscode/S1", S1 }, { "copilot-vscode/S2", S2 },
		{ "copilot-vscode/S4", S4 }, { "copilot-vscode/S5", S5 } };
	struct json_parser parser = { 0 };
	struct str text = sample("copilot-vscode/expected.json");
	const struct json *root, *all, *expected;
	int64_t want;

	if (!text.ptr || !OK(json_parse(&parser, text, false, &root, &world.err) == 0))
		return;
	for (size_t i = 0; i < ARRAY_LEN(sessions); i++) {
		expected = json_get(
			root, arena_printf(&world.arena, "%s appended", sessions[i].name).ptr);
		check_session(appended && expected ? expected : json_get(root, sessions[i].name),
			sessions[i].id);
	}
	all = json_get(root, "copilot-vscode");
	if (!appended && OK(json_get_i64(all, "prompts", &want))) {
		IS_INT(world_events(&world, "user_message").count, want);
		json_get_i64(all, "sessions", &want);
		IS_INT(world_events(&world, "agent_session").count, want);
		json_get_i64(all, "responses", &want);
		IS_INT(world_events(&world, "agent_response").count, want);
		json_get_i64(all, "tool_calls", &want);
		IS_INT(world_events(&world, "agent_tool_use").count, want);
		json_get_i64(all, "input", &want);
		IS_INT(sum_of("", "", "input_tokens"), 2 * want); /* and once in the sessions */
		json_get_i64(all, "output", &want);
		IS_INT(sum_of("", "", "output_tokens"), 2 * want);
	}
	json_parser_release(&parser);
}

static void samples_give_the_expected_numbers(void)
{
	struct source_counts counts;

	world_init(&world);
	put_samples();
	counts = collect();
	IS_INT(counts.files, ARRAY_LEN(files));
	IS_INT(counts.failed, 0);
	IS_INT(counts.updated, 0);
	check_samples(false);
	IS_CSTR(fact(S4, "input_tokens"), "null");
	IS_CSTR(fact(S1, "unknown_records"), "1");
	IS_CSTR(fact(S2, "unknown_records"), "1");
	check_settled(ARRAY_LEN(files));
	world_end(&world);
}

/* --- every way to the same store --- */

/* All events. Those of sessions without their ids: one begins when what was read of it first began,
 * and the transcript is some 200 ms late. */
static struct str dump_items(void)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;

	for (int sessions = 0; sessions < 2; sessions++) {
		struct world_events all = world_events(&world, sessions ? "agent_session" : "");

		for (size_t i = 0; i < all.count; i++)
			if (sessions || !str_eq(all.items[i].type, STR("agent_session")))
				buf_printf(&out, "%.*s %.*s\n",
					sessions ? 0 : (int)all.items[i].id.len,
					all.items[i].id.ptr, STR_ARG(all.items[i].data));
	}
	return arena_str(&world.arena, buf_str(&out));
}

static void any_order_of_files_gives_the_same_events(void)
{
	struct arena kept = { 0 };
	struct str want = STR("");

	for (size_t first = 0; first < ARRAY_LEN(files); first++) {
		struct str dump;

		world_init(&world);
		put_workspaces();
		for (size_t i = 0; i < ARRAY_LEN(files); i++) {
			put_sample(files[(first + i * 5) % ARRAY_LEN(files)]);
			collect();
		}
		check_samples(false);
		check_settled(ARRAY_LEN(files));
		dump = dump_items();
		if (first == 0)
			want = arena_str(&kept, dump);
		OK(str_eq(dump, want));
		world_end(&world);
	}
	arena_release(&kept);
}

static void torn_lines_wait_and_are_completed(void)
{
	struct source_counts counts;

	world_init(&world);
	put_samples();
	collect();
	world_append(&world, S2_FILE, sample("_append/02-copilot-vscode-S2.bytes"));
	world_append(&world, S5_FILE, sample("_append/03-copilot-vscode-S5.bytes"));
	counts = collect();
	IS_INT(counts.new_events, 0);
	IS_INT(counts.updated, 3); /* the response's tokens, and two sessions */
	IS_INT(counts.quarantined, 0);
	IS_INT(counts.skipped_unchanged, 3);
	check_samples(true);
	check_settled(ARRAY_LEN(files));
	world_end(&world);
}

/* The store after collecting FILE in two portions, cut at CUT (0: at once); in ARENA. */
static struct str dump_of(struct arena *arena, const char *file, size_t cut)
{
	struct str whole, dump;

	world_init(&world);
	put_workspaces();
	whole = sample(arena_printf(&world.arena, "copilot-vscode/home/%s", file).ptr);
	if (cut > 0) {
		world_write(&world, file, str_sub(whole, 0, cut));
		collect();
	}
	world_append(&world, file, str_sub(whole, cut, whole.len));
	collect();
	dump = arena_str(arena, world_dump(&world));
	world_end(&world);
	return dump;
}

/* Cut anywhere and then completed: as if read at once. */
static void portions_give_the_same_events(void)
{
	static const char *const torn[] = { S1_FILE, S2_FILE, S5_FILE };
	struct arena kept = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(torn); i++) {
		struct str want = dump_of(&kept, torn[i], 0);

		for (size_t cut = 7; cut < 3500; cut += 613)
			OK(str_eq(dump_of(&kept, torn[i], cut), want));
	}
	arena_release(&kept);
}

/* --- logs --- */

/* The same state in one line: the file shrinks, and nothing is new. */
static void compaction_changes_nothing(void)
{
	struct source_counts counts;
	struct str state = STR("");

	world_init(&world);
	put_samples();
	world_append(&world, S2_FILE, sample("_append/02-copilot-vscode-S2.bytes"));
	world_append(&world, S5_FILE, sample("_append/03-copilot-vscode-S5.bytes"));
	collect();
	state = STR(
		"{\"kind\":0,\"v\":{\"version\":3,\"sessionId\":\"" S2
		"\",\"creationDate\":1772546400000,\"customTitle\":\"Cart total\",\"requests\":["
		"{\"requestId\":\"request_fb41fda4-a1ca-5b1e-a0fa-a6b35253e606\",\"timestamp\":1772546400000,"
		"\"message\":{\"text\":\"Fix the cart total\"},\"response\":[{\"value\":\"Looking at the cart.\"},"
		"{\"kind\":\"toolInvocationSerialized\",\"toolId\":\"copilot_replaceString\",\"toolCallId\":\"call_w1\","
		"\"invocationMessage\":\"Editing cart.py\",\"isComplete\":true},{\"value\":\"Fixed.\"}],"
		"\"modelId\":\"copilot/gpt-5.1\",\"modelState\":{\"value\":1,\"completedAt\":1772546431000},"
		"\"promptTokens\":5200,\"completionTokens\":210},"
		"{\"requestId\":\"request_a0890469-b86b-5317-964f-58835ca187e6\",\"timestamp\":1772546500000,"
		"\"message\":{\"text\":\"no, the other one\"},\"response\":[{\"value\":\"Which\"}],"
		"\"modelId\":\"copilot/gpt-5.1\",\"modelState\":{\"value\":2,\"completedAt\":1772546503000}},"
		"{\"requestId\":\"request_10788e7a-21b5-5c33-a049-ec8df40711a9\",\"timestamp\":1772546600000,"
		"\"message\":{\"text\":\"explain the fix\"},\"response\":[{\"value\":\"The discount was subtracted twice.\"}],"
		"\"modelId\":\"copilot/gpt-5.1\",\"modelState\":{\"value\":1,\"completedAt\":1772546606000},"
		"\"result\":{\"metadata\":{\"promptTokens\":6100,\"outputTokens\":95}},\"completionTokens\":101}]}}\n");
	world_write(&world, S2_FILE, state);
	counts = collect();
	IS_INT(counts.new_events, 0);
	IS_INT(counts.updated, 0);
	IS_INT(counts.quarantined, 0);
	check_samples(true);
	world_append(&world, S2_FILE, STR("what is this\n"));
	counts = collect();
	IS_INT(counts.quarantined, 1);
	IS_CSTR(fact(S2, "malformed"), "2");
	world_end(&world);
}

static void a_damaged_log_heals(void)
{
	world_init(&world);
	world_write(&world, LOG, compacted(document(2, 1)));
	world_append(&world, LOG,
		STR("{\"kind\":1,\"k\":[\"requests\",7,\"modelState\"],\"v\":{\"value\":2}}\n"
		    "{\"kind\":2,\"k\":[\"requests\"],\"v\":[{\"requestId\":\"far\",\"timestamp\":1772449000000,\"message\":\"x\"}],\"i\":1152921504606846976}\n"));
	collect();
	IS_CSTR(fact(ID, "malformed"), "2");
	IS_CSTR(fact(ID, "prompts"), "3");
	world_append(&world, LOG, compacted(document(3, 1)));
	collect();
	IS_CSTR(fact(ID, "prompts"), "3");
	IS_CSTR(fact(ID, "withdrawn"), "1");
	world_write(&world, LOG, compacted(document(3, 1)));
	collect();
	IS_CSTR(fact(ID, "malformed"), "0");
	IS_CSTR(fact(ID, "prompts"), "3");
	world_end(&world);
}

static const struct tap_case cases[] = {
	TAP_CASE(samples_give_the_expected_numbers),
	TAP_CASE(any_order_of_files_gives_the_same_events),
	TAP_CASE(torn_lines_wait_and_are_completed),
	TAP_CASE(portions_give_the_same_events),
	TAP_CASE(compaction_changes_nothing),
	TAP_CASE(a_damaged_log_heals),
};

TAP_MAIN(cases)
