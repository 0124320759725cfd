/*
 * What an intake knows from one transaction to the next. Filters are kept while nobody else writes.
 */
#include "store/sql/known.h"

#include <stdlib.h>

#include "base/hash.h"
#include "store/sql/expected.h"

static void forget_tables(struct events *events)
{
	for (size_t i = 0; i < events->filter_count; i++)
		filter_release(&events->filters[i].filter);
	events->filter_count = events->last_filter = 0;
	events->generation++;
}

void events_forget(struct events *events)
{
	forget_tables(events);
	events_unexpect(events);
	dictionary_forget(events->dictionary);
}

void events_release(struct events *events)
{
	for (size_t i = 0; i < events->filter_count; i++)
		filter_release(&events->filters[i].filter);
	free(events->filters);
	events_unexpect(events);
}

void events_begin(struct events *events)
{
	unsigned connection = ahead_connection(events->store);
	bool alone = db_counters(events->store)->last_seq == events->last_seq;

	/* Another server may not have what that one had. */
	if (connection != events->connection) {
		catalogue_forget(events->catalogue);
		events_forget(events);
		alone = false;
	}
	catalogue_begin(events->catalogue, alone);
	if (!alone)
		forget_tables(events);
	events->connection = connection;
	if (events->expected)
		events->expected->sure = false;
	dictionary_begin(events->dictionary, alone);
}

void events_committed(struct events *events)
{
	events->last_seq = db_counters(events->store)->last_seq;
}

uint64_t known_hash(int64_t at_ns, struct str key)
{
	return hash64(key, (uint64_t)at_ns);
}

struct filter *known_filter(struct events *events, int64_t bucket_no)
{
	struct bucket_filter *filters = events->filters;
	size_t at = events->last_filter;

	if (at < events->filter_count && filters[at].bucket_no == bucket_no)
		return &filters[at].filter;
	for (at = 0; at < events->filter_count && filters[at].bucket_no != bucket_no; at++)
		;
	if (at == events->filter_count) {
		filters = mem_resize(filters, at + 1, sizeof(*filters));
		filters[at] = (struct bucket_filter){ .bucket_no = bucket_no };
		events->filters = filters;
		events->filter_count++;
	}
	events->last_filter = at;
	return &filters[at].filter;
}

static int count_rows(
	struct events *events, const struct bucket *bucket, struct filter *filter, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	if (db_stmt(events->store, "SELECT events FROM bucket WHERE " OWN "bucket_no = ?", &stmt,
		    err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, bucket->bucket_no);
	rc = db_step(events->store, stmt, err);
	if (rc < 0)
		return rc;
	filter_counted(filter, (rc == 1 ? db_col_i64(stmt, 0) : 0) + bucket->added);
	return 0;
}

static int fill(
	struct events *events, const struct bucket *bucket, struct filter *filter, struct err *err)
{
	struct db_statement *stmt = NULL;
	int rc = db_prepare(events->store, "SELECT start_ns, key FROM event WHERE " OWN "shelf = ?",
		&stmt, err);

	filter_reset(filter);
	if (rc == 0)
		db_bind_i64(stmt, 1, 2 * bucket->bucket_no);
	while (rc == 0 && (rc = db_step(events->store, stmt, err)) == 1) {
		filter_add(filter,
			known_hash(time_floor_ms(db_col_i64(stmt, 0)), db_col_str(stmt, 1)));
		rc = 0;
	}
	if (rc < 0)
		filter_release(filter);
	db_finalize(stmt);
	return rc;
}

int known_absent(struct events *events, const struct bucket *bucket, const struct event_name *name,
	bool *absent, struct err *err)
{
	struct filter *filter = known_filter(events, bucket->bucket_no);

	*absent = false;
	if ((filter_wants_count(filter) && count_rows(events, bucket, filter, err) < 0) ||
		(filter_is_due(filter) && fill(events, bucket, filter, err) < 0))
		return err->code;
	*absent = filter_excludes(filter, known_hash(name->at_ns, name->parts.discriminator));
	return 0;
}

bool known_suspect(
	struct events *events, const struct bucket *bucket, const struct event_name *name)
{
	const struct filter *filter = known_filter(events, bucket->bucket_no);

	return name->at_ns <= bucket->newest_ns[0] && filter->word_count > 0 &&
	       !filter_excludes(filter, known_hash(name->at_ns, name->parts.discriminator));
}
