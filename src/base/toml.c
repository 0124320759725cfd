/*
 * The upper half of the TOML reader: keys, tables, arrays, and who may add to which table when.
 *
 * Every table and array has a shape that says how it came to be; the rules of the format are
 * questions about it: a [header] may pass through any table but a closed one, and may claim only an
 * implied one as its own; a dotted key may pass through implied and dotted tables only, which it
 * makes dotted; nothing is ever added to a closed one (an inline table or array). Members are found
 * through one index for all tables, so that a text of many keys takes linear time. Recursion is
 * bounded by the depth that every node knows.
 */
#include "base/toml.h"

#include "base/hash.h"
#include "base/toml_value.h"
#include "base/utf8.h"

enum {
	MAX_DEPTH = 64, /* of a table or array below the root */
	MAX_TEXT_BYTES = 1 << 20,
	MIN_INDEX = 64,
	TEXT_BYTES_PER_SLOT = 16,
	SHOWN_KEY_BYTES = 100,
};

enum shape {
	SHAPE_IMPLIED, /* named on the way by a header */
	SHAPE_HEADER,  /* [table], an element of [[array]], the array itself, the root */
	SHAPE_DOTTED,  /* made by a dotted key */
	SHAPE_CLOSED,  /* written as a value */
};

struct node {
	struct toml value; /* first, so that a node is its value */
	enum shape shape;
	unsigned depth;
	const struct node *parent;
	struct node *last;  /* member or element */
	struct node *chain; /* the next one in its slot of the index */
};

struct part {
	struct str key;
	struct toml_place place;
};

struct reader {
	struct toml_scan scan;
	struct node *root;
	struct node *current; /* what the last header opened */
	struct node **index;
	size_t slots; /* a power of two */
};

/* Steps on the way along a dotted key: *TABLE becomes the table that PART names in it. */
typedef int descend_fn(struct reader *reader, struct node **table, const struct part *part);

static int read_value(struct reader *reader, struct node *parent, const struct part *key);

static struct node **slot_of(const struct reader *reader, const struct node *parent, struct str key)
{
	return &reader->index[hash64(key, (uint64_t)(uintptr_t)parent) & (reader->slots - 1)];
}

static struct node *find(const struct reader *reader, const struct node *parent, struct str key)
{
	struct node *node = *slot_of(reader, parent, key);

	while (node && (node->parent != parent || !str_eq(node->value.key, key)))
		node = node->chain;
	return node;
}

/* A member of PARENT, or, without KEY, its next element. Its type is still to be set. */
static struct node *add_node(
	struct reader *reader, struct node *parent, const struct part *key, struct toml_place place)
{
	struct node *node = arena_zalloc(reader->scan.arena, 1, sizeof(*node));

	node->value.line = place.line;
	node->value.column = place.column;
	node->parent = parent;
	node->depth = parent->depth + 1;
	if (parent->last)
		parent->last->value.next = &node->value;
	else
		parent->value.first = &node->value;
	parent->last = node;
	if (key) {
		struct node **slot = slot_of(reader, parent, key->key);

		node->value.key = key->key;
		node->chain = *slot;
		*slot = node;
	}
	return node;
}

static int open_container(
	struct reader *reader, struct node *node, enum toml_type type, enum shape shape)
{
	struct toml_place place = { node->value.line, node->value.column };

	if (node->depth > MAX_DEPTH)
		return toml_fail(
			&reader->scan, ERR_LIMIT, place, "nested deeper than %d levels", MAX_DEPTH);
	if (arena_over(reader->scan.arena))
		return toml_fail(&reader->scan, ERR_LIMIT, place, "too much to hold in memory");
	node->value.type = type;
	node->shape = shape;
	return 0;
}

static struct str shown(const struct part *part)
{
	return utf8_cut(part->key, SHOWN_KEY_BYTES);
}

static int fail_not_table(
	const struct reader *reader, const struct part *part, const struct node *found)
{
	return toml_fail(&reader->scan, ERR_PARSE, part->place,
		"'%.*s' is a value since line %u, not a table that can be added to",
		STR_ARG(shown(part)), found->value.line);
}

static int fail_twice(
	const struct reader *reader, const struct part *part, const struct node *found)
{
	return toml_fail(&reader->scan, ERR_PARSE, part->place,
		"'%.*s' is defined a second time, the first is on line %u", STR_ARG(shown(part)),
		found->value.line);
}

static bool is_bare(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-';
}

static void skip_blanks(struct toml_scan *scan)
{
	while (toml_peek(scan, 0) == ' ' || toml_peek(scan, 0) == '\t')
		toml_step(scan, 1);
}

static void skip_comment(struct toml_scan *scan)
{
	if (toml_peek(scan, 0) != '#')
		return;
	while (toml_peek(scan, 0) >= 0 && toml_newline(scan) == 0)
		toml_step(scan, 1);
}

static void skip_lines(struct toml_scan *scan)
{
	for (;;) {
		size_t newline;

		skip_blanks(scan);
		skip_comment(scan);
		newline = toml_newline(scan);
		if (newline == 0)
			return;
		toml_step(scan, newline);
	}
}

static int expect(struct toml_scan *scan, char byte, const char *wanted)
{
	if (toml_peek(scan, 0) != byte)
		return toml_unexpected(scan, wanted);
	toml_step(scan, 1);
	return 0;
}

static int read_part(struct reader *reader, struct part *out)
{
	struct toml_scan *scan = &reader->scan;
	int c = toml_peek(scan, 0);
	size_t len = 0;

	out->place = scan->place;
	if (c == '"' || c == '\'')
		return toml_read_string(scan, false, &out->key);
	while (is_bare(toml_peek(scan, len)))
		len++;
	if (len == 0)
		return toml_unexpected(scan, "a key");
	out->key = arena_str(scan->arena, str_sub(scan->text, scan->at, len));
	toml_step(scan, len);
	return 0;
}

/* Read a key; *TABLE goes along its parts but the last, which becomes *LAST. */
static int read_key(
	struct reader *reader, descend_fn *descend, struct node **table, struct part *last)
{
	struct toml_scan *scan = &reader->scan;

	for (;;) {
		if (read_part(reader, last) < 0)
			return scan->err->code;
		skip_blanks(scan);
		if (toml_peek(scan, 0) != '.')
			return 0;
		toml_step(scan, 1);
		skip_blanks(scan);
		if (descend(reader, table, last) < 0)
			return scan->err->code;
	}
}

static int descend_header(struct reader *reader, struct node **table, const struct part *part)
{
	struct node *found = find(reader, *table, part->key);

	if (!found) {
		*table = add_node(reader, *table, part, part->place);
		return open_container(reader, *table, TOML_TABLE, SHAPE_IMPLIED);
	}
	if ((found->value.type != TOML_TABLE && found->value.type != TOML_ARRAY) ||
		found->shape == SHAPE_CLOSED)
		return fail_not_table(reader, part, found);
	*table = found->value.type == TOML_ARRAY ? found->last : found;
	return 0;
}

static int descend_dotted(struct reader *reader, struct node **table, const struct part *part)
{
	struct node *found = find(reader, *table, part->key);

	if (!found) {
		*table = add_node(reader, *table, part, part->place);
		return open_container(reader, *table, TOML_TABLE, SHAPE_DOTTED);
	}
	if (found->value.type != TOML_TABLE || found->shape == SHAPE_CLOSED)
		return fail_not_table(reader, part, found);
	if (found->shape == SHAPE_HEADER)
		return fail_twice(reader, part, found);
	found->shape = SHAPE_DOTTED;
	*table = found;
	return 0;
}

static int read_pair(struct reader *reader, struct node *table)
{
	struct toml_scan *scan = &reader->scan;
	const struct node *found;
	struct part key;

	if (read_key(reader, descend_dotted, &table, &key) < 0)
		return scan->err->code;
	found = find(reader, table, key.key);
	if (found)
		return fail_twice(reader, &key, found);
	if (expect(scan, '=', "'=' behind the key") < 0)
		return scan->err->code;
	skip_blanks(scan);
	return read_value(reader, table, &key);
}

static int read_array(struct reader *reader, struct node *array)
{
	struct toml_scan *scan = &reader->scan;

	if (open_container(reader, array, TOML_ARRAY, SHAPE_CLOSED) < 0)
		return scan->err->code;
	toml_step(scan, 1);
	for (;;) {
		skip_lines(scan);
		if (toml_peek(scan, 0) == ']')
			break;
		if (read_value(reader, array, NULL) < 0)
			return scan->err->code;
		skip_lines(scan);
		if (toml_peek(scan, 0) == ']')
			break;
		if (expect(scan, ',', "',' or ']' in the array") < 0)
			return scan->err->code;
	}
	toml_step(scan, 1);
	return 0;
}

static int read_inline_table(struct reader *reader, struct node *table)
{
	struct toml_scan *scan = &reader->scan;

	if (open_container(reader, table, TOML_TABLE, SHAPE_CLOSED) < 0)
		return scan->err->code;
	toml_step(scan, 1);
	skip_blanks(scan);
	if (toml_peek(scan, 0) == '}') {
		toml_step(scan, 1);
		return 0;
	}
	for (;;) {
		if (read_pair(reader, table) < 0)
			return scan->err->code;
		skip_blanks(scan);
		if (toml_peek(scan, 0) == '}')
			break;
		if (expect(scan, ',', "',' or '}' in the inline table, on the same line") < 0)
			return scan->err->code;
		skip_blanks(scan);
	}
	toml_step(scan, 1);
	return 0;
}

static int read_value(struct reader *reader, struct node *parent, const struct part *key)
{
	struct node *node = add_node(reader, parent, key, reader->scan.place);

	switch (toml_peek(&reader->scan, 0)) {
	case '[':
		return read_array(reader, node);
	case '{':
		return read_inline_table(reader, node);
	case '"':
	case '\'':
		node->value.type = TOML_STRING;
		return toml_read_string(&reader->scan, true, &node->value.string);
	default:
		return toml_read_scalar(&reader->scan, &node->value);
	}
}

static int open_table(struct reader *reader, struct node *parent, const struct part *part)
{
	struct node *found = find(reader, parent, part->key);

	if (found && (found->value.type != TOML_TABLE || found->shape != SHAPE_IMPLIED))
		return fail_twice(reader, part, found);
	if (!found)
		found = add_node(reader, parent, part, part->place);
	found->value.line = part->place.line;
	found->value.column = part->place.column;
	reader->current = found;
	return open_container(reader, found, TOML_TABLE, SHAPE_HEADER);
}

static int open_element(struct reader *reader, struct node *parent, const struct part *part)
{
	struct node *array = find(reader, parent, part->key);

	if (array && (array->value.type != TOML_ARRAY || array->shape == SHAPE_CLOSED))
		return fail_twice(reader, part, array);
	if (!array) {
		array = add_node(reader, parent, part, part->place);
		if (open_container(reader, array, TOML_ARRAY, SHAPE_HEADER) < 0)
			return reader->scan.err->code;
	}
	reader->current = add_node(reader, array, NULL, part->place);
	return open_container(reader, reader->current, TOML_TABLE, SHAPE_HEADER);
}

static int read_header(struct reader *reader)
{
	struct toml_scan *scan = &reader->scan;
	bool element = toml_peek(scan, 1) == '[';
	struct node *parent = reader->root;
	struct part last;

	toml_step(scan, element ? 2 : 1);
	skip_blanks(scan);
	if (read_key(reader, descend_header, &parent, &last) < 0)
		return scan->err->code;
	if (element && toml_peek(scan, 1) != ']')
		return toml_unexpected(scan, "']]' behind the name of the array of tables");
	if (expect(scan, ']', "']' behind the name of the table") < 0)
		return scan->err->code;
	if (element) {
		toml_step(scan, 1);
		return open_element(reader, parent, &last);
	}
	return open_table(reader, parent, &last);
}

static int read_document(struct reader *reader)
{
	struct toml_scan *scan = &reader->scan;

	for (;;) {
		int failed;

		skip_lines(scan);
		if (toml_peek(scan, 0) < 0)
			return 0;
		failed = toml_peek(scan, 0) == '[' ? read_header(reader)
						   : read_pair(reader, reader->current);
		if (failed < 0)
			return failed;
		skip_blanks(scan);
		skip_comment(scan);
		if (toml_peek(scan, 0) >= 0 && toml_newline(scan) == 0)
			return toml_unexpected(scan, "the end of the line");
	}
}

static void start(struct reader *reader, struct str text, struct arena *arena)
{
	reader->slots = MIN_INDEX;
	while (reader->slots < text.len / TEXT_BYTES_PER_SLOT)
		reader->slots *= 2;
	reader->index = arena_zalloc(arena, reader->slots, sizeof(reader->index[0]));
	reader->root = arena_zalloc(arena, 1, sizeof(*reader->root));
	reader->root->value.type = TOML_TABLE;
	reader->root->value.line = 1;
	reader->root->value.column = 1;
	reader->root->shape = SHAPE_HEADER;
	reader->current = reader->root;
}

int toml_parse(struct toml **root, struct str text, struct arena *arena, struct err *err)
{
	static const struct str byte_order_mark = STR_INIT("\xef\xbb\xbf");
	struct reader reader = { .scan = { .place = { 1, 1 }, .arena = arena, .err = err } };
	int failed;

	*root = NULL;
	if (text.len > MAX_TEXT_BYTES)
		return err_set(err, ERR_LIMIT, "longer than %d bytes", MAX_TEXT_BYTES);
	if (str_starts(text, byte_order_mark))
		text = str_sub(text, byte_order_mark.len, text.len);
	reader.scan.text = text;
	start(&reader, text, arena);
	failed = toml_check_text(&reader.scan);
	if (failed == 0)
		failed = read_document(&reader);
	buf_release(&reader.scan.scratch);
	if (failed == 0)
		*root = &reader.root->value;
	return failed;
}

const struct toml *toml_get(const struct toml *table, struct str key)
{
	if (!table || table->type != TOML_TABLE)
		return NULL;
	for (const struct toml *member = table->first; member; member = member->next)
		if (str_eq(member->key, key))
			return member;
	return NULL;
}
