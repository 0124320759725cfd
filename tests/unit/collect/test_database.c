/* Watched databases: when they count as changed, what is kept of them, whose state of a session
 * holds. */
#include "collect/database.h"
#include "world.h"

#define DB "theirs/x.db"
#define SOURCE STR("cursor")

struct watch {
	struct world world;
	struct intake *intake;
	struct tail_set *set;
	const char *path;
};

static void begin(struct watch *watch)
{
	struct world *world = &watch->world;

	world_init(world);
	world_write(world, DB, STR("database"));
	watch->path = world_path(world, DB);
	OK(intake_begin(&watch->intake, world->store, &world->err) == 0);
	OK(tail_set_load(&watch->set, world->store, SOURCE, &world->err) == 0);
}

static void end(struct watch *watch)
{
	intake_free(watch->intake);
	tail_set_free(watch->set);
	world_end(&watch->world);
}

/* As the next round finds it. */
static void next_round(struct watch *watch)
{
	struct world *world = &watch->world;

	OK(intake_commit(watch->intake, &world->err) == 0);
	tail_set_free(watch->set);
	OK(tail_set_load(&watch->set, world->store, SOURCE, &world->err) == 0);
}

static void save(struct watch *watch, bool pending, const char *keep)
{
	struct world *world = &watch->world;
	struct database database;

	OK(database_look(&database, &world->arena, watch->path, &world->err) == 0);
	OK(database_save(&database, watch->set, watch->intake, pending, str_from(keep),
		   &world->err) == 0);
	next_round(watch);
}

static bool unchanged(struct watch *watch, const char *kept)
{
	struct str text;
	bool same = database_unchanged(watch->set, &watch->world.arena, watch->path, &text);

	IS_STR(text, kept);
	return same;
}

static void log_and_pending_count_as_changes(void)
{
	struct watch watch;
	struct database database;

	begin(&watch);
	OK(!unchanged(&watch, ""));
	save(&watch, false, "1 2\n3");
	OK(unchanged(&watch, "1 2\n3"));
	world_write(&watch.world, DB "-wal", STR("log"));
	OK(!unchanged(&watch, "1 2\n3"));
	save(&watch, true, "4");
	OK(!unchanged(&watch, "4"));
	save(&watch, false, "5");
	OK(unchanged(&watch, "5"));
	world_append(&watch.world, DB "-wal", STR("more"));
	OK(!unchanged(&watch, "5"));
	save(&watch, false, "6");
	OK(unlink(world_path(&watch.world, DB "-wal")) == 0);
	OK(!unchanged(&watch, "6"));
	save(&watch, false, "");
	world_append(&watch.world, DB, STR("more"));
	OK(!unchanged(&watch, ""));
	OK(unlink(watch.path) == 0);
	OK(!unchanged(&watch, ""));
	OK(database_look(&database, &watch.world.arena, watch.path, &watch.world.err) ==
		ERR_NOT_FOUND);
	end(&watch);
}

static void faults(void)
{
	static const struct {
		int code;
		int failed;
		bool until_it_changes;
	} codes[] = { { ERR_BUSY, 0, false }, { ERR_NOT_FOUND, 0, false }, { ERR_IO, 1, false },
		{ ERR_CORRUPT, 1, true }, { ERR_VERSION, 1, true }, { ERR_LIMIT, 1, true } };

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		struct source_counts counts = { 0 };
		struct watch watch;
		struct database database;
		struct err fault;

		begin(&watch);
		OK(database_look(&database, &watch.world.arena, watch.path, &watch.world.err) == 0);
		err_set(&fault, codes[i].code, "as expected");
		OK(database_fault(&watch.world.context, &counts, &database, watch.set, watch.intake,
			   STR("kept"), &fault) == 0);
		next_round(&watch);
		IS_INT(counts.failed, codes[i].failed);
		IS_INT(unchanged(&watch, codes[i].until_it_changes ? "kept" : ""),
			codes[i].until_it_changes);
		end(&watch);
	}
}

static void empty_file_is_no_fault(void)
{
	struct source_counts counts = { 0 };
	struct watch watch;
	struct database database;
	struct err fault;

	begin(&watch);
	watch.path = world_path(&watch.world, "empty.db");
	world_write(&watch.world, "empty.db", STR(""));
	OK(database_look(&database, &watch.world.arena, watch.path, &watch.world.err) == 0);
	err_set(&fault, ERR_VERSION, "as expected");
	OK(database_fault(&watch.world.context, &counts, &database, watch.set, watch.intake,
		   STR("kept"), &fault) == 0);
	next_round(&watch);
	IS_INT(counts.failed, 0);
	OK(unchanged(&watch, "kept"));
	end(&watch);
}

static bool may(struct watch *watch, const char *path, int64_t updated)
{
	bool out = false;

	OK(database_may_give(
		   watch->intake, SOURCE, path, STR("s"), updated, &out, &watch->world.err) == 0);
	return out;
}

static void the_newest_state_holds(void)
{
	const char *a, *b;
	struct watch watch;
	bool holds = true;

	begin(&watch);
	world_write(&watch.world, "a b", STR(""));
	world_write(&watch.world, "b", STR(""));
	a = world_path(&watch.world, "a b");
	b = world_path(&watch.world, "b");
	OK(database_holds(watch.intake, SOURCE, STR("s"), &holds, &watch.world.err) == 0);
	OK(!holds);
	OK(may(&watch, a, 10));
	OK(database_holds(watch.intake, SOURCE, STR("s"), &holds, &watch.world.err) == 0);
	OK(holds);
	OK(!may(&watch, b, 9));
	OK(!may(&watch, b, 10));
	OK(!may(&watch, b, INT64_MIN));
	OK(may(&watch, b, 11));
	OK(!may(&watch, a, 11));
	OK(may(&watch, b, 5)); /* it was set back */
	OK(may(&watch, a, 6));
	/* It is gone: what is as new holds, not what is older. */
	OK(unlink(a) == 0);
	OK(!may(&watch, b, 5));
	OK(may(&watch, b, 6));
	OK(may(&watch, b, 5));
	end(&watch);
}

static void numbers(void)
{
	struct str text = STR("12 ff x");
	struct str empty = STR("");
	struct str long_one = STR("1111111111111111111111111");
	uint64_t out = 0;

	OK(database_number(&text, 10, &out) && out == 12);
	OK(database_number(&text, 16, &out) && out == 255);
	OK(!database_number(&text, 10, &out));
	OK(!database_number(&text, 10, &out));
	OK(!database_number(&empty, 10, &out));
	OK(!database_number(&long_one, 10, &out));
}

static const struct tap_case cases[] = {
	TAP_CASE(log_and_pending_count_as_changes),
	TAP_CASE(faults),
	TAP_CASE(empty_file_is_no_fault),
	TAP_CASE(the_newest_state_holds),
	TAP_CASE(numbers),
};
TAP_MAIN(cases)
