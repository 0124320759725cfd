/* What the configuration says, as the requests use it: replaced as a whole, freed when the last
 * request that began with it has ended. */
#include <stdlib.h>

#include "serve/server_inner.h"

enum { RATE = 200, RATE_LOCAL = 100000, BURST_SECONDS = 2 };

static struct rates *make_rates(int per_second, int usual)
{
	int rate = per_second > 0 ? per_second : usual;

	return rates_new(rate, rate * BURST_SECONDS);
}

static const char *const *copy_list(struct arena *arena, const char *const *list)
{
	const char **copy;
	size_t count = 0;

	while (list && list[count])
		count++;
	copy = arena_zalloc(arena, count + 1, sizeof(*copy));
	for (size_t i = 0; i < count; i++)
		copy[i] = arena_cstr(arena, str_from(list[i]));
	return copy;
}

int settings_new(struct settings **out, const struct server_config *config,
	const struct http_listen *listen, size_t listen_count, bool testing, struct err *err)
{
	struct settings *settings = mem_zalloc(sizeof(*settings));
	struct guard_options guard = config->guard;

	*out = NULL;
	atomic_init(&settings->held, 1);
	guard.listen = listen;
	guard.listen_count = listen_count;
	guard.testing = testing;
	if (guard_new(&settings->guard, &guard, err) < 0) {
		settings_drop(settings);
		return err->code;
	}
	settings->rates = make_rates(config->rate_per_second, RATE);
	settings->local_rates = make_rates(config->rate_local_per_second, RATE_LOCAL);
	if (config->user && config->user[0])
		settings->user = arena_cstr(&settings->arena, str_from(config->user));
	if (config->webui)
		settings->webui = arena_cstr(&settings->arena, str_from(config->webui));
	settings->pages = copy_list(&settings->arena, config->pages);
	settings->access_log = config->access_log;
	settings->retention_days = config->retention_days;
	settings->attention = config->attention;
	*out = settings;
	return 0;
}

void settings_drop(struct settings *settings)
{
	if (!settings || atomic_fetch_sub(&settings->held, 1) > 1)
		return;
	guard_free(settings->guard);
	rates_free(settings->rates);
	rates_free(settings->local_rates);
	arena_release(&settings->arena);
	free(settings);
}

struct settings *settings_hold(struct server *server)
{
	struct settings *settings;

	pthread_mutex_lock(&server->lock);
	settings = server->settings;
	atomic_fetch_add(&settings->held, 1);
	pthread_mutex_unlock(&server->lock);
	return settings;
}

const char *server_webui(struct server *server, struct arena *arena)
{
	struct settings *settings = settings_hold(server);
	const char *webui = settings->webui ? arena_cstr(arena, str_from(settings->webui)) : NULL;

	settings_drop(settings);
	return webui;
}

const char *const *server_pages(struct server *server, struct arena *arena)
{
	struct settings *settings = settings_hold(server);
	const char *const *pages = copy_list(arena, settings->pages);

	settings_drop(settings);
	return pages;
}

struct attention_params server_attention(struct server *server)
{
	struct settings *settings = settings_hold(server);
	struct attention_params params = settings->attention;

	settings_drop(settings);
	return params;
}
