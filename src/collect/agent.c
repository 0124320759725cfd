/* Sessions and their items as sources build them, and what all agents call their tools. */
#include "collect/agent.h"

#include "model/limits.h"

struct agent_session agent_session(struct arena *arena, const char *agent)
{
	return (struct agent_session){
		.arena = arena,
		.agent = str_from(agent),
		.started_ns = INT64_MIN,
		.ended_ns = INT64_MIN,
		.fallback_ns = INT64_MIN,
	};
}

/* The lists grow in the arena; what they leave behind is half of what they become. */
static void *grow(struct arena *arena, void *items, size_t count, size_t *capacity, size_t size)
{
	void *grown;

	if (count < *capacity)
		return items;
	*capacity = *capacity * 2 + 16;
	grown = arena_alloc(arena, *capacity * size);
	if (count > 0)
		memcpy(grown, items, count * size);
	return grown;
}

struct agent_item *agent_item(
	struct agent_session *session, enum agent_kind kind, struct str key, int64_t at_ns)
{
	struct agent_item *item;

	session->items = grow(session->arena, session->items, session->count, &session->capacity,
		sizeof(*session->items));
	item = &session->items[session->count++];
	*item = (struct agent_item){ .kind = kind, .key = key, .at_ns = at_ns, .length = -1 };
	for (int i = 0; i < AGENT_TOKENS; i++)
		item->tokens[i] = -1;
	return item;
}

struct agent_item *agent_find(
	const struct agent_session *session, enum agent_kind kind, struct str key)
{
	for (size_t i = session->count; i > 0; i--) {
		struct agent_item *item = &session->items[i - 1];

		if (item->kind == kind && str_eq(item->key, key))
			return item;
	}
	return NULL;
}

void agent_session_bad(struct agent_session *session, struct str path, int64_t offset,
	const char *reason, const char *detail, struct str bytes)
{
	session->bad = grow(session->arena, session->bad, session->bad_count,
		&session->bad_capacity, sizeof(*session->bad));
	session->bad[session->bad_count++] = (struct agent_bad){
		.path = arena_str(session->arena, path),
		.offset = offset,
		.reason = reason,
		.detail = arena_str(session->arena, str_from(detail)),
		.bytes = arena_str(session->arena, str_sub(bytes, 0, LIMIT_QUARANTINE_BYTES)),
		.bytes_total = (int64_t)bytes.len,
	};
	session->malformed++;
}

/* --- tools --- */

enum { NAME_BYTES = 64 };

/* Names in lower case, as the agents' releases write them; reference for each: its documentation or
 * logs. One name means the same in every agent that has it. */
static const struct {
	const char *class;
	const char *names[32];
} tool_classes[] = {
	{ "read",
		{ "read", "read_file", "read_file_v2", "readfile", "notebookread", "view",
			"view_image", "read_many_files", "copilot_readfile", "copilot_readnotebook",
			"copilot_getnotebooksummary", "fetch_instructions" } },
	{ "edit",
		{ "edit", "multiedit", "notebookedit", "edit_file", "edit_file_v2",
			"search_replace", "replace", "replace_in_file", "replace_string_in_file",
			"multi_replace_string_in_file", "apply_patch", "apply_diff", "patch",
			"insert_content", "insert_edit_into_file", "copilot_insertedit",
			"copilot_replacestring", "copilot_multireplacestring", "copilot_applypatch",
			"copilot_editnotebook", "editedexistingfile", "applieddiff",
			"searchandreplace", "insertcontent", "str_replace", "delete_file",
			"edit_notebook", "edit_notebook_file", "search_and_replace" } },
	{ "write", { "write", "write_file", "write_to_file", "create", "create_file",
			   "create_directory", "copilot_createfile", "copilot_createdirectory",
			   "newfilecreated", "copilot_createnewjupyternotebook" } },
	{ "command", { "bash", "bashoutput", "killshell", "exec_command", "shell", "shell_command",
			     "local_shell", "local_shell_call", "write_stdin", "run_shell_command",
			     "run_terminal_cmd", "run_terminal_command", "run_terminal_command_v2",
			     "run_in_terminal", "copilot_runinterminal", "get_terminal_output",
			     "copilot_getterminaloutput", "execute_command", "command",
			     "unified_exec", "runtests", "run_task", "powershell" } },
	{ "search",
		{ "grep", "glob", "ls", "list", "list_dir", "list_directory", "list_files",
			"listfilestoplevel", "listfilesrecursive", "searchfiles", "search_files",
			"file_search", "glob_file_search", "grep_search", "codebase_search",
			"codebasesearch", "search_file_content", "semantic_search",
			"copilot_listdirectory", "copilot_findfiles", "copilot_findtextinfiles",
			"copilot_searchcodebase", "tool_search", "tool_search_call",
			"list_code_definition_names", "listcodedefinitionnames",
			"ripgrep_raw_search", "copilot_searchworkspacesymbols", "listdirectory" } },
	{ "web", { "webfetch", "websearch", "web_fetch", "web_search", "web_search_call",
			 "google_web_search", "fetch_webpage", "copilot_fetchwebpage",
			 "browser_action", "browser_action_launch", "fetch", "open_simple_browser",
			 "copilot_opensimplebrowser" } },
	{ "delegate", { "task", "agent", "spawn_agent", "runsubagent", "newtask", "new_task",
			      "subtask", "delegate_to_agent", "use_subagents", "task_v2" } },
};

static bool is_mcp(struct str name)
{
	return str_starts(name, STR("mcp_")) || str_starts(name, STR("mcp-")) ||
	       str_find_str(name, STR("__")) >= 0;
}

const char *agent_tool_class(struct str tool)
{
	char lower[NAME_BYTES];
	struct str name = { lower, tool.len };

	if (tool.len >= sizeof(lower))
		return is_mcp(tool) ? "mcp" : "other";
	for (size_t i = 0; i < tool.len; i++)
		lower[i] = (char)(tool.ptr[i] >= 'A' && tool.ptr[i] <= 'Z' ? tool.ptr[i] + 32
									   : tool.ptr[i]);
	for (size_t i = 0; i < ARRAY_LEN(tool_classes); i++)
		for (size_t j = 0; j < ARRAY_LEN(tool_classes[i].names) && tool_classes[i].names[j];
			j++)
			if (str_eq_c(name, tool_classes[i].names[j]))
				return tool_classes[i].class;
	if (str_eq_c(name, "use_mcp_tool") || str_eq_c(name, "access_mcp_resource"))
		return "mcp";
	return is_mcp(name) ? "mcp" : "other";
}

struct str agent_tool_file(const struct json *input)
{
	static const char *const keys[] = { "file_path", "filePath", "path", "notebook_path",
		"target_file", "targetFile", "absolute_path", "relativeWorkspacePath", "file",
		"filename" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct str file = json_get_str(input, keys[i]);

		if (file.len > 0)
			return file;
	}
	return (struct str){ NULL, 0 };
}
