/* UUIDs by RFC 9562: random ones (version 4), and ones made of a name by this program's own hash
 * (version 8). */
#include "base/uuid.h"

#include "base/hash.h"
#include "base/rng.h"

static bool is_dash_place(size_t at)
{
	return at == 8 || at == 13 || at == 18 || at == 23;
}

/* Put version and variant into BYTES and write them as text. */
static void format(uint8_t bytes[static 16], unsigned version, char out[static UUID_BYTES + 1])
{
	char digits[33];
	const char *digit = digits;

	bytes[6] = (uint8_t)((bytes[6] & 0x0fu) | version << 4);
	bytes[8] = (uint8_t)((bytes[8] & 0x3fu) | 0x80u);
	hash_hex(bytes, 16, digits);
	for (size_t i = 0; i < UUID_BYTES; i++)
		out[i] = is_dash_place(i) ? '-' : *digit++;
	out[UUID_BYTES] = '\0';
}

void uuid_v4(char out[static UUID_BYTES + 1])
{
	uint8_t bytes[16];

	rng_bytes(bytes, sizeof(bytes));
	format(bytes, 4, out);
}

void uuid_of_name(struct str name, char out[static UUID_BYTES + 1])
{
	uint8_t bytes[16];

	hash128(name, bytes);
	format(bytes, 8, out);
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool uuid_valid(struct str text)
{
	if (text.len != UUID_BYTES)
		return false;
	for (size_t i = 0; i < UUID_BYTES; i++)
		if (is_dash_place(i) ? text.ptr[i] != '-' : !is_hex(text.ptr[i]))
			return false;
	return true;
}
