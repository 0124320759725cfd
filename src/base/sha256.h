/* SHA-256 (FIPS 180-4), over libsodium: where another program's names or our keys need it. */
#ifndef TT_BASE_SHA256_H
#define TT_BASE_SHA256_H

#include "base/str.h"

enum { SHA256_BYTES = 32 };

void sha256(struct str s, uint8_t out[static SHA256_BYTES]);

#endif
