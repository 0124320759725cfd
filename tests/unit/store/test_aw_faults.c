/*
 * The ActivityWatch writers while the disk fails at every call it could fail at, while the process
 * is killed, and while another one writes the same bucket: what is on disk is the old state or the
 * new one, passes verification, and nothing is lost.
 */
#include "aw_fixture.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "fault_vfs.h"
#include "store/keys.h"

enum { LAST_CALL = 3000 };

/* --- what is done while the disk fails --- */

static int change_events(struct intake *intake, int64_t b, struct err *err)
{
	struct aw_event event;
	bool removed, added;

	for (int i = 0; i < 12; i++) {
		event = aw_make_event(T0 + i * S, S, i % 2 ? "{\"a\":1}" : "{\"a\":2}");
		if (aw_insert(intake, b, &event, err) < 0 ||
			aw_heartbeat(intake, b, &event, 0, err) < 0)
			return err->code;
	}
	event = aw_make_event(T0 + 100 * S, S, "{\"b\":1}");
	event.number = 3;
	if (aw_replace(intake, b, &event, err) < 0 || aw_remove(intake, b, 5, &removed, err) < 0 ||
		aw_merge(intake, b, &event, &added, err) < 0)
		return err->code;
	event = aw_make_event(T0 + 101 * S, S, "{\"b\":1}");
	return aw_heartbeat(intake, b, &event, S, err);
}

static int insert_one(struct intake *intake, int64_t b, struct err *err)
{
	struct aw_event event = aw_make_event(T0, S, "{}");

	return aw_insert(intake, b, &event, err);
}

static int change_with(struct intake *intake, struct err *err)
{
	struct aw_bucket bucket = {
		.id = STR("new"), .type = STR("u"), .machine_id = STR(MACHINE_A)
	};
	int64_t b;
	bool made;

	if (aw_target(intake, STR("b"), &b, err) < 0 || change_events(intake, b, err) < 0 ||
		aw_make(intake, &bucket, &made, err) < 0 ||
		insert_one(intake, bucket.bucket_no, err) < 0 ||
		aw_change(intake, b, &bucket, err) < 0 ||
		aw_setting_put(intake, STR("k"), STR("[]"), err) < 0 ||
		aw_setting_put(intake, STR("old"), (struct str){ NULL, 0 }, err) < 0 ||
		aw_target(intake, STR("doomed"), &b, err) < 0 || aw_delete(intake, b, err) < 0)
		return err->code;
	return intake_commit(intake, err);
}

static int change(struct store *store, struct err *err)
{
	CLEANUP(intake_freep) struct intake *intake = NULL;

	if (intake_begin(&intake, store, err) < 0)
		return err->code;
	return change_with(intake, err);
}

static int change_keys(struct store *store, struct arena *arena, struct err *err)
{
	struct api_key key = {
		.email = STR("a@b"), .role = KEY_ADMIN, .expires_ns = INT64_MAX, .hash = { 7 }
	};
	struct device device = { .machine_id = STR(MACHINE_B), .label = STR("phone") };
	struct key_use use;
	int64_t revoked;

	if (key_make(store, T0, &key, arena, err) < 0)
		return err->code;
	use = (struct key_use){ key.key_id, T0 + 1 };
	if (key_used(store, &use, 1, err) < 0 ||
		device_register(store, T0, &device, arena, err) < 0)
		return err->code;
	return key_revoke(store, STR("old@b"), T0, &revoked, err);
}

static void prepare(struct fixture *f)
{
	struct store *store = open_new(f);
	struct intake *intake = begin(store);
	struct api_key key = { .email = STR("old@b"), .role = KEY_READ, .expires_ns = INT64_MAX };
	int64_t b = make_bucket(intake, "b"), doomed = make_bucket(intake, "doomed");
	struct err err;

	for (int i = 0; i < 10; i++) {
		put(intake, b, T0 - i * S, S, "{}");
		put(intake, doomed, T0 - i * S, S, "{\"d\":1}");
	}
	GOOD(aw_setting_put(intake, STR("old"), STR("1"), &err));
	commit(intake);
	GOOD(key_make(store, T0, &key, &f->arena, &err));
	intake_free(intake);
	store_close(store);
}

/* --- the state --- */

static void dump_buckets(struct store *store, struct arena *arena, struct buf *out)
{
	struct aw_bucket *all;
	struct aw_setting *settings;
	size_t count;
	struct err err;

	GOOD(aw_buckets(store, arena, &all, &count, &err));
	for (size_t i = 0; i < count; i++) {
		buf_printf(out, "\n%.*s %.*s %lld %lld:", STR_ARG(all[i].id), STR_ARG(all[i].type),
			(long long)all[i].events, (long long)all[i].end_ns);
		list_range(store, range_all(all[i].bucket_no), out);
	}
	GOOD(aw_settings(store, arena, &settings, &count, &err));
	for (size_t i = 0; i < count; i++)
		buf_printf(
			out, "\n%.*s=%.*s", STR_ARG(settings[i].key), STR_ARG(settings[i].value));
}

static void dump_keys(struct store *store, struct arena *arena, struct buf *out)
{
	struct api_key *keys;
	struct device *devices;
	int64_t generation = -1;
	size_t count;
	struct err err;

	GOOD(key_list(store, arena, &keys, &count, &err));
	for (size_t i = 0; i < count; i++)
		buf_printf(out, "\n%.*s %d %d %lld", STR_ARG(keys[i].email), (int)keys[i].role,
			keys[i].revoked_ns == INT64_MIN, (long long)keys[i].used_ns);
	GOOD(device_list(store, arena, &devices, &count, &err));
	GOOD(key_generation(store, &generation, &err));
	buf_printf(out, "\n%zu devices, generation %lld", count, (long long)generation);
}

static void dump(struct fixture *f, struct buf *out)
{
	struct store *store = fixture_open(f);
	struct err err;

	GOOD(store_verify(store, NULL, &err));
	dump_buckets(store, &f->arena, out);
	dump_keys(store, &f->arena, out);
	store_close(store);
}

struct states {
	struct buf old;
	struct buf new;
};

static bool is_fault_code(int code)
{
	return code == ERR_IO || code == ERR_FULL || code == ERR_READONLY || code == ERR_NOT_FOUND;
}

static const struct {
	int rc;
	bool sticky;
} faults[] = {
	{ SQLITE_IOERR_WRITE, false },
	{ SQLITE_FULL, true },
};

static void learn(struct states *states)
{
	struct fixture f;
	struct store *store;
	struct err err;

	prepare(&f);
	dump(&f, &states->old);
	store = fixture_open(&f);
	GOOD(change(store, &err));
	store_close(store);
	dump(&f, &states->new);
	OK(!str_eq(buf_str(&states->old), buf_str(&states->new)));
	fixture_end(&f);
}

/* False: no call failed. The same intake takes the batch again when it was undone. */
static bool change_with_fault(const struct states *states, long n, size_t fault)
{
	CLEANUP(buf_release) struct buf got = BUF_INIT;
	struct intake *intake = NULL;
	struct store *store;
	struct fixture f;
	struct err err, second;
	bool met;
	int rc;

	prepare(&f);
	store = fixture_open(&f);
	intake = begin(store);
	fault_vfs_arm(n, faults[fault].rc, faults[fault].sticky);
	rc = change_with(intake, &err);
	met = fault_vfs_disarm();
	if (rc < 0) {
		OK(is_fault_code(rc));
		OK(intake_commit(intake, &second) < 0 || intake_pending(intake) == 0);
		dump(&f, &got);
		OK(str_eq(buf_str(&got), buf_str(&states->old)));
		rc = change_with(intake, &err);
		buf_clear(&got);
	}
	GOOD(rc);
	intake_free(intake);
	store_close(store);
	dump(&f, &got);
	OK(str_eq(buf_str(&got), buf_str(&states->new)));
	fixture_end(&f);
	return met;
}

static void events_survive_every_fault(void)
{
	struct states states = { BUF_INIT, BUF_INIT };

	learn(&states);
	for (size_t fault = 0; fault < ARRAY_LEN(faults); fault++) {
		long n = 1;

		while (n < LAST_CALL && tap.failed == 0 && change_with_fault(&states, n, fault))
			n++;
		OK(n > 10 && n < LAST_CALL);
	}
	buf_release(&states.old);
	buf_release(&states.new);
}

/* Several transactions: each is done or not, and doing the rest again is possible. */
static bool keys_with_fault(long n)
{
	struct api_key *keys;
	struct fixture f;
	struct store *store;
	int64_t generation = -1;
	size_t count;
	struct err err;
	bool met;
	int rc;

	prepare(&f);
	store = fixture_open(&f);
	fault_vfs_arm(n, SQLITE_IOERR_WRITE, false);
	rc = change_keys(store, &f.arena, &err);
	met = fault_vfs_disarm();
	if (rc < 0)
		OK(is_fault_code(rc));
	store_close(store);
	store = fixture_open(&f);
	GOOD(key_list(store, &f.arena, &keys, &count, &err));
	GOOD(key_generation(store, &generation, &err));
	OK(count >= 1 && count <= 2 && generation >= (int64_t)count);
	IS_INT(generation, (int64_t)count + (keys[count - 1].revoked_ns != INT64_MIN));
	if (rc == 0)
		IS_INT(generation, 3);
	close_all(&f, store);
	return met;
}

static void keys_survive_every_fault(void)
{
	long n = 1;

	while (n < LAST_CALL && tap.failed == 0 && keys_with_fault(n))
		n++;
	OK(n > 10 && n < LAST_CALL);
}

/* The change numbers of an undone batch go to somebody else: what the batch left in memory must not
 * be taken for what he wrote. */
static void undone_heartbeats_are_forgotten(void)
{
	struct fixture f;
	struct store *store, *second;
	struct intake *intake, *other;
	struct aw_event event;
	int64_t b;
	struct err err;

	prepare(&f);
	store = fixture_open(&f);
	second = fixture_open(&f);
	intake = begin(store);
	GOOD(aw_target(intake, STR("b"), &b, &err));
	event = beat(intake, b, T0 + 100 * S, 0, "{\"u\":1}", 0);
	fault_vfs_arm(1, SQLITE_FULL, true);
	OK(intake_commit(intake, &err) < 0);
	OK(fault_vfs_disarm());
	other = begin(second);
	IS_INT(put(other, b, T0 + 50 * S, 0, "{\"u\":1}"), event.number);
	commit(other);
	event = beat(intake, b, T0 + 101 * S, 0, "{\"u\":1}", 2 * S);
	IS_INT(event.start_ns, T0 + 101 * S);
	commit(intake);
	intake_free(intake);
	intake_free(other);
	store_close(second);
	close_all(&f, store);
}

/* --- several processes --- */

enum { BEATS = 3000, WRITERS = 2, BATCH = 16 };

/* One heartbeat every two ms, of which each writer gives every other one: always mergeable. */
static int beat_on(struct store *store, int writer, struct err *err)
{
	CLEANUP(intake_freep) struct intake *intake = NULL;
	int64_t b;

	if (intake_begin_lazy(&intake, store, err) < 0)
		return err->code;
	for (int i = writer; i < BEATS; i += WRITERS) {
		struct aw_event event = aw_make_event(T0 + i * 2 * NS_PER_MS, 2 * NS_PER_MS, "{}");

		if (aw_target(intake, STR("b"), &b, err) < 0 ||
			aw_heartbeat(intake, b, &event, 3600 * S, err) < 0)
			return err->code;
		if (i / WRITERS % BATCH == 0 && intake_commit(intake, err) < 0)
			return err->code;
	}
	return intake_commit(intake, err);
}

static pid_t fork_writer(struct fixture *f, int writer)
{
	pid_t child = fork();

	if (child == 0) {
		const struct store_options options = { .url = f->path, .busy_ms = 60000 };
		struct store *store = NULL;
		struct err err;

		if (store_open(&store, &options, &err) < 0 || beat_on(store, writer, &err) < 0)
			_exit(1);
		store_close(store);
		_exit(0);
	}
	return child;
}

/* What the events of the bucket cover, ends joined. */
static int64_t covered_ns(struct store *store, int64_t b)
{
	CLEANUP(aw_scan_closep) struct aw_scan *scan = NULL;
	struct aw_range range = range_all(b);
	int64_t sum = 0, reach = INT64_MIN;
	struct aw_event event;
	struct err err;

	range.oldest_first = true;
	GOOD(aw_scan_open(&scan, store, &range, &err));
	while (aw_scan_next(scan, &event, &err) == 1) {
		int64_t from = event.start_ns > reach ? event.start_ns : reach;
		int64_t end = event.start_ns + event.duration_ns;

		if (end > from)
			sum += end - from;
		if (end > reach)
			reach = end;
	}
	return sum;
}

static void two_processes_lose_nothing(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	struct intake *intake = begin(store);
	int64_t b = make_bucket(intake, "b");
	pid_t children[WRITERS];

	commit(intake);
	intake_free(intake);
	store_close(store);
	for (int i = 0; i < WRITERS; i++)
		children[i] = fork_writer(&f, i);
	for (int i = 0; i < WRITERS; i++) {
		int status = -1;

		OK(waitpid(children[i], &status, 0) == children[i] && status == 0);
	}
	store = fixture_open(&f);
	IS_INT(covered_ns(store, b), BEATS * 2 * NS_PER_MS);
	close_all(&f, store);
}

/* --- killed --- */

/* Heartbeats that never merge, for ever; ACKED counts those that were committed. */
static void beat_for_ever(struct fixture *f, volatile int64_t *acked)
{
	const struct store_options options = { .url = f->path, .busy_ms = 60000 };
	struct store *store = NULL;
	struct intake *intake = NULL;
	int64_t b;
	struct err err;

	if (store_open(&store, &options, &err) < 0 || intake_begin(&intake, store, &err) < 0 ||
		aw_target(intake, STR("b"), &b, &err) < 0)
		_exit(1);
	for (int64_t i = 0;; i++) {
		struct aw_event event = aw_make_event(T0 + i * S, 0, "{}");

		if (aw_heartbeat(intake, b, &event, 0, &err) < 0)
			_exit(1);
		if ((i + 1) % BATCH == 0) {
			if (intake_commit(intake, &err) < 0)
				_exit(1);
			*acked = i + 1;
		}
	}
}

static void killed_in_mid_batch(int64_t after, volatile int64_t *acked)
{
	const struct timespec moment = { 0, 100000 };
	struct fixture f;
	struct store *store = open_new(&f);
	struct intake *intake = begin(store);
	int64_t b = make_bucket(intake, "b"), count;
	bool gone = false;
	pid_t child;

	commit(intake);
	intake_free(intake);
	store_close(store);
	*acked = 0;
	child = fork();
	if (child == 0)
		beat_for_ever(&f, acked);
	while (*acked < after && !(gone = waitpid(child, NULL, WNOHANG) != 0))
		nanosleep(&moment, NULL);
	if (!gone) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	store = fixture_open(&f);
	count = count_of(store, range_all(b));
	OK(*acked >= after);
	OK(count >= *acked && count <= *acked + BATCH && count % BATCH == 0);
	close_all(&f, store);
}

static void kills_lose_nothing_acknowledged(void)
{
	volatile int64_t *acked = mmap(
		NULL, sizeof(*acked), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	OK(acked != MAP_FAILED);
	for (int i = 1; i <= 20; i++)
		killed_in_mid_batch(i * BATCH, acked);
	munmap((void *)(uintptr_t)acked, sizeof(*acked));
}

int main(int argc, char **argv)
{
	static const struct tap_case cases[] = {
		TAP_CASE(events_survive_every_fault),
		TAP_CASE(keys_survive_every_fault),
		TAP_CASE(undone_heartbeats_are_forgotten),
		TAP_CASE(two_processes_lose_nothing),
		TAP_CASE(kills_lose_nothing_acknowledged),
	};

	fault_vfs_install();
	return tap_main(cases, ARRAY_LEN(cases), argc, argv);
}
