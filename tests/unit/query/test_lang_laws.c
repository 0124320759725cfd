/*
 * The functions on intervals against slow models of them, written from the descriptions in
 * docs/query-language.md, over many small random lists; and against the clock: what they do to each
 * moment of time.
 */
#include "lang_world.h"
#include "tap.h"

enum { ROUNDS = 4000, MAX_EVENTS = 9, MAX_LIST = 64, SECONDS = 50, MS = 1000 };

/* Times in ms since the world's start. */
struct interval {
	int start, end;
	int id; /* 0: none */
	int letter;
};

struct list {
	int count;
	struct interval at[MAX_LIST];
};

static unsigned dice_state = 1;

static int roll(int sides)
{
	dice_state = dice_state * 1103515245u + 12345u;
	return (int)(dice_state >> 16) % sides;
}

static void add(struct list *list, struct interval interval)
{
	if (OK(list->count < MAX_LIST))
		list->at[list->count++] = interval;
}

static void remove_at(struct list *list, int at)
{
	memmove(&list->at[at], &list->at[at + 1],
		(size_t)(list->count - at - 1) * sizeof(list->at[0]));
	list->count--;
}

/* Insertion sort: equal starts keep their order. */
static struct list ascending(struct list list)
{
	for (int i = 1; i < list.count; i++)
		for (int j = i; j > 0 && list.at[j].start < list.at[j - 1].start; j--) {
			struct interval swap = list.at[j];

			list.at[j] = list.at[j - 1];
			list.at[j - 1] = swap;
		}
	return list;
}

static int later(int a, int b)
{
	return a > b ? a : b;
}

static int earlier(int a, int b)
{
	return a < b ? a : b;
}

/* --- models --- */

/* One pass over pairs of neighbours, taking one out at a time. */
static struct list model_flood(struct list in)
{
	struct list list = ascending(in);
	int i = 0;

	while (i + 1 < list.count) {
		struct interval *left = &list.at[i], *right = &list.at[i + 1];
		int gap = right->start - left->end;

		if (left->letter == right->letter && gap < 5 * MS) {
			left->end = later(left->end, right->end);
			remove_at(&list, i + 1);
			continue;
		}
		if (gap >= 0 && gap < 5 * MS) {
			right->start -= gap / 2;
			left->end += gap / 2;
		}
		i++;
	}
	return list;
}

/* Each event is cut by the filter's periods from the first that was not passed yet. */
static struct list model_intersect(struct list in, struct list by)
{
	struct list events = ascending(in), filter = ascending(by), out = { 0 };
	int passed = 0;

	for (int i = 0; i < events.count && passed < filter.count; i++) {
		struct interval rest = events.at[i];

		while (rest.start < rest.end && passed < filter.count &&
			rest.end > filter.at[passed].start) {
			struct interval piece = rest;

			if (rest.start >= filter.at[passed].end) {
				passed++;
				continue;
			}
			piece.start = later(rest.start, filter.at[passed].start);
			piece.end = earlier(rest.end, filter.at[passed].end);
			add(&out, piece);
			rest.start = piece.end;
		}
	}
	return out;
}

/* Put into groups by joining any two that touch, until none do. */
static struct list model_period_union(struct list a, struct list b)
{
	struct list list = a;
	bool changed = true;

	for (int i = 0; i < b.count; i++)
		add(&list, b.at[i]);
	list = ascending(list);
	while (changed) {
		changed = false;
		for (int i = 0; !changed && i + 1 < list.count; i++) {
			if (list.at[i + 1].start > list.at[i].end)
				continue;
			list.at[i].end = later(list.at[i].end, list.at[i + 1].end);
			remove_at(&list, i + 1);
			changed = true;
		}
	}
	for (int i = 0; i < list.count; i++)
		list.at[i].letter = -1;
	return list;
}

static struct list model_union_no_overlap(struct list a, struct list b)
{
	struct list out = { 0 };

	while (a.count > 0 && b.count > 0) {
		struct interval x = a.at[0], y = b.at[0];
		struct interval head = { y.start, x.start, 0, y.letter };

		if (later(x.start, y.start) >= earlier(x.end, y.end)) {
			add(&out, x.start <= y.start ? x : y);
			remove_at(x.start <= y.start ? &a : &b, 0);
		} else if (x.start <= y.start) {
			add(&out, x);
			remove_at(&a, 0);
			if (x.end < y.end)
				b.at[0] = (struct interval){ x.end, y.end, 0, y.letter };
			else
				remove_at(&b, 0);
		} else {
			add(&out, head);
			b.at[0] = (struct interval){ x.start, y.end, 0, y.letter };
		}
	}
	for (int i = 0; i < a.count; i++)
		add(&out, a.at[i]);
	for (int i = 0; i < b.count; i++)
		add(&out, b.at[i]);
	return out;
}

static struct list model_merge(struct list in)
{
	struct list out = { 0 };

	for (int i = 0; i < in.count; i++) {
		int j = 0;

		while (j < out.count && out.at[j].letter != in.at[i].letter)
			j++;
		if (j == out.count) {
			add(&out, in.at[i]);
			out.at[j].id = 0;
		} else {
			out.at[j].end += in.at[i].end - in.at[i].start;
		}
	}
	return out;
}

static struct list model_chunk(struct list in)
{
	struct list list = in;

	for (int i = 0; i + 1 < list.count;) {
		if (list.at[i].letter != list.at[i + 1].letter) {
			i++;
			continue;
		}
		list.at[i].end += list.at[i + 1].end - list.at[i + 1].start;
		remove_at(&list, i + 1);
	}
	return list;
}

/* Bubble the longest to the front. */
static struct list model_by_duration(struct list list)
{
	for (int round = 0; round < list.count; round++)
		for (int i = 0; i + 1 < list.count; i++) {
			struct interval a = list.at[i], b = list.at[i + 1];

			if (a.end - a.start >= b.end - b.start)
				continue;
			list.at[i] = b;
			list.at[i + 1] = a;
		}
	return list;
}

/* --- the engine's side --- */

static void print_list(const struct list *list, struct buf *out)
{
	buf_clear(out);
	buf_byte(out, '[');
	for (int i = 0; i < list->count; i++) {
		const struct interval *at = &list->at[i];
		int length = at->end - at->start;

		buf_addc(out, i > 0 ? "," : "");
		if (at->letter < 0)
			buf_addc(out, "{\"data\":{},");
		else
			buf_printf(out, "{\"data\":{\"k\":\"%c\"},", 'a' + at->letter);
		buf_printf(out, "\"duration\":%d.%d,\"id\":", length / MS, length % MS / 100);
		buf_addc(out, at->id > 0 ? "" : "null");
		if (at->id > 0)
			buf_i64(out, at->id);
		buf_printf(out, ",\"timestamp\":\"2020-01-01T00:00:%02d", at->start / MS);
		if (at->start % MS != 0)
			buf_printf(out, ".%03d", at->start % MS);
		buf_addc(out, "Z\"}");
	}
	buf_byte(out, ']');
}

/* A random list of events of SHORTEST seconds or more, newest first as a bucket shows it; its
 * events in BUCKET. */
static struct list random_list(struct world *world, size_t bucket, bool disjoint, int shortest)
{
	struct list list = { 0 };
	int count = roll(MAX_EVENTS), at = 0;

	for (int i = 0; i < count; i++) {
		struct interval made = { .id = (int)bucket * 100 + i + 1, .letter = roll(3) };

		made.start = disjoint ? at + roll(7) * MS : roll(SECONDS - 10) * MS;
		made.end = made.start + (shortest + roll(disjoint ? 4 : 10)) * MS;
		at = made.end;
		if (made.end > SECONDS * MS)
			break;
		list.at[list.count++] = made;
	}
	for (int i = 0; i < list.count; i++) {
		char text[] = "{\"k\":\"a\"}";

		text[6] = (char)('a' + list.at[i].letter);
		world_event(world, bucket, list.at[i].id,
			WORLD_START_NS + list.at[i].start * NS_PER_MS,
			(list.at[i].end - list.at[i].start) * NS_PER_MS, str_from(text));
	}
	/* The order of a bucket: start descending, end ascending, number ascending. */
	for (int i = 1; i < list.count; i++)
		for (int j = i; j > 0; j--) {
			struct interval *a = &list.at[j - 1], *b = &list.at[j], swap = *b;

			if (a->start > b->start || (a->start == b->start && a->end <= b->end))
				break;
			*b = *a;
			*a = swap;
		}
	return list;
}

static void check(
	struct lang *lang, struct world *world, const char *program, const struct list *want)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT, expected = BUF_INIT;
	struct err err;
	struct str got = world_ask(lang, world, program, &out, &err);

	print_list(want, &expected);
	tap_check(str_eq(got, buf_str(&expected)), __FILE__, __LINE__, "%s\n# got  %.*s\n# want %s",
		program, STR_ARG(got), buf_cstr(&expected));
}

#define A "query_bucket(\"a\")"
#define B "query_bucket(\"b\")"
#define SORTED(list) "sort_by_timestamp(" list ")"

static void check_models(struct lang *lang, struct world *world, struct list a, struct list b)
{
	struct list result = model_flood(a);

	check(lang, world, "return flood(" A ");", &result);
	result = model_intersect(a, b);
	check(lang, world, "return filter_period_intersect(" A ", " B ");", &result);
	result = model_intersect(model_flood(a), model_period_union(b, b));
	check(lang, world,
		"f = flood(" A "); return filter_period_intersect(f, period_union(" B ", " B "));",
		&result);
	result = model_period_union(a, b);
	check(lang, world, "return period_union(" A ", " B ");", &result);
	result = model_union_no_overlap(ascending(a), ascending(b));
	check(lang, world, "return union_no_overlap(" SORTED(A) ", " SORTED(B) ");", &result);
	result = model_union_no_overlap(a, b);
	check(lang, world, "return union_no_overlap(" A ", " B ");", &result);
	result = model_merge(a);
	check(lang, world, "return merge_events_by_keys(" A ", [\"k\"]);", &result);
	result = model_chunk(ascending(a));
	check(lang, world, "return chunk_events_by_key(" SORTED(A) ", \"k\");", &result);
	result = model_by_duration(a);
	check(lang, world, "return sort_by_duration(" A ");", &result);
	result = ascending(model_by_duration(a));
	check(lang, world, "return sort_by_timestamp(sort_by_duration(" A "));", &result);
}

static void models_agree(void)
{
	for (int round = 0; round < ROUNDS; round++) {
		struct lang *lang = lang_new(NULL);
		static struct world world;
		struct list a, b;

		world_bucket(&world, STR("a"), STR("h"));
		world_bucket(&world, STR("b"), STR("h"));
		a = random_list(&world, 0, round % 3 == 0, 0);
		b = random_list(&world, 1, round % 2 == 0, 0);
		check_models(lang, &world, a, b);
		world_release(&world);
		lang_free(lang);
		if (tap.failed > 3)
			return;
	}
}

/* --- moments --- */

/* Who covers the tenth of a second at AT: a letter, or -1. */
static int covered(const struct list *list, int at)
{
	for (int i = 0; i < list->count; i++)
		if (list->at[i].start <= at && at < list->at[i].end)
			return list->at[i].letter;
	return -1;
}

/* Read back what the engine gave: starts, durations, letters. */
static struct list ask_list(struct lang *lang, struct world *world, const char *program)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct json_parser parser = { 0 };
	const struct json *root, *event;
	struct list list = { 0 };
	struct json_iter iter;
	struct str key;
	struct err err;
	struct str got = world_ask(lang, world, program, &out, &err);

	if (!OK(json_parse(&parser, got, false, &root, &err) == 0))
		return list;
	iter = json_iter(root);
	while (json_next(&iter, &key, &event)) {
		struct str letter = json_get_str(json_get(event, "data"), "k");
		double seconds = 0;
		int64_t start_ns = 0;

		OK(json_to_double(json_get(event, "duration"), &seconds));
		OK(time_parse(json_get_str(event, "timestamp"), &start_ns, &err) == 0);
		list.at[list.count].start = (int)((start_ns - WORLD_START_NS) / NS_PER_MS);
		list.at[list.count].end = list.at[list.count].start + (int)(seconds * MS + 0.5);
		list.at[list.count++].letter = letter.len > 0 ? letter.ptr[0] - 'a' : 0;
	}
	json_parser_release(&parser);
	return list;
}

static void check_moments(
	struct lang *lang, struct world *world, const struct list *a, const struct list *b)
{
	struct list both = ask_list(lang, world, "return filter_period_intersect(" A ", " B ");");
	struct list either = ask_list(lang, world, "return period_union(" A ", " B ");");
	struct list first =
		ask_list(lang, world, "return union_no_overlap(" SORTED(A) ", " SORTED(B) ");");

	for (int at = 0; at < SECONDS * MS; at += 500) {
		int in_a = covered(a, at), in_b = covered(b, at);

		OK(covered(&both, at) == (in_b >= 0 ? in_a : -1));
		OK((covered(&either, at) >= 0) == (in_a >= 0 || in_b >= 0));
		OK(covered(&first, at) == (in_a >= 0 ? in_a : in_b));
	}
}

/* Of lists without overlap and without instants: an intersection holds what both hold, a union what
 * either does. */
static void moments_agree(void)
{
	for (int round = 0; round < ROUNDS / 4; round++) {
		struct lang *lang = lang_new(NULL);
		static struct world world;
		struct list a, b;

		world_bucket(&world, STR("a"), STR("h"));
		world_bucket(&world, STR("b"), STR("h"));
		a = random_list(&world, 0, true, 1);
		b = random_list(&world, 1, true, 1);
		check_moments(lang, &world, &a, &b);
		world_release(&world);
		lang_free(lang);
		if (tap.failed > 3)
			return;
	}
}

static const struct tap_case cases[] = {
	TAP_CASE(models_agree),
	TAP_CASE(moments_agree),
};
TAP_MAIN(cases)
