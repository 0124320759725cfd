/* The few lines of workspace.yaml that say where a session was: no YAML beyond `key: value`. */
#include "collect/copilot_cli/log.h"

/* Up to the closing quote, escapes undone: of "…" those of a backslash, of '…' the doubled quote.
 */
static struct str unquoted(struct arena *arena, struct str value)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	char quote = value.ptr[0];

	for (size_t i = 1; i < value.len; i++) {
		char c = value.ptr[i];
		bool more = i + 1 < value.len;

		if (quote == '"' && c == '\\' && more)
			c = value.ptr[++i];
		else if (quote == '\'' && c == '\'' && more && value.ptr[i + 1] == '\'')
			i++;
		else if (c == quote)
			return arena_str(arena, buf_str(&out));
		buf_byte(&out, c);
	}
	return (struct str){ NULL, 0 };
}

static struct str scalar(struct arena *arena, struct str value)
{
	ptrdiff_t comment = str_find_str(value, STR(" #"));

	if (value.len == 0 || strchr("|>[{&*!%@`#", value.ptr[0]))
		return (struct str){ NULL, 0 };
	if (value.ptr[0] == '"' || value.ptr[0] == '\'')
		return unquoted(arena, value);
	if (comment >= 0)
		value = str_trim(str_sub(value, 0, (size_t)comment));
	if (str_eq_c(value, "null") || str_eq_c(value, "~"))
		return (struct str){ NULL, 0 };
	return arena_str(arena, value);
}

struct copilot_cli_workspace copilot_cli_workspace(struct arena *arena, struct str yaml)
{
	struct copilot_cli_workspace out = { 0 };

	if (str_starts(yaml, STR("\xef\xbb\xbf")))
		yaml = str_sub(yaml, 3, yaml.len);
	while (yaml.len > 0) {
		struct str value = str_split(&yaml, '\n');
		struct str key = str_split(&value, ':');

		if (str_eq_c(key, "cwd"))
			out.cwd = scalar(arena, str_trim(value));
		else if (str_eq_c(key, "branch"))
			out.branch = scalar(arena, str_trim(value));
	}
	return out;
}
