/* The derived tables: what attention relies on when it merges, ties and looks things up; and what
 * corrections leave behind. */
#include "store/derived.h"

#include <unistd.h>

#include "store/intake.h"
#include "store_place.h"
#include "tap.h"

#define M "11111111-1111-4111-8111-111111111111"

struct opened {
	char dir[64];
	struct store *store;
	struct arena arena;
	struct err err;
};

static struct opened open_new(void)
{
	struct opened opened = { .dir = "/tmp/tt-derived-XXXXXX" };
	struct store_options options;
	struct store_place place;
	char path[128];

	if (!mkdtemp(opened.dir))
		abort();
	snprintf(path, sizeof(path), "sqlite:%s/tt.db", opened.dir);
	store_place_make(&place, path);
	options = store_place_options(&place);
	if (store_open(&opened.store, &options, &opened.err) < 0) {
		printf("# %s\n", opened.err.message);
		abort();
	}
	return opened;
}

static void close_all(struct opened *opened)
{
	static const char *const files[] = { "tt.db", "tt.db-wal", "tt.db-shm" };
	char path[128];

	store_close(opened->store);
	arena_release(&opened->arena);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", opened->dir, files[i]);
		unlink(path);
	}
	rmdir(opened->dir);
}

#define OK_RC(opened, call)                                                                        \
	((call) >= 0 ? OK(true) : tap_check(0, __FILE__, __LINE__, "%s", (opened)->err.message))

static void points(void)
{
	const struct derived_point a = { 1, 5, STR("b") }, later = { 2, 1, STR("a") };
	const struct derived_point rank = { 1, 6, STR("a") }, id = { 1, 5, STR("c") };

	IS_INT(derived_point_cmp(&a, &a), 0);
	OK(derived_point_cmp(&a, &later) < 0);
	OK(derived_point_cmp(&rank, &a) > 0);
	OK(derived_point_cmp(&a, &id) < 0);
}

static void put_partition(struct opened *opened, int64_t no, const char *name)
{
	OK_RC(opened, derived_partition_put(opened->store,
			      &(struct derived_partition){ .partition_no = no,
				      .machine_id = STR(M),
				      .name = str_from(name),
				      .base = STR("base") },
			      &opened->err));
}

static void put_run(struct opened *opened, int64_t no, int64_t partition, int64_t first,
	int64_t last, int64_t root)
{
	const struct derived_run run = { .run_no = no,
		.partition_no = partition,
		.first = { first, 1, STR("id") },
		.last_ns = last,
		.root_no = root,
		.cwd_ns = first,
		.cwd = STR("/d") };

	OK_RC(opened, derived_run_put(opened->store, &run, &opened->err));
}

static void put_piece(struct opened *opened, int64_t run, int64_t session, int64_t events,
	int64_t first, int64_t last)
{
	const struct derived_piece piece = { run, session, events, first, last };

	OK_RC(opened, derived_piece_add(opened->store, &piece, &opened->err));
}

static void put_session(
	struct opened *opened, int64_t no, int64_t group, const char *id, int64_t strays)
{
	const struct derived_session session = { .session_no = no,
		.machine_id = STR(M),
		.session_id = str_from(id),
		.group_no = group,
		.stray_events = strays };

	OK_RC(opened, derived_session_put(opened->store, &session, &opened->err));
}

/* Two partitions; runs 1 and 3 are one stream through session 1, 2 is alone; 4 is elsewhere. */
static struct opened filled(void)
{
	struct opened opened = open_new();

	OK_RC(&opened, derived_begin(opened.store, &opened.err));
	put_partition(&opened, 1, "/d/base");
	put_partition(&opened, 2, "/e/base");
	put_run(&opened, 1, 1, 100, 200, 1);
	put_run(&opened, 2, 1, 300, 400, 2);
	put_run(&opened, 3, 1, 500, 600, 1);
	put_run(&opened, 4, 2, 100, 150, 4);
	put_piece(&opened, 1, 1, 2, 100, 200);
	put_piece(&opened, 1, 0, 1, 150, 150);
	put_piece(&opened, 2, 0, 5, 300, 400);
	put_piece(&opened, 3, 1, 3, 500, 600);
	put_session(&opened, 1, 1, "s", 0);
	put_session(&opened, 2, 1, "s/agent-1", 0);
	put_session(&opened, 3, 3, "stray", 4);
	put_session(&opened, 4, 4, "other", 0);
	OK_RC(&opened, derived_commit(opened.store, &opened.err));
	return opened;
}

static void lookups(void)
{
	struct opened opened = filled();
	struct derived_numbers numbers;
	struct derived_session *group;
	struct derived_run *runs, run;
	int64_t no;
	size_t count;

	OK_RC(&opened, derived_numbers_get(opened.store, &numbers, &opened.err));
	IS_INT(numbers.partition, 2);
	IS_INT(numbers.run, 4);
	IS_INT(numbers.session, 4);
	OK_RC(&opened, derived_partition_find(
			       opened.store, STR(M), false, STR("/e/base"), &no, &opened.err));
	IS_INT(no, 2);
	OK_RC(&opened, derived_partition_find(
			       opened.store, STR(M), true, STR("/e/base"), &no, &opened.err));
	IS_INT(no, 0);
	/* The run that began before FROM is there; the one behind TO is not. */
	OK_RC(&opened, derived_runs_near(opened.store, 1, 350, 499, &opened.arena, &runs, &count,
			       &opened.err));
	if (OK(count == 1))
		IS_INT(runs[0].run_no, 2);
	OK_RC(&opened, derived_runs_near(opened.store, 1, 50, 500, &opened.arena, &runs, &count,
			       &opened.err));
	IS_INT(count, 3);
	OK_RC(&opened, derived_run_get(opened.store, 3, &opened.arena, &run, &opened.err));
	IS_INT(run.root_no, 1);
	IS_INT(run.first.ns, 500);
	IS_STR(run.cwd, "/d");
	IS_INT(derived_run_get(opened.store, 9, &opened.arena, &run, &opened.err), ERR_CORRUPT);
	OK_RC(&opened, derived_session_root(opened.store, 1, &no, &opened.err));
	IS_INT(no, 1);
	OK_RC(&opened, derived_session_root(opened.store, 2, &no, &opened.err));
	IS_INT(no, 0);
	OK_RC(&opened, derived_group(opened.store, STR(M), STR("s/agent-1"), &opened.arena, &group,
			       &count, &opened.err));
	if (OK(count == 2)) {
		IS_STR(group[0].session_id, "s");
		IS_STR(group[1].session_id, "s/agent-1");
	}
	OK_RC(&opened, derived_group(opened.store, STR("m"), STR("s"), &opened.arena, &group,
			       &count, &opened.err));
	IS_INT(count, 0);
	close_all(&opened);
}

static void views(void)
{
	struct opened opened = filled();
	struct derived_view view;

	OK_RC(&opened, derived_view_load(opened.store, 0, 0, &opened.arena, &view, &opened.err));
	IS_INT(view.partition_count, 2);
	IS_INT(view.run_count, 4);
	IS_INT(view.piece_count, 4);
	IS_INT(view.session_count, 4);
	/* A stream comes whole, with its session's group; strays always. */
	OK_RC(&opened,
		derived_view_load(opened.store, 600, 700, &opened.arena, &view, &opened.err));
	IS_INT(view.partition_count, 1);
	if (OK(view.run_count == 2 && view.piece_count == 3 && view.session_count == 3)) {
		IS_INT(view.runs[0].run_no, 1);
		IS_INT(view.runs[1].run_no, 3);
		IS_INT(view.pieces[0].session_no, 0);
		IS_INT(view.pieces[1].events, 2);
		IS_STR(view.sessions[2].session_id, "stray");
	}
	/* Half-open. */
	OK_RC(&opened,
		derived_view_load(opened.store, 401, 500, &opened.arena, &view, &opened.err));
	IS_INT(view.run_count, 0);
	close_all(&opened);
}

static void counting_roots(void)
{
	static const struct {
		struct derived_point from;
		struct derived_point to;
		int64_t count;
	} rows[] = {
		{ { INT64_MIN, 0, { 0 } }, { 300, 1, STR_INIT("id") }, 2 },
		{ { 100, 1, STR_INIT("id") }, { 300, 1, STR_INIT("idx") }, 3 },
		{ { 100, 1, STR_INIT("idx") }, { 300, 1, STR_INIT("id") }, 0 },
		{ { 100, 2, STR_INIT("a") }, { 300, 2, STR_INIT("a") }, 1 },
		{ { 500, 0, { 0 } }, { INT64_MAX, 0, { 0 } }, 0 },
	};
	struct opened opened = filled();
	int64_t count;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		OK_RC(&opened, derived_roots_between(opened.store, STR("base"), &rows[i].from,
				       &rows[i].to, &count, &opened.err));
		IS_INT(count, rows[i].count);
	}
	OK_RC(&opened, derived_roots_between(opened.store, STR("none"), &rows[0].from, &rows[0].to,
			       &count, &opened.err));
	IS_INT(count, 0);
	close_all(&opened);
}

static void changes(void)
{
	struct opened opened = filled();
	struct derived_view view;

	OK_RC(&opened, derived_begin(opened.store, &opened.err));
	OK_RC(&opened, derived_run_absorb(opened.store, 3, 1, &opened.err));
	OK_RC(&opened, derived_root_move(opened.store, 1, 4, &opened.err));
	put_piece(&opened, 2, 0, 1, 250, 260);
	OK_RC(&opened, derived_commit(opened.store, &opened.err));
	OK_RC(&opened, derived_view_load(opened.store, 0, 0, &opened.arena, &view, &opened.err));
	if (OK(view.run_count == 3 && view.piece_count == 3)) {
		IS_INT(view.runs[0].root_no, 4);
		IS_INT(view.pieces[1].session_no, 1);
		IS_INT(view.pieces[1].events, 5);
		IS_INT(view.pieces[1].first_ns, 100);
		IS_INT(view.pieces[1].last_ns, 600);
		IS_INT(view.pieces[2].events, 6);
		IS_INT(view.pieces[2].first_ns, 250);
		IS_INT(view.pieces[2].last_ns, 400);
	}
	OK_RC(&opened, derived_begin(opened.store, &opened.err));
	OK_RC(&opened, derived_clear(opened.store, &opened.err));
	derived_rollback(opened.store);
	OK_RC(&opened, derived_view_load(opened.store, 0, 0, &opened.arena, &view, &opened.err));
	IS_INT(view.run_count, 3);
	close_all(&opened);
}

static void put_event(struct opened *opened, int minute, int64_t revision, const char *data)
{
	CLEANUP(intake_freep) struct intake *intake = NULL;
	struct quarantine_entry origin = { .source = STR("test") };
	enum intake_result result;
	char id[160];
	struct event event = {
		.source = STR("test"),
		.type = STR("tmux_pane_focus"),
		.start_ns = INT64_C(1770109200) * NS_PER_S + minute * NS_PER_MINUTE,
		.revision = revision,
		.data = str_from(data),
	};

	snprintf(id, sizeof(id), M ":test:tmux_pane_focus:2026-02-03T09:%02d:00.000Z:%%1", minute);
	event.id = str_from(id);
	OK_RC(opened, intake_begin(&intake, opened->store, &opened->err));
	if (data)
		OK_RC(opened, intake_event(intake, &event, &origin, &result, &opened->err));
	else
		OK_RC(opened, intake_withdraw(intake, event.id, &opened->err));
	OK_RC(opened, intake_commit(intake, &opened->err));
}

static void corrections(void)
{
	struct opened opened = open_new();
	struct derived_mark mark;
	struct derived_correction *list;
	struct store_info info;
	size_t count;

	put_event(&opened, 1, 0, "{\"pane_id\":\"1\"}");
	put_event(&opened, 2, 0, "{\"pane_id\":\"2\"}");
	/* Nothing was accounted for yet: nothing to note. */
	put_event(&opened, 1, 1, "{\"pane_id\":\"1\",\"n\":1}");
	OK_RC(&opened, derived_mark_get(opened.store, &mark, &opened.err));
	IS_INT(mark.seq, 0);
	OK(!mark.corrected);
	OK_RC(&opened, store_info(opened.store, &info, &opened.err));
	mark = (struct derived_mark){ .seq = info.last_seq, .gap_ns = 7 };
	OK_RC(&opened, derived_begin(opened.store, &opened.err));
	OK_RC(&opened, derived_mark_put(opened.store, &mark, &opened.err));
	OK_RC(&opened, derived_commit(opened.store, &opened.err));
	put_event(&opened, 1, 2, "{\"pane_id\":\"1\",\"n\":2}");
	put_event(&opened, 1, 3, "{\"pane_id\":\"1\",\"n\":3}");
	put_event(&opened, 2, 0, NULL);
	put_event(&opened, 3, 0, "{\"pane_id\":\"3\"}");
	put_event(&opened, 3, 1, "{\"pane_id\":\"3\",\"n\":1}");
	OK_RC(&opened, derived_mark_get(opened.store, &mark, &opened.err));
	OK(mark.corrected);
	IS_INT(mark.gap_ns, 7);
	OK_RC(&opened,
		derived_corrections(opened.store, &opened.arena, &list, &count, &opened.err));
	if (OK(count == 2)) {
		OK(list[0].seq > mark.seq);
		IS_STR(list[0].before, "{\"pane_id\":\"1\",\"n\":1}");
		IS_STR(list[0].after, "{\"pane_id\":\"1\",\"n\":3}");
		IS_INT(list[1].seq, 0);
		IS_STR(list[1].before, "{\"pane_id\":\"2\"}");
	}
	OK_RC(&opened, derived_corrections_clear(opened.store, &opened.err));
	OK_RC(&opened, derived_mark_get(opened.store, &mark, &opened.err));
	OK(!mark.corrected);
	OK_RC(&opened, derived_clear(opened.store, &opened.err));
	OK_RC(&opened, derived_mark_get(opened.store, &mark, &opened.err));
	IS_INT(mark.seq, 0);
	OK(!mark.rebuild);
	close_all(&opened);
}

static const struct tap_case cases[] = {
	TAP_CASE(points),
	TAP_CASE(lookups),
	TAP_CASE(views),
	TAP_CASE(counting_roots),
	TAP_CASE(changes),
	TAP_CASE(corrections),
};
TAP_MAIN(cases)
