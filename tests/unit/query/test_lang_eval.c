/* What programs answer, beside what the golden cases show: values, operators, errors, functions. */
#include "lang_world.h"
#include "tap.h"

struct pair {
	const char *program, *answer;
};

static void check(struct world *world, const struct pair *pairs, size_t count)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct lang *lang = lang_new(NULL);
	struct err err;

	for (size_t i = 0; i < count; i++) {
		struct str got = world_ask(lang, world, pairs[i].program, &out, &err);

		tap_check(str_eq_c(got, pairs[i].answer), __FILE__, __LINE__,
			"%s\n# got  %.*s\n# want %s", pairs[i].program, STR_ARG(got),
			pairs[i].answer);
	}
	lang_free(lang);
	world_release(world);
}

static void evaluates(void)
{
	static const struct pair pairs[] = {
		{ "return 7 % 0 == 1;", "false" },
		{ "return [0/1, 5 % 0, (0-5) % 3, 1.5 * 4 - 1];", "[0.0,null,-2.0,5.0]" },
		{ "return 1/3;", "0.3333333333333333" },
		{ "return 0-0;", "0.0" },
		{ "return {\"b\": 1, \"a\": 2, \"b\": 3, \"$\": 4};",
			"{\"$\":4.0,\"a\":2.0,\"b\":3.0}" },
		{ "return {\"\\\"\n\": \"\t\"};", "{\"\\\"\\n\":\"\\t\"}" },
		{ "return [1] + [\"a\"] + [];", "[1.0,\"a\"]" },
		{ "return [[1], {\"a\": true}] == [[1], {\"a\": true}];", "true" },
		{ "return [5 % 0] == [5 % 0];", "false" },
		{ "return [1] == [\"1\"];", "false" },
		{ "return {} == {\"a\": 1};", "false" },
		{ "return contains([1, [2]], [2]);", "true" },
		{ "return contains({\"a\": 1}, \"a\");", "true" },
		{ "return contains([flood], flood);", "false" },
		{ "return x = 5;", "[]" },
		{ "return 1; x = RETURN + 1; return x;", "2.0" },
		{ "RETURN = 3;", "3.0" },
		{ "x = 1; if x == 2 { x = 3; } elif x == 1 { x = 4; } else { x = 5; } return x;",
			"4.0" },
		{ "if false { x = nosuch; } elif true {} elif nosuch {} return 1;", "1.0" },
		{ "flood = 1; return flood;", "1.0" },
		{ "return print(1, flood, []);", "[]" },
		{ "return [] == concat();", "true" },
		{ "return sum_durations([]);", "0.0" },
		{ "return query_bucket_names();", "[]" },
		{ "return TIMEINTERVAL;",
			"\"2020-01-01T00:00:00+00:00/2020-01-02T00:00:00+00:00\"" },
	};
	struct world world = { 0 };

	check(&world, pairs, ARRAY_LEN(pairs));
}

static void says_what_is_wrong(void)
{
	static const struct pair pairs[] = {
		{ "return 1 + \"a\";",
			"InvalidType(\"Cannot use operator + on Number(1) and String(a)\") at line 1, column 10" },
		{ "return\n  [1] - [2];",
			"InvalidType(\"Cannot use operator - on List([Number(1)]) and List([Number(2)])\") at line 2, column 7" },
		{ "return flood == flood;",
			"InvalidType(\"Cannot compare values of different types Function(flood) and Function(flood)\") at line 1, column 14" },
		{ "return print(1) == 1;",
			"InvalidType(\"Cannot compare values of different types None and Number(1)\") at line 1, column 17" },
		{ "x = 1; return x(2);", "InvalidType(\"x\") at line 1, column 15" },
		{ "return nosuch(1);", "VariableNotDefined(\"nosuch\") at line 1, column 8" },
		{ "x = \"a\\\"b\" * 2;",
			"InvalidType(\"Cannot use operator * on String(a\\\"b) and Number(2)\") at line 1, column 12" },
		{ "return flood();",
			"InvalidFunctionParameters(\"Expected 1 parameters in function, got 0\") at line 1, column 8" },
		{ "return find_bucket();",
			"InvalidFunctionParameters(\"Expected 2 parameters in function, got 0\") at line 1, column 8" },
		{ "return flood(1);",
			"InvalidFunctionParameters(\"Expected function parameter of type List of Events, got Number(1)\") at line 1, column 8" },
		{ "return contains({}, 1);",
			"InvalidFunctionParameters(\"function contains got second argument Number(1), expected type String\") at line 1, column 8" },
		{ "return flood;",
			"InvalidType(\"the result holds the function 'flood', which cannot be "
			"shown: is it missing its parentheses?\")" },
		{ "TIMEINTERVAL = 1; return query_bucket(\"b\");",
			"TimeIntervalError(\"TIMEINTERVAL is no String but Number(1)\") at line 1, column 26" },
		{ "return categorize([], [[[\"a\"], 1]]);",
			"InvalidFunctionParameters(\"Expected function parameter of type Dict, got Number(1)\") at line 1, column 8" },
		{ "return tag([], [[1, {\"type\": \"none\"}]]);",
			"InvalidFunctionParameters(\"Expected function parameter of type String, got Number(1)\") at line 1, column 8" },
		{ "return categorize([], [[[\"a\"], {\"type\": \"glob\"}]]);",
			"InvalidFunctionParameters(\"Unknown rule type 'glob': there are 'regex' and 'none'\") at line 1, column 8" },
		{ "return categorize([], [[[\"a\"], {\"type\": \"regex\"}]]);",
			"InvalidFunctionParameters(\"regex rule is missing the 'regex' field\") at line 1, column 8" },
		{ "return merge_events_by_keys([], [1]);",
			"InvalidFunctionParameters(\"Expected function parameter of type List of Strings, list contains Number(1)\") at line 1, column 8" },
		{ "return 1; )", "ParsingError(\"expected a value, found ')' (line 1, column "
				 "11)\")" },
		{ "", "EmptyQuery" },
	};
	struct world world = { 0 };

	world_bucket(&world, STR("b"), STR("h"));
	check(&world, pairs, ARRAY_LEN(pairs));
}

static void finds_buckets(void)
{
	static const struct pair pairs[] = {
		{ "return query_bucket_names();", "[\"w_one\",\"w_\",\"w_two\",\"W_\"]" },
		{ "return find_bucket(\"w_\");", "\"w_\"" },
		{ "return find_bucket(\"w\");", "\"w_one\"" },
		{ "return find_bucket(\"\");", "\"w_one\"" },
		{ "return find_bucket(\"w\", \"two\");", "\"w_two\"" },
		{ "return find_bucket(\"w_o\", \"two\");",
			"BucketQueryError(\"Failed to find bucket matching filter 'w_o' and hostname 'two'\") at line 1, column 8" },
		{ "return sum_durations(query_bucket(\"w_\"));", "2.0" },
		{ "return sum_durations(query_bucket(\"w_two\"));", "3.0" },
		{ "return query_bucket(\"w\");",
			"BucketQueryError(\"Failed to query bucket: NoSuchBucket(\\\"w\\\")\") at line 1, column 8" },
	};
	static struct world world;
	const char *ids[] = { "w_one", "w_", "w_two", "W_" };

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		world_bucket(&world, str_from(ids[i]), i == 2 ? STR("two") : STR("one"));
		world_event(&world, i, 1, WORLD_START_NS, ((int64_t)i + 1) * NS_PER_S, STR("{}"));
	}
	check(&world, pairs, ARRAY_LEN(pairs));
}

#define RULE(name, more) "[" name ", {\"type\": \"regex\", \"regex\": " more "}]"

/* Escapes in keys and values, values that are no strings, rules for some keys. */
static void applies_rules(void)
{
	static const struct pair pairs[] = {
		{ "e = query_bucket(\"b\"); return tag(e, [" RULE("\"z\"", "\"say\"") ", " RULE(
			  "\"a\"", "\"^line\nbreak$\"") ", " RULE("\"z\"", "\"7\"") "]);",
			"[{\"data\":{\"$tags\":[\"a\",\"z\"],\"a\":\"line\\nbreak\",\"n\":7,"
			"\"q\\\"k\":\"say \\\"hi\\\"\"},\"duration\":1.0,\"id\":1,\"timestamp\":"
			"\"2020-01-01T00:00:00Z\"}]" },
		{ "e = query_bucket(\"b\"); return tag(e, [" RULE(
			  "\"x\"", "\"say\", \"select_keys\": [\"a\"]") ", " RULE("\"y\"",
			  "\"SAY .hi\", \"ignore_case\": true, \"select_keys\": [\"q\\\"k\"]") "]);",
			"[{\"data\":{\"$tags\":[\"y\"],\"a\":\"line\\nbreak\",\"n\":7,\"q\\\"k\":"
			"\"say \\\"hi\\\"\"},\"duration\":1.0,\"id\":1,\"timestamp\":"
			"\"2020-01-01T00:00:00Z\"}]" },
		{ "e = query_bucket(\"b\"); c = categorize(e, [" RULE("[\"deep\", \"one\"]",
			  "\"say\", \"select_keys\": [\"q\\\"k\"]") ", " RULE("[\"flat\"]",
			  "\"line\"") "]); return sum_durations(filter_keyvals(c, "
				      "\"$category\", [[\"deep\", \"one\"]]));",
			"1.0" },
		{ "e = query_bucket(\"b\"); c = categorize(e, [" RULE("[\"flat\"]",
			  "\"say\", \"select_keys\": [\"q\\\"k\"]") ", " RULE("[\"deep\", \"one\"]",
			  "\"line\"") "]); return "
				      "sum_durations(filter_keyvals("
				      "c, \"$category\", [[\"deep\", "
				      "\"one\"]]));",
			"1.0" },
		{ "e = query_bucket(\"b\"); c = categorize(categorize(e, [" RULE(
			  "[\"x\"]", "\"line\"") "]), []); return sum_durations(filter_keyvals(c, "
						 "\"$category\", [[\"Uncategorized\"]]));",
			"1.0" },
		{ "return filter_keyvals(query_bucket(\"b\"), \"q\\\"k\", [1, \"say "
		  "\\\"hi\\\"\"]) == query_bucket(\"b\");",
			"true" },
		{ "return filter_keyvals_regex(query_bucket(\"b\"), \"q\\\"k\", \"^say "
		  ".hi.$\") == query_bucket(\"b\");",
			"true" },
		{ "return sum_durations(exclude_keyvals(query_bucket(\"b\"), \"n\", [7]));",
			"1.0" },
	};
	static struct world world;

	world_bucket(&world, STR("b"), STR("h"));
	/* As another program may have written it: not sorted, white space, other escapes. */
	world_event(&world, 0, 1, WORLD_START_NS, NS_PER_S,
		STR("{ \"q\\u0022k\" : \"say \\u0022hi\\u0022\", \"n\":7, \"a\":\"line\\u000abreak\" "
		    "}"));
	check(&world, pairs, ARRAY_LEN(pairs));
}

/* A value of two objects, in the first of which a better rule makes it unimportant. */
static void looks_at_each_value(void)
{
	static const struct pair pairs[] = {
		{ "e = categorize(query_bucket(\"b\"), [" RULE("[\"low\"]", "\"weak\"") ", " RULE(
			  "[\"high\"]", "\"strong\"") "]); return [sum_durations(filter_keyvals("
						      "e, \"$category\", [[\"high\"]])), "
						      "sum_durations(filter_keyvals(e, "
						      "\"$category\", [[\"low\"]]))];",
			"[1.0,2.0]" },
	};
	static struct world world;

	world_bucket(&world, STR("b"), STR("h"));
	world_event(&world, 0, 3, WORLD_START_NS, 2 * NS_PER_S,
		STR("{\"a\":\"other\",\"b\":\"weak\"}"));
	world_event(&world, 0, 2, WORLD_START_NS + 5 * NS_PER_S, NS_PER_S,
		STR("{\"a\":\"strong\",\"b\":\"weak\"}"));
	check(&world, pairs, ARRAY_LEN(pairs));
}

/* What no watcher sends, but a store may hold. */
static void bears_odd_events(void)
{
	static const struct pair pairs[] = {
		{ "return query_bucket(\"odd\");", "[]" },
		{ "return flood(query_bucket(\"ends\"));",
			"[{\"data\":{},\"duration\":86400.0,\"id\":2,\"timestamp\":"
			"\"2020-01-01T00:00:00Z\"}]" },
		{ "TIMEINTERVAL = \"1678-01-01T00:00:00Z/2262-01-01T00:00:00Z\"; e = "
		  "query_bucket(\"ends\"); u = union_no_overlap(flood(e), period_union(e, e)); "
		  "return sum_durations(filter_period_intersect(u, e) + "
		  "merge_events_by_keys(u, []));",
			"9214646401.0" },
		{ "TIMEINTERVAL = \"1678-01-01T00:00:00Z/2262-01-01T00:00:00Z\"; e = "
		  "query_bucket(\"ends\"); return sum_durations(concat(e, e, e));",
			"9223372036.854" },
		{ "return query_bucket(\"negative\");",
			"[{\"data\":{},\"duration\":0.0,\"id\":1,\"timestamp\":"
			"\"2020-01-01T00:00:05Z\"}]" },
		{ "TIMEINTERVAL = \"1969-12-31T23:59:59Z/1970-01-01T00:00:01Z\"; return "
		  "query_bucket(\"early\");",
			"[{\"data\":{},\"duration\":1e-9,\"id\":null,\"timestamp\":"
			"\"1969-12-31T23:59:59.999999999Z\"}]" },
	};
	static struct world world;
	const char *data[] = { "[1]", "not json", "{\"a\":1e999}", "" };

	world_bucket(&world, STR("odd"), STR("h"));
	for (size_t i = 0; i < ARRAY_LEN(data); i++)
		world_event(&world, 0, (int64_t)i, WORLD_START_NS, NS_PER_S, str_from(data[i]));
	world_bucket(&world, STR("ends"), STR("h"));
	world_event(&world, 1, 1, INT64_MIN + 2, NS_PER_S, STR("{}"));
	world_event(&world, 1, 2, -NS_PER_S, INT64_MAX, STR("{}"));
	world_bucket(&world, STR("negative"), STR("h"));
	world_event(&world, 2, 1, WORLD_START_NS + 5 * NS_PER_S, -3 * NS_PER_S, STR("{}"));
	world_bucket(&world, STR("early"), STR("h"));
	world_event(&world, 3, INT64_MIN, -1, 1, STR("{}"));
	check(&world, pairs, ARRAY_LEN(pairs));
}

/* Durations and times around the borders of their forms. */
static void prints_numbers_exactly(void)
{
	static const struct {
		int64_t start_ns, duration_ns;
		const char *duration, *timestamp;
	} events[] = {
		{ 0, 1, "1e-9", "00:00:00Z" },
		{ 1, 9999, "9.999e-6", "00:00:00.000000001Z" },
		{ 1000, 10000, "0.00001", "00:00:00.000001Z" },
		{ 1000000, 100, "1e-7", "00:00:00.001Z" },
		{ 100000000, NS_PER_S / 10, "0.1", "00:00:00.100Z" },
		{ 123456789, 8199999999, "8.199999999", "00:00:00.123456789Z" },
		{ 5 * NS_PER_S, 43200 * NS_PER_S + 1, "43200.000000001", "00:00:05Z" },
	};
	CLEANUP(buf_release) struct buf out = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		struct lang *lang = lang_new(NULL);
		static struct world world;
		struct err err;
		struct str got;
		char want[200];

		world_bucket(&world, STR("b"), STR("h"));
		world_event(&world, 0, 1, WORLD_START_NS + events[i].start_ns,
			events[i].duration_ns, STR("{}"));
		got = world_ask(lang, &world, "return query_bucket(\"b\");", &out, &err);
		snprintf(want, sizeof(want),
			"[{\"data\":{},\"duration\":%s,\"id\":1,\"timestamp\":\"2020-01-01T%s\"}]",
			events[i].duration, events[i].timestamp);
		IS_STR(got, want);
		world_release(&world);
		lang_free(lang);
	}
}

/* A list of events may grow into one that holds other things too. */
static void mixes_lists(void)
{
	static const struct pair pairs[] = {
		{ "e = query_bucket(\"b\"); return e + [1];",
			"[{\"data\":{},\"duration\":1.0,\"id\":1,\"timestamp\":"
			"\"2020-01-01T00:00:00Z\"},1.0]" },
		{ "e = query_bucket(\"b\"); return ([1] + e) == ([1] + e);", "true" },
		{ "e = query_bucket(\"b\"); return [e, [1] + e] == [e, [2] + e];", "false" },
		{ "e = query_bucket(\"b\"); return (e + []) == ([] + e);", "true" },
		{ "e = query_bucket(\"b\"); return e == [1];", "false" },
		{ "e = query_bucket(\"b\"); return limit_events(e, 0) == [];", "true" },
		{ "e = query_bucket(\"b\"); return contains(e, 1);", "false" },
		{ "e = query_bucket(\"b\"); return contains([e], flood(e));", "true" },
		{ "e = query_bucket(\"b\"); return flood(e + [1]);",
			"InvalidFunctionParameters(\"Expected function parameter of type List of Events, list contains Number(1)\") at line 1, column 31" },
		{ "e = query_bucket(\"b\"); return filter_keyvals(e, \"a\", e);",
			"InvalidFunctionParameters(\"Query2 support for parsing values is limited, does not support parsing Event\") at line 1, column 31" },
		{ "e = query_bucket(\"b\"); return filter_keyvals(e, \"a\", [1] + e);",
			"InvalidFunctionParameters(\"Query2 support for parsing values is limited, does not support parsing Event(...)\") at line 1, column 31" },
		{ "e = query_bucket(\"b\"); return [period_union(e, e), union_no_overlap(e, e)] "
		  "== [period_union(e, []), e];",
			"true" },
	};
	static struct world world;

	world_bucket(&world, STR("b"), STR("h"));
	world_event(&world, 0, 1, WORLD_START_NS, NS_PER_S, STR("{}"));
	check(&world, pairs, ARRAY_LEN(pairs));
}

static const struct tap_case cases[] = {
	TAP_CASE(evaluates),
	TAP_CASE(says_what_is_wrong),
	TAP_CASE(finds_buckets),
	TAP_CASE(applies_rules),
	TAP_CASE(looks_at_each_value),
	TAP_CASE(bears_odd_events),
	TAP_CASE(prints_numbers_exactly),
	TAP_CASE(mixes_lists),
};
TAP_MAIN(cases)
