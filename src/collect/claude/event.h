/* The data of the events that items of Claude's transcripts become. */
#ifndef TT_COLLECT_CLAUDE_EVENT_H
#define TT_COLLECT_CLAUDE_EVENT_H

#include "collect/claude/round.h"

/* What an event is made of. */
struct claude_event {
	struct claude_round *round;
	struct claude_session *session;
	const struct claude_record *record;
	const struct claude_place *place;
	struct claude_item *item;
	struct str path; /* of the record */
	int64_t offset;
};

/* Each makes the data that the item's event is to have, from the item and the record. */
void claude_event_prompt(const struct claude_event *event);
void claude_event_response(const struct claude_event *event);
void claude_event_call(const struct claude_event *event, const struct claude_tools *tool);
void claude_event_tool_error(const struct claude_event *event, const struct claude_tools *tool);
void claude_event_api_error(const struct claude_event *event);
/* Add the record's text to that of a response, if texts are asked for. *CHANGED: there was any that
 * was not there yet. */
MUST_USE int claude_event_add_text(
	const struct claude_event *event, bool *changed, struct err *err);
/* Mark ITEM's event: the person stopped the turn. */
MUST_USE int claude_event_cancel(
	struct claude_round *round, struct claude_item *item, struct err *err);

#endif
