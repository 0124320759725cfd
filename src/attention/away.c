/*
 * The starts and ends of what the watchers say, by machine and time; what is open at each instant
 * is counted. Watchers repeat themselves, overlap and contradict each other: counting does not
 * care.
 */
#include "attention/away.h"

#include <stdlib.h>

#include "attention/spans.h"

struct turn {
	int64_t at_ns;
	int32_t machine;
	bool idle;
	int step; /* 1 begins, -1 ends */
	size_t event;
};

static bool speaks(const struct mark *mark)
{
	return mark->role == ROLE_AFK && mark_end_ns(mark) > mark->at_ns;
}

static int turn_cmp(const void *left, const void *right)
{
	const struct turn *a = left, *b = right;

	if (a->machine != b->machine)
		return a->machine < b->machine ? -1 : 1;
	if (a->at_ns != b->at_ns)
		return a->at_ns < b->at_ns ? -1 : 1;
	/* The first that says "away" is the one that is shown. */
	if (a->step != b->step)
		return a->step > b->step ? -1 : 1;
	return (a->event > b->event) - (a->event < b->event);
}

static struct turn *turns_new(const struct mark *marks, size_t count, size_t *turn_count)
{
	struct turn *turns;
	size_t at = 0;

	*turn_count = 0;
	for (size_t i = 0; i < count; i++)
		*turn_count += speaks(&marks[i]) ? 2 : 0;
	if (*turn_count == 0)
		return NULL;
	turns = mem_resize(NULL, *turn_count, sizeof(*turns));
	for (size_t i = 0; i < count; i++) {
		const struct mark *mark = &marks[i];

		if (!speaks(mark))
			continue;
		turns[at++] =
			(struct turn){ mark->at_ns, mark->machine, mark->idle, 1, mark->event };
		turns[at++] = (struct turn){ mark_end_ns(mark), mark->machine, mark->idle, -1,
			mark->event };
	}
	qsort(turns, at, sizeof(*turns), turn_cmp);
	return turns;
}

static int edge_cmp(const void *left, const void *right)
{
	const struct away_edge *a = left, *b = right;

	if (a->at_ns != b->at_ns)
		return a->at_ns < b->at_ns ? -1 : 1;
	return (a->machine > b->machine) - (a->machine < b->machine);
}

void away_edges(const struct mark *marks, size_t count, struct away_edges *out)
{
	size_t turn_count;
	struct turn *turns = turns_new(marks, count, &turn_count);
	size_t said = SIZE_MAX; /* the event that said "away" last */
	int idle = 0, active = 0;
	bool away = false;

	*out = (struct away_edges){ 0 };
	if (!turns)
		return;
	out->edges = mem_resize(NULL, turn_count, sizeof(*out->edges));
	for (size_t i = 0; i < turn_count; i++) {
		const struct turn *turn = &turns[i];
		bool more = i + 1 < turn_count && turns[i + 1].machine == turn->machine &&
			    turns[i + 1].at_ns == turn->at_ns;

		*(turn->idle ? &idle : &active) += turn->step;
		if (turn->idle && turn->step > 0)
			said = turn->event;
		if (more || (idle > 0 && active == 0) == away)
			continue;
		away = !away;
		out->edges[out->count++] =
			(struct away_edge){ turn->at_ns, turn->machine, away, said };
	}
	free(turns);
	qsort(out->edges, out->count, sizeof(*out->edges), edge_cmp);
}

void away_edges_release(struct away_edges *edges)
{
	free(edges->edges);
	*edges = (struct away_edges){ 0 };
}
