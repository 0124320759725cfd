/* Bodies of forms with files (multipart/form-data, RFC 7578). Pure. */
#ifndef TT_SERVE_API_MULTIPART_H
#define TT_SERVE_API_MULTIPART_H

#include "base/err.h"
#include "base/str.h"

enum { MULTIPART_PARTS = 16, MULTIPART_BOUNDARY_BYTES = 70 };

/* Is CONTENT_TYPE that of a form with files? */
bool multipart_is(struct str content_type);
/* The contents of the parts of BODY, views into it, whatever their names. ERR_PARSE: it is no such
 * body, or cut short; ERR_LIMIT: more than MULTIPART_PARTS. */
MUST_USE int multipart_parse(struct str content_type, struct str body,
	struct str out[static MULTIPART_PARTS], size_t *count, struct err *err);

#endif
