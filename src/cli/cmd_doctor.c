/* tt doctor: looks for what silently loses data, and says what to do about it. Changes nothing but
 * what every reader brings up to date. */
#include "base/table.h"
#include "cli/commands.h"
#include "cli/doctor.h"

struct doctor_values {
	int deep;
};

static const struct args_option doctor_options[] = {
	{ "deep", 0, ARGS_FLAG, offsetof(struct doctor_values, deep), NULL,
		"verify the whole store, however large" },
};

static const struct {
	void (*run)(struct doctor *doctor);
	bool needs_store;
} checks[] = {
	{ doctor_identity, false },
	{ doctor_files, false },
	{ doctor_journal, false },
	{ doctor_tmux, false },
	{ doctor_program, false },
	{ doctor_hook_log, false },
	{ doctor_daemon, false },
	{ doctor_retention, false },
	{ doctor_transcripts, false },
	{ doctor_store, false },
	{ doctor_clock, true },
	{ doctor_places, true },
	{ doctor_quarantine, true },
	{ doctor_sync, true },
	{ doctor_silent, true },
};

static const char *const status_names[] = {
	[DOCTOR_OK] = "OK", [DOCTOR_WARN] = "WARN", [DOCTOR_FAIL] = "FAIL"
};

void doctor_add(struct doctor *doctor, const char *name, enum doctor_status status,
	struct str detail, const char *remedy)
{
	if (doctor->count == doctor->room) {
		size_t room = doctor->room > 0 ? doctor->room * 2 : 32;
		struct doctor_row *rows = arena_zalloc(&doctor->cli->arena, room, sizeof(*rows));

		if (doctor->count > 0)
			memcpy(rows, doctor->rows, doctor->count * sizeof(*rows));
		doctor->rows = rows;
		doctor->room = room;
	}
	doctor->rows[doctor->count++] =
		(struct doctor_row){ name, status, detail, str_from(remedy) };
}

static void write_json(struct cli *cli, const struct doctor *doctor)
{
	struct json_writer json = json_writer(&cli->out);

	json_begin_object(&json);
	json_key(&json, STR("checks"));
	json_begin_array(&json);
	for (size_t i = 0; i < doctor->count; i++) {
		const struct doctor_row *row = &doctor->rows[i];

		json_begin_object(&json);
		json_kv_str(&json, "name", str_from(row->name));
		json_kv_str(&json, "status", str_from(status_names[row->status]));
		json_kv_str(&json, "detail", row->detail);
		json_kv_str(&json, "remedy", row->remedy);
		json_end_object(&json);
	}
	json_end_array(&json);
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
}

static void write_text(struct cli *cli, const struct doctor *doctor)
{
	static const char *const headings[] = { "", "", "" };
	static const enum table_align aligns[] = { TABLE_LEFT, TABLE_LEFT, TABLE_LEFT };
	struct table *table = table_new(&cli->arena, ARRAY_LEN(headings), headings, aligns);

	for (size_t i = 0; i < doctor->count; i++) {
		const struct doctor_row *row = &doctor->rows[i];

		table_row(table, (const struct str[]){ str_from(status_names[row->status]),
					 str_from(row->name), row->detail });
		if (row->remedy.len > 0)
			table_row(table, (const struct str[]){ { "", 0 }, { "", 0 },
						 arena_printf(&cli->arena, "-> %.*s",
							 STR_ARG(row->remedy)) });
	}
	table_print(table, &cli->out);
}

static int doctor_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	const struct doctor_values *command = values;
	struct doctor doctor = { .cli = cli, .deep = command->deep > 0 };
	int count[ARRAY_LEN(status_names)] = { 0 };

	(void)operands;
	for (size_t i = 0; i < ARRAY_LEN(checks); i++)
		if (doctor.store || !checks[i].needs_store)
			checks[i].run(&doctor);
	for (size_t i = 0; i < doctor.count; i++)
		count[doctor.rows[i].status]++;
	if (cli->globals.json)
		write_json(cli, &doctor);
	else
		write_text(cli, &doctor);
	if (cli_flush(cli, err) < 0) /* before the sum of it */
		return err->code;
	if (count[DOCTOR_WARN] + count[DOCTOR_FAIL] == 0)
		log_info(&cli->log, "all is well");
	else
		log_info(&cli->log, "%d to look at, %d of them failed",
			count[DOCTOR_WARN] + count[DOCTOR_FAIL], count[DOCTOR_FAIL]);
	return count[DOCTOR_FAIL] > 0 ? CLI_PARTIAL : 0;
}

const struct command command_doctor = {
	.name = "doctor",
	.summary = "look for what would lose data, and say what to do",
	.usage = "[--deep]",
	.details = "Exit status 1 if a check fails; a warning is none.",
	.args = { .options = doctor_options, .option_count = ARRAY_LEN(doctor_options) },
	.values_size = sizeof(struct doctor_values),
	.run = doctor_run,
};
