/*
 * A place is in one of three states. It is a directory and watched: one spot for it and for each
 * directory below it that matters. It is awaited (it is a file, or is not there): one spot at the
 * nearest directory above it that exists, which heeds one name only. Or it is polled. When
 * something happens to the place's own root, all of it is set up anew (`stale`); that is rare, and
 * makes every order of making, moving and deleting directories come out right. A directory is
 * watched first and listed then, so that nothing falls between.
 *
 * What the system tells is read at most once per settling time: events wait in the kernel
 * meanwhile, and should they be too many for it, everything is looked at.
 */
#include "collect/watch.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/time.h"
#include "collect/watch_notify.h"
#include "collect/watch_poll.h"

enum {
	SETTLE_MS = 1000,
	POLL_MS = 5000,
	POLL_LONGEST_MS = 60000,
	POLL_SHARE = 100, /* of the time is spent polling: one in so many */
	MOST_WATCHES = 16384,
	SPOT_SLOTS = 4096,
	MEND_TRIES = 8, /* at a place that changes while it is set up */
};

struct place {
	size_t source;
	char *path;
	int depth;
	bool poll;
	bool stale;
	bool watched; /* its root is, and was this one: */
	dev_t device;
	ino_t inode;
};

/* A watched directory, for one place. */
struct spot {
	struct spot *next; /* in its slot */
	int number;        /* of notify_add; several spots may share it */
	size_t place;
	int levels;    /* below it that matter */
	char *awaited; /* the only name that matters; NULL: all */
	char *path;
};

/* A directory that appeared, to be walked once all events are read. */
struct fresh {
	size_t place;
	int levels;
	char *path;
};

struct watch {
	int64_t settle_ns, poll_ns, most_watches;
	int fd;
	struct place *places;
	size_t place_count;
	struct spot *spots[SPOT_SLOTS];
	int64_t watched;
	struct poll_set polled;
	struct fresh *fresh;
	size_t fresh_count;
	int64_t *since_ns; /* per source: of the first change not given out; INT64_MAX: none */
	size_t source_count;
	int64_t now_ns;   /* of the call at work */
	int64_t seen_ns;  /* since when what it finds may have been there */
	int64_t quiet_ns; /* events are not read before */
	int64_t poll_at_ns;
	char short_of[128];
};

static char *copy(const char *text)
{
	size_t bytes = strlen(text) + 1;

	return memcpy(mem_alloc(bytes), text, bytes);
}

/* One more item of SIZE bytes at the end of a list that grows by doubling. */
static void *grow(void *list, size_t count, size_t size)
{
	return (count & (count - 1)) == 0 ? mem_resize(list, count > 0 ? count * 2 : 1, size)
					  : list;
}

static bool is_dir(const char *path, struct stat *status)
{
	return stat(path, status) == 0 && S_ISDIR(status->st_mode);
}

static void note_change(struct watch *watch, size_t place)
{
	int64_t *since_ns = &watch->since_ns[watch->places[place].source];

	if (*since_ns == INT64_MAX)
		*since_ns = watch->seen_ns;
}

static void take_polled(void *owner, size_t place)
{
	note_change(owner, place);
}

static void sweep(struct watch *watch)
{
	int64_t pause_ns = poll_sweep(&watch->polled, take_polled, watch) * POLL_SHARE;

	if (pause_ns > POLL_LONGEST_MS * NS_PER_MS)
		pause_ns = POLL_LONGEST_MS * NS_PER_MS;
	watch->poll_at_ns = watch->now_ns + (pause_ns > watch->poll_ns ? pause_ns : watch->poll_ns);
}

/* --- spots --- */

static struct spot **slot_of(struct watch *watch, int number)
{
	return &watch->spots[(unsigned)number % SPOT_SLOTS];
}

static bool number_known(struct watch *watch, int number)
{
	for (const struct spot *spot = *slot_of(watch, number); spot; spot = spot->next)
		if (spot->number == number)
			return true;
	return false;
}

static void free_spot(struct spot *spot)
{
	free(spot->awaited);
	free(spot->path);
	free(spot);
}

/* False: this directory is watched for this place already, as deep. */
static bool add_spot(struct watch *watch, const struct spot *wanted)
{
	struct spot **at = slot_of(watch, wanted->number), *spot;

	watch->watched += !number_known(watch, wanted->number);
	for (; *at; at = &(*at)->next) {
		spot = *at;
		if (spot->number != wanted->number || spot->place != wanted->place)
			continue;
		if (spot->levels >= wanted->levels && strcmp(spot->path, wanted->path) == 0)
			return false;
		*at = spot->next; /* it has another name now, or matters deeper */
		free_spot(spot);
		break;
	}
	spot = mem_alloc(sizeof(*spot));
	*spot = *wanted;
	spot->path = copy(wanted->path);
	spot->awaited = wanted->awaited ? copy(wanted->awaited) : NULL;
	at = slot_of(watch, wanted->number);
	spot->next = *at;
	*at = spot;
	return true;
}

/* The system watches directory NUMBER no longer. */
static void forget_number(struct watch *watch, int number)
{
	struct spot **at = slot_of(watch, number);

	watch->watched -= number_known(watch, number);
	while (*at) {
		struct spot *spot = *at;

		if (spot->number != number) {
			at = &spot->next;
			continue;
		}
		*at = spot->next;
		free_spot(spot);
	}
}

/* Forget all that belongs to PLACE. */
static void drop_place(struct watch *watch, size_t place)
{
	poll_drop(&watch->polled, place);
	for (size_t slot = 0; slot < SPOT_SLOTS; slot++) {
		struct spot **at = &watch->spots[slot];

		while (*at) {
			struct spot *spot = *at;

			if (spot->place != place) {
				at = &spot->next;
				continue;
			}
			*at = spot->next;
			if (!number_known(watch, spot->number)) {
				notify_remove(watch->fd, spot->number);
				watch->watched--;
			}
			free_spot(spot);
		}
	}
	watch->places[place].watched = false;
}

/* --- setting up a place --- */

/* A number of notify_add, or why there is none: ERR_FULL is said to people. */
static int watch_dir(struct watch *watch, const char *path, bool only_names)
{
	struct err err;
	int number = ERR_FULL;

	if (watch->fd < 0)
		return ERR_FULL; /* said when it was found out */
	if (watch->watched < watch->most_watches)
		number = notify_add(watch->fd, path, only_names, &err);
	if (number == ERR_FULL)
		snprintf(watch->short_of, sizeof(watch->short_of),
			"there are more directories than may be watched (fs.inotify.max_user_watches)");
	return number;
}

static void close_dirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static bool may_be_dir(const struct dirent *entry)
{
	return (entry->d_type == DT_DIR || entry->d_type == DT_LNK ||
		       entry->d_type == DT_UNKNOWN) &&
	       strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

/* Watch directory PATH and LEVELS levels below it. False when it cannot be looked at at all. */
static bool walk(struct watch *watch, size_t place, const char *path, int levels)
{
	CLEANUP(close_dirp) DIR *dir = NULL;
	CLEANUP(buf_release) struct buf child = BUF_INIT;
	struct spot spot = { .place = place, .levels = levels };
	struct dirent *entry;

	spot.number = notify_reliable(path) ? watch_dir(watch, path, false) : ERR_FULL;
	if (spot.number == ERR_FULL)
		poll_add(&watch->polled, place, path, levels,
			strcmp(path, watch->places[place].path) == 0);
	if (spot.number < 0)
		return spot.number == ERR_FULL;
	buf_addc(&child, path);
	spot.path = child.ptr;
	if (!add_spot(watch, &spot) || levels == 0)
		return true;
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		struct stat status;

		if (!may_be_dir(entry))
			continue;
		buf_clear(&child);
		buf_printf(&child, "%s/%s", path, entry->d_name);
		if (entry->d_type == DT_DIR || is_dir(buf_cstr(&child), &status))
			walk(watch, place, buf_cstr(&child), levels - 1);
	}
	return true;
}

/* Cut the last component off PATH and put it into NAME. "/" and "." stand above the first. */
static void cut_name(struct buf *path, struct buf *name)
{
	const char *slash = strrchr(buf_cstr(path), '/');
	size_t rest = slash ? (size_t)(slash - path->ptr) : 0;

	buf_clear(name);
	buf_addc(name, slash ? slash + 1 : path->ptr);
	path->len = slash && rest == 0 ? 1 : rest;
	path->ptr[path->len] = '\0';
	if (!slash)
		buf_addc(path, ".");
}

/* Wait for a place that is not a directory: at the nearest one above it. */
static void await(struct watch *watch, size_t index)
{
	CLEANUP(buf_release) struct buf dir = BUF_INIT, name = BUF_INIT, next = BUF_INIT;
	struct place *place = &watch->places[index];
	struct spot spot = { .place = index };
	struct stat status;
	bool leaf = true;

	buf_addc(&dir, place->path);
	for (;; leaf = false) {
		buf_clear(&next);
		buf_addc(&next, buf_cstr(&dir));
		cut_name(&dir, &name);
		if (is_dir(buf_cstr(&dir), &status))
			break;
		if (str_eq_c(buf_str(&dir), "/") || str_eq_c(buf_str(&dir), "."))
			return;
	}
	spot.number = notify_reliable(buf_cstr(&dir)) ? watch_dir(watch, buf_cstr(&dir), !leaf)
						      : ERR_FULL;
	if (spot.number < 0) {
		poll_add(&watch->polled, index, place->path, place->depth, true);
		return;
	}
	spot.path = dir.ptr;
	spot.awaited = name.ptr;
	add_spot(watch, &spot);
	/* It may have come before it was watched for. */
	place->stale = is_dir(buf_cstr(&next), &status);
}

static void set_up(struct watch *watch, size_t index)
{
	struct place *place = &watch->places[index];
	struct stat status;

	place->stale = false;
	if (place->poll) {
		poll_add(&watch->polled, index, place->path, place->depth, true);
		return;
	}
	if (!is_dir(place->path, &status)) {
		await(watch, index);
		return;
	}
	place->watched = walk(watch, index, place->path, place->depth);
	place->device = status.st_dev;
	place->inode = status.st_ino;
}

/* Set the stale places up again. Those that go on changing are left to the next look. */
static void mend(struct watch *watch)
{
	for (size_t i = 0; i < watch->place_count; i++) {
		for (int tries = 0; tries < MEND_TRIES && watch->places[i].stale; tries++) {
			note_change(watch, i);
			drop_place(watch, i);
			set_up(watch, i);
		}
	}
}

/* --- what the system tells --- */

static void add_fresh(struct watch *watch, const struct spot *spot, const char *name)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;

	buf_printf(&path, "%s/%s", spot->path, name);
	watch->fresh = grow(watch->fresh, watch->fresh_count, sizeof(*watch->fresh));
	watch->fresh[watch->fresh_count++] = (struct fresh){
		.place = spot->place, .levels = spot->levels - 1, .path = copy(buf_cstr(&path))
	};
}

static void take_spot(
	struct watch *watch, const struct spot *spot, const struct notify_event *event)
{
	struct place *place = &watch->places[spot->place];

	if (event->name[0] == '\0') {
		if ((event->what & (NOTIFY_MOVED | NOTIFY_GONE)) &&
			(spot->awaited || strcmp(spot->path, place->path) == 0))
			place->stale = true;
	} else if (spot->awaited) {
		if (strcmp(spot->awaited, event->name) != 0)
			return;
		place->stale |= (event->what & NOTIFY_APPEARED) != 0;
		note_change(watch, spot->place);
	} else if (!(event->what & NOTIFY_IS_DIR)) {
		note_change(watch, spot->place);
	} else if ((event->what & NOTIFY_APPEARED) && spot->levels > 0) {
		add_fresh(watch, spot, event->name);
	}
}

static void take_event(void *owner, const struct notify_event *event)
{
	struct watch *watch = owner;

	if (event->what & NOTIFY_LOST) {
		for (size_t i = 0; i < watch->place_count; i++)
			watch->places[i].stale |= watch->places[i].path && !watch->places[i].poll;
		return;
	}
	for (const struct spot *spot = *slot_of(watch, event->watch); spot; spot = spot->next)
		if (spot->number == event->watch)
			take_spot(watch, spot, event);
	if (event->what & NOTIFY_GONE)
		forget_number(watch, event->watch);
}

static void read_events(struct watch *watch)
{
	/* What came while nothing was read has had its time to settle. */
	if (watch->now_ns - watch->quiet_ns < watch->settle_ns)
		watch->seen_ns = watch->quiet_ns - watch->settle_ns;
	if (notify_read(watch->fd, take_event, watch))
		watch->quiet_ns = watch->now_ns + watch->settle_ns;
	for (size_t i = 0; i < watch->fresh_count; i++) {
		struct fresh *fresh = &watch->fresh[i];

		/* Whatever stands in it came before it was watched. */
		note_change(watch, fresh->place);
		walk(watch, fresh->place, fresh->path, fresh->levels);
		free(fresh->path);
	}
	watch->fresh_count = 0;
	mend(watch);
	watch->seen_ns = watch->now_ns;
}

/* --- the interface --- */

struct watch *watch_new(const struct watch_options *options)
{
	struct watch *watch = mem_zalloc(sizeof(*watch));
	int64_t most = notify_limit() / 2;
	struct err err;

	watch->settle_ns = (options->settle_ms > 0 ? options->settle_ms : SETTLE_MS) * NS_PER_MS;
	watch->poll_ns = (options->poll_ms > 0 ? options->poll_ms : POLL_MS) * NS_PER_MS;
	watch->most_watches = most < MOST_WATCHES ? most : MOST_WATCHES;
	if (options->most_watches != 0)
		watch->most_watches = options->most_watches;
	watch->fd = watch->most_watches > 0 ? notify_open(&err) : -1;
	if (watch->fd < 0 && watch->most_watches > 0)
		snprintf(watch->short_of, sizeof(watch->short_of), "%.100s", err.message);
	return watch;
}

void watch_free(struct watch *watch)
{
	if (!watch)
		return;
	for (size_t i = 0; i < watch->place_count; i++) {
		drop_place(watch, i);
		free(watch->places[i].path);
	}
	fs_closep(&watch->fd);
	poll_release(&watch->polled);
	free(watch->places);
	free(watch->fresh);
	free(watch->since_ns);
	free(watch);
}

/* The number of the next place of SOURCE at or behind FROM; place_count: none. */
static size_t next_place(const struct watch *watch, size_t source, size_t from)
{
	while (from < watch->place_count &&
		(!watch->places[from].path || watch->places[from].source != source))
		from++;
	return from;
}

static bool is_wanted(const struct place *place, const struct source_places *wanted)
{
	for (size_t i = 0; i < wanted->count; i++)
		if (place->depth == wanted->items[i].depth &&
			place->poll == wanted->items[i].poll &&
			strcmp(place->path, wanted->items[i].path) == 0)
			return true;
	return false;
}

static bool is_known(const struct watch *watch, size_t source, const struct source_place *wanted)
{
	const struct source_places one = { .items = (struct source_place[]){ *wanted },
		.count = 1 };

	for (size_t i = next_place(watch, source, 0); i < watch->place_count;
		i = next_place(watch, source, i + 1))
		if (is_wanted(&watch->places[i], &one))
			return true;
	return false;
}

static void add_place(struct watch *watch, size_t source, const struct source_place *wanted)
{
	size_t at = 0;

	while (at < watch->place_count && watch->places[at].path)
		at++;
	if (at == watch->place_count) {
		watch->places = grow(watch->places, at, sizeof(*watch->places));
		watch->place_count++;
	}
	watch->places[at] = (struct place){ .source = source,
		.path = copy(wanted->path),
		.depth = wanted->depth,
		.poll = wanted->poll };
	set_up(watch, at);
}

/* What nothing was told of: a place mounted over, readable now, or behind a link that leads
 * elsewhere now. */
static void check_root(struct place *place)
{
	struct stat status;
	bool there = is_dir(place->path, &status);

	if (!place->poll)
		place->stale |= there != place->watched ||
				(there && (status.st_dev != place->device ||
						  status.st_ino != place->inode));
}

static void add_source(struct watch *watch, size_t source)
{
	if (source < watch->source_count)
		return;
	watch->since_ns = mem_resize(watch->since_ns, source + 1, sizeof(*watch->since_ns));
	while (watch->source_count <= source)
		watch->since_ns[watch->source_count++] = INT64_MAX;
}

bool watch_set(
	struct watch *watch, size_t source, const struct source_places *places, int64_t now_ns)
{
	bool news = false;

	watch->now_ns = watch->seen_ns = now_ns;
	if (watch->polled.count == 0)
		watch->poll_at_ns = now_ns + watch->poll_ns;
	add_source(watch, source);
	for (size_t i = next_place(watch, source, 0); i < watch->place_count;
		i = next_place(watch, source, i + 1)) {
		check_root(&watch->places[i]);
		if (is_wanted(&watch->places[i], places))
			continue;
		drop_place(watch, i);
		free(watch->places[i].path);
		watch->places[i] = (struct place){ .path = NULL };
	}
	mend(watch);
	for (size_t i = 0; i < places->count; i++) {
		if (is_known(watch, source, &places->items[i]))
			continue;
		news = true;
		add_place(watch, source, &places->items[i]);
	}
	return news;
}

void watch_look(struct watch *watch, int64_t now_ns)
{
	watch->now_ns = watch->seen_ns = now_ns;
	if (watch->fd >= 0 && now_ns >= watch->quiet_ns)
		read_events(watch);
	if (watch->polled.count > 0 && now_ns >= watch->poll_at_ns)
		sweep(watch);
}

bool watch_take(struct watch *watch, size_t source, int64_t now_ns)
{
	if (source >= watch->source_count || watch->since_ns[source] == INT64_MAX ||
		now_ns - watch->since_ns[source] < watch->settle_ns)
		return false;
	watch->since_ns[source] = INT64_MAX;
	return true;
}

int64_t watch_next(const struct watch *watch, int64_t now_ns, int *fd)
{
	int64_t next_ns = watch->polled.count > 0 ? watch->poll_at_ns : INT64_MAX;

	for (size_t i = 0; i < watch->source_count; i++)
		if (watch->since_ns[i] != INT64_MAX &&
			watch->since_ns[i] + watch->settle_ns < next_ns)
			next_ns = watch->since_ns[i] + watch->settle_ns;
	for (size_t i = 0; i < watch->place_count; i++)
		if (watch->places[i].stale && now_ns + watch->settle_ns < next_ns)
			next_ns = now_ns + watch->settle_ns;
	*fd = now_ns >= watch->quiet_ns ? watch->fd : -1;
	if (watch->fd >= 0 && *fd < 0 && watch->quiet_ns < next_ns)
		next_ns = watch->quiet_ns;
	return next_ns;
}

struct watch_coverage watch_coverage(const struct watch *watch)
{
	return (struct watch_coverage){
		.watched = watch->watched,
		.polled = (int64_t)watch->polled.count,
		.short_of = watch->short_of[0] && watch->polled.count > 0 ? watch->short_of : NULL,
	};
}
