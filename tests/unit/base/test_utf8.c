/* UTF-8: the borders of RFC 3629's table, replacement, cutting, columns. */
#include "tap.h"

#include "base/utf8.h"

static const struct {
	struct str bytes;
	size_t len;
} sequences[] = {
	{ STR_INIT("a"), 1 },
	{ STR_INIT("\0"), 1 },
	{ STR_INIT("\x7f"), 1 },
	{ STR_INIT("\xc2\x80"), 2 },
	{ STR_INIT("\xdf\xbf"), 2 },
	{ STR_INIT("\xe0\xa0\x80"), 3 },
	{ STR_INIT("\xed\x9f\xbf"), 3 },
	{ STR_INIT("\xee\x80\x80"), 3 },
	{ STR_INIT("\xef\xbf\xbf"), 3 },
	{ STR_INIT("\xf0\x90\x80\x80"), 4 },
	{ STR_INIT("\xf4\x8f\xbf\xbf"), 4 },
	{ STR_INIT("\x80"), 0 }, /* stray */
	{ STR_INIT("\xbf"), 0 },
	{ STR_INIT("\xc0\x80"), 0 }, /* overlong */
	{ STR_INIT("\xc1\xbf"), 0 },
	{ STR_INIT("\xe0\x9f\xbf"), 0 },
	{ STR_INIT("\xf0\x8f\xbf\xbf"), 0 },
	{ STR_INIT("\xed\xa0\x80"), 0 }, /* surrogates */
	{ STR_INIT("\xed\xbf\xbf"), 0 },
	{ STR_INIT("\xf4\x90\x80\x80"), 0 }, /* beyond U+10FFFF */
	{ STR_INIT("\xf5\x80\x80\x80"), 0 },
	{ STR_INIT("\xff"), 0 },
	{ STR_INIT("\xc2"), 0 }, /* cut */
	{ STR_INIT("\xe2\x82"), 0 },
	{ STR_INIT("\xf0\x9f\x98"), 0 },
	{ STR_INIT("\xc2g"), 0 }, /* no continuation */
	{ STR_INIT("\xe2\x82g"), 0 },
	{ STR_INIT("\xf0\x9f\x98g"), 0 },
	{ STR_INIT(""), 0 },
};

static void knows_every_border_of_the_table(void)
{
	for (size_t i = 0; i < ARRAY_LEN(sequences); i++) {
		struct str s = sequences[i].bytes;

		tap_is_int((long long)utf8_sequence(s, 0), (long long)sequences[i].len, "sequence",
			__FILE__, (int)i);
		tap_is_int(utf8_valid(s), sequences[i].len == s.len, "valid", __FILE__, (int)i);
	}
	IS_INT(utf8_sequence(STR("a\xc3\xa9"), 1), 2);
	IS_INT(utf8_sequence(STR("a\xc3\xa9"), 2), 0);
	IS_INT(utf8_sequence(STR("ab"), 2), 0);
	IS_INT(utf8_sequence(STR("ab"), SIZE_MAX), 0);
}

/* Whatever a code point is, encoded by the book: valid unless it is a surrogate. */
static void agrees_with_an_encoder_on_all_code_points(void)
{
	int wrong = 0;

	for (uint32_t code = 0x80; code <= 0x10ffff; code++) {
		char bytes[4];
		size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
		static const unsigned char leads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
		bool surrogate = code >= 0xd800 && code <= 0xdfff;

		for (size_t i = len; i-- > 1;)
			bytes[i] = (char)(0x80 | (code >> (6 * (len - 1 - i)) & 0x3f));
		bytes[0] = (char)(leads[len] | code >> (6 * (len - 1)));
		wrong += utf8_sequence((struct str){ bytes, len }, 0) != (surrogate ? 0 : len);
		wrong += utf8_sequence((struct str){ bytes, len - 1 }, 0) != 0;
	}
	IS_INT(wrong, 0);
}

static void finds_a_bad_byte_anywhere(void)
{
	char text[40];
	int wrong = 0;

	for (size_t len = 1; len <= sizeof(text); len++) {
		for (size_t at = 0; at < len; at++) {
			memset(text, 'a', sizeof(text));
			wrong += !utf8_valid((struct str){ text, len });
			text[at] = '\x80';
			wrong += utf8_valid((struct str){ text, len });
		}
	}
	IS_INT(wrong, 0);
	OK(utf8_valid((struct str){ NULL, 0 }));
}

static void clean_is(struct str dirty, const char *want, int line)
{
	struct buf out = BUF_INIT;

	buf_addc(&out, "<");
	utf8_add_clean(&out, dirty);
	tap_is_str(str_sub(buf_str(&out), 1, out.len), str_from(want), __FILE__, line);
	OK(utf8_valid(buf_str(&out)));
	buf_release(&out);
}

static void replaces_each_bad_byte(void)
{
	clean_is(STR(""), "", __LINE__);
	clean_is(STR("plain text, longer than a word"), "plain text, longer than a word", __LINE__);
	clean_is(STR("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80"), "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80",
		__LINE__);
	clean_is(STR("a\xff"), "a\xef\xbf\xbd", __LINE__);
	clean_is(STR("\xff\xfe z"), "\xef\xbf\xbd\xef\xbf\xbd z", __LINE__);
	clean_is(STR("\xe2\x82"), "\xef\xbf\xbd\xef\xbf\xbd", __LINE__);
	clean_is(STR("\xe2\x82\xc3\xa9"), "\xef\xbf\xbd\xef\xbf\xbd\xc3\xa9", __LINE__);
	clean_is(STR("12345678\xffzzzzzzzz"), "12345678\xef\xbf\xbdzzzzzzzz", __LINE__);
}

static void cuts_between_sequences(void)
{
	struct str text = STR("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z");
	static const size_t want[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11 };

	for (size_t max = 0; max < ARRAY_LEN(want); max++)
		IS_INT(utf8_cut(text, max).len, want[max]);
	IS_INT(utf8_cut(text, SIZE_MAX).len, text.len);
	/* Bytes that belong to no sequence may be parted anywhere. */
	IS_INT(utf8_cut(STR("\x80\x80\x80\x80\x80"), 3).len, 3);
	IS_INT(utf8_cut(STR("\xf0\x9f\x98zz"), 2).len, 2);
	IS_INT(utf8_cut((struct str){ NULL, 0 }, 3).len, 0);
}

static void counts_columns(void)
{
	IS_INT(utf8_columns(STR("")), 0);
	IS_INT(utf8_columns(STR("abc def")), 7);
	IS_INT(utf8_columns(STR("\t\n\x1b\x7f")), 0);
	IS_INT(utf8_columns(STR("\xc2\x85")), 0);                 /* C1 control */
	IS_INT(utf8_columns(STR("\xc3\xa9")), 1);                 /* e acute */
	IS_INT(utf8_columns(STR("e\xcc\x81")), 1);                /* e, combining acute */
	IS_INT(utf8_columns(STR("\xc2\xad")), 1);                 /* soft hyphen */
	IS_INT(utf8_columns(STR("\xe2\x80\x8b")), 0);             /* zero width space */
	IS_INT(utf8_columns(STR("\xe2\x96\x88\xe2\x96\x91")), 2); /* blocks */
	IS_INT(utf8_columns(STR("\xe6\x97\xa5\xe6\x9c\xac")), 4); /* CJK */
	IS_INT(utf8_columns(STR("\xef\xbc\xa1")), 2);             /* fullwidth A */
	IS_INT(utf8_columns(STR("\xed\x95\x9c")), 2);             /* Hangul syllable */
	IS_INT(utf8_columns(STR("\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab")),
		2);                                       /* the same in parts */
	IS_INT(utf8_columns(STR("\xf0\x9f\x98\x80")), 2); /* emoji */
	IS_INT(utf8_columns(STR("\xf0\xa0\x80\x80")), 2); /* U+20000 */
	IS_INT(utf8_columns(STR("\xf3\xa0\x84\x80")), 0); /* variation selector 17 */
	IS_INT(utf8_columns(STR("\xf4\x8f\xbf\xbd")), 1); /* private use */
	IS_INT(utf8_columns(STR("\xff\xfe")), 2);         /* shown as U+FFFD each */
}

static const struct tap_case cases[] = {
	TAP_CASE(knows_every_border_of_the_table),
	TAP_CASE(agrees_with_an_encoder_on_all_code_points),
	TAP_CASE(finds_a_bad_byte_anywhere),
	TAP_CASE(replaces_each_bad_byte),
	TAP_CASE(cuts_between_sequences),
	TAP_CASE(counts_columns),
};

TAP_MAIN(cases)
