/* Aider's histories, parsed: lines of all kinds, fences, what is not complete, identities, and the
 * times that the history of inputs gives. */
#include "collect/aider/aider.h"
#include "tap.h"

#define HEADER "\n# aider chat started at 2026-03-10 09:00:00\n\n"

static const struct aider_file history = {
	.path = "/x/h.md", .workspace = STR_INIT("/x"), .name = STR_INIT("/x")
};
static const struct aider_file elsewhere = {
	.path = "/z/h.md", .workspace = STR_INIT("/z"), .name = STR_INIT("/x")
};
static const struct aider_file other_history = {
	.path = "/y/h.md", .workspace = STR_INIT("/y"), .name = STR_INIT("/y")
};

/* What TEXT holds, in short: `[` a session, P prompt, C command, R response, U usage, E edit, F
 * file read, X failure. */
static void check_log(const char *text, const char *want)
{
	static const char letters[AGENT_KINDS] = { [AGENT_PROMPT] = 'P',
		[AGENT_RESPONSE] = 'R',
		[AGENT_TOOL_USE] = 'T',
		[AGENT_TOOL_ERROR] = 't',
		[AGENT_ERROR] = 'X',
		[AGENT_USAGE] = 'U',
		[AGENT_FILE_READ] = 'F',
		[AGENT_FILE_EDIT] = 'E' };
	CLEANUP(arena_release) struct arena arena = { 0 };
	CLEANUP(buf_release) struct buf shown = BUF_INIT;
	struct aider_log log = aider_parse(&arena, str_from(text), &history);

	for (size_t i = 0; i < log.count; i++) {
		const struct agent_session *session = &log.chats[i].session;

		if (log.chats[i].headed)
			buf_byte(&shown, '[');
		for (size_t j = 0; j < session->count; j++)
			buf_byte(&shown,
				session->items[j].command ? 'C' : letters[session->items[j].kind]);
	}
	if (!IS_STR(buf_str(&shown), want))
		printf("# %s\n", text);
}

static void lines_of_all_kinds(void)
{
	check_log("", "");
	check_log(HEADER, "[");
	check_log(HEADER "no prompt yet\n", "[");
	check_log(HEADER "#### a\n\ntext\n\n> a quotation\n\ntext\n", "[PR");
	check_log(HEADER "#### a\n\n> x\n\ntext\n", "[PR");
	check_log(HEADER "#### a\n\ntext\n> Added b.py to the chat\ntext\n", "[PRF");
	check_log(HEADER "#### a\ntext\n> Tokens: 1 sent, 2 received.\n> Lint.\ntext\n", "[PRUR");
	check_log(HEADER "> Tokens: 1 sent, 2 received.\ntext\n#### <blank>\ntext\n", "[U");
	check_log(HEADER "#### <\n\n#### <bla\n", "[PP");
	check_log(HEADER "#### a\ntext\n#### b\n", "[PRP");
	check_log(HEADER "####\n#### a\n####   \n#### b\n", "[P");
	check_log(HEADER "#### <blank>  \n\n", "[");
	check_log(HEADER "#### /add x\n\n#### !ls\n\n#### //\n", "[CCC");
	check_log(HEADER "####a\n#####  b\n>c\n", "[");
	check_log(HEADER "#### a\n>c\n", "[PR");
	check_log(HEADER "#### a\n> Added b.py to the chat.\n> Added to nothing\n", "[PF");
	check_log(HEADER "#### a\n> litellm.RateLimitError: slow\n> litellm.x y\n", "[PX");
	check_log(HEADER "> Tokens: 1 sent, 2 received.\n> Applied edit to a b.py\n", "[UE");
	check_log("# aider chat started at 2026-13-10 09:00:00\n#### a\n", "P");
	check_log("# aider chat started at 2026-03-10 25:00:00\n#### a\n", "P");
	check_log(
		"\xef\xbb\xbf# aider chat started at 2026-03-10 09:00:00\r\n\r\n#### a\r\n", "[P");
	check_log("#### before\n" HEADER "#### a\n" HEADER "#### a\n", "P[P[P");
}

static void fences(void)
{
	check_log(HEADER "#### a\n```\n#### x\n> y\n```\n#### b\n", "[PRP");
	check_log(HEADER "#### a\n~~~~py\n~~~\n```\n#### x\n~~~~  \n#### b\n", "[PRP");
	check_log(HEADER "#### a\n```\n``` no\n#### x\n````\n#### b\n", "[PRP");
	check_log(HEADER "#### a\n``` `` `\n#### b\n", "[PRP");
	check_log(HEADER "#### a\n    ```\n#### b\n", "[PRP");
	check_log(HEADER "#### a\n```\n# aider chat started at 2020-01-01 00:00:00\n```\n#### b\n",
		"[PRP");
	check_log(HEADER
		"#### a\n```\n\n# aider chat started at 2020-01-01 00:00:00\n\nx\n```\n#### b\n",
		"[PRP");
	check_log(HEADER "#### a\n```\n> Tokens: 1k sent, 2 received.\n```\n", "[PR");
	check_log(HEADER "#### a\n```\ncut off\n" HEADER "> Aider v1\n\n#### b\n", "[PR[P");
	check_log(HEADER "#### a\n```\ncut off\n\n> Tokens: 1k sent, 2 received.\n\n#### b\n",
		"[PRUP");
}

/* The last line without its end. */
static void what_waits(void)
{
	static const char *const waiting[] = { "#", "###", "####", "> Tokens: 1 sent, 2 received.",
		"# aider chat started at 2026-03-10 09:00:00", "`", "  x", "#### <bla" };
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct aider_log log;

	for (size_t i = 0; i < ARRAY_LEN(waiting); i++) {
		struct str text = arena_printf(&arena, HEADER "#### a\n\n%s", waiting[i]);

		check_log(text.ptr, "[P");
		log = aider_parse(&arena, text, &history);
		IS_INT(log.taken, text.len - strlen(waiting[i]));
	}
	check_log(HEADER "#### a\n\n#### b", "[PP");
	check_log(HEADER "#### a\n\nWell", "[PR");
	check_log(HEADER "#### a\n\n```\n#### b", "[PR");
}

static void numbers(void)
{
	static const struct {
		const char *line;
		int64_t sent, received;
	} table[] = {
		{ "> Tokens: 4.2k sent, 356 received. Cost: $0.02 message, $0.05 session.", 4200,
			356 },
		{ "> Tokens: 12k sent, 1.5M received.  ", 12000, 1500000 },
		{ "> Tokens: 0 sent, 0 received.", 0, 0 },
		{ "> Tokens: 4.25k sent, 1.0k cache hit, 7 received", 4250, 7 },
	};
	static const char *const bad[] = { "> Tokens: x sent, 1 received.", "> Tokens: 1 sent.",
		"> Tokens: 99999999999999999999k sent, 1 received.", "> Tokens: 1 sent, 1 lost.",
		"> Tokens:", "> Tokens: , ,", "> Tokens: -1 sent, 1 received." };
	CLEANUP(arena_release) struct arena arena = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct str text = arena_printf(&arena, HEADER "%s\n", table[i].line);
		struct aider_log log = aider_parse(&arena, text, &history);
		const struct agent_session *session = &log.chats[log.count - 1].session;

		if (!IS_INT(session->count, 1))
			continue;
		IS_INT(session->items[0].tokens[AGENT_INPUT], table[i].sent);
		IS_INT(session->items[0].tokens[AGENT_OUTPUT], table[i].received);
		IS_INT(session->items[0].tokens[AGENT_REASONING], -1);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		check_log(arena_printf(&arena, HEADER "%s\n", bad[i]).ptr, "[");
}

static void identities(void)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct str text = STR(HEADER "#### a\n\n#### b\n" HEADER "#### c\n");
	struct aider_log log = aider_parse(&arena, text, &history);
	struct aider_log other = aider_parse(&arena, text, &other_history);
	struct aider_log same = aider_parse(&arena, text, &elsewhere);

	if (!IS_INT(log.count, 3))
		return;
	OK(str_starts(log.chats[1].session.id, STR("aider-")));
	OK(str_ends(log.chats[1].session.id, STR("-20260310T090000")));
	OK(str_ends(log.chats[2].session.id, STR("-20260310T090000.2")));
	OK(!str_eq(log.chats[1].session.id, other.chats[1].session.id));
	OK(str_eq(log.chats[1].session.id, same.chats[1].session.id));
	OK(!str_eq(log.chats[1].session.items[0].key, log.chats[1].session.items[1].key));
	IS_INT(log.chats[1].end, log.chats[2].begin);
	IS_INT(log.chats[2].end, text.len);
}

static void inputs_are_matched_in_order(void)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	CLEANUP(zone_freep) struct zone *utc = NULL;
	struct aider_log log = aider_parse(
		&arena, STR(HEADER "#### y\n\n#### x\n\nText.\n\n#### y\n\n#### z\n"), &history);
	struct aider_inputs inputs = aider_inputs(&arena,
		STR("\n# 2026-03-10 10:00:00\n+late\n\n# 2026-03-10 08:00:00.000000\n+y\n"
		    "\n# 2026-03-10 09:00:01\n+y  \n\n# 2026-03-10 09:00:02\n+other\n"
		    "# 2026-03-10 09:00:03.25\n+y\nnoise\n# 2026-03-10 09:30:00\n+z\n# 2026-03-10 "
		    "09:00:09\n+torn"));
	const struct agent_item *items = log.chats[1].session.items;
	int64_t start = INT64_C(1773133200) * NS_PER_S;
	struct err err;

	OK(zone_open(&utc, STR("UTC"), &err) == 0);
	IS_INT(inputs.count, 6);
	IS_INT(inputs.items[0].at.second, 8 * 3600);
	aider_set_times(&log.chats[1], &inputs, start + 600 * NS_PER_S, utc);
	IS_INT(log.chats[1].session.started_ns, start);
	IS_INT(items[0].at_ns, start + NS_PER_S);
	OK(!items[0].estimated);
	OK(items[1].estimated && items[2].estimated);
	IS_INT(items[1].at_ns, start + NS_PER_S);
	IS_INT(items[2].at_ns, start + NS_PER_S);
	IS_INT(items[3].at_ns, start + 3250 * NS_PER_MS);
	OK(!items[3].estimated);
	/* Its input is of the next session. */
	OK(items[4].estimated);
	aider_set_times(&log.chats[1], &inputs, INT64_MAX, utc);
	IS_INT(items[4].at_ns, start + 1800 * NS_PER_S);
	OK(!items[4].estimated);
}

static void clocks(void)
{
	static const char *const bad[] = { "", "2026-03-10", "2026-03-10 09:00",
		"2026-02-30 09:00:00", "2026-03-10 24:00:00", "2026-03-10 09:60:00",
		"2026-03-10 09:00:00.", "1890-01-01 00:00:00", "2026-03-10 09:00:00 ",
		"2026-03-10 09:00:00.1x", "2026-03-10 0a:00:00", "2026-03-10_09:00:00" };
	struct aider_clock clock;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		OK(!aider_clock(str_from(bad[i]), &clock));
	OK(aider_clock(STR("1970-01-02 00:00:01.5"), &clock));
	IS_INT(clock.local_ns, INT64_C(86401500) * NS_PER_MS);
	IS_INT(clock.second, 1);
	OK(aider_clock(STR("2026-03-10T09:00:00.123456789123"), &clock));
	IS_INT(clock.local_ns % NS_PER_S, 123456789);
}

static const struct tap_case cases[] = {
	TAP_CASE(lines_of_all_kinds),
	TAP_CASE(fences),
	TAP_CASE(what_waits),
	TAP_CASE(numbers),
	TAP_CASE(identities),
	TAP_CASE(inputs_are_matched_in_order),
	TAP_CASE(clocks),
};
TAP_MAIN(cases)
