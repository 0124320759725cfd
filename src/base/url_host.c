/*
 * Hosts of URLs. Labels in ASCII, nearly all of them, only become lower case; those beyond it, and
 * those that claim to be Punycode, go through libidn2 with the rules of UTS 46 that browsers use
 * (non-transitional). What it refuses beyond those rules no registry hands out: labels that are
 * longer than 63 bytes, begin or end with '-', have "--" in third place or signs of ASCII like '~'
 * (all these only where there is more than ASCII), or hold both a sharp s (or the like) and a sign
 * as emoji are.
 */
#include "base/url_host.h"

#include <idn2.h>

#include "base/url.h"
#include "base/utf8.h"

enum { IPV4_PARTS = 4, IPV6_PIECES = 8 };

/* The code points that no host may hold; of domains also control characters, '%' and DEL. */
static const char forbidden[] = "\t\n\r #/:<>?@[\\]^|";

static bool has_forbidden(struct str text, bool domain)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c == '\0' || strchr(forbidden, c))
			return true;
		if (domain && (c < 0x20 || c == '%' || c == 0x7f))
			return true;
	}
	return false;
}

static bool add_opaque(struct buf *out, struct str text)
{
	if (has_forbidden(text, false))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c < 0x20 || c >= 0x7f)
			buf_printf(out, "%%%02X", c);
		else
			buf_byte(out, (char)c);
	}
	return true;
}

/* A part of an IPv4 address: decimal, octal after 0, hexadecimal after 0x. What is too large for
 * any address stays at UINT32_MAX + 1. */
static bool ipv4_number(struct str part, uint64_t *out)
{
	int base = 10;

	if (part.len == 0)
		return false;
	if (part.len >= 2 && part.ptr[0] == '0') {
		base = part.ptr[1] == 'x' || part.ptr[1] == 'X' ? 16 : 8;
		part = str_sub(part, base == 16 ? 2 : 1, part.len);
	}
	*out = 0;
	for (size_t i = 0; i < part.len; i++) {
		int digit = str_hex_digit(part.ptr[i]);

		if (digit < 0 || digit >= base)
			return false;
		*out = *out * (unsigned)base + (unsigned)digit;
		if (*out > UINT32_MAX)
			*out = (uint64_t)UINT32_MAX + 1;
	}
	return true;
}

/* Without a dot at the end, unless it is all. */
static struct str drop_last_dot(struct str host)
{
	return host.len > 1 && str_ends(host, STR(".")) ? str_sub(host, 0, host.len - 1) : host;
}

/* A host whose last label is a number must be an IPv4 address. */
static bool ends_in_number(struct str host)
{
	struct str label = drop_last_dot(host);
	bool digits = true;
	uint64_t number;

	for (size_t i = label.len; i > 0; i--) {
		if (label.ptr[i - 1] == '.') {
			label = str_sub(label, i, label.len);
			break;
		}
	}
	for (size_t i = 0; i < label.len; i++)
		digits = digits && label.ptr[i] >= '0' && label.ptr[i] <= '9';
	return label.len > 0 && (digits || ipv4_number(label, &number));
}

static bool add_ipv4(struct buf *out, struct str host)
{
	struct str rest = drop_last_dot(host);
	uint64_t address = 0, number = 0;
	int parts = 0;

	while (rest.ptr) {
		struct str part = str_split(&rest, '.');

		if (++parts > IPV4_PARTS || !ipv4_number(part, &number))
			return false;
		if (!rest.ptr)
			break;
		if (number > 255)
			return false;
		address |= number << (8 * (IPV4_PARTS - parts));
	}
	if (number >= UINT64_C(1) << (8 * (IPV4_PARTS + 1 - parts)))
		return false;
	address |= number;
	buf_printf(out, "%u.%u.%u.%u", (unsigned)(address >> 24), (unsigned)(address >> 16) & 255,
		(unsigned)(address >> 8) & 255, (unsigned)address & 255);
	return true;
}

/* An IPv4 address in the last two pieces of an IPv6 one: strictly four decimal numbers. */
static bool ipv6_tail(struct str text, uint16_t *pieces)
{
	struct str rest = text;
	int parts = 0;

	while (rest.ptr) {
		struct str part = str_split(&rest, '.');
		uint64_t number;

		if (parts == IPV4_PARTS || part.len == 0 || part.len > 3 ||
			!str_to_u64(part, &number) || number > 255 ||
			(part.len > 1 && part.ptr[0] == '0'))
			return false;
		pieces[parts / 2] = (uint16_t)(pieces[parts / 2] * 256 + number);
		parts++;
	}
	return parts == IPV4_PARTS;
}

/* Up to four hexadecimal digits at *AT. */
static unsigned ipv6_piece(struct str text, size_t *at, size_t *digits)
{
	unsigned value = 0;

	for (*digits = 0; *digits < 4 && *at < text.len && str_hex_digit(text.ptr[*at]) >= 0;
		++*digits)
		value = value * 16 + (unsigned)str_hex_digit(text.ptr[(*at)++]);
	return value;
}

struct ipv6 {
	uint16_t pieces[IPV6_PIECES];
	int count;
	int gap; /* where "::" stood, or -1 */
};

/* The pieces from AT on, up to the end or an embedded IPv4 address, which is also read. */
static bool ipv6_read(struct str text, size_t at, struct ipv6 *ip)
{
	while (at < text.len) {
		size_t start = at, digits;
		unsigned value;

		if (ip->count == IPV6_PIECES)
			return false;
		if (text.ptr[at] == ':') {
			if (ip->gap >= 0)
				return false;
			at++;
			ip->gap = ip->count;
			continue;
		}
		value = ipv6_piece(text, &at, &digits);
		if (at < text.len && text.ptr[at] == '.') {
			if (ip->count > IPV6_PIECES - 2 || digits == 0 ||
				!ipv6_tail(str_sub(text, start, text.len), ip->pieces + ip->count))
				return false;
			ip->count += 2;
			return true;
		}
		if (digits == 0 || (at < text.len && text.ptr[at] != ':') || at + 1 == text.len)
			return false;
		ip->pieces[ip->count++] = (uint16_t)value;
		at++;
	}
	return true;
}

static bool ipv6_parse(struct str text, struct ipv6 *ip)
{
	size_t at = 0;

	*ip = (struct ipv6){ .gap = -1 };
	if (str_starts(text, STR("::"))) {
		ip->gap = 0;
		at = 2;
	} else if (str_starts(text, STR(":"))) {
		return false;
	}
	if (!ipv6_read(text, at, ip))
		return false;
	if (ip->gap < 0)
		return ip->count == IPV6_PIECES;
	/* A gap of no piece ("1:2:3:4:5:6:7::8") is none; those behind a real one move to the end.
	 */
	if (ip->count == IPV6_PIECES)
		return false;
	for (int i = 1; i <= ip->count - ip->gap; i++) {
		ip->pieces[IPV6_PIECES - i] = ip->pieces[ip->count - i];
		ip->pieces[ip->count - i] = 0;
	}
	return true;
}

/* The first of the longest runs of zeros, if one is longer than one piece. */
static int longest_zeros(const struct ipv6 *ip, int *len)
{
	int best = -1, run = 0;

	*len = 1;
	for (int i = 0; i < IPV6_PIECES; i++) {
		run = ip->pieces[i] == 0 ? run + 1 : 0;
		if (run > *len) {
			*len = run;
			best = i - run + 1;
		}
	}
	return best;
}

static bool add_ipv6(struct buf *out, struct str text)
{
	struct ipv6 ip;
	int zeros, len;

	if (!ipv6_parse(text, &ip))
		return false;
	zeros = longest_zeros(&ip, &len);
	buf_byte(out, '[');
	for (int i = 0; i < IPV6_PIECES; i++) {
		if (i == zeros) {
			buf_addc(out, i == 0 ? "::" : ":");
			i += len - 1;
			continue;
		}
		buf_printf(out, i < IPV6_PIECES - 1 ? "%x:" : "%x", ip.pieces[i]);
	}
	buf_byte(out, ']');
	return true;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Beyond ASCII, or claiming to be Punycode already. */
static bool needs_idna(struct str label)
{
	for (size_t i = 0; i < label.len; i++)
		if ((unsigned char)label.ptr[i] >= 0x80)
			return true;
	return label.len >= 4 && lower(label.ptr[0]) == 'x' && lower(label.ptr[1]) == 'n' &&
	       label.ptr[2] == '-' && label.ptr[3] == '-';
}

/* The few characters that the transitional rules read otherwise: sharp s, final sigma, the two
 * zero-width joiners. */
static bool has_deviation(struct str label)
{
	static const char *const deviations[] = { "\xc3\x9f", "\xe1\xba\x9e", "\xcf\x82",
		"\xe2\x80\x8c", "\xe2\x80\x8d" };

	for (size_t i = 0; i < ARRAY_LEN(deviations); i++)
		if (str_find_str(label, str_from(deviations[i])) >= 0)
			return true;
	return false;
}

/*
 * By UTS 46. libidn2 adds the rules of IDNA 2008 when asked for non-transitional processing, and so
 * refuses emoji and other signs that browsers take; the transitional rules leave those out, and say
 * the same of every label without the characters they are about.
 */
static bool add_idna(struct buf *out, const char *label)
{
	char *ascii = NULL;
	int result = idn2_to_ascii_8z(label, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);

	if ((result == IDN2_DISALLOWED || result == IDN2_CONTEXTO) &&
		!has_deviation(str_from(label)))
		result = idn2_to_ascii_8z(label, &ascii, IDN2_NFC_INPUT | IDN2_TRANSITIONAL);
	if (result != IDN2_OK)
		return false;
	buf_addc(out, ascii);
	idn2_free(ascii);
	return true;
}

/* Bytes of the dot at AT, 0 if there is none: UTS 46 has three more that mean the same. */
static size_t dot_at(struct str domain, size_t at)
{
	static const char *const dots[] = { ".", "\xe3\x80\x82", "\xef\xbc\x8e", "\xef\xbd\xa1" };

	for (size_t i = 0; i < ARRAY_LEN(dots); i++)
		if (str_starts(str_sub(domain, at, domain.len), str_from(dots[i])))
			return strlen(dots[i]);
	return 0;
}

static bool add_label(struct buf *out, struct str label)
{
	CLEANUP(buf_release) struct buf copy = BUF_INIT;

	if (needs_idna(label)) {
		buf_add(&copy, label);
		return add_idna(out, buf_cstr(&copy));
	}
	for (size_t i = 0; i < label.len; i++)
		buf_byte(out, lower(label.ptr[i]));
	return true;
}

static bool add_ascii(struct buf *out, struct str domain)
{
	size_t start = 0, dot;

	for (size_t at = 0; at<domain.len; at += dot> 0 ? dot : 1) {
		dot = dot_at(domain, at);
		if (dot == 0)
			continue;
		if (!add_label(out, str_sub(domain, start, at - start)))
			return false;
		buf_byte(out, '.');
		start = at + dot;
	}
	return add_label(out, str_sub(domain, start, domain.len));
}

/* Percent-decoding that leaves a '%' alone which two hexadecimal digits do not follow; bytes that
 * are no UTF-8 become U+FFFD. */
static void decode(struct buf *out, struct str text)
{
	struct buf bytes = BUF_INIT;

	for (size_t i = 0; i < text.len; i++) {
		int high = i + 2 < text.len ? str_hex_digit(text.ptr[i + 1]) : -1;
		int low = i + 2 < text.len ? str_hex_digit(text.ptr[i + 2]) : -1;

		if (text.ptr[i] == '%' && high >= 0 && low >= 0) {
			buf_byte(&bytes, (char)(high * 16 + low));
			i += 2;
		} else {
			buf_byte(&bytes, text.ptr[i]);
		}
	}
	utf8_add_clean(out, buf_str(&bytes));
	buf_release(&bytes);
}

static bool add_domain(struct buf *out, struct str text)
{
	CLEANUP(buf_release) struct buf domain = BUF_INIT, ascii = BUF_INIT;
	struct str host;

	decode(&domain, text);
	if (has_forbidden(buf_str(&domain), true) || !add_ascii(&ascii, buf_str(&domain)))
		return false;
	host = buf_str(&ascii);
	if (host.len == 0 || has_forbidden(host, true))
		return false;
	if (ends_in_number(host))
		return add_ipv4(out, host);
	buf_add(out, host);
	return true;
}

bool url_host(struct buf *out, struct str text, bool opaque)
{
	if (str_starts(text, STR("[")))
		return str_ends(text, STR("]")) && add_ipv6(out, str_sub(text, 1, text.len - 2));
	return opaque ? add_opaque(out, text) : add_domain(out, text);
}
