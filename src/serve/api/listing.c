/*
 * A listing is a list of parts and a place in it. The same filling serves both ways: once with the
 * worker's connection until the answer is complete or no longer short; then, from its beginning
 * again, with a connection of its own. So what is long costs LISTING_SHORT_BYTES twice, and what is
 * short, nearly everything, costs no connection.
 */
#include "serve/api/listing.h"

#include <stdlib.h>

#include "serve/api/answer.h"
#include "serve/api/aw_json.h"
#include "serve/server.h"
#include "serve/stream_bucket.h"

struct part {
	struct str text; /* ptr NULL: events */
	struct listing_events events;
};

struct listing {
	struct attention_params attention;
	struct arena arena; /* of the texts */
	struct part *parts;
	size_t count;
	size_t room;
	/* The place: */
	size_t at;
	uint64_t done; /* events of this part */
	struct aw_scan *scan;
	struct store *store; /* where it reads */
	struct store *own;
};

struct listing *listing_new(struct attention_params attention)
{
	struct listing *listing = mem_zalloc(sizeof(*listing));

	listing->attention = attention;
	return listing;
}

void listing_free(struct listing *listing)
{
	if (!listing)
		return;
	aw_scan_close(listing->scan);
	if (listing->own)
		store_snapshot_end(listing->own);
	store_close(listing->own);
	arena_release(&listing->arena);
	free(listing->parts);
	free(listing);
}

void listing_freep(struct listing **listing)
{
	listing_free(*listing);
}

static struct part *add_part(struct listing *listing)
{
	struct part *part;

	if (listing->count == listing->room) {
		listing->room = listing->room ? 2 * listing->room : 8;
		listing->parts = mem_resize(listing->parts, listing->room, sizeof(*listing->parts));
	}
	part = &listing->parts[listing->count++];
	*part = (struct part){ 0 };
	return part;
}

void listing_text(struct listing *listing, struct str text)
{
	add_part(listing)->text = arena_str(&listing->arena, text);
}

int listing_events(struct listing *listing, const struct listing_events *events,
	struct store *store, struct err *err)
{
	const struct aw_range *range = &events->range;
	struct part *part = add_part(listing);
	struct stream_bucket_events streams;

	part->events = *events;
	if (range->bucket_no != STREAM_BUCKET_NO)
		return 0;
	if (stream_bucket_load(store, &listing->attention, range->from_ns, range->to_ns,
		    &listing->arena, &streams, err) < 0)
		return err->code;
	part->events.made = streams.events;
	part->events.made_count = streams.count;
	return 0;
}

static void next_part(struct listing *listing)
{
	aw_scan_close(listing->scan);
	listing->scan = NULL;
	listing->done = 0;
	listing->at++;
}

/* 1: *OUT is the next event of the part, 0: there is none. */
static int next_event(struct listing *listing, const struct listing_events *part,
	struct aw_event *out, struct err *err)
{
	if (listing->done >= part->limit || part->range.from_ns > part->range.to_ns)
		return 0;
	if (part->range.bucket_no == STREAM_BUCKET_NO) {
		if (listing->done >= part->made_count)
			return 0;
		*out = part->made[listing->done];
		return 1;
	}
	if (!listing->scan && aw_scan_open(&listing->scan, listing->store, &part->range, err) < 0)
		return err->code;
	return aw_scan_next(listing->scan, out, err);
}

/* The next event of the part at hand, or the next part. */
static int fill_event(struct listing *listing, const struct listing_events *part, struct buf *out,
	struct err *err)
{
	struct json_writer writer = json_writer(out);
	struct aw_event event;
	int rc = next_event(listing, part, &event, err);

	if (rc == 1) {
		if (part->clip)
			aw_clip(&event, part->range.from_ns, part->range.to_ns);
		if (listing->done++ > 0)
			buf_byte(out, ',');
		aw_put_event(&writer, &event);
	} else if (rc == 0) {
		next_part(listing);
	}
	return rc < 0 ? rc : 0;
}

static int listing_fill(void *context, struct buf *out, size_t want, struct err *err)
{
	struct listing *listing = context;
	size_t enough = out->len + want;

	while (listing->at < listing->count && out->len < enough) {
		const struct part *part = &listing->parts[listing->at];
		int rc = 0;

		if (part->text.ptr) {
			buf_add(out, part->text);
			next_part(listing);
		} else {
			rc = fill_event(listing, &part->events, out, err);
		}
		if (rc < 0)
			return rc;
	}
	return listing->at < listing->count;
}

static void listing_end(void *context)
{
	listing_free(context);
}

/* From the beginning again, on a connection of its own. */
static int own_store(struct listing *listing, const struct call *call, struct err *err)
{
	next_part(listing);
	listing->at = 0;
	if (answer_own_store(call, true, &listing->own, err) < 0)
		return err->code;
	listing->store = listing->own;
	return store_snapshot_begin(listing->own, err);
}

int listing_send(struct listing **listing, struct call *call, struct store *store, struct err *err)
{
	struct listing *mine = *listing;
	struct json_writer writer = call_json(call);
	int rc;

	mine->store = store;
	rc = listing_fill(mine, writer.out, LISTING_SHORT_BYTES, err);
	if (rc <= 0)
		return rc;
	buf_release(&call->reply.body);
	rc = own_store(mine, call, err);
	if (rc < 0)
		return rc;
	*listing = NULL;
	call_stream(call, "application/json",
		(struct http_stream){ .fill = listing_fill, .free = listing_end, .context = mine });
	return 0;
}
