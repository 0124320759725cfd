/* Chats of Cursor's command line: their row, indexes and messages, and as files of the source. */
#include "collect/cursor/md5.h"
#include "cursor_fixture.h"

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define ID_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define ID_D "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
#define ID_R "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
#define NAME(id) "0a20" id

/* --- parsers --- */

static void md5_of_the_standard(void)
{
	static const struct {
		const char *text, *hash;
	} vectors[] = { { "", "d41d8cd98f00b204e9800998ecf8427e" },
		{ "abc", "900150983cd24fb0d6963f7d28e17f72" },
		{ "message digest", "f96b697d7cb7938d525a2f31aaf161d0" },
		{ "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
			"57edf4a22be3c955ac49da2e2107b67a" },
		{ "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
			"d174ab98d277d9f5a5611c2c9f419d9f" } };

	for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
		uint8_t hash[MD5_BYTES];
		char hex[2 * MD5_BYTES + 1];

		cursor_md5(str_from(vectors[i].text), hash);
		hash_hex(hash, MD5_BYTES, hex);
		IS_CSTR(hex, vectors[i].hash);
	}
}

static void row_of_a_chat(void)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct cursor_chat_meta meta;

	/* {"createdAt":1772794799000,"mode":"ask"} */
	OK(cursor_chat_meta(&meta, &arena,
		STR("7B22637265617465644174223a313737323739343739393030302c226d6f6465223a2261736b227d")));
	IS_INT(meta.created_ns, INT64_C(1772794799) * NS_PER_S);
	IS_STR(meta.mode, "ask");
	OK(meta.root.len == 0 && meta.model.len == 0);
	OK(cursor_chat_meta(&meta, &arena,
		STR(" {\"latestRootBlobId\":\"" ID_A
		    "\",\"lastUsedModel\":\"m\",\"createdAt\":\"x\"}")));
	IS_STR(meta.root, ID_A);
	IS_STR(meta.model, "m");
	OK(meta.created_ns == AGENT_NO_TIME);
	OK(cursor_chat_meta(&meta, &arena, STR("{\"lastUsedModel\":\"default\"}")));
	IS_INT(meta.model.len, 0);
	OK(!cursor_chat_meta(&meta, &arena, STR("")));
	OK(!cursor_chat_meta(&meta, &arena, STR("7b7")));
	OK(!cursor_chat_meta(&meta, &arena, STR("7g7d")));
	OK(!cursor_chat_meta(&meta, &arena, STR("5b5d"))); /* a list */
}

static void indexes(void)
{
	static const char hash[] = "0123456789abcdef0123456789abcdef";
	CLEANUP(arena_release) struct arena arena = { 0 };
	CLEANUP(buf_release) struct buf data = BUF_INIT;
	struct cursor_chat_index index;

	buf_addc(&data, "\x0a\x20");
	buf_addc(&data, hash);
	buf_addc(&data, "\x0a\x02xy\x10\x96\x01\x19"); /* no hash; a number; eight bytes */
	buf_addc(&data, "12345678\x25"
			"1234\x4a\x02/w"); /* four bytes; the workspace */
	OK(cursor_chat_index(&index, &arena, buf_str(&data)));
	if (OK(index.count == 1))
		IS_STR(index.ids[0],
			"3031323334353637383961626364656630313233343536373839616263646566");
	IS_STR(index.workspace, "/w");
	OK(cursor_chat_index(&index, &arena, STR("")));
	IS_INT(index.count, 0);
	data.len--; /* its end is missing */
	OK(!cursor_chat_index(&index, &arena, buf_str(&data)));
	OK(!cursor_chat_index(&index, &arena, STR("\x0a")));
	OK(!cursor_chat_index(&index, &arena, STR("\x0b")));
	OK(!cursor_chat_index(
		&index, &arena, STR("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")));
}

static const struct agent_item *item_at(const struct cursor_chat *chat, size_t i)
{
	static const struct agent_item none = { .kind = AGENT_KINDS };

	return OK(i < chat->session.count) ? &chat->session.items[i] : &none;
}

static void messages_of_a_chat(void)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	CLEANUP(cursor_chat_release) struct cursor_chat chat = { 0 };
	const struct cursor_chat_meta meta = { .model = STR("m"), .created_ns = NS_PER_S };
	static const char *const lines[] = { "{\"role\":\"system\",\"content\":\"You are\"}",
		"{\"role\":\"user\",\"content\":\"<user_info>\\nOS\\n</user_info>\"}",
		"{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"<user_query>\\nhi\\n</user_query>\"},{\"type\":\"image\"}]}",
		"{\"id\":\"1\",\"role\":\"assistant\",\"content\":[{\"type\":\"reasoning\",\"text\":\"hm\"},{\"type\":\"text\",\"text\":\"ok\"},{\"type\":\"tool-call\",\"toolCallId\":\"c1\",\"toolName\":\"Read\",\"args\":{\"path\":\"a.py\"}},{\"type\":\"tool-call\",\"toolName\":\"LS\"}]}",
		"{\"role\":\"tool\",\"content\":[{\"type\":\"tool-result\",\"toolCallId\":\"c1\",\"toolName\":\"Read\",\"result\":\"no\",\"isError\":true},{\"type\":\"tool-result\",\"toolCallId\":\"c9\",\"isError\":true}]}",
		"{\"id\":\"1\",\"role\":\"assistant\",\"content\":[{\"type\":\"tool-call\",\"toolCallId\":\"c1\",\"toolName\":\"Read\"},{\"type\":\"hologram\"},5]}",
		"{\"role\":\"alien\",\"content\":null}", "{\"role\":", "[]" };

	cursor_chat_begin(&chat, &arena, STR("s"), &meta, 9 * NS_PER_S, STR("/db"));
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		cursor_chat_message(&chat, arena_printf(&arena, "%zu", i), str_from(lines[i]));
	cursor_chat_message(&chat, STR("2"), str_from(lines[2])); /* the same once more */
	IS_INT(chat.session.count, 6);
	IS_INT(item_at(&chat, 0)->kind, AGENT_PROMPT);
	IS_STR(item_at(&chat, 0)->text, "hi");
	OK(item_at(&chat, 0)->has_image && item_at(&chat, 0)->estimated);
	IS_INT(item_at(&chat, 0)->at_ns, NS_PER_S);
	IS_INT(item_at(&chat, 1)->kind, AGENT_TOOL_USE);
	IS_STR(item_at(&chat, 1)->file, "a.py");
	IS_INT(item_at(&chat, 1)->at_ns, 9 * NS_PER_S);
	IS_INT(item_at(&chat, 2)->kind, AGENT_TOOL_USE);
	IS_INT(item_at(&chat, 3)->kind, AGENT_RESPONSE);
	IS_STR(item_at(&chat, 3)->text, "ok");
	IS_INT(item_at(&chat, 4)->kind, AGENT_TOOL_ERROR);
	IS_STR(item_at(&chat, 4)->call, arena_cstr(&arena, item_at(&chat, 1)->key));
	IS_INT(item_at(&chat, 5)->kind, AGENT_PROMPT);
	OK(!str_eq(item_at(&chat, 5)->key, item_at(&chat, 0)->key));
	IS_INT(chat.session.unknown, 3);
	IS_INT(chat.session.malformed, 2);
}

/* --- files --- */

#define CHATS ".cursor/chats/"
#define W_HASH "4a44a3d6c1a6f1b5d2b4b1a8c3e1b5f0" /* of nothing that is there */
#define CHAT_TABLES                                                                                \
	"CREATE TABLE blobs(id TEXT PRIMARY KEY, data BLOB);"                                      \
	"CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT);"
#define ROOT_ROW                                                                                   \
	"INSERT OR REPLACE INTO meta VALUES('0', '{\"latestRootBlobId\":\"" ID_R                   \
	"\",\"createdAt\":1772794799000}');"
#define LIST(ids) "INSERT OR REPLACE INTO blobs VALUES('" ID_R "', X'" ids "');"
#define SAY(id, role, text)                                                                        \
	"INSERT OR REPLACE INTO blobs VALUES('" id "', '{\"id\":\"1\",\"role\":\"" role            \
	"\",\"content\":\"" text "\"}');"

static void put_chat(struct world *world, const char *hash, const char *id, const char *sql)
{
	run_theirs(world, arena_printf(&world->arena, CHATS "%s/%s/store.db", hash, id).ptr, sql);
}

static void chats_are_collected(void)
{
	struct source_counts counts;
	struct world world;
	const char *shop;

	begin(&world);
	shop = cursor_workspace_hash(&world.arena, STR("/srv/shop")).ptr;
	world_write(&world, USER "workspaceStorage/aa/workspace.json",
		STR("{\"folder\":\"file:///srv/shop\"}"));
	put_chat(&world, shop, "s",
		CHAT_TABLES ROOT_ROW SAY(ID_A, "user", "hi") SAY(ID_B, "assistant", "ho")
			LIST(NAME(ID_A) NAME(ID_B) NAME(ID_A) NAME(ID_B)));
	put_chat(&world, W_HASH, "x",
		CHAT_TABLES ROOT_ROW SAY(ID_A, "user", "hi")
			LIST(NAME(ID_C)) "INSERT INTO blobs VALUES('" ID_C "', X'" NAME(ID_A)
				NAME(ID_D) "')");
	put_chat(&world, W_HASH, "empty", CHAT_TABLES);
	put_chat(&world, W_HASH, "loop", CHAT_TABLES ROOT_ROW LIST(NAME(ID_R)));
	world_write(&world, CHATS W_HASH "/none/store.db", STR(""));
	/* Its transcript is the weaker one. */
	world_write(&world, ".cursor/projects/p/agent-transcripts/s.jsonl",
		STR("{\"role\":\"user\",\"message\":{\"content\":\"hi\"}}\n"));
	counts = collect(&world);
	IS_INT(counts.files, 7);
	IS_INT(counts.failed, 1); /* the loop */
	facts(&world, "s", "2", "2", "0");
	IS_CSTR(samples_fact(&world, "s", "cwd"), "/srv/shop");
	IS_CSTR(samples_fact(&world, "s", "input_tokens"), "null");
	IS_CSTR(samples_fact(&world, "s", "started_at"), "2026-03-06T10:59:59.000Z");
	facts(&world, "x", "1", "0", "0");
	IS_CSTR(samples_fact(&world, "x", "cwd"), "");
	IS_INT(world_events(&world, "agent_session").count, 2);
	counts = collect(&world);
	IS_INT(counts.skipped_unchanged, counts.files);
	/* It goes on; then it is summed up, which takes nothing back. */
	put_chat(&world, shop, "s", SAY(ID_C, "user", "more") LIST(NAME(ID_B) NAME(ID_C)));
	IS_INT(collect(&world).new_events, 1);
	facts(&world, "s", "3", "2", "0");
	world_end(&world);
}

static void workspace_of_a_chat(void)
{
	static const char *const secret[] = { "/srv/secret/**", NULL };
	const struct workspace_rules rules = { .exclude = secret };
	struct workspace_policy *policy = NULL;
	struct world world;
	struct str hash, project;

	begin(&world);
	/* By its index; by a composer's; by a project that is there. */
	put_chat(&world, W_HASH, "i",
		CHAT_TABLES ROOT_ROW SAY(ID_A, "user", "hi")
			LIST(NAME(ID_A) "4a12"
					"66696c653a2f2f2f7372762f736563726574"));
	hash = cursor_workspace_hash(&world.arena, STR("/srv/secret/c"));
	put_chat(&world, hash.ptr, "c",
		CHAT_TABLES ROOT_ROW SAY(ID_A, "user", "hi") LIST(NAME(ID_A)));
	run_theirs(&world, GLOBAL,
		TABLES PUT COMPOSER("k", "1", H("u", "1"),
			",\"workspaceIdentifier\":{\"uri\":{\"fsPath\":\"/srv/secret/c\"}}") "," BUBBLE("k",
			"u", "1", "01", TEXT("hi")));
	world_write(&world, "app/x", STR(""));
	hash = cursor_workspace_hash(&world.arena, str_from(world_path(&world, "app")));
	project = cursor_project_name(&world.arena, str_from(world_path(&world, "app")));
	world_write(&world,
		arena_printf(&world.arena, ".cursor/projects/%.*s/mcp", STR_ARG(project)).ptr,
		STR(""));
	put_chat(&world, hash.ptr, "p",
		CHAT_TABLES ROOT_ROW SAY(ID_A, "user", "hi") LIST(NAME(ID_A)));
	if (!OK(workspace_policy(&policy, &world.arena, &rules, world.dir, &world.err) == 0))
		return;
	world.context.policy = policy;
	collect(&world);
	IS_INT(world_events(&world, "agent_session").count, 1);
	IS_CSTR(samples_fact(&world, "p", "cwd"), world_path(&world, "app"));
	world.context.policy = NULL;
	collect(&world);
	IS_CSTR(samples_fact(&world, "i", "cwd"), "/srv/secret");
	IS_CSTR(samples_fact(&world, "c", "cwd"), "/srv/secret/c");
	facts(&world, "c", "1", "0", "0");
	world_end(&world);
}

static void workspace_of_a_chat_that_becomes_known_later(void)
{
	struct source_counts counts;
	struct world world;
	struct str hash;

	begin(&world);
	hash = cursor_workspace_hash(&world.arena, STR("/srv/app"));
	put_chat(&world, hash.ptr, "a",
		CHAT_TABLES ROOT_ROW SAY(ID_A, "user", "hi") LIST(NAME(ID_A)));
	collect(&world);
	IS_CSTR(samples_fact(&world, "a", "cwd"), "");
	world_write(&world, USER "workspaceStorage/aa/workspace.json",
		STR("{\"folder\":\"file:///srv/app\"}"));
	counts = collect(&world);
	IS_INT(counts.new_events, 0);
	IS_CSTR(samples_fact(&world, "a", "cwd"), "/srv/app");
	counts = collect(&world);
	IS_INT(counts.skipped_unchanged, counts.files);
	world_end(&world);
}

static const struct tap_case cases[] = {
	TAP_CASE(md5_of_the_standard),
	TAP_CASE(row_of_a_chat),
	TAP_CASE(indexes),
	TAP_CASE(messages_of_a_chat),
	TAP_CASE(chats_are_collected),
	TAP_CASE(workspace_of_a_chat),
	TAP_CASE(workspace_of_a_chat_that_becomes_known_later),
};
TAP_MAIN(cases)
