/* Keys of items: how often a name of a kind came, by the hash of both. */
#include "collect/cline/keys.h"

#include "base/hash.h"

struct cline_tally {
	uint64_t name;
	int64_t count;
};

static struct cline_tally *slot_of(struct cline_tally *tallies, size_t slots, uint64_t name)
{
	size_t at = (size_t)name;

	while (tallies[at & (slots - 1)].count > 0 && tallies[at & (slots - 1)].name != name)
		at++;
	return &tallies[at & (slots - 1)];
}

static int64_t count_name(struct cline_keys *keys, struct arena *arena, uint64_t name)
{
	struct cline_tally *tally;

	if (keys->count * 2 >= keys->slots) {
		size_t slots = keys->slots ? keys->slots * 2 : 64;
		struct cline_tally *grown = arena_zalloc(arena, slots, sizeof(*grown));

		for (size_t i = 0; i < keys->slots; i++)
			if (keys->tallies[i].count > 0)
				*slot_of(grown, slots, keys->tallies[i].name) = keys->tallies[i];
		keys->tallies = grown;
		keys->slots = slots;
	}
	tally = slot_of(keys->tallies, keys->slots, name);
	keys->count += tally->count == 0;
	tally->name = name;
	return ++tally->count;
}

struct agent_item *cline_add_item(struct cline_keys *keys, struct agent_session *session,
	enum agent_kind kind, struct str name, int64_t at_ns)
{
	CLEANUP(buf_release) struct buf key = BUF_INIT;
	size_t start, end;
	int64_t number;

	buf_add(&key, session->id);
	buf_byte(&key, ':');
	start = key.len;
	buf_add(&key, name);
	end = key.len;
	/* A name with a number may be another one's whole name: it is counted too. */
	while ((number = count_name(keys, session->arena,
			hash64(str_sub(buf_str(&key), start, key.len), (uint64_t)kind))) > 1) {
		key.len = end;
		buf_printf(&key, ":%lld", (long long)number);
	}
	return agent_item(session, kind, arena_str(session->arena, buf_str(&key)), at_ns);
}

void cline_read_tokens(const struct json *usage, const char *const names[static AGENT_TOKENS],
	int64_t tokens[static AGENT_TOKENS])
{
	int64_t value;

	for (int i = 0; i < AGENT_TOKENS; i++)
		if (names[i] && json_get_i64(usage, names[i], &value) && value >= 0)
			tokens[i] = value;
}
