/*
 * Event ids: `{machine}:{source}:{type}:{timestamp}:{discriminator}`. Built and parsed here and
 * nowhere else.
 *
 * The machine is the first 36 bytes, a UUID, followed by ':'. The timestamp is RFC 3339 UTC with
 * three fraction digits (24 bytes, finer digits cut), so that the text order of ids of one kind is
 * their order in time. The discriminator is the rest: it may hold colons and any other byte. Source
 * and type hold no colon. Never split an id at colons by hand.
 */
#ifndef TT_MODEL_ID_H
#define TT_MODEL_ID_H

#include "base/buf.h"
#include "base/err.h"

struct event_id {
	struct str machine; /* 36 bytes, or empty: the id names no machine */
	struct str source;
	struct str type;
	int64_t at_ms;            /* ms since the epoch */
	struct str discriminator; /* may be empty */
	bool canonical;           /* the id is exactly what id_build makes of these parts */
};

/* Append MACHINE, a UUID of either case, as ids have it: in lower case. */
void id_add_machine(struct buf *out, struct str machine);
/* Append the id to OUT. AT_NS is cut to ms. */
void id_build(struct buf *out, struct str machine, struct str source, struct str type,
	int64_t at_ns, struct str discriminator);
/*
 * Take ID apart. False when it is not of this form: then only `machine` is set, if the id starts
 * with one (36 bytes of UUID and ':'). A timestamp in another RFC 3339 form is understood, with
 * `canonical` false.
 */
bool id_parse(struct str id, struct event_id *out);
/* The machine of any id, or an empty view. */
struct str id_machine(struct str id);

#endif
