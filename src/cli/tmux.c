/*
 * The user's tmux. One line is added to the configuration, with a mark by which it is found again.
 * It is added so that taking it away gives the old bytes back: a file that did not end in a newline
 * gets it before our line, which then has none itself; and a file that was made for the line says
 * so in the mark.
 */
#include "cli/tmux.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/proc.h"
#include "model/limits.h"

#define MARK "# tidemark"
#define MARK_MADE "# tidemark made this file"

enum { ANSWER_MS = 5000, ERRORS_BYTES = 4096, READ_BYTES = 4096, ANSWER_BYTES = 1 << 20 };

static bool has_line(const char *path, bool *found, struct err *err)
{
	struct buf text CLEANUP(buf_release) = BUF_INIT;
	int rc = fs_read(path, LIMIT_CONFIG_BYTES, &text, err);

	*found = rc == 0 && tmux_find_line(buf_str(&text)).len > 0;
	return rc == 0 || rc == ERR_NOT_FOUND;
}

int tmux_paths(
	struct arena *arena, const struct fs_dirs *dirs, struct tmux_paths *out, struct err *err)
{
	const char *config = getenv("XDG_CONFIG_HOME");
	const char *candidates[3];
	bool found = false;

	if (!config || config[0] != '/')
		config = fs_join(arena, dirs->home, ".config");
	candidates[0] = fs_join(arena, config, "tmux/tmux.conf");
	candidates[1] = fs_join(arena, dirs->home, ".config/tmux/tmux.conf");
	candidates[2] = fs_join(arena, dirs->home, ".tmux.conf");
	out->fragment = fs_join(arena, dirs->config, "tmux.conf");
	out->conf = NULL;
	for (size_t i = 0; i < ARRAY_LEN(candidates) && !found; i++) {
		if (!has_line(candidates[i], &found, err))
			return err->code;
		if (found || (!out->conf && fs_exists(candidates[i])))
			out->conf = candidates[i];
	}
	if (!out->conf)
		out->conf = candidates[2];
	return 0;
}

int tmux_line(const char *fragment, bool made_file, struct buf *out, struct err *err)
{
	buf_addc(out, "source-file -q \"");
	for (const char *c = fragment; *c; c++) {
		if ((unsigned char)*c < 0x20)
			return err_set(err, ERR_USAGE,
				"'%s' holds control characters: no line of tmux.conf can name it",
				fragment);
		if (*c == '"' || *c == '\\' || *c == '$')
			buf_byte(out, '\\');
		if (*c == '*' || *c == '?' || *c == '[') /* source-file takes a glob */
			buf_addc(out, "\\\\");
		buf_byte(out, *c);
	}
	buf_printf(out, "\" %s", made_file ? MARK_MADE : MARK);
	return 0;
}

struct str tmux_find_line(struct str text)
{
	while (text.len > 0) {
		struct str line = str_split(&text, '\n');

		if (str_starts(line, STR("source-file ")) &&
			(str_ends(line, STR(" " MARK)) || tmux_line_made_file(line)))
			return line;
	}
	return (struct str){ NULL, 0 };
}

bool tmux_line_made_file(struct str line)
{
	return str_ends(line, STR(" " MARK_MADE));
}

void tmux_with(struct str text, struct str line, struct buf *out)
{
	bool cut = text.len > 0 && text.ptr[text.len - 1] != '\n';

	buf_add(out, text);
	if (cut)
		buf_byte(out, '\n');
	buf_add(out, line);
	if (!cut)
		buf_byte(out, '\n');
}

void tmux_without(struct str text, struct buf *out)
{
	struct str line = tmux_find_line(text);
	size_t from, behind;

	if (line.len == 0) {
		buf_add(out, text);
		return;
	}
	from = (size_t)(line.ptr - text.ptr);
	behind = from + line.len;
	if (behind < text.len)
		behind++; /* its newline */
	else if (from > 0)
		from--; /* it has none: the one before it was ours */
	buf_add(out, str_sub(text, 0, from));
	buf_add(out, str_sub(text, behind, text.len));
}

int tmux_run(const char *const argv[], struct buf *out)
{
	struct proc proc = { 0 };
	struct buf errors CLEANUP(buf_release) = BUF_INIT;
	struct err ignored;
	ssize_t got;

	if (proc_start(&proc, argv, &ignored) < 0)
		return TMUX_ABSENT;
	do {
		got = proc_read(&proc, buf_reserve(out, READ_BYTES), READ_BYTES, &errors,
			ERRORS_BYTES, ANSWER_MS, &ignored);
		out->len += got > 0 ? (size_t)got : 0;
	} while (got > 0 && out->len < ANSWER_BYTES);
	if (got != 0) {
		proc_kill(&proc);
		return TMUX_ABSENT;
	}
	return proc_wait(&proc);
}

bool tmux_server_runs(void)
{
	const char *const argv[] = { "tmux", "list-sessions", NULL };
	struct buf out CLEANUP(buf_release) = BUF_INIT;

	return tmux_run(argv, &out) == 0;
}

const char *tmux_search_path(struct arena *arena)
{
	const char *const argv[] = { "tmux", "show-environment", "-g", "PATH", NULL };
	struct buf out CLEANUP(buf_release) = BUF_INIT;
	const char *own = getenv("PATH");

	if (tmux_run(argv, &out) == 0 && str_starts(buf_str(&out), STR("PATH=")))
		return arena_cstr(arena, str_trim(str_sub(buf_str(&out), 5, out.len)));
	return own ? own : "/usr/local/bin:/usr/bin:/bin";
}

const char *tmux_find_program(struct arena *arena, const char *search_path, const char *name)
{
	struct str rest = str_from(search_path);

	while (rest.len > 0) {
		struct str dir = str_split(&rest, ':');
		const char *path = fs_join(arena, dir.len > 0 ? arena_cstr(arena, dir) : ".", name);
		struct stat info;

		if (stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0)
			return path;
	}
	return NULL;
}
