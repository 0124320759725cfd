/* Zones by name, by POSIX string and of this machine; days that are cut, doubled or skipped; and
 * the C library as a witness. */
#include "base/zone.h"

#include <limits.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

#define HAVANA "CST5CDT,M3.2.0/0,M11.1.0/1"

static struct zone *open_zone(const char *name)
{
	struct zone *zone = NULL;
	struct err err = { 0 };

	tap_check(
		zone_open(&zone, str_from(name), &err) == 0, __FILE__, __LINE__, "%s", err.message);
	return zone;
}

static int64_t instant(const char *text)
{
	struct err err = { 0 };
	int64_t ns = 0;

	tap_check(
		time_parse(str_from(text), &ns, &err) == 0, __FILE__, __LINE__, "%s", err.message);
	return ns;
}

static struct date date_of(const char *text)
{
	struct date date = { 1970, 1, 1 };
	struct err err = { 0 };

	tap_check(date_parse(str_from(text), &date, &err) == 0, __FILE__, __LINE__, "%s",
		err.message);
	return date;
}

/* VALUE NULL: not set. */
static void set_env(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

static bool has_database(void)
{
	struct zone *zone = NULL;
	struct err err;
	bool has;

	set_env("TZDIR", NULL);
	has = zone_open(&zone, STR("America/Havana"), &err) == 0;
	zone_free(zone);
	if (!has)
		SKIP("no time zone database (tzdata) on this machine");
	return has;
}

struct wall_row {
	const char *zone;
	const char *date;
	int32_t seconds;
	const char *at;
};

static void check_walls(const struct wall_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		CLEANUP(zone_freep) struct zone *zone = open_zone(rows[i].zone);
		char text[TIME_TEXT_BYTES];

		if (!zone)
			continue;
		time_format(zone_instant(zone, date_of(rows[i].date), rows[i].seconds), 0, text);
		tap_check(strcmp(text, rows[i].at) == 0, __FILE__, __LINE__,
			"%s %s +%d: got %s, want %s", rows[i].zone, rows[i].date, rows[i].seconds,
			text, rows[i].at);
	}
}

static void days_by_rules(void)
{
	static const struct wall_row rows[] = {
		{ "UTC", "2026-02-03", 0, "2026-02-03T00:00:00Z" },
		{ "UTC", "1969-12-31", 86399, "1969-12-31T23:59:59Z" },
		{ "<+03>-3", "2026-02-03", 0, "2026-02-02T21:00:00Z" },
		/* Midnight comes twice: the day has 25 hours. */
		{ HAVANA, "2025-11-02", 0, "2025-11-02T04:00:00Z" },
		{ HAVANA, "2025-11-02", 1800, "2025-11-02T04:30:00Z" },
		{ HAVANA, "2025-11-02", 3600, "2025-11-02T06:00:00Z" },
		{ HAVANA, "2025-11-03", 0, "2025-11-03T05:00:00Z" },
		/* Midnight is skipped: the day starts at one. */
		{ HAVANA, "2026-03-08", 0, "2026-03-08T05:00:00Z" },
		{ HAVANA, "2026-03-08", 1800, "2026-03-08T05:00:00Z" },
		{ HAVANA, "2026-03-08", 3600, "2026-03-08T05:00:00Z" },
		{ HAVANA, "2026-03-08", 3601, "2026-03-08T05:00:01Z" },
		{ HAVANA, "2026-03-07", 86399, "2026-03-08T04:59:59Z" },
		/* 23 hours. */
		{ "PST8PDT,M3.2.0,M11.1.0", "2025-03-09", 0, "2025-03-09T08:00:00Z" },
		{ "PST8PDT,M3.2.0,M11.1.0", "2025-03-09", 9000, "2025-03-09T10:00:00Z" },
		{ "PST8PDT,M3.2.0,M11.1.0", "2025-03-10", 0, "2025-03-10T07:00:00Z" },
		{ "PST8PDT,M3.2.0,M11.1.0", "2100-07-01", 0, "2100-07-01T07:00:00Z" },
		{ "NZST-12NZDT,M9.5.0,M4.1.0/3", "2026-01-01", 0, "2025-12-31T11:00:00Z" },
	};

	check_walls(rows, ARRAY_LEN(rows));
}

static void days_by_name(void)
{
	static const struct wall_row rows[] = {
		{ "America/Havana", "2025-11-02", 0, "2025-11-02T04:00:00Z" },
		{ "America/Havana", "2025-11-03", 0, "2025-11-03T05:00:00Z" },
		{ "America/Los_Angeles", "2025-03-09", 0, "2025-03-09T08:00:00Z" },
		{ "America/Los_Angeles", "2025-03-10", 0, "2025-03-10T07:00:00Z" },
		/* Skipped midnights. */
		{ "America/Sao_Paulo", "2017-10-14", 0, "2017-10-14T03:00:00Z" },
		{ "America/Sao_Paulo", "2017-10-15", 0, "2017-10-15T03:00:00Z" },
		{ "America/Sao_Paulo", "2017-10-15", 3600, "2017-10-15T03:00:00Z" },
		{ "America/Sao_Paulo", "2017-10-16", 0, "2017-10-16T02:00:00Z" },
		{ "Africa/Cairo", "2024-04-26", 0, "2024-04-25T22:00:00Z" },
		{ "Africa/Cairo", "2024-04-27", 0, "2024-04-26T21:00:00Z" },
		{ "Asia/Beirut", "2024-03-31", 0, "2024-03-30T22:00:00Z" },
		{ "Asia/Beirut", "2024-04-01", 0, "2024-03-31T21:00:00Z" },
		/* A skipped day, and one that came twice. */
		{ "Pacific/Apia", "2011-12-30", 0, "2011-12-30T10:00:00Z" },
		{ "Pacific/Apia", "2011-12-31", 0, "2011-12-30T10:00:00Z" },
		{ "Pacific/Kwajalein", "1969-09-30", 3600, "1969-09-29T14:00:00Z" },
		/* Beyond the table. */
		{ "America/New_York", "2037-07-01", 0, "2037-07-01T04:00:00Z" },
		{ "America/New_York", "2038-01-20", 0, "2038-01-20T05:00:00Z" },
		{ "America/New_York", "2100-07-01", 0, "2100-07-01T04:00:00Z" },
		{ "America/New_York", "2100-12-01", 0, "2100-12-01T05:00:00Z" },
		{ "Europe/Berlin", "2261-07-01", 0, "2261-06-30T22:00:00Z" },
		{ "Asia/Kolkata", "2100-01-01", 0, "2099-12-31T18:30:00Z" },
		/* Before it. */
		{ "Europe/Berlin", "1700-01-01", 0, "1699-12-31T23:06:32Z" },
		{ "Asia/Kathmandu", "2026-02-03", 0, "2026-02-02T18:15:00Z" },
	};

	if (has_database())
		check_walls(rows, ARRAY_LEN(rows));
}

static void local_dates_and_clocks(void)
{
	CLEANUP(zone_freep) struct zone *zone = open_zone(HAVANA);
	static const struct {
		const char *at;
		int offset_s, day, hour, minute, second;
	} rows[] = {
		{ "2025-11-02T03:59:59.999999999Z", -14400, 1, 23, 59, 59 },
		{ "2025-11-02T04:00:00Z", -14400, 2, 0, 0, 0 },
		{ "2025-11-02T04:59:59.999Z", -14400, 2, 0, 59, 59 },
		{ "2025-11-02T05:00:00Z", -18000, 2, 0, 0, 0 },
		{ "2025-11-03T04:59:59Z", -18000, 2, 23, 59, 59 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows) && zone; i++) {
		int64_t at_ns = instant(rows[i].at);
		int hour, minute, second;

		tap_is_int(zone_offset_s(zone, at_ns), rows[i].offset_s, rows[i].at, __FILE__,
			__LINE__);
		IS_INT(zone_date(zone, at_ns).day, rows[i].day);
		zone_clock(zone, at_ns, &hour, &minute, &second);
		IS_INT(hour, rows[i].hour);
		IS_INT(minute, rows[i].minute);
		IS_INT(second, rows[i].second);
	}
}

static void before_the_epoch(void)
{
	CLEANUP(zone_freep) struct zone *zone = open_zone("<-03>3");
	int hour, minute, second;
	struct date date = zone_date(zone, -1);

	IS_INT(date.year, 1969);
	IS_INT(date.month, 12);
	IS_INT(date.day, 31);
	zone_clock(zone, -1, &hour, &minute, &second);
	IS_INT(hour, 20);
	IS_INT(minute, 59);
	IS_INT(second, 59);
}

static void ends_of_the_range(void)
{
	static const char *const names[] = { "UTC", "<+25>-24:59:59", "<-25>24:59:59", HAVANA };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CLEANUP(zone_freep) struct zone *zone = open_zone(names[i]);

		if (!zone)
			continue;
		IS_INT(zone_date(zone, INT64_MIN).year, 1677);
		IS_INT(zone_date(zone, INT64_MAX).year, 2262);
		IS_INT(zone_instant(zone, (struct date){ 2262, 12, 31 }, 86399), INT64_MAX);
		IS_INT(zone_instant(zone, (struct date){ 2262, 4, 14 }, 0), INT64_MAX);
		IS_INT(zone_instant(zone, (struct date){ 1677, 1, 1 }, 0), INT64_MIN);
		IS_INT(zone_instant(zone, (struct date){ INT_MAX, 12, 31 }, 0), INT64_MAX);
		IS_INT(zone_instant(zone, (struct date){ INT_MIN, 1, 1 }, 0), INT64_MIN);
		OK(zone_instant(zone, (struct date){ 2262, 4, 10 }, 0) < INT64_MAX);
		OK(zone_instant(zone, (struct date){ 1678, 1, 1 }, 0) > INT64_MIN);
	}
}

static void unknown_names(void)
{
	static const char *const names[] = { "Europe/Atlantis", "..", "../Europe/Berlin",
		"Europe/../Europe/Berlin", "/etc/localtime", "/usr/share/zoneinfo/Europe/Berlin",
		"/", "Europe/", "Europe//Berlin", "Europe", "./UTC", "zone.tab", "tzdata.zi",
		":Europe/Berlin", ":UTC0", "Europe/Berlin ", " ", "CET-1CEST,M3.5.0", "CET-1;" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct zone *zone = (struct zone *)&tap;
		struct err err = { 0 };

		tap_is_int(zone_open(&zone, str_from(names[i]), &err), ERR_NOT_FOUND, names[i],
			__FILE__, __LINE__);
		OK(zone == NULL);
		OK(strstr(err.message, "IANA name") && strstr(err.message, "UTC") &&
			strstr(err.message, "POSIX"));
		OK(strncmp(strchr(err.message, '\'') + 1, names[i],
			   strlen(names[i]) < 20 ? strlen(names[i]) : 20) == 0);
	}
}

static void long_names_are_cut_in_the_message(void)
{
	char name[5000];
	struct zone *zone = NULL;
	struct err err = { 0 };

	memset(name, 'A', sizeof(name));
	IS_INT(zone_open(&zone, (struct str){ name, sizeof(name) }, &err), ERR_NOT_FOUND);
	OK(strstr(err.message, "POSIX TZ string") != NULL);
}

static void names_are_kept(void)
{
	static const char *const names[] = { "UTC", "Etc/UTC", HAVANA, "<+03>-3" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CLEANUP(zone_freep) struct zone *zone = open_zone(names[i]);

		if (zone)
			IS_CSTR(zone_name(zone), names[i]);
	}
	zone_free(NULL);
}

static void without_a_database(void)
{
	struct zone *zone = NULL;
	struct err err;

	set_env("TZDIR", "/nonexistent");
	zone = open_zone("UTC");
	IS_INT(zone_offset_s(zone, instant("2026-07-01T00:00:00Z")), 0);
	zone_free(zone);
	zone = open_zone("EST5EDT");
	IS_INT(zone_offset_s(zone, instant("2026-07-01T00:00:00Z")), -14400);
	zone_free(zone);
	IS_INT(zone_open(&zone, STR("Europe/Berlin"), &err), ERR_NOT_FOUND);
	set_env("TZDIR", NULL);
}

static void the_environments_zone(void)
{
	static const struct {
		const char *tz;
		const char *name;
		int32_t summer_s;
	} rows[] = {
		{ "", "UTC", 0 },
		{ ":", "UTC", 0 },
		{ "UTC", "UTC", 0 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", "CET-1CEST,M3.5.0,M10.5.0/3", 7200 },
		{ ":<+03>-3", "<+03>-3", 10800 },
	};
	struct zone *zone = NULL;
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		set_env("TZ", rows[i].tz);
		zone = open_zone("");
		if (zone) {
			IS_CSTR(zone_name(zone), rows[i].name);
			IS_INT(zone_offset_s(zone, instant("2026-07-01T00:00:00Z")),
				rows[i].summer_s);
		}
		zone_free(zone);
	}
	set_env("TZ", "Europe/Atlantis");
	IS_INT(zone_open(&zone, STR(""), &err), ERR_NOT_FOUND);
	OK(strstr(err.message, "TZ in the environment") && strstr(err.message, "Europe/Atlantis"));
	set_env("TZ", ":/nonexistent/zoneinfo/Europe/Berlin");
	IS_INT(zone_open(&zone, STR(""), &err), ERR_NOT_FOUND);
	OK(strstr(err.message, "/nonexistent/zoneinfo/Europe/Berlin") != NULL);
	set_env("TZ", "/");
	IS_INT(zone_open(&zone, STR(""), &err), ERR_NOT_FOUND);
	/* It says nothing about a zone that is named. */
	zone = open_zone("UTC");
	OK(zone != NULL);
	zone_free(zone);
	set_env("TZ", NULL);
}

static void the_environments_path(void)
{
	static const char *const values[] = { "/usr/share/zoneinfo/Asia/Tokyo",
		":/usr/share/zoneinfo/Asia/Tokyo", ":Asia/Tokyo" };

	if (!has_database())
		return;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct zone *zone;

		set_env("TZ", values[i]);
		zone = open_zone("");
		if (zone) {
			IS_CSTR(zone_name(zone), "Asia/Tokyo");
			IS_INT(zone_offset_s(zone, 0), 32400);
		}
		zone_free(zone);
	}
	set_env("TZ", NULL);
}

/* Whatever this machine is set to, the C library sees the same. */
static void the_machines_zone(void)
{
	CLEANUP(zone_freep) struct zone *zone = NULL;
	char target[PATH_MAX];
	const char *name;
	ssize_t len;

	set_env("TZ", NULL);
	zone = open_zone("");
	tzset();
	if (!zone)
		return;
	for (int64_t s = INT64_C(1500000000); s < INT64_C(1900000000); s += 999983) {
		time_t at = (time_t)s;
		struct tm tm;

		OK(localtime_r(&at, &tm) != NULL);
		IS_INT(zone_offset_s(zone, s * NS_PER_S), tm.tm_gmtoff);
	}
	OK(zone_name(zone)[0] != '\0');
	len = readlink("/etc/localtime", target, sizeof(target) - 1);
	target[len > 0 ? len : 0] = '\0';
	name = strstr(target, "zoneinfo/");
	if (name)
		IS_CSTR(zone_name(zone),
			access("/etc/localtime", F_OK) == 0 ? name + strlen("zoneinfo/") : "UTC");
}

/* A path is told by where it leads if that is a zone's file, else by itself, else it is its own
 * name. */
static void linked_paths(void)
{
	static const struct {
		const char *link;
		const char *target;
		const char *name;
	} rows[] = {
		{ "localtime", "/usr/share/zoneinfo/Asia/Tokyo", "Asia/Tokyo" },
		{ "zoneinfo/Japan", "../tokyo", "Japan" },
		{ "here", "tokyo", NULL },
	};
	char dir[] = "/tmp/tt-zone-XXXXXX", path[PATH_MAX], file[PATH_MAX];

	if (!has_database() || !OK(mkdtemp(dir) != NULL))
		return;
	snprintf(file, sizeof(file), "%s/tokyo", dir);
	IS_INT(symlink("/usr/share/zoneinfo/Asia/Tokyo", file), 0);
	snprintf(path, sizeof(path), "%s/zoneinfo", dir);
	IS_INT(mkdir(path, 0700), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct zone *zone;

		snprintf(path, sizeof(path), "%s/%s", dir, rows[i].link);
		IS_INT(symlink(rows[i].target, path), 0);
		set_env("TZ", path);
		zone = open_zone("");
		if (zone) {
			IS_CSTR(zone_name(zone), rows[i].name ? rows[i].name : path);
			IS_INT(zone_offset_s(zone, 0), 32400);
		}
		zone_free(zone);
		unlink(path);
	}
	set_env("TZ", NULL);
	unlink(file);
	snprintf(path, sizeof(path), "%s/zoneinfo", dir);
	rmdir(path);
	rmdir(dir);
}

static const char *const witnessed[] = { "America/New_York", "America/Havana", "America/Sao_Paulo",
	"America/Nuuk", "Europe/Berlin", "Europe/Dublin", "Africa/Cairo", "Africa/Casablanca",
	"Asia/Beirut", "Asia/Kathmandu", "Asia/Jerusalem", "Asia/Gaza", "Australia/Lord_Howe",
	"Pacific/Apia", "Pacific/Chatham", "Antarctica/Troll", "Etc/GMT-14" };
static const char *const witnessed_rules[] = { "CET-1CEST,M3.5.0,M10.5.0/3", "<+03>-3",
	"IST-2IDT,M3.4.4/26,M10.5.0", "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "EST5EDT,J60/2,300/1:30",
	"NZST-12NZDT,M9.5.0,M4.1.0/3", "IST-1GMT0,M10.5.0,M3.5.0/1" };

static void compare_with_the_c_library(
	const char *name, int64_t from_s, int64_t until_s, int64_t step_s)
{
	CLEANUP(zone_freep) struct zone *zone = open_zone(name);

	set_env("TZ", name);
	tzset();
	for (int64_t s = from_s; s < until_s && zone; s += step_s) {
		time_t at = (time_t)s;
		struct tm tm;
		int32_t offset_s = zone_offset_s(zone, s * NS_PER_S);

		OK(localtime_r(&at, &tm) != NULL);
		if (!tap_check(offset_s == tm.tm_gmtoff, __FILE__, __LINE__,
			    "%s at %lld: got %d, want %ld", name, (long long)s, offset_s,
			    tm.tm_gmtoff))
			break;
	}
	set_env("TZ", NULL);
	tzset();
}

static void agrees_with_the_c_library(void)
{
	if (!has_database())
		return;
	for (size_t i = 0; i < ARRAY_LEN(witnessed); i++) {
		compare_with_the_c_library(
			witnessed[i], INT64_C(-9000000000), INT64_C(9000000000), 1999993);
		compare_with_the_c_library(witnessed[i], 1735689600, 1767225600, 1799); /* 2025 */
		compare_with_the_c_library(witnessed[i], 2114380800, 2177452800,
			3599); /* 2037, 2038: the table ends */
		compare_with_the_c_library(
			witnessed[i], INT64_C(4102444800), INT64_C(4133980800), 3599); /* 2100 */
	}
}

static void rules_agree_with_the_c_library(void)
{
	for (size_t i = 0; i < ARRAY_LEN(witnessed_rules); i++) {
		/* glibc gives up on rules before 1970. */
		compare_with_the_c_library(
			witnessed_rules[i], 31536000, INT64_C(9000000000), 1999993);
		compare_with_the_c_library(
			witnessed_rules[i], 1704067200, 1767225600, 1799); /* 2024, 2025 */
	}
}

static void write_file(const char *path, struct str content)
{
	FILE *file = fopen(path, "wb");

	if (!OK(file != NULL))
		return;
	IS_INT(fwrite(content.ptr, 1, content.len, file), content.len);
	IS_INT(fclose(file), 0);
}

/* $TZDIR is a database of its own, in which a file is found, a damaged one is told, and a directory
 * is no zone. */
static void a_database_elsewhere(void)
{
	char dir[] = "/tmp/tt-zone-XXXXXX", path[PATH_MAX];
	/* Version 1, one type of time, no changes: an hour and a half east. */
	static const char bytes[] = "TZif\0"
				    "000000000000000"
				    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
				    "\0\0\0\1\0\0\0\4"
				    "\0\0\x15\x18\0\0"
				    "AAA";
	struct str file = { bytes, sizeof(bytes) };
	struct zone *zone = NULL;
	struct err err = { 0 };

	if (!OK(mkdtemp(dir) != NULL))
		return;
	set_env("TZDIR", dir);
	snprintf(path, sizeof(path), "%s/Here", dir);
	write_file(path, file);
	IS_INT(zone_open(&zone, STR("Here"), &err), 0);
	if (zone)
		IS_INT(zone_offset_s(zone, 0), 5400);
	zone_free(zone);
	write_file(path, str_sub(file, 0, 50));
	IS_INT(zone_open(&zone, STR("Here"), &err), ERR_PARSE);
	OK(strstr(err.message, path) != NULL);
	unlink(path);
	IS_INT(mkdir(path, 0700), 0);
	IS_INT(zone_open(&zone, STR("Here"), &err), ERR_NOT_FOUND);
	rmdir(path);
	rmdir(dir);
	set_env("TZDIR", NULL);
}

static void posix_strings(void)
{
	struct zone *zone = NULL;
	struct err err = { 0 };

	IS_INT(zone_from_posix(&zone, STR(HAVANA), &err), 0);
	if (zone)
		IS_CSTR(zone_name(zone), HAVANA);
	zone_free(zone);
	IS_INT(zone_from_posix(&zone, STR("Europe/Berlin"), &err), ERR_PARSE);
	OK(zone == NULL);
	OK(strstr(err.message, "Europe/Berlin") && strstr(err.message, "CET-1CEST"));
}

static const struct tap_case cases[] = {
	TAP_CASE(days_by_rules),
	TAP_CASE(days_by_name),
	TAP_CASE(local_dates_and_clocks),
	TAP_CASE(before_the_epoch),
	TAP_CASE(ends_of_the_range),
	TAP_CASE(unknown_names),
	TAP_CASE(long_names_are_cut_in_the_message),
	TAP_CASE(names_are_kept),
	TAP_CASE(without_a_database),
	TAP_CASE(the_environments_zone),
	TAP_CASE(the_environments_path),
	TAP_CASE(the_machines_zone),
	TAP_CASE(linked_paths),
	TAP_CASE(agrees_with_the_c_library),
	TAP_CASE(rules_agree_with_the_c_library),
	TAP_CASE(a_database_elsewhere),
	TAP_CASE(posix_strings),
};
TAP_MAIN(cases)
