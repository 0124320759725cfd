/* See desk.h. */
#include "attention/desk.h"

#include <stdlib.h>

#include "attention/spans.h"

void desks_release(struct desks *desks)
{
	for (size_t i = 0; i < desks->count; i++)
		free(desks->list[i].windows);
	free(desks->list);
	*desks = (struct desks){ 0 };
}

struct desk *desks_find(const struct desks *desks, int32_t machine)
{
	for (size_t i = 0; i < desks->count; i++)
		if (desks->list[i].machine == machine)
			return &desks->list[i];
	return NULL;
}

struct desk *desks_get(struct desks *desks, int32_t machine)
{
	struct desk *desk = desks_find(desks, machine);

	if (desk)
		return desk;
	if (desks->count == desks->room) {
		desks->room = desks->room ? 2 * desks->room : 4;
		desks->list = mem_resize(desks->list, desks->room, sizeof(*desks->list));
	}
	desk = &desks->list[desks->count++];
	*desk = (struct desk){ .machine = machine, .active_end_ns = INT64_MIN };
	return desk;
}

void desk_add_window(struct desk *desk, const struct mark *window)
{
	int64_t end_ns = mark_end_ns(window);

	if (end_ns <= window->at_ns)
		return;
	while (desk->window_count > 0 &&
		mark_end_ns(desk->windows[desk->window_count - 1]) <= end_ns)
		desk->window_count--;
	if (desk->window_count == desk->window_room) {
		desk->window_room = desk->window_room ? 2 * desk->window_room : 4;
		desk->windows =
			mem_resize(desk->windows, desk->window_room, sizeof(*desk->windows));
	}
	desk->windows[desk->window_count++] = window;
}

const struct mark *desk_front(struct desk *desk, int64_t at_ns)
{
	while (desk->window_count > 0 &&
		mark_end_ns(desk->windows[desk->window_count - 1]) <= at_ns)
		desk->window_count--;
	return desk->window_count > 0 ? desk->windows[desk->window_count - 1] : NULL;
}
