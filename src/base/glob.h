/*
 * Path globs. `*` and `?` never match '/', `[...]` is a class (`[!…]` or `[^…]` negated), `\`
 * escapes, a leading dot is nothing special. A double star as a whole component matches any number
 * of components, none included. P and a pattern that ends in a double star: everything below P, and
 * P itself P without wildcards at its end: P itself and everything below it (a plain directory) a
 * pattern starting with '/' or '~' is matched against the whole path, any other one at any depth
 *   `~` stands for the home directory, only at the start and before '/' or the end
 * Components match whole: `~/work` never matches /home/ana/workspace. Case-sensitive. Characters
 * are UTF-8 sequences.
 */
#ifndef TT_BASE_GLOB_H
#define TT_BASE_GLOB_H

#include "base/err.h"
#include "base/mem.h"

struct glob; /* compiled, in an arena */

/*
 * ERR_PARSE: empty, unclosed '[', `\` at the end of a component, `!…`, `~user`, a component `..`,
 * longer than 4,096 bytes. HOME may be empty: then `~` is an error.
 */
MUST_USE int glob_compile(struct glob **out, struct arena *arena, struct str pattern,
	struct str home, struct err *err);
/* PATH with "." and ".." removed lexically and without trailing slashes by this function; time
 * O(pattern x path). */
bool glob_match(const struct glob *glob, struct str path);
/*
 * For names that are no paths (bucket ids): `*`, `?`, classes; '/' is an ordinary character; the
 * whole name. Linear-ish. An unclosed '[' and a `\` at the end stand for themselves.
 */
bool glob_match_name(struct str pattern, struct str name);

#endif
