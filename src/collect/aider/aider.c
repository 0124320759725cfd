/*
 * Aider. A history is read whole when it or its history of inputs has changed; what was only
 * appended to gives only those sessions anew that the new bytes reach. Nothing in a history is ever
 * taken back by the program: what is gone from it was tidied away by a person, and stays here.
 *
 * Times are local, and the machine may travel. So the cursor's state keeps, for the bytes that were
 * read, which zone the machine was in: {"zones": [[offset, name], …]}, from each offset on.
 *
 * A repository may be moved. A new history that begins with what was taken of one that is gone is
 * that one: it goes on where the other ended, under the name that the other had.
 */
#include "collect/aider/aider.h"

#include <stdlib.h>

#include "collect/doc.h"

enum { MOST_ZONES = 64 };

struct span {
	int64_t from;
	struct str name;
	struct zone *zone; /* opened when needed */
};

struct collecting {
	const struct collect_context *context;
	struct source_counts *counts;
	struct agent_round *round;
	struct tail_set *set;
	struct zone *here;
	struct aider_files known; /* from earlier rounds */
};

/* One history being read. */
struct history {
	struct collecting *collecting;
	struct aider_file file;
	const char *input_path;
	const char *before, *input_before; /* where they were: other paths if it was moved */
	struct arena arena;
	struct doc chat, input;
	bool has_input;
	struct aider_log log;
	struct aider_inputs inputs;
	int64_t old_taken;     /* of the chat; 0: all of it is new */
	int64_t new_inputs_ns; /* local time of the earliest input not seen before */
	struct span spans[MOST_ZONES];
	size_t span_count;
};

static void history_release(struct history *history)
{
	for (size_t i = 0; i < history->span_count; i++)
		zone_free(history->spans[i].zone);
	doc_release(&history->chat);
	doc_release(&history->input);
	arena_release(&history->arena);
}

/* --- zones --- */

static void load_spans(struct history *history)
{
	struct json_parser parser = { 0 };
	struct str key, state = doc_state(history->collecting->set, history->before);
	const struct json *root, *pair, *part;
	struct json_iter pairs;
	struct err err;

	if (json_parse(&parser, state, false, &root, &err) == 0) {
		pairs = json_iter(json_get(root, "zones"));
		while (json_next(&pairs, &key, &pair) && history->span_count < MOST_ZONES) {
			struct span *span = &history->spans[history->span_count];
			struct json_iter parts = json_iter(pair);

			*span = (struct span){ 0 };
			if (!json_next(&parts, &key, &part) || !json_to_i64(part, &span->from) ||
				!json_next(&parts, &key, &part))
				continue;
			span->name = arena_str(&history->arena, json_str(part));
			history->span_count++;
		}
	}
	json_parser_release(&parser);
}

static void add_here(struct history *history)
{
	struct str name = str_from(zone_name(history->collecting->here));
	size_t count = history->span_count;

	if (count == MOST_ZONES || (count > 0 && str_eq(history->spans[count - 1].name, name)))
		return;
	history->spans[history->span_count++] =
		(struct span){ .from = count > 0 ? history->old_taken : 0, .name = name };
}

static const struct zone *zone_at(struct history *history, int64_t offset)
{
	const struct collecting *collecting = history->collecting;
	struct span *span = NULL;
	struct err err;

	for (size_t i = 0; i < history->span_count && history->spans[i].from <= offset; i++)
		span = &history->spans[i];
	if (!span || str_eq_c(span->name, zone_name(collecting->here)))
		return collecting->here;
	if (!span->zone && zone_open(&span->zone, span->name, &err) < 0) {
		log_warn(collecting->context->log, "'%s': %s", history->file.path, err.message);
		return collecting->here;
	}
	return span->zone;
}

static struct str state_of(struct history *history)
{
	struct buf out = BUF_INIT;
	struct json_writer writer = json_writer(&out);
	struct str state;

	json_begin_object(&writer);
	json_key(&writer, STR("zones"));
	json_begin_array(&writer);
	for (size_t i = 0; i < history->span_count; i++) {
		json_begin_array(&writer);
		json_put_i64(&writer, history->spans[i].from);
		json_put_str(&writer, history->spans[i].name);
		json_end_array(&writer);
	}
	json_end_array(&writer);
	aider_put_workspace(&writer, &history->file);
	json_end_object(&writer);
	state = arena_str(&history->arena, buf_str(&out));
	buf_release(&out);
	return state;
}

/* --- reading --- */

/* Is it one that is gone from where it was? Then it keeps its name. */
static int find_moved(struct history *history, struct err *err)
{
	struct collecting *collecting = history->collecting;
	struct aider_file *file = &history->file;

	for (size_t i = 0; i < collecting->known.count; i++) {
		struct aider_file other = collecting->known.items[i];

		if (fs_exists(other.path) || !doc_grew_from(&history->chat, collecting->set,
						     other.path, &history->old_taken))
			continue;
		other.name = aider_own_name(&other);
		if (aider_moved_name(agent_round_intake(collecting->round), &history->arena, &other,
			    err) < 0)
			return err->code;
		file->name = other.name;
		history->before = other.path;
		history->input_before =
			aider_input_path(&history->arena, other.path, other.workspace);
		return aider_note_moved(agent_round_intake(collecting->round), file, err);
	}
	return 0;
}

static bool is_known(const struct collecting *collecting, const char *path)
{
	for (size_t i = 0; i < collecting->known.count; i++)
		if (strcmp(collecting->known.items[i].path, path) == 0)
			return true;
	return false;
}

/* Where reading goes on, and under which name. */
static int find_before(struct history *history, struct err *err)
{
	struct collecting *collecting = history->collecting;
	struct aider_file *file = &history->file;
	struct str own = file->name;

	history->before = file->path;
	history->input_before = history->input_path;
	if (aider_moved_name(agent_round_intake(collecting->round), &history->arena, file, err) < 0)
		return err->code;
	if (!is_known(collecting, file->path) && str_eq(file->name, own))
		return find_moved(history, err);
	doc_grew(&history->chat, collecting->set, &history->old_taken);
	return 0;
}

/* ERR_BUSY: not in this round. One that cannot be read tells no times, and that is all. */
static int read_input(struct history *history, struct err *err)
{
	struct collecting *collecting = history->collecting;
	int64_t old_taken;
	int rc = fs_exists(history->input_path)
			 ? doc_read(&history->input, history->input_path, err)
			 : ERR_NOT_FOUND;

	history->new_inputs_ns = INT64_MAX;
	history->has_input = rc == 0;
	if (rc < 0 && rc != ERR_BUSY && rc != ERR_NOT_FOUND) {
		log_warn(collecting->context->log, "%s", err->message);
		collecting->counts->failed++;
	}
	if (rc < 0)
		return rc == ERR_BUSY ? rc : 0;
	doc_grew_from(&history->input, collecting->set, history->input_before, &old_taken);
	history->inputs = aider_inputs(&history->arena, buf_str(&history->input.bytes));
	for (size_t i = 0; i < history->inputs.count; i++) {
		const struct aider_input *input = &history->inputs.items[i];

		if (input->offset >= old_taken && input->at.local_ns < history->new_inputs_ns)
			history->new_inputs_ns = input->at.local_ns;
	}
	return 0;
}

/* What cannot be read is tried again in the next round: *READ is false. < 0: the store failed. */
static int read_history(struct history *history, bool *read, struct err *err)
{
	struct collecting *collecting = history->collecting;
	int rc = doc_read(&history->chat, history->file.path, err);

	*read = false;
	if (rc < 0 && rc != ERR_BUSY && rc != ERR_NOT_FOUND) {
		log_warn(collecting->context->log, "%s", err->message);
		collecting->counts->failed++;
	}
	if (rc < 0)
		return 0;
	if (find_before(history, err) < 0)
		return err->code;
	if (read_input(history, err) < 0)
		return 0;
	*read = true;
	history->log = aider_parse(&history->arena, buf_str(&history->chat.bytes), &history->file);
	if (history->old_taken > 0)
		load_spans(history);
	add_here(history);
	return 0;
}

/* --- giving --- */

static int by_value(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return left < right ? -1 : left > right;
}

/* The starts of all sessions in order. */
static int64_t *sorted_starts(struct history *history, size_t *count)
{
	const struct aider_log *log = &history->log;
	int64_t *starts = arena_zalloc(&history->arena, log->count + 1, sizeof(*starts));

	*count = 0;
	for (size_t i = 0; i < log->count; i++)
		if (log->chats[i].headed)
			starts[(*count)++] = log->chats[i].start.local_ns;
	if (*count > 1)
		qsort(starts, *count, sizeof(*starts), by_value);
	return starts;
}

/* The first of COUNT ordered STARTS after NS; INT64_MAX: none. */
static int64_t next_start(const int64_t *starts, size_t count, int64_t ns)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (starts[middle] <= ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count ? starts[low] : INT64_MAX;
}

/* What stands before the first header was written before it began. */
static int64_t headless_time(struct history *history)
{
	const struct aider_log *log = &history->log;

	if (log->count < 2)
		return history->chat.cursor.mtime_ns;
	return zone_instant(
		zone_at(history, 0), log->chats[1].start.date, log->chats[1].start.second);
}

static int give_chats(struct history *history, struct err *err)
{
	struct agent_round *round = history->collecting->round;
	size_t count;
	const int64_t *starts = sorted_starts(history, &count);

	for (size_t i = 0; i < history->log.count; i++) {
		struct aider_chat *chat = &history->log.chats[i];
		int64_t until =
			chat->headed ? next_start(starts, count, chat->start.local_ns) : INT64_MIN;

		if (chat->end <= history->old_taken && until <= history->new_inputs_ns)
			continue;
		aider_set_times(chat, &history->inputs, until, zone_at(history, chat->begin));
		if (!chat->headed)
			chat->session.fallback_ns = headless_time(history);
		chat->session.even_empty = chat->headed;
		chat->session.from_start = true;
		if (agent_round_put(round, &chat->session, AGENT_APPEND, err) < 0)
			return err->code;
	}
	return 0;
}

static int save(struct history *history, struct err *err)
{
	struct tail_set *set = history->collecting->set;
	struct intake *intake = agent_round_intake(history->collecting->round);

	if (history->has_input &&
		doc_save(&history->input, set, intake, history->inputs.taken, STR(""), err) < 0)
		return err->code;
	return doc_save(&history->chat, set, intake, history->log.taken, state_of(history), err);
}

static int take_history(struct history *history, struct err *err)
{
	bool read;

	if (read_history(history, &read, err) < 0)
		return err->code;
	if (!read)
		return 0;
	if (give_chats(history, err) < 0 || save(history, err) < 0)
		return err->code;
	return agent_round_relax(history->collecting->round, err);
}

static int collect_file(
	struct collecting *collecting, const struct aider_file *file, struct err *err)
{
	CLEANUP(history_release)
	struct history history = { .collecting = collecting, .file = *file };
	bool same = doc_unchanged(collecting->set, file->path);

	history.input_path = aider_input_path(&history.arena, file->path, file->workspace);
	/* Both are asked: what is not is taken for gone. */
	if (fs_exists(history.input_path))
		same &= doc_unchanged(collecting->set, history.input_path);
	collecting->counts->files++;
	if (same) {
		collecting->counts->skipped_unchanged++;
		return 0;
	}
	return take_history(&history, err);
}

static int collect_files(
	struct collecting *collecting, const struct aider_files *files, bool far, struct err *err)
{
	struct intake *intake = agent_round_intake(collecting->round);

	for (size_t i = 0; i < files->count; i++)
		if (collect_file(collecting, &files->items[i], err) < 0)
			return err->code;
	/* Only a far look finds where one that is gone was moved to. */
	if (far && (tail_set_forget_missing(collecting->set, intake, err) < 0 ||
			   aider_far_done(collecting->context, intake, err) < 0))
		return err->code;
	return agent_round_end(collecting->round, collecting->counts, err);
}

static int collect_here(struct collecting *collecting, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	const struct collect_context *context = collecting->context;
	struct aider_files files;
	bool far;

	if (aider_far_due(context, agent_round_intake(collecting->round), &far, err) < 0 ||
		aider_known(context, &arena, &collecting->known, err) < 0 ||
		aider_walk(context, &arena, &collecting->known, far, &files, err) < 0)
		return err->code;
	return collect_files(collecting, &files, far, err);
}

static int open_zone(const struct collect_context *context, struct zone **here, struct err *err)
{
	if (zone_open(here, STR(""), err) == 0)
		return 0;
	log_warn(context->log, "times of Aider are taken as UTC: %s", err->message);
	return zone_open(here, STR("UTC"), err);
}

static int collect(
	const struct collect_context *context, struct source_counts *counts, struct err *err)
{
	CLEANUP(agent_round_freep) struct agent_round *round = NULL;
	CLEANUP(tail_set_freep) struct tail_set *set = NULL;
	CLEANUP(zone_freep) struct zone *here = NULL;
	struct collecting collecting = { .context = context, .counts = counts };

	if (open_zone(context, &here, err) < 0 ||
		tail_set_load(&set, context->store, str_from(aider_source.name), err) < 0 ||
		agent_round_begin(&round, context, aider_source.name, err) < 0)
		return err->code;
	collecting.round = round;
	collecting.set = set;
	collecting.here = here;
	return collect_here(&collecting, err);
}

/* In the background what is known already, since collecting follows at once and looks far when it
 * is time; what it finds then is watched from the next round on. */
static int walk_for_others(const struct collect_context *context, struct arena *arena,
	struct aider_files *out, struct err *err)
{
	struct aider_files known;

	if (aider_known(context, arena, &known, err) < 0)
		return err->code;
	return aider_walk(context, arena, &known, !context->background, out, err);
}

static int64_t present(const struct collect_context *context)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct aider_files files;
	struct err err;

	return walk_for_others(context, &arena, &files, &err) < 0 ? -1 : (int64_t)files.count;
}

static void places(const struct collect_context *context, struct source_places *out)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct aider_files files;
	struct err err;

	if (walk_for_others(context, &arena, &files, &err) < 0)
		return;
	for (size_t i = 0; i < files.count; i++)
		source_place_add(out, files.items[i].path, 0, false);
}

const struct source aider_source = {
	.name = "aider",
	.summary = "Aider's chat histories",
	.alone = true,
	.collect = collect,
	.present = present,
	.places = places,
};
