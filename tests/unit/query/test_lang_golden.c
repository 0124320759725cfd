/*
 * What ActivityWatch's own server answered, for the cases of tests/data/query/golden.jsonl: the
 * same bytes, save for the differences listed here and in docs/query-language.md (where the order
 * is random there, the case holds the one order that is ours). Each case is run twice on one engine
 * and twice on one of its own that keeps nothing: what is remembered changes nothing.
 */
#include "base/fs.h"
#include "lang_world.h"
#include "tap.h"

static const struct {
	int64_t n;
	const char *why;
	const char *error; /* what the message begins with */
} differences[] = {
	{ 30, "an unknown character is an error, not the end", "ParsingError(\"unknown character" },
	{ 115, "not a number is an error, not a crash", "InvalidFunctionParameters(\"" },
	{ 123, "PCRE2 words it in its own way",
		"RegexCompileError(\"Failed to compile regex string '('" },
	{ 130, "no nested quotes",
		"RegexCompileError(\"Failed to compile regex string 'x': select_keys must not be "
		"empty" },
};

static void add_events(struct world *world, const struct json *events, size_t bucket)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct json_iter iter = json_iter(events);
	const struct json *event;
	struct str key;

	while (json_next(&iter, &key, &event)) {
		struct json_writer writer = json_writer(&text);
		int64_t number = 0, start_ns = 0;
		double seconds = 0;
		struct err err;

		buf_clear(&text);
		json_put_value(&writer, json_get(event, "data"));
		OK(json_get_i64(event, "id", &number) &&
			json_to_double(json_get(event, "duration"), &seconds) &&
			time_parse(json_get_str(event, "timestamp"), &start_ns, &err) == 0);
		world_event(
			world, bucket, number, start_ns, (int64_t)(seconds * 1e9), buf_str(&text));
	}
}

static void add_buckets(struct world *world, const struct json *buckets)
{
	struct json_iter iter = json_iter(buckets);
	const struct json *bucket;
	struct str key;

	while (json_next(&iter, &key, &bucket))
		add_events(world, json_get(bucket, "events"),
			world_bucket(world, json_get_str(bucket, "id"),
				json_get_str(bucket, "hostname")));
}

static struct str program_of(const struct json *request, struct buf *text)
{
	struct json_iter iter = json_iter(json_get(request, "query"));
	const struct json *line;
	struct str key;

	while (json_next(&iter, &key, &line)) {
		if (text->len > 0)
			buf_byte(text, '\n');
		buf_add(text, json_str(line));
	}
	return buf_str(text);
}

static const char *expected_difference(int64_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(differences); i++)
		if (differences[i].n == n)
			return differences[i].error;
	return NULL;
}

/* An error begins as theirs does; behind it comes the place. */
static void check_error(const struct json *root, int64_t n, struct str got)
{
	struct str want = json_get_str(root, "error");
	const char *instead = expected_difference(n);

	if (instead)
		want = str_from(instead);
	else if (str_ends(want, STR("\")")))
		want = str_sub(want, 0, want.len - 2);
	tap_check(want.len > 0 && str_starts(got, want), __FILE__, __LINE__,
		"case %lld: got '%.*s', want '%.*s...'", (long long)n, STR_ARG(got), STR_ARG(want));
}

static void check_case(struct lang *lang, const struct json *root)
{
	CLEANUP(buf_release) struct buf program = BUF_INIT, out = BUF_INIT;
	static struct world world;
	const struct json *wanted = json_get(root, "request"), *line;
	struct json_iter iter = json_iter(json_get(wanted, "timeperiods"));
	struct str periods[4], key;
	struct lang_request request = { .periods = periods };
	struct lang_source source;
	enum lang_kind kind;
	struct err err;
	int64_t n = 0;

	OK(json_get_i64(root, "n", &n));
	add_buckets(&world, json_get(root, "buckets"));
	source = world_source(&world);
	source.identity = (uint64_t)n + 1000;
	while (json_next(&iter, &key, &line) && request.period_count < ARRAY_LEN(periods))
		periods[request.period_count++] = json_str(line);
	request.program = program_of(wanted, &program);
	for (int round = 0; round < 2; round++) {
		struct str want = json_get_str(root, "expect_text");

		buf_clear(&out);
		if (lang_run(lang, &source, &request, &out, &kind, &err) < 0)
			check_error(root, n, str_from(err.message));
		else
			tap_check(str_eq(buf_str(&out), want), __FILE__, __LINE__,
				"case %lld: got %s, want %.*s", (long long)n, buf_cstr(&out),
				STR_ARG(want));
	}
	world_release(&world);
}

static void answers_are_the_same(void)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT, path = BUF_INIT;
	const char *data = getenv("TEST_DATA");
	struct lang *shared = lang_new(NULL);
	struct json_parser parser = { 0 };
	struct err err;
	struct str rest;
	int cases = 0;

	buf_printf(&path, "%s/query/golden.jsonl", data ? data : "tests/data");
	if (!OK(fs_read(buf_cstr(&path), 16 << 20, &text, &err) == 0))
		return;
	for (rest = buf_str(&text); rest.len > 0; cases++) {
		struct lang_options options = { .cache_bytes = 1 };
		struct str line = str_split(&rest, '\n');
		struct lang *own = lang_new(&options);
		const struct json *root;

		if (OK(json_parse(&parser, line, false, &root, &err) == 0)) {
			check_case(shared, root);
			check_case(own, root);
		}
		lang_free(own);
	}
	OK(cases > 100);
	json_parser_release(&parser);
	lang_free(shared);
}

static const struct tap_case cases[] = {
	TAP_CASE(answers_are_the_same),
};
TAP_MAIN(cases)
