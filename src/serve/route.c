/*
 * A path is split and decoded segment by segment, so that a '/' or a dot that was encoded stays
 * what it is: part of a name. Of several routes that fit, the one that spells out the most at the
 * front wins ("…/events/count" before "…/events/{event}").
 */
#include "serve/route.h"

#include "base/url.h"

struct segments {
	struct str at[ROUTE_PARTS];
	size_t count;
	bool too_many;
};

enum part { PART_LITERAL, PART_PARAM, PART_REST };

static enum part part_kind(struct str part)
{
	if (part.len < 2 || part.ptr[0] != '{')
		return PART_LITERAL;
	return part.ptr[part.len - 2] == '*' ? PART_REST : PART_PARAM;
}

/* The next segment of PATH that is not empty; false at the end. */
static bool next_segment(struct str *path, struct str *out)
{
	while (path->len > 0) {
		*out = str_split(path, '/');
		if (out->len > 0)
			return true;
	}
	return false;
}

static int decode_segment(
	struct str raw, struct buf *text, struct arena *arena, struct str *out, struct err *err)
{
	struct str decoded;

	buf_clear(text);
	if (!url_decode(text, raw, false))
		return err_set(err, ERR_PARSE,
			"the path has a '%%' that two hexadecimal digits do not follow");
	decoded = buf_str(text);
	if (str_find(decoded, '\0', 0) >= 0)
		return err_set(err, ERR_PARSE, "the path holds a NUL byte");
	if (str_eq_c(decoded, ".") || str_eq_c(decoded, ".."))
		return err_set(err, ERR_PARSE, "the path holds a segment '%.*s'", STR_ARG(decoded));
	*out = arena_str(arena, decoded);
	return 0;
}

static int split(struct str path, struct arena *arena, struct segments *out, struct err *err)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct str raw, decoded;

	if (path.len == 0 || path.ptr[0] != '/')
		return err_set(err, ERR_PARSE, "a path begins with '/'");
	while (next_segment(&path, &raw)) {
		int rc = decode_segment(raw, &text, arena, &decoded, err);

		if (rc < 0)
			return rc;
		if (out->count == ROUTE_PARTS) {
			out->too_many = true; /* no route is so long: 404 */
			continue;
		}
		out->at[out->count++] = decoded;
	}
	return 0;
}

static bool is_api_segment(struct str segment)
{
	return str_eq_c(segment, "api") || str_eq_c(segment, "v1");
}

/*
 * A "{rest*}" takes what may become the name of a file: a slash that was encoded has no place in
 * it. At the front it does not take the paths of the API, whose routes and errors are their own.
 */
static bool rest_fits(const struct segments *path, size_t from)
{
	if (from == 0 && path->count > 0 && is_api_segment(path->at[0]))
		return false;
	for (size_t i = from; i < path->count; i++)
		if (str_find(path->at[i], '/', 0) >= 0 || str_find(path->at[i], '\\', 0) >= 0)
			return false;
	return true;
}

static bool fits(struct str pattern, const struct segments *path)
{
	struct str part;
	size_t at = 0;

	while (next_segment(&pattern, &part)) {
		enum part kind = part_kind(part);

		if (kind == PART_REST)
			return rest_fits(path, at);
		if (at == path->count)
			return false;
		if (kind == PART_LITERAL ? !str_eq(part, path->at[at])
					 : at == 0 && is_api_segment(path->at[0]))
			return false;
		at++;
	}
	return at == path->count;
}

/* Does A spell out more than B, looking from the front? Both fit. */
static bool more_exact(const char *a_path, const char *b_path)
{
	struct str a = str_from(a_path), b = str_from(b_path), a_part, b_part;
	bool a_more, b_more;

	do {
		a_more = next_segment(&a, &a_part);
		b_more = next_segment(&b, &b_part);
		if (a_more && b_more && part_kind(a_part) != part_kind(b_part))
			return part_kind(a_part) < part_kind(b_part);
	} while (a_more && b_more);
	return b_more && !a_more; /* B has an empty rest behind it */
}

static struct str join(const struct segments *path, size_t from, struct arena *arena)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;

	for (size_t i = from; i < path->count; i++) {
		if (i > from)
			buf_byte(&text, '/');
		buf_add(&text, path->at[i]);
	}
	return arena_str(arena, buf_str(&text));
}

static void take_params(const struct segments *path, struct arena *arena, struct route_match *out)
{
	struct str pattern = str_from(out->route->path), part;

	for (size_t at = 0; next_segment(&pattern, &part); at++) {
		enum part kind = part_kind(part);

		if (kind == PART_REST)
			out->rest = join(path, at, arena);
		if (kind != PART_PARAM)
			continue;
		ASSERT(out->param_count < ROUTE_PARAMS);
		out->params[out->param_count++] = path->at[at];
	}
}

int route_match(const struct route_table *tables, size_t table_count, enum http_method method,
	struct str path, struct arena *arena, struct route_match *out, struct err *err)
{
	struct segments segments = { .count = 0 };

	*out = (struct route_match){ .route = NULL };
	if (split(path, arena, &segments, err) < 0)
		return err->code;
	if (segments.too_many)
		return 0;
	if (method == HTTP_HEAD)
		method = HTTP_GET;
	for (size_t t = 0; t < table_count; t++) {
		for (size_t i = 0; i < tables[t].count; i++) {
			const struct route *route = &tables[t].routes[i];

			if (!fits(str_from(route->path), &segments))
				continue;
			out->path_known = true;
			if (route->method == method &&
				(!out->route || more_exact(route->path, out->route->path)))
				out->route = route;
		}
	}
	if (out->route)
		take_params(&segments, arena, out);
	return 0;
}

bool route_is_api(struct str path)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct str segment;

	if (!next_segment(&path, &segment))
		return false;
	/* What cannot be read is not given away. */
	return !url_decode(&text, segment, false) || is_api_segment(buf_str(&text));
}

const char *route_method_name(enum http_method method)
{
	static const char *const names[] = { [HTTP_OTHER] = "OTHER",
		[HTTP_GET] = "GET",
		[HTTP_HEAD] = "HEAD",
		[HTTP_POST] = "POST",
		[HTTP_PUT] = "PUT",
		[HTTP_DELETE] = "DELETE",
		[HTTP_OPTIONS] = "OPTIONS" };

	return names[method];
}
