/* What the tests of Cursor share: a world, and databases made of few words. */
#ifndef TT_TESTS_COLLECT_CURSOR_FIXTURE_H
#define TT_TESTS_COLLECT_CURSOR_FIXTURE_H

#include <sqlite3.h>

#include "collect/cursor/round.h"
#include "samples.h"

#define C1 "54c917a0-d373-53a6-b1a2-9564ef32e26c"
#define USER ".config/Cursor/User/"
#define GLOBAL USER "globalStorage/state.vscdb"

__attribute__((unused)) static void begin(struct world *world)
{
	world_init(world);
	setenv("XDG_RUNTIME_DIR", world_path(world, "data"), 1);
}

__attribute__((unused)) static struct source_counts collect(struct world *world)
{
	return world_collect(world, &cursor_source);
}

/* The other program's connection. */
__attribute__((unused)) static sqlite3 *open_theirs(
	struct world *world, const char *name, const char *sql)
{
	sqlite3 *db = NULL;
	const char *path = world_path(world, name);
	CLEANUP(buf_release) struct buf dir = BUF_INIT;

	buf_add(&dir, (struct str){ path, (size_t)(strrchr(path, '/') - path) });
	OK(fs_make_dirs(buf_cstr(&dir), 0700, &world->err) == 0);
	OK(sqlite3_open(path, &db) == SQLITE_OK);
	if (!OK(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK))
		printf("# %s\n# %s\n", sqlite3_errmsg(db), sql);
	return db;
}

__attribute__((unused)) static void run_theirs(
	struct world *world, const char *name, const char *sql)
{
	sqlite3_close(open_theirs(world, name, sql));
}

#define KV "(key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB);"
#define TABLES "CREATE TABLE ItemTable" KV "CREATE TABLE cursorDiskKV" KV

#define BUBBLE(composer, id, type, second, more)                                                   \
	"('bubbleId:" composer ":" id "', '{\"bubbleId\":\"" id "\",\"type\":" type                \
	",\"createdAt\":\"2026-03-06T11:00:" second ".000Z\"" more "}')"
#define TEXT(text) ",\"text\":\"" text "\""
#define COMPOSER(id, updated, headers, more)                                                       \
	"('composerData:" id "', '{\"composerId\":\"" id                                           \
	"\",\"createdAt\":1772794799000,\"lastUpdatedAt\":" updated                                \
	",\"fullConversationHeadersOnly\":[" headers "]" more "}')"
#define H(id, type) "{\"bubbleId\":\"" id "\",\"type\":" type "}"
#define PUT "INSERT INTO cursorDiskKV VALUES"

#define TWO_TURNS                                                                                  \
	PUT COMPOSER("c", "1772794800000",                                                         \
		H("u1", "1") "," H("r1", "2") "," H("u2", "1") "," H("r2", "2"),                   \
		"") "," BUBBLE("c", "u1", "1", "01", TEXT("one")) "," BUBBLE("c", "r1", "2", "02", \
		TEXT("first")) "," BUBBLE("c", "u2", "1", "03", TEXT("two")) "," BUBBLE("c", "r2", \
		"2", "04", TEXT("second")) ";"

__attribute__((unused)) static void facts(struct world *world, const char *id, const char *prompts,
	const char *responses, const char *withdrawn)
{
	IS_CSTR(samples_fact(world, id, "prompts"), prompts);
	IS_CSTR(samples_fact(world, id, "responses"), responses);
	IS_CSTR(samples_fact(world, id, "withdrawn"), withdrawn);
}

#endif
