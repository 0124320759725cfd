#include "cli/listen.h"

#include <strings.h>

int listen_parse(const char *text, struct arena *arena, struct listen_place *out, struct err *err)
{
	struct str all = str_from(text), address, port_text;
	ptrdiff_t colon = -1, at;
	uint64_t port;

	while ((at = str_find(all, ':', (size_t)(colon + 1))) >= 0)
		colon = at;
	address = str_sub(all, 0, colon < 0 ? 0 : (size_t)colon);
	port_text = str_sub(all, (size_t)(colon + 1), all.len);
	if (address.len > 2 && address.ptr[0] == '[' && address.ptr[address.len - 1] == ']')
		address = str_sub(address, 1, address.len - 2);
	else if (str_find(address, ':', 0) >= 0)
		address.len = 0; /* which colon is the port's? */
	if (address.len == 0 || !str_to_u64(port_text, &port) || port > 65535)
		return err_set(err, ERR_USAGE,
			"'%s' is no place to listen: write 127.0.0.1:5600, [::1]:5600 or 0.0.0.0:5600",
			text);
	out->address = arena_cstr(arena, address);
	out->port = (int)port;
	return 0;
}

bool listen_is_loopback(const char *address)
{
	return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0 ||
	       strcasecmp(address, "localhost") == 0;
}

int listen_first_port(const struct config_serve *config, bool testing)
{
	struct arena arena = { 0 };
	struct listen_place place = { NULL, LISTEN_PORT };
	struct err ignored;
	int port = LISTEN_PORT;

	if (testing)
		return LISTEN_PORT_TESTING;
	if (config->listen[0] && listen_parse(config->listen[0], &arena, &place, &ignored) == 0)
		port = place.port;
	arena_release(&arena);
	return port;
}
