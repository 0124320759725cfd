/*
 * From events to hours. The cases are written as lines of marks, times in minutes:
 *
 *   F(t,S) pane focus    U(t,session,S) prompt (V: of a sub-agent)   C(t,S) scroll    L(t) blur
 *   W(t,app,S) window    B(t,S) tab      I(t,d) idle for d already    A(t) active
 *   s(t,session) started   e(t,session) ended   K(t,session,end) says when it ended
 *   x(t,session,S) sign of work          y(t,session,end,S) a response that took until END
 *   w(t,end,app,S) window in front until END   b(t,end,S) tab   E(t,end,S) editor
 *   i(t,end) away until END   a(t,end) there until END
 *   any of them with @n behind it: on machine n
 *
 * They may stand in any order. S is a stream, one capital letter; left out it is none. Results:
 * `A=3` direct minutes of stream A (U: unassigned), `dA` delegated, `wA` waiting; sum, union, tot,
 * peak. What is not named must be zero (sum, union, tot, peak are checked only when named).
 */
#include "attention/allocate.h"

#include "attention/app_class.h"
#include "outcome.h"

enum { MARKS_MAX = 64, FOREVER_MIN = 1000000 };

/* --- reading cases --- */

static const struct {
	char letter;
	enum event_role role;
	const char *args; /* behind the time: S stream, s session, a app, d duration, e end */
} kinds[] = {
	{ 'F', ROLE_FOCUS, "S" },
	{ 'U', ROLE_PROMPT, "sS" },
	{ 'V', ROLE_PROMPT, "sS" },
	{ 'C', ROLE_SCROLL, "S" },
	{ 'L', ROLE_BLUR, "" },
	{ 'W', ROLE_WINDOW, "aS" },
	{ 'B', ROLE_TAB, "S" },
	{ 'I', ROLE_AFK, "d" },
	{ 'A', ROLE_AFK, "" },
	{ 's', ROLE_SESSION, "s" },
	{ 'e', ROLE_SESSION, "s" },
	{ 'K', ROLE_SESSION, "se" },
	{ 'x', ROLE_ACTIVITY, "sS" },
	{ 'y', ROLE_ACTIVITY, "seS" },
	{ 'w', ROLE_WINDOW, "eaS" },
	{ 'b', ROLE_TAB, "eS" },
	{ 'E', ROLE_EDITOR, "eS" },
	{ 'i', ROLE_AFK, "e" },
	{ 'a', ROLE_AFK, "e" },
};

static double number(struct str text)
{
	char copy[32] = "";

	memcpy(copy, text.ptr, text.len < sizeof(copy) - 1 ? text.len : sizeof(copy) - 1);
	return strtod(copy, NULL);
}

static void take_arg(struct mark *mark, char kind, struct str text)
{
	switch (kind) {
	case 'S':
		mark->stream = text.len > 0 ? text.ptr[0] - 'A' : UNASSIGNED;
		break;
	case 's':
		mark->session = text.ptr[0] - 'a';
		break;
	case 'a':
		mark->app = text;
		break;
	case 'd':
		mark->idle_ns = text.len > 0 ? minutes(number(text)) : 0;
		break;
	default:
		mark->end_ns = minutes(number(text));
		break;
	}
}

static struct mark read_mark(struct str word)
{
	struct mark mark = { .stream = UNASSIGNED, .session = SESSION_NONE };
	struct str rest = str_sub(word, 2, word.len), args = str_split(&rest, ')');
	const char *wanted = NULL;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (kinds[i].letter == word.ptr[0]) {
			mark.role = kinds[i].role;
			wanted = kinds[i].args;
		}
	}
	if (!OK(wanted))
		return mark;
	mark.at_ns = minutes(number(str_split(&args, ',')));
	for (; *wanted; wanted++)
		take_arg(&mark, *wanted, str_split(&args, ','));
	mark.machine = rest.len > 1 ? rest.ptr[1] - '0' : 0;
	mark.human = word.ptr[0] == 'U';
	mark.idle = word.ptr[0] == 'I' || word.ptr[0] == 'i';
	mark.ended = strchr("eKywbEia", word.ptr[0]) != NULL;
	if (word.ptr[0] == 'e')
		mark.end_ns = mark.at_ns;
	return mark;
}

/* As events are ordered; those that the order of events does not tell apart stay as written. */
static bool comes_before(const struct mark *a, const struct mark *b)
{
	if (a->at_ns != b->at_ns)
		return a->at_ns < b->at_ns;
	return a->role == ROLE_AFK && b->role != ROLE_AFK;
}

static size_t read_marks(const char *text, struct mark marks[static MARKS_MAX])
{
	struct str rest = str_from(text);
	size_t count = 0;

	while (rest.len > 0) {
		struct mark mark = read_mark(str_split(&rest, ' '));
		size_t at = count++;

		for (; at > 0 && comes_before(&mark, &marks[at - 1]); at--)
			marks[at] = marks[at - 1];
		marks[at] = mark;
	}
	for (size_t i = 0; i < count; i++)
		marks[i].event = i;
	return count;
}

/* --- judging --- */

/* Where the number called NAME is; it is what was got, and is zeroed for streams to show what
 * nobody asked for. */
static int64_t take_number(struct outcome *got, struct str name)
{
	const struct {
		const char *name;
		int64_t ns;
	} totals[] = {
		{ "sum", got->totals.delegated_ns },
		{ "union", got->totals.delegated_union_ns },
		{ "tot", got->totals.tracked_ns },
		{ "peak", got->totals.peak_agents * NS_PER_MINUTE },
	};
	int64_t *slot, ns;

	for (size_t i = 0; i < ARRAY_LEN(totals); i++)
		if (str_eq_c(name, totals[i].name))
			return totals[i].ns;
	slot = got->by_stream[name.len == 1 ? 0 : name.ptr[0] == 'd' ? 1 : 2];
	slot += name.ptr[name.len - 1] == 'U' ? STREAMS : name.ptr[name.len - 1] - 'A';
	ns = *slot;
	*slot = 0;
	return ns;
}

static void expect(const char *what, struct outcome *got, const char *expected)
{
	struct str rest = str_from(expected);

	while (rest.len > 0) {
		struct str word = str_split(&rest, ' '), name = str_split(&word, '=');
		int64_t ns = take_number(got, name);

		tap_check(ns == minutes(number(word)), __FILE__, __LINE__,
			"%s: %.*s is %g, want %.*s", what, STR_ARG(name),
			(double)ns / (double)NS_PER_MINUTE, STR_ARG(word));
	}
	for (int kind = 0; kind < 3; kind++)
		for (int i = 0; i <= STREAMS; i++)
			tap_check(got->by_stream[kind][i] == 0, __FILE__, __LINE__,
				"%s: kind %d of stream %c is %g, not expected", what, kind,
				i == STREAMS ? 'U' : 'A' + i,
				(double)got->by_stream[kind][i] / (double)NS_PER_MINUTE);
}

struct allocation_case {
	const char *name;
	const char *marks;
	double end; /* minutes; 0: none */
	const char *expected;
};

static void run_case(const struct allocation_case *c)
{
	struct mark marks[MARKS_MAX];
	struct arena arena = { 0 };
	struct allocation allocation;
	struct outcome outcome;
	struct err err;
	size_t count = read_marks(c->marks, marks);
	int64_t to = minutes(c->end > 0 ? c->end : FOREVER_MIN);

	if (OK(allocate(marks, count, &params, 0, to, minutes(FOREVER_MIN), &arena, &allocation,
		       &err) == 0)) {
		judge(allocation.spans, allocation.count, &outcome);
		expect(c->name, &outcome, c->expected);
	}
	arena_release(&arena);
}

static void run_cases(const struct allocation_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		run_case(&cases[i]);
}

/* --- cases --- */

static void direct_time(void)
{
	static const struct allocation_case cases[] = {
		{ "E1", "F(0,A) F(3,B)", 20, "A=3 B=5 tot=8" },
		{ "E2", "F(0,A) F(4,A) F(12,A)", 30, "A=14 tot=14" },
		{ "E3", "F(0,A) F(480,A)", 500, "A=10" },
		{ "E4", "F(0,A) F(5,B)", 10, "A=5 B=5" },
		{ "E5", "F(0,A) F(0,B)", 10, "B=5" },
		{ "E6", "F(0,A)", 0, "A=5" },
		{ "E7", "F(2,B)", 4, "B=2" },
		{ "E15", "F(0,A) F(0.5,)", 5.5, "A=0.5 U=5" },
		{ "E13", "F(0,A) C(4,A)", 8, "A=8" },
		{ "E13 without stream", "F(0,A) C(4)", 8, "A=8" },
		{ "E14", "F(0,A) C(4,B)", 20, "A=5" },
		{ "scroll without focus", "C(4,A)", 20, "" },
		{ "scroll after the window", "F(0,A) C(20,A)", 60, "A=10" },
		{ "scroll the next day", "F(0,A) C(1440,A)", 0, "A=5" },
		{ "E42", "U(0,a,A)", 20, "A=5" },
		{ "prompt of a sub-agent", "F(0,B) V(1,a,A)", 20, "B=5" },
		{ "blur", "F(0,A) L(2)", 20, "A=2" },
		{ "blur of another machine", "F(0,A) L(2)@1", 20, "A=5" },
		{ "blur of the pane left", "F(0,A) F(3,B) L(3.001)", 20, "A=3 B=5" },
		{ "blur, then scroll", "F(0,A) L(2) C(3,A)", 20, "A=2" },
		{ "blur of tmux behind a window", "F(0,A) W(1,slack,S) L(1.1)", 20, "A=1 S=5" },
		{ "blur of the terminal", "F(0,A)@1 W(1,kitty)@2 L(2)@1", 20, "A=2" },
		{ "E50", "", 0, "sum=0 union=0 tot=0 peak=0" },
	};

	run_cases(cases, ARRAY_LEN(cases));
}

static void idle(void)
{
	static const struct allocation_case cases[] = {
		{ "E8", "F(0,A) I(3) A(10)", 20, "A=3" },
		{ "E9", "F(0,A) I(4,3)", 20, "A=1" },
		{ "E11", "F(0,A) F(2,B) I(4,3)", 20, "A=1" },
		{ "E47", "F(0,A) I(2)@1 C(4) C(5)", 20, "A=10" },
		{ "idle before all of it", "F(10,A) F(12,B) I(14,12)", 20, "" },
		{ "seat of another machine", "A(0)@1 F(0,A)@2 F(2,B)@2 I(4,3)@1", 20, "A=1" },
		{ "seat by its window", "W(0,slack,S)@1 F(1,A)@2 I(4,2)@1", 20, "S=1 A=1" },
		{ "left seat goes idle", "W(0,slack,S)@1 W(10,slack,T)@2 I(13,3)@1", 20,
			"S=5 T=5" },
		{ "time at the seat before stays",
			"W(0,slack,S)@1 W(12,slack,T)@2 W(19,slack,S)@1 I(20,10)@1", 60,
			"S=5 T=5" },
		{ "idle longer than a night", "F(0,A) F(1000,A) I(3000,3000)", 0, "A=10" },
		{ "negative idle", "F(0,A) I(3,-2)", 20, "A=3" },
		{ "scroll after idle", "F(0,A) I(3) C(4,A)", 20, "A=3" },
	};

	run_cases(cases, ARRAY_LEN(cases));
}

static void windows_and_tabs(void)
{
	static const struct allocation_case cases[] = {
		{ "E17", "W(0,kitty)", 10, "" },
		{ "E18", "W(0,firefox,P) B(1,T) W(3,slack,S) W(5,firefox,Q)", 30,
			"P=1 T=2 S=2 Q=5" },
		{ "E19", "W(0,slack,S) U(2,s,A) W(5,slack,S)", 30, "S=7 A=3" },
		{ "E20", "F(0,A) W(1,slack,S) C(3)", 30, "A=1 S=7" },
		{ "E21", "F(0,A) B(2,T) F(4,A)", 20, "A=9" },
		{ "E23", "B(0,T) W(1,Ledger_Live,L)", 3, "L=2" },
		{ "new title in the same browser", "W(0,firefox,P) B(1,T) W(2,firefox,P)", 20,
			"P=1 T=6" },
		{ "tab before its window", "B(0,T) W(1,firefox,P)", 20, "T=5" },
		{ "tab of another browser", "W(0,firefox,P) B(1,T) W(2,google-chrome,Q)", 20,
			"P=1 T=1 Q=5" },
		{ "tab of another machine", "B(0,T)@1 W(1,firefox,P)@2", 20, "P=5" },
		{ "tab without stream", "W(0,firefox,P) B(1)", 20, "P=1 U=5" },
		{ "browser without stream", "W(0,firefox)", 20, "U=5" },
		{ "other window without stream", "W(0,slack)", 20, "U=5" },
		{ "window without application", "F(0,A) W(1,)", 20, "A=1 U=5" },
		{ "terminal keeps the pane", "F(0,A) W(1,kitty,X)", 20, "A=6" },
		{ "terminal with a pane of no stream", "F(0,) W(1,kitty)", 20, "U=6" },
		{ "terminal of yesterday's pane", "F(0,A) W(1440,kitty)", 0, "A=5" },
		{ "locked screen", "F(0,A) W(1,loginwindow) W(2,swaylock)", 20, "A=1" },
	};

	run_cases(cases, ARRAY_LEN(cases));
}

/* Windows that say how long they were in front. */
static void windows_that_last(void)
{
	static const struct allocation_case cases[] = {
		{ "from start to end and the attention window", "w(0,20,slack,S)", 60, "S=25" },
		{ "the next one", "w(0,20,slack,S) w(20,40,gimp,T)", 60, "S=20 T=25" },
		{ "a gap shorter than the attention window", "w(0,20,slack,S) w(23,40,gimp,T)", 60,
			"S=23 T=22" },
		{ "a gap longer than the attention window", "w(0,20,slack,S) w(30,40,gimp,T)", 60,
			"S=25 T=15" },
		{ "shorter than the attention window", "w(0,2,slack,S)", 60, "S=7" },
		{ "without extent, an instant", "w(0,0,slack,S)", 60, "S=5" },
		{ "a negative extent, an instant", "w(10,3,slack,S)", 60, "S=5" },
		{ "not yet over", "w(0,40,slack,S)", 30, "S=30" },
		{ "twice the same", "w(0,20,slack,S) w(0,20,slack,S)", 60, "S=25" },
		{ "overlapping", "w(0,20,slack,S) w(10,30,gimp,T)", 60, "S=10 T=25" },
		{ "one within another", "w(0,60,slack,S) w(10,20,gimp,T)", 90, "S=55 T=10" },
		{ "many within one",
			"w(0,60,slack,S) w(10,40,gimp,T) w(12,30,gimp,R) w(15,20,gimp,Q)", 90,
			"S=35 T=12 R=13 Q=5" },
		{ "an instant over one that lasts", "w(0,30,slack,S) W(10,gimp,T)", 90,
			"S=30 T=5" },
		{ "longer than its horizon", "w(0,1000,slack,S)", 0, "S=725" },
		{ "a prompt for a while", "w(0,30,slack,S) U(10,a,A)", 90, "S=30 A=5" },
		{ "a pane for a while", "w(0,30,slack,S) F(10,A)", 90, "S=30 A=5" },
		{ "a pane and its scroll", "w(0,30,slack,S) F(10,A) C(14,A)", 90, "S=26 A=9" },
		{ "left pane", "w(0,30,slack,S) F(10,A) L(12)", 90, "S=33 A=2" },
		{ "a scroll changes nothing", "w(0,30,slack,S) C(10,S)", 90, "S=35" },
		{ "terminal with the pane", "F(0,A) w(1,30,kitty,X)", 90, "A=35" },
		{ "pane in the terminal", "w(0,30,kitty,X) F(1,A) F(10,B)", 90, "A=9 B=25" },
		{ "prompt in the terminal", "w(0,30,kitty) F(1,A) U(10,a,B)", 90, "A=9 B=25" },
		{ "terminal without tmux", "w(0,30,kitty,X)", 90, "" },
		{ "terminal after tmux was left", "w(0,30,kitty) F(1,A) L(10)", 90, "A=9" },
		{ "pane of another machine", "w(0,30,kitty)@1 F(1,A)@2", 90, "A=34" },
		{ "browser with its tab", "w(0,30,firefox,P) b(10,20,T)", 90, "P=10 T=25" },
		{ "tab that goes on behind another window",
			"w(0,10,firefox,P) b(0,30,T) w(10,20,slack,S) w(20,30,firefox,P)", 90,
			"T=25 S=10" },
		{ "tab that ended behind another window",
			"w(0,10,firefox,P) b(0,10,T) w(10,20,slack,S) w(20,30,firefox,P)", 90,
			"T=10 S=10 P=15" },
		{ "tab of another browser",
			"w(0,10,firefox,P) b(0,30,T) w(10,20,chrome,Q) w(20,30,firefox,P)", 90,
			"T=25 Q=10" },
		{ "tab of another machine", "w(0,30,firefox,P)@1 b(10,20,T)@2", 90, "P=35" },
		{ "tab behind another window", "w(0,30,slack,S) b(10,20,T)", 90, "S=35" },
		{ "locked screen", "w(0,10,slack,S) w(10,500,loginwindow)", 0, "S=10" },
		{ "locked screen over a window that goes on", "w(0,600,slack,S) w(10,500,swaylock)",
			0, "S=115" },
	};

	run_cases(cases, ARRAY_LEN(cases));
}

static void editors(void)
{
	static const struct allocation_case cases[] = {
		{ "while it is worked in", "E(0,20,A)", 60, "A=25" },
		{ "an instant", "E(0,0,A)", 60, "A=5" },
		{ "a negative extent", "E(9,0,A)", 60, "A=5" },
		{ "refines its window", "w(0,60,code,X) E(10,30,A)", 90, "X=40 A=25" },
		{ "a window that comes to the front while it goes on is its own",
			"E(0,30,A) w(10,60,code,X)", 90, "A=35 X=30" },
		{ "another window ends it", "E(0,30,A) w(30,60,slack,S)", 90, "A=30 S=35" },
		{ "window of another machine ends it", "E(0,30,A) w(10,20,slack,S)@1", 90,
			"A=10 S=15" },
		{ "one project after the other", "E(0,10,A) E(10,20,B)", 60, "A=10 B=15" },
		{ "of who is away", "i(0,60) E(10,30,A)", 90, "" },
	};

	run_cases(cases, ARRAY_LEN(cases));
}

/* Watchers that say from when until when the person was away. */
static void away(void)
{
	static const struct allocation_case cases[] = {
		{ "threshold of 3 minutes within the attention window", "a(0,1) F(0,A) i(1,30)", 60,
			"A=1" },
		{ "before the attention window is over", "a(0,4) F(0,A) i(4,30)", 60, "A=4" },
		{ "after it is over", "a(0,9) F(0,A) i(9,30)", 60, "A=5" },
		{ "a gap is not idleness", "a(0,1) F(0,A)", 60, "A=5" },
		{ "of an unattended machine", "a(0,60)@1 F(0,A)@1 i(1,30)@2", 60, "A=5" },
		{ "of a machine nobody was seen at", "F(0,A) i(1,30)@2", 60, "A=5" },
		{ "of the machine in focus", "F(0,A) i(1,30)", 60, "A=1" },
		{ "of the seat from which a pane elsewhere is used", "a(0,2)@1 F(0,A)@2 i(2,30)@1",
			60, "A=2" },
		{ "of a seat that was left for another one",
			"a(0,2)@1 a(1,60)@2 F(3,A)@3 i(2,60)@1", 60, "A=5" },
		{ "one seat of two", "a(0,60)@1 a(1,2)@2 F(1,A)@3 i(2,60)@2", 60, "A=5" },
		{ "both seats", "a(0,3)@1 a(1,2)@2 F(1,A)@3 i(2,60)@2 i(3,60)@1", 60, "A=2" },
		{ "without extent, nothing", "F(0,A) i(1,1)", 60, "A=5" },
		{ "negative, nothing", "F(0,A) i(2,1)", 60, "A=5" },
		{ "there without extent is nothing", "i(0,60) w(1,50,slack,S) a(9,9)", 90, "" },
		{ "a prompt is a person all the same", "i(0,60) U(10,a,A)", 90, "A=5" },
		{ "window until the person goes", "a(0,10) w(0,60,slack,S) i(10,70)", 90, "S=10" },
		{ "window from when the person comes back",
			"a(0,10) w(0,60,slack,S) i(10,40) a(40,60)", 90, "S=35" },
		{ "the last data is of being away", "a(0,10) w(0,60,slack,S) i(10,40)", 90,
			"S=10" },
		{ "window that changes by itself", "i(0,60) w(10,20,slack,S) w(20,30,slack,T)", 90,
			"" },
		{ "and is still there when the person comes",
			"i(0,25) w(10,20,slack,S) w(20,30,slack,T) a(25,60)", 90, "T=10" },
		{ "terminal when the person comes back", "F(0,A) w(0,60,kitty) i(10,40) a(40,60)",
			90, "A=35" },
		{ "a pane is not restored", "F(0,A) i(3,10) a(10,60)", 90, "A=3" },
		{ "intervals of one status, merged",
			"F(0,A) w(0,60,kitty) a(0,5) a(4,9) a(5,9) i(9,12) i(10,20) i(20,60)", 90,
			"A=9" },
		{ "a night and its windows", "w(0,600,slack,S) a(0,10) i(10,540) a(540,600)", 0,
			"S=75" },
		{ "longer than any other horizon", "i(0,5000) w(4000,4010,slack,S)", 0, "" },
		{ "two watchers, one says there", "w(0,60,slack,S) a(0,60) i(10,30)", 90, "S=65" },
		{ "two watchers, one says away for longer",
			"w(0,60,slack,S) a(0,20) i(10,40) a(35,60)", 90, "S=50" },
		{ "two watchers, one of them instants", "w(0,60,slack,S) a(0,60) I(10,3) A(20)", 90,
			"S=65" },
		{ "instants, and a window that lasts", "w(0,60,slack,S) I(10,3) A(20)", 90,
			"S=52" },
		{ "window of a machine whose person is away",
			"a(0,60)@1 w(0,60,slack,S)@1 i(0,60)@2 w(20,30,gimp,T)@2", 90, "S=65" },
		{ "from one desk to another and back",
			"a(0,60)@1 w(0,60,slack,S)@1 w(10,60,gimp,T)@2 a(10,12)@2 i(12,60)@2", 90,
			"S=63 T=2" },
		{ "the other desk's window took over without a word of input",
			"a(0,60)@1 w(0,60,slack,S)@1 w(10,20,gimp,T)@2", 90, "S=10 T=15" },
		{ "coming back to the other desk",
			"w(0,90,gimp,T)@2 i(0,30)@2 a(0,60)@1 w(0,60,slack,S)@1 a(30,60)@2", 90,
			"S=30 T=60" },
	};

	run_cases(cases, ARRAY_LEN(cases));
}

static void delegated_time(void)
{
	static const struct allocation_case cases[] = {
		{ "E25", "s(0,a) x(5,a,A) e(30,a)", 30, "dA=25" },
		{ "E26", "s(0,a) e(30,a)", 30, "" },
		{ "E28", "s(0,a) x(0,a,A) x(30,a,A) e(31,a)", 60, "dA=31" },
		{ "E29 with K", "s(0,a) K(0,a,50) x(0,a,A) x(5,a,A)", 60, "dA=35" },
		{ "E33", "s(0,a) x(5,a,A) x(20,a,A) s(30,a) x(31,a,A) x(40,a,A)", 50, "dA=35" },
		{ "E34", "s(0,a) x(5,a,A) e(10,a) x(15,a,A) x(60,a,A) K(60,a,60)", 90, "dA=40" },
		{ "E36", "x(0,a,A) x(10,a,A) e(20,a)", 60, "dA=20" },
		{ "E37", "x(0,a,A) x(10,b,A) e(30,a) e(40,b)", 60,
			"dA=60 sum=60 union=40 peak=2 tot=40" },
		{ "E44", "s(0,a) K(0,a,50) x(10,a,A)", 30, "dA=20" },
		{ "E45", "s(0,a) K(0,a,5) x(10,a,A) x(20,a,A)", 60, "dA=10" },
		{ "no known end", "x(0,a,A) x(10,a,A)", 60, "dA=10" },
		{ "one sign", "x(0,a,A)", 60, "" },
		{ "unassigned", "x(0,a) x(10,a)", 60, "dU=10" },
		{ "a stream of each sign", "x(0,a,A) x(10,a,B) x(15,a,B)", 60,
			"dA=10 dB=5 peak=1" },
		{ "ends repeated and late", "x(0,a,A) e(1,a) e(2,a) x(8,a,A) e(9,a) e(9,a)", 60,
			"dA=9" },
		{ "an end days later says nothing", "K(0,a,9000) x(0,a,A) e(10,a)", 0, "dA=10" },
		{ "no session, no agent", "F(0,A) x(7,a,A)", 60, "A=5" },
	};

	run_cases(cases, ARRAY_LEN(cases));
}

static void waiting_time(void)
{
	static const struct allocation_case cases[] = {
		{ "E31", "s(0,a) x(1,a,A) x(5,a,A) U(1438,a,A) x(1440,a,A) e(1445,a)", 2880,
			"dA=9 A=5" },
		{ "between two signs", "x(0,a,A) U(20,a,A) x(22,a,A) x(30,a,A)", 60,
			"A=5 dA=8 wA=20" },
		{ "the first prompt ends it", "x(0,a,A) U(10,a,A) U(12,a,A) x(15,a,A)", 60,
			"A=7 wA=10" },
		{ "no later sign yet", "x(0,a,A) U(10,a,A)", 60, "A=5 wA=10" },
		{ "known end after the prompt", "x(0,a,A) U(10,a,A) e(20,a)", 60, "A=5 wA=10" },
		{ "prompt with the next sign", "x(0,a,A) U(10,a,A) x(10,a,A)", 60, "A=5 dA=10" },
		{ "prompt with the sign before", "x(0,a,A) U(0,a,A) x(10,a,A)", 60, "A=5 dA=10" },
		{ "of a sub-agent", "x(0,a,A) V(5,a,A) x(10,a,A)", 60, "dA=10" },
		{ "of another session", "x(0,a,A) U(5,b,A) x(10,a,A)", 60, "A=5 dA=10" },
		{ "8 hours", "x(0,a,A) U(480,a,A) x(481,a,A)", 600, "A=5 wA=480" },
		{ "more than 8 hours", "x(0,a,A) U(481,a,A) x(482,a,A)", 600, "A=5" },
		{ "closed, laid aside, resumed", "x(0,a,A) e(20,a) U(900,a,A) x(901,a,A) e(902,a)",
			0, "A=5 dA=21" },
		{ "prompt days later", "x(0,a,A) U(3000,a,A) x(3001,a,A) x(3003,a,A)", 0,
			"A=5 dA=2" },
	};

	run_cases(cases, ARRAY_LEN(cases));
}

/* Responses that say how long they took: work to their ends, and waiting from there. */
static void responses_with_a_duration(void)
{
	static const struct allocation_case cases[] = {
		{ "alone", "U(0,a,A) y(0,a,7,A)", 60, "A=5 dA=7" },
		{ "longer than the timeout", "y(0,a,90,A)", 200, "dA=30" },
		{ "two turns", "U(0,a,A) y(0,a,7,A) U(20,a,A) y(20,a,22,A)", 60,
			"A=10 dA=9 wA=13" },
		{ "a tool meanwhile", "U(0,a,A) y(0,a,7,A) x(3,a,A)", 60, "A=5 dA=7" },
		{ "prompted before it ended", "y(0,a,7,A) U(4,a,A) x(9,a,A)", 60, "A=5 dA=4" },
		{ "a later sign of the same turn", "y(0,a,7,A) x(10,a,A)", 60, "dA=10" },
		{ "a session's end after it", "y(0,a,7,A) e(12,a)", 60, "dA=12" },
		{ "a session's end before it", "y(0,a,7,A) e(2,a)", 60, "dA=7" },
	};

	run_cases(cases, ARRAY_LEN(cases));
}

static void mixed(void)
{
	static const struct allocation_case cases[] = {
		{ "E39", "F(0,X) s(0,m) x(5,m,X) s(10,n) x(15,n,Y) F(20,Y) e(30,m) e(40,n) I(50)",
			60, "X=5 Y=5 dX=25 dY=25 tot=40" },
		{ "E49",
			"F(0,W) s(0,p) U(0,p,W) x(1,p,W) F(4,A) s(4,q) U(4.5,q,A) x(6,q,A) F(8,W) "
			"x(9,p,W) W(11,firefox) W(15,ghostty) F(16,A) I(20) e(25,p) x(40,q,A) "
			"A(50) W(50,kitty) U(52,q,A) e(55,q)",
			60, "W=8 A=15 U=4 dW=24 dA=30 wA=12 tot=43" },
	};

	run_cases(cases, ARRAY_LEN(cases));
}

static void never_beyond_now(void)
{
	struct mark marks[MARKS_MAX];
	struct arena arena = { 0 };
	struct allocation allocation;
	struct outcome outcome;
	struct err err;
	size_t count = read_marks("x(0,a,A) x(3,b,A) F(8,B) U(9,b,B) K(9,a,50)", marks);

	OK(allocate(marks, count, &params, 0, minutes(60), minutes(10), &arena, &allocation,
		   &err) == 0);
	judge(allocation.spans, allocation.count, &outcome);
	expect("now", &outcome, "B=2 dA=10 wA=6");
	arena_release(&arena);
}

static void spans_name_their_marks(void)
{
	struct mark marks[MARKS_MAX];
	struct arena arena = { 0 };
	struct allocation out;
	struct err err;
	size_t count = read_marks("F(0,A)@3 x(1,a,B)@2 x(2,a,B)@2 C(3)@3 U(4,a,B)@2", marks);

	OK(allocate(marks, count, &params, 0, minutes(60), minutes(60), &arena, &out, &err) == 0);
	if (IS_INT(out.count, 5)) {
		static const struct {
			enum span_kind kind;
			int32_t machine, session;
			size_t event;
			double start, end;
		} want[] = {
			{ SPAN_DIRECT, 3, SESSION_NONE, 0, 0, 3 },
			{ SPAN_DELEGATED, 2, 0, 1, 1, 2 },
			{ SPAN_WAITING, 2, 0, 2, 2, 4 },
			{ SPAN_DIRECT, 3, SESSION_NONE, 3, 3, 4 },
			{ SPAN_DIRECT, 2, 0, 4, 4, 9 },
		};

		for (size_t i = 0; i < ARRAY_LEN(want); i++) {
			IS_INT(out.spans[i].kind, want[i].kind);
			IS_INT(out.spans[i].machine, want[i].machine);
			IS_INT(out.spans[i].session, want[i].session);
			IS_INT(out.spans[i].event, want[i].event);
			IS_INT(out.spans[i].start_ns, minutes(want[i].start));
			IS_INT(out.spans[i].end_ns, minutes(want[i].end));
		}
	}
	arena_release(&arena);
}

static void ends_of_time(void)
{
	struct mark marks[] = {
		{ .at_ns = INT64_MIN + 1, .role = ROLE_FOCUS, .session = SESSION_NONE },
		{ .at_ns = INT64_MIN + 2, .role = ROLE_ACTIVITY },
		{ .at_ns = INT64_MAX - 2, .role = ROLE_FOCUS, .session = SESSION_NONE },
		{ .at_ns = INT64_MAX - 1, .role = ROLE_AFK, .idle = true, .idle_ns = INT64_MAX },
	};
	struct arena arena = { 0 };
	struct allocation out;
	struct err err;

	OK(allocate(marks, ARRAY_LEN(marks), &params, INT64_MIN, INT64_MAX, INT64_MAX, &arena, &out,
		   &err) == 0);
	if (IS_INT(out.count, 1))
		IS_INT(out.spans[0].end_ns, INT64_MIN + 1 + params.window_ns);
	arena_release(&arena);
}

static void arena_limit_is_an_error(void)
{
	struct mark marks[MARKS_MAX];
	struct arena arena;
	struct allocation out;
	struct err err;
	size_t count = read_marks("F(0,A) F(1,B) F(2,A)", marks);

	arena_init(&arena, 1);
	IS_INT(allocate(marks, count, &params, 0, minutes(60), minutes(60), &arena, &out, &err),
		ERR_LIMIT);
	arena_release(&arena);
}

static void applications(void)
{
	static const struct {
		const char *id;
		enum app_class class;
	} apps[] = {
		{ "org.mozilla.firefox", APP_BROWSER },
		{ "Google-chrome", APP_BROWSER },
		{ "Microsoft-Edge", APP_BROWSER },
		{ "com.apple.Safari", APP_BROWSER },
		{ "Arc", APP_BROWSER },
		{ "Ledger Live", APP_OTHER },
		{ "search", APP_OTHER },
		{ "Code", APP_OTHER },
		{ "", APP_OTHER },
		{ "--", APP_OTHER },
		{ "KITTY", APP_TERMINAL },
		{ "gnome-terminal-server", APP_TERMINAL },
		{ "com.googlecode.iterm2", APP_TERMINAL },
		{ "org.wezfurlong.wezterm", APP_TERMINAL },
		{ "com.mitchellh.ghostty", APP_TERMINAL },
		{ "kittykat", APP_OTHER },
		{ "footer", APP_OTHER },
		{ "loginwindow", APP_LOCK },
	};

	for (size_t i = 0; i < ARRAY_LEN(apps); i++)
		tap_check(app_class(str_from(apps[i].id)) == apps[i].class, __FILE__, __LINE__,
			"class of '%s'", apps[i].id);
}

static void totals_of_any_order(void)
{
	struct span spans[] = {
		{ 50, 60, SPAN_DELEGATED, 1, 0, 0, 0 },
		{ 0, 30, SPAN_DIRECT, UNASSIGNED, SESSION_NONE, 0, 0 },
		{ 20, 50, SPAN_DELEGATED, UNASSIGNED, 0, 0, 0 },
		{ 40, 55, SPAN_DELEGATED, 2, 1, 0, 0 },
		{ 60, 99, SPAN_WAITING, 1, 0, 0, 0 },
	};
	struct arena arena = { 0 };
	struct time_totals totals;

	allocation_totals(spans, ARRAY_LEN(spans), &arena, &totals);
	IS_INT(totals.direct_ns, 30);
	IS_INT(totals.delegated_ns, 55);
	IS_INT(totals.delegated_union_ns, 40);
	IS_INT(totals.waiting_ns, 39);
	IS_INT(totals.tracked_ns, 60);
	IS_INT(totals.unassigned_direct_ns, 30);
	IS_INT(totals.unassigned_delegated_ns, 30);
	IS_INT(totals.peak_agents, 2);
	allocation_totals(NULL, 0, &arena, &totals);
	IS_INT(totals.tracked_ns, 0);
	IS_INT(totals.peak_agents, 0);
	arena_release(&arena);
}

/* Direct time of stream 0, on which pane 1 gets the focus, when a blur of PANE comes two seconds
 * later. */
static int64_t direct_with_blur_of(int32_t pane)
{
	const struct mark marks[] = {
		{ .at_ns = 0, .role = ROLE_FOCUS, .session = SESSION_NONE, .pane = 1 },
		{ .at_ns = 2 * NS_PER_S, .role = ROLE_BLUR, .session = SESSION_NONE, .pane = pane },
	};
	struct arena arena = { 0 };
	struct allocation out;
	struct outcome outcome;
	struct err err;

	OK(allocate(marks, ARRAY_LEN(marks), &params, 0, NS_PER_HOUR, NS_PER_HOUR, &arena, &out,
		   &err) == 0);
	judge(out.spans, out.count, &outcome);
	arena_release(&arena);
	return outcome.totals.direct_ns;
}

static void a_blur_ends_its_own_pane(void)
{
	IS_INT(direct_with_blur_of(1), 2 * NS_PER_S);
	IS_INT(direct_with_blur_of(2),
		5 * NS_PER_MINUTE); /* the pane left before tells of it late */
	IS_INT(direct_with_blur_of(PANE_NONE), 2 * NS_PER_S);
}

static void margin_covers_the_parameters(void)
{
	struct attention_params wide = ATTENTION_DEFAULTS;

	OK(allocate_margin_ns(&params) >= params.waiting_limit_ns + params.agent_timeout_ns);
	wide.waiting_limit_ns = 100 * NS_PER_HOUR;
	wide.window_ns = 2 * NS_PER_HOUR;
	OK(allocate_margin_ns(&wide) >= 102 * NS_PER_HOUR);
}

static const struct tap_case cases[] = {
	TAP_CASE(direct_time),
	TAP_CASE(idle),
	TAP_CASE(windows_and_tabs),
	TAP_CASE(windows_that_last),
	TAP_CASE(editors),
	TAP_CASE(away),
	TAP_CASE(delegated_time),
	TAP_CASE(waiting_time),
	TAP_CASE(responses_with_a_duration),
	TAP_CASE(mixed),
	TAP_CASE(never_beyond_now),
	TAP_CASE(spans_name_their_marks),
	TAP_CASE(ends_of_time),
	TAP_CASE(arena_limit_is_an_error),
	TAP_CASE(applications),
	TAP_CASE(totals_of_any_order),
	TAP_CASE(a_blur_ends_its_own_pane),
	TAP_CASE(margin_covers_the_parameters),
};
TAP_MAIN(cases)
