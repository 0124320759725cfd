/* Values seen from outside: shown, told apart, compared. What may be compared is bounded by
 * VALUE_DEPTH and VALUE_WEIGHT. */
#include <math.h>

#include "base/utf8.h"
#include "query/lang/function.h"
#include "query/lang/value.h"

enum { SHOWN_BYTES = 160 };

static void show(struct buf *out, const struct value *value);

static void show_items(struct buf *out, const struct value *value)
{
	buf_byte(out, '[');
	for (size_t i = 0; i < value->list.count && out->len < SHOWN_BYTES; i++) {
		if (i > 0)
			buf_addc(out, ", ");
		show(out, value->list.items[i]);
	}
	buf_byte(out, ']');
}

static void show_members(struct buf *out, const struct value *value)
{
	buf_byte(out, '{');
	for (size_t i = 0; i < value->dict.count && out->len < SHOWN_BYTES; i++) {
		if (i > 0)
			buf_addc(out, ", ");
		buf_printf(out,
			"\"%.*s\": ", STR_ARG(utf8_cut(value->dict.members[i].key, SHOWN_BYTES)));
		show(out, value->dict.members[i].value);
	}
	buf_byte(out, '}');
}

/* Without ".0": as Rust shows them. */
static void show_number(struct buf *out, double number)
{
	struct json_writer writer = json_writer(out);

	if (isfinite(number))
		json_put_float(&writer, number);
	else
		buf_addc(out, isnan(number) ? "NaN" : number > 0 ? "inf" : "-inf");
	if (str_ends(buf_str(out), STR(".0")))
		out->len -= 2;
}

static void show(struct buf *out, const struct value *value)
{
	static const char *const names[] = { "None", "Bool", "Number", "String", "List", "List",
		"Event", "Dict", "Function" };

	buf_addc(out, names[value->type]);
	if (value->type == VALUE_NONE)
		return;
	buf_byte(out, '(');
	switch ((enum value_type)value->type) {
	case VALUE_BOOL:
		buf_addc(out, value->flag ? "true" : "false");
		break;
	case VALUE_NUMBER:
		show_number(out, value->number);
		break;
	case VALUE_STRING:
		buf_add(out, utf8_cut(value->text, SHOWN_BYTES));
		break;
	case VALUE_LIST:
		show_items(out, value);
		break;
	case VALUE_DICT:
		show_members(out, value);
		break;
	case VALUE_FUNCTION:
		buf_addc(out, value->function->name);
		break;
	default:
		buf_addc(out, value->type == VALUE_EVENTS ? "[Event, ...]" : "...");
		break;
	}
	buf_byte(out, ')');
}

static struct str cut(struct run *run, struct buf *text)
{
	struct str shown = utf8_cut(buf_str(text), 2 * SHOWN_BYTES);
	struct str copy = shown.len < text->len
				  ? arena_printf(&run->scratch, "%.*s...", STR_ARG(shown))
				  : arena_str(&run->scratch, shown);

	buf_release(text);
	return copy;
}

struct str value_show(struct run *run, const struct value *value)
{
	struct buf text = BUF_INIT;

	show(&text, value);
	return cut(run, &text);
}

struct str value_show_items(struct run *run, const struct value *value)
{
	struct buf text = BUF_INIT;

	if (value->type == VALUE_LIST)
		show_items(&text, value);
	else
		buf_addc(&text, "[Event, ...]");
	return cut(run, &text);
}

/* --- identity --- */

static void put_bytes(struct buf *out, const void *bytes, size_t count)
{
	buf_add(out, (struct str){ bytes, count });
}

static void put_text(struct buf *out, struct str text)
{
	put_bytes(out, &text.len, sizeof(text.len));
	buf_add(out, text);
}

/* Tag, then a content of known length: no two values have the same bytes. */
void value_identity(const struct value *value, struct buf *out)
{
	buf_byte(out, (char)('0' + value->type));
	switch ((enum value_type)value->type) {
	case VALUE_NONE:
		return;
	case VALUE_BOOL:
		buf_byte(out, value->flag ? '1' : '0');
		return;
	case VALUE_NUMBER:
		put_bytes(out, &value->number, sizeof(value->number));
		return;
	case VALUE_STRING:
		put_text(out, value->text);
		return;
	case VALUE_LIST:
		put_bytes(out, &value->list.count, sizeof(value->list.count));
		for (size_t i = 0; i < value->list.count; i++)
			value_identity(value->list.items[i], out);
		return;
	case VALUE_EVENTS:
		put_bytes(out, value->call.key.bytes, MEMO_KEY_BYTES);
		return;
	case VALUE_EVENT:
		put_bytes(out, &value->event, sizeof(value->event));
		return;
	case VALUE_DICT:
		put_bytes(out, &value->dict.count, sizeof(value->dict.count));
		for (size_t i = 0; i < value->dict.count; i++) {
			put_text(out, value->dict.members[i].key);
			value_identity(value->dict.members[i].value, out);
		}
		return;
	case VALUE_FUNCTION:
		put_text(out, str_from(value->function->name));
		return;
	}
}

/* --- equality --- */

static bool same_moment(const struct moment *a, const struct moment *b)
{
	return a->start_ns == b->start_ns && a->duration_ns == b->duration_ns && a->data == b->data;
}

static int equal_events(struct run *run, struct value *a, struct value *b, bool *out)
{
	struct events *left, *right;
	int result = function_events(run, a, &left);

	*out = false;
	if (result == 0)
		result = function_events(run, b, &right);
	if (result < 0)
		return result;
	*out = left->count == right->count;
	for (size_t i = 0; *out && i < left->count; i++) {
		*out = same_moment(&left->at[i], &right->at[i]);
		result = run_step(run, 1);
		if (result < 0)
			return result;
	}
	return 0;
}

static int equal_lists(struct run *run, struct value *a, struct value *b, bool *out)
{
	int result = 0;

	if (value_is_events(a) && value_is_events(b))
		return equal_events(run, a, b, out);
	/* What is not all events is never equal to what is, and an empty list is. */
	*out = a->type == VALUE_LIST && b->type == VALUE_LIST && a->list.count == b->list.count;
	for (size_t i = 0; result == 0 && *out && i < a->list.count; i++)
		result = value_equal(run, a->list.items[i], b->list.items[i], out);
	return result;
}

static int equal_dicts(struct run *run, const struct value *a, const struct value *b, bool *out)
{
	int result = 0;

	*out = a->dict.count == b->dict.count;
	for (size_t i = 0; result == 0 && *out && i < a->dict.count; i++) {
		const struct member *left = &a->dict.members[i], *right = &b->dict.members[i];

		*out = str_eq(left->key, right->key);
		if (*out)
			result = value_equal(run, left->value, right->value, out);
	}
	return result;
}

int value_equal(struct run *run, struct value *a, struct value *b, bool *out)
{
	*out = false;
	if (value_is_list(a) && value_is_list(b))
		return equal_lists(run, a, b, out);
	if (a->type != b->type)
		return run_step(run, 1);
	switch ((enum value_type)a->type) {
	case VALUE_NONE:
		*out = true;
		break;
	case VALUE_BOOL:
		*out = a->flag == b->flag;
		break;
	case VALUE_NUMBER:
		*out = isgreaterequal(a->number, b->number) && islessequal(a->number, b->number);
		break;
	case VALUE_STRING:
		*out = str_eq(a->text, b->text);
		break;
	case VALUE_EVENT:
		*out = same_moment(&a->event, &b->event);
		break;
	case VALUE_DICT:
		return equal_dicts(run, a, b, out);
	default: /* functions are never equal */
		break;
	}
	return run_step(run, 1);
}
