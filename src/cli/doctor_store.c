/* Checks of the store and of what is in it. */
#include "cli/doctor.h"

enum { QUICK_BYTES = 200 << 20, LATE_DAYS = 7, MOST_PLACELESS_PERCENT = 20 };

#define SLACK_NS (5 * NS_PER_MINUTE)
#define LATE_NS (LATE_DAYS * 24 * NS_PER_HOUR)

static struct str said(struct doctor *doctor, const struct err *err)
{
	return arena_str(&doctor->cli->arena, str_from(err->message));
}

/* Of what is in the store, what the other checks look at. */
static int look(struct doctor *doctor, struct store *store, struct err *err)
{
	struct arena *arena = &doctor->cli->arena;
	int rc = store_buckets(store, arena, &doctor->buckets, &doctor->bucket_count, err);

	return rc < 0 ? rc
		      : store_machines(
				store, arena, &doctor->machines, &doctor->machine_count, err);
}

void doctor_store(struct doctor *doctor)
{
	struct arena *arena = &doctor->cli->arena;
	struct store_info info;
	struct store *store;
	struct err err;
	bool quick;
	int rc = cli_store(doctor->cli, &store, &err);

	if (rc < 0) {
		doctor_add(doctor, "store", DOCTOR_FAIL, said(doctor, &err),
			rc == ERR_CORRUPT ? "put a backup in its place: tt restore FILE" : NULL);
		return;
	}
	if (doctor->machine)
		cli_drain(doctor->cli, store);
	rc = store_info(store, &info, &err);
	quick = rc == 0 && info.bytes > QUICK_BYTES && !doctor->deep;
	if (rc == 0 && !quick)
		rc = store_verify(store, NULL, &err);
	if (rc == 0)
		rc = look(doctor, store, &err);
	if (rc < 0) {
		doctor_add(doctor, "store", DOCTOR_FAIL, said(doctor, &err),
			rc == ERR_CORRUPT
				? "'tt verify' lists every fault; put a backup in its place: tt restore FILE"
				: NULL);
		return;
	}
	doctor->store = store;
	doctor_add(doctor, "store", DOCTOR_OK,
		arena_printf(arena, "%lld events, %lld KiB, %s", (long long)info.events,
			(long long)(info.bytes >> 10),
			quick ? "not verified for its size (--deep does)" : "verified"),
		NULL);
}

static struct str machine_name(const struct doctor *doctor, struct str machine_id)
{
	if (doctor->machine && str_eq(doctor->machine->id, machine_id))
		return STR("this machine");
	for (size_t i = 0; i < doctor->machine_count; i++)
		if (str_eq(doctor->machines[i].machine_id, machine_id) &&
			doctor->machines[i].label.len > 0)
			return doctor->machines[i].label;
	return machine_id.len > 0 ? machine_id : STR("events without machine");
}

void doctor_clock(struct doctor *doctor)
{
	struct arena *arena = &doctor->cli->arena;
	int64_t now_ns = doctor->cli->now_ns;
	size_t before = doctor->count;

	for (size_t i = 0; i < doctor->bucket_count; i++) {
		const struct store_bucket *bucket = &doctor->buckets[i];

		if (bucket->last_ns > now_ns + SLACK_NS)
			doctor_add(doctor, "clock", DOCTOR_WARN,
				arena_printf(arena,
					"%.*s of %.*s has events in the future, up to %.*s",
					STR_ARG(bucket->source),
					STR_ARG(machine_name(doctor, bucket->machine_id)),
					STR_ARG(cli_time_text(doctor->cli, bucket->last_ns))),
				"check the clock of that machine, and of this one (timedatectl)");
	}
	for (size_t i = 0; i < doctor->machine_count; i++) {
		int64_t skew_ns = doctor->machines[i].clock_skew_ns;

		if (skew_ns > SLACK_NS || skew_ns < -SLACK_NS)
			doctor_add(doctor, "clock", DOCTOR_WARN,
				arena_printf(arena,
					"the clock of %.*s was %lld s off at the last sync",
					STR_ARG(machine_name(
						doctor, doctor->machines[i].machine_id)),
					(long long)(skew_ns / NS_PER_S)),
				"set both clocks by the network (timedatectl set-ntp true)");
	}
	if (doctor->count == before)
		doctor_add(doctor, "clock", DOCTOR_OK, STR("no event is in the future"), NULL);
}

/* Events of agents in the last days, and how many of them tell no directory. */
static int count_placeless(struct doctor *doctor, int64_t *all, int64_t *placeless, struct err *err)
{
	struct event_scan *scan CLEANUP(event_scan_closep) = NULL;
	struct json_parser parser CLEANUP(json_parser_release) = { 0 };
	struct event_filter filter = { .from_ns = doctor->cli->now_ns - LATE_NS,
		.to_ns = doctor->cli->now_ns };
	struct stored_event event;
	struct event_facts facts;
	int rc = event_scan_open(&scan, doctor->store, &filter, err);

	*all = *placeless = 0;
	if (rc < 0)
		return rc;
	while ((rc = event_scan_next(scan, &event, err)) > 0) {
		event_facts(&parser, event.event.data, &facts);
		*all += facts.session_id.len > 0;
		*placeless +=
			facts.session_id.len > 0 && facts.cwd.len == 0 && facts.project.len == 0;
	}
	return rc;
}

void doctor_places(struct doctor *doctor)
{
	struct arena *arena = &doctor->cli->arena;
	int64_t all, placeless;
	struct err err;

	if (count_placeless(doctor, &all, &placeless, &err) < 0) {
		doctor_add(doctor, "places", DOCTOR_FAIL, said(doctor, &err), "tt verify");
		return;
	}
	if (placeless * 100 > all * MOST_PLACELESS_PERCENT)
		doctor_add(doctor, "places", DOCTOR_WARN,
			arena_printf(arena,
				"%lld of %lld agents' events of the last %d days tell no directory",
				(long long)placeless, (long long)all, LATE_DAYS),
			"their time may be unassigned: 'tt report --explain unassigned', 'tt streams assign'");
	else
		doctor_add(doctor, "places", DOCTOR_OK,
			arena_printf(arena,
				"%lld agents' events of the last %d days, %lld without directory",
				(long long)all, LATE_DAYS, (long long)placeless),
			NULL);
}

void doctor_quarantine(struct doctor *doctor)
{
	struct store_info info;
	struct err err;

	if (store_info(doctor->store, &info, &err) < 0)
		doctor_add(doctor, "quarantine", DOCTOR_FAIL, said(doctor, &err), "tt verify");
	else if (info.quarantined > 0)
		doctor_add(doctor, "quarantine", DOCTOR_WARN,
			arena_printf(&doctor->cli->arena, "%lld line%s could not be understood",
				(long long)info.quarantined, cli_plural(info.quarantined)),
			"'tt quarantine' shows them; 'tt quarantine retry' after an update");
	else
		doctor_add(doctor, "quarantine", DOCTOR_OK, STR("empty"), NULL);
}

void doctor_sync(struct doctor *doctor)
{
	struct arena *arena = &doctor->cli->arena;
	size_t before = doctor->count, remotes = 0;

	for (size_t i = 0; i < doctor->machine_count; i++) {
		const struct store_machine *machine = &doctor->machines[i];
		int64_t ago_ns;

		if (machine->last_sync_ns == INT64_MIN)
			continue;
		remotes++;
		ago_ns = doctor->cli->now_ns - machine->last_sync_ns;
		if (ago_ns > LATE_NS)
			doctor_add(doctor, "sync", DOCTOR_WARN,
				arena_printf(arena, "%.*s was last synced %lld days ago",
					STR_ARG(machine_name(doctor, machine->machine_id)),
					(long long)(ago_ns / (24 * NS_PER_HOUR))),
				machine->alias.len > 0 ? arena_printf(arena, "tt sync %.*s",
								 STR_ARG(machine->alias))
								 .ptr
						       : NULL);
	}
	if (doctor->count == before)
		doctor_add(doctor, "sync", DOCTOR_OK,
			remotes > 0 ? arena_printf(arena,
					      "%zu machines, all synced in the last %d days",
					      remotes, LATE_DAYS)
				    : STR("no other machines"),
			NULL);
}

/* The newest event of a machine, and the newest that tmux hooks recorded there; INT64_MIN: none. */
static void newest_of(
	const struct doctor *doctor, struct str machine_id, int64_t *any_ns, int64_t *tmux_ns)
{
	*any_ns = *tmux_ns = INT64_MIN;
	for (size_t i = 0; i < doctor->bucket_count; i++) {
		const struct store_bucket *bucket = &doctor->buckets[i];

		if (!str_eq(bucket->machine_id, machine_id))
			continue;
		if (bucket->last_ns > *any_ns)
			*any_ns = bucket->last_ns;
		if (str_starts(bucket->type, STR("tmux_")) && bucket->last_ns > *tmux_ns)
			*tmux_ns = bucket->last_ns;
	}
}

/* A machine that is in use, or is this one, and whose hooks say nothing: they fail in silence. */
static void check_silent(struct doctor *doctor, struct str id)
{
	struct arena *arena = &doctor->cli->arena;
	int64_t since_ns = doctor->cli->now_ns - LATE_NS;
	bool own = doctor->machine && str_eq(doctor->machine->id, id);
	int64_t any_ns, tmux_ns;

	newest_of(doctor, id, &any_ns, &tmux_ns);
	if (id.len == 0 || tmux_ns >= since_ns || (any_ns < since_ns && !own))
		return;
	doctor_add(doctor, "tmux", DOCTOR_WARN,
		arena_printf(arena, "%.*s: no tmux events in the last %d days",
			STR_ARG(machine_name(doctor, id)), LATE_DAYS),
		own ? "'tt setup tmux', then detach and attach; see hook.log"
		    : "there: 'tt doctor', 'tt setup tmux'");
}

void doctor_silent(struct doctor *doctor)
{
	size_t before = doctor->count;
	bool own_seen = false;

	for (size_t i = 0; i < doctor->machine_count; i++) {
		check_silent(doctor, doctor->machines[i].machine_id);
		own_seen |= doctor->machine &&
			    str_eq(doctor->machine->id, doctor->machines[i].machine_id);
	}
	if (doctor->machine && !own_seen)
		check_silent(doctor, doctor->machine->id);
	if (doctor->count == before)
		doctor_add(doctor, "tmux", DOCTOR_OK,
			STR("events of this week from every machine in use"), NULL);
}
