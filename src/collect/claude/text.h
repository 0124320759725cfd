/*
 * What of a user record's text a person typed. Programs put their words around and beside those of
 * people, in wrappers or as whole texts that always begin alike.
 */
#ifndef TT_COLLECT_CLAUDE_TEXT_H
#define TT_COLLECT_CLAUDE_TEXT_H

#include "base/mem.h"

/* What a person wrote of TEXT, a view into it; empty when nothing. */
struct str claude_human_part(struct str text);
/* A command to the program that TEXT records, as it was typed: "/review src", "!ls"; in ARENA.
 * Empty: none. */
struct str claude_command(struct str text, struct arena *arena);
/* Is it the program's note that the person stopped the turn? */
bool claude_is_interruption(struct str text);

#endif
