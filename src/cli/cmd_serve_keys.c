/*
 * Who may use the server. A key is shown once, when it is made: the store keeps its SHA-256. What
 * is done here holds at once for servers that run.
 */
#include "base/hash.h"
#include "base/rng.h"
#include "base/sha256.h"
#include "base/table.h"
#include "base/uuid.h"
#include "cli/aw_config.h"
#include "cli/commands.h"
#include "cli/serve_admin.h"
#include "cli/serve_keys.h"
#include "store/users.h"

enum { SECRET_BYTES = 32, SHORT_ID = 8 };

static const char *const role_names[] = {
	[KEY_READ] = "read", [KEY_WRITE] = "write", [KEY_ADMIN] = "admin"
};

/* --- generate-key --- */

struct generate_values {
	const char *email;
	const char *name;
	const char *role;
	const char *expires;
	const char *device;
	int aw_config;
	int testing;
};

#define VALUE(name) offsetof(struct generate_values, name)

static const struct args_option generate_options[] = {
	{ "email", 'e', ARGS_TEXT, VALUE(email), "EMAIL", "whose key it is" },
	{ "name", 'n', ARGS_TEXT, VALUE(name), "NAME", "what it is for: 'laptop'" },
	{ "role", 0, ARGS_TEXT, VALUE(role), "ROLE",
		"read, write (default) or admin; each may what the ones before it may" },
	{ "expires", 0, ARGS_TEXT, VALUE(expires), "DURATION", "good for so long: 90d" },
	{ "device", 0, ARGS_TEXT, VALUE(device), "MACHINE",
		"the machine that will use it, by its id, or by its label once it is known" },
	{ "aw-config", 0, ARGS_FLAG, VALUE(aw_config), NULL,
		"write it where ActivityWatch's watchers on this machine look for it" },
	{ "testing", 0, ARGS_FLAG, VALUE(testing), NULL, "for 'tt serve --testing'" },
};

static int parse_role(const char *text, enum key_role *out, struct err *err)
{
	*out = KEY_WRITE;
	if (!text)
		return 0;
	for (int role = KEY_READ; role <= KEY_ADMIN; role++) {
		if (strcmp(text, role_names[role]) == 0) {
			*out = (enum key_role)role;
			return 0;
		}
	}
	return err_set(err, ERR_USAGE, "--role is read, write or admin, not '%s'", text);
}

static int parse_expiry(struct cli *cli, const char *text, int64_t *out_ns, struct err *err)
{
	int64_t after_ns;

	*out_ns = INT64_MAX;
	if (!text)
		return 0;
	if (duration_parse(str_from(text), &after_ns, err) < 0) {
		err_context(err, "--expires");
		return err->code = ERR_USAGE;
	}
	if (__builtin_add_overflow(cli->now_ns, after_ns, out_ns))
		*out_ns = INT64_MAX;
	return 0;
}

static int parse_key(
	struct cli *cli, const struct generate_values *values, struct api_key *key, struct err *err)
{
	int rc = parse_role(values->role, &key->role, err);

	if (rc == 0 && !values->email)
		rc = err_set(err, ERR_USAGE, "--email says whose key it is: it must be given");
	if (rc < 0)
		return rc;
	key->email = str_from(values->email);
	key->name = str_from(values->name ? values->name : "");
	return parse_expiry(cli, values->expires, &key->expires_ns, err);
}

/* A new key, and its hash. */
static struct str make_secret(struct arena *arena, struct api_key *key)
{
	unsigned char bytes[SECRET_BYTES];
	char hex[2 * SECRET_BYTES + 1];
	struct str secret;

	rng_bytes(bytes, sizeof(bytes));
	hash_hex(bytes, sizeof(bytes), hex);
	secret = arena_printf(arena, "tt_%s", hex);
	sha256(secret, key->hash);
	return secret;
}

static struct str expiry_text(struct cli *cli, const struct api_key *key)
{
	return cli_time_text(cli, key->expires_ns == INT64_MAX ? INT64_MIN : key->expires_ns);
}

static void print_key(struct cli *cli, const struct api_key *key, struct str secret)
{
	struct json_writer json = json_writer(&cli->out);

	if (!cli->globals.json) {
		buf_add(&cli->out, secret);
		buf_byte(&cli->out, '\n');
		log_info(&cli->log,
			"This key of %.*s (%s, %s%.*s) is shown once; it works from now on.",
			STR_ARG(key->email), role_names[key->role],
			key->expires_ns == INT64_MAX ? "no end" : "until ",
			STR_ARG(expiry_text(cli, key)));
		return;
	}
	json_begin_object(&json);
	json_kv_str(&json, "user_id", key->user_id);
	json_kv_str(&json, "email", key->email);
	json_kv_str(&json, "key_id", key->key_id);
	json_kv_str(&json, "key", secret);
	json_kv_str(&json, "name", cli_or_null(key->name));
	json_kv_str(&json, "role", str_from(role_names[key->role]));
	json_kv_str(&json, "machine_id", cli_or_null(key->machine_id));
	json_kv_str(&json, "expires_at", expiry_text(cli, key));
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
}

/* The machine that --device names: events that come with the key are its own. */
static int find_device(struct cli *cli, struct store *store, const char *name, struct api_key *key,
	struct err *err)
{
	struct serve_owner owned = { .count = 0 };
	int rc;

	if (uuid_valid(str_from(name))) {
		key->machine_id = str_from(name);
		return 0;
	}
	rc = user_find(store, key->email, &cli->arena, &owned.user, err);
	if (rc == 0)
		rc = serve_load_devices(cli, store, &owned, err);
	if (rc < 0 && rc != ERR_NOT_FOUND) /* a new user has none */
		return rc;
	for (size_t i = 0; i < owned.count; i++) {
		if (!str_eq_c(owned.devices[i].label, name))
			continue;
		if (key->machine_id.len > 0)
			return err_set(err, ERR_AMBIGUOUS,
				"--device: several machines are called '%s': give the machine's id",
				name);
		key->machine_id = owned.devices[i].machine_id;
	}
	if (key->machine_id.len > 0)
		return 0;
	return err_set(err, ERR_NOT_FOUND,
		"--device: no machine of %.*s is called '%s'; a new one is named by its id, which 'tt init' there prints",
		STR_ARG(key->email), name);
}

static int generate_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	const struct generate_values *given = values;
	struct api_key key = { .role = KEY_WRITE };
	struct store *store;
	struct str secret;
	int rc = parse_key(cli, given, &key, err);

	(void)operands;
	if (rc == 0)
		rc = serve_open_store(cli, given->testing, &store, err);
	if (rc == 0 && given->device)
		rc = find_device(cli, store, given->device, &key, err);
	if (rc < 0)
		return rc;
	secret = make_secret(&cli->arena, &key);
	rc = key_make(store, cli->now_ns, &key, &cli->arena, err);
	if (rc < 0)
		return rc;
	print_key(cli, &key, secret);
	return given->aw_config ? aw_config_write(cli, secret, given->testing) : 0;
}

const struct command command_serve_generate_key = {
	.name = "generate-key",
	.summary = "make a key and print it, this once",
	.usage =
		"--email EMAIL [--name NAME] [--role ROLE] [--expires DURATION] [--device MACHINE] [--aw-config] [--testing]",
	.details =
		"Clients send it as 'Authorization: Bearer KEY'. Running servers take it at once.",
	.args = { .options = generate_options, .option_count = ARRAY_LEN(generate_options) },
	.values_size = sizeof(struct generate_values),
	.run = generate_run,
};

/* --- keys --- */

struct list_values {
	int testing;
};

static const struct args_option list_options[] = {
	{ "testing", 0, ARGS_FLAG, offsetof(struct list_values, testing), NULL,
		"those of 'tt serve --testing'" },
};

static int begin_list(struct cli *cli, const void *values, struct store **store, struct err *err)
{
	const struct list_values *given = values;

	return serve_open_store(cli, given->testing, store, err);
}

static const char *key_status(const struct cli *cli, const struct api_key *key)
{
	if (key->revoked_ns != INT64_MIN)
		return "revoked";
	return key->expires_ns <= cli->now_ns ? "expired" : "good";
}

static void keys_json(struct cli *cli, const struct api_key *keys, size_t count)
{
	struct json_writer json = json_writer(&cli->out);

	json_begin_object(&json);
	json_key(&json, STR("keys"));
	json_begin_array(&json);
	for (size_t i = 0; i < count; i++) {
		json_begin_object(&json);
		json_kv_str(&json, "key_id", keys[i].key_id);
		json_kv_str(&json, "user_id", keys[i].user_id);
		json_kv_str(&json, "email", keys[i].email);
		json_kv_str(&json, "name", cli_or_null(keys[i].name));
		json_kv_str(&json, "role", str_from(role_names[keys[i].role]));
		json_kv_str(&json, "machine_id", cli_or_null(keys[i].machine_id));
		json_kv_str(&json, "status", str_from(key_status(cli, &keys[i])));
		json_kv_str(&json, "created_at", cli_time_text(cli, keys[i].created_ns));
		json_kv_str(&json, "expires_at", expiry_text(cli, &keys[i]));
		json_kv_str(&json, "revoked_at", cli_time_text(cli, keys[i].revoked_ns));
		json_kv_str(&json, "used_at", cli_time_text(cli, keys[i].used_ns));
		json_end_object(&json);
	}
	json_end_array(&json);
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
}

static int keys_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	static const char *const headings[] = { "KEY", "EMAIL", "NAME", "ROLE", "STATUS", "USED" };
	static const enum table_align aligns[] = { TABLE_LEFT, TABLE_LEFT, TABLE_LEFT, TABLE_LEFT,
		TABLE_LEFT, TABLE_LEFT };
	struct table *table = table_new(&cli->arena, ARRAY_LEN(headings), headings, aligns);
	struct store *store;
	struct api_key *keys;
	size_t count;

	(void)operands;
	if (begin_list(cli, values, &store, err) < 0 ||
		key_list(store, &cli->arena, &keys, &count, err) < 0)
		return err->code;
	if (cli->globals.json) {
		keys_json(cli, keys, count);
		return 0;
	}
	for (size_t i = 0; i < count; i++)
		table_row(table,
			(const struct str[]){ str_sub(keys[i].key_id, 0, SHORT_ID), keys[i].email,
				keys[i].name.len > 0 ? keys[i].name : STR("-"),
				str_from(role_names[keys[i].role]),
				str_from(key_status(cli, &keys[i])),
				cli_ago(cli, keys[i].used_ns, "never") });
	if (count > 0)
		table_print(table, &cli->out);
	else
		log_info(&cli->log, "No keys: 'tt serve generate-key' makes one.");
	return 0;
}

const struct command command_serve_keys = {
	.name = "keys",
	.summary = "all keys, revoked and expired ones too",
	.usage = "[--testing]",
	.args = { .options = list_options, .option_count = ARRAY_LEN(list_options) },
	.values_size = sizeof(struct list_values),
	.run = keys_run,
};

/* --- revoke --- */

static int revoke_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	struct json_writer json = json_writer(&cli->out);
	struct store *store;
	int64_t revoked;

	if (begin_list(cli, values, &store, err) < 0 ||
		key_revoke(store, str_from(operands->items[0]), cli->now_ns, &revoked, err) < 0)
		return err->code;
	log_info(&cli->log, revoked > 0 ? "%lld key%s revoked." : "%lld key%s: none was good.",
		(long long)revoked, cli_plural(revoked));
	if (!cli->globals.json)
		return 0;
	json_begin_object(&json);
	json_kv_i64(&json, "revoked", revoked);
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
	return 0;
}

const struct command command_serve_revoke = {
	.name = "revoke",
	.summary = "take back a key, or all keys of a user",
	.usage = "WHICH [--testing]",
	.details =
		"WHICH is a key's id, the first 8 or more characters of it, or an e-mail address.",
	.args = { .options = list_options,
		.option_count = ARRAY_LEN(list_options),
		.min_operands = 1,
		.max_operands = 1,
		.operands = "WHICH" },
	.values_size = sizeof(struct list_values),
	.run = revoke_run,
};
