/* The TOML reader: valid texts with the tree they mean, invalid ones with the place and the reason.
 */
#include "base/toml.h"

#include <math.h>

#include "base/buf.h"
#include "tap.h"

static void show(struct buf *out, const struct toml *value);

static void show_members(struct buf *out, const struct toml *value)
{
	for (const struct toml *member = value->first; member; member = member->next) {
		if (member != value->first)
			buf_addc(out, " ");
		if (value->type == TOML_TABLE)
			buf_printf(out, "%.*s=", STR_ARG(member->key));
		show(out, member);
	}
}

/* A tree on one line: {a=1 b=[<x> true]}; texts in <>, floats in 15 digits, times after '@'. */
static void show(struct buf *out, const struct toml *value)
{
	switch (value->type) {
	case TOML_STRING:
		buf_printf(out, "<%.*s>", STR_ARG(value->string));
		break;
	case TOML_INTEGER:
		buf_i64(out, value->integer);
		break;
	case TOML_FLOAT:
		buf_printf(out, "%#.15g", value->number);
		break;
	case TOML_BOOL:
		buf_addc(out, value->boolean ? "true" : "false");
		break;
	case TOML_TIME:
		buf_printf(out, "@%.*s", STR_ARG(value->string));
		break;
	case TOML_ARRAY:
	case TOML_TABLE:
		buf_addc(out, value->type == TOML_ARRAY ? "[" : "{");
		show_members(out, value);
		buf_addc(out, value->type == TOML_ARRAY ? "]" : "}");
		break;
	}
}

struct valid {
	const char *text;
	const char *want; /* as show() writes it, without the braces of the root */
};

static void check_valid(const struct valid *table, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct arena arena = { 0 };
		struct buf out = BUF_INIT;
		struct toml *root;
		struct err err = { 0 };
		int result = toml_parse(&root, str_from(table[i].text), &arena, &err);

		if (tap_check(result == 0, __FILE__, __LINE__, "\"%s\": %s", table[i].text,
			    err.message)) {
			show_members(&out, root);
			IS_STR(buf_str(&out), table[i].want);
		}
		buf_release(&out);
		arena_release(&arena);
	}
}

struct invalid {
	struct str text;
	const char *message;
};

static void check_invalid(const struct invalid *table, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct arena arena = { 0 };
		struct toml *root;
		struct err err = { 0 };

		tap_check(toml_parse(&root, table[i].text, &arena, &err) == ERR_PARSE, __FILE__,
			__LINE__, "accepted: \"%.*s\"", STR_ARG(table[i].text));
		IS_INT(err.code, ERR_PARSE);
		OK(root == NULL);
		IS_CSTR(err.message, table[i].message);
		arena_release(&arena);
	}
}

#define CHECK_VALID(table) check_valid((table), ARRAY_LEN(table))
#define CHECK_INVALID(table) check_invalid((table), ARRAY_LEN(table))

static void good_documents(void)
{
	static const struct valid table[] = {
		{ "", "" },
		{ "\n\r\n \t\n# only a comment", "" },
		{ "a = 1", "a=1" },
		{ "a=1\r\nb\t=\t2 # two\r\n", "a=1 b=2" },
		{ "\xef\xbb\xbf"
		  "a = 1\n",
			"a=1" },
		{ "# ä comment with \"anything\" = [\na = 1\n", "a=1" },
		{ "t = true\nf = false", "t=true f=false" },
	};

	CHECK_VALID(table);
}

static void good_keys(void)
{
	static const struct valid table[] = {
		{ "A-b_9 = 1\n1234 = 2\n-1 = 3\n", "A-b_9=1 1234=2 -1=3" },
		{ "\"a b\" = 1\n'c\\d' = 2\n\"\" = 3\n", "a b=1 c\\d=2 =3" },
		{ "\"\\u00e4\" = 1\n", "ä=1" },
		{ "a.b.c = 1\na.b.d = 2\na.e = 3", "a={b={c=1 d=2} e=3}" },
		{ "a . \"b.c\" .'d' = 1", "a={b.c={d=1}}" },
		{ "3.14 = 'pi'", "3={14=<pi>}" },
		{ "true = 1\ninf = 2\n1979-05-27 = 3", "true=1 inf=2 1979-05-27=3" },
		{ "a.b = 1\nc = 2\na.d = 3", "a={b=1 d=3} c=2" },
	};

	CHECK_VALID(table);
}

static void good_strings(void)
{
	static const struct valid table[] = {
		{ "a = \"\"\nb = ''", "a=<> b=<>" },
		{ "a = \"x # y\" # z", "a=<x # y>" },
		{ "a = \"\\b\\t\\n\\f\\r\\\"\\\\\"", "a=<\b\t\n\f\r\"\\>" },
		{ "a = \"\\u0041\\u00E4\\u20ac\\U0001F600\"", "a=<Aä€😀>" },
		{ "a = \"\\uD7FF\\uE000\\U0010FFFF\"",
			"a=<\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf>" },
		{ "a = 'C:\\x\\u0041 \"q\"'", "a=<C:\\x\\u0041 \"q\">" },
		{ "a = \"tab\there\"", "a=<tab\there>" },
		{ "a = \"\"\"\"\"\"\nb = ''''''", "a=<> b=<>" },
		{ "a = \"\"\"\none\r\ntwo\n\"\"\"", "a=<one\ntwo\n>" },
		{ "a = \"\"\"\r\n\r\none\"\"\"", "a=<\none>" },
		{ "a = \"\"\"one \\\n\n   two\\  \t\r\n three \\\n   \"\"\"", "a=<one twothree >" },
		{ "a = \"\"\"\\\n\"\"\"", "a=<>" },
		{ "a = \"\"\"\"q\" \"\"q\"\"\"\"\"", "a=<\"q\" \"\"q\"\">" },
		{ "a = \"\"\"x\\\"\"\"\"", "a=<x\">" },
		{ "a = '''\nraw \\\n'q' ''q'''''", "a=<raw \\\n'q' ''q''>" },
	};

	CHECK_VALID(table);
}

static void good_numbers(void)
{
	static const struct valid table[] = {
		{ "a = 0\nb = +0\nc = -0\nd = +99\ne = -17", "a=0 b=0 c=0 d=99 e=-17" },
		{ "a = 1_000\nb = 1_2_3", "a=1000 b=123" },
		{ "a = 9223372036854775807\nb = -9223372036854775808",
			"a=9223372036854775807 b=-9223372036854775808" },
		{ "a = 0xDEAD_beef\nb = 0o755\nc = 0b1101_0110\nd = 0x00\ne = 0x1e5",
			"a=3735928559 b=493 c=214 d=0 e=485" },
		{ "a = 0x7fffffffffffffff", "a=9223372036854775807" },
		{ "a = 1.0\nb = +3.25\nc = -0.5\nd = 0.0",
			"a=1.00000000000000 b=3.25000000000000 c=-0.500000000000000 "
			"d=0.00000000000000" },
		{ "a = 5e2\nb = 1E06\nc = -2e-2\nd = 6.5e+1",
			"a=500.000000000000 b=1000000.00000000 c=-0.0200000000000000 "
			"d=65.0000000000000" },
		{ "a = 9_2.2_5\nb = 1e1_0", "a=92.2500000000000 b=10000000000.0000" },
		{ "a = inf\nb = +inf\nc = -inf", "a=inf b=inf c=-inf" },
		{ "a = 1e-400", "a=0.00000000000000" },
	};

	CHECK_VALID(table);
}

static void good_times(void)
{
	static const struct valid table[] = {
		{ "a = 1979-05-27T07:32:00Z", "a=@1979-05-27T07:32:00Z" },
		{ "a = 1979-05-27t00:32:00.999999-07:00", "a=@1979-05-27t00:32:00.999999-07:00" },
		{ "a = 1979-05-27 07:32:00z # c", "a=@1979-05-27 07:32:00z" },
		{ "a = 1979-05-27T07:32:00.5", "a=@1979-05-27T07:32:00.5" },
		{ "a = 1979-05-27 # c", "a=@1979-05-27" },
		{ "a = [1979-05-27 , 07:32:00]", "a=[@1979-05-27 @07:32:00]" },
		{ "a = 23:59:60.25", "a=@23:59:60.25" },
		{ "a = 2024-02-29\nb = 2000-02-29", "a=@2024-02-29 b=@2000-02-29" },
	};

	CHECK_VALID(table);
}

static void good_arrays_and_inline_tables(void)
{
	static const struct valid table[] = {
		{ "a = []\nb = [ ]\nc = {}\nd = { }", "a=[] b=[] c={} d={}" },
		{ "a = [1,2 , 3,]", "a=[1 2 3]" },
		{ "a = [ # c\n 1, # one\n\n 2 # two\n , # c\r\n]", "a=[1 2]" },
		{ "a = [1, 'x', [true, 2.5], {b = 1}]", "a=[1 <x> [true 2.50000000000000] {b=1}]" },
		{ "a = { b = 1, \"c\" = [1,\n2], d.e = 3, d.f = 4 }",
			"a={b=1 c=[1 2] d={e=3 f=4}}" },
		{ "a = { b = { c = { } } , d = '''\nx''' }", "a={b={c={}} d=<x>}" },
		{ "a = [{b=1},{b=2}]", "a=[{b=1} {b=2}]" },
	};

	CHECK_VALID(table);
}

static void good_tables(void)
{
	static const struct valid table[] = {
		{ "[a]\n[b]\nx = 1", "a={} b={x=1}" },
		{ "[ a . \"b\" . 'c' ] # c\nx = 1", "a={b={c={x=1}}}" },
		{ "[a.b.c]\nx = 1\n[a]\ny = 2\n[a.b]\nz = 3", "a={b={c={x=1} z=3} y=2}" },
		{ "[a]\nx = 1\n[c]\n[a.b]\ny = 2", "a={x=1 b={y=2}} c={}" },
		{ "[[a]]\nx = 1\n[[a]]\n[[a]]\nx = 3", "a=[{x=1} {} {x=3}]" },
		{ "[[a]]\n[a.b]\nx=1\n[[a.c]]\ny=1\n[[a.c]]\ny=2\n[[a]]\n[a.b]\nx=2",
			"a=[{b={x=1} c=[{y=1} {y=2}]} {b={x=2}}]" },
		{ "[f]\na.c = 1\na.t.s = true\n[f.a.x]\ny = 1", "f={a={c=1 t={s=true} x={y=1}}}" },
		{ "[a.b.c]\nx = 1\n[a]\nb.y = 2", "a={b={c={x=1} y=2}}" },
		{ "a.b = 1\n[c]\na.b = 2", "a={b=1} c={a={b=2}}" },
	};

	CHECK_VALID(table);
}

static void bad_lines(void)
{
	static const struct invalid table[] = {
		{ STR_INIT("a"), "line 1, column 2: expected '=' behind the key, found the end of "
				 "the text" },
		{ STR_INIT("a\n= 1"), "line 1, column 2: expected '=' behind the key, found the "
				      "end of the line" },
		{ STR_INIT("= 1"), "line 1, column 1: expected a key, found '='" },
		{ STR_INIT("a = "),
			"line 1, column 5: expected a value, found the end of the text" },
		{ STR_INIT("a = # c"), "line 1, column 5: expected a value, found '#'" },
		{ STR_INIT("a = 1 b = 2"),
			"line 1, column 7: expected the end of the line, found 'b'" },
		{ STR_INIT("\n\na = 'ä' é"),
			"line 3, column 9: expected the end of the line, found 'é'" },
		{ STR_INIT("a b = 1"), "line 1, column 3: expected '=' behind the key, found 'b'" },
		{ STR_INIT("ä = 1"), "line 1, column 1: expected a key, found 'ä'" },
		{ STR_INIT("a. = 1"), "line 1, column 4: expected a key, found '='" },
		{ STR_INIT("a..b = 1"), "line 1, column 3: expected a key, found '.'" },
		{ STR_INIT("\"\"\"a\"\"\" = 1"),
			"line 1, column 1: a key cannot be a multi-line string" },
		{ STR_INIT("'a = 1\n"),
			"line 1, column 1: the string that starts here is not closed on its line" },
	};

	CHECK_INVALID(table);
}

static void bad_bytes(void)
{
	static const struct invalid table[] = {
		{ STR_INIT("a = 'x'\nb = '\xff'"), "line 2, column 6: the byte 0xff is not UTF-8" },
		{ STR_INIT("# \xed\xa0\x80"), "line 1, column 3: the byte 0xed is not UTF-8" },
		{ STR_INIT("# \xc0\xaf"), "line 1, column 3: the byte 0xc0 is not UTF-8" },
		{ STR_INIT("a = 'ä\x01'"),
			"line 1, column 7: the control character 0x01 is not allowed" },
		{ STR_INIT("a = \"\x7f\""),
			"line 1, column 6: the control character 0x7f is not allowed" },
		{ STR_INIT("a = 1\0"),
			"line 1, column 6: the control character 0x00 is not allowed" },
		{ STR_INIT("# c\rd"),
			"line 1, column 4: the control character 0x0d is not allowed" },
		{ STR_INIT("a = 1\r"),
			"line 1, column 6: the control character 0x0d is not allowed" },
		{ STR_INIT("a = '''\r'''"),
			"line 1, column 8: the control character 0x0d is not allowed" },
	};

	CHECK_INVALID(table);
}

static void bad_strings(void)
{
	static const struct invalid table[] = {
		{ STR_INIT("a = \"x"),
			"line 1, column 5: the string that starts here is not closed on its line" },
		{ STR_INIT("a = 'x\n'"),
			"line 1, column 5: the string that starts here is not closed on its line" },
		{ STR_INIT("\na = \"\"\"x\n\n"),
			"line 2, column 5: the string that starts here is not closed" },
		{ STR_INIT("a = '''x''"),
			"line 1, column 5: the string that starts here is not closed" },
		{ STR_INIT("a = \"\"\"x\"\"\"\"\"\""),
			"line 1, column 14: expected the end of the line, found '\"'" },
		{ STR_INIT("a = \"\\e\""), "line 1, column 7: expected one of b t n f r \" \\ u U "
					   "behind the '\\', found 'e'" },
		{ STR_INIT("a = \"\\x41\""), "line 1, column 7: expected one of b t n f r \" \\ u "
					     "U behind the '\\', found 'x'" },
		{ STR_INIT("a = \"\"\"\\ x\"\"\""),
			"line 1, column 9: expected one of b t n f r \" "
			"\\ u U behind the '\\', found ' '" },
		{ STR_INIT("a = \"\\u12g4\""),
			"line 1, column 6: '\\u' needs 4 hexadecimal digits" },
		{ STR_INIT("a = \"\\U0001F60\""),
			"line 1, column 6: '\\U' needs 8 hexadecimal digits" },
		{ STR_INIT("a = \"\\ud800\""), "line 1, column 6: U+D800 is not a character" },
		{ STR_INIT("a = \"\\U00110000\""),
			"line 1, column 6: U+110000 is not a character" },
	};

	CHECK_INVALID(table);
}

static void bad_numbers(void)
{
	static const struct {
		const char *word;
		const char *problem;
	} table[] = {
		{ "01", "has a leading zero" },
		{ "-01", "has a leading zero" },
		{ "00.5", "has a leading zero" },
		{ "1__0", "is not a value (text needs quotes)" },
		{ "_1", "is not a value (text needs quotes)" },
		{ "1_", "is not a value (text needs quotes)" },
		{ "+", "is not a value (text needs quotes)" },
		{ "--1", "is not a value (text needs quotes)" },
		{ "9223372036854775808", "does not fit into 64 bits" },
		{ "-9223372036854775809", "does not fit into 64 bits" },
		{ "99999999999999999999999", "does not fit into 64 bits" },
		{ "0x8000000000000000", "does not fit into 64 bits" },
		{ "0x", "has digits which its base does not have" },
		{ "0xg", "has digits which its base does not have" },
		{ "0o8", "has digits which its base does not have" },
		{ "0b2", "has digits which its base does not have" },
		{ "0x_1", "has digits which its base does not have" },
		{ "+0x1", "is not a value (text needs quotes)" },
		{ "0X1", "is not a value (text needs quotes)" },
		{ "1.", "needs digits behind its point" },
		{ "1.e5", "needs digits behind its point" },
		{ "1._5", "needs digits behind its point" },
		{ "1_.5", "is not a value (text needs quotes)" },
		{ ".5", "is not a value (text needs quotes)" },
		{ "1e", "needs digits in its exponent" },
		{ "1e+", "needs digits in its exponent" },
		{ "1e5.5", "needs digits in its exponent" },
		{ "1.2.3", "needs digits behind its point" },
		{ "1e400", "does not fit into a float" },
		{ "-1e400", "does not fit into a float" },
		{ "Inf", "is not a value (text needs quotes)" },
		{ "++inf", "is not a value (text needs quotes)" },
		{ "TRUE", "is not a value (text needs quotes)" },
		{ "laptop", "is not a value (text needs quotes)" },
		{ "true1", "is not a value (text needs quotes)" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct arena arena = { 0 };
		struct str text = arena_printf(&arena, "a = [0, %s]", table[i].word);
		struct str want = arena_printf(
			&arena, "line 1, column 9: '%s' %s", table[i].word, table[i].problem);

		check_invalid(&(struct invalid){ text, want.ptr }, 1);
		arena_release(&arena);
	}
}

static void bad_times(void)
{
	static const char *const words[] = {
		"1979-13-01",
		"1979-00-01",
		"1979-04-31",
		"2023-02-29",
		"1900-02-29",
		"1979-5-27",
		"1979-05-27T",
		"1979-05-27T07:32",
		"1979-05-27T24:00:00",
		"1979-05-27T07:60:00",
		"1979-05-27T07:32:61",
		"1979-05-27T07:32:00.",
		"1979-05-27T07:32:00+24:00",
		"1979-05-27T07:32:00+07:60",
		"1979-05-27T07:32:00+0700",
		"1979-05-27T07:32:00ZZ",
		"1979-05-27X07:32:00",
		"1979-05-27 07:32",
		"07:32",
		"7:32:00",
		"07:32:00Z",
		"1979-05-27T07:32:00Z+01:00",
		"1979/05/27",
		"1979-05-32",
		"12345-01-01",
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct arena arena = { 0 };
		struct str text = arena_printf(&arena, "a = %s", words[i]);
		struct toml *root;
		struct err err = { 0 };

		tap_check(toml_parse(&root, text, &arena, &err) == ERR_PARSE, __FILE__, __LINE__,
			"accepted: %s", words[i]);
		OK(str_starts(str_from(err.message), STR("line 1, column 5: '")));
		arena_release(&arena);
	}
}

static void bad_arrays_and_inline_tables(void)
{
	static const struct invalid table[] = {
		{ STR_INIT("a = [1 2]"),
			"line 1, column 8: expected ',' or ']' in the array, found '2'" },
		{ STR_INIT("a = [1,,2]"), "line 1, column 8: expected a value, found ','" },
		{ STR_INIT("a = [,]"), "line 1, column 6: expected a value, found ','" },
		{ STR_INIT("a = [1\n"), "line 2, column 1: expected ',' or ']' in the array, found "
					"the end of the text" },
		{ STR_INIT("a = {b = 1,}"), "line 1, column 12: expected a key, found '}'" },
		{ STR_INIT("a = {b = 1\n}"),
			"line 1, column 11: expected ',' or '}' in the inline table, on the same "
			"line, found the end of the line" },
		{ STR_INIT("a = {\nb = 1}"),
			"line 1, column 6: expected a key, found the end of the line" },
		{ STR_INIT("a = {b}"), "line 1, column 7: expected '=' behind the key, found '}'" },
		{ STR_INIT("a = {b = 1, b = 2}"), "line 1, column 13: 'b' is defined a second "
						  "time, the first is on line 1" },
		{ STR_INIT("a = {b = {}, b.c = 1}"), "line 1, column 14: 'b' is a value since line "
						     "1, not a table that can be added to" },
		{ STR_INIT("a = {}\na.b = 1"), "line 2, column 1: 'a' is a value since line 1, not "
					       "a table that can be added to" },
		{ STR_INIT("a = {}\n[a.b]"), "line 2, column 2: 'a' is a value since line 1, not a "
					     "table that can be added to" },
		{ STR_INIT("a = [{}]\n[a.b]"), "line 2, column 2: 'a' is a value since line 1, not "
					       "a table that can be added to" },
		{ STR_INIT("a = []\n[[a]]"), "line 2, column 3: 'a' is defined a second time, the "
					     "first is on line 1" },
	};

	CHECK_INVALID(table);
}

static void bad_tables(void)
{
	static const struct invalid table[] = {
		{ STR_INIT("[]"), "line 1, column 2: expected a key, found ']'" },
		{ STR_INIT("[a"), "line 1, column 3: expected ']' behind the name of the table, "
				  "found the end of the text" },
		{ STR_INIT("[a]]"), "line 1, column 4: expected the end of the line, found ']'" },
		{ STR_INIT("[[a]"), "line 1, column 4: expected ']]' behind the name of the array "
				    "of tables, found ']'" },
		{ STR_INIT("[ [a]]"), "line 1, column 3: expected a key, found '['" },
		{ STR_INIT("[a] b = 1"),
			"line 1, column 5: expected the end of the line, found 'b'" },
		{ STR_INIT("[a.]"), "line 1, column 4: expected a key, found ']'" },
		{ STR_INIT("a = 1\n\na = 2"),
			"line 3, column 1: 'a' is defined a second time, the first is on line 1" },
		{ STR_INIT("a = 1\n'a' = 2"),
			"line 2, column 1: 'a' is defined a second time, the first is on line 1" },
		{ STR_INIT("[a]\n[b]\n[a]"),
			"line 3, column 2: 'a' is defined a second time, the first is on line 1" },
		{ STR_INIT("a = 1\n[a]"),
			"line 2, column 2: 'a' is defined a second time, the first is on line 1" },
		{ STR_INIT("a = 1\n[a.b]"), "line 2, column 2: 'a' is a value since line 1, not a "
					    "table that can be added to" },
		{ STR_INIT("a = 1\na.b = 2"), "line 2, column 1: 'a' is a value since line 1, not "
					      "a table that can be added to" },
		{ STR_INIT("a.b = 1\na = 2"),
			"line 2, column 1: 'a' is defined a second time, the first is on line 1" },
		{ STR_INIT("a.b = 1\n[a]"),
			"line 2, column 2: 'a' is defined a second time, the first is on line 1" },
		{ STR_INIT("[a.b]\n[a]\nb.c = 1"),
			"line 3, column 1: 'b' is defined a second time, the first is on line 1" },
		{ STR_INIT("[a.b.c]\n[a]\nb.x = 1\n[a.b]"),
			"line 4, column 4: 'b' is defined a second time, the first is on line 1" },
		{ STR_INIT("[[a.b]]\n[a]\nb.c = 1"), "line 3, column 1: 'b' is a value since line "
						     "1, not a table that can be added to" },
		{ STR_INIT("[a]\n[[a]]"),
			"line 2, column 3: 'a' is defined a second time, the first is on line 1" },
		{ STR_INIT("[[a]]\n[a]"),
			"line 2, column 2: 'a' is defined a second time, the first is on line 1" },
		{ STR_INIT("[[a.b]]\n[[a]]"),
			"line 2, column 3: 'a' is defined a second time, the first is on line 1" },
		{ STR_INIT("[[a]]\n[a.b]\n[a.b]"),
			"line 3, column 4: 'b' is defined a second time, the first is on line 2" },
	};

	CHECK_INVALID(table);
}

static void values_know_their_place(void)
{
	struct arena arena = { 0 };
	struct toml *root;
	struct err err;
	const struct toml *at;

	if (!OK(toml_parse(&root,
			STR("\na.b = 'ä'\nc = [1,\n  \"ü\", {d = 2}]\n[e.f]\n[[g]]\n[e]\n"), &arena,
			&err) == 0))
		return;
	IS_INT(root->line, 1);
	IS_INT(root->column, 1);
	at = toml_get(root, STR("a"));
	IS_INT(at->line, 2);
	IS_INT(at->column, 1);
	at = toml_get(at, STR("b"));
	IS_INT(at->line, 2);
	IS_INT(at->column, 7);
	at = toml_get(root, STR("c"));
	IS_INT(at->column, 5);
	at = at->first->next;
	IS_INT(at->line, 4);
	IS_INT(at->column, 3);
	IS_INT(at->key.len, 0);
	IS_INT(at->next->column, 8);
	at = toml_get(root, STR("e"));
	IS_INT(at->line, 7);
	IS_INT(at->column, 2);
	at = toml_get(at, STR("f"));
	IS_INT(at->line, 5);
	IS_INT(at->column, 4);
	at = toml_get(root, STR("g"));
	IS_INT(at->first->line, 6);
	IS_INT(at->first->column, 3);
	arena_release(&arena);
}

static void members_are_found_by_key(void)
{
	struct arena arena = { 0 };
	struct toml *root;
	struct err err;

	if (!OK(toml_parse(&root, STR("a = 1\n\"\" = 2\n\"x\\u0000y\" = 3\nn = nan"), &arena,
			&err) == 0))
		return;
	IS_INT(toml_get(root, STR("a"))->integer, 1);
	IS_INT(toml_get(root, STR(""))->integer, 2);
	IS_INT(toml_get(root, STR("x\0y"))->integer, 3);
	OK(isnan(toml_get(root, STR("n"))->number));
	OK(toml_get(root, STR("b")) == NULL);
	OK(toml_get(toml_get(root, STR("a")), STR("b")) == NULL);
	OK(toml_get(NULL, STR("b")) == NULL);
	arena_release(&arena);
}

static void the_text_may_go_away(void)
{
	char text[] = "key = 'value'\nday = 1979-05-27\n";
	struct arena arena = { 0 };
	struct toml *root;
	struct err err;

	if (OK(toml_parse(&root, str_from(text), &arena, &err) == 0)) {
		memset(text, 'x', sizeof(text) - 1);
		IS_STR(toml_get(root, STR("key"))->string, "value");
		IS_STR(toml_get(root, STR("day"))->string, "1979-05-27");
	}
	arena_release(&arena);
}

static int parse_repeated(const char *before, const char *unit, size_t count, const char *after)
{
	struct arena arena = { 0 };
	struct buf text = BUF_INIT;
	struct toml *root;
	struct err err = { 0 };
	int result;

	buf_addc(&text, before);
	for (size_t i = 0; i < count; i++)
		buf_addc(&text, unit);
	buf_addc(&text, after);
	result = toml_parse(&root, buf_str(&text), &arena, &err);
	if (result < 0)
		OK(err.message[0] != '\0');
	buf_release(&text);
	arena_release(&arena);
	return result;
}

static void depth_is_limited(void)
{
	IS_INT(parse_repeated("a = ", "[", 65, ""), ERR_LIMIT);
	IS_INT(parse_repeated("a = ", "[", 64, ""), ERR_PARSE);
	IS_INT(parse_repeated("a = ", "[", 100000, ""), ERR_LIMIT);
	IS_INT(parse_repeated("a = ", "{a=", 65, "1"), ERR_LIMIT);
	IS_INT(parse_repeated("", "a.", 64, "a = 1"), 0);
	IS_INT(parse_repeated("", "a.", 65, "a = 1"), ERR_LIMIT);
	IS_INT(parse_repeated("[", "a.", 63, "a]"), 0);
	IS_INT(parse_repeated("[", "a.", 64, "a]"), ERR_LIMIT);
	IS_INT(parse_repeated("[[", "a.", 63, "a]]"), ERR_LIMIT);
}

static void size_is_limited(void)
{
	IS_INT(parse_repeated("", "#", 1 << 20, ""), 0);
	IS_INT(parse_repeated("", "#", 1 << 20, "#"), ERR_LIMIT);
}

static void memory_is_limited(void)
{
	struct arena arena;
	struct toml *root;
	struct err err = { 0 };

	arena_init(&arena, 1);
	IS_INT(toml_parse(&root, STR("a = []"), &arena, &err), ERR_LIMIT);
	arena_release(&arena);
}

static void many_keys_are_no_burden(void)
{
	struct arena arena = { 0 };
	struct buf text = BUF_INIT;
	struct toml *root;
	struct err err = { 0 };

	for (int i = 0; i < 60000; i++)
		buf_printf(&text, "k%d = %d\n", i, i);
	if (OK(toml_parse(&root, buf_str(&text), &arena, &err) == 0))
		IS_INT(toml_get(root, STR("k59999"))->integer, 59999);
	buf_addc(&text, "k40000 = 1\n");
	IS_INT(toml_parse(&root, buf_str(&text), &arena, &err), ERR_PARSE);
	IS_CSTR(err.message, "line 60001, column 1: 'k40000' is defined a second time, the first "
			     "is on line 40001");
	buf_release(&text);
	arena_release(&arena);
}

static const struct tap_case cases[] = {
	TAP_CASE(good_documents),
	TAP_CASE(good_keys),
	TAP_CASE(good_strings),
	TAP_CASE(good_numbers),
	TAP_CASE(good_times),
	TAP_CASE(good_arrays_and_inline_tables),
	TAP_CASE(good_tables),
	TAP_CASE(bad_lines),
	TAP_CASE(bad_bytes),
	TAP_CASE(bad_strings),
	TAP_CASE(bad_numbers),
	TAP_CASE(bad_times),
	TAP_CASE(bad_arrays_and_inline_tables),
	TAP_CASE(bad_tables),
	TAP_CASE(values_know_their_place),
	TAP_CASE(members_are_found_by_key),
	TAP_CASE(the_text_may_go_away),
	TAP_CASE(depth_is_limited),
	TAP_CASE(size_is_limited),
	TAP_CASE(memory_is_limited),
	TAP_CASE(many_keys_are_no_burden),
};

TAP_MAIN(cases)
