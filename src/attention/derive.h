/* From an inference to the derived tables: looks up what the store has, merges, and writes what
 * changed. */
#ifndef TT_ATTENTION_DERIVE_H
#define TT_ATTENTION_DERIVE_H

#include "attention/infer.h"

/*
 * Store what was added to INFER, within derived_begin. FRESH: the tables are empty, nothing is
 * looked up. *FITS false: something stored would have to move, nothing was written, and only a
 * rebuild helps. INFER cannot be added to afterwards.
 */
MUST_USE int derive_store(
	struct store *store, struct infer *infer, bool fresh, bool *fits, struct err *err);

#endif
