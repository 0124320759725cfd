/* The dialect of regular expressions: what compiles, what is found, what is given up. */
#include "tap.h"

#include <pthread.h>

#include "base/buf.h"
#include "model/limits.h"
#include "query/lang/pattern.h"

enum { NO, YES, PARSE, LIMIT };

enum { PATTERN_TEST_DEPTH = 5000 };

struct row {
	const char *pattern, *subject;
	int want;
};

static int try_pattern(struct str text, bool ignore_case, struct str subject, struct err *err)
{
	struct pattern *pattern;
	int code = pattern_compile(&pattern, text, ignore_case, err);
	enum pattern_result result;

	if (code < 0)
		return code == ERR_PARSE ? PARSE : LIMIT;
	result = pattern_search(pattern, subject);
	pattern_free(pattern);
	return result == PATTERN_LIMIT ? LIMIT : result == PATTERN_YES;
}

static void check(const struct row *rows, size_t count)
{
	static const char *const names[] = { "no", "yes", "a parse error", "a limit" };

	for (size_t i = 0; i < count; i++) {
		struct err err = { 0 };
		int got = try_pattern(
			str_from(rows[i].pattern), false, str_from(rows[i].subject), &err);

		tap_check(got == rows[i].want, __FILE__, __LINE__,
			"/%s/ on '%s': got %s, want %s %s", rows[i].pattern,
			rows[i].subject ? rows[i].subject : "", names[got], names[rows[i].want],
			err.message);
	}
}

#define CHECK(rows) check(rows, ARRAY_LEN(rows))

static void finds_anywhere(void)
{
	static const struct row rows[] = {
		{ "hello", "say hello\nthere", YES },
		{ "hello", "Hello", NO },
		{ "(?i)HELLO", "say hello\nthere", YES },
		{ "(?i)HELLO", "Hello", YES },
		{ "hello$", "say hello\nthere", NO },
		{ "(?m)hello$", "say hello\nthere", YES },
		{ "(?<=say )h", "say hello\nthere", YES },
		{ "(?<=say )h", "Hello", NO },
		{ "", "x", YES },
		{ "", "", YES },
		{ "a|b|", "c", YES },
		{ "|a", "c", YES },
		{ "()", "c", YES },
		{ "\xc3\x85\xc3\x84", "\xc3\x85\xc3\x84", YES },
		{ "(?i)\xc3\xa5\xc3\xa4", "\xc3\x85\xc3\x84", YES },
		{ "GitHub|firefox", "my firefox", YES },
	};

	CHECK(rows);
}

static void lines_end_at_lf_only(void)
{
	static const struct row rows[] = {
		{ "a.b", "a\nb", NO },
		{ "a.b", "a\rb", YES },
		{ "a.b",
			"a\xe2\x80\xa8"
			"b",
			YES },
		{ "a.b",
			"a\xc2\x85"
			"b",
			YES },
		{ "(?s)a.b", "a\nb", YES },
		{ "(?s:a.)b", "a\nb", YES },
		{ "a\\Ob", "a\nb", YES },
		{ "^b", "a\nb", NO },
		{ "(?m)^b", "a\nb", YES },
		{ "(?m)^b", "a\rb", NO },
		{ "(?m)b^", "b\n", NO },
		{ "(?m)b\\n^", "b\n", YES },
		{ "(?m)b\\n$", "b\n", YES },
		{ "b$", "b\n", NO },
		{ "b$", "b", YES },
		{ "(?m)b$", "b\n", YES },
		{ "(?m)b$", "b\r\n", NO },
		{ "b\\z", "b\n", NO },
		{ "b\\Z", "b\n", YES },
		{ "b\\Z", "b\n\n\n", YES },
		{ "b\\Z", "b\n ", NO },
		{ "\\Ab", "a\nb", NO },
		{ "(?m)\\Ab", "a\nb", NO },
		{ "\\Ga", "a", YES },
		{ "\\Gb", "ab", NO },
	};

	CHECK(rows);
}

static void classes_by_letter_are_unicode(void)
{
	static const struct row rows[] = {
		{ "^\\d$", "\xd9\xa3", YES },
		{ "^\\d$", "\xc2\xb2", NO },
		{ "^\\D$", "\xd9\xa3", NO },
		{ "^\\w$", "\xc3\xa9", YES },
		{ "^\\w+$", "e\xcc\x81t\xe2\x80\xbf", YES }, /* combining, connector */
		{ "^\\w$", "\xc2\xb2", NO },                 /* superscript two */
		{ "^\\W$", "\xc2\xb2", YES },
		{ "^\\W$", "_", NO },
		{ "^\\s$", "\xc2\xa0", YES },
		{ "^\\s$", "\xc2\x85", YES },
		{ "^\\s$", "\v", YES },
		{ "^\\s$", "\xe1\xa0\x8e", NO },
		{ "^\\S$", "\xc2\xa0", NO },
		{ "\\b\xc3\xa9t", "caf \xc3\xa9t\xc3\xa9", YES },
		{ "\\bt", "\xc3\xa9t", NO },
		{ "e\\b", "e\xcc\x81", NO },
		{ "e\\B", "e\xcc\x81", YES },
		{ "\\bcode\\b", "vs code - x", YES },
		{ "\\bcode\\b", "vscode", NO },
		{ "\\b", "", NO },
		{ "\\B", "", YES },
		{ "\\<co", "vs code", YES },
		{ "\\<de", "vs code", NO },
		{ "vs\\>", "vs code", YES },
		{ "co\\>", "vs code", NO },
		{ "\\b{start}co", "vs code", YES },
		{ "\\b{start}de", "vs code", NO },
		{ "de\\b{end}", "vs code", YES },
		{ "vs\\b{end-half}", "vs code", YES },
		{ "\\b{start-half}s", "vs code", NO },
		{ "\\b{middle}", NULL, PARSE },
		{ "\\b{", NULL, PARSE },
		{ "\\B{2}", NULL, PARSE },
		{ "^\\h$", "f", YES },
		{ "^\\h$", " ", NO },
		{ "^\\H$", " ", YES },
		{ "^\\H$", "a", NO },
		{ "^\\v$", "\v", YES },
		{ "^\\v$", "\n", NO },
	};

	CHECK(rows);
}

static void case_is_folded_simply(void)
{
	static const struct row rows[] = {
		{ "(?i)^k$", "\xe2\x84\xaa", YES },
		{ "(?i)^\xe2\x84\xaa$", "K", YES },
		{ "(?i)^s$", "\xc5\xbf", YES },
		{ "(?i)^\xcf\x83$", "\xcf\x82", YES },
		{ "(?i)^\xce\xa3$", "\xcf\x82", YES },
		{ "(?i)^\xc3\x9f$", "\xe1\xba\x9e", YES },
		{ "(?i)^\xc3\x9f$", "SS", NO },
		{ "(?i)^\xc4\xb0$", "i", NO },
		{ "(?i)^\xc4\xb0$", "\xc4\xb0", YES },
		{ "(?i)^i$", "\xc4\xb1", NO },
		{ "(?i)^[a-z]$", "\xe2\x84\xaa", YES },
		{ "(?i)^[^k]$", "\xe2\x84\xaa", NO },
		{ "(?i)^\\p{Lu}$", "a", YES },
		{ "(?i)^[\\p{Lu}]$", "a", YES },
		{ "(?i)^\\P{Lu}$", "a", NO },
		{ "(?i)^\\p{Lu}$", "1", NO },
		{ "^\\p{Lu}$", "a", NO },
		{ "(?i:\\p{Lu})\\p{Lu}", "ab", NO },
		{ "(?i:\\p{Lu})\\p{Lu}", "aB", YES },
		{ "(?i)^[[:upper:]]$", "a", YES },
		{ "(?i)(a)\\1", "aA", YES },
	};

	CHECK(rows);
}

static void classes(void)
{
	static const struct row rows[] = {
		{ "^[abc-]+$", "a-c", YES },
		{ "^[-a]+$", "-a", YES },
		{ "^[--a]+$", "-a", YES },
		{ "^[a-c-e]+$", "b-e", YES },
		{ "^[^-a]$", "b", YES },
		{ "^[]a]$", "]", YES },
		{ "^[^]a]$", "]", NO },
		{ "^[^]a]$", "b", YES },
		{ "[[]", NULL, PARSE },
		{ "[[]x]", NULL, PARSE },
		{ "[a[]]", NULL, PARSE },
		{ "[a[]]b]]", NULL, PARSE },
		{ "[", NULL, PARSE },
		{ "[]", NULL, PARSE },
		{ "[^]", NULL, PARSE },
		{ "[a", NULL, PARSE },
		{ "[a-", NULL, PARSE },
		{ "[a\\", NULL, PARSE },
		{ "[z-a]", NULL, PARSE },
		{ "[a-[b]]", NULL, PARSE },
		{ "^[\\w-]+$", "a-b", YES },
		{ "[\\w-z]", NULL, PARSE },
		{ "[a-\\w]", NULL, PARSE },
		{ "[a-\\pL]", NULL, PARSE },
		{ "^[\\[\\]\\-\\^\\\\]+$", "[]-^\\", YES },
		{ "^[a^]+$", "a^", YES },
		{ "^[.*+?(){}|$#/ ]+$", ".*+?(){}|$#/ ", YES },
		{ "^[\\x41-\\x{43}]$", "B", YES },
		{ "^[\xc3\xa0-\xc3\xb6]$", "\xc3\xa9", YES },
		{ "^[\\s\\S]$", "\n", YES },
		{ "^[\\W\\d]+$", "-1", YES },
		{ "^[\\W\\d]+$", "a", NO },
		{ "^[^\\W_]+$", "a\xc3\xa9", YES },
		{ "^[^\\W_]+$", "_", NO },
		{ "^[^\\W_]+$", "-", NO },
		{ "^[\\H]+$", "xyz", YES },
		{ "^[\\b]$", "\b", YES },
		{ "^[\\h]$", "f", YES },
		{ "^[\\n\\t]$", "\t", YES },
		{ "^[\\p{Greek}x]+$", "x\xce\xb1", YES },
		{ "^[\\P{Greek}]+$", "\xce\xb1", NO },
		{ "[\\1]", NULL, PARSE },
		{ "[\\q]", NULL, PARSE },
		{ "[\\R]", NULL, PARSE },
		{ "[a&&]", "a", NO },
		{ "[^a&&b]", "a", YES },
	};

	CHECK(rows);
}

static void classes_nest_and_have_operators(void)
{
	static const struct row rows[] = {
		{ "^[a[bc]]+$", "abc", YES },
		{ "^[a[bc]]+$", "d", NO },
		{ "^[a[^b]]$", "b", NO },
		{ "^[a[^b]]$", "c", YES },
		{ "^[^a[^b]]$", "b", YES },
		{ "^[^a[^b]]$", "a", NO },
		{ "^[^a[^b]]$", "c", NO },
		{ "^[a-z&&[^b]]+$", "acz", YES },
		{ "[a-z&&[^b]]", "b", NO },
		{ "[a-z&&[^b]]", "1", NO },
		{ "^[a-z&&b-y&&[^m]]$", "m", NO },
		{ "^[a-z&&b-y&&[^m]]$", "z", NO },
		{ "^[a-z&&b-y&&[^m]]$", "n", YES },
		{ "^[a-d--b]+$", "acd", YES },
		{ "[a-d--b]", "b", NO },
		{ "[a--b]", "a", YES },
		{ "[a--b]", "b", NO },
		{ "[a--]", "a", YES },
		{ "[a~~b]", "a", YES },
		{ "^[a-c~~b-d]+$", "ad", YES },
		{ "[a-c~~b-d]", "b", NO },
		{ "[a-c~~b-d]", "c", NO },
		/* one precedence, from the left: ((a-z && a-m) -- c) */
		{ "[a-z&&a-m--c]", "c", NO },
		{ "^[a-z&&a-m--c]$", "d", YES },
		{ "^[ab&&[b[cd]]]$", "b", YES },
		{ "^[ab&&[b[cd]]]$", "a", NO },
		{ "^[^a-z&&[^b]]$", "b", YES },
		{ "^[^a-z&&[^b]]$", "a", NO },
		{ "^[^a-z&&[^b]]$", "1", YES },
		{ "^[\\w--\\d]+$", "ab", YES },
		{ "[\\w--\\d]", "1", NO },
		{ "(?<=[a-z&&[^b]])x", "ax", YES },
		{ "(?<=[a-z&&[^b]])x", "bx", NO },
		{ "(?i)^[a-z&&[^b]]$", "B", NO },
		{ "(?i)^[a-z&&[^b]]$", "C", YES },
		{ "^[a&b]+$", "a&b", YES },
		{ "^[a~b]+$", "a~b", YES },
	};

	CHECK(rows);
}

static void posix_classes_are_ascii(void)
{
	static const struct row rows[] = {
		{ "^[[:alpha:]]+$", "aZ", YES },
		{ "[[:alpha:]]", "\xc3\xa9", NO },
		{ "^[[:^alpha:]]$", "\xc3\xa9", YES },
		{ "[[:^alpha:]]", "a", NO },
		{ "[[:digit:]]", "\xd9\xa3", NO },
		{ "^[[:word:]]+$", "a_9", YES },
		{ "[[:word:]]", "\xc3\xa9", NO },
		{ "^[[:space:]]{6}$", " \t\n\v\f\r", YES },
		{ "[[:space:]]", "\xc2\xa0", NO },
		{ "^[[:punct:]]{32}$", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", YES },
		{ "[[:punct:]]", "a", NO },
		{ "^[[:xdigit:][:blank:]]+$", "aF9 \t", YES },
		{ "^[^[:alnum:]]$", "-", YES },
		{ "^[[:graph:]]$", " ", NO },
		{ "^[[:print:]]$", " ", YES },
		{ "^[[:cntrl:]]$", "\x7f", YES },
		{ "^[[:ascii:]]$", "\x01", YES },
		{ "^[[:lower:]]$", "A", NO },
		{ "^[[:upper:]]$", "A", YES },
		/* an unknown name is a nested class of its letters */
		{ "^[[:nope:]]+$", ":pen", YES },
		{ "^[:alpha:]+$", "alp:h", YES },
	};

	CHECK(rows);
}

static void escapes(void)
{
	static const struct row rows[] = {
		{ "^\\x41\\x{41}\\u0041\\u{41}\\U00000041$", "AAAAA", YES },
		{ "^\\x{1F600}\\U0001F600$", "\xf0\x9f\x98\x80\xf0\x9f\x98\x80", YES },
		{ "^\\u00e9\\u{e9}$", "\xc3\xa9\xc3\xa9", YES },
		{ "^\\e\\a\\f\\n\\r\\t\\v$", "\x1b\a\f\n\r\t\v", YES },
		{ "^\\.\\*\\[\\]\\(\\)\\{\\}\\^\\$\\|\\?\\+\\\\\\/\\#\\ \\-\\&\\~\\!\\@\\%\\'\\\"$",
			".*[](){}^$|?+\\/# -&~!@%'\"", YES },
		{ "^\\\xc3\xa9$", "\xc3\xa9", YES },
		{ "^\\_$", "_", YES },
		{ "\\x4", NULL, PARSE },
		{ "\\xg1", NULL, PARSE },
		{ "\\x{}", NULL, PARSE },
		{ "\\x{110000}", NULL, PARSE },
		{ "\\x{d800}", NULL, PARSE },
		{ "\\x{123456789}", NULL, PARSE },
		{ "\\u123", NULL, PARSE },
		{ "\\U0001F60", NULL, PARSE },
		{ "\\R", NULL, PARSE },
		{ "\\N", NULL, PARSE },
		{ "\\X", NULL, PARSE },
		{ "\\Qa\\E", NULL, PARSE },
		{ "a\\E", NULL, PARSE },
		{ "\\o{101}", NULL, PARSE },
		{ "\\cA", NULL, PARSE },
		{ "\\0", NULL, PARSE },
		{ "\\101", NULL, PARSE },
		{ "\\8", NULL, PARSE },
		{ "\\q", NULL, PARSE },
		{ "\\y", NULL, PARSE },
		{ "\\i", NULL, PARSE },
		{ "\\m", NULL, PARSE },
		{ "\\C", NULL, PARSE },
		{ "\\V", NULL, PARSE },
		{ "\\L", NULL, PARSE },
		{ "\\", NULL, PARSE },
		{ "a\\", NULL, PARSE },
		{ "a\\Kb", "ab", YES },
		{ "(?=a\\K)a", "a", YES },
		{ "(}1)", "}1", YES },
	};

	CHECK(rows);
}

static void properties(void)
{
	static const struct row rows[] = {
		{ "^\\p{L}\\pL\\p{Letter}\\p{gc=L}\\p{General_Category=Letter}\\p{ l e-t_ter }$",
			"aaaaaa", YES },
		{ "^\\p{Lu}\\p{Uppercase_Letter}\\p{isLu}\\p{gc:Lu}$", "AAAA", YES },
		{ "^\\P{L}\\PL$", "11", YES },
		{ "^\\p{L}$", "1", NO },
		{ "^\\p{gc!=L}$", "1", YES },
		{ "^\\P{gc!=L}$", "a", YES },
		{ "^\\p{Greek}\\p{Script=Greek}\\p{sc=Grek}\\p{scx:Greek}\\p{isGreek}$",
			"\xce\xb1\xce\xb1\xce\xb1\xce\xb1\xce\xb1", YES },
		{ "^\\p{Nd}\\p{Digit}\\p{Decimal_Number}$", "123", YES },
		{ "^\\p{Punctuation}\\p{punct}\\p{P}$", "!!!", YES },
		{ "^\\p{Alphabetic}\\p{Lowercase}\\p{White_Space}\\p{Emoji}$",
			"aa \xf0\x9f\x98\x80", YES },
		{ "^\\p{Any}\\p{ASCII}\\p{Assigned}$", "\na1", YES },
		{ "^\\p{LC}\\p{Cased_Letter}$", "aB", YES },
		{ "^\\p{ascii}$", "\xc3\xa9", NO },
		/* the prolonged sound mark is used in both scripts and belongs to neither */
		{ "^\\p{scx=Hira}$", "\xe3\x83\xbc", YES },
		{ "^\\p{Hira}$", "\xe3\x83\xbc", NO },
		{ "\\p", NULL, PARSE },
		{ "\\p{", NULL, PARSE },
		{ "\\p{}", NULL, PARSE },
		{ "\\p{L", NULL, PARSE },
		{ "\\p{Nope}", NULL, PARSE },
		{ "\\p{gc=Greek}", NULL, PARSE },
		{ "\\p{sc=L}", NULL, PARSE },
		{ "\\p{nope=L}", NULL, PARSE },
		{ "\\p{^L}", NULL, PARSE },
		{ "\\p{L&}", NULL, PARSE },
		{ "\\p{Xan}", NULL, PARSE },
		{ "\\p{bidi_class=L}", NULL, PARSE },
		{ "\\p{bidil}", NULL, PARSE },
		{ "\\pQ", NULL, PARSE },
	};

	CHECK(rows);
}

static void quantifiers(void)
{
	static const struct row rows[] = {
		{ "^a{2}$", "aa", YES },
		{ "^a{2}$", "aaa", NO },
		{ "^a{2,3}$", "aaaa", NO },
		{ "^a{2,}$", "aaaa", YES },
		{ "^a{,2}$", "aa", YES },
		{ "^a{,2}$", "", YES },
		{ "^a{,2}$", "aaa", NO },
		{ "^a{,}$", "aaaa", YES },
		{ "^a{0}$", "", YES },
		{ "^a??a*?a+?$", "a", YES },
		{ "^a?+a$", "a", NO },
		{ "^a*+a$", "aa", NO },
		{ "^a{1,2}+a$", "aa", NO },
		{ "^(?:a+?+)b$", "aab", NO },
		{ "^a+?+ab$", "aab", YES },
		{ "(?>[^a]+?)b(?>c+?)", "12bcc", YES },
		{ "[^a]+?+b.+?+", "12bcc", YES },
		{ "notepad++", "notepaddd", YES },
		{ "c++", "c", YES },
		{ "^a{2$", "a{2", YES },
		{ "^x{$", "x{", YES },
		{ "^{a}$", "{a}", YES },
		{ "^a{b}$", "a{b}", YES },
		{ "^a{1,b}$", "a{1,b}", YES },
		{ "^a{-1}$", "a{-1}", YES },
		{ "^a}$", "a}", YES },
		{ "^a]$", "a]", YES },
		{ "^{2}$", "", YES }, /* repeats "^" */
		{ "{2}", "{2}", YES },
		{ "^a{2}{3}$", "aa{3}", YES },
		{ "*a", NULL, PARSE },
		{ "+a", NULL, PARSE },
		{ "?a", NULL, PARSE },
		{ "a**", NULL, PARSE },
		{ "a+*", NULL, PARSE },
		{ "a|*", NULL, PARSE },
		{ "(*a)", NULL, PARSE },
		{ "(*UTF)a", NULL, PARSE },
		{ "a{3,2}", NULL, PARSE },
		{ "^*b", "ab", YES },
		{ "^??$+\\A{1,2}", "", YES },
		{ "\\Z*", NULL, PARSE },
		{ "\\K*", NULL, PARSE },
		{ "\\b+a", "b a", YES },
		{ "\\b{2}a", "ba", NO },
		{ "\\b?+a", "ba", YES },
		{ "(?=a)*", NULL, PARSE },
		{ "(?i)*", NULL, PARSE },
		{ "(?:)*", NULL, PARSE },
		{ "(?:^)*", "a", YES },
		{ "()*a", "a", YES },
		{ "(?:^a)*", "a", YES },
		{ "^(?:ab){2}$", "abab", YES },
		{ "^\xc3\xa9{2}$", "\xc3\xa9\xc3\xa9", YES },
		{ "^\\w{2}\\d{2}[a&&a]{2}$", "ab12aa", YES },
		{ "(?U)^(a+)(?:b|a)", "aab", YES },
		{ "a{65536}", NULL, LIMIT },
		{ "a{99999999999999999999}", NULL, LIMIT },
	};

	CHECK(rows);
}

static void groups(void)
{
	static const struct row rows[] = {
		{ "^(?:a|b)(?>c|d)$", "bd", YES },
		{ "^(?>a|ab)c$", "abc", NO },
		{ "^(a)(b)\\2\\1$", "abba", YES },
		{ "^(?P<x>a)(?<y>b)(?'z'c)\\k<y>(?P=x)\\k'z'$", "abcbac", YES },
		{ "^(?<\xc3\xa9>a)\\k<\xc3\xa9>$", "aa", YES },
		{ "^(a)(b)\\k<-1>\\k<1>$", "abba", YES },
		{ "^(a)\\1{2}$", "aaa", YES },
		{ "^(a)\\1"
		  "0$",
			"aa0", PARSE }, /* group 10 */
		{ "^(a)?\\1$", "", NO },
		{ "^\\2?(a)(b)$", "ab", YES },
		{ "\\1", NULL, PARSE },
		{ "\\1(a", NULL, PARSE },
		{ "(a)\\2", NULL, PARSE },
		{ "\\k<x>", NULL, PARSE },
		{ "(?P=x)", NULL, PARSE },
		{ "\\kx", NULL, PARSE },
		{ "(a)\\k<-2>", NULL, PARSE },
		{ "(a)\\k<x", NULL, PARSE },
		{ "(?<x", NULL, PARSE },
		{ "(?<>a)", NULL, PARSE },
		{ "^(?<1x>a)\\k<1x>$", "aa", YES },
		{ "(?<a b>c)", NULL, PARSE },
		{ "foo(?=bar)", "foobar", YES },
		{ "foo(?!bar)", "foobar", NO },
		{ "(?<!foo)bar", "foobar", NO },
		{ "(?<=a|bc)d", "bcd", YES },
		{ "(?<=\\w)-(?!\\d)", "a-1 b-c", YES },
		{ "^(a)?(?(1)b|c)$", "ab", YES },
		{ "^(a)?(?(1)b|c)$", "c", YES },
		{ "^(a)?(?(1)b|c)$", "ac", NO },
		{ "^(a)?(?(1)b)$", "", YES },
		{ "^(?<n>a)?(?(<n>)b|c|d)$", "d", YES },
		{ "^(?<n>a)?(?('n')b|c|d)$", "ab", YES },
		{ "^(a)?(?(1))", "b", NO },
		{ "^(a)?(?(1))", "a", YES },
		{ "^(a)?(?(-1)b|c)$", "ab", YES },
		{ "(?(1)a|b)", NULL, PARSE },
		{ "(a)(?(n)a|b)", NULL, PARSE },
		{ "(a)(?(?=b)a|b)", NULL, PARSE },
		{ "(a)(?(1a|b)", NULL, PARSE },
		{ "(a)(?(1)a|b", NULL, PARSE },
		{ "a(?#comment)b", "ab", YES },
		{ "a(?#comment)*b", "aab", YES },
		{ "a(?#comment", NULL, PARSE },
		{ "(", NULL, PARSE },
		{ ")", NULL, PARSE },
		{ "(a", NULL, PARSE },
		{ "a)", NULL, PARSE },
		{ "(?", NULL, PARSE },
		{ "(?R)", NULL, PARSE },
		{ "(a)(?1)", NULL, PARSE },
		{ "(a)(?-1)", NULL, PARSE },
		{ "(a)(?+1)", NULL, PARSE },
		{ "(?<n>a)(?&n)", NULL, PARSE },
		{ "(?<n>a)(?P>n)", NULL, PARSE },
		{ "(a)\\g1", NULL, PARSE },
		{ "(a)\\g<1>", NULL, PARSE },
		{ "(?|a|b)", NULL, PARSE },
		{ "(?C1)", NULL, PARSE },
		/* variable length behind: PCRE2 has it from 10.43 on, where it is bounded; nobody
		   else does */
		{ "(?<=a+)b", NULL, PARSE },
		{ "(?<=x(?:a|bc))d", NULL, PARSE },
	};

	CHECK(rows);
}

static void flags(void)
{
	static const struct row rows[] = {
		{ "a(?i)b", "aB", YES },
		{ "a(?i)b", "AB", NO },
		{ "a(?i:b)c", "aBc", YES },
		{ "a(?i:b)c", "aBC", NO },
		{ "(?i)a(?-i)b", "AB", NO },
		{ "(?i)a(?-i:b)c", "AbC", YES },
		{ "(a(?i)b)c", "aBC", NO },
		{ "(?im-s)^b.", "A\nBC", YES },
		{ "(?u)a", "a", YES },
		{ "(?x) a b # c \n d", "abd", YES },
		{ "(?x)a\\ b", "a b", YES },
		{ "(?x)a[ ]b", "a b", YES },
		{ "(?x)a {2} b", "aab", YES },
		{ "(?x)a{ 1 , 2 }$", "aa", YES },
		{ "(?x: a )b c", "ab c", YES },
		{ "(?x: a )b c", "abc", NO },
		{ "(?x)a # b", "a", YES },
		{ "((?x) a ) b", "a b", YES },
		{ "a b", "ab", NO },
		{ "(?-x:a b)", "a b", YES },
		{ "(?U)a", "a", YES },
		{ "(?-u)a", NULL, PARSE },
		{ "(?-u:a)", NULL, PARSE },
		{ "(?a)a", NULL, PARSE },
		{ "(?L)a", NULL, PARSE },
		{ "(?n)a", NULL, PARSE },
		{ "(?J)a", NULL, PARSE },
		{ "(?^)a", NULL, PARSE },
		{ "(?)a", NULL, PARSE },
		{ "(?-)a", NULL, PARSE },
		{ "(?-:a)", NULL, PARSE },
		{ "(?i-)a", NULL, PARSE },
		{ "(?i--s)a", NULL, PARSE },
		{ "(?i", NULL, PARSE },
		{ "(?i:a", NULL, PARSE },
	};

	CHECK(rows);
}

static void ignore_case_is_a_prefix(void)
{
	struct err err = { 0 };

	IS_INT(try_pattern(STR("FIREFOX"), true, STR("Firefox"), &err), YES);
	IS_INT(try_pattern(STR("(?-i)FIREFOX"), true, STR("Firefox"), &err), NO);
	IS_INT(try_pattern(STR("\\p{Lu}"), true, STR("a"), &err), YES);
	IS_INT(try_pattern(STR("a|b"), true, STR("B"), &err), YES);
	IS_INT(try_pattern(STR("a)"), true, STR(""), &err), PARSE);
	IS_CSTR(err.message, "a ')' without its '(' at byte 1 of the regular expression");
}

static void errors_say_what_and_where(void)
{
	static const struct {
		const char *pattern, *message;
	} rows[] = {
		{ "ab(", "a '(' without its ')' at byte 2" },
		{ "ab[c", "a class without its ']' at byte 2" },
		{ "a**", "nothing that could be repeated before the quantifier at byte 2" },
		{ "a\\R",
			"'\\R' is not supported: write '(?:\\r\\n|\\n)' for line breaks at byte 1" },
		{ "a\\q", "unknown escape '\\q' at byte 1" },
		{ "[\\w-z]",
			"a range goes from one character to another, not a set; write '\\-' for '-' "
			"at byte 1" },
		{ "a(?-u)", "Unicode cannot be switched off at byte 4" },
		{ "x(a)\\7", "there is no group 7 at byte 4" },
		{ "a\\p{Klingon}", "'Klingon' is no property of characters known here at byte 1" },
		{ "\xc3\xa9x(?<=a*)b", "the look-behind at byte 3" },
		{ "a\\1", "there is no group 1 at byte 1" },
		{ "a\xff", "invalid UTF-8 at byte 1" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = { 0 };

		IS_INT(try_pattern(str_from(rows[i].pattern), false, STR(""), &err), PARSE);
		OK(str_starts(str_from(err.message), str_from(rows[i].message)) ||
			IS_CSTR(err.message, rows[i].message));
	}
}

static void any_bytes_can_be_searched(void)
{
	static const struct {
		struct str pattern, subject;
		int want;
	} rows[] = {
		{ STR_INIT("b"),
			STR_INIT("a\xff"
				 "b"),
			YES },
		{ STR_INIT("a.b"),
			STR_INIT("a\xff"
				 "b"),
			NO },
		{ STR_INIT("a[^x]b"),
			STR_INIT("a\xe2\x82"
				 "b"),
			NO },
		{ STR_INIT("\xc3\xa9"), STR_INIT("\xc3\xff\xc3\xa9\xe2"), YES },
		{ STR_INIT("^a"),
			STR_INIT("\xff"
				 "a"),
			NO },
		{ STR_INIT("a\0b"), STR_INIT("xa\0b"), YES },
		{ STR_INIT("a\\x00b"), STR_INIT("a\0b"), YES },
		{ STR_INIT("[\0]b"), STR_INIT("a\0b"), YES },
		{ STR_INIT("b"), STR_INIT("a\0b"), YES },
		{ STR_INIT("(?#\0)b\\\0"), STR_INIT("ab\0"), YES },
		{ { NULL, 0 }, { NULL, 0 }, YES },
		{ STR_INIT("a"), { NULL, 0 }, NO },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = { 0 };
		int got = try_pattern(rows[i].pattern, false, rows[i].subject, &err);

		tap_check(got == rows[i].want, __FILE__, __LINE__, "row %zu: got %d %s", i, got,
			err.message);
	}
}

static struct buf repeated(const char *text, size_t count)
{
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < count; i++)
		buf_addc(&out, text);
	return out;
}

/* Patterns that would go through more ways than there are atoms give up soon. */
static void catastrophes_are_given_up(void)
{
	static const char *const patterns[] = { "(a+)+$", "(a|aa)+$", "(a*)*[b-d]", "(a|a)*[b-d]",
		"^(.*?,){30}P|(.*a){30}[b-d]", "(?:(a*)\\1)+[b-d]",
		"(.*)(.*)(.*)(.*)(.*)\\5\\4\\3\\2\\1[b-d]$", "((a+)+)+$", "(?=(a+)+$)[ab]",
		"(?<!b)(a+)+(?!c)$" };
	struct buf subject = repeated("a", 5000);

	buf_addc(&subject, "!");
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		struct err err = { 0 };
		int got = try_pattern(str_from(patterns[i]), false, buf_str(&subject), &err);

		tap_check(got == LIMIT, __FILE__, __LINE__, "/%s/: %d %s", patterns[i], got,
			err.message);
	}
	buf_release(&subject);
}

/* On a long subject also what takes quadratic time, without any step that PCRE2 counts. */
static void quadratic_searches_are_given_up(void)
{
	static const char *const patterns[] = { "(?:a|x)*+[b-d]", "(?<=a)a*[b-d]" };
	struct buf subject = repeated("a", 2 << 20);

	buf_addc(&subject, "!");
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		struct err err = { 0 };

		IS_INT(try_pattern(str_from(patterns[i]), false, buf_str(&subject), &err), LIMIT);
	}
	buf_release(&subject);
}

/* A match is found wherever it begins: long subjects are searched in pieces. */
static void no_start_is_left_out(void)
{
	struct buf subject = repeated("\xe6\x97\xa5", 4000);
	struct err err = { 0 };
	int wrong = 0;

	for (size_t i = 0; i + 3 <= subject.len; i += 3) {
		memcpy(subject.ptr + i, "a-b", 3);
		wrong += try_pattern(STR("(?<=^|\\w)a\\W[bc]"), false, buf_str(&subject), &err) !=
			 YES;
		wrong += try_pattern(STR("\\Ga-b"), false, buf_str(&subject), &err) != (i == 0);
		memcpy(subject.ptr + i, "\xe6\x97\xa5", 3);
	}
	IS_INT(wrong, 0);
	buf_release(&subject);
}

/* Ordinary patterns stay below the limits on long subjects. */
static void long_subjects_are_searched(void)
{
	static const char *const patterns[] = { "zz$", "(?:a|b)*zz", "\\w+zz", "(?:[ab]|c)+zz",
		"a.*zz", "^(?:ab)*zz$", "(?i)ZZ", "\\bzz", "[a-z&&[^q]]zz", "^(a|b)+zz$",
		"(?<=b)zz", "^(?:(?:ab)+)?zz" };
	struct buf subject = repeated("ab", 10000);

	buf_addc(&subject, "zz");
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		struct err err = { 0 };
		int got = try_pattern(str_from(patterns[i]), false, buf_str(&subject), &err);
		bool boundary = strcmp(patterns[i], "\\bzz") == 0;

		tap_check(got == (boundary ? NO : YES), __FILE__, __LINE__, "/%s/: %d %s",
			patterns[i], got, err.message);
	}
	buf_release(&subject);
}

static void bombs_do_not_compile(void)
{
	static const struct row rows[] = {
		{ "(((a{1000}){1000}){1000})", NULL, LIMIT },
		{ "\\w{500}", NULL, LIMIT },
		{ "\\w{100}", "", NO },
		{ "(?:\\w{100}){5}", NULL, LIMIT },
		{ "(?:a{65535}){65535}", NULL, LIMIT },
		{ "((a{0,1000}){0,1000}){0,1000}", NULL, LIMIT },
		{ "(?:abcdefghijklmnop){5000}", NULL, LIMIT },
		{ "(?:abc){1000}", "", NO },
	};
	struct buf deep = repeated("(", PATTERN_TEST_DEPTH), nested = BUF_INIT, twice = BUF_INIT;
	struct buf lengthy = repeated("a", LIMIT_REGEX_BYTES);
	struct err err = { 0 };

	CHECK(rows);
	IS_INT(try_pattern(buf_str(&deep), false, STR(""), &err), LIMIT);
	for (int i = 0; i < PATTERN_TEST_DEPTH; i++)
		buf_addc(&nested, "[a");
	IS_INT(try_pattern(buf_str(&nested), false, STR(""), &err), LIMIT);
	/* each operator doubles the text */
	buf_addc(&twice, "[a");
	for (int i = 0; i < 1000; i++)
		buf_addc(&twice, "~~b");
	buf_addc(&twice, "]");
	IS_INT(try_pattern(buf_str(&twice), false, STR(""), &err), LIMIT);
	IS_INT(try_pattern(buf_str(&lengthy), false, STR(""), &err), NO);
	buf_addc(&lengthy, "a");
	IS_INT(try_pattern(buf_str(&lengthy), false, STR(""), &err), LIMIT);
	buf_release(&deep);
	buf_release(&nested);
	buf_release(&twice);
	buf_release(&lengthy);
}

/* One pattern, several threads, each with its own expectations. */
static void *search_often(void *shared)
{
	const struct pattern *pattern = shared;
	long wrong = 0;

	for (int i = 0; i < 5000; i++) {
		wrong += pattern_search(pattern, STR("some title - project \xe2\x80\x94 Editor")) !=
			 PATTERN_YES;
		wrong += pattern_search(pattern, STR("aaaaaaaaaaaaaaaaaaaaaaaa!")) != PATTERN_NO;
	}
	return wrong == 0 ? shared : NULL;
}

static void threads_share_a_pattern(void)
{
	struct pattern *pattern;
	struct err err = { 0 };
	pthread_t threads[4];

	if (!OK(pattern_compile(&pattern, STR("(?i)(project).*\\beditor$|(e)\\2x"), false, &err) ==
		    0))
		return;
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		OK(pthread_create(&threads[i], NULL, search_often, pattern) == 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		void *same = NULL;

		OK(pthread_join(threads[i], &same) == 0);
		OK(same == pattern);
	}
	pattern_freep(&pattern);
	OK(pattern == NULL);
	pattern_freep(&pattern);
}

static const struct tap_case cases[] = {
	TAP_CASE(finds_anywhere),
	TAP_CASE(lines_end_at_lf_only),
	TAP_CASE(classes_by_letter_are_unicode),
	TAP_CASE(case_is_folded_simply),
	TAP_CASE(classes),
	TAP_CASE(classes_nest_and_have_operators),
	TAP_CASE(posix_classes_are_ascii),
	TAP_CASE(escapes),
	TAP_CASE(properties),
	TAP_CASE(quantifiers),
	TAP_CASE(groups),
	TAP_CASE(flags),
	TAP_CASE(ignore_case_is_a_prefix),
	TAP_CASE(errors_say_what_and_where),
	TAP_CASE(any_bytes_can_be_searched),
	TAP_CASE(catastrophes_are_given_up),
	TAP_CASE(quadratic_searches_are_given_up),
	TAP_CASE(no_start_is_left_out),
	TAP_CASE(long_subjects_are_searched),
	TAP_CASE(bombs_do_not_compile),
	TAP_CASE(threads_share_a_pattern),
};

TAP_MAIN(cases)
