/* Machines as devices: the rows of machine, with what they said of themselves over the server and
 * what sync learned of them. */
#include "base/utf8.h"
#include "base/uuid.h"
#include "model/id.h"
#include "model/limits.h"
#include "store/keys.h"
#include "store/sql/catalogue.h"

static void take(struct db_statement *stmt, struct arena *arena, struct device *out)
{
	out->machine_id = db_col_copy(stmt, 0, arena);
	out->label = db_col_copy(stmt, 1, arena);
	out->hostname = db_col_copy(stmt, 2, arena);
	out->version = db_col_copy(stmt, 3, arena);
	out->registered_ns = db_col_i64(stmt, 4);
	out->seen_ns = db_col_i64(stmt, 5);
}

/* MACHINE_ID with ptr NULL: all. Events whose id names no machine come from no device. */
static int query(struct store *store, struct str machine_id, struct db_rows *rows, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	struct device device;
	int rc;

	if (db_stmt(store,
		    "SELECT m.machine_id, m.label, m.hostname, coalesce(nullif(d.version, ''), p.version, ''),"
		    " coalesce(d.registered_ns, -9223372036854775808),"
		    " CASE WHEN p.synced_at_ns IS NULL OR d.seen_ns > p.synced_at_ns"
		    " THEN coalesce(d.seen_ns, -9223372036854775808) ELSE p.synced_at_ns END"
		    " FROM machine m LEFT JOIN device d USING (" OWNER "machine_no)"
		    " LEFT JOIN peer p USING (" OWNER "machine_no)"
		    " WHERE m.machine_id <> '' AND (CAST(?1 AS BIGINT) <> 0 OR m.machine_id = ?2)"
		    " /*!AND m.user_no = $0*/ ORDER BY m.label, m.machine_id",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, machine_id.ptr == NULL);
	db_bind_str(stmt, 2, machine_id);
	while ((rc = db_step(store, stmt, err)) == 1) {
		take(stmt, rows->arena, &device);
		db_rows_add(rows, &device);
	}
	return rc;
}

int device_list(struct store *store, struct arena *arena, struct device **out, size_t *count,
	struct err *err)
{
	struct db_rows rows = db_rows(arena, sizeof(**out));
	int rc = query(store, (struct str){ NULL, 0 }, &rows, err);

	*out = rows.items;
	*count = rows.count;
	return rc;
}

static int check_text(const char *what, struct str text, struct err *err)
{
	bool bad = text.len > LIMIT_NAME_BYTES;

	for (size_t i = 0; i < text.len && !bad; i++)
		bad = (unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f;
	if (!bad && utf8_valid(text))
		return 0;
	return err_set(err, ERR_USAGE,
		"the device's %s is longer than %d bytes, holds a control character or is no UTF-8",
		what, LIMIT_NAME_BYTES);
}

static int check_device(const struct device *device, struct err *err)
{
	if (!uuid_valid(device->machine_id))
		return err_set(err, ERR_USAGE, "'%.*s' is no machine id: it must be a UUID",
			STR_ARG(device->machine_id));
	if (check_text("label", device->label, err) < 0 ||
		check_text("hostname", device->hostname, err) < 0)
		return err->code;
	return check_text("version", device->version, err);
}

static int put_names(
	struct store *store, int64_t machine_no, const struct device *device, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store,
		    "UPDATE machine SET label = coalesce(nullif(?, ''), label),"
		    " hostname = coalesce(nullif(?, ''), hostname) WHERE " OWN "machine_no = ?",
		    &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, device->label);
	db_bind_str(stmt, 2, device->hostname);
	db_bind_i64(stmt, 3, machine_no);
	return db_exec(store, stmt, err);
}

static int put_device(struct store *store, int64_t machine_no, int64_t now_ns,
	const struct device *device, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store,
		    "INSERT INTO device (" OWNER "machine_no, version, registered_ns, seen_ns)"
		    " VALUES (" OWN_VALUE "?1, ?2, ?3, ?3) ON CONFLICT (" OWNER
		    "machine_no) DO UPDATE SET"
		    " version = coalesce(nullif(excluded.version, ''), device.version),"
		    " seen_ns = CASE WHEN excluded.seen_ns > device.seen_ns"
		    " THEN excluded.seen_ns ELSE device.seen_ns END",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, machine_no);
	db_bind_str(stmt, 2, device->version);
	db_bind_i64(stmt, 3, now_ns);
	return db_exec(store, stmt, err);
}

static int put(struct store *store, int64_t now_ns, struct device *device, struct arena *arena,
	struct err *err)
{
	CLEANUP(buf_release) struct buf machine_id = BUF_INIT;
	struct db_rows rows = db_rows(arena, sizeof(*device));
	int64_t machine_no;

	id_add_machine(&machine_id, device->machine_id);
	if (machine_number(store, buf_str(&machine_id), true, &machine_no, err) < 0 ||
		put_names(store, machine_no, device, err) < 0 ||
		put_device(store, machine_no, now_ns, device, err) < 0 ||
		query(store, buf_str(&machine_id), &rows, err) < 0)
		return err->code;
	ASSERT(rows.count == 1);
	memcpy(device, rows.items, sizeof(*device));
	return 0;
}

int device_register(struct store *store, int64_t now_ns, struct device *device, struct arena *arena,
	struct err *err)
{
	bool own;

	if (check_device(device, err) < 0 || db_write_join(store, &own, err) < 0)
		return err->code;
	return db_write_leave(store, own, put(store, now_ns, device, arena, err), err);
}
