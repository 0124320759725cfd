/*
 * Who asks: the user, whose rows alone a request sees, and the device, whose buckets are meant
 * before others of the same id (store/users.h).
 *
 * The user is the key's. Without a key, where that is allowed, it is on a shared store the one that
 * is configured, and else the person whose file the store is. The device is the key's, or the one
 * that the client names if it is registered; with neither, it is this machine on a file, and none
 * on a shared store.
 */
#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"
#include "serve/server_inner.h"
#include "store/keys.h"

#define MACHINE_HEADER "Tidemark-Machine"

/* --- devices that were found --- */

enum { KNOWN = 1024 };

/* Direct-mapped. A device goes only with its user, and then their keys are no more. */
struct server_devices {
	pthread_mutex_t lock;
	struct {
		char user_id[UUID_BYTES + 1];
		char machine_id[UUID_BYTES + 1];
	} known[KNOWN];
};

struct server_devices *server_devices_new(void)
{
	struct server_devices *devices = mem_zalloc(sizeof(*devices));

	pthread_mutex_init(&devices->lock, NULL);
	return devices;
}

void server_devices_free(struct server_devices *devices)
{
	if (!devices)
		return;
	pthread_mutex_destroy(&devices->lock);
	free(devices);
}

static size_t slot_of(const struct identity *who)
{
	return hash64(who->machine_id, hash64(who->user_id, 0)) % KNOWN;
}

static bool is_known(struct server_devices *devices, const struct identity *who)
{
	size_t slot = slot_of(who);
	bool known;

	pthread_mutex_lock(&devices->lock);
	known = str_eq_c(who->user_id, devices->known[slot].user_id) &&
		str_eq_c(who->machine_id, devices->known[slot].machine_id);
	pthread_mutex_unlock(&devices->lock);
	return known;
}

static void keep_id(char out[UUID_BYTES + 1], struct str id)
{
	ASSERT(id.len <= UUID_BYTES);
	if (id.len > 0)
		memcpy(out, id.ptr, id.len);
	out[id.len] = '\0';
}

static void keep(struct server_devices *devices, const struct identity *who)
{
	size_t slot = slot_of(who);

	pthread_mutex_lock(&devices->lock);
	keep_id(devices->known[slot].user_id, who->user_id);
	keep_id(devices->known[slot].machine_id, who->machine_id);
	pthread_mutex_unlock(&devices->lock);
}

/* --- on the HTTP thread --- */

/* Who has no key is the user that is configured, if any. Otherwise that is answered: false. */
static bool name_user(struct server *server, struct work *work)
{
	static const char nobody[] =
		"This server keeps the data of several people: send 'Authorization: Bearer <key>' to "
		"say whose is meant. A key is made with: tt serve generate-key --email you@example.org";
	struct call *call = &work->call;
	const char *user = work->settings->user;
	struct err err;
	int found = 0;

	if (user)
		found = server_keys_user(
			server->keys, str_from(user), call->arena, &call->who, &err);
	if (found == 1)
		return true;
	if (found < 0)
		work_fail(work, &err);
	else
		work_refuse(work, 401, nobody);
	return false;
}

static struct str lower(struct str text, struct arena *arena)
{
	char *copy = arena_alloc(arena, text.len + 1);

	for (size_t i = 0; i < text.len; i++)
		copy[i] = (char)(text.ptr[i] >= 'A' && text.ptr[i] <= 'F' ? text.ptr[i] + 'a' - 'A'
									  : text.ptr[i]);
	copy[text.len] = '\0';
	return (struct str){ copy, text.len };
}

/* False: answered. */
static bool name_device(struct server *server, struct work *work)
{
	struct call *call = &work->call;
	struct identity *who = &call->who;
	size_t count = 0;
	struct str named = http_header(call->http, MACHINE_HEADER, &count);

	if (count > 1 || (count == 1 && !uuid_valid(named))) {
		work_refuse(work, 400, "The header " MACHINE_HEADER " is no UUID of a device");
		return false;
	}
	named = lower(named, call->arena);
	if (count == 1 && who->machine_id.len > 0 && !str_eq(named, who->machine_id)) {
		work_refuse(work, 403,
			"This key belongs to another device than " MACHINE_HEADER " names");
		return false;
	}
	if (who->machine_id.len > 0)
		return true;
	who->machine_claimed = count == 1 && !call->route->any_device;
	if (count == 1)
		who->machine_id = named;
	else if (!server->shared || !who->known) /* without a key they come from this machine */
		who->machine_id = str_from(server->options->machine_id);
	return true;
}

bool work_name_caller(struct server *server, struct work *work, const struct route *route)
{
	if (!route || route->open)
		return true;
	if (server->shared && work->call.who.user_id.len == 0 && !name_user(server, work))
		return false;
	return name_device(server, work);
}

/* --- on a worker --- */

/* Is it one of the user's devices? 1, 0, or < 0. */
static int look_up(struct store *store, struct str machine_id, struct arena *arena, struct err *err)
{
	struct device *devices;
	size_t count;

	if (device_list(store, arena, &devices, &count, err) < 0)
		return err->code;
	for (size_t i = 0; i < count; i++)
		if (str_eq(devices[i].machine_id, machine_id))
			return 1;
	return 0;
}

int work_check_device(struct work *work, struct store *store, struct err *err)
{
	struct call *call = &work->call;
	struct server *server = call->server;
	struct identity *who = &call->who;
	int rc;

	if (!who->machine_claimed || is_known(server->devices, who) ||
		(!server->shared && str_eq_c(who->machine_id, server->options->machine_id)))
		return 0;
	rc = look_up(store, who->machine_id, call->arena, err);
	if (rc == 0)
		return call_fail(call, 409, err,
			"The device '%.*s' of " MACHINE_HEADER
			" is not registered: POST /api/0/devices/register makes it known",
			STR_ARG(who->machine_id));
	if (rc == 1)
		keep(server->devices, who);
	return rc < 0 ? rc : 0;
}

struct actor work_actor(const struct work *work)
{
	return (struct actor){ work->call.who.user_id, work->call.who.machine_id };
}
