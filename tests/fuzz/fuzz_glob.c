/*
 * Globs against a slow matcher written straight from the rules, recursive, over bytes:
 * "PATTERN\nPATH". The fast one works on characters, so both are compared on ASCII alone. Besides:
 * a pattern without wildcards matches itself and what is below it.
 */
#include <stdint.h>

#include "base/glob.h"

enum { MAX_PATTERN = 24, MAX_PATH = 32 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whether C is in the class whose content is TEXT. */
static bool slow_class(struct str text, char c)
{
	bool negated = text.ptr[0] == '!' || text.ptr[0] == '^';
	bool found = false;

	for (size_t i = negated; i < text.len; i++) {
		char low, high;

		if (text.ptr[i] == '\\')
			i++;
		low = high = text.ptr[i];
		if (i + 2 < text.len && text.ptr[i + 1] == '-') {
			i += 2;
			if (text.ptr[i] == '\\')
				i++;
			high = text.ptr[i];
		}
		found |= low <= c && c <= high;
	}
	return found != negated;
}

/* Offset of the ']' that closes the class at the start of PATTERN. */
static size_t slow_class_end(struct str pattern)
{
	size_t i = 1;

	if (pattern.ptr[i] == '!' || pattern.ptr[i] == '^')
		i++;
	for (size_t first = i; pattern.ptr[i] != ']' || i == first; i++)
		if (pattern.ptr[i] == '\\')
			i++;
	return i;
}

/* One component. */
static bool slow_name(struct str pattern, struct str name)
{
	struct str rest = str_sub(pattern, 1, pattern.len);

	if (pattern.len == 0)
		return name.len == 0;
	if (pattern.ptr[0] == '*')
		return slow_name(rest, name) ||
		       (name.len > 0 && slow_name(pattern, str_sub(name, 1, name.len)));
	if (name.len == 0)
		return false;
	if (pattern.ptr[0] == '[') {
		size_t end = slow_class_end(pattern);

		if (!slow_class(str_sub(pattern, 1, end - 1), name.ptr[0]))
			return false;
		rest = str_sub(pattern, end + 1, pattern.len);
	} else if (pattern.ptr[0] == '\\') {
		if (rest.ptr[0] != name.ptr[0])
			return false;
		rest = str_sub(rest, 1, rest.len);
	} else if (pattern.ptr[0] != '?' && pattern.ptr[0] != name.ptr[0]) {
		return false;
	}
	return slow_name(rest, str_sub(name, 1, name.len));
}

static bool is_empty_component(struct str name)
{
	return name.len == 0 || str_eq(name, STR("."));
}

/* BELOW: what is below the last component matches too. */
static bool slow_path(struct str pattern, struct str path, bool below)
{
	struct str after_pattern = pattern, after_path = path;
	struct str first = str_split(&after_pattern, '/'), name = str_split(&after_path, '/');

	if (pattern.len > 0 && is_empty_component(first))
		return slow_path(after_pattern, path, below);
	if (path.len > 0 && is_empty_component(name))
		return slow_path(pattern, after_path, below);
	if (pattern.len == 0)
		return path.len == 0 || below;
	if (str_eq(first, STR("**")))
		return slow_path(after_pattern, path, below) ||
		       (path.len > 0 && slow_path(pattern, after_path, below));
	return path.len > 0 && slow_name(first, name) &&
	       slow_path(after_pattern, after_path, below);
}

static bool has_wildcards(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '\\')
			i++;
		else if (strchr("*?[", text.ptr[i]))
			return true;
	}
	return false;
}

static struct str last_component(struct str pattern)
{
	struct str last = { NULL, 0 };

	while (pattern.len > 0) {
		struct str name = str_split(&pattern, '/');

		if (!is_empty_component(name))
			last = name;
	}
	return last;
}

static bool slow_match(struct str pattern, struct str path)
{
	bool below = !has_wildcards(last_component(pattern));

	if (path.len == 0)
		return false;
	if (pattern.ptr[0] == '/')
		return path.ptr[0] == '/' && slow_path(pattern, path, below);
	for (;;) {
		if (slow_path(pattern, path, below))
			return true;
		if (path.len == 0)
			return false;
		str_split(&path, '/');
	}
}

/* Letters that make patterns; what is left out has unit tests: `~`, "..", NUL, other than ASCII. */
static bool is_comparable(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= ' ' || s.ptr[i] > '}' ||
			(s.ptr[i] == '.' && i > 0 && s.ptr[i - 1] == '.'))
			return false;
	return true;
}

static void check_plain(const struct glob *glob, struct str pattern, struct arena *arena)
{
	ASSERT(glob_match(glob, pattern));
	ASSERT(glob_match(glob, arena_printf(arena, "%.*s/x", STR_ARG(pattern))));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str path = { (const char *)data, size };
	struct str pattern = str_split(&path, '\n');
	struct arena arena = { 0 };
	struct glob *glob;
	struct err err;

	if (glob_compile(&glob, &arena, pattern, STR("/home/ana"), &err) == 0) {
		bool fast = glob_match(glob, path);

		if (pattern.len <= MAX_PATTERN && path.len <= MAX_PATH && is_comparable(pattern) &&
			is_comparable(path))
			ASSERT(fast == slow_match(pattern, path));
		if (is_comparable(pattern) && !has_wildcards(pattern) &&
			str_find(pattern, '\\', 0) < 0)
			check_plain(glob, pattern, &arena);
	}
	arena_release(&arena);
	return 0;
}
