/* Rows gather on the heap, which can grow in place, and move to the arena when their number is
 * known. */
#include "store/sql/rows.h"

int rows_read(struct store *store, struct db_statement *stmt, const struct row_type *type,
	struct arena *arena, struct rows *out, struct err *err)
{
	CLEANUP(mem_freep) char *rows = NULL;
	size_t count = 0, room = 0;
	int rc;

	while ((rc = db_step(store, stmt, err)) == 1) {
		if (count == room) {
			room = room ? 2 * room : 64;
			rows = mem_resize(rows, room, type->bytes);
		}
		type->read(stmt, arena, rows + count++ * type->bytes);
	}
	if (rc < 0)
		return rc;
	*out = (struct rows){ arena_zalloc(arena, count, type->bytes), count };
	if (count > 0)
		memcpy(out->ptr, rows, count * type->bytes);
	return 0;
}
