/* The OpenAPI 3.0 document, made from the route tables. */
#ifndef TT_SERVE_API_OPENAPI_H
#define TT_SERVE_API_OPENAPI_H

#include "serve/route.h"

enum { ROUTE_DOC_ARGS = 8, ROUTE_DOC_STATUSES = 8 };

/* What a route says of itself. Schemas are names of openapi.c's table of schemas. */
struct route_doc {
	const char *tag;     /* "buckets" */
	const char *summary; /* one line */
	struct route_doc_arg {
		const char *name;
		const char *type; /* "string", "integer", "number", "date-time", "boolean" */
		bool required;
		const char *summary;
	} args[ROUTE_DOC_ARGS];  /* of the query; those of the path follow from it */
	const char *body;        /* schema, or NULL */
	const char *body_type;   /* NULL: application/json */
	const char *answer;      /* schema of a 200, or NULL: empty */
	const char *answer_type; /* NULL: application/json */
	struct route_doc_status {
		int status;
		const char *summary;
	} statuses[ROUTE_DOC_STATUSES]; /* beside 200, 400, 401, 403, 429, 503, and 413 of what has
					   a body */
};

/* Every route of the tables that has a doc, in their order. */
void openapi_print(
	const struct route_table *tables, size_t count, const char *version, struct buf *out);

#endif
