/* Spans put into groups: by stream, tag, project, machine, agent. Internal to attention/report. */
#ifndef TT_ATTENTION_GROUPS_H
#define TT_ATTENTION_GROUPS_H

#include "attention/marks.h"
#include "attention/report.h"

/* What a report is made from. */
struct report_data {
	const struct stream_set *set;
	const struct mark_set *marks;
	struct allocation spans;
	const struct str
		*machine_names;       /* for people, by the number in marks; ptr NULL where none */
	const struct stream **copies; /* by index in the set: made when first used */
	struct arena *arena;          /* for what is kept */
};

enum group_by {
	GROUP_STREAM,
	GROUP_TAG,
	GROUP_PROJECT,
	GROUP_MACHINE,
	GROUP_AGENT,
	GROUP_UNTAGGED
};

/* The groups of the assigned spans, most first. */
void groups_make(
	struct report_data *data, enum group_by by, struct report_group **out, size_t *count);
/* More comes first: direct and delegated time, then waiting. */
int time_totals_cmp(const struct time_totals *a, const struct time_totals *b);

#endif
