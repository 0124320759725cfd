/* What an import asks PostgreSQL: little, however many events it has and however different they
 * are.
 */
#include "aw_world.h"
#include "pg_sent.h"

enum { EVENTS = 20000 };

/* Texts that come again and again, near and far, and such that come once. */
static int text_no(int i)
{
	return i % 3 == 0 ? i : i % 5 == 0 ? i % 2500 : i % 40;
}

static void put_export(struct buf *out)
{
	char time[TIME_TEXT_BYTES];

	buf_addc(out, "{\"buckets\":{\"b\":{" HEAD("b") ",\"events\":[");
	for (int i = 0; i < EVENTS; i++)
		buf_printf(out,
			"%s{\"timestamp\":\"%s\",\"duration\":%d,\"data\":{\"title\":\"%d\"}}",
			i > 0 ? "," : "", time_format(T0 - i * NS_PER_S, 0, time), i % 9,
			text_no(i));
	buf_addc(out, "]}}}");
}

static void asks_little(void)
{
	struct fixture f;
	struct store *store = open_new(&f);
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct aw_import_counts counts;
	struct err err;

	put_export(&text);
	for (int round = 0; round < 3; round++) {
		uint64_t before = store->queue.sent;

		GOOD(take_text(&f, store, buf_str(&text), &counts, &err));
		IS_INT(counts.new_events, round == 0 ? EVENTS : 0);
		IS_INT(counts.duplicate, round == 0 ? 0 : EVENTS);
		/* At first each is asked for by itself, until that has cost more than a filter. */
		sent_at_most(store, before, round == 0 ? 700 : 150);
	}
	close_all(&f, store);
}

static const struct tap_case cases[] = {
	TAP_CASE(asks_little),
};
TAP_MAIN(cases)
