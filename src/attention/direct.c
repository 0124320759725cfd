/*
 * Direct time: where the person's attention was. One timeline over all machines, since a person has
 * one attention: whatever mark comes next takes over from the one before.
 *
 * What a mark leads to depends on what is in front. A pane or a prompt shows its own stream. A
 * window shows the stream of the last pane when it is a terminal, that of the last tab of the same
 * machine when it is a browser, else its own. All that is forgotten after SCREEN_HORIZON_NS.
 *
 * There are two layers. Above is what the last mark claims, for the attention window or, where it
 * has an extent, for that. Below is the desk where the person was seen last: while its watchers
 * say which window is in front, that has whatever nothing above claims.
 *
 * A seat is a machine that watches its person (idle, window or editor marks). Idle is believed from
 * the seat in use, which is the last one heard of, and from the machine in focus; an unattended
 * desktop elsewhere is not, nor is what happens on its screen.
 */
#include "attention/away.h"
#include "attention/desk.h"
#include "attention/spans.h"

/*
 * tmux tells of a pane switch by two processes at once, focus in and focus out, whose order is
 * chance: a blur this soon after the focus is of the pane left behind.
 */
#define BLUR_GRACE_NS (500 * NS_PER_MS)

/* Applications whose class is remembered: a screen shows the same few all day. */
enum { CLASS_SLOTS = 64 };

struct class_slot {
	const char *app; /* texts of marks do not move */
	size_t len;
	enum app_class class;
};

struct timeline {
	const struct attention_params *params;
	struct span_list *out;
	int64_t settled_ns; /* credit is given up to here */
	/* The focus. */
	const struct mark *by;     /* the mark it is credited to; NULL: none */
	const struct mark *origin; /* the mark that put it there; scroll only refreshes */
	int32_t stream;
	int32_t pane_machine; /* of the pane looked at, or MACHINE_NONE */
	int64_t until_ns;
	/* Below it. */
	struct desks desks;
	int32_t base;             /* machine of the desk, or MACHINE_NONE */
	const struct mark *below; /* the window that was in front of it last; NULL: none yet */
	/* The screen. */
	const struct mark *pane;  /* NULL: not known */
	bool pane_left;           /* it lost the focus, whatever the terminal does */
	const struct mark *front; /* the window in front; NULL: not known, or tmux */
	/* The seat in use, and since when another one was not. */
	const struct mark *seat;
	int64_t seat_since_ns;
	struct class_slot classes[CLASS_SLOTS];
};

static bool fresh(const struct mark *mark, int64_t now_ns)
{
	return mark && now_ns <= ns_add(mark->at_ns, SCREEN_HORIZON_NS);
}

static bool covers(const struct mark *mark, int64_t at_ns)
{
	return mark && mark_end_ns(mark) > at_ns;
}

static enum app_class class_of(struct timeline *line, const struct mark *window)
{
	struct class_slot *slot = &line->classes[((uintptr_t)window->app.ptr >> 3) % CLASS_SLOTS];

	if (slot->app != window->app.ptr || slot->len != window->app.len || !slot->app)
		*slot = (struct class_slot){ window->app.ptr, window->app.len,
			app_class(window->app) };
	return slot->class;
}

/* --- what a window shows --- */

static bool tab_known(struct timeline *line, const struct mark *window, int64_t at_ns)
{
	const struct desk *desk = desks_find(&line->desks, window->machine);

	return desk && (fresh(desk->tab, at_ns) || covers(desk->tab, at_ns)) &&
	       (desk->browser.len == 0 || str_eq(desk->browser, window->app));
}

/* What is behind WINDOW at AT; false: nothing that could be told. */
static bool shows(struct timeline *line, const struct mark *window, int64_t at_ns, int32_t *stream,
	int32_t *pane_machine)
{
	*pane_machine = MACHINE_NONE;
	*stream = window->stream;
	switch (class_of(line, window)) {
	case APP_TERMINAL:
		if (!fresh(line->pane, at_ns) || line->pane_left)
			return false;
		*stream = line->pane->stream;
		*pane_machine = line->pane->machine;
		return true;
	case APP_BROWSER:
		if (tab_known(line, window, at_ns))
			*stream = desks_find(&line->desks, window->machine)->tab->stream;
		return true;
	case APP_OTHER:
		return true;
	case APP_LOCK:
		break;
	}
	return false;
}

/* --- credit --- */

/* Unbroken time of one event in one stream is one span. */
static void credit(struct timeline *line, const struct mark *mark, int32_t stream, int64_t from_ns,
	int64_t to_ns)
{
	struct span_list *list = line->out;
	struct span *last = list->count > 0 ? &list->spans[list->count - 1] : NULL;

	if (!last || last->end_ns != from_ns || last->event != mark->event ||
		last->stream != stream) {
		span_list_add(list, SPAN_DIRECT, mark, stream, from_ns, to_ns);
	} else if (to_ns > from_ns) {
		last->end_ns = to_ns;
		last->cut = NOT_CUT;
	}
}

/* The windows in front of the desk below have [FROM, TO); after the last one its attention window.
 */
static void settle_base(struct timeline *line, int64_t from_ns, int64_t to_ns)
{
	struct desk *desk = desks_find(&line->desks, line->base);

	while (desk && from_ns < to_ns) {
		const struct mark *front = desk_front(desk, from_ns);
		int32_t stream, ignored;
		int64_t end_ns;

		if (front)
			line->below = front;
		if (!line->below)
			return;
		end_ns = mark_end_ns(line->below);
		if (!front)
			end_ns = ns_add(end_ns, line->params->window_ns);
		if (end_ns > to_ns)
			end_ns = to_ns;
		if (shows(line, line->below, from_ns, &stream, &ignored))
			credit(line, line->below, stream, from_ns, end_ns);
		if (!front)
			return;
		from_ns = end_ns;
	}
}

/* Give the credit up to AT: before anything changes. */
static void settle(struct timeline *line, int64_t at_ns)
{
	int64_t from_ns = line->settled_ns;
	int64_t end_ns = line->until_ns < at_ns ? line->until_ns : at_ns;

	if (line->by && end_ns > from_ns) {
		credit(line, line->by, line->stream, from_ns, end_ns);
		from_ns = end_ns;
	}
	settle_base(line, from_ns, at_ns);
	line->settled_ns = at_ns;
}

static void end_focus(struct timeline *line, int64_t at_ns)
{
	settle(line, at_ns);
	line->by = line->origin = NULL;
}

static void set_focus(struct timeline *line, const struct mark *mark, int32_t stream,
	int32_t pane_machine, int64_t until_ns)
{
	line->by = line->origin = mark;
	line->stream = stream;
	line->pane_machine = pane_machine;
	line->until_ns = until_ns;
}

static int64_t window_after(const struct timeline *line, int64_t at_ns)
{
	return ns_add(at_ns, line->params->window_ns);
}

static void focus_window(struct timeline *line, const struct mark *window, int64_t at_ns)
{
	int32_t stream, pane_machine;

	if (shows(line, window, at_ns, &stream, &pane_machine))
		set_focus(line, window, stream, pane_machine,
			covers(window, at_ns) ? mark_end_ns(window) : window_after(line, at_ns));
}

static void set_base(struct timeline *line, const struct mark *window)
{
	line->base = window->machine;
	line->below = window;
}

static void leave_base(struct timeline *line)
{
	line->base = MACHINE_NONE;
	line->below = NULL;
}

/* --- panes --- */

/* A pane, or a prompt: what it is on is in front, whatever window it is in. */
static void on_pane(struct timeline *line, const struct mark *mark)
{
	settle(line, mark->at_ns);
	line->pane = mark;
	line->pane_left = false;
	for (size_t i = 0; i < line->desks.count; i++)
		if (!covers(line->desks.list[i].tab, mark->at_ns))
			line->desks.list[i].tab = NULL;
	if (!covers(line->front, mark->at_ns))
		line->front = NULL;
	set_focus(line, mark, mark->stream, mark->machine, window_after(line, mark->at_ns));
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
	line->pane_left = true;
}

static void on_scroll(struct timeline *line, const struct mark *mark)
{
	if (!line->by || !fresh(line->origin, mark->at_ns))
		return;
	if (mark->stream != UNASSIGNED && mark->stream != line->stream)
		return;
	settle(line, mark->at_ns);
	line->by = mark;
	if (line->until_ns < window_after(line, mark->at_ns))
		line->until_ns = window_after(line, mark->at_ns);
}

/* --- windows, tabs and editors --- */

static bool seat_fresh(const struct timeline *line, int64_t now_ns)
{
	return line->seat && now_ns <= ns_add(mark_end_ns(line->seat), SCREEN_HORIZON_NS);
}

static void take_seat(struct timeline *line, const struct mark *mark)
{
	if (!seat_fresh(line, mark->at_ns))
		line->seat_since_ns = INT64_MIN;
	else if (line->seat->machine != mark->machine)
		line->seat_since_ns = mark->at_ns;
	line->seat = mark;
}

/* The tab that is known was left, unless its watcher says that it goes on, or it is of another
 * browser. */
static void judge_tab(struct timeline *line, struct desk *desk, const struct mark *window)
{
	bool browser = class_of(line, window) == APP_BROWSER;

	if (!desk->tab)
		return;
	if (browser && desk->browser.len == 0)
		desk->browser = window->app;
	else if ((!browser || !str_eq(desk->browser, window->app)) &&
		 !covers(desk->tab, window->at_ns))
		desk->tab = NULL;
}

/* An editor that is worked in after WINDOW came to the front is what the window shows. */
static bool editor_goes_on(const struct timeline *line, const struct mark *window)
{
	return line->by && line->by->role == ROLE_EDITOR && line->by->machine == window->machine &&
	       covers(line->by, window->at_ns);
}

static void on_window(struct timeline *line, const struct mark *mark)
{
	struct desk *desk = desks_get(&line->desks, mark->machine);
	bool editor = editor_goes_on(line, mark);

	if (desk->away) {
		desk_add_window(desk, mark);
		return;
	}
	take_seat(line, mark);
	settle(line, mark->at_ns);
	if (!editor)
		line->by = line->origin = NULL;
	desk_add_window(desk, mark);
	judge_tab(line, desk, mark);
	line->pane_left = false;
	line->front = mark;
	set_base(line, mark);
	if (!editor)
		focus_window(line, mark, mark->at_ns);
}

static void on_tab(struct timeline *line, const struct mark *mark)
{
	struct desk *desk = desks_get(&line->desks, mark->machine);
	bool browser = fresh(line->front, mark->at_ns) && line->front->machine == mark->machine &&
		       class_of(line, line->front) == APP_BROWSER;

	settle(line, mark->at_ns);
	desk->tab = mark;
	desk->browser = browser ? line->front->app : (struct str){ 0 };
	if (browser && !desk->away)
		set_focus(line, mark, mark->stream, MACHINE_NONE, window_after(line, mark->at_ns));
}

static void on_editor(struct timeline *line, const struct mark *mark)
{
	if (desks_get(&line->desks, mark->machine)->away)
		return; /* an agent edits */
	take_seat(line, mark);
	settle(line, mark->at_ns);
	set_focus(line, mark, mark->stream, MACHINE_NONE, window_after(line, mark_end_ns(mark)));
}

/* --- being there and away --- */

/*
 * The person that IDLE speaks of had been gone since START: what was credited later is taken back,
 * on that machine and, if it is the seat in use, on those used from it. Time before another seat
 * was left stays.
 */
static void take_back(struct timeline *line, const struct mark *idle, int64_t start_ns, bool seat)
{
	int64_t seat_start_ns = start_ns > line->seat_since_ns ? start_ns : line->seat_since_ns;
	struct span_list *list = line->out;

	while (list->count > 0) {
		struct span *last = &list->spans[list->count - 1];
		bool own = last->machine == idle->machine;
		int64_t from_ns = own ? start_ns : seat_start_ns;

		if (last->end_ns <= from_ns || (!own && !seat))
			return;
		if (last->start_ns < from_ns) {
			last->end_ns = from_ns;
			last->cut = idle->event;
			return;
		}
		list->count--;
	}
}

/* --- as of what was settled last --- */

/* Whether what is claimed above is on MACHINE. */
static bool claimed_on(const struct timeline *line, int32_t machine)
{
	return line->by && fresh(line->origin, line->settled_ns) && line->by->machine == machine;
}

/* Whether that is so, or a window of MACHINE has what nothing above claims. */
static bool in_focus(const struct timeline *line, int32_t machine)
{
	if (claimed_on(line, machine))
		return true;
	if (line->base != machine)
		return false;
	return desk_front(desks_find(&line->desks, machine), line->settled_ns) ||
	       (line->below && line->settled_ns < window_after(line, mark_end_ns(line->below)));
}

static bool in_use(const struct timeline *line, int32_t machine)
{
	return seat_fresh(line, line->settled_ns) && line->seat->machine == machine;
}

/* The last span, where it ends now, was cut short by EVENT. */
static void tell_cut(struct timeline *line, size_t event)
{
	struct span_list *list = line->out;

	if (list->count > 0 && list->spans[list->count - 1].end_ns == line->settled_ns)
		list->spans[list->count - 1].cut = event;
}

/* The person of MACHINE is gone now; with ALL from whatever was in use from there, too. */
static void leave(struct timeline *line, int32_t machine, bool all, size_t event)
{
	tell_cut(line, event);
	if (all || claimed_on(line, machine))
		line->by = line->origin = NULL;
	if (all || line->base == machine)
		leave_base(line);
}

/* Somebody goes idle, as a watcher without extents says it. */
static void on_idle(struct timeline *line, const struct mark *mark)
{
	const struct desk *desk = desks_find(&line->desks, mark->machine);
	int64_t idle_ns = mark->idle_ns > 0 ? mark->idle_ns : 0;
	bool seat, focus;

	settle(line, mark->at_ns);
	seat = in_use(line, mark->machine);
	focus = in_focus(line, mark->machine);
	if ((!seat && !focus) || (desk && desk->active_end_ns > mark->at_ns))
		return;
	if (idle_ns > SCREEN_HORIZON_NS)
		idle_ns = SCREEN_HORIZON_NS;
	leave(line, mark->machine, seat, mark->event);
	take_back(line, mark, ns_add(mark->at_ns, -idle_ns), seat);
}

static bool is_of_desk(const struct mark *mark)
{
	return mark->role == ROLE_WINDOW || mark->role == ROLE_TAB || mark->role == ROLE_EDITOR;
}

/* What is on the screen of DESK has the focus again. */
static void resume(struct timeline *line, struct desk *desk, int64_t at_ns)
{
	const struct mark *front = desk_front(desk, at_ns);

	if (!front)
		return;
	settle(line, at_ns);
	if (line->by && (line->until_ns <= at_ns || is_of_desk(line->origin)))
		line->by = line->origin = NULL;
	line->front = front;
	set_base(line, front);
	if (!line->by)
		focus_window(line, front, at_ns);
}

static void on_active(struct timeline *line, const struct mark *mark)
{
	struct desk *desk = desks_get(&line->desks, mark->machine);

	take_seat(line, mark);
	desk->active = mark;
	if (covers(mark, desk->active_end_ns))
		desk->active_end_ns = mark_end_ns(mark);
	if (!desk->away && line->base != mark->machine)
		resume(line, desk, mark->at_ns);
}

static void on_afk(struct timeline *line, const struct mark *mark)
{
	if (mark->ended && (mark->idle || mark_end_ns(mark) <= mark->at_ns))
		return; /* on_edge, or without meaning */
	if (mark->idle)
		on_idle(line, mark);
	else
		on_active(line, mark);
}

/* Another desk than MACHINE whose watchers say that the person is there; the one last come to. */
static struct desk *other_active(struct timeline *line, int32_t machine, int64_t at_ns)
{
	struct desk *best = NULL;

	for (size_t i = 0; i < line->desks.count; i++) {
		struct desk *desk = &line->desks.list[i];

		if (desk->machine == machine || desk->away || desk->active_end_ns <= at_ns)
			continue;
		if (!best || desk->active->at_ns > best->active->at_ns ||
			(desk->active->at_ns == best->active->at_ns &&
				desk->machine < best->machine))
			best = desk;
	}
	return best;
}

/* Who leaves one desk and is active at another one is there. */
static void on_edge(struct timeline *line, const struct away_edge *edge)
{
	struct desk *other;
	bool seat, focus;

	settle(line, edge->at_ns);
	desks_get(&line->desks, edge->machine)->away = edge->away;
	if (!edge->away)
		return;
	seat = in_use(line, edge->machine);
	focus = in_focus(line, edge->machine);
	other = other_active(line, edge->machine, edge->at_ns);
	if (focus || (seat && !other))
		leave(line, edge->machine, seat && !other, edge->event);
	else if (line->base == edge->machine)
		leave_base(line);
	if (seat && other) {
		line->seat = other->active;
		line->seat_since_ns = edge->at_ns;
	}
	if (focus && other)
		resume(line, other, edge->at_ns);
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
	[ROLE_EDITOR] = on_editor,
};

void direct_spans(const struct mark *marks, size_t count, const struct attention_params *params,
	struct span_list *out)
{
	struct timeline line = { .params = params,
		.out = out,
		.settled_ns = INT64_MIN,
		.base = MACHINE_NONE,
		.seat_since_ns = INT64_MIN };
	struct away_edges away;
	size_t edge = 0;

	away_edges(marks, count, &away);
	for (size_t i = 0; i < count; i++) {
		size_t role = (size_t)marks[i].role;

		while (edge < away.count && away.edges[edge].at_ns <= marks[i].at_ns)
			on_edge(&line, &away.edges[edge++]);
		if (role < ARRAY_LEN(handlers) && handlers[role])
			handlers[role](&line, &marks[i]);
	}
	while (edge < away.count)
		on_edge(&line, &away.edges[edge++]);
	end_focus(&line, INT64_MAX);
	away_edges_release(&away);
	desks_release(&line.desks);
}
