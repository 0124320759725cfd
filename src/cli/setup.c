/* What the steps of `tt setup` share. */
#include "cli/setup.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/table.h"
#include "cli/tmux.h"

void setup_note(struct setup *setup, const char *step, const char *status, struct str detail)
{
	ASSERT(setup->count < SETUP_STEPS);
	setup->items[setup->count++] = (struct setup_step){ step, status, detail };
}

static void print_json(const struct setup *setup)
{
	struct json_writer json = json_writer(&setup->cli->out);

	json_begin_object(&json);
	json_key(&json, STR("steps"));
	json_begin_array(&json);
	for (size_t i = 0; i < setup->count; i++) {
		json_begin_object(&json);
		json_kv_str(&json, "step", str_from(setup->items[i].step));
		json_kv_str(&json, "status", str_from(setup->items[i].status));
		json_kv_str(&json, "detail", setup->items[i].detail);
		json_end_object(&json);
	}
	json_end_array(&json);
	if (setup->has_key)
		json_kv_str(
			&json, "key", setup->key.len > 0 ? setup->key : (struct str){ NULL, 0 });
	json_end_object(&json);
	buf_byte(&setup->cli->out, '\n');
}

static void print_table(const struct setup *setup)
{
	static const char *const headings[] = { "STEP", "STATUS", "" };
	static const enum table_align aligns[] = { TABLE_LEFT, TABLE_LEFT, TABLE_LEFT };
	struct table *table = table_new(&setup->cli->arena, ARRAY_LEN(headings), headings, aligns);

	for (size_t i = 0; i < setup->count; i++)
		table_row(
			table, (const struct str[]){ str_from(setup->items[i].step),
				       str_from(setup->items[i].status), setup->items[i].detail });
	table_print(table, &setup->cli->out);
}

int setup_print(const struct setup *setup)
{
	if (setup->cli->globals.json)
		print_json(setup);
	else
		print_table(setup);
	for (size_t i = 0; i < setup->count; i++)
		if (strcmp(setup->items[i].status, "failed") == 0)
			return CLI_PARTIAL;
	return 0;
}

bool setup_say_identity(struct setup *setup)
{
	const struct machine *machine;
	struct err err;

	if (cli_machine(setup->cli, &machine, &err) == 0) {
		setup_note(setup, "identity", "done", machine->label);
		return true;
	}
	setup_note(
		setup, "identity", "missing", arena_str(&setup->cli->arena, str_from(err.message)));
	return false;
}

int setup_write(const char *path, struct str content, struct err *err)
{
	char *real CLEANUP(mem_freep) = realpath(path, NULL);
	struct stat info = { .st_mode = SETUP_FILE_MODE };
	int rc;

	if (!real && errno == ENOENT && lstat(path, &info) == 0)
		return err_set(err, ERR_NOT_FOUND, "%s is a link that leads nowhere", path);
	if (!real && errno != ENOENT)
		return err_sys(err, "%s", path);
	if (real && stat(real, &info) < 0)
		return err_sys(err, "%s", real);
	rc = fs_write_atomic(real ? real : path, content, info.st_mode & 0777, err);
	if (rc == 0 && real && chmod(real, info.st_mode & 0777) < 0)
		return err_sys(err, "%s", real);
	return rc;
}

const char *setup_program(struct arena *arena)
{
	const char *path = getenv("PATH");
	const char *found = path ? tmux_find_program(arena, path, "tt") : NULL;
	CLEANUP(mem_freep) char *self = realpath("/proc/self/exe", NULL);
	CLEANUP(mem_freep) char *there = found ? realpath(found, NULL) : NULL;

	if (!self || (found && found[0] == '/' && there && strcmp(there, self) == 0))
		return found ? found : "tt";
	return arena_cstr(arena, str_from(self));
}

void setup_put_quoted(struct buf *out, const char *word, bool argument)
{
	buf_byte(out, '"');
	for (; *word; word++) {
		if (*word == '"' || *word == '\\')
			buf_byte(out, '\\');
		if (*word == '%' || (*word == '$' && argument))
			buf_byte(out, *word);
		buf_byte(out, *word);
	}
	buf_byte(out, '"');
}
