/*
 * One session, many files.
 *
 * Copies of a document: the one whose last request is the latest, then the one with the most
 * requests, then the last used, then the first path.
 * Where the log of a session is, the document beside it was left behind by an older release.
 *
 * Document and transcript say the same in different words, and neither has the ids of the other, so
 * what both have must not be taken from both. The document says more (models, tokens, how requests
 * ended): it comes first. But it is saved later than the transcript, and some releases stopped to
 * save it. So prompts of the transcript that the document does not have yet are added with all that
 * follows them: those after the document's last request, as many as the transcript has more. There
 * are never more prompts than the larger of the two has. Once the document has them, its own
 * replace them (a higher strength does that).
 *
 * What was given is remembered, so that a file that is gone, or replaced by an older copy, takes
 * nothing back: such a reading only adds.
 */
#include "collect/copilot/group.h"

#include <stdlib.h>

#include "collect/copilot/given.h"
#include "collect/doc.h"

enum {
	STRENGTH_TRANSCRIPT = 1,
	STRENGTH_DOCUMENT = 2,
};

/* The extension notes a prompt this much later than the editor, at most, and clocks are as fine as
 * this. */
#define LATE_NS (30 * NS_PER_S)
#define FINE_NS NS_PER_S

#define SOURCE STR("copilot")

/* A file that was read. */
struct candidate {
	const struct copilot_stored *stored;
	struct arena arena;
	struct agent_session session;
	struct copilot_extent extent;
};

struct group {
	struct copilot_round *round;
	struct str session;
	struct candidate *document, *transcript;
	struct str cwd;  /* of any of its documents */
	const char *log; /* the log that was read last */
	bool busy;
	struct arena arena;
	struct copilot_given given;
};

static void candidate_free(struct candidate *candidate)
{
	if (!candidate)
		return;
	arena_release(&candidate->arena);
	free(candidate);
}

static void group_release(struct group *group)
{
	candidate_free(group->document);
	candidate_free(group->transcript);
	arena_release(&group->arena);
}

/* --- reading files --- */

static struct candidate *candidate_new(const struct copilot_stored *stored, struct str session)
{
	struct candidate *candidate = mem_zalloc(sizeof(*candidate));

	candidate->stored = stored;
	candidate->session = agent_session(&candidate->arena, COPILOT_AGENT);
	candidate->session.id = session;
	candidate->session.path = str_from(stored->path);
	return candidate;
}

struct str copilot_find_session(struct arena *arena, const struct copilot_stored *file)
{
	CLEANUP(doc_release) struct doc doc = { 0 };
	struct candidate *candidate;
	struct str session = STR("");
	struct err ignored;

	if (doc_read(&doc, file->path, &ignored) < 0)
		return session;
	candidate = candidate_new(file, session);
	file->read(
		buf_str(&doc.bytes), str_from(file->path), &candidate->session, &candidate->extent);
	session = arena_str(arena, candidate->session.id);
	candidate_free(candidate);
	return session;
}

/* Does A hold more than B? */
static bool is_better(const struct candidate *a, const struct candidate *b)
{
	if (!b || a->extent.last_ns != b->extent.last_ns)
		return !b || a->extent.last_ns > b->extent.last_ns;
	if (a->extent.prompts != b->extent.prompts)
		return a->extent.prompts > b->extent.prompts;
	if (a->extent.dated_ns != b->extent.dated_ns)
		return a->extent.dated_ns > b->extent.dated_ns;
	return strcmp(a->stored->path, b->stored->path) < 0;
}

static void consider(struct candidate **best, struct candidate *candidate)
{
	if (is_better(candidate, *best)) {
		candidate_free(*best);
		*best = candidate;
	} else {
		candidate_free(candidate);
	}
}

/* What nobody can read of a file that tells nothing else. */
static int give_bad(struct group *group, struct candidate *candidate, struct err *err)
{
	struct agent_session *session = &candidate->session;

	session->count = 0;
	session->cwd = copilot_workspace(&candidate->arena, candidate->stored->home);
	session->strength = group->given.strength;
	return agent_round_put(group->round->round, session, AGENT_APPEND, err);
}

static int take_candidate(
	struct group *group, struct candidate *candidate, bool read, struct err *err)
{
	const struct copilot_stored *stored = candidate->stored;
	bool transcript = stored->read == copilot_read_transcript;
	struct str workspace = copilot_workspace(&candidate->arena, stored->home);

	if (!read) {
		int rc = give_bad(group, candidate, err);

		candidate_free(candidate);
		return rc;
	}
	if (stored->read == copilot_read_log)
		group->log = stored->path;
	if (workspace.len > 0 && (!transcript || candidate->session.cwd.len == 0))
		candidate->session.cwd = workspace;
	if (!transcript && workspace.len > 0)
		group->cwd = arena_str(&group->arena, workspace);
	consider(transcript ? &group->transcript : &group->document, candidate);
	return 0;
}

/* Beside the log that was read last? Logs are read first. */
static bool is_left_behind(const struct group *group, const char *path)
{
	size_t len = strlen(path);

	return group->log && strncmp(group->log, path, len) == 0 &&
	       strcmp(group->log + len, "l") == 0;
}

/* A file that cannot be read. */
static void note_failure(struct group *group, const struct err *fault)
{
	if (fault->code == ERR_BUSY) {
		group->busy = true;
	} else if (fault->code != ERR_NOT_FOUND) {
		group->round->counts->failed++;
		log_warn(group->round->context->log, "%s", fault->message);
	}
}

static int read_file(struct group *group, const struct copilot_stored *stored, struct err *err)
{
	CLEANUP(doc_release) struct doc doc = { 0 };
	struct copilot_round *round = group->round;
	struct candidate *candidate;
	size_t taken;
	struct err fault;
	bool read;

	if (doc_read(&doc, stored->path, &fault) < 0) {
		note_failure(group, &fault);
		return 0;
	}
	taken = doc.bytes.len;
	if (!is_left_behind(group, stored->path)) {
		candidate = candidate_new(stored, group->session);
		read = stored->read(buf_str(&doc.bytes), str_from(stored->path),
			&candidate->session, &candidate->extent);
		taken = candidate->extent.taken;
		if (take_candidate(group, candidate, read, err) < 0)
			return err->code;
	}
	collect_progress_done(round->context->progress, stored->changed ? stored->bytes : 0);
	return doc_save(&doc, round->set, agent_round_intake(round->round), (int64_t)taken,
		group->session, err);
}

/* --- document and transcript together --- */

static struct copilot_memory memory_of(struct group *group)
{
	return (struct copilot_memory){ agent_round_intake(group->round->round), &group->arena,
		group->session };
}

/* What a log loses when it is compacted. */
static int carry(struct group *group, struct copilot_given *next, struct err *err)
{
	const struct copilot_memory memory = memory_of(group);
	struct candidate *document = group->document;

	if (document->stored->read != copilot_read_log ||
		collect_excluded(group->round->context, document->session.cwd))
		return 0;
	if (next->unknown > document->extent.unknown)
		document->session.unknown += next->unknown - document->extent.unknown;
	else
		next->unknown = document->extent.unknown;
	return copilot_carry_bad(&memory, &document->session, err);
}

static int64_t plus(int64_t ns, int64_t more)
{
	return ns > INT64_MAX - more ? INT64_MAX : ns + more;
}

/* When the transcript has the prompt that the document has at LAST_NS; where it has none, when it
 * would be too late for that. */
static int64_t noted_at(const struct agent_session *transcript, int64_t last_ns)
{
	int64_t at_ns = last_ns == INT64_MIN ? INT64_MIN : plus(last_ns, LATE_NS);

	for (size_t i = 0; i < transcript->count; i++) {
		const struct agent_item *item = &transcript->items[i];

		if (item->kind == AGENT_PROMPT && item->at_ns < at_ns &&
			plus(item->at_ns, FINE_NS) >= last_ns)
			at_ns = item->at_ns;
	}
	return at_ns;
}

/* Where in the transcript the prompts begin that no document had: at most MOST of them, all after
 * the one of LAST_NS. The number of items: nowhere. */
static size_t surplus_of(const struct agent_session *session, int64_t most, int64_t last_ns)
{
	size_t from = session->count;
	int64_t after_ns = noted_at(session, last_ns);

	for (size_t i = session->count; i > 0 && most > 0; i--) {
		const struct agent_item *item = &session->items[i - 1];

		if (item->kind != AGENT_PROMPT)
			continue;
		if (item->at_ns <= after_ns)
			break;
		from = i - 1;
		most--;
	}
	return from;
}

/* The prompts among the items from FROM on. */
static struct copilot_surplus span_of(const struct agent_session *transcript, size_t from)
{
	struct copilot_surplus span = { INT64_MIN, INT64_MIN };

	for (size_t i = from; i < transcript->count; i++) {
		const struct agent_item *item = &transcript->items[i];

		if (item->kind != AGENT_PROMPT)
			continue;
		if (span.from_ns == INT64_MIN || item->at_ns < span.from_ns)
			span.from_ns = item->at_ns;
		if (item->at_ns > span.to_ns)
			span.to_ns = item->at_ns;
	}
	return span;
}

/* Its items from FROM on, given with the document's. */
static void add_surplus(
	struct agent_session *session, const struct agent_session *transcript, size_t from)
{
	for (size_t i = from; i < transcript->count; i++) {
		const struct agent_item *item = &transcript->items[i];

		*agent_item(session, item->kind, item->key, item->at_ns) = *item;
	}
	if (from < transcript->count && transcript->ended_ns > session->ended_ns)
		session->ended_ns = transcript->ended_ns;
}

/* A and B together. */
static struct copilot_surplus join(struct copilot_surplus a, struct copilot_surplus b)
{
	if (a.from_ns == INT64_MIN || b.from_ns == INT64_MIN)
		return a.from_ns == INT64_MIN ? b : a;
	return (struct copilot_surplus){ a.from_ns < b.from_ns ? a.from_ns : b.from_ns,
		a.to_ns > b.to_ns ? a.to_ns : b.to_ns };
}

/* Is the document older than one that was given? */
static bool is_behind(const struct group *group)
{
	const struct copilot_extent *extent = &group->document->extent;
	const struct copilot_given *given = &group->given;

	if (!given->document || str_eq_c(given->path, group->document->stored->path))
		return false;
	return extent->last_ns < given->last_ns ||
	       (extent->last_ns == given->last_ns && extent->prompts < given->requests);
}

static void fill(struct str *fact, struct str with)
{
	if (fact->len == 0)
		*fact = with;
}

/* What SESSION does not say, another file does, or did before it was gone. */
static void fill_facts(
	struct group *group, struct agent_session *session, struct copilot_given *next)
{
	const struct agent_session *other =
		group->transcript ? &group->transcript->session : session;

	fill(&session->cwd, group->cwd);
	fill(&session->cwd, other->cwd);
	fill(&session->branch, other->branch);
	fill(&session->version, other->version);
	fill(&session->cwd, next->cwd);
	fill(&session->branch, next->branch);
	fill(&session->version, next->version);
	next->cwd = session->cwd;
	next->branch = session->branch;
	next->version = session->version;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* The prompts that only the transcript has, put behind those of the document. */
static struct copilot_surplus take_surplus(struct group *group, const struct copilot_given *next)
{
	const struct candidate *transcript = group->transcript;
	size_t from;

	if (!transcript)
		return (struct copilot_surplus){ INT64_MIN, INT64_MIN };
	from = surplus_of(
		&transcript->session, transcript->extent.prompts - next->requests, next->last_ns);
	add_surplus(&group->document->session, &transcript->session, from);
	return span_of(&transcript->session, from);
}

static int give_document(struct group *group, struct copilot_given *next, struct err *err)
{
	const struct copilot_given *given = &group->given;
	struct candidate *document = group->document;
	struct agent_session *session = &document->session;
	bool had = given->surplus.from_ns != INT64_MIN, adds;
	struct copilot_surplus surplus;

	next->document = true;
	next->requests = larger(given->requests, document->extent.prompts);
	next->last_ns = larger(given->last_ns, document->extent.last_ns);
	next->strength = given->strength > STRENGTH_DOCUMENT ? given->strength : STRENGTH_DOCUMENT;
	fill_facts(group, session, next);
	if (carry(group, next, err) < 0)
		return err->code;
	surplus = take_surplus(group, next);
	/* Older than what was given; or the transcript is gone before the document had any of what
	 * only the transcript had. */
	adds = is_behind(group) ||
	       (had && surplus.to_ns < given->surplus.to_ns &&
		       (next->last_ns == given->last_ns ||
			       given->surplus.from_ns > plus(next->last_ns, LATE_NS)));
	next->surplus = adds ? join(given->surplus, surplus) : surplus;
	if (!adds) {
		next->path = str_from(document->stored->path);
		next->strength += had && surplus.from_ns != given->surplus.from_ns;
	} else {
		session->unknown = 0;
	}
	session->strength = next->strength;
	return agent_round_put(
		group->round->round, session, adds ? AGENT_APPEND : AGENT_WHOLE, err);
}

static int give_transcript(struct group *group, struct copilot_given *next, struct err *err)
{
	const struct copilot_given *given = &group->given;
	struct agent_session *session = &group->transcript->session;
	size_t from;

	fill_facts(group, session, next);
	if (given->document) { /* and no document is left: it stays, and this goes on from there */
		from = surplus_of(session, group->transcript->extent.prompts - given->requests,
			given->last_ns);
		next->surplus = join(given->surplus, span_of(session, from));
		session->items += from;
		session->count -= from;
		session->capacity -= from;
		session->unknown = 0;
	} else {
		session->from_start = true;
		next->strength = STRENGTH_TRANSCRIPT;
	}
	session->strength = next->strength;
	return agent_round_put(group->round->round, session, AGENT_APPEND, err);
}

static int give(struct group *group, struct err *err)
{
	const struct candidate *best = group->document ? group->document : group->transcript;
	const struct copilot_memory memory = memory_of(group);
	struct copilot_given next = group->given;
	int rc;

	if (!best)
		return 0;
	rc = group->document ? give_document(group, &next, err)
			     : give_transcript(group, &next, err);
	if (rc < 0 || collect_excluded(group->round->context, best->session.cwd))
		return rc;
	return best->session.count > 0 ? copilot_given_save(&memory, &next, err) : 0;
}

/* What was read of the others is forgotten, so that all are read again. */
static int give_up(
	struct group *group, const struct copilot_stored *files, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (intake_cursor_forget(agent_round_intake(group->round->round), SOURCE,
			    str_from(files[i].path), err) < 0)
			return err->code;
	return 0;
}

int copilot_take_group(struct copilot_round *round, const struct copilot_stored *files,
	size_t count, struct err *err)
{
	CLEANUP(group_release)
	struct group group = { .round = round, .session = files[0].session };
	struct copilot_memory memory;

	memory = memory_of(&group);
	if (copilot_given_load(&memory, &group.given, err) < 0)
		return err->code;
	for (size_t i = count; i > 0; i--)
		if (read_file(&group, &files[i - 1], err) < 0)
			return err->code;
	return group.busy ? give_up(&group, files, count, err) : give(&group, err);
}
