/*
 * Desks: machines at which a person can sit, with what is in front on their screens. Internal to
 * this layer.
 *
 * A window event of ActivityWatch says how long the window was in front. Such windows overlap where
 * two watchers run, or the same data came twice: the one that began last is in front, and when it
 * ends the one behind it, if that goes on.
 */
#ifndef TT_ATTENTION_DESK_H
#define TT_ATTENTION_DESK_H

#include "attention/allocate.h"
#include "attention/app_class.h"

enum { MACHINE_NONE = -1 };

struct desk {
	int32_t machine;
	bool away;             /* as its AFK watchers say */
	int64_t active_end_ns; /* the person was active up to then; INT64_MIN: never */
	const struct mark *active;
	/* What may be in front: each ends later than the next one, which began later. */
	const struct mark **windows;
	size_t window_count;
	size_t window_room;
	/* The tab that was seen last, and the application it is of, empty while not known. */
	const struct mark *tab; /* NULL: none */
	struct str browser;
};

/* All-zero is valid. Few machines are desks, but their numbers may be large. */
struct desks {
	struct desk *list;
	size_t count;
	size_t room;
};

void desks_release(struct desks *desks);
/* Made when it is not there; valid until the next one is made. */
struct desk *desks_get(struct desks *desks, int32_t machine);
/* NULL when it is not there. */
struct desk *desks_find(const struct desks *desks, int32_t machine);

/* WINDOW came to the front; calls come in order of time. */
void desk_add_window(struct desk *desk, const struct mark *window);
/* The window that is in front at AT, by its extent; NULL: not known. Calls come in order of time.
 */
const struct mark *desk_front(struct desk *desk, int64_t at_ns);

#endif
