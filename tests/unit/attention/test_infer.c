/* The parts of inference by themselves: the map, sites, and clusters at the edges of time. Their
 * laws are in test_streams_laws.c. */
#include "attention/infer.h"

#include "tap.h"

static void maps(void)
{
	struct map map = { 0 };
	struct map_key missing = { STR("a"), STR("b"), 1 };
	char names[500][8];

	IS_INT(map_get(&map, &missing), MAP_NONE);
	for (int i = 0; i < 500; i++) {
		struct map_key key = {
			.a = { names[i], 0 }, .b = STR("x"), .n = (uint64_t)(i % 3)
		};

		key.a.len = (size_t)snprintf(names[i], sizeof(names[i]), "%d", i / 3);
		map_put(&map, &key, i);
	}
	IS_INT(map.count, 500);
	for (int i = 0; i < 500; i++) {
		struct map_key key = { .b = STR("x"), .n = (uint64_t)(i % 3) };
		char name[8];

		key.a = (struct str){ name, (size_t)snprintf(name, sizeof(name), "%d", i / 3) };
		IS_INT(map_get(&map, &key), i);
		if (i == 7)
			map_put(&map, &key, 7);
		key.b = key.a;
		IS_INT(map_get(&map, &key), MAP_NONE);
	}
	IS_INT(map.count, 500);
	/* What stands in one text must not run into the other. */
	map_put(&map, &(struct map_key){ STR("ab"), STR("c"), 0 }, 1000);
	IS_INT(map_get(&map, &(struct map_key){ STR("a"), STR("bc"), 0 }), MAP_NONE);
	map_release(&map);
	IS_INT(map_get(&map, &missing), MAP_NONE);
}

static void sites(void)
{
	struct site_cache cache = { 0 };
	const struct site *site = site_get(&cache, 9000,
		STR("{\"session_id\":\"s\",\"parent_session_id\":\"s\",\"cwd\":\"/h/p//\"}"));
	const struct site *other = site_get(
		&cache, 3, STR("{\"session_id\":\"s\",\"git_project\":\"acme\",\"cwd\":\"/h/p\"}"));

	IS_STR(site->session_id, "s");
	IS_STR(site->parent_id, "");
	IS_STR(site->name, "/h/p");
	OK(!site->by_project);
	IS_STR(other->name, "acme");
	IS_STR(other->cwd, "/h/p");
	OK(other->by_project);
	OK(!site_eq(site, other));
	OK(site_eq(site, site));
	/* Known by its number: the data is not read again. */
	OK(site_get(&cache, 9000, STR("{}")) == site);
	OK(site->cwd.ptr == other->cwd.ptr);
	IS_STR(site_get(&cache, 4, STR("{\"cwd\":\"/\"}"))->name, "/");
	IS_STR(site_get(&cache, 5, STR("no json"))->name, "");
	site_cache_release(&cache);

	IS_STR(site_base(false, STR("/h/p")), "p");
	IS_STR(site_base(false, STR("/")), "/");
	IS_STR(site_base(false, STR("p")), "p");
	IS_STR(site_base(true, STR("a/b")), "a/b");
	IS_STR(site_parent(STR("s"), STR("")), "");
	IS_STR(site_parent(STR("s"), STR("t")), "t");
	IS_STR(site_parent(STR("s/agent-1"), STR("")), "s");
	IS_STR(site_parent(STR("s/agent-1/agent-2"), STR("")), "s/agent-1");
	IS_STR(site_parent(STR("/agent-1"), STR("")), "");
	IS_STR(site_parent(STR("agent-1"), STR("")), "");
}

static void add(
	struct infer *infer, int64_t ns, const char *session, const char *parent, const char *name)
{
	const struct site site = { .session_id = str_from(session),
		.parent_id = str_from(parent),
		.name = str_from(name),
		.cwd = str_from(name) };
	const struct event event = { .id = STR("id"), .type = STR("note"), .start_ns = ns };

	infer_add(infer, STR("m"), &site, &event);
}

static void resolve(struct infer *infer)
{
	for (size_t i = 0; i < infer->session_count; i++)
		infer_link(infer, i);
	infer_resolve(infer);
}

static void edges_of_time(void)
{
	struct arena arena = { 0 };
	struct infer infer;
	struct infer_run *runs;
	const struct derived_run stored = { .run_no = 7,
		.first = { INT64_MIN, 0, STR("old") },
		.last_ns = INT64_MIN + 1,
		.cwd_ns = INT64_MAX };
	size_t count;

	infer_init(&infer, 10);
	add(&infer, INT64_MIN + 11, "", "", "/d");
	add(&infer, 0, "", "", "/d");
	add(&infer, INT64_MAX - 10, "", "", "/d");
	add(&infer, INT64_MAX, "", "", "/d");
	resolve(&infer);
	IS_INT(infer.partition_count, 1);
	infer_runs(&infer, 0, &stored, 1, &arena, &runs, &count);
	if (OK(count == 3)) {
		IS_INT(runs[0].run.run_no, 7);
		IS_STR(runs[0].run.first.id, "old");
		IS_INT(runs[0].run.last_ns, INT64_MIN + 11);
		IS_STR(runs[0].run.cwd, "/d");
		IS_INT(runs[1].stored_count, 0);
		IS_INT(runs[2].run.first.ns, INT64_MAX - 10);
		IS_INT(runs[2].segments[0].events, 2);
	}
	infer_release(&infer);
	/* One more apart is too far. */
	infer_init(&infer, 9);
	add(&infer, INT64_MIN + 11, "", "", "/d");
	resolve(&infer);
	infer_runs(&infer, 0, &stored, 1, &arena, &runs, &count);
	if (OK(count == 1))
		IS_INT(runs[0].stored_count, 0);
	infer_release(&infer);
	arena_release(&arena);
}

static void circles(void)
{
	struct infer infer;

	infer_init(&infer, 10);
	add(&infer, 1, "tail", "c", "");
	add(&infer, 2, "c", "b", "/c");
	add(&infer, 3, "b", "a", "");
	add(&infer, 4, "a", "c", "/a");
	resolve(&infer);
	for (size_t i = 0; i < infer.session_count; i++) {
		IS_STR(infer.sessions[infer.sessions[i].root].row.session_id, "a");
		IS_INT(infer.sessions[i].partition, 0);
	}
	/* The least of them is the topmost, and its home is everybody's. */
	IS_STR(infer.partitions[0].row.name, "/a");
	IS_INT(infer.partitions[0].segments.count, 4);
	infer_release(&infer);
}

static void what_fits(void)
{
	const struct derived_session rows[] = {
		{ .session_no = 1,
			.machine_id = STR("m"),
			.session_id = STR("s"),
			.group_no = 1,
			.partition_no = 3,
			.first = { 5, 0, STR("x") },
			.home = { 5, 0, STR("x") },
			.home_name = STR("/a") },
		{ .session_no = 2,
			.machine_id = STR("m"),
			.session_id = STR("t"),
			.group_no = 2,
			.first.ns = INT64_MAX,
			.home.ns = INT64_MAX,
			.stray_events = 1 },
	};
	static const struct {
		int64_t ns;
		const char *session;
		const char *parent;
		const char *name;
		int64_t partition_no;
		bool fits;
	} cases_of[] = {
		{ 9, "s", "", "/b", 3, true },  /* later: it stays */
		{ 1, "s", "", "/a", 3, true },  /* earlier, at the same place */
		{ 1, "s", "", "/b", 4, false }, /* earlier, elsewhere */
		{ 9, "t", "", "", 0, true },    /* still nowhere */
		{ 9, "t", "", "/b", 4, false }, /* what was nowhere has a place now */
		{ 9, "s", "u", "", 3, true },   /* a parent that is nowhere itself */
		{ 9, "u", "", "/b", 4, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases_of); i++) {
		struct infer infer;

		infer_init(&infer, 10);
		add(&infer, cases_of[i].ns, cases_of[i].session, cases_of[i].parent,
			cases_of[i].name);
		infer_seed(&infer, &rows[0], 1);
		infer_seed(&infer, &rows[1], 1);
		resolve(&infer);
		for (size_t k = 0; k < infer.partition_count; k++)
			infer.partitions[k].row.partition_no =
				str_eq_c(infer.partitions[k].row.name, "/a") ? 3 : 4;
		tap_check(
			infer_fits(&infer) == cases_of[i].fits, __FILE__, __LINE__, "case %zu", i);
		infer_release(&infer);
	}
}

static const struct tap_case cases[] = {
	TAP_CASE(maps),
	TAP_CASE(sites),
	TAP_CASE(edges_of_time),
	TAP_CASE(circles),
	TAP_CASE(what_fits),
};
TAP_MAIN(cases)
