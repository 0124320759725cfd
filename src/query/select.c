/*
 * Selecting. The newest N of many events are found without reading the others: spans that go back
 * in time, each longer than the one before, are counted until there are enough; then all is read
 * forward from there. So memory does not grow with what is found.
 *
 * What the data says (session, agent, directory) is judged once per distinct data and bucket, as
 * far as a small table remembers.
 */
#include "query/select.h"

#include <stdlib.h>

enum { VERDICTS = 8192, CANDIDATES = 64, NAMED_SESSIONS = 4 };

static const int64_t first_step_ns = NS_PER_HOUR;

struct verdict {
	int64_t data_no; /* 0: free */
	int64_t bucket_no;
	bool good;
};

struct selection {
	struct store *store;
	const struct select_request *request;
	struct arena arena;
	struct json_parser parser;
	struct verdict *verdicts;
	bool *buckets; /* by number: wanted */
	int64_t largest_no;
	int64_t first_ns; /* of the wanted buckets' events; INT64_MAX: none */
	int64_t last_ns;
	struct str only_type; /* of all wanted buckets; empty: they differ */
	struct str session;   /* the id that is meant; empty: any */
	bool nothing;         /* no event can be meant */
};

static bool fits_without(
	struct str name, struct str wanted, const struct str *prefixes, size_t count)
{
	if (str_eq(name, wanted))
		return true;
	for (size_t i = 0; i < count; i++)
		if (str_starts(name, prefixes[i]) &&
			str_eq(str_sub(name, prefixes[i].len, name.len), wanted))
			return true;
	return false;
}

bool select_type_fits(struct str type, struct str wanted)
{
	static const struct str prefixes[] = { STR_INIT("agent_"), STR_INIT("tmux_") };

	return fits_without(type, wanted, prefixes, ARRAY_LEN(prefixes));
}

bool select_source_fits(struct str source, struct str wanted)
{
	static const struct str prefixes[] = { STR_INIT("remote."), STR_INIT("local.") };

	return fits_without(source, wanted, prefixes, ARRAY_LEN(prefixes));
}

/* --- buckets --- */

static bool wants_type(const struct select_request *request, struct str type)
{
	for (size_t i = 0; i < request->type_count; i++)
		if (select_type_fits(type, str_from(request->types[i])))
			return true;
	return request->type_count == 0;
}

static bool is_known_type(struct str wanted, const struct store_bucket *buckets, size_t count)
{
	size_t types;
	const struct event_type *known = event_types(&types);

	for (size_t i = 0; i < types; i++)
		if (select_type_fits(str_from(known[i].name), wanted))
			return true;
	for (size_t i = 0; i < count; i++)
		if (select_type_fits(buckets[i].type, wanted))
			return true;
	return false;
}

static void want_bucket(struct selection *selection, const struct store_bucket *bucket)
{
	const struct select_request *request = selection->request;

	if (!wants_type(request, bucket->type) ||
		(request->machine_id.len > 0 && !str_eq(request->machine_id, bucket->machine_id)))
		return;
	selection->buckets[bucket->bucket_no] = true;
	if (bucket->events == 0)
		return;
	if (selection->first_ns == INT64_MAX)
		selection->only_type = bucket->type;
	else if (!str_eq(selection->only_type, bucket->type))
		selection->only_type = (struct str){ "", 0 };
	if (bucket->first_ns < selection->first_ns)
		selection->first_ns = bucket->first_ns;
	if (bucket->last_ns > selection->last_ns)
		selection->last_ns = bucket->last_ns;
}

static int choose_buckets(
	struct selection *selection, struct select_result *result, struct err *err)
{
	const struct select_request *request = selection->request;
	struct store_bucket *buckets;
	size_t count;

	if (store_buckets(selection->store, &selection->arena, &buckets, &count, err) < 0)
		return err->code;
	for (size_t i = 0; i < request->type_count && !result->unknown_type; i++)
		if (!is_known_type(str_from(request->types[i]), buckets, count))
			result->unknown_type = request->types[i];
	for (size_t i = 0; i < count; i++)
		if (buckets[i].bucket_no > selection->largest_no)
			selection->largest_no = buckets[i].bucket_no;
	selection->buckets =
		arena_zalloc(&selection->arena, (size_t)selection->largest_no + 1, sizeof(bool));
	for (size_t i = 0; i < count; i++)
		want_bucket(selection, &buckets[i]);
	return 0;
}

/* The only type that can be meant goes to the store, which then opens no other bucket. */
static struct event_filter filter_of(const struct selection *selection, struct span span, bool lean)
{
	const struct select_request *request = selection->request;
	struct event_filter filter = {
		.machine_id = request->machine_id, .type = selection->only_type, .lean = lean
	};

	span_filter(span, &filter);
	return filter;
}

/* --- what the data says --- */

static bool judge(struct selection *selection, const struct stored_event *item, struct str data)
{
	const struct select_request *request = selection->request;
	struct event_facts facts;

	event_facts(&selection->parser, data, &facts);
	if (selection->session.len > 0 && !str_eq(facts.session_id, selection->session))
		return false;
	if (request->agent.len > 0 && !str_eq(facts.agent, request->agent) &&
		!select_source_fits(item->event.source, request->agent))
		return false;
	return !request->workspace || workspace_has(request->workspace, facts.cwd,
					      str_eq(item->machine_id, request->here));
}

static bool needs_data(const struct selection *selection)
{
	return selection->session.len > 0 || selection->request->agent.len > 0 ||
	       selection->request->workspace;
}

/* 1: the row that SCAN gave last is meant. */
static int matches(struct selection *selection, struct event_scan *scan, struct span span,
	const struct stored_event *item, struct err *err)
{
	uint64_t slot = ((uint64_t)item->data_no * 31 + (uint64_t)item->bucket_no) % VERDICTS;
	struct verdict *verdict = &selection->verdicts[slot];
	struct str data;

	if (item->bucket_no > selection->largest_no || !selection->buckets[item->bucket_no] ||
		!span_has(span, item->event.start_ns))
		return 0;
	if (!needs_data(selection))
		return 1;
	if (verdict->data_no == item->data_no && verdict->bucket_no == item->bucket_no)
		return verdict->good;
	if (event_scan_data(scan, &data, err) < 0)
		return err->code;
	*verdict = (struct verdict){ item->data_no, item->bucket_no, judge(selection, item, data) };
	return verdict->good;
}

/* --- which session --- */

/* Sessions found so far whose id begins as asked; none is a part of another. */
struct candidates {
	struct str ids[CANDIDATES];
	size_t count;
	bool exact;
};

/* B is A, or a part of it ("{a}/agent-…"). */
static bool covers(struct str a, struct str b)
{
	return str_starts(b, a) && (b.len == a.len || b.ptr[a.len] == '/');
}

static void add_candidate(struct selection *selection, struct candidates *candidates, struct str id)
{
	size_t kept = 0;

	if (id.len == 0 || !str_starts(id, selection->request->session))
		return;
	candidates->exact |= id.len == selection->request->session.len;
	for (size_t i = 0; i < candidates->count; i++)
		if (covers(candidates->ids[i], id))
			return;
	for (size_t i = 0; i < candidates->count; i++)
		if (!covers(id, candidates->ids[i]))
			candidates->ids[kept++] = candidates->ids[i];
	if (kept < CANDIDATES) /* more are never shown */
		candidates->ids[kept++] = arena_str(&selection->arena, id);
	candidates->count = kept;
}

static bool holds(struct str text, struct str part)
{
	return memmem(text.ptr, text.len, part.ptr, part.len) != NULL;
}

static int find_candidates(
	struct selection *selection, struct candidates *candidates, struct err *err)
{
	const struct event_filter all = { .lean = true };
	struct event_scan *scan CLEANUP(event_scan_closep) = NULL;
	struct stored_event item;
	struct event_facts facts;
	struct str data;
	int64_t last_no = 0;
	int rc;

	if (event_scan_open(&scan, selection->store, &all, err) < 0)
		return err->code;
	while ((rc = event_scan_next(scan, &item, err)) == 1 && !candidates->exact) {
		if (item.data_no == last_no)
			continue;
		last_no = item.data_no;
		if (event_scan_data(scan, &data, err) < 0)
			return err->code;
		/* Only an escape can hide what is looked for. */
		if (!holds(data, selection->request->session) && !holds(data, STR("\\")))
			continue;
		event_facts(&selection->parser, data, &facts);
		add_candidate(selection, candidates, facts.session_id);
	}
	return rc < 0 ? rc : 0;
}

static int choose_session(
	struct selection *selection, struct select_result *result, struct err *err)
{
	struct candidates candidates = { .count = 0 };
	CLEANUP(buf_release) struct buf names = BUF_INIT;

	if (selection->request->session.len == 0)
		return 0;
	if (find_candidates(selection, &candidates, err) < 0)
		return err->code;
	if (candidates.exact || candidates.count == 0) {
		selection->session = selection->request->session;
		selection->nothing = result->unknown_session = candidates.count == 0;
		return 0;
	}
	if (candidates.count == 1) {
		selection->session = candidates.ids[0];
		return 0;
	}
	for (size_t i = 0; i < candidates.count && i < NAMED_SESSIONS; i++)
		buf_printf(&names, "%s%.*s", i > 0 ? ", " : "", STR_ARG(candidates.ids[i]));
	return err_set(err, ERR_AMBIGUOUS, "several sessions begin with '%.*s': %s%s",
		STR_ARG(selection->request->session), buf_cstr(&names),
		candidates.count > NAMED_SESSIONS ? ", …" : "");
}

/* --- the newest --- */

/* How many of SPAN are meant, up to a bit more than ENOUGH when there are more. */
static int count_span(
	struct selection *selection, struct span span, int64_t *count, struct err *err)
{
	const struct event_filter filter = filter_of(selection, span, true);
	struct event_scan *scan CLEANUP(event_scan_closep) = NULL;
	struct stored_event item;
	int rc;

	*count = 0;
	if (event_scan_open(&scan, selection->store, &filter, err) < 0)
		return err->code;
	while ((rc = event_scan_next(scan, &item, err)) == 1) {
		rc = matches(selection, scan, span, &item, err);
		if (rc < 0)
			return rc;
		*count += rc;
	}
	return rc;
}

static struct span clip(const struct selection *selection)
{
	struct span span = selection->request->span;

	if (span.from_ns < selection->first_ns)
		span.from_ns = selection->first_ns;
	if (selection->last_ns < INT64_MAX && span.to_ns > selection->last_ns + 1)
		span.to_ns = selection->last_ns + 1;
	return span;
}

/* Where to begin so that the newest LIMIT follow, and how many before them to SKIP. */
static int find_newest(
	struct selection *selection, struct span *span, int64_t *skip, struct err *err)
{
	struct span all = *span, step = { .from_ns = all.to_ns, .to_ns = all.to_ns };
	int64_t length_ns = first_step_ns, found = 0, limit = selection->request->limit;

	/* One more than asked for tells whether something is left out. */
	while (found <= limit && step.from_ns > all.from_ns) {
		int64_t count;

		step.to_ns = step.from_ns;
		if (__builtin_sub_overflow(step.to_ns, length_ns, &step.from_ns) ||
			step.from_ns < all.from_ns)
			step.from_ns = all.from_ns;
		if (count_span(selection, step, &count, err) < 0)
			return err->code;
		found += count;
		if (__builtin_mul_overflow(length_ns, 4, &length_ns))
			length_ns = INT64_MAX;
	}
	span->from_ns = step.from_ns;
	*skip = found > limit ? found - limit : 0;
	return 0;
}

/* --- all of it --- */

static int give(struct selection *selection, struct span span, int64_t skip, select_each *each,
	void *context, struct select_result *result, struct err *err)
{
	const struct event_filter filter = filter_of(selection, span, false);
	struct event_scan *scan CLEANUP(event_scan_closep) = NULL;
	struct stored_event item;
	int rc;

	if (event_scan_open(&scan, selection->store, &filter, err) < 0)
		return err->code;
	while ((rc = event_scan_next(scan, &item, err)) == 1) {
		rc = matches(selection, scan, span, &item, err);
		if (rc == 1 && skip-- <= 0) {
			rc = each(context, &item, err);
			result->count++;
		}
		if (rc < 0)
			return rc;
	}
	return rc;
}

static int run(struct selection *selection, select_each *each, void *context,
	struct select_result *result, struct err *err)
{
	struct span span;
	int64_t skip = 0;

	if (choose_buckets(selection, result, err) < 0 ||
		choose_session(selection, result, err) < 0)
		return err->code;
	span = clip(selection);
	if (selection->nothing || span.from_ns >= span.to_ns)
		return 0;
	if (selection->request->limit >= 0 && find_newest(selection, &span, &skip, err) < 0)
		return err->code;
	result->cut = skip > 0;
	if (selection->request->limit == 0)
		return 0;
	return give(selection, span, skip, each, context, result, err);
}

int select_run(struct store *store, const struct select_request *request, select_each *each,
	void *context, struct select_result *result, struct err *err)
{
	struct selection selection = {
		.store = store, .request = request, .first_ns = INT64_MAX, .last_ns = INT64_MIN
	};
	int rc;

	*result = (struct select_result){ 0 };
	if (store_snapshot_begin(store, err) < 0)
		return err->code;
	selection.verdicts = mem_zalloc(VERDICTS * sizeof(*selection.verdicts));
	rc = run(&selection, each, context, result, err);
	free(selection.verdicts);
	json_parser_release(&selection.parser);
	arena_release(&selection.arena);
	store_snapshot_end(store);
	return rc;
}
