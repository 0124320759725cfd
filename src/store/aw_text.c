#include "store/aw_text.h"

#include "base/time.h"

enum {
	DATE_BYTES = 10, /* YYYY-MM-DD: a '-' behind it belongs to an offset */
	HOURS_BYTES = 3, /* +HH */
	BASIC_BYTES = 5, /* +HHMM */
	TEXT_BYTES = 80,
	KEPT_DIGITS = 18, /* fit 64 bits, whatever they are */
	SECONDS_DIGITS = 9,
	MOST_EXPONENT = 400, /* beyond what doubles have */
};

/* --- instants --- */

/* Where the offset of TEXT begins; its length when it has none. */
static size_t offset_at(struct str text)
{
	size_t at = text.len;

	while (at > DATE_BYTES && text.ptr[at - 1] != '+' && text.ptr[at - 1] != '-')
		at--;
	return at > DATE_BYTES ? at - 1 : text.len;
}

/* Append OFFSET as RFC 3339 has it. */
static void put_offset(struct buf *out, struct str offset)
{
	if (offset.len != HOURS_BYTES && offset.len != BASIC_BYTES) {
		buf_add(out, offset);
		return;
	}
	buf_add(out, str_sub(offset, 0, HOURS_BYTES));
	buf_byte(out, ':');
	buf_add(out, offset.len == BASIC_BYTES ? str_sub(offset, HOURS_BYTES, 2) : STR("00"));
}

bool aw_text_time(struct str text, int64_t *out_ns, bool *naive)
{
	CLEANUP(buf_release) struct buf normal = BUF_INIT;
	struct err ignored;
	struct str moment;
	size_t at;

	text = str_trim(text);
	*naive = false;
	if (text.len > TEXT_BYTES)
		return false;
	if (time_parse(text, out_ns, &ignored) == 0)
		return true;
	if (str_ends(text, STR("UTC"))) {
		moment = str_sub(text, 0, text.len - strlen("UTC"));
		buf_add(&normal, str_trim(moment));
		buf_byte(&normal, 'Z');
		return time_parse(buf_str(&normal), out_ns, &ignored) == 0;
	}
	at = offset_at(text);
	*naive = at == text.len;
	buf_add(&normal, str_trim(str_sub(text, 0, at)));
	put_offset(&normal, *naive ? STR("Z") : str_sub(text, at, text.len));
	return time_parse(buf_str(&normal), out_ns, &ignored) == 0;
}

/* --- seconds --- */

struct decimal {
	uint64_t digits;
	unsigned kept; /* how many of them, without leading zeros */
	int64_t exponent;
	bool negative;
};

static bool is_digit(struct str text, size_t at)
{
	return at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9';
}

/* Take the digits at *AT; each moves the exponent by BEHIND. False: there are none. */
static bool take_digits(struct str text, size_t *at, bool behind, struct decimal *out)
{
	size_t first = *at;

	for (; is_digit(text, *at); (*at)++) {
		unsigned digit = (unsigned)(text.ptr[*at] - '0');

		if (out->kept >= KEPT_DIGITS) {
			out->exponent += !behind;
			continue;
		}
		out->digits = out->digits * 10 + digit;
		out->kept += out->digits > 0;
		out->exponent -= behind;
	}
	return *at > first;
}

static bool read_decimal(struct str text, struct decimal *out)
{
	int64_t exponent = 0;
	size_t at;

	*out = (struct decimal){ .negative = text.len > 0 && text.ptr[0] == '-' };
	at = out->negative ? 1 : 0;
	if (!take_digits(text, &at, false, out))
		return false;
	if (at < text.len && text.ptr[at] == '.') {
		at++;
		if (!take_digits(text, &at, true, out))
			return false;
	}
	if (at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E')) {
		at += is_digit(text, at + 2) && text.ptr[at + 1] == '+' ? 2 : 1;
		if (!str_to_i64(str_sub(text, at, text.len), &exponent) ||
			exponent > MOST_EXPONENT || exponent < -MOST_EXPONENT)
			return false;
		at = text.len;
	}
	out->exponent += exponent;
	return at == text.len;
}

/* DIGITS times ten to the power of -PLACES, rounded. */
static uint64_t shift_down(uint64_t digits, int64_t places)
{
	uint64_t power = 1;

	if (places > KEPT_DIGITS)
		return 0;
	while (places-- > 0)
		power *= 10;
	return digits / power + (digits % power >= power - digits % power);
}

bool aw_text_seconds(struct str text, int64_t *out_ns)
{
	struct decimal decimal;
	int64_t places;
	uint64_t ns;

	if (!read_decimal(text, &decimal))
		return false;
	ns = decimal.digits;
	places = decimal.exponent + SECONDS_DIGITS;
	if (places < 0)
		ns = shift_down(ns, -places);
	for (; places > 0 && ns > 0; places--)
		if (__builtin_mul_overflow(ns, UINT64_C(10), &ns))
			return false;
	if (ns > (uint64_t)INT64_MAX)
		return false;
	*out_ns = decimal.negative ? -(int64_t)ns : (int64_t)ns;
	return true;
}
