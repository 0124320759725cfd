/* Checks of this machine: its identity, its files, tmux, the agents' own settings. */
#include <errno.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "cli/tmux.h"
#include "model/limits.h"

enum {
	JOURNAL_WARN_BYTES = 8 << 20,
	FREE_WARN_BYTES = 256 << 20,
	FREE_FAIL_BYTES = 16 << 20,
	LOG_TAIL_BYTES = 4096,
};

void doctor_identity(struct doctor *doctor)
{
	struct arena *arena = &doctor->cli->arena;
	struct err err;
	int rc = cli_machine(doctor->cli, &doctor->machine, &err);

	if (rc < 0) {
		doctor->machine = NULL;
		doctor_add(doctor, "identity", DOCTOR_FAIL, arena_str(arena, str_from(err.message)),
			rc == ERR_IDENTITY
				? "tt init"
				: "restore machine.json from a backup, or move it away and run 'tt init'");
		return;
	}
	if (!machine_is_this_host(doctor->machine)) {
		doctor_add(doctor, "identity", DOCTOR_WARN,
			arena_printf(arena, "machine.json was made on another host ('%.*s')",
				STR_ARG(doctor->machine->hostname)),
			"if this is a clone or a synced home: move machine.json away and run 'tt init', so that the two "
			"are told apart; if the host was only renamed, this is harmless");
		return;
	}
	doctor_add(doctor, "identity", DOCTOR_OK,
		arena_printf(arena, "%.*s (%.*s)", STR_ARG(doctor->machine->label),
			STR_ARG(doctor->machine->id)),
		NULL);
}

/* The name of a network file system, or NULL. Numbers: statfs(2). */
static const char *network_name(const char *path)
{
	static const struct {
		unsigned long type;
		const char *name;
	} rows[] = {
		{ 0x6969, "NFS" },
		{ 0x517b, "SMB" },
		{ 0xfe534d42, "SMB" },
		{ 0xff534d42, "CIFS" },
		{ 0x5346414f, "AFS" },
		{ 0x00c36400, "Ceph" },
	};
	struct statfs info;

	if (statfs(path, &info) < 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (((unsigned long)info.f_type & 0xffffffffUL) == rows[i].type)
			return rows[i].name;
	return NULL;
}

void doctor_files(struct doctor *doctor)
{
	const char *data = doctor->cli->dirs.data;
	struct arena *arena = &doctor->cli->arena;
	const char *network;
	struct statvfs info;
	unsigned long long free_bytes;

	if (!fs_exists(data)) {
		doctor_add(doctor, "files", DOCTOR_OK,
			arena_printf(arena, "%s will be made when needed", data), NULL);
		return;
	}
	if (access(data, W_OK | X_OK) < 0 || statvfs(data, &info) < 0) {
		doctor_add(doctor, "files", DOCTOR_FAIL,
			arena_printf(arena, "%s cannot be written: %s", data, strerror(errno)),
			"give this user write permission there; until then hooks lose what they see");
		return;
	}
	free_bytes = (unsigned long long)info.f_bavail * info.f_frsize;
	network = network_name(data);
	if (free_bytes < FREE_WARN_BYTES)
		doctor_add(doctor, "files",
			free_bytes < FREE_FAIL_BYTES ? DOCTOR_FAIL : DOCTOR_WARN,
			arena_printf(arena, "%llu MiB are free at %s", free_bytes >> 20, data),
			"make room: without any, events are lost");
	else if (network)
		doctor_add(doctor, "files", DOCTOR_WARN,
			arena_printf(arena, "%s is on %s", data, network),
			"keep the store on a local disk (XDG_DATA_HOME): locks over a network are not reliable, and each "
			"machine needs a store and an identity of its own");
	else
		doctor_add(doctor, "files", DOCTOR_OK,
			arena_printf(
				arena, "%s is writable, %llu MiB free", data, free_bytes >> 20),
			NULL);
}

void doctor_journal(struct doctor *doctor)
{
	struct arena *arena = &doctor->cli->arena;
	const char *path = fs_join(arena, doctor->cli->dirs.data, "events.jsonl");
	struct stat info;

	if (stat(path, &info) < 0) {
		bool absent = errno == ENOENT;

		doctor_add(doctor, "journal", absent ? DOCTOR_OK : DOCTOR_FAIL,
			absent ? STR("nothing waits")
			       : arena_printf(arena, "%s: %s", path, strerror(errno)),
			NULL);
		return;
	}
	doctor_add(doctor, "journal", info.st_size > JOURNAL_WARN_BYTES ? DOCTOR_WARN : DOCTOR_OK,
		arena_printf(arena, "%lld KiB wait to be taken in",
			((long long)info.st_size + 1023) >> 10),
		info.st_size > JOURNAL_WARN_BYTES
			? "tt collect (from cron or a timer, if nobody looks for long)"
			: NULL);
}

/* The configuration that loads the hooks: with our line, or with the installed fragment sourced by
 * hand. */
static bool loads_hooks(struct str conf)
{
	return tmux_find_line(conf).len > 0 ||
	       str_find_str(conf, STR("tidemark/tmux/tt.conf")) >= 0;
}

void doctor_tmux(struct doctor *doctor)
{
	struct buf conf CLEANUP(buf_release) = BUF_INIT;
	struct buf fragment CLEANUP(buf_release) = BUF_INIT;
	struct arena *arena = &doctor->cli->arena;
	struct tmux_paths paths;
	struct err err;
	int rc = tmux_paths(arena, &doctor->cli->dirs, &paths, &err);

	if (rc == 0)
		rc = fs_read(paths.conf, LIMIT_CONFIG_BYTES, &conf, &err);
	if (rc < 0 && rc != ERR_NOT_FOUND) {
		doctor_add(doctor, "hooks", DOCTOR_WARN, arena_str(arena, str_from(err.message)),
			NULL);
		return;
	}
	if (!loads_hooks(buf_str(&conf))) {
		doctor_add(doctor, "hooks", DOCTOR_WARN,
			arena_printf(arena,
				"%s does not load the hooks: where you look is not recorded",
				paths.conf),
			"tt setup tmux");
		return;
	}
	rc = fs_read(paths.fragment, LIMIT_CONFIG_BYTES, &fragment, &err);
	if (tmux_find_line(buf_str(&conf)).len > 0 &&
		(rc < 0 || !str_eq_c(buf_str(&fragment), tmux_fragment)))
		doctor_add(doctor, "hooks", DOCTOR_WARN,
			arena_printf(arena, "%s is missing, or not that of this version",
				paths.fragment),
			"tt setup tmux");
	else
		doctor_add(doctor, "hooks", DOCTOR_OK,
			arena_printf(arena, "loaded by %s", paths.conf), NULL);
}

void doctor_program(struct doctor *doctor)
{
	struct arena *arena = &doctor->cli->arena;
	const char *path = tmux_find_program(arena, tmux_search_path(arena), "tt");

	if (path)
		doctor_add(doctor, "program", DOCTOR_OK, str_from(path), NULL);
	else
		doctor_add(doctor, "program", DOCTOR_WARN,
			STR("'tt' is in no directory of the PATH that tmux has: the hooks do not find it"),
			"install it into such a directory, or set PATH before the tmux server starts");
}

/* The last line of TEXT that is not blank. */
static struct str last_line(struct str text)
{
	struct str last = { NULL, 0 };

	while (text.len > 0) {
		struct str line = str_trim(str_split(&text, '\n'));

		if (line.len > 0)
			last = line;
	}
	return last;
}

void doctor_hook_log(struct doctor *doctor)
{
	struct buf text CLEANUP(buf_release) = BUF_INIT;
	struct arena *arena = &doctor->cli->arena;
	const char *path = fs_join(arena, doctor->cli->dirs.state, "hook.log");
	struct err err;
	struct str line;
	int rc = fs_read(path, LIMIT_CONFIG_BYTES, &text, &err);

	if (rc == ERR_NOT_FOUND || (rc == 0 && last_line(buf_str(&text)).len == 0)) {
		doctor_add(doctor, "hook.log", DOCTOR_OK, STR("no hook complained"), NULL);
		return;
	}
	if (rc < 0) {
		doctor_add(doctor, "hook.log", DOCTOR_WARN, arena_str(arena, str_from(err.message)),
			rc == ERR_LIMIT ? "read its end, then empty it" : NULL);
		return;
	}
	line = str_sub(last_line(buf_str(&text)), 0, LOG_TAIL_BYTES);
	doctor_add(doctor, "hook.log", DOCTOR_WARN,
		arena_printf(arena, "last complaint: %.*s", STR_ARG(line)),
		arena_printf(arena, "see to it, then empty %s", path).ptr);
}
