/* Codex CLI's sessions as they go on: what is taken back later, many batches, and sessions that
 * start with copies of others' records, whatever comes first. */
#include "codex_world.h"

/* --- what comes later --- */

static void what_is_taken_back_later_is_marked(void)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct world world;

	begin(&world);
	world_end(&world);
	made_meta(&text, ""); /* and its directory comes late */
	made_turn(&text, 1);
	made_event(&text, 18, "{\"type\":\"task_complete\",\"turn_id\":\"t1\"}");
	record(&text, 19, "turn_context", "{\"cwd\":\"/home/ana/work/shop\",\"model\":\"m\"}");
	made_turn(&text, 2);
	made_event(&text, 28, "{\"type\":\"turn_aborted\",\"turn_id\":\"t2\"}");
	made_turn(&text, 3);
	made_event(&text, 38, "{\"type\":\"thread_rolled_back\",\"num_turns\":2}");
	buf_addc(&text, "not JSON\n");
	record(&text, 39, "hyperspace", "{}");
	made_turn(&text, 4);
	made_event(&text, 48, "{\"type\":\"thread_rolled_back\",\"num_turns\":1}");
	made_turn(&text, 5);
	for (size_t step = 1; step < 60; step = step * 2 + 1)
		grows(OTHER_FILE, buf_str(&text), step);

	begin(&world);
	world_write(&world, OTHER_FILE, buf_str(&text));
	world_collect(&world, &codex_source);
	IS_CSTR(world_value(&world, session_event(&world, OTHER), "prompts"), "2");
	IS_CSTR(world_value(&world, session_event(&world, OTHER), "responses"), "2");
	IS_CSTR(world_value(&world, session_event(&world, OTHER), "tool_calls"), "2");
	IS_CSTR(world_value(&world, session_event(&world, OTHER), "tool_errors"), "2");
	IS_CSTR(world_value(&world, session_event(&world, OTHER), "withdrawn"), "12");
	IS_CSTR(world_value(&world, session_event(&world, OTHER), "malformed"), "1");
	IS_CSTR(world_value(&world, session_event(&world, OTHER), "unknown_records"), "1");
	IS_CSTR(world_value(&world, session_event(&world, OTHER), "input_tokens"), "15");
	for (size_t i = 0; i < world_events(&world, "user_message").count; i++)
		IS_CSTR(world_value(&world, &world_events(&world, "user_message").items[i], "cwd"),
			"/home/ana/work/shop");
	/* The same in a compressed file. */
	world_write(&world, ".codex/archived_sessions/rollout-" OTHER ".jsonl.zst",
		compress(&world, buf_str(&text)));
	nothing_new(&world, 1);
	world_end(&world);
}

static void a_long_session_in_many_batches(void)
{
	enum { TURNS = 1500 };
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct world world;
	struct str packed;

	made_meta(&text, ",\"cwd\":\"/w\"");
	for (int i = 1; i <= TURNS; i++)
		made_turn(&text, i);
	made_event(&text, 1, "{\"type\":\"thread_rolled_back\",\"num_turns\":1400}");
	begin(&world);
	packed = compress(&world, buf_str(&text));
	for (int compressed = 0; compressed < 2; compressed++) {
		const struct event *event;

		world_write(&world, compressed ? OTHER_FILE ".zst" : OTHER_FILE,
			compressed ? packed : buf_str(&text));
		world_collect(&world, &codex_source);
		event = session_event(&world, OTHER);
		if (!OK(event != NULL))
			break;
		IS_CSTR(world_value(&world, event, "prompts"), "100");
		IS_CSTR(world_value(&world, event, "responses"), "100");
		IS_CSTR(world_value(&world, event, "withdrawn"), "5600");
		unchanged(&world, 1);
		world_end(&world);
		begin(&world);
		packed = compress(&world, buf_str(&text));
	}
	world_end(&world);
}

/* --- families --- */

static void a_child_before_its_parent_gives_the_same(void)
{
	struct world world, other;
	struct str want;

	begin(&other);
	put_sample(&other, X1_FILE);
	put_sample(&other, X2_FILE);
	world_collect(&other, &codex_source);
	want = world_dump(&other);

	begin(&world);
	put_sample(&world, X2_FILE);
	world_collect(&world, &codex_source);
	put_sample(&world, X1_FILE);
	world_collect(&world, &codex_source);
	same(world_dump(&world), want);
	unchanged(&world, 2);
	world_end(&world);
	world_end(&other);
}

static void the_end_of_a_child_in_any_steps(void)
{
	static const size_t sizes[] = { 30000, 100000, 217000, 218000, 218500 };

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct world world, other;
		struct str x2, want;

		begin(&other);
		put_sample(&other, X1_FILE);
		put_sample(&other, X2_FILE);
		world_collect(&other, &codex_source);
		want = world_dump(&other);

		/* Half a child, then its parent and another line, then the rest. */
		begin(&world);
		x2 = sample_file(&world, X2_FILE);
		world_write(&world, X2_FILE, str_sub(x2, 0, sizes[i]));
		world_collect(&world, &codex_source);
		put_sample(&world, X1_FILE);
		world_append(&world, X2_FILE, str_sub(x2, sizes[i], 100));
		world_collect(&world, &codex_source);
		world_append(&world, X2_FILE, str_sub(x2, sizes[i] + 100, x2.len));
		world_collect(&world, &codex_source);
		same(world_dump(&world), want);
		unchanged(&world, 2);
		world_end(&world);
		world_end(&other);
	}
}

/* A fork, whose origin has a greater id than it has: read first all the same. */
static void a_fork_and_what_it_was_forked_from(void)
{
	CLEANUP(buf_release) struct buf origin = BUF_INIT, fork = BUF_INIT;
	struct world world, other;
	struct str want;

	record(&origin, 0, "session_meta", "{\"id\":\"zz\",\"cwd\":\"/w\"}");
	made_turn(&origin, 1);
	made_turn(&origin, 2);
	made_meta(&fork, ",\"forked_from_id\":\"zz\",\"cwd\":\"/w\"");
	record(&fork, 0, "session_meta", "{\"id\":\"zz\",\"cwd\":\"/w\"}");
	made_turn(&fork, 1);
	made_turn(&fork, 3);
	begin(&world);
	world_write(&world, DAY "rollout-zz.jsonl", buf_str(&origin));
	world_write(&world, OTHER_FILE, buf_str(&fork));
	world_collect(&world, &codex_source);
	IS_INT(count_in(&world, "user_message", "zz"), 2);
	IS_INT(count_in(&world, "user_message", OTHER), 1);
	IS_INT(count_in(&world, "agent_response", OTHER), 1);
	IS_CSTR(world_value(&world, session_event(&world, OTHER), "session_type"), "user");
	want = world_dump(&world);

	begin(&other);
	world_write(&other, OTHER_FILE, buf_str(&fork));
	world_collect(&other, &codex_source);
	IS_INT(count_in(&other, "user_message", OTHER), 2); /* nobody else has the copies */
	world_write(&other, DAY "rollout-zz.jsonl", buf_str(&origin));
	world_collect(&other, &codex_source);
	same(world_dump(&other), want);
	unchanged(&other, 2);
	world_end(&other);
	world_end(&world);
}

/* A parent that grows line by line beside its child: at first it does not have the turns whose
 * copies the child starts with. */
static void a_parent_that_grows_beside_its_child(void)
{
	struct world world, other;
	struct str x1, want;

	begin(&other);
	put_sample(&other, X1_FILE);
	put_sample(&other, X2_FILE);
	world_collect(&other, &codex_source);
	want = world_dump(&other);

	begin(&world);
	put_sample(&world, X2_FILE);
	x1 = sample_file(&world, X1_FILE);
	for (size_t at = 0, end; at < x1.len; at = end) {
		end = line_end(x1, at);
		world_append(&world, X1_FILE, str_sub(x1, at, end - at));
		IS_INT(world_collect(&world, &codex_source).failed, 0);
	}
	same(world_dump(&world), want);
	unchanged(&world, 2);
	world_end(&world);
	world_end(&other);
}

static void put_family(struct world *world, struct str origin, struct str fork, bool fork_first)
{
	begin(world);
	world_write(world, fork_first ? OTHER_FILE : DAY "rollout-zz.jsonl",
		fork_first ? fork : origin);
	world_collect(world, &codex_source);
	world_write(world, fork_first ? DAY "rollout-zz.jsonl" : OTHER_FILE,
		fork_first ? origin : fork);
	world_collect(world, &codex_source);
	unchanged(world, 2);
}

/* A fork in which nobody did anything, and records of unknown types among the copies. */
static void a_fork_of_nothing_but_copies(void)
{
	CLEANUP(buf_release) struct buf origin = BUF_INIT, fork = BUF_INIT;
	struct world before, after;

	record(&origin, 0, "session_meta", "{\"id\":\"zz\",\"cwd\":\"/w\"}");
	made_turn(&origin, 1);
	record(&origin, 18, "hyperspace", "{}");
	made_meta(&fork, ",\"forked_from_id\":\"zz\",\"cwd\":\"/w\"");
	buf_add(&fork, buf_str(&origin));
	put_family(&before, buf_str(&origin), buf_str(&fork), false);
	put_family(&after, buf_str(&origin), buf_str(&fork), true);
	same(world_dump(&after), world_dump(&before));
	IS_INT(count_in(&after, "user_message", OTHER), 0);
	IS_CSTR(of_session(&after, OTHER, "prompts"), "0");
	IS_CSTR(of_session(&after, OTHER, "unknown_records"), "0");
	IS_CSTR(of_session(&after, "zz", "unknown_records"), "1");
	world_end(&before);
	world_end(&after);
}

/* The fork lies in two places, one of them cut; its origin learns of the turn only then. */
static void copies_of_a_fork_are_replaced_together(void)
{
	CLEANUP(buf_release) struct buf origin = BUF_INIT, fork = BUF_INIT;
	struct world world, other;
	size_t known;

	record(&origin, 0, "session_meta", "{\"id\":\"zz\",\"cwd\":\"/w\"}");
	known = origin.len;
	made_turn(&origin, 1);
	made_meta(&fork, ",\"forked_from_id\":\"zz\",\"cwd\":\"/w\"");
	buf_add(&fork, buf_str(&origin));
	made_turn(&fork, 3);
	made_turn(&fork, 4);
	put_family(&other, buf_str(&origin), buf_str(&fork), false);

	put_family(&world, str_sub(buf_str(&origin), 0, known), buf_str(&fork), false);
	world_write(&world, ".codex/archived_sessions/rollout-" OTHER ".jsonl",
		str_sub(buf_str(&fork), 0, fork.len - 300));
	world_collect(&world, &codex_source);
	IS_INT(count_in(&world, "user_message", OTHER), 3);
	world_append(&world, DAY "rollout-zz.jsonl", str_sub(buf_str(&origin), known, origin.len));
	world_collect(&world, &codex_source);
	same(world_dump(&world), world_dump(&other));
	unchanged(&world, 3);
	made_turn(&fork, 5);
	world_write(&world, ".codex/archived_sessions/rollout-" OTHER ".jsonl", buf_str(&fork));
	world_collect(&world, &codex_source);
	world_write(&other, OTHER_FILE, buf_str(&fork));
	world_collect(&other, &codex_source);
	same(world_dump(&world), world_dump(&other));
	world_end(&world);
	world_end(&other);
}

static const struct tap_case cases[] = {
	TAP_CASE(what_is_taken_back_later_is_marked),
	TAP_CASE(a_long_session_in_many_batches),
	TAP_CASE(a_child_before_its_parent_gives_the_same),
	TAP_CASE(the_end_of_a_child_in_any_steps),
	TAP_CASE(a_fork_and_what_it_was_forked_from),
	TAP_CASE(a_parent_that_grows_beside_its_child),
	TAP_CASE(a_fork_of_nothing_but_copies),
	TAP_CASE(copies_of_a_fork_are_replaced_together),
};
TAP_MAIN(cases)
