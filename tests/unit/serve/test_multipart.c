/* Forms with files: what browsers and Python's and curl's clients send, and what is none. */
#include "serve/api/multipart.h"

#include "base/buf.h"
#include "tap.h"

#define TYPE STR("multipart/form-data; boundary=XX")

static struct err err;

static int parse(
	struct str type, const char *body, struct str out[static MULTIPART_PARTS], size_t *count)
{
	return multipart_parse(type, str_from(body), out, count, &err);
}

static void knows_the_type(void)
{
	OK(multipart_is(TYPE));
	OK(multipart_is(STR("Multipart/Form-Data")));
	OK(!multipart_is(STR("multipart/form-database")));
	OK(!multipart_is(STR("application/json")));
	OK(!multipart_is((struct str){ NULL, 0 }));
}

static void reads_parts(void)
{
	struct str parts[MULTIPART_PARTS];
	size_t count;

	IS_INT(parse(TYPE,
		       "--XX\r\nContent-Disposition: form-data; name=\"x\"; filename=\"a.json\"\r\n"
		       "Content-Type: application/json\r\n\r\n{\"a\":1}\r\n--XX\r\n\r\n[\r\n]\r\n--XX--\r\n",
		       parts, &count),
		0);
	IS_INT(count, 2);
	IS_STR(parts[0], "{\"a\":1}");
	IS_STR(parts[1], "[\r\n]");
	/* A preamble, blanks behind a boundary, a quoted boundary, nothing behind the last. */
	IS_INT(parse(STR("multipart/form-data; charset=utf-8; Boundary=\"X X\""),
		       "hello\r\n--X X  \r\nA: b\r\n\r\n\r\n--X X--", parts, &count),
		0);
	IS_INT(count, 1);
	IS_STR(parts[0], "");
	IS_INT(parse(TYPE, "--XX--", parts, &count), 0);
	IS_INT(count, 0);
}

static void refuses_what_is_no_form(void)
{
	static const char *const bad[] = { "", "--YY\r\n\r\n1\r\n--YY--", "--XX", "--XX\r\n",
		"--XX\r\n\r\n1", "--XX\r\n\r\n1\r\n--XX", "--XXjunk\r\n\r\n1\r\n--XX--",
		"--XX\r\nA: b\r\n1\r\n--XX--" };
	struct str parts[MULTIPART_PARTS];
	CLEANUP(buf_release) struct buf many = BUF_INIT;
	size_t count;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		tap_check(parse(TYPE, bad[i], parts, &count) == ERR_PARSE, __FILE__, __LINE__,
			"'%s' was taken", bad[i]);
	IS_INT(parse(STR("multipart/form-data"), "--XX--", parts, &count), ERR_PARSE);
	IS_INT(parse(STR("multipart/form-data; boundary="), "--XX--", parts, &count), ERR_PARSE);
	for (int i = 0; i < MULTIPART_PARTS; i++)
		buf_addc(&many, "\r\n--XX\r\n\r\n1");
	buf_addc(&many, "\r\n--XX--");
	IS_INT(parse(TYPE, buf_cstr(&many), parts, &count), 0);
	IS_INT(count, MULTIPART_PARTS);
	many.len -= 2;
	buf_addc(&many, "\r\n\r\n1\r\n--XX--");
	IS_INT(parse(TYPE, buf_cstr(&many), parts, &count), ERR_LIMIT);
}

static const struct tap_case cases[] = {
	TAP_CASE(knows_the_type),
	TAP_CASE(reads_parts),
	TAP_CASE(refuses_what_is_no_form),
};
TAP_MAIN(cases)
