/*
 * The hook journal, events.jsonl: what tmux hooks append and everyone else drains.
 *
 * An append takes the lock beside it, writes one line with one write, and is gone: no store, no
 * child, no network. A torn end (no newline) left by a crash is closed first, so that it never
 * swallows the next line. The drain reads the journal as a file that grows, with a cursor committed
 * with its events, and removes it under the lock once all of it is in the store. At any moment a
 * line is in the journal, in the store, or in both, where its id makes it one.
 */
#ifndef TT_COLLECT_JOURNAL_H
#define TT_COLLECT_JOURNAL_H

#include "collect/source.h"

enum { JOURNAL_DEBOUNCE_MS = 500 };

struct hook_event {
	const char *type;    /* "tmux_pane_focus", "tmux_pane_blur", "tmux_scroll" */
	const char *pane;    /* never empty */
	const char *session; /* never empty */
	const char *cwd;     /* bytes as the system gave them; may be empty */
	const char *window;  /* decimal window index, or NULL */
};

/*
 * Append one event at NOW_NS. A repetition for the same pane and kind within JOURNAL_DEBOUNCE_MS of
 * the last written one is dropped (success), but only while that pane is still the last one
 * recorded. ERR_USAGE: empty pane or session, window no number.
 */
MUST_USE int journal_append(const char *data_dir, const struct machine *machine,
	const struct hook_event *event, int64_t now_ns, struct err *err);
/* The source "tmux" of the registry. */
extern const struct source journal_source;

#endif
