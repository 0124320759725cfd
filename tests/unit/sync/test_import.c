/*
 * Reading streams that are not as they should be: cut, miscounted, with foreign lines, of a newer
 * format; and what a sync may commit.
 */
#include "base/fs.h"
#include "store_place.h"
#include "sync/import.h"
#include "tap.h"

#define HEADER                                                                                                                            \
	"{\"type\":\"header\",\"format\":1,\"program\":\"tt\",\"version\":\"0\",\"machine_id\":\"0b6f1c1e-5d0a-4c55-9d57-0f3a6d3c0a01\"," \
	"\"label\":\"x\",\"store_id\":\"s\",\"sent_at\":\"2026-01-01T00:00:00.000Z\"}\n"
#define EVENT(name)                                                                                \
	"{\"id\":\"" name                                                                          \
	"\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"source\":\"x\",\"type\":\"t\"}\n"
#define TRAILER(events) "{\"type\":\"trailer\",\"cursor\":7,\"events\":" events "}\n"
#define CHECKPOINT(events)                                                                         \
	"{\"type\":\"trailer\",\"cursor\":5,\"events\":" events ",\"more\":true}\n"

struct fixture {
	char dir[64];
	struct store_place place;
	struct store *store;
};

static bool fixture_open(struct fixture *fixture)
{
	struct store_options options;
	char path[96];
	struct err err = { 0 };

	snprintf(fixture->dir, sizeof(fixture->dir), "/tmp/tt-import-XXXXXX");
	if (!OK(mkdtemp(fixture->dir) != NULL))
		return false;
	snprintf(path, sizeof(path), "%s/tt.db", fixture->dir);
	store_place_make(&fixture->place, path);
	options = store_place_options(&fixture->place);
	return OK(store_open(&fixture->store, &options, &err) == 0);
}

static void fixture_close(struct fixture *fixture)
{
	char command[128];

	store_close(fixture->store);
	snprintf(command, sizeof(command), "rm -rf '%s'", fixture->dir);
	OK(system(command) == 0);
}

static int64_t stored(struct fixture *fixture)
{
	struct store_info info = { .events = -1 };
	struct err err = { 0 };

	OK(store_info(fixture->store, &info, &err) == 0);
	return info.events;
}

/* What became of TEXT, taken in as a sync does or as an import. */
struct outcome {
	int rc;
	bool complete;
	bool cut;
	bool header;
	bool started;
	int64_t new_events;
	int64_t quarantined;
	int64_t stored;
	int64_t marks; /* trailers that were told */
	int64_t headers;
};

static int count_header(void *context, const struct wire_header *header, struct err *err)
{
	struct outcome *outcome = context;

	(void)err;
	IS_INT(header->format, 1);
	outcome->headers++;
	return 0;
}

static int count_trailer(
	void *context, const struct wire_trailer *trailer, struct intake *intake, struct err *err)
{
	struct outcome *outcome = context;

	(void)intake;
	(void)err;
	OK(trailer->cursor > 0);
	outcome->marks++;
	return 0;
}

static struct outcome take(const char *text, bool sync)
{
	struct outcome outcome = { .stored = -1 };
	struct import_options options = { .origin = "test",
		.path = "",
		.commit_at_trailers = sync,
		.on_header = count_header,
		.on_trailer = count_trailer,
		.context = &outcome };
	struct import *import = NULL;
	struct fixture fixture = { 0 };
	struct err err = { 0 };

	if (!fixture_open(&fixture) ||
		!OK(import_open(&import, fixture.store, &options, &err) == 0))
		return outcome;
	outcome.rc = import_push(import, str_from(text), &err);
	if (outcome.rc == 0)
		outcome.rc = import_end(import, &err);
	outcome.complete = import_complete(import);
	outcome.cut = import_cut(import);
	outcome.header = import_has_header(import);
	outcome.started = import_started(import);
	outcome.new_events = import_counts(import)->new_events;
	outcome.quarantined = import_counts(import)->quarantined;
	import_free(import);
	outcome.stored = stored(&fixture);
	fixture_close(&fixture);
	return outcome;
}

static void a_sync_stores_what_trailers_cover(void)
{
	struct outcome whole = take(HEADER EVENT("a") EVENT("b") TRAILER("2"), true);
	struct outcome cut = take(HEADER EVENT("a") CHECKPOINT("1") EVENT("b"), true);
	struct outcome unmarked = take(HEADER EVENT("a") EVENT("b"), true);

	IS_INT(whole.rc, 0);
	OK(whole.complete && !whole.cut);
	IS_INT(whole.stored, 2);
	IS_INT(cut.rc, 0);
	OK(!cut.complete && cut.cut);
	IS_INT(cut.stored, 1);
	IS_INT(cut.new_events, 1);
	OK(!unmarked.complete && unmarked.cut);
	IS_INT(unmarked.stored, 0);
	IS_INT(unmarked.new_events, 0);
}

static void an_import_stores_all_and_tells_of_cuts(void)
{
	struct outcome cut = take(HEADER EVENT("a"), false);
	struct outcome wrong = take(HEADER EVENT("a") TRAILER("2"), false);
	struct outcome bare = take(EVENT("a") EVENT("b"), false);
	struct outcome two =
		take(HEADER EVENT("a") TRAILER("1") HEADER EVENT("b") TRAILER("1"), false);
	struct outcome first_cut = take(HEADER EVENT("a") HEADER EVENT("b") TRAILER("1"), false);

	OK(cut.cut && cut.stored == 1);
	OK(wrong.cut && wrong.rc == 0 && wrong.stored == 1);
	OK(!bare.cut && !bare.header && bare.started && bare.stored == 2);
	OK(!two.cut && two.complete && two.stored == 2);
	IS_INT(two.headers, 1);
	OK(first_cut.cut && first_cut.stored == 2);
}

static void counts_are_checked(void)
{
	struct outcome fewer = take(HEADER EVENT("a") TRAILER("2"), true);
	struct outcome more = take(HEADER EVENT("a") EVENT("b") TRAILER("1"), true);

	IS_INT(fewer.rc, ERR_REMOTE);
	IS_INT(fewer.stored, 0);
	IS_INT(fewer.marks, 0);
	IS_INT(more.rc, ERR_REMOTE);
	IS_INT(more.stored, 0);
}

/* Whether the sender counted a line that nobody understands cannot be known: both counts are right.
 */
static void foreign_lines_spoil_nothing(void)
{
	struct outcome greeting =
		take("Welcome!\n" HEADER EVENT("a") TRAILER("1") "logout\n", true);
	struct outcome counted = take(HEADER "{}\n" EVENT("a") TRAILER("2"), true);
	struct outcome only = take("<html>\n</html>\n", true);

	IS_INT(greeting.rc, 0);
	OK(greeting.complete);
	IS_INT(greeting.stored, 1);
	IS_INT(greeting.quarantined, 2);
	OK(counted.complete && counted.stored == 1);
	OK(!only.complete && !only.header && only.started);
	IS_INT(only.quarantined, 0); /* nothing covers it */
}

static void streams_that_are_refused(void)
{
	struct outcome twice = take(HEADER EVENT("a") HEADER EVENT("b") TRAILER("1"), true);
	struct outcome beyond = take(HEADER EVENT("a") TRAILER("1") EVENT("b"), true);
	const char *newer =
		"{\"type\":\"header\",\"format\":2,\"program\":\"tt\",\"machine_id\":\"m\"}\n" EVENT(
			"a") TRAILER("1");
	struct outcome empty = take("", true);

	IS_INT(twice.rc, ERR_REMOTE);
	IS_INT(twice.stored, 0);
	OK(beyond.rc == 0 && !beyond.complete);
	IS_INT(beyond.stored, 1);
	IS_INT(take(newer, true).rc, ERR_VERSION);
	IS_INT(take(newer, false).rc, ERR_VERSION);
	OK(!empty.complete && !empty.started && !empty.cut);
}

/* A second writer is not kept waiting while a stream is under way. */
static void a_stream_under_way_holds_no_lock(void)
{
	struct import_options options = {
		.origin = "test", .path = "", .commit_at_trailers = true
	};
	struct import_options other_options = { .origin = "other", .path = "" };
	struct import *import = NULL, *other = NULL;
	struct store_options at_once;
	struct store *second = NULL;
	struct fixture fixture = { 0 };
	struct err err = { 0 };

	if (!fixture_open(&fixture) ||
		!OK(import_open(&import, fixture.store, &options, &err) == 0))
		return;
	OK(import_push(import, STR(HEADER EVENT("a") EVENT("b")), &err) == 0);
	at_once = store_place_options(&fixture.place);
	at_once.busy_ms = 1;
	OK(store_open(&second, &at_once, &err) == 0);
	OK(import_open(&other, second, &other_options, &err) == 0);
	OK(import_push(other, STR(EVENT("c")), &err) == 0);
	OK(import_pause(other, &err) == 0);
	IS_INT(import_counts(other)->new_events, 1);
	import_free(other);
	store_close(second);
	OK(import_push(import, STR(TRAILER("2")), &err) == 0);
	OK(import_end(import, &err) == 0);
	import_free(import);
	IS_INT(stored(&fixture), 3);
	fixture_close(&fixture);
}

/* Longer than what is held, and a line longer than any may be. */
static void much_and_long(void)
{
	struct buf text CLEANUP(buf_release) = BUF_INIT;
	const int count = 40;
	struct outcome much, overlong;

	buf_addc(&text, HEADER);
	for (int i = 0; i < count; i++) {
		buf_printf(&text,
			"{\"id\":\"e%d\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"source\":\"x\",\"type\":\"t\",\"n\":\"",
			i);
		memset(buf_reserve(&text, 600000), 'x', 600000);
		text.len += 600000;
		buf_addc(&text, "\"}\n");
	}
	buf_addc(&text, TRAILER("40"));
	OK(text.len > IMPORT_HELD_BYTES);
	much = take(buf_cstr(&text), true);
	OK(much.complete && much.rc == 0);
	IS_INT(much.stored, count);

	buf_clear(&text);
	buf_addc(&text, HEADER EVENT("a"));
	memset(buf_reserve(&text, 5 << 20), 'x', 5 << 20);
	text.len += 5 << 20;
	buf_addc(&text, "\n" EVENT("b") TRAILER("3"));
	overlong = take(buf_cstr(&text), true);
	OK(overlong.complete && overlong.rc == 0);
	IS_INT(overlong.stored, 2);
	IS_INT(overlong.quarantined, 1);
}

static const struct tap_case cases[] = {
	TAP_CASE(a_sync_stores_what_trailers_cover),
	TAP_CASE(an_import_stores_all_and_tells_of_cuts),
	TAP_CASE(counts_are_checked),
	TAP_CASE(foreign_lines_spoil_nothing),
	TAP_CASE(streams_that_are_refused),
	TAP_CASE(a_stream_under_way_holds_no_lock),
	TAP_CASE(much_and_long),
};

TAP_MAIN(cases)
