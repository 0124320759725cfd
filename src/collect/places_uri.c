/*
 * Editors' URIs as workspaces.
 *
 * A workspace is an absolute path of this machine (`/home/ana`, `C:/Users/ana`) or one of another,
 * which its host sets apart (`ssh-remote+devbox:/home/ana`). The second form must never be mistaken
 * for the first: rules that exclude a path mean this machine's. So a host that would blur the
 * border (a slash, a colon, a control character in it) is not understood.
 */
#include "base/json.h"
#include "collect/places.h"

enum { HOST_BYTES = 256 };

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Percent signs decoded; one without two digits stands for itself. */
static void add_decoded(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		int high = text.ptr[i] == '%' && i + 2 < text.len ? str_hex_digit(text.ptr[i + 1])
								  : -1;
		int low = high >= 0 ? str_hex_digit(text.ptr[i + 2]) : -1;

		buf_byte(out, (char)(low >= 0 ? high * 16 + low : text.ptr[i]));
		i += low >= 0 ? 2 : 0;
	}
}

/* PATH, which begins at a root, without empty components, "." and "..". */
static void add_normal(struct buf *out, struct str path)
{
	size_t start;

	buf_byte(out, '/');
	start = out->len;
	while (path.len > 0) {
		struct str name = str_split(&path, '/');

		if (str_eq(name, STR(".."))) {
			while (out->len > start && out->ptr[--out->len] != '/')
				;
			continue;
		}
		if (name.len == 0 || str_eq(name, STR(".")))
			continue;
		if (out->len > start)
			buf_byte(out, '/');
		buf_add(out, name);
	}
}

static bool is_drive(struct str path)
{
	return path.len >= 2 && is_letter(path.ptr[0]) && path.ptr[1] == ':' &&
	       (path.len == 2 || path.ptr[2] == '/' || path.ptr[2] == '\\');
}

static void with_slashes(struct buf *path)
{
	for (size_t i = 0; i < path->len; i++)
		if (path->ptr[i] == '\\')
			path->ptr[i] = '/';
}

/* `c:/Users` or `c:\Users`: the drive in upper case. */
static void add_drive(struct buf *out, struct str path)
{
	CLEANUP(buf_release) struct buf rest = BUF_INIT;
	char drive = path.ptr[0];

	buf_byte(out, (char)(drive >= 'a' ? drive - 'a' + 'A' : drive));
	buf_byte(out, ':');
	buf_add(&rest, str_sub(path, 2, path.len));
	with_slashes(&rest);
	add_normal(out, buf_str(&rest));
}

static bool is_host(struct str host)
{
	for (size_t i = 0; i < host.len; i++)
		if ((unsigned char)host.ptr[i] <= ' ' || strchr("/\\:", host.ptr[i]) ||
			host.ptr[i] == 0x7f)
			return false;
	return host.len > 0 && host.len <= HOST_BYTES;
}

/* KIND+HOST:PATH, or nothing. */
static void add_remote(struct buf *out, struct str kind, struct str host, struct str path)
{
	if (!is_host(kind) || !is_host(host))
		return;
	buf_add(out, kind);
	buf_byte(out, '+');
	buf_add(out, host);
	buf_byte(out, ':');
	add_normal(out, path);
}

/* //server/share: another computer's, or WSL's own files as Windows names them. */
static void add_share(struct buf *out, struct str server, struct str path)
{
	struct str rest = str_sub(path, 1, path.len), distribution = str_split(&rest, '/');

	if (str_eq(server, STR("wsl.localhost")) || str_eq(server, STR("wsl$")))
		add_remote(out, STR("wsl"), distribution, rest);
	else
		add_remote(out, STR("unc"), server, path);
}

/* VS Code writes a host that needs more than a name as JSON in hexadecimal digits. */
static void add_host_name(struct buf *out, struct str host)
{
	CLEANUP(buf_release) struct buf text = BUF_INIT;
	struct json_parser parser = { 0 };
	const struct json *root;
	struct err err;

	for (size_t i = 0; i + 1 < host.len; i += 2) {
		int high = str_hex_digit(host.ptr[i]), low = str_hex_digit(host.ptr[i + 1]);

		if (high < 0 || low < 0)
			break;
		buf_byte(&text, (char)(high * 16 + low));
	}
	if (text.len * 2 == host.len && str_starts(buf_str(&text), STR("{")) &&
		json_parse(&parser, buf_str(&text), true, &root, &err) == 0 &&
		json_get_str(root, "hostName").len > 0)
		buf_add(out, json_get_str(root, "hostName"));
	else
		buf_add(out, host);
	json_parser_release(&parser);
}

static void add_vscode_remote(struct buf *out, struct str authority, struct str path)
{
	CLEANUP(buf_release) struct buf host = BUF_INIT;
	ptrdiff_t plus = str_find(authority, '+', 0);
	struct str port = authority, name = str_split(&port, ':');

	/* An editor in a browser: its server is where this file is. */
	if (str_eq(name, STR("localhost")) || str_eq(name, STR("127.0.0.1"))) {
		add_normal(out, path);
		return;
	}
	if (plus <= 0)
		return;
	add_host_name(&host, str_sub(authority, (size_t)plus + 1, authority.len));
	add_remote(out, str_sub(authority, 0, (size_t)plus), buf_str(&host), path);
}

static void add_file(struct buf *out, struct str authority, struct str path)
{
	if (authority.len > 0 && !str_eq(authority, STR("localhost")))
		add_share(out, authority, path);
	else if (str_starts(path, STR("/")) && is_drive(str_sub(path, 1, path.len)))
		add_drive(out, str_sub(path, 1, path.len));
	else if (str_starts(path, STR("/")))
		add_normal(out, path);
}

/* What stands behind `file:` and `vscode-remote:`. */
static void add_uri(struct buf *out, bool file, struct str rest)
{
	CLEANUP(buf_release) struct buf authority = BUF_INIT, path = BUF_INIT;

	if (str_starts(rest, STR("//"))) {
		ptrdiff_t slash = str_find(rest, '/', 2);
		size_t end = slash < 0 ? rest.len : (size_t)slash;

		add_decoded(&authority, str_sub(rest, 2, end - 2));
		rest = str_sub(rest, end, rest.len);
	}
	add_decoded(&path, rest);
	if (file)
		add_file(out, buf_str(&authority), buf_str(&path));
	else
		add_vscode_remote(out, buf_str(&authority), buf_str(&path));
}

/* Length of the scheme that TEXT begins with, 0 for none. One letter is a drive. */
static size_t scheme_length(struct str text)
{
	ptrdiff_t colon = str_find(text, ':', 0);

	if (colon < 2 || !is_letter(text.ptr[0]))
		return 0;
	for (ptrdiff_t i = 1; i < colon; i++)
		if (!is_letter(text.ptr[i]) && !(text.ptr[i] >= '0' && text.ptr[i] <= '9') &&
			!strchr("+.-", text.ptr[i]))
			return 0;
	return (size_t)colon;
}

static bool same_word(struct str text, const char *word)
{
	if (text.len != strlen(word))
		return false;
	for (size_t i = 0; i < text.len; i++)
		if ((text.ptr[i] | (is_letter(text.ptr[i]) ? 0x20 : 0)) != word[i])
			return false;
	return true;
}

/* A workspace in the form this file gives: KIND+HOST:/PATH. */
static bool add_own_form(struct buf *out, struct str text)
{
	ptrdiff_t colon = str_find(text, ':', 0), plus = str_find(text, '+', 0);
	struct str host, path;

	if (plus <= 0 || colon < plus)
		return false;
	host = str_sub(text, (size_t)plus + 1, (size_t)(colon - plus) - 1);
	path = str_sub(text, (size_t)colon + 1, text.len);
	if (!is_host(str_sub(text, 0, (size_t)plus)) || !is_host(host) ||
		!str_starts(path, STR("/")) || str_starts(path, STR("//")))
		return false;
	add_remote(out, str_sub(text, 0, (size_t)plus), host, path);
	return true;
}

/* \\server\share\x */
static void add_windows_share(struct buf *out, struct str text)
{
	CLEANUP(buf_release) struct buf copy = BUF_INIT;
	struct str server;
	size_t end;
	ptrdiff_t slash;

	buf_add(&copy, text);
	with_slashes(&copy);
	slash = str_find(buf_str(&copy), '/', 2);
	end = slash < 0 ? copy.len : (size_t)slash;
	server = str_sub(buf_str(&copy), 2, end - 2);
	add_share(out, server, str_sub(buf_str(&copy), end, copy.len));
}

static void add_workspace(struct buf *out, struct str text)
{
	size_t scheme = scheme_length(text);
	struct str name = str_sub(text, 0, scheme), rest = str_sub(text, scheme + 1, text.len);

	if (is_drive(text))
		add_drive(out, text);
	else if (str_starts(text, STR("\\\\")))
		add_windows_share(out, text);
	else if (add_own_form(out, text))
		return;
	else if (str_starts(text, STR("/")))
		add_normal(out, text);
	else if (same_word(name, "file") || same_word(name, "vscode-remote"))
		add_uri(out, same_word(name, "file"), rest);
}

struct str places_workspace_of_uri(struct arena *arena, struct str uri)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;

	add_workspace(&out, uri);
	if (str_find(buf_str(&out), '\0', 0) >= 0)
		return STR("");
	return arena_str(arena, buf_str(&out));
}
