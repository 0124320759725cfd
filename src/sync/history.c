/* Marks are memos of the sync's own, under their change number. */
#include "sync/history.h"

#include <stdio.h>

#include "base/uuid.h"
#include "store/intake.h"

enum { KEY_BYTES = 24 };

#define MARKS_SOURCE STR("sync.marks")

static struct str key_of(int64_t seq, char text[static KEY_BYTES])
{
	snprintf(text, KEY_BYTES, "%lld", (long long)seq);
	return str_from(text);
}

int history_find(
	struct store *store, int64_t seq, struct arena *arena, struct str *mark, struct err *err)
{
	struct intake *intake CLEANUP(intake_freep) = NULL;
	char key[KEY_BYTES];
	bool found;

	*mark = (struct str){ NULL, 0 };
	if (intake_begin_lazy(&intake, store, err) < 0)
		return err->code;
	return intake_memo_get(intake, MARKS_SOURCE, key_of(seq, key), arena, mark, &found, err);
}

int history_make(
	struct store *store, int64_t seq, struct arena *arena, struct str *mark, struct err *err)
{
	struct intake *intake CLEANUP(intake_freep) = NULL;
	char key[KEY_BYTES], made[UUID_BYTES + 1];
	bool found;
	int rc = history_find(store, seq, arena, mark, err);

	if (rc < 0 || mark->len > 0)
		return rc;
	if (intake_begin(&intake, store, err) < 0 ||
		intake_memo_get(intake, MARKS_SOURCE, key_of(seq, key), arena, mark, &found, err) <
			0)
		return err->code;
	if (found)
		return 0;
	uuid_v4(made);
	if (intake_memo_put(intake, MARKS_SOURCE, key_of(seq, key), str_from(made), err) < 0 ||
		intake_commit(intake, err) < 0)
		return err->code;
	*mark = arena_str(arena, str_from(made));
	return 0;
}
