/*
 * URLs. The standard describes a machine that goes through the text by characters; without a base
 * URL, credentials and the fragment its steps come down to cutting the text at a few characters,
 * which is what happens here. Checked against a browser engine's parser over mutated URLs.
 */
#include "base/url.h"

#include "base/url_host.h"
#include "base/utf8.h"

enum { PORT_MAX = 65535, NONE = -1 };

struct parse {
	struct buf *out;
	struct str rest; /* what is still to be read */
	bool special;    /* http and the like: '\' is '/', there is a host, domains are domains */
	bool file;
	bool opaque;       /* the path has no segments */
	ptrdiff_t host_at; /* in OUT; NONE without a host */
	size_t path_at, query_at;
};

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_slash(const struct parse *p, size_t at)
{
	return at < p->rest.len &&
	       (p->rest.ptr[at] == '/' || (p->special && p->rest.ptr[at] == '\\'));
}

/* Where the first of '/', '?', '#' (and '\', if special) is, at or after FROM, or the end. */
static size_t part_end(const struct parse *p, size_t from)
{
	size_t at = from;

	while (at < p->rest.len && !is_slash(p, at) && p->rest.ptr[at] != '?' &&
		p->rest.ptr[at] != '#')
		at++;
	return at;
}

static void skip(struct parse *p, size_t count)
{
	p->rest = str_sub(p->rest, count, p->rest.len);
}

/* TEXT as the standard reads it: trimmed of control characters and spaces, without tabs and line
 * breaks, in UTF-8. */
static void clean(struct buf *out, struct str text)
{
	CLEANUP(buf_release) struct buf valid = BUF_INIT;

	while (text.len > 0 && (unsigned char)text.ptr[0] <= ' ')
		text = str_sub(text, 1, text.len);
	while (text.len > 0 && (unsigned char)text.ptr[text.len - 1] <= ' ')
		text.len--;
	utf8_add_clean(&valid, text);
	for (size_t i = 0; i < valid.len; i++)
		if (valid.ptr[i] != '\t' && valid.ptr[i] != '\n' && valid.ptr[i] != '\r')
			buf_byte(out, valid.ptr[i]);
}

/* The scheme in lower case, and its ':' passed. */
static bool parse_scheme(struct parse *p)
{
	static const char *const special[] = { "http", "https", "ws", "wss", "ftp", "file" };
	size_t at = 0;

	for (; at < p->rest.len && p->rest.ptr[at] != ':'; at++) {
		char c = p->rest.ptr[at];

		if (!is_alpha(c) && (at == 0 || !(is_digit(c) || strchr("+-.", c))))
			return false;
		if (c == '\0')
			return false;
		buf_byte(p->out, is_alpha(c) ? (char)(c | 0x20) : c);
	}
	if (at == 0 || at == p->rest.len)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(special); i++)
		p->special = p->special || str_eq_c(buf_str(p->out), special[i]);
	p->file = str_eq_c(buf_str(p->out), "file");
	skip(p, at + 1);
	return true;
}

static bool valid_port(struct str digits)
{
	uint64_t port = 0;

	for (size_t i = 0; i < digits.len; i++) {
		if (!is_digit(digits.ptr[i]))
			return false;
		port = port * 10 + (unsigned)(digits.ptr[i] - '0');
		if (port > PORT_MAX)
			return false;
	}
	return true;
}

/* The ':' before a port, or the end: one inside brackets belongs to an IPv6 address. */
static size_t host_end(struct str authority)
{
	bool brackets = false;
	size_t at = 0;

	for (; at < authority.len; at++) {
		char c = authority.ptr[at];

		if (c == ':' && !brackets)
			break;
		if (c == '[' || c == ']')
			brackets = c == '[';
	}
	return at;
}

/* What stands between "//" and the path: [credentials@]host[:port]. */
static bool parse_authority(struct parse *p)
{
	size_t end = part_end(p, 0), host;
	struct str authority = str_sub(p->rest, 0, end);
	bool credentials = false;

	for (size_t i = authority.len; i > 0; i--) {
		if (authority.ptr[i - 1] == '@') {
			authority = str_sub(authority, i, authority.len);
			credentials = true;
			break;
		}
	}
	host = host_end(authority);
	skip(p, end);
	if (host == 0)
		return !p->special && !credentials && authority.len == 0;
	if (!valid_port(str_sub(authority, host + 1, authority.len)))
		return false;
	p->host_at = (ptrdiff_t)p->out->len;
	return url_host(p->out, str_sub(authority, 0, host), !p->special);
}

/* "C:" or "C|": how file URLs begin a path on Windows. */
static bool is_drive(struct str text)
{
	return text.len == 2 && is_alpha(text.ptr[0]) && (text.ptr[1] == ':' || text.ptr[1] == '|');
}

static bool parse_file_host(struct parse *p)
{
	size_t end = part_end(p, 0), at = p->out->len;
	struct str host = str_sub(p->rest, 0, end);

	if (is_drive(host))
		return true;
	skip(p, end);
	if (host.len == 0)
		return true;
	if (!url_host(p->out, host, false))
		return false;
	if (str_eq_c(str_sub(buf_str(p->out), at, p->out->len), "localhost"))
		p->out->len = at;
	else
		p->host_at = (ptrdiff_t)at;
	return true;
}

/* Everything between the scheme and the path. */
static bool parse_host(struct parse *p)
{
	size_t slashes = 0;

	while (is_slash(p, slashes))
		slashes++;
	if (p->file) {
		if (slashes < 2)
			return true;
		skip(p, 2);
		return parse_file_host(p);
	}
	if (p->special) {
		skip(p, slashes);
		return parse_authority(p);
	}
	if (slashes >= 2) {
		skip(p, 2);
		return parse_authority(p);
	}
	p->opaque = slashes == 0;
	return true;
}

/* Append TEXT with control characters, what is beyond ASCII, and MORE percent-encoded. */
static void add_encoded(struct buf *out, struct str text, const char *more)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c < 0x20 || c >= 0x7f || strchr(more, c))
			buf_printf(out, "%%%02X", c);
		else
			buf_byte(out, (char)c);
	}
}

/* How many dots the segment is, plain or as %2e: 1 or 2, and 0 when it is something else. */
static int dots(struct str segment)
{
	int count = 0;

	while (segment.len > 0) {
		bool encoded = segment.len >= 3 && segment.ptr[0] == '%' && segment.ptr[1] == '2' &&
			       (segment.ptr[2] | 0x20) == 'e';

		if (!encoded && segment.ptr[0] != '.')
			return 0;
		segment = str_sub(segment, encoded ? 3 : 1, segment.len);
		count++;
	}
	return count <= 2 ? count : 0;
}

static struct str path_so_far(const struct parse *p)
{
	return str_sub(buf_str(p->out), p->path_at, p->out->len);
}

/* Drop the last segment; the drive of a file URL stays. */
static void shorten(struct parse *p)
{
	struct str path = path_so_far(p);

	if (p->file && path.len == 3 && is_drive(str_sub(path, 1, 2)) && path.ptr[2] == ':')
		return;
	while (path.len > 0 && path.ptr[path.len - 1] != '/')
		path.len--;
	p->out->len = p->path_at + (path.len > 0 ? path.len - 1 : 0);
}

static void add_segment(struct parse *p, struct str segment, bool last)
{
	size_t count = (size_t)dots(segment), at = p->out->len;

	if (count == 2)
		shorten(p);
	if (count > 0) {
		if (last)
			buf_byte(p->out, '/');
		return;
	}
	buf_byte(p->out, '/');
	/* The standard of 2024 adds '^'; engines in use, and rust-url, leave it as it is. */
	add_encoded(p->out, segment, " \"#<>?`{}");
	if (p->file && at == p->path_at && is_drive(segment))
		p->out->ptr[p->out->len - 1] = ':';
}

static void parse_path(struct parse *p)
{
	bool last = false;

	p->path_at = p->out->len;
	if (p->opaque) {
		size_t end = 0;

		while (end < p->rest.len && p->rest.ptr[end] != '?' && p->rest.ptr[end] != '#')
			end++;
		add_encoded(p->out, str_sub(p->rest, 0, end), "");
		skip(p, end);
		return;
	}
	if (!p->special && part_end(p, 0) == 0 && !is_slash(p, 0))
		return;
	if (is_slash(p, 0))
		skip(p, 1);
	while (!last) {
		size_t end = part_end(p, 0);

		last = !is_slash(p, end);
		add_segment(p, str_sub(p->rest, 0, end), last);
		skip(p, end + !last);
	}
}

static void parse_query(struct parse *p)
{
	ptrdiff_t end = str_find(p->rest, '#', 0);

	p->query_at = p->out->len;
	if (!str_starts(p->rest, STR("?")))
		return;
	add_encoded(p->out, str_sub(p->rest, 1, end < 0 ? p->rest.len : (size_t)end - 1),
		p->special ? " \"#<>'" : " \"#<>");
}

bool url_parse(struct str text, struct buf *buf, struct url *out)
{
	CLEANUP(buf_release) struct buf input = BUF_INIT;
	struct parse p = { .out = buf, .host_at = NONE };
	struct str all;
	size_t scheme;

	buf_clear(buf);
	clean(&input, text);
	p.rest = buf_str(&input);
	if (!parse_scheme(&p))
		return false;
	scheme = buf->len;
	if (!parse_host(&p))
		return false;
	parse_path(&p);
	parse_query(&p);
	all = buf_str(buf);
	*out = (struct url){
		.scheme = str_sub(all, 0, scheme),
		.path = str_sub(all, p.path_at, p.query_at - p.path_at),
		.query = str_sub(all, p.query_at, all.len),
	};
	if (p.host_at != NONE)
		out->host = str_sub(all, (size_t)p.host_at, p.path_at - (size_t)p.host_at);
	return true;
}
