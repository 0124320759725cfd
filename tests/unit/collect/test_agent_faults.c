/*
 * Collecting while the disk fails: each call of SQLite's that could fail does so once, and once and
 * ever after, while the samples of an agent are taken for the first time and again after they have
 * changed. A round without faults must then end in the store of one that was never disturbed, with
 * nothing left to do.
 */
#include <sqlite3.h>

#include "collect/aider/aider.h"
#include "collect/cline/cline.h"
#include "collect/codex/codex.h"
#include "collect/copilot/copilot.h"
#include "collect/copilot_cli/copilot_cli.h"
#include "collect/cursor/cursor.h"
#include "collect/gemini/gemini.h"
#include "collect/opencode/opencode.h"
#include "fault_vfs.h"
#include "samples.h"

enum { LAST_CALL = 3000 };

static const struct {
	int rc;
	bool sticky;
} faults[] = {
	{ SQLITE_IOERR_WRITE, false },
	{ SQLITE_FULL, true },
};

/* What changes between the first round and the second one. */
struct change {
	const char *name;  /* in the home directory */
	const char *bytes; /* appended: a file of tests/data, or the text itself */
	bool whole;        /* BYTES is all of the file */
};

#define CLINE_TASK                                                                                 \
	".config/Code/User/globalStorage/saoudrizwan.claude-dev/tasks/1773232200000/ui_messages.json"
#define COPILOT_SESSION                                                                            \
	".config/Code/User/workspaceStorage/a9de144eb433e3b5aa0d80140bbbbd54/chatSessions/"        \
	"e40fa5bd-8cb3-5ee9-b882-9ad71f0e4807.jsonl"

static const struct agent {
	const struct source *source;
	const char *samples;
	struct change change;
} agents[] = {
	{ &aider_source, "aider/home",
		{ "work/shop/.aider.chat.history.md",
			" more\n\nIndeed.\n\n> Tokens: 1k sent, 2 received.\n", false } },
	{ &cline_source, "cline/home",
		{ CLINE_TASK,
			"[{\"ts\":1773232200000,\"type\":\"say\",\"say\":\"task\",\"text\":\"x\"}]",
			true } },
	{ &codex_source, "codex/home",
		{ ".codex/sessions/2026/03/07/"
		  "rollout-2026-03-07T14-00-00-019cc000-0000-7000-8000-000000000001.jsonl",
			"_append/06-codex-X1.bytes", false } },
	{ &copilot_source, "copilot-vscode/home",
		{ COPILOT_SESSION, "_append/02-copilot-vscode-S2.bytes", false } },
	{ &copilot_cli_source, "copilot-cli/home",
		{ ".copilot/session-state/77d1cec2-f66a-5598-8cb2-40c8049d3766.jsonl",
			"_append/04-copilot-cli-X2.bytes", false } },
	{ &claude_source, "claude/home",
		{ ".claude/projects/-home-ana-work-shop/"
		  "43cbf689-a2d2-505e-85a0-bd0e2c9d5991.jsonl",
			"_append/01-claude-S1.bytes", false } },
	{ &cursor_source, "cursor/home",
		{ ".cursor/projects/home-ana-work-shop/agent-transcripts/"
		  "b32d58dd-4ae5-5a5a-8994-37808b81b966/b32d58dd-4ae5-5a5a-8994-37808b81b966.jsonl",
			"_append/05-cursor-transcript-a1.bytes", false } },
	{ &gemini_source, "gemini/home",
		{ ".gemini/tmp/blog/chats/session-2026-03-09T16-20-5e6f7a8b.jsonl",
			"_append/07-gemini-G2.bytes", false } },
	{ &opencode_source, "opencode/home", { NULL, NULL, false } },
};

/* --- stores --- */

#define STORE "data/tt.db"

static void forget_store(struct world *world)
{
	static const char *const names[] = { STORE, STORE "-wal", STORE "-shm" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unlink(world_path(world, names[i]));
}

/* The bytes of the closed store. */
static struct str picture(struct world *world)
{
	CLEANUP(buf_release) struct buf bytes = BUF_INIT;

	OK(!fs_exists(world_path(world, STORE "-wal")));
	OK(fs_read(world_path(world, STORE), 64 << 20, &bytes, &world->err) == 0);
	return arena_str(&world->arena, buf_str(&bytes));
}

static void use_store(struct world *world, struct str bytes)
{
	forget_store(world);
	world_write(world, STORE, bytes);
	world_open_store(world);
}

static void add_quarantine(struct world *world, struct buf *out)
{
	struct quarantine_entry *entries;
	size_t count = 0;

	OK(store_quarantine(world->store, &world->arena, &entries, &count, &world->err) == 0);
	for (size_t i = 0; i < count; i++)
		buf_printf(out, "%.*s %lld %.*s %.*s\n", STR_ARG(entries[i].path),
			(long long)entries[i].offset, STR_ARG(entries[i].reason),
			STR_ARG(entries[i].bytes));
}

/* Events, and what nobody could read. Revisions are left out: of two documents that belong together
 * one may have been read and the other not, and then it was corrected. */
static void dump(struct world *world, struct buf *out)
{
	buf_add(out, world_dump(world));
	add_quarantine(world, out);
}

/* --- rounds --- */

static int collect(struct world *world, const struct source *source, struct source_counts *counts)
{
	size_t count;

	return collect_run(&world->context, &source, 1, counts, &count, &world->err);
}

struct states {
	struct str before; /* the bytes of a store */
	struct str want;   /* what it comes to say */
};

/* One round with the Nth call failing, and one without; false when no call failed. */
static bool round_with_fault(struct world *world, const struct source *source,
	const struct states *states, size_t fault, long n)
{
	CLEANUP(buf_release) struct buf got = BUF_INIT;
	struct source_counts counts = { 0 };
	bool met;
	int rc;

	use_store(world, states->before);
	fault_vfs_arm(n, faults[fault].rc, faults[fault].sticky);
	rc = collect(world, source, &counts);
	met = fault_vfs_disarm();
	OK(met || rc == 0);
	if (n % 2) /* the same process tries again, or the next one */
		world_reopen(world);
	OK(collect(world, source, &counts) == 0);
	IS_INT(counts.failed, 0);
	dump(world, &got);
	OK(collect(world, source, &counts) == 0);
	IS_INT(counts.skipped_unchanged, counts.files);
	IS_INT(counts.new_events + counts.updated + counts.quarantined, 0);
	OK(store_verify(world->store, NULL, &world->err) == 0);
	store_close(world->store);
	if (!OK(str_eq(buf_str(&got), states->want)))
		printf("# fault %zu at call %ld, after which collecting returned %d: %s\n", fault,
			n, rc, rc < 0 ? world->err.message : "");
	return met;
}

/* Round after round, each call failing in turn. */
static void rounds_with_faults(
	struct world *world, const struct source *source, const struct states *states, size_t fault)
{
	struct arena kept = world->arena;
	bool met = true;
	long n;

	for (n = 1; n < LAST_CALL && met && tap.failed == 0; n++) {
		world->arena = (struct arena){ 0 };
		met = round_with_fault(world, source, states, fault, n);
		arena_release(&world->arena);
	}
	world->arena = kept;
	OK(n > 5 && n < LAST_CALL);
}

/* From the closed store as it is to the undisturbed one, closed again. */
static void survives(struct world *world, const struct source *source)
{
	CLEANUP(buf_release) struct buf want = BUF_INIT;
	struct states states = { .before = picture(world) };
	struct source_counts counts;
	struct str after;

	world_open_store(world);
	OK(collect(world, source, &counts) == 0);
	OK(counts.new_events + counts.updated > 0);
	dump(world, &want);
	store_close(world->store);
	after = picture(world);
	states.want = buf_str(&want);
	for (size_t fault = 0; fault < ARRAY_LEN(faults); fault++)
		rounds_with_faults(world, source, &states, fault);
	use_store(world, after);
	store_close(world->store);
}

static void change(struct world *world, const struct change *change)
{
	struct str bytes = str_from(change->bytes);

	if (str_starts(bytes, STR("_append/")))
		bytes = samples_read(world, change->bytes);
	world_put(world, change->name, change->whole ? "w" : "a", bytes);
}

static void try_source(const struct source *source)
{
	const struct agent *agent = agents;
	struct world world;

	if (!getenv("TEST_DATA")) {
		SKIP("TEST_DATA does not tell where the samples are");
		return;
	}
	while (agent->source != source)
		agent++;
	/* In memory where that can be: thousands of commits. */
	world_init_in(&world, access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	samples_put(&world, agent->samples, "");
	store_close(world.store);
	survives(&world, source);
	if (agent->change.name) {
		change(&world, &agent->change);
		survives(&world, source);
	}
	world_open_store(&world);
	world_end(&world);
}

static void aider(void)
{
	try_source(&aider_source);
}

static void claude(void)
{
	try_source(&claude_source);
}

static void cline(void)
{
	try_source(&cline_source);
}

static void codex(void)
{
	try_source(&codex_source);
}

static void copilot(void)
{
	try_source(&copilot_source);
}

static void copilot_cli(void)
{
	try_source(&copilot_cli_source);
}

static void cursor(void)
{
	try_source(&cursor_source);
}

static void gemini(void)
{
	try_source(&gemini_source);
}

static void opencode(void)
{
	try_source(&opencode_source);
}

static const struct tap_case cases[] = {
	TAP_CASE(aider),
	TAP_CASE(claude),
	TAP_CASE(cline),
	TAP_CASE(codex),
	TAP_CASE(copilot),
	TAP_CASE(copilot_cli),
	TAP_CASE(cursor),
	TAP_CASE(gemini),
	TAP_CASE(opencode),
};

/* Where agents keep their files is told by nothing but the home directory. */
static void clear_environment(void)
{
	const char *data = getenv("TEST_DATA");
	CLEANUP(arena_release) struct arena arena = { 0 };
	const char *kept = data ? arena_cstr(&arena, str_from(data)) : NULL;

	clearenv();
	if (kept)
		setenv("TEST_DATA", kept, 1);
	setenv("TZ", "UTC", 1);
}

int main(int argc, char **argv)
{
	clear_environment();
	fault_vfs_install();
	return tap_main(cases, ARRAY_LEN(cases), argc, argv);
}
