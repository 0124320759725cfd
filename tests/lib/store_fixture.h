/*
 * What tests of the store share: a temporary directory with a place for a store (store_place.h),
 * events made from few words, and the content of a store as text, so that two stores can be
 * compared.
 */
#ifndef TT_TESTS_STORE_FIXTURE_H
#define TT_TESTS_STORE_FIXTURE_H

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "model/id.h"
#include "store/intake.h"
#include "store_place.h"
#include "tap.h"

#define MACHINE_A "5f0c8a52-91d7-4c0e-8b6a-2d1f7a9be310"
#define MACHINE_B "a2b4c6d8-1111-4222-8333-444455556666"
#define T0 (INT64_C(1770000000) * NS_PER_S)

/* CALL succeeded; needs a `struct err err`. */
#define GOOD(call) tap_check((call) >= 0, __FILE__, __LINE__, "%s: %s", #call, err.message)
/* CALL failed with CODE; CALL is evaluated once. */
#define FAILS(call, code) fixture_fails((call), (code), #call, &err, __FILE__, __LINE__)

__attribute__((unused)) static int fixture_fails(
	int rc, int code, const char *what, const struct err *err, const char *file, int line)
{
	return tap_check(rc == code && err->code == code && err->message[0] != '\0', file, line,
		"%s: got %d (%s), want %d", what, rc, rc < 0 ? err->message : "no error", code);
}

struct fixture {
	char dir[64];
	char path[192]; /* the store's URL: DIR/data/tt.db, where nothing is yet, or a database */
	struct store_place place;
	struct arena arena;
};

__attribute__((unused)) static void fixture_begin_at(
	struct fixture *fixture, void make(struct store_place *place, const char *path))
{
	const char *base = getenv("TMPDIR");

	/* In memory where that can be: thousands of commits, and none of them needs to survive the
	 * machine. */
	if (!base)
		base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	*fixture = (struct fixture){ 0 };
	snprintf(fixture->dir, sizeof(fixture->dir), "%.32s/tt-store-XXXXXX", base);
	if (!mkdtemp(fixture->dir)) {
		perror("mkdtemp");
		exit(99);
	}
	snprintf(fixture->path, sizeof(fixture->path), "%s/data/tt.db", fixture->dir);
	make(&fixture->place, fixture->path);
	snprintf(fixture->path, sizeof(fixture->path), "%s", fixture->place.url);
}

__attribute__((unused)) static void fixture_begin(struct fixture *fixture)
{
	fixture_begin_at(fixture, store_place_make);
}

static int fixture_remove(const char *path, const struct stat *status, int type, struct FTW *at)
{
	(void)status;
	(void)type;
	(void)at;
	return remove(path);
}

__attribute__((unused)) static void fixture_end(struct fixture *fixture)
{
	nftw(fixture->dir, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
	arena_release(&fixture->arena);
}

/* A path in the fixture's directory. */
__attribute__((unused)) static const char *fixture_path(struct fixture *fixture, const char *name)
{
	return arena_printf(&fixture->arena, "%s/%s", fixture->dir, name).ptr;
}

/* Whose waits for others end after BUSY_MS. */
__attribute__((unused)) static struct store_options fixture_options(
	const struct fixture *fixture, int64_t busy_ms)
{
	struct store_options options = store_place_options(&fixture->place);

	options.busy_ms = busy_ms;
	return options;
}

__attribute__((unused)) static struct store *fixture_open(struct fixture *fixture)
{
	const struct store_options options = fixture_options(fixture, 20000);
	struct store *store = NULL;
	struct err err;

	if (!GOOD(store_open(&store, &options, &err)))
		exit(1);
	return store;
}

/* An event of machine A with its natural id; everything in the arena. */
__attribute__((unused)) static struct event event_make(struct arena *arena, const char *type,
	int64_t start_ns, const char *discriminator, const char *data)
{
	CLEANUP(buf_release) struct buf id = BUF_INIT;
	struct event event = {
		.source = STR("claude"), .type = str_from(type), .start_ns = start_ns
	};

	id_build(&id, STR(MACHINE_A), event.source, event.type, start_ns, str_from(discriminator));
	event.id = arena_str(arena, buf_str(&id));
	event.data = arena_str(arena, str_from(data));
	return event;
}

static const struct quarantine_entry fixture_origin = {
	.source = STR_INIT("test"), .path = STR_INIT("/log"), .offset = 7
};

/* For tests of one intake: a new store and its end, verified; beginning, and taking an event. */
__attribute__((unused)) static struct intake *begin(struct store *store)
{
	struct intake *intake = NULL;
	struct err err;

	if (!GOOD(intake_begin(&intake, store, &err)))
		exit(1);
	return intake;
}

__attribute__((unused)) static struct store *open_new(struct fixture *f)
{
	fixture_begin(f);
	return fixture_open(f);
}

/* A database of its own, as nobody: for what administers users. */
__attribute__((unused)) static struct store *open_alone(struct fixture *f)
{
	fixture_begin_at(f, store_place_make_alone);
	return fixture_open(f);
}

__attribute__((unused)) static void close_all(struct fixture *f, struct store *store)
{
	struct err err;

	GOOD(store_verify(store, NULL, &err));
	store_close(store);
	fixture_end(f);
}

__attribute__((unused)) static enum intake_result take(struct intake *intake, struct event event)
{
	enum intake_result result = INTAKE_QUARANTINED;
	struct err err;

	GOOD(intake_event(intake, &event, &fixture_origin, &result, &err));
	return result;
}

/* One event in one transaction. */
__attribute__((unused)) static enum intake_result fixture_take(
	struct store *store, const struct event *event)
{
	CLEANUP(intake_freep) struct intake *intake = NULL;
	enum intake_result result = INTAKE_QUARANTINED;
	struct err err;

	GOOD(intake_begin(&intake, store, &err));
	GOOD(intake_event(intake, event, &fixture_origin, &result, &err));
	GOOD(intake_commit(intake, &err));
	return result;
}

/* All events in the total order, a line each; seqs are left out, since they tell of the way, not of
 * the result. */
__attribute__((unused)) static void fixture_dump(struct store *store, struct buf *out)
{
	const struct event_filter all = { 0 };
	CLEANUP(event_scan_closep) struct event_scan *scan = NULL;
	struct stored_event row;
	struct err err;
	int rc;

	if (!GOOD(event_scan_open(&scan, store, &all, &err)))
		return;
	while ((rc = event_scan_next(scan, &row, &err)) == 1)
		buf_printf(out, "%lld %lld %lld %.*s %.*s %.*s %.*s\n",
			(long long)row.event.start_ns, (long long)row.event.duration_ns,
			(long long)row.event.revision, STR_ARG(row.event.id),
			STR_ARG(row.event.source), STR_ARG(row.event.type),
			STR_ARG(row.event.data));
	GOOD(rc);
}

/* Change one byte of a file, or append one behind its end. */
__attribute__((unused)) static void fixture_poke(const char *path, long offset, unsigned char byte)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	OK(fd >= 0 && pwrite(fd, &byte, 1, offset) == 1);
	close(fd);
}

#endif
