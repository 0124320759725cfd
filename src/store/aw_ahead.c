/*
 * What a batch of heartbeats of many users will ask, asked at once (sql/ahead.h): which buckets
 * they mean, what is in them last, and which numbers their data have. What a server's intakes know
 * from the batch before is not asked again, so that usually nothing is.
 */
#include "base/hash.h"
#include "store/aw_write.h"
#include "store/intake_part.h"
#include "store/sql/ahead.h"

struct beats {
	struct store *store;
	struct intake *const *intakes;
	const struct aw_beat *beats;
	size_t count;
	struct arena *arena;
	int64_t *owners;     /* of each beat */
	int64_t *bucket_nos; /* 0: not known */
};

/* --- what they mean --- */

static struct aw_target *target_of(const struct beats *all, size_t i)
{
	struct intake *intake = all->intakes[i];

	return aw_memory_target(&intake->aw, intake->events.generation, all->beats[i].machine_id,
		all->beats[i].bucket_id);
}

static int find_targets(const struct beats *all, struct err *err)
{
	struct ahead_target *targets = arena_zalloc(all->arena, all->count, sizeof(*targets));
	size_t *of = arena_zalloc(all->arena, all->count, sizeof(*of)), count = 0;

	for (size_t i = 0; i < all->count; i++) {
		all->bucket_nos[i] = target_of(all, i)->bucket_no;
		if (all->bucket_nos[i] != 0)
			continue;
		of[count] = i;
		targets[count++] = (struct ahead_target){ .owner = all->owners[i],
			.id = all->beats[i].bucket_id,
			.machine_id = all->beats[i].machine_id };
	}
	if (count > 0 && ahead_targets(all->store, targets, count, err) < 0)
		return err->code;
	for (size_t i = 0; i < count; i++) {
		all->bucket_nos[of[i]] = targets[i].bucket_no;
		target_of(all, of[i])->bucket_no = targets[i].bucket_no;
	}
	return 0;
}

/* --- buckets and their last events --- */

static bool is_known(struct intake *intake, int64_t bucket_no)
{
	const struct bucket *bucket = catalogue_known(intake->events.catalogue, bucket_no);

	return bucket && aw_memory_last(&intake->aw, bucket_no)->as_of_seq == bucket->changed_seq;
}

static bool is_asked(const struct ahead_bucket *buckets, size_t count, int64_t owner, int64_t no)
{
	for (size_t i = 0; i < count; i++)
		if (buckets[i].bucket.bucket_no == no && buckets[i].owner == owner)
			return true;
	return false;
}

static void learn(struct intake *intake, const struct ahead_bucket *bucket)
{
	struct aw_last *last = aw_memory_last(&intake->aw, bucket->bucket.bucket_no);
	const struct bucket *known;

	if (!bucket->found)
		return;
	catalogue_learn(intake->events.catalogue, &bucket->bucket);
	known = catalogue_known(intake->events.catalogue, bucket->bucket.bucket_no);
	/* What the last heartbeat gave stays the last event until something else is written. */
	if (!known || known->changed_seq != bucket->bucket.changed_seq ||
		last->as_of_seq == known->changed_seq)
		return;
	last->known = !bucket->empty;
	last->as_of_seq = known->changed_seq;
	last->row = bucket->last;
	buf_clear(&last->key);
	buf_add(&last->key, bucket->key);
}

static int find_buckets(const struct beats *all, struct err *err)
{
	struct ahead_bucket *buckets = arena_zalloc(all->arena, all->count, sizeof(*buckets));
	size_t *of = arena_zalloc(all->arena, all->count, sizeof(*of)), count = 0;

	for (size_t i = 0; i < all->count; i++) {
		int64_t no = all->bucket_nos[i];

		if (no == 0 || is_known(all->intakes[i], no) ||
			is_asked(buckets, count, all->owners[i], no))
			continue;
		of[count] = i;
		buckets[count].owner = all->owners[i];
		buckets[count++].bucket.bucket_no = no;
	}
	if (count > 0 && ahead_buckets(all->store, buckets, count, all->arena, err) < 0)
		return err->code;
	for (size_t i = 0; i < count; i++) {
		if (intake_go_on(all->intakes[of[i]], err) < 0)
			return err->code;
		learn(all->intakes[of[i]], &buckets[i]);
	}
	return 0;
}

/* --- numbers of their data --- */

/* The answers of one intake, from the first on, which is number FIRST. */
static void learn_data(const struct beats *all, const size_t *of, struct ahead_data *datas,
	size_t first, size_t count)
{
	struct intake *intake = all->intakes[of[first]];
	struct ahead_data *own = arena_zalloc(all->arena, count - first, sizeof(*own));
	size_t own_count = 0;

	for (size_t i = first; i < count; i++) {
		if (all->intakes[of[i]] != intake || datas[i].owner < 0)
			continue;
		own[own_count++] = datas[i];
		datas[i].owner = -1; /* given */
	}
	if (own_count > 0)
		dictionary_learn(intake->events.dictionary, own, own_count);
}

static int find_data(const struct beats *all, struct err *err)
{
	struct ahead_data *datas = arena_zalloc(all->arena, all->count + 1, sizeof(*datas));
	size_t *of = arena_zalloc(all->arena, all->count, sizeof(*of)), count = 0;

	for (size_t i = 0; i < all->count; i++) {
		struct ahead_data *data = &datas[count];

		*data = (struct ahead_data){ .owner = all->owners[i],
			.hash = hash64(all->beats[i].event->data, 0),
			.text = all->beats[i].event->data };
		if (dictionary_wants(all->intakes[i]->events.dictionary, data))
			of[count++] = i;
	}
	if (count > 0 && ahead_data(all->store, datas, count, err) < 0)
		return err->code;
	for (size_t i = 0; i < count; i++) {
		if (datas[i].owner < 0)
			continue;
		if (intake_go_on(all->intakes[of[i]], err) < 0)
			return err->code;
		learn_data(all, of, datas, i, count);
	}
	return 0;
}

/* --- all --- */

static int expect(const struct beats *all, struct err *err)
{
	for (size_t i = 0; i < all->count; i++) {
		if (intake_device(all->intakes[i], all->beats[i].machine_id, err) < 0)
			return err->code;
		ASSERT(all->intakes[i]->writing);
		all->owners[i] = ahead_owner(all->store);
	}
	if (find_targets(all, err) < 0 || find_buckets(all, err) < 0)
		return err->code;
	return find_data(all, err);
}

int aw_expect_beats(
	struct intake *const *intakes, const struct aw_beat *beats, size_t count, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct beats all = { .intakes = intakes, .beats = beats, .count = count, .arena = &arena };

	if (count == 0 || !ahead_pays(intakes[0]->store))
		return 0;
	all.store = intakes[0]->store;
	all.owners = arena_zalloc(&arena, count, sizeof(*all.owners));
	all.bucket_nos = arena_zalloc(&arena, count, sizeof(*all.bucket_nos));
	return intake_check(intakes[0], expect(&all, err), err);
}
