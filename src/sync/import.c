/*
 * A push reader of wire streams. Lines go through the one write path; what is refused is in
 * quarantine with the number of its line. Rows and the cursor that covers them are one transaction
 * when the stream comes from a sync. Such a transaction is opened when all its lines are here: a
 * remote that stalls in the middle of a stream does not keep the store's write lock.
 */
#include "sync/import.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/uuid.h"
#include "model/limits.h"
#include "store/aw_told.h"

/* So much is looked up together, unless lines are held for longer. */
enum { BLOCK_BYTES = 1 << 20 };

struct import {
	struct import_options options;
	struct intake *intake;
	struct buf held; /* whole lines that wait: for their trailer, or to be looked up together */
	size_t held_lines;
	struct buf line;   /* the beginning of an unfinished line */
	size_t line_bytes; /* its length so far */
	int64_t line_no;
	int64_t events;  /* lines of this stream that are no header or trailer */
	int64_t refused; /* of them, those nobody understands: whoever sent the trailer may not have
			    counted them */
	bool header_seen;
	char sender[UUID_BYTES + 1]; /* machine of the header; empty: none came */
	bool complete;
	bool cut; /* an earlier stream of this input was not complete */
	struct intake_counts committed;
};

int import_open(struct import **out, struct store *store, const struct import_options *options,
	struct err *err)
{
	struct import *import = mem_zalloc(sizeof(*import));
	int rc;

	import->options = *options;
	rc = intake_begin_lazy(&import->intake, store, err);
	if (rc < 0) {
		free(import);
		return rc;
	}
	*out = import;
	return 0;
}

void import_free(struct import *import)
{
	if (!import)
		return;
	intake_free(import->intake);
	buf_release(&import->held);
	buf_release(&import->line);
	free(import);
}

void import_freep(struct import **import)
{
	import_free(*import);
	*import = NULL;
}

static int commit(struct import *import, struct err *err)
{
	int rc = intake_commit(import->intake, err);

	if (rc == 0)
		import->committed = *intake_counts(import->intake);
	return rc;
}

static int take_header(struct import *import, const struct wire_header *header, struct err *err)
{
	bool again = import->header_seen;

	if (header->format > WIRE_FORMAT)
		return err_set(err, ERR_VERSION,
			"the stream has format %lld (tt %.*s), this program reads %d (tt %s): update this one",
			(long long)header->format, STR_ARG(header->version), WIRE_FORMAT,
			TT_VERSION);
	if (again && import->options.commit_at_trailers)
		return err_set(err, ERR_REMOTE, "the stream has a second header");
	import->cut |= again && !import->complete;
	import->header_seen = true;
	import->complete = false;
	import->events = 0;
	import->refused = 0;
	snprintf(import->sender, sizeof(import->sender), "%.*s", STR_ARG(header->machine_id));
	if (again || !import->options.on_header)
		return 0;
	return import->options.on_header(import->options.context, header, err);
}

static int take_trailer(struct import *import, const struct wire_trailer *trailer, struct err *err)
{
	bool right = trailer->events <= import->events &&
		     trailer->events >= import->events - import->refused;
	int rc = 0;

	import->complete = right && !trailer->more;
	if (!right && import->options.commit_at_trailers)
		return err_set(err, ERR_REMOTE, "the stream says %lld events, %lld came",
			(long long)trailer->events, (long long)import->events);
	if (import->options.on_trailer)
		rc = import->options.on_trailer(
			import->options.context, trailer, import->intake, err);
	if (rc == 0 && import->options.commit_at_trailers)
		rc = commit(import, err);
	return rc;
}

/* LINE may be the beginning of one of BYTES bytes, which is too long then. */
static int take_line(struct import *import, struct str line, size_t bytes, struct err *err)
{
	struct quarantine_entry origin = {
		.source = str_from(import->options.origin),
		.path = str_from(import->options.path),
		.offset = ++import->line_no,
		.bytes_total = (int64_t)bytes,
		.bytes = line,
	};
	enum intake_result result;
	struct wire_line what;
	int rc = intake_line(
		import->intake, line, import->options.default_source, &origin, &result, &what, err);

	if (rc < 0 || what.kind == WIRE_BLANK)
		return rc;
	if (result != INTAKE_QUARANTINED && what.kind == WIRE_BUCKET)
		return intake_told(import->intake, &what.bucket,
			str_eq_c(what.bucket.machine_id, import->sender), err);
	if (result != INTAKE_QUARANTINED && what.kind == WIRE_HEADER)
		return take_header(import, &what.header, err);
	if (result != INTAKE_QUARANTINED && what.kind == WIRE_TRAILER)
		return take_trailer(import, &what.trailer, err);
	import->events++;
	import->refused += result == INTAKE_QUARANTINED;
	import->complete &=
		result == INTAKE_QUARANTINED; /* a farewell behind the trailer takes nothing away */
	if (!import->options.commit_at_trailers &&
		intake_pending(import->intake) >= LIMIT_INTAKE_BATCH)
		return commit(import, err);
	return 0;
}

/* The lines at the head of *REST, as many as are looked up together, are taken from it. */
static int take_block(struct import *import, struct str *rest, struct err *err)
{
	struct str lines[LIMIT_INTAKE_EXPECT];
	const char *begin = rest->ptr;
	size_t count = 0;
	int rc;

	while (count < ARRAY_LEN(lines) && rest->len > 0 && rest->ptr - begin < BLOCK_BYTES)
		lines[count++] = str_split(rest, '\n');
	rc = intake_expect_lines(import->intake, lines, count, import->options.default_source, err);
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = take_line(import, lines[i], lines[i].len, err);
	return rc;
}

static int take_held(struct import *import, struct err *err)
{
	struct str rest = buf_str(&import->held);
	int rc = 0;

	while (rc == 0 && rest.len > 0)
		rc = take_block(import, &rest, err);
	buf_clear(&import->held);
	import->held_lines = 0;
	return rc;
}

/*
 * The marks as the encoder writes them. Should another sender write them otherwise, they are
 * understood all the same, only later: when enough is held, or at the end.
 */
static bool is_header(struct str line)
{
	return str_starts(line, STR("{\"type\":\"header\""));
}

static bool is_trailer(struct str line)
{
	return str_starts(line, STR("{\"type\":\"trailer\""));
}

/* Are enough lines held? */
static bool is_enough(const struct import *import)
{
	if (import->options.commit_at_trailers)
		return import->held.len >= IMPORT_HELD_BYTES;
	return import->held.len >= BLOCK_BYTES || import->held_lines >= LIMIT_INTAKE_EXPECT;
}

/* Take LINE now or keep it for later. The header of a sync decides whether the rest is wanted at
 * all, and does not wait for what came before. */
static int sort_line(struct import *import, struct str line, size_t bytes, struct err *err)
{
	int rc;

	if (import->options.commit_at_trailers && is_header(line))
		return take_line(import, line, bytes, err);
	if (bytes == line.len && !is_trailer(line) && !is_header(line)) {
		buf_add(&import->held, line);
		buf_byte(&import->held, '\n');
		import->held_lines++;
		return is_enough(import) ? take_held(import, err) : 0;
	}
	rc = take_held(import, err);
	return rc < 0 ? rc : take_line(import, line, bytes, err);
}

/* A piece of a line without its end: kept, up to the limit and one byte, so that the decoder sees
 * that it is too long. */
static void keep(struct import *import, struct str piece)
{
	size_t room = LIMIT_WIRE_LINE_BYTES + 1 - import->line.len;

	buf_add(&import->line, str_sub(piece, 0, room));
	import->line_bytes += piece.len;
}

static int finish_line(struct import *import, struct str tail, struct err *err)
{
	int rc;

	if (import->line_bytes == 0)
		return sort_line(import, tail, tail.len, err);
	keep(import, tail);
	rc = sort_line(import, buf_str(&import->line), import->line_bytes, err);
	buf_clear(&import->line);
	import->line_bytes = 0;
	return rc;
}

int import_push(struct import *import, struct str bytes, struct err *err)
{
	while (bytes.len > 0) {
		ptrdiff_t newline = str_find(bytes, '\n', 0);
		int rc;

		if (newline < 0) {
			keep(import, bytes);
			return 0;
		}
		rc = finish_line(import, str_sub(bytes, 0, (size_t)newline), err);
		if (rc < 0)
			return rc;
		bytes = str_sub(bytes, (size_t)newline + 1, bytes.len);
	}
	return 0;
}

int import_pause(struct import *import, struct err *err)
{
	int rc = take_held(import, err);

	ASSERT(!import->options.commit_at_trailers);
	return rc < 0 ? rc : commit(import, err);
}

int import_end(struct import *import, struct err *err)
{
	int rc = import->line_bytes > 0 ? finish_line(import, (struct str){ NULL, 0 }, err) : 0;

	if (rc == 0)
		rc = take_held(import, err);
	if (rc < 0 || (import->options.commit_at_trailers && !import->complete))
		return rc;
	return commit(import, err);
}

bool import_complete(const struct import *import)
{
	return import->complete;
}

bool import_cut(const struct import *import)
{
	return import->cut || (import->header_seen && !import->complete);
}

bool import_has_header(const struct import *import)
{
	return import->header_seen;
}

bool import_started(const struct import *import)
{
	return import->header_seen || import->events > 0;
}

const struct intake_counts *import_counts(const struct import *import)
{
	return &import->committed;
}
