/*
 * The feed under writers that think long, change their minds, correct and delete: whoever reads on
 * from the last seq they saw misses nothing that was committed, sees nothing else, sees nothing
 * twice, and sees it in order.
 */
#include "store_fixture.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

enum {
	WRITERS = 16,
	READERS = 4,
	ROUNDS = 24,
	EVENTS = 4, /* at most, of a transaction */
	USERS = 4,
	NUMBERS = WRITERS * ROUNDS * EVENTS,
};

/* What the processes tell each other. An event's number says who made it and when. */
struct board {
	atomic_bool committed[NUMBERS]; /* its making */
	atomic_bool changed[NUMBERS];   /* corrected or deleted, in a transaction that committed */
	atomic_int seen[READERS][NUMBERS];
	atomic_int rollbacks;
	atomic_bool done;
};

struct stage {
	struct fixture fixtures[USERS];
	int users;
	unsigned seed;
	struct board *board;
};

static void pause_at_random(unsigned *seed, long most_us)
{
	const struct timespec wait = { 0, rand_r(seed) % most_us * 1000 };

	nanosleep(&wait, NULL);
}

static struct store *open_for(struct fixture *f)
{
	const struct store_options options = fixture_options(f, 120000);
	struct store *store = NULL;
	struct err err;

	if (store_open(&store, &options, &err) < 0) {
		printf("# %s\n", err.message);
		fflush(stdout);
		_exit(2);
	}
	return store;
}

static struct event event_number(struct arena *arena, int number)
{
	char name[16];

	snprintf(name, sizeof(name), "%d", number);
	return event_make(arena, number % 3 ? "note" : "remark",
		T0 + number * 7919 % 5000 * NS_PER_S, name, "{\"a\":1}");
}

/* --- a writer --- */

struct writer {
	struct stage *stage;
	struct arena arena;
	int number;
	unsigned seed;
	int changes[EVENTS]; /* numbers that this transaction corrects or deletes */
	int change_count;
};

/* Correct or delete an event of an earlier round, once at most. */
static int change_one(struct writer *writer, struct intake *intake, int round, struct err *err)
{
	int number = (writer->number * ROUNDS + rand_r(&writer->seed) % round) * EVENTS;
	struct board *board = writer->stage->board;
	struct event event = event_number(&writer->arena, number);
	enum intake_result result;

	if (!atomic_load(&board->committed[number]) || atomic_load(&board->changed[number]))
		return 0;
	for (int i = 0; i < writer->change_count; i++)
		if (writer->changes[i] == number)
			return 0;
	event.revision = 1;
	event.deleted = rand_r(&writer->seed) % 2 == 0;
	event.data = STR("{\"a\":2}");
	if (intake_event(intake, &event, &fixture_origin, &result, err) < 0)
		return err->code;
	ASSERT(result == INTAKE_UPDATED);
	writer->changes[writer->change_count++] = number;
	return 0;
}

/* Everything of a round but its commit; *COUNT events are new. */
static int fill_round(
	struct writer *writer, struct intake *intake, int round, int *count, struct err *err)
{
	int first = (writer->number * ROUNDS + round) * EVENTS;
	enum intake_result result;

	writer->change_count = 0;
	*count = 1 + rand_r(&writer->seed) % EVENTS;
	for (int i = 0; i < *count; i++) {
		struct event event = event_number(&writer->arena, first + i);

		if (intake_event(intake, &event, &fixture_origin, &result, err) < 0)
			return err->code;
		ASSERT(result == INTAKE_NEW);
		pause_at_random(&writer->seed, 2000);
		if (round > 0 && rand_r(&writer->seed) % 3 == 0 &&
			change_one(writer, intake, round, err) < 0)
			return err->code;
	}
	return 0;
}

static int write_round(struct writer *writer, struct store *store, int round, struct err *err)
{
	CLEANUP(intake_freep) struct intake *intake = NULL;
	struct board *board = writer->stage->board;
	int count;

	if (intake_begin_lazy(&intake, store, err) < 0 ||
		fill_round(writer, intake, round, &count, err) < 0)
		return err->code;
	if (rand_r(&writer->seed) % 4 == 0) {
		atomic_fetch_add(&board->rollbacks, 1);
		return 0;
	}
	if (intake_commit(intake, err) < 0)
		return err->code;
	for (int i = 0; i < count; i++)
		atomic_store(
			&board->committed[(writer->number * ROUNDS + round) * EVENTS + i], true);
	for (int i = 0; i < writer->change_count; i++)
		atomic_store(&board->changed[writer->changes[i]], true);
	return 0;
}

static void write_rounds(struct stage *stage, int number)
{
	struct writer writer = {
		.stage = stage, .number = number, .seed = stage->seed + (unsigned)number
	};
	struct store *store = open_for(&stage->fixtures[number % stage->users]);
	struct err err;

	for (int round = 0; round < ROUNDS; round++) {
		if (write_round(&writer, store, round, &err) < 0) {
			printf("# writer %d: %s\n", number, err.message);
			fflush(stdout);
			_exit(1);
		}
		pause_at_random(&writer.seed, 3000);
	}
	arena_release(&writer.arena);
	store_close(store);
	_exit(0);
}

/* --- a reader --- */

struct reader {
	struct stage *stage;
	int number;
	unsigned seed;
	int64_t cursor;
};

static int note_row(struct reader *reader, const struct stored_event *row)
{
	struct str id = row->event.id;
	ptrdiff_t colon = (ptrdiff_t)id.len;
	int number;

	while (colon > 0 && id.ptr[colon - 1] != ':')
		colon--;
	number = atoi(id.ptr + colon);
	if (row->seq <= reader->cursor || number < 0 || number >= NUMBERS ||
		number / EVENTS / ROUNDS % reader->stage->users !=
			reader->number % reader->stage->users) {
		printf("# reader %d at %lld: %.*s, seq %lld\n", reader->number,
			(long long)reader->cursor, STR_ARG(id), (long long)row->seq);
		return ERR_CORRUPT;
	}
	reader->cursor = row->seq;
	/* The making is the ones, a correction or deletion the hundreds. */
	atomic_fetch_add(&reader->stage->board->seen[reader->number][number],
		row->event.revision > 0 ? 100 : 1);
	return 0;
}

/* From the cursor on, to the end or to somewhere. */
static int read_on(struct reader *reader, struct store *store, bool to_end, struct err *err)
{
	CLEANUP(event_scan_closep) struct event_scan *scan = NULL;
	int most = to_end ? NUMBERS : 1 + rand_r(&reader->seed) % 50, rc;
	struct stored_event row;

	if (event_feed_open(&scan, store, reader->cursor, err) < 0)
		return err->code;
	while ((rc = event_scan_next(scan, &row, err)) == 1 && most-- > 0)
		if (note_row(reader, &row) < 0)
			return err_set(err, ERR_CORRUPT, "out of order, or not for this reader");
	return rc < 0 ? rc : 0;
}

static void read_to_the_end(struct stage *stage, int number)
{
	struct reader reader = {
		.stage = stage, .number = number, .seed = stage->seed + 1000U + (unsigned)number
	};
	struct store *store = open_for(&stage->fixtures[number % stage->users]);
	struct err err;
	bool done;
	int rc;

	do {
		done = atomic_load(&stage->board->done);
		rc = read_on(&reader, store, done, &err);
		pause_at_random(&reader.seed, 2000);
	} while (rc == 0 && !done);
	if (rc < 0)
		printf("# reader %d: %s\n", number, err.message);
	fflush(stdout);
	store_close(store);
	_exit(rc < 0);
}

/* --- both --- */

static pid_t fork_to(void run(struct stage *stage, int number), struct stage *stage, int number)
{
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0)
		run(stage, number);
	OK(child > 0);
	return child;
}

static void end_all(const pid_t *children, int count)
{
	for (int i = 0; i < count; i++) {
		int status = -1;

		OK(waitpid(children[i], &status, 0) == children[i] && status == 0);
	}
}

/* What one reader saw of one event, which is of that reader's user. */
static bool is_right(struct board *board, int reader, int number)
{
	int seen = atomic_load(&board->seen[reader][number]);
	bool committed = atomic_load(&board->committed[number]);

	/* What was changed may have been seen before that, or not. */
	if (committed && atomic_load(&board->changed[number]))
		return seen == 100 || seen == 101;
	return seen == (committed ? 1 : 0);
}

static void compare(struct stage *stage)
{
	int committed = 0, changed = 0;

	for (int number = 0; number < NUMBERS; number++) {
		committed += atomic_load(&stage->board->committed[number]);
		changed += atomic_load(&stage->board->changed[number]);
	}
	OK(committed > NUMBERS / 5 && changed > 20 && atomic_load(&stage->board->rollbacks) > 10);
	for (int reader = 0; reader < READERS; reader++)
		for (int number = 0; number < NUMBERS; number++)
			if (number / EVENTS / ROUNDS % stage->users == reader % stage->users &&
				!OK(is_right(stage->board, reader, number)))
				printf("# reader %d, event %d: %d (seed %u)\n", reader, number,
					atomic_load(&stage->board->seen[reader][number]),
					stage->seed);
}

static void run_with_users(int users)
{
	struct stage stage = { .users = users, .seed = (unsigned)getpid() };
	pid_t writers[WRITERS], readers[READERS];

	stage.board = mmap(NULL, sizeof(*stage.board), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!OK(stage.board != MAP_FAILED))
		return;
	for (int i = 0; i < users; i++) {
		fixture_begin(&stage.fixtures[i]);
		store_close(fixture_open(&stage.fixtures[i]));
	}
	for (int i = 0; i < READERS; i++)
		readers[i] = fork_to(read_to_the_end, &stage, i);
	for (int i = 0; i < WRITERS; i++)
		writers[i] = fork_to(write_rounds, &stage, i);
	end_all(writers, WRITERS);
	atomic_store(&stage.board->done, true);
	end_all(readers, READERS);
	compare(&stage);
	for (int i = 0; i < users; i++)
		close_all(&stage.fixtures[i], fixture_open(&stage.fixtures[i]));
	munmap(stage.board, sizeof(*stage.board));
}

static void of_one_user(void)
{
	run_with_users(1);
}

static void of_several_users(void)
{
	run_with_users(USERS);
}

static const struct tap_case cases[] = {
	TAP_CASE(of_one_user),
	TAP_CASE(of_several_users),
};
TAP_MAIN(cases)
