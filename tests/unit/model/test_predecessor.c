/* The predecessor's session lines and type names, and that its prompt texts never come along. */
#include "base/mem.h"
#include "model/codec.h"
#include "model/predecessor.h"
#include "tap.h"

#define MACHINE "5f0c8a52-91d7-4c0e-8b6a-2d1f7a9be310"
#define SESSION(counts)                                                                            \
	"{\"type\":\"session_metadata\",\"machine_id\":\"" MACHINE "\",\"session_id\":\"s1\","     \
	"\"source\":\"claude\",\"session_type\":\"user\",\"project_path\":\"/h/p\","               \
	"\"project_name\":\"p\",\"start_time\":\"2026-02-03T09:33:00-05:00\",\"end_time\":null,"   \
	"\"summary\":\"secret plan\",\"user_prompts\":[\"secret one\"],"                           \
	"\"starting_prompt\":\"secret two\"," counts "}"

static void old_type_names(void)
{
	struct str type = { NULL, 0 }, action = { NULL, 0 };

	OK(predecessor_type(STR("session_start"), &type, &action));
	IS_STR(type, "agent_session");
	IS_STR(action, "started");
	OK(predecessor_type(STR("session_end"), &type, &action));
	IS_STR(action, "ended");
	type = STR("kept");
	OK(!predecessor_type(STR("agent_session"), &type, &action));
	OK(!predecessor_type(STR("session_started"), &type, &action));
	IS_STR(type, "kept");
}

static void session_becomes_facts_without_prompts(void)
{
	struct wire_decoder decoder = { 0 };
	struct wire_line line;
	struct event_facts facts;
	struct json_parser parser = { 0 };
	struct err err;
	int rc = wire_decode(&decoder,
		STR(SESSION(
			"\"message_count\":3,\"assistant_message_count\":4,\"tool_call_count\":5")),
		STR(""), &line, &err);

	if (IS_INT(rc, 0)) {
		IS_STR(line.event.id,
			MACHINE ":claude:agent_session:2026-02-03T14:33:00.000Z:s1:metadata");
		IS_STR(line.event.type, "agent_session");
		IS_INT(line.event.revision, 12);
		OK(str_find_str(line.event.data, STR("secret")) < 0);
		OK(str_find_str(line.event.data, STR("\"messages\":3")) >= 0);
		OK(str_find_str(line.event.data, STR("ended_at")) < 0);
		event_facts(&parser, line.event.data, &facts);
		IS_STR(facts.session_id, "s1");
		IS_STR(facts.cwd, "/h/p");
		IS_STR(facts.agent, "claude-code");
		IS_STR(facts.session_type, "user");
		IS_INT(facts.action.len, 0);
	}
	json_parser_release(&parser);
	wire_decoder_release(&decoder);
}

/* Sent again with larger counts it is the same event in a higher revision. */
static void later_facts_have_the_same_id_and_a_higher_revision(void)
{
	struct wire_decoder decoder = { 0 };
	struct wire_line line;
	struct arena arena = { 0 };
	struct err err;
	struct str first;

	IS_INT(wire_decode(&decoder, STR(SESSION("\"message_count\":3")), STR(""), &line, &err), 0);
	IS_INT(line.event.revision, 3);
	first = arena_str(&arena, line.event.id);
	IS_INT(wire_decode(&decoder, STR(SESSION("\"message_count\":7")), STR(""), &line, &err), 0);
	IS_INT(line.event.revision, 7);
	OK(str_eq(first, line.event.id));
	IS_INT(wire_decode(&decoder, STR(SESSION("\"message_count\":-7")), STR(""), &line, &err),
		0);
	IS_INT(line.event.revision, 0);
	arena_release(&arena);
	wire_decoder_release(&decoder);
}

/* Counts from outside must not overflow when they are added. */
static void huge_counts_are_refused_or_capped(void)
{
	struct wire_decoder decoder = { 0 };
	struct wire_line line;
	struct err err;
	int rc = wire_decode(&decoder,
		STR(SESSION("\"message_count\":9223372036854775807,\"tool_call_count\":1")),
		STR(""), &line, &err);

	if (IS_INT(rc, 0))
		OK(line.event.revision > 0);
	wire_decoder_release(&decoder);
}

static void what_a_session_lacks_is_named(void)
{
	static const char *const lines[] = {
		"{\"type\":\"session_metadata\"}",
		"{\"type\":\"session_metadata\",\"session_id\":\"s\"}",
		"{\"type\":\"session_metadata\",\"session_id\":\"s\",\"machine_id\":\"x\"}",
		"{\"type\":\"session_metadata\",\"session_id\":\"s\",\"machine_id\":\"" MACHINE
		"\"}",
		"{\"type\":\"session_metadata\",\"session_id\":\"s\",\"machine_id\":\"" MACHINE
		"\",\"start_time\":\"soon\"}",
		"{\"type\":\"session_metadata\",\"session_id\":7,\"machine_id\":\"" MACHINE
		"\",\"start_time\":\"2026-02-03T09:33:00Z\"}",
	};
	static const char *const names[] = { "session_id", "machine_id", "machine_id", "start_time",
		"start_time", "session_id" };
	struct wire_decoder decoder = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct wire_line line;
		struct err err;

		IS_INT(wire_decode(&decoder, str_from(lines[i]), STR(""), &line, &err), ERR_PARSE);
		IS_CSTR(line.reason, "missing_key");
		OK(strstr(err.message, names[i]) != NULL);
	}
	wire_decoder_release(&decoder);
}

static const struct tap_case cases[] = {
	TAP_CASE(old_type_names),
	TAP_CASE(session_becomes_facts_without_prompts),
	TAP_CASE(later_facts_have_the_same_id_and_a_higher_revision),
	TAP_CASE(huge_counts_are_refused_or_capped),
	TAP_CASE(what_a_session_lacks_is_named),
};

TAP_MAIN(cases)
