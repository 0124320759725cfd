#include "serve/lang_store.h"

#include "base/clock.h"
#include "base/hash.h"

static struct lang_bucket shown(const struct aw_bucket *bucket)
{
	return (struct lang_bucket){
		.id = bucket->id, .hostname = bucket->hostname, .no = bucket->bucket_no
	};
}

static int source_buckets(
	void *owner, struct arena *arena, struct lang_bucket **out, size_t *count, struct err *err)
{
	struct lang_store *self = owner;
	struct aw_bucket *buckets, streams;
	int rc = aw_buckets_brief(self->store, arena, &buckets, count, err);

	if (rc < 0)
		return rc;
	*out = arena_zalloc(arena, *count + 1, sizeof(**out));
	for (size_t i = 0; i < *count; i++)
		(*out)[i] = shown(&buckets[i]);
	if (self->url && stream_bucket_make(buckets, *count, self->hostname, self->actor.machine_id,
				 arena, &streams))
		(*out)[(*count)++] = shown(&streams);
	return 0;
}

/* --- the streams' bucket --- */

static int open_own(struct lang_store *self, struct err *err)
{
	const struct store_options options = {
		.url = self->url, .must_exist = true, .patience_ms = self->patience_ms
	};

	if (!self->own && store_open(&self->own, &options, err) < 0)
		return err->code;
	return store_as(self->own, &self->actor, err);
}

/* Never one that was there before: time alone lets an interval grow, and what people decide of a
 * stream changes all of its. */
static int64_t streams_version(void)
{
	return clock_monotonic_ns();
}

static int load_streams(struct lang_store *self, int64_t from_ns, int64_t to_ns,
	int (*row)(void *context, const struct lang_row *row, struct err *err), void *context,
	struct err *err)
{
	struct stream_bucket_events streams;
	int rc = open_own(self, err);

	if (rc == 0)
		rc = stream_bucket_load(
			self->own, &self->params, from_ns, to_ns, &self->arena, &streams, err);
	if (rc < 0)
		return rc;
	self->data = streams.data;
	self->data_count = streams.data_count;
	for (size_t i = 0; i < streams.count && rc >= 0; i++) {
		const struct aw_event *event = &streams.events[i];
		const struct lang_row one = { .number = event->number,
			.start_ns = event->start_ns,
			.duration_ns = event->duration_ns,
			.data_no = event->data_no };

		rc = row(context, &one, err);
	}
	return rc;
}

static int streams_data(
	const struct lang_store *self, int64_t data_no, struct buf *out, struct err *err)
{
	for (size_t i = 0; i < self->data_count; i++) {
		if (self->data[i].data_no == data_no) {
			buf_add(out, self->data[i].data);
			return 0;
		}
	}
	return err_set(err, ERR_NOT_FOUND, "no stream has data %lld", (long long)data_no);
}

void lang_store_streams(struct lang_store *source, const char *url, const char *hostname,
	const struct actor *actor, struct attention_params params)
{
	source->params = params;
	source->url = url;
	source->hostname = str_from(hostname);
	source->actor = *actor;
}

void lang_store_release(struct lang_store *source)
{
	store_close(source->own);
	source->own = NULL;
	arena_release(&source->arena);
}

/* --- the store's --- */

/* A version is the store's seq as of which the range shows what it shows. */
static int source_version(void *owner, int64_t bucket_no, int64_t from_ns, int64_t to_ns,
	int64_t known, int64_t *version, struct err *err)
{
	struct lang_store *self = owner;
	const struct aw_range range = {
		.bucket_no = bucket_no, .from_ns = from_ns, .to_ns = to_ns
	};
	bool changed;
	int rc;

	if (bucket_no == STREAM_BUCKET_NO) {
		*version = streams_version();
		return 0;
	}
	rc = aw_changed(self->store, &range, known, &changed, version, err);

	if (rc == 0 && !changed && known >= 0)
		*version = known;
	return rc;
}

static int source_load(void *owner, int64_t bucket_no, int64_t from_ns, int64_t to_ns,
	int (*row)(void *context, const struct lang_row *row, struct err *err), void *context,
	struct err *err)
{
	struct lang_store *self = owner;
	const struct aw_range range = {
		.bucket_no = bucket_no, .from_ns = from_ns, .to_ns = to_ns, .lean = true
	};
	CLEANUP(aw_scan_closep) struct aw_scan *scan = NULL;
	struct aw_event event;
	int rc;

	if (from_ns > to_ns)
		return 0;
	if (bucket_no == STREAM_BUCKET_NO)
		return load_streams(self, from_ns, to_ns, row, context, err);
	rc = aw_scan_open(&scan, self->store, &range, err);
	while (rc >= 0 && (rc = aw_scan_next(scan, &event, err)) == 1) {
		const struct lang_row one = { .number = event.number,
			.start_ns = event.start_ns,
			.duration_ns = event.duration_ns,
			.data_no = event.data_no };

		rc = row(context, &one, err);
	}
	return rc;
}

static int source_data(void *owner, int64_t data_no, struct buf *out, struct err *err)
{
	struct lang_store *self = owner;

	if (data_no < 0)
		return streams_data(self, data_no, out, err);
	return aw_data(self->store, data_no, out, err);
}

static int source_expect(void *owner, const int64_t *data_nos, size_t count, struct err *err)
{
	struct lang_store *self = owner;

	return aw_expect_data(self->store, data_nos, count, err);
}

int lang_store_init(struct lang_store *out, struct store *store, struct err *err)
{
	struct store_info info;
	int rc = store_info(store, &info, err);

	if (rc < 0)
		return rc;
	*out = (struct lang_store){ .store = store,
		.source = { .owner = out,
			.identity = hash64(str_from(info.store_id), info.file_no) | 1, /* never 0 */
			.buckets = source_buckets,
			.version = source_version,
			.load = source_load,
			.data = source_data,
			.expect = source_expect } };
	return 0;
}
