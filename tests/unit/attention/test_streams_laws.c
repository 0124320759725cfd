/*
 * Whatever order events come in, in whatever batches, with repetitions and corrections, the streams
 * are those that a slow and obvious program finds in all events.
 */
#include "attention/streams.h"

#include "fixture.h"
#include "store/derived.h"

enum { RANDOM_EVENTS = 60, RANDOM_ROUNDS = 60 };

struct random_event {
	struct put put;
	int64_t at_ns;
	char key[16];
	char data[256];
	int machine;
	char session[24];
	char parent[24];
	char place[16]; /* "p…" project, "d…" directory, or empty */
	bool gone;
	char id[128];
	/* found by the slow program */
	int group;
	char home[16];
	int first; /* index of its stream's first event; -1: no stream */
};

struct world {
	uint64_t state;
	bool calm; /* sessions stay where they are: no update needs a rebuild */
	struct random_event events[RANDOM_EVENTS];
	int count;
};

static int pick(struct world *world, int below)
{
	world->state = world->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (int)((world->state >> 33) % (uint64_t)below);
}

static void write_data(struct random_event *event)
{
	int len;

	/* As editors' watchers say it. */
	if (strcmp(event->put.type, "app.editor.activity") == 0) {
		snprintf(event->data, sizeof(event->data),
			"{\"file\":\"a.c\",\"language\":\"c\",\"project\":\"%s%s\"}",
			*event->place ? "/h/" : "", *event->place ? event->place : "unknown");
		return;
	}
	len = snprintf(event->data, sizeof(event->data), "{\"pane_id\":\"%%1\"");
#define DATA(...) len += snprintf(event->data + len, sizeof(event->data) - (size_t)len, __VA_ARGS__)
	if (*event->session)
		DATA(",\"session_id\":\"%s\"", event->session);
	if (*event->parent)
		DATA(",\"parent_session_id\":\"%s\"", event->parent);
	if (*event->place)
		DATA(",\"cwd\":\"/h/%s\"", event->place);
	if (*event->place == 'p')
		DATA(",\"git_project\":\"%s\"", event->place);
	DATA("}");
#undef DATA
}

static void make_event(struct world *world, int index)
{
	static const char *const machines[] = { M1, M2, "" };
	static const char *const places[] = { "p1", "p2", "d1", "d2", "" };
	static const char *const sessions[] = { "", "", "s1", "s2", "s3", "s1/agent-a", "s4" };
	static const char *const types[] = { "tmux_pane_focus", "user_message", "note",
		"app.editor.activity", "currentwindow" };
	struct random_event *event = &world->events[index];
	int type = pick(world, 5);

	*event = (struct random_event){ .machine = pick(world, 3) };
	if (event->machine == 1 && pick(world, 2))
		event->machine = 0;
	snprintf(event->place, sizeof(event->place), "%s", places[pick(world, 5)]);
	if (type == 4 || (type == 3 && *event->place == 'd'))
		*event->place = '\0';
	if (type == 1 || type == 2)
		snprintf(event->session, sizeof(event->session), "%s",
			sessions[type == 1 ? 2 + pick(world, 5) : pick(world, 7)]);
	if (*event->session && pick(world, 8) == 0)
		snprintf(event->parent, sizeof(event->parent), "%s", sessions[2 + pick(world, 3)]);
	if (world->calm && *event->session) {
		*event->parent = '\0';
		snprintf(event->place, sizeof(event->place), "%s", places[event->session[1] % 4]);
	}
	snprintf(event->key, sizeof(event->key), "k%d", index);
	event->put = (struct put){ machines[event->machine], types[type], 10.0 * pick(world, 120),
		event->key, event->data, 0, type > 2 ? "aw.w" : NULL, 0 };
	event->at_ns = minute(event->put.at);
	write_data(event);
}

/* --- the slow and obvious program --- */

static int before(const struct random_event *a, const struct random_event *b)
{
	struct event left = {
		.id = str_from(a->id), .type = str_from(a->put.type), .start_ns = a->at_ns
	};
	struct event right = {
		.id = str_from(b->id), .type = str_from(b->put.type), .start_ns = b->at_ns
	};

	return event_cmp(&left, &right) < 0;
}

/* The parent that the session claims in any of its events, or by its form. */
static const char *parent_of(
	const struct world *world, int machine, const char *session, char out[static 24])
{
	*out = '\0';
	for (int i = 0; i < world->count; i++) {
		const struct random_event *event = &world->events[i];

		if (!event->gone && event->machine == machine &&
			strcmp(event->session, session) == 0 && *event->parent &&
			strcmp(event->parent, session) != 0 &&
			(!*out || strcmp(event->parent, out) < 0))
			memcpy(out, event->parent, sizeof(event->parent));
	}
	if (!*out && strcmp(session, "s1/agent-a") == 0)
		strcpy(out, "s1");
	return out;
}

static void top_of(const struct world *world, int machine, const char *session, char out[static 24])
{
	char seen[8][24], next[24];
	int count = 0;

	snprintf(out, 24, "%s", session);
	for (;;) {
		for (int i = 0; i < count; i++) {
			if (strcmp(seen[i], out) != 0)
				continue;
			/* A circle: its least. */
			for (int k = i; k < count; k++)
				if (strcmp(seen[k], out) < 0)
					memcpy(out, seen[k], 24);
			return;
		}
		memcpy(seen[count++], out, 24);
		if (!*parent_of(world, machine, out, next))
			return;
		memcpy(out, next, 24);
	}
}

static void find_home(struct world *world, int index)
{
	struct random_event *event = &world->events[index], *best = NULL;
	char top[24], other[24];
	bool best_is_top = false;

	if (!*event->session) {
		memcpy(event->home, event->place, sizeof(event->home));
		return;
	}
	*event->home = '\0';
	top_of(world, event->machine, event->session, top);
	for (int i = 0; i < world->count; i++) {
		struct random_event *candidate = &world->events[i];
		bool is_top = strcmp(candidate->session, top) == 0;

		if (candidate->gone || candidate->machine != event->machine ||
			!*candidate->session || !*candidate->place)
			continue;
		top_of(world, event->machine, candidate->session, other);
		if (strcmp(other, top) != 0)
			continue;
		if (!best || (is_top && !best_is_top) ||
			(is_top == best_is_top && before(candidate, best))) {
			best = candidate;
			best_is_top = is_top;
		}
	}
	if (best)
		memcpy(event->home, best->place, sizeof(event->home));
}

static bool joined(
	const struct world *world, const struct random_event *a, const struct random_event *b)
{
	int64_t apart = a->at_ns - b->at_ns;
	char left[24], right[24];

	if (a->gone || b->gone || a->machine != b->machine || !*a->home ||
		strcmp(a->home, b->home) != 0)
		return false;
	if (apart <= fixture_params.gap_ns && apart >= -fixture_params.gap_ns)
		return true;
	if (!*a->session || !*b->session)
		return false;
	top_of(world, a->machine, a->session, left);
	top_of(world, b->machine, b->session, right);
	return strcmp(left, right) == 0;
}

static void solve(struct world *world)
{
	bool changed = true;

	for (int i = 0; i < world->count; i++)
		find_home(world, i);
	for (int i = 0; i < world->count; i++)
		world->events[i].first = *world->events[i].home ? i : -1;
	while (changed) {
		changed = false;
		for (int i = 0; i < world->count; i++)
			for (int k = 0; k < world->count; k++) {
				struct random_event *a = &world->events[i], *b = &world->events[k];

				if (!joined(world, a, b) || a->first == b->first ||
					!before(&world->events[b->first], &world->events[a->first]))
					continue;
				a->first = b->first;
				changed = true;
			}
	}
}

/* --- both compared --- */

static int32_t place_of(const struct stream_set *set, const struct random_event *event)
{
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	struct event_facts facts;
	struct stored_event stored = {
		.event = { .id = str_from(event->id),
			.type = str_from(event->put.type),
			.start_ns = event->at_ns },
		.machine_id = id_machine(str_from(event->id)),
	};

	event_facts(&parser, str_from(event->data), &facts);
	return stream_set_place(set, &stored, &facts);
}

static void check_event(struct fixture *fixture, const struct world *world, int index)
{
	const struct random_event *event = &world->events[index];
	int32_t stream = place_of(fixture->set, event);

	if (event->first < 0) {
		IS_INT(stream, STREAM_NONE);
		return;
	}
	if (OK(stream != STREAM_NONE))
		IS_STR(stream_set_get(fixture->set, stream)->anchor_id,
			world->events[event->first].id);
}

static void check_extents(struct fixture *fixture, const struct world *world)
{
	size_t streams = 0;

	for (int i = 0; i < world->count; i++) {
		const struct stream *stream;
		int64_t last_ns = INT64_MIN, events = 0;

		if (world->events[i].gone || world->events[i].first != i)
			continue;
		streams++;
		for (int k = 0; k < world->count; k++) {
			if (world->events[k].gone || world->events[k].first != i)
				continue;
			events++;
			if (world->events[k].at_ns > last_ns)
				last_ns = world->events[k].at_ns;
		}
		stream = stream_set_get(fixture->set, place_of(fixture->set, &world->events[i]));
		IS_INT(stream->events, events);
		IS_INT(stream->first_ns, world->events[i].at_ns);
		IS_INT(stream->last_ns, last_ns);
	}
	IS_INT(stream_set_count(fixture->set), streams);
}

/* Everything that tells two sets apart, as text. */
static void describe_set(struct fixture *fixture, struct buf *out)
{
	for (size_t i = 0; i < stream_set_count(fixture->set); i++) {
		const struct stream *stream = stream_set_get(fixture->set, (int32_t)i);

		buf_printf(out, "%.*s %.*s %.*s %.*s %.*s %lld\n", STR_ARG(stream->id),
			STR_ARG(stream->name), STR_ARG(stream->machine_id),
			STR_ARG(stream->project), STR_ARG(stream->cwd), (long long)stream->events);
	}
}

static int by_line(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static struct str sorted_lines(struct buf *text, struct arena *arena)
{
	struct str lines[2 * RANDOM_EVENTS], rest = buf_str(text);
	struct buf sorted = BUF_INIT;
	struct str out;
	size_t count = 0;

	while (rest.len > 0)
		lines[count++] = str_split(&rest, '\n');
	qsort(lines, count, sizeof(*lines), by_line);
	for (size_t i = 0; i < count; i++) {
		buf_add(&sorted, lines[i]);
		buf_byte(&sorted, '\n');
	}
	out = arena_str(arena, buf_str(&sorted));
	buf_release(&sorted);
	return out;
}

static void check_rebuild(struct fixture *fixture)
{
	CLEANUP(buf_release) struct buf grown = BUF_INIT;
	CLEANUP(buf_release) struct buf rebuilt = BUF_INIT;
	CLEANUP(arena_release) struct arena arena = { 0 };

	describe_set(fixture, &grown);
	OK_RC(fixture, streams_update(fixture->store, &fixture_params, true, &fixture->err));
	fixture_load(fixture);
	describe_set(fixture, &rebuilt);
	OK(str_eq(sorted_lines(&grown, &arena), sorted_lines(&rebuilt, &arena)));
}

static void put_some(struct fixture *fixture, struct world *world)
{
	struct put batch[12];
	size_t count = 0;
	int old = world->count;

	while (count < ARRAY_LEN(batch) && (count == 0 || pick(world, 6) > 0)) {
		if (world->count < RANDOM_EVENTS) {
			make_event(world, world->count);
			world->count++;
			batch[count++] = world->events[world->count - 1].put;
		}
		if (old > 0 && count < ARRAY_LEN(batch) && pick(world, 3) == 0)
			batch[count++] = world->events[pick(world, old)].put;
		if (world->count == RANDOM_EVENTS && pick(world, 2) == 0)
			break;
		if (count == 0)
			break;
	}
	for (int i = 0; i < world->count; i++) {
		CLEANUP(buf_release) struct buf id = BUF_INIT;

		put_id(&id, &world->events[i].put);
		snprintf(world->events[i].id, sizeof(world->events[i].id), "%s", buf_cstr(&id));
	}
	fixture_put_all(fixture, batch, count);
}

/* Sometimes an event is corrected, in what matters here or not, or withdrawn. */
static void change_one(struct fixture *fixture, struct world *world)
{
	struct random_event *event = &world->events[pick(world, world->count)];
	CLEANUP(intake_freep) struct intake *intake = NULL;
	int what = world->calm ? 0 : pick(world, 3);

	if (event->gone)
		return;
	if (what < 2) {
		event->put.revision++;
		if (what == 1 && *event->place)
			event->place[1] = event->place[1] == '1' ? '2' : '1';
		write_data(event);
		/* What ActivityWatch's clients do: the event goes on, or they say nonsense. */
		if (event->put.source)
			event->put.lasts = pick(world, 300) - 20;
		else
			memcpy(event->data + strlen(event->data) - 1, ",\"more\":1}", 11);
		fixture_put_all(fixture, &event->put, 1);
		return;
	}
	event->gone = true;
	OK_RC(fixture, intake_begin(&intake, fixture->store, &fixture->err));
	OK_RC(fixture, intake_withdraw(intake, str_from(event->id), &fixture->err));
	OK_RC(fixture, intake_commit(intake, &fixture->err));
}

/* What is loaded for a time says the same of the events of that time. */
static void check_time(struct fixture *fixture, struct world *world)
{
	CLEANUP(stream_set_freep) struct stream_set *set = NULL;
	int64_t from_ns = minute(10.0 * pick(world, 120));
	int64_t to_ns = from_ns + (1 + pick(world, 300)) * NS_PER_MINUTE;

	if (!OK_RC(fixture, stream_set_load(&set, fixture->store, &fixture_params, from_ns, to_ns,
				    &fixture->err)))
		return;
	for (int i = 0; i < world->count; i++) {
		const struct random_event *event = &world->events[i];
		int32_t here, there;

		if (event->gone || event->at_ns < from_ns || event->at_ns >= to_ns)
			continue;
		here = place_of(set, event);
		there = place_of(fixture->set, event);
		if (!OK((here == STREAM_NONE) == (there == STREAM_NONE)) || here == STREAM_NONE)
			continue;
		OK(str_eq(stream_set_get(set, here)->id, stream_set_get(fixture->set, there)->id));
		OK(str_eq(stream_set_get(set, here)->name,
			stream_set_get(fixture->set, there)->name));
		IS_INT(stream_set_get(set, here)->events,
			stream_set_get(fixture->set, there)->events);
	}
}

static void check_world(struct fixture *fixture, struct world *world)
{
	fixture_load(fixture);
	solve(world);
	for (int i = 0; i < world->count; i++)
		if (!world->events[i].gone)
			check_event(fixture, world, i);
	check_extents(fixture, world);
	check_time(fixture, world);
}

static void any_order(void)
{
	uint64_t rounds = (uint64_t)store_place_rounds(RANDOM_ROUNDS);

	for (uint64_t seed = 1; seed <= rounds && !tap.failed; seed++) {
		struct fixture fixture = fixture_open();
		struct world world = { .state = seed * UINT64_C(7919), .calm = seed % 2 == 1 };

		while (world.count < RANDOM_EVENTS && !tap.failed) {
			put_some(&fixture, &world);
			if (pick(&world, 3) == 0)
				change_one(&fixture, &world);
			if (pick(&world, 2) == 0)
				check_world(&fixture, &world);
		}
		check_world(&fixture, &world);
		check_rebuild(&fixture);
		if (tap.failed)
			printf("# seed %llu\n", (unsigned long long)seed);
		fixture_close(&fixture);
	}
}

static const struct tap_case cases[] = {
	TAP_CASE(any_order),
};
TAP_MAIN(cases)
