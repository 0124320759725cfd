/*
 * The connection to PostgreSQL is cut at every message there is, before it arrives and after it was
 * obeyed, or nothing passes any more: a call fails and says so, or does all it should; nothing is
 * half done; the same store can be used again, and ends as if nothing had happened. Run by
 * tests/lib/with-pg.
 */
#include "fault_changes.h"

#include "base/clock.h"
#include "fault_proxy.h"
#include "store/derived.h"
#include "store/keys.h"
#include "store/records.h"
#include "store/retention.h"
#include "store/users.h"

/* STICKY: at one message of so many nobody is let in again before the wire is whole. CHANGES: of
 * change_intake. */
enum { LAST_MESSAGE = 3000, PATIENCE_S = 120, STICKY = 10, CHANGES = 10, SILENCE_MS = 1500 };
enum { FIRST = 2, LAST = 2, STRIDE = 11, END = 3 };

/* What is done while the wire fails. All in one transaction, unless it is in STEPS. */
struct operation {
	void (*prepare)(struct store *store, struct arena *arena);
	int (*run)(struct store *store, struct arena *arena, struct err *err);
	void (*dump)(struct store *store, struct arena *arena, struct buf *out);
	bool steps; /* what was done of it stays; done again, it ends the same */
	bool alike; /* its statements differ in the names of tables: some of them will do */
};

static const enum fault_cut cuts[] = { FAULT_BEFORE, FAULT_AFTER };

static struct store *open_through(struct fixture *f, enum fault_cut cut)
{
	struct store_options options = fixture_options(f, 20000);
	struct store *store = NULL;
	struct err err;

	options.url = fault_proxy_url(f->path, &f->arena).ptr;
	if (cut == FAULT_SILENCE)
		options.patience_ms = SILENCE_MS;
	if (!GOOD(store_open(&store, &options, &err)))
		exit(1);
	return store;
}

/* The fixture's, by a wire that never fails; one connection for all of them. */
static struct store *direct(struct fixture *f)
{
	static struct store *store;
	const struct store_options options = { .url = f->path, .busy_ms = 20000 };
	struct user user;
	struct actor actor;
	struct err err;

	if (!store && !GOOD(store_open(&store, &options, &err)))
		exit(1);
	actor = (struct actor){ 0 };
	GOOD(store_as(store, &actor, &err));
	GOOD(user_find(store, str_from(f->place.user), &f->arena, &user, &err));
	actor = (struct actor){ .user_id = user.user_id };
	GOOD(store_as(store, &actor, &err));
	return store;
}

static void dump_of(struct fixture *f, const struct operation *what, struct buf *out)
{
	buf_clear(out);
	what->dump(direct(f), &f->arena, out);
}

struct states {
	struct buf old;
	struct buf new;
};

static void prepare(struct fixture *f, const struct operation *what)
{
	fixture_begin(f);
	what->prepare(direct(f), &f->arena);
}

static void learn(struct states *states, const struct operation *what)
{
	struct fixture f;
	struct err err;

	prepare(&f, what);
	dump_of(&f, what, &states->old);
	GOOD(what->run(direct(&f), &f.arena, &err));
	dump_of(&f, what, &states->new);
	fixture_end(&f);
}

static bool is(const struct buf *got, const struct buf *want)
{
	return str_eq(buf_str(got), buf_str(want));
}

/* A lost connection is made again, but not at once. */
static int run_again(
	struct store *store, const struct operation *what, struct arena *arena, struct err *err)
{
	int64_t end_ns = clock_monotonic_ns() + PATIENCE_S * NS_PER_S;
	int rc;

	while ((rc = what->run(store, arena, err)) == ERR_BUSY && clock_monotonic_ns() < end_ns)
		clock_sleep_ms(5);
	return rc;
}

/* Whoever cannot reach the server is told so, and not kept waiting for it. */
static void check_unreachable(struct store *store)
{
	struct store_info info;
	struct err err;

	FAILS(store_info(store, &info, &err), ERR_BUSY);
	FAILS(store_probe(store, &err), ERR_BUSY);
}

static void check_failed(struct fixture *f, const struct operation *what,
	const struct states *states, struct store *store)
{
	CLEANUP(buf_release) struct buf got = BUF_INIT;
	struct err err;

	dump_of(f, what, &got);
	if (!what->steps)
		OK(is(&got, &states->old) || is(&got, &states->new));
	if (!is(&got, &states->new) || what->steps)
		GOOD(run_again(store, what, &f->arena, &err));
}

/* One run with the Nth message cut; false when there was none. */
static bool run_with_fault(
	const struct operation *what, const struct states *states, long n, enum fault_cut cut)
{
	CLEANUP(buf_release) struct buf got = BUF_INIT;
	struct store *store;
	struct fixture f;
	struct err err;
	bool sticky = n % STICKY == 0;
	bool met;
	int rc;

	prepare(&f, what);
	store = open_through(&f, cut);
	fault_proxy_arm(n, cut, sticky);
	rc = what->run(store, &f.arena, &err);
	if (rc < 0 && !(IS_INT(rc, ERR_BUSY) && OK(err.message[0] != '\0')))
		printf("# message %ld: %d %s\n", n, rc, err.message);
	if (rc < 0 && sticky)
		check_unreachable(store);
	met = fault_proxy_disarm();
	/* A busy machine may be silent by itself. */
	OK(met || rc == 0 || cut == FAULT_SILENCE);
	if (rc < 0)
		check_failed(&f, what, states, store);
	store_close(store);
	GOOD(store_verify(direct(&f), NULL, &err));
	dump_of(&f, what, &got);
	OK(is(&got, &states->new));
	if (tap.failed)
		printf("# message %ld, cut %d\n", n, (int)cut);
	fixture_end(&f);
	return met;
}

/* --- which messages --- */

/* Statements that were cut already, and how. */
struct kinds {
	uint64_t seen[LAST_MESSAGE];
	size_t count;
};

static bool is_new(struct kinds *kinds, uint64_t kind)
{
	for (size_t i = 0; i < kinds->count; i++)
		if (kinds->seen[i] == kind)
			return false;
	ASSERT(kinds->count < LAST_MESSAGE);
	kinds->seen[kinds->count++] = kind;
	return true;
}

/* The messages of WHAT as they are counted for CUT: their kinds. */
static long list_messages(const struct operation *what, enum fault_cut cut, uint64_t *kinds)
{
	struct store *store;
	struct fixture f;
	struct err err;
	long count;

	prepare(&f, what);
	store = open_through(&f, FAULT_BEFORE);
	fault_proxy_arm(LAST_MESSAGE + 1, cut, false);
	GOOD(what->run(store, &f.arena, &err));
	count = fault_proxy_messages();
	(void)fault_proxy_disarm();
	OK(count < LAST_MESSAGE);
	for (long n = 1; n <= count && n < LAST_MESSAGE; n++)
		kinds[n] = fault_proxy_kind(n);
	store_close(store);
	fixture_end(&f);
	return count;
}

/* Of how many new statements one is cut. Behind one and before the next the store is the same. */
static size_t every(const struct operation *what, enum fault_cut cut)
{
	size_t alike = what->alike ? 3 : 1;

	return cut == FAULT_BEFORE ? alike : 3 * alike;
}

/* Each statement is cut where it comes first, in the first case that has it; what begins and ends
 * in each. */
static void survives(
	const struct operation *what, const struct states *states, enum fault_cut cut, long fewest)
{
	static struct kinds seen[FAULT_SILENCE + 1];
	static uint64_t kinds[LAST_MESSAGE];
	long count = list_messages(what, cut, kinds), met = 0, missed = 0;

	for (long n = 1; n <= count && tap.failed == 0; n++)
		if ((is_new(&seen[cut], kinds[n]) && seen[cut].count % every(what, cut) == 0) ||
			n <= FIRST || n > count - LAST) {
			if (run_with_fault(what, states, n, cut))
				met++;
			else
				missed++;
		}
	/* The end of a reader is not waited for. */
	OK(count >= fewest && missed <= LAST);
	printf("# cut %d: %ld of %ld messages\n", (int)cut, met, count);
	fflush(stdout);
}

static void survives_every_cut(const struct operation *what, long fewest)
{
	struct states states = { BUF_INIT, BUF_INIT };

	learn(&states, what);
	for (size_t i = 0; i < ARRAY_LEN(cuts); i++)
		survives(what, &states, cuts[i], cuts[i] == FAULT_BEFORE ? fewest : 2);
	buf_release(&states.old);
	buf_release(&states.new);
}

/* --- events --- */

static int take_events(struct store *store, struct arena *arena, struct err *err)
{
	CLEANUP(intake_freep) struct intake *intake = NULL;

	if (intake_begin(&intake, store, err) < 0)
		return err->code;
	return change_intake(intake, CHANGES, arena, err);
}

static void dump_events(struct store *store, struct arena *arena, struct buf *out)
{
	struct file_cursor *cursors;
	struct store_info info = { 0 };
	size_t count = 0;
	struct err err;

	fixture_dump(store, out);
	GOOD(store_cursors(store, STR("s"), arena, &cursors, &count, &err));
	GOOD(store_info(store, &info, &err));
	buf_printf(out, "%zu %lld", count, (long long)info.events);
}

static void intakes(void)
{
	static const struct operation what = { change_first, take_events, dump_events, false,
		false };

	survives_every_cut(&what, 10);
}

static void first_aw(struct store *store, struct arena *arena)
{
	(void)arena;
	change_aw_first(store);
}

static int write_aw(struct store *store, struct arena *arena, struct err *err)
{
	CLEANUP(intake_freep) struct intake *intake = NULL;

	(void)arena;
	if (intake_begin(&intake, store, err) < 0)
		return err->code;
	return change_aw(intake, err);
}

static void activitywatch(void)
{
	static const struct operation what = { first_aw, write_aw, dump_aw, false, false };

	survives_every_cut(&what, 10);
}

/* What an intake knew of a batch that was undone, it must not believe when the batch is taken
 * again. */
static bool again_with_cut(const struct operation *what, const struct states *states, long n)
{
	CLEANUP(buf_release) struct buf got = BUF_INIT;
	struct fixture f;
	struct store *store;
	struct intake *intake = NULL;
	struct err err, second;
	int64_t end_ns = clock_monotonic_ns() + PATIENCE_S * NS_PER_S;
	bool met;
	int rc;

	prepare(&f, what);
	store = open_through(&f, FAULT_BEFORE);
	GOOD(intake_begin(&intake, store, &err));
	fault_proxy_arm(n, FAULT_BEFORE, false);
	rc = change_intake(intake, CHANGES, &f.arena, &err);
	met = fault_proxy_disarm();
	while (rc < 0 && clock_monotonic_ns() < end_ns) {
		if (intake_commit(intake, &second) < 0)
			OK(intake_counts(intake)->new_events == 0 && intake_pending(intake) == 0);
		clock_sleep_ms(5);
		rc = change_intake(intake, CHANGES, &f.arena, &err);
	}
	GOOD(rc);
	intake_free(intake);
	store_close(store);
	GOOD(store_verify(direct(&f), NULL, &err));
	dump_of(&f, what, &got);
	OK(is(&got, &states->new));
	fixture_end(&f);
	return met;
}

static void the_same_intake_goes_on(void)
{
	static const struct operation what = { change_first, take_events, dump_events, false,
		false };
	struct states states = { BUF_INIT, BUF_INIT };
	long n = 1;

	learn(&states, &what);
	while (n < LAST_MESSAGE && tap.failed == 0 && again_with_cut(&what, &states, n))
		n += STRIDE;
	OK(n > 10 * STRIDE && n < LAST_MESSAGE);
	buf_release(&states.old);
	buf_release(&states.new);
}

/* --- reading: all, or an error; never a part for the whole --- */

enum { MANY = 3000 };

static void take_many(struct store *store, struct arena *arena)
{
	struct intake *intake = begin(store);

	for (int i = 0; i < MANY; i++)
		IS_INT(take(intake, event_make(arena, "note", T0 + i * NS_PER_S, "n", "{}")),
			INTAKE_NEW);
	commit(intake);
	intake_free(intake);
}

static int count_scan(struct event_scan *scan, struct err *err)
{
	struct stored_event row;
	int count = 0, rc;

	while ((rc = event_scan_next(scan, &row, err)) == 1)
		count++;
	if (rc == 0)
		IS_INT(count, MANY);
	return rc;
}

static int read_all(struct store *store, struct arena *arena, struct err *err)
{
	const struct event_filter all = { 0 };
	CLEANUP(event_scan_closep) struct event_scan *scan = NULL, *feed = NULL;
	struct store_bucket *buckets;
	size_t count = 0;

	if (event_scan_open(&scan, store, &all, err) < 0 || count_scan(scan, err) < 0 ||
		event_feed_open(&feed, store, 0, err) < 0 || count_scan(feed, err) < 0 ||
		store_buckets(store, arena, &buckets, &count, err) < 0)
		return err->code;
	IS_INT(count, 1);
	return 0;
}

static void dump_count(struct store *store, struct arena *arena, struct buf *out)
{
	struct store_info info = { 0 };
	struct err err;

	(void)arena;
	GOOD(store_info(store, &info, &err));
	buf_printf(out, "%lld", (long long)info.events);
}

static void reading(void)
{
	static const struct operation what = { take_many, read_all, dump_count, true, false };

	survives_every_cut(&what, 5);
}

/* --- records, derived tables, settings --- */

#define STREAM "aaaaaaaa-0000-4000-8000-000000000001"

static int write_records(struct store *store, struct arena *arena, struct err *err)
{
	struct stream_record stream = {
		.stream_id = STR(STREAM), .name = STR("name"), .created_ns = T0, .updated_ns = T0
	};
	struct event_assignment assignment = {
		.event_id = STR("odd"), .start_ns = T0, .stream_id = STR(STREAM), .by = BY_PERSON
	};
	struct str tag = STR("tag");
	int64_t rule_no;
	bool changed;

	(void)arena;
	if (records_begin(store, err) < 0)
		return err->code;
	if (records_stream_put(store, &stream, err) < 0 ||
		records_tag(store, STR(STREAM), tag, true, &changed, err) < 0 ||
		records_assign_event(store, &assignment, &changed, err) < 0 ||
		records_rule_add(store, STR("/srv/**"), &tag, 1, &rule_no, err) < 0 ||
		store_setting_put(store, "key", STR("value"), err) < 0 ||
		store_machine_label(store, STR(MACHINE_B), STR("label"), false, err) < 0) {
		records_rollback(store);
		return err->code;
	}
	return records_commit(store, err);
}

static void dump_records(struct store *store, struct arena *arena, struct buf *out)
{
	struct stream_record *streams;
	struct event_assignment *assignments;
	struct rule_record *rules;
	struct str setting;
	size_t count[3] = { 0 };
	struct err err;

	GOOD(records_streams(store, arena, &streams, &count[0], &err));
	GOOD(records_event_assignments(store, 0, 0, arena, &assignments, &count[1], &err));
	GOOD(records_rules(store, arena, &rules, &count[2], &err));
	GOOD(store_setting_get(store, "key", arena, &setting, &err));
	buf_printf(out, "%zu %zu %zu %.*s", count[0], count[1], count[2], STR_ARG(setting));
}

static void records(void)
{
	static const struct operation what = { change_first, write_records, dump_records, false,
		false };

	survives_every_cut(&what, 5);
}

/* A server that says nothing any more: whoever has a patience is told so when that has ended. */
static void silence(void)
{
	static const struct operation what = { change_first, write_records, dump_records, false,
		false };
	struct states states = { BUF_INIT, BUF_INIT };

	learn(&states, &what);
	survives(&what, &states, FAULT_SILENCE, 2);
	buf_release(&states.old);
	buf_release(&states.new);
}

/* --- retention, users --- */

static int delete_old(struct store *store, struct arena *arena, struct err *err)
{
	const struct retention what = { .before_ns = T0 + 10 * NS_PER_S, .held_seq = INT64_MAX };
	struct retention_result result;

	(void)arena;
	return store_retention(store, &what, &result, err);
}

static void retention(void)
{
	static const struct operation what = { change_first, delete_old, dump_events, true, false };

	survives_every_cut(&what, 5);
}

/* The user of the connection is erased; a repetition may find that it is done. */
static int erase_other(struct store *store, struct arena *arena, struct err *err)
{
	struct str id;
	int64_t rows;
	int rc;

	if (store_setting_get(store, "other", arena, &id, err) < 0)
		return err->code;
	rc = user_erase(store, id, &rows, err);
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

/* Another user with some rows, whose id the first one keeps. */
static void make_other(struct store *store, struct arena *arena)
{
	struct actor actor = store_actor(store),
		     own = { .user_id = arena_str(arena, actor.user_id) };
	struct user other = { 0 };
	struct err err;

	other.email = arena_printf(arena, "other-of-%.*s@example.org", STR_ARG(own.user_id));
	GOOD(user_make(store, T0, &other, arena, &err));
	GOOD(store_setting_put(store, "other", other.user_id, &err));
	actor = (struct actor){ .user_id = other.user_id };
	GOOD(store_as(store, &actor, &err));
	change_first(store, arena);
	GOOD(store_as(store, &own, &err));
	change_first(store, arena);
}

static void dump_other(struct store *store, struct arena *arena, struct buf *out)
{
	struct actor actor = { 0 };
	struct err err;

	fixture_dump(store, out);
	GOOD(store_setting_get(store, "other", arena, &actor.user_id, &err));
	buf_printf(out, "%s", store_as(store, &actor, &err) == ERR_NOT_FOUND ? "gone" : "there");
}

static void erasing_a_user(void)
{
	static const struct operation what = { make_other, erase_other, dump_other, true, true };

	survives_every_cut(&what, 5);
}

/* --- opening, which makes the tables --- */

static bool open_with_cut(long n, enum fault_cut cut)
{
	int64_t end_ns = clock_monotonic_ns() + PATIENCE_S * NS_PER_S;
	struct store_options options;
	struct store *store = NULL;
	struct fixture f;
	struct err err;
	bool met;
	int rc;

	fixture_begin_at(&f, store_place_make_alone);
	options = fixture_options(&f, 20000);
	options.url = fault_proxy_url(f.path, &f.arena).ptr;
	fault_proxy_arm(n, cut, false);
	rc = store_open(&store, &options, &err);
	met = fault_proxy_disarm();
	OK(rc == 0 || (rc == ERR_BUSY && met && !store));
	while (rc == ERR_BUSY && clock_monotonic_ns() < end_ns)
		rc = store_open(&store, &options, &err);
	if (GOOD(rc)) {
		struct user user = { .email = STR("a@example.org") };
		struct actor actor;

		GOOD(user_make(store, T0, &user, &f.arena, &err));
		actor = (struct actor){ .user_id = user.user_id };
		GOOD(store_as(store, &actor, &err));
		change_first(store, &f.arena);
		GOOD(take_events(store, &f.arena, &err));
		GOOD(store_verify(store, NULL, &err));
	}
	store_close(store);
	fixture_end(&f);
	return met;
}

/* All in one transaction but its beginning and its end: what is lost behind one message and before
 * the next is the same. */
static void opening(void)
{
	long n = 1, count;

	while (n < LAST_MESSAGE && tap.failed == 0 && open_with_cut(n, cuts[n % 2]))
		n++;
	count = n - 1;
	OK(count > 6);
	for (n = count > END ? count - END : 1; n <= count && tap.failed == 0; n++)
		OK(open_with_cut(n, cuts[1 - n % 2]));
}

/* Without a server: at once, and with words that help. */
static void nobody_there(void)
{
	struct store_options options;
	struct store *store = NULL;
	struct fixture f;
	struct err err;

	fixture_begin(&f);
	options = fixture_options(&f, 300);
	options.url = arena_printf(&f.arena, "postgresql://tt@/store?host=%s&port=5432", f.dir).ptr;
	FAILS(store_open(&store, &options, &err), ERR_BUSY);
	OK(!store && strstr(err.message, f.dir) != NULL);
	fixture_end(&f);
}

int main(int argc, char **argv)
{
	static const struct tap_case cases[] = {
		TAP_CASE(intakes),
		TAP_CASE(activitywatch),
		TAP_CASE(the_same_intake_goes_on),
		TAP_CASE(reading),
		TAP_CASE(records),
		TAP_CASE(silence),
		TAP_CASE(retention),
		TAP_CASE(erasing_a_user),
		TAP_CASE(opening),
		TAP_CASE(nobody_there),
	};
	const char *url = getenv("TT_TEST_PG");
	char dir[] = "/tmp/tt-proxy-XXXXXX";
	int status;

	if (!url || !mkdtemp(dir)) {
		printf("Bail out! run me by tests/lib/with-pg\n");
		return 99;
	}
	fault_proxy_start(dir, url);
	status = tap_main(cases, ARRAY_LEN(cases), argc, argv);
	nftw(dir, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
	return status;
}
