/* tt tag, untag, tags: labels on streams. */
#include <stdlib.h>

#include "attention/edit.h"
#include "base/table.h"
#include "cli/commands.h"
#include "cli/stream_words.h"

static void answer(struct cli *cli, const struct stream *stream)
{
	struct json_writer json = json_writer(&cli->out);
	struct str tags = cli_tags_text(cli, stream->tags, stream->tag_count);

	if (!cli->globals.json) {
		log_info(&cli->log, "'%.*s': %.*s", STR_ARG(stream->name),
			STR_ARG(tags.len > 0 ? tags : STR("no tags")));
		return;
	}
	json_begin_object(&json);
	json_kv_str(&json, "stream_id", stream->id);
	json_key(&json, STR("tags"));
	json_begin_array(&json);
	for (size_t i = 0; i < stream->tag_count; i++)
		json_put_str(&json, stream->tags[i]);
	json_end_array(&json);
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
}

static bool has_tag(const struct stream *stream, const char *tag)
{
	for (size_t i = 0; i < stream->tag_count; i++)
		if (str_eq_c(stream->tags[i], tag))
			return true;
	return false;
}

/* A bad tag is known before the first one is given. */
static int check_tags(const struct args_list *words, struct err *err)
{
	for (size_t i = 1; i < words->count; i++) {
		int rc = record_check_tag(str_from(words->items[i]), err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int edit_tags(struct store *store, const struct stream *stream,
	const struct args_list *words, bool on, struct err *err)
{
	for (size_t i = 1; i < words->count; i++) {
		bool changed;
		int rc = edit_tag(store, stream, str_from(words->items[i]), on, &changed, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int change_tags(struct cli *cli, const struct args_list *operands, bool on, struct err *err)
{
	struct stream_set *before CLEANUP(stream_set_freep) = NULL;
	struct stream_set *after CLEANUP(stream_set_freep) = NULL;
	const struct stream *stream;
	struct store *store;
	int rc = check_tags(operands, err);

	if (rc == 0)
		rc = cli_streams(cli, &store, &before, err);
	if (rc == 0)
		rc = cli_stream(before, operands->items[0], &stream, err);
	if (rc == 0)
		rc = edit_tags(store, stream, operands, on, err);
	if (rc == 0)
		rc = cli_streams(cli, &store, &after, err);
	if (rc == 0)
		rc = cli_stream(after, arena_cstr(&cli->arena, stream->id), &stream, err);
	if (rc < 0)
		return rc;
	for (size_t i = 1; !on && i < operands->count; i++)
		if (has_tag(stream, operands->items[i]))
			log_warn(&cli->log, "'%s' stays: a rule gives it ('tt rules')",
				operands->items[i]);
	answer(cli, stream);
	return 0;
}

static int tag_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	(void)values;
	return change_tags(cli, operands, true, err);
}

static int untag_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	(void)values;
	return change_tags(cli, operands, false, err);
}

struct tag_count {
	struct str tag;
	int64_t streams;
};

static int by_tag(const void *a, const void *b)
{
	return str_cmp(((const struct tag_count *)a)->tag, ((const struct tag_count *)b)->tag);
}

/* Each tag of SET once, in order, with the number of its streams. */
static size_t count_tags(struct arena *arena, const struct stream_set *set, struct tag_count **out)
{
	struct tag_count *all;
	size_t total = 0, used = 0;

	for (size_t i = 0; i < stream_set_count(set); i++)
		total += stream_set_get(set, (int32_t)i)->tag_count;
	all = arena_zalloc(arena, total + 1, sizeof(*all));
	*out = all;
	total = 0;
	for (size_t i = 0; i < stream_set_count(set); i++) {
		const struct stream *stream = stream_set_get(set, (int32_t)i);

		for (size_t t = 0; t < stream->tag_count; t++)
			all[total++] = (struct tag_count){ stream->tags[t], 1 };
	}
	qsort(all, total, sizeof(*all), by_tag);
	for (size_t i = 0; i < total; i++) {
		if (used > 0 && str_eq(all[used - 1].tag, all[i].tag))
			all[used - 1].streams++;
		else
			all[used++] = all[i];
	}
	return used;
}

static void tags_json(struct cli *cli, const struct tag_count *tags, size_t count)
{
	struct json_writer json = json_writer(&cli->out);

	json_begin_object(&json);
	json_key(&json, STR("tags"));
	json_begin_array(&json);
	for (size_t i = 0; i < count; i++) {
		json_begin_object(&json);
		json_kv_str(&json, "tag", tags[i].tag);
		json_kv_i64(&json, "streams", tags[i].streams);
		json_end_object(&json);
	}
	json_end_array(&json);
	json_end_object(&json);
	buf_byte(&cli->out, '\n');
}

static int tags_run(
	struct cli *cli, const void *values, const struct args_list *operands, struct err *err)
{
	static const char *const headings[] = { "TAG", "STREAMS" };
	static const enum table_align aligns[] = { TABLE_LEFT, TABLE_RIGHT };
	struct stream_set *set CLEANUP(stream_set_freep) = NULL;
	struct tag_count *tags;
	struct table *table;
	struct store *store;
	size_t count;
	int rc = cli_streams(cli, &store, &set, err);

	(void)values;
	(void)operands;
	if (rc < 0)
		return rc;
	count = count_tags(&cli->arena, set, &tags);
	if (cli->globals.json) {
		tags_json(cli, tags, count);
		return 0;
	}
	if (count == 0) {
		log_info(&cli->log,
			"No tags yet: 'tt tag STREAM TAG' gives one, 'tt rules add GLOB TAG' for a whole directory.");
		return 0;
	}
	table = table_new(&cli->arena, ARRAY_LEN(headings), headings, aligns);
	for (size_t i = 0; i < count; i++)
		table_row(table,
			(const struct str[]){ tags[i].tag,
				arena_printf(&cli->arena, "%lld", (long long)tags[i].streams) });
	table_print(table, &cli->out);
	return 0;
}

const struct command command_tag = {
	.name = "tag",
	.summary = "give a stream tags",
	.usage = "STREAM TAG…",
	.details =
		"STREAM is an id, the first bytes of one, or a name that no other stream has ('tt streams').",
	.args = { .min_operands = 2, .max_operands = SIZE_MAX, .operands = "STREAM TAG…" },
	.run = tag_run,
};

const struct command command_untag = {
	.name = "untag",
	.summary = "take tags from a stream",
	.usage = "STREAM TAG…",
	.args = { .min_operands = 2, .max_operands = SIZE_MAX, .operands = "STREAM TAG…" },
	.run = untag_run,
};

const struct command command_tags = {
	.name = "tags",
	.summary = "all tags, and how many streams have them",
	.usage = "",
	.run = tags_run,
};
