/* JSON as text in pieces: what is opened, and what changes do to it. */
#include "collect/copilot/state.h"
#include "tap.h"

static struct arena arena;

static enum copilot_opened open_text(const char *text)
{
	struct copilot_node node = copilot_node(str_from(text));

	return copilot_open(&arena, &node);
}

static void levels_are_opened(void)
{
	CLEANUP(buf_release) struct buf scratch = BUF_INIT;
	struct copilot_node node = copilot_node(
		STR(" {\"a\\u0062\" : [1, \"]\\\"\"] , \"c\":{\"d\":null}, \"\":tru } \n"));

	if (!OK(copilot_open(&arena, &node) == COPILOT_OPEN) || !IS_INT(node.count, 3))
		return;
	IS_STR(node.members[0].key, "ab");
	IS_STR(copilot_text(copilot_get(&node, STR("ab")), &scratch), "[1, \"]\\\"\"]");
	IS_STR(copilot_text(copilot_get(&node, STR("c")), &scratch), "{\"d\":null}");
	IS_STR(copilot_text(copilot_get(&node, STR("")), &scratch), "tru");
	OK(!copilot_get(&node, STR("x")));
	OK(copilot_open(&arena, copilot_get(&node, STR("ab"))) == COPILOT_OPEN);
	IS_STR(copilot_text(&node, &scratch), "{\"ab\":[1,\"]\\\"\"],\"c\":{\"d\":null},\"\":tru}");
	IS_INT(open_text("[]"), COPILOT_OPEN);
	IS_INT(open_text("17"), COPILOT_CLOSED);
	IS_INT(open_text("\"[\""), COPILOT_CLOSED);
	IS_INT(open_text(""), COPILOT_CUT);
	IS_INT(open_text("{\"a\":[1,2"), COPILOT_CUT);
	IS_INT(open_text("{\"a\":1,"), COPILOT_CUT);
	IS_INT(open_text("{\"a"), COPILOT_CUT);
	IS_INT(open_text("{\"a\\\"}"), COPILOT_CUT);
	IS_INT(open_text("{\"a\" 1}"), COPILOT_BROKEN);
	IS_INT(open_text("[1 2]"), COPILOT_BROKEN);
	IS_INT(open_text("[,]"), COPILOT_BROKEN);
	IS_INT(open_text("{1:2}"), COPILOT_BROKEN);
	IS_INT(open_text("[] x"), COPILOT_BROKEN);
}

static void too_large_levels_stay_closed(void)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct copilot_node node;

	buf_addc(&text, "[0");
	for (int i = 1; i < COPILOT_MEMBERS; i++)
		buf_addc(&text, ",0");
	buf_byte(&text, ']');
	node = copilot_node(buf_str(&text));
	IS_INT(copilot_open(&arena, &node), COPILOT_OPEN);
	IS_INT(node.count, COPILOT_MEMBERS);
	text.len--;
	buf_addc(&text, ",0]");
	node = copilot_node(buf_str(&text));
	IS_INT(copilot_open(&arena, &node), COPILOT_CLOSED);
	IS_INT(copilot_open(&arena, &node), COPILOT_CLOSED);
	IS_INT(copilot_text(&node, NULL).len, text.len);
}

static void repeated_keys_are_their_first(void)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT, scratch = BUF_INIT;
	struct copilot_node node;

	buf_byte(&text, '{');
	for (int i = 0; i < 200; i++)
		buf_printf(&text, "%s\"%d\":%d", i ? "," : "", i % 100, i);
	buf_byte(&text, '}');
	node = copilot_node(buf_str(&text));
	if (!OK(copilot_open(&arena, &node) == COPILOT_OPEN) || !IS_INT(node.count, 100))
		return;
	IS_STR(copilot_text(copilot_get(&node, STR("99")), &scratch), "99");
	OK(!copilot_get(&node, STR("100")));
}

/* CHANGE, an entry of a log, done to STATE; then what became of it. FAULT tells whether it failed.
 */
static const char *changed(const char *state, const char *change, bool *fault)
{
	CLEANUP(buf_release) struct buf scratch = BUF_INIT;
	struct copilot_node root = copilot_node(str_from(state)), line, *value, *values;
	struct json_parser parser = { 0 };
	const struct json *entry, *path;
	const char *wrong = NULL;
	struct err err;
	int64_t kind = 0;

	line = copilot_node(str_from(change));
	OK(copilot_open(&arena, &line) == COPILOT_OPEN);
	OK(json_parse(&parser, str_from(change), false, &entry, &err) == 0);
	json_get_i64(entry, "kind", &kind);
	path = json_get(entry, "k");
	value = values = copilot_get(&line, STR("v"));
	if (kind == 1)
		wrong = copilot_set(&arena, &root, path, value->text);
	else if (kind == 3)
		wrong = copilot_delete(&arena, &root, path);
	else {
		if (values)
			OK(copilot_open(&arena, values) == COPILOT_OPEN);
		wrong = copilot_push(&arena, &root, path, values, json_get(entry, "i"));
	}
	json_parser_release(&parser);
	*fault = wrong != NULL;
	return arena_cstr(&arena, copilot_text(&root, &scratch));
}

static void changes_are_done_or_refused(void)
{
	static const struct {
		const char *state, *change, *want;
		bool fault;
	} cases[] = {
		{ "{\"a\":1}", "{\"kind\":1,\"k\":[\"a\"],\"v\":[2]}", "{\"a\":[2]}", false },
		{ "{}", "{\"kind\":1,\"k\":[\"b\"],\"v\":2}", "{\"b\":2}", false },
		{ "{\"a\":[1,2]}", "{\"kind\":1,\"k\":[\"a\",1],\"v\":3}", "{\"a\":[1,3]}", false },
		{ "{\"a\":[1]}", "{\"kind\":1,\"k\":[\"a\",\"0\"],\"v\":3}", "{\"a\":[3]}", false },
		{ "{\"a\":[1]}", "{\"kind\":1,\"k\":[\"a\",1],\"v\":3}", "{\"a\":[1,3]}", false },
		{ "{\"a\":[1]}", "{\"kind\":1,\"k\":[\"a\",3],\"v\":3}", "{\"a\":[1,null,null,3]}",
			true },
		{ "{\"a\":[1]}", "{\"kind\":1,\"k\":[\"a\",1026],\"v\":3}", "{\"a\":[1]}", true },
		{ "{\"a\":[1]}", "{\"kind\":1,\"k\":[\"a\",-1],\"v\":3}", "{\"a\":[1]}", true },
		{ "{\"a\":[1]}", "{\"kind\":1,\"k\":[\"a\",1152921504606846976],\"v\":3}",
			"{\"a\":[1]}", true },
		{ "{\"a\":[1]}", "{\"kind\":1,\"k\":[\"a\",1e300],\"v\":3}", "{\"a\":[1]}", true },
		{ "{\"a\":[1]}", "{\"kind\":1,\"k\":[\"a\",\"length\"],\"v\":0}", "{\"a\":[1]}",
			true },
		{ "{\"a\":1}", "{\"kind\":1,\"k\":[\"a\",\"b\"],\"v\":3}", "{\"a\":1}", true },
		{ "{\"a\":1}", "{\"kind\":1,\"k\":[\"x\",\"b\"],\"v\":3}", "{\"a\":1}", true },
		{ "{\"a\":1}", "{\"kind\":1,\"k\":\"a\",\"v\":3}", "{\"a\":1}", true },
		{ "{\"7\":1}", "{\"kind\":1,\"k\":[7],\"v\":3}", "{\"7\":3}", false },
		{ "{\"a\":1,\"b\":2,\"c\":3}", "{\"kind\":3,\"k\":[\"b\"]}", "{\"a\":1,\"c\":3}",
			false },
		{ "{\"a\":1}", "{\"kind\":3,\"k\":[\"b\"]}", "{\"a\":1}", false },
		{ "{\"a\":[1,2]}", "{\"kind\":3,\"k\":[\"a\",0]}", "{\"a\":[null,2]}", false },
		{ "{\"a\":1}", "{\"kind\":3,\"k\":[\"b\",\"c\"]}", "{\"a\":1}", true },
		{ "{\"a\":[1]}", "{\"kind\":2,\"k\":[\"a\"],\"v\":[2,3]}", "{\"a\":[1,2,3]}",
			false },
		{ "{\"a\":[1,2,3]}", "{\"kind\":2,\"k\":[\"a\"],\"v\":[9],\"i\":1}",
			"{\"a\":[1,9]}", false },
		{ "{\"a\":[1,2,3]}", "{\"kind\":2,\"k\":[\"a\"],\"i\":0}", "{\"a\":[]}", false },
		{ "{}", "{\"kind\":2,\"k\":[\"a\"],\"v\":[1]}", "{\"a\":[1]}", false },
		{ "{\"a\":null}", "{\"kind\":2,\"k\":[\"a\"],\"v\":[1]}", "{\"a\":[1]}", false },
		{ "{\"a\":[1]}", "{\"kind\":2,\"k\":[\"a\"],\"v\":[2],\"i\":1152921504606846976}",
			"{\"a\":[1,2]}", true },
		{ "{\"a\":[1]}", "{\"kind\":2,\"k\":[\"a\"],\"v\":[2],\"i\":2}",
			"{\"a\":[1,null,2]}", true },
		{ "{\"a\":[1]}", "{\"kind\":2,\"k\":[\"a\"],\"v\":[2],\"i\":-1}", "{\"a\":[1]}",
			true },
		{ "{\"a\":[1]}", "{\"kind\":2,\"k\":[\"a\"],\"v\":[2],\"i\":\"x\"}", "{\"a\":[1]}",
			true },
		{ "{\"a\":{}}", "{\"kind\":2,\"k\":[\"a\"],\"v\":[2]}", "{\"a\":{}}", true },
		{ "{\"a\":{}}", "{\"kind\":2,\"k\":[\"a\"],\"v\":{\"b\":2}}", "{\"a\":{}}", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool fault;

		IS_CSTR(changed(cases[i].state, cases[i].change, &fault), cases[i].want);
		if (!IS_INT(fault, cases[i].fault))
			printf("# %s\n", cases[i].change);
	}
}

/* The path of key I; valid until the next one. */
static const struct json *path_to(struct json_parser *parser, int i)
{
	const struct json *path = NULL;
	struct err err;

	OK(json_parse(parser, arena_printf(&arena, "[\"%d\"]", i), false, &path, &err) == 0);
	return path;
}

/* What many_keys_are_kept_apart leaves of key I; NULL: nothing. */
static const char *left_of(int i)
{
	return i % 4 == 2 ? NULL : i % 4 == 0 ? "\"again\"" : arena_printf(&arena, "%d", i).ptr;
}

/* Many keys, each set, half of them deleted, and some of those set again. */
static void many_keys_are_kept_apart(void)
{
	enum { KEYS = 20000 };
	CLEANUP(buf_release) struct buf scratch = BUF_INIT;
	struct copilot_node root = copilot_node(STR("{}"));
	struct json_parser parser = { 0 };
	const struct json *whole;
	struct err err;
	int faults = 0, wrong = 0;

	for (int i = 0; i < KEYS; i++)
		faults += copilot_set(&arena, &root, path_to(&parser, i),
				  arena_printf(&arena, "%d", i)) != NULL;
	for (int i = 0; i < KEYS; i += 2)
		faults += copilot_delete(&arena, &root, path_to(&parser, i)) != NULL;
	for (int i = 0; i < KEYS; i += 4)
		faults += copilot_set(&arena, &root, path_to(&parser, i), STR("\"again\"")) != NULL;
	IS_INT(faults, 0);
	for (int i = 0; i < KEYS; i++) {
		const struct copilot_node *node = copilot_get(&root, arena_printf(&arena, "%d", i));
		const char *want = left_of(i);

		wrong += want ? !node || !str_eq_c(node->text, want) : node != NULL;
	}
	IS_INT(wrong, 0);
	IS_INT(root.count, KEYS); /* no key has two places */
	OK(json_parse(&parser, copilot_text(&root, &scratch), false, &whole, &err) == 0);
	IS_INT(json_len(whole), KEYS / 4 * 3);
	json_parser_release(&parser);
}

static const struct tap_case cases[] = {
	TAP_CASE(levels_are_opened),
	TAP_CASE(too_large_levels_stay_closed),
	TAP_CASE(repeated_keys_are_their_first),
	TAP_CASE(changes_are_done_or_refused),
	TAP_CASE(many_keys_are_kept_apart),
};

int main(int argc, char **argv)
{
	int rc = tap_main(cases, ARRAY_LEN(cases), argc, argv);

	arena_release(&arena);
	return rc;
}
