/* Building and parsing event ids; see id.h for the form. */
#include "model/id.h"

#include "base/time.h"
#include "base/uuid.h"

enum { ID_TIME_BYTES = 24 }; /* 2026-02-03T14:32:01.250Z */

void id_add_machine(struct buf *out, struct str machine)
{
	char *to = buf_reserve(out, machine.len);

	for (size_t i = 0; i < machine.len; i++) {
		char c = machine.ptr[i];

		to[i] = c >= 'A' && c <= 'F' ? (char)(c + ('a' - 'A')) : c;
	}
	to[machine.len] = '\0';
	out->len += machine.len;
}

void id_build(struct buf *out, struct str machine, struct str source, struct str type,
	int64_t at_ns, struct str discriminator)
{
	char time[TIME_TEXT_BYTES];

	id_add_machine(out, machine);
	buf_byte(out, ':');
	buf_add(out, source);
	buf_byte(out, ':');
	buf_add(out, type);
	buf_byte(out, ':');
	buf_addc(out, time_format(time_floor_ms(at_ns), 3, time));
	buf_byte(out, ':');
	buf_add(out, discriminator);
}

struct str id_machine(struct str id)
{
	struct str machine = str_sub(id, 0, UUID_BYTES);

	if (id.len <= UUID_BYTES || id.ptr[UUID_BYTES] != ':' || !uuid_valid(machine))
		return (struct str){ NULL, 0 };
	return machine;
}

/* The first BYTES of REST as an instant, with a colon behind them. */
static bool time_at(struct str rest, size_t bytes, int64_t *at_ns, struct str *discriminator)
{
	struct err ignored;

	if (bytes >= rest.len || rest.ptr[bytes] != ':' ||
		time_parse(str_sub(rest, 0, bytes), at_ns, &ignored) < 0)
		return false;
	*discriminator = str_sub(rest, bytes + 1, rest.len);
	return true;
}

/*
 * Split "{timestamp}:{discriminator}". Mostly the timestamp is in canonical form; else it is what
 * stands before the colon that makes it a valid instant: it holds at least two colons itself and,
 * with an offset, three.
 */
static bool split_time(
	struct str rest, int64_t *at_ns, struct str *discriminator, size_t *time_bytes)
{
	ptrdiff_t colon = str_find(rest, ':', 0);

	*time_bytes = ID_TIME_BYTES;
	if (time_at(rest, *time_bytes, at_ns, discriminator))
		return true;
	for (int tries = 0; tries < 4 && colon >= 0 && colon <= TIME_TEXT_BYTES; tries++) {
		*time_bytes = (size_t)colon;
		if (time_at(rest, *time_bytes, at_ns, discriminator))
			return true;
		colon = str_find(rest, ':', (size_t)colon + 1);
	}
	return false;
}

static bool is_lower_uuid(struct str machine)
{
	for (size_t i = 0; i < machine.len; i++)
		if (machine.ptr[i] >= 'A' && machine.ptr[i] <= 'F')
			return false;
	return true;
}

static bool parse_rest(struct str rest, struct event_id *out)
{
	char text[TIME_TEXT_BYTES];
	size_t time_bytes;
	int64_t at_ns;

	out->source = str_split(&rest, ':');
	out->type = str_split(&rest, ':');
	if (out->source.len == 0 || out->type.len == 0 ||
		!split_time(rest, &at_ns, &out->discriminator, &time_bytes))
		return false;
	out->at_ms = time_floor_ms(at_ns) / NS_PER_MS;
	out->canonical = time_bytes == ID_TIME_BYTES && is_lower_uuid(out->machine) &&
			 str_eq_c(str_sub(rest, 0, time_bytes),
				 time_format(out->at_ms * NS_PER_MS, 3, text));
	return true;
}

bool id_parse(struct str id, struct event_id *out)
{
	struct str machine = id_machine(id);

	*out = (struct event_id){ .machine = machine };
	if (machine.len == 0)
		return false;
	if (parse_rest(str_sub(id, UUID_BYTES + 1, id.len), out))
		return true;
	*out = (struct event_id){ .machine = machine };
	return false;
}
