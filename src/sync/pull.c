/*
 * One thread and one store connection per remote; the store makes writers take turns. A pull is one
 * connection as a rule. When the header shows that the cursor asked with is the wrong one (another
 * machine answers, or its store is new or restored), the connection is given up there and the next
 * one asks with the right one. A stream that was cut behind a checkpoint is asked for again from
 * that checkpoint.
 */
#include "sync/pull.h"

#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/proc.h"
#include "base/uuid.h"
#include "store/records.h"
#include "sync/import.h"
#include "sync/transport/ssh.h"

enum {
	READ_BYTES = 64 << 10,
	STDERR_BYTES = 64 << 10,
	CLOCK_SKEW_WARN_MINUTES = 5,
	ATTEMPTS = 4, /* another machine, then its other history, then all, then what was cut */
};

struct pull {
	const char *name;
	const struct pull_options *options;
	struct pull_result *result;
	struct store *store;
	struct arena arena;    /* what outlives the stream: ids, labels */
	struct str machine_id; /* whose cursor is asked with: of the alias at first, then of who
				  answered */
	struct str history;    /* the one that cursor belongs to: see store_of, mark_of */
	int64_t cursor;
	struct peer_state peer; /* who answers, for the commit */
	int64_t checkpoint;     /* the cursor of the last trailer that was not the final one */
	bool misplaced; /* the cursor is not the one for who answered: ask again, with the right one
			 */
	bool disproved; /* what is known of who answers is of another history: all is asked for */
	bool skew_said;
	struct buf errors; /* the remote's standard error, not shown yet */
	struct buf said;   /* its last line */
	struct err err;
	pthread_t thread;
};

/* A history is kept as the id of the remote's store and, behind a space, the mark of the cursor
 * there. */
static struct str store_of(struct str history)
{
	return str_split(&history, ' ');
}

static struct str mark_of(struct str history)
{
	str_split(&history, ' ');
	return history;
}

/* How far the hub is with machine or alias WHO, as committed; unknown: at the beginning. */
static int recall(struct pull *pull, struct str who, struct err *err)
{
	struct store_machine known = { .cursor = 0 };
	int rc = store_machine_find(pull->store, who, &pull->arena, &known, err);

	if (rc < 0 && rc != ERR_NOT_FOUND)
		return rc;
	pull->machine_id = known.machine_id;
	pull->history = known.store_id;
	pull->cursor = known.cursor;
	pull->result->cursor = known.cursor;
	return 0;
}

/* Is what follows HEADER what comes after the place that was asked with? */
static bool continues(const struct pull *pull, const struct wire_header *header)
{
	struct str mark = mark_of(pull->history);

	return str_eq(pull->machine_id, header->machine_id) &&
	       str_eq(store_of(pull->history), header->store_id) &&
	       (mark.len == 0 || str_eq(mark, header->mark));
}

/*
 * Who answers, and is the stream the one that belongs after what is here? Another machine than
 * before may answer under this name, its store may be new or restored (another store id), its file
 * put back to an older copy (another mark), and a machine may have got another alias: then the
 * cursor it was asked with is the wrong one.
 */
static int meet(struct pull *pull, const struct wire_header *header, struct err *err)
{
	struct store_machine known = { .cursor = 0 };
	int rc = store_machine_find(pull->store, header->machine_id, &pull->arena, &known, err);
	bool usable;

	if (rc < 0 && rc != ERR_NOT_FOUND)
		return rc;
	pull->result->machine_id = arena_str(&pull->arena, header->machine_id);
	pull->result->label = arena_str(&pull->arena, header->label);
	pull->result->first_contact = known.label.len == 0;
	pull->misplaced = pull->cursor > 0 && !continues(pull, header);
	pull->disproved |= pull->misplaced && str_eq(pull->machine_id, header->machine_id);
	usable = known.cursor > 0 && !pull->disproved &&
		 str_eq(store_of(known.store_id), header->store_id);
	pull->misplaced |= pull->cursor == 0 && usable;
	if (!pull->misplaced)
		return 0;
	pull->machine_id = pull->result->machine_id;
	pull->history = usable ? known.store_id : (struct str){ NULL, 0 };
	pull->cursor = usable ? known.cursor : 0;
	return err_set(
		err, ERR_CONFLICT, "who answers, or its history, changed while it was asked");
}

static void note_skew(struct pull *pull, const struct wire_header *header)
{
	int64_t skew = header->sent_at_ns - pull->options->now_ns;
	int64_t minutes = (skew < 0 ? -skew : skew) / NS_PER_MINUTE;

	pull->result->skew_ns = skew;
	if (minutes < CLOCK_SKEW_WARN_MINUTES || pull->skew_said)
		return;
	pull->skew_said = true;
	log_warn(pull->options->log,
		"%s: its clock is %lld minutes %s this machine's; its times are taken as they are",
		pull->name, (long long)minutes, skew > 0 ? "ahead of" : "behind");
}

/* What it calls its host, if that is fit to be shown. */
static struct str host_name(struct pull *pull, const struct wire_header *header)
{
	struct err unfit;

	if (record_check_name(header->hostname, &unfit) < 0)
		return STR("");
	return arena_str(&pull->arena, header->hostname);
}

static int on_header(void *context, const struct wire_header *header, struct err *err)
{
	struct pull *pull = context;
	int rc;

	if (!uuid_valid(header->machine_id))
		return err_set(err, ERR_REMOTE, "its machine id is no UUID");
	if (pull->options->self && str_eq(pull->options->self->id, header->machine_id))
		return err_set(err, ERR_CONFLICT,
			"it has this machine's own identity: either it is this machine, or one of the two was cloned "
			"(move its machine.json away and run 'tt init' there)");
	rc = meet(pull, header, err);
	if (rc < 0)
		return rc;
	note_skew(pull, header);
	pull->peer = (struct peer_state){
		.machine_id = pull->result->machine_id,
		.alias = str_from(pull->name),
		.store_id = arena_str(&pull->arena, header->store_id),
		.version = arena_str(&pull->arena, header->version),
		.hostname = host_name(pull, header),
		.synced_at_ns = pull->options->now_ns,
		.clock_skew_ns = pull->result->skew_ns,
	};
	return 0;
}

static int on_trailer(
	void *context, const struct wire_trailer *trailer, struct intake *intake, struct err *err)
{
	struct pull *pull = context;

	if (pull->peer.machine_id.len == 0)
		return err_set(err, ERR_REMOTE, "its answer has no header");
	pull->peer.cursor = trailer->cursor;
	pull->peer.store_id = store_of(pull->peer.store_id);
	if (trailer->mark.len > 0)
		pull->peer.store_id = arena_printf(&pull->arena, "%.*s %.*s",
			STR_ARG(pull->peer.store_id), STR_ARG(trailer->mark));
	pull->checkpoint = trailer->more ? trailer->cursor : -1;
	return intake_peer(intake, &pull->peer, err);
}

/* Whole lines of the remote's standard error, and at the END what is left of it, with its name
 * before them. */
static void relay(struct pull *pull, bool end)
{
	struct str rest = buf_str(&pull->errors);

	while (str_find(rest, '\n', 0) >= 0 || (end && rest.len > 0)) {
		struct str line = str_trim(str_split(&rest, '\n'));

		if (line.len == 0)
			continue;
		log_info(pull->options->log, "%s: %.*s", pull->name, STR_ARG(line));
		buf_clear(&pull->said);
		buf_add(&pull->said, line);
	}
	buf_consume(&pull->errors, pull->errors.len - rest.len);
}

static int read_stream(struct pull *pull, struct proc *proc, struct import *import, struct err *err)
{
	char *buffer CLEANUP(mem_freep) = mem_alloc(READ_BYTES);

	for (;;) {
		ssize_t got = proc_read(proc, buffer, READ_BYTES, &pull->errors, STDERR_BYTES,
			pull->options->timeout_ms, err);
		int rc;

		relay(pull, got <= 0);
		if (got == ERR_TIMEOUT)
			return err_set(err, ERR_TIMEOUT, "no output for %g s (sync.timeout)",
				(double)pull->options->timeout_ms / 1000);
		if (got < 0)
			return (int)got;
		if (got == 0)
			return import_end(import, err);
		rc = import_push(import, (struct str){ buffer, (size_t)got }, err);
		if (rc < 0)
			return rc;
	}
}

/* Why the end of the stream is not a good one, from what ssh and the remote said. */
static int explain_end(struct pull *pull, int status, const struct import *import, struct err *err)
{
	struct str said = buf_str(&pull->said);

	if (status == 127)
		return err_set(err, ERR_REMOTE,
			"no '%s' there: install it, or set sync.remote_command to its path (%.*s)",
			pull->options->remote_command, STR_ARG(said));
	if (import_complete(import))
		return err_set(err, ERR_REMOTE,
			"all it sent is here, but it ended with status %d: %.*s", status,
			STR_ARG(said));
	if (status != 0)
		return err_set(
			err, ERR_REMOTE, "ssh ended with status %d: %.*s", status, STR_ARG(said));
	if (import_has_header(import))
		return err_set(err, ERR_REMOTE, "the stream was cut before its end");
	if (import_started(import))
		return err_set(err, ERR_REMOTE,
			"its answer is no event stream: is '%s' there this program?",
			pull->options->remote_command);
	return err_set(err, ERR_REMOTE, "it sent nothing: %.*s", STR_ARG(said));
}

static void count(struct pull *pull, const struct intake_counts *counts)
{
	pull->result->pulled += counts->new_events;
	pull->result->updated += counts->updated;
	pull->result->duplicate += counts->duplicate;
	pull->result->quarantined += counts->quarantined;
}

/* One connection. What came up to the last checkpoint is stored, whatever happens after it. */
static int attempt(struct pull *pull, struct err *err)
{
	struct import *import CLEANUP(import_freep) = NULL;
	struct import_options options = {
		.origin = arena_printf(&pull->arena, "sync:%s", pull->name).ptr,
		.path = "",
		.commit_at_trailers = true,
		.on_header = on_header,
		.on_trailer = on_trailer,
		.context = pull,
	};
	struct proc proc = { 0 };
	int rc = import_open(&import, pull->store, &options, err);
	int status;

	if (rc < 0)
		return rc;
	buf_clear(&pull->errors);
	buf_clear(&pull->said);
	pull->misplaced = false;
	pull->checkpoint = -1;
	pull->peer = (struct peer_state){ .cursor = 0 };
	rc = ssh_export(&proc, pull->name, pull->options->remote_command, pull->cursor,
		pull->options->interactive, err);
	if (rc < 0)
		return rc;
	rc = read_stream(pull, &proc, import, err);
	count(pull, import_counts(import));
	if (rc < 0) {
		proc_kill(&proc);
		return rc;
	}
	status = proc_wait(&proc);
	if (import_complete(import) && status == 0)
		return 0;
	return explain_end(pull, status, import, err);
}

/* After a failed attempt: is another one worth it? The place to go on from is what was committed,
 * not what was read. */
static int again(struct pull *pull, int failure, bool *worth, struct err *err)
{
	int64_t asked = pull->cursor;
	int rc;

	*worth = pull->misplaced;
	if (pull->misplaced || pull->peer.machine_id.len == 0)
		return 0;
	rc = recall(pull, pull->peer.machine_id, err);
	if (rc < 0)
		return rc;
	/* Cut behind a checkpoint. A final trailer is the end, also when the remote then ends
	 * badly. */
	*worth = (failure == ERR_REMOTE || failure == ERR_TIMEOUT) && pull->cursor > asked &&
		 pull->cursor == pull->checkpoint;
	return 0;
}

static int pull_remote(struct pull *pull, struct err *err)
{
	struct store_options options = { .read_only = false };
	struct err trouble;
	bool worth = true;
	int rc = store_open_again(&pull->store, pull->options->store, &options, err);

	if (rc == 0)
		rc = recall(pull, str_from(pull->name), err);
	if (rc < 0)
		return rc;
	for (int i = 0; i < ATTEMPTS && worth; i++) {
		rc = attempt(pull, err);
		if (rc == 0)
			return recall(pull, pull->peer.machine_id, err);
		if (again(pull, rc, &worth, &trouble) < 0)
			return rc;
	}
	return rc;
}

static void *run(void *argument)
{
	struct pull *pull = argument;
	int64_t began = clock_monotonic_ns();
	int rc = pull_remote(pull, &pull->err);

	pull->result->code = rc;
	if (rc < 0)
		snprintf(pull->result->error, sizeof(pull->result->error), "%s", pull->err.message);
	pull->result->elapsed_ms = (clock_monotonic_ns() - began) / NS_PER_MS;
	return NULL;
}

static void finish(struct pull *pull, struct arena *arena)
{
	pull->result->machine_id = arena_str(arena, pull->result->machine_id);
	pull->result->label = arena_str(arena, pull->result->label);
	store_close(pull->store);
	buf_release(&pull->errors);
	buf_release(&pull->said);
	arena_release(&pull->arena);
}

int pull_all(const char *const names[], size_t count_names, const struct pull_options *options,
	struct arena *arena, struct pull_result *results, struct err *err)
{
	struct pull *pulls;
	size_t started = 0;

	if (count_names > PULL_MOST_REMOTES)
		return err_set(err, ERR_USAGE, "at most %d remotes at once", PULL_MOST_REMOTES);
	for (size_t i = 0; i < count_names; i++) {
		int rc = ssh_check_host(names[i], err);

		if (rc < 0)
			return rc;
	}
	pulls = arena_zalloc(arena, count_names, sizeof(*pulls));
	for (; started < count_names; started++) {
		struct pull *pull = &pulls[started];

		results[started] = (struct pull_result){ .name = names[started] };
		*pull = (struct pull){
			.name = names[started], .options = options, .result = &results[started]
		};
		if (pthread_create(&pull->thread, NULL, run, pull) != 0)
			break;
	}
	for (size_t i = 0; i < started; i++) {
		pthread_join(pulls[i].thread, NULL);
		finish(&pulls[i], arena);
	}
	return started == count_names ? 0
				      : err_set(err, ERR_IO, "cannot start a thread per remote");
}
