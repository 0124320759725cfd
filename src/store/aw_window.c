/* Rows by a hash of what makes them equal. */
#include "store/aw_window.h"

#include <stdlib.h>

#include "base/hash.h"

enum { MOST_ROWS = 1 << 16 };

void aw_window_forget(struct aw_window *window)
{
	row_index_clear(&window->index);
	window->bucket_no = 0;
	window->count = 0;
}

void aw_window_release(struct aw_window *window)
{
	row_index_release(&window->index);
	free(window->rows);
}

bool aw_window_covers(const struct aw_window *window, const struct bucket *bucket, int64_t start_ns)
{
	return window->bucket_no == bucket->bucket_no && window->as_of_seq == bucket->changed_seq &&
	       start_ns >= window->from_ns && start_ns <= window->to_ns;
}

/* --- rows --- */

static uint64_t hash_of(const struct ahead_near *row)
{
	const int64_t values[] = { row->start_ns, row->duration_ns, row->data_no };

	return hash64((struct str){ (const char *)values, sizeof(values) }, 0);
}

static void add(struct aw_window *window, const struct ahead_near *row)
{
	if (window->count == window->room) {
		window->room = 2 * window->room + 16;
		window->rows = mem_resize(window->rows, window->room, sizeof(*window->rows));
	}
	window->rows[window->count] = *row;
	window->rows[window->count].text = (struct str){ NULL, 0 };
	if (!row_index_add(&window->index, hash_of(row), window->count)) {
		row_index_grow(&window->index, window->count + 1);
		for (size_t i = 0; i <= window->count; i++)
			ASSERT(row_index_add(&window->index, hash_of(&window->rows[i]), i));
	}
	window->count++;
}

int64_t aw_window_find(const struct aw_window *window, const struct ahead_near *like)
{
	size_t step = 0, at;

	while (row_index_next(&window->index, hash_of(like), &step, &at)) {
		const struct ahead_near *row = &window->rows[at];

		if (row->start_ns == like->start_ns && row->duration_ns == like->duration_ns &&
			row->data_no == like->data_no)
			return row->number;
	}
	return 0;
}

void aw_window_add(struct aw_window *window, const struct bucket *bucket, int64_t before_seq,
	const struct ahead_near *row)
{
	if (window->bucket_no != bucket->bucket_no || window->as_of_seq != before_seq)
		return;
	window->as_of_seq = bucket->changed_seq;
	if (row->start_ns >= window->from_ns && row->start_ns <= window->to_ns)
		add(window, row);
	if (window->count > MOST_ROWS)
		aw_window_forget(window);
}

/* --- loading --- */

static void learn_data(
	struct events *events, struct arena *arena, const struct ahead_near *rows, size_t count)
{
	struct ahead_data *datas = arena_zalloc(arena, count + 1, sizeof(*datas));
	size_t data_count = 0;

	for (size_t i = 0; i < count; i++)
		if (rows[i].text.ptr)
			datas[data_count++] = (struct ahead_data){
				.owner = ahead_owner(events->store),
				.hash = hash64(rows[i].text, 0),
				.text = rows[i].text,
				.data_no = rows[i].data_no,
			};
	dictionary_learn_more(events->dictionary, datas, data_count);
}

/* Where ROWS end: there more may start than were given. */
static void set_range(struct aw_window *window, const struct ahead_range *range,
	const struct ahead_near *rows, size_t count)
{
	bool all = count < range->most;
	int64_t last_ns = count > 0 ? rows[count - 1].start_ns : range->from_ns;

	window->from_ns = window->to_ns = range->from_ns;
	if (range->down)
		window->from_ns = all ? INT64_MIN : last_ns + 1;
	else
		window->to_ns = all ? INT64_MAX : last_ns - 1;
}

int aw_window_load(struct aw_window *window, struct events *events, const struct bucket *bucket,
	int64_t start_ns, bool down, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct ahead_range range = { bucket->bucket_no, start_ns, down, AW_WINDOW_LOAD };
	struct ahead_near *rows;
	size_t count;

	if (!ahead_pays(events->store))
		return 0;
	aw_window_forget(window);
	rows = arena_zalloc(&arena, range.most, sizeof(*rows));
	if (ahead_events_near(events->store, &range, &arena, rows, &count, err) < 0)
		return err->code;
	window->bucket_no = bucket->bucket_no;
	window->as_of_seq = bucket->changed_seq;
	set_range(window, &range, rows, count);
	for (size_t i = 0; i < count; i++)
		add(window, &rows[i]);
	learn_data(events, &arena, rows, count);
	return 0;
}
