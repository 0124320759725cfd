/* Users, keys, devices. */
#include "store_fixture.h"

#include "store/keys.h"
#include "store/users.h"

enum { DAY = 86400 };

struct world {
	struct fixture f;
	struct store *store;
};

static struct api_key make(struct world *w, const char *email, int byte, int64_t expires_ns)
{
	struct api_key key = { .email = str_from(email),
		.name = STR("laptop"),
		.role = KEY_WRITE,
		.expires_ns = expires_ns };
	struct err err;

	memset(key.hash, byte, sizeof(key.hash));
	GOOD(key_make(w->store, T0 + byte, &key, &w->f.arena, &err));
	return key;
}

static int64_t generation(struct world *w)
{
	int64_t value = -1;
	struct err err;

	GOOD(key_generation(w->store, &value, &err));
	return value;
}

static void keys_belong_to_users(void)
{
	struct world w;
	struct api_key key, *keys;
	struct user *users;
	size_t count;
	struct err err;

	w.store = open_alone(&w.f);
	IS_INT(generation(&w), 0);
	key = make(&w, "Zoe@Example.org", 1, INT64_MAX);
	OK(key.key_id.len == 36 && key.user_id.len == 36);
	make(&w, "ann@example.org", 2, T0 + DAY * NS_PER_S);
	make(&w, "zoe@eXample.org", 3, INT64_MAX);
	IS_INT(generation(&w), 3);
	GOOD(key_list(w.store, &w.f.arena, &keys, &count, &err));
	if (IS_INT(count, 3)) {
		IS_STR(keys[0].email, "ann@example.org");
		IS_STR(keys[1].email, "Zoe@Example.org");
		OK(str_eq(keys[1].key_id, key.key_id) && str_eq(keys[2].user_id, key.user_id));
		IS_INT(keys[1].hash[31], 1);
		IS_INT(keys[1].role, KEY_WRITE);
		IS_STR(keys[1].name, "laptop");
		IS_INT(keys[1].created_ns, T0 + 1);
		OK(keys[1].revoked_ns == INT64_MIN && keys[1].used_ns == INT64_MIN);
	}
	GOOD(user_list(w.store, T0 + DAY * NS_PER_S, &w.f.arena, &users, &count, &err));
	if (IS_INT(count, 2)) {
		IS_INT(users[0].keys, 0); /* expired at this very moment */
		IS_INT(users[1].keys, 2);
	}
	close_all(&w.f, w.store);
}

static void bad_keys_are_refused(void)
{
	static const char *const bad[] = { "", "ann", "@x", "ann@", "a@b@c", "a b@c", "a@b\n" };
	struct world w;
	struct api_key key = { .role = KEY_READ, .expires_ns = INT64_MAX };
	struct err err;

	w.store = open_alone(&w.f);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		key.email = str_from(bad[i]);
		FAILS(key_make(w.store, T0, &key, &w.f.arena, &err), ERR_USAGE);
	}
	make(&w, "a@b", 0, INT64_MAX);
	key.email = STR("c@d");
	FAILS(key_make(w.store, T0, &key, &w.f.arena, &err), ERR_EXISTS);
	key.hash[0] = 9;
	key.role = 4;
	FAILS(key_make(w.store, T0, &key, &w.f.arena, &err), ERR_USAGE);
	IS_INT(generation(&w), 1);
	close_all(&w.f, w.store);
}

static void keys_are_taken_back(void)
{
	struct world w;
	struct api_key first, *keys;
	struct user *users;
	int64_t revoked;
	size_t count;
	struct err err;

	w.store = open_alone(&w.f);
	first = make(&w, "a@b", 1, INT64_MAX);
	make(&w, "a@b", 2, INT64_MAX);
	make(&w, "a@b", 3, T0 + 5);
	GOOD(key_revoke(w.store, str_sub(first.key_id, 0, 8), T0 + 10, &revoked, &err));
	IS_INT(revoked, 1);
	IS_INT(generation(&w), 4);
	GOOD(key_revoke(w.store, first.key_id, T0 + 20, &revoked, &err)); /* again */
	IS_INT(revoked, 0);
	IS_INT(generation(&w), 4);
	GOOD(key_revoke(w.store, STR("A@B"), T0 + 30, &revoked, &err));
	IS_INT(revoked, 1); /* one was revoked, one expired */
	GOOD(key_list(w.store, &w.f.arena, &keys, &count, &err));
	for (size_t i = 0; i < count; i++)
		if (str_eq(keys[i].key_id, first.key_id))
			IS_INT(keys[i].revoked_ns, T0 + 10);
	GOOD(user_list(w.store, T0 + 30, &w.f.arena, &users, &count, &err));
	IS_INT(users[0].keys, 0);
	FAILS(key_revoke(w.store, STR("x@y"), T0, &revoked, &err), ERR_NOT_FOUND);
	FAILS(key_revoke(w.store, str_sub(first.key_id, 0, 7), T0, &revoked, &err), ERR_NOT_FOUND);
	FAILS(key_revoke(w.store, STR("zzzzzzzz"), T0, &revoked, &err), ERR_NOT_FOUND);
	close_all(&w.f, w.store);
}

static void use_only_grows(void)
{
	struct world w;
	struct api_key key, *keys;
	struct key_use uses[3];
	size_t count;
	struct err err;

	w.store = open_alone(&w.f);
	key = make(&w, "a@b", 1, INT64_MAX);
	uses[0] = (struct key_use){ key.key_id, T0 + 5 };
	uses[1] = (struct key_use){ key.key_id, T0 + 3 };
	uses[2] = (struct key_use){ STR("gone"), T0 + 3 };
	GOOD(key_used(w.store, uses, 3, &err));
	GOOD(key_list(w.store, &w.f.arena, &keys, &count, &err));
	IS_INT(keys[0].used_ns, T0 + 5);
	IS_INT(generation(&w), 1);
	close_all(&w.f, w.store);
}

static void devices_register(void)
{
	struct world w;
	struct device device = { .machine_id = STR("A2B4C6D8-1111-4222-8333-444455556666"),
		.label = STR("phone"),
		.hostname = STR("host"),
		.version = STR("1.2") };
	struct device *all;
	size_t count;
	struct err err;

	w.store = open_new(&w.f);
	GOOD(store_machine_label(w.store, STR(MACHINE_A), STR("here"), false, &err));
	GOOD(device_register(w.store, T0, &device, &w.f.arena, &err));
	IS_STR(device.machine_id, MACHINE_B);
	IS_INT(device.registered_ns, T0);
	device.label = device.version = (struct str){ NULL, 0 };
	device.hostname = STR("other");
	GOOD(device_register(w.store, T0 + 9, &device, &w.f.arena, &err));
	IS_STR(device.label, "phone");
	IS_STR(device.version, "1.2");
	IS_STR(device.hostname, "other");
	IS_INT(device.registered_ns, T0);
	IS_INT(device.seen_ns, T0 + 9);
	GOOD(device_list(w.store, &w.f.arena, &all, &count, &err));
	if (IS_INT(count, 2)) {
		IS_STR(all[0].label, "here");
		OK(all[0].registered_ns == INT64_MIN && all[0].seen_ns == INT64_MIN);
		IS_STR(all[1].label, "phone");
	}
	device.machine_id = STR("no uuid");
	FAILS(device_register(w.store, T0, &device, &w.f.arena, &err), ERR_USAGE);
	device.machine_id = STR(MACHINE_B);
	device.label = STR("a\nb");
	FAILS(device_register(w.store, T0, &device, &w.f.arena, &err), ERR_USAGE);
	close_all(&w.f, w.store);
}

static void keys_of_devices(void)
{
	struct world w;
	struct api_key key = { .email = STR("a@b"),
		.machine_id = STR("A2B4C6D8-1111-4222-8333-444455556666"),
		.role = KEY_WRITE,
		.expires_ns = INT64_MAX };
	struct api_key *keys;
	size_t count;
	struct err err;

	w.store = open_alone(&w.f);
	GOOD(key_make(w.store, T0, &key, &w.f.arena, &err));
	IS_STR(key.machine_id, MACHINE_B);
	make(&w, "a@b", 2, INT64_MAX);
	GOOD(key_list(w.store, &w.f.arena, &keys, &count, &err));
	if (IS_INT(count, 2)) {
		IS_STR(keys[0].machine_id, MACHINE_B);
		IS_STR(keys[1].machine_id, "");
	}
	key.machine_id = STR("desk");
	FAILS(key_make(w.store, T0, &key, &w.f.arena, &err), ERR_USAGE);
	key.machine_id = STR("");
	key.name = STR("a\xff");
	FAILS(key_make(w.store, T0, &key, &w.f.arena, &err), ERR_USAGE);
	close_all(&w.f, w.store);
}

static void users_are_found(void)
{
	struct world w;
	struct user user = { .email = STR("Ann@example.org") }, found;
	struct err err;

	w.store = open_alone(&w.f);
	GOOD(user_make(w.store, T0, &user, &w.f.arena, &err));
	IS_INT(generation(&w), 1);
	GOOD(user_find(w.store, STR("ann@EXAMPLE.org"), &w.f.arena, &found, &err));
	OK(str_eq(found.user_id, user.user_id));
	IS_STR(found.email, "Ann@example.org");
	IS_INT(found.created_ns, T0);
	IS_INT(found.keys, 0);
	make(&w, "ann@example.org", 1, INT64_MAX);
	make(&w, "ann@example.org", 2, 1); /* expired long ago */
	GOOD(user_find(w.store, user.user_id, &w.f.arena, &found, &err));
	IS_INT(found.keys, 1);
	FAILS(user_find(w.store, STR("x@y"), &w.f.arena, &found, &err), ERR_NOT_FOUND);
	FAILS(user_find(w.store, STR("x"), &w.f.arena, &found, &err), ERR_NOT_FOUND);
	FAILS(user_make(w.store, T0, &user, &w.f.arena, &err), ERR_EXISTS);
	user.email = STR("nobody");
	FAILS(user_make(w.store, T0, &user, &w.f.arena, &err), ERR_USAGE);
	close_all(&w.f, w.store);
}

static void users_are_erased(void)
{
	struct world w;
	struct api_key *keys;
	struct user user;
	int64_t rows, before;
	size_t count;
	struct err err;

	w.store = open_alone(&w.f);
	make(&w, "a@b", 1, INT64_MAX);
	make(&w, "a@b", 2, INT64_MAX);
	make(&w, "c@d", 3, INT64_MAX);
	before = generation(&w);
	GOOD(user_erase(w.store, STR("A@b"), &rows, &err));
	OK(rows >= 3); /* the keys, the user, and what a store of many has of them */
	IS_INT(generation(&w), before + 1);
	FAILS(user_find(w.store, STR("a@b"), &w.f.arena, &user, &err), ERR_NOT_FOUND);
	FAILS(user_erase(w.store, STR("a@b"), &rows, &err), ERR_NOT_FOUND);
	IS_INT(rows, 0);
	GOOD(key_list(w.store, &w.f.arena, &keys, &count, &err));
	if (IS_INT(count, 1))
		IS_STR(keys[0].email, "c@d");
	make(&w, "a@b", 1, INT64_MAX); /* somebody new */
	close_all(&w.f, w.store);
}

static const struct tap_case cases[] = {
	TAP_CASE(keys_belong_to_users),
	TAP_CASE(bad_keys_are_refused),
	TAP_CASE(keys_are_taken_back),
	TAP_CASE(use_only_grows),
	TAP_CASE(keys_of_devices),
	TAP_CASE(users_are_found),
	TAP_CASE(users_are_erased),
	TAP_CASE(devices_register),
};
TAP_MAIN(cases)
