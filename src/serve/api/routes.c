/* All routes. A table of another resource is one more row. */
#include <pthread.h>

#include "serve/api/api.h"
#include "serve/server.h"

static const struct route_table *const all[] = { &api_info_routes, &api_bucket_routes,
	&api_event_routes, &api_setting_routes, &api_device_routes, &api_query_routes,
	&api_transfer_routes, &api_user_routes, &api_doc_routes, &api_ops_routes,
	&api_page_routes };

/* C cannot initialise one constant from another: gathered once. */
static struct route_table tables[ARRAY_LEN(all)];
static pthread_once_t gathered = PTHREAD_ONCE_INIT;

static void gather(void)
{
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		tables[i] = *all[i];
}

const struct route_table *server_routes(size_t *count)
{
	pthread_once(&gathered, gather);
	*count = ARRAY_LEN(tables);
	return tables;
}
