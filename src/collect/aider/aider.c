/*
 * Aider. A history is read whole when it or its history of inputs has changed; what was only
 * appended to gives only those sessions anew that the new bytes reach. Nothing in a history is ever
 * taken back by the program: what is gone from it was tidied away by a person, and stays here.
 *
 * Times are local, and the machine may travel. So the cursor's state keeps, for the bytes that were
 * read, which zone the machine was in: {"zones": [[offset, name], …]}, from each offset on.
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
};

/* One history being read. */
struct history {
	struct collecting *collecting;
	const struct aider_file *file;
	const char *input_path;
	struct arena arena;
	struct doc chat, input;
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
	struct str key, state = doc_state(history->collecting->set, history->file->path);
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
		log_warn(collecting->context->log, "'%s': %s", history->file->path, err.message);
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
	json_end_object(&writer);
	state = arena_str(&history->arena, buf_str(&out));
	buf_release(&out);
	return state;
}

/* --- reading --- */

static int read_input(struct history *history, struct err *err)
{
	int64_t old_taken;

	history->new_inputs_ns = INT64_MAX;
	if (!fs_exists(history->input_path))
		return 0;
	if (doc_read(&history->input, history->input_path, err) < 0)
		return err->code;
	doc_grew(&history->input, history->collecting->set, &old_taken);
	history->inputs = aider_inputs(&history->arena, buf_str(&history->input.bytes));
	for (size_t i = 0; i < history->inputs.count; i++) {
		const struct aider_input *input = &history->inputs.items[i];

		if (input->offset >= old_taken && input->at.local_ns < history->new_inputs_ns)
			history->new_inputs_ns = input->at.local_ns;
	}
	return 0;
}

static int read_history(struct history *history, struct err *err)
{
	const struct aider_file *file = history->file;

	if (doc_read(&history->chat, file->path, err) < 0 || read_input(history, err) < 0)
		return err->code;
	history->log = aider_parse(&history->arena, buf_str(&history->chat.bytes),
		str_from(file->path), file->workspace);
	if (doc_grew(&history->chat, history->collecting->set, &history->old_taken))
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

	if (history->input.path &&
		doc_save(&history->input, set, intake, history->inputs.taken, STR(""), err) < 0)
		return err->code;
	return doc_save(&history->chat, set, intake, history->log.taken, state_of(history), err);
}

/* What cannot be read now is tried again in the next round. < 0: the store failed. */
static int take_history(struct history *history, struct err *err)
{
	struct collecting *collecting = history->collecting;
	int rc = read_history(history, err);

	if (rc == ERR_BUSY || rc == ERR_NOT_FOUND)
		return 0;
	if (rc < 0) {
		log_warn(collecting->context->log, "%s", err->message);
		collecting->counts->failed++;
		return 0;
	}
	if (give_chats(history, err) < 0 || save(history, err) < 0)
		return err->code;
	return agent_round_relax(collecting->round, err);
}

static int collect_file(
	struct collecting *collecting, const struct aider_file *file, struct err *err)
{
	CLEANUP(history_release)
	struct history history = { .collecting = collecting, .file = file };
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
	struct collecting *collecting, const struct aider_files *files, struct err *err)
{
	for (size_t i = 0; i < files->count; i++)
		if (collect_file(collecting, &files->items[i], err) < 0)
			return err->code;
	if (tail_set_forget_missing(collecting->set, agent_round_intake(collecting->round), err) <
		0)
		return err->code;
	return agent_round_end(collecting->round, collecting->counts, err);
}

static int collect(
	const struct collect_context *context, struct source_counts *counts, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	CLEANUP(agent_round_freep) struct agent_round *round = NULL;
	CLEANUP(tail_set_freep) struct tail_set *set = NULL;
	CLEANUP(zone_freep) struct zone *here = NULL;
	struct collecting collecting = { .context = context, .counts = counts };
	struct aider_files files;

	if (aider_walk(context, &arena, &files, err) < 0)
		return err->code;
	if (zone_open(&here, STR(""), err) < 0) {
		log_warn(context->log, "times of Aider are taken as UTC: %s", err->message);
		if (zone_open(&here, STR("UTC"), err) < 0)
			return err->code;
	}
	if (tail_set_load(&set, context->store, str_from(aider_source.name), err) < 0 ||
		agent_round_begin(&round, context, aider_source.name, err) < 0)
		return err->code;
	collecting.round = round;
	collecting.set = set;
	collecting.here = here;
	return collect_files(&collecting, &files, err);
}

static int64_t present(const struct collect_context *context)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct aider_files files;
	struct err err;

	return aider_walk(context, &arena, &files, &err) < 0 ? -1 : (int64_t)files.count;
}

static void places(const struct collect_context *context, struct source_places *out)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct aider_files files;
	struct err err;

	if (aider_walk(context, &arena, &files, &err) < 0)
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
