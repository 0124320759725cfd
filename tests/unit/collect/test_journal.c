/* The hook journal: lines, debounce, hostile names, full disks, and draining while others append
 * and processes are killed. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "collect/project.h"
#include "world.h"

#define JOURNAL "data/events.jsonl"
#define T0 (INT64_C(1770129121) * NS_PER_S + 250 * NS_PER_MS) /* 2026-02-03T14:32:01.250Z */

static struct hook_event hook(const char *type, const char *pane)
{
	return (struct hook_event){ .type = type, .pane = pane, .session = "main", .cwd = "/h/p" };
}

static int append_at(struct world *world, const struct hook_event *event, int64_t ms)
{
	return journal_append(
		world->dirs.data, &world->machine, event, T0 + ms * NS_PER_MS, &world->err);
}

static void add(struct world *world, const char *type, const char *pane, int64_t ms)
{
	struct hook_event event = hook(type, pane);

	OK(append_at(world, &event, ms) == 0);
}

static void focus(struct world *world, const char *pane, int64_t ms)
{
	add(world, "tmux_pane_focus", pane, ms);
}

static struct str journal(struct world *world)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct err ignored;

	if (fs_read(world_path(world, JOURNAL), 64 << 20, &text, &ignored) < 0)
		return (struct str){ NULL, 0 };
	return arena_str(&world->arena, buf_str(&text));
}

static size_t lines(struct world *world)
{
	struct str rest = journal(world);
	size_t count = 0;

	while (rest.len > 0 && str_find(rest, '\n', 0) >= 0) {
		str_split(&rest, '\n');
		count++;
	}
	return count;
}

static long long quarantined(struct world *world)
{
	struct store_info info;

	OK(store_info(world->store, &info, &world->err) == 0);
	return info.quarantined;
}

static void one_line_in_wire_form(void)
{
	struct hook_event event = hook("tmux_pane_focus", "%3");
	struct world world;

	world_init(&world);
	event.window = "1";
	OK(append_at(&world, &event, 0) == 0);
	IS_STR(journal(&world),
		"{\"id\":\"" WORLD_MACHINE
		":remote.tmux:tmux_pane_focus:2026-02-03T14:32:01.250Z:%3\","
		"\"timestamp\":\"2026-02-03T14:32:01.250Z\",\"source\":\"remote.tmux\",\"type\":\"tmux_pane_focus\","
		"\"cwd\":\"/h/p\",\"pane_id\":\"%3\",\"tmux_session\":\"main\",\"window_index\":1}\n");
	world_end(&world);
}

static void project_of_the_directory(void)
{
	struct hook_event event = hook("tmux_scroll", "%3");
	struct world world;
	struct world_events events;

	world_init(&world);
	world_write(&world, "repo/.git/HEAD", STR("x"));
	world_write(&world, "repo/.git/config", STR("[remote \"origin\"]\nurl = h:acme.git\n"));
	event.cwd = world_path(&world, "repo");
	OK(append_at(&world, &event, 0) == 0);
	world_collect(&world, &journal_source);
	events = world_events(&world, "tmux_scroll");
	if (IS_INT(events.count, 1)) {
		IS_CSTR(world_value(&world, &events.items[0], "git_project"), "acme");
		IS_CSTR(world_value(&world, &events.items[0], "git_workspace"), "repo");
		IS_CSTR(world_value(&world, &events.items[0], "window_index"), "");
	}
	world_end(&world);
}

static void debounce(void)
{
	static const struct {
		const char *name;
		struct {
			const char *type;
			const char *pane;
			int ms;
		} events[6];
		size_t lines;
	} cases[] = {
		{ "B2",
			{ { "tmux_pane_focus", "%1", 0 }, { "tmux_pane_focus", "%1", 20 },
				{ "tmux_pane_focus", "%1", 40 } },
			1 },
		{ "B4",
			{ { "tmux_pane_focus", "%1", 0 }, { "tmux_pane_focus", "%1", 300 },
				{ "tmux_pane_focus", "%1", 600 },
				{ "tmux_pane_focus", "%1", 900 } },
			2 },
		{ "B5",
			{ { "tmux_pane_focus", "%1", 0 }, { "tmux_pane_focus", "%2", 200 },
				{ "tmux_pane_focus", "%1", 400 } },
			3 },
		{ "limit", { { "tmux_pane_focus", "%1", 0 }, { "tmux_pane_focus", "%1", 500 } },
			2 },
		{ "scroll after focus",
			{ { "tmux_pane_focus", "%1", 0 }, { "tmux_scroll", "%1", 400 } }, 1 },
		{ "focus after scroll",
			{ { "tmux_scroll", "%1", 0 }, { "tmux_pane_focus", "%1", 400 } }, 1 },
		{ "blur and back",
			{ { "tmux_pane_focus", "%1", 0 }, { "tmux_pane_blur", "%1", 10 },
				{ "tmux_pane_focus", "%1", 20 } },
			3 },
		{ "blur twice", { { "tmux_pane_blur", "%1", 0 }, { "tmux_pane_blur", "%1", 10 } },
			1 },
		{ "clock goes back",
			{ { "tmux_pane_focus", "%1", 0 }, { "tmux_pane_focus", "%1", -1 } }, 2 },
		{ "blank in the name",
			{ { "tmux_pane_focus", "a b", 0 }, { "tmux_pane_focus", "a b", 10 } }, 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world world;

		world_init(&world);
		for (size_t j = 0; j < 6 && cases[i].events[j].type; j++)
			add(&world, cases[i].events[j].type, cases[i].events[j].pane,
				cases[i].events[j].ms);
		if (!IS_INT(lines(&world), cases[i].lines))
			printf("# case %s\n", cases[i].name);
		world_end(&world);
	}
}

static void junk_in_the_state_is_no_state(void)
{
	static const char *const junk[] = { "", "junk", "1770129121250", "1770129121250 look",
		"\n\n", "9999999999999999999 look %1", "-9223372036854775808 look %1" };

	for (size_t i = 0; i < ARRAY_LEN(junk); i++) {
		struct world world;

		world_init(&world);
		world_write(&world, "data/.hook", str_from(junk[i]));
		focus(&world, "%1", 0);
		IS_INT(lines(&world), 1);
		world_end(&world);
	}
}

static void wrong_use_changes_nothing(void)
{
	struct hook_event events[] = { hook("tmux_pane_focus", ""), hook("tmux_pane_focus", "%1"),
		hook("tmux_pane_focus", "%1"), hook("tmux_pane_focus", "%1") };
	struct world world;

	world_init(&world);
	events[1].session = "";
	events[2].window = "one";
	events[3].window = "-1";
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		IS_INT(append_at(&world, &events[i], 0), ERR_USAGE);
	OK(!fs_exists(world_path(&world, JOURNAL)));
	OK(!fs_exists(world_path(&world, "data/.hook")));
	world_end(&world);
}

static void any_path_survives(void)
{
	struct hook_event event = hook("tmux_pane_focus", "%1");
	struct world world;
	struct world_events events;

	world_init(&world);
	event.cwd = "/we ird $(touch X) 'q\"\\\n\xf0\x9f\x98\x80\xff";
	OK(append_at(&world, &event, 0) == 0);
	IS_INT(lines(&world), 1);
	IS_INT(world_collect(&world, &journal_source).new_events, 1);
	events = world_events(&world, "");
	if (IS_INT(events.count, 1))
		IS_CSTR(world_value(&world, &events.items[0], "cwd"),
			"/we ird $(touch X) 'q\"\\\n\xf0\x9f\x98\x80\xef\xbf\xbd");
	world_end(&world);
}

static void drained_once_and_removed(void)
{
	struct world world;
	struct source_counts counts;

	world_init(&world);
	IS_INT(journal_source.present(&world.context), 0);
	focus(&world, "%1", 0);
	focus(&world, "%2", 1);
	IS_INT(journal_source.present(&world.context), 1);
	counts = world_collect(&world, &journal_source);
	IS_INT(counts.new_events, 2);
	IS_INT(counts.files, 1);
	OK(!fs_exists(world_path(&world, JOURNAL)));
	counts = world_collect(&world, &journal_source);
	IS_INT(counts.new_events + counts.files, 0);
	focus(&world, "%3", 2);
	IS_INT(world_collect(&world, &journal_source).new_events, 1);
	IS_INT(world_events(&world, "tmux_pane_focus").count, 3);
	world_end(&world);
}

static void torn_line_waits_for_its_rest(void)
{
	struct world world;
	struct str line;

	world_init(&world);
	focus(&world, "%1", 0);
	focus(&world, "%2", 1);
	line = journal(&world);
	world_write(&world, JOURNAL, str_sub(line, 0, line.len - 40));
	IS_INT(world_collect(&world, &journal_source).new_events, 1);
	IS_INT(world_collect(&world, &journal_source).new_events, 0);
	IS_INT(quarantined(&world), 0);
	world_append(&world, JOURNAL, str_sub(line, line.len - 40, 40));
	IS_INT(world_collect(&world, &journal_source).new_events, 1);
	IS_INT(quarantined(&world), 0);
	OK(!fs_exists(world_path(&world, JOURNAL)));
	world_end(&world);
}

static void torn_line_never_swallows_the_next(void)
{
	struct world world;

	world_init(&world);
	world_write(&world, JOURNAL, STR("{\"id\":\"to"));
	focus(&world, "%1", 0);
	IS_INT(lines(&world), 2);
	IS_INT(world_collect(&world, &journal_source).new_events, 1);
	IS_INT(quarantined(&world), 1);
	OK(!fs_exists(world_path(&world, JOURNAL)));
	world_end(&world);
}

static void complete_line_without_newline_is_taken_when_closed(void)
{
	struct world world;
	struct str line;

	world_init(&world);
	focus(&world, "%1", 0);
	line = journal(&world);
	world_write(&world, JOURNAL, str_sub(line, 0, line.len - 1));
	IS_INT(world_collect(&world, &journal_source).new_events, 0);
	focus(&world, "%2", 1);
	IS_INT(world_collect(&world, &journal_source).new_events, 2);
	IS_INT(quarantined(&world), 0);
	world_end(&world);
}

static void bad_lines_are_quarantined_with_their_place(void)
{
	struct world world;
	struct quarantine_entry *entries;
	size_t count;

	world_init(&world);
	world_write(&world, JOURNAL, STR("{}\nnot json\n"));
	focus(&world, "%1", 0);
	IS_INT(world_collect(&world, &journal_source).quarantined, 2);
	OK(store_quarantine(world.store, &world.arena, &entries, &count, &world.err) == 0);
	if (IS_INT(count, 2)) {
		IS_STR(entries[1].source, "tmux");
		IS_STR(entries[1].path, world_path(&world, JOURNAL));
		IS_INT(entries[1].offset, 3);
		IS_STR(entries[1].bytes, "not json");
	}
	IS_INT(world_events(&world, "").count, 1);
	world_end(&world);
}

/* --- excluded workspaces --- */

static void exclude(struct world *world, const char *pattern)
{
	const char *const patterns[] = { pattern, NULL };
	const struct workspace_rules rules = { .exclude = patterns };
	struct workspace_policy *policy;

	OK(workspace_policy(&policy, &world->arena, &rules, "/home/ana", &world->err) == 0);
	world->context.policy = policy;
}

static struct hook_event hook_in(const char *cwd, const char *pane)
{
	struct hook_event event = hook("tmux_pane_focus", pane);

	event.cwd = cwd;
	event.session = "diary-session";
	event.window = "3";
	return event;
}

/* Is TEXT in the store, or in the journal? */
static bool is_stored(struct world *world, const char *text)
{
	CLEANUP(buf_release) struct buf bytes = BUF_INIT;
	struct err ignored;

	if (fs_read(world_path(world, JOURNAL), 64 << 20, &bytes, &ignored) == 0 &&
		str_find_str(buf_str(&bytes), str_from(text)) >= 0)
		return true;
	return store_place_holds(&world->place, text);
}

/* That a pane has the focus is kept, and that it is no longer another one; where that is, is not.
 */
static void excluded_workspace_is_not_told(void)
{
	struct hook_event private = hook_in("/home/ana/personal/diary", "%1");
	struct hook_event public = hook_in("/home/ana/work/shop", "%2");
	struct world_events events;
	struct world world;

	world_init(&world);
	exclude(&world, "~/personal/**");
	public.session = "main";
	OK(append_at(&world, &private, 0) == 0);
	OK(append_at(&world, &public, 1000) == 0);
	private.type = "tmux_pane_blur";
	OK(append_at(&world, &private, 2000) == 0);
	IS_INT(world_collect(&world, &journal_source).new_events, 3);
	events = world_events(&world, "tmux_pane_focus");
	if (IS_INT(events.count, 2)) {
		IS_STR(events.items[0].data, "{\"pane_id\":\"%1\",\"window_index\":3}");
		IS_INT(events.items[0].start_ns, T0);
		IS_CSTR(world_value(&world, &events.items[1], "cwd"), "/home/ana/work/shop");
		IS_CSTR(world_value(&world, &events.items[1], "tmux_session"), "main");
	}
	events = world_events(&world, "tmux_pane_blur");
	if (IS_INT(events.count, 1))
		IS_STR(events.items[0].data, "{\"pane_id\":\"%1\",\"window_index\":3}");
	OK(!is_stored(&world, "diary"));
	OK(is_stored(&world, "/home/ana/work/shop"));
	world_end(&world);
}

/* Lines as others wrote them: nested as the predecessor had it, with a project, not valid. */
static void excluded_in_every_form(void)
{
#define LINE(time, rest)                                                                           \
	"{\"id\":\"" WORLD_MACHINE ":remote.tmux:tmux_pane_focus:2026-02-03T14:32:0" time          \
	".000Z:%1\",\"timestamp\":\"2026-02-03T14:32:0" time                                       \
	".000Z\",\"source\":\"remote.tmux\",\"type\":\"tmux_pane_focus\"," rest "}\n"
	static const char *const lines_of[] = {
		LINE("1", "\"pane_id\":\"%1\",\"cwd\":\"/home/ana/personal/../personal/diary\""),
		LINE("2", "\"data\":{\"pane_id\":\"%1\",\"cwd\":\"/home/ana/personal/diary\","
			  "\"tmux_session\":\"diary\",\"more\":{\"cwd\":[1.50]}}"),
		LINE("3", "\"git_project\":\"diary\",\"git_workspace\":\"diary\",\"git_branch\":"
			  "\"diary\",\"cwd\":\"/home/ana/personal\",\"pane_id\":\"%1\",\"data\":7"),
		LINE("4", "\"cwd\":\"/home/ana/personal/diary\",\"no_pane\":1"),
	};
	struct quarantine_entry *entries;
	struct world_events events;
	struct world world;
	size_t count;

	world_init(&world);
	exclude(&world, "~/personal/**");
	for (size_t i = 0; i < ARRAY_LEN(lines_of); i++)
		world_append(&world, JOURNAL, str_from(lines_of[i]));
	world_collect(&world, &journal_source);
	events = world_events(&world, "");
	if (IS_INT(events.count, 3)) {
		IS_STR(events.items[0].data, "{\"pane_id\":\"%1\"}");
		IS_STR(events.items[1].data, "{\"pane_id\":\"%1\",\"more\":{\"cwd\":[1.50]}}");
		IS_STR(events.items[2].data, "{\"pane_id\":\"%1\",\"data\":7}");
	}
	OK(store_quarantine(world.store, &world.arena, &entries, &count, &world.err) == 0);
	if (IS_INT(count, 1))
		OK(str_find_str(entries[0].bytes, STR("no_pane")) >= 0);
	OK(!is_stored(&world, "diary"));
	world_end(&world);
}

/* A file size limit stands for a full disk: what fits is whole, what does not leaves no trace. */
static void no_space_leaves_whole_lines(void)
{
	struct world world;
	size_t one;
	int status;
	pid_t child;

	world_init(&world);
	focus(&world, "%1", 0);
	one = journal(&world).len;
	child = fork();
	if (child == 0) {
		struct rlimit limit = { one + one / 2, one + one / 2 };
		struct hook_event event = hook("tmux_pane_focus", "%2");

		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		_exit(append_at(&world, &event, 1000) == ERR_FULL ? 0 : 1);
	}
	waitpid(child, &status, 0);
	IS_INT(status, 0);
	IS_INT(journal(&world).len, one);
	focus(&world, "%3", 2000);
	IS_INT(world_collect(&world, &journal_source).new_events, 2);
	IS_INT(quarantined(&world), 0);
	world_end(&world);
}

/* A store that somebody else is writing to: the journal stays. */
static void busy_store_loses_nothing(void)
{
	const struct source *source = &journal_source;
	CLEANUP(intake_freep) struct intake *other = NULL;
	struct source_counts counts;
	struct store_options options;
	struct world world;
	size_t count;

	world_init(&world);
	for (int i = 0; i < 200; i++)
		focus(&world, i % 2 ? "%1" : "%2", i);
	options = store_place_options(&world.place);
	options.busy_ms = 10;
	OK(store_open(&world.context.store, &options, &world.err) == 0);
	OK(intake_begin(&other, world.store, &world.err) == 0);
	OK(collect_run(&world.context, &source, 1, &counts, &count, &world.err) < 0);
	IS_INT(world.err.code, ERR_BUSY);
	IS_INT(lines(&world), 200);
	OK(intake_commit(other, &world.err) == 0);
	IS_INT(world_collect(&world, &journal_source).new_events, 200);
	OK(!fs_exists(world_path(&world, JOURNAL)));
	store_close(world.context.store);
	world_end(&world);
}

enum { APPENDERS = 20, EACH = 25 };

static pid_t start_appender(struct world *world, int number)
{
	pid_t child = fork();
	char pane[16];

	if (child != 0)
		return child;
	snprintf(pane, sizeof(pane), "%%%d", number);
	for (int i = 0; i < EACH; i++) {
		struct hook_event event = hook(i % 2 ? "tmux_pane_blur" : "tmux_pane_focus", pane);

		if (append_at(world, &event, i * 1000 + number) < 0)
			_exit(1);
	}
	_exit(0);
}

/* Drain again and again, each time killed after a while, until the appenders are done. */
static void drain_and_kill(struct world *world)
{
	for (int i = 0; i < 60; i++) {
		pid_t child = fork();

		if (child == 0) {
			world_open_store(world);
			for (;;)
				world_collect(world, &journal_source);
		}
		usleep((useconds_t)(2000 + i * 500));
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
}

static void appenders_and_killed_drains(void)
{
	struct world world;
	pid_t appenders[APPENDERS];

	world_init(&world);
	store_close(world.store);
	for (int i = 0; i < APPENDERS; i++)
		appenders[i] = start_appender(&world, i);
	drain_and_kill(&world);
	for (int i = 0; i < APPENDERS; i++) {
		int status;

		waitpid(appenders[i], &status, 0);
		IS_INT(status, 0);
	}
	world_open_store(&world);
	world_collect(&world, &journal_source);
	IS_INT(world_events(&world, "").count, APPENDERS * EACH);
	IS_INT(quarantined(&world), 0);
	OK(!fs_exists(world_path(&world, JOURNAL)));
	world_end(&world);
}

static const struct tap_case cases[] = {
	TAP_CASE(one_line_in_wire_form),
	TAP_CASE(project_of_the_directory),
	TAP_CASE(debounce),
	TAP_CASE(junk_in_the_state_is_no_state),
	TAP_CASE(wrong_use_changes_nothing),
	TAP_CASE(any_path_survives),
	TAP_CASE(drained_once_and_removed),
	TAP_CASE(torn_line_waits_for_its_rest),
	TAP_CASE(torn_line_never_swallows_the_next),
	TAP_CASE(complete_line_without_newline_is_taken_when_closed),
	TAP_CASE(bad_lines_are_quarantined_with_their_place),
	TAP_CASE(excluded_workspace_is_not_told),
	TAP_CASE(excluded_in_every_form),
	TAP_CASE(no_space_leaves_whole_lines),
	TAP_CASE(busy_store_loses_nothing),
	TAP_CASE(appenders_and_killed_drains),
};

TAP_MAIN(cases)
