/* A store is a file. */
#include <stdio.h>
#include <unistd.h>

#include "base/fs.h"
#include "store_place.h"

void store_place_make(struct store_place *place, const char *path)
{
	*place = (struct store_place){ 0 };
	ASSERT(snprintf(place->url, sizeof(place->url), "%s", path) < (int)sizeof(place->url));
}

void store_place_make_alone(struct store_place *place, const char *path)
{
	store_place_make(place, path);
}

struct store_options store_place_options(const struct store_place *place)
{
	return (struct store_options){ .url = place->url };
}

static const char *const endings[] = { "", "-wal", "-shm" };

static struct str file_name(const struct store_place *place, size_t ending, struct arena *arena)
{
	struct str path = str_from(place->url), prefix = STR("sqlite:");

	if (str_starts(path, prefix))
		path = str_sub(path, prefix.len, path.len);
	return arena_printf(arena, "%.*s%s", STR_ARG(path), endings[ending]);
}

void store_place_empty(struct store_place *place)
{
	struct arena arena = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(endings); i++)
		unlink(file_name(place, i, &arena).ptr);
	arena_release(&arena);
}

bool store_place_holds(const struct store_place *place, const char *text)
{
	struct arena arena = { 0 };
	struct err err;
	bool found = false;

	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		CLEANUP(buf_release) struct buf bytes = BUF_INIT;

		if (fs_read(file_name(place, i, &arena).ptr, 256 << 20, &bytes, &err) < 0)
			ASSERT(err.code == ERR_NOT_FOUND);
		found |= str_find_str(buf_str(&bytes), str_from(text)) >= 0;
	}
	arena_release(&arena);
	return found;
}

int store_place_rounds(int rounds)
{
	return rounds;
}

bool store_place_is_shared(void)
{
	return false;
}
