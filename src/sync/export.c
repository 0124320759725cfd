/*
 * Writing the feed as a wire stream. One snapshot: what is committed while it runs has a higher seq
 * and comes with the next export. The cursor of a trailer is the seq of the last change before it,
 * also of those a filter left out.
 */
#include "sync/export.h"

#include "base/glob.h"
#include "base/mem.h"
#include "store/aw_told.h"
#include "sync/history.h"

enum { FLUSH_BYTES = 64 << 10 };

struct writer {
	struct store *store;
	const struct export_request *request;
	struct glob *workspace; /* NULL: all */
	struct json_parser parser;
	struct buf out;
	export_sink *sink;
	void *context;
	int64_t cursor;
	int64_t events;
	struct str asked_mark; /* of the cursor asked for */
	struct str end_mark;   /* of end_seq */
	int64_t end_seq;
};

static int flush(struct writer *writer, size_t keep_bytes, struct err *err)
{
	int rc = 0;

	if (writer->out.len > keep_bytes) {
		rc = writer->sink(writer->context, buf_str(&writer->out), err);
		buf_clear(&writer->out);
	}
	return rc;
}

static void put_header(struct writer *writer, const struct store_info *info)
{
	const struct machine *machine = writer->request->machine;
	struct wire_header header = {
		.format = WIRE_FORMAT,
		.version = STR(TT_VERSION),
		.machine_id = machine->id,
		.label = machine->label,
		.hostname = machine->hostname,
		.store_id = str_from(info->store_id),
		.sent_at_ns = writer->request->now_ns,
		.mark = writer->asked_mark,
	};

	wire_encode_header(&writer->out, &header);
}

static void put_trailer(struct writer *writer, bool more)
{
	struct wire_trailer trailer = {
		.cursor = writer->cursor,
		.events = writer->events,
		.more = more,
	};

	/* What came between the mark and the snapshot is not marked, and comes again when in doubt.
	 */
	if (!more && writer->cursor == writer->end_seq)
		trailer.mark = writer->end_mark;
	wire_encode_trailer(&writer->out, &trailer);
}

static bool wanted(struct writer *writer, const struct event *event)
{
	struct event_facts facts;

	if (event->start_ns < writer->request->since_ns)
		return false;
	if (!writer->workspace)
		return true;
	event_facts(&writer->parser, event->data, &facts);
	return facts.cwd.len > 0 && glob_match(writer->workspace, facts.cwd);
}

static int put_events(struct writer *writer, struct event_scan *scan, struct err *err)
{
	struct stored_event item;
	int rc;

	while ((rc = event_scan_next(scan, &item, err)) > 0) {
		writer->cursor = item.seq;
		if (!wanted(writer, &item.event))
			continue;
		wire_encode_event(&writer->out, &item.event);
		writer->events++;
		if (writer->events % EXPORT_CHECKPOINT_EVENTS == 0)
			put_trailer(writer, true);
		rc = flush(writer, FLUSH_BYTES, err);
		if (rc < 0)
			return rc;
	}
	return rc;
}

/* Behind the events: a reader that has none of a bucket needs to know nothing of it. Who asks for
 * one workspace is told of that alone. */
static int put_buckets(struct writer *writer, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct wire_bucket *buckets;
	size_t count;

	if (writer->workspace)
		return 0;
	if (aw_told_list(writer->store, &arena, &buckets, &count, err) < 0)
		return err->code;
	for (size_t i = 0; i < count; i++)
		wire_encode_bucket(&writer->out, &buckets[i]);
	return 0;
}

static int write_snapshot(struct writer *writer, struct err *err)
{
	struct event_scan *scan CLEANUP(event_scan_closep) = NULL;
	struct store_info info;
	int rc = store_info(writer->store, &info, err);

	if (rc < 0)
		return rc;
	writer->cursor = writer->request->after_seq;
	if (writer->cursor < 0 || writer->cursor > info.last_seq)
		writer->cursor = 0;
	put_header(writer, &info);
	rc = event_feed_open(&scan, writer->store, writer->cursor, err);
	if (rc == 0)
		rc = put_events(writer, scan, err);
	if (rc == 0)
		rc = put_buckets(writer, err);
	if (rc < 0)
		return rc;
	writer->cursor = info.last_seq;
	put_trailer(writer, false);
	return flush(writer, 0, err);
}

/* Without marks a stream only proves less: that none can be written now, as on a full disk, keeps
 * nothing from going out. */
static int find_marks(struct writer *writer, struct arena *arena, struct err *err)
{
	struct store_info info;
	struct err ignored;
	int rc = store_info(writer->store, &info, err);

	if (rc < 0)
		return rc;
	writer->end_seq = info.last_seq;
	if (writer->request->after_seq > 0 &&
		history_find(writer->store, writer->request->after_seq, arena, &writer->asked_mark,
			&ignored) < 0)
		writer->asked_mark = (struct str){ NULL, 0 };
	if (info.last_seq > 0 &&
		history_make(writer->store, info.last_seq, arena, &writer->end_mark, &ignored) < 0)
		writer->end_mark = (struct str){ NULL, 0 };
	return 0;
}

int export_stream(struct store *store, const struct export_request *request, export_sink *sink,
	void *context, struct err *err)
{
	struct writer writer = {
		.store = store, .request = request, .sink = sink, .context = context
	};
	struct arena arena = { 0 };
	int rc = 0;

	if (request->workspace.len > 0)
		rc = glob_compile(
			&writer.workspace, &arena, request->workspace, request->home, err);
	if (rc == 0 && request->marked)
		rc = find_marks(&writer, &arena, err);
	if (rc == 0)
		rc = store_snapshot_begin(store, err);
	if (rc == 0) {
		rc = write_snapshot(&writer, err);
		store_snapshot_end(store);
	}
	json_parser_release(&writer.parser);
	buf_release(&writer.out);
	arena_release(&arena);
	return rc < 0 ? rc : 0;
}

int export_after(struct store *store, struct str id, int64_t *seq, struct err *err)
{
	struct wire_decoder decoder = { 0 };
	struct stored_event found;
	struct arena arena = { 0 };
	struct str normal = wire_normal_id(&decoder, id);
	int rc = store_event_find(store, normal, &arena, &found, err);

	/* A corrected event has the seq of its correction, and nobody can tell which version the
	 * reader had. */
	*seq = rc == 0 && found.event.revision == 0 ? found.seq : 0;
	arena_release(&arena);
	wire_decoder_release(&decoder);
	return rc == ERR_NOT_FOUND ? 0 : rc;
}
