/* Where ActivityWatch keeps its data: its servers' own rules, on Linux and macOS. */
#include <stdlib.h>

#include "base/fs.h"
#include "sync/aw_import.h"

enum { MOST_PLACES = 16 };

struct place_row {
	const char *name; /* below activitywatch/ */
	const char *what;
	bool database;
};

static const struct place_row data_rows[] = {
	{ "aw-server-rust/sqlite.db", "aw-server-rust", true },
	{ "aw-server/peewee-sqlite.v2.db", "aw-server", true },
	{ "aw-server/sqlite.v1.db", "aw-server", true },
};
static const struct place_row config_rows[] = {
	{ "aw-server/settings.json", "aw-server settings", false },
};

struct places {
	struct arena *arena;
	struct aw_place *items;
	size_t count;
};

static void look_in(
	struct places *places, const char *dir, const struct place_row *rows, size_t count)
{
	const char *own = fs_join(places->arena, dir, "activitywatch");

	for (size_t i = 0; i < count && places->count < MOST_PLACES; i++) {
		const char *path = fs_join(places->arena, own, rows[i].name);
		struct stat status;

		if (stat(path, &status) < 0 || !S_ISREG(status.st_mode))
			continue;
		places->items[places->count++] = (struct aw_place){ .path = path,
			.what = rows[i].what,
			.database = rows[i].database,
			.bytes = status.st_size };
	}
}

/* What VARIABLE says if it is absolute, else HOME/USUAL. */
static const char *base_dir(
	struct arena *arena, const char *variable, const char *home, const char *usual)
{
	const char *value = getenv(variable);

	return value && value[0] == '/' ? value : fs_join(arena, home, usual);
}

int aw_places(struct arena *arena, struct aw_place **out, size_t *count, struct err *err)
{
	struct places places = { .arena = arena };
	struct fs_dirs dirs;
	const char *support;

	places.items = arena_zalloc(arena, MOST_PLACES, sizeof(*places.items));
	if (fs_dirs(arena, &dirs, err) < 0)
		return err->code;
	look_in(&places, base_dir(arena, "XDG_DATA_HOME", dirs.home, ".local/share"), data_rows,
		ARRAY_LEN(data_rows));
	look_in(&places, base_dir(arena, "XDG_CONFIG_HOME", dirs.home, ".config"), config_rows,
		ARRAY_LEN(config_rows));
	support = fs_join(arena, dirs.home, "Library/Application Support");
	look_in(&places, support, data_rows, ARRAY_LEN(data_rows));
	look_in(&places, support, config_rows, ARRAY_LEN(config_rows));
	*out = places.items;
	*count = places.count;
	return 0;
}
