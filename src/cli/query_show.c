/*
 * Events as a table for people, as JSON, as CSV. All but the table are printed as they come. What
 * stands in a cell is chosen by tables of keys, so that a new key is a new row.
 */
#include "cli/query_show.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "model/codec.h"

enum {
	FLUSH_BYTES = 64 << 10,
	SESSION_BYTES = 8,
	TEXT_CHARACTERS = 200, /* of one value in a cell */
	LEAST_DETAIL_COLUMNS = 24,
	OTHER_COLUMNS = 80, /* about what the other cells of a row take */
	CLOCK_BYTES = 24,
	CLOSE_BYTES = 48,
};

/* --- the table --- */

/* What tells one event of a type from another, in the order of the cell. */
static const struct detail {
	const char *key;
	const char *before;
	const char *after;
} details[] = {
	{ "tool", "", "" },
	{ "file", "", "" },
	{ "model", "", "" },
	{ "error", "", "" },
	{ "prompts", "", " prompts" },
	{ "responses", "", " responses" },
	{ "length", "", " bytes" },
	{ "input_tokens", "in ", "" },
	{ "output_tokens", "out ", "" },
	{ "title", "", "" },
	{ "text", "", "" },
	{ "status", "", "" },
	{ "window_app_id", "", "" },
	{ "window_title", "", "" },
	{ "url", "", "" },
	{ "pane_id", "", "" },
	{ "tmux_session", "", "" },
	{ "action", "", "" },
	{ "cancelled", "", " cancelled" },
	{ "withdrawn", "", " withdrawn" },
};

/* At most COUNT characters of TEXT. */
static struct str first_characters(struct str text, size_t count)
{
	size_t end = 0;

	while (end < text.len && count > 0) {
		end++;
		while (end < text.len && ((unsigned char)text.ptr[end] & 0xc0) == 0x80)
			end++;
		count--;
	}
	return str_sub(text, 0, end);
}

static void add_detail(
	struct query_show *show, const struct detail *detail, const struct json *value)
{
	struct buf *out = &show->scratch;
	struct str text = json_is(value, JSON_STRING) ? json_str(value) : json_number_text(value);

	if ((text.len == 0 && !json_is_true(value)) ||
		(detail->after[0] != '\0' && str_eq_c(text, "0")))
		return;
	if (out->len > 0 && text.len > 0)
		buf_byte(out, ' ');
	buf_addc(out, detail->before);
	buf_add(out, first_characters(query_path(show->cli, text), TEXT_CHARACTERS));
	buf_addc(out, detail->after);
}

static struct str detail_cell(struct query_show *show, const struct json *data)
{
	struct str whole, fit;

	buf_clear(&show->scratch);
	for (size_t i = 0; i < ARRAY_LEN(details); i++)
		add_detail(show, &details[i], json_get(data, details[i].key));
	whole = buf_str(&show->scratch);
	fit = first_characters(whole, show->detail_columns);
	if (fit.len == whole.len)
		return whole;
	show->scratch.len = first_characters(whole, show->detail_columns - 1).len;
	buf_addc(&show->scratch, "…");
	return buf_str(&show->scratch);
}

static struct str without_prefix(struct str name, const struct str *prefixes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_starts(name, prefixes[i]))
			return str_sub(name, prefixes[i].len, name.len);
	return name;
}

static void clock_text(const struct zone *zone, int64_t ns, char text[static CLOCK_BYTES])
{
	struct date date = zone_date(zone, ns);
	int hour, minute, second;

	zone_clock(zone, ns, &hour, &minute, &second);
	snprintf(text, CLOCK_BYTES, "%04d-%02d-%02d %02d:%02d:%02d", date.year % 10000, date.month,
		date.day, hour, minute, second);
}

static void show_row(
	struct query_show *show, const struct stored_event *item, const struct json *data)
{
	static const struct str sources[] = { STR_INIT("remote."), STR_INIT("local.") };
	static const struct str types[] = { STR_INIT("agent_"), STR_INIT("tmux_") };
	const struct event *event = &item->event;
	struct str agent = json_get_str(data, "agent");
	char time[CLOCK_BYTES];

	clock_text(show->zone, event->start_ns, time);
	if (agent.len == 0)
		agent = without_prefix(event->source, sources, ARRAY_LEN(sources));
	table_row(show->table,
		(struct str[]){
			str_from(time),
			agent,
			without_prefix(event->type, types, ARRAY_LEN(types)),
			query_path(show->cli, json_get_str(data, "cwd")),
			first_characters(json_get_str(data, "session_id"), SESSION_BYTES),
			detail_cell(show, data),
		});
}

/* --- CSV --- */

/* The columns behind those of the envelope: members of the data. The data as a whole is the last.
 */
static const char *const csv_keys[] = { "agent", "session_id", "parent_session_id", "cwd",
	"git_project", "git_branch", "model", "tool", "tool_class", "file", "error", "length",
	"input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens",
	"reasoning_tokens" };
static const char *const csv_envelope[] = { "timestamp", "duration_ms", "machine_id", "source",
	"type" };

static void csv_heading(struct csv *csv)
{
	for (size_t i = 0; i < ARRAY_LEN(csv_envelope); i++)
		csv_text(csv, str_from(csv_envelope[i]));
	for (size_t i = 0; i < ARRAY_LEN(csv_keys); i++)
		csv_text(csv, str_from(csv_keys[i]));
	csv_text(csv, STR("id"));
	csv_text(csv, STR("data"));
	csv_end(csv);
}

static void csv_value(struct query_show *show, const struct json *value)
{
	struct json_writer json = json_writer(&show->scratch);

	if (!value || json_type(value) == JSON_NULL) {
		csv_empty(&show->csv);
		return;
	}
	if (json_is(value, JSON_STRING)) {
		csv_text(&show->csv, json_str(value));
		return;
	}
	buf_clear(&show->scratch);
	json_put_value(&json, value);
	csv_text(&show->csv, buf_str(&show->scratch));
}

static void show_csv(
	struct query_show *show, const struct stored_event *item, const struct json *data)
{
	const struct event *event = &item->event;
	char time[TIME_TEXT_BYTES];

	csv_text(&show->csv, str_from(time_format_exact(event->start_ns, time)));
	if (event->duration_ns % NS_PER_MS == 0)
		csv_i64(&show->csv, event->duration_ns / NS_PER_MS);
	else
		csv_double(&show->csv, (double)event->duration_ns / 1e6);
	csv_text(&show->csv, item->machine_id);
	csv_text(&show->csv, event->source);
	csv_text(&show->csv, event->type);
	for (size_t i = 0; i < ARRAY_LEN(csv_keys); i++)
		csv_value(show, json_get(data, csv_keys[i]));
	csv_text(&show->csv, event->id);
	csv_text(&show->csv, event->data);
	csv_end(&show->csv);
}

/* --- all of them --- */

static size_t terminal_detail_columns(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return TEXT_CHARACTERS;
	if (size.ws_col < OTHER_COLUMNS + LEAST_DETAIL_COLUMNS)
		return LEAST_DETAIL_COLUMNS;
	return (size_t)size.ws_col - OTHER_COLUMNS;
}

void query_show_begin(
	struct query_show *show, struct cli *cli, enum query_format format, const struct zone *zone)
{
	static const char *const headings[] = { "TIME", "AGENT", "TYPE", "WORKSPACE", "SESSION",
		"DETAIL" };
	static const enum table_align aligns[ARRAY_LEN(headings)] = { TABLE_LEFT };

	*show = (struct query_show){ .cli = cli, .format = format, .zone = zone };
	show->csv.out = &cli->out;
	show->detail_columns = terminal_detail_columns();
	if (format == QUERY_TABLE)
		show->table = table_new(&cli->arena, ARRAY_LEN(headings), headings, aligns);
	else if (format == QUERY_CSV)
		csv_heading(&show->csv);
	else if (format == QUERY_OBJECT)
		buf_addc(&cli->out, "{\"events\":[");
}

int query_show_event(void *context, const struct stored_event *item, struct err *err)
{
	struct query_show *show = context;
	struct buf *out = &show->cli->out;
	const struct json *data = NULL;
	struct err ignored;

	if (show->format == QUERY_LINES) {
		wire_encode_event(out, &item->event);
	} else if (show->format == QUERY_OBJECT) {
		if (show->any)
			buf_byte(out, ',');
		wire_encode_event(out, &item->event);
		out->len--; /* the newline */
	} else {
		if (json_parse(&show->parser, item->event.data, true, &data, &ignored) < 0)
			data = NULL; /* shown without what it says */
		if (show->format == QUERY_CSV)
			show_csv(show, item, data);
		else
			show_row(show, item, data);
	}
	show->any = true;
	return out->len >= FLUSH_BYTES ? cli_flush(show->cli, err) : 0;
}

int query_show_end(struct query_show *show, int64_t count, int rc, struct err *err)
{
	struct cli *cli = show->cli;
	char close[CLOSE_BYTES];

	snprintf(close, sizeof(close), "],\"count\":%lld", (long long)count);
	if (rc < 0)
		return query_fail(cli, str_from(close), err);
	if (show->format == QUERY_TABLE && show->any)
		table_print(show->table, &cli->out);
	if (show->format == QUERY_OBJECT)
		buf_printf(&cli->out, "%s}\n", close);
	return cli_flush(cli, err); /* before anything is said about it */
}

void query_show_release(struct query_show *show)
{
	json_parser_release(&show->parser);
	buf_release(&show->scratch);
}
