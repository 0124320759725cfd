/*
 * The identity file. It is made complete beside its place and linked there, so that of two
 * processes at once one wins and nobody ever sees half a file; a label change replaces it
 * atomically. A damaged file is somebody's data: it is reported, not repaired.
 */
#include "model/machine.h"

#include <stdio.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/utf8.h"
#include "base/uuid.h"
#include "model/id.h"
#include "model/limits.h"

enum { MACHINE_FILE_BYTES = 64 << 10 };

static const char *file_path(struct arena *arena, const char *data_dir)
{
	return fs_join(arena, data_dir, "machine.json");
}

struct str machine_host_name(struct arena *arena)
{
	char name[256] = "";

	if (gethostname(name, sizeof(name) - 1) < 0 || name[0] == '\0')
		return STR("unknown");
	return arena_str(arena, str_from(name));
}

/* systemd's machine id (machine-id(5)); "-" where there is none, and until the first boot has made
 * it. */
static void add_machine_id(struct buf *out)
{
	struct buf id CLEANUP(buf_release) = BUF_INIT;
	struct err ignored;

	if (fs_read("/etc/machine-id", 4096, &id, &ignored) < 0 || buf_str(&id).len == 0 ||
		str_starts(buf_str(&id), STR("uninitialized")))
		buf_addc(out, "-");
	else
		buf_add(out, buf_str(&id));
}

/* A hash of what tells hosts apart: the name and, if known, systemd's machine id. */
static struct str host_fingerprint(struct arena *arena, bool with_id)
{
	struct buf text CLEANUP(buf_release) = BUF_INIT;
	uint8_t hash[16];
	char hex[33];

	buf_add(&text, machine_host_name(arena));
	buf_byte(&text, '\n');
	if (with_id)
		add_machine_id(&text);
	else
		buf_addc(&text, "-");
	hash128(buf_str(&text), hash);
	hash_hex(hash, sizeof(hash), hex);
	return arena_str(arena, str_from(hex));
}

static int check_label(struct str label, struct err *err)
{
	if (label.len == 0 || label.len > LIMIT_NAME_BYTES || !utf8_valid(label))
		return err_set(
			err, ERR_USAGE, "a label is 1 to %d bytes of UTF-8 text", LIMIT_NAME_BYTES);
	for (size_t i = 0; i < label.len; i++)
		if ((unsigned char)label.ptr[i] < 0x20 || label.ptr[i] == 0x7f)
			return err_set(err, ERR_USAGE,
				"a label holds no line breaks or control characters");
	return 0;
}

static int parse(const char *path, struct str text, struct arena *arena, struct machine *out,
	struct err *err)
{
	struct buf id CLEANUP(buf_release) = BUF_INIT;
	struct json_parser parser = { 0 };
	const struct json *root;
	int rc = json_parse(&parser, text, false, &root, err);

	if (rc == 0 && !uuid_valid(json_get_str(root, "machine_id")))
		rc = err_set(err, ERR_PARSE, "no machine_id, a UUID, in it");
	if (rc == 0) {
		id_add_machine(&id, json_get_str(root, "machine_id"));
		*out = (struct machine){
			.id = arena_str(arena, buf_str(&id)),
			.label = arena_str(arena, json_get_str(root, "label")),
			.hostname = arena_str(arena, json_get_str(root, "hostname")),
			.fingerprint = arena_str(arena, json_get_str(root, "fingerprint")),
		};
	}
	json_parser_release(&parser);
	if (rc < 0) {
		err->code = ERR_PARSE;
		return err_context(err,
			"%s is damaged and was left as it is; restore it from a backup, "
			"or move it away to start as a new machine",
			path);
	}
	return 0;
}

int machine_load(const char *data_dir, struct arena *arena, struct machine *out, struct err *err)
{
	struct buf text CLEANUP(buf_release) = BUF_INIT;
	const char *path = file_path(arena, data_dir);
	int rc = fs_read(path, MACHINE_FILE_BYTES, &text, err);

	if (rc == ERR_NOT_FOUND)
		return err_set(err, ERR_IDENTITY, "%s", MACHINE_MISSING);
	if (rc < 0)
		return rc;
	return parse(path, buf_str(&text), arena, out, err);
}

static void render(const struct machine *machine, struct buf *out)
{
	struct json_writer writer = json_writer(out);

	json_begin_object(&writer);
	json_kv_str(&writer, "machine_id", machine->id);
	json_kv_str(&writer, "label", machine->label);
	json_kv_str(&writer, "hostname", machine->hostname);
	json_kv_str(&writer, "fingerprint", machine->fingerprint);
	json_end_object(&writer);
	buf_byte(out, '\n');
}

static int create(const char *data_dir, struct str label, struct arena *arena, struct machine *out,
	struct err *err)
{
	struct buf text CLEANUP(buf_release) = BUF_INIT;
	char id[UUID_BYTES + 1];
	int rc;

	uuid_v4(id);
	*out = (struct machine){
		.id = arena_str(arena, str_from(id)),
		.hostname = machine_host_name(arena),
		.fingerprint = host_fingerprint(arena, true),
	};
	out->label = label.len > 0 ? label : out->hostname;
	rc = fs_make_dirs(data_dir, 0700, err);
	if (rc < 0)
		return rc;
	render(out, &text);
	return fs_create_atomic(file_path(arena, data_dir), buf_str(&text), 0600, err);
}

static int relabel(const char *data_dir, struct str label, struct arena *arena,
	struct machine *machine, struct err *err)
{
	struct buf text CLEANUP(buf_release) = BUF_INIT;

	if (label.len == 0 || str_eq(label, machine->label))
		return 0;
	machine->label = label;
	render(machine, &text);
	return fs_write_atomic(file_path(arena, data_dir), buf_str(&text), 0600, err);
}

int machine_init(const char *data_dir, const char *label, struct arena *arena, struct machine *out,
	bool *created, struct err *err)
{
	struct str text = label ? arena_str(arena, str_from(label)) : (struct str){ NULL, 0 };
	int rc = label ? check_label(text, err) : 0;

	*created = false;
	if (rc < 0)
		return rc;
	rc = machine_load(data_dir, arena, out, err);
	if (rc == ERR_IDENTITY) {
		rc = create(data_dir, text, arena, out, err);
		*created = rc == 0;
		if (rc == ERR_EXISTS) /* another process was faster: its identity is ours */
			rc = machine_load(data_dir, arena, out, err);
	}
	if (rc < 0 || *created)
		return rc;
	return relabel(data_dir, text, arena, out, err);
}

bool machine_is_this_host(const struct machine *machine)
{
	struct arena arena;
	bool same;

	if (machine->fingerprint.len == 0)
		return true;
	arena_init(&arena, 0);
	/* A host that had no machine id may have got one since: then its name has to do. */
	same = str_eq(machine->fingerprint, host_fingerprint(&arena, true)) ||
	       str_eq(machine->fingerprint, host_fingerprint(&arena, false));
	arena_release(&arena);
	return same;
}
