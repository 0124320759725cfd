/*
 * What the configuration says of workspaces: which leave no trace, and how much text is kept of
 * which. A workspace is matched as it stands in the log and with its links resolved, so that a rule
 * cannot be walked around through a link. "/home/ana/work" and "~/work" are the same.
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

static int compile(struct glob_list *out, struct arena *arena, const char *const *patterns,
	const char *key, const char *home, struct err *err)
{
	size_t count = 0;

	while (patterns && patterns[count])
		count++;
	out->globs = arena_zalloc(arena, count + 1, sizeof(struct glob *));
	for (; out->count < count; out->count++) {
		const char *pattern = patterns[out->count];

		if (glob_compile(&out->globs[out->count], arena, str_from(pattern), str_from(home),
			    err) < 0) {
			err_context(err, "%s", key);
			return err->code = ERR_USAGE;
		}
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
	for (size_t i = 0; i < policy->exclude.count; i++)
		policy->mark = hash64(str_from(rules->exclude[i]), policy->mark + 1);
	*out = policy;
	return 0;
}

uint64_t workspace_policy_mark(const struct workspace_policy *policy)
{
	return policy ? policy->mark : 0;
}

static bool matches(const struct glob_list *list, struct str given, struct str resolved)
{
	for (size_t i = 0; i < list->count; i++)
		if (glob_match(list->globs[i], given) ||
			(resolved.len > 0 && glob_match(list->globs[i], resolved)))
			return true;
	return false;
}

/* CWD without links; empty when it does not exist here, or is no path of this machine. */
static struct str resolve(struct str cwd, char resolved[static PATH_MAX])
{
	char path[PATH_MAX];

	if (cwd.len == 0 || cwd.len >= sizeof(path) || cwd.ptr[0] != '/')
		return (struct str){ NULL, 0 };
	memcpy(path, cwd.ptr, cwd.len);
	path[cwd.len] = '\0';
	return realpath(path, resolved) ? str_from(resolved) : (struct str){ NULL, 0 };
}

bool collect_excluded(const struct collect_context *context, struct str cwd)
{
	const struct workspace_policy *policy = context->policy;
	char resolved[PATH_MAX];

	if (!policy || policy->exclude.count == 0 || cwd.len == 0)
		return false;
	return matches(&policy->exclude, cwd, resolve(cwd, resolved));
}

enum collect_text collect_text_of(
	const struct collect_context *context, const char *source, struct str cwd)
{
	const struct workspace_policy *policy = context->policy;
	char resolved[PATH_MAX];
	struct str other = policy && cwd.len > 0 ? resolve(cwd, resolved) : (struct str){ NULL, 0 };

	for (int level = TEXT_NONE; policy && cwd.len > 0 && level <= TEXT_FULL; level++)
		if (matches(&policy->text[level], cwd, other))
			return (enum collect_text)level;
	for (size_t i = 0; i < context->settings_count; i++)
		if (strcmp(context->settings[i].source, source) == 0)
			return context->settings[i].text;
	return TEXT_NONE;
}
