/* Reading a chat of Cursor's command line, one row at a time. */
#include "store/foreign_chat.h"

#include "store/foreign/statement.h"
#include "store/sqlite/db.h"

int foreign_chat_open(
	struct foreign **out, const char *path, const char *state_dir, struct err *err)
{
	static const char *const tables[] = { "meta", "blobs", NULL };
	const struct foreign_options options = {
		.path = path, .tables = tables, .state_dir = state_dir
	};

	return foreign_open(out, &options, err);
}

int foreign_chat_meta(
	struct foreign *foreign, struct arena *arena, struct str *value, struct err *err)
{
	return foreign_text(
		foreign, "SELECT value FROM meta WHERE key = ?", STR("0"), arena, value, err);
}

int foreign_chat_blob(struct foreign *foreign, struct str id, struct arena *arena, struct str *data,
	struct err *err)
{
	return foreign_text(foreign, "SELECT data FROM blobs WHERE id = ?", id, arena, data, err);
}
