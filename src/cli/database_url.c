#include "cli/database_url.h"

#include "base/url.h"

static const char *const schemes[] = { "postgresql://", "postgres://" };

bool database_url_is(const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (str_starts(str_from(text), str_from(schemes[i])))
			return true;
	return false;
}

/* What stands behind "://": "user:password@host:port", "/database" and "?name=value&…". */
struct parts {
	struct str scheme; /* with "://" */
	struct str login;  /* without '@'; ptr NULL: there is none */
	struct str place;
	struct str path;       /* with '/' */
	struct str parameters; /* without '?' */
};

/* The last '@' before the place ends: a password may have one too. */
static struct parts take_apart(struct str url)
{
	ptrdiff_t end = str_find_str(url, STR("://")) + 3, at, next;
	struct parts parts = { .scheme = str_sub(url, 0, (size_t)end) };
	struct str rest = str_sub(url, (size_t)end, url.len);

	parts.place = str_split(&rest, '?');
	parts.parameters = rest;
	at = str_find(parts.place, '@', 0);
	while (at >= 0 && (next = str_find(parts.place, '@', (size_t)at + 1)) >= 0)
		at = next;
	if (at >= 0) {
		parts.login = str_sub(parts.place, 0, (size_t)at);
		parts.place = str_sub(parts.place, (size_t)at + 1, parts.place.len);
	}
	at = str_find(parts.place, '/', 0);
	if (at >= 0) {
		parts.path = str_sub(parts.place, (size_t)at, parts.place.len);
		parts.place = str_sub(parts.place, 0, (size_t)at);
	}
	return parts;
}

static bool decode(struct str text, struct arena *arena, const char **out)
{
	CLEANUP(buf_release) struct buf decoded = BUF_INIT;

	if (!url_decode(&decoded, text, false) || str_find(buf_str(&decoded), '\0', 0) >= 0)
		return false;
	*out = arena_cstr(arena, buf_str(&decoded));
	return true;
}

static bool read_parameters(struct str all, struct arena *arena, struct database_url *out)
{
	const struct {
		const char *name;
		const char **to;
	} known[] = { { "user", &out->user }, { "password", &out->password },
		{ "host", &out->host }, { "port", &out->port }, { "dbname", &out->database } };

	while (all.len > 0) {
		struct str value = str_split(&all, '&'), name = str_split(&value, '=');

		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			if (str_eq_c(name, known[i].name) && !decode(value, arena, known[i].to))
				return false;
	}
	return true;
}

bool database_url_parse(const char *text, struct arena *arena, struct database_url *out)
{
	struct parts parts;
	struct str host, port, user, password;
	ptrdiff_t bracket;

	if (!database_url_is(text))
		return false;
	parts = take_apart(str_from(text));
	password = parts.login;
	user = str_split(&password, ':');
	port = parts.place;
	bracket = str_find(port, ']', 0);
	if (str_starts(port, STR("[")) && bracket > 0) {
		host = str_sub(port, 1, (size_t)bracket - 1);
		port = str_sub(port, (size_t)bracket + 1, port.len);
		str_split(&port, ':');
	} else {
		host = str_split(&port, ':');
	}
	*out = (struct database_url){ "", "", "", "", "" };
	return decode(user, arena, &out->user) && decode(password, arena, &out->password) &&
	       decode(host, arena, &out->host) && decode(port, arena, &out->port) &&
	       decode(str_sub(parts.path, 1, parts.path.len), arena, &out->database) &&
	       read_parameters(parts.parameters, arena, out);
}

bool database_url_is_local(const struct database_url *url)
{
	static const char *const names[] = { "", "localhost", "::1" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(url->host, names[i]) == 0)
			return true;
	return url->host[0] == '/' || strncmp(url->host, "127.", 4) == 0;
}

/* A parameter whose value also stands before the place, or may not be seen. */
static void put_parameters(struct buf *out, struct str all, const char *const *without)
{
	char before = '?';

	while (all.len > 0) {
		struct str one = str_split(&all, '&'), name = one;
		bool kept = true;

		name = str_split(&name, '=');
		for (size_t i = 0; without[i]; i++)
			kept &= !str_eq_c(name, without[i]);
		if (!kept)
			continue;
		buf_byte(out, before);
		buf_add(out, one);
		before = '&';
	}
}

const char *database_url_with(
	const char *text, const char *user, const char *password, struct arena *arena)
{
	static const char *const ours[] = { "user", "password", NULL };
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct parts parts = take_apart(str_from(text));

	buf_add(&out, parts.scheme);
	url_encode(&out, str_from(user));
	buf_byte(&out, ':');
	url_encode(&out, str_from(password));
	buf_byte(&out, '@');
	buf_add(&out, parts.place);
	buf_add(&out, parts.path);
	put_parameters(&out, parts.parameters, ours);
	return arena_cstr(arena, buf_str(&out));
}

struct str database_url_shown(struct arena *arena, struct str url)
{
	static const char *const hidden[] = { "password", NULL };
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct parts parts;

	if (!database_url_is(arena_cstr(arena, url)))
		return url;
	parts = take_apart(url);
	buf_add(&out, parts.scheme);
	if (parts.login.ptr) {
		buf_add(&out, str_split(&parts.login, ':'));
		buf_byte(&out, '@');
	}
	buf_add(&out, parts.place);
	buf_add(&out, parts.path);
	put_parameters(&out, parts.parameters, hidden);
	return arena_str(arena, buf_str(&out));
}
