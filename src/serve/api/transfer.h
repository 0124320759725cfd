/* The import, whose route stands in the table of export.c. */
#ifndef TT_SERVE_API_TRANSFER_H
#define TT_SERVE_API_TRANSFER_H

#include "serve/api/openapi.h"
#include "serve/call.h"

int import_prepare(struct call *call, struct err *err);
int import_handle(struct call *call, struct store *store, struct intake *intake, struct err *err);
extern const struct route_doc import_doc;

#endif
