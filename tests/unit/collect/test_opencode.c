/* OpenCode as a source: the samples with their expected numbers, rows that change, the tree of
 * files beside the database, and what its messages mean. */
#include <sqlite3.h>

#include "collect/opencode/round.h"
#include "samples.h"

#define A "ses_0aaaaaaaaaaaaaaaaaaaaaaaaA"
#define B "ses_0bbbbbbbbbbbbbbbbbbbbbbbbB"
#define C "ses_0ccccccccccccccccccccccccC"
#define D "ses_0ddddddddddddddddddddddddD"
#define ROOT ".local/share/opencode/"
#define DB ROOT "opencode.db"

/* --- samples --- */

static void begin(struct world *world)
{
	world_init(world);
	unsetenv("XDG_DATA_HOME");
	unsetenv("OPENCODE_DATA_DIR");
	setenv("XDG_RUNTIME_DIR", world_path(world, "data"), 1);
}

static struct source_counts collect(struct world *world)
{
	return world_collect(world, &opencode_source);
}

static void put_database(struct world *world)
{
	samples_put(world, "opencode/home/" DB, DB);
	samples_put(world, "opencode/home/" DB "-wal", DB "-wal");
}

static void put_tree(struct world *world)
{
	samples_put(world, "opencode/home/" ROOT "storage", ROOT "storage");
}

static void check_samples(struct world *world)
{
	static const struct {
		const char *name;
		const char *id;
	} sessions[] = { { "opencode/A", A }, { "opencode/B", B }, { "opencode/C", C },
		{ "opencode/D", D } };
	struct json_parser parser = { 0 };
	struct str text = samples_read(world, "opencode/expected.json");
	const struct json *root, *all;
	int64_t want = 0;

	if (!text.ptr || !OK(json_parse(&parser, text, false, &root, &world->err) == 0))
		return;
	for (size_t i = 0; i < ARRAY_LEN(sessions); i++)
		samples_check(world, json_get(root, sessions[i].name), sessions[i].id);
	all = json_get(root, "opencode");
	IS_INT(world_events(world, "agent_session").count, 4);
	OK(json_get_i64(all, "prompts", &want));
	IS_INT(world_events(world, "user_message").count, want);
	OK(json_get_i64(all, "responses", &want));
	IS_INT(world_events(world, "agent_response").count, want);
	OK(json_get_i64(all, "tool_calls", &want));
	IS_INT(world_events(world, "agent_tool_use").count, want);
	OK(json_get_i64(all, "input", &want));
	IS_INT(samples_sum(world, "agent_response", "input_tokens"), want);
	OK(json_get_i64(all, "output", &want));
	IS_INT(samples_sum(world, "agent_response", "output_tokens"), want);
	json_parser_release(&parser);
}

static void samples_give_the_expected_numbers(void)
{
	static const char *const never[] = { "NEVER-READ", "ana@example.org", "Fix the cart",
		"pytest filler", "bad pattern", "aborted" };
	CLEANUP(buf_release) struct buf before = BUF_INIT, after = BUF_INIT;
	struct source_counts counts;
	struct world world;

	begin(&world);
	put_database(&world);
	put_tree(&world);
	samples_picture(&world, ".local", &before);
	counts = collect(&world);
	check_samples(&world);
	IS_CSTR(samples_fact(&world, A, "unknown_records"), "1");
	IS_CSTR(samples_fact(&world, B, "session_type"), "subagent");
	IS_CSTR(samples_fact(&world, A, "agent_version"), "1.18.13");
	IS_INT(counts.quarantined, 1);
	IS_INT(counts.failed, 0);
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		if (!OK(!samples_stored(&world, never[i])))
			printf("# %s is in the store\n", never[i]);
	counts = collect(&world);
	IS_INT(counts.skipped_unchanged, counts.files);
	IS_INT(counts.new_events + counts.updated + counts.quarantined, 0);
	samples_picture(&world, ".local", &after);
	OK(str_eq(buf_str(&before), buf_str(&after)));
	world_end(&world);
}

static void database_and_tree_in_any_order(void)
{
	char *first = NULL;

	for (int order = 0; order < 3; order++) {
		struct world world;
		struct str dump;

		begin(&world);
		if (order != 1)
			put_database(&world);
		if (order != 0)
			put_tree(&world);
		collect(&world);
		if (order == 0)
			put_tree(&world);
		if (order == 1)
			put_database(&world);
		collect(&world);
		check_samples(&world);
		dump = world_dump(&world);
		if (!first)
			first = strndup(dump.ptr, dump.len);
		if (!IS_STR(dump, first))
			printf("# order %d\n", order);
		world_end(&world);
	}
	free(first);
}

static void tree_alone_and_half_a_file(void)
{
	struct source_counts counts;
	struct world world;

	begin(&world);
	put_tree(&world);
	collect(&world);
	IS_INT(world_events(&world, "agent_session").count, 2);
	IS_CSTR(samples_fact(&world, D, "malformed"), "1");
	IS_CSTR(samples_fact(&world, D, "cwd"), "/home/ana/personal/blog");
	IS_CSTR(samples_fact(&world, C, "input_tokens"), "300");
	/* The rest of it is written. */
	world_write(&world, ROOT "storage/part/msg_d2/prt_d3.json",
		STR("{\"id\":\"prt_d3\",\"messageID\":\"msg_d2\",\"sessionID\":\"" D
		    "\",\"type\":\"tool\",\"tool\":\"read\",\"state\":{\"status\":\"completed\",\"input\":{\"filePath\":\"/a\"},\"time\":{\"start\":1772974005000}}}"));
	counts = collect(&world);
	IS_CSTR(samples_fact(&world, D, "malformed"), "0");
	IS_CSTR(samples_fact(&world, D, "tool_calls"), "1");
	IS_INT(counts.new_events, 1);
	/* The session's own file is just being written: what is known stays. */
	world_write(&world, ROOT "storage/session/prj_blog/" D ".json", STR("{\"id\":\"ses_0d"));
	collect(&world);
	IS_CSTR(samples_fact(&world, D, "tool_calls"), "1");
	IS_CSTR(samples_fact(&world, D, "prompts"), "1");
	/* A message is deleted, then all of it. */
	put_tree(&world);
	OK(unlink(world_path(&world, ROOT "storage/part/msg_d2/prt_d3.json")) == 0);
	collect(&world);
	IS_CSTR(samples_fact(&world, D, "tool_calls"), "0");
	IS_CSTR(samples_fact(&world, D, "withdrawn"), "1");
	OK(unlink(world_path(&world, ROOT "storage/session/prj_blog/" D ".json")) == 0);
	counts = collect(&world);
	IS_INT(counts.new_events + counts.updated, 0);
	IS_CSTR(samples_fact(&world, D, "prompts"), "1");
	world_end(&world);
}

/* --- made-up databases --- */

static sqlite3 *open_theirs(struct world *world, const char *name, const char *sql)
{
	sqlite3 *db = NULL;

	OK(fs_make_dirs(world_path(world, ROOT), 0700, &world->err) == 0);
	OK(sqlite3_open(world_path(world, name), &db) == SQLITE_OK);
	if (!OK(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK))
		printf("# %s\n# %s\n", sqlite3_errmsg(db), sql);
	return db;
}

static void run_theirs(struct world *world, const char *name, const char *sql)
{
	sqlite3_close(open_theirs(world, name, sql));
}

#define TABLES                                                                                                                                                                           \
	"CREATE TABLE project(id TEXT PRIMARY KEY, worktree TEXT);"                                                                                                                      \
	"CREATE TABLE session(id TEXT PRIMARY KEY, project_id TEXT, parent_id TEXT, directory TEXT, title TEXT, version TEXT, revert TEXT, time_created INTEGER, time_updated INTEGER);" \
	"CREATE TABLE message(id TEXT PRIMARY KEY, session_id TEXT, time_created INTEGER, time_updated INTEGER, data TEXT);"                                                             \
	"CREATE TABLE part(id TEXT PRIMARY KEY, message_id TEXT, session_id TEXT, time_created INTEGER, time_updated INTEGER, data TEXT);"
#define SESSION(id, updated)                                                                       \
	"INSERT OR REPLACE INTO session VALUES('" id                                               \
	"', 'p', NULL, '/w', 't', '1', NULL, 1772982000000, " updated ");"
#define USER(session, id, at)                                                                      \
	"INSERT OR REPLACE INTO message VALUES('" id "', '" session "', " at ", " at               \
	", '{\"role\":\"user\",\"time\":{\"created\":" at "}}');"                                  \
	"INSERT OR REPLACE INTO part VALUES('p" id "', '" id "', '" session "', " at ", " at       \
	", '{\"type\":\"text\",\"text\":\"hi\"}');"
#define ANSWER(session, id, at, updated, input)                                                    \
	"INSERT OR REPLACE INTO message VALUES('" id "', '" session "', " at ", " updated          \
	", '{\"role\":\"assistant\",\"time\":{\"created\":" at ",\"completed\":" updated           \
	"},\"tokens\":{\"input\":" input ",\"output\":1}}');"
#define TALK(session)                                                                              \
	SESSION(session, "1772982009000")                                                          \
	USER(session, session "m1", "1772982001000")                                               \
	ANSWER(session, session "m2", "1772982002000", "1772982003000", "10")                      \
	USER(session, session "m3", "1772982004000")                                               \
	ANSWER(session, session "m4", "1772982005000", "1772982006000", "20")

static void facts(struct world *world, const char *id, const char *prompts, const char *responses,
	const char *withdrawn)
{
	IS_CSTR(samples_fact(world, id, "prompts"), prompts);
	IS_CSTR(samples_fact(world, id, "responses"), responses);
	IS_CSTR(samples_fact(world, id, "withdrawn"), withdrawn);
}

static void only_what_changed_is_read(void)
{
	struct source_counts counts;
	struct world world;

	begin(&world);
	run_theirs(&world, DB,
		TABLES TALK("a") SESSION("b", "1772982500000") USER("b", "bm1", "1772982400000"));
	collect(&world);
	facts(&world, "a", "2", "2", "0");
	facts(&world, "b", "1", "0", "0");
	/* Changed, but not said to be: a clock was set back, or it was the same millisecond. */
	run_theirs(&world, DB, "UPDATE message SET data = replace(data, ':20,', ':21,')");
	counts = collect(&world);
	IS_INT(counts.updated, 2);
	IS_CSTR(samples_fact(&world, "a", "input_tokens"), "31");
	run_theirs(&world, DB, "UPDATE message SET data = replace(data, ':21,', ':20,')");
	collect(&world);
	/* Said to be. */
	run_theirs(
		&world, DB, TALK("a") ANSWER("a", "am2", "1772982002000", "1772982600000", "11"));
	counts = collect(&world);
	IS_INT(counts.updated, 2);
	IS_CSTR(samples_fact(&world, "a", "input_tokens"), "31");
	/* In the very millisecond of the last row that was read. */
	run_theirs(&world, DB, ANSWER("a", "am2", "1772982002000", "1772982600000", "12"));
	counts = collect(&world);
	IS_INT(counts.updated, 2);
	IS_CSTR(samples_fact(&world, "a", "input_tokens"), "32");
	/* A row is deleted: its session has one less. */
	run_theirs(&world, DB, "DELETE FROM message WHERE id = 'am4'");
	collect(&world);
	facts(&world, "a", "2", "1", "1");
	run_theirs(&world, DB, "DELETE FROM session WHERE id = 'a'");
	counts = collect(&world);
	IS_INT(counts.updated, 0);
	facts(&world, "a", "2", "1", "1");
	IS_INT(collect(&world).skipped_unchanged, 1);
	world_end(&world);
}

static void reverted_messages_are_withdrawn(void)
{
	struct world world;

	begin(&world);
	run_theirs(&world, DB,
		TABLES TALK(
			"a") "INSERT INTO part VALUES('t1', 'am4', 'a', 1772982005100, 1772982005100, '{\"type\":\"tool\",\"tool\":\"read\",\"state\":{\"status\":\"completed\"}}'),"
			     "('t2', 'am4', 'a', 1772982005200, 1772982005200, '{\"type\":\"tool\",\"tool\":\"read\",\"state\":{\"status\":\"completed\"}}');"
			     "UPDATE session SET revert = '{\"messageID\":\"am3\"}'");
	collect(&world);
	facts(&world, "a", "1", "1", "4");
	IS_CSTR(samples_fact(&world, "a", "input_tokens"), "10");
	IS_CSTR(samples_fact(&world, "a", "ended_at"), "2026-03-08T15:00:03.000Z");
	run_theirs(&world, DB,
		"UPDATE session SET revert = '{\"messageID\":\"am4\",\"partID\":\"t2\"}', time_updated = 1772982700000");
	collect(&world);
	facts(&world, "a", "2", "2", "1");
	IS_CSTR(samples_fact(&world, "a", "tool_calls"), "1");
	run_theirs(&world, DB, "UPDATE session SET revert = NULL, time_updated = 1772982800000");
	collect(&world);
	facts(&world, "a", "2", "2", "0");
	IS_CSTR(samples_fact(&world, "a", "tool_calls"), "2");
	world_end(&world);
}

static void live_writer_and_lock(void)
{
	struct world world;
	sqlite3 *db;

	begin(&world);
	db = open_theirs(&world, DB, "PRAGMA journal_mode = WAL;" TABLES TALK("a"));
	collect(&world);
	facts(&world, "a", "2", "2", "0");
	OK(sqlite3_exec(db, USER("a", "am5", "1772982007000"), NULL, NULL, NULL) == SQLITE_OK);
	collect(&world);
	facts(&world, "a", "3", "2", "0");
	OK(sqlite3_exec(db, "PRAGMA locking_mode = EXCLUSIVE;" USER("a", "am6", "1772982008000"),
		   NULL, NULL, NULL) == SQLITE_OK);
	IS_INT(collect(&world).failed, 0);
	OK(sqlite3_exec(db, "PRAGMA locking_mode = NORMAL; SELECT count(*) FROM part", NULL, NULL,
		   NULL) == SQLITE_OK);
	collect(&world);
	facts(&world, "a", "4", "2", "0");
	sqlite3_close(db);
	IS_INT(collect(&world).updated, 0);
	world_end(&world);
}

static void channels_and_copies(void)
{
	struct source_counts counts;
	struct world world;

	begin(&world);
	run_theirs(&world, DB, TABLES TALK("a"));
	/* A channel's database with an older state of the session, and one of its own. */
	run_theirs(&world, ROOT "opencode-dev.db",
		TABLES SESSION("a", "1772982001500") USER("a", "am1", "1772982001000")
			SESSION("z", "1772982001500") USER("z", "zm1", "1772982001000"));
	run_theirs(&world, ROOT "other.db", TABLES TALK("o"));
	collect(&world);
	facts(&world, "a", "2", "2", "0");
	facts(&world, "z", "1", "0", "0");
	OK(samples_session(&world, "o") == NULL);
	counts = collect(&world);
	IS_INT(counts.files, 2);
	IS_INT(counts.skipped_unchanged, 2);
	world_end(&world);
}

static void damage_does_not_spoil_the_rest(void)
{
	struct source_counts counts;
	struct world world;

	begin(&world);
	run_theirs(&world, DB, TABLES TALK("a"));
	collect(&world);
	/* One row is no JSON. */
	run_theirs(&world, DB,
		"UPDATE message SET data = '{\"role\":', time_updated = 1772982900000 WHERE id = 'am2'");
	counts = collect(&world);
	IS_INT(counts.quarantined, 1);
	facts(&world, "a", "2", "2", "0");
	IS_CSTR(samples_fact(&world, "a", "malformed"), "1");
	world_write(&world, ROOT "opencode-x.db",
		STR("not a database at all, though it is long enough to have "
		    "the header of one, were it one, which it is not"));
	run_theirs(&world, ROOT "opencode-y.db", "CREATE TABLE session(id)");
	run_theirs(&world, DB, SESSION("n", "1772983000000") USER("n", "nm1", "1772983000000"));
	counts = collect(&world);
	IS_INT(counts.failed, 2);
	facts(&world, "n", "1", "0", "0");
	counts = collect(&world);
	IS_INT(counts.failed, 0);
	IS_INT(counts.skipped_unchanged, 3);
	world_end(&world);
}

/* A session that the database does not have the content of is still the tree's. */
static void empty_session_in_the_database(void)
{
	struct source_counts counts;
	struct world world;

	begin(&world);
	put_tree(&world);
	run_theirs(&world, DB, TABLES SESSION(C, "1772983000000"));
	collect(&world);
	facts(&world, C, "1", "1", "0");
	counts = collect(&world);
	IS_INT(counts.skipped_unchanged, counts.files);
	run_theirs(&world, DB, TALK(C));
	collect(&world);
	facts(&world, C, "2", "2", "0");
	world_end(&world);
}

static void moved_database_goes_on(void)
{
	struct source_counts counts;
	struct world world;

	begin(&world);
	run_theirs(&world, DB, TABLES TALK("a"));
	collect(&world);
	OK(rename(world_path(&world, DB), world_path(&world, ROOT "opencode-next.db")) == 0);
	counts = collect(&world);
	IS_INT(counts.new_events + counts.updated, 0);
	run_theirs(&world, ROOT "opencode-next.db",
		ANSWER("a", "am4", "1772982005000", "1772982006000", "21"));
	counts = collect(&world);
	IS_INT(counts.updated, 2);
	IS_CSTR(samples_fact(&world, "a", "input_tokens"), "31");
	world_end(&world);
}

static void exclude_and_allow_again(void)
{
	static const char *const secret[] = { "/home/ana/work/**", NULL };
	const struct workspace_rules rules = { .exclude = secret };
	struct workspace_policy *policy = NULL;
	struct world world;

	begin(&world);
	put_database(&world);
	put_tree(&world);
	if (!OK(workspace_policy(&policy, &world.arena, &rules, world.dir, &world.err) == 0))
		return;
	world.context.policy = policy;
	collect(&world);
	IS_INT(world_events(&world, "agent_session").count, 2);
	OK(!samples_session(&world, A) && !samples_session(&world, B));
	world.context.policy = NULL;
	collect(&world);
	check_samples(&world);
	world_end(&world);
}

static void duration_of_an_answer(void)
{
	struct world world;
	struct world_events answers;

	begin(&world);
	run_theirs(&world, DB,
		TABLES SESSION("a", "1772982009000")
			ANSWER("a", "am1", "1772982001000", "1772982003500", "10")
				ANSWER("a", "am2", "1772982005000", "1772982004000", "10")
					ANSWER("a", "am3", "1772982006000", "4133980800000", "1"));
	collect(&world);
	answers = world_events(&world, "agent_response");
	if (OK(answers.count == 3)) {
		IS_INT(answers.items[0].duration_ns, 2500 * NS_PER_MS);
		IS_INT(answers.items[1].duration_ns, 0);
		IS_INT(answers.items[2].duration_ns, 0);
	}
	world_end(&world);
}

static void data_dir_of_the_environment(void)
{
	struct world world;

	begin(&world);
	run_theirs(&world, DB, TABLES TALK("a"));
	OK(rename(world_path(&world, ".local/share/opencode"), world_path(&world, "elsewhere")) ==
		0);
	IS_INT(opencode_source.present(&world.context), -1);
	setenv("OPENCODE_DATA_DIR", world_path(&world, "elsewhere"), 1);
	IS_INT(opencode_source.present(&world.context), 1);
	collect(&world);
	facts(&world, "a", "2", "2", "0");
	unsetenv("OPENCODE_DATA_DIR");
	world_end(&world);
}

static void much_is_read_in_rounds(void)
{
	struct source_counts counts = { 0 };
	struct world world;
	int rounds = 0;

	begin(&world);
	run_theirs(&world, DB,
		TABLES TALK("a") TALK("b") TALK("c") SESSION("d", "1772983000000")
			USER("d", "dm1", "1772983000000"));
	while (counts.skipped_unchanged == 0 && rounds < 20) {
		struct opencode_round round = {
			.context = &world.context, .counts = &counts, .to_read = 1
		};

		OK(tail_set_load(&round.set, world.store, OPENCODE_SOURCE, &world.err) == 0);
		OK(agent_round_begin(&round.round, &world.context, "opencode", &world.err) == 0);
		round.intake = agent_round_intake(round.round);
		OK(opencode_collect_database(&round, world_path(&world, DB), &world.err) == 0);
		OK(agent_round_end(round.round, &counts, &world.err) == 0);
		agent_round_free(round.round);
		tail_set_free(round.set);
		arena_release(&round.arena);
		if (rounds++ == 0) {
			facts(&world, "d", "1", "0", "0"); /* the newest first */
			IS_INT(world_events(&world, "agent_session").count, 1);
		}
	}
	OK(rounds >= 4 && rounds <= 10);
	IS_INT(world_events(&world, "agent_session").count, 4);
	facts(&world, "a", "2", "2", "0");
	world_end(&world);
}

static void what_there_is(void)
{
	struct source_places places = { 0 };
	struct file_cursor *cursors;
	size_t cursor_count = 0;
	struct world world;

	begin(&world);
	IS_INT(opencode_source.present(&world.context), -1);
	places.arena = &world.arena;
	opencode_source.places(&world.context, &places);
	IS_INT(places.count, 1); /* it may come */
	put_database(&world);
	put_tree(&world);
	IS_INT(opencode_source.present(&world.context), 3);
	collect(&world); /* a cursor for each, so that none of them seems to wait */
	OK(store_cursors(world.store, OPENCODE_SOURCE, &world.arena, &cursors, &cursor_count,
		   &world.err) == 0);
	IS_INT(cursor_count, 3);
	places.count = 0;
	opencode_source.places(&world.context, &places);
	IS_INT(places.count, 2);
	OK(places.items[0].poll && !places.items[1].poll);
	world_end(&world);
}

static const struct tap_case cases[] = {
	TAP_CASE(samples_give_the_expected_numbers),
	TAP_CASE(database_and_tree_in_any_order),
	TAP_CASE(tree_alone_and_half_a_file),
	TAP_CASE(only_what_changed_is_read),
	TAP_CASE(reverted_messages_are_withdrawn),
	TAP_CASE(live_writer_and_lock),
	TAP_CASE(channels_and_copies),
	TAP_CASE(damage_does_not_spoil_the_rest),
	TAP_CASE(empty_session_in_the_database),
	TAP_CASE(moved_database_goes_on),
	TAP_CASE(exclude_and_allow_again),
	TAP_CASE(duration_of_an_answer),
	TAP_CASE(data_dir_of_the_environment),
	TAP_CASE(much_is_read_in_rounds),
	TAP_CASE(what_there_is),
};
TAP_MAIN(cases)
