/*
 * Keeping the derived tables up to date.
 *
 * New events are taken from the feed in batches and added to what is stored. Where that cannot be
 * done in place (an event was withdrawn or changed in what matters, a session turns out to belong
 * elsewhere, the gap is another), everything is built again from one scan. Both ways end in the
 * same runs with the same first events: tests/unit/attention/test_streams_laws.c.
 */
#include "attention/streams.h"

#include <stdlib.h>

#include "attention/derive.h"

enum { UPDATE_BATCH = 100000 };

struct update {
	struct store *store;
	struct site_cache sites;
	struct derived_mark mark;
	int64_t *accounted; /* seqs of corrections that change nothing here, ascending */
	size_t accounted_count;
	bool fits;
	bool moved; /* events may start at other times than assignments know */
};

/* --- from nothing --- */

static int add_everything(struct update *update, struct infer *infer, struct err *err)
{
	CLEANUP(event_scan_closep) struct event_scan *scan = NULL;
	struct stored_event event;
	int rc;

	if (event_scan_open(&scan, update->store, &(struct event_filter){ 0 }, err) < 0)
		return err->code;
	while ((rc = event_scan_next(scan, &event, err)) == 1) {
		infer_add(infer, event.machine_id,
			site_get(&update->sites, event.data_no, event.event.data), &event.event);
		if (event.seq > update->mark.seq)
			update->mark.seq = event.seq;
	}
	return rc;
}

static int rebuild(struct update *update, struct err *err)
{
	struct infer infer;
	int rc;

	if (derived_clear(update->store, err) < 0 ||
		(update->moved && records_assignments_settle(update->store, err) < 0))
		return err->code;
	update->mark.seq = 0;
	update->mark.rebuild = false;
	infer_init(&infer, update->mark.gap_ns);
	rc = add_everything(update, &infer, err);
	if (rc == 0)
		rc = derive_store(update->store, &infer, true, &update->fits, err);
	infer_release(&infer);
	if (rc < 0)
		return rc;
	return derived_mark_put(update->store, &update->mark, err);
}

/* --- from where we were --- */

static int by_number(const void *a, const void *b)
{
	const int64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static bool same_site(struct json_parser *parsers, const struct derived_correction *correction)
{
	struct event_facts before, after;
	struct site left, right;

	event_facts(&parsers[0], correction->before, &before);
	event_facts(&parsers[1], correction->after, &after);
	left = site_of(&before);
	right = site_of(&after);
	return site_eq(&left, &right);
}

/* Events that changed but stay where they are must not be counted again; the others need a rebuild.
 */
static int take_corrections(struct update *update, struct arena *arena, struct err *err)
{
	struct json_parser parsers[2] = { 0 };
	struct derived_correction *corrections;
	size_t count;

	if (derived_corrections(update->store, arena, &corrections, &count, err) < 0)
		return err->code;
	update->accounted = arena_zalloc(arena, count, sizeof(*update->accounted));
	for (size_t i = 0; i < count && !update->moved; i++) {
		if (corrections[i].seq == 0 || !same_site(parsers, &corrections[i]))
			update->moved = true;
		else
			update->accounted[update->accounted_count++] = corrections[i].seq;
	}
	json_parser_release(&parsers[0]);
	json_parser_release(&parsers[1]);
	if (update->accounted_count > 1)
		qsort(update->accounted, update->accounted_count, sizeof(*update->accounted),
			by_number);
	return derived_corrections_clear(update->store, err);
}

struct new_event {
	struct event event; /* id, type and start */
	struct derived_point point;
	struct str machine_id;
	const struct site *site;
};

struct batch {
	struct arena arena;
	struct new_event *events;
	size_t count;
	size_t read; /* from the feed */
};

static int by_point(const void *a, const void *b)
{
	const struct new_event *left = a, *right = b;

	return derived_point_cmp(&left->point, &right->point);
}

static void batch_add(struct update *update, struct batch *batch, const struct stored_event *stored)
{
	struct new_event *event = &batch->events[batch->count];

	if (stored->event.deleted ||
		(update->accounted_count > 0 &&
			bsearch(&stored->seq, update->accounted, update->accounted_count,
				sizeof(*update->accounted), by_number)))
		return;
	*event = (struct new_event){
		.event = {
			.id = arena_str(&batch->arena, stored->event.id),
			.type = arena_str(&batch->arena, stored->event.type),
			.start_ns = stored->event.start_ns,
		},
		.machine_id = arena_str(&batch->arena, stored->machine_id),
		.site = site_get(&update->sites, stored->data_no, stored->event.data),
	};
	event->point = (struct derived_point){ stored->event.start_ns,
		event_type_rank(stored->event.type), event->event.id };
	batch->count++;
}

static int batch_read(struct update *update, struct batch *batch, struct err *err)
{
	CLEANUP(event_scan_closep) struct event_scan *feed = NULL;
	struct stored_event event;
	size_t room = 0;
	int rc = 0;

	if (event_feed_open(&feed, update->store, update->mark.seq, err) < 0)
		return err->code;
	while (batch->read < UPDATE_BATCH && (rc = event_scan_next(feed, &event, err)) == 1) {
		if (batch->count == room) {
			room = room ? 2 * room : 256;
			batch->events = mem_resize(batch->events, room, sizeof(*batch->events));
		}
		batch_add(update, batch, &event);
		batch->read++;
		update->mark.seq = event.seq;
	}
	return rc < 0 ? rc : 0;
}

static int batch_store(struct update *update, const struct batch *batch, struct err *err)
{
	struct infer infer;
	int rc;

	infer_init(&infer, update->mark.gap_ns);
	if (batch->count > 1)
		qsort(batch->events, batch->count, sizeof(*batch->events), by_point);
	for (size_t i = 0; i < batch->count; i++)
		infer_add(&infer, batch->events[i].machine_id, batch->events[i].site,
			&batch->events[i].event);
	rc = derive_store(update->store, &infer, false, &update->fits, err);
	infer_release(&infer);
	return rc;
}

static int catch_up_batch(struct update *update, bool *more, struct err *err)
{
	struct batch batch = { 0 };
	int rc = batch_read(update, &batch, err);

	if (rc == 0 && batch.count > 0)
		rc = batch_store(update, &batch, err);
	*more = batch.read == UPDATE_BATCH;
	free(batch.events);
	arena_release(&batch.arena);
	return rc;
}

/* Leaves `fits` false when only a rebuild helps. */
static int catch_up(struct update *update, struct err *err)
{
	struct arena arena = { 0 };
	bool more = true;
	int rc = 0;

	if (update->mark.corrected)
		rc = take_corrections(update, &arena, err);
	update->fits = !update->moved;
	while (rc == 0 && update->fits && more)
		rc = catch_up_batch(update, &more, err);
	update->accounted_count = 0;
	arena_release(&arena);
	if (rc < 0 || !update->fits)
		return rc;
	return derived_mark_put(update->store, &update->mark, err);
}

/* --- entry --- */

static int update_locked(struct update *update, int64_t gap_ns, bool force, struct err *err)
{
	if (derived_mark_get(update->store, &update->mark, err) < 0)
		return err->code;
	update->moved = update->mark.rebuild;
	update->fits = !force && !update->moved && update->mark.gap_ns == gap_ns;
	update->mark.gap_ns = gap_ns;
	if (update->fits && catch_up(update, err) < 0)
		return err->code;
	return update->fits ? 0 : rebuild(update, err);
}

static int nothing_new(struct store *store, int64_t gap_ns, bool *nothing, struct err *err)
{
	CLEANUP(event_scan_closep) struct event_scan *feed = NULL;
	struct derived_mark mark;
	struct stored_event event;
	int rc;

	*nothing = false;
	if (derived_mark_get(store, &mark, err) < 0)
		return err->code;
	if (mark.gap_ns != gap_ns || mark.rebuild || mark.corrected)
		return 0;
	if (event_feed_open(&feed, store, mark.seq, err) < 0)
		return err->code;
	rc = event_scan_next(feed, &event, err);
	*nothing = rc == 0;
	return rc < 0 ? rc : 0;
}

static int update_to(struct store *store, int64_t gap_ns, bool force, struct err *err)
{
	struct update update = { .store = store };
	bool nothing = false;
	int rc;

	if (!force && nothing_new(store, gap_ns, &nothing, err) < 0)
		return err->code;
	if (nothing)
		return 0;
	if (derived_begin(store, err) < 0)
		return err->code;
	rc = update_locked(&update, gap_ns, force, err);
	if (rc == 0)
		rc = derived_commit(store, err);
	else
		derived_rollback(store);
	site_cache_release(&update.sites);
	return rc;
}

int streams_update(
	struct store *store, const struct attention_params *params, bool force, struct err *err)
{
	if (params->gap_ns <= 0)
		return err_set(err, ERR_USAGE, "streams.gap must be longer than nothing");
	return update_to(store, params->gap_ns, force, err);
}

int streams_refresh(struct store *store, struct err *err)
{
	static const struct attention_params defaults = ATTENTION_DEFAULTS;
	struct derived_mark mark;

	if (derived_mark_get(store, &mark, err) < 0)
		return err->code;
	return update_to(store, mark.gap_ns > 0 ? mark.gap_ns : defaults.gap_ns, false, err);
}
