/* aw_changed: a "no" is certain. Single cases, random changes, and writers that never stop. */
#include "aw_fixture.h"

#include <sys/wait.h>

#include "store/retention.h"

struct world {
	struct fixture f;
	struct store *store;
	struct intake *intake;
	int64_t b;
	int64_t seq;
};

static void world_begin(struct world *w)
{
	*w = (struct world){ .seq = 0 };
	w->store = open_new(&w->f);
	w->intake = begin(w->store);
	w->b = make_bucket(w->intake, "b");
	commit(w->intake);
}

static void world_end(struct world *w)
{
	intake_free(w->intake);
	close_all(&w->f, w->store);
}

/* Has [FROM, TO] seconds of the bucket changed since the last question? */
static bool asked(struct world *w, int64_t from, int64_t to)
{
	const struct aw_range range = {
		.bucket_no = w->b, .from_ns = T0 + from * S, .to_ns = T0 + to * S
	};
	bool changed = false;
	struct err err;

	commit(w->intake);
	GOOD(aw_changed(w->store, &range, w->seq, &changed, &w->seq, &err));
	return changed;
}

static void tells_what_lies_elsewhere(void)
{
	struct world w;
	struct aw_event event;
	int64_t early, grown;
	bool removed;
	struct err err;

	world_begin(&w);
	early = put(w.intake, w.b, T0, S, "{}");
	OK(asked(&w, 0, 10));
	OK(!asked(&w, 0, 10));
	grown = put(w.intake, w.b, T0 + 50 * S, S, "{}");
	OK(!asked(&w, 0, 10));
	beat(w.intake, w.b, T0 + 51 * S, S, "{}", S); /* grows at the end: the usual case */
	OK(!asked(&w, 0, 10));
	put(w.intake, make_bucket(w.intake, "other"), T0, S, "{}");
	OK(!asked(&w, 0, 10));
	put(w.intake, w.b, T0 + 10 * S, S, "{}"); /* touches */
	OK(asked(&w, 0, 10));
	event = aw_make_event(T0 + 70 * S, S, "{}");
	event.number = early;
	GOOD(aw_replace(w.intake, w.b, &event, &err));
	OK(asked(&w, 0, 5)); /* gone from here */
	event = aw_make_event(T0, S, "{}");
	event.number = early;
	GOOD(aw_replace(w.intake, w.b, &event, &err));
	OK(asked(&w, 60, 80)); /* and from there */
	GOOD(aw_remove(w.intake, w.b, early, &removed, &err));
	OK(asked(&w, 0, 1));
	event = aw_make_event(T0 + 50 * S, S, "{}");
	event.number = grown;
	GOOD(aw_replace(w.intake, w.b, &event, &err)); /* shorter than it was */
	OK(asked(&w, 52, 60));
	world_end(&w);
}

static void deletions_are_seen(void)
{
	struct world w;
	const struct retention old = { .before_ns = T0 + 5 * S, .held_seq = INT64_MAX };
	struct retention_result result;
	struct err err;

	world_begin(&w);
	put(w.intake, w.b, T0, S, "{}");
	put(w.intake, w.b, T0 + 9 * S, S, "{}");
	asked(&w, 0, 10);
	GOOD(store_retention(w.store, &old, &result, &err));
	OK(asked(&w, 0, 3));
	OK(!asked(&w, 0, 3));
	GOOD(aw_delete(w.intake, w.b, &err));
	OK(asked(&w, 9, 9));
	world_end(&w);
}

/* Deleted and back again at another time: no tombstone tells any more where it was. */
static void returns_are_seen(void)
{
	struct world w;
	struct event event;

	world_begin(&w);
	event = event_make(&w.f.arena, "t", T0, "n", "{}");
	event.source = STR("aw.b");
	event.id = STR("odd");
	event.duration_ns = S;
	take(w.intake, event);
	commit(w.intake);
	w.b++; /* an id without a machine has a bucket of its own */
	OK(asked(&w, 0, 1));
	event.deleted = true;
	event.revision = 1;
	IS_INT(take(w.intake, event), INTAKE_UPDATED);
	event.deleted = false;
	event.revision = 2;
	event.start_ns = T0 + 100 * S;
	IS_INT(take(w.intake, event), INTAKE_UPDATED);
	OK(asked(&w, 0, 1));
	OK(!asked(&w, 0, 1));
	world_end(&w);
}

static void many_changes_are_one(void)
{
	struct world w;

	world_begin(&w);
	asked(&w, 0, 1);
	for (int i = 0; i < 5000; i++)
		put(w.intake, w.b, T0 + (100 + i) * S, S, "{}");
	OK(asked(&w, 0, 1)); /* a false alarm, rather than a long search */
	world_end(&w);
}

/* The list of a range, for comparison. */
static void snapshot(struct store *store, const struct aw_range *range, struct buf *out)
{
	buf_clear(out);
	list_range(store, *range, out);
}

static void change_at_random(struct store *store, int64_t b, unsigned seed, int rounds)
{
	CLEANUP(intake_freep) struct intake *intake = NULL;
	struct store_info info;
	struct err err;

	if (store_info(store, &info, &err) < 0 || intake_begin_lazy(&intake, store, &err) < 0)
		_exit(3);
	for (int i = 0; i < rounds; i++) {
		int64_t start = T0 + rand_r(&seed) % 60 * S;
		struct aw_event event = aw_make_event(start, rand_r(&seed) % 5 * S, "{}");
		int what = rand_r(&seed) % 10;
		bool removed;
		int rc;

		event.number = 1 + rand_r(&seed) % ((int)info.last_seq + 2 * i + 1);
		if (what < 4)
			rc = aw_insert(intake, b, &event, &err);
		else if (what < 7)
			rc = aw_heartbeat(intake, b, &event, S, &err);
		else if (what < 9)
			rc = aw_replace(intake, b, &event, &err);
		else
			rc = aw_remove(intake, b, event.number, &removed, &err);
		if ((rc < 0 && rc != ERR_NOT_FOUND) ||
			(rand_r(&seed) % 3 == 0 && intake_commit(intake, &err) < 0))
			_exit(3);
	}
	if (intake_commit(intake, &err) < 0)
		_exit(3);
}

static pid_t start_writer(struct fixture *f, int64_t b, unsigned seed, int rounds)
{
	pid_t child = fork();

	if (child != 0)
		return child;
	{
		const struct store_options options = fixture_options(f, 60000);
		struct store *store = NULL;
		struct err err;

		if (store_open(&store, &options, &err) < 0)
			_exit(2);
		change_at_random(store, b, seed, rounds);
		store_close(store);
	}
	_exit(0);
}

/* The cache of a reader: what it read last, and up to where. */
struct cache {
	struct aw_range range;
	struct buf text;
	int64_t seq;
};

/* Ask in one snapshot; "no" must mean that the list is what it was. */
static bool check(struct store *store, struct cache *cache)
{
	CLEANUP(buf_release) struct buf now = BUF_INIT;
	bool changed = true;
	struct err err;

	GOOD(store_snapshot_begin(store, &err));
	GOOD(aw_changed(store, &cache->range, cache->seq, &changed, &cache->seq, &err));
	snapshot(store, &cache->range, &now);
	store_snapshot_end(store);
	if (!changed)
		OK(str_eq(buf_str(&now), buf_str(&cache->text)));
	buf_clear(&cache->text);
	buf_add(&cache->text, buf_str(&now));
	return changed;
}

static void holds_under_concurrent_writers(void)
{
	enum { WRITERS = 3, CACHES = 6 };
	struct world w;
	struct cache caches[CACHES];
	pid_t children[WRITERS];
	int running = WRITERS, quiet = 0, loud = 0;

	world_begin(&w);
	intake_free(w.intake);
	for (int i = 0; i < CACHES; i++)
		caches[i] = (struct cache){ .range = { .bucket_no = w.b,
						    .from_ns = T0 + i * 10 * S,
						    .to_ns = T0 + (i * 10 + 2) * S } };
	store_close(w.store); /* a connection must not cross a fork */
	for (int i = 0; i < WRITERS; i++)
		children[i] = start_writer(&w.f, w.b, (unsigned)i + 1, 600);
	w.store = fixture_open(&w.f);
	while (running > 0 && tap.failed == 0) {
		for (int i = 0; i < CACHES; i++) {
			bool changed = check(w.store, &caches[i]);

			quiet += !changed;
			loud += changed;
		}
		for (int i = 0, status; i < WRITERS; i++)
			if (children[i] > 0 && waitpid(children[i], &status, WNOHANG) > 0) {
				IS_INT(status, 0);
				children[i] = 0;
				running--;
			}
	}
	for (int i = 0; i < WRITERS; i++)
		if (children[i] > 0)
			waitpid(children[i], NULL, 0);
	for (int i = 0; i < CACHES; i++) {
		check(w.store, &caches[i]);
		OK(!check(w.store, &caches[i]));
		buf_release(&caches[i].text);
	}
	OK(quiet + loud > 0);
	close_all(&w.f, w.store);
}

/* The same without others, so that many answers are "no". */
static void holds_for_random_changes(void)
{
	struct world w;
	struct cache caches[12];
	int quiet = 0;

	world_begin(&w);
	for (int i = 0; i < 12; i++)
		caches[i] = (struct cache){ .range = { .bucket_no = w.b,
						    .from_ns = T0 + i * 5 * S,
						    .to_ns = T0 + (i * 5 + 1) * S } };
	for (unsigned round = 1; round < 300 && tap.failed == 0; round++) {
		change_at_random(w.store, w.b, round, 1 + (int)(round % 4));
		for (int i = 0; i < 12; i++)
			quiet += !check(w.store, &caches[i]);
	}
	OK(quiet > 100);
	for (int i = 0; i < 12; i++)
		buf_release(&caches[i].text);
	world_end(&w);
}

static const struct tap_case cases[] = {
	TAP_CASE(tells_what_lies_elsewhere),
	TAP_CASE(deletions_are_seen),
	TAP_CASE(returns_are_seen),
	TAP_CASE(many_changes_are_one),
	TAP_CASE(holds_for_random_changes),
	TAP_CASE(holds_under_concurrent_writers),
};
TAP_MAIN(cases)
