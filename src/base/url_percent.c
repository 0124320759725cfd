/* Percent-encoding, a file of its own: who wants no more does not load what host names need. */
#include "base/url.h"

/* RFC 3986, 2.3. */
static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("-._~", c));
}

bool url_decode(struct buf *out, struct str text, bool plus)
{
	for (size_t i = 0; i < text.len; i++) {
		int high, low;

		if (text.ptr[i] != '%') {
			buf_byte(out, plus && text.ptr[i] == '+' ? ' ' : text.ptr[i]);
			continue;
		}
		if (text.len - i < 3)
			return false;
		high = str_hex_digit(text.ptr[i + 1]);
		low = str_hex_digit(text.ptr[i + 2]);
		if (high < 0 || low < 0)
			return false;
		buf_byte(out, (char)(high * 16 + low));
		i += 2;
	}
	return true;
}

void url_encode(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (is_unreserved((char)c))
			buf_byte(out, (char)c);
		else
			buf_printf(out, "%%%02X", c);
	}
}
