/*
 * Made-up data for benches and the demonstration, the same for the same arguments: no clock, no
 * randomness of its own.
 *
 *   generate events COUNT UNTIL        wire lines of COUNT events of a year's work on three
 * machines, the last near UNTIL generate demo UNTIL                wire lines of a fortnight of one
 * person's work with agents, up to UNTIL generate claude BYTES DIR UNTIL    Claude Code transcripts
 * of about BYTES below DIR/projects (median line 1.5 KB, some of 1 MB)
 *
 * UNTIL is RFC 3339.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/time.h"
#include "model/codec.h"
#include "model/id.h"

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

/* A small generator of numbers (splitmix64): the state is the caller's. */
static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t below(uint64_t *state, uint64_t limit)
{
	return next(state) % limit;
}

struct work {
	uint64_t state;
	const char *machine;
	const char *project;
	uint64_t session;
	int64_t at_ns;
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

	snprintf(pane, sizeof(pane), "%%%llu", (unsigned long long)below(&work->state, 8));
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
	json_kv_i64(&json, "length", (int64_t)(20 + below(&work->state, 400)));
	json_kv_bool(&json, "has_image", false);
	json_end_object(&json);
	snprintf(disc, sizeof(disc), "%016llx", (unsigned long long)next(&work->state));
	emit(work, "claude", "user_message", disc);
}

static void emit_tool(struct work *work)
{
	struct json_writer json = begin(work);
	char disc[48], file[160];

	put_agent(work, &json);
	json_kv_str(&json, "tool", str_from(tools[below(&work->state, ARRAY_LEN(tools))]));
	snprintf(file, sizeof(file), "/home/dana/work/%s/%s", work->project,
		files[below(&work->state, ARRAY_LEN(files))]);
	json_kv_str(&json, "file", str_from(file));
	json_end_object(&json);
	snprintf(disc, sizeof(disc), "toolu_%016llx", (unsigned long long)next(&work->state));
	emit(work, "claude", "agent_tool_use", disc);
}

static void emit_response(struct work *work)
{
	struct json_writer json = begin(work);
	char disc[48];

	put_agent(work, &json);
	json_kv_str(&json, "model", STR("claude-sonnet-4-5"));
	json_kv_i64(&json, "input_tokens", (int64_t)below(&work->state, 40));
	json_kv_i64(&json, "output_tokens", (int64_t)below(&work->state, 2000));
	json_kv_i64(&json, "cache_read_tokens", (int64_t)below(&work->state, 90000));
	json_end_object(&json);
	snprintf(disc, sizeof(disc), "msg_%016llx", (unsigned long long)next(&work->state));
	emit(work, "claude", "agent_response", disc);
}

/* One event of everyday work; the mix is that of logs seen: half focus, a third tools. */
static void emit_any(struct work *work)
{
	uint64_t dice = below(&work->state, 100);

	if (dice < 50)
		emit_focus(work, dice < 46 ? "tmux_pane_focus" : "tmux_scroll");
	else if (dice < 85)
		emit_tool(work);
	else if (dice < 96)
		emit_response(work);
	else
		emit_prompt(work);
}

static void choose_place(struct work *work)
{
	work->machine = machines[below(&work->state, ARRAY_LEN(machines))];
	work->project = projects[below(&work->state, ARRAY_LEN(projects))];
	work->session = next(&work->state) & 0xffffffffffff;
}

static void flush(struct work *work)
{
	fwrite(work->out.ptr, 1, work->out.len, stdout);
	buf_release(&work->out);
	buf_release(&work->id);
	buf_release(&work->data);
}

static void generate_events(uint64_t count, int64_t until_ns)
{
	struct work work = { .state = 1 };
	int64_t step_ns = 365 * 24 * NS_PER_HOUR / (int64_t)(count ? count : 1);

	for (uint64_t i = 0; i < count; i++) {
		if (i % 300 == 0)
			choose_place(&work);
		work.at_ns = until_ns - (int64_t)(count - i) * step_ns;
		emit_any(&work);
	}
	flush(&work);
}

/* An hour or so with an agent: prompts, the agent's work, glances elsewhere. Ends at the time it
 * returns. */
static int64_t demo_stretch(struct work *work, int64_t from_ns)
{
	uint64_t turns = 3 + below(&work->state, 5);

	choose_place(work);
	work->at_ns = from_ns;
	emit_focus(work, "tmux_pane_focus");
	for (uint64_t turn = 0; turn < turns; turn++) {
		uint64_t steps = 4 + below(&work->state, 12);

		work->at_ns += (int64_t)(20 + below(&work->state, 100)) * NS_PER_S;
		emit_prompt(work);
		for (uint64_t i = 0; i < steps; i++) {
			work->at_ns += (int64_t)(5 + below(&work->state, 60)) * NS_PER_S;
			if (i % 3 == 2)
				emit_response(work);
			else
				emit_tool(work);
		}
		work->at_ns += (int64_t)(10 + below(&work->state, 240)) * NS_PER_S;
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
				(int64_t)below(&work.state, 20) * NS_PER_MINUTE;
	}
	flush(&work);
}

struct corpus {
	uint64_t state;
	uint64_t bytes;
	int64_t at_ns;
	char session[48];
};

/* Median about 1.5 KB, one in a hundred around 100 KB, one in a thousand 1 MB. */
static size_t padding_bytes(struct corpus *corpus)
{
	uint64_t dice = below(&corpus->state, 1000);

	if (dice == 0)
		return 1u << 20;
	if (dice < 10)
		return 100u << 10;
	return 200 + below(&corpus->state, 2000);
}

static void claude_line(struct corpus *corpus, FILE *file, uint64_t number)
{
	static const char filler[] = "a line of tool output that looks like many others\\n";
	char time[TIME_TEXT_BYTES];
	bool user = number % 4 == 3;
	size_t padding = padding_bytes(corpus);
	uint64_t message = number / 2;
	int written;

	corpus->at_ns += (int64_t)(1 + below(&corpus->state, 30)) * NS_PER_S;
	written = fprintf(file,
		"{\"parentUuid\":null,\"isSidechain\":false,\"userType\":\"external\",\"cwd\":\"/home/dana/work/webapp\",\"sessionId\":\"%s\","
		"\"version\":\"2.1.85\",\"gitBranch\":\"main\",\"type\":\"%s\",\"uuid\":\"%016llx-%llx\",\"timestamp\":\"%s\",",
		corpus->session, user ? "user" : "assistant",
		(unsigned long long)next(&corpus->state), (unsigned long long)number,
		time_format(corpus->at_ns, 3, time));
	corpus->bytes += (uint64_t)written;
	if (user)
		written = fprintf(file,
			"\"message\":{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"toolu_%s_%llu\",\"content\":\"",
			corpus->session, (unsigned long long)number - 1);
	else
		written = fprintf(file,
			"\"requestId\":\"req_%s_%llu\",\"message\":{\"id\":\"msg_%s_%llu\",\"type\":\"message\",\"role\":\"assistant\","
			"\"model\":\"claude-sonnet-4-5\",\"usage\":{\"input_tokens\":12,\"cache_creation_input_tokens\":400,"
			"\"cache_read_input_tokens\":9000,\"output_tokens\":%llu},\"content\":[{\"type\":\"tool_use\",\"id\":\"toolu_%s_%llu\","
			"\"name\":\"Bash\",\"input\":{\"command\":\"",
			corpus->session, (unsigned long long)message, corpus->session,
			(unsigned long long)message, (unsigned long long)(number % 2 ? 200 : 5),
			corpus->session, (unsigned long long)number);
	corpus->bytes += (uint64_t)written;
	for (size_t i = 0; i < padding; i += sizeof(filler) - 1) {
		fwrite(filler, 1, sizeof(filler) - 1, file);
		corpus->bytes += sizeof(filler) - 1;
	}
	corpus->bytes += (uint64_t)fprintf(file, "%s", user ? "\"}]}}\n" : "\"}}]}}\n");
}

static int generate_claude(uint64_t bytes, const char *dir, int64_t until_ns)
{
	struct corpus corpus = { .state = 3 };
	char path[512];

	snprintf(path, sizeof(path), "%s/projects", dir);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/projects/-home-dana-work-webapp", dir);
	mkdir(path, 0700);
	for (uint64_t session = 0; corpus.bytes < bytes; session++) {
		FILE *file;

		snprintf(corpus.session, sizeof(corpus.session), "5e551011-0000-4000-8000-%012llx",
			(unsigned long long)session);
		snprintf(path, sizeof(path), "%s/projects/-home-dana-work-webapp/%s.jsonl", dir,
			corpus.session);
		file = fopen(path, "w");
		if (!file) {
			perror(path);
			return 1;
		}
		corpus.at_ns = until_ns - (int64_t)(session % 300 + 1) * 24 * NS_PER_HOUR;
		for (uint64_t number = 0; number < 4000 && corpus.bytes < bytes; number++)
			claude_line(&corpus, file, number);
		fclose(file);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct err err;
	int64_t until_ns;
	uint64_t count;

	if (argc < 3 || time_parse(str_from(argv[argc - 1]), &until_ns, &err) < 0) {
		fprintf(stderr,
			"usage: generate events COUNT UNTIL | demo UNTIL | claude BYTES DIR UNTIL\n");
		return 2;
	}
	if (argc == 3 && strcmp(argv[1], "demo") == 0) {
		generate_demo(until_ns);
		return 0;
	}
	if (argc == 4 && strcmp(argv[1], "events") == 0 && str_to_u64(str_from(argv[2]), &count)) {
		generate_events(count, until_ns);
		return 0;
	}
	if (argc == 5 && strcmp(argv[1], "claude") == 0 && str_to_u64(str_from(argv[2]), &count))
		return generate_claude(count, argv[3], until_ns);
	fprintf(stderr, "generate: cannot understand these arguments\n");
	return 2;
}
