/*
 * Delegated and waiting time, session by session. Lifecycle events are hints only (they are
 * repeated, late and wrong in practice): time comes from signs of work. Between two signs the agent
 * was at work, at most the timeout after the first; unless the person prompted in between: then it
 * had stopped and waited, and works again from its next sign. After the last sign only a known end
 * tells that work went on. A sign that says how long it took (a response with a duration) is work
 * to its end, and the waiting begins there.
 */
#include <stdlib.h>

#include "attention/spans.h"

struct work {
	const struct mark *sign; /* the last one; NULL before the first */
	int64_t done_ns;         /* till when it is known to be at work: at least the sign's time */
	int64_t prompt_ns;       /* the first prompt after it, if prompted */
	bool prompted;
	size_t ends_from; /* its known ends, in order */
	size_t ends_to;
	size_t last; /* its last delegated span; SIZE_MAX */
};

struct known_end {
	int64_t at_ns;
	int32_t session;
};

struct pass {
	const struct attention_params *params;
	struct span_list *out;
	struct work *works; /* by session */
	size_t count;
	struct known_end *ends; /* by session, then time */
	size_t end_count;
};

/* Work from the last sign up to END or the timeout; continues the span that ended there. */
static void credit_work(struct pass *pass, struct work *work, int64_t end_ns)
{
	const struct mark *sign = work->sign;
	int64_t timeout_ns = ns_add(sign->at_ns, pass->params->agent_timeout_ns);
	struct span *last = work->last == SIZE_MAX ? NULL : &pass->out->spans[work->last];

	if (end_ns > timeout_ns)
		end_ns = timeout_ns;
	if (end_ns <= sign->at_ns)
		return;
	if (last && last->end_ns == sign->at_ns && last->stream == sign->stream) {
		last->end_ns = end_ns;
		return;
	}
	span_list_add(pass->out, SPAN_DELEGATED, sign, sign->stream, sign->at_ns, end_ns);
	work->last = pass->out->count - 1;
}

/* The latest known end not after LIMIT; INT64_MIN when there is none. */
static int64_t known_end_ns(const struct pass *pass, const struct work *work, int64_t limit_ns)
{
	size_t from = work->ends_from, to = work->ends_to;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (pass->ends[middle].at_ns <= limit_ns)
			from = middle + 1;
		else
			to = middle;
	}
	return from > work->ends_from ? pass->ends[from - 1].at_ns : INT64_MIN;
}

/* What follows a sign after which no other came in time. */
static void credit_tail(struct pass *pass, struct work *work)
{
	int64_t start_ns = work->sign->at_ns;
	int64_t limit_ns = ns_add(start_ns, work_horizon_ns(pass->params)), end_ns;

	int64_t done_ns = work->done_ns;

	if (work->prompted) {
		if (done_ns > work->prompt_ns)
			done_ns = work->prompt_ns;
		if (work->prompt_ns <= ns_add(start_ns, pass->params->waiting_limit_ns)) {
			credit_work(pass, work, done_ns);
			span_list_add(pass->out, SPAN_WAITING, work->sign, work->sign->stream,
				done_ns, work->prompt_ns);
			return;
		}
		limit_ns = work->prompt_ns - 1;
	}
	end_ns = known_end_ns(pass, work, limit_ns);
	credit_work(pass, work, end_ns > done_ns ? end_ns : done_ns);
}

static bool in_time(const struct pass *pass, const struct work *work, int64_t at_ns)
{
	return at_ns <= ns_add(work->sign->at_ns, work_horizon_ns(pass->params));
}

static void on_sign(struct pass *pass, struct work *work, const struct mark *mark)
{
	if (work->sign) {
		/* A response that says how long it took begins with its prompt. */
		bool prompted_between =
			work->prompted &&
			(work->prompt_ns < mark->at_ns || (work->done_ns > work->sign->at_ns &&
								  work->prompt_ns == mark->at_ns));

		if (in_time(pass, work, mark->at_ns) && !prompted_between)
			credit_work(pass, work, mark->at_ns);
		else
			credit_tail(pass, work);
		if (prompted_between)
			work->done_ns = mark->at_ns;
	}
	if (!work->sign || work->done_ns < mark->at_ns)
		work->done_ns = mark->at_ns;
	if (mark->ended && mark->end_ns > work->done_ns) {
		int64_t limit_ns = ns_add(mark->at_ns, work_horizon_ns(pass->params));

		work->done_ns = mark->end_ns < limit_ns ? mark->end_ns : limit_ns;
	}
	work->sign = mark;
	work->prompted = false;
}

static void on_prompt(struct pass *pass, struct work *work, const struct mark *mark)
{
	if (!mark->human || !work->sign || work->prompted || mark->at_ns == work->sign->at_ns)
		return;
	if (!in_time(pass, work, mark->at_ns)) {
		credit_tail(pass, work);
		work->sign = NULL;
		return;
	}
	work->prompted = true;
	work->prompt_ns = mark->at_ns;
}

static size_t session_count(const struct mark *marks, size_t count)
{
	size_t most = 0;

	for (size_t i = 0; i < count; i++)
		if (marks[i].session >= 0 && (size_t)marks[i].session >= most)
			most = (size_t)marks[i].session + 1;
	return most;
}

static bool tells_end(const struct mark *mark)
{
	return mark->role == ROLE_SESSION && mark->ended && mark->session >= 0;
}

static int end_cmp(const void *left, const void *right)
{
	const struct known_end *a = left, *b = right;

	if (a->session != b->session)
		return a->session < b->session ? -1 : 1;
	return (a->at_ns > b->at_ns) - (a->at_ns < b->at_ns);
}

static void learn_ends(struct pass *pass, const struct mark *marks, size_t count)
{
	for (size_t i = 0; i < count; i++)
		pass->end_count += tells_end(&marks[i]);
	pass->ends = mem_resize(NULL, pass->end_count, sizeof(*pass->ends));
	pass->end_count = 0;
	for (size_t i = 0; i < count; i++)
		if (tells_end(&marks[i]))
			pass->ends[pass->end_count++] =
				(struct known_end){ marks[i].end_ns, marks[i].session };
	qsort(pass->ends, pass->end_count, sizeof(*pass->ends), end_cmp);
	for (size_t i = 0; i < pass->end_count; i++) {
		struct work *work = &pass->works[pass->ends[i].session];

		if (work->ends_to == 0)
			work->ends_from = i;
		work->ends_to = i + 1;
	}
}

void delegated_spans(const struct mark *marks, size_t count, const struct attention_params *params,
	struct span_list *out)
{
	struct pass pass = { .params = params, .out = out };

	pass.count = session_count(marks, count);
	pass.works = mem_resize(NULL, pass.count, sizeof(*pass.works));
	for (size_t i = 0; i < pass.count; i++)
		pass.works[i] = (struct work){ .last = SIZE_MAX };
	learn_ends(&pass, marks, count);
	for (size_t i = 0; i < count; i++) {
		const struct mark *mark = &marks[i];

		if (mark->session < 0)
			continue;
		if (mark->role == ROLE_ACTIVITY)
			on_sign(&pass, &pass.works[mark->session], mark);
		else if (mark->role == ROLE_PROMPT)
			on_prompt(&pass, &pass.works[mark->session], mark);
	}
	for (size_t i = 0; i < pass.count; i++)
		if (pass.works[i].sign)
			credit_tail(&pass, &pass.works[i]);
	free(pass.works);
	free(pass.ends);
}
