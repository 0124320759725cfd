/*
 * Sites and their cache. Data numbers are dense, so the cache is an array, in chunks that are made
 * when touched. Few different strings occur in many different data: each is kept once.
 */
#include "attention/site.h"

#include <stdlib.h>

enum { CHUNK = 4096 };

static struct str without_slashes(struct str path)
{
	while (path.len > 1 && path.ptr[path.len - 1] == '/')
		path.len--;
	return path;
}

/* A store could neither keep nor find others: taken as absent. */
static struct str usable(struct str text)
{
	if (text.len > SITE_TEXT_BYTES || str_find(text, '\0', 0) >= 0)
		return (struct str){ NULL, 0 };
	return text;
}

struct site site_of(const struct event_facts *facts)
{
	struct site site = {
		.session_id = usable(facts->session_id),
		.cwd = without_slashes(usable(facts->cwd)),
	};
	struct str project = usable(facts->project);

	site.by_project = project.len > 0;
	site.name = site.by_project ? project : site.cwd;
	if (site.session_id.len > 0 && !str_eq(facts->parent_session_id, site.session_id))
		site.parent_id = usable(facts->parent_session_id);
	return site;
}

bool site_eq(const struct site *a, const struct site *b)
{
	return str_eq(a->session_id, b->session_id) && str_eq(a->parent_id, b->parent_id) &&
	       str_eq(a->name, b->name) && str_eq(a->cwd, b->cwd) && a->by_project == b->by_project;
}

struct str site_base(bool by_project, struct str name)
{
	size_t at = name.len;

	if (by_project)
		return name;
	while (at > 0 && name.ptr[at - 1] != '/')
		at--;
	return at < name.len ? str_sub(name, at, name.len - at) : name;
}

struct str site_parent(struct str session_id, struct str claimed)
{
	static const struct str mark = STR_INIT("/agent-");

	if (claimed.len > 0)
		return claimed;
	for (size_t at = session_id.len; at > 0; at--)
		if (str_starts(str_sub(session_id, at, session_id.len), mark))
			return str_sub(session_id, 0, at);
	return (struct str){ 0 };
}

void site_cache_release(struct site_cache *cache)
{
	for (size_t i = 0; i < cache->chunk_count; i++)
		free(cache->chunks[i]);
	free(cache->chunks);
	free(cache->texts);
	map_release(&cache->text_index);
	arena_release(&cache->arena);
	json_parser_release(&cache->parser);
	*cache = (struct site_cache){ 0 };
}

static struct str keep(struct site_cache *cache, struct str text)
{
	struct map_key key = { .a = text };
	int64_t at;

	if (text.len == 0)
		return (struct str){ 0 };
	at = map_get(&cache->text_index, &key);
	if (at != MAP_NONE)
		return cache->texts[at];
	at = (int64_t)cache->text_index.count;
	if ((size_t)at == cache->text_room) {
		cache->text_room = cache->text_room ? 2 * cache->text_room : 64;
		cache->texts = mem_resize(cache->texts, cache->text_room, sizeof(*cache->texts));
	}
	key.a = arena_str(&cache->arena, text);
	cache->texts[at] = key.a;
	map_put(&cache->text_index, &key, at);
	return key.a;
}

static struct site *read_site(struct site_cache *cache, struct str data)
{
	struct site *site = arena_alloc(&cache->arena, sizeof(*site));
	struct event_facts facts;

	event_facts(&cache->parser, data, &facts);
	*site = site_of(&facts);
	site->session_id = keep(cache, site->session_id);
	site->parent_id = keep(cache, site->parent_id);
	site->cwd = keep(cache, site->cwd);
	site->name = keep(cache, site->name);
	return site;
}

const struct site *site_get(struct site_cache *cache, int64_t data_no, struct str data)
{
	size_t chunk = (size_t)data_no / CHUNK, at = (size_t)data_no % CHUNK;

	if (chunk >= cache->chunk_count) {
		size_t count = chunk + 1 + chunk / 2;

		cache->chunks = mem_resize(cache->chunks, count, sizeof(*cache->chunks));
		for (size_t i = cache->chunk_count; i < count; i++)
			cache->chunks[i] = NULL;
		cache->chunk_count = count;
	}
	if (!cache->chunks[chunk])
		cache->chunks[chunk] = mem_zalloc(CHUNK * sizeof(**cache->chunks));
	if (!cache->chunks[chunk][at])
		cache->chunks[chunk][at] = read_site(cache, data);
	return cache->chunks[chunk][at];
}
