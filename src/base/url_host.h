/* The host of a URL, as browsers normalise it (WHATWG URL Standard, 3.5: host parsing). */
#ifndef TT_BASE_URL_HOST_H
#define TT_BASE_URL_HOST_H

#include "base/buf.h"

/*
 * Append TEXT, what stands between "//" and the path without credentials and port, in its one
 * form: a domain in lower case and Punycode, an IPv4 address as four numbers, an IPv6 address
 * compressed and in brackets. OPAQUE: of a scheme that is not special, where a host is any text.
 * TEXT is valid UTF-8. False when it is no host; OUT then holds anything behind its old length.
 */
bool url_host(struct buf *out, struct str text, bool opaque);

#endif
