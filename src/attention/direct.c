/*
 * Direct time: where the person's attention was. One timeline over all machines, since a person has
 * one attention: whatever mark comes next takes over from the one before.
 *
 * What a mark leads to depends on what is in front. A pane or a prompt shows its own stream. A
 * window shows the stream of the last pane when it is a terminal, that of the last tab of the same
 * machine when it is a browser, else its own. All that is forgotten after SCREEN_HORIZON_NS.
 *
 * A seat is a machine that watches its person (idle or window marks). Idle is believed from the
 * seat in use, which is the last one heard of, and from the machine in focus; an unattended desktop
 * elsewhere is not.
 */
#include "attention/app_class.h"
#include "attention/spans.h"

/*
 * tmux tells of a pane switch by two processes at once, focus in and focus out, whose order is
 * chance: a blur this soon after the focus is of the pane left behind.
 */
#define BLUR_GRACE_NS (500 * NS_PER_MS)

enum { MACHINE_NONE = -1 };

/* What was last known of a thing on the screen. */
struct sight {
	const struct mark *mark; /* NULL: nothing */
	int32_t stream;
};

struct timeline {
	const struct attention_params *params;
	struct span_list *out;
	/* The focus. */
	const struct mark *by;     /* the mark it is credited to; NULL: none */
	const struct mark *origin; /* the mark that put it there; scroll only refreshes */
	int32_t stream;
	int32_t pane_machine; /* of the pane looked at, or MACHINE_NONE */
	/* The screen. */
	struct sight pane;
	struct sight tab;
	const struct mark *front; /* the window in front; NULL: not known, or tmux */
	enum app_class front_class;
	/* The seat in use, and since when another one was not. */
	const struct mark *seat;
	int64_t seat_since_ns;
};

static bool fresh(const struct mark *mark, int64_t now_ns)
{
	return mark && now_ns <= ns_add(mark->at_ns, SCREEN_HORIZON_NS);
}

/* Credit the focus up to AT. */
static void close_focus(struct timeline *line, int64_t at_ns)
{
	int64_t end_ns;

	if (!line->by)
		return;
	end_ns = ns_add(line->by->at_ns, line->params->window_ns);
	span_list_add(line->out, SPAN_DIRECT, line->by, line->stream, line->by->at_ns,
		at_ns < end_ns ? at_ns : end_ns);
}

static void end_focus(struct timeline *line, int64_t at_ns)
{
	close_focus(line, at_ns);
	line->by = line->origin = NULL;
}

static void set_focus(
	struct timeline *line, const struct mark *mark, int32_t stream, int32_t pane_machine)
{
	line->by = line->origin = mark;
	line->stream = stream;
	line->pane_machine = pane_machine;
}

/* A pane, or a prompt: what it is on is in front, whatever window it is in. */
static void on_pane(struct timeline *line, const struct mark *mark)
{
	close_focus(line, mark->at_ns);
	line->pane = (struct sight){ mark, mark->stream };
	line->tab = (struct sight){ 0 };
	line->front = NULL;
	set_focus(line, mark, mark->stream, mark->machine);
}

static void on_prompt(struct timeline *line, const struct mark *mark)
{
	if (mark->human)
		on_pane(line, mark);
}

static void on_blur(struct timeline *line, const struct mark *mark)
{
	if (!line->by || line->pane_machine != mark->machine)
		return;
	if (mark->pane != line->origin->pane && mark->pane != PANE_NONE &&
		line->origin->pane != PANE_NONE)
		return; /* the pane left behind tells of it late */
	if (line->origin->role == ROLE_FOCUS &&
		mark->at_ns < ns_add(line->origin->at_ns, BLUR_GRACE_NS))
		return;
	end_focus(line, mark->at_ns);
}

static void on_scroll(struct timeline *line, const struct mark *mark)
{
	if (!line->by || !fresh(line->origin, mark->at_ns))
		return;
	if (mark->stream != UNASSIGNED && mark->stream != line->stream)
		return;
	close_focus(line, mark->at_ns);
	line->by = mark;
}

static void take_seat(struct timeline *line, const struct mark *mark)
{
	if (!fresh(line->seat, mark->at_ns))
		line->seat_since_ns = INT64_MIN;
	else if (line->seat->machine != mark->machine)
		line->seat_since_ns = mark->at_ns;
	line->seat = mark;
}

/* The tab that is known is of another browser, or was left since. */
static bool tab_is_stale(
	const struct timeline *line, const struct mark *window, enum app_class class)
{
	if (class != APP_BROWSER || line->tab.mark->machine != window->machine)
		return true;
	return fresh(line->front, window->at_ns) && !str_eq(line->front->app, window->app);
}

static void focus_window(struct timeline *line, const struct mark *mark, enum app_class class)
{
	switch (class) {
	case APP_TERMINAL:
		if (fresh(line->pane.mark, mark->at_ns))
			set_focus(line, mark, line->pane.stream, line->pane.mark->machine);
		break;
	case APP_BROWSER:
		set_focus(line, mark,
			fresh(line->tab.mark, mark->at_ns) ? line->tab.stream : mark->stream,
			MACHINE_NONE);
		break;
	case APP_OTHER:
		set_focus(line, mark, mark->stream, MACHINE_NONE);
		break;
	case APP_LOCK:
		break;
	}
}

static void on_window(struct timeline *line, const struct mark *mark)
{
	enum app_class class = app_class(mark->app);

	take_seat(line, mark);
	end_focus(line, mark->at_ns);
	if (line->tab.mark && tab_is_stale(line, mark, class))
		line->tab = (struct sight){ 0 };
	focus_window(line, mark, class);
	line->front = mark;
	line->front_class = class;
}

static void on_tab(struct timeline *line, const struct mark *mark)
{
	line->tab = (struct sight){ mark, mark->stream };
	if (!fresh(line->front, mark->at_ns) || line->front_class != APP_BROWSER ||
		line->front->machine != mark->machine)
		return;
	close_focus(line, mark->at_ns);
	set_focus(line, mark, mark->stream, MACHINE_NONE);
}

/*
 * The person of MACHINE had been gone since START: what was credited later is taken back, on that
 * machine and, if it is the seat in use, on those used from it. Time before another seat was left
 * stays.
 */
static void take_back(struct timeline *line, int32_t machine, int64_t start_ns, bool seat)
{
	int64_t seat_start_ns = start_ns > line->seat_since_ns ? start_ns : line->seat_since_ns;
	struct span_list *list = line->out;

	while (list->count > 0) {
		struct span *last = &list->spans[list->count - 1];
		bool own = last->machine == machine;
		int64_t from_ns = own ? start_ns : seat_start_ns;

		if (last->end_ns <= from_ns || (!own && !seat))
			return;
		if (last->start_ns < from_ns) {
			last->end_ns = from_ns;
			return;
		}
		list->count--;
	}
}

static void on_idle(struct timeline *line, const struct mark *mark)
{
	bool seat = fresh(line->seat, mark->at_ns) && line->seat->machine == mark->machine;
	bool focus =
		line->by && fresh(line->origin, mark->at_ns) && line->by->machine == mark->machine;
	int64_t idle_ns = mark->idle_ns > 0 ? mark->idle_ns : 0;

	if (!seat && !focus)
		return;
	if (idle_ns > SCREEN_HORIZON_NS)
		idle_ns = SCREEN_HORIZON_NS;
	end_focus(line, mark->at_ns);
	take_back(line, mark->machine, ns_add(mark->at_ns, -idle_ns), seat);
}

static void on_afk(struct timeline *line, const struct mark *mark)
{
	if (mark->idle)
		on_idle(line, mark);
	else
		take_seat(line, mark);
}

/* What each role does to the timeline. */
static void (*const handlers[])(struct timeline *line, const struct mark *mark) = {
	[ROLE_FOCUS] = on_pane,
	[ROLE_BLUR] = on_blur,
	[ROLE_SCROLL] = on_scroll,
	[ROLE_PROMPT] = on_prompt,
	[ROLE_AFK] = on_afk,
	[ROLE_WINDOW] = on_window,
	[ROLE_TAB] = on_tab,
};

void direct_spans(const struct mark *marks, size_t count, const struct attention_params *params,
	struct span_list *out)
{
	struct timeline line = { .params = params, .out = out, .seat_since_ns = INT64_MIN };

	for (size_t i = 0; i < count; i++) {
		size_t role = (size_t)marks[i].role;

		if (role < ARRAY_LEN(handlers) && handlers[role])
			handlers[role](&line, &marks[i]);
	}
	end_focus(&line, INT64_MAX);
}
