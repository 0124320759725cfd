/*
 * Checks of what collects: the daemon, and agents that delete their own logs. What an agent deletes
 * before it was collected is lost.
 */
#include <stdlib.h>

#include "cli/doctor.h"
#include "cli/target.h"
#include "model/limits.h"

enum { RETENTION_DEFAULT_DAYS = 30, RETENTION_ENOUGH_DAYS = 90 };

static bool daemon_runs(struct doctor *doctor)
{
	struct target target;
	struct err err;

	return target_find(doctor->cli, &target, &err) == 0 && target.found.running;
}

void doctor_daemon(struct doctor *doctor)
{
	struct target target;
	struct err err;

	if (target_find(doctor->cli, &target, &err) < 0 || target_check(&target, &err) < 0) {
		doctor_add(doctor, "daemon", DOCTOR_WARN,
			arena_printf(&doctor->cli->arena, "%s", err.message), NULL);
		return;
	}
	if (!target.found.running)
		doctor_add(doctor, "daemon", DOCTOR_OK,
			STR("none runs: sources are collected when a command asks for it"), NULL);
	else if (instance_paused(&target.paths))
		doctor_add(doctor, "daemon", DOCTOR_WARN, STR("paused: nothing is collected"),
			"tt resume");
	else
		doctor_add(doctor, "daemon", DOCTOR_OK,
			arena_printf(&doctor->cli->arena, "runs as process %lld",
				(long long)target.found.pid),
			NULL);
}

/* Claude Code's directory of this user: the first that its variable names, else ~/.claude. */
static const char *claude_dir(struct doctor *doctor)
{
	struct str named = str_from(getenv("CLAUDE_CONFIG_DIR"));
	struct str first = str_trim(str_split(&named, ','));

	if (first.len > 0)
		return arena_cstr(&doctor->cli->arena, first);
	return fs_join(&doctor->cli->arena, doctor->cli->dirs.home, ".claude");
}

static int read_retention(const char *path, int64_t *days, struct err *err)
{
	struct buf text CLEANUP(buf_release) = BUF_INIT;
	struct json_parser parser CLEANUP(json_parser_release) = { 0 };
	const struct json *root;
	int rc = fs_read(path, LIMIT_CONFIG_BYTES, &text, err);

	*days = RETENTION_DEFAULT_DAYS;
	if (rc == ERR_NOT_FOUND)
		return 0;
	if (rc == 0)
		rc = json_parse(&parser, buf_str(&text), true, &root, err);
	if (rc == 0 && json_get(root, "cleanupPeriodDays") &&
		!json_get_i64(root, "cleanupPeriodDays", days))
		return err_set(err, ERR_PARSE, "cleanupPeriodDays is no whole number");
	return rc;
}

void doctor_retention(struct doctor *doctor)
{
	struct arena *arena = &doctor->cli->arena;
	const char *dir = claude_dir(doctor);
	const char *path = fs_join(arena, dir, "settings.json");
	struct err err;
	int64_t days;

	if (!fs_exists(dir)) {
		doctor_add(doctor, "retention", DOCTOR_OK, STR("no Claude Code here"), NULL);
		return;
	}
	if (read_retention(path, &days, &err) < 0) {
		doctor_add(doctor, "retention", DOCTOR_WARN,
			arena_printf(arena, "%s: %s", path, err.message), NULL);
		return;
	}
	if (days == 0)
		doctor_add(doctor, "retention", DOCTOR_WARN,
			STR("Claude Code keeps no transcripts: its work is not seen"),
			arena_printf(arena, "set \"cleanupPeriodDays\": 365 in %s", path).ptr);
	else
		doctor_add(doctor, "retention",
			days < RETENTION_ENOUGH_DAYS ? DOCTOR_WARN : DOCTOR_OK,
			arena_printf(arena, "Claude Code deletes transcripts after %lld days",
				(long long)days),
			days < RETENTION_ENOUGH_DAYS
				? arena_printf(arena,
					  "set \"cleanupPeriodDays\": 365 in %s; until then, 'tt collect' at least every %lld days",
					  path, (long long)days)
					  .ptr
				: NULL);
}

/* VS Code keeps the newest transcripts of its chats, and nothing else where chats are not kept. */
void doctor_transcripts(struct doctor *doctor)
{
	struct collect_context context;
	const struct source *source = source_find(STR("copilot"));
	struct err err;

	if (cli_collect_context(doctor->cli, doctor->store, &context, &err) < 0 ||
		source->present(&context) <= 0)
		return;
	doctor_add(doctor, "transcripts", daemon_runs(doctor) ? DOCTOR_OK : DOCTOR_WARN,
		STR("VS Code keeps the newest 20 Copilot transcripts and deletes older ones"),
		daemon_runs(doctor) ? NULL
				    : "let the daemon collect as they are written: tt start");
}
