/* The wrapper. The function needs no initialisation of the library. */
#include "base/sha256.h"

#include <sodium/crypto_hash_sha256.h>

_Static_assert(SHA256_BYTES == crypto_hash_sha256_BYTES, "SHA-256 has 32 bytes");

void sha256(struct str s, uint8_t out[static SHA256_BYTES])
{
	crypto_hash_sha256(out, (const unsigned char *)(s.ptr ? s.ptr : ""), s.len);
}
