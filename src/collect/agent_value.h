/* Values as agents' logs write them. */
#ifndef TT_COLLECT_AGENT_VALUE_H
#define TT_COLLECT_AGENT_VALUE_H

#include "base/json.h"
#include "base/mem.h"
#include "base/time.h"

/*
 * VALUE as an instant: RFC 3339, without an offset taken as UTC; or a number (also as text) of
 * seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by size. False for
 * anything else and for what no instant can hold.
 */
bool agent_time(const struct json *value, int64_t *out_ns);
/* A copy of S in ARENA as valid UTF-8, so that a name is the same whether it was just read or was
 * written down in between. */
struct str agent_text(struct arena *arena, struct str s);
/* Is TEXT a word that a program chose (letters, digits, '_', '-', '.'; at most 64 bytes) and no
 * text for people? */
bool agent_is_code(struct str text);
/* Does the JSON of DOCUMENT, which nobody can read, end inside of a string or a container? Then it
 * may be half of one that is being written. */
bool agent_is_cut(struct str document);
/* Widen the span from *STARTED_NS to *ENDED_NS (both INT64_MIN: none yet) by AT_NS, unless that is
 * no plausible time. */
void agent_widen(int64_t at_ns, int64_t *started_ns, int64_t *ended_ns);

#endif
