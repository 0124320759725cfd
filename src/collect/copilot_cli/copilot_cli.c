/*
 * GitHub Copilot CLI's session logs: `session-state/{session}/events.jsonl`, and of older releases
 * `session-state/{session}.jsonl`. They only grow, and are read on from where the last reading
 * ended.
 *
 * A session may lie in several files: kept in both forms, copied, restored. Items have the log's
 * own ids, so that reading them twice adds nothing; but a file that is no more than the beginning
 * of another file of its session has nothing to say, and must not set the session's end back. Such
 * a file is followed but not given.
 *
 * Opened are these files, and workspace.yaml beside a log that does not say where it was.
 */
#include "collect/copilot_cli/copilot_cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "collect/agent_value.h"
#include "collect/copilot_cli/log.h"
#include "collect/doc.h"
#include "collect/places.h"
#include "model/limits.h"

#define NAME "copilot-cli"

enum {
	BATCH_ITEMS = 2000,
	BATCH_BYTES = 8 << 20,
	CHUNK_BYTES = 64 << 10,
	NAMING_LINES = 8, /* within which a log says which session it is of */
	YAML_BYTES = 64 << 10,
};

struct file {
	const char *path;
	struct str session;
	int64_t bytes;
	bool changed;
	bool taken;              /* all that it has is stored, or about to be */
	const struct file *copy; /* of this one it is the beginning; NULL: of none */
};

struct files {
	struct file *items;
	size_t count;
};

struct collecting {
	const struct collect_context *context;
	struct agent_round *round;
	struct tail_set *set;
	struct arena arena; /* of the round */
	struct json_parser parser;
	struct files files;
	struct source_counts *counts;
};

/* One file. */
struct reading {
	struct collecting *all;
	const struct file *file;
	struct tail *tail;
	struct arena arena; /* of the items at hand */
	struct agent_session session;
	struct copilot_cli_log log;
};

static void collecting_release(struct collecting *all)
{
	agent_round_free(all->round);
	tail_set_free(all->set);
	json_parser_release(&all->parser);
	arena_release(&all->arena);
}

static void reading_release(struct reading *reading)
{
	tail_close(reading->tail);
	copilot_cli_log_release(&reading->log);
	arena_release(&reading->arena);
}

/* --- finding --- */

static struct path_list roots(const struct collect_context *context, struct arena *arena)
{
	static const char *const defaults[] = { ".copilot", NULL };

	return places_roots(context, arena, NAME, "COPILOT_HOME", defaults);
}

/* A root may also be the directory of the sessions itself. */
static const char *sessions_of(struct arena *arena, const char *root)
{
	return str_eq_c(places_name(root), "session-state") ? root
							    : fs_join(arena, root, "session-state");
}

static struct path_list find(const struct collect_context *context, struct arena *arena)
{
	struct path_list dirs = roots(context, arena), out = path_list(arena);
	struct stat status;

	for (size_t i = 0; i < dirs.count; i++) {
		const char *dir = sessions_of(arena, dirs.paths[i]);
		struct path_list flat = places_list(context, arena, dir, PLACES_FILES, ".jsonl");
		struct path_list deep = places_list(context, arena, dir, PLACES_DIRS, NULL);

		for (size_t j = 0; j < flat.count; j++)
			path_list_add(&out, flat.paths[j]);
		for (size_t j = 0; j < deep.count; j++) {
			const char *path = fs_join(arena, deep.paths[j], "events.jsonl");

			if (stat(path, &status) == 0 && S_ISREG(status.st_mode))
				path_list_add(&out, path);
		}
	}
	path_list_sort(&out);
	return out;
}

/* The session that a path names: the directory's name, or the file's. */
static struct str named_by(struct arena *arena, const char *path)
{
	struct str name = places_name(path);
	struct str dir = { path, strlen(path) - name.len };

	if (!str_eq_c(name, "events.jsonl"))
		return agent_text(arena, str_sub(name, 0, name.len - strlen(".jsonl")));
	return agent_text(arena, places_name(arena_cstr(arena, dir)));
}

/* The session that the first lines of a new log name; empty: none, or it cannot be read, which its
 * reading will tell. */
static struct str named_inside(struct collecting *all, const char *path)
{
	CLEANUP(tail_closep) struct tail *tail = NULL;
	struct str line, session = { NULL, 0 };
	struct err ignored;
	int64_t offset;
	bool overlong;

	if (tail_open_whole(&tail, path, &ignored) < 0)
		return session;
	for (int i = 0; i < NAMING_LINES && session.len == 0; i++) {
		if (tail_next(tail, &line, &offset, &overlong, &ignored) <= 0)
			break;
		session = copilot_cli_log_session(&all->parser, line);
	}
	return agent_text(&all->arena, session);
}

static struct str session_of(struct collecting *all, const struct file *file)
{
	struct str state = doc_state(all->set, file->path), session = { NULL, 0 };
	const struct json *root;
	struct err ignored;

	if (file->changed)
		session = named_inside(all, file->path);
	if (session.len == 0 && state.len > 0 &&
		json_parse(&all->parser, state, true, &root, &ignored) == 0)
		session = arena_str(&all->arena, json_get_str(root, "session"));
	return session.len > 0 ? session : named_by(&all->arena, file->path);
}

/* True when any file changed. */
static bool list_files(struct collecting *all)
{
	struct path_list paths = find(all->context, &all->arena);
	struct files *files = &all->files;
	struct stat status;
	bool changed = false;

	files->items = arena_zalloc(&all->arena, paths.count, sizeof(*files->items));
	files->count = paths.count;
	all->counts->files += (int64_t)paths.count;
	for (size_t i = 0; i < paths.count; i++) {
		struct file *file = &files->items[i];

		file->path = paths.paths[i];
		file->changed = !doc_unchanged(all->set, file->path);
		file->taken = !file->changed;
		all->counts->skipped_unchanged += file->taken;
		changed |= file->changed;
		if (file->changed && stat(file->path, &status) == 0)
			file->bytes = status.st_size;
		collect_progress_todo(all->context->progress, file->bytes);
	}
	for (size_t i = 0; changed && i < paths.count; i++)
		files->items[i].session = session_of(all, &files->items[i]);
	return changed;
}

/* --- copies --- */

static ssize_t read_some(int fd, char *bytes, size_t most)
{
	ssize_t got;

	do
		got = read(fd, bytes, most);
	while (got < 0 && errno == EINTR);
	return got;
}

/* COUNT bytes, or less at the end or when reading fails. */
static size_t read_up_to(int fd, char *bytes, size_t count)
{
	size_t have = 0;
	ssize_t got;

	while (have < count && (got = read_some(fd, bytes + have, count - have)) > 0)
		have += (size_t)got;
	return have;
}

/* Has LONG all that SHORT has, from its beginning? */
static bool begins_with(const char *longer, const char *shorter)
{
	CLEANUP(fs_closep) int a = open(longer, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	CLEANUP(fs_closep) int b = open(shorter, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	CLEANUP(mem_freep) char *bytes = mem_alloc(2 * CHUNK_BYTES);
	size_t have = 0;

	if (a < 0 || b < 0)
		return false;
	do {
		have = read_up_to(b, bytes, CHUNK_BYTES);
		if (read_up_to(a, bytes + CHUNK_BYTES, have) != have ||
			memcmp(bytes, bytes + CHUNK_BYTES, have) != 0)
			return false;
	} while (have == CHUNK_BYTES);
	return true;
}

/* FILE and OTHER are of one session. Of two equal files the one that comes first is the original.
 */
static bool may_be_copy(const struct file *file, const struct file *other)
{
	struct stat status;

	if (file == other || stat(other->path, &status) < 0)
		return false;
	return status.st_size > file->bytes || (status.st_size == file->bytes && other < file);
}

static void look_for_original(struct file *file, struct file *const *group, size_t count)
{
	for (size_t i = 0; i < count && file->changed && !file->copy; i++)
		if (may_be_copy(file, group[i]) && begins_with(group[i]->path, file->path))
			file->copy = group[i];
}

static int by_session(const void *a, const void *b)
{
	const struct file *x = *(const struct file *const *)a, *y = *(const struct file *const *)b;
	int order = str_cmp(x->session, y->session);

	return order ? order : (x > y) - (x < y);
}

static void find_copies(struct collecting *all)
{
	struct files *files = &all->files;
	struct file **order = arena_zalloc(&all->arena, files->count, sizeof(struct file *));

	for (size_t i = 0; i < files->count; i++)
		order[i] = &files->items[i];
	qsort(order, files->count, sizeof(*order), by_session);
	for (size_t from = 0, to; from < files->count; from = to) {
		for (to = from + 1;
			to < files->count && str_eq(order[to]->session, order[from]->session); to++)
			;
		for (size_t i = from; i < to; i++)
			look_for_original(order[i], order + from, to - from);
	}
}

/* --- giving --- */

static void begin_session(struct reading *reading)
{
	arena_reset(&reading->arena);
	reading->session = agent_session(&reading->arena, NAME);
	reading->session.path = str_from(reading->file->path);
}

/* The line at OFFSET of about COUNT bytes, as it is in the file. */
static bool read_line(const char *path, int64_t offset, int64_t count, struct buf *out)
{
	CLEANUP(fs_closep) int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	size_t most = (size_t)count + 4; /* a mark at the start of the file, the line's end */
	ptrdiff_t end;

	if (fd < 0 || count < 0 || count > LIMIT_LOG_LINE_BYTES || lseek(fd, offset, SEEK_SET) < 0)
		return false;
	out->len = read_up_to(fd, buf_reserve(out, most), most);
	end = str_find(buf_str(out), '\n', 0);
	if (end < 0)
		return false;
	out->len = (size_t)end;
	return true;
}

static void give_again(struct reading *reading, const struct copilot_cli_prompt *prompt)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct copilot_cli_line line = { .path = reading->session.path, .offset = prompt->offset };

	if (prompt->key.len == 0 ||
		!read_line(reading->file->path, prompt->offset, prompt->bytes, &text))
		return;
	line.text = buf_str(&text);
	copilot_cli_log_again(
		&reading->log, &reading->all->parser, prompt, &line, &reading->session);
}

static void look_at_workspace(struct reading *reading)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct agent_session *session = &reading->session;
	struct arena *arena = &reading->arena;
	struct str path = session->path, name = places_name(reading->file->path);
	const char *dir = arena_cstr(arena, str_sub(path, 0, path.len - name.len));
	struct copilot_cli_workspace workspace;
	struct err ignored;

	if (!str_eq_c(name, "events.jsonl"))
		dir = fs_join(arena, dir, arena_cstr(arena, named_by(arena, path.ptr)));
	if (fs_read(fs_join(arena, dir, "workspace.yaml"), YAML_BYTES, &text, &ignored) < 0)
		return;
	workspace = copilot_cli_workspace(arena, buf_str(&text));
	session->cwd = workspace.cwd;
	if (session->branch.len == 0)
		session->branch = workspace.branch;
}

/* What comes next is read as if the log were opened here: it keeps only what is written down. */
static int save(struct reading *reading, struct err *err)
{
	CLEANUP(buf_release) struct buf state = BUF_INIT;
	struct collecting *all = reading->all;
	struct copilot_cli_log next;

	if (collect_text_of(all->context, NAME, reading->session.cwd) == TEXT_NONE)
		reading->log.title = (struct str){ NULL, 0 };
	copilot_cli_log_write(&reading->log, &state);
	next = copilot_cli_log_read(&all->parser, buf_str(&state), reading->file->session);
	copilot_cli_log_release(&reading->log);
	reading->log = next;
	return tail_save(reading->tail, agent_round_intake(all->round), buf_str(&state), err);
}

/* Give what was read, and remember how far that was. */
static int flush(struct reading *reading, bool silent, struct err *err)
{
	struct agent_session *session = &reading->session;
	struct agent_round *round = reading->all->round;

	copilot_cli_log_facts(&reading->log, session);
	if (session->cwd.len == 0)
		look_at_workspace(reading);
	give_again(reading, &reading->log.stopped);
	if (session->count == 0 && session->bad_count == 0)
		give_again(reading, &reading->log.prompt); /* it carries the facts that changed */
	if (!silent && agent_round_put(round, session, AGENT_APPEND, err) < 0)
		return err->code;
	if (session->count > 0 || session->bad_count > 0) {
		reading->log.given = true;
		reading->log.unknown = 0;
	}
	if (save(reading, err) < 0 || agent_round_relax(round, err) < 0)
		return err->code;
	begin_session(reading);
	return 0;
}

/* --- reading --- */

/* One file that cannot be read does not keep the others from being read. */
static void failed(struct collecting *all, const struct err *fault)
{
	all->counts->failed++;
	log_warn(all->context->log, "%s", fault->message);
}

/*
 * What waits at the end, if it is a record but for its newline: whoever wrote it may be dead. The
 * place in the file stays before it: it is read again when it ends.
 */
static int take_rest(struct reading *reading, bool silent, struct err *err)
{
	struct collecting *all = reading->all;
	struct agent_session *session = &reading->session;
	struct copilot_cli_line line = { .path = str_from(reading->file->path) };
	const struct json *root;
	struct err ignored;

	if (silent || !tail_rest(reading->tail, &line.text, &line.offset) ||
		json_parse(&all->parser, line.text, true, &root, &ignored) < 0 ||
		!json_is(root, JSON_OBJECT))
		return 1;
	copilot_cli_log_line(&reading->log, &all->parser, &line, session);
	copilot_cli_log_facts(&reading->log, session);
	if (session->cwd.len == 0)
		look_at_workspace(reading);
	session->unknown = 0; /* counted when it ends */
	return agent_round_put(all->round, session, AGENT_APPEND, err) < 0 ? err->code : 1;
}

/* 1: all was read; 0: the file cannot be read; or an error of the store. */
static int read_lines(struct reading *reading, bool silent, struct err *err)
{
	struct copilot_cli_line line = { .path = str_from(reading->file->path) };
	struct err fault;
	int more;

	begin_session(reading);
	while ((more = tail_next(reading->tail, &line.text, &line.offset, &line.overlong, &fault)) >
		0) {
		copilot_cli_log_line(
			&reading->log, &reading->all->parser, &line, &reading->session);
		if (reading->session.count < BATCH_ITEMS && reading->arena.used_bytes < BATCH_BYTES)
			continue;
		if (flush(reading, silent, err) < 0)
			return err->code;
	}
	if (more < 0) {
		failed(reading->all, &fault);
		return 0;
	}
	if (flush(reading, silent, err) < 0)
		return err->code;
	return take_rest(reading, silent, err);
}

static int read_file(struct collecting *all, struct file *file, bool silent, struct err *err)
{
	CLEANUP(reading_release) struct reading reading = { .all = all, .file = file };
	enum tail_start start;
	struct str state;
	struct err fault;
	int rc = tail_open(&reading.tail, all->set, file->path, &start, &state, &fault);

	if (rc == ERR_NOT_FOUND)
		return 0;
	if (rc < 0) {
		failed(all, &fault);
		return 0;
	}
	if (start == TAIL_UNCHANGED)
		return 0;
	reading.log = copilot_cli_log_read(&all->parser, state, named_by(&all->arena, file->path));
	rc = read_lines(&reading, silent, err);
	file->taken = rc > 0;
	collect_progress_done(all->context->progress, file->bytes);
	return rc < 0 ? rc : 0;
}

static int by_size(const void *a, const void *b)
{
	const struct file *x = *(const struct file *const *)a, *y = *(const struct file *const *)b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? -1 : 1;
	return strcmp(x->path, y->path);
}

/* The larger ones later, so that theirs is the last word on a session; copies when it is known what
 * became of the file they are copies of. */
static int read_files(struct collecting *all, struct err *err)
{
	struct file **order = arena_zalloc(&all->arena, all->files.count, sizeof(struct file *));
	size_t count = 0;

	for (size_t i = 0; i < all->files.count; i++)
		if (all->files.items[i].changed)
			order[count++] = &all->files.items[i];
	qsort(order, count, sizeof(*order), by_size);
	for (size_t i = 0; i < count; i++)
		if (!order[i]->copy && read_file(all, order[i], false, err) < 0)
			return err->code;
	for (size_t i = count; i > 0; i--) {
		struct file *file = order[i - 1];
		const struct file *original = file;

		while (original->copy)
			original = original->copy;
		if (file->copy && read_file(all, file, original->taken, err) < 0)
			return err->code;
	}
	return 0;
}

static int collect(
	const struct collect_context *context, struct source_counts *counts, struct err *err)
{
	CLEANUP(collecting_release)
	struct collecting all = { .context = context, .counts = counts };

	if (tail_set_load(&all.set, context->store, STR(NAME), err) < 0 ||
		agent_round_begin(&all.round, context, NAME, err) < 0)
		return err->code;
	if (list_files(&all)) {
		find_copies(&all);
		if (read_files(&all, err) < 0)
			return err->code;
	}
	if (tail_set_forget_missing(all.set, agent_round_intake(all.round), err) < 0)
		return err->code;
	return agent_round_end(all.round, counts, err);
}

static int64_t present(const struct collect_context *context)
{
	CLEANUP(arena_release) struct arena arena = { 0 };

	if (roots(context, &arena).count == 0)
		return -1;
	return (int64_t)find(context, &arena).count;
}

static void places(const struct collect_context *context, struct source_places *out)
{
	struct path_list list = roots(context, out->arena);

	for (size_t i = 0; i < list.count; i++)
		source_place_add(out, sessions_of(out->arena, list.paths[i]), 1, false);
	if (list.count == 0)
		source_place_add(out,
			fs_join(out->arena, context->dirs->home, ".copilot/session-state"), 1,
			false);
}

const struct source copilot_cli_source = {
	.name = NAME,
	.summary = "GitHub Copilot CLI's session logs",
	.alone = true,
	.collect = collect,
	.present = present,
	.places = places,
};
