/* A directory of its own, with the directories of a user in it. */
#ifndef TT_TESTS_SERVE_PLACE_H
#define TT_TESTS_SERVE_PLACE_H

#include <ftw.h>
#include <unistd.h>

#include "base/fs.h"
#include "tap.h"

struct place {
	char dir[64];
	struct arena arena;
	struct fs_dirs dirs;
	struct err err;
};

__attribute__((unused)) static const char *place_path(struct place *place, const char *name)
{
	return fs_join(&place->arena, place->dir, name);
}

__attribute__((unused)) static void place_begin(struct place *place)
{
	*place = (struct place){ 0 };
	strcpy(place->dir, "/tmp/tt-serve-XXXXXX");
	OK(mkdtemp(place->dir) != NULL);
	place->dirs = (struct fs_dirs){
		.config = place_path(place, "config"),
		.data = place_path(place, "data"),
		.state = place_path(place, "state"),
		.home = place->dir,
	};
	OK(fs_make_dirs(place->dirs.data, 0700, &place->err) == 0);
	OK(fs_make_dirs(place->dirs.state, 0700, &place->err) == 0);
}

static int place_remove(const char *path, const struct stat *status, int flag, struct FTW *at)
{
	(void)status;
	(void)flag;
	(void)at;
	return remove(path);
}

__attribute__((unused)) static void place_end(struct place *place)
{
	nftw(place->dir, place_remove, 16, FTW_DEPTH | FTW_PHYS);
	arena_release(&place->arena);
}

/* All of a file, "" when there is none; in the arena. */
__attribute__((unused)) static const char *place_text(struct place *place, const char *path)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct err ignored;

	if (fs_read(path, 1 << 24, &text, &ignored) < 0)
		return "";
	return arena_cstr(&place->arena, buf_str(&text));
}

#endif
