/* The examples of docs/wire-format.md: each line is read and written again, byte for byte. */
#include "base/fs.h"
#include "model/codec.h"
#include "tap.h"

static void check_line(struct wire_decoder *decoder, struct str line)
{
	struct buf again CLEANUP(buf_release) = BUF_INIT;
	struct wire_line what;
	struct err err = { 0 };

	if (!OK(wire_decode(decoder, line, (struct str){ NULL, 0 }, &what, &err) == 0)) {
		printf("# %s: %.*s\n", err.message, STR_ARG(line));
		return;
	}
	switch (what.kind) {
	case WIRE_EVENT:
		wire_encode_event(&again, &what.event);
		break;
	case WIRE_HEADER:
		what.header.version = STR("0.1.0");
		wire_encode_header(&again, &what.header);
		break;
	case WIRE_TRAILER:
		wire_encode_trailer(&again, &what.trailer);
		break;
	case WIRE_BUCKET:
		wire_encode_bucket(&again, &what.bucket);
		break;
	case WIRE_BLANK:
		OK(what.kind != WIRE_BLANK);
		break;
	}
	tap_is_str(str_trim(buf_str(&again)), line, __FILE__, __LINE__);
}

static void examples_hold(void)
{
	struct buf page CLEANUP(buf_release) = BUF_INIT;
	struct wire_decoder decoder = { 0 };
	const char *path = getenv("WIRE_FORMAT_PAGE");
	struct err err = { 0 };
	struct str rest;
	bool inside = false;
	int examples = 0;

	if (!OK(path != NULL) || !OK(fs_read(path, 1 << 20, &page, &err) == 0))
		return;
	rest = buf_str(&page);
	while (rest.len > 0) {
		struct str line = str_split(&rest, '\n');

		if (str_starts(line, STR("```"))) {
			inside = str_eq_c(line, "```jsonl");
			continue;
		}
		if (!inside)
			continue;
		check_line(&decoder, line);
		examples++;
	}
	OK(examples >= 8);
	wire_decoder_release(&decoder);
}

/* The page's table of types has a row for every type the program knows, with its required keys in
 * bold. */
static void every_type_is_described(void)
{
	struct buf page CLEANUP(buf_release) = BUF_INIT;
	const char *path = getenv("WIRE_FORMAT_PAGE");
	struct err err = { 0 };
	size_t count;
	const struct event_type *types = event_types(&count);

	if (!OK(path != NULL) || !OK(fs_read(path, 1 << 20, &page, &err) == 0))
		return;
	for (size_t i = 0; i < count; i++) {
		struct buf row CLEANUP(buf_release) = BUF_INIT;

		buf_printf(&row, "\n| `%s` |", types[i].name);
		if (!OK(str_find_str(buf_str(&page), buf_str(&row)) >= 0))
			printf("# no row for %s\n", types[i].name);
	}
}

static const struct tap_case cases[] = {
	TAP_CASE(examples_hold),
	TAP_CASE(every_type_is_described),
};

TAP_MAIN(cases)
