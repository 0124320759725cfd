/* Assigning events by hand: single ones, a session, or those of a time and a directory. */
#include "attention/confirm.h"
#include "attention/edit.h"
#include "attention/stream_set.h"
#include "base/fs.h"
#include "base/glob.h"

struct assigning {
	struct store *store;
	struct str stream_id;
	const struct edit_selection *selection;
	struct arena arena;
	int64_t assigned;
};

static int assign_event(
	struct assigning *assigning, const struct stored_event *event, struct err *err)
{
	const struct event_assignment assignment = { event->event.id, event->event.start_ns,
		assigning->stream_id, BY_PERSON };
	bool changed;

	assigning->assigned++;
	return records_assign_event(assigning->store, &assignment, &changed, err);
}

static int assign_ids(struct assigning *assigning, struct err *err)
{
	for (size_t i = 0; i < assigning->selection->event_id_count; i++) {
		struct stored_event event;

		if (store_event_find(assigning->store, assigning->selection->event_ids[i],
			    &assigning->arena, &event, err) < 0 ||
			assign_event(assigning, &event, err) < 0)
			return err->code;
	}
	return 0;
}

/* --- a session --- */

/* Whether the session or one of its ancestors is the one meant. */
static bool is_meant(const struct stream_set *set, size_t at, struct str session_id)
{
	int64_t session = (int64_t)at;

	for (size_t steps = 0; session != MAP_NONE && steps <= set->view.session_count; steps++) {
		if (str_eq(set->sessions[session].row->session_id, session_id))
			return true;
		session = set->sessions[session].parent;
	}
	return false;
}

static int64_t count_session_events(const struct stream_set *set, struct str session_id)
{
	struct map meant = { 0 };
	int64_t events = 0;

	for (size_t i = 0; i < set->view.session_count; i++) {
		struct map_key key = { .n = (uint64_t)set->view.sessions[i].session_no };

		if (!is_meant(set, i, session_id))
			continue;
		map_put(&meant, &key, 1);
		events += set->view.sessions[i].stray_events;
	}
	for (size_t i = 0; i < set->view.piece_count; i++) {
		struct map_key key = { .n = (uint64_t)set->view.pieces[i].session_no };

		if (map_get(&meant, &key) != MAP_NONE)
			events += set->view.pieces[i].events;
	}
	map_release(&meant);
	return events;
}

static int assign_session(struct assigning *assigning, struct err *err)
{
	CLEANUP(stream_set_freep) struct stream_set *set = NULL;
	struct str session_id = assigning->selection->session_id;
	bool found = false, changed;

	if (stream_set_load(&set, assigning->store, NULL, 0, 0, err) < 0)
		return err->code;
	for (size_t i = 0; i < set->view.session_count; i++) {
		const struct derived_session *row = &set->view.sessions[i];

		if (!str_eq(row->session_id, session_id))
			continue;
		found = true;
		if (records_assign_session(assigning->store,
			    &(struct session_assignment){
				    row->machine_id, session_id, assigning->stream_id, BY_PERSON },
			    &changed, err) < 0)
			return err->code;
	}
	if (!found)
		return err_set(
			err, ERR_NOT_FOUND, "no session has the id '%.*s'", STR_ARG(session_id));
	assigning->assigned = count_session_events(set, session_id);
	return 0;
}

/* --- a time --- */

static int compile_glob(struct assigning *assigning, struct glob **glob, struct err *err)
{
	struct fs_dirs dirs;

	*glob = NULL;
	if (assigning->selection->cwd_glob.len == 0)
		return 0;
	if (fs_dirs(&assigning->arena, &dirs, err) < 0)
		return err->code;
	return glob_compile(
		glob, &assigning->arena, assigning->selection->cwd_glob, str_from(dirs.home), err);
}

static int assign_time(struct assigning *assigning, struct err *err)
{
	CLEANUP(event_scan_closep) struct event_scan *scan = NULL;
	CLEANUP(site_cache_release) struct site_cache sites = { 0 };
	const struct edit_selection *selection = assigning->selection;
	struct event_filter filter = { .from_ns = selection->from_ns, .to_ns = selection->to_ns };
	struct stored_event event;
	struct glob *glob;
	int rc;

	if (compile_glob(assigning, &glob, err) < 0 ||
		event_scan_open(&scan, assigning->store, &filter, err) < 0)
		return err->code;
	while ((rc = event_scan_next(scan, &event, err)) == 1) {
		const struct event_type *type = event_type_find(event.event.type);
		const struct site *site = site_get(&sites, event.data_no, event.event.data);

		/* That the person was away is no part of any work. */
		if ((type && type->role == ROLE_AFK) ||
			(glob && (site->cwd.len == 0 || !glob_match(glob, site->cwd))))
			continue;
		if (assign_event(assigning, &event, err) < 0)
			return err->code;
	}
	return rc;
}

/* --- entry --- */

static int check_selection(const struct edit_selection *selection, struct err *err)
{
	bool timed = selection->from_ns != 0 || selection->to_ns != 0;
	int ways = (selection->event_id_count > 0) + (selection->session_id.len > 0) + timed;

	if (ways != 1)
		return err_set(err, ERR_USAGE,
			"say which events: by their ids, by a session, or by a time");
	if (timed && selection->from_ns >= selection->to_ns)
		return err_set(err, ERR_USAGE, "the time ends before it begins");
	if (!timed && selection->cwd_glob.len > 0)
		return err_set(err, ERR_USAGE, "a directory needs a time beside it");
	return 0;
}

static int assign(struct assigning *assigning, const struct stream *stream, struct err *err)
{
	const struct edit_selection *selection = assigning->selection;
	struct stream_record record;

	if (confirm_stream(assigning->store, stream, &assigning->arena, &record, err) < 0)
		return err->code;
	if (selection->event_id_count > 0)
		return assign_ids(assigning, err);
	if (selection->session_id.len > 0)
		return assign_session(assigning, err);
	return assign_time(assigning, err);
}

int edit_assign(struct store *store, const struct stream *stream,
	const struct edit_selection *selection, int64_t *assigned, struct err *err)
{
	struct assigning assigning = {
		.store = store, .stream_id = stream->id, .selection = selection
	};
	int rc;

	if (check_selection(selection, err) < 0 || streams_refresh(store, err) < 0 ||
		records_begin(store, err) < 0)
		return err->code;
	rc = confirm_end(store, assign(&assigning, stream, err), err);
	arena_release(&assigning.arena);
	*assigned = assigning.assigned;
	return rc;
}
