/* Names and tags of streams. Numbers count all streams of a base name in the store, in the order of
 * their first events. */
#include <stdlib.h>

#include "attention/stream_set.h"
#include "base/fs.h"
#include "base/glob.h"

/* --- numbers --- */

static int by_name(const void *a, const void *b)
{
	struct set_component *const *left = a, *const *right = b;
	int order = str_cmp((*left)->partition->base, (*right)->partition->base);

	return order ? order : derived_point_cmp(&(*left)->root->first, &(*right)->root->first);
}

/* LIST holds the components of one set, ordered by_name. */
static int number(const struct stream_set *set, struct store *store, struct set_component **list,
	struct err *err)
{
	static const struct derived_point beginning = { .ns = INT64_MIN };

	for (size_t i = 0; i < set->component_count; i++) {
		struct str base = list[i]->partition->base;
		bool first = i == 0 || !str_eq(list[i - 1]->partition->base, base);
		int64_t between = first ? 0 : 1;

		if (!set->all && derived_roots_between(store, base,
					 first ? &beginning : &list[i - 1]->root->first,
					 &list[i]->root->first, &between, err) < 0)
			return err->code;
		list[i]->number = first ? 1 + between : list[i - 1]->number + between;
	}
	return 0;
}

static int number_components(struct stream_set *set, struct store *store, struct err *err)
{
	struct set_component **list;
	int rc;

	list = mem_resize(NULL, set->component_count, sizeof(struct set_component *));
	for (size_t i = 0; i < set->component_count; i++)
		list[i] = &set->components[i];
	if (set->component_count > 1)
		qsort(list, set->component_count, sizeof(struct set_component *), by_name);
	rc = number(set, store, list, err);
	free(list);
	return rc;
}

/* --- names --- */

static void describe(struct stream_set *set, struct stream *stream,
	const struct set_component *component, size_t part)
{
	const struct derived_partition *partition = component->partition;

	stream->machine_id = partition->machine_id;
	stream->cwd = partition->by_project ? component->cwd : partition->name;
	if (partition->by_project)
		stream->project = partition->name;
	if (stream->name.len > 0)
		return;
	stream->name = partition->base;
	if (component->number > 1)
		stream->name = arena_printf(&set->arena, "%.*s (%lld)", STR_ARG(stream->name),
			(long long)component->number);
	if (part > 0)
		stream->name = arena_printf(
			&set->arena, "%.*s, part %zu", STR_ARG(stream->name), part + 1);
}

/* Which part of its component a record begins. */
static size_t part_number(const struct set_component *component, const struct set_record *record)
{
	for (size_t i = 0; i < component->part_count; i++)
		if (str_eq(component->parts[i].from.id, record->row.anchor_id))
			return i;
	return 0;
}

int set_name(struct stream_set *set, struct store *store, struct err *err)
{
	if (number_components(set, store, err) < 0)
		return err->code;
	for (size_t i = 0; i < set->component_count; i++)
		if (set->components[i].part_count == 0)
			describe(set, &set->streams[set->components[i].stream], &set->components[i],
				0);
	for (size_t i = 0; i < set->record_count; i++) {
		const struct set_record *record = &set->records[i];
		struct stream *stream;

		if (record->stream == STREAM_NONE)
			continue;
		stream = &set->streams[record->stream];
		if (record->component != MAP_NONE)
			describe(set, stream, &set->components[record->component],
				part_number(&set->components[record->component], record));
		else if (stream->name.len == 0)
			stream->name = arena_printf(
				&set->arena, "stream %.*s", STREAM_SHORT_ID_BYTES, stream->id.ptr);
	}
	return 0;
}

/* --- tags --- */

struct rules {
	struct rule_record *rows;
	size_t count;
	struct glob **globs;
};

static int load_rules(
	struct rules *rules, struct store *store, struct arena *arena, struct err *err)
{
	struct fs_dirs dirs;

	if (records_rules(store, arena, &rules->rows, &rules->count, err) < 0)
		return err->code;
	if (rules->count == 0)
		return 0;
	if (fs_dirs(arena, &dirs, err) < 0)
		return err_context(err, "rules for tags");
	rules->globs = arena_zalloc(arena, rules->count, sizeof(struct glob *));
	for (size_t i = 0; i < rules->count; i++)
		if (glob_compile(&rules->globs[i], arena, rules->rows[i].glob, str_from(dirs.home),
			    err) < 0)
			return err_context(err, "rule %lld", (long long)rules->rows[i].rule_no);
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void tag_stream(struct stream_set *set, struct stream *stream, const struct rules *rules)
{
	size_t room = stream->tag_count, count = stream->tag_count, unique = 0;
	struct str *tags;

	for (size_t i = 0; i < rules->count; i++)
		room += rules->rows[i].tag_count;
	tags = arena_zalloc(&set->arena, room, sizeof(*tags));
	if (count > 0)
		memcpy(tags, stream->tags, count * sizeof(*tags));
	for (size_t i = 0; i < rules->count; i++) {
		if (!glob_match(rules->globs[i], stream->cwd))
			continue;
		for (size_t k = 0; k < rules->rows[i].tag_count; k++)
			tags[count++] = rules->rows[i].tags[k];
	}
	if (count > 1)
		qsort(tags, count, sizeof(*tags), by_text);
	for (size_t i = 0; i < count; i++)
		if (unique == 0 || !str_eq(tags[unique - 1], tags[i]))
			tags[unique++] = tags[i];
	stream->tags = tags;
	stream->tag_count = unique;
}

int set_tag(struct stream_set *set, struct store *store, struct err *err)
{
	struct rules rules = { 0 };

	if (load_rules(&rules, store, &set->arena, err) < 0)
		return err->code;
	for (size_t i = 0; i < set->stream_count && rules.count > 0; i++)
		if (set->streams[i].cwd.len > 0)
			tag_stream(set, &set->streams[i], &rules);
	return 0;
}
