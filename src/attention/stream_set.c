/* Stream sets, as others see them: loading in its steps, reading, finding a stream by what people
 * type. */
#include "attention/stream_set.h"

#include <stdlib.h>

enum { FIND_PREFIX_BYTES = 4, FIND_CANDIDATES = 8 };

/* --- loading --- */

/* Inferred streams whose events were all given to others are no streams. */
static void drop_empty(struct stream_set *set)
{
	int32_t *now = mem_resize(NULL, set->stream_count, sizeof(*now));
	size_t kept = 0;

	for (size_t i = 0; i < set->stream_count; i++) {
		struct stream *stream = &set->streams[i];
		bool drop = stream->events == 0 && strcmp(stream->source, "inferred") == 0;

		now[i] = drop ? STREAM_NONE : (int32_t)kept;
		if (!drop)
			set->streams[kept++] = *stream;
	}
	/* Records come first and are never dropped: what refers to them stays as it is. */
	for (size_t i = 0; i < set->component_count; i++)
		if (set->components[i].part_count == 0)
			set->components[i].stream = now[set->components[i].stream];
	set->stream_count = kept;
	free(now);
}

static int load_steps(
	struct stream_set *set, struct store *store, const int64_t range[2], struct err *err)
{
	if (set_load(set, store, range, err) < 0 || set_name(set, store, err) < 0 ||
		set_measure(set, store, err) < 0 || set_tag(set, store, err) < 0)
		return err->code;
	drop_empty(set);
	return 0;
}

int stream_set_load(struct stream_set **out, struct store *store,
	const struct attention_params *params, int64_t from_ns, int64_t to_ns, struct err *err)
{
	const int64_t range[2] = { from_ns, to_ns };
	struct stream_set *set = mem_zalloc(sizeof(*set));

	(void)params;
	*out = NULL;
	if (load_steps(set, store, range, err) < 0) {
		stream_set_free(set);
		return err_context(err, "loading streams");
	}
	*out = set;
	return 0;
}

void stream_set_free(struct stream_set *set)
{
	if (!set)
		return;
	map_release(&set->partition_index);
	map_release(&set->root_index);
	map_release(&set->session_index);
	map_release(&set->record_index);
	map_release(&set->event_index);
	map_release(&set->assigned_session_index);
	arena_release(&set->arena);
	free(set);
}

void stream_set_freep(struct stream_set **set)
{
	stream_set_free(*set);
}

size_t stream_set_count(const struct stream_set *set)
{
	return set->stream_count;
}

const struct stream *stream_set_get(const struct stream_set *set, int32_t index)
{
	ASSERT(index >= 0 && (size_t)index < set->stream_count);
	return &set->streams[index];
}

/* --- finding --- */

struct candidates {
	int32_t first[FIND_CANDIDATES];
	size_t count;
};

static bool has_id(const struct stream *stream, struct str word)
{
	return str_eq(stream->id, word);
}

static bool has_name(const struct stream *stream, struct str word)
{
	return str_eq(stream->name, word);
}

static bool has_prefix(const struct stream *stream, struct str word)
{
	return word.len >= FIND_PREFIX_BYTES && str_starts(stream->id, word);
}

static struct candidates collect(const struct stream_set *set, struct str word,
	bool (*fits)(const struct stream *stream, struct str word))
{
	struct candidates found = { .count = 0 };

	for (size_t i = 0; i < set->stream_count; i++) {
		if (!fits(&set->streams[i], word))
			continue;
		if (found.count < FIND_CANDIDATES)
			found.first[found.count] = (int32_t)i;
		found.count++;
	}
	return found;
}

static int ambiguous(const struct stream_set *set, struct str word, const struct candidates *found,
	struct err *err)
{
	CLEANUP(buf_release) struct buf list = BUF_INIT;

	for (size_t i = 0; i < found->count && i < FIND_CANDIDATES; i++) {
		const struct stream *stream = &set->streams[found->first[i]];

		buf_printf(&list, "%s%.*s '%.*s'", i ? ", " : "", STREAM_SHORT_ID_BYTES,
			stream->id.ptr, STR_ARG(stream->name));
	}
	if (found->count > FIND_CANDIDATES)
		buf_printf(&list, " and %zu more", found->count - FIND_CANDIDATES);
	return err_set(err, ERR_AMBIGUOUS, "'%.*s' fits several streams: %s", STR_ARG(word),
		buf_cstr(&list));
}

int stream_set_find(const struct stream_set *set, struct str word, int32_t *index, struct err *err)
{
	static bool (*const ways[])(
		const struct stream *, struct str) = { has_id, has_name, has_prefix };

	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct candidates found = collect(set, word, ways[i]);

		if (found.count > 1)
			return ambiguous(set, word, &found, err);
		if (found.count == 1) {
			*index = found.first[0];
			return 0;
		}
	}
	return err_set(
		err, ERR_NOT_FOUND, "no stream '%.*s'; 'tt streams' lists them", STR_ARG(word));
}
