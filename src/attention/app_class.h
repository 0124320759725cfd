/* What kind of application has the screen, told by its id. */
#ifndef TT_ATTENTION_APP_CLASS_H
#define TT_ATTENTION_APP_CLASS_H

#include "base/str.h"

enum app_class {
	APP_OTHER,
	APP_TERMINAL, /* what is in it is known better by tmux */
	APP_BROWSER,  /* what is in it is known better by the tab */
	APP_LOCK,     /* lock and login screens: nobody is there */
};

/*
 * By whole words of the id, in any case: "org.mozilla.firefox" and "Google-chrome" are browsers,
 * "Ledger Live" and "Search" are none. An empty id is APP_OTHER.
 */
enum app_class app_class(struct str app_id);

#endif
