/*
 * Grouping is by span, not by stream: a stream may hold work of several machines or agents. Each
 * span names its groups (none, one, or one for each tag); these memberships are sorted by group and
 * stream, and every slice is then summed by itself.
 */
#include "attention/groups.h"

#include <stdlib.h>

#include "attention/site.h"

struct group_key {
	struct str identity; /* what makes it a group of its own */
	struct str shown;
};

struct member {
	size_t group;
	int32_t stream;
	size_t span;
};

struct grouping {
	struct report_data *data;
	struct map index; /* of identity */
	struct group_key *keys;
	size_t key_count;
	size_t key_room;
	struct member *members;
	size_t member_count;
	size_t member_room;
};

/* --- the groups of a span --- */

static void add_member(struct grouping *grouping, struct group_key key, int32_t stream, size_t span)
{
	struct map_key identity = { .a = key.identity };
	int64_t at = map_get(&grouping->index, &identity);

	if (at == MAP_NONE) {
		if (grouping->key_count == grouping->key_room) {
			grouping->key_room = grouping->key_room ? 2 * grouping->key_room : 16;
			grouping->keys = mem_resize(
				grouping->keys, grouping->key_room, sizeof(*grouping->keys));
		}
		at = (int64_t)grouping->key_count;
		grouping->keys[grouping->key_count++] = key;
		map_put(&grouping->index, &identity, at);
	}
	if (grouping->member_count == grouping->member_room) {
		grouping->member_room = grouping->member_room ? 2 * grouping->member_room : 256;
		grouping->members = mem_resize(
			grouping->members, grouping->member_room, sizeof(*grouping->members));
	}
	grouping->members[grouping->member_count++] = (struct member){ (size_t)at, stream, span };
}

static struct group_key plain(struct str key)
{
	return (struct group_key){ key, key };
}

static struct group_key stream_key(const struct report_data *data, const struct span *span)
{
	const struct stream *stream = stream_set_get(data->set, span->stream);

	return (struct group_key){ stream->id, stream->name };
}

static struct group_key project_key(const struct report_data *data, const struct span *span)
{
	const struct stream *stream = stream_set_get(data->set, span->stream);
	struct str base = site_base(false, stream->cwd);

	if (stream->project.len > 0)
		return plain(stream->project);
	return plain(base.len > 0 ? base : STR("(no project)"));
}

static struct group_key machine_key(const struct report_data *data, const struct span *span)
{
	struct str id = mark_set_machine(data->marks, span->machine);
	struct str name = data->machine_names[span->machine];

	if (name.len == 0)
		name = id.len > 0 ? str_sub(id, 0, STREAM_SHORT_ID_BYTES) : STR("(no machine)");
	return (struct group_key){ id, name };
}

static struct group_key agent_key(const struct report_data *data, const struct span *span)
{
	struct str agent = { 0 };

	if (span->session != SESSION_NONE)
		agent = data->marks->sessions[span->session].agent;
	return plain(agent.len > 0 ? agent : STR("(no agent)"));
}

/* Groupings that give each span exactly one group. */
static struct group_key (*const single_keys[])(
	const struct report_data *data, const struct span *span) = {
	[GROUP_STREAM] = stream_key,
	[GROUP_PROJECT] = project_key,
	[GROUP_MACHINE] = machine_key,
	[GROUP_AGENT] = agent_key,
	[GROUP_UNTAGGED] = NULL,
};

static void add_span(struct grouping *grouping, enum group_by by, size_t at)
{
	const struct span *span = &grouping->data->spans.spans[at];
	const struct stream *stream;

	if (single_keys[by]) {
		add_member(grouping, single_keys[by](grouping->data, span), span->stream, at);
		return;
	}
	stream = stream_set_get(grouping->data->set, span->stream);
	if (by == GROUP_UNTAGGED && stream->tag_count == 0)
		add_member(grouping, plain(STR("(untagged)")), span->stream, at);
	for (size_t i = 0; by == GROUP_TAG && i < stream->tag_count; i++)
		add_member(grouping, plain(stream->tags[i]), span->stream, at);
}

/* --- sums --- */

static int order(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

int time_totals_cmp(const struct time_totals *a, const struct time_totals *b)
{
	int by_time = order(b->direct_ns + b->delegated_ns, a->direct_ns + a->delegated_ns);

	return by_time ? by_time : order(b->waiting_ns, a->waiting_ns);
}

static int member_cmp(const void *left, const void *right)
{
	const struct member *a = left, *b = right;

	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	if (a->stream != b->stream)
		return a->stream < b->stream ? -1 : 1;
	return (a->span > b->span) - (a->span < b->span);
}

static int stream_cmp(const void *left, const void *right)
{
	const struct report_stream *const *a = left, *const *b = right;
	int rc = time_totals_cmp(&(*a)->time, &(*b)->time);

	if (!rc)
		rc = str_cmp((*a)->stream->name, (*b)->stream->name);
	return rc ? rc : str_cmp((*a)->stream->id, (*b)->stream->id);
}

static int group_cmp(const void *left, const void *right)
{
	const struct report_group *a = left, *b = right;
	int rc = time_totals_cmp(&a->time, &b->time);

	if (!rc)
		rc = str_cmp(a->key, b->key);
	return rc ? rc : str_cmp(a->streams[0]->stream->id, b->streams[0]->stream->id);
}

static const struct stream *copy_stream(struct report_data *data, int32_t index)
{
	const struct stream *from = stream_set_get(data->set, index);
	struct str *tags;
	struct stream *to;

	if (data->copies[index])
		return data->copies[index];
	to = arena_alloc(data->arena, sizeof(*to));
	*to = *from;
	to->id = arena_str(data->arena, from->id);
	to->name = arena_str(data->arena, from->name);
	to->machine_id = arena_str(data->arena, from->machine_id);
	to->project = arena_str(data->arena, from->project);
	to->cwd = arena_str(data->arena, from->cwd);
	tags = arena_zalloc(data->arena, from->tag_count, sizeof(*tags));
	for (size_t i = 0; i < from->tag_count; i++)
		tags[i] = arena_str(data->arena, from->tags[i]);
	to->tags = tags;
	data->copies[index] = to;
	return to;
}

static void sum_members(const struct grouping *grouping, const struct member *members, size_t count,
	struct time_totals *out)
{
	struct span *spans = mem_resize(NULL, count, sizeof(*spans));
	struct arena scratch = { 0 };

	for (size_t i = 0; i < count; i++)
		spans[i] = grouping->data->spans.spans[members[i].span];
	allocation_totals(spans, count, &scratch, out);
	arena_release(&scratch);
	free(spans);
}

/* How many members from the first have its group, and its stream if that is asked. */
static size_t slice(const struct member *members, size_t count, bool same_stream)
{
	size_t end = 1;

	while (end < count && members[end].group == members[0].group &&
		(!same_stream || members[end].stream == members[0].stream))
		end++;
	return end;
}

static void fill_group(const struct grouping *grouping, const struct member *members, size_t count,
	struct report_group *group)
{
	struct arena *arena = grouping->data->arena;
	size_t streams = 0, step;

	for (size_t at = 0; at < count; at += slice(members + at, count - at, true))
		streams++;
	group->key = arena_str(arena, grouping->keys[members[0].group].shown);
	group->streams = arena_zalloc(arena, streams, sizeof(*group->streams));
	sum_members(grouping, members, count, &group->time);
	for (size_t at = 0; at < count; at += step) {
		struct report_stream *stream = arena_zalloc(arena, 1, sizeof(*stream));

		step = slice(members + at, count - at, true);
		stream->stream = copy_stream(grouping->data, members[at].stream);
		sum_members(grouping, members + at, step, &stream->time);
		group->streams[group->stream_count++] = stream;
	}
	qsort(group->streams, group->stream_count, sizeof(*group->streams), stream_cmp);
}

void groups_make(
	struct report_data *data, enum group_by by, struct report_group **out, size_t *count)
{
	struct grouping grouping = { .data = data };
	size_t step;

	for (size_t i = 0; i < data->spans.count; i++)
		if (data->spans.spans[i].stream != UNASSIGNED)
			add_span(&grouping, by, i);
	if (grouping.member_count > 0)
		qsort(grouping.members, grouping.member_count, sizeof(*grouping.members),
			member_cmp);
	*out = arena_zalloc(data->arena, grouping.key_count, sizeof(**out));
	*count = 0;
	for (size_t at = 0; at < grouping.member_count; at += step) {
		step = slice(grouping.members + at, grouping.member_count - at, false);
		fill_group(&grouping, grouping.members + at, step, &(*out)[(*count)++]);
	}
	if (*count > 0)
		qsort(*out, *count, sizeof(**out), group_cmp);
	map_release(&grouping.index);
	free(grouping.keys);
	free(grouping.members);
}
