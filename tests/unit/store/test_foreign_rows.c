/* What is read of each program's database. */
#include "foreign_fixture.h"
#include "store/foreign_chat.h"
#include "store/foreign_cursor.h"
#include "store/foreign_opencode.h"

#define KV "(key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB);"

static void cursor_rows(void)
{
	struct fixture f;
	const char *path = begin_world(&f);
	CLEANUP(foreign_closep) struct foreign *foreign = NULL;
	CLEANUP(foreign_bubbles_closep) struct foreign_bubbles *bubbles = NULL;
	struct foreign_composer *composers;
	struct foreign_written written = { 0 };
	struct foreign_bubble bubble;
	struct foreign_item *items;
	struct str value;
	size_t count;
	struct err err;

	make(path,
		"CREATE TABLE ItemTable" KV "CREATE TABLE cursorDiskKV" KV
		"INSERT INTO ItemTable VALUES('cursorAuth/accessToken', 'NEVER'),"
		"('composer.composerData', '{}'), ('composer.composerHeaders', NULL),"
		"('workbench.panel.composerChatViewPane.p1', '{\"a\":1}'),"
		"('workbench.panel.composerChatViewPane/', 'NEVER'), ('composer.composerDat', 'NEVER');"
		"INSERT INTO cursorDiskKV VALUES('composerData:c1', '{\"n\":1}'), ('composerData:c2', NULL),"
		"('composerDatb', 'NEVER'), ('bubbleId:c1:b2', X'7b7d'), ('bubbleId:c1:b1', '{\"b\":1}'),"
		"('bubbleId:c1:b3', NULL), ('bubbleId:c10:b1', 'NEVER'), ('bubbleId:c1;', 'NEVER');"
		"INSERT INTO cursorDiskKV VALUES('composerData:c1', '{\"n\":2}');");
	GOOD(foreign_cursor_open(&foreign, path, NULL, &err));
	GOOD(foreign_cursor_composers(foreign, &f.arena, &composers, &count, &err));
	IS_INT(count, 2);
	IS_STR(composers[0].id, "c1"); /* replaced last */
	IS_STR(composers[1].id, "c2");
	OK(composers[0].rowid > composers[1].rowid);
	GOOD(foreign_cursor_last(foreign, &written.last, &err));
	IS_INT(written.last, composers[0].rowid);
	GOOD(foreign_cursor_written(foreign, 100, &f.arena, &written, &err));
	IS_INT(written.count, 0);
	written.last = composers[1].rowid;
	GOOD(foreign_cursor_written(foreign, 2, &f.arena, &written, &err));
	IS_INT(written.count, 1); /* of the one bubble behind what is no row of ours */
	IS_STR(written.composers[0], "c1");
	IS_INT(written.last, composers[1].rowid + 2);
	GOOD(foreign_cursor_written(foreign, 100, &f.arena, &written, &err));
	IS_INT(written.count, 2); /* c1 again, and c10 */
	IS_INT(written.last, composers[0].rowid);
	GOOD(foreign_cursor_composer(foreign, STR("c1"), &f.arena, &value, &err));
	IS_STR(value, "{\"n\":2}");
	GOOD(foreign_cursor_composer(foreign, STR("c2"), &f.arena, &value, &err));
	OK(value.ptr == NULL);
	GOOD(foreign_cursor_composer(foreign, STR("c3"), &f.arena, &value, &err));
	OK(value.ptr == NULL);
	GOOD(foreign_bubbles_open(&bubbles, foreign, STR("c1"), &err));
	IS_INT(foreign_bubbles_next(bubbles, &bubble, &err), 1);
	IS_STR(bubble.id, "b1");
	IS_STR(bubble.value, "{\"b\":1}");
	IS_INT(foreign_bubbles_next(bubbles, &bubble, &err), 1);
	IS_STR(bubble.value, "{}");
	IS_INT(foreign_bubbles_next(bubbles, &bubble, &err), 1);
	OK(bubble.value.ptr == NULL);
	IS_INT(foreign_bubbles_next(bubbles, &bubble, &err), 0);
	GOOD(foreign_cursor_items(foreign, &f.arena, &items, &count, &err));
	IS_INT(count, 2);
	IS_STR(items[0].key, "composer.composerData");
	IS_STR(items[1].value, "{\"a\":1}");
	fixture_end(&f);
}

static void opencode_rows(void)
{
	struct fixture f;
	const char *path = begin_world(&f);
	CLEANUP(foreign_closep) struct foreign *foreign = NULL;
	CLEANUP(foreign_rows_closep) struct foreign_rows *rows = NULL;
	struct foreign_progress *progress;
	struct foreign_session session;
	struct foreign_row row;
	size_t count;
	bool found;
	struct err err;

	make(path,
		"CREATE TABLE session(id TEXT PRIMARY KEY, project_id TEXT, title TEXT, directory TEXT,"
		" time_created INTEGER, time_updated INTEGER);"
		"CREATE TABLE message(id TEXT PRIMARY KEY, session_id TEXT, time_created INTEGER, time_updated INTEGER, data TEXT);"
		"CREATE TABLE part(id TEXT PRIMARY KEY, message_id TEXT, session_id TEXT, time_created INTEGER, time_updated INTEGER, data TEXT);"
		"CREATE TABLE project(id TEXT PRIMARY KEY, worktree TEXT);"
		"CREATE TABLE account(token TEXT);"
		"INSERT INTO project VALUES('p', '/w');"
		"INSERT INTO session VALUES('s2', 'p', 't', '/d', 1, 5), ('s1', 'q', NULL, '/e', 2, 6);"
		"INSERT INTO message VALUES('m2', 's2', 9, 9, '{}'), ('m1', 's2', 8, 12, '{\"m\":1}'), ('m3', 'gone', 1, 1, '{}');"
		"INSERT INTO part VALUES('x2', 'm1', 's2', 1, 7, '{\"x\":2}'), ('x1', 'm1', 's2', 1, 30, '{}'), ('x0', 'm2', 's2', 1, 1, '{}');");
	GOOD(foreign_opencode_open(&foreign, path, NULL, &err));
	GOOD(foreign_opencode_progress(foreign, &f.arena, &progress, &count, &err));
	IS_INT(count, 2);
	IS_STR(progress[0].session, "s1");
	IS_INT(progress[0].messages + progress[0].parts, 0);
	IS_INT(progress[0].updated_ms, 6);
	IS_INT(progress[1].messages, 2);
	IS_INT(progress[1].parts, 3);
	IS_INT(progress[1].updated_ms, 30);
	GOOD(foreign_opencode_session(foreign, STR("s2"), &f.arena, &session, &found, &err));
	OK(found);
	IS_STR(session.worktree, "/w");
	IS_STR(session.directory, "/d");
	IS_STR(session.title, "t");
	IS_INT(session.parent.len + session.revert.len, 0); /* this release has no such columns */
	IS_INT(session.created_ms, 1);
	GOOD(foreign_opencode_session(foreign, STR("s9"), &f.arena, &session, &found, &err));
	OK(!found);
	GOOD(foreign_rows_open(&rows, foreign, FOREIGN_MESSAGES, STR("s2"), &err));
	IS_INT(foreign_rows_next(rows, &row, &err), 1);
	IS_STR(row.id, "m1");
	IS_STR(row.data, "{\"m\":1}");
	IS_INT(row.updated_ms, 12);
	IS_INT(foreign_rows_next(rows, &row, &err), 1);
	IS_INT(foreign_rows_next(rows, &row, &err), 0);
	foreign_rows_close(rows);
	GOOD(foreign_rows_open(&rows, foreign, FOREIGN_PARTS, STR("s2"), &err));
	IS_INT(foreign_rows_next(rows, &row, &err), 1);
	IS_STR(row.id, "x1");
	IS_STR(row.message, "m1");
	IS_INT(number(foreign, "SELECT count(token) FROM account", &err), ERR_VERSION);
	fixture_end(&f);
}

static void chat_rows(void)
{
	struct fixture f;
	const char *path = begin_world(&f);
	CLEANUP(foreign_closep) struct foreign *foreign = NULL;
	struct foreign *other = NULL;
	struct str value;
	struct err err;

	make(path, "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT);"
		   "CREATE TABLE blobs(id TEXT PRIMARY KEY, data BLOB);"
		   "CREATE TABLE secret(token TEXT);"
		   "INSERT INTO meta VALUES('1', 'NEVER'), ('0', '7b7d');"
		   "INSERT INTO blobs VALUES('aa', X'0a00ff'), ('bb', NULL), ('cc', '');");
	GOOD(foreign_chat_open(&foreign, path, NULL, &err));
	GOOD(foreign_chat_meta(foreign, &f.arena, &value, &err));
	IS_STR(value, "7b7d");
	GOOD(foreign_chat_blob(foreign, STR("aa"), &f.arena, &value, &err));
	OK(str_eq(value, (struct str){ "\x0a\x00\xff", 3 }));
	GOOD(foreign_chat_blob(foreign, STR("bb"), &f.arena, &value, &err));
	OK(value.ptr == NULL);
	GOOD(foreign_chat_blob(foreign, STR("cc"), &f.arena, &value, &err));
	IS_INT(value.len, 0);
	GOOD(foreign_chat_blob(foreign, STR("dd"), &f.arena, &value, &err));
	OK(value.ptr == NULL);
	IS_INT(number(foreign, "SELECT count(token) FROM secret", &err), ERR_VERSION);
	foreign_close(foreign);
	foreign = NULL;
	make(path, "DROP TABLE meta");
	GOOD(foreign_chat_open(&foreign, path, NULL, &err));
	IS_INT(foreign_chat_meta(foreign, &f.arena, &value, &err), ERR_VERSION);
	IS_INT(foreign_chat_open(&other, fixture_path(&f, "theirs/none"), NULL, &err),
		ERR_NOT_FOUND);
	fixture_end(&f);
}

static const struct tap_case cases[] = {
	TAP_CASE(cursor_rows),
	TAP_CASE(opencode_rows),
	TAP_CASE(chat_rows),
};
TAP_MAIN(cases)
