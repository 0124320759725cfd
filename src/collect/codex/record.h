/* Between codex_record.c, which tells what a line is, codex_message.c and codex_tool.c: nobody else
 * includes this. */
#ifndef TT_COLLECT_CODEX_RECORD_H
#define TT_COLLECT_CODEX_RECORD_H

#include "collect/codex/codex.h"

/* Fill RECORD from the payload or item; its kind is CODEX_NOTHING before. */
typedef void codex_read_fn(
	struct codex_reader *reader, const struct json *payload, struct codex_record *record);

struct codex_row {
	const char *name;
	codex_read_fn *read; /* NULL: known, and not for us */
};

/* What was said: a response item, events, completed items. */
codex_read_fn codex_read_message, codex_read_user_event, codex_read_agent_event,
	codex_read_user_item, codex_read_agent_item;
/* Response items. */
codex_read_fn codex_read_function_call, codex_read_custom_call, codex_read_shell_call,
	codex_read_web_call, codex_read_search_call, codex_read_image_call, codex_read_output;
/* Events. */
codex_read_fn codex_read_exec_end, codex_read_patch_end, codex_read_mcp_end, codex_read_web_end,
	codex_read_image_end, codex_read_view_image;
/* Items of item_completed. */
codex_read_fn codex_read_command_item, codex_read_change_item, codex_read_mcp_item,
	codex_read_dynamic_item, codex_read_collab_item, codex_read_web_item, codex_read_view_item,
	codex_read_image_item;

#endif
