/*
 * The writer over a disk that fails: what is answered is on disk and what failed is not, whichever
 * call to the disk fails; nobody is answered twice or not at all.
 */
#include <sqlite3.h>

#include "fault_vfs.h"
#include "writer_stage.h"

enum { LAST_CALL = 400 };

/* False: call N was not reached. *DOUBTFUL counts what failed and is there all the same: when the
 * sync itself fails, nobody can know what is on the disk. */
static bool fail_call(struct stage *stage, long n, int code, bool sticky, int *doubtful)
{
	static const char *const names[] = { "a", "b", "c" };
	bool failed, stored[ARRAY_LEN(names)];

	open_stage(stage);
	send(stage, 0, "/event/a");
	send(stage, 1, "/event/b");
	fault_vfs_arm(n, code, sticky);
	write_all(stage);
	failed = fault_vfs_disarm();
	send(stage, 2, "/event/c");
	write_all(stage);
	IS_INT(stage->requests[2].status, 200); /* it has got over it */
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		int status = stage->requests[i].status;

		stored[i] = is_stored(stage, names[i]);
		tap_check(stored[i] || status != 200, __FILE__, __LINE__,
			"call %ld (%d): request %zu was answered, and is not stored", n, code, i);
		OK(status == 200 || status >= 500);
		forget(stage, i);
	}
	*doubtful += stored[0] && stage->requests[0].status != 200;
	close_stage(stage);
	return failed;
}

static void every_fault(int code, bool sticky)
{
	struct stage stage;
	int doubtful = 0;
	long n = 1;

	while (n < LAST_CALL && fail_call(&stage, n, code, sticky, &doubtful))
		n++;
	OK(n > 5 && n < LAST_CALL);
	OK(doubtful <= 1);
}

static void with_faults(void)
{
	fault_vfs_install();
	every_fault(SQLITE_IOERR_WRITE, false);
	every_fault(SQLITE_IOERR_WRITE, true);
	every_fault(SQLITE_FULL, false);
	every_fault(SQLITE_FULL, true);
}

/* Many users in one transaction; where the disk fails, what was answered is there. */
static void many_with_faults(void)
{
	static const char *const names[] = { "a", "b", "c" };
	static const char *const paths[] = { "/event/a", "/event/b", "/event/c" };
	bool failed = true;

	for (long n = 1; failed && n < LAST_CALL; n++) {
		struct stage stage;

		open_stage(&stage);
		stage.shared = true;
		for (size_t i = 0; i < USERS; i++)
			send_as(&stage, i, paths[i], i);
		fault_vfs_arm(n, SQLITE_IOERR_WRITE, false);
		write_all(&stage);
		failed = fault_vfs_disarm();
		for (size_t i = 0; i < USERS; i++) {
			tap_check(stage.requests[i].status != 200 || is_stored(&stage, names[i]),
				__FILE__, __LINE__, "call %ld: user %zu's is answered, not stored",
				n, i);
			forget(&stage, i);
		}
		close_stage(&stage);
	}
	OK(!failed);
}

static const struct tap_case cases[] = { TAP_CASE(with_faults), TAP_CASE(many_with_faults) };
TAP_MAIN(cases)
