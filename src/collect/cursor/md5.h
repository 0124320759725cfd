/* MD5, by which Cursor names directories. Not for secrets, nor for anything of our own. */
#ifndef TT_COLLECT_CURSOR_MD5_H
#define TT_COLLECT_CURSOR_MD5_H

#include "base/str.h"

enum { MD5_BYTES = 16 };
void cursor_md5(struct str text, uint8_t out[static MD5_BYTES]);

#endif
