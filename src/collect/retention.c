/* When it last ran, and for how many days, is a setting of the store: collecting by hand, the
 * daemon and the server share it. */
#include "collect/retention.h"

#include "base/time.h"

#define LAST_RUN "retention.last_run_ns"

static const int64_t day_ns = 24 * 3600 * NS_PER_S;

/* *LAST_NS of a run that kept DAYS; INT64_MIN: there was none. */
static int read_last(struct store *store, int64_t days, int64_t *last_ns, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct str text, ran_ns;
	int64_t ran_days;

	if (store_setting_get(store, LAST_RUN, &arena, &text, err) < 0)
		return err->code;
	ran_ns = str_split(&text, ' ');
	if (!str_to_i64(ran_ns, last_ns) || !str_to_i64(text, &ran_days) || ran_days != days)
		*last_ns = INT64_MIN;
	return 0;
}

static int write_last(struct store *store, int64_t days, int64_t now_ns, struct err *err)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	buf_printf(&text, "%lld %lld", (long long)now_ns, (long long)days);
	return store_setting_put(store, LAST_RUN, buf_str(&text), err);
}

static void say(const struct log *log, int64_t days, const struct retention_result *result)
{
	if (result->events > 0)
		log_info(log, "retention: %lld event%s older than %lld days deleted%s",
			(long long)result->events, result->events == 1 ? "" : "s", (long long)days,
			result->bytes > 0 ? ", the file made smaller" : "");
	if (result->held > 0)
		log_warn(log,
			"retention: %lld events older than %lld days stay: a remote has not acknowledged them",
			(long long)result->held, (long long)days);
}

int retention_run(struct store *store, const struct retention_rule *rule, const struct log *log,
	struct retention_result *out, struct err *err)
{
	const struct retention what = { .before_ns = rule->now_ns - rule->days * day_ns,
		.held_seq = rule->held_seq,
		.pause = rule->pause,
		.context = rule->context };
	int64_t last_ns;

	*out = (struct retention_result){ 0 };
	if (rule->days == 0)
		return 0;
	if (read_last(store, rule->days, &last_ns, err) < 0)
		return err->code;
	if (last_ns <= rule->now_ns && last_ns > rule->now_ns - day_ns)
		return 0;
	if (store_retention(store, &what, out, err) < 0)
		return err->code;
	if (log)
		say(log, rule->days, out);
	if (!out->unfinished && write_last(store, rule->days, rule->now_ns, err) < 0)
		return err->code;
	return 1;
}
