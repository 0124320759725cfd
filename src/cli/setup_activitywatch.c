/*
 * tt setup activitywatch: find what ActivityWatch has recorded on this machine, and say how it
 * comes here, or bring it. ActivityWatch itself is left as it is.
 */
#include "cli/import_aw.h"
#include "cli/setup.h"

#define STEP "activitywatch"

static enum import_format format_of(const struct aw_place *place)
{
	return place->database ? IMPORT_AW_DB : IMPORT_AW_SETTINGS;
}

/* What is known of PLACE; no store is made for that. */
static int remembered(
	struct setup *setup, const struct aw_place *place, enum import_memory *out, struct err *err)
{
	CLEANUP(store_closep) struct store *store = NULL;
	struct store_options options;
	int rc = cli_store_options(setup->cli, &options, err);

	options.read_only = options.must_exist = true;
	if (rc == 0)
		rc = store_open(&store, &options, err);
	*out = IMPORT_NEVER;
	if (rc == ERR_NOT_FOUND)
		return 0;
	return rc < 0 ? rc : import_remembered(store, place->path, &setup->cli->arena, out, err);
}

/* --- saying how --- */

static int say_place(struct setup *setup, const struct aw_place *place, struct err *err)
{
	static const char *const statuses[] = {
		[IMPORT_NEVER] = "missing", [IMPORT_CHANGED] = "missing", [IMPORT_SAME] = "done"
	};
	static const char *const words[] = { [IMPORT_NEVER] = "not imported yet",
		[IMPORT_CHANGED] = "has grown since it was imported",
		[IMPORT_SAME] = "imported" };
	const char *format = place->database ? "" : "--format aw-settings ";
	enum import_memory memory;
	struct str detail;

	if (remembered(setup, place, &memory, err) < 0)
		return err->code;
	detail = memory == IMPORT_SAME
			 ? arena_printf(&setup->cli->arena, "%s: %s: %s", place->what,
				   words[memory], place->path)
			 : arena_printf(&setup->cli->arena, "%s: %s: 'tt import %s%s'", place->what,
				   words[memory], format, place->path);
	setup_note(setup, STEP, statuses[memory], detail);
	return 0;
}

static void say_nothing(struct setup *setup)
{
	setup_note(setup, STEP, "skipped",
		STR("no data of ActivityWatch in its usual places; 'tt import FILE' takes an export or a database"));
}

static int find(struct setup *setup, struct aw_place **places, size_t *count, struct err *err)
{
	return aw_places(&setup->cli->arena, places, count, err);
}

/* One line of the overview, and only where there is something. */
int setup_say_activitywatch(struct setup *setup, struct err *err)
{
	struct aw_place *places;
	size_t count, left = 0;

	if (find(setup, &places, &count, err) < 0)
		return err->code;
	for (size_t i = 0; i < count; i++) {
		enum import_memory memory;

		if (remembered(setup, &places[i], &memory, err) < 0)
			return err->code;
		left += memory == IMPORT_NEVER;
	}
	if (count > 0)
		setup_note(setup, STEP, left > 0 ? "missing" : "done",
			left > 0 ? STR("'tt setup activitywatch' brings its history here")
				 : STR("its history was imported"));
	return 0;
}

/* --- bringing it --- */

static int bring(struct setup *setup, const struct aw_place *place, struct err *err)
{
	const struct import_job job = {
		.path = place->path, .format = format_of(place), .origin = "import"
	};
	struct aw_import_counts counts;
	enum import_memory memory;

	if (remembered(setup, place, &memory, err) < 0)
		return err->code;
	if (memory == IMPORT_SAME) {
		setup_note(setup, STEP, "unchanged", str_from(place->path));
		return 0;
	}
	if (import_aw(setup->cli, &job, &counts, err) < 0) {
		setup_note(setup, STEP, "failed",
			arena_str(&setup->cli->arena, str_from(err->message)));
		return 0;
	}
	import_aw_say(setup->cli, &job, &counts);
	setup_note(setup, STEP, "done",
		arena_printf(&setup->cli->arena, "%s: %lld events, %lld settings", place->path,
			(long long)counts.new_events, (long long)counts.settings));
	return 0;
}

struct activitywatch_values {
	int import;
};

static const struct args_option activitywatch_options[] = {
	{ "import", 0, ARGS_FLAG, offsetof(struct activitywatch_values, import), NULL,
		"import what was found" },
};

static int activitywatch_command(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	const struct activitywatch_values *command = values;
	struct setup setup = { .cli = cli };
	const struct machine *machine;
	struct aw_place *places;
	size_t count;

	(void)operands;
	if (find(&setup, &places, &count, err) < 0)
		return err->code;
	if (count == 0)
		say_nothing(&setup);
	if (command->import && cli_machine(cli, &machine, err) < 0)
		return err->code;
	for (size_t i = 0; i < count; i++)
		if ((command->import ? bring(&setup, &places[i], err)
				     : say_place(&setup, &places[i], err)) < 0)
			return err->code;
	return setup_print(&setup);
}

const struct command setup_activitywatch = {
	.name = "activitywatch",
	.summary = "bring what ActivityWatch has recorded here",
	.usage = "[--import]",
	.details =
		"Looks where ActivityWatch's servers keep their data, and says how to import it; --import does. Twice adds nothing,\n"
		"and nothing of ActivityWatch is changed. docs/migrating.md tells what comes and what does not.",
	.args = { .options = activitywatch_options,
		.option_count = ARRAY_LEN(activitywatch_options) },
	.values_size = sizeof(struct activitywatch_values),
	.run = activitywatch_command,
};
