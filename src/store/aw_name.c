/* Percent-encoding of the few bytes that event ids and names of the store do not allow. */
#include "store/aw_name.h"

#include "store/aw.h"

static void encode(struct buf *out, struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.ptr[i];

		if (c < 0x20 || c == 0x7f || c == '%' || c == ':')
			buf_printf(out, "%%%02X", c);
		else
			buf_byte(out, name.ptr[i]);
	}
}

void aw_name_source(struct buf *out, struct str id)
{
	buf_addc(out, AW_SOURCE);
	encode(out, id);
}

void aw_name_type(struct buf *out, struct str type)
{
	if (type.len == 0)
		buf_addc(out, "event");
	else
		encode(out, type);
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Another program's '%' may stand for itself. */
void aw_name_decode(struct buf *out, struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		int high = i + 2 < name.len && name.ptr[i] == '%' ? digit(name.ptr[i + 1]) : -1;
		int low = high >= 0 ? digit(name.ptr[i + 2]) : -1;

		if (low >= 0)
			i += 2;
		buf_byte(out, low >= 0 ? (char)(high * 16 + low) : name.ptr[i]);
	}
}
