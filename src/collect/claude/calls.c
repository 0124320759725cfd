/* A ring: results mostly follow their calls at once. */
#include "collect/claude/calls.h"

static bool keep(char slot[static CLAUDE_CALL_BYTES], struct str text)
{
	if (text.len == 0 || text.len >= CLAUDE_CALL_BYTES || memchr(text.ptr, '\0', text.len))
		return false;
	memcpy(slot, text.ptr, text.len);
	slot[text.len] = '\0';
	return true;
}

void claude_calls_open(struct claude_calls *calls, struct str id, struct str tool)
{
	struct claude_open_call *slot = &calls->slots[calls->next];

	if (!keep(slot->id, id) || !keep(slot->tool, tool)) {
		slot->id[0] = '\0';
		return;
	}
	calls->next = (calls->next + 1) % CLAUDE_OPEN_CALLS;
}

struct str claude_calls_close(struct claude_calls *calls, struct str id)
{
	for (size_t back = 1; id.len > 0 && back <= CLAUDE_OPEN_CALLS; back++) {
		size_t at = (calls->next + CLAUDE_OPEN_CALLS - back) % CLAUDE_OPEN_CALLS;
		struct claude_open_call *slot = &calls->slots[at];

		if (!str_eq_c(id, slot->id))
			continue;
		slot->id[0] = '\0';
		return str_from(slot->tool);
	}
	return (struct str){ NULL, 0 };
}

void claude_calls_write(const struct claude_calls *calls, struct json_writer *writer)
{
	bool any = false;

	for (size_t i = 0; i < CLAUDE_OPEN_CALLS; i++) {
		const struct claude_open_call *slot =
			&calls->slots[(calls->next + i) % CLAUDE_OPEN_CALLS];

		if (slot->id[0] == '\0')
			continue;
		if (!any) {
			json_key(writer, STR("calls"));
			json_begin_object(writer);
		}
		any = true;
		json_kv_str(writer, slot->id, str_from(slot->tool));
	}
	if (any)
		json_end_object(writer);
}

void claude_calls_read(struct claude_calls *calls, const struct json *state)
{
	struct json_iter iter = json_iter(json_get(state, "calls"));
	const struct json *tool;
	struct str id;

	for (size_t i = 0; i < CLAUDE_OPEN_CALLS && json_next(&iter, &id, &tool); i++)
		claude_calls_open(calls, id, json_str(tool));
}
