/*
 * Sizes of the real kind follow what is known of real transcripts: the median line has 1.5 KB,
 * results hold most of the bytes, one in a hundred has 100 KB, one in a thousand 1 MB.
 */
#include "transcripts.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/time.h"
#include "dice.h"

enum { LINES_PER_SESSION = 4000, NAME_BYTES = 48, LARGE = 100 << 10 };

struct corpus {
	uint64_t state;
	uint64_t bytes;
	int64_t at_ns;
	FILE *file;
	uint64_t lines; /* of this file */
	char session[NAME_BYTES];
	char agent[NAME_BYTES];  /* empty: a person's own session */
	char parent[NAME_BYTES]; /* uuid of the record before */
};

/* Lines of code and of program output, escaped as in JSON. */
static const char *const text_lines[] = {
	"static int take_line(struct reader *reader, struct str line)\\n",
	"{\\n",
	"\\tif (line.len == 0)\\n",
	"\\t\\treturn 0;\\n",
	"\\treturn err_set(err, ERR_PARSE, \\\"line %d: '%s'\\\", number, name);\\n",
	"}\\n",
	"\\n",
	"    const total = items.reduce((sum, item) => sum + item.price, 0);\\n",
	"    expect(cart.total).toBe(42);  // rounding: \\u00bd up\\n",
	"ok 17 - tests/test_cart.py::test_coupon_is_applied_once\\n",
	"src/http/server.go:118:\\tlog.Printf(\\\"listening on %s\\\", addr)\\n",
	"drwxr-xr-x  5 dana dana 4096 Feb  3 09:12 node_modules\\n",
	"+    def apply(self, coupon: Coupon) -> Money:\\n",
	"-    def apply(self, coupon):\\n",
	"   CompilingTarget [ 61%] Building C object src/CMakeFiles/core.dir/list.c.o\\n",
	"The total is computed before the discount is applied, so the order matters here.\\n",
};

static const char *const files[] = { "src/main.c", "src/cart.py", "README.md", "tests/test_cart.py",
	"package.json", "src/http/server.go", "docs/api.md", "Makefile", "src/db/schema.sql",
	"src/util.rs" };

static uint64_t below(struct corpus *corpus, uint64_t limit)
{
	return dice_below(&corpus->state, limit);
}

/* --- writing --- */

__attribute__((format(printf, 2, 3))) static void put(
	struct corpus *corpus, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	corpus->bytes += (uint64_t)vfprintf(corpus->file, format, args);
	va_end(args);
}

/* About BYTES of text, as it stands between quotes. */
static void put_text(struct corpus *corpus, uint64_t seed, uint64_t bytes)
{
	for (uint64_t done = 0; done < bytes;) {
		const char *line =
			text_lines[dice_below(&seed, sizeof(text_lines) / sizeof(text_lines[0]))];
		size_t len = strlen(line);

		fwrite(line, 1, len, corpus->file);
		done += len;
		corpus->bytes += len;
	}
}

/* Random characters, as signatures and ids have them. */
static void put_noise(struct corpus *corpus, uint64_t count)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

	corpus->bytes += count;
	for (uint64_t i = 0; i < count; i++)
		fputc(digits[below(corpus, sizeof(digits) - 1)], corpus->file);
}

static void make_uuid(struct corpus *corpus, char out[static NAME_BYTES])
{
	uint64_t a = dice_next(&corpus->state), b = dice_next(&corpus->state);

	snprintf(out, NAME_BYTES, "%08x-%04x-4%03x-8%03x-%012llx", (unsigned)(a >> 32),
		(unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff), (unsigned)(b >> 52),
		(unsigned long long)(b & 0xffffffffffff));
}

/* What stands at the start of each record; the rest of it follows, then end_record. */
static void begin_record(struct corpus *corpus, const char *type)
{
	put(corpus,
		"{\"parentUuid\":\"%s\",\"isSidechain\":%s,\"userType\":\"external\","
		"\"cwd\":\"/home/dana/work/webapp\",\"sessionId\":\"%s\",\"version\":\"2.1.85\","
		"\"gitBranch\":\"main\",%s%s%s\"type\":\"%s\",",
		corpus->parent, corpus->agent[0] ? "true" : "false", corpus->session,
		corpus->agent[0] ? "\"agentId\":\"" : "", corpus->agent,
		corpus->agent[0] ? "\"," : "", type);
}

static void end_record(struct corpus *corpus)
{
	char time[TIME_TEXT_BYTES];

	corpus->at_ns += (int64_t)(200 + below(corpus, 12000)) * NS_PER_MS;
	make_uuid(corpus, corpus->parent);
	put(corpus, "\"uuid\":\"%s\",\"timestamp\":\"%s\"}\n", corpus->parent,
		time_format(corpus->at_ns, 3, time));
	corpus->lines++;
}

/* --- records --- */

static void put_prompt(struct corpus *corpus)
{
	put(corpus,
		"{\"type\":\"file-history-snapshot\",\"messageId\":\"%s\",\"snapshot\":{\"messageId\":\"%s\","
		"\"trackedFileBackups\":{\"src/cart.py\":{\"backupFileName\":\"9f1c@v%u\",\"version\":1}},"
		"\"timestamp\":\"2026-02-03T09:00:00.000Z\"},\"isSnapshotUpdate\":false}\n",
		corpus->parent, corpus->parent, (unsigned)below(corpus, 9));
	begin_record(corpus, "user");
	put(corpus, "\"message\":{\"role\":\"user\",\"content\":\"");
	put_text(corpus, dice_next(&corpus->state), 40 + below(corpus, 400));
	put(corpus, "\"},\"promptSource\":\"typed\",");
	end_record(corpus);
}

struct answer {
	char message[NAME_BYTES];
	char request[NAME_BYTES];
	unsigned input, cache_write, cache_read, output;
};

static struct answer new_answer(struct corpus *corpus)
{
	struct answer answer = {
		.input = (unsigned)below(corpus, 20),
		.cache_write = (unsigned)below(corpus, 4000),
		.cache_read = (unsigned)below(corpus, 120000),
		.output = 1 + (unsigned)below(corpus, 8),
	};

	snprintf(answer.message, NAME_BYTES, "msg_01%016llX%04X",
		(unsigned long long)dice_next(&corpus->state), (unsigned)below(corpus, 65536));
	snprintf(answer.request, NAME_BYTES, "req_011C%016llX",
		(unsigned long long)dice_next(&corpus->state));
	return answer;
}

/* One line of an answer: the start, up to the block. */
static void begin_line(struct corpus *corpus, const struct answer *answer)
{
	begin_record(corpus, "assistant");
	put(corpus,
		"\"message\":{\"id\":\"%s\",\"type\":\"message\",\"role\":\"assistant\","
		"\"model\":\"claude-sonnet-4-5-20250929\",\"content\":[",
		answer->message);
}

static void end_line(struct corpus *corpus, const struct answer *answer, const char *stop)
{
	put(corpus,
		"],\"stop_reason\":%s,\"stop_sequence\":null,\"usage\":{\"input_tokens\":%u,"
		"\"cache_creation_input_tokens\":%u,\"cache_read_input_tokens\":%u,"
		"\"cache_creation\":{\"ephemeral_5m_input_tokens\":%u,\"ephemeral_1h_input_tokens\":0},"
		"\"output_tokens\":%u,\"service_tier\":\"standard\"}},\"requestId\":\"%s\",",
		stop, answer->input, answer->cache_write, answer->cache_read, answer->cache_write,
		answer->output, answer->request);
	end_record(corpus);
}

static void put_thinking(struct corpus *corpus, struct answer *answer)
{
	begin_line(corpus, answer);
	put(corpus, "{\"type\":\"thinking\",\"thinking\":\"");
	put_text(corpus, dice_next(&corpus->state), 100 + below(corpus, 1200));
	put(corpus, "\",\"signature\":\"");
	put_noise(corpus, 300 + below(corpus, 1400));
	put(corpus, "\"}");
	end_line(corpus, answer, "null");
}

static void put_words(struct corpus *corpus, struct answer *answer, const char *stop)
{
	begin_line(corpus, answer);
	put(corpus, "{\"type\":\"text\",\"text\":\"");
	put_text(corpus, dice_next(&corpus->state), 100 + below(corpus, 1000));
	put(corpus, "\"}");
	end_line(corpus, answer, stop);
}

/* How large the text of a result is: mostly some KB. */
static uint64_t result_bytes(struct corpus *corpus, uint64_t usual)
{
	uint64_t dice = below(corpus, 1000);

	if (dice == 0)
		return (1u << 20) / 2;
	if (dice < 10)
		return LARGE / 2;
	return 60 + below(corpus, usual) * below(corpus, usual) / usual;
}

struct tool {
	const char *name;
	unsigned share;     /* of a hundred calls */
	uint64_t input;     /* most bytes of its input's text */
	uint64_t result;    /* most bytes of its usual result */
	const char *before; /* the text in its input */
	const char *after;
};

static const struct tool tools[] = {
	{ "Bash", 38, 300, 10000, "\"command\":\"", "\",\"description\":\"Run it\"" },
	{ "Read", 24, 0, 40000, NULL, "" },
	{ "Edit", 18, 2400, 3000, "\"old_string\":\"", "\",\"new_string\":\"x\"" },
	{ "Grep", 11, 60, 10000, "\"pattern\":\"", "\"" },
	{ "TodoWrite", 6, 1200, 300, "\"todos\":\"", "\"" },
	{ "Write", 3, 9000, 200, "\"content\":\"", "\"" },
};

static const struct tool *choose_tool(struct corpus *corpus)
{
	uint64_t dice = below(corpus, 100);
	size_t at = 0;

	while (dice >= tools[at].share)
		dice -= tools[at++].share;
	return &tools[at];
}

static bool has_file(const struct tool *tool)
{
	return tool->name[0] == 'R' || tool->name[0] == 'E' || tool->name[0] == 'W';
}

static void put_call(struct corpus *corpus, struct answer *answer, const struct tool *tool,
	const char *file, const char *id)
{
	begin_line(corpus, answer);
	put(corpus, "{\"type\":\"tool_use\",\"id\":\"%s\",\"name\":\"%s\",\"input\":{", id,
		tool->name);
	if (has_file(tool))
		put(corpus, "\"file_path\":\"/home/dana/work/webapp/%s\"%s", file,
			tool->before ? "," : "");
	if (tool->before) {
		put(corpus, "%s", tool->before);
		put_text(corpus, dice_next(&corpus->state), 10 + below(corpus, tool->input));
		put(corpus, "%s", tool->after);
	}
	put(corpus, "}}");
	end_line(corpus, answer, "\"tool_use\"");
}

/* The result, once for the model and once for the program. */
static void put_result(
	struct corpus *corpus, const struct tool *tool, const char *file, const char *id)
{
	uint64_t seed = dice_next(&corpus->state), bytes = result_bytes(corpus, tool->result);
	bool failed = below(corpus, 100) < 4;

	begin_record(corpus, "user");
	put(corpus,
		"\"message\":{\"role\":\"user\",\"content\":[{\"tool_use_id\":\"%s\",\"type\":\"tool_result\",\"content\":\"",
		id);
	put_text(corpus, seed, bytes);
	put(corpus, "\"%s}]},\"toolUseResult\":{", failed ? ",\"is_error\":true" : "");
	if (has_file(tool))
		put(corpus, "\"filePath\":\"/home/dana/work/webapp/%s\",", file);
	put(corpus, "\"stdout\":\"");
	put_text(corpus, seed, bytes);
	if (tool->name[0] == 'E') {
		put(corpus, "\",\"originalFile\":\"");
		put_text(corpus, seed, 1000 + below(corpus, 24000));
	}
	put(corpus, "\",\"interrupted\":false,\"isImage\":false},");
	end_record(corpus);
}

static void put_turn(struct corpus *corpus)
{
	uint64_t answers = 2 + below(corpus, 14);

	put_prompt(corpus);
	for (uint64_t i = 0; i < answers; i++) {
		struct answer answer = new_answer(corpus);
		const struct tool *tool = choose_tool(corpus);
		const char *file = files[below(corpus, sizeof(files) / sizeof(files[0]))];
		char id[NAME_BYTES];

		if (below(corpus, 100) < 35)
			put_thinking(corpus, &answer);
		answer.output += (unsigned)below(corpus, 900);
		if (i + 1 == answers) {
			put_words(corpus, &answer, "\"end_turn\"");
			break;
		}
		if (below(corpus, 100) < 40)
			put_words(corpus, &answer, "null");
		answer.output += (unsigned)below(corpus, 300);
		snprintf(id, sizeof(id), "toolu_01%016llX%02X",
			(unsigned long long)dice_next(&corpus->state),
			(unsigned)below(corpus, 256));
		put_call(corpus, &answer, tool, file, id);
		put_result(corpus, tool, file, id);
	}
	begin_record(corpus, "system");
	put(corpus, "\"subtype\":\"turn_duration\",\"durationMs\":%u,",
		(unsigned)below(corpus, 90000));
	end_record(corpus);
}

/* --- the dense kind --- */

static uint64_t dense_bytes(struct corpus *corpus)
{
	uint64_t dice = below(corpus, 1000);

	if (dice == 0)
		return 1u << 20;
	return dice < 10 ? LARGE : 200 + below(corpus, 2000);
}

static void put_dense(struct corpus *corpus)
{
	struct answer answer = new_answer(corpus);
	char id[NAME_BYTES];

	for (int i = 0; i < 4; i++) {
		if (i == 2)
			answer = new_answer(corpus);
		if (i < 3) {
			snprintf(id, sizeof(id), "toolu_01%016llX%02X",
				(unsigned long long)dice_next(&corpus->state),
				(unsigned)below(corpus, 256));
			answer.output += 40;
			begin_line(corpus, &answer);
			put(corpus,
				"{\"type\":\"tool_use\",\"id\":\"%s\",\"name\":\"Bash\",\"input\":{\"command\":\"",
				id);
			put_text(corpus, dice_next(&corpus->state), dense_bytes(corpus));
			put(corpus, "\"}}");
			end_line(corpus, &answer, "\"tool_use\"");
			continue;
		}
		begin_record(corpus, "user");
		put(corpus,
			"\"message\":{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"%s\",\"content\":\"",
			id);
		put_text(corpus, dice_next(&corpus->state), dense_bytes(corpus));
		put(corpus, "\"}]},");
		end_record(corpus);
	}
}

/* --- files --- */

static int write_file(struct corpus *corpus, enum transcripts_kind kind, uint64_t lines,
	uint64_t bytes, const char *path)
{
	corpus->file = fopen(path, "w");
	if (!corpus->file) {
		perror(path);
		return 1;
	}
	corpus->lines = 0;
	make_uuid(corpus, corpus->parent);
	while (corpus->lines < lines && corpus->bytes < bytes) {
		if (kind == TRANSCRIPTS_DENSE)
			put_dense(corpus);
		else
			put_turn(corpus);
	}
	if (fclose(corpus->file) != 0) {
		perror(path);
		return 1;
	}
	return 0;
}

/* The work of an agent that the session called. */
static int write_agent(struct corpus *corpus, uint64_t bytes, const char *place)
{
	char path[1024];

	snprintf(corpus->agent, sizeof(corpus->agent), "a%06x", (unsigned)below(corpus, 1 << 24));
	snprintf(path, sizeof(path), "%s/%s", place, corpus->session);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/%s/subagents", place, corpus->session);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/%s/subagents/agent-%s.jsonl", place, corpus->session,
		corpus->agent);
	if (write_file(corpus, TRANSCRIPTS_REAL, 60, bytes, path) != 0)
		return 1;
	corpus->agent[0] = '\0';
	return 0;
}

/* Records of a session's file. */
static uint64_t lines_of(struct corpus *corpus, enum transcripts_kind kind)
{
	switch (kind) {
	case TRANSCRIPTS_REAL:
		return 40 + below(corpus, 1200);
	case TRANSCRIPTS_DENSE:
		return LINES_PER_SESSION;
	case TRANSCRIPTS_HUGE:
		break;
	}
	return UINT64_MAX;
}

int transcripts_write(enum transcripts_kind kind, uint64_t bytes, const char *dir, int64_t until_ns)
{
	struct corpus corpus = { .state = 3 };
	char place[512], path[1024];

	snprintf(place, sizeof(place), "%s/projects", dir);
	mkdir(place, 0700);
	snprintf(place, sizeof(place), "%s/projects/-home-dana-work-webapp", dir);
	mkdir(place, 0700);
	for (uint64_t session = 0; corpus.bytes < bytes; session++) {
		make_uuid(&corpus, corpus.session);
		snprintf(path, sizeof(path), "%s/%s.jsonl", place, corpus.session);
		corpus.at_ns = until_ns - (int64_t)(session % 300 + 1) * 24 * NS_PER_HOUR;
		if (write_file(&corpus, kind, lines_of(&corpus, kind), bytes, path) != 0 ||
			(kind == TRANSCRIPTS_REAL && session % 4 == 3 &&
				write_agent(&corpus, bytes, place) != 0))
			return 1;
	}
	return 0;
}
