/*
 * Values as agents' logs write them. Units of numbers are told by size: within a unit, what is
 * taken for it are the years up to 5138, so that 0 and other early instants of a broken clock stay
 * what they are.
 */
#include "collect/agent_value.h"

#include "base/utf8.h"

enum { LONGEST_TEXT = 64, LONGEST_CODE = 64 };

static bool of_number(int64_t number, int64_t *out_ns)
{
	static const struct {
		int64_t below;
		int64_t scale;
	} units[] = { { INT64_C(100000000000), NS_PER_S }, { INT64_C(100000000000000), NS_PER_MS },
		{ INT64_C(100000000000000000), NS_PER_MS / 1000 }, { INT64_MAX, 1 } };

	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (number < units[i].below && number > -units[i].below)
			return !__builtin_mul_overflow(number, units[i].scale, out_ns);
	return false;
}

/* With a fraction: seconds, or milliseconds, of which a real has no more than three digits for
 * sure. */
static bool of_real(double number, int64_t *out_ns)
{
	int64_t scale = number < 1e11 ? NS_PER_MS : NS_PER_MS / 1000;

	if (!(number >= 0 && number < 9e12))
		return false;
	return !__builtin_mul_overflow((int64_t)(number * 1000), scale, out_ns);
}

bool agent_time(const struct json *value, int64_t *out_ns)
{
	struct str text = str_trim(json_str(value));
	char with_offset[LONGEST_TEXT + 2];
	struct err ignored;
	int64_t number;
	double real;

	if (json_to_i64(value, &number))
		return of_number(number, out_ns);
	if (json_is(value, JSON_NUMBER))
		return json_to_double(value, &real) && of_real(real, out_ns);
	if (text.len == 0 || text.len > LONGEST_TEXT)
		return false;
	if (time_parse(text, out_ns, &ignored) == 0)
		return true;
	memcpy(with_offset, text.ptr, text.len);
	with_offset[text.len] = 'Z';
	return time_parse((struct str){ with_offset, text.len + 1 }, out_ns, &ignored) == 0;
}

struct str agent_text(struct arena *arena, struct str s)
{
	CLEANUP(buf_release) struct buf clean = BUF_INIT;

	if (utf8_valid(s))
		return arena_str(arena, s);
	utf8_add_clean(&clean, s);
	return arena_str(arena, buf_str(&clean));
}

bool agent_is_code(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
			!memchr("_-.", c, 3))
			return false;
	}
	return text.len > 0 && text.len <= LONGEST_CODE;
}

void agent_widen(int64_t at_ns, int64_t *started_ns, int64_t *ended_ns)
{
	if (at_ns == INT64_MIN || !time_plausible(at_ns))
		return;
	if (*started_ns == INT64_MIN || at_ns < *started_ns)
		*started_ns = at_ns;
	if (at_ns > *ended_ns)
		*ended_ns = at_ns;
}

bool agent_is_cut(struct str document)
{
	bool in_string = false;
	int64_t depth = 0;

	for (size_t i = 0; i < document.len; i++) {
		char c = document.ptr[i];

		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '[' || c == '{'))
			depth++;
		else if (!in_string && (c == ']' || c == '}'))
			depth--;
	}
	return depth > 0 || str_trim(document).len == 0;
}
