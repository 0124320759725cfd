/* Machines, their aliases and buckets, as status shows them. */
#include "store_fixture.h"

static void put_peer(struct store *store, const struct peer_state *peer)
{
	struct intake *intake = NULL;
	struct err err;

	GOOD(intake_begin(&intake, store, &err));
	GOOD(intake_peer(intake, peer, &err));
	GOOD(intake_commit(intake, &err));
	intake_free(intake);
}

static void labels(void)
{
	struct fixture f;
	struct store *store = fixture_open((fixture_begin(&f), &f));
	struct store_machine machine;
	struct err err;

	FAILS(store_machine_find(store, STR(MACHINE_A), &f.arena, &machine, &err), ERR_NOT_FOUND);
	GOOD(store_machine_label(store, STR(MACHINE_A), STR("laptop"), true, &err));
	GOOD(store_machine_label(store, STR(MACHINE_A), STR("other"), true, &err));
	GOOD(store_machine_find(store, STR(MACHINE_A), &f.arena, &machine, &err));
	IS_STR(machine.label, "laptop");
	GOOD(store_machine_label(store, STR(MACHINE_A), STR("other"), false, &err));
	GOOD(store_machine_find(store, STR(MACHINE_A), &f.arena, &machine, &err));
	IS_STR(machine.label, "other");
	IS_INT(machine.events, 0);
	IS_INT(machine.last_sync_ns, INT64_MIN);
	IS_INT(machine.last_event_ns, INT64_MIN);
	IS_INT(machine.cursor, 0);
	IS_STR(machine.alias, "");
	FAILS(store_machine_label(store, STR(MACHINE_A), STR("\xff"), false, &err), ERR_USAGE);
	store_close(store);
	fixture_end(&f);
}

static void peers(void)
{
	struct fixture f;
	struct store *store = fixture_open((fixture_begin(&f), &f));
	struct peer_state peer = { .machine_id = STR(MACHINE_A),
		.alias = STR("devbox"),
		.store_id = STR("S1"),
		.version = STR("0.1"),
		.cursor = 42,
		.synced_at_ns = T0,
		.clock_skew_ns = -3 };
	struct store_machine machine;
	struct err err;

	put_peer(store, &peer);
	GOOD(store_machine_find(store, STR("devbox"), &f.arena, &machine, &err));
	IS_STR(machine.machine_id, MACHINE_A);
	IS_STR(machine.alias, "devbox");
	IS_STR(machine.store_id, "S1");
	IS_STR(machine.version, "0.1");
	OK(machine.cursor == 42 && machine.last_sync_ns == T0 && machine.clock_skew_ns == -3);
	peer.alias = STR("devbox.example");
	peer.synced_at_ns = T0 + 1;
	peer.cursor = 43;
	put_peer(store, &peer);
	GOOD(store_machine_find(store, STR(MACHINE_A), &f.arena, &machine, &err));
	IS_STR(machine.alias, "devbox.example");
	IS_INT(machine.cursor, 43);
	/* Another machine answers under the alias now. */
	peer.machine_id = STR(MACHINE_B);
	peer.synced_at_ns = T0 + 2;
	put_peer(store, &peer);
	GOOD(store_machine_find(store, STR("devbox.example"), &f.arena, &machine, &err));
	IS_STR(machine.machine_id, MACHINE_B);
	GOOD(store_machine_find(store, STR(MACHINE_A), &f.arena, &machine, &err));
	IS_STR(machine.alias, "devbox");
	peer.alias = STR(""); /* from a file: no alias */
	put_peer(store, &peer);
	GOOD(store_machine_find(store, STR(MACHINE_B), &f.arena, &machine, &err));
	IS_STR(machine.alias, "devbox.example");
	FAILS(store_machine_find(store, STR(""), &f.arena, &machine, &err), ERR_NOT_FOUND);
	store_close(store);
	fixture_end(&f);
}

static void newest_events(void)
{
	struct fixture f;
	struct store *store = fixture_open((fixture_begin(&f), &f));
	struct event tool =
		event_make(&f.arena, "agent_tool_use", T0, "t", "{\"session_id\":\"s\"}");
	struct event prompt =
		event_make(&f.arena, "user_message", T0, "z", "{\"session_id\":\"s\"}");
	struct event odd =
		event_make(&f.arena, "agent_tool_use", T0, "u", "{\"session_id\":\"s\"}");
	struct event lost = event_make(&f.arena, "note", T0, "u", "{}");
	struct store_machine *machines;
	struct store_bucket *buckets;
	size_t count;
	struct err err;

	odd.start_ns = T0 - NS_PER_S;
	lost.id = STR("no machine");
	fixture_take(store, &tool);
	fixture_take(store, &prompt);
	fixture_take(store, &odd);
	fixture_take(store, &lost);
	GOOD(store_machine_label(store, STR(MACHINE_B), STR("a first"), false, &err));
	GOOD(store_machines(store, &f.arena, &machines, &count, &err));
	if (!IS_INT(count, 3))
		return;
	IS_STR(machines[0].machine_id, ""); /* no labels: by id */
	IS_INT(machines[0].events, 1);
	IS_STR(machines[0].last_event_id, "no machine");
	IS_STR(machines[1].machine_id, MACHINE_A);
	IS_INT(machines[1].events, 3);
	OK(str_eq(machines[1].last_event_id, tool.id)); /* of one instant: the higher rank */
	IS_INT(machines[1].last_event_ns, T0);
	IS_STR(machines[2].label, "a first");
	GOOD(store_buckets(store, &f.arena, &buckets, &count, &err));
	if (!IS_INT(count, 3))
		return;
	IS_STR(buckets[0].id, "claude.note@");
	IS_STR(buckets[1].id, "claude.agent_tool_use@" MACHINE_A);
	IS_INT(buckets[1].events, 2);
	IS_INT(buckets[1].first_ns, T0 - NS_PER_S);
	IS_INT(buckets[1].last_ns, T0);
	IS_INT(buckets[1].last_seen_ns, T0);
	IS_STR(buckets[2].source, "claude");
	IS_STR(buckets[2].type, "user_message");
	IS_STR(buckets[2].machine_id, MACHINE_A);
	store_close(store);
	fixture_end(&f);
}

static void empty_bucket(void)
{
	struct fixture f;
	struct store *store = fixture_open((fixture_begin(&f), &f));
	struct event event = event_make(&f.arena, "note", T0, "n", "{}");
	struct store_bucket *buckets;
	size_t count;
	struct err err;

	fixture_take(store, &event);
	event.deleted = true;
	event.revision = 1;
	fixture_take(store, &event);
	GOOD(store_buckets(store, &f.arena, &buckets, &count, &err));
	if (!IS_INT(count, 1))
		return;
	IS_INT(buckets[0].events, 0);
	IS_INT(buckets[0].first_ns, INT64_MIN);
	IS_INT(buckets[0].last_ns, INT64_MIN);
	store_close(store);
	fixture_end(&f);
}

static const struct tap_case cases[] = {
	TAP_CASE(labels),
	TAP_CASE(peers),
	TAP_CASE(newest_events),
	TAP_CASE(empty_bucket),
};
TAP_MAIN(cases)
