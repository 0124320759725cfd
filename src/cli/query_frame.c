/* What `query` and `stats` share. */
#include "cli/query_frame.h"

#include <stdio.h>

enum { READER_BUSY_MS = 500 };

int query_store(struct cli *cli, struct store **out, struct err *err)
{
	return cli_store_to_read(cli, READER_BUSY_MS, out, err);
}

struct span_clock query_clock(const struct cli *cli, const struct zone *zone)
{
	return (struct span_clock){
		.zone = zone,
		.day_start_s = (int32_t)cli->config.day_start_s,
		.now_ns = cli->now_ns,
	};
}

int query_format(const struct cli *cli, const char *name, enum query_format *out, struct err *err)
{
	static const struct {
		const char *name;
		enum query_format format;
	} formats[] = { { "table", QUERY_TABLE }, { "json", QUERY_LINES }, { "csv", QUERY_CSV } };

	*out = cli->globals.json ? QUERY_OBJECT : QUERY_TABLE;
	if (!name)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		if (strcmp(name, formats[i].name) != 0)
			continue;
		if (!cli->globals.json)
			*out = formats[i].format;
		else if (formats[i].format != QUERY_LINES)
			return err_set(err, ERR_USAGE, "--json and --format %s contradict", name);
		return 0;
	}
	return err_set(err, ERR_USAGE, "--format '%s' is not known; use table, json or csv", name);
}

int query_fail(struct cli *cli, struct str close, const struct err *err)
{
	CLEANUP(buf_release) struct buf error = BUF_INIT;
	struct json_writer json = json_writer(&error);

	if (!cli->globals.json || !cli->printing)
		return err->code;
	json_begin_object(&json);
	cli_put_error(&json, err);
	json_end_object(&json);
	buf_add(&cli->out, close);
	buf_byte(&cli->out, ',');
	buf_add(&cli->out, str_sub(buf_str(&error), 1, error.len)); /* a member, not an object */
	buf_byte(&cli->out, '\n');
	cli->answered = true;
	return err->code;
}

const char *query_number(int64_t number, char text[static TIME_TEXT_BYTES])
{
	static const char units[] = "kMGTPE";
	double scaled = (double)number;
	size_t unit = 0;

	if (number < 10000) {
		snprintf(text, TIME_TEXT_BYTES, "%lld", (long long)number);
		return text;
	}
	for (scaled /= 1000; scaled >= 999.95 && unit + 2 < sizeof(units); unit++)
		scaled /= 1000;
	snprintf(text, TIME_TEXT_BYTES, "%.1f%c", scaled, units[unit]);
	return text;
}

struct str query_path(struct cli *cli, struct str path)
{
	struct str home = str_from(cli->dirs.home);

	if (home.len < 2 || !str_starts(path, home) ||
		(path.len > home.len && path.ptr[home.len] != '/'))
		return path;
	return arena_printf(&cli->arena, "~%.*s", STR_ARG(str_sub(path, home.len, path.len)));
}
