/* The user's tmux: its configuration file, in which one marked line is this program's, and its
 * server, if one runs. */
#ifndef TT_CLI_TMUX_H
#define TT_CLI_TMUX_H

#include "base/fs.h"

/* packaging/tmux/tt.conf, as it was when this program was built. */
extern const char tmux_fragment[];

struct tmux_paths {
	const char *fragment; /* our copy of the fragment, in the configuration directory */
	const char *conf;     /* the user's configuration: the file that has our line, else where it
				 belongs */
};
/* Nothing needs to exist. ERR_IO: a configuration that is there cannot be read. */
MUST_USE int tmux_paths(
	struct arena *arena, const struct fs_dirs *dirs, struct tmux_paths *out, struct err *err);

/* The line that sources FRAGMENT, with its mark, without newline. ERR_USAGE: a path that no line
 * can hold. */
MUST_USE int tmux_line(const char *fragment, bool made_file, struct buf *out, struct err *err);
/* Where our line stands in TEXT, its newline not included; an empty view if it has none. */
struct str tmux_find_line(struct str text);
/* The mark of LINE says that the file was made for it. */
bool tmux_line_made_file(struct str line);
/* TEXT with LINE at its end. tmux_without gives back TEXT, byte for byte. */
void tmux_with(struct str text, struct str line, struct buf *out);
/* TEXT without our line. */
void tmux_without(struct str text, struct buf *out);

enum { TMUX_ABSENT = -1 };
/*
 * Run ARGV ("tmux", …), its standard output appended to OUT; its exit status, or TMUX_ABSENT when
 * there is no such program or it does not answer within some seconds.
 */
int tmux_run(const char *const argv[], struct buf *out);
/* A server of this user runs. */
bool tmux_server_runs(void);
/* PATH of the running server in the arena, or this process's own when there is none. */
const char *tmux_search_path(struct arena *arena);
/* Where NAME stands in the directories of SEARCH_PATH, or NULL. */
const char *tmux_find_program(struct arena *arena, const char *search_path, const char *name);

#endif
