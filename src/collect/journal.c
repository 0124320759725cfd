/*
 * The hook journal. See journal.h for what it promises; this is how.
 *
 * Appending: under the lock, one write of one line at the end of the file; what a killed append
 * left behind gets its newline first, in the same write. A write that comes out short (no space, a
 * quota) is cut off again, so that the journal stays whole. Draining: the journal is a growing file
 * like any other, read through a cursor that is committed with its events. When all of it is taken,
 * the file is removed under the lock, and only if it is still that file, of that length. There is
 * no moment at which a line is neither in the journal nor in the store; at worst it is in both, and
 * its id makes the second reading harmless. A torn last line keeps the file until the next append
 * closes it.
 */
#include "collect/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "collect/project.h"
#include "collect/tail.h"
#include "model/codec.h"
#include "model/id.h"
#include "model/limits.h"

enum {
	LOCK_WAIT_MS = 10000,
	STATE_BYTES = 512, /* of the state file, padded */
	DRAIN_LOOKS = 8,   /* at lines that came while others were taken */
};

#define JOURNAL_SOURCE STR("remote.tmux")

struct paths {
	const char *journal;
	const char *lock;
	const char *state;
};

static struct paths paths_in(struct arena *arena, const char *data_dir)
{
	return (struct paths){
		.journal = fs_join(arena, data_dir, "events.jsonl"),
		.lock = fs_join(arena, data_dir, ".lock"),
		.state = fs_join(arena, data_dir, ".hook"),
	};
}

/* --- debounce: "MILLISECONDS KIND PANE", of the last written event --- */

/* Focus and scroll both say that a person looks at the pane; blur says the opposite. */
static const char *kind_of(const char *type)
{
	return strcmp(type, "tmux_pane_blur") == 0 ? "blur" : "look";
}

/* What cannot be read or understood says nothing: the event is written. */
static bool is_repetition(const char *state_path, const struct hook_event *event, int64_t now_ms)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct str rest, at, kind;
	int64_t last_ms, age_ms;
	struct err ignored;

	if (fs_read(state_path, STATE_BYTES, &text, &ignored) < 0)
		return false;
	rest = buf_str(&text);
	at = str_split(&rest, ' ');
	kind = str_split(&rest, ' ');
	if (!str_to_i64(at, &last_ms) || __builtin_sub_overflow(now_ms, last_ms, &age_ms))
		return false;
	return str_eq_c(kind, kind_of(event->type)) &&
	       str_eq_c(str_split(&rest, '\n'), event->pane) && age_ms >= 0 &&
	       age_ms < JOURNAL_DEBOUNCE_MS;
}

/*
 * Losing the state costs a line too many, never one too few: it is not synced, and that it cannot
 * be written is no error. It is overwritten in place, padded to one length: a file that is cut and
 * written again is flushed by some file systems when it is closed, and the hook would wait for it.
 */
static void write_state(const char *path, const struct hook_event *event, int64_t now_ms)
{
	CLEANUP(fs_closep) int fd = -1;
	char text[STATE_BYTES];
	int used = snprintf(text, sizeof(text), "%lld %s %s\n", (long long)now_ms,
		kind_of(event->type), event->pane);

	fd = open(path, O_WRONLY | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	if (used < 0 || (size_t)used >= sizeof(text)) {
		unlink(path);
		return;
	}
	memset(text + used, '\n', sizeof(text) - (size_t)used);
	if (pwrite(fd, text, sizeof(text), 0) != (ssize_t)sizeof(text))
		unlink(path);
}

/* --- appending --- */

static void put_payload(struct json_writer *writer, const struct hook_event *event,
	const struct project *project, int64_t window)
{
	json_begin_object(writer);
	json_kv_str(writer, "cwd", str_from(event->cwd ? event->cwd : ""));
	json_kv_str(writer, "pane_id", str_from(event->pane));
	json_kv_str(writer, "tmux_session", str_from(event->session));
	if (event->window)
		json_kv_i64(writer, "window_index", window);
	if (project->name.len > 0)
		json_kv_str(writer, "git_project", project->name);
	if (project->workspace.len > 0)
		json_kv_str(writer, "git_workspace", project->workspace);
	json_end_object(writer);
}

static void build_line(struct buf *out, const struct machine *machine,
	const struct hook_event *event, int64_t window, int64_t now_ns)
{
	CLEANUP(buf_release) struct buf id = BUF_INIT;
	CLEANUP(buf_release) struct buf data = BUF_INIT;
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct project project = project_find(&arena, event->cwd);
	struct json_writer writer = json_writer(&data);
	struct event line = {
		.source = JOURNAL_SOURCE,
		.type = str_from(event->type),
		.start_ns = time_floor_ms(now_ns),
	};

	put_payload(&writer, event, &project, window);
	id_build(&id, machine->id, line.source, line.type, now_ns, str_from(event->pane));
	line.id = buf_str(&id);
	line.data = buf_str(&data);
	wire_encode_event(out, &line);
}

/* Does the file of SIZE bytes end in the middle of a line? Unreadable counts as yes: an empty line
 * more does no harm. */
static bool is_torn(int fd, off_t size)
{
	char last;

	return size > 0 && (pread(fd, &last, 1, size - 1) != 1 || last != '\n');
}

static int append_line(const char *path, struct str line, struct err *err)
{
	CLEANUP(fs_closep)
	int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0600);
	CLEANUP(buf_release) struct buf bytes = BUF_INIT;
	struct stat status;
	ssize_t put;

	if (fd < 0)
		return err_sys(err, "cannot open '%s'", path);
	if (fstat(fd, &status) < 0)
		return err_sys(err, "cannot look at '%s'", path);
	if (!S_ISREG(status.st_mode))
		return err_set(err, ERR_IO, "'%s' is no regular file", path);
	if (is_torn(fd, status.st_size))
		buf_byte(&bytes, '\n');
	buf_add(&bytes, line);
	do
		put = write(fd, bytes.ptr, bytes.len);
	while (put < 0 && errno == EINTR);
	if (put == (ssize_t)bytes.len)
		return 0;
	if (put < 0)
		return err_sys(err, "cannot write '%s'", path);
	/* Should this fail too, the torn line waits and is closed by the next append. */
	if (ftruncate(fd, status.st_size) < 0)
		return err_sys(err, "cannot write '%s': no space left; cannot cut it off", path);
	return err_set(err, ERR_FULL, "cannot write '%s': no space left", path);
}

static int check(const struct hook_event *event, int64_t *window, struct err *err)
{
	*window = 0;
	if (!event->pane || !*event->pane)
		return err_set(err, ERR_USAGE, "the pane is empty");
	if (!event->session || !*event->session)
		return err_set(err, ERR_USAGE, "the session is empty");
	if (event->window && (!str_to_i64(str_from(event->window), window) || *window < 0))
		return err_set(err, ERR_USAGE, "the window '%s' is no number", event->window);
	return 0;
}

int journal_append(const char *data_dir, const struct machine *machine,
	const struct hook_event *event, int64_t now_ns, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	CLEANUP(fs_closep) int lock = -1;
	CLEANUP(buf_release) struct buf line = BUF_INIT;
	struct paths paths = paths_in(&arena, data_dir);
	int64_t now_ms = time_floor_ms(now_ns) / NS_PER_MS, window;

	if (check(event, &window, err) < 0)
		return err->code;
	build_line(&line, machine, event, window, now_ns);
	if (fs_lock(paths.lock, LOCK_WAIT_MS, &lock, err) < 0)
		return err->code;
	if (is_repetition(paths.state, event, now_ms))
		return 0;
	if (append_line(paths.journal, buf_str(&line), err) < 0)
		return err->code;
	write_state(paths.state, event, now_ms);
	return 0;
}

/* --- draining --- */

struct drain {
	const struct collect_context *context;
	struct source_counts *counts;
	struct paths paths;
	struct tail_set *set;
	struct intake *intake;
	struct json_parser parser;
	struct buf line;
};

static int save(struct drain *drain, struct tail *tail, struct err *err)
{
	if (tail_save(tail, drain->intake, STR(""), err) < 0)
		return err->code;
	return intake_commit(drain->intake, err);
}

/* Does member KEY tell of a workspace? */
static bool tells(struct str key)
{
	static const char *const telling[] = { "cwd", "git_project", "git_workspace", "git_branch",
		"tmux_session" };

	for (size_t i = 0; i < ARRAY_LEN(telling); i++)
		if (str_eq_c(key, telling[i]))
			return true;
	return false;
}

/* OBJECT without what tells; the predecessor nested it as "data". */
static void put_without(struct json_writer *writer, const struct json *object, bool nested)
{
	struct json_iter members = json_iter(object);
	const struct json *value;
	struct str key;

	json_begin_object(writer);
	while (json_next(&members, &key, &value)) {
		if (tells(key))
			continue;
		json_key(writer, key);
		if (!nested && str_eq(key, STR("data")) && json_is(value, JSON_OBJECT))
			put_without(writer, value, true);
		else
			json_put_value(writer, value);
	}
	json_end_object(writer);
}

/*
 * The line without what tells of an excluded workspace. The event stays: without it the pane before
 * would seem to have the focus still, and count another's time.
 */
static struct str without_workspace(struct drain *drain, struct str line)
{
	const struct json *root;
	struct json_writer writer;
	struct err ignored;

	if (json_parse(&drain->parser, line, true, &root, &ignored) < 0 ||
		(!collect_excluded(drain->context, json_get_str(root, "cwd")) &&
			!collect_excluded(
				drain->context, json_get_str(json_get(root, "data"), "cwd"))))
		return line;
	buf_clear(&drain->line);
	writer = json_writer(&drain->line);
	put_without(&writer, root, false);
	return buf_str(&drain->line);
}

static int take_lines(struct drain *drain, struct tail *tail, struct err *err)
{
	struct quarantine_entry origin = { .source = STR("tmux"),
		.path = str_from(drain->paths.journal) };
	enum intake_result result;
	struct str line;
	bool overlong;
	int more;

	while ((more = tail_next(tail, &line, &origin.offset, &overlong, err)) > 0) {
		if (workspace_policy_mark(drain->context->policy) != 0)
			line = without_workspace(drain, line);
		origin.bytes = line;
		origin.bytes_total = (int64_t)line.len;
		if (intake_line(drain->intake, line, STR(""), &origin, &result, NULL, err) < 0)
			return err->code;
		if (intake_pending(drain->intake) >= LIMIT_INTAKE_BATCH &&
			save(drain, tail, err) < 0)
			return err->code;
	}
	return more < 0 ? more : save(drain, tail, err);
}

/* What is in the store is removed; *REMOVED is false when lines came meanwhile. Another drain may
 * have been faster. */
static int remove_taken(struct drain *drain, bool *removed, struct err *err)
{
	CLEANUP(fs_closep) int lock = -1;

	if (fs_lock(drain->paths.lock, LOCK_WAIT_MS, &lock, err) < 0)
		return err->code;
	*removed = tail_set_has_all(drain->set, drain->paths.journal);
	if (*removed && unlink(drain->paths.journal) < 0)
		return err_sys(err, "cannot remove '%s'", drain->paths.journal);
	return 0;
}

/* One look at the journal; *DONE when there is nothing more to take now. */
static int drain_once(struct drain *drain, bool *done, struct err *err)
{
	CLEANUP(tail_closep) struct tail *tail = NULL;
	enum tail_start start;
	struct str state;
	int rc = tail_open(&tail, drain->set, drain->paths.journal, &start, &state, err);

	*done = true;
	if (rc == ERR_NOT_FOUND)
		return 0;
	if (rc < 0)
		return rc;
	drain->counts->files = 1;
	drain->counts->skipped_unchanged = start == TAIL_UNCHANGED;
	if (tail && take_lines(drain, tail, err) < 0)
		return err->code;
	if (tail && tail_waiting_bytes(tail) > 0)
		return 0;
	/* Unchanged, but there: torn, or a drain was killed before it could remove it. */
	if (!tail && !tail_set_has_all(drain->set, drain->paths.journal))
		return 0;
	return remove_taken(drain, done, err);
}

static int drain_all(struct drain *drain, struct err *err)
{
	bool done = false;

	for (int look = 0; look < DRAIN_LOOKS && !done; look++)
		if (drain_once(drain, &done, err) < 0)
			return err->code;
	return 0;
}

static int collect_journal(
	const struct collect_context *context, struct source_counts *counts, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	CLEANUP(tail_set_freep) struct tail_set *set = NULL;
	CLEANUP(intake_freep) struct intake *intake = NULL;
	struct drain drain = {
		.context = context,
		.counts = counts,
		.paths = paths_in(&arena, context->dirs->data),
	};
	int rc;

	if (tail_set_load(&set, context->store, STR("tmux"), err) < 0 ||
		intake_begin_lazy(&intake, context->store, err) < 0)
		return err->code;
	drain.set = set;
	drain.intake = intake;
	rc = drain_all(&drain, err);
	json_parser_release(&drain.parser);
	buf_release(&drain.line);
	source_count(counts, intake_counts(intake));
	return rc;
}

static int64_t present_journal(const struct collect_context *context)
{
	CLEANUP(arena_release) struct arena arena = { 0 };

	if (!fs_exists(context->dirs->data))
		return -1;
	return fs_exists(paths_in(&arena, context->dirs->data).journal);
}

static void journal_places(const struct collect_context *context, struct source_places *places)
{
	CLEANUP(arena_release) struct arena arena = { 0 };

	source_place_add(places, paths_in(&arena, context->dirs->data).journal, 0, false);
}

const struct source journal_source = {
	.name = "tmux",
	.summary = "focus of tmux panes, from the hook journal",
	.collect = collect_journal,
	.present = present_journal,
	.places = journal_places,
};
