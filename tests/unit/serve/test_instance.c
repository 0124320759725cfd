#include <signal.h>
#include <sys/wait.h>

#include "base/time.h"
#include "place.h"
#include "serve/instance.h"

static struct instance_paths paths_of(struct place *place, const char *store)
{
	return instance_paths(&place->arena, &place->dirs, place_path(place, store));
}

static struct instance find(struct place *place, const struct instance_paths *paths)
{
	struct instance found;

	OK(instance_find(paths, &place->arena, &found, &place->err) == 0);
	return found;
}

/* CALL failed with CODE in another process, which has what it was given. */
static bool fails_elsewhere(const struct instance_paths *paths, int code, const char *part)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		struct err err = { 0 };
		int lock = -1;
		int rc = instance_take(paths, &lock, &err);

		_exit(rc == code && strstr(err.message, part) ? 0 : 1);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void where_files_are(void)
{
	struct place place;
	struct instance_paths paths;
	struct err err;

	place_begin(&place);
	paths = paths_of(&place, "data/tt.db");
	IS_CSTR(paths.lock, place_path(&place, "data/.daemon.lock"));
	IS_CSTR(paths.state, place_path(&place, "data/.daemon.json"));
	IS_CSTR(paths.pause, place_path(&place, "data/.paused"));
	IS_CSTR(paths.log, place_path(&place, "state/daemon.log"));
	paths = paths_of(&place, "data/other.db");
	IS_CSTR(paths.lock, place_path(&place, "data/.other.db.daemon.lock"));
	/* A store has one lock, whatever leads to it. */
	OK(fs_write_atomic(place_path(&place, "data/tt.db"), STR("x"), 0600, &err) == 0);
	OK(symlink("data/tt.db", place_path(&place, "link")) == 0);
	paths = paths_of(&place, "link");
	IS_CSTR(paths.lock, place_path(&place, "data/.daemon.lock"));
	paths = instance_paths(&place.arena, &place.dirs, "nowhere.db");
	IS_CSTR(paths.lock, "./.nowhere.db.daemon.lock");
	paths = instance_paths(&place.arena, &place.dirs, "/nowhere.db");
	IS_CSTR(paths.lock, "/.nowhere.db.daemon.lock");
	place_end(&place);
}

static void one_of_them(void)
{
	struct place place;
	struct instance_paths paths;
	struct instance found;
	int lock = -1;

	place_begin(&place);
	setenv("TT_NOW", "2026-02-03T14:32:01.5Z", 1);
	paths = paths_of(&place, "data/tt.db");
	OK(!find(&place, &paths).running);
	OK(!fs_exists(paths.lock)); /* looking leaves nothing behind */
	OK(instance_take(&paths, &lock, &place.err) == 0);
	found = find(&place, &paths);
	OK(found.running);
	IS_INT(found.pid, getpid());
	IS_STR(found.version, TT_VERSION);
	IS_INT(found.started_ns, INT64_C(1770129121) * NS_PER_S + 500 * NS_PER_MS);
	OK(fails_elsewhere(
		&paths, ERR_BUSY, arena_printf(&place.arena, "process %d", (int)getpid()).ptr));
	OK(instance_holds(&paths, lock));
	OK(instance_write_state(&paths, STR("{}"), &place.err) == 0);
	instance_leave(&paths, &lock);
	IS_INT(lock, -1);
	OK(!find(&place, &paths).running);
	OK(!fs_exists(paths.state));
	OK(instance_take(&paths, &lock, &place.err) == 0);
	instance_leave(&paths, &lock);
	unsetenv("TT_NOW");
	place_end(&place);
}

/* What a killed one leaves behind is not taken for one that runs. */
static void after_a_kill(void)
{
	struct place place;
	struct instance_paths paths;
	int lock = -1, ready[2];
	char byte;
	pid_t child;

	place_begin(&place);
	paths = paths_of(&place, "data/tt.db");
	OK(pipe(ready) == 0);
	child = fork();
	if (child == 0) {
		struct err err;

		if (instance_take(&paths, &lock, &err) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		while (pause() != 0)
			;
	}
	OK(read(ready[0], &byte, 1) == 1);
	IS_INT(find(&place, &paths).pid, child);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	OK(strstr(place_text(&place, paths.lock), "pid") != NULL);
	OK(!find(&place, &paths).running);
	OK(instance_take(&paths, &lock, &place.err) == 0);
	IS_INT(find(&place, &paths).pid, getpid());
	instance_leave(&paths, &lock);
	close(ready[0]);
	close(ready[1]);
	place_end(&place);
}

/* The lock is held, but what stands in it is of no process: nobody who could be told anything. */
static void a_lock_of_nobody(void)
{
	struct place place;
	struct instance_paths paths;
	int lock = -1;
	pid_t gone = fork();
	struct str texts[4];

	if (gone == 0)
		_exit(0);
	waitpid(gone, NULL, 0);
	place_begin(&place);
	paths = paths_of(&place, "data/tt.db");
	OK(instance_take(&paths, &lock, &place.err) == 0);
	texts[0] = STR("");
	texts[1] = STR("{\"pid\":0,\"started\":\"2026-02-03T09:00:00Z\",\"version\":\"1\"}");
	texts[2] = STR("{\"pid\":-1,\"started\":\"2026-02-03T09:00:00Z\",\"version\":\"1\"}");
	texts[3] = arena_printf(&place.arena,
		"{\"pid\":%d,\"started\":\"2026-02-03T09:00:00Z\",\"version\":\"1\"}", (int)gone);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct instance found;

		OK(ftruncate(lock, 0) == 0);
		OK(pwrite(lock, texts[i].ptr, texts[i].len, 0) == (ssize_t)texts[i].len);
		found = find(&place, &paths);
		OK(found.running);
		IS_INT(found.pid, 0);
		OK(found.started_ns == INT64_MIN);
		IS_INT(found.version.len, 0);
	}
	instance_leave(&paths, &lock);
	place_end(&place);
}

/* Those who look do not keep a daemon from starting, nor take each other for one. */
static void many_who_look(void)
{
	struct place place;
	struct instance_paths paths;
	int lock = -1, faults = 0;
	pid_t children[4];

	place_begin(&place);
	paths = paths_of(&place, "data/tt.db");
	OK(instance_take(&paths, &lock, &place.err) == 0);
	instance_leave(&paths, &lock);
	for (size_t i = 0; i < ARRAY_LEN(children); i++) {
		children[i] = fork();
		if (children[i] != 0)
			continue;
		for (int look = 0; look < 2000; look++) {
			struct arena arena = { 0 };
			struct instance found;
			struct err err;

			if (instance_find(&paths, &arena, &found, &err) < 0 ||
				(found.running && found.pid != getppid()))
				_exit(1);
			arena_release(&arena);
		}
		_exit(0);
	}
	for (int i = 0; i < 50; i++) {
		OK(instance_take(&paths, &lock, &place.err) == 0);
		instance_leave(&paths, &lock);
	}
	for (size_t i = 0; i < ARRAY_LEN(children); i++) {
		int status = 0;

		waitpid(children[i], &status, 0);
		faults += status != 0;
	}
	IS_INT(faults, 0);
	place_end(&place);
}

static void a_lock_that_is_lost(void)
{
	struct place place;
	struct instance_paths paths;
	int lock = -1, other = -1;

	place_begin(&place);
	paths = paths_of(&place, "data/tt.db");
	OK(instance_take(&paths, &lock, &place.err) == 0);
	OK(unlink(paths.lock) == 0);
	OK(!instance_holds(&paths, lock));
	OK(instance_take(&paths, &other, &place.err) == 0);
	OK(!instance_holds(&paths, lock));
	OK(instance_holds(&paths, other));
	OK(instance_write_state(&paths, STR("{}"), &place.err) == 0);
	/* Leaving takes nothing from the other. */
	instance_leave(&paths, &lock);
	OK(fs_exists(paths.state));
	IS_INT(find(&place, &paths).pid, getpid());
	instance_leave(&paths, &other);
	place_end(&place);
}

static void what_it_tells(void)
{
	struct place place;
	struct instance_paths paths;
	struct json_parser parser = { 0 };
	struct buf text = BUF_INIT;
	struct err err;

	place_begin(&place);
	paths = paths_of(&place, "data/tt.db");
	OK(instance_read_state(&paths, &parser, &text) == NULL);
	OK(instance_write_state(&paths, STR("{\"paused\":true}"), &err) == 0);
	OK(json_is_true(json_get(instance_read_state(&paths, &parser, &text), "paused")));
	OK(instance_write_state(&paths, STR("{\"paused\":"), &err) == 0);
	OK(instance_read_state(&paths, &parser, &text) == NULL);
	OK(!fs_exists(arena_printf(&place.arena, "%s.tmp", paths.state).ptr));
	paths.state = place_path(&place, "nowhere/state");
	IS_INT(instance_write_state(&paths, STR("{}"), &err), ERR_NOT_FOUND);
	json_parser_release(&parser);
	buf_release(&text);
	place_end(&place);
}

static void pausing(void)
{
	struct place place;
	struct instance_paths paths;
	struct err err;
	bool changed;

	place_begin(&place);
	paths = paths_of(&place, "data/tt.db");
	OK(!instance_paused(&paths));
	OK(instance_pause(&paths, false, &changed, &err) == 0 && !changed);
	OK(instance_pause(&paths, true, &changed, &err) == 0 && changed);
	OK(instance_paused(&paths));
	OK(instance_pause(&paths, true, &changed, &err) == 0 && !changed);
	OK(instance_pause(&paths, false, &changed, &err) == 0 && changed);
	OK(!instance_paused(&paths));
	paths.pause = place_path(&place, "nowhere/paused");
	IS_INT(instance_pause(&paths, true, &changed, &err), ERR_NOT_FOUND);
	place_end(&place);
}

static const struct tap_case cases[] = {
	TAP_CASE(where_files_are),
	TAP_CASE(one_of_them),
	TAP_CASE(after_a_kill),
	TAP_CASE(a_lock_of_nobody),
	TAP_CASE(many_who_look),
	TAP_CASE(a_lock_that_is_lost),
	TAP_CASE(what_it_tells),
	TAP_CASE(pausing),
};

TAP_MAIN(cases)
