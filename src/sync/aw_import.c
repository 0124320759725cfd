/* Exports in memory, and servers' settings files: what is read as a whole. */
#include "sync/aw_import.h"

#include "base/fs.h"
#include "model/limits.h"
#include "sync/aw_sink.h"

/* --- the shape, before anything is written --- */

static int check_bucket(struct str key, const struct json *bucket, struct err *err)
{
	const struct json *events = json_get(bucket, "events");

	if (!json_is(bucket, JSON_OBJECT))
		return err_set(err, ERR_PARSE, "bucket '%.*s' is no object", STR_ARG(key));
	if (json_type(events) != JSON_NULL && json_type(events) != JSON_ARRAY)
		return err_set(err, ERR_PARSE, "the events of bucket '%.*s' are no array",
			STR_ARG(json_get_str(bucket, "id")));
	if (key.len == 0 && json_get_str(bucket, "id").len == 0)
		return err_set(err, ERR_PARSE, "a bucket has no id");
	return 0;
}

/* *BUCKETS: an object or array of them; NULL when ROOT itself is one. */
static int check_export(const struct json *root, const struct json **buckets, struct err *err)
{
	struct json_iter iter;
	const struct json *bucket;
	struct str key;

	*buckets = json_is(root, JSON_ARRAY) ? root : json_get(root, "buckets");
	if (!*buckets && json_get(root, "id"))
		return check_bucket((struct str){ NULL, 0 }, root, err);
	if (!json_is(*buckets, JSON_OBJECT) && !json_is(*buckets, JSON_ARRAY))
		return err_set(err, ERR_PARSE,
			"this is no export of ActivityWatch: it has no object \"buckets\"");
	iter = json_iter(*buckets);
	while (json_next(&iter, &key, &bucket))
		if (check_bucket(key, bucket, err) < 0)
			return err->code;
	return 0;
}

/* --- taking it --- */

static int take_bucket(
	struct aw_sink *sink, struct str key, const struct json *bucket, struct err *err)
{
	CLEANUP(buf_release) struct buf data = BUF_INIT;
	struct json_writer writer = json_writer(&data);
	struct aw_sink_bucket head = {
		.id = json_get_str(bucket, "id"),
		.type = json_get_str(bucket, "type"),
		.client = json_get_str(bucket, "client"),
		.hostname = json_get_str(bucket, "hostname"),
		.created = json_get_str(bucket, "created"),
	};
	struct json_iter iter = json_iter(json_get(bucket, "events"));
	const struct json *event;
	struct str ignored;

	if (head.id.len == 0)
		head.id = key;
	if (json_get(bucket, "data"))
		json_put_value(&writer, json_get(bucket, "data"));
	head.data = buf_str(&data);
	if (aw_sink_bucket(sink, &head, err) < 0)
		return err->code;
	while (json_next(&iter, &ignored, &event))
		if (aw_sink_json_event(sink, event, (struct str){ NULL, 0 }, -1, err) < 0)
			return err->code;
	return 0;
}

int aw_import_json(struct intake *intake, const struct json *root,
	const struct aw_import_options *options, struct aw_import_counts *counts, struct err *err)
{
	CLEANUP(aw_sink_release) struct aw_sink sink = { 0 };
	const struct json *buckets, *bucket;
	struct json_iter iter;
	struct str key;

	ASSERT(!options->dry_run); /* what the caller's intake holds is not ours to undo */
	*counts = (struct aw_import_counts){ 0 };
	if (check_export(root, &buckets, err) < 0 ||
		aw_sink_open(&sink, NULL, intake, options, err) < 0)
		return err->code;
	if (!buckets) {
		if (take_bucket(&sink, (struct str){ NULL, 0 }, root, err) < 0)
			return err->code;
	} else {
		iter = json_iter(buckets);
		while (json_next(&iter, &key, &bucket))
			if (take_bucket(&sink, key, bucket, err) < 0)
				return err->code;
	}
	if (aw_sink_end(&sink, err) < 0)
		return err->code;
	*counts = sink.committed;
	return 0;
}

/* --- settings --- */

static int take_settings(struct aw_sink *sink, const struct json *root, struct err *err)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct json_iter iter = json_iter(root);
	const struct json *value;
	struct str key;

	while (json_next(&iter, &key, &value)) {
		struct json_writer writer = json_writer(&text);

		buf_clear(&text);
		json_put_value(&writer, value);
		if (aw_sink_setting(sink, key, buf_str(&text), err) < 0)
			return err->code;
	}
	return aw_sink_end(sink, err);
}

int aw_import_settings(struct store *store, const char *path,
	const struct aw_import_options *options, struct aw_import_counts *counts, struct err *err)
{
	CLEANUP(aw_sink_release) struct aw_sink sink = { 0 };
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	const struct json *root;
	int rc;

	*counts = (struct aw_import_counts){ 0 };
	if (fs_read(path, LIMIT_DOCUMENT_BYTES, &text, err) < 0)
		return err->code;
	if (json_parse(&parser, buf_str(&text), true, &root, err) < 0)
		return err_context(err, "%s", path);
	if (!json_is(root, JSON_OBJECT))
		return err_set(err, ERR_PARSE, "%s: these are no settings: it is no object", path);
	if (aw_sink_open(&sink, store, NULL, options, err) < 0)
		return err->code;
	rc = take_settings(&sink, root, err);
	*counts = sink.committed;
	return rc;
}
