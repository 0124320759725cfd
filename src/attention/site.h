/* Where an event happened: the little of its data that decides which stream it belongs to. */
#ifndef TT_ATTENTION_SITE_H
#define TT_ATTENTION_SITE_H

#include "attention/map.h"
#include "model/event.h"

enum { SITE_TEXT_BYTES = 2048 };

/* A text of more bytes, or with a zero byte in it, is as good as none: PostgreSQL has no index of
 * the one and no text with the other. */
struct site {
	struct str session_id; /* empty: not an agent's event */
	struct str parent_id;  /* of the session, as the event claims it; may be empty */
	struct str name;       /* the project, else the directory; empty: nowhere */
	struct str cwd;        /* without trailing '/'; may be empty */
	bool by_project;
};

/* Views into FACTS. */
struct site site_of(const struct event_facts *facts);
bool site_eq(const struct site *a, const struct site *b);
/* What streams are named after: a project, or the last component of a directory. */
struct str site_base(bool by_project, struct str name);
/* The parent of a session: as claimed, else what stands before the last "/agent-" of its id; may be
 * empty. */
struct str site_parent(struct str session_id, struct str claimed);

/* Sites by data number, so that equal data is parsed once; their strings live as long as the cache.
 * All-zero is valid. */
struct site_cache {
	struct json_parser parser;
	struct arena arena;
	struct map text_index;
	struct str *texts;
	size_t text_room;
	struct site ***chunks;
	size_t chunk_count;
};
void site_cache_release(struct site_cache *cache);
const struct site *site_get(struct site_cache *cache, int64_t data_no, struct str data);

#endif
