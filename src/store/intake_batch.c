/*
 * The transaction of an intake, which may be one of several: a server writes for many users in one,
 * with an intake for each. Once something failed, a part of an event may have been written; the
 * batch is void then, and only a commit, which fails and undoes it, starts the next one.
 */
#include <stdlib.h>

#include "store/intake_part.h"
#include "store/sql/ahead.h"
#include "store/sql/writes.h"

int intake_check(struct intake *intake, int rc, const struct err *err)
{
	if (rc < 0 && intake->failure.code == 0)
		intake->failure = *err;
	return rc;
}

/* Let the store work for whom the intake does: others may have had it since. */
static int turn_to(struct intake *intake, struct err *err)
{
	const struct actor mine = { str_from(intake->user_id), str_from(intake->machine_id) };
	const struct actor now = store_actor(intake->store);

	if (str_eq(now.user_id, mine.user_id) && str_eq(now.machine_id, mine.machine_id))
		return 0;
	return store_as(intake->store, &mine, err);
}

int intake_go_on(struct intake *intake, struct err *err)
{
	if (intake->failure.code == 0)
		return intake_check(intake, turn_to(intake, err), err);
	*err = intake->failure;
	return err->code;
}

/* Its user's lock is held. */
static void begun(struct intake *intake)
{
	intake->writing = true;
	if (ahead_connection(intake->store) != intake->events.connection)
		aw_memory_forget(&intake->aw);
	events_begin(&intake->events);
}

int intake_start(struct intake *intake, struct err *err)
{
	if (intake->writing)
		return 0;
	if (db_write_begin(intake->store, err) < 0)
		return err->code;
	begun(intake);
	return 0;
}

/* The transaction ends for all who have a part in it. */
static void undo(struct intake *intake)
{
	if (intake->writing)
		db_write_rollback(intake->store);
	intake->wrote = intake->writing = false;
	catalogue_forget(intake->events.catalogue);
	events_forget(&intake->events);
	aw_memory_forget(&intake->aw);
	intake->counts = intake->committed;
	intake->pending = 0;
}

static void keep_id(char out[UUID_BYTES + 1], struct str id)
{
	ASSERT(id.len <= UUID_BYTES);
	if (id.len > 0)
		memcpy(out, id.ptr, id.len);
	out[id.len] = '\0';
}

static struct intake *make(struct store *store)
{
	const struct actor actor = store_actor(store);
	struct intake *intake = mem_zalloc(sizeof(*intake));

	intake->store = store;
	keep_id(intake->user_id, actor.user_id);
	keep_id(intake->machine_id, actor.machine_id);
	intake->events.store = store;
	intake->events.connection = ahead_connection(store);
	intake->events.catalogue = catalogue_new(store);
	intake->events.dictionary = dictionary_new(store);
	return intake;
}

int intake_begin(struct intake **out, struct store *store, struct err *err)
{
	CLEANUP(intake_freep) struct intake *intake = make(store);

	*out = NULL;
	if (intake_start(intake, err) < 0)
		return err->code;
	*out = intake;
	intake = NULL;
	return 0;
}

int intake_begin_lazy(struct intake **out, struct store *store, struct err *err)
{
	if (db_is_read_only(store)) {
		*out = NULL;
		return err_set(err, ERR_READONLY, "store '%s': opened for reading only",
			store_path(store));
	}
	*out = make(store);
	(*out)->lazy = true;
	return 0;
}

/* Before the commit. */
static int flush(struct intake *intake, struct err *err)
{
	int rc = intake_go_on(intake, err);

	return rc == 0 && intake->writing ? catalogue_flush(intake->events.catalogue, err) : rc;
}

static void committed(struct intake *intake)
{
	struct err err;

	if (intake->writing && turn_to(intake, &err) == 0)
		events_committed(&intake->events);
	intake->wrote = intake->writing;
	intake->writing = false;
	intake->committed = intake->counts;
	intake->pending = 0;
}

int intake_commit_all(struct intake *const *intakes, size_t count, struct err *err)
{
	struct store *writing = NULL;
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++) {
		rc = flush(intakes[i], err);
		if (intakes[i]->writing)
			writing = intakes[i]->store;
	}
	if (rc == 0 && writing)
		rc = db_write_commit(writing, err);
	for (size_t i = 0; i < count; i++) {
		if (rc == 0) {
			committed(intakes[i]);
			continue;
		}
		undo(intakes[i]);
		intakes[i]->failure = (struct err){ 0 };
	}
	return rc;
}

int intake_commit(struct intake *intake, struct err *err)
{
	return intake_commit_all(&intake, 1, err);
}

int intake_lock_all(struct intake *const *intakes, size_t count, bool *locked, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct str *user_ids = arena_zalloc(&arena, count + 1, sizeof(*user_ids));
	int rc = 0;

	if (count == 0)
		return 0;
	for (size_t i = 0; i < count; i++)
		user_ids[i] = str_from(intakes[i]->user_id);
	rc = db_write_begin_for(intakes[0]->store, user_ids, count, locked, err);
	for (size_t i = 0; i < count && rc == 0; i++) {
		if (!locked[i] || intakes[i]->writing)
			continue;
		rc = intake_go_on(intakes[i], err);
		if (rc == 0)
			begun(intakes[i]);
	}
	for (size_t i = 0; i < count && rc < 0; i++)
		intake_check(intakes[i], rc, err);
	return rc;
}

struct str intake_user(const struct intake *intake)
{
	return str_from(intake->user_id);
}

int64_t intake_last_seq(const struct intake *intake)
{
	return intake->events.last_seq;
}

int intake_device(struct intake *intake, struct str machine_id, struct err *err)
{
	keep_id(intake->machine_id, machine_id);
	return intake_go_on(intake, err);
}

void intake_free(struct intake *intake)
{
	if (!intake)
		return;
	undo(intake);
	events_release(&intake->events);
	catalogue_free(intake->events.catalogue);
	dictionary_free(intake->events.dictionary);
	arena_release(&intake->words);
	json_parser_release(&intake->parser);
	wire_decoder_release(&intake->decoder);
	buf_release(&intake->stored_text);
	aw_memory_release(&intake->aw);
	free(intake);
}

void intake_freep(struct intake **intake)
{
	intake_free(*intake);
}

const struct intake_counts *intake_counts(const struct intake *intake)
{
	return &intake->counts;
}

size_t intake_pending(const struct intake *intake)
{
	return intake->pending;
}

int intake_ready(struct intake *intake, struct err *err)
{
	if (intake_go_on(intake, err) < 0)
		return err->code;
	return intake_check(intake, intake_start(intake, err), err);
}
