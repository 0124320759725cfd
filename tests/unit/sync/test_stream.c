/*
 * Export and import together, over real stores: what goes out comes in, once, in any order, in
 * pieces of any size.
 */
#include "base/fs.h"
#include "base/time.h"
#include "model/id.h"
#include "store/aw_write.h"
#include "store_place.h"
#include "sync/export.h"
#include "sync/import.h"
#include "tap.h"

static const struct machine self = {
	.id = STR_INIT("0b6f1c1e-5d0a-4c55-9d57-0f3a6d3c0a01"),
	.label = STR_INIT("devbox"),
};

/* A store in a directory of its own, removed at the end. */
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

	snprintf(fixture->dir, sizeof(fixture->dir), "/tmp/tt-stream-XXXXXX");
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

static uint64_t next(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *state >> 33;
}

/* Lines of random events; some ids come again with a higher revision, some are of no known form or
 * type. */
static void random_lines(struct buf *out, int count, uint64_t seed)
{
	static const char *const types[] = { "tmux_pane_focus", "agent_tool_use",
		"from_the_future" };
	uint64_t state = seed;

	for (int i = 0; i < count; i++) {
		struct buf id CLEANUP(buf_release) = BUF_INIT;
		int64_t at =
			(INT64_C(1770000000000) + (int64_t)(next(&state) % 100000)) * NS_PER_MS;
		const char *type = types[next(&state) % ARRAY_LEN(types)];
		char text[TIME_TEXT_BYTES], pane[16];

		snprintf(pane, sizeof(pane), "%%%d", (int)(next(&state) % 4));
		if (next(&state) % 10 == 0)
			buf_printf(&id, "legacy-%d", (int)(next(&state) % 50));
		else
			id_build(&id, self.id, STR("x"), str_from(type), at, str_from(pane));
		buf_printf(out,
			"{\"id\":\"%s\",\"timestamp\":\"%s\",\"source\":\"x\",\"type\":\"%s\",\"revision\":%d,\"pane_id\":\"%s\","
			"\"session_id\":\"s\",\"n\":%d}\n",
			buf_cstr(&id), time_format(at, 3, text), type, (int)(next(&state) % 3),
			pane, (int)(next(&state) % 5));
	}
}

static bool import_with(struct store *store, const struct import_options *options, struct str bytes,
	size_t most, uint64_t seed)
{
	struct import *import CLEANUP(import_freep) = NULL;
	uint64_t state = seed;
	struct err err = { 0 };

	if (!OK(import_open(&import, store, options, &err) == 0))
		return false;
	while (bytes.len > 0) {
		struct str piece = str_sub(bytes, 0, 1 + next(&state) % most);

		if (!OK(import_push(import, piece, &err) == 0))
			return false;
		bytes = str_sub(bytes, piece.len, bytes.len);
	}
	return OK(import_end(import, &err) == 0) && IS_INT(import_counts(import)->quarantined, 0);
}

static bool import_pieces(struct store *store, struct str bytes, size_t most, uint64_t seed)
{
	const struct import_options options = { .origin = "test", .path = "" };

	return import_with(store, &options, bytes, most, seed);
}

static int collect_bytes(void *context, struct str bytes, struct err *err)
{
	(void)err;
	buf_add(context, bytes);
	return 0;
}

static void export_all(struct store *store, int64_t after, struct buf *out)
{
	struct export_request request = {
		.machine = &self, .after_seq = after, .since_ns = INT64_MIN
	};
	struct err err = { 0 };

	OK(export_stream(store, &request, collect_bytes, out, &err) == 0);
}

/* All events in the order of time: what two equal stores agree on. */
static void dump(struct store *store, struct buf *out)
{
	struct event_filter all = { 0 };
	struct event_scan *scan CLEANUP(event_scan_closep) = NULL;
	struct stored_event item;
	struct err err = { 0 };

	if (!OK(event_scan_open(&scan, store, &all, &err) == 0))
		return;
	while (event_scan_next(scan, &item, &err) > 0)
		wire_encode_event(out, &item.event);
}

static void shuffle_lines(struct str text, struct buf *out, uint64_t seed)
{
	struct str lines[512];
	size_t count = 0;
	uint64_t state = seed;

	while (text.len > 0 && count < ARRAY_LEN(lines))
		lines[count++] = str_split(&text, '\n');
	for (size_t i = count; i > 1; i--) {
		size_t j = next(&state) % i;
		struct str swap = lines[i - 1];

		lines[i - 1] = lines[j];
		lines[j] = swap;
	}
	for (size_t i = 0; i < count; i++) {
		buf_add(out, lines[i]);
		buf_byte(out, '\n');
	}
}

static void order_and_repetition_do_not_matter(void)
{
	struct buf lines CLEANUP(buf_release) = BUF_INIT;
	struct buf want CLEANUP(buf_release) = BUF_INIT;
	struct fixture first = { 0 };

	random_lines(&lines, 300, 11);
	if (!fixture_open(&first) || !import_pieces(first.store, buf_str(&lines), 1 << 16, 1))
		return;
	dump(first.store, &want);
	OK(want.len > 1000);
	for (uint64_t seed = 2; seed < 8; seed++) {
		struct buf shuffled CLEANUP(buf_release) = BUF_INIT;
		struct buf got CLEANUP(buf_release) = BUF_INIT;
		struct fixture other = { 0 };

		shuffle_lines(buf_str(&lines), &shuffled, seed);
		shuffle_lines(
			buf_str(&lines), &shuffled, seed + 100); /* and all of them once more */
		if (!fixture_open(&other) ||
			!import_pieces(other.store, buf_str(&shuffled), seed * 7, seed))
			return;
		dump(other.store, &got);
		tap_is_str(buf_str(&got), buf_str(&want), __FILE__, __LINE__);
		fixture_close(&other);
	}
	fixture_close(&first);
}

static void what_goes_out_comes_in(void)
{
	struct buf lines CLEANUP(buf_release) = BUF_INIT;
	struct buf stream CLEANUP(buf_release) = BUF_INIT;
	struct buf want CLEANUP(buf_release) = BUF_INIT;
	struct buf got CLEANUP(buf_release) = BUF_INIT;
	struct fixture from = { 0 }, to = { 0 };

	random_lines(&lines, 400, 3);
	if (!fixture_open(&from) || !fixture_open(&to) ||
		!import_pieces(from.store, buf_str(&lines), 1000, 1))
		return;
	export_all(from.store, 0, &stream);
	OK(import_pieces(to.store, buf_str(&stream), 3, 5));
	dump(from.store, &want);
	dump(to.store, &got);
	tap_is_str(buf_str(&got), buf_str(&want), __FILE__, __LINE__);
	fixture_close(&from);
	fixture_close(&to);
}

static void an_unknown_id_means_everything(void)
{
	struct buf lines CLEANUP(buf_release) = BUF_INIT;
	struct fixture fixture = { 0 };
	struct buf id CLEANUP(buf_release) = BUF_INIT;
	struct err err = { 0 };
	int64_t seq = -1;

	buf_addc(&lines,
		"{\"id\":\"0b6f1c1e-5d0a-4c55-9d57-0f3a6d3c0a01:x:t:2026-01-01T00:00:00.000Z:1\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"source\":\"x\",\"type\":\"t\"}\n"
		"{\"id\":\"0b6f1c1e-5d0a-4c55-9d57-0f3a6d3c0a01:x:t:2026-01-01T00:00:01.000Z:1\",\"timestamp\":\"2026-01-01T00:00:01Z\",\"source\":\"x\",\"type\":\"t\"}\n");
	if (!fixture_open(&fixture) || !import_pieces(fixture.store, buf_str(&lines), 100, 1))
		return;
	OK(export_after(fixture.store, STR("no such id"), &seq, &err) == 0);
	IS_INT(seq, 0);
	/* Another form of the same instant names the same event. */
	OK(export_after(fixture.store,
		   STR("0b6f1c1e-5d0a-4c55-9d57-0f3a6d3c0a01:x:t:2026-01-01T00:00:00Z:1"), &seq,
		   &err) == 0);
	IS_INT(seq, 1);
	export_all(fixture.store, seq, &id);
	OK(str_find_str(buf_str(&id), STR("00:00:01.000Z:1")) > 0);
	OK(str_find_str(buf_str(&id), STR("00:00:00.000Z:1")) < 0);
	buf_clear(&id);
	export_all(fixture.store, 1000, &id); /* beyond the last: another history */
	OK(str_find_str(buf_str(&id), STR("00:00:00.000Z:1")) > 0);
	fixture_close(&fixture);
}

/* Many events: checkpoints say where a cut reader may go on, and going on from each of them loses
 * nothing. */
static void checkpoints_cover_what_came_before(void)
{
	struct fixture from = { 0 }, to = { 0 };
	struct buf stream CLEANUP(buf_release) = BUF_INIT;
	struct buf lines CLEANUP(buf_release) = BUF_INIT;
	struct buf want CLEANUP(buf_release) = BUF_INIT;
	struct buf got CLEANUP(buf_release) = BUF_INIT;
	ptrdiff_t more;
	struct str rest;
	int64_t cursor = 0;

	for (int i = 0; i < EXPORT_CHECKPOINT_EVENTS + 10; i++)
		buf_printf(&lines,
			"{\"id\":\"odd-%d\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"source\":\"x\",\"type\":\"t\"}\n",
			i);
	if (!fixture_open(&from) || !fixture_open(&to) ||
		!import_pieces(from.store, buf_str(&lines), 1 << 16, 1))
		return;
	export_all(from.store, 0, &stream);
	more = str_find_str(buf_str(&stream), STR(",\"more\":true"));
	if (!OK(more > 0))
		return;
	rest = str_sub(buf_str(&stream), 0, (size_t)more + strlen(",\"more\":true}\n"));
	OK(import_pieces(to.store, rest, 1 << 16, 1));
	for (size_t i = rest.len; i > 0 && rest.ptr[i - 1] != '{'; i--)
		sscanf(rest.ptr + i - 1, "\"cursor\":%lld", (long long *)&cursor);
	IS_INT(cursor, EXPORT_CHECKPOINT_EVENTS);
	buf_clear(&stream);
	export_all(from.store, cursor, &stream);
	OK(import_pieces(to.store, buf_str(&stream), 1 << 16, 1));
	dump(from.store, &want);
	dump(to.store, &got);
	OK(str_eq(buf_str(&want), buf_str(&got)));
	fixture_close(&from);
	fixture_close(&to);
}

/* --- buckets of ActivityWatch's clients --- */

static const struct machine hub = {
	.id = STR_INIT("1c7a2d2f-6e1b-4d66-8e68-1a4b7e4d1b02"),
	.label = STR_INIT("hub"),
};

#define WINDOWS "aw-watcher-window_laptop"

static void make_bucket(struct store *store)
{
	static const char lines[] =
		"{\"id\":\"0b6f1c1e-5d0a-4c55-9d57-0f3a6d3c0a01:aw." WINDOWS
		":currentwindow:2026-01-01T00:00:00.000Z:1\",\"timestamp\":\"2026-01-01T00:00:00Z\","
		"\"source\":\"aw." WINDOWS "\",\"type\":\"currentwindow\",\"data\":{}}\n";
	CLEANUP(intake_freep) struct intake *intake = NULL;
	struct aw_bucket bucket = { .id = STR(WINDOWS),
		.type = STR("currentwindow"),
		.client = STR("aw-watcher-window"),
		.hostname = STR("laptop"),
		.data = STR("{\"k\":1}"),
		.created_ns = INT64_C(1760000000123456789),
		.machine_id = self.id };
	struct err err = { 0 };
	bool made = false;

	OK(intake_begin(&intake, store, &err) == 0);
	OK(aw_make(intake, &bucket, &made, &err) == 0 && made);
	OK(intake_commit(intake, &err) == 0);
	OK(import_pieces(store, STR(lines), 1000, 1));
}

static void rename_client(struct store *store, const char *client)
{
	CLEANUP(intake_freep) struct intake *intake = NULL;
	const struct aw_bucket fields = { .client = str_from(client) };
	struct err err = { 0 };
	int64_t bucket_no;

	OK(intake_begin(&intake, store, &err) == 0);
	OK(aw_target(intake, STR(WINDOWS), &bucket_no, &err) == 0);
	OK(aw_change(intake, bucket_no, &fields, &err) == 0);
	OK(intake_commit(intake, &err) == 0);
}

/* What FROM says as MACHINE, taken by TO: over ssh, and from a file. */
static void tell(struct store *from, const struct machine *machine, struct store *to)
{
	const struct import_options ssh = {
		.origin = "sync:x", .path = "", .commit_at_trailers = true
	};
	struct export_request request = { .machine = machine, .since_ns = INT64_MIN };
	struct buf stream CLEANUP(buf_release) = BUF_INIT;
	struct err err = { 0 };

	OK(export_stream(from, &request, collect_bytes, &stream, &err) == 0);
	OK(import_with(to, &ssh, buf_str(&stream), 100, 1));
	OK(import_pieces(to, buf_str(&stream), 100, 1));
}

/* The one bucket of STORE is the laptop's, by this CLIENT. */
static void check_bucket(struct store *store, const char *client, bool writable)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct aw_bucket *buckets;
	struct err err = { 0 };
	size_t count = 0;

	OK(aw_buckets(store, &arena, &buckets, &count, &err) == 0);
	if (!IS_INT(count, 1))
		return;
	IS_STR(buckets[0].id, WINDOWS);
	IS_STR(buckets[0].type, "currentwindow");
	IS_STR(buckets[0].client, client);
	IS_STR(buckets[0].hostname, "laptop");
	IS_STR(buckets[0].data, "{\"k\":1}");
	IS_INT(buckets[0].created_ns, INT64_C(1760000000123456789));
	IS_STR(buckets[0].machine_id, self.id.ptr);
	IS_INT(buckets[0].events, 1);
	IS_INT(buckets[0].writable, writable);
}

static void buckets_are_told_of(void)
{
	struct fixture laptop = { 0 }, server = { 0 }, far = { 0 };

	if (!fixture_open(&laptop) || !fixture_open(&server) || !fixture_open(&far))
		return;
	make_bucket(laptop.store);
	check_bucket(laptop.store, "aw-watcher-window", true);
	tell(laptop.store, &self, server.store);
	check_bucket(server.store, "aw-watcher-window", false);
	tell(server.store, &hub, far.store); /* at second hand */
	check_bucket(far.store, "aw-watcher-window", false);
	rename_client(laptop.store, "another");
	tell(laptop.store, &self, far.store);
	check_bucket(far.store, "another", false);
	tell(server.store, &hub, far.store); /* what it does not know better, it does not change */
	check_bucket(far.store, "another", false);
	tell(server.store, &hub, laptop.store);
	check_bucket(laptop.store, "another", true);
	tell(laptop.store, &self, server.store);
	check_bucket(server.store, "another", false);
	fixture_close(&laptop);
	fixture_close(&server);
	fixture_close(&far);
}

/* Nobody is told of a bucket whose events they do not get. */
static void not_of_other_buckets(void)
{
	struct fixture laptop = { 0 }, server = { 0 };
	struct export_request request = { .machine = &self,
		.since_ns = INT64_MIN,
		.workspace = STR("/srv"),
		.home = STR("/home/u") };
	struct buf stream CLEANUP(buf_release) = BUF_INIT;
	struct aw_bucket *buckets;
	struct arena arena = { 0 };
	struct err err = { 0 };
	size_t count;

	if (!fixture_open(&laptop) || !fixture_open(&server))
		return;
	make_bucket(laptop.store);
	OK(export_stream(laptop.store, &request, collect_bytes, &stream, &err) == 0);
	OK(str_find_str(buf_str(&stream), STR(WINDOWS)) < 0);
	buf_clear(&stream);
	request.workspace = STR("");
	request.since_ns = INT64_C(1800000000) * NS_PER_S;
	OK(export_stream(laptop.store, &request, collect_bytes, &stream, &err) == 0);
	OK(import_pieces(server.store, buf_str(&stream), 100, 1));
	OK(aw_buckets(server.store, &arena, &buckets, &count, &err) == 0);
	IS_INT(count, 0);
	arena_release(&arena);
	fixture_close(&laptop);
	fixture_close(&server);
}

static const struct tap_case cases[] = {
	TAP_CASE(order_and_repetition_do_not_matter),
	TAP_CASE(what_goes_out_comes_in),
	TAP_CASE(an_unknown_id_means_everything),
	TAP_CASE(checkpoints_cover_what_came_before),
	TAP_CASE(buckets_are_told_of),
	TAP_CASE(not_of_other_buckets),
};

TAP_MAIN(cases)
