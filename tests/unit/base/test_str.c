/* Views of bytes: what is equal, what is found, what is cut, and which texts are integers. */
#include "tap.h"

#include "base/str.h"

static const struct str nothing = { NULL, 0 };

static void compares(void)
{
	OK(str_eq(nothing, STR("")));
	OK(str_eq(STR("a\0b"), (struct str){ "a\0b", 3 }));
	OK(!str_eq(STR("a\0b"), STR("a\0c")));
	OK(!str_eq(STR("a"), STR("ab")));
	OK(str_eq_c(STR("abc"), "abc"));
	OK(str_eq_c(nothing, NULL));
	OK(!str_eq_c(STR("abc\0"), "abc"));
	IS_INT(str_from(NULL).len, 0);
	IS_INT(str_from("four").len, 4);
}

static void orders_by_bytes(void)
{
	OK(str_cmp(STR("a"), STR("b")) < 0);
	OK(str_cmp(STR("b"), STR("a")) > 0);
	OK(str_cmp(STR("a"), STR("a")) == 0);
	OK(str_cmp(STR("ab"), STR("abc")) < 0);
	OK(str_cmp(STR("abc"), STR("ab")) > 0);
	OK(str_cmp(nothing, STR("")) == 0);
	OK(str_cmp(nothing, STR("a")) < 0);
	OK(str_cmp(STR("\x7f"), STR("\x80")) < 0);
}

static void starts_and_ends(void)
{
	OK(str_starts(STR("prefix"), STR("pre")));
	OK(str_starts(STR("x"), STR("")));
	OK(str_starts(nothing, STR("")));
	OK(!str_starts(STR("pr"), STR("pre")));
	OK(!str_starts(STR("Pre"), STR("pre")));
	OK(str_ends(STR("suffix"), STR("fix")));
	OK(str_ends(STR("fix"), STR("fix")));
	OK(str_ends(STR("fix"), STR("")));
	OK(str_ends(nothing, nothing));
	OK(!str_ends(STR("ix"), STR("fix")));
	OK(!str_ends(STR("fixed"), STR("fix")));
}

static void cuts_with_clamping(void)
{
	IS_STR(str_sub(STR("abcdef"), 2, 3), "cde");
	IS_STR(str_sub(STR("abcdef"), 2, SIZE_MAX), "cdef");
	IS_STR(str_sub(STR("abcdef"), 6, 1), "");
	IS_STR(str_sub(STR("abcdef"), SIZE_MAX, SIZE_MAX), "");
	IS_STR(str_sub(STR("abcdef"), 0, 0), "");
	IS_STR(str_sub(nothing, 0, 9), "");
}

static void finds(void)
{
	IS_INT(str_find(STR("abcabc"), 'b', 0), 1);
	IS_INT(str_find(STR("abcabc"), 'b', 1), 1);
	IS_INT(str_find(STR("abcabc"), 'b', 2), 4);
	IS_INT(str_find(STR("abcabc"), 'x', 0), -1);
	IS_INT(str_find(STR("abc"), 'c', 3), -1);
	IS_INT(str_find(STR("abc"), 'c', SIZE_MAX), -1);
	IS_INT(str_find(nothing, 'a', 0), -1);
	IS_INT(str_find(STR("a\0b"), '\0', 0), 1);
	IS_INT(str_find(STR("a\xff"), '\xff', 0), 1);
	IS_INT(str_find_str(STR("abcabd"), STR("abd")), 3);
	IS_INT(str_find_str(STR("abc"), STR("")), 0);
	IS_INT(str_find_str(nothing, STR("")), 0);
	IS_INT(str_find_str(STR("ab"), STR("abc")), -1);
	IS_INT(str_find_str(nothing, STR("a")), -1);
	IS_INT(str_find_str(STR("x\0yz"), STR("\0y")), 1);
}

static void trims_both_ends(void)
{
	IS_STR(str_trim(STR(" \t\r\n a b \n")), "a b");
	IS_STR(str_trim(STR("ab")), "ab");
	IS_STR(str_trim(STR(" \n ")), "");
	IS_STR(str_trim(nothing), "");
	IS_STR(str_trim(STR("\v a")), "\v a");
}

static void splits_until_nothing_is_left(void)
{
	struct str rest = STR("a,,b,");

	IS_STR(str_split(&rest, ','), "a");
	IS_STR(str_split(&rest, ','), "");
	IS_STR(str_split(&rest, ','), "b");
	OK(rest.ptr != NULL && rest.len == 0);
	IS_STR(str_split(&rest, ','), "");
	OK(rest.ptr == NULL);
}

static void splits_what_has_no_separator(void)
{
	struct str rest = STR("whole");

	IS_STR(str_split(&rest, ','), "whole");
	OK(rest.ptr == NULL && rest.len == 0);
	IS_STR(str_split(&rest, ','), "");
}

static void reads_signed_integers(void)
{
	int64_t value = 7;

	OK(str_to_i64(STR("0"), &value) && value == 0);
	OK(str_to_i64(STR("-0"), &value) && value == 0);
	OK(str_to_i64(STR("007"), &value) && value == 7);
	OK(str_to_i64(STR("9223372036854775807"), &value) && value == INT64_MAX);
	OK(str_to_i64(STR("-9223372036854775808"), &value) && value == INT64_MIN);
	value = 7;
	OK(!str_to_i64(STR("9223372036854775808"), &value));
	OK(!str_to_i64(STR("-9223372036854775809"), &value));
	OK(!str_to_i64(STR("18446744073709551616"), &value));
	OK(!str_to_i64(nothing, &value));
	OK(!str_to_i64(STR("-"), &value));
	OK(!str_to_i64(STR("--1"), &value));
	OK(!str_to_i64(STR("+1"), &value));
	OK(!str_to_i64(STR(" 1"), &value));
	OK(!str_to_i64(STR("1 "), &value));
	OK(!str_to_i64(STR("1.0"), &value));
	OK(!str_to_i64(STR("0x1"), &value));
	OK(!str_to_i64(STR("1\0"), &value));
	IS_INT(value, 7);
}

static void reads_unsigned_integers(void)
{
	uint64_t value = 7;

	OK(str_to_u64(STR("18446744073709551615"), &value) && value == UINT64_MAX);
	OK(str_to_u64(STR("00000000000000000000000000000001"), &value) && value == 1);
	value = 7;
	OK(!str_to_u64(STR("18446744073709551616"), &value));
	OK(!str_to_u64(STR("99999999999999999999"), &value));
	OK(!str_to_u64(STR("-1"), &value));
	OK(!str_to_u64(nothing, &value));
	OK(value == 7);
}

static void hexadecimal_digits(void)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	int values = 0;

	for (int c = -128; c < 128; c++) {
		const char *at = c != 0 ? strchr(digits, c) : NULL;
		int want = at ? (int)(at - digits) : -1;

		values += str_hex_digit((char)c) == (want > 15 ? want - 6 : want);
	}
	IS_INT(values, 256);
}

static const struct tap_case cases[] = {
	TAP_CASE(compares),
	TAP_CASE(orders_by_bytes),
	TAP_CASE(starts_and_ends),
	TAP_CASE(cuts_with_clamping),
	TAP_CASE(finds),
	TAP_CASE(trims_both_ends),
	TAP_CASE(splits_until_nothing_is_left),
	TAP_CASE(splits_what_has_no_separator),
	TAP_CASE(reads_signed_integers),
	TAP_CASE(reads_unsigned_integers),
	TAP_CASE(hexadecimal_digits),
};

TAP_MAIN(cases)
