#include "base/clock.h"
#include "base/time.h"
#include "serve/reads.h"
#include "tap.h"

enum { MANY = 2000, USERS = 3, MOST_ITEMS = 40 };

struct item {
	struct reads_item waits;
	char name[8]; /* "a1": of user a; "-1": short */
};

struct stage {
	struct reads reads;
	struct item items[MOST_ITEMS];
	size_t count;
};

static void begin(struct stage *stage, size_t readers, bool shared)
{
	*stage = (struct stage){ .count = 0 };
	reads_init(&stage->reads, &(struct reads_options){ MOST_ITEMS, readers, shared });
}

static void push(struct stage *stage, const char *names)
{
	struct str rest = str_from(names);

	while (rest.len > 0) {
		struct str name = str_split(&rest, ' ');
		struct item *item = &stage->items[stage->count++];

		snprintf(item->name, sizeof(item->name), "%.*s", STR_ARG(name));
		OK(name.ptr[0] == '-' ? reads_push(&stage->reads, &item->waits)
				      : reads_push_long(&stage->reads, &item->waits,
						str_sub(str_from(item->name), 0, 1)));
	}
}

/* The names of all that can be taken now. */
static void take(struct stage *stage, char *out, size_t room)
{
	struct reads_item *item;

	out[0] = '\0';
	while ((item = reads_take(&stage->reads, 0)))
		snprintf(out + strlen(out), room - strlen(out), "%s%s", out[0] ? " " : "",
			((struct item *)item)->name);
}

static void takes(struct stage *stage, const char *names)
{
	char got[200];

	take(stage, got, sizeof(got));
	IS_CSTR(got, names);
}

static void done(struct stage *stage, const char *name)
{
	for (size_t i = 0; i < stage->count; i++)
		if (strcmp(stage->items[i].name, name) == 0)
			reads_done(&stage->reads, stage->items[i].waits.line);
}

static void end(struct stage *stage)
{
	IS_INT(reads_count(&stage->reads), 0);
	IS_INT(stage->reads.running, 0);
	reads_release(&stage->reads);
}

/* --- which is next --- */

static void order_and_limits(void)
{
	struct reads_item item, late;
	struct stage stage;

	begin(&stage, 4, false);
	push(&stage, "-1 -2 -3");
	IS_INT(reads_count(&stage.reads), 3);
	takes(&stage, "-1 -2 -3");
	takes(&stage, "");
	end(&stage);

	reads_init(&stage.reads, &(struct reads_options){ .most = 1, .readers = 1 });
	OK(reads_push(&stage.reads, &item));
	OK(!reads_push(&stage.reads, &late));
	OK(!reads_push_long(&stage.reads, &late, STR("a")));
	OK(reads_take(&stage.reads, 0) == &item);
	OK(reads_push_long(&stage.reads, &item, STR("a")));
	OK(!reads_push(&stage.reads, &late));
	OK(reads_take(&stage.reads, 0) == &item);
	reads_done(&stage.reads, item.line);
	end(&stage);
}

/* Of four readers three may do long ones: one is always there for the others. */
static void one_is_kept(void)
{
	struct stage stage;

	begin(&stage, 4, false);
	push(&stage, "a1 a2 a3 a4 a5");
	takes(&stage, "a1 a2 a3");
	push(&stage, "-1 -2");
	takes(&stage, "-1 -2");
	done(&stage, "-1"); /* which makes no room */
	takes(&stage, "");
	done(&stage, "a2");
	takes(&stage, "a4");
	done(&stage, "a1");
	done(&stage, "a3");
	done(&stage, "a4");
	takes(&stage, "a5");
	done(&stage, "a5");
	end(&stage);
}

/* Where there is but one, it does all. */
static void one_does_all(void)
{
	struct stage stage;

	begin(&stage, 1, true);
	push(&stage, "a1 a2 -1");
	takes(&stage, "a1 -1");
	done(&stage, "a1");
	takes(&stage, "a2");
	done(&stage, "a2");
	end(&stage);
}

static void in_turn(void)
{
	struct stage stage;

	begin(&stage, 4, false);
	push(&stage, "-1 -2 -3 -4 a1 a2");
	takes(&stage, "a1 -1 a2 -2 -3 -4");
	done(&stage, "a1");
	done(&stage, "a2");
	end(&stage);
}

/* Two readers of three are one user's at the most; the third is free for others' long ones. */
static void no_user_has_all(void)
{
	struct stage stage;

	begin(&stage, 4, true);
	push(&stage, "a1 a2 a3 a4");
	takes(&stage, "a1 a2");
	push(&stage, "b1");
	takes(&stage, "b1");
	push(&stage, "c1");
	takes(&stage, "");
	done(&stage, "b1");
	takes(&stage, "c1");
	done(&stage, "a1");
	takes(&stage, "a3");
	done(&stage, "a2");
	done(&stage, "a3");
	takes(&stage, "a4");
	done(&stage, "a4");
	done(&stage, "c1");
	end(&stage);
}

/* Who asked for much first, and who asks again and again: everybody has every third turn. */
static void users_take_turns(void)
{
	static const char *const order[] = { "a1", "b1", "c1", "a2", "b2", "c2", "a3", "a4" };
	struct stage stage;

	begin(&stage, 2, true); /* one long one at a time */
	push(&stage, "a1 a2 a3 a4 b1 c1");
	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		takes(&stage, order[i]);
		if (i == 1)
			push(&stage, "b2");
		if (i == 2)
			push(&stage, "c2");
		done(&stage, order[i]);
	}
	end(&stage);
}

/* B's comes anew each time, which is no way to pass A. */
static void leaving_is_no_trick(void)
{
	struct stage stage;

	begin(&stage, 2, true);
	push(&stage, "a1 a2 a3");
	takes(&stage, "a1");
	push(&stage, "b1");
	done(&stage, "a1");
	takes(&stage, "a2");
	done(&stage, "a2");
	takes(&stage, "b1");
	done(&stage, "b1");
	push(&stage, "b2");
	takes(&stage, "a3");
	done(&stage, "a3");
	takes(&stage, "b2");
	done(&stage, "b2");
	end(&stage);
}

/* --- waiting, closing --- */

static void closing(void)
{
	struct stage stage;
	int64_t began_ns = clock_monotonic_ns();
	struct reads_item late;

	begin(&stage, 2, false);
	OK(!reads_take(&stage.reads, 20));
	OK(clock_monotonic_ns() - began_ns >= 15 * NS_PER_MS);
	push(&stage, "a1 a2");
	takes(&stage, "a1");
	reads_close(&stage.reads);
	OK(!reads_push(&stage.reads, &late));
	OK(!reads_push_long(&stage.reads, &late, STR("a")));
	OK(!reads_closed(&stage.reads)); /* a2 waits for a1 */
	takes(&stage, "");
	done(&stage, "a1");
	takes(&stage, "a2");
	OK(reads_closed(&stage.reads));
	OK(!reads_take(&stage.reads, -1));
	done(&stage, "a2");
	end(&stage);
}

struct many {
	struct reads reads;
	pthread_mutex_t lock;
	size_t taken, running, most; /* long ones at once */
	struct reads_item items[3 * MANY];
};

static void *work(void *context)
{
	struct many *many = context;
	struct reads_item *item;

	while ((item = reads_take(&many->reads, -1)) || !reads_closed(&many->reads)) {
		pthread_mutex_lock(&many->lock);
		many->taken++;
		many->running += item->line != NULL;
		if (many->running > many->most)
			many->most = many->running;
		pthread_mutex_unlock(&many->lock);
		pthread_mutex_lock(&many->lock);
		many->running -= item->line != NULL;
		pthread_mutex_unlock(&many->lock);
		reads_done(&many->reads, item->line);
	}
	return NULL;
}

/* Every item is taken once, never too many at a time, and all threads come to an end. */
static void threads(void)
{
	static const struct str users[USERS] = { STR("a"), STR("b"), STR("") };
	static struct many many;
	pthread_t ids[4];

	many = (struct many){ .taken = 0 };
	pthread_mutex_init(&many.lock, NULL);
	reads_init(&many.reads, &(struct reads_options){ 3 * MANY, ARRAY_LEN(ids), true });
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		IS_INT(pthread_create(&ids[i], NULL, work, &many), 0);
	for (size_t i = 0; i < ARRAY_LEN(many.items); i++)
		OK(i % 2 ? reads_push(&many.reads, &many.items[i])
			 : reads_push_long(&many.reads, &many.items[i], users[i / 2 % USERS]));
	reads_close(&many.reads);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		pthread_join(ids[i], NULL);
	IS_INT(many.taken, ARRAY_LEN(many.items));
	OK(many.most <= ARRAY_LEN(ids) - 1);
	reads_release(&many.reads);
	pthread_mutex_destroy(&many.lock);
}

static const struct tap_case cases[] = { TAP_CASE(order_and_limits), TAP_CASE(one_is_kept),
	TAP_CASE(one_does_all), TAP_CASE(in_turn), TAP_CASE(no_user_has_all),
	TAP_CASE(users_take_turns), TAP_CASE(leaving_is_no_trick), TAP_CASE(closing),
	TAP_CASE(threads) };
TAP_MAIN(cases)
