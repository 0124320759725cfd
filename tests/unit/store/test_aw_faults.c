/*
 * The ActivityWatch writers while the disk fails at every call it could fail at: what is on disk is
 * the old state or the new one, passes verification, and nothing is lost.
 */
#include "fault_changes.h"

#include <sqlite3.h>

#include "fault_vfs.h"
#include "store/keys.h"

enum { LAST_CALL = 3000 };

/* --- what is done while the disk fails --- */

static int change(struct store *store, struct err *err)
{
	CLEANUP(intake_freep) struct intake *intake = NULL;

	if (intake_begin(&intake, store, err) < 0)
		return err->code;
	return change_aw(intake, err);
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
	struct api_key key = { .email = STR("old@b"), .role = KEY_READ, .expires_ns = INT64_MAX };
	struct err err;

	change_aw_first(store);
	GOOD(key_make(store, T0, &key, &f->arena, &err));
	store_close(store);
}

/* --- the state --- */

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
	dump_aw(store, &f->arena, out);
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
	rc = change_aw(intake, &err);
	met = fault_vfs_disarm();
	if (rc < 0) {
		OK(is_fault_code(rc));
		OK(intake_commit(intake, &second) < 0 || intake_pending(intake) == 0);
		dump(&f, &got);
		OK(str_eq(buf_str(&got), buf_str(&states->old)));
		rc = change_aw(intake, &err);
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

int main(int argc, char **argv)
{
	static const struct tap_case cases[] = {
		TAP_CASE(events_survive_every_fault),
		TAP_CASE(keys_survive_every_fault),
		TAP_CASE(undone_heartbeats_are_forgotten),
	};

	fault_vfs_install();
	return tap_main(cases, ARRAY_LEN(cases), argc, argv);
}
