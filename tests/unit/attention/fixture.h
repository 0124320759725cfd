/* What the tests of streams share: a store in a directory of its own, and short ways to put events
 * into it. */
#ifndef TT_TESTS_ATTENTION_FIXTURE_H
#define TT_TESTS_ATTENTION_FIXTURE_H

#include <unistd.h>

#include "attention/streams.h"
#include "model/id.h"
#include "store/intake.h"
#include "store_place.h"
#include "tap.h"

#define M1 "11111111-1111-4111-8111-111111111111"
#define M2 "22222222-2222-4222-8222-222222222222"

static const struct attention_params fixture_params = ATTENTION_DEFAULTS;

struct fixture {
	char dir[64];
	struct store *store;
	struct stream_set *set;
	struct err err;
};

__attribute__((unused)) static struct fixture fixture_open(void)
{
	struct fixture fixture = { .dir = "/tmp/tt-streams-XXXXXX" };
	struct store_options options;
	struct store_place place;
	char path[128];

	/* In memory where there is such a place: these tests commit often. */
	if (access("/dev/shm", W_OK) == 0)
		snprintf(fixture.dir, sizeof(fixture.dir), "/dev/shm/tt-streams-XXXXXX");
	if (!mkdtemp(fixture.dir))
		abort();
	snprintf(path, sizeof(path), "sqlite:%s/tt.db", fixture.dir);
	store_place_make(&place, path);
	options = store_place_options(&place);
	if (store_open(&fixture.store, &options, &fixture.err) < 0) {
		printf("# %s\n", fixture.err.message);
		abort();
	}
	return fixture;
}

__attribute__((unused)) static void fixture_close(struct fixture *fixture)
{
	static const char *const files[] = { "tt.db", "tt.db-wal", "tt.db-shm" };
	char path[128];

	stream_set_free(fixture->set);
	store_close(fixture->store);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", fixture->dir, files[i]);
		unlink(path);
	}
	rmdir(fixture->dir);
}

/* Whether RC is no failure; says what it was. */
#define OK_RC(fixture, call)                                                                       \
	((call) >= 0 ? OK(true) : tap_check(0, __FILE__, __LINE__, "%s", (fixture)->err.message))

/* 2026-02-03T09:00:00Z and MINUTES. */
__attribute__((unused)) static int64_t minute(double minutes)
{
	return INT64_C(1770109200) * NS_PER_S + (int64_t)(minutes * (double)NS_PER_MINUTE);
}

struct put {
	const char *machine; /* NULL: M1; "": none */
	const char *type;    /* NULL: tmux_pane_focus */
	double at;           /* minutes */
	const char *key;     /* the id's discriminator; NULL: "%1" */
	const char *data;
	int64_t revision;
	const char *source; /* NULL: "test" */
	double lasts;       /* minutes */
};

__attribute__((unused)) static struct str put_source(const struct put *put)
{
	return str_from(put->source ? put->source : "test");
}

__attribute__((unused)) static void put_id(struct buf *out, const struct put *put)
{
	const char *machine = put->machine ? put->machine : M1;

	buf_clear(out);
	id_build(out, str_from(*machine ? machine : M1), put_source(put),
		str_from(put->type ? put->type : "tmux_pane_focus"), minute(put->at),
		str_from(put->key ? put->key : "%1"));
	if (!*machine)
		buf_consume(out, 37);
}

__attribute__((unused)) static void fixture_put_all(
	struct fixture *fixture, const struct put *puts, size_t count)
{
	CLEANUP(buf_release) struct buf id = BUF_INIT;
	CLEANUP(intake_freep) struct intake *intake = NULL;
	struct quarantine_entry origin = { .source = STR("test") };
	enum intake_result result;

	if (!OK_RC(fixture, intake_begin(&intake, fixture->store, &fixture->err)))
		return;
	for (size_t i = 0; i < count; i++) {
		struct event event = {
			.source = put_source(&puts[i]),
			.type = str_from(puts[i].type ? puts[i].type : "tmux_pane_focus"),
			.start_ns = minute(puts[i].at),
			.duration_ns = (int64_t)(puts[i].lasts * (double)NS_PER_MINUTE),
			.revision = puts[i].revision,
			.data = str_from(puts[i].data),
		};

		put_id(&id, &puts[i]);
		event.id = buf_str(&id);
		if (!OK_RC(fixture, intake_event(intake, &event, &origin, &result, &fixture->err)))
			return;
		if (result == INTAKE_QUARANTINED)
			tap_check(0, __FILE__, __LINE__, "quarantined: %s", puts[i].data);
	}
	OK_RC(fixture, intake_commit(intake, &fixture->err));
}

#define PUT(fixture, ...)                                                                          \
	fixture_put_all((fixture), (const struct put[]){ __VA_ARGS__ },                            \
		sizeof((const struct put[]){ __VA_ARGS__ }) / sizeof(struct put))

/* Bring streams up to date and load those of everything. */
__attribute__((unused)) static void fixture_load(struct fixture *fixture)
{
	stream_set_free(fixture->set);
	fixture->set = NULL;
	OK_RC(fixture, streams_update(fixture->store, &fixture_params, false, &fixture->err));
	OK_RC(fixture, stream_set_load(&fixture->set, fixture->store, &fixture_params, 0, 0,
			       &fixture->err));
}

__attribute__((unused)) static const struct stream *fixture_stream(
	struct fixture *fixture, const char *word)
{
	static const struct stream none = { .source = "" };
	int32_t index;

	if (!OK_RC(fixture, stream_set_find(fixture->set, str_from(word), &index, &fixture->err)))
		return &none;
	return stream_set_get(fixture->set, index);
}

/* Name of the stream that an event of the store is placed in; "-" for none. */
__attribute__((unused)) static struct str fixture_place(
	struct fixture *fixture, const struct put *put)
{
	static struct arena arena;
	static struct json_parser parser;
	CLEANUP(buf_release) struct buf id = BUF_INIT;
	struct stored_event event;
	struct event_facts facts;
	int32_t index;

	arena_release(&arena);
	json_parser_release(&parser);
	put_id(&id, put);
	if (!OK_RC(fixture,
		    store_event_find(fixture->store, buf_str(&id), &arena, &event, &fixture->err)))
		return STR("?");
	event_facts(&parser, event.event.data, &facts);
	index = stream_set_place(fixture->set, &event, &facts);
	json_parser_release(&parser);
	arena_release(&arena);
	parser = (struct json_parser){ 0 };
	return index == STREAM_NONE ? STR("-") : stream_set_get(fixture->set, index)->name;
}

#define IS_PLACED(fixture, name, ...)                                                              \
	IS_STR(fixture_place((fixture), &(struct put){ __VA_ARGS__ }), (name))

#endif
