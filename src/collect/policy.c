/*
 * What the configuration says of workspaces: which leave no trace, and how much text is kept of
 * which. A workspace is matched as it stands in the log and with its links resolved, and so is a
 * rule, so that a link leads around neither: `~/work` may be a link, and what the log has be where
 * it leads to. Of what does not exist any more, as much as still does is resolved.
 */
#include <limits.h>
#include <stdlib.h>

#include "base/glob.h"
#include "base/hash.h"
#include "collect/source.h"

struct glob_list {
	struct glob **globs;
	size_t count;
};

struct workspace_policy {
	struct glob_list exclude;
	struct glob_list text[TEXT_FULL + 1];
	uint64_t mark;
};

/* PATH with its links resolved; empty when it is no path of this machine, or has none. */
static struct str resolve(struct arena *arena, struct str path)
{
	char resolved[PATH_MAX];

	if (path.len == 0 || path.ptr[0] != '/' || str_find(path, '\0', 0) >= 0)
		return (struct str){ NULL, 0 };
	for (size_t end = path.len; end > 1; end--) {
		if (end < path.len && path.ptr[end] != '/')
			continue;
		if (!realpath(arena_cstr(arena, str_sub(path, 0, end)), resolved))
			continue;
		if (str_eq_c(str_sub(path, 0, end), resolved))
			break;
		return arena_printf(
			arena, "%s%.*s", resolved, STR_ARG(str_sub(path, end, path.len)));
	}
	return (struct str){ NULL, 0 };
}

/* PATTERN with the links resolved that stand before its first wildcard; empty when there are none.
 */
static struct str resolve_pattern(struct arena *arena, struct str pattern, const char *home)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct str resolved;
	size_t end;

	if (str_starts(pattern, STR("~")))
		pattern = arena_printf(
			arena, "%s%.*s", home, STR_ARG(str_sub(pattern, 1, pattern.len)));
	for (end = 0; end < pattern.len && !strchr("*?[\\", pattern.ptr[end]); end++)
		;
	while (end < pattern.len && end > 0 && pattern.ptr[end] != '/')
		end--;
	resolved = resolve(arena, str_sub(pattern, 0, end));
	if (resolved.len == 0)
		return resolved;
	for (size_t i = 0; i < resolved.len; i++) {
		if (strchr("*?[\\", resolved.ptr[i]))
			buf_byte(&out, '\\');
		buf_byte(&out, resolved.ptr[i]);
	}
	buf_add(&out, str_sub(pattern, end, pattern.len));
	return arena_str(arena, buf_str(&out));
}

static int compile(struct glob_list *out, struct arena *arena, const char *const *patterns,
	const char *key, const char *home, struct err *err)
{
	size_t count = 0;

	while (patterns && patterns[count])
		count++;
	out->globs = arena_zalloc(arena, count * 2 + 1, sizeof(struct glob *));
	for (size_t i = 0; i < count; i++) {
		struct str pattern = str_from(patterns[i]), resolved;
		struct err ignored;

		if (glob_compile(&out->globs[out->count], arena, pattern, str_from(home), err) <
			0) {
			err_context(err, "%s", key);
			return err->code = ERR_USAGE;
		}
		out->count++;
		resolved = resolve_pattern(arena, pattern, home);
		/* It may have become too long to be one: no path is as long. */
		if (resolved.len > 0 && glob_compile(&out->globs[out->count], arena, resolved,
						str_from(home), &ignored) == 0)
			out->count++;
	}
	return 0;
}

int workspace_policy(struct workspace_policy **out, struct arena *arena,
	const struct workspace_rules *rules, const char *home, struct err *err)
{
	static const char *const keys[] = {
		[TEXT_NONE] = "collect.text_none",
		[TEXT_SUMMARY] = "collect.text_summary",
		[TEXT_FULL] = "collect.text_full",
	};
	struct workspace_policy *policy = arena_zalloc(arena, 1, sizeof(*policy));

	if (compile(&policy->exclude, arena, rules->exclude, "collect.exclude", home, err) < 0)
		return err->code;
	for (size_t i = 0; i < ARRAY_LEN(policy->text); i++)
		if (compile(&policy->text[i], arena, rules->text[i], keys[i], home, err) < 0)
			return err->code;
	for (size_t i = 0; rules->exclude && rules->exclude[i]; i++)
		policy->mark = hash64(str_from(rules->exclude[i]), policy->mark + 1);
	*out = policy;
	return 0;
}

uint64_t workspace_policy_mark(const struct workspace_policy *policy)
{
	return policy ? policy->mark : 0;
}

/* PATH as it is given, or resolved. */
static bool matches(const struct glob_list *list, struct str path, struct str resolved)
{
	for (size_t i = 0; i < list->count; i++)
		if (glob_match(list->globs[i], path) ||
			(resolved.len > 0 && glob_match(list->globs[i], resolved)))
			return true;
	return false;
}

bool collect_excluded(const struct collect_context *context, struct str cwd)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	const struct workspace_policy *policy = context->policy;

	if (!policy || policy->exclude.count == 0 || cwd.len == 0)
		return false;
	return matches(&policy->exclude, cwd, resolve(&arena, cwd));
}

enum collect_text collect_text_of(
	const struct collect_context *context, const char *source, struct str cwd)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	const struct workspace_policy *policy = context->policy;
	struct str resolved = policy ? resolve(&arena, cwd) : (struct str){ NULL, 0 };

	for (int level = TEXT_NONE; policy && cwd.len > 0 && level <= TEXT_FULL; level++)
		if (matches(&policy->text[level], cwd, resolved))
			return (enum collect_text)level;
	for (size_t i = 0; i < context->settings_count; i++)
		if (strcmp(context->settings[i].source, source) == 0)
			return context->settings[i].text;
	return TEXT_NONE;
}
