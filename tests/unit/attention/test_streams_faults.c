/* Every call to the disk fails once: an update or an edit that fails has changed nothing, and works
 * the next time. */
#include <sqlite3.h>

#include "../../lib/fault_vfs.h"
#include "attention/edit.h"
#include "fixture.h"

enum { MOST_CALLS = 3000 };

#define CWD(dir) "{\"pane_id\":\"%1\",\"cwd\":\"" dir "\"}"
#define SESSION(id, more) "{\"session_id\":\"" id "\"" more "}"
#define TOOL "agent_tool_use"

static int update(struct fixture *fixture)
{
	return streams_update(fixture->store, &fixture_params, false, &fixture->err);
}

static int classify(struct fixture *fixture)
{
	struct classify_result result;

	return classify_apply(fixture->store,
		STR("{\"streams\":[{\"name\":\"A\",\"tags\":[\"t\"]}],"
		    "\"assign_by_session\":[{\"session_id\":\"s\",\"stream\":\"A\"}],"
		    "\"assign_by_pattern\":[{\"cwd_like\":\"/h/q\",\"stream\":\"A\"}]}"),
		&result, &fixture->err);
}

static int split(struct fixture *fixture)
{
	char id[37];

	return edit_split(fixture->store, fixture_stream(fixture, "p"), minute(10), STR("second"),
		id, &fixture->err);
}

static struct fixture prepared(void)
{
	struct fixture fixture = fixture_open();

	PUT(&fixture, { .at = 0, .data = CWD("/h/p") }, { .at = 50, .data = CWD("/h/p") },
		{ .type = TOOL, .at = 5, .data = SESSION("s", ",\"cwd\":\"/h/p\"") });
	fixture_load(&fixture);
	PUT(&fixture, { .at = 25, .data = CWD("/h/p") }, { .at = 20, .data = CWD("/h/q") },
		{ .type = TOOL, .at = 300, .data = SESSION("s/agent-1", "") });
	return fixture;
}

/* Names and counts of everything, brought up to date without faults. */
static void describe(struct fixture *fixture, struct buf *out)
{
	fixture_load(fixture);
	for (size_t i = 0; i < stream_set_count(fixture->set); i++) {
		const struct stream *stream = stream_set_get(fixture->set, (int32_t)i);

		buf_printf(out, "%.*s %lld %zu; ", STR_ARG(stream->name), (long long)stream->events,
			stream->tag_count);
	}
}

/* Returns whether the act failed. */
static bool one_fault(struct fixture *fixture, int (*act)(struct fixture *), long n, bool *met)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct buf *out = &text;
	int rc;

	fault_vfs_arm(n, SQLITE_IOERR_WRITE, n % 2 == 0);
	rc = act(fixture);
	*met = fault_vfs_disarm();
	if (!*met || act == update) {
		OK(*met || rc == 0);
	} else if (rc < 0) {
		/* Nothing was done by halves. */
		describe(fixture, out);
		IS_STR(buf_str(out), "p 5 0; q 1 0; ");
	}
	if (rc < 0)
		OK_RC(fixture, act(fixture));
	buf_clear(out);
	describe(fixture, out);
	if (act == update)
		IS_STR(buf_str(out), "p 5 0; q 1 0; ");
	else if (act == classify)
		IS_STR(buf_str(out), "A 3 1; p 3 0; ");
	else
		IS_INT(stream_set_count(fixture->set), 3);
	return rc < 0;
}

static void every_fault(int (*act)(struct fixture *))
{
	bool met = true;
	int failures = 0;

	for (long n = 1; met && n < MOST_CALLS && !tap.failed; n++) {
		struct fixture fixture = prepared();

		if (act != update)
			fixture_load(&fixture);
		failures += one_fault(&fixture, act, n, &met);
		fixture_close(&fixture);
	}
	OK(!met);
	OK(failures > 5);
}

static void updates(void)
{
	every_fault(update);
}

static void classifications(void)
{
	every_fault(classify);
}

static void splits(void)
{
	every_fault(split);
}

static const struct tap_case cases[] = {
	TAP_CASE(updates),
	TAP_CASE(classifications),
	TAP_CASE(splits),
};

int main(int argc, char **argv)
{
	fault_vfs_install();
	return tap_main(cases, ARRAY_LEN(cases), argc, argv);
}
