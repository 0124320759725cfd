/* Views of bytes: comparison, search, cutting, decimal integers. Nothing here allocates. */
#include "base/str.h"

struct str str_from(const char *c)
{
	return (struct str){ .ptr = c, .len = c ? strlen(c) : 0 };
}

bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool str_eq_c(struct str a, const char *c)
{
	return str_eq(a, str_from(c));
}

int str_cmp(struct str a, struct str b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common ? memcmp(a.ptr, b.ptr, common) : 0;

	if (order != 0)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

bool str_starts(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_eq((struct str){ s.ptr, prefix.len }, prefix);
}

bool str_ends(struct str s, struct str suffix)
{
	return s.len >= suffix.len && str_eq(str_sub(s, s.len - suffix.len, suffix.len), suffix);
}

struct str str_sub(struct str s, size_t from, size_t len)
{
	if (from >= s.len)
		return (struct str){ NULL, 0 };
	if (len > s.len - from)
		len = s.len - from;
	return (struct str){ s.ptr + from, len };
}

ptrdiff_t str_find(struct str s, char byte, size_t from)
{
	const char *hit;

	if (from >= s.len)
		return -1;
	hit = memchr(s.ptr + from, byte, s.len - from);
	return hit ? hit - s.ptr : -1;
}

ptrdiff_t str_find_str(struct str s, struct str needle)
{
	const char *hit;

	if (needle.len == 0)
		return 0;
	if (s.len < needle.len)
		return -1;
	hit = memmem(s.ptr, s.len, needle.ptr, needle.len);
	return hit ? hit - s.ptr : -1;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
	while (s.len > 0 && is_blank(s.ptr[0])) {
		s.ptr++;
		s.len--;
	}
	while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

struct str str_split(struct str *rest, char separator)
{
	ptrdiff_t at = str_find(*rest, separator, 0);
	struct str head = *rest;

	if (at < 0) {
		*rest = (struct str){ NULL, 0 };
		return head;
	}
	head.len = (size_t)at;
	*rest = (struct str){ rest->ptr + at + 1, rest->len - (size_t)at - 1 };
	return head;
}

bool str_to_u64(struct str s, uint64_t *out)
{
	uint64_t value = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
		if (__builtin_mul_overflow(value, 10u, &value) ||
			__builtin_add_overflow(value, (uint64_t)(s.ptr[i] - '0'), &value))
			return false;
	}
	*out = value;
	return true;
}

bool str_to_i64(struct str s, int64_t *out)
{
	bool negative = s.len > 0 && s.ptr[0] == '-';
	uint64_t magnitude;

	if (!str_to_u64(negative ? str_sub(s, 1, s.len) : s, &magnitude))
		return false;
	if (magnitude > (uint64_t)INT64_MAX + (negative ? 1u : 0u))
		return false;
	*out = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
	return true;
}

int str_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
