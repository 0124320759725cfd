/*
 * Imports: an export in the body, or files of a form, which become one export. It is parsed before
 * the writer sees it, and its shape is checked before anything is written (sync/aw_import.h).
 */
#include "serve/api/answer.h"
#include "serve/api/multipart.h"
#include "serve/api/transfer.h"
#include "serve/server.h"
#include "sync/aw_import.h"

struct import_given {
	const struct json *root;
};

/* --- documents --- */

/* The buckets of an export; NULL when ROOT is none, or one bucket alone. */
static const struct json *buckets_of(const struct json *root)
{
	const struct json *buckets = json_is(root, JSON_ARRAY) ? root : json_get(root, "buckets");

	return json_is(buckets, JSON_ARRAY) || json_is(buckets, JSON_OBJECT) ? buckets : NULL;
}

/* A bucket without an id of its own has the one under which it stands. */
static void put_bucket(struct json_writer *writer, struct str id, const struct json *bucket)
{
	struct json_iter iter = json_iter(bucket);
	const struct json *value;
	struct str key;

	if (id.len == 0 || !json_is(bucket, JSON_OBJECT) || json_get_str(bucket, "id").len > 0) {
		json_put_value(writer, bucket);
		return;
	}
	json_begin_object(writer);
	json_kv_str(writer, "id", id);
	while (json_next(&iter, &key, &value)) {
		json_key(writer, key);
		json_put_value(writer, value);
	}
	json_end_object(writer);
}

/* The buckets of one file. What is no bucket goes along, to be refused with the rest. */
static void put_buckets(struct json_writer *writer, const struct json *root)
{
	const struct json *buckets = buckets_of(root), *bucket;
	struct json_iter iter = json_iter(buckets);
	struct str id;

	if (!buckets)
		json_put_value(writer, root);
	while (json_next(&iter, &id, &bucket))
		put_bucket(writer, id, bucket);
}

static int parse(
	struct call *call, struct str text, size_t index, const struct json **root, struct err *err)
{
	struct err fault;

	if (json_parse(&call->parser, text, false, root, &fault) == 0)
		return 0;
	return call_fail(
		call, 400, err, "File %zu of the form is not JSON: %s", index + 1, fault.message);
}

/* All files as one array of buckets. */
static int join(struct call *call, const struct str *files, size_t count,
	struct import_given *given, struct err *err)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct json_writer writer = json_writer(&text);

	json_begin_array(&writer);
	for (size_t i = 0; i < count; i++) {
		if (parse(call, files[i], i, &given->root, err) < 0)
			return err->code;
		put_buckets(&writer, given->root);
	}
	json_end_array(&writer);
	return parse(call, arena_str(call->arena, buf_str(&text)), 0, &given->root, err);
}

/* --- the request --- */

static int read_form(
	struct call *call, struct str type, struct import_given *given, struct err *err)
{
	struct str files[MULTIPART_PARTS];
	struct err fault;
	size_t count;

	if (multipart_parse(type, http_body(call->http), files, &count, &fault) < 0)
		return call_fail(
			call, fault.code == ERR_LIMIT ? 413 : 400, err, "%s", fault.message);
	if (count == 0)
		return call_fail(call, 422, err, "The form holds no file");
	if (count > 1)
		return join(call, files, count, given, err);
	return parse(call, files[0], 0, &given->root, err);
}

int import_prepare(struct call *call, struct err *err)
{
	struct str type = http_header(call->http, "Content-Type", NULL);
	struct import_given *given = arena_zalloc(call->arena, 1, sizeof(*given));

	call->prepared = given;
	if (multipart_is(type))
		return read_form(call, type, given, err);
	return call_body_json(call, &given->root, err);
}

/* The host that the buckets are of: an export is one computer's. */
static struct str first_host(const struct json *root)
{
	struct json_iter iter = json_iter(buckets_of(root));
	const struct json *bucket;
	struct str id;

	while (buckets_of(root) && json_next(&iter, &id, &bucket))
		if (json_get_str(bucket, "hostname").len > 0)
			return json_get_str(bucket, "hostname");
	return json_get_str(root, "hostname");
}

static int run(struct call *call, struct store *store, struct intake *intake,
	struct aw_import_counts *counts, struct err *err)
{
	const struct import_given *given = call->prepared;
	struct aw_import_options options = {
		.hostname = answer_host(call),
		.origin = STR("import"),
		.path = STR(""),
	};
	int rc = answer_machine(call, store, first_host(given->root), &options.machine_id, err);

	if (rc == ERR_USAGE)
		return answer_body(call, err);
	if (rc == 0)
		rc = intake_device(intake, options.machine_id, err);
	if (rc < 0)
		return rc;
	if (aw_import_json(intake, given->root, &options, counts, err) == 0)
		return 0;
	/* The shape is refused before anything is written. */
	return err->code == ERR_PARSE ? answer_body(call, err) : err->code;
}

static void put_reasons(struct json_writer *writer, const struct aw_import_counts *counts)
{
	json_key(writer, STR("reasons"));
	json_begin_object(writer);
	for (size_t i = 0; i < INTAKE_REASONS && counts->reasons[i].count > 0; i++)
		json_kv_i64(writer, counts->reasons[i].reason, counts->reasons[i].count);
	json_end_object(writer);
}

int import_handle(struct call *call, struct store *store, struct intake *intake, struct err *err)
{
	struct aw_import_counts counts = { 0 };
	struct json_writer writer;
	int rc = run(call, store, intake, &counts, err);

	if (rc < 0)
		return rc;
	writer = call_json(call);
	json_begin_object(&writer);
	json_key(&writer, STR("buckets"));
	json_begin_object(&writer);
	json_kv_i64(&writer, "new", counts.buckets_made);
	json_kv_i64(&writer, "known", counts.buckets_known);
	json_kv_i64(&writer, "readonly", counts.buckets_readonly);
	json_end_object(&writer);
	json_key(&writer, STR("events"));
	json_begin_object(&writer);
	json_kv_i64(&writer, "new", counts.new_events);
	json_kv_i64(&writer, "duplicate", counts.duplicate);
	json_kv_i64(&writer, "quarantined", counts.quarantined);
	put_reasons(&writer, &counts);
	json_end_object(&writer);
	json_end_object(&writer);
	return 0;
}

const struct route_doc import_doc = {
	.tag = "export",
	.summary =
		"Take an export of any ActivityWatch server: as the body, or as files of a form. What is there already is not added again",
	.body = "Import",
	.answer = "Imported",
	.statuses = { { 413, "Too large for a request: see `tt import`" },
		{ 422, "JSON, but no export" } },
};
