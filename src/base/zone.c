/*
 * Time zones as data: a table of changes (from a TZif file) and the rules that go on where the
 * table ends (its footer, or a POSIX TZ string alone). The C library can only follow one zone a
 * process, through the environment.
 *
 * Everything rests on two questions about an instant: which offset holds (offset_at) and when that
 * may change next (next_change). Local time is a straight line between changes, so the way back
 * from local time walks the few stretches that can contain it, in order: the first that does holds
 * the earlier of two instants, and if none does the first that starts beyond it is the end of the
 * gap.
 *
 * Internally in seconds. Offsets are within a day and a bit (OFFSET_MIN, OFFSET_MAX), table times
 * strictly ascending.
 */
#include "base/zone.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/tz_rules.h"
#include "base/utf8.h"

#define LOCALTIME "/etc/localtime"

enum {
	DAY_S = 86400,
	OFFSET_MIN = -25 * 3600, /* both excluded, as RFC 9636 advises */
	OFFSET_MAX = 26 * 3600,
	FILE_BYTES_MAX = 256 << 10,
	NAME_BYTES_MAX = 255,
	TZIF_HEADER_BYTES = 44,
	TZIF_TYPE_BYTES = 6,
	SHOWN_BYTES = 80, /* of a rejected name, in its error */
};

/* From AT_S on, OFFSET_S holds. */
struct change {
	int64_t at_s;
	int32_t offset_s;
};

struct zone {
	char *name;
	int32_t first_s; /* the offset before the first change */
	struct change *changes;
	size_t count;
	bool has_rules;
	struct tz_rules rules; /* from the last change on */
};

static struct zone *zone_new(struct str name)
{
	struct zone *zone = mem_zalloc(sizeof(*zone));

	zone->name = mem_alloc(name.len + 1);
	if (name.len > 0)
		memcpy(zone->name, name.ptr, name.len);
	zone->name[name.len] = '\0';
	return zone;
}

/* How many changes are at or before AT_S. */
static size_t changes_until(const struct zone *zone, int64_t at_s)
{
	size_t low = 0, high = zone->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (zone->changes[middle].at_s <= at_s)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int32_t offset_at(const struct zone *zone, int64_t at_s)
{
	size_t past = changes_until(zone, at_s);

	if (past == zone->count && zone->has_rules)
		return tz_rules_offset_s(&zone->rules, at_s);
	return past > 0 ? zone->changes[past - 1].offset_s : zone->first_s;
}

static bool next_change(const struct zone *zone, int64_t after_s, int64_t *out_s)
{
	size_t past = changes_until(zone, after_s);

	if (past == zone->count)
		return zone->has_rules && tz_rules_next_change(&zone->rules, after_s, out_s);
	*out_s = zone->changes[past].at_s;
	return true;
}

/*
 * TZif. The readers return what is wrong with the file, or NULL.
 */
struct tzif_block {
	int version;
	size_t time_bytes; /* 4 or 8 */
	uint32_t times;
	uint32_t types;
	uint32_t leaps;
	size_t data; /* where times start, then their types, then the types themselves */
	size_t end;
};

static uint32_t read_u32(struct str bytes, size_t at)
{
	uint32_t value = 0;

	for (size_t i = 0; i < 4; i++)
		value = value << 8 | (uint8_t)bytes.ptr[at + i];
	return value;
}

static int64_t read_time(struct str bytes, size_t at, size_t time_bytes)
{
	uint64_t high = read_u32(bytes, at);

	if (time_bytes == 4)
		return (int32_t)high;
	return (int64_t)(high << 32 | read_u32(bytes, at + 4));
}

static const char *read_block(
	struct str bytes, size_t at, size_t time_bytes, struct tzif_block *out)
{
	uint64_t utc_flags, standard_flags, name_bytes, size;

	if (!str_starts(str_sub(bytes, at, bytes.len), STR("TZif")))
		return "it does not start with 'TZif'";
	if (bytes.len - at < TZIF_HEADER_BYTES)
		return "its header is cut";
	*out = (struct tzif_block){ .time_bytes = time_bytes, .data = at + TZIF_HEADER_BYTES };
	out->version = bytes.ptr[at + 4] >= '2' ? 2 : 1;
	utc_flags = read_u32(bytes, at + 20);
	standard_flags = read_u32(bytes, at + 24);
	out->leaps = read_u32(bytes, at + 28);
	out->times = read_u32(bytes, at + 32);
	out->types = read_u32(bytes, at + 36);
	name_bytes = read_u32(bytes, at + 40);
	/* Counts are below 2^32, so that the sum cannot overflow. */
	size = out->times * (time_bytes + UINT64_C(1)) + out->types * (uint64_t)TZIF_TYPE_BYTES +
	       name_bytes + out->leaps * (time_bytes + UINT64_C(4)) + standard_flags + utc_flags;
	if (size > bytes.len - out->data)
		return "its data are cut";
	out->end = out->data + (size_t)size;
	return NULL;
}

static const char *read_changes(struct zone *zone, struct str bytes, const struct tzif_block *block)
{
	size_t indexes = block->data + block->times * block->time_bytes;
	size_t types = indexes + block->times;

	if (block->types == 0 || block->types > 256)
		return "its number of time types is not 1 to 256";
	if (block->leaps > 0)
		return "it counts leap seconds, which clocks here do not";
	for (size_t i = 0; i < block->types; i++) {
		int64_t offset_s = read_time(bytes, types + i * TZIF_TYPE_BYTES, 4);

		if (offset_s <= OFFSET_MIN || offset_s >= OFFSET_MAX)
			return "an offset is beyond a day";
	}
	zone->first_s = (int32_t)read_time(bytes, types, 4);
	zone->changes = mem_resize(NULL, (size_t)block->times + 1, sizeof(*zone->changes));
	for (; zone->count < block->times; zone->count++) {
		struct change *change = &zone->changes[zone->count];
		size_t type = (uint8_t)bytes.ptr[indexes + zone->count];

		if (type >= block->types)
			return "a change is to an unknown time type";
		change->at_s = read_time(
			bytes, block->data + zone->count * block->time_bytes, block->time_bytes);
		change->offset_s = (int32_t)read_time(bytes, types + type * TZIF_TYPE_BYTES, 4);
		if (zone->count > 0 && change->at_s <= change[-1].at_s)
			return "its changes are not in order";
	}
	return NULL;
}

static const char *read_footer(struct zone *zone, struct str footer)
{
	ptrdiff_t end = str_find(footer, '\n', 1);

	if (!str_starts(footer, STR("\n")) || end < 0)
		return "its footer is missing or cut";
	if (end == 1)
		return NULL;
	zone->has_rules = tz_rules_parse(str_sub(footer, 1, (size_t)end - 1), &zone->rules);
	return zone->has_rules ? NULL : "its footer is not a POSIX TZ string";
}

static const char *read_tzif(struct zone *zone, struct str bytes)
{
	struct tzif_block block;
	const char *fault = read_block(bytes, 0, 4, &block);

	if (fault)
		return fault;
	if (block.version == 1)
		return read_changes(zone, bytes, &block);
	/* The first block is for old readers; the second has the same again in 64 bits. */
	fault = read_block(bytes, block.end, 8, &block);
	if (!fault)
		fault = read_changes(zone, bytes, &block);
	if (!fault)
		fault = read_footer(zone, str_sub(bytes, block.end, bytes.len));
	return fault;
}

int zone_from_tzif(struct zone **out, struct str bytes, struct str name, struct err *err)
{
	CLEANUP(zone_freep) struct zone *zone = zone_new(name);
	const char *fault = read_tzif(zone, bytes);

	*out = NULL;
	if (fault)
		return err_set(err, ERR_PARSE, "not a usable time zone file (TZif): %s", fault);
	*out = zone;
	zone = NULL;
	return 0;
}

int zone_from_posix(struct zone **out, struct str text, struct err *err)
{
	struct tz_rules rules;

	*out = NULL;
	if (!tz_rules_parse(text, &rules))
		return err_set(err, ERR_PARSE,
			"'%.*s' is not a POSIX TZ string such as CET-1CEST,M3.5.0,M10.5.0/3",
			STR_ARG(utf8_cut(text, SHOWN_BYTES)));
	*out = zone_new(text);
	(*out)->has_rules = true;
	(*out)->rules = rules;
	return 0;
}

/*
 * Finding a zone.
 */
static void open_utc(struct zone **out, struct str name)
{
	*out = zone_new(name);
	(*out)->has_rules = true;
}

/* Without dots, and relative: it cannot lead out of the database, nor to the lists and licences
 * beside the zones. */
static bool is_iana_name(struct str name)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-_";
	char before = '/';

	if (name.len > NAME_BYTES_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		if (c == '/' ? before == '/' : !memchr(allowed, c, sizeof(allowed) - 1))
			return false;
		before = c;
	}
	return before != '/';
}

/* ERR_NOT_FOUND also for what is no regular file. */
static int open_file(struct zone **out, const char *path, struct str name, struct err *err)
{
	CLEANUP(buf_release) struct buf bytes = BUF_INIT;
	struct stat status;
	int code;

	if (stat(path, &status) < 0)
		return err_sys(err, "reading the time zone file '%s'", path);
	if (!S_ISREG(status.st_mode))
		return err_set(err, ERR_NOT_FOUND, "'%s' is not a file", path);
	code = fs_read(path, FILE_BYTES_MAX, &bytes, err);
	if (code < 0)
		return code;
	if (zone_from_tzif(out, buf_str(&bytes), name, err) < 0)
		return err_context(err, "'%s'", path);
	return 0;
}

static int open_iana(struct zone **out, struct str name, struct err *err)
{
	CLEANUP(buf_release) struct buf path = BUF_INIT;
	const char *dir = getenv("TZDIR");

	if (!is_iana_name(name))
		return err_set(err, ERR_NOT_FOUND, "not a name of the time zone database");
	if (!dir || !*dir)
		dir = "/usr/share/zoneinfo";
	buf_printf(&path, "%s/%.*s", dir, STR_ARG(name));
	return open_file(out, buf_cstr(&path), name, err);
}

static int open_named(struct zone **out, struct str name, struct err *err)
{
	int code;

	if (str_eq_c(name, "UTC") || str_eq_c(name, "Etc/UTC")) {
		open_utc(out, name);
		return 0;
	}
	code = open_iana(out, name, err);
	if (code != ERR_NOT_FOUND)
		return code;
	if (zone_from_posix(out, name, err) == 0)
		return 0;
	return err_set(err, ERR_NOT_FOUND,
		"no time zone '%.*s' (expected: an IANA name such as Europe/Berlin that this machine's time zone "
		"database has, UTC, or a POSIX TZ string such as CET-1CEST,M3.5.0,M10.5.0/3)",
		STR_ARG(utf8_cut(name, SHOWN_BYTES)));
}

/* What follows "zoneinfo/" in PATH; empty if that is no name. */
static struct str name_in_path(struct str path)
{
	struct str marker = STR("zoneinfo/");
	ptrdiff_t at = str_find_str(path, marker);
	struct str name = at < 0 ? STR("") : str_sub(path, (size_t)at + marker.len, path.len);

	return is_iana_name(name) ? name : STR("");
}

/* By where the link PATH leads, else by PATH itself. TARGET holds the bytes. */
static struct str name_of_file(const char *path, struct buf *target)
{
	ssize_t len = readlink(path, buf_reserve(target, PATH_MAX), PATH_MAX);
	struct str name;

	target->len = len > 0 ? (size_t)len : 0;
	name = name_in_path(buf_str(target));
	return name.len > 0 ? name : name_in_path(str_from(path));
}

/* The first line of /etc/timezone; empty if it has no name. */
static struct str name_of_machine(struct buf *text)
{
	struct err err; /* the file is a hint that most systems do without */
	struct str rest, name;

	if (fs_read("/etc/timezone", FILE_BYTES_MAX, text, &err) < 0)
		return STR("");
	rest = buf_str(text);
	name = str_trim(str_split(&rest, '\n'));
	return is_iana_name(name) ? name : STR("");
}

static int open_localtime(struct zone **out, struct err *err)
{
	CLEANUP(buf_release) struct buf target = BUF_INIT;
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct str name;

	if (!fs_exists(LOCALTIME)) {
		open_utc(out, STR("UTC"));
		return 0;
	}
	name = name_of_file(LOCALTIME, &target);
	if (name.len == 0)
		name = name_of_machine(&text);
	return open_file(out, LOCALTIME, name.len > 0 ? name : STR("UTC"), err);
}

static int open_tz(struct zone **out, const char *tz, struct err *err)
{
	CLEANUP(buf_release) struct buf target = BUF_INIT;
	struct str name;

	if (*tz == ':')
		tz++;
	if (*tz == '\0') {
		open_utc(out, STR("UTC"));
		return 0;
	}
	if (*tz != '/')
		return open_named(out, str_from(tz), err);
	name = name_of_file(tz, &target);
	return open_file(out, tz, name.len > 0 ? name : str_from(tz), err);
}

int zone_open(struct zone **out, struct str name, struct err *err)
{
	const char *tz = getenv("TZ");

	*out = NULL;
	if (name.len > 0)
		return open_named(out, name, err);
	if (!tz)
		return open_localtime(out, err);
	if (open_tz(out, tz, err) < 0)
		return err_context(err, "TZ in the environment");
	return 0;
}

void zone_free(struct zone *zone)
{
	if (!zone)
		return;
	free(zone->changes);
	free(zone->name);
	free(zone);
}

void zone_freep(struct zone **zone)
{
	zone_free(*zone);
}

const char *zone_name(const struct zone *zone)
{
	return zone->name;
}

static int64_t floor_s(int64_t ns)
{
	return ns / NS_PER_S - (ns % NS_PER_S < 0);
}

static int64_t local_s(const struct zone *zone, int64_t at_ns)
{
	int64_t at_s = floor_s(at_ns);

	return at_s + offset_at(zone, at_s);
}

int32_t zone_offset_s(const struct zone *zone, int64_t at_ns)
{
	return offset_at(zone, floor_s(at_ns));
}

struct date zone_date(const struct zone *zone, int64_t at_ns)
{
	int64_t local = local_s(zone, at_ns);

	return date_from_days(local / DAY_S - (local % DAY_S < 0));
}

void zone_clock(const struct zone *zone, int64_t at_ns, int *hour, int *minute, int *second)
{
	int64_t rest = local_s(zone, at_ns) % DAY_S;

	if (rest < 0)
		rest += DAY_S;
	*hour = (int)(rest / 3600);
	*minute = (int)(rest / 60 % 60);
	*second = (int)(rest % 60);
}

static int64_t clamp_to_ns(int64_t s)
{
	if (s > INT64_MAX / NS_PER_S)
		return INT64_MAX;
	if (s < INT64_MIN / NS_PER_S)
		return INT64_MIN;
	return s * NS_PER_S;
}

int64_t zone_instant(const struct zone *zone, struct date date, int32_t seconds)
{
	int64_t local = date_to_days(date) * DAY_S + seconds;
	int64_t from = local - OFFSET_MAX; /* local time is still before LOCAL there */
	int64_t next;

	ASSERT(seconds >= 0 && seconds < DAY_S);
	if (from > INT64_MAX / NS_PER_S || from < INT64_MIN / NS_PER_S - 3 * DAY_S)
		return clamp_to_ns(from);
	for (;;) {
		int32_t offset_s = offset_at(zone, from);

		if (from + offset_s > local)
			return clamp_to_ns(from);
		if (!next_change(zone, from, &next) || local - offset_s < next)
			return clamp_to_ns(local - offset_s);
		from = next;
	}
}
