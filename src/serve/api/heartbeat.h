/* The heartbeat, whose route stands in the table of events. */
#ifndef TT_SERVE_API_HEARTBEAT_H
#define TT_SERVE_API_HEARTBEAT_H

#include "serve/api/openapi.h"
#include "serve/call.h"

int heartbeat_prepare(struct call *call, struct err *err);
int heartbeat_handle(
	struct call *call, struct store *store, struct intake *intake, struct err *err);
const struct aw_event *heartbeat_beat(const struct call *call);
extern const struct route_doc heartbeat_doc;

#endif
