/* What the intake refuses, and what it keeps of it. */
#include "store_fixture.h"

#include "model/codec.h"
#include "model/limits.h"

static const char *refuse(struct store *store, struct fixture *f, struct event event)
{
	struct intake *intake = begin(store);
	const char *reason;
	struct err err;

	IS_INT(take(intake, event), INTAKE_QUARANTINED);
	IS_INT(intake_counts(intake)->quarantined, 1);
	IS_INT(intake_counts(intake)->reasons[0].count, 1);
	IS_INT(intake_counts(intake)->reasons[1].count, 0);
	reason = arena_cstr(&f->arena, str_from(intake_counts(intake)->reasons[0].reason));
	GOOD(intake_commit(intake, &err));
	intake_free(intake);
	return reason;
}

static struct str letters(struct fixture *f, size_t count)
{
	char *text = arena_alloc(&f->arena, count);

	memset(text, 'x', count);
	return (struct str){ text, count };
}

static void refuses_names(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct event good = event_make(&f.arena, "note", T0, "n", "{}"), event;

	event = good;
	event.id = STR("");
	IS_CSTR(refuse(store, &f, event), "missing_id");
	event.id = letters(&f, LIMIT_ID_BYTES + 1);
	IS_CSTR(refuse(store, &f, event), "bad_id");
	event.id = STR("a\xff");
	IS_CSTR(refuse(store, &f, event), "bad_id");
	event.id = (struct str){ "a\0b", 3 };
	IS_CSTR(refuse(store, &f, event), "bad_id");
	event.id = letters(&f, LIMIT_ID_BYTES);
	IS_INT(fixture_take(store, &event), INTAKE_NEW);
	event = good;
	event.source = STR("");
	IS_CSTR(refuse(store, &f, event), "missing_source");
	event.source = STR("a:b");
	IS_CSTR(refuse(store, &f, event), "bad_source");
	event.source = STR("a\xff");
	IS_CSTR(refuse(store, &f, event), "bad_source");
	event.source = letters(&f, LIMIT_NAME_BYTES + 1);
	IS_CSTR(refuse(store, &f, event), "bad_source");
	event.source = letters(&f, LIMIT_NAME_BYTES);
	IS_INT(fixture_take(store, &event), INTAKE_NEW);
	event = good;
	event.type = STR("");
	IS_CSTR(refuse(store, &f, event), "missing_type");
	event.type = STR("a\nb");
	IS_CSTR(refuse(store, &f, event), "bad_type");
	close_all(&f, store);
}

static void refuses_numbers(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct event good = event_make(&f.arena, "note", T0, "n", "{}"), event;

	event = good;
	event.duration_ns = -1;
	IS_CSTR(refuse(store, &f, event), "bad_duration");
	event.duration_ns = INT64_MAX - T0 + 1;
	IS_CSTR(refuse(store, &f, event), "bad_duration");
	event.duration_ns = INT64_MAX - T0;
	IS_INT(fixture_take(store, &event), INTAKE_NEW);
	event = good;
	event.revision = -1;
	IS_CSTR(refuse(store, &f, event), "bad_revision");
	event.revision = INT64_MAX;
	IS_CSTR(refuse(store, &f, event), "bad_revision");
	event = good;
	event.start_ns = INT64_MIN;
	IS_CSTR(refuse(store, &f, event), "bad_timestamp");
	event.start_ns = INT64_MAX;
	IS_CSTR(refuse(store, &f, event), "bad_timestamp");
	event.start_ns = INT64_MIN + NS_PER_S;
	event.id = STR("the beginning");
	IS_INT(fixture_take(store, &event), INTAKE_NEW);
	close_all(&f, store);
}

static void refuses_data(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct event event = event_make(&f.arena, "note", T0, "n", "");
	CLEANUP(buf_release) struct buf large = BUF_INIT;

	IS_CSTR(refuse(store, &f, event), "not_json");
	event.data = STR("[1]");
	IS_CSTR(refuse(store, &f, event), "not_object");
	event.data = STR("{\"a\":\"\xff\"}");
	IS_CSTR(refuse(store, &f, event), "not_json");
	for (int i = 0; i <= JSON_MAX_DEPTH; i++)
		buf_addc(&large, "{\"a\":");
	event.data = buf_str(&large);
	IS_CSTR(refuse(store, &f, event), "too_deep");
	buf_clear(&large);
	buf_addc(&large, "{\"a\":\"");
	buf_add(&large, letters(&f, LIMIT_EVENT_BYTES - 8));
	buf_addc(&large, "\"}");
	event.data = buf_str(&large);
	IS_INT(event.data.len, LIMIT_EVENT_BYTES);
	IS_INT(fixture_take(store, &event), INTAKE_NEW);
	buf_byte(&large, ' ');
	event.data = buf_str(&large);
	IS_CSTR(refuse(store, &f, event), "too_long");
	event = event_make(&f.arena, "tmux_scroll", T0, "%1", "{\"cwd\":\"/\"}");
	IS_CSTR(refuse(store, &f, event), "missing_key");
	close_all(&f, store);
}

static void take_alone(struct store *store, struct event event)
{
	CLEANUP(intake_freep) struct intake *intake = begin(store);
	struct err err;

	take(intake, event);
	GOOD(intake_commit(intake, &err));
}

static void keeps_what_it_refuses(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct event event = event_make(&f.arena, "note", T0, "n", "[]");
	struct quarantine_entry *entries, origin = fixture_origin;
	struct intake *intake = begin(store);
	enum intake_result result;
	size_t count;
	int64_t dropped;
	struct err err;

	take(intake, event);
	take(intake, event); /* the same again is one entry, counted twice */
	origin.bytes = STR("raw \0 bytes");
	origin.bytes_total = 4000;
	GOOD(intake_event(intake, &event, &origin, &result, &err));
	IS_INT(intake_counts(intake)->quarantined, 3);
	GOOD(intake_commit(intake, &err));
	intake_free(intake);
	GOOD(store_quarantine(store, &f.arena, &entries, &count, &err));
	if (!IS_INT(count, 2))
		return;
	IS_STR(entries[0].source, "test");
	IS_STR(entries[0].path, "/log");
	IS_STR(entries[0].reason, "not_object");
	IS_INT(entries[0].offset, 7);
	OK(entries[0].detail.len > 0 && entries[0].at_ns > 0);
	OK(str_find_str(entries[0].bytes, event.id) >= 0 && !str_ends(entries[0].bytes, STR("\n")));
	IS_INT(entries[0].bytes_total, entries[0].bytes.len);
	OK(str_eq(entries[1].bytes, STR("raw \0 bytes")));
	IS_INT(entries[1].bytes_total, 4000);
	FAILS(store_quarantine_drop(store, 99, &dropped, &err), ERR_NOT_FOUND);
	GOOD(store_quarantine_drop(store, entries[0].entry_no, &dropped, &err));
	IS_INT(dropped, 1);
	GOOD(store_quarantine_drop(store, 0, &dropped, &err));
	IS_INT(dropped, 1);
	GOOD(store_quarantine_drop(store, 0, &dropped, &err));
	IS_INT(dropped, 0);
	close_all(&f, store);
}

/* People name entries by number: one that was dropped is not another's later. */
static void numbers_are_given_once(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct quarantine_entry *entries;
	size_t count;
	int64_t last, dropped;
	struct err err;

	take_alone(store, event_make(&f.arena, "note", T0, "n", "[]"));
	take_alone(store, event_make(&f.arena, "note", T0, "m", "[]"));
	take_alone(store, event_make(&f.arena, "note", T0, "m", "[]"));
	GOOD(store_quarantine(store, &f.arena, &entries, &count, &err));
	IS_INT(count, 2);
	last = entries[1].entry_no;
	IS_INT(last, entries[0].entry_no + 1);
	GOOD(store_quarantine_drop(store, last, &dropped, &err));
	take_alone(store, event_make(&f.arena, "note", T0, "m", "[]"));
	GOOD(store_quarantine(store, &f.arena, &entries, &count, &err));
	IS_INT(count, 2);
	IS_INT(entries[1].entry_no, last + 1);
	GOOD(store_quarantine_drop(store, 0, &dropped, &err));
	store_close(store);
	store = fixture_open(&f);
	take_alone(store, event_make(&f.arena, "note", T0, "o", "[]"));
	GOOD(store_quarantine(store, &f.arena, &entries, &count, &err));
	IS_INT(count, 1);
	IS_INT(entries[0].entry_no, last + 2);
	close_all(&f, store);
}

static void quarantine_is_cut(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct quarantine_entry entry = fixture_origin, *entries;
	struct intake *intake = begin(store);
	size_t count;
	struct err err;

	entry.reason = STR("too_long");
	entry.bytes = letters(&f, LIMIT_QUARANTINE_BYTES + 5);
	GOOD(intake_quarantine(intake, &entry, &err));
	IS_INT(intake_pending(intake), 1);
	GOOD(intake_commit(intake, &err));
	intake_free(intake);
	GOOD(store_quarantine(store, &f.arena, &entries, &count, &err));
	IS_INT(count, 1);
	IS_INT(entries[0].bytes.len, LIMIT_QUARANTINE_BYTES);
	IS_INT(entries[0].bytes_total, LIMIT_QUARANTINE_BYTES + 5);
	close_all(&f, store);
}

static void many_reasons(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct quarantine_entry entry = fixture_origin;
	struct intake *intake = begin(store);
	const struct intake_counts *counts = intake_counts(intake);
	char word[32];
	struct err err;

	for (int i = 0; i < 50; i++) {
		snprintf(word, sizeof(word), "reason_%d", i);
		entry.reason = str_from(word);
		GOOD(intake_quarantine(intake, &entry, &err));
	}
	IS_CSTR(counts->reasons[0].reason, "reason_0");
	IS_CSTR(counts->reasons[29].reason, "reason_29");
	IS_CSTR(counts->reasons[30].reason, "other");
	IS_INT(counts->reasons[30].count, 20);
	IS_INT(counts->reasons[31].count, 0);
	intake_free(intake);
	close_all(&f, store);
}

/* --- lines --- */

static enum intake_result line(struct intake *intake, const char *text, struct wire_line *out)
{
	enum intake_result result = INTAKE_NEW;
	struct err err;

	GOOD(intake_line(
		intake, str_from(text), STR("spare"), &fixture_origin, &result, out, &err));
	return result;
}

static void lines(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct intake *intake = begin(store);
	struct wire_line decoded;
	struct quarantine_entry *entries;
	size_t count;
	struct err err;
	const char *good =
		"{\"id\":\"x1\",\"timestamp\":\"2026-02-03T14:32:01Z\",\"type\":\"odd_thing\","
		"\"a\":1}";

	IS_INT(line(intake, "", &decoded), INTAKE_DUPLICATE);
	IS_INT(decoded.kind, WIRE_BLANK);
	IS_INT(intake_pending(intake), 0);
	IS_INT(line(intake, good, &decoded), INTAKE_NEW);
	IS_INT(decoded.kind, WIRE_EVENT);
	IS_STR(decoded.event.source, "spare");
	IS_INT(line(intake, good, NULL), INTAKE_DUPLICATE);
	IS_INT(line(intake, "{\"id\":", NULL), INTAKE_QUARANTINED);
	IS_INT(line(intake, "{\"timestamp\":\"2026-02-03T14:32:01Z\",\"type\":\"t\"}", NULL),
		INTAKE_QUARANTINED);
	IS_INT(intake_counts(intake)->new_events, 1);
	IS_INT(intake_counts(intake)->duplicate, 1);
	IS_INT(intake_counts(intake)->unknown_types, 1);
	IS_CSTR(intake_counts(intake)->reasons[0].reason, "not_json");
	IS_CSTR(intake_counts(intake)->reasons[1].reason, "missing_id");
	GOOD(intake_commit(intake, &err));
	intake_free(intake);
	GOOD(store_quarantine(store, &f.arena, &entries, &count, &err));
	IS_INT(count, 2);
	IS_STR(entries[0].bytes, "{\"id\":");
	close_all(&f, store);
}

static const struct tap_case cases[] = {
	TAP_CASE(refuses_names),
	TAP_CASE(refuses_numbers),
	TAP_CASE(refuses_data),
	TAP_CASE(keeps_what_it_refuses),
	TAP_CASE(numbers_are_given_once),
	TAP_CASE(quarantine_is_cut),
	TAP_CASE(many_reasons),
	TAP_CASE(lines),
};
TAP_MAIN(cases)
