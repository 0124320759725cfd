/*
 * Reading from the source. Rows are taken in first and their data looked up afterwards, so that the
 * source is never asked something while it answers; a number of data is looked up once for as long
 * as it is remembered.
 */
#include "query/lang/function.h"

#include "base/time.h"
#include "base/utf8.h"

/* --- buckets --- */

static int list_buckets(struct run *run)
{
	const struct lang_source *source = run->source;
	int result;

	if (run->listed)
		return 0;
	result = source->buckets(
		source->owner, &run->arena, &run->buckets, &run->bucket_count, run->err);
	if (result < 0)
		return run_fail_store(run, result, "listing the buckets");
	run->listed = true;
	return 0;
}

int query_bucket_names(struct run *run, struct value **args, size_t count, struct value **out)
{
	int result = list_buckets(run);

	(void)args;
	(void)count;
	if (result == 0)
		result = value_list(out, run, run->bucket_count);
	for (size_t i = 0; result == 0 && i < run->bucket_count; i++) {
		struct value *id;

		result = value_string(&id, run, run->buckets[i].id);
		if (result == 0)
			result = value_put(*out, run, i, id);
	}
	return result;
}

/* The bucket of just that name, or the first made whose name begins with it. */
int find_bucket(struct run *run, struct value **args, size_t count, struct value **out)
{
	struct str prefix = args[0]->text;
	const struct lang_bucket *found = NULL;
	int result = list_buckets(run);

	if (result < 0)
		return result;
	for (size_t i = 0; i < run->bucket_count; i++) {
		const struct lang_bucket *bucket = &run->buckets[i];

		if (!str_starts(bucket->id, prefix) ||
			(count > 1 && !str_eq(bucket->hostname, args[1]->text)))
			continue;
		if (!found || str_eq(bucket->id, prefix))
			found = bucket;
	}
	if (found)
		return value_string(out, run, found->id);
	if (count > 1)
		return run_fail(run, LANG_BUCKET_QUERY_ERROR,
			"Failed to find bucket matching filter '%.*s' and hostname '%.*s'",
			STR_ARG(utf8_cut(prefix, 120)), STR_ARG(utf8_cut(args[1]->text, 120)));
	return run_fail(run, LANG_BUCKET_QUERY_ERROR,
		"Failed to find bucket matching filter '%.*s'", STR_ARG(utf8_cut(prefix, 120)));
}

/* --- query_bucket --- */

static int read_interval(struct run *run, struct hoard_range *range)
{
	const struct value *interval = run->variables[run->interval];
	struct str rest, start;
	struct err cause;

	if (interval->type != VALUE_STRING)
		return run_fail(run, LANG_TIME_INTERVAL_ERROR, "TIMEINTERVAL is no String but %.*s",
			STR_ARG(value_show(run, interval)));
	rest = interval->text;
	start = str_split(&rest, '/');
	if (time_parse(start, &range->from_ns, &cause) == 0 &&
		time_parse(rest, &range->to_ns, &cause) == 0)
		return 0;
	return run_fail(run, LANG_TIME_INTERVAL_ERROR,
		"TIMEINTERVAL '%.*s' is not '<start>/<end>': %s",
		STR_ARG(utf8_cut(interval->text, 100)), cause.message);
}

static int find_no(struct run *run, struct str id, int64_t *no)
{
	int result = list_buckets(run);

	if (result < 0)
		return result;
	for (size_t i = 0; i < run->bucket_count; i++) {
		*no = run->buckets[i].no;
		if (str_eq(run->buckets[i].id, id))
			return 0;
	}
	return run_fail(run, LANG_BUCKET_QUERY_ERROR,
		"Failed to query bucket: NoSuchBucket(\"%.*s\")", STR_ARG(utf8_cut(id, 200)));
}

/* Ask which version the source has of RANGE; it is remembered for the next time. */
static int ask_version(struct run *run, const struct hoard_range *range, int64_t *version)
{
	const struct lang_source *source = run->source;
	int result = source->version(source->owner, range->bucket_no, range->from_ns, range->to_ns,
		hoard_version(run->hoard, range), version, run->err);

	if (result < 0)
		return run_fail_store(run, result, "asking what changed");
	hoard_set_version(run->hoard, range, *version);
	return 0;
}

int query_bucket_prepare(struct run *run, struct call *call)
{
	struct hoard_range range = { .identity = run->source->identity };
	int result = find_no(run, call->args[0]->text, &range.bucket_no);

	if (result == 0)
		result = read_interval(run, &range);
	if (result == 0 && range.from_ns <= range.to_ns)
		result = ask_version(run, &range, &call->version);
	call->range = range;
	return result;
}

/* --- rows --- */

struct load {
	struct run *run;
	struct events *events;
	int64_t from_ns, to_ns;
};

/* Clipped to the range, which may leave nothing but an instant. */
static int take_row(void *context, const struct lang_row *row, struct err *err)
{
	struct load *load = context;
	int64_t start_ns = row->start_ns;
	int64_t end_ns = moment_add(start_ns, row->duration_ns > 0 ? row->duration_ns : 0);
	struct moment moment = { .id = row->number, .data_no = row->data_no };
	int result;

	(void)err; /* it is the run's own */
	if (start_ns < load->from_ns)
		start_ns = load->from_ns;
	if (end_ns > load->to_ns)
		end_ns = load->to_ns;
	moment.start_ns = start_ns;
	moment.duration_ns = end_ns > start_ns ? moment_subtract(end_ns, start_ns) : 0;
	result = events_add(load->events, load->run, &moment);
	return result < 0 ? result : run_step(load->run, 1);
}

struct fetch {
	struct run *run;
	struct json_parser parser;
	struct buf text, canonical;
};

/* The data of DATA_NO, which is not known: data_none when it is no JSON object that can be
 * compared. */
static int fetch_data(struct fetch *fetch, int64_t data_no, const struct data **out)
{
	const struct lang_source *source = fetch->run->source;
	const struct json *object;
	struct err cause;
	int result;

	buf_clear(&fetch->text);
	buf_clear(&fetch->canonical);
	result = source->data(source->owner, data_no, &fetch->text, fetch->run->err);
	if (result < 0)
		return run_fail_store(fetch->run, result, "reading the data of an event");
	*out = &data_none;
	if (json_parse(&fetch->parser, buf_str(&fetch->text), true, &object, &cause) == 0 &&
		json_is(object, JSON_OBJECT) && json_canonical(&fetch->canonical, object))
		*out = run_data(fetch->run, buf_str(&fetch->canonical));
	hoard_add_row(fetch->run->hoard, source->identity, data_no, *out);
	return run_step(fetch->run, 64);
}

/* A small table before the large one that all threads share. */
enum { RECENT = 8192 };

struct recent {
	int64_t data_no;
	const struct data *data; /* NULL: free */
};

static int find_data(struct fetch *fetch, struct recent *recent, int64_t data_no)
{
	struct run *run = fetch->run;
	int result = 0;

	recent->data_no = data_no;
	recent->data = hoard_row(run->hoard, run->source->identity, data_no);
	if (!recent->data)
		result = fetch_data(fetch, data_no, &recent->data);
	return result;
}

/* Who needs more data needs so much of all that a source does better to find out by itself. */
enum { MOST_EXPECTED = 16384 };

/* Tell the source which data it will be asked for. What TABLE tells to be there already, or asked
 * for, is left out: most of what comes again. */
static int expect_data(struct fetch *fetch, const struct events *events, struct recent *table)
{
	const struct lang_source *source = fetch->run->source;
	int64_t *unknown;
	size_t count = 0;
	int result;

	if (!source->expect)
		return 0;
	unknown = arena_zalloc(&fetch->run->scratch, MOST_EXPECTED, sizeof(*unknown));
	for (size_t i = 0; i < events->count; i++) {
		int64_t data_no = events->at[i].data_no;
		struct recent *recent = &table[(uint64_t)data_no % RECENT];

		if (recent->data_no == data_no)
			continue;
		recent->data_no = data_no;
		if (hoard_row(fetch->run->hoard, source->identity, data_no))
			continue;
		if (count == MOST_EXPECTED)
			return 0;
		unknown[count++] = data_no;
	}
	if (count == 0)
		return 0;
	result = source->expect(source->owner, unknown, count, fetch->run->err);
	return result < 0 ? run_fail_store(fetch->run, result, "reading the data of events") : 0;
}

/* Put data where the numbers of data are; events whose data cannot be read are left out. */
static int find_all_data(struct fetch *fetch, struct events *events)
{
	struct recent *table = arena_zalloc(&fetch->run->scratch, RECENT, sizeof(*table));
	size_t count = 0;
	int result = expect_data(fetch, events, table);

	if (result < 0)
		return result;
	for (size_t i = 0; i < events->count; i++) {
		struct moment moment = events->at[i];
		struct recent *recent = &table[(uint64_t)moment.data_no % RECENT];

		result = run_step(fetch->run, 1);
		if (result == 0 && (!recent->data || recent->data_no != moment.data_no))
			result = find_data(fetch, recent, moment.data_no);
		if (result < 0)
			return result;
		if (recent->data == &data_none)
			continue;
		moment.data = recent->data;
		events->at[count++] = moment;
	}
	events->count = count;
	return 0;
}

static int load_rows(struct run *run, const struct hoard_range *range, struct events *events)
{
	struct load load = { run, events, range->from_ns, range->to_ns };
	struct fetch fetch = { .run = run };
	const struct lang_source *source = run->source;
	int result = source->load(source->owner, range->bucket_no, range->from_ns, range->to_ns,
		take_row, &load, run->err);

	if (result < 0)
		return run_fail_store(run, result, "reading events");
	result = find_all_data(&fetch, events);
	json_parser_release(&fetch.parser);
	buf_release(&fetch.text);
	buf_release(&fetch.canonical);
	return result;
}

int query_bucket(struct run *run, struct call *call, struct events **out)
{
	struct events *events;
	int64_t version = call->version;
	int result = events_new(&events, run, 0);

	if (result < 0)
		return result;
	if (call->range.from_ns <= call->range.to_ns) {
		result = load_rows(run, &call->range, events);
		if (result == 0)
			result = ask_version(run, &call->range, &version);
	}
	/* What was read may be newer than what the call is known by: it is not to be kept. */
	if (version != call->version)
		run->stale = true;
	if (result < 0)
		events_unref(run, events);
	else
		*out = events;
	return result;
}
