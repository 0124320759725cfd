/* Property: a canonical id is exactly what its parts build; any id that parses is canonical once
 * rebuilt, with the same parts. */
#include "base/err.h"
#include "base/time.h"
#include "model/id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same_parts(const struct event_id *a, const struct event_id *b)
{
	return str_eq(a->source, b->source) && str_eq(a->type, b->type) && a->at_ms == b->at_ms &&
	       str_eq(a->discriminator, b->discriminator);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct buf rebuilt CLEANUP(buf_release) = BUF_INIT;
	struct event_id id, again;

	if (!id_parse(text, &id)) {
		ASSERT(str_eq(id.machine, id_machine(text)));
		ASSERT(id.source.len == 0 && id.discriminator.len == 0 && !id.canonical);
		return 0;
	}
	id_build(&rebuilt, id.machine, id.source, id.type, id.at_ms * NS_PER_MS, id.discriminator);
	ASSERT(id.canonical == str_eq(text, buf_str(&rebuilt)));
	ASSERT(id_parse(buf_str(&rebuilt), &again));
	ASSERT(again.canonical && same_parts(&id, &again));
	return 0;
}
