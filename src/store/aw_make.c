/* Buckets and settings, as clients of the ActivityWatch API make and change them. */
#include "base/utf8.h"
#include "base/uuid.h"
#include "model/limits.h"
#include "store/aw_name.h"
#include "store/aw_write.h"
#include "store/intake_part.h"
#include "store/sql/aw_rows.h"

/* --- what names may be --- */

static bool has_control(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
			return true;
	return false;
}

static int check_name(const char *what, struct str name, struct err *err)
{
	if (name.len > LIMIT_NAME_BYTES)
		return err_set(err, ERR_USAGE, "the bucket's %s is longer than %d bytes", what,
			LIMIT_NAME_BYTES);
	if (has_control(name) || !utf8_valid(name))
		return err_set(err, ERR_USAGE,
			"the bucket's %s holds a control character or is no UTF-8", what);
	return 0;
}

static int check_data(struct str data, struct err *err)
{
	if (data.len > LIMIT_EVENT_BYTES)
		return err_set(err, ERR_LIMIT, "the bucket's data is longer than %d bytes",
			LIMIT_EVENT_BYTES);
	return 0;
}

static int check_fields(const struct aw_bucket *bucket, struct err *err)
{
	if (check_name("type", bucket->type, err) < 0 ||
		check_name("client", bucket->client, err) < 0 ||
		check_name("hostname", bucket->hostname, err) < 0)
		return err->code;
	return check_data(bucket->data, err);
}

/* --- making --- */

struct names {
	struct buf source;
	struct buf type;
};

static void names_release(struct names *names)
{
	buf_release(&names->source);
	buf_release(&names->type);
}

/* What the bucket will be in the store: encoding may make a name too long. */
static int make_names(const struct aw_bucket *bucket, struct names *names, struct err *err)
{
	if (bucket->id.len == 0)
		return err_set(err, ERR_USAGE, "a bucket needs an id");
	if (check_name("id", bucket->id, err) < 0 || check_fields(bucket, err) < 0)
		return err->code;
	if (!uuid_valid(bucket->machine_id))
		return err_set(
			err, ERR_USAGE, "'%.*s' is no machine id", STR_ARG(bucket->machine_id));
	aw_name_source(&names->source, bucket->id);
	aw_name_type(&names->type, bucket->type);
	if (names->source.len > LIMIT_NAME_BYTES || names->type.len > LIMIT_NAME_BYTES)
		return err_set(err, ERR_USAGE,
			"the bucket's id or type is too long: %d bytes, with each '%%' and ':' as three",
			LIMIT_NAME_BYTES);
	return 0;
}

/* What is there under the id of BUCKET, from its machine or shown under this very name. */
static int find_present(
	struct intake *intake, struct aw_bucket *bucket, bool *present, struct err *err)
{
	int64_t *no = &bucket->bucket_no;

	if (aw_row_made_by(intake->store, bucket->id, bucket->machine_id, no, err) < 0 ||
		(*no == 0 && aw_row_shown(intake->store, bucket->id, no, err) < 0))
		return err->code;
	*present = *no != 0;
	return 0;
}

static int make(
	struct intake *intake, struct aw_bucket *bucket, const struct names *names, struct err *err)
{
	struct aw_bucket row = *bucket;
	struct bucket *place;

	if (catalogue_bucket(intake->events.catalogue, bucket->machine_id, buf_str(&names->source),
		    buf_str(&names->type), true, &place, err) < 0)
		return err->code;
	row.bucket_no = bucket->bucket_no = place->bucket_no;
	if (row.data.len == 0)
		row.data = STR("{}");
	db_next_seq(intake->store); /* so that other processes look again */
	aw_memory_forget_targets(&intake->aw);
	intake->pending++;
	return aw_row_make(intake->store, &row, err);
}

int aw_make(struct intake *intake, struct aw_bucket *bucket, bool *made, struct err *err)
{
	CLEANUP(names_release) struct names names = { BUF_INIT, BUF_INIT };
	bool present = false;

	*made = false;
	if (make_names(bucket, &names, err) < 0 || intake_ready(intake, err) < 0)
		return err->code;
	if (find_present(intake, bucket, &present, err) < 0)
		return intake_check(intake, err->code, err);
	if (present)
		return 0;
	*made = true;
	return intake_check(intake, make(intake, bucket, &names, err), err);
}

/* --- changing --- */

/* These refuse; anything else is the store's failure. */
static int refuse_or_fail(struct intake *intake, int rc, struct err *err)
{
	if (rc == ERR_NOT_FOUND || rc == ERR_READONLY || rc == ERR_AMBIGUOUS)
		return rc;
	return intake_check(intake, rc, err);
}

static int begin_change(struct intake *intake, int64_t bucket_no, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct str id;

	if (intake_ready(intake, err) < 0)
		return err->code;
	return refuse_or_fail(
		intake, aw_row_writable(intake->store, bucket_no, &arena, &id, err), err);
}

int aw_change(
	struct intake *intake, int64_t bucket_no, const struct aw_bucket *fields, struct err *err)
{
	if (check_fields(fields, err) < 0 || begin_change(intake, bucket_no, err) < 0)
		return err->code;
	intake->pending++;
	return intake_check(intake, aw_row_change(intake->store, bucket_no, fields, err), err);
}

static int delete (struct intake *intake, int64_t bucket_no, struct err *err)
{
	int64_t deleted;

	/* Flushed, so that what is empty now is not shown any more to this batch either. */
	if (aw_rows_delete(&intake->events, bucket_no, &deleted, err) < 0 ||
		catalogue_flush(intake->events.catalogue, err) < 0)
		return err->code;
	db_next_seq(intake->store); /* so that other processes look again */
	aw_memory_forget_targets(&intake->aw);
	intake->counts.updated += deleted;
	intake->pending += (size_t)deleted + 1;
	return aw_row_delete(intake->store, bucket_no, err);
}

int aw_delete(struct intake *intake, int64_t bucket_no, struct err *err)
{
	if (begin_change(intake, bucket_no, err) < 0)
		return err->code;
	return intake_check(intake, delete (intake, bucket_no, err), err);
}

/* --- the bucket of an id --- */

/* There is none to write to: is there one to read? */
static int explain_absence(struct intake *intake, struct str id, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct aw_bucket bucket;
	int rc = aw_bucket_find(intake->store, id, &arena, &bucket, err);

	if (rc < 0)
		return refuse_or_fail(intake, rc, err);
	return err_set(err, ERR_READONLY,
		"the bucket '%.*s' was not made here over the ActivityWatch API: it cannot be written",
		STR_ARG(id));
}

int aw_target(struct intake *intake, struct str bucket_id, int64_t *bucket_no, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct aw_target *target;
	struct aw_bucket bucket;
	int rc;

	if (intake_ready(intake, err) < 0)
		return err->code;
	target = aw_memory_target(&intake->aw, intake->events.generation,
		store_actor(intake->store).machine_id, bucket_id);
	*bucket_no = target->bucket_no;
	if (target->bucket_no != 0)
		return 0;
	rc = aw_row_bucket(intake->store, bucket_id, &arena, &bucket, err);
	if (rc < 0)
		return refuse_or_fail(intake, rc, err);
	if (rc == 0)
		return explain_absence(intake, bucket_id, err);
	*bucket_no = bucket.bucket_no;
	/* A device's name may become another's, which nobody would hear of. */
	if (str_eq(bucket.id, bucket_id))
		target->bucket_no = bucket.bucket_no;
	return 0;
}

/* --- settings --- */

int aw_setting_put(struct intake *intake, struct str key, struct str value, struct err *err)
{
	if (key.len == 0)
		return err_set(err, ERR_USAGE, "a setting's key is empty");
	if (db_check_text("a setting's key", key, err) < 0)
		return err->code;
	if (key.len > LIMIT_SETTING_KEY_BYTES)
		return err_set(err, ERR_LIMIT, "a setting's key is longer than %d bytes",
			LIMIT_SETTING_KEY_BYTES);
	if (value.len > LIMIT_SMALL_BODY_BYTES)
		return err_set(err, ERR_LIMIT, "a setting is longer than %d bytes",
			LIMIT_SMALL_BODY_BYTES);
	if (intake_ready(intake, err) < 0)
		return err->code;
	intake->pending++;
	return intake_check(intake, aw_row_setting(intake->store, key, value, err), err);
}
