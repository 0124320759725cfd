/*
 * Made-up data for benches and the demonstration, the same for the same arguments: no clock, no
 * randomness of its own.
 *
 *   generate events COUNT UNTIL      wire lines of COUNT events of a year's work on three machines,
 *                                    the last near UNTIL
 *   generate desktop COUNT UNTIL     the same, every other event from a desktop's watchers:
 * windows, tabs, editors, AFK generate demo UNTIL              wire lines of a fortnight of one
 * person's work with agents generate claude BYTES DIR UNTIL  Claude Code transcripts below
 * DIR/projects, as real ones are generate dense BYTES DIR UNTIL   the same of short lines, each
 * with something to count generate huge BYTES DIR UNTIL    as real ones are, in one file
 *
 * UNTIL is RFC 3339.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/time.h"
#include "model/codec.h"
#include "model/id.h"

#include "dice.h"
#include "transcripts.h"

static const char *const machines[] = {
	"0b6f1c1e-5d0a-4c55-9d57-0f3a6d3c0a01",
	"0b6f1c1e-5d0a-4c55-9d57-0f3a6d3c0a02",
	"0b6f1c1e-5d0a-4c55-9d57-0f3a6d3c0a03",
};
static const char *const projects[] = { "webapp", "api", "infra", "docs", "mobile", "billing",
	"search", "tidepool" };
static const char *const tools[] = { "Read", "Edit", "Bash", "Grep", "Write", "Glob", "Task" };
static const char *const files[] = { "src/main.c", "src/cart.py", "README.md", "tests/test_cart.py",
	"package.json", "src/http/server.go", "docs/api.md", "Makefile", "src/db/schema.sql",
	"src/util.rs" };

struct work {
	uint64_t state;
	const char *machine;
	const char *project;
	uint64_t session;
	int64_t at_ns;
	int64_t duration_ns; /* of the next event */
	struct buf out;
	struct buf id;
	struct buf data;
};

static void emit(struct work *work, const char *source, const char *type, const char *discriminator)
{
	struct event event = {
		.source = str_from(source),
		.type = str_from(type),
		.start_ns = time_floor_ms(work->at_ns),
		.duration_ns = work->duration_ns,
		.data = buf_str(&work->data),
	};

	buf_clear(&work->id);
	id_build(&work->id, str_from(work->machine), event.source, event.type, event.start_ns,
		str_from(discriminator));
	event.id = buf_str(&work->id);
	wire_encode_event(&work->out, &event);
	if (work->out.len > (1u << 20)) {
		fwrite(work->out.ptr, 1, work->out.len, stdout);
		buf_clear(&work->out);
	}
}

static struct json_writer begin(struct work *work)
{
	struct json_writer json;

	buf_clear(&work->data);
	json = json_writer(&work->data);
	json_begin_object(&json);
	return json;
}

static void put_place(struct work *work, struct json_writer *json)
{
	char cwd[128];

	snprintf(cwd, sizeof(cwd), "/home/dana/work/%s", work->project);
	json_kv_str(json, "cwd", str_from(cwd));
	json_kv_str(json, "git_project", str_from(work->project));
}

static void put_agent(struct work *work, struct json_writer *json)
{
	char session[64];

	snprintf(session, sizeof(session), "5e551011-0000-4000-8000-%012llx",
		(unsigned long long)work->session);
	json_kv_str(json, "agent", STR("claude-code"));
	json_kv_str(json, "session_id", str_from(session));
	put_place(work, json);
}

static void emit_focus(struct work *work, const char *type)
{
	struct json_writer json = begin(work);
	char pane[16];

	snprintf(pane, sizeof(pane), "%%%llu", (unsigned long long)dice_below(&work->state, 8));
	put_place(work, &json);
	json_kv_str(&json, "pane_id", str_from(pane));
	json_kv_str(&json, "tmux_session", STR("main"));
	json_end_object(&json);
	emit(work, "remote.tmux", type, pane);
}

static void emit_prompt(struct work *work)
{
	struct json_writer json = begin(work);
	char disc[48];

	put_agent(work, &json);
	json_kv_i64(&json, "length", (int64_t)(20 + dice_below(&work->state, 400)));
	json_kv_bool(&json, "has_image", false);
	json_end_object(&json);
	snprintf(disc, sizeof(disc), "%016llx", (unsigned long long)dice_next(&work->state));
	emit(work, "claude", "user_message", disc);
}

static void emit_tool(struct work *work)
{
	struct json_writer json = begin(work);
	char disc[48], file[160];

	put_agent(work, &json);
	json_kv_str(&json, "tool", str_from(tools[dice_below(&work->state, ARRAY_LEN(tools))]));
	snprintf(file, sizeof(file), "/home/dana/work/%s/%s", work->project,
		files[dice_below(&work->state, ARRAY_LEN(files))]);
	json_kv_str(&json, "file", str_from(file));
	json_end_object(&json);
	snprintf(disc, sizeof(disc), "toolu_%016llx", (unsigned long long)dice_next(&work->state));
	emit(work, "claude", "agent_tool_use", disc);
}

static void emit_response(struct work *work)
{
	struct json_writer json = begin(work);
	char disc[48];

	put_agent(work, &json);
	json_kv_str(&json, "model", STR("claude-sonnet-4-5"));
	json_kv_i64(&json, "input_tokens", (int64_t)dice_below(&work->state, 40));
	json_kv_i64(&json, "output_tokens", (int64_t)dice_below(&work->state, 2000));
	json_kv_i64(&json, "cache_read_tokens", (int64_t)dice_below(&work->state, 90000));
	json_end_object(&json);
	snprintf(disc, sizeof(disc), "msg_%016llx", (unsigned long long)dice_next(&work->state));
	emit(work, "claude", "agent_response", disc);
}

/* One event of everyday work; the mix is that of logs seen: half focus, a third tools. */
static void emit_any(struct work *work)
{
	uint64_t dice = dice_below(&work->state, 100);

	if (dice < 50)
		emit_focus(work, dice < 46 ? "tmux_pane_focus" : "tmux_scroll");
	else if (dice < 85)
		emit_tool(work);
	else if (dice < 96)
		emit_response(work);
	else
		emit_prompt(work);
}

static const char *const apps[] = { "kitty", "firefox", "Code", "Slack", "firefox", "Code" };

/* What is looked at: of a few dozen pages, which change from hour to hour. */
static unsigned long long any_page(struct work *work)
{
	return (unsigned long long)(work->at_ns / NS_PER_HOUR) +
	       (unsigned long long)dice_below(&work->state, 40);
}

static void emit_window(struct work *work)
{
	struct json_writer json = begin(work);
	char title[64];

	snprintf(title, sizeof(title), "%s - page %llu", work->project, any_page(work));
	json_kv_str(&json, "app", str_from(apps[dice_below(&work->state, ARRAY_LEN(apps))]));
	json_kv_str(&json, "title", str_from(title));
	json_end_object(&json);
	emit(work, "aw.aw-watcher-window_desk", "currentwindow", "w");
}

static void emit_tab(struct work *work)
{
	struct json_writer json = begin(work);
	char url[64];

	snprintf(url, sizeof(url), "https://example.org/%s/%llu", work->project, any_page(work));
	json_kv_bool(&json, "audible", false);
	json_kv_bool(&json, "incognito", false);
	json_kv_str(&json, "title", str_from(work->project));
	json_kv_str(&json, "url", str_from(url));
	json_end_object(&json);
	emit(work, "aw.aw-watcher-web-firefox_desk", "web.tab.current", "t");
}

static void emit_editor(struct work *work)
{
	struct json_writer json = begin(work);
	char project[128];

	snprintf(project, sizeof(project), "/home/dana/work/%s", work->project);
	json_kv_str(&json, "file", str_from(files[dice_below(&work->state, ARRAY_LEN(files))]));
	json_kv_str(&json, "language", STR("c"));
	json_kv_str(&json, "project", str_from(project));
	json_end_object(&json);
	emit(work, "aw.aw-watcher-vscode_desk", "app.editor.activity", "e");
}

static void emit_afk(struct work *work, const char *status)
{
	struct json_writer json = begin(work);

	json_kv_str(&json, "status", str_from(status));
	json_end_object(&json);
	emit(work, "aw.aw-watcher-afk_desk", "afkstatus", "a");
}

/* One event of a desktop's watchers: mostly windows, a third of them too short to last. */
static void emit_desktop(struct work *work, int64_t step_ns)
{
	const char *machine = work->machine;
	uint64_t dice = dice_below(&work->state, 100);

	work->machine = machines[0];
	work->duration_ns = dice < 30 ? 0 : step_ns;
	if (dice < 70)
		emit_window(work);
	else if (dice < 85)
		emit_tab(work);
	else if (dice < 95)
		emit_editor(work);
	else
		emit_afk(work, dice < 98 ? "not-afk" : "afk");
	work->machine = machine;
	work->duration_ns = 0;
}

static void choose_place(struct work *work)
{
	work->machine = machines[dice_below(&work->state, ARRAY_LEN(machines))];
	work->project = projects[dice_below(&work->state, ARRAY_LEN(projects))];
	work->session = dice_next(&work->state) & 0xffffffffffff;
}

static void flush(struct work *work)
{
	fwrite(work->out.ptr, 1, work->out.len, stdout);
	buf_release(&work->out);
	buf_release(&work->id);
	buf_release(&work->data);
}

static void generate_events(uint64_t count, bool desktop, int64_t until_ns)
{
	struct work work = { .state = 1 };
	int64_t step_ns = 365 * 24 * NS_PER_HOUR / (int64_t)(count ? count : 1);

	for (uint64_t i = 0; i < count; i++) {
		if (i % 300 == 0)
			choose_place(&work);
		work.at_ns = until_ns - (int64_t)(count - i) * step_ns;
		if (desktop && i % 2 == 1)
			emit_desktop(&work, 2 * step_ns);
		else
			emit_any(&work);
	}
	flush(&work);
}

/* An hour or so with an agent: prompts, the agent's work, glances elsewhere. Ends at the time it
 * returns. */
static int64_t demo_stretch(struct work *work, int64_t from_ns)
{
	uint64_t turns = 3 + dice_below(&work->state, 5);

	choose_place(work);
	work->at_ns = from_ns;
	emit_focus(work, "tmux_pane_focus");
	for (uint64_t turn = 0; turn < turns; turn++) {
		uint64_t steps = 4 + dice_below(&work->state, 12);

		work->at_ns += (int64_t)(20 + dice_below(&work->state, 100)) * NS_PER_S;
		emit_prompt(work);
		for (uint64_t i = 0; i < steps; i++) {
			work->at_ns += (int64_t)(5 + dice_below(&work->state, 60)) * NS_PER_S;
			if (i % 3 == 2)
				emit_response(work);
			else
				emit_tool(work);
		}
		work->at_ns += (int64_t)(10 + dice_below(&work->state, 240)) * NS_PER_S;
		emit_focus(work, "tmux_pane_focus");
	}
	return work->at_ns;
}

static void generate_demo(int64_t until_ns)
{
	struct work work = { .state = 7 };

	for (int day = 13; day >= 0; day--) {
		int64_t end_ns = until_ns - day * 24 * NS_PER_HOUR;
		int64_t at_ns = end_ns - 8 * NS_PER_HOUR;

		if (day % 7 == 5 || day % 7 == 6)
			continue;
		while (at_ns < end_ns - 90 * NS_PER_MINUTE)
			at_ns = demo_stretch(&work, at_ns) +
				(int64_t)dice_below(&work.state, 20) * NS_PER_MINUTE;
	}
	flush(&work);
}

int main(int argc, char **argv)
{
	static const char *const transcripts[] = { [TRANSCRIPTS_REAL] = "claude",
		[TRANSCRIPTS_DENSE] = "dense",
		[TRANSCRIPTS_HUGE] = "huge" };
	struct err err;
	int64_t until_ns;
	uint64_t count;
	bool desktop;

	if (argc < 3 || time_parse(str_from(argv[argc - 1]), &until_ns, &err) < 0) {
		fprintf(stderr,
			"usage: generate events|desktop COUNT UNTIL | demo UNTIL | claude|dense|huge BYTES DIR UNTIL\n");
		return 2;
	}
	if (argc == 3 && strcmp(argv[1], "demo") == 0) {
		generate_demo(until_ns);
		return 0;
	}
	desktop = strcmp(argv[1], "desktop") == 0;
	if (argc == 4 && (desktop || strcmp(argv[1], "events") == 0) &&
		str_to_u64(str_from(argv[2]), &count)) {
		generate_events(count, desktop, until_ns);
		return 0;
	}
	for (size_t i = 0; argc == 5 && i < ARRAY_LEN(transcripts); i++)
		if (strcmp(argv[1], transcripts[i]) == 0 && str_to_u64(str_from(argv[2]), &count))
			return transcripts_write(
				(enum transcripts_kind)i, count, argv[3], until_ns);
	fprintf(stderr, "generate: cannot understand these arguments\n");
	return 2;
}
