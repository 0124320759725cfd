/* Files: what is on disk after success and after each failure, races of real processes, locks, the
 * program's directories. */
#include "tap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"

/* A directory of its own for each case, with paths in an arena. */
struct place {
	struct arena arena;
	char dir[64];
};

static void place_init(struct place *place)
{
	*place = (struct place){ .dir = "/tmp/tt-test-fs-XXXXXX" };
	if (!mkdtemp(place->dir))
		abort();
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static void place_release(struct place *place)
{
	OK(nftw(place->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0);
	arena_release(&place->arena);
}

static const char *in(struct place *place, const char *name)
{
	return fs_join(&place->arena, place->dir, name);
}

static int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	int count = -2; /* "." and ".." */

	if (!dir)
		return -1;
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static void content_is(const char *path, struct str want, int line)
{
	struct buf got = BUF_INIT;
	struct err err = { 0 };

	tap_is_int(fs_read(path, 1 << 20, &got, &err), 0, err.message, __FILE__, line);
	tap_check(str_eq(buf_str(&got), want), __FILE__, line, "content of %s: '%.*s'", path,
		STR_ARG(buf_str(&got)));
	buf_release(&got);
}

static void writes_and_reads(void)
{
	struct place place;
	struct err err = { 0 };
	struct buf got = BUF_INIT;
	struct stat status;
	mode_t old_mask = umask(022);

	place_init(&place);
	IS_INT(fs_write_atomic(in(&place, "f"), STR("a\0b\n"), 0640, &err), 0);
	content_is(in(&place, "f"), STR("a\0b\n"), __LINE__);
	OK(stat(in(&place, "f"), &status) == 0);
	IS_INT(status.st_mode & 07777, 0640);
	IS_INT(fs_write_atomic(in(&place, "f"), STR(""), 0666, &err), 0);
	content_is(in(&place, "f"), STR(""), __LINE__);
	OK(stat(in(&place, "f"), &status) == 0);
	IS_INT(status.st_mode & 07777, 0644);
	IS_INT(count_entries(place.dir), 1);

	IS_INT(fs_write_atomic(in(&place, "f"), STR("second"), 0600, &err), 0);
	buf_addc(&got, "first ");
	IS_INT(fs_read(in(&place, "f"), 6, &got, &err), 0);
	IS_CSTR(buf_cstr(&got), "first second");
	buf_release(&got);
	umask(old_mask);
	place_release(&place);
}

static void reads_large_and_sizeless_files(void)
{
	struct place place;
	struct err err = { 0 };
	struct buf large = BUF_INIT, got = BUF_INIT;

	place_init(&place);
	for (int i = 0; i < 50000; i++)
		buf_printf(&large, "%d\n", i);
	IS_INT(fs_write_atomic(in(&place, "f"), buf_str(&large), 0600, &err), 0);
	IS_INT(fs_read(in(&place, "f"), large.len, &got, &err), 0);
	OK(str_eq(buf_str(&got), buf_str(&large)));
	buf_clear(&got);
	IS_INT(fs_read("/proc/self/maps", SIZE_MAX, &got, &err), 0);
	OK(got.len > 0);
	buf_release(&large);
	buf_release(&got);
	place_release(&place);
}

static void a_failed_read_leaves_the_buffer_alone(void)
{
	struct place place;
	struct err err = { 0 };
	struct buf got = BUF_INIT;

	place_init(&place);
	buf_addc(&got, "kept");
	IS_INT(fs_read(in(&place, "none"), 10, &got, &err), ERR_NOT_FOUND);
	OK(strstr(err.message, in(&place, "none")) != NULL);
	IS_INT(fs_write_atomic(in(&place, "f"), STR("12345"), 0600, &err), 0);
	IS_INT(fs_read(in(&place, "f"), 4, &got, &err), ERR_LIMIT);
	OK(strstr(err.message, in(&place, "f")) != NULL);
	IS_INT(fs_read(in(&place, "f"), 0, &got, &err), ERR_LIMIT);
	IS_INT(fs_read("/proc/self/maps", 10, &got, &err), ERR_LIMIT);
	IS_INT(fs_read(place.dir, 10, &got, &err), ERR_IO);
	IS_CSTR(buf_cstr(&got), "kept");
	IS_INT(got.ptr[got.len], 0);
	buf_release(&got);
	place_release(&place);
}

static void a_failed_write_leaves_no_trace(void)
{
	struct place place;
	struct err err = { 0 };

	place_init(&place);
	IS_INT(fs_write_atomic(in(&place, "none/f"), STR("x"), 0600, &err), ERR_NOT_FOUND);
	OK(strstr(err.message, "none/f") != NULL);
	OK(mkdir(in(&place, "dir"), 0700) == 0);
	OK(fs_write_atomic(in(&place, "dir"), STR("x"), 0600, &err) < 0);
	OK(strstr(err.message, "dir'") != NULL);
	IS_INT(count_entries(place.dir), 1);
	IS_INT(fs_create_atomic(in(&place, "dir"), STR("x"), 0600, &err), ERR_EXISTS);
	IS_INT(count_entries(place.dir), 1);
	place_release(&place);
}

/* A disk that takes only a part: the process may write 4 KiB to a file. */
static void a_full_disk_leaves_the_old_content(void)
{
	struct place place;
	struct err err = { 0 };
	struct rlimit old, small;
	char *large = mem_zalloc(64 << 10);
	struct str content = { large, 64 << 10 };

	place_init(&place);
	IS_INT(fs_write_atomic(in(&place, "f"), STR("old"), 0600, &err), 0);
	signal(SIGXFSZ, SIG_IGN);
	OK(getrlimit(RLIMIT_FSIZE, &old) == 0);
	small = old;
	small.rlim_cur = 4096;
	OK(setrlimit(RLIMIT_FSIZE, &small) == 0);
	IS_INT(fs_write_atomic(in(&place, "f"), content, 0600, &err), ERR_FULL);
	IS_INT(fs_create_atomic(in(&place, "g"), content, 0600, &err), ERR_FULL);
	OK(setrlimit(RLIMIT_FSIZE, &old) == 0);
	signal(SIGXFSZ, SIG_DFL);
	content_is(in(&place, "f"), STR("old"), __LINE__);
	IS_INT(count_entries(place.dir), 1);
	free(large);
	place_release(&place);
}

static void write_all_reports_what_the_device_says(void)
{
	struct err err = { 0 };
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	if (!OK(fd >= 0))
		return;
	IS_INT(fs_write_all(fd, "the device", STR("x"), &err), ERR_FULL);
	OK(strstr(err.message, "the device") != NULL);
	IS_INT(fs_write_all(fd, "the device", STR(""), &err), 0);
	fs_closep(&fd);
	IS_INT(fd, -1);
	fs_closep(&fd);
	IS_INT(fs_write_all(-1, "nothing", STR("x"), &err), ERR_IO);
}

/* Through a pipe into a slow reader, so that writes are short. */
static void write_all_writes_all(void)
{
	enum { COUNT = 1 << 20 };
	struct err err = { 0 };
	char *bytes = mem_zalloc(COUNT);
	int ends[2], status = -1;
	pid_t pid;

	if (!OK(pipe(ends) == 0))
		return;
	pid = fork();
	if (pid == 0) {
		char part[1000];
		ssize_t got;
		size_t sum = 0;

		close(ends[1]);
		while ((got = read(ends[0], part, sizeof(part))) > 0)
			sum += (size_t)got;
		_exit(sum == COUNT ? 0 : 1);
	}
	close(ends[0]);
	IS_INT(fs_write_all(ends[1], "pipe", (struct str){ bytes, COUNT }, &err), 0);
	close(ends[1]);
	OK(waitpid(pid, &status, 0) == pid);
	IS_INT(status, 0);
	free(bytes);
}

static void creates_only_what_is_not_there(void)
{
	struct place place;
	struct err err = { 0 };

	place_init(&place);
	IS_INT(fs_create_atomic(in(&place, "f"), STR("first"), 0600, &err), 0);
	IS_INT(fs_create_atomic(in(&place, "f"), STR("second"), 0600, &err), ERR_EXISTS);
	OK(strstr(err.message, in(&place, "f")) != NULL);
	content_is(in(&place, "f"), STR("first"), __LINE__);
	/* A link to nowhere is there, too. */
	OK(symlink("nowhere", in(&place, "link")) == 0);
	IS_INT(fs_create_atomic(in(&place, "link"), STR("x"), 0600, &err), ERR_EXISTS);
	IS_INT(count_entries(place.dir), 2);
	place_release(&place);
}

/* One racer: waits for the starting shot (the pipe's end), then creates; exits 0 when it won, 1
 * when it was late. */
_Noreturn static void race(const char *path, int number, int start)
{
	struct err err = { 0 };
	char content[64], byte;
	int len = snprintf(content, sizeof(content), "made by racer %d", number), result;

	if (read(start, &byte, 1) != 0)
		_exit(3);
	result = fs_create_atomic(path, (struct str){ content, (size_t)len }, 0600, &err);
	_exit(result == 0 ? 0 : result == ERR_EXISTS ? 1 : 2);
}

static void exactly_one_of_racing_creators_wins(void)
{
	enum { RACERS = 6, ROUNDS = 15 };
	struct place place;

	place_init(&place);
	for (int round = 0; round < ROUNDS; round++) {
		const char *path = in(&place, arena_printf(&place.arena, "f%d", round).ptr);
		int start[2], won = 0, late = 0, winner = -1;
		pid_t racers[RACERS];

		if (!OK(pipe(start) == 0))
			break;
		for (int i = 0; i < RACERS; i++) {
			racers[i] = fork();
			if (racers[i] == 0) {
				close(start[1]);
				race(path, i, start[0]);
			}
		}
		close(start[0]);
		close(start[1]);
		for (int i = 0; i < RACERS; i++) {
			int status = -1;

			OK(waitpid(racers[i], &status, 0) == racers[i]);
			late += WIFEXITED(status) && WEXITSTATUS(status) == 1;
			if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
				won++;
				winner = i;
			}
		}
		IS_INT(won, 1);
		IS_INT(late, RACERS - 1);
		content_is(path, arena_printf(&place.arena, "made by racer %d", winner), __LINE__);
	}
	IS_INT(count_entries(place.dir), ROUNDS);
	place_release(&place);
}

/* A reader beside a writer that never stops sees one content or the other, whole. */
static void a_reader_never_sees_a_part(void)
{
	struct place place;
	struct err err = { 0 };
	const char *path;
	char *old = mem_alloc(20000), *new = mem_alloc(30000);
	int seen = 0, broken = 0, status;
	pid_t pid;

	place_init(&place);
	path = in(&place, "f");
	memset(old, 'o', 20000);
	memset(new, 'n', 30000);
	IS_INT(fs_write_atomic(path, (struct str){ old, 20000 }, 0600, &err), 0);
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 40; i++)
			if (fs_write_atomic(path,
				    i % 2 ? (struct str){ old, 20000 } : (struct str){ new, 30000 },
				    0600, &err) < 0)
				_exit(1);
		_exit(0);
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		struct buf got = BUF_INIT;
		struct str want;

		broken += fs_read(path, 1 << 20, &got, &err) < 0;
		want = (struct str){ got.len == 20000 ? old : new,
			got.len == 20000 ? 20000 : 30000 };
		broken += !str_eq(buf_str(&got), want);
		seen++;
		buf_release(&got);
	}
	IS_INT(status, 0);
	IS_INT(broken, 0);
	OK(seen > 0);
	free(old);
	free(new);
	place_release(&place);
}

static void makes_directories(void)
{
	struct place place;
	struct err err = { 0 };
	struct stat status;
	mode_t old_mask = umask(022);

	place_init(&place);
	IS_INT(fs_make_dirs(in(&place, "a/b//c/"), 0750, &err), 0);
	OK(stat(in(&place, "a/b/c"), &status) == 0 && S_ISDIR(status.st_mode));
	IS_INT(status.st_mode & 07777, 0750);
	OK(stat(in(&place, "a"), &status) == 0);
	IS_INT(status.st_mode & 07777, 0750);
	IS_INT(fs_make_dirs(in(&place, "a/b/c"), 0700, &err), 0);
	OK(stat(in(&place, "a/b/c"), &status) == 0);
	IS_INT(status.st_mode & 07777, 0750);
	OK(symlink("a", in(&place, "link")) == 0);
	IS_INT(fs_make_dirs(in(&place, "link/d"), 0700, &err), 0);
	OK(fs_exists(in(&place, "a/d")));
	IS_INT(fs_make_dirs("/", 0700, &err), 0);
	IS_INT(fs_make_dirs(".", 0700, &err), 0);
	umask(old_mask);
	place_release(&place);
}

static void does_not_make_directories_through_files(void)
{
	struct place place;
	struct err err = { 0 };

	place_init(&place);
	IS_INT(fs_write_atomic(in(&place, "f"), STR("x"), 0600, &err), 0);
	OK(symlink("nowhere", in(&place, "link")) == 0);
	IS_INT(fs_make_dirs(in(&place, "f"), 0700, &err), ERR_IO);
	OK(strstr(err.message, strerror(ENOTDIR)) != NULL);
	IS_INT(fs_make_dirs(in(&place, "f/sub"), 0700, &err), ERR_IO);
	IS_INT(fs_make_dirs(in(&place, "link"), 0700, &err), ERR_IO);
	OK(strstr(err.message, in(&place, "link")) != NULL);
	IS_INT(fs_make_dirs("", 0700, &err), ERR_NOT_FOUND);
	IS_INT(fs_make_dirs("/proc/tt-test/sub", 0700, &err), ERR_NOT_FOUND);
	place_release(&place);
}

static void tells_what_exists(void)
{
	struct place place;
	struct err err = { 0 };

	place_init(&place);
	OK(fs_exists(place.dir));
	OK(!fs_exists(in(&place, "f")));
	IS_INT(fs_write_atomic(in(&place, "f"), STR(""), 0000, &err), 0);
	OK(fs_exists(in(&place, "f")));
	OK(!fs_exists(""));
	place_release(&place);
}

static void joins(void)
{
	struct arena arena = { 0 };

	IS_CSTR(fs_join(&arena, "dir", "name"), "dir/name");
	IS_CSTR(fs_join(&arena, "dir/", "name"), "dir/name");
	IS_CSTR(fs_join(&arena, "/", "name"), "/name");
	IS_CSTR(fs_join(&arena, "", "name"), "name");
	arena_release(&arena);
}

static void syncs_directories_only(void)
{
	struct place place;
	struct err err = { 0 };

	place_init(&place);
	IS_INT(fs_sync_dir(place.dir, &err), 0);
	IS_INT(fs_sync_dir(in(&place, "none"), &err), ERR_NOT_FOUND);
	IS_INT(fs_write_atomic(in(&place, "f"), STR(""), 0600, &err), 0);
	IS_INT(fs_sync_dir(in(&place, "f"), &err), ERR_IO);
	place_release(&place);
}

static void writes_beside_itself_without_a_directory(void)
{
	struct place place;
	struct err err = { 0 };
	char before[4096];

	place_init(&place);
	if (OK(getcwd(before, sizeof(before)) != NULL) && OK(chdir(place.dir) == 0)) {
		IS_INT(fs_write_atomic("plain", STR("here"), 0600, &err), 0);
		OK(chdir(before) == 0);
	}
	content_is(in(&place, "plain"), STR("here"), __LINE__);
	place_release(&place);
}

/* Hold the lock in another process until the returned pipe end is closed. */
static pid_t hold_lock(const char *path, int *let_go)
{
	int ready[2], end[2];
	char byte = 0;
	pid_t pid;

	if (pipe(ready) != 0 || pipe(end) != 0)
		abort();
	pid = fork();
	if (pid == 0) {
		struct err err = { 0 };
		int fd;

		close(end[1]);
		if (fs_lock(path, 0, &fd, &err) < 0 || write(ready[1], &byte, 1) != 1)
			_exit(1);
		_exit(read(end[0], &byte, 1) == 0 ? 0 : 1);
	}
	close(ready[1]);
	close(end[0]);
	OK(read(ready[0], &byte, 1) == 1);
	close(ready[0]);
	*let_go = end[1];
	return pid;
}

static void a_lock_keeps_others_out(void)
{
	struct place place;
	struct err err = { 0 };
	struct stat status;
	int let_go, fd = 99, exit_status = -1;
	int64_t start_ns;
	pid_t holder;

	place_init(&place);
	holder = hold_lock(in(&place, "lock"), &let_go);
	IS_INT(fs_lock(in(&place, "lock"), 0, &fd, &err), ERR_BUSY);
	IS_INT(fd, -1);
	OK(strstr(err.message, in(&place, "lock")) != NULL);
	start_ns = clock_monotonic_ns();
	IS_INT(fs_lock(in(&place, "lock"), 60, &fd, &err), ERR_BUSY);
	OK(clock_monotonic_ns() - start_ns >= 60 * INT64_C(1000000));
	close(let_go);
	OK(waitpid(holder, &exit_status, 0) == holder);
	IS_INT(exit_status, 0);
	/* Its death released it. */
	IS_INT(fs_lock(in(&place, "lock"), 0, &fd, &err), 0);
	OK(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
	OK(stat(in(&place, "lock"), &status) == 0);
	IS_INT(status.st_mode & 07777, 0600);
	fs_closep(&fd);
	IS_INT(fs_lock(in(&place, "none/lock"), 0, &fd, &err), ERR_NOT_FOUND);
	IS_INT(fd, -1);
	place_release(&place);
}

static void waiting_for_a_lock_ends_when_it_is_free(void)
{
	struct place place;
	struct err err = { 0 };
	int let_go, fd = -1, status = -1;
	pid_t holder, closer;

	place_init(&place);
	holder = hold_lock(in(&place, "lock"), &let_go);
	closer = fork();
	if (closer == 0) {
		clock_sleep_ms(80);
		_exit(0);
	}
	close(let_go); /* the closer holds the last end now */
	IS_INT(fs_lock(in(&place, "lock"), 60000, &fd, &err), 0);
	OK(waitpid(closer, &status, 0) == closer && status == 0);
	OK(waitpid(holder, &status, 0) == holder && status == 0);
	fs_closep(&fd);
	place_release(&place);
}

static const struct tap_case cases[] = {
	TAP_CASE(writes_and_reads),
	TAP_CASE(reads_large_and_sizeless_files),
	TAP_CASE(a_failed_read_leaves_the_buffer_alone),
	TAP_CASE(a_failed_write_leaves_no_trace),
	TAP_CASE(a_full_disk_leaves_the_old_content),
	TAP_CASE(write_all_reports_what_the_device_says),
	TAP_CASE(write_all_writes_all),
	TAP_CASE(creates_only_what_is_not_there),
	TAP_CASE(exactly_one_of_racing_creators_wins),
	TAP_CASE(a_reader_never_sees_a_part),
	TAP_CASE(makes_directories),
	TAP_CASE(does_not_make_directories_through_files),
	TAP_CASE(tells_what_exists),
	TAP_CASE(joins),
	TAP_CASE(syncs_directories_only),
	TAP_CASE(writes_beside_itself_without_a_directory),
	TAP_CASE(a_lock_keeps_others_out),
	TAP_CASE(waiting_for_a_lock_ends_when_it_is_free),
};

TAP_MAIN(cases)
