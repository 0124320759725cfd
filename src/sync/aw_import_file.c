/*
 * An export in a file: event by event, since exports of a few years are gigabytes.
 *
 * A bucket must be made before its first event, but its members may come in any order. So when its
 * events come before all that it takes to make it, the rest of the bucket is looked through first,
 * events passed over, and then read again from its beginning.
 */
#include "base/mem.h"
#include "model/limits.h"
#include "sync/aw_sink.h"
#include "sync/json_reader.h"

enum { EVENT_BYTES = 2 * LIMIT_EVENT_BYTES, MEMBER_BYTES = LIMIT_EVENT_BYTES };

struct file_import {
	struct json_reader reader;
	struct aw_sink sink;
	struct json_parser parser;
	struct buf text; /* the value at hand */
	struct buf key;
	struct arena arena; /* of the bucket at hand */
};

/* The text of a string, or of anything else as it stands there; views of F->parser. */
static int take_string(struct file_import *f, struct buf *out, struct str *value, struct err *err)
{
	const struct json *parsed;
	int64_t bytes;

	if (json_reader_take(&f->reader, MEMBER_BYTES, out, &bytes, err) < 0)
		return err->code;
	if (json_parse(&f->parser, buf_str(out), true, &parsed, err) < 0)
		return err_context(err, "%s: before byte %lld", f->reader.path,
			(long long)json_reader_tell(&f->reader));
	*value = json_str(parsed);
	return 0;
}

/* The next member of an object: its key into f->key, unless *MORE is false; its value comes next.
 */
static int next_member(struct file_import *f, bool *first, bool *more, struct err *err)
{
	struct str key;

	if (json_reader_more(&f->reader, '}', first, more, err) < 0)
		return err->code;
	if (!*more)
		return 0;
	if (take_string(f, &f->text, &key, err) < 0)
		return err->code;
	buf_clear(&f->key);
	buf_add(&f->key, key);
	return json_reader_pass(&f->reader, ':', err);
}

static int skip_value(struct file_import *f, struct err *err)
{
	int64_t bytes;

	return json_reader_take(&f->reader, 0, &f->text, &bytes, err);
}

/* --- what a bucket is --- */

enum { HEAD_ID, HEAD_TYPE, HEAD_CLIENT, HEAD_HOSTNAME, HEAD_CREATED, HEAD_DATA, HEAD_MEMBERS };
static const char *const head_names[HEAD_MEMBERS] = { "id", "type", "client", "hostname", "created",
	"data" };

struct head {
	struct str values[HEAD_MEMBERS];
	size_t seen;
};

static int take_head_value(struct file_import *f, struct head *head, size_t member, struct err *err)
{
	struct str value;

	if (take_string(f, &f->text, &value, err) < 0)
		return err->code;
	if (member == HEAD_DATA)
		value = buf_str(&f->text);
	if (head->values[member].ptr) /* of repeated members the first counts, everywhere */
		return 0;
	head->seen++;
	head->values[member] = arena_str(&f->arena, value);
	return 0;
}

/* The members of the bucket, until all are known. */
static int read_head(struct file_import *f, struct head *head, struct err *err)
{
	bool first = true, more;

	if (json_reader_pass(&f->reader, '{', err) < 0)
		return err->code;
	while (head->seen < HEAD_MEMBERS) {
		size_t member = 0;

		if (next_member(f, &first, &more, err) < 0)
			return err->code;
		if (!more)
			break;
		while (member < HEAD_MEMBERS && !str_eq_c(buf_str(&f->key), head_names[member]))
			member++;
		if ((member < HEAD_MEMBERS ? take_head_value(f, head, member, err)
					   : skip_value(f, err)) < 0)
			return err->code;
	}
	return 0;
}

/* --- its events --- */

static int take_event(struct file_import *f, struct err *err)
{
	struct aw_sink_origin origin;
	const struct json *event;
	char first;

	if (json_reader_peek(&f->reader, &first, err) < 0)
		return err->code;
	origin.offset = json_reader_tell(&f->reader);
	if (json_reader_take(&f->reader, EVENT_BYTES, &f->text, &origin.bytes, err) < 0)
		return err->code;
	origin.raw = buf_str(&f->text);
	if (f->sink.skip)
		return 0;
	if (origin.bytes > EVENT_BYTES)
		return aw_sink_refuse(&f->sink, &origin, "too_long", "the event is too long", err);
	if (json_parse(&f->parser, origin.raw, true, &event, err) < 0)
		return aw_sink_refuse(&f->sink, &origin,
			err->code == ERR_LIMIT ? "too_deep" : "not_json", err->message, err);
	return aw_sink_json_event(&f->sink, event, origin.raw, origin.offset, err);
}

static int take_events(struct file_import *f, struct err *err)
{
	bool first = true, more;
	char kind;

	if (json_reader_peek(&f->reader, &kind, err) < 0)
		return err->code;
	if (kind == 'n') /* null: none */
		return skip_value(f, err);
	if (json_reader_pass(&f->reader, '[', err) < 0)
		return err_context(err, "the events of bucket '%.*s' are no array",
			STR_ARG(f->sink.bucket_id));
	for (;;) {
		if (json_reader_more(&f->reader, ']', &first, &more, err) < 0)
			return err->code;
		if (!more)
			return 0;
		if (take_event(f, err) < 0 || aw_sink_pace(&f->sink, json_reader_tell(&f->reader),
						      f->reader.bytes, err) < 0)
			return err->code;
	}
}

static int make_bucket(
	struct file_import *f, struct str key, const struct head *head, struct err *err)
{
	const struct aw_sink_bucket bucket = {
		.id = head->values[HEAD_ID].len > 0 ? head->values[HEAD_ID] : key,
		.type = head->values[HEAD_TYPE],
		.client = head->values[HEAD_CLIENT],
		.hostname = head->values[HEAD_HOSTNAME],
		.created = head->values[HEAD_CREATED],
		.data = head->values[HEAD_DATA],
	};

	return aw_sink_bucket(&f->sink, &bucket, err);
}

/* The bucket that comes next; KEY is its name in the map, which counts only when it has no id. */
static int take_bucket(struct file_import *f, struct str key, struct err *err)
{
	struct head head = { 0 };
	bool first = true, more = true, taken = false;
	int64_t begin;
	char kind;

	if (json_reader_peek(&f->reader, &kind, err) < 0)
		return err->code;
	begin = json_reader_tell(&f->reader);
	/* Of a bucket that is cut, what came is taken as far as possible: the error comes with the
	 * second reading. Without what makes it, it is none. */
	if (read_head(f, &head, err) < 0 && !(f->reader.cut && head.seen > 0))
		return err->code;
	if (make_bucket(f, key, &head, err) < 0 || json_reader_seek(&f->reader, begin, err) < 0 ||
		json_reader_pass(&f->reader, '{', err) < 0)
		return err->code;
	for (;;) {
		if (next_member(f, &first, &more, err) < 0)
			return err->code;
		if (!more)
			return 0;
		if (taken || !str_eq_c(buf_str(&f->key), "events")) {
			if (skip_value(f, err) < 0)
				return err->code;
			continue;
		}
		taken = true;
		if (take_events(f, err) < 0)
			return err->code;
	}
}

/* --- the file --- */

/* An object of buckets, or an array. */
static int take_buckets(struct file_import *f, struct err *err)
{
	bool first = true, more;
	char kind;

	if (json_reader_peek(&f->reader, &kind, err) < 0)
		return err->code;
	if (kind != '[' && json_reader_pass(&f->reader, '{', err) < 0)
		return err_context(err, "\"buckets\" is no object");
	if (kind == '[' && json_reader_pass(&f->reader, '[', err) < 0)
		return err->code;
	for (;;) {
		struct str key = STR("");

		arena_reset(&f->arena);
		if ((kind == '[' ? json_reader_more(&f->reader, ']', &first, &more, err)
				 : next_member(f, &first, &more, err)) < 0)
			return err->code;
		if (!more)
			return 0;
		if (kind != '[')
			key = arena_str(&f->arena, buf_str(&f->key));
		if (take_bucket(f, key, err) < 0)
			return err->code;
	}
}

/* The object that the file is: an export, or (with `id`, and without `buckets`) one bucket. */
static int take_object(struct file_import *f, struct err *err)
{
	int64_t begin = json_reader_tell(&f->reader);
	bool first = true, more, found = false, bucket = false;

	if (json_reader_pass(&f->reader, '{', err) < 0)
		return err->code;
	for (;;) {
		if (next_member(f, &first, &more, err) < 0)
			return err->code;
		if (!more)
			break;
		bucket |= str_eq_c(buf_str(&f->key), "id");
		if (found || !str_eq_c(buf_str(&f->key), "buckets")) {
			if (skip_value(f, err) < 0)
				return err->code;
			continue;
		}
		found = true;
		if (take_buckets(f, err) < 0)
			return err->code;
	}
	if (found)
		return 0;
	if (!bucket)
		return err_set(err, ERR_PARSE,
			"%s is no export of ActivityWatch: it has no \"buckets\"", f->reader.path);
	if (json_reader_seek(&f->reader, begin, err) < 0)
		return err->code;
	return take_bucket(f, STR(""), err);
}

static int take_file(struct file_import *f, struct err *err)
{
	char kind;

	if (json_reader_peek(&f->reader, &kind, err) < 0)
		return err->code;
	if (kind != '{' && kind != '[')
		return err_set(err, ERR_PARSE, "%s is no export of ActivityWatch", f->reader.path);
	if ((kind == '[' ? take_buckets(f, err) : take_object(f, err)) < 0 ||
		json_reader_end(&f->reader, err) < 0)
		return err->code;
	return aw_sink_end(&f->sink, err);
}

static void release(struct file_import *f)
{
	json_reader_release(&f->reader);
	aw_sink_release(&f->sink);
	json_parser_release(&f->parser);
	buf_release(&f->text);
	buf_release(&f->key);
	arena_release(&f->arena);
}

int aw_import_file(struct store *store, const char *path, const struct aw_import_options *options,
	struct aw_import_counts *counts, struct err *err)
{
	CLEANUP(release) struct file_import f = { 0 };
	int rc;

	*counts = (struct aw_import_counts){ 0 };
	if (json_reader_open(&f.reader, path, err) < 0 ||
		aw_sink_open(&f.sink, store, NULL, options, err) < 0)
		return err->code;
	if (options->path.len == 0) /* its name means nothing to people */
		f.reader.path = "the input";
	rc = take_file(&f, err);
	*counts = f.sink.committed;
	return rc;
}
