/* Zones from the bytes of TZif files: both layouts, the footer, and files that are cut or damaged.
 */
#include "base/zone.h"

#include "base/buf.h"
#include "tap.h"

static int64_t instant(const char *text)
{
	struct err err = { 0 };
	int64_t ns = 0;

	tap_check(
		time_parse(str_from(text), &ns, &err) == 0, __FILE__, __LINE__, "%s", err.message);
	return ns;
}

/* A TZif block: TYPES offsets, and changes in turn to type 1, 0, 1, … */
static void add_u32(struct buf *out, uint32_t value)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_byte(out, (char)(value >> shift & 0xff));
}

struct block {
	char version;
	size_t time_bytes;
	const int64_t *times;
	uint32_t count;
	uint32_t leaps;
	int32_t offsets[2];
};

static void add_block(struct buf *out, const struct block *block)
{
	buf_addc(out, "TZif");
	buf_byte(out, block->version);
	buf_add(out, (struct str){ (const char[15]){ 0 }, 15 });
	add_u32(out, 2); /* UTC flags */
	add_u32(out, 2); /* standard time flags */
	add_u32(out, block->leaps);
	add_u32(out, block->count);
	add_u32(out, 2); /* types */
	add_u32(out, 8); /* bytes of names */
	for (uint32_t i = 0; i < block->count; i++) {
		if (block->time_bytes == 8)
			add_u32(out, (uint32_t)((uint64_t)block->times[i] >> 32));
		add_u32(out, (uint32_t)((uint64_t)block->times[i] & 0xffffffff));
	}
	for (uint32_t i = 0; i < block->count; i++)
		buf_byte(out, i % 2 == 0);
	for (size_t i = 0; i < 2; i++) {
		add_u32(out, (uint32_t)block->offsets[i]);
		buf_byte(out, i == 1);
		buf_byte(out, (char)(4 * i));
	}
	buf_add(out, (struct str){ "AAA\0BBB\0", 8 });
	for (uint32_t i = 0; i < block->leaps * (block->time_bytes + 4); i++)
		buf_byte(out, 0);
	buf_add(out, (struct str){ "\0\0\0\0", 4 });
}

static const int64_t early[] = { -86400, 86400 };
static const int64_t wide[] = { INT64_C(-9000000000), 1000000000 };
static const struct block old_block = { 0, 4, early, 2, 0, { 0, 3600 } };
static const struct block first_block = { '2', 4, early, 2, 0, { 0, 3600 } };
static const struct block wide_block = { '2', 8, wide, 2, 0, { 1800, -36000 } };

static void version_1(void)
{
	CLEANUP(buf_release) struct buf file = BUF_INIT;
	CLEANUP(zone_freep) struct zone *zone = NULL;
	struct err err = { 0 };

	add_block(&file, &old_block);
	if (!IS_INT(zone_from_tzif(&zone, buf_str(&file), STR("Test/Old"), &err), 0))
		return;
	IS_CSTR(zone_name(zone), "Test/Old");
	IS_INT(zone_offset_s(zone, -86400 * NS_PER_S - 1), 0);
	IS_INT(zone_offset_s(zone, -86400 * NS_PER_S), 3600);
	IS_INT(zone_offset_s(zone, 86400 * NS_PER_S - 1), 3600);
	IS_INT(zone_offset_s(zone, 86400 * NS_PER_S), 0);
	IS_INT(zone_offset_s(zone, INT64_MAX), 0);
}

static void version_2_with_and_without_rules(void)
{
	static const struct {
		const char *footer;
		int32_t late_s;
	} rows[] = { { "\n\n", 1800 }, { "\nCET-1CEST,M3.5.0,M10.5.0/3\n", 7200 },
		{ "\n<-10>10\nafter it\n", -36000 } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(buf_release) struct buf file = BUF_INIT;
		CLEANUP(zone_freep) struct zone *zone = NULL;
		struct err err = { 0 };

		add_block(&file, &first_block);
		add_block(&file, &wide_block);
		buf_addc(&file, rows[i].footer);
		if (!IS_INT(zone_from_tzif(&zone, buf_str(&file), STR("Test/New"), &err), 0))
			return;
		IS_INT(zone_offset_s(zone, INT64_C(-9000000001) * NS_PER_S), 1800);
		IS_INT(zone_offset_s(zone, INT64_C(-9000000000) * NS_PER_S), -36000);
		IS_INT(zone_offset_s(zone, 0), -36000);
		IS_INT(zone_offset_s(zone, instant("2026-07-01T00:00:00Z")), rows[i].late_s);
	}
}

static void every_cut_of_a_file_is_rejected(void)
{
	CLEANUP(buf_release) struct buf file = BUF_INIT;

	add_block(&file, &first_block);
	add_block(&file, &wide_block);
	buf_addc(&file, "\nUTC0\n");
	for (size_t len = 0; len < file.len; len++) {
		struct zone *zone = NULL;
		struct err err = { 0 };
		/* An exact copy, so that reading past the end is seen. */
		char *copy = malloc(len ? len : 1);

		memcpy(copy, file.ptr, len);
		IS_INT(zone_from_tzif(&zone, (struct str){ copy, len }, STR("cut"), &err),
			ERR_PARSE);
		OK(zone == NULL);
		free(copy);
	}
}

/* One byte of a good file changed: where it is, to what, and what the message says. */
static void damage_is_named(void)
{
	static const int64_t backwards[] = { 86400, 86400 };
	struct block blocks[] = { old_block, old_block, old_block, old_block };
	static const char *const reasons[] = { "order", "leap seconds", "beyond a day",
		"beyond a day" };
	static const struct {
		size_t at;
		char byte;
		const char *reason;
	} bytes[] = {
		{ 0, 't', "does not start" },
		{ 32, 0x7f, "cut" },
		{ 36, 0x7f, "cut" },
		{ 28, (char)0xff, "cut" },
		{ 44 + 8, 2, "unknown time type" },
		{ 44 + 9, (char)0xff, "unknown time type" },
	};

	blocks[0].times = backwards;
	blocks[1].leaps = 1;
	blocks[2].offsets[1] = 26 * 3600;
	blocks[3].offsets[0] = -25 * 3600;
	for (size_t i = 0; i < ARRAY_LEN(blocks) + ARRAY_LEN(bytes); i++) {
		CLEANUP(buf_release) struct buf file = BUF_INIT;
		size_t byte = i - ARRAY_LEN(blocks);
		const char *reason = i < ARRAY_LEN(blocks) ? reasons[i] : bytes[byte].reason;
		struct zone *zone = NULL;
		struct err err = { 0 };

		add_block(&file, i < ARRAY_LEN(blocks) ? &blocks[i] : &old_block);
		if (i >= ARRAY_LEN(blocks))
			file.ptr[bytes[byte].at] = bytes[byte].byte;
		IS_INT(zone_from_tzif(&zone, buf_str(&file), STR("bad"), &err), ERR_PARSE);
		tap_check(strstr(err.message, reason) != NULL, __FILE__, __LINE__, "no '%s' in: %s",
			reason, err.message);
	}
}

static void bad_footers(void)
{
	static const char *const footers[] = { "", "\n", "\nUTC0", "UTC0\n", "\nUTC\n",
		"\nCET-1CEST,M3\n", "\n\0\n" };

	for (size_t i = 0; i < ARRAY_LEN(footers); i++) {
		CLEANUP(buf_release) struct buf file = BUF_INIT;
		struct zone *zone = NULL;
		struct err err = { 0 };

		add_block(&file, &first_block);
		add_block(&file, &wide_block);
		buf_addc(&file, footers[i]);
		IS_INT(zone_from_tzif(&zone, buf_str(&file), STR("bad"), &err), ERR_PARSE);
		OK(strstr(err.message, "footer") != NULL);
	}
}

static const struct tap_case cases[] = {
	TAP_CASE(version_1),
	TAP_CASE(version_2_with_and_without_rules),
	TAP_CASE(every_cut_of_a_file_is_rejected),
	TAP_CASE(damage_is_named),
	TAP_CASE(bad_footers),
};
TAP_MAIN(cases)
