/*
 * Time zones, from the system's zoneinfo files (TZif, RFC 9636) and POSIX TZ strings, without
 * touching the process's own zone, so that several can be used at once.
 */
#ifndef TT_BASE_ZONE_H
#define TT_BASE_ZONE_H

#include "base/time.h"

struct zone;

/*
 * NAME: an IANA name ("Europe/Berlin"; never a path), "UTC", or a POSIX TZ string
 * ("CET-1CEST,M3.5.0,M10.5.0/3"). Empty: the machine's own zone: $TZ if set (a leading ':' is
 * allowed, there also a path; empty is UTC), else /etc/localtime, else UTC. ERR_NOT_FOUND names the
 * zone and the accepted forms; ERR_PARSE: its file is damaged. $TZDIR is honoured. UTC needs no
 * file.
 */
MUST_USE int zone_open(struct zone **out, struct str name, struct err *err);
/* A zone from a TZif file's bytes (RFC 9636). ERR_PARSE; also for files that count leap seconds. */
MUST_USE int zone_from_tzif(struct zone **out, struct str bytes, struct str name, struct err *err);
/*
 * A zone from a POSIX TZ string, which becomes its name; hours of change from -167 to 167 as RFC
 * 9636 extends it. Daylight time without rules follows those of the USA, as in glibc. ERR_PARSE.
 */
MUST_USE int zone_from_posix(struct zone **out, struct str text, struct err *err);
void zone_free(struct zone *zone);
void zone_freep(struct zone **zone);

/*
 * The zone's name: as given; for the machine's own what $TZ says, else the IANA name if
 * /etc/localtime (a link) or /etc/timezone tell it, else "UTC".
 */
const char *zone_name(const struct zone *zone);
/* Seconds east of UTC at an instant. */
int32_t zone_offset_s(const struct zone *zone, int64_t at_ns);
/* The local date at an instant. */
struct date zone_date(const struct zone *zone, int64_t at_ns);
/*
 * The instant of a local wall-clock time, SECONDS (0 to 86,399) after midnight of DATE. When the
 * clock shows it twice the earlier instant; when it is skipped the first instant after the gap.
 * Clamped to the range of instants.
 */
int64_t zone_instant(const struct zone *zone, struct date date, int32_t seconds);
/* `Tue 2026-02-03 14:32` style pieces for people: local hour, minute, second. */
void zone_clock(const struct zone *zone, int64_t at_ns, int *hour, int *minute, int *second);

#endif
