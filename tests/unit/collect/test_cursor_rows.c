/* Cursor's databases: rows that are changed, deleted, locked, damaged, or too many; both stores of
 * one session. */
#include "cursor_fixture.h"

static void edited_and_deleted_turns(void)
{
	struct source_counts counts;
	struct world world;

	begin(&world);
	run_theirs(&world, GLOBAL, TABLES TWO_TURNS);
	collect(&world);
	facts(&world, "c", "2", "2", "0");
	/* An answer gets its tokens. */
	run_theirs(&world, GLOBAL,
		PUT BUBBLE("c", "r2", "2", "04",
			TEXT("second") ",\"tokenCount\":{\"inputTokens\":10,\"outputTokens\":0}"));
	counts = collect(&world);
	IS_INT(counts.new_events, 0);
	IS_INT(counts.updated, 2); /* the answer and its session */
	IS_CSTR(samples_fact(&world, "c", "input_tokens"), "10");
	/* A turn is taken back: its bubbles stay, or go. */
	run_theirs(&world, GLOBAL,
		PUT COMPOSER("c", "1772794900000", H("u1", "1") "," H("r1", "2"),
			"") ";"
			    "DELETE FROM cursorDiskKV WHERE key = 'bubbleId:c:r2'");
	collect(&world);
	facts(&world, "c", "1", "1", "2");
	IS_CSTR(samples_fact(&world, "c", "input_tokens"), "null");
	IS_INT(world_events(&world, "user_message").count, 2);
	/* All of them are, as a checkpoint of the beginning does it. */
	run_theirs(&world, GLOBAL, PUT COMPOSER("c", "1772795000000", "", ""));
	collect(&world);
	facts(&world, "c", "0", "0", "4");
	/* And all come back. */
	run_theirs(&world, GLOBAL, TWO_TURNS);
	collect(&world);
	facts(&world, "c", "2", "2", "0");
	counts = collect(&world);
	IS_INT(counts.skipped_unchanged, 1);
	/* The composer goes: what was taken of it stays. */
	run_theirs(&world, GLOBAL, "DELETE FROM cursorDiskKV");
	counts = collect(&world);
	IS_INT(counts.new_events + counts.updated, 0);
	facts(&world, "c", "2", "2", "0");
	world_end(&world);
}

/* Without a new row, and with nothing said by the composer. */
static void row_changed_in_place(void)
{
	struct source_counts counts;
	struct world world;
	sqlite3 *db;

	begin(&world);
	db = open_theirs(&world, GLOBAL, "PRAGMA journal_mode = WAL;" TABLES TWO_TURNS);
	collect(&world);
	OK(sqlite3_exec(db,
		   "UPDATE cursorDiskKV SET value = replace(value, 'first', 'other') WHERE key = 'bubbleId:c:r1';"
		   "UPDATE cursorDiskKV SET value = replace(value, '\"type\":2', '\"type\":2,\"modelInfo\":{\"modelName\":\"m\"}') WHERE key = 'bubbleId:c:r2'",
		   NULL, NULL, NULL) == SQLITE_OK);
	counts = collect(&world);
	IS_INT(counts.updated, 1); /* texts are not stored, so only the model is news */
	IS_INT(counts.new_events, 0);
	counts = collect(&world);
	IS_INT(counts.skipped_unchanged, 1);
	sqlite3_close(db);
	/* Its log is gone with it, nothing else. */
	counts = collect(&world);
	IS_INT(counts.new_events + counts.updated, 0);
	IS_INT(collect(&world).skipped_unchanged, 1);
	world_end(&world);
}

static void what_is_no_session_is_ignored(void)
{
	struct world world;

	begin(&world);
	run_theirs(&world, GLOBAL,
		TABLES PUT
		"('composerData:n', NULL), ('composerData:e', ''), ('composerData:', '{}'),"
		"('composerData:x' || char(10) || 'y', '{\"fullConversationHeadersOnly\":[]}')," COMPOSER(
			"draft", "1", "", "") "," COMPOSER("o", "1", H("u", "1") "," H("gone", "1"),
			"") "," BUBBLE("o", "u", "1", "01", TEXT("hi")) "," BUBBLE("o", "lost", "1",
			"02", TEXT("hi")) ","
					  "('bubbleId:o:null', NULL)," BUBBLE(
						  "nobody", "u", "1", "03", TEXT("hi")));
	collect(&world);
	IS_INT(world_events(&world, "agent_session").count, 1);
	facts(&world, "o", "1", "0", "0");
	world_end(&world);
}

static void bad_rows_do_not_spoil_the_others(void)
{
	struct world world;

	begin(&world);
	run_theirs(&world, GLOBAL, TABLES TWO_TURNS);
	collect(&world);
	run_theirs(&world, GLOBAL,
		PUT "('composerData:bad', '{\"composerId\":'), ('composerData:list', '[1]'),"
		    "('bubbleId:c:r1', '{\"type\":2,'), " COMPOSER(
			    "d", "1", H("u", "1"), "") "," BUBBLE("d", "u", "1", "09", TEXT("hi")));
	collect(&world);
	facts(&world, "c", "2", "2", "0");
	IS_CSTR(samples_fact(&world, "c", "malformed"), "1");
	facts(&world, "d", "1", "0", "0");
	run_theirs(&world, GLOBAL, TWO_TURNS);
	collect(&world);
	IS_CSTR(samples_fact(&world, "c", "malformed"), "0");
	world_end(&world);
}

static void one_session_in_both_stores_counts_once(void)
{
	for (int order = 0; order < 2; order++) {
		struct world world;
		struct str transcript =
			STR("{\"role\":\"user\",\"message\":{\"content\":\"one\"}}\n"
			    "{\"role\":\"assistant\",\"message\":{\"content\":\"first\"}}\n");

		begin(&world);
		if (order == 0)
			world_write(&world, ".cursor/projects/p/agent-transcripts/c/c.jsonl",
				transcript);
		else
			run_theirs(&world, GLOBAL, TABLES TWO_TURNS);
		collect(&world);
		facts(&world, "c", order == 0 ? "1" : "2", order == 0 ? "1" : "2", "0");
		if (order == 0)
			run_theirs(&world, GLOBAL, TABLES TWO_TURNS);
		else
			world_write(&world, ".cursor/projects/p/agent-transcripts/c/c.jsonl",
				transcript);
		collect(&world);
		facts(&world, "c", "2", "2", "0");
		IS_INT(world_events(&world, "user_message").count, 2);
		IS_INT(world_events(&world, "agent_session").count, 1);
		world_end(&world);
	}
}

static void locked_database_is_read_later(void)
{
	struct source_counts counts;
	struct world world;
	sqlite3 *db;

	begin(&world);
	db = open_theirs(&world, GLOBAL,
		"PRAGMA journal_mode = WAL;" TABLES TWO_TURNS
		"PRAGMA locking_mode = EXCLUSIVE; DELETE FROM ItemTable;");
	world_write(&world, ".cursor/projects/p/agent-transcripts/t.jsonl",
		STR("{\"role\":\"user\",\"message\":{\"content\":\"hi\"}}\n"));
	counts = collect(&world);
	facts(&world, "t", "1", "0", "0");
	OK(samples_session(&world, "c") == NULL);
	IS_INT(counts.failed, 0);
	OK(sqlite3_exec(db, "PRAGMA locking_mode = NORMAL; SELECT count(*) FROM ItemTable", NULL,
		   NULL, NULL) == SQLITE_OK);
	collect(&world);
	facts(&world, "c", "2", "2", "0");
	sqlite3_close(db);
	world_end(&world);
}

/* While there are rules, what may turn out to be of an excluded workspace waits for the composer
 * that tells. */
static void locked_database_holds_transcripts_back(void)
{
	static const char *const secret[] = { "/srv/secret/**", NULL };
	const struct workspace_rules rules = { .exclude = secret };
	struct workspace_policy *policy = NULL;
	struct world world;
	sqlite3 *db;

	begin(&world);
	if (!OK(workspace_policy(&policy, &world.arena, &rules, world.dir, &world.err) == 0))
		return;
	world.context.policy = policy;
	db = open_theirs(&world, GLOBAL,
		"PRAGMA journal_mode = WAL;" TABLES PUT COMPOSER("t", "1", H("u", "1"),
			",\"workspaceIdentifier\":{\"uri\":{\"fsPath\":\"/srv/secret/app\"}}") "," BUBBLE("t",
			"u", "1", "01",
			TEXT("hi")) ";"
				    "PRAGMA locking_mode = EXCLUSIVE; DELETE FROM ItemTable;");
	world_write(&world, ".cursor/projects/p/agent-transcripts/t.jsonl",
		STR("{\"role\":\"user\",\"message\":{\"content\":\"hi\"}}\n"));
	world_write(&world, ".cursor/projects/q/agent-transcripts/x.jsonl",
		STR("{\"role\":\"user\",\"message\":{\"content\":\"hi\"}}\n"));
	collect(&world);
	IS_INT(world_events(&world, "").count, 0);
	sqlite3_close(db);
	collect(&world);
	OK(samples_session(&world, "t") == NULL);
	facts(&world, "x", "1", "0", "0");
	world_end(&world);
}

static void damaged_database_is_reported_until_it_changes(void)
{
	struct source_counts counts;
	struct world world;

	begin(&world);
	world_write(&world, GLOBAL,
		STR("no database, for long enough to have a header of one; really, "
		    "this is only text that goes on and on and on and on"));
	world_write(&world, ".cursor/projects/p/agent-transcripts/t.jsonl",
		STR("{\"role\":\"user\",\"message\":{\"content\":\"hi\"}}\n"));
	counts = collect(&world);
	IS_INT(counts.failed, 1);
	facts(&world, "t", "1", "0", "0");
	counts = collect(&world);
	IS_INT(counts.failed, 0);
	IS_INT(counts.skipped_unchanged, 2);
	OK(unlink(world_path(&world, GLOBAL)) == 0);
	run_theirs(&world, GLOBAL, "CREATE TABLE other(x)");
	counts = collect(&world);
	IS_INT(counts.failed, 1); /* of an unknown schema */
	OK(unlink(world_path(&world, GLOBAL)) == 0);
	run_theirs(&world, GLOBAL, TABLES TWO_TURNS);
	counts = collect(&world);
	IS_INT(counts.failed, 0);
	facts(&world, "c", "2", "2", "0");
	world_end(&world);
}

/* An older copy of the database, found through a configured root, does not take anything back. */
static void older_copy_takes_nothing_back(void)
{
	static const char *const extra_name = "backup/User";
	struct world world;
	const char *extra[2] = { NULL, NULL };
	struct source_settings settings = { .source = "cursor", .enabled = true };
	struct source_counts counts;

	begin(&world);
	extra[0] = world_path(&world, extra_name);
	settings.roots = extra;
	world.context.settings = &settings;
	world.context.settings_count = 1;
	run_theirs(&world, GLOBAL, TABLES TWO_TURNS);
	run_theirs(&world, "backup/User/globalStorage/state.vscdb",
		TABLES PUT COMPOSER("c", "1772794700000", H("u1", "1"), "") "," BUBBLE(
			"c", "u1", "1", "01", TEXT("one")) "," COMPOSER("old", "1772794700000",
			H("u", "1"), "") "," BUBBLE("old", "u", "1", "05", TEXT("one")));
	collect(&world);
	facts(&world, "c", "2", "2", "0");
	facts(&world, "old", "1", "0", "0");
	/* The copy lives on. */
	run_theirs(&world, "backup/User/globalStorage/state.vscdb",
		PUT COMPOSER("c", "1772794990000", H("u1", "1") "," H("u9", "1"), "") "," BUBBLE(
			"c", "u9", "1", "08", TEXT("nine")));
	collect(&world);
	facts(&world, "c", "2", "0", "3");
	counts = collect(&world);
	IS_INT(counts.skipped_unchanged, 2);
	world_end(&world);
}

/* --- much of it --- */

/* One round over the database alone with little to spend. */
static struct source_counts collect_little(struct world *world, int64_t to_read, int64_t to_compare)
{
	struct source_counts counts = { 0 };
	struct cursor_round round = {
		.context = &world->context,
		.counts = &counts,
		.to_read = to_read,
		.to_compare = to_compare,
	};

	OK(tail_set_load(&round.set, world->store, CURSOR_SOURCE, &world->err) == 0);
	OK(agent_round_begin(&round.round, &world->context, "cursor", &world->err) == 0);
	round.intake = agent_round_intake(round.round);
	OK(cursor_collect_database(&round, world_path(world, GLOBAL), &world->err) == 0);
	OK(agent_round_end(round.round, &counts, &world->err) == 0);
	agent_round_free(round.round);
	tail_set_free(round.set);
	arena_release(&round.arena);
	return counts;
}

static void much_is_read_in_rounds_the_newest_first(void)
{
	CLEANUP(buf_release) struct buf sql = BUF_INIT;
	struct source_counts counts;
	struct world world;
	int rounds = 0;

	begin(&world);
	buf_addc(&sql, TABLES "BEGIN;");
	for (int i = 0; i < 50; i++)
		buf_printf(&sql,
			"INSERT INTO cursorDiskKV VALUES('bubbleId:c%02d:u', '{\"type\":1,\"text\":\"hi\",\"createdAt\":\"2026-03-06T11:00:%02d.000Z\"}'),"
			"('composerData:c%02d', '{\"fullConversationHeadersOnly\":[{\"bubbleId\":\"u\"}]}');",
			i, i, i);
	buf_addc(&sql, "COMMIT");
	run_theirs(&world, GLOBAL, buf_cstr(&sql));
	counts = collect_little(&world, 500, 1);
	OK(samples_session(&world, "c49") != NULL);
	OK(samples_session(&world, "c00") == NULL);
	OK(counts.new_events < 20);
	/* It does not change, and still goes on until all is done; then it is not opened any more.
	 */
	while (collect_little(&world, 500, 1000).skipped_unchanged == 0 && rounds < 100)
		rounds++;
	OK(rounds > 5 && rounds < 60);
	IS_INT(world_events(&world, "agent_session").count, 50);
	/* A bubble of the oldest is written, the composer is not; much else was before. */
	run_theirs(&world, GLOBAL,
		PUT
		"('bubbleId:c00:u', '{\"type\":1,\"text\":\"hi\",\"requestId\":\"r\",\"createdAt\":\"2026-03-06T11:00:00.000Z\"}')");
	counts = collect_little(&world, 500, 0);
	IS_INT(counts.updated, 1);
	/* Two are, and there is only enough for one. */
	run_theirs(&world, GLOBAL,
		PUT
		"('bubbleId:c01:u', '{\"type\":1,\"text\":\"hi\",\"requestId\":\"r\",\"createdAt\":\"2026-03-06T11:00:01.000Z\"}'),"
		"('bubbleId:c02:u', '{\"type\":1,\"text\":\"hi\",\"requestId\":\"r\",\"createdAt\":\"2026-03-06T11:00:02.000Z\"}')");
	IS_INT(collect_little(&world, 1, 0).updated, 1);
	IS_INT(collect_little(&world, 1, 0).updated, 1);
	IS_INT(collect_little(&world, 1, 0).updated, 0);
	world_end(&world);
}

static const struct tap_case cases[] = {
	TAP_CASE(edited_and_deleted_turns),
	TAP_CASE(row_changed_in_place),
	TAP_CASE(what_is_no_session_is_ignored),
	TAP_CASE(bad_rows_do_not_spoil_the_others),
	TAP_CASE(one_session_in_both_stores_counts_once),
	TAP_CASE(locked_database_is_read_later),
	TAP_CASE(locked_database_holds_transcripts_back),
	TAP_CASE(damaged_database_is_reported_until_it_changes),
	TAP_CASE(older_copy_takes_nothing_back),
	TAP_CASE(much_is_read_in_rounds_the_newest_first),
};
TAP_MAIN(cases)
