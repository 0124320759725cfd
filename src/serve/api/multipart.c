/*
 * Parts stand between lines of "--" and the boundary, which the type's parameter names; the last
 * such line ends in "--" again (RFC 2046, 5.1.1). A part is header lines, an empty line, content.
 */
#include "serve/api/multipart.h"

#include <stdio.h>
#include <strings.h>

static const char form_type[] = "multipart/form-data";

bool multipart_is(struct str content_type)
{
	size_t length = sizeof(form_type) - 1;

	return content_type.len >= length &&
	       strncasecmp(content_type.ptr, form_type, length) == 0 &&
	       (content_type.len == length || strchr("; \t", content_type.ptr[length]));
}

/* The parameter "boundary" of the type; empty: none that is valid. */
static struct str find_boundary(struct str type)
{
	struct str found = { NULL, 0 };

	str_split(&type, ';');
	while (type.len > 0 && found.len == 0) {
		struct str value = str_trim(str_split(&type, ';'));
		struct str name = str_trim(str_split(&value, '='));

		if (name.len == 8 && strncasecmp(name.ptr, "boundary", 8) == 0)
			found = str_trim(value);
	}
	if (found.len >= 2 && found.ptr[0] == '"' && found.ptr[found.len - 1] == '"')
		found = str_sub(found, 1, found.len - 2);
	return found.len <= MULTIPART_BOUNDARY_BYTES ? found : (struct str){ NULL, 0 };
}

/* Behind the line end that ends a delimiter (blanks may precede it); false: there is none. */
static bool pass_line_end(struct str *rest)
{
	size_t at = 0;

	while (at < rest->len && (rest->ptr[at] == ' ' || rest->ptr[at] == '\t'))
		at++;
	if (!str_starts(str_sub(*rest, at, rest->len), STR("\r\n")))
		return false;
	*rest = str_sub(*rest, at + 2, rest->len);
	return true;
}

/* Cut *REST at DELIMITER, which begins with a line end: what stands before it. */
static bool take_until(struct str *rest, struct str delimiter, struct str *before)
{
	ptrdiff_t at = str_find_str(*rest, delimiter);

	if (at < 0)
		return false;
	*before = str_sub(*rest, 0, (size_t)at);
	*rest = str_sub(*rest, (size_t)at + delimiter.len, rest->len);
	return true;
}

/* The content of a part: what follows its header. */
static bool content_of(struct str part, struct str *out)
{
	ptrdiff_t at;

	if (str_starts(part, STR("\r\n"))) { /* no header at all */
		*out = str_sub(part, 2, part.len);
		return true;
	}
	at = str_find_str(part, STR("\r\n\r\n"));
	if (at < 0)
		return false;
	*out = str_sub(part, (size_t)at + 4, part.len);
	return true;
}

static int parse(
	struct str delimiter, struct str rest, struct str *out, size_t *count, struct err *err)
{
	struct str part;

	/* The first one may stand at the very beginning, without a line end before it. */
	if (str_starts(rest, str_sub(delimiter, 2, delimiter.len)))
		rest = str_sub(rest, delimiter.len - 2, rest.len);
	else if (!take_until(&rest, delimiter, &part))
		return err_set(err, ERR_PARSE, "the form's boundary is not in the body");
	while (!str_starts(rest, STR("--"))) {
		if (!pass_line_end(&rest))
			return err_set(err, ERR_PARSE,
				"something follows the form's boundary on one line");
		if (*count == MULTIPART_PARTS)
			return err_set(
				err, ERR_LIMIT, "the form has more than %d parts", MULTIPART_PARTS);
		if (!take_until(&rest, delimiter, &part))
			return err_set(err, ERR_PARSE,
				"the form is cut short: its last boundary is missing");
		if (!content_of(part, &out[(*count)++]))
			return err_set(err, ERR_PARSE,
				"part %zu of the form has no empty line behind its header", *count);
	}
	return 0;
}

int multipart_parse(struct str content_type, struct str body,
	struct str out[static MULTIPART_PARTS], size_t *count, struct err *err)
{
	char delimiter[MULTIPART_BOUNDARY_BYTES + 8];
	struct str boundary = find_boundary(content_type);
	int length;

	*count = 0;
	if (boundary.len == 0)
		return err_set(err, ERR_PARSE, "the form's Content-Type names no boundary");
	length = snprintf(delimiter, sizeof(delimiter), "\r\n--%.*s", STR_ARG(boundary));
	return parse((struct str){ delimiter, (size_t)length }, body, out, count, err);
}
