/*
 * Path globs. A pattern becomes a list of components; an implied double star stands before a
 * pattern that may start at any depth and behind one that ends in a plain name. What is left is one
 * question on two levels, "does this sequence with stars match that one": of components with double
 * stars, and of characters with stars. Both are answered by remembering only the last star passed:
 * if what follows a star fits at some place, no later place can do better, so earlier stars need no
 * second try. No pair of pattern and path position is therefore looked at twice: O(pattern x path),
 * no recursion.
 *
 * Characters are UTF-8 sequences; a byte that belongs to none counts as one character of its own,
 * equal to itself alone.
 */
#include "base/glob.h"

#include "base/utf8.h"

enum { PATTERN_MAX_BYTES = 4096, INVALID_BYTE = 0x110000 };

struct component {
	struct str text;
	bool any;   /* a double star: any number of components */
	bool plain; /* no wildcards and no escapes: to be compared as it is */
};

struct glob {
	bool anchored; /* only a path that starts at the root */
	size_t count;
	struct component components[];
};

struct character {
	uint32_t code;
	size_t bytes;
};

/* The character of S at AT, which is inside. */
static struct character character_at(struct str s, size_t at)
{
	static const unsigned char lead_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	unsigned char first = (unsigned char)s.ptr[at];
	struct character c = { first, 1 };

	if (first < 0x80)
		return c;
	c.bytes = utf8_sequence(s, at);
	if (c.bytes == 0)
		return (struct character){ (uint32_t)INVALID_BYTE + first, 1 };
	c.code = first & lead_bits[c.bytes];
	for (size_t i = 1; i < c.bytes; i++)
		c.code = c.code << 6 | ((unsigned char)s.ptr[at + i] & 0x3f);
	return c;
}

/* A character of a pattern, `\` removed; BYTES counts it. A `\` at the end stands for itself. */
static struct character escaped_at(struct str pattern, size_t at)
{
	struct character c;

	if (pattern.ptr[at] != '\\' || at + 1 == pattern.len)
		return character_at(pattern, at);
	c = character_at(pattern, at + 1);
	c.bytes++;
	return c;
}

/* The bytes of the class at AT ('['), or 0 when it is not closed; *FITS: whether CODE is in it. */
static size_t class_at(struct str pattern, size_t at, uint32_t code, bool *fits)
{
	size_t i = at + 1;
	bool negated = i < pattern.len && (pattern.ptr[i] == '!' || pattern.ptr[i] == '^');
	bool found = false;

	i += negated;
	for (size_t first = i; i < pattern.len;) {
		struct character low, high;

		if (pattern.ptr[i] == ']' && i > first) {
			*fits = found != negated;
			return i + 1 - at;
		}
		low = high = escaped_at(pattern, i);
		i += low.bytes;
		if (i + 1 < pattern.len && pattern.ptr[i] == '-' && pattern.ptr[i + 1] != ']') {
			high = escaped_at(pattern, i + 1);
			i += 1 + high.bytes;
		}
		found |= low.code <= code && code <= high.code;
	}
	return 0;
}

/* Whether the one character C fits the pattern at AT, which is no star; *BYTES: what of the pattern
 * that was. */
static bool fits_one(struct str pattern, size_t at, uint32_t code, size_t *bytes)
{
	struct character wanted;
	bool fits;

	if (pattern.ptr[at] == '?') {
		*bytes = 1;
		return true;
	}
	if (pattern.ptr[at] == '[') {
		*bytes = class_at(pattern, at, code, &fits);
		if (*bytes > 0)
			return fits;
	}
	wanted = escaped_at(pattern, at);
	*bytes = wanted.bytes;
	return wanted.code == code;
}

bool glob_match_name(struct str pattern, struct str name)
{
	size_t p = 0, n = 0, after_star = 0, retry = 0;
	bool star = false;

	for (;;) {
		struct character c;
		size_t bytes;

		if (p < pattern.len && pattern.ptr[p] == '*') {
			star = true;
			after_star = ++p;
			retry = n;
			continue;
		}
		if (n == name.len)
			return p == pattern.len;
		c = character_at(name, n);
		if (p < pattern.len && fits_one(pattern, p, c.code, &bytes)) {
			p += bytes;
			n += c.bytes;
		} else if (star) {
			retry += character_at(name, retry).bytes;
			n = retry;
			p = after_star;
		} else {
			return false;
		}
	}
}

static bool fits_component(const struct component *component, struct str name)
{
	if (component->plain)
		return str_eq(component->text, name);
	return glob_match_name(component->text, name);
}

/* The same walk as in glob_match_name, a level higher. */
static bool match_components(const struct glob *glob, const struct str *names, size_t count)
{
	size_t p = 0, n = 0, after_star = 0, retry = 0;
	bool star = false;

	for (;;) {
		if (p < glob->count && glob->components[p].any) {
			star = true;
			after_star = ++p;
			retry = n;
			if (p == glob->count)
				return true;
			continue;
		}
		if (n == count)
			return p == glob->count;
		if (p < glob->count && fits_component(&glob->components[p], names[n])) {
			p++;
			n++;
		} else if (star) {
			n = ++retry;
			p = after_star;
		} else {
			return false;
		}
	}
}

/* PATH in components, "." and ".." resolved; NAMES has room for all. A relative path keeps the ".."
 * it starts with. */
static size_t split_path(struct str path, struct str *names)
{
	bool absolute = path.len > 0 && path.ptr[0] == '/';
	size_t count = 0;

	while (path.len > 0) {
		struct str name = str_split(&path, '/');
		bool up = str_eq(name, STR(".."));

		if (name.len == 0 || str_eq(name, STR(".")))
			continue;
		if (up && count > 0 && !str_eq(names[count - 1], STR("..")))
			count--;
		else if (!up || !absolute)
			names[count++] = name;
	}
	return count;
}

bool glob_match(const struct glob *glob, struct str path)
{
	CLEANUP(mem_freep) struct str *names = NULL;

	if (path.len == 0 || (glob->anchored && path.ptr[0] != '/'))
		return false;
	names = mem_resize(NULL, path.len / 2 + 1, sizeof(*names));
	return match_components(glob, names, split_path(path, names));
}

/* NULL, or what is wrong with a component of a pattern; *PLAIN: it has no wildcards and no escapes.
 */
static const char *check_component(struct str text, bool *plain, bool *wild)
{
	*plain = true;
	*wild = false;
	for (size_t at = 0; at < text.len;) {
		size_t bytes = 1;
		bool fits;

		switch (text.ptr[at]) {
		case '\\':
			if (at + 1 == text.len)
				return "nothing follows a '\\'";
			*plain = false;
			bytes = 2;
			break;
		case '[':
			bytes = class_at(text, at, 0, &fits);
			if (bytes == 0)
				return "a '[' is not closed";
			*plain = false;
			*wild = true;
			break;
		case '*':
		case '?':
			*plain = false;
			*wild = true;
			break;
		default:
			break;
		}
		at += bytes;
	}
	return NULL;
}

static void add_any(struct glob *glob)
{
	if (glob->count > 0 && glob->components[glob->count - 1].any)
		return;
	glob->components[glob->count++] = (struct component){ .any = true };
}

/* The components of PATTERN behind those there are already; NULL or what is wrong. */
static const char *add_components(struct glob *glob, struct str pattern, struct arena *arena)
{
	bool wild = false, named = glob->anchored;

	while (pattern.len > 0) {
		struct str text = str_split(&pattern, '/');
		struct component component = { .any = false };
		const char *problem;

		if (text.len == 0 || str_eq(text, STR(".")))
			continue;
		if (str_eq(text, STR("..")))
			return "'..' cannot be part of a pattern";
		named = true;
		if (str_eq(text, STR("**"))) {
			add_any(glob);
			wild = true;
			continue;
		}
		problem = check_component(text, &component.plain, &wild);
		if (problem)
			return problem;
		component.text = arena_str(arena, text);
		glob->components[glob->count++] = component;
	}
	if (!wild)
		add_any(glob);
	return named ? NULL : "it names nothing";
}

/* The components of the home directory, taken as they are. */
static void add_home(struct glob *glob, struct str home, struct str *names, struct arena *arena)
{
	size_t count = split_path(home, names);

	for (size_t i = 0; i < count; i++)
		glob->components[glob->count++] =
			(struct component){ .text = arena_str(arena, names[i]), .plain = true };
}

static const char *check_start(struct str pattern, struct str home)
{
	if (pattern.len == 0)
		return "it is empty";
	if (pattern.len > PATTERN_MAX_BYTES)
		return "it is longer than 4,096 bytes";
	if (pattern.ptr[0] == '!')
		return "it starts with '!', which negates nothing here";
	if (pattern.ptr[0] != '~')
		return NULL;
	if (pattern.len > 1 && pattern.ptr[1] != '/')
		return "'~' stands for your own home directory only";
	if (home.len == 0 || home.ptr[0] != '/')
		return "'~' is used, but the home directory is not known";
	return NULL;
}

/* NULL or what is wrong with PATTERN, whose start has been checked. */
static const char *compile(
	struct glob **out, struct arena *arena, struct str pattern, struct str home)
{
	size_t room = pattern.len / 2 + home.len / 2 + 4;
	struct glob *glob;
	const char *problem;

	glob = arena_zalloc(arena, 1, sizeof(*glob) + room * sizeof(glob->components[0]));
	glob->anchored = pattern.ptr[0] == '/' || pattern.ptr[0] == '~';
	if (!glob->anchored)
		add_any(glob);
	if (pattern.ptr[0] == '~') {
		add_home(glob, home, arena_zalloc(arena, room, sizeof(struct str)), arena);
		pattern = str_sub(pattern, 1, pattern.len);
	}
	problem = add_components(glob, pattern, arena);
	*out = glob;
	return problem;
}

int glob_compile(struct glob **out, struct arena *arena, struct str pattern, struct str home,
	struct err *err)
{
	const char *problem = check_start(pattern, home);

	if (!problem)
		problem = compile(out, arena, pattern, home);
	if (!problem)
		return 0;
	*out = NULL;
	return err_set(
		err, ERR_PARSE, "pattern '%.*s': %s", STR_ARG(utf8_cut(pattern, 200)), problem);
}
