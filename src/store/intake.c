/*
 * The intake: what is checked, counted and decided before an event is stored; the rows are
 * sql/events.c's, the transaction is intake_batch.c's.
 *
 * Versions of an event are totally ordered (version_cmp), and the greatest one stays: that alone
 * makes the result independent of order and repetition.
 *
 * What is derived from events learns of corrections and deletions by triggers
 * (schema/001_derived.sql), not from here.
 *
 * A lazy intake looks before it locks: what is a duplicate for a reader is one for ever, since
 * versions only grow.
 */
#include "store/intake_part.h"

#include "base/clock.h"
#include "base/utf8.h"
#include "model/limits.h"
#include "store/aw.h"
#include "store/sql/writes.h"

/* --- quarantine --- */

static void count_reason(struct intake *intake, struct str reason)
{
	struct intake_reason *at = intake->counts.reasons;
	struct intake_reason *last = at + INTAKE_REASONS - 2; /* the one behind it stays the end */

	while (at < last && at->count > 0 && !str_eq_c(reason, at->reason))
		at++;
	if (at->count == 0)
		at->reason = at < last ? arena_cstr(&intake->words, reason) : "other";
	at->count++;
}

static int quarantine(struct intake *intake, const struct quarantine_entry *entry, struct err *err)
{
	struct quarantine_entry kept = *entry;
	int64_t before = db_counters(intake->store)->quarantined;

	if (kept.at_ns == 0)
		kept.at_ns = clock_now_ns();
	if (kept.bytes_total < (int64_t)kept.bytes.len)
		kept.bytes_total = (int64_t)kept.bytes.len;
	kept.bytes = str_sub(kept.bytes, 0, LIMIT_QUARANTINE_BYTES);
	if (quarantine_put(intake->store, &kept, err) < 0)
		return err->code;
	intake->counts.quarantine_entries += db_counters(intake->store)->quarantined - before;
	count_reason(intake, kept.reason);
	intake->counts.quarantined++;
	intake->pending++;
	return 0;
}

int intake_quarantine(struct intake *intake, const struct quarantine_entry *entry, struct err *err)
{
	if (intake_ready(intake, err) < 0)
		return err->code;
	return intake_check(intake, quarantine(intake, entry, err), err);
}

/* --- what an event must be --- */

struct fault {
	const char *reason; /* NULL: none */
	struct err detail;
};

static void fault_set(struct fault *fault, const char *reason, const char *detail)
{
	fault->reason = reason;
	err_set(&fault->detail, ERR_PARSE, "%s", detail);
}

static void fault_limit(struct fault *fault, const char *reason, const char *detail)
{
	fault->reason = reason;
	err_set(&fault->detail, ERR_LIMIT, "%s", detail);
}

static bool is_name(struct str name)
{
	if (name.len > LIMIT_NAME_BYTES)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.ptr[i] < 0x20 || name.ptr[i] == 0x7f || name.ptr[i] == ':')
			return false;
	return utf8_valid(name);
}

static void check_names(const struct event *event, struct fault *fault)
{
	if (event->id.len == 0)
		fault_set(fault, "missing_id", "the event has no id");
	else if (event->id.len > LIMIT_ID_BYTES)
		fault_set(fault, "bad_id", "the id is too long");
	else if (str_find(event->id, '\0', 0) >= 0)
		fault_set(fault, "bad_id", "the id holds a zero byte");
	else if (str_find(event->id, '\0', 0) >= 0 || !utf8_valid(event->id))
		fault_set(fault, "bad_id", "the id holds a zero byte or is no UTF-8");
	else if (event->source.len == 0)
		fault_set(fault, "missing_source", "the event has no source");
	else if (!is_name(event->source))
		fault_set(fault, "bad_source",
			"the source is too long, holds a colon or a control character, or is no UTF-8");
	else if (event->type.len == 0)
		fault_set(fault, "missing_type", "the event has no type");
	else if (!is_name(event->type))
		fault_set(fault, "bad_type",
			"the type is too long, holds a colon or a control character, or is no UTF-8");
}

/* A second away from both ends, so that cutting to milliseconds and INT64_MIN as "none" are safe.
 */
static void check_numbers(const struct event *event, struct fault *fault)
{
	int64_t end_ns;

	if (event->start_ns < INT64_MIN + NS_PER_S || event->start_ns > INT64_MAX - NS_PER_S)
		fault_set(fault, "bad_timestamp", "the timestamp is out of range");
	else if (event->duration_ns < 0 && !str_starts(event->source, STR(AW_SOURCE)))
		fault_set(fault, "bad_duration", "the duration is negative");
	else if (__builtin_add_overflow(event->start_ns, event->duration_ns, &end_ns) ||
		 end_ns == INT64_MIN)
		fault_set(fault, "bad_duration", "the event ends beyond all time");
	else if (event->revision < 0 || event->revision == INT64_MAX)
		fault_set(fault, "bad_revision", "the revision is out of range");
}

static void check_data(struct intake *intake, const struct event *event,
	const struct event_type *type, struct fault *fault)
{
	const struct json *data;
	const char *missing;

	if (json_parse(&intake->parser, event->data, false, &data, &fault->detail) < 0)
		fault->reason = fault->detail.code == ERR_LIMIT ? "too_deep" : "not_json";
	else if (!json_is(data, JSON_OBJECT))
		fault_set(fault, "not_object", "the event's data is not an object");
	if (fault->reason)
		return;
	missing = event_missing_key(type, data, NULL);
	if (!missing)
		return;
	fault->reason = "missing_key";
	err_set(&fault->detail, ERR_PARSE, "a %s event needs the key '%s'", type->name, missing);
}

/* CHECKED: the data comes from wire_decode, or from who made the event. */
static void check_event(
	struct intake *intake, const struct event *event, bool checked, struct fault *fault)
{
	fault->reason = NULL;
	check_names(event, fault);
	if (!fault->reason)
		check_numbers(event, fault);
	if (fault->reason || event->deleted)
		return;
	if (event->data.len > LIMIT_EVENT_BYTES)
		fault_limit(fault, "too_long", "the event's data is too long");
	else if (!checked)
		check_data(intake, event, event_type_find(event->type), fault);
}

int intake_refusal(struct intake *intake, const struct event *event, struct err *err)
{
	const struct event_type *type = event_type_find(event->type);
	struct fault fault;

	check_event(intake, event, !type || !type->required[0], &fault);
	if (!fault.reason)
		return 0;
	return err_set(err, fault.detail.code == ERR_LIMIT ? ERR_LIMIT : ERR_USAGE, "%s",
		fault.detail.message);
}

static int refuse(struct intake *intake, const struct event *event,
	const struct quarantine_entry *origin, const struct fault *fault, struct err *err)
{
	CLEANUP(buf_release) struct buf line = BUF_INIT;
	struct quarantine_entry entry = *origin;

	if (entry.bytes.len == 0) {
		wire_encode_event(&line, event);
		entry.bytes = buf_str(&line);
		if (str_ends(entry.bytes, STR("\n")))
			entry.bytes.len--;
	}
	entry.reason = str_from(fault->reason);
	entry.detail = str_from(fault->detail.message);
	return intake_quarantine(intake, &entry, err);
}

/* --- which version stays --- */

static int int_cmp(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int stored_text(
	struct intake *intake, const struct event_row *row, struct str *out, struct err *err)
{
	buf_clear(&intake->stored_text);
	if (dictionary_text(intake->store, row->data_no, &intake->stored_text, err) < 0)
		return err->code;
	*out = buf_str(&intake->stored_text);
	return 0;
}

static int data_cmp(struct intake *intake, struct str data, const struct event_row *row, int *order,
	struct err *err)
{
	struct str stored;
	int64_t data_no;

	if (dictionary_number(intake->events.dictionary, data, false, &data_no, err) < 0)
		return err->code;
	if (data_no == row->data_no) {
		*order = 0;
		return 0;
	}
	if (stored_text(intake, row, &stored, err) < 0)
		return err->code;
	*order = str_cmp(data, stored);
	return 0;
}

static int names_cmp(struct intake *intake, const struct event *event, const struct event_row *row,
	int *order, struct err *err)
{
	struct bucket *bucket;

	if (catalogue_bucket_no(intake->events.catalogue, row->bucket_no, &bucket, err) < 0)
		return err->code;
	*order = str_cmp(event->source, bucket->source);
	if (*order == 0)
		*order = str_cmp(event->type, bucket->type);
	return 0;
}

/* *ORDER > 0: EVENT is the greater version. A tombstone is above an event of the same revision. */
static int version_cmp(struct intake *intake, const struct event *event,
	const struct event_row *row, int *order, struct err *err)
{
	*order = int_cmp(event->revision, row->revision);
	if (*order == 0)
		*order = int_cmp(event->deleted, row->deleted);
	if (*order == 0 && !row->deleted)
		*order = int_cmp(event->duration_ns, row->duration_ns);
	if (*order == 0 && !row->deleted && data_cmp(intake, event->data, row, order, err) < 0)
		return err->code;
	if (*order == 0)
		*order = int_cmp(event->start_ns, row->start_ns);
	if (*order == 0)
		return names_cmp(intake, event, row, order, err);
	return 0;
}

/* --- events --- */

struct verdict {
	enum intake_result result; /* INTAKE_DUPLICATE, or what storing it would be */
	bool found;
	struct event_row old; /* what is stored now, if found */
};

static int judge(struct intake *intake, const struct event *event, const struct event_name *name,
	struct verdict *out, struct err *err)
{
	int rc = events_find(&intake->events, name, &out->old, err);
	int order = 1;

	if (rc < 0)
		return rc;
	out->found = rc == 1;
	if (out->found && version_cmp(intake, event, &out->old, &order, err) < 0)
		return err->code;
	if (order <= 0)
		out->result = INTAKE_DUPLICATE;
	else
		out->result = out->found || event->deleted ? INTAKE_UPDATED : INTAKE_NEW;
	return 0;
}

static int take(struct intake *intake, const struct event *event, const struct event_name *name,
	enum intake_result *result, struct err *err)
{
	struct verdict verdict = { .result = INTAKE_NEW };

	if (intake->lazy && !intake->writing && judge(intake, event, name, &verdict, err) < 0)
		return err->code;
	if (verdict.result != INTAKE_DUPLICATE &&
		(intake_start(intake, err) < 0 || judge(intake, event, name, &verdict, err) < 0))
		return err->code;
	*result = verdict.result;
	if (verdict.result == INTAKE_DUPLICATE)
		return 0;
	return events_put(
		&intake->events, event, name, verdict.found ? &verdict.old : NULL, 0, err);
}

void intake_count(struct intake *intake, const struct event *event, enum intake_result result)
{
	const struct event_type *type = event_type_find(event->type);
	struct intake_counts *counts = &intake->counts;

	intake->pending++;
	counts->new_events += result == INTAKE_NEW;
	counts->updated += result == INTAKE_UPDATED;
	counts->duplicate += result == INTAKE_DUPLICATE;
	if (result == INTAKE_DUPLICATE || event->deleted)
		return;
	counts->unknown_types += type == NULL;
	counts->sessions += type != NULL && type->role == ROLE_SESSION;
}

/* What is known of an event besides itself. */
struct knowledge {
	bool checked;                 /* its data was checked or written by this program */
	const struct event_id *parts; /* of its id; NULL: to be told from it */
};

static int take_event(struct intake *intake, const struct event *event, struct knowledge known,
	const struct quarantine_entry *origin, enum intake_result *result, struct err *err)
{
	struct event_name name;
	struct fault fault;

	if (intake_go_on(intake, err) < 0)
		return err->code;
	check_event(intake, event, known.checked, &fault);
	if (fault.reason) {
		*result = INTAKE_QUARANTINED;
		return refuse(intake, event, origin, &fault, err);
	}
	if (known.parts)
		event_name_made(&name, event, known.parts);
	else
		event_name(&name, event->id);
	if (intake_check(intake, take(intake, event, &name, result, err), err) < 0)
		return err->code;
	intake_count(intake, event, *result);
	return 0;
}

int intake_event(struct intake *intake, const struct event *event,
	const struct quarantine_entry *origin, enum intake_result *result, struct err *err)
{
	return take_event(intake, event, (struct knowledge){ .parts = NULL }, origin, result, err);
}

int intake_made(struct intake *intake, const struct event *event, const struct event_id *parts,
	const struct quarantine_entry *origin, enum intake_result *result, struct err *err)
{
	return take_event(intake, event, (struct knowledge){ .checked = true, .parts = parts },
		origin, result, err);
}

int intake_line(struct intake *intake, struct str line, struct str default_source,
	const struct quarantine_entry *origin, enum intake_result *result,
	struct wire_line *line_out, struct err *err)
{
	struct quarantine_entry entry = *origin;
	struct wire_line own;
	struct wire_line *decoded = line_out ? line_out : &own;
	struct fault fault;

	if (entry.bytes.len == 0)
		entry.bytes = line;
	if (wire_decode(&intake->decoder, line, default_source, decoded, &fault.detail) < 0) {
		fault.reason = decoded->reason;
		*result = INTAKE_QUARANTINED;
		return refuse(intake, &decoded->event, &entry, &fault, err);
	}
	*result = INTAKE_DUPLICATE;
	if (decoded->kind != WIRE_EVENT)
		return intake_go_on(intake, err);
	return take_event(intake, &decoded->event, (struct knowledge){ .checked = true }, &entry,
		result, err);
}

int intake_withdraw_row(struct intake *intake, const struct event_name *name,
	const struct event_row *old, struct err *err)
{
	struct bucket *bucket;
	struct event tombstone = {
		.id = name->id,
		.start_ns = old->start_ns,
		.revision = old->revision + 1,
		.deleted = true,
	};

	if (catalogue_bucket_no(intake->events.catalogue, old->bucket_no, &bucket, err) < 0)
		return err->code;
	tombstone.source = bucket->source;
	tombstone.type = bucket->type;
	if (events_put(&intake->events, &tombstone, name, old, 0, err) < 0)
		return err->code;
	intake->counts.updated++;
	intake->pending++;
	return 0;
}

int intake_withdraw(struct intake *intake, struct str id, struct err *err)
{
	struct event_name name;
	struct event_row old;
	int rc = intake_ready(intake, err);

	event_name(&name, id);
	if (rc == 0)
		rc = events_find(&intake->events, &name, &old, err);
	if (rc == 1)
		rc = old.deleted ? 0 : intake_withdraw_row(intake, &name, &old, err);
	return intake_check(intake, rc, err);
}

/* --- what is committed beside events --- */

int intake_cursor(struct intake *intake, const struct file_cursor *cursor, struct err *err)
{
	if (intake_ready(intake, err) < 0)
		return err->code;
	intake->pending++;
	return intake_check(intake, cursor_put(intake->store, cursor, err), err);
}

int intake_cursor_forget(struct intake *intake, struct str source, struct str path, struct err *err)
{
	if (intake_ready(intake, err) < 0)
		return err->code;
	return intake_check(intake, cursor_forget(intake->store, source, path, err), err);
}

/* An eager intake locks first: what it reads and then writes is its own. */
int intake_memo_get(struct intake *intake, struct str source, struct str key, struct arena *arena,
	struct str *value, bool *found, struct err *err)
{
	if (intake->lazy ? intake_go_on(intake, err) < 0 : intake_ready(intake, err) < 0)
		return err->code;
	return intake_check(
		intake, memo_get(intake->store, source, key, arena, value, found, err), err);
}

int intake_memo_put(
	struct intake *intake, struct str source, struct str key, struct str value, struct err *err)
{
	if (intake_ready(intake, err) < 0)
		return err->code;
	return intake_check(intake, memo_put(intake->store, source, key, value, err), err);
}

int intake_peer(struct intake *intake, const struct peer_state *peer, struct err *err)
{
	if (intake_ready(intake, err) < 0)
		return err->code;
	return intake_check(intake, peer_put(intake->store, peer, err), err);
}
