/* Programs: what is understood, what is refused and where, and the printed form. */
#include "model/limits.h"
#include "query/lang.h"
#include "query/lang/lex.h"
#include "tap.h"

static struct str printed(const char *program, struct buf *out, struct err *err)
{
	buf_clear(out);
	if (lang_check(str_from(program), out, err) < 0)
		return str_from(err->message);
	return buf_str(out);
}

static void prints_what_it_read(void)
{
	static const struct {
		const char *program, *text;
	} programs[] = {
		{ "", "" },
		{ ";;;", "" },
		{ "\xef\xbb\xbfreturn 1;", "return 1;\n" },
		{ "return\t007.50 ; # nothing\r\n", "return 007.50;\n" },
		{ "x=1.;x;", "x = 1.;\nx;\n" },
		{ "return x=True;", "return x = true;\n" },
		{ "return 1+2*3;", "return 1 + 2 * 3;\n" },
		{ "return 1+(2*3);", "return 1 + (2 * 3);\n" },
		{ "return ((1+2))*3==9;", "return (1 + 2) * 3 == 9;\n" },
		{ "return (((x)));", "return x;\n" },
		{ "f (1 , [ ] ,{});", "f(1, [], {});\n" },
		{ "return {\"a\":[1,{\"b\":\"c\"}]};", "return {\"a\": [1, {\"b\": \"c\"}]};\n" },
		{ "return \"say \\\"hi\\\" \\n\";", "return \"say \\\"hi\\\" \\n\";\n" },
		{ "return \"tail\\\";", "return \"tail\\\";\n" },
		{ "return \"\";", "return \"\";\n" },
		{ "return \"line\nbreak\";", "return \"line\nbreak\";\n" },
		{ "if a{}elif b{;x;}else{if c{y;}}",
			"if a {\n} elif b {\n\tx;\n} else {\n\tif c {\n\t\ty;\n\t}\n}\n" },
		{ "iffy=If; returnx=TRUE;", "iffy = If;\nreturnx = TRUE;\n" },
		{ "if {} == {} { x; }", "if {} == {} {\n\tx;\n}\n" },
	};
	CLEANUP(buf_release) struct buf out = BUF_INIT, again = BUF_INIT;
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
		IS_STR(printed(programs[i].program, &out, &err), programs[i].text);
		IS_STR(printed(programs[i].text, &again, &err), programs[i].text);
	}
}

static void says_what_is_wrong_and_where(void)
{
	static const struct {
		const char *program, *message;
	} programs[] = {
		{ "return 1", "expected an operator or ';', found the end (line 1, column 9)" },
		{ "return 1;\n @", "unknown character '@', expected a value (line 2, column 2)" },
		{ "x = 'a';", "unknown character ''', expected a value (line 1, column 5)" },
		{ "x = \"\xc3\xa5\" \xc3\xa5;",
			"unknown character '\xc3\xa5', expected an operator or ';' (line 1, column "
			"9)" },
		{ "x = \xff;",
			"unknown character '\xef\xbf\xbd', expected a value (line 1, column 5)" },
		{ "x = 1;\ny = \"abc;",
			"the string that begins here is never closed (line 2, column 5)" },
		{ "a = b = 1;", "expected an operator or ';', found '=' (line 1, column 7)" },
		{ "f(a = 1);", "expected ',' or ')', found '=' (line 1, column 5)" },
		{ "f(1,);", "expected a value, found ')' (line 1, column 5)" },
		{ "x = [1,];", "expected a value, found ']' (line 1, column 8)" },
		{ "x = {a: 1};", "expected a string as key, found 'a' (line 1, column 6)" },
		{ "x = -1;", "expected a value, found '-' (line 1, column 5)" },
		{ "if x y;", "expected an operator or '{', found 'y' (line 1, column 6)" },
		{ "if x { y;", "expected '}', found the end (line 1, column 10)" },
		{ "if x {} else if y {}",
			"expected an operator or '{', found 'if' (line 1, column 14)" },
		{ "return if;", "expected a value, found 'if' (line 1, column 8)" },
		{ "true = 1;", "expected an operator or ';', found '=' (line 1, column 6)" },
		{ "x \"y\";",
			"expected an operator or ';', found the string \"y\" (line 1, column 3)" },
		{ "}", "expected a value, found '}' (line 1, column 1)" },
	};
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
		err.code = 0;
		IS_STR(printed(programs[i].program, &out, &err), programs[i].message);
		IS_INT(err.code, ERR_PARSE);
		IS_INT(out.len, 0);
	}
}

static void repeat(struct buf *out, const char *text, int times)
{
	for (int i = 0; i < times; i++)
		buf_addc(out, text);
}

/* BEFORE, MIDDLE and AFTER, the outer ones TIMES times. */
static int check_nested(const char *before, const char *middle, const char *after, int times)
{
	CLEANUP(buf_release) struct buf program = BUF_INIT;
	struct err err;

	repeat(&program, before, times);
	buf_addc(&program, middle);
	repeat(&program, after, times);
	buf_byte(&program, ';');
	return lang_check(buf_str(&program), NULL, &err);
}

static void bounds_nesting(void)
{
	static const struct {
		const char *before, *middle, *after;
		int most; /* the block around it and the value within take a level each */
	} forms[] = {
		{ "(", "1", ")", LIMIT_QUERY_DEPTH - 2 },
		{ "[", "1", "]", LIMIT_QUERY_DEPTH - 2 },
		{ "{\"a\":", "1", "}", LIMIT_QUERY_DEPTH - 2 },
		{ "f(", "1", ")", LIMIT_QUERY_DEPTH - 2 },
		{ "", "1", "+1", LIMIT_QUERY_DEPTH },
		{ "if x {", "", "}", LIMIT_QUERY_DEPTH - 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		IS_INT(check_nested(
			       forms[i].before, forms[i].middle, forms[i].after, forms[i].most),
			0);
		IS_INT(check_nested(
			       forms[i].before, forms[i].middle, forms[i].after, forms[i].most + 1),
			ERR_LIMIT);
		IS_INT(check_nested(forms[i].before, forms[i].middle, forms[i].after, 100000),
			ERR_LIMIT);
	}
}

static void bounds_length(void)
{
	CLEANUP(buf_release) struct buf program = BUF_INIT;
	struct err err;

	while (program.len < LIMIT_QUERY_TEXT_BYTES)
		buf_addc(&program, "    ");
	IS_INT(lang_check(buf_str(&program), NULL, &err), 0);
	buf_byte(&program, ' ');
	IS_INT(lang_check(buf_str(&program), NULL, &err), ERR_LIMIT);
}

static void knows_many_names(void)
{
	CLEANUP(buf_release) struct buf program = BUF_INIT, out = BUF_INIT;
	struct err err;

	for (int i = 0; i < 3000; i++)
		buf_printf(&program, "name_%d = name_%d;\n", i, i / 2);
	IS_INT(lang_check(buf_str(&program), &out, &err), 0);
	OK(str_eq(buf_str(&out), buf_str(&program)));
}

static void counts_characters(void)
{
	struct lex_place place = lex_place(STR("\xef\xbb\xbf\xc3\xa5\nx"), 5);

	IS_INT(place.line, 1);
	IS_INT(place.column, 2);
	place = lex_place(STR("\xef\xbb\xbf\xc3\xa5\nx"), 6);
	IS_INT(place.line, 2);
	IS_INT(place.column, 1);
}

static const struct tap_case cases[] = {
	TAP_CASE(prints_what_it_read),
	TAP_CASE(says_what_is_wrong_and_where),
	TAP_CASE(bounds_nesting),
	TAP_CASE(bounds_length),
	TAP_CASE(knows_many_names),
	TAP_CASE(counts_characters),
};
TAP_MAIN(cases)
