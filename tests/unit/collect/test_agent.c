/*
 * Rounds of agents' sessions: what is new, corrected, withdrawn, moved, excluded, and in whatever
 * order.
 */
#include "collect/ledger.h"
#include "world.h"

#define T0 INT64_C(1772442000000000000) /* 2026-03-02T09:00:00Z */
#define SECOND INT64_C(1000000000)

static struct world world;
static struct arena kept; /* outlives worlds; the program's end frees it */

static struct agent_session session_of(const char *id)
{
	struct agent_session session = agent_session(&kept, "codex");

	session.id = str_from(id);
	session.cwd = STR("/home/ana/work/shop");
	session.path = STR("/logs/a.jsonl");
	return session;
}

static struct agent_item *add(
	struct agent_session *session, enum agent_kind kind, const char *key, int second)
{
	return agent_item(session, kind, str_from(key), T0 + second * SECOND);
}

static struct source_counts put(struct agent_session *session, enum agent_mode mode)
{
	CLEANUP(agent_round_freep) struct agent_round *round = NULL;
	struct source_counts counts = { 0 };

	OK(agent_round_begin(&round, &world.context, "codex", &world.err) == 0);
	OK(agent_round_put(round, session, mode, &world.err) == 0);
	OK(agent_round_end(round, &counts, &world.err) == 0);
	return counts;
}

/* Member KEY of the newest event of TYPE. */
static const char *last_value(const char *type, const char *key)
{
	struct world_events all = world_events(&world, type);

	return all.count > 0 ? world_value(&world, &all.items[all.count - 1], key) : "no event";
}

static size_t count_of(const char *type)
{
	return world_events(&world, type).count;
}

static void given_once(void)
{
	struct agent_session session;
	struct source_counts counts;
	struct agent_item *item;

	world_init(&world);
	session = session_of("s1");
	item = add(&session, AGENT_PROMPT, "p1", 0);
	item->text = STR("secret words");
	item = add(&session, AGENT_RESPONSE, "r1", 5);
	item->tokens[AGENT_INPUT] = 100;
	item->tokens[AGENT_OUTPUT] = 0;
	item->model = STR("gpt-5");
	item = add(&session, AGENT_TOOL_USE, "t1", 3);
	item->tool = STR("apply_patch");
	item->file = STR("/home/ana/work/shop/a.py");
	counts = put(&session, AGENT_WHOLE);
	IS_INT(counts.new_events, 4);
	IS_CSTR(last_value("user_message", "length"), "12");
	IS_CSTR(last_value("user_message", "text"), "");
	IS_CSTR(last_value("user_message", "agent"), "codex");
	IS_CSTR(last_value("agent_tool_use", "tool_class"), "edit");
	IS_CSTR(last_value("agent_response", "output_tokens"), "0");
	IS_CSTR(last_value("agent_response", "cache_read_tokens"), "");
	IS_CSTR(last_value("agent_session", "prompts"), "1");
	IS_CSTR(last_value("agent_session", "input_tokens"), "100");
	IS_CSTR(last_value("agent_session", "cache_read_tokens"), "null");
	IS_CSTR(last_value("agent_session", "started_at"), "2026-03-02T09:00:00.000Z");
	IS_CSTR(last_value("agent_session", "ended_at"), "2026-03-02T09:00:05.000Z");
	counts = put(&session, AGENT_WHOLE);
	IS_INT(counts.new_events + counts.updated + counts.duplicate, 0);
	counts = put(&session, AGENT_APPEND);
	IS_INT(counts.new_events + counts.updated + counts.duplicate, 0);
	world_end(&world);
}

static void is_corrected(void)
{
	struct agent_session session;
	struct source_counts counts;
	struct world_events all;

	world_init(&world);
	session = session_of("s1");
	add(&session, AGENT_RESPONSE, "r1", 5);
	put(&session, AGENT_APPEND);
	session.items[0].tokens[AGENT_OUTPUT] = 7;
	counts = put(&session, AGENT_APPEND);
	IS_INT(counts.new_events, 0);
	IS_INT(counts.updated, 2); /* the response and its session */
	all = world_events(&world, "agent_response");
	IS_INT(all.count, 1);
	IS_INT(all.items[0].revision, 1);
	IS_CSTR(last_value("agent_session", "output_tokens"), "7");
	session.items[0].at_ns += SECOND; /* another time is another event */
	put(&session, AGENT_APPEND);
	IS_INT(count_of("agent_response"), 1);
	IS_CSTR(last_value("agent_session", "responses"), "1");
	session.items[0].at_ns -= SECOND; /* and back again */
	put(&session, AGENT_APPEND);
	IS_INT(count_of("agent_response"), 1);
	IS_INT(world_events(&world, "agent_response").items[0].start_ns, T0 + 5 * SECOND);
	world_end(&world);
}

static void what_is_gone_is_withdrawn(void)
{
	struct agent_session session, shorter;

	world_init(&world);
	session = session_of("s1");
	add(&session, AGENT_PROMPT, "p1", 0);
	add(&session, AGENT_PROMPT, "p2", 9)->text = STR("x");
	put(&session, AGENT_WHOLE);
	shorter = session_of("s1");
	add(&shorter, AGENT_PROMPT, "p1", 0);
	put(&shorter, AGENT_APPEND);
	IS_CSTR(last_value("agent_session", "prompts"), "2");
	put(&shorter, AGENT_WHOLE);
	IS_INT(count_of("user_message"), 2);
	IS_CSTR(last_value("user_message", "withdrawn"), "true");
	IS_CSTR(last_value("user_message", "length"), "1");
	IS_CSTR(last_value("agent_session", "prompts"), "1");
	IS_CSTR(last_value("agent_session", "withdrawn"), "1");
	IS_INT(put(&shorter, AGENT_WHOLE).updated, 0);
	put(&session, AGENT_WHOLE);
	IS_CSTR(last_value("user_message", "withdrawn"), "");
	IS_CSTR(last_value("agent_session", "prompts"), "2");
	session.items[1].withdrawn = true; /* as the log itself says it */
	put(&session, AGENT_WHOLE);
	IS_CSTR(last_value("user_message", "withdrawn"), "true");
	IS_CSTR(last_value("agent_session", "prompts"), "1");
	world_end(&world);
}

static void the_stronger_store_holds(void)
{
	struct agent_session weak, strong;
	struct str after;

	world_init(&world);
	weak = session_of("s1");
	weak.strength = 1;
	add(&weak, AGENT_PROMPT, "weak-1", 0);
	add(&weak, AGENT_PROMPT, "weak-2", 10);
	put(&weak, AGENT_WHOLE);
	strong = session_of("s1");
	strong.strength = 2;
	add(&strong, AGENT_PROMPT, "strong-1", 0);
	add(&strong, AGENT_PROMPT, "strong-2", 10);
	put(&strong, AGENT_WHOLE);
	IS_INT(count_of("user_message"), 2);
	IS_CSTR(last_value("agent_session", "prompts"), "2");
	IS_CSTR(last_value("agent_session", "withdrawn"), "0");
	after = arena_str(&kept, world_dump(&world));
	IS_INT(put(&weak, AGENT_WHOLE).new_events, 0);
	OK(str_eq(world_dump(&world), after));
	world_end(&world);
	world_init(&world); /* the other order ends alike */
	put(&strong, AGENT_WHOLE);
	put(&weak, AGENT_WHOLE);
	OK(str_eq(world_dump(&world), after));
	world_end(&world);
}

static void times(void)
{
	struct agent_session session;
	struct world_events all;

	world_init(&world);
	session = session_of("s1");
	agent_item(&session, AGENT_PROMPT, STR("p1"), AGENT_NO_TIME);
	add(&session, AGENT_RESPONSE, "r1", 60);
	agent_item(&session, AGENT_PROMPT, STR("p2"), AGENT_NO_TIME);
	agent_item(&session, AGENT_ERROR, STR("e1"), 0)->error = STR("rate_limit");
	put(&session, AGENT_WHOLE);
	all = world_events(&world, "user_message");
	IS_INT(all.count, 2);
	IS_INT(all.items[0].start_ns, T0 + 60 * SECOND);
	IS_CSTR(world_value(&world, &all.items[0], "estimated_time"), "true");
	IS_CSTR(last_value("agent_response", "estimated_time"), "");
	IS_CSTR(last_value("agent_error", "implausible_time"), "true");
	IS_CSTR(last_value("agent_session", "started_at"), "2026-03-02T09:01:00.000Z");
	session.items[0].at_ns = T0; /* now it is known */
	put(&session, AGENT_WHOLE);
	all = world_events(&world, "user_message");
	IS_INT(all.count, 2);
	IS_INT(all.items[0].start_ns, T0);
	IS_CSTR(world_value(&world, &all.items[0], "estimated_time"), "");
	world_end(&world);

	world_init(&world); /* by the file alone, and it stays when the file grows */
	session = session_of("s2");
	session.fallback_ns = T0;
	agent_item(&session, AGENT_PROMPT, STR("p1"), AGENT_NO_TIME);
	put(&session, AGENT_WHOLE);
	session.fallback_ns = T0 + 500 * SECOND;
	agent_item(&session, AGENT_PROMPT, STR("p2"), AGENT_NO_TIME);
	IS_INT(put(&session, AGENT_WHOLE).new_events, 1);
	all = world_events(&world, "user_message");
	IS_INT(all.items[0].start_ns, T0);
	IS_INT(all.items[1].start_ns, T0 + 500 * SECOND);
	session = session_of("s3"); /* nothing tells */
	agent_item(&session, AGENT_PROMPT, STR("p1"), AGENT_NO_TIME);
	IS_INT(put(&session, AGENT_WHOLE).quarantined, 1);
	world_end(&world);
}

/* A clock that was never set: kept as it is and marked, and there is a session of it; the first
 * good time moves that. */
static void impossible_times(void)
{
	struct agent_session session;
	struct world_events all;

	world_init(&world);
	session = session_of("s1");
	agent_item(&session, AGENT_PROMPT, STR("p1"), 7 * SECOND);
	agent_item(&session, AGENT_RESPONSE, STR("r1"), 0);
	agent_item(&session, AGENT_RESPONSE, STR("r2"), INT64_C(4102444800) * SECOND);
	IS_INT(put(&session, AGENT_WHOLE).new_events, 4);
	IS_INT(put(&session, AGENT_WHOLE).updated, 0);
	all = world_events(&world, "agent_session");
	IS_INT(all.count, 1);
	IS_INT(all.items[0].start_ns, 0);
	IS_CSTR(last_value("agent_session", "implausible_time"), "true");
	IS_CSTR(last_value("agent_session", "prompts"), "1");
	IS_CSTR(last_value("agent_session", "started_at"), "");
	IS_CSTR(last_value("user_message", "implausible_time"), "true");
	add(&session, AGENT_PROMPT, "p2", 3);
	IS_INT(put(&session, AGENT_WHOLE).new_events, 2);
	all = world_events(&world, "agent_session");
	IS_INT(all.count, 1);
	IS_INT(all.items[0].start_ns, T0 + 3 * SECOND);
	IS_CSTR(last_value("agent_session", "implausible_time"), "");
	IS_CSTR(last_value("agent_session", "prompts"), "2");
	session = session_of("s2"); /* nothing but when it began */
	session.even_empty = true;
	session.started_ns = SECOND;
	IS_INT(put(&session, AGENT_APPEND).new_events, 1);
	IS_INT(put(&session, AGENT_WHOLE).new_events, 0);
	world_end(&world);
}

static void what_nobody_reads(void)
{
	struct agent_session session;
	struct source_counts counts;

	world_init(&world);
	session = session_of("s1");
	add(&session, AGENT_PROMPT, "p1", 0);
	agent_session_bad(&session, session.path, 77, "not_json", "no value", STR("{broken"));
	session.unknown = 2;
	counts = put(&session, AGENT_WHOLE);
	IS_INT(counts.quarantined, 1);
	IS_CSTR(last_value("agent_session", "malformed"), "1");
	IS_CSTR(last_value("agent_session", "unknown_records"), "2");
	counts = put(&session, AGENT_WHOLE);
	IS_INT(counts.quarantined, 0);
	IS_CSTR(last_value("agent_session", "unknown_records"), "2");
	put(&session, AGENT_APPEND);
	IS_CSTR(last_value("agent_session", "unknown_records"), "4");
	session.from_start = true;
	put(&session, AGENT_APPEND);
	IS_CSTR(last_value("agent_session", "unknown_records"), "2");
	agent_session_bad(&session, session.path, 99, "not_json", "no value", STR("{broken"));
	IS_INT(put(&session, AGENT_WHOLE).quarantined, 0); /* the same bytes are one entry there */
	IS_CSTR(last_value("agent_session", "malformed"), "2");
	IS_INT(put(&session, AGENT_WHOLE).updated, 0);
	session.bad_count = 0; /* the line was completed */
	put(&session, AGENT_WHOLE);
	IS_CSTR(last_value("agent_session", "malformed"), "0");
	world_end(&world);
}

static void marks(void)
{
	struct agent_session session;

	world_init(&world);
	session = session_of("s1");
	add(&session, AGENT_PROMPT, "p1", 0)->command = true;
	add(&session, AGENT_PROMPT, "p2", 1)->cancelled = true;
	add(&session, AGENT_FILE_EDIT, "f1", 1)->edits = 3;
	session.parent = STR("s0");
	put(&session, AGENT_WHOLE);
	IS_CSTR(last_value("agent_session", "prompts"), "1");
	IS_CSTR(last_value("agent_session", "commands"), "1");
	IS_CSTR(last_value("agent_session", "cancelled"), "1");
	IS_CSTR(last_value("agent_session", "session_type"), "subagent");
	IS_CSTR(last_value("agent_session", "parent_session_id"), "s0");
	IS_CSTR(last_value("user_message", "cancelled"), "true");
	IS_CSTR(last_value("agent_file_edit", "edits"), "3");
	world_end(&world);
}

static void use_rules(const struct workspace_rules *rules)
{
	struct workspace_policy *policy;

	OK(workspace_policy(&policy, &world.arena, rules, "/home/ana", &world.err) == 0);
	world.context.policy = policy;
}

static void excluded_workspaces(void)
{
	struct workspace_rules rules = { .exclude =
						 (const char *const[]){ "~/personal/**", NULL } };
	struct agent_session session;
	struct agent_item *item;

	world_init(&world);
	use_rules(&rules);
	session = session_of("s1");
	session.cwd = STR("/home/ana/personal/diary");
	add(&session, AGENT_PROMPT, "p1", 0);
	agent_session_bad(&session, session.path, 7, "not_json", "", STR("{private"));
	IS_INT(put(&session, AGENT_WHOLE).quarantined, 0);
	IS_INT(count_of(""), 0);
	session = session_of("s2");
	add(&session, AGENT_PROMPT, "p1", 0);
	item = add(&session, AGENT_PROMPT, "p2", 1);
	item->cwd = STR("/home/ana/work/../personal");
	put(&session, AGENT_WHOLE);
	IS_INT(count_of("user_message"), 1);
	world.context.policy = NULL; /* allowed again: the rest comes in */
	IS_INT(put(&session, AGENT_WHOLE).new_events, 1);
	use_rules(&rules); /* forbidden again: what is there stays */
	put(&session, AGENT_WHOLE);
	IS_CSTR(last_value("user_message", "withdrawn"), "");
	IS_INT(count_of("user_message"), 2);
	world_end(&world);
}

/* What was given before anything told the workspace should never have been. */
static void excluded_when_it_is_known(void)
{
	const struct workspace_rules rules = { .exclude = (const char *const[]){
						       "~/personal/**", NULL } };
	struct agent_session session;
	struct str before;

	world_init(&world);
	use_rules(&rules);
	session = session_of("s1");
	session.cwd = STR("");
	add(&session, AGENT_PROMPT, "p1", 0);
	add(&session, AGENT_RESPONSE, "r1", 1)->tokens[AGENT_INPUT] = 5;
	put(&session, AGENT_WHOLE);
	IS_INT(count_of(""), 3);
	before = arena_str(&kept, world_dump(&world));
	session.cwd = STR("/home/ana/personal/diary");
	IS_INT(put(&session, AGENT_APPEND).updated, 3);
	IS_INT(count_of(""), 0);
	IS_INT(put(&session, AGENT_WHOLE).updated, 0);
	session.cwd = STR(""); /* not known again, or allowed again: it is given again */
	put(&session, AGENT_WHOLE);
	OK(str_eq(world_dump(&world), before));
	world.context.policy = NULL;
	session.cwd = STR("/home/ana/personal/diary");
	put(&session, AGENT_WHOLE);
	use_rules(&rules); /* from before the rule: it stays */
	IS_INT(put(&session, AGENT_WHOLE).updated, 0);
	IS_INT(count_of(""), 3);
	world_end(&world);
}

static void texts(void)
{
	struct workspace_rules rules = {
		.text = { [TEXT_FULL] = (const char *const[]){ "~/work/**", NULL },
			[TEXT_NONE] = (const char *const[]){ "~/work/secret", NULL } }
	};
	static const struct {
		const char *cwd;
		enum collect_text text;
		const char *want;
	} cases[] = {
		{ "/home/ana/work/shop", TEXT_NONE, "one\ntwo" },
		{ "/home/ana/work/secret", TEXT_FULL, "" },
		{ "/home/ana/other", TEXT_NONE, "" },
		{ "/home/ana/other", TEXT_SUMMARY, "one" },
		{ "/home/ana/other", TEXT_FULL, "one\ntwo" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct source_settings settings = { .source = "codex", .text = cases[i].text };
		struct agent_session session;

		world_init(&world);
		use_rules(&rules);
		world.context.settings = &settings;
		world.context.settings_count = 1;
		session = session_of("s1");
		session.cwd = str_from(cases[i].cwd);
		add(&session, AGENT_PROMPT, "p1", 0)->text = STR("one\ntwo");
		put(&session, AGENT_WHOLE);
		IS_CSTR(last_value("user_message", "text"), cases[i].want);
		world_end(&world);
	}
}

/* A link does not lead around a rule. */
static void links(void)
{
	struct workspace_rules rules = { 0 };
	const char *pattern;

	world_init(&world);
	world_write(&world, "data/private/file", STR("x"));
	IS_INT(symlink(world_path(&world, "data/private"), world_path(&world, "link")), 0);
	pattern = world_path(&world, "data/private/**");
	rules.exclude = (const char *const[]){ pattern, NULL };
	use_rules(&rules);
	OK(collect_excluded(&world.context, str_from(world_path(&world, "link"))));
	OK(collect_excluded(&world.context, str_from(world_path(&world, "data/private"))));
	OK(!collect_excluded(&world.context, str_from(world_path(&world, "data"))));
	OK(!collect_excluded(&world.context, STR("")));
	rules.exclude = (const char *const[]){ "[a", NULL };
	IS_INT(workspace_policy(&(struct workspace_policy *){ NULL }, &world.arena, &rules,
		       "/home/ana", &world.err),
		ERR_USAGE);
	OK(strstr(world.err.message, "[a") != NULL);
	world_end(&world);
}

/* Keys of any bytes and of any length make ids. */
static void foreign_keys(void)
{
	struct agent_session session;
	char key[5000];

	world_init(&world);
	session = session_of("bad\nid");
	memset(key, 'k', sizeof(key));
	agent_item(&session, AGENT_PROMPT, (struct str){ key, sizeof(key) }, T0);
	agent_item(&session, AGENT_PROMPT, (struct str){ "\xe9\0:", 3 }, T0);
	IS_INT(put(&session, AGENT_WHOLE).new_events, 3);
	IS_INT(put(&session, AGENT_WHOLE).updated, 0);
	world_end(&world);
}

/* More items than a chunk holds, given in pieces of several sizes, whole and again: each once. */
static void many_items(void)
{
	enum { ITEMS = 1500 };
	struct agent_session whole;
	static const size_t sizes[] = { 1, 255, 2, 400, 256, 7 };
	size_t given = 0;

	world_init(&world);
	whole = session_of("s1");
	for (int i = 0; i < ITEMS; i++) {
		struct str key = arena_printf(&world.arena, "key-%d", i);

		agent_item(&whole, i % 3 ? AGENT_TOOL_USE : AGENT_RESPONSE, key, T0 + i * SECOND)
			->tokens[AGENT_OUTPUT] = i % 3 ? -1 : 2;
	}
	while (given < ITEMS) {
		struct agent_session piece = session_of("s1");
		size_t count = sizes[given % ARRAY_LEN(sizes)];

		piece.items = whole.items + given;
		piece.count = given + count > ITEMS ? ITEMS - given : count;
		IS_INT(put(&piece, AGENT_APPEND).new_events, (int)piece.count + (given == 0));
		given += piece.count;
	}
	IS_INT(put(&whole, AGENT_WHOLE).new_events, 0);
	IS_CSTR(last_value("agent_session", "responses"), "500");
	IS_CSTR(last_value("agent_session", "tool_calls"), "1000");
	IS_CSTR(last_value("agent_session", "output_tokens"), "1000");
	world_end(&world);
}

static void entries(void)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct ledger_entry entry = { .kind = LEDGER_BAD,
		.flags = 0x3f,
		.key = STR("key"),
		.at_ns = INT64_MIN,
		.content = UINT64_MAX,
		.revision = INT64_MAX,
		.tokens = { -1, INT64_MAX, 0, -1, 1 } };
	struct ledger_entry back;
	struct str rest;

	ledger_entry_write(&entry, &text);
	rest = buf_str(&text);
	OK(ledger_entry_read(&rest, &back));
	IS_INT(rest.len, 0);
	OK(back.kind == entry.kind && back.flags == entry.flags && str_eq(back.key, entry.key) &&
		back.at_ns == entry.at_ns && back.content == entry.content &&
		back.revision == entry.revision &&
		memcmp(back.tokens, entry.tokens, sizeof(back.tokens)) == 0);
	for (size_t len = 0; len < text.len; len++) {
		rest = str_sub(buf_str(&text), 0, len);
		OK(!ledger_entry_read(&rest, &back));
	}
}

static void tools(void)
{
	static const struct {
		const char *tool;
		const char *class;
	} cases[] = {
		{ "Read", "read" },
		{ "copilot_readFile", "read" },
		{ "apply_patch", "edit" },
		{ "Write", "write" },
		{ "Bash", "command" },
		{ "run_in_terminal", "command" },
		{ "Grep", "search" },
		{ "WebFetch", "web" },
		{ "Task", "delegate" },
		{ "mcp__github__search", "mcp" },
		{ "server__tool", "mcp" },
		{ "TodoWrite", "other" },
		{ "", "other" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		IS_CSTR(agent_tool_class(str_from(cases[i].tool)), cases[i].class);
}

static const struct tap_case cases[] = {
	TAP_CASE(given_once),
	TAP_CASE(is_corrected),
	TAP_CASE(what_is_gone_is_withdrawn),
	TAP_CASE(the_stronger_store_holds),
	TAP_CASE(times),
	TAP_CASE(impossible_times),
	TAP_CASE(what_nobody_reads),
	TAP_CASE(marks),
	TAP_CASE(excluded_workspaces),
	TAP_CASE(excluded_when_it_is_known),
	TAP_CASE(texts),
	TAP_CASE(links),
	TAP_CASE(foreign_keys),
	TAP_CASE(many_items),
	TAP_CASE(entries),
	TAP_CASE(tools),
};

TAP_MAIN(cases)
