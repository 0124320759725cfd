/*
 * The rules of guard.h, one function each, in their order. Origins and hosts are compared without
 * case (RFC 3986, 6.2.2.1) and a port that is the scheme's own may be left out.
 */
#include "serve/guard.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <strings.h>

#include "base/sha256.h"

enum {
	MOST_PORTS = 16,
	REGEX_STEPS = 100000, /* of PCRE2's match limit: what no honest pattern of origins needs */
	KEY_BYTES = 256,      /* no key of ours is so long */
	NAME_BYTES = 256,     /* host and port */
};

struct guard {
	struct guard_options options;
	int ports[MOST_PORTS];
	size_t port_count;
	bool loopback; /* everything listened on is a loopback address */
	struct arena arena;
	pcre2_code **regexes;
	size_t regex_count;
	pcre2_match_context *limits;
};

static const char no_key[] =
	"Missing or invalid API key. Set 'Authorization: Bearer <key>' header.";

static bool same_name(struct str a, const char *b)
{
	return a.len == strlen(b) && strncasecmp(a.ptr, b, a.len) == 0;
}

static bool in_list(const char *const *list, struct str name)
{
	for (size_t i = 0; list && list[i]; i++)
		if (same_name(name, list[i]))
			return true;
	return false;
}

/* --- the rules --- */

static const char *const *copy_list(struct guard *guard, const char *const *list)
{
	const char **copy;
	size_t count = 0;

	while (list && list[count])
		count++;
	copy = arena_zalloc(&guard->arena, count + 1, sizeof(*copy));
	for (size_t i = 0; i < count; i++)
		copy[i] = arena_cstr(&guard->arena, str_from(list[i]));
	return copy;
}

static int compile(struct guard *guard, const char *pattern, struct err *err)
{
	PCRE2_UCHAR text[128];
	PCRE2_SIZE at;
	int code;
	pcre2_code *regex = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
		PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED, &code, &at, NULL);

	if (!regex) {
		pcre2_get_error_message(code, text, sizeof(text));
		return err_set(err, ERR_USAGE, "the pattern of origins '%s': %s at byte %zu",
			pattern, (const char *)text, (size_t)at);
	}
	guard->regexes[guard->regex_count++] = regex;
	return 0;
}

static int compile_all(struct guard *guard, struct err *err)
{
	const char *const *patterns = guard->options.origin_regexes;
	size_t count = 0;

	while (patterns[count])
		count++;
	guard->regexes = arena_zalloc(&guard->arena, count + 1, sizeof(*guard->regexes));
	guard->limits = pcre2_match_context_create(NULL);
	if (!guard->limits)
		return err_set(err, ERR_LIMIT, "no memory for patterns of origins");
	pcre2_set_match_limit(guard->limits, REGEX_STEPS);
	for (size_t i = 0; i < count; i++)
		if (compile(guard, patterns[i], err) < 0)
			return err->code;
	return 0;
}

static bool is_loopback_address(const char *address)
{
	return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0 ||
	       strcmp(address, "[::1]") == 0 || strcasecmp(address, "localhost") == 0;
}

int guard_new(struct guard **out, const struct guard_options *options, struct err *err)
{
	struct guard *guard = mem_zalloc(sizeof(*guard));

	*out = NULL;
	guard->options = *options;
	guard->options.listen = NULL;
	guard->options.hosts = copy_list(guard, options->hosts);
	guard->options.origins = copy_list(guard, options->origins);
	guard->options.origin_regexes = copy_list(guard, options->origin_regexes);
	guard->loopback = true;
	for (size_t i = 0; i < options->listen_count; i++) {
		guard->loopback &= is_loopback_address(options->listen[i].address);
		if (guard->port_count < MOST_PORTS)
			guard->ports[guard->port_count++] = options->listen[i].port;
	}
	if (compile_all(guard, err) < 0) {
		guard_free(guard);
		return err->code;
	}
	*out = guard;
	return 0;
}

void guard_free(struct guard *guard)
{
	if (!guard)
		return;
	for (size_t i = 0; i < guard->regex_count; i++)
		pcre2_code_free(guard->regexes[i]);
	pcre2_match_context_free(guard->limits);
	arena_release(&guard->arena);
	free(guard);
}

/* --- names with ports --- */

struct host {
	struct str name; /* an IPv6 address in its brackets */
	int port;        /* -1: not said */
};

static bool is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '-' || c == '_';
}

static bool is_address_byte(char c)
{
	return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || (c >= '0' && c <= '9') ||
	       c == ':' || c == '.';
}

static bool all_bytes(struct str s, bool (*is)(char))
{
	for (size_t i = 0; i < s.len; i++)
		if (!is(s.ptr[i]))
			return false;
	return s.len > 0;
}

static bool parse_port(struct str text, int *out)
{
	uint64_t port;

	if (text.len == 0 || text.len > 5 || !str_to_u64(text, &port) || port > 65535)
		return false;
	*out = (int)port;
	return true;
}

/* `name`, `name:port`, `[v6]`, `[v6]:port`. */
static bool parse_host(struct str text, struct host *out)
{
	ptrdiff_t end;

	out->port = -1;
	if (text.len == 0 || text.len > NAME_BYTES)
		return false;
	if (text.ptr[0] == '[') {
		end = str_find(text, ']', 0);
		if (end < 0 || !all_bytes(str_sub(text, 1, (size_t)end - 1), is_address_byte))
			return false;
		end++;
	} else {
		end = str_find(text, ':', 0);
		if (end < 0)
			end = (ptrdiff_t)text.len;
		if (!all_bytes(str_sub(text, 0, (size_t)end), is_name_byte))
			return false;
	}
	out->name = str_sub(text, 0, (size_t)end);
	if ((size_t)end == text.len)
		return true;
	return text.ptr[end] == ':' &&
	       parse_port(str_sub(text, (size_t)end + 1, text.len), &out->port);
}

static bool is_local_name(struct str name)
{
	return same_name(name, "127.0.0.1") || same_name(name, "localhost") ||
	       same_name(name, "[::1]");
}

/* An address in figures: no name server can have lied about it. */
static bool is_figures(struct str name)
{
	bool digit = false;

	if (name.ptr[0] == '[')
		return true;
	for (size_t i = 0; i < name.len; i++) {
		digit |= name.ptr[i] != '.';
		if (name.ptr[i] != '.' && (name.ptr[i] < '0' || name.ptr[i] > '9'))
			return false;
	}
	return digit;
}

/* --- 2: Host --- */

static bool is_configured(const struct guard *guard, struct str text, const struct host *host)
{
	return in_list(guard->options.hosts, host->name) || in_list(guard->options.hosts, text);
}

static bool host_allowed(const struct guard *guard, struct http_request *request, struct host *out)
{
	size_t count = 0;
	struct str text = http_header(request, "Host", &count);

	if (count != 1 || !parse_host(text, out))
		return false;
	return !guard->loopback || is_local_name(out->name) || is_configured(guard, text, out);
}

/* --- 1: Origin --- */

/* `scheme://host[:port]` of http or https; the port is always said. */
static bool parse_web_origin(struct str origin, struct host *out, int *own_port)
{
	static const struct str http = STR_INIT("http://"), https = STR_INIT("https://");
	bool is_http = str_starts(origin, http), is_https = str_starts(origin, https);
	size_t scheme = is_http ? http.len : https.len;

	if ((!is_http && !is_https) || !parse_host(str_sub(origin, scheme, origin.len), out))
		return false;
	*own_port = is_http ? 80 : 443;
	if (out->port < 0)
		out->port = *own_port;
	return true;
}

static bool is_own_port(const struct guard *guard, int port)
{
	for (size_t i = 0; i < guard->port_count; i++)
		if (guard->ports[i] == port)
			return true;
	return false;
}

static bool web_origin_allowed(
	const struct guard *guard, struct http_request *request, struct str origin)
{
	struct host from, host;
	int own_port;

	if (!parse_web_origin(origin, &from, &own_port))
		return false;
	if (is_local_name(from.name) && is_own_port(guard, from.port))
		return true;
	if (guard->options.testing && from.port == 27180 && !same_name(from.name, "[::1]") &&
		is_local_name(from.name) && str_starts(origin, STR("http://")))
		return true; /* where ActivityWatch's web page is developed */
	if (!host_allowed(guard, request, &host))
		return false;
	if (host.port < 0)
		host.port = own_port;
	return host.port == from.port && host.name.len == from.name.len &&
	       strncasecmp(host.name.ptr, from.name.ptr, host.name.len) == 0;
}

static bool matches(const struct guard *guard, struct str origin)
{
	bool found = false;

	for (size_t i = 0; i < guard->regex_count && !found; i++) {
		pcre2_match_data *data =
			pcre2_match_data_create_from_pattern(guard->regexes[i], NULL);

		/* Out of memory, no UTF-8, or too much work: no match. */
		found = data && pcre2_match(guard->regexes[i], (PCRE2_SPTR)origin.ptr, origin.len,
					0, 0, data, guard->limits) >= 0;
		pcre2_match_data_free(data);
	}
	return found;
}

static bool extension_allowed(const struct guard *guard, struct str origin)
{
	/* aw-watcher-web as it is in Chrome's shop. */
	if (str_eq_c(origin, "chrome-extension://nglaklhklhcoonedhgnpgddginnjdadi"))
		return true;
	return str_starts(origin, STR("moz-extension://")) ||
	       (guard->options.testing && str_starts(origin, STR("chrome-extension://")));
}

static bool origin_allowed(
	const struct guard *guard, struct http_request *request, struct str origin, size_t count)
{
	if (count != 1)
		return false;
	return web_origin_allowed(guard, request, origin) || extension_allowed(guard, origin) ||
	       in_list(guard->options.origins, origin) || matches(guard, origin);
}

/* --- 3: preflight --- */

static void refuse(struct guard_verdict *out, int status, const char *message)
{
	out->status = status;
	out->message = message;
}

static bool is_header_list(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (!is_name_byte(c) && c != ',' && c != ' ' && c != '\t')
			return false;
	}
	return true;
}

static void preflight(struct http_request *request, struct guard_verdict *out)
{
	struct str method = http_header(request, "Access-Control-Request-Method", NULL);
	struct str names = http_header(request, "Access-Control-Request-Headers", NULL);

	if (!method.ptr) {
		refuse(out, 400, "A preflight needs Access-Control-Request-Method");
		return;
	}
	if (!str_eq_c(method, "GET") && !str_eq_c(method, "POST") && !str_eq_c(method, "DELETE")) {
		refuse(out, 403, "This method is not offered to other origins");
		return;
	}
	if (!is_header_list(names)) {
		refuse(out, 400, "Access-Control-Request-Headers is no list of names");
		return;
	}
	out->status = 200;
	http_reply_header(
		&out->cors, STR("Access-Control-Allow-Methods"), STR("GET, POST, DELETE"));
	if (names.len > 0)
		http_reply_header(&out->cors, STR("Access-Control-Allow-Headers"), names);
	http_reply_header(&out->cors, STR("Access-Control-Max-Age"), STR("600"));
}

/* --- 4: the key --- */

static bool is_health(const struct route_match *match)
{
	return match->route && (strcmp(match->route->path, "/healthz") == 0 ||
				       strcmp(match->route->path, "/readyz") == 0);
}

/* What proxies add, in practice: nothing that a client of ActivityWatch sends. */
static bool is_proxied(const struct http_request *request)
{
	static const char *const names[] = { "Forwarded", "Via", "X-Forwarded-For",
		"X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Forwarded-Server",
		"X-Real-IP", "X-Client-IP", "X-Cluster-Client-IP", "X-Original-Forwarded-For",
		"True-Client-IP", "CF-Connecting-IP", "Fly-Client-IP" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (http_header(request, names[i], NULL).ptr)
			return true;
	return false;
}

/* Needs no key, whoever asks. Paths of the API that lead nowhere are not open: what is there is
 * nobody's business. */
static bool is_open(struct http_request *request, const struct route_match *match)
{
	return match->route ? match->route->open : !route_is_api(http_path(request));
}

bool guard_is_here(const struct http_request *request)
{
	return http_is_local(request) && !is_proxied(request);
}

static bool is_trusted(
	const struct guard *guard, struct http_request *request, const struct host *host)
{
	return guard_is_here(request) && !guard->options.require_key &&
	       (is_local_name(host->name) || is_figures(host->name) ||
		       is_configured(guard, http_header(request, "Host", NULL), host));
}

/* 1: good; 0: not; < 0: cannot tell. */
static int find_key(const struct guard_keys *keys, struct http_request *request,
	struct str authorization, struct identity *out, struct err *err)
{
	static const struct str scheme = STR_INIT("Bearer ");
	unsigned char hash[KEY_HASH_BYTES];
	struct str key = str_sub(authorization, scheme.len, authorization.len);

	if (!str_starts(authorization, scheme) || key.len == 0 || key.len > KEY_BYTES ||
		key.ptr[0] == ' ')
		return 0;
	sha256(key, hash);
	return keys->find(keys->context, hash, http_arena(request), out, err);
}

static void check_role(const struct route_match *match, struct guard_verdict *out)
{
	if (match->route && !match->route->open && out->who.role < match->route->needs)
		refuse(out, 403, "This key's role does not allow that");
}

static void check_with_key(const struct guard_keys *keys, struct http_request *request,
	const struct route_match *match, struct guard_verdict *out)
{
	size_t count = 0;
	struct str authorization = http_header(request, "Authorization", &count);
	struct err err;
	int found = 0;

	if (count == 1)
		found = find_key(keys, request, authorization, &out->who, &err);
	if (found < 0) {
		refuse(out, 503, "Keys cannot be checked now");
		out->retry_after_s = 1;
		return;
	}
	if (found == 0) {
		out->who = (struct identity){ .known = false };
		out->wrong_key = true;
		out->www_authenticate = true;
		refuse(out, 401, no_key);
		return;
	}
	out->who.known = true;
	check_role(match, out);
}

static void check_key(const struct guard *guard, const struct guard_keys *keys,
	struct http_request *request, const struct route_match *match, const struct host *host,
	struct guard_verdict *out)
{
	if (is_health(match))
		return;
	if (http_header(request, "Authorization", NULL).ptr) {
		check_with_key(keys, request, match, out);
		return;
	}
	if (is_trusted(guard, request, host)) {
		out->who.role = KEY_ADMIN;
		return;
	}
	if (is_open(request, match))
		return;
	out->www_authenticate = true;
	refuse(out, 401, no_key);
}

void guard_check(const struct guard *guard, const struct guard_keys *keys,
	struct http_request *request, const struct route_match *match, struct guard_verdict *out)
{
	size_t origins = 0;
	struct str origin = http_header(request, "Origin", &origins);
	struct host host;

	*out = (struct guard_verdict){ .status = 0 };
	if (origin.ptr) {
		if (!origin_allowed(guard, request, origin, origins)) {
			refuse(out, 403, "This origin is not allowed");
			return;
		}
		http_reply_header(&out->cors, STR("Access-Control-Allow-Origin"), origin);
		http_reply_header(&out->cors, STR("Vary"), STR("Origin"));
	}
	if (!host_allowed(guard, request, &host)) {
		refuse(out, 400, "Host header is invalid");
		return;
	}
	if (http_method(request) == HTTP_OPTIONS) {
		out->status = 200;
		if (origin.ptr)
			preflight(request, out);
		return;
	}
	check_key(guard, keys, request, match, &host, out);
}
