/* The tables of routes: one for each resource, put together in routes.c. */
#ifndef TT_SERVE_API_API_H
#define TT_SERVE_API_API_H

#include "serve/route.h"

extern const struct route_table api_info_routes;
extern const struct route_table api_bucket_routes;
extern const struct route_table api_event_routes;
extern const struct route_table api_setting_routes;
extern const struct route_table api_device_routes;
extern const struct route_table api_query_routes;
extern const struct route_table api_transfer_routes; /* export and import */
extern const struct route_table api_user_routes;
extern const struct route_table api_page_routes; /* the page and other static files */
extern const struct route_table api_doc_routes;  /* the OpenAPI document */
extern const struct route_table api_ops_routes;  /* health, metrics */

#endif
