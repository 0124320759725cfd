/* UUIDs (RFC 9562) as 36 bytes of text, lower case. */
#ifndef TT_BASE_UUID_H
#define TT_BASE_UUID_H

#include "base/str.h"

enum { UUID_BYTES = 36 };

/* Random, version 4; NUL-terminated. */
void uuid_v4(char out[static UUID_BYTES + 1]);
/* From a name, deterministic, version 8 (custom), made of a 128-bit hash of NAME. */
void uuid_of_name(struct str name, char out[static UUID_BYTES + 1]);
/* 8-4-4-4-12 hexadecimal digits, either case, any version. */
bool uuid_valid(struct str text);

#endif
