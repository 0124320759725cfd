/* Finds the rows of an array by a hash of theirs: open addressing, at most half full. Not for
 * removing single rows. */
#ifndef TT_STORE_SQL_ROW_INDEX_H
#define TT_STORE_SQL_ROW_INDEX_H

#include "base/str.h"

/* All-zero is an empty one. */
struct row_index {
	uint32_t *slots; /* 1 + the row; 0: empty */
	size_t slot_count;
	size_t count;
};

/* Row ROW has HASH. False: there is no room for it; the owner calls row_index_grow and adds all its
 * rows again. */
MUST_USE bool row_index_add(struct row_index *index, uint64_t hash, size_t row);
/* Empty, with room for ROWS. */
void row_index_grow(struct row_index *index, size_t rows);
/* Empty, the memory is kept. */
void row_index_clear(struct row_index *index);
void row_index_release(struct row_index *index);

/* For each row that may have HASH: *STEP starts at 0, *ROW is set; false at the end. */
bool row_index_next(const struct row_index *index, uint64_t hash, size_t *step, size_t *row);

#endif
