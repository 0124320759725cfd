/* Between codex_session.c, which knows where a session stands, and codex_items.c, which gives
 * items: nobody else includes this. */
#ifndef TT_COLLECT_CODEX_ITEMS_H
#define TT_COLLECT_CODEX_ITEMS_H

#include "collect/codex/codex.h"

enum { CODEX_FACT_BYTES = 4096 }; /* kept of a directory, model, title, … */

/* --- codex_session.c --- */

/* Is the record at hand a copy of the origin's? */
bool codex_is_copy(const struct codex_parser *parser);
/* Does a person type to this session? */
bool codex_has_person(const struct codex_parser *parser);
/* ID is the session's, unless it has one. */
void codex_name(struct codex_parser *parser, struct str id);

/* --- codex_items.c --- */

void codex_add_mark(
	struct codex_parser *parser, enum codex_mark_kind kind, int64_t from, int64_t to);
typedef void codex_take_fn(
	struct codex_parser *parser, const struct codex_record *record, struct str line);
codex_take_fn codex_take_user, codex_take_assistant, codex_take_call, codex_take_result,
	codex_take_usage, codex_take_error;
void codex_take_abort(struct codex_parser *parser, const struct codex_record *record);
void codex_take_rollback(struct codex_parser *parser, const struct codex_record *record);
/* The turn is over: what belongs together ends with it. */
void codex_end_turn(struct codex_parser *parser);

#endif
