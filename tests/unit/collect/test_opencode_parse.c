/* What OpenCode's messages and parts mean: the parser alone. */
#include "base/time.h"
#include "collect/opencode/opencode.h"
#include "tap.h"

struct parsing {
	struct arena arena;
	struct opencode_chat chat;
};

static struct opencode_chat *begin_chat(struct parsing *parsing, const char *parent)
{
	const struct opencode_facts facts = { .id = STR("s"),
		.parent = str_from(parent),
		.directory = STR("/w/"),
		.created_ns = 7 * NS_PER_S };

	*parsing = (struct parsing){ 0 };
	opencode_begin(&parsing->chat, &parsing->arena, &facts, STR("/db"));
	return &parsing->chat;
}

static void end_chat(struct parsing *parsing)
{
	opencode_release(&parsing->chat);
	arena_release(&parsing->arena);
}

#define MS(n) ((n)*NS_PER_MS)

static void kinds_of_parts(void)
{
	static const char *const parts[] = {
		"{\"type\":\"tool\",\"tool\":\"bash\",\"state\":{\"status\":\"completed\",\"metadata\":{\"exit\":0}}}",
		"{\"type\":\"tool\",\"tool\":\"bash\",\"state\":{\"status\":\"completed\",\"metadata\":{\"exit\":127}}}",
		"{\"type\":\"tool\",\"tool\":\"bash\",\"state\":{\"status\":\"running\",\"metadata\":{\"exit\":null},\"time\":{\"start\":1500}}}",
		"{\"type\":\"tool\",\"tool\":\"grep\",\"state\":{\"status\":\"error\",\"input\":{\"path\":\"/w/src\"}}}",
		"{\"type\":\"tool\",\"tool\":\"invalid\",\"state\":{\"status\":\"completed\"}}",
		"{\"type\":\"tool\",\"tool\":\"edit\",\"state\":7}",
		"{\"type\":\"step-finish\",\"tokens\":{\"input\":99}}",
		"{\"type\":\"retry\",\"error\":{\"name\":\"APIError\",\"data\":{}},\"time\":{\"created\":1600}}",
		"{\"type\":\"retry\",\"error\":{\"name\":\"It failed, you see\"}}",
		"{\"type\":\"text\",\"text\":\"one\"}",
		"{\"type\":\"text\",\"text\":\"two\"}",
		"{\"type\":\"text\",\"text\":\"not said\",\"synthetic\":true}",
		"{\"type\":\"reasoning\",\"text\":\"hm\"}",
		"{\"type\":\"quantum\"}",
		"{}",
	};
	static const struct {
		enum agent_kind kind;
		const char *key;
	} want[] = { { AGENT_RESPONSE, "m" }, { AGENT_TOOL_USE, "a" }, { AGENT_TOOL_USE, "b" },
		{ AGENT_TOOL_ERROR, "b" }, { AGENT_TOOL_USE, "c" }, { AGENT_TOOL_USE, "d" },
		{ AGENT_TOOL_ERROR, "d" }, { AGENT_TOOL_USE, "e" }, { AGENT_TOOL_ERROR, "e" },
		{ AGENT_TOOL_USE, "f" }, { AGENT_ERROR, "h" }, { AGENT_ERROR, "i" } };
	struct parsing parsing;
	struct opencode_chat *chat = begin_chat(&parsing, NULL);
	const struct agent_item *items;

	for (size_t i = ARRAY_LEN(parts); i-- > 0;) {
		const char id[] = { (char)('a' + i), '\0' };

		opencode_part(chat, str_from(id), STR("m"),
			i < 2 ? MS(1772982001000) : AGENT_NO_TIME, str_from(parts[i]), STR("/p"));
	}
	opencode_message(chat, STR("m"), MS(1772982000000),
		STR("{\"role\":\"assistant\",\"parentID\":\"u\",\"modelID\":\"x\",\"agent\":\"plan\",\"path\":{\"cwd\":\"/w/sub\"},"
		    "\"tokens\":{\"input\":\"5\",\"output\":0,\"cache\":{\"read\":-3}}}"),
		STR("/m"));
	opencode_end(chat);
	items = chat->session.items;
	if (!IS_INT(chat->session.count, ARRAY_LEN(want)))
		return;
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		IS_INT(items[i].kind, want[i].kind);
		IS_STR(items[i].key, want[i].key);
	}
	IS_STR(items[0].text, "one\ntwo");
	IS_STR(items[0].model, "x");
	IS_STR(items[0].mode, "plan");
	IS_STR(items[0].turn, "u");
	IS_STR(items[0].cwd, "/w/sub");
	IS_INT(items[0].at_ns, MS(1772982000000));
	IS_INT(items[0].tokens[AGENT_INPUT], 5);
	IS_INT(items[0].tokens[AGENT_OUTPUT], 0);
	IS_INT(items[0].tokens[AGENT_CACHE_READ], -1);
	IS_INT(items[1].at_ns, MS(1772982001000));
	IS_STR(items[3].call, "b");
	OK(!items[4].estimated && items[5].estimated);
	IS_INT(items[5].at_ns, MS(1772982000000));
	IS_STR(items[5].file, "/w/src");
	IS_STR(items[10].error, "APIError");
	IS_STR(items[11].error, "unknown");
	IS_INT(chat->session.unknown, 2);
	IS_STR(chat->session.cwd, "/w");
	end_chat(&parsing);
}

static void what_is_a_prompt(void)
{
	static const struct {
		const char *part;
		bool prompt;
		bool file;
	} parts[] = {
		{ "{\"type\":\"text\",\"text\":\"hi\"}", true, false },
		{ "{\"type\":\"text\",\"text\":\"hi\",\"synthetic\":true}", false, false },
		{ "{\"type\":\"text\",\"text\":\" \"}", false, false },
		{ "{\"type\":\"compaction\"}", false, false },
		{ "{\"type\":\"file\",\"mime\":\"image/png\",\"url\":\"data:image/png;base64,AA\"}",
			true, false },
		{ "{\"type\":\"file\",\"mime\":\"text/plain\",\"url\":\"file:///w/a%20b.c?start=1\"}",
			false, true },
		{ "{\"type\":\"file\",\"mime\":\"text/plain\",\"source\":{\"path\":\"/w/a b.c\"}}",
			false, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		struct parsing parsing;
		struct opencode_chat *chat = begin_chat(&parsing, NULL);

		opencode_message(chat, STR("u"), AGENT_NO_TIME,
			STR("{\"role\":\"user\",\"time\":{\"created\":1772982000000},\"model\":{\"modelID\":\"x\"}}"),
			STR("/m"));
		opencode_part(chat, STR("p"), (struct str){ NULL, 0 }, AGENT_NO_TIME,
			arena_printf(&parsing.arena, "%.*s,\"messageID\":\"u\"}",
				(int)strlen(parts[i].part) - 1, parts[i].part),
			STR("/p"));
		opencode_end(chat);
		IS_INT(chat->session.count, parts[i].prompt + parts[i].file);
		IS_INT(agent_find(&chat->session, AGENT_PROMPT, STR("u")) != NULL, parts[i].prompt);
		if (parts[i].file && chat->session.count == 1)
			IS_STR(chat->session.items[0].file, "/w/a b.c");
		end_chat(&parsing);
		/* Nobody types in a child session. */
		chat = begin_chat(&parsing, "parent");
		opencode_message(
			chat, STR("u"), AGENT_NO_TIME, STR("{\"role\":\"user\"}"), STR("/m"));
		opencode_part(chat, STR("p"), STR("u"), AGENT_NO_TIME, str_from(parts[i].part),
			STR("/p"));
		opencode_end(chat);
		OK(agent_find(&chat->session, AGENT_PROMPT, STR("u")) == NULL);
		end_chat(&parsing);
	}
}

static void answers_and_errors(void)
{
	struct parsing parsing;
	struct opencode_chat *chat = begin_chat(&parsing, NULL);
	const struct agent_item *items;

	/* Being written: its zeros say nothing. */
	opencode_message(chat, STR("m1"), MS(1772982001000),
		STR("{\"role\":\"assistant\",\"tokens\":{\"input\":0,\"output\":0}}"), STR("/m"));
	opencode_message(chat, STR("m2"), MS(1772982002000),
		STR("{\"role\":\"assistant\",\"time\":{\"completed\":1772982009000},\"tokens\":{\"input\":0,\"output\":0}}"),
		STR("/m"));
	opencode_message(chat, STR("m3"), MS(1772982003000),
		STR("{\"role\":\"assistant\",\"error\":{\"name\":\"MessageAbortedError\"},\"tokens\":{\"input\":8,\"output\":0}}"),
		STR("/m"));
	opencode_message(chat, STR("m4"), MS(1772982004000),
		STR("{\"role\":\"assistant\",\"error\":null}"), STR("/m"));
	opencode_message(
		chat, STR("m5"), MS(1772982005000), STR("{\"role\":\"oracle\"}"), STR("/m"));
	opencode_message(chat, STR("m6"), MS(1772982006000), STR("[]"), STR("/m"));
	opencode_message(chat, STR("m7"), MS(1772982006000), STR(""), STR("/m"));
	opencode_end(chat);
	items = chat->session.items;
	if (!IS_INT(chat->session.count, 5))
		return;
	IS_INT(items[0].tokens[AGENT_INPUT], -1);
	IS_INT(items[1].tokens[AGENT_INPUT], 0);
	IS_INT(items[2].kind, AGENT_ERROR);
	IS_STR(items[2].error, "MessageAbortedError");
	OK(items[2].cancelled);
	IS_INT(items[3].kind, AGENT_USAGE);
	IS_INT(items[3].tokens[AGENT_INPUT], 8);
	IS_INT(items[4].kind, AGENT_RESPONSE);
	IS_INT(chat->session.unknown, 1);
	IS_INT(chat->session.malformed, 2);
	IS_INT(chat->session.ended_ns, MS(1772982009000));
	IS_INT(chat->session.fallback_ns, 7 * NS_PER_S);
	end_chat(&parsing);
}

static const struct tap_case cases[] = {
	TAP_CASE(kinds_of_parts),
	TAP_CASE(what_is_a_prompt),
	TAP_CASE(answers_and_errors),
};
TAP_MAIN(cases)
