/*
 * The lower half of the TOML reader: characters, strings, numbers, dates and times.
 *
 * The whole text is checked for bad UTF-8 and control characters before anything else, so that the
 * rest only meets valid sequences, and a carriage return only before a line feed. Unquoted values
 * are cut out as a word first and then classified by their first characters; each reader of a kind
 * returns NULL or what is wrong with the word.
 */
#include "base/toml_value.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"

enum { SHOWN_WORD_BYTES = 60, DATE_BYTES = 10, TIME_BYTES = 8 };

int toml_peek(const struct toml_scan *scan, size_t ahead)
{
	if (ahead >= scan->text.len - scan->at)
		return -1;
	return (unsigned char)scan->text.ptr[scan->at + ahead];
}

void toml_step(struct toml_scan *scan, size_t count)
{
	for (size_t end = scan->at + count; scan->at < end; scan->at++) {
		unsigned char byte = (unsigned char)scan->text.ptr[scan->at];

		if (byte == '\n')
			scan->place = (struct toml_place){ scan->place.line + 1, 1 };
		else if ((byte & 0xc0) != 0x80)
			scan->place.column++;
	}
}

size_t toml_newline(const struct toml_scan *scan)
{
	if (toml_peek(scan, 0) == '\n')
		return 1;
	return toml_peek(scan, 0) == '\r' && toml_peek(scan, 1) == '\n' ? 2 : 0;
}

int toml_fail(
	const struct toml_scan *scan, int code, struct toml_place place, const char *format, ...)
{
	char message[ERR_MESSAGE_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	return err_set(
		scan->err, code, "line %u, column %u: %s", place.line, place.column, message);
}

int toml_unexpected(const struct toml_scan *scan, const char *wanted)
{
	size_t bytes = utf8_sequence(scan->text, scan->at);

	if (toml_peek(scan, 0) < 0)
		return toml_fail(scan, ERR_PARSE, scan->place,
			"expected %s, found the end of the text", wanted);
	if (toml_newline(scan) > 0)
		return toml_fail(scan, ERR_PARSE, scan->place,
			"expected %s, found the end of the line", wanted);
	return toml_fail(scan, ERR_PARSE, scan->place, "expected %s, found '%.*s'", wanted,
		STR_ARG(str_sub(scan->text, scan->at, bytes)));
}

int toml_check_text(struct toml_scan *scan)
{
	struct toml_place start = scan->place;
	size_t from = scan->at;

	while (scan->at < scan->text.len) {
		size_t bytes = utf8_sequence(scan->text, scan->at);
		int byte = toml_peek(scan, 0);

		if (bytes == 0)
			return toml_fail(scan, ERR_PARSE, scan->place,
				"the byte 0x%02x is not UTF-8", (unsigned)byte);
		if ((byte < 0x20 || byte == 0x7f) && byte != '\t' && toml_newline(scan) == 0)
			return toml_fail(scan, ERR_PARSE, scan->place,
				"the control character 0x%02x is not allowed", (unsigned)byte);
		toml_step(scan, bytes);
	}
	scan->at = from;
	scan->place = start;
	return 0;
}

static void add_code_point(struct buf *out, uint32_t code)
{
	static const unsigned char leads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t bytes = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	size_t shift = 6 * (bytes - 1);

	buf_byte(out, (char)(leads[bytes] | (unsigned char)(code >> shift)));
	while (shift > 0) {
		shift -= 6;
		buf_byte(out, (char)(0x80 | ((code >> shift) & 0x3f)));
	}
}

/* DIGITS hexadecimal digits behind `\u` or `\U`, which is at PLACE and has been passed. */
static int read_code_point(struct toml_scan *scan, size_t digits, struct toml_place place)
{
	uint32_t code = 0;

	for (size_t i = 0; i < digits; i++) {
		int digit = str_hex_digit((char)toml_peek(scan, 0));

		if (digit < 0)
			return toml_fail(scan, ERR_PARSE, place,
				"'\\%c' needs %zu hexadecimal digits", digits == 4 ? 'u' : 'U',
				digits);
		code = code << 4 | (uint32_t)digit;
		toml_step(scan, 1);
	}
	if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return toml_fail(scan, ERR_PARSE, place, "U+%04X is not a character", code);
	add_code_point(&scan->scratch, code);
	return 0;
}

static int read_escape(struct toml_scan *scan)
{
	static const char names[] = "btnfr\"\\", values[] = "\b\t\n\f\r\"\\";
	struct toml_place place = scan->place;
	const char *name;
	int c = toml_peek(scan, 1);

	if (c == 'u' || c == 'U') {
		toml_step(scan, 2);
		return read_code_point(scan, c == 'u' ? 4 : 8, place);
	}
	name = c > 0 ? strchr(names, c) : NULL;
	if (!name) {
		toml_step(scan, 1);
		return toml_unexpected(scan, "one of b t n f r \" \\ u U behind the '\\'");
	}
	buf_byte(&scan->scratch, values[name - names]);
	toml_step(scan, 2);
	return 0;
}

static int read_line_string(struct toml_scan *scan, int quote)
{
	struct toml_place start = scan->place;

	toml_step(scan, 1);
	for (;;) {
		int c = toml_peek(scan, 0);

		if (c < 0 || toml_newline(scan) > 0)
			return toml_fail(scan, ERR_PARSE, start,
				"the string that starts here is not closed on its line");
		if (c == quote) {
			toml_step(scan, 1);
			return 0;
		}
		if (c == '\\' && quote == '"') {
			if (read_escape(scan) < 0)
				return scan->err->code;
			continue;
		}
		buf_byte(&scan->scratch, (char)c);
		toml_step(scan, 1);
	}
}

/* Bytes of spaces, tabs and line ends here; *LINES: whether there is a line end among them. */
static size_t white_space(const struct toml_scan *scan, size_t ahead, bool *lines)
{
	size_t from = ahead;

	*lines = false;
	for (;; ahead++) {
		int c = toml_peek(scan, ahead);

		if (c == '\n')
			*lines = true;
		else if (c != ' ' && c != '\t' && c != '\r')
			return ahead - from;
	}
}

/* In a multi-line string: a `\` at the end of its line takes away everything up to the next text.
 */
static int read_multi_escape(struct toml_scan *scan)
{
	size_t blanks = 1, white;
	bool lines;

	while (toml_peek(scan, blanks) == ' ' || toml_peek(scan, blanks) == '\t')
		blanks++;
	if (toml_peek(scan, blanks) != '\n' && toml_peek(scan, blanks) != '\r')
		return read_escape(scan);
	white = white_space(scan, 1, &lines);
	ASSERT(lines);
	toml_step(scan, 1 + white);
	return 0;
}

/* Up to five quotes may stand at the end of a multi-line string: three close it, those before
 * belong to it. */
static bool take_quotes(struct toml_scan *scan, int quote)
{
	size_t count = 0;

	while (count < 5 && toml_peek(scan, count) == quote)
		count++;
	toml_step(scan, count);
	for (size_t i = count < 3 ? 0 : 3; i < count; i++)
		buf_byte(&scan->scratch, (char)quote);
	return count >= 3;
}

static int read_multi_string(struct toml_scan *scan, int quote)
{
	struct toml_place start = scan->place;

	toml_step(scan, 3);
	toml_step(scan, toml_newline(scan));
	for (;;) {
		int c = toml_peek(scan, 0);

		if (c < 0)
			return toml_fail(scan, ERR_PARSE, start,
				"the string that starts here is not closed");
		if (c == quote) {
			if (take_quotes(scan, quote))
				return 0;
		} else if (c == '\\' && quote == '"') {
			if (read_multi_escape(scan) < 0)
				return scan->err->code;
		} else if (toml_newline(scan) > 0) {
			buf_byte(&scan->scratch, '\n');
			toml_step(scan, toml_newline(scan));
		} else {
			buf_byte(&scan->scratch, (char)c);
			toml_step(scan, 1);
		}
	}
}

int toml_read_string(struct toml_scan *scan, bool multi_line, struct str *out)
{
	int quote = toml_peek(scan, 0);
	bool multi = toml_peek(scan, 1) == quote && toml_peek(scan, 2) == quote;
	int failed;

	if (multi && !multi_line)
		return toml_fail(
			scan, ERR_PARSE, scan->place, "a key cannot be a multi-line string");
	buf_clear(&scan->scratch);
	failed = multi ? read_multi_string(scan, quote) : read_line_string(scan, quote);
	if (failed < 0)
		return failed;
	*out = arena_str(scan->arena, buf_str(&scan->scratch));
	return 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits of BASE, one underscore at most between any two. */
static bool are_digits(struct str text, int base)
{
	bool digit_before = false;

	for (size_t i = 0; i < text.len; i++) {
		int digit = str_hex_digit((char)(unsigned char)text.ptr[i]);

		if (text.ptr[i] == '_' && digit_before)
			digit_before = false;
		else if (digit >= 0 && digit < base)
			digit_before = true;
		else
			return false;
	}
	return digit_before;
}

static const char *check_decimal(struct str digits)
{
	if (!are_digits(digits, 10))
		return "is not a value (text needs quotes)";
	return digits.len > 1 && digits.ptr[0] == '0' ? "has a leading zero" : NULL;
}

static const char *store_integer(struct str digits, unsigned base, bool negative, int64_t *out)
{
	uint64_t magnitude = 0;

	for (size_t i = 0; i < digits.len; i++) {
		if (digits.ptr[i] == '_')
			continue;
		if (__builtin_mul_overflow(magnitude, base, &magnitude) ||
			__builtin_add_overflow(magnitude,
				(unsigned)str_hex_digit((char)(unsigned char)digits.ptr[i]),
				&magnitude))
			return "does not fit into 64 bits";
	}
	if (magnitude > (uint64_t)INT64_MAX + (negative ? 1u : 0u))
		return "does not fit into 64 bits";
	*out = (int64_t)(negative ? 0 - magnitude : magnitude);
	return NULL;
}

static struct str without_sign(struct str word)
{
	bool is_signed = word.len > 0 && (word.ptr[0] == '+' || word.ptr[0] == '-');

	return is_signed ? str_sub(word, 1, word.len) : word;
}

static const char *read_integer(struct str word, struct toml *out)
{
	static const struct {
		char letter;
		int base;
	} prefixes[] = { { 'x', 16 }, { 'o', 8 }, { 'b', 2 } };
	struct str digits = without_sign(word);
	const char *problem;

	out->type = TOML_INTEGER;
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		if (word.len < 2 || word.ptr[0] != '0' || word.ptr[1] != prefixes[i].letter)
			continue;
		digits = str_sub(word, 2, word.len);
		if (!are_digits(digits, prefixes[i].base))
			return "has digits which its base does not have";
		return store_integer(digits, (unsigned)prefixes[i].base, false, &out->integer);
	}
	problem = check_decimal(digits);
	return problem ? problem : store_integer(digits, 10, word.ptr[0] == '-', &out->integer);
}

static struct str cut_at(struct str *rest, const char *separators)
{
	size_t len = 0;
	struct str head;

	while (len < rest->len && !strchr(separators, rest->ptr[len]))
		len++;
	head = str_sub(*rest, 0, len);
	*rest = str_sub(*rest, len, rest->len);
	return head;
}

/* strtod reads a point whatever the language, since the program never sets LC_NUMERIC. */
static const char *read_float(struct str word, struct buf *scratch, struct toml *out)
{
	struct str rest = without_sign(word);
	const char *problem = check_decimal(cut_at(&rest, ".eE"));

	if (problem)
		return problem;
	if (rest.len > 0 && rest.ptr[0] == '.') {
		rest = str_sub(rest, 1, rest.len);
		if (!are_digits(cut_at(&rest, "eE"), 10))
			return "needs digits behind its point";
	}
	if (rest.len > 0 && !are_digits(without_sign(str_sub(rest, 1, rest.len)), 10))
		return "needs digits in its exponent";
	buf_clear(scratch);
	for (size_t i = 0; i < word.len; i++)
		if (word.ptr[i] != '_')
			buf_byte(scratch, word.ptr[i]);
	out->type = TOML_FLOAT;
	out->number = strtod(buf_cstr(scratch), NULL);
	return isinf(out->number) ? "does not fit into a float" : NULL;
}

/* The number of LEN digits at AT, or -1. */
static int number_at(struct str text, size_t at, size_t len)
{
	int number = 0;

	if (at + len > text.len)
		return -1;
	for (size_t i = at; i < at + len; i++) {
		if (!is_digit(text.ptr[i]))
			return -1;
		number = number * 10 + (text.ptr[i] - '0');
	}
	return number;
}

static bool is_at(struct str text, size_t at, char byte)
{
	return at < text.len && text.ptr[at] == byte;
}

static int days_of_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

/* TEXT starts with an existing `YYYY-MM-DD`. */
static bool is_date(struct str text)
{
	int year = number_at(text, 0, 4), month = number_at(text, 5, 2),
	    day = number_at(text, 8, 2);

	if (!is_at(text, 4, '-') || !is_at(text, 7, '-') || year < 0 || month < 1 || month > 12)
		return false;
	return day >= 1 && day <= days_of_month(year, month);
}

/* The length of the `HH:MM:SS` with any fraction at the start of TEXT, or 0. */
static size_t time_length(struct str text)
{
	int hour = number_at(text, 0, 2), minute = number_at(text, 3, 2);
	int second = number_at(text, 6, 2);
	size_t end = TIME_BYTES;

	if (!is_at(text, 2, ':') || !is_at(text, 5, ':') || hour < 0 || hour > 23 || minute < 0 ||
		minute > 59 || second < 0 || second > 60)
		return 0;
	if (!is_at(text, end, '.'))
		return end;
	for (end++; end < text.len && is_digit(text.ptr[end]);)
		end++;
	return end > TIME_BYTES + 1 ? end : 0;
}

/* Nothing, `Z`, or `+HH:MM`. */
static bool is_offset(struct str text)
{
	int hour = number_at(text, 1, 2), minute = number_at(text, 4, 2);

	if (text.len == 0 || str_eq(text, STR("Z")) || str_eq(text, STR("z")))
		return true;
	return text.len == 6 && (text.ptr[0] == '+' || text.ptr[0] == '-') && text.ptr[3] == ':' &&
	       hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59;
}

static bool is_time(struct str text, bool with_offset)
{
	size_t len = time_length(text);

	if (len == 0)
		return false;
	return with_offset ? is_offset(str_sub(text, len, text.len)) : len == text.len;
}

static const char *read_time(struct str word, struct arena *arena, struct toml *out)
{
	bool exists;

	if (is_at(word, 2, ':'))
		exists = is_time(word, false);
	else if (word.len <= DATE_BYTES)
		exists = is_date(word);
	else
		exists = is_date(word) && strchr("Tt ", word.ptr[DATE_BYTES]) &&
			 is_time(str_sub(word, DATE_BYTES + 1, word.len), true);
	if (!exists)
		return "is not a date or time that exists";
	out->type = TOML_TIME;
	out->string = arena_str(arena, word);
	return NULL;
}

/* One of the words that stand for themselves. */
static bool read_constant(struct str word, struct toml *out)
{
	static const struct {
		const char *word;
		enum toml_type type;
		bool boolean;
		double number;
	} constants[] = {
		{ "true", TOML_BOOL, true, 0 },
		{ "false", TOML_BOOL, false, 0 },
		{ "inf", TOML_FLOAT, false, (double)INFINITY },
		{ "+inf", TOML_FLOAT, false, (double)INFINITY },
		{ "-inf", TOML_FLOAT, false, (double)-INFINITY },
		{ "nan", TOML_FLOAT, false, (double)NAN },
		{ "+nan", TOML_FLOAT, false, (double)NAN },
		{ "-nan", TOML_FLOAT, false, (double)NAN },
	};

	for (size_t i = 0; i < ARRAY_LEN(constants); i++) {
		if (!str_eq_c(word, constants[i].word))
			continue;
		out->type = constants[i].type;
		if (out->type == TOML_BOOL)
			out->boolean = constants[i].boolean;
		else
			out->number = constants[i].number;
		return true;
	}
	return false;
}

static size_t word_length(struct str text, size_t at)
{
	size_t end = at;

	while (end < text.len && !memchr(" \t\r\n,]}#", text.ptr[end], 8))
		end++;
	return end - at;
}

/* The unquoted value here; a date may go on behind one space. */
static struct str scalar_word(const struct toml_scan *scan)
{
	size_t len = word_length(scan->text, scan->at);
	struct str word = str_sub(scan->text, scan->at, len);

	if (len == DATE_BYTES && is_at(word, 4, '-') && toml_peek(scan, len) == ' ' &&
		number_at(scan->text, scan->at + len + 1, 1) >= 0)
		word.len += 1 + word_length(scan->text, scan->at + len + 1);
	return word;
}

int toml_read_scalar(struct toml_scan *scan, struct toml *out)
{
	struct toml_place place = scan->place;
	struct str word = scalar_word(scan);
	bool based = word.len > 1 && word.ptr[0] == '0' && strchr("xob", word.ptr[1]);
	const char *problem;

	if (word.len == 0)
		return toml_unexpected(scan, "a value");
	toml_step(scan, word.len);
	if (read_constant(word, out))
		return 0;
	if (number_at(word, 0, 2) >= 0 && (is_at(word, 2, ':') || is_at(word, 4, '-')))
		problem = read_time(word, scan->arena, out);
	else if (!based && number_at(without_sign(word), 0, 1) >= 0 &&
		 (str_find(word, '.', 0) > 0 || str_find(word, 'e', 0) > 0 ||
			 str_find(word, 'E', 0) > 0))
		problem = read_float(word, &scan->scratch, out);
	else
		problem = read_integer(word, out);
	if (!problem)
		return 0;
	return toml_fail(scan, ERR_PARSE, place, "'%.*s' %s",
		STR_ARG(utf8_cut(word, SHOWN_WORD_BYTES)), problem);
}
