/* What is deleted is reused by PostgreSQL itself (autovacuum); whole months go back to the system.
 */
#include "store/postgres/partitions.h"

int db_shrink(struct store *store, int64_t *bytes, struct err *err)
{
	*bytes = 0;
	ASSERT(!store->in_transaction);
	return store->read_only ? 0 : pg_partitions_drop_empty(store, bytes, err);
}
