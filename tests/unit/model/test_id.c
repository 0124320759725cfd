/* Event ids: their form, what parsing accepts, and that canonical ids survive taking apart and
 * building again. */
#include "base/time.h"
#include "model/id.h"
#include "tap.h"

#define MACHINE "5f0c8a52-91d7-4c0e-8b6a-2d1f7a9be310"

/* 2026-02-03T14:32:01.250Z */
static const int64_t at_ns = INT64_C(1770129121250) * NS_PER_MS;

static void build_has_the_documented_form(void)
{
	struct buf out CLEANUP(buf_release) = BUF_INIT;

	id_build(&out, STR(MACHINE), STR("remote.tmux"), STR("tmux_pane_focus"), at_ns, STR("%3"));
	IS_STR(buf_str(&out), MACHINE ":remote.tmux:tmux_pane_focus:2026-02-03T14:32:01.250Z:%3");
}

static void build_cuts_finer_digits(void)
{
	struct buf out CLEANUP(buf_release) = BUF_INIT;

	id_build(&out, STR(MACHINE), STR("s"), STR("t"), at_ns + 999999, STR("d"));
	IS_STR(buf_str(&out), MACHINE ":s:t:2026-02-03T14:32:01.250Z:d");
	buf_clear(&out);
	id_build(&out, STR(MACHINE), STR("s"), STR("t"), -1, STR("d"));
	IS_STR(buf_str(&out), MACHINE ":s:t:1969-12-31T23:59:59.999Z:d");
}

static void build_lowers_the_machine(void)
{
	struct buf out CLEANUP(buf_release) = BUF_INIT;

	id_build(
		&out, STR("5F0C8A52-91D7-4C0E-8B6A-2D1F7A9BE310"), STR("S"), STR("T"), 0, STR("D"));
	IS_STR(buf_str(&out), MACHINE ":S:T:1970-01-01T00:00:00.000Z:D");
	buf_clear(&out);
	id_add_machine(&out, STR("ABCDEF-g"));
	IS_STR(buf_str(&out), "abcdef-g");
}

static void parse_takes_apart(void)
{
	struct event_id id;

	OK(id_parse(STR(MACHINE ":remote.tmux:tmux_scroll:2026-02-03T14:32:01.250Z:%3"), &id));
	IS_STR(id.machine, MACHINE);
	IS_STR(id.source, "remote.tmux");
	IS_STR(id.type, "tmux_scroll");
	IS_INT(id.at_ms, at_ns / NS_PER_MS);
	IS_STR(id.discriminator, "%3");
	OK(id.canonical);
}

static void parse_keeps_colons_of_the_discriminator(void)
{
	struct event_id id;

	OK(id_parse(
		STR(MACHINE ":a:b:2026-02-03T14:32:01.250Z:x:started::2026-01-01T00:00:00.000Z:"),
		&id));
	IS_STR(id.discriminator, "x:started::2026-01-01T00:00:00.000Z:");
	OK(id.canonical);
	OK(id_parse(STR(MACHINE ":a:b:2026-02-03T14:32:01.250Z:"), &id));
	IS_INT(id.discriminator.len, 0);
	OK(id.canonical);
}

static void parse_understands_other_timestamps(void)
{
	static const char *const forms[] = {
		"2026-02-03T09:32:01.250-05:00",
		"2026-02-03T14:32:01.25Z",
		"2026-02-03T14:32:01.250999Z",
		"2026-02-03t14:32:01.250z",
		"2026-02-03 14:32:01.250Z",
	};

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct buf text CLEANUP(buf_release) = BUF_INIT;
		struct event_id id;

		buf_printf(&text, MACHINE ":a:b:%s:x:y", forms[i]);
		if (!OK(id_parse(buf_str(&text), &id)))
			continue;
		IS_INT(id.at_ms, at_ns / NS_PER_MS);
		IS_STR(id.discriminator, "x:y");
		OK(!id.canonical);
	}
}

static void an_upper_case_machine_is_not_canonical(void)
{
	struct event_id id;

	OK(id_parse(
		STR("5F0C8A52-91D7-4C0E-8B6A-2D1F7A9BE310:a:b:2026-02-03T14:32:01.250Z:x"), &id));
	OK(!id.canonical);
}

static void parse_refuses_what_is_not_an_id(void)
{
	static const char *const bad[] = {
		"",
		"x",
		MACHINE,
		MACHINE ":",
		MACHINE ":a",
		MACHINE ":a:b",
		MACHINE ":a:b:2026-02-03T14:32:01.250Z",
		MACHINE ":a:b:yesterday:x",
		MACHINE ":a:b:2026-02-30T14:32:01.250Z:x",
		MACHINE ":a:b:2026-02-03T14:32:01.250:x",
		MACHINE "::b:2026-02-03T14:32:01.250Z:x",
		MACHINE ":a::2026-02-03T14:32:01.250Z:x",
		"not-a-uuid-but-of-thirty-six-letters:a:b:2026-02-03T14:32:01.250Z:x",
	};
	struct event_id id;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		tap_check(!id_parse(str_from(bad[i]), &id), __FILE__, __LINE__, "accepted: %s",
			bad[i]);
}

/* The rule of old importers: a UUID and a colon, whatever follows; anything else names no machine.
 */
static void machine_is_known_of_any_id(void)
{
	struct event_id id;

	IS_STR(id_machine(STR(MACHINE ":whatever")), MACHINE);
	IS_STR(id_machine(STR(MACHINE ":")), MACHINE);
	IS_INT(id_machine(STR(MACHINE)).len, 0);
	IS_INT(id_machine(STR("not-a-uuid-but-of-thirty-six-letters:x")).len, 0);
	IS_INT(id_machine(STR("abc-session_start")).len, 0);
	OK(!id_parse(STR(MACHINE ":whatever"), &id));
	IS_STR(id.machine, MACHINE);
	IS_INT(id.source.len, 0);
}

static void text_order_is_time_order(void)
{
	struct buf early CLEANUP(buf_release) = BUF_INIT;
	struct buf late CLEANUP(buf_release) = BUF_INIT;

	for (int64_t ns = at_ns; ns < at_ns + 400 * NS_PER_HOUR;
		ns += 7 * NS_PER_HOUR + NS_PER_MS) {
		buf_clear(&early);
		buf_clear(&late);
		id_build(&early, STR(MACHINE), STR("a"), STR("b"), ns, STR("z"));
		id_build(&late, STR(MACHINE), STR("a"), STR("b"), ns + NS_PER_MS, STR("a"));
		OK(str_cmp(buf_str(&early), buf_str(&late)) < 0);
	}
}

static void build_and_parse_are_inverse(void)
{
	static const char *const marks[] = { "", ":", "a:b", "2026-02-03T14:32:01.250Z", "é \n\"" };
	static const int64_t times[] = { INT64_MIN / 2, -1, 0, 1, INT64_MAX / 2, INT64_MAX };

	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		for (size_t j = 0; j < ARRAY_LEN(times); j++) {
			struct buf first CLEANUP(buf_release) = BUF_INIT;
			struct buf second CLEANUP(buf_release) = BUF_INIT;
			struct event_id id;

			id_build(&first, STR(MACHINE), STR("a"), STR("b"), times[j],
				str_from(marks[i]));
			if (!OK(id_parse(buf_str(&first), &id)))
				continue;
			OK(id.canonical);
			IS_INT(id.at_ms * NS_PER_MS, time_floor_ms(times[j]));
			id_build(&second, id.machine, id.source, id.type, id.at_ms * NS_PER_MS,
				id.discriminator);
			OK(str_eq(buf_str(&first), buf_str(&second)));
		}
	}
}

static const struct tap_case cases[] = {
	TAP_CASE(build_has_the_documented_form),
	TAP_CASE(build_cuts_finer_digits),
	TAP_CASE(build_lowers_the_machine),
	TAP_CASE(parse_takes_apart),
	TAP_CASE(parse_keeps_colons_of_the_discriminator),
	TAP_CASE(parse_understands_other_timestamps),
	TAP_CASE(an_upper_case_machine_is_not_canonical),
	TAP_CASE(parse_refuses_what_is_not_an_id),
	TAP_CASE(machine_is_known_of_any_id),
	TAP_CASE(text_order_is_time_order),
	TAP_CASE(build_and_parse_are_inverse),
};

TAP_MAIN(cases)
