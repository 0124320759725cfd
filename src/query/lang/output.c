/*
 * Results as JSON. Most of what a client gets is events, so these are written without a printer in
 * between: their numbers are fixed-point, their times differ in the last digits.
 */
#include <math.h>

#include "base/time.h"
#include "query/lang/eval.h"
#include "query/lang/function.h"

/* Up to here a duration in ns has at most 15 digits, and is then the shortest text of its double.
 */
static const int64_t exact_ns = INT64_C(1000000000000000);
/* Below it is written with an exponent. */
static const int64_t decimal_ns = 10000;

/* VALUE below 10^9 as its first digits behind a point, at least COUNT. */
static size_t put_fraction(char *out, int64_t ns, size_t step)
{
	size_t digits = 9;
	int64_t unit = NS_PER_S;

	while (digits > step) {
		int64_t less = step == 1 ? 10 : 1000;

		if (ns % less != 0)
			break;
		ns /= less;
		unit /= less;
		digits -= step;
	}
	for (size_t i = 0; i < digits; i++) {
		unit /= 10;
		out[i] = (char)('0' + ns / unit % 10);
	}
	return digits;
}

static void put_duration(struct buf *out, int64_t ns)
{
	struct json_writer writer = json_writer(out);
	char *at;

	if (ns != 0 && (ns < decimal_ns || ns >= exact_ns)) {
		json_put_float(&writer, (double)ns / 1e9);
		return;
	}
	buf_i64(out, ns / NS_PER_S);
	at = buf_reserve(out, 10);
	at[0] = '.';
	out->len += 1 + put_fraction(at + 1, ns % NS_PER_S, 1);
	out->ptr[out->len] = '\0';
}

/* The second that was written last, as text. */
struct clock {
	bool known;
	int64_t second;
	char text[TIME_TEXT_BYTES];
	size_t len; /* without the Z */
};

static void put_time(struct buf *out, struct clock *clock, int64_t ns)
{
	int64_t rest = ns % NS_PER_S;
	int64_t second = ns / NS_PER_S;
	char *at;

	if (rest < 0) {
		rest += NS_PER_S;
		second--;
	}
	if (!clock->known || clock->second != second) {
		time_format(ns, 0, clock->text);
		*clock = (struct clock){ .known = true, .second = second };
		time_format(ns, 0, clock->text);
		clock->len = strlen(clock->text) - 1;
	}
	buf_add(out, (struct str){ clock->text, clock->len });
	if (rest != 0) {
		at = buf_reserve(out, 10);
		at[0] = '.';
		out->len += 1 + put_fraction(at + 1, rest, 3);
	}
	buf_byte(out, 'Z');
}

static void put_event(struct buf *out, struct clock *clock, const struct moment *moment)
{
	buf_addc(out, "{\"data\":");
	buf_add(out, data_text(moment->data));
	buf_addc(out, ",\"duration\":");
	put_duration(out, moment->duration_ns);
	buf_addc(out, ",\"id\":");
	if (moment->id == EVENTS_NO_ID)
		buf_addc(out, "null");
	else
		buf_i64(out, moment->id);
	buf_addc(out, ",\"timestamp\":\"");
	put_time(out, clock, moment->start_ns);
	buf_addc(out, "\"}");
}

/* An answer counts as memory of the run. */
static int check_size(struct run *run, const struct buf *out)
{
	if (out->len < run->limit_bytes && run->used_bytes < run->limit_bytes - out->len)
		return run_step(run, 16);
	return run_fail_code(run, LANG_LIMIT, ERR_LIMIT,
		"the answer is larger than the %zu MB that a query may have: ask for a shorter "
		"period, or merge and limit the events",
		run->limit_bytes >> 20);
}

static int put_events(struct run *run, struct value *value, struct buf *out)
{
	struct clock clock = { .known = false };
	struct events *events;
	int result = function_events(run, value, &events);

	buf_byte(out, '[');
	for (size_t i = 0; result == 0 && i < events->count; i++) {
		if (i > 0)
			buf_byte(out, ',');
		put_event(out, &clock, &events->at[i]);
		result = check_size(run, out);
	}
	buf_byte(out, ']');
	return result;
}

static int put_list(struct run *run, const struct value *value, struct buf *out)
{
	int result = 0;

	buf_byte(out, '[');
	for (size_t i = 0; result == 0 && i < value->list.count; i++) {
		if (i > 0)
			buf_byte(out, ',');
		result = output_value(run, value->list.items[i], out);
	}
	buf_byte(out, ']');
	return result;
}

static int put_dict(struct run *run, const struct value *value, struct buf *out)
{
	int result = 0;

	buf_byte(out, '{');
	for (size_t i = 0; result == 0 && i < value->dict.count; i++) {
		if (i > 0)
			buf_byte(out, ',');
		json_quote(out, value->dict.members[i].key);
		buf_byte(out, ':');
		result = output_value(run, value->dict.members[i].value, out);
	}
	buf_byte(out, '}');
	return result;
}

int output_value(struct run *run, struct value *value, struct buf *out)
{
	struct json_writer writer = json_writer(out);
	struct clock clock = { .known = false };

	switch ((enum value_type)value->type) {
	case VALUE_NONE:
		buf_addc(out, "[]");
		break;
	case VALUE_BOOL:
		buf_addc(out, value->flag ? "true" : "false");
		break;
	case VALUE_NUMBER:
		json_put_float(&writer, value->number);
		break;
	case VALUE_STRING:
		json_quote(out, value->text);
		break;
	case VALUE_LIST:
		return put_list(run, value, out);
	case VALUE_DICT:
		return put_dict(run, value, out);
	case VALUE_EVENTS:
		return put_events(run, value, out);
	case VALUE_EVENT:
		put_event(out, &clock, &value->event);
		break;
	case VALUE_FUNCTION:
		return run_fail(run, LANG_INVALID_TYPE,
			"the result holds the function '%s', which cannot be shown: is it missing "
			"its parentheses?",
			value->function->name);
	}
	return check_size(run, out);
}
