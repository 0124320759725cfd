/*
 * URLs as browsers understand them (WHATWG URL Standard, url.spec.whatwg.org), as far as their
 * parts are wanted: no relative URLs, no credentials, no fragment.
 */
#ifndef TT_BASE_URL_H
#define TT_BASE_URL_H

#include "base/buf.h"

struct url {
	struct str scheme; /* lower case, without ':' */
	struct str host;   /* serialised: lower case, percent-decoded, Punycode, IPv4 and IPv6
			      normalised; ptr NULL: the URL has no host, or an empty one */
	struct str path;   /* serialised; "/" when empty in special schemes; opaque as it is */
	struct str query;  /* without '?'; empty when there is none */
};

/* False when TEXT is no absolute URL; OUT is then as it was. TEXT may hold any bytes: those that
 * are no UTF-8 count as U+FFFD. The parts are in BUF, valid until its next change. */
bool url_parse(struct str text, struct buf *buf, struct url *out);

/* Percent-decoding: false for a '%' that two hex digits do not follow. PLUS: '+' is a space. */
bool url_decode(struct buf *out, struct str text, bool plus);
/* Append TEXT with everything but unreserved characters (RFC 3986, 2.3) encoded. */
void url_encode(struct buf *out, struct str text);

#endif
