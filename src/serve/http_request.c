/*
 * The head of a request: refused when two readers could understand it differently, else taken into
 * parts that stay valid, for any thread, until the request ends (RFC 9110, RFC 9112).
 */
#include "serve/http_internal.h"

#include <errno.h>
#include <poll.h>
#include <strings.h>

static const struct {
	const char *name;
	enum http_method method;
} methods[] = {
	{ "GET", HTTP_GET },
	{ "POST", HTTP_POST },
	{ "HEAD", HTTP_HEAD },
	{ "PUT", HTTP_PUT },
	{ "DELETE", HTTP_DELETE },
	{ "OPTIONS", HTTP_OPTIONS },
};

static enum http_method method_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (strcmp(methods[i].name, name) == 0)
			return methods[i].method;
	return HTTP_OTHER;
}

/* --- every byte of it --- */

/* Past the end of a line, which libmicrohttpd overwrote with one or two NULs, at WANTED. */
static bool is_line_end(const char *at, const char *wanted, ptrdiff_t most)
{
	ptrdiff_t count = wanted - at;

	if (count < 1 || count > most)
		return false;
	for (ptrdiff_t i = 0; i < count; i++)
		if (at[i] != '\0')
			return false;
	return true;
}

/*
 * libmicrohttpd before 1.0 cuts a field at a NUL byte and glues the continuation of a folded line
 * to the field's *name*: "Content-: 5\r\n Length" would become a Content-Length. Its strings lie
 * where the request was read, so that what it left out shows as a gap: the parts must follow each
 * other from the method to the empty line. (RFC 9110 5.5, RFC 9112 5.2: such requests are refused.)
 */
static bool is_gapless(const struct http_request *request, const char *url, const char *method,
	const char *version)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(request->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	const char *at = method + strlen(method) + 1;

	if (url != at || version != at + request->target.len + 1)
		return false;
	at = version + strlen(version);
	for (size_t i = 0; i < request->field_count; i++) {
		const struct http_field *field = &request->fields[i];

		if (!is_line_end(at, field->name.ptr, 2))
			return false;
		at = field->name.ptr + field->name.len + 1;
		while (at < field->value.ptr && (*at == ' ' || *at == '\t'))
			at++;
		if (at != field->value.ptr)
			return false;
		at += field->value.len;
	}
	return is_line_end(at, method + info->header_size, 4);
}

static enum MHD_Result add_field(void *context, enum MHD_ValueKind kind, const char *name,
	size_t name_bytes, const char *value, size_t value_bytes)
{
	struct http_request *request = context;

	(void)kind;
	request->fields[request->field_count++] =
		(struct http_field){ { name, name_bytes }, { value, value ? value_bytes : 0 } };
	return MHD_YES;
}

static void take_fields(struct http_request *request)
{
	int count = MHD_get_connection_values_n(request->mhd, MHD_HEADER_KIND, NULL, NULL);

	request->field_count = 0;
	if (count <= 0)
		return;
	request->fields = arena_zalloc(&request->arena, (size_t)count, sizeof(*request->fields));
	MHD_get_connection_values_n(request->mhd, MHD_HEADER_KIND, add_field, request);
}

/* RFC 9110 5.6.2: what names consist of. */
static bool is_token(struct str s)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c != '\0' && strchr(marks, c))))
			return false;
	}
	return s.len > 0;
}

static bool has_control(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (((unsigned char)s.ptr[i] < ' ' && s.ptr[i] != '\t') || s.ptr[i] == 0x7f)
			return true;
	return false;
}

static int check_fields(struct http_request *request, const char **message)
{
	for (size_t i = 0; i < request->field_count; i++) {
		struct http_field *field = &request->fields[i];

		field->value = str_trim(field->value);
		if (!is_token(field->name) || has_control(field->value)) {
			*message = "malformed header field";
			return 400;
		}
	}
	return 0;
}

/* --- target and host --- */

/* "http://host/path" (RFC 9112 3.2.2): the host of the target counts, not that of the field. */
static void take_absolute(struct http_request *request, size_t scheme_bytes)
{
	struct str rest = str_sub(request->target, scheme_bytes, request->target.len);
	size_t len = 0;

	while (len < rest.len && rest.ptr[len] != '/' && rest.ptr[len] != '?')
		len++;
	for (size_t i = 0; i < request->field_count; i++)
		if (request->fields[i].name.len == 4 &&
			strncasecmp(request->fields[i].name.ptr, "Host", 4) == 0)
			request->fields[i].value = str_sub(rest, 0, len);
	rest = str_sub(rest, len, rest.len);
	request->path = rest.len == 0 || rest.ptr[0] == '?' ? STR("/") : rest;
	if (rest.len > 0 && rest.ptr[0] == '?')
		request->query = str_sub(rest, 1, rest.len);
}

static void split_query(struct http_request *request)
{
	ptrdiff_t at = str_find(request->path, '?', 0);

	if (at < 0)
		return;
	request->query = str_sub(request->path, (size_t)at + 1, request->path.len);
	request->path = str_sub(request->path, 0, (size_t)at);
}

void http_head_target(struct http_request *request, const char *target)
{
	request->target = arena_str(&request->arena, str_from(target));
	request->path = request->target;
	request->query = (struct str){ NULL, 0 };
	split_query(request);
}

static size_t scheme_bytes(struct str target)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		size_t len = strlen(schemes[i]);

		if (target.len >= len && strncasecmp(target.ptr, schemes[i], len) == 0)
			return len;
	}
	return 0;
}

static int check_target(struct http_request *request, const char **message)
{
	struct str target = request->target;
	size_t scheme = scheme_bytes(target);

	if (target.len == 0 || has_control(target) || memchr(target.ptr, ' ', target.len)) {
		*message = "malformed request target";
		return 400;
	}
	if (scheme > 0) {
		request->query = (struct str){ NULL, 0 };
		take_absolute(request, scheme);
		split_query(request);
	} else if (target.ptr[0] != '/' &&
		   !(request->method == HTTP_OPTIONS && str_eq_c(target, "*")) &&
		   request->method != HTTP_OTHER) {
		*message = "the request target must begin with '/'";
		return 400;
	}
	return 0;
}

static int check_host(struct http_request *request, const char **message)
{
	size_t count;

	http_header(request, "Host", &count);
	if (count > 1 || (count == 0 && request->http11)) {
		*message = count > 1 ? "more than one Host" : "no Host";
		return 400;
	}
	return 0;
}

/* --- framing --- */

static int check_framing(struct http_request *request, const char **message)
{
	size_t lengths, codings;
	struct str length = http_header(request, "Content-Length", &lengths);
	struct str coding = http_header(request, "Transfer-Encoding", &codings);
	uint64_t bytes = 0;

	*message = "ambiguous length of the body: more than one Content-Length or "
		   "Transfer-Encoding";
	if (lengths + codings > 1)
		return 400;
	if (codings > 0 && !request->http11) {
		*message = "Transfer-Encoding in HTTP/1.0";
		return 400;
	}
	if (codings > 0 && !(coding.len == 7 && strncasecmp(coding.ptr, "chunked", 7) == 0)) {
		*message = "unknown Transfer-Encoding: send the body plain or chunked";
		return 501;
	}
	if (lengths > 0 && (!str_to_u64(length, &bytes) || bytes > INT64_MAX)) {
		*message = "malformed Content-Length";
		return 400;
	}
	request->content_length = codings > 0 ? -1 : (int64_t)bytes;
	return 0;
}

static size_t head_bytes(const struct http_request *request)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(request->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	return info->header_size;
}

int http_head_check(struct http_request *request, const char *url, const char *method,
	const char *version, const char **message)
{
	int status;

	request->method = method_of(method);
	request->http11 = strcmp(version, "HTTP/1.0") != 0;
	take_fields(request);
	if (request->http->old_parser && !is_gapless(request, url, method, version)) {
		*message = "malformed request: folded header field, NUL byte or stray space";
		return 400;
	}
	if (head_bytes(request) > HTTP_HEADER_BYTES) {
		*message = "the header fields are too long";
		return 431;
	}
	status = check_fields(request, message);
	if (status == 0)
		status = check_framing(request, message);
	if (status == 0)
		status = check_target(request, message);
	return status == 0 ? check_host(request, message) : status;
}

/* --- what the owner asks --- */

enum http_method http_method(const struct http_request *request)
{
	return request->method;
}

struct str http_path(const struct http_request *request)
{
	return request->path;
}

struct str http_query(const struct http_request *request)
{
	return request->query;
}

struct str http_header(const struct http_request *request, const char *name, size_t *count)
{
	struct str found = { NULL, 0 };
	size_t len = strlen(name), times = 0;

	for (size_t i = 0; i < request->field_count; i++) {
		const struct http_field *field = &request->fields[i];

		if (field->name.len != len || strncasecmp(field->name.ptr, name, len) != 0)
			continue;
		if (times++ == 0)
			found = field->value;
		if (!count)
			break;
	}
	if (count)
		*count = times;
	return found;
}

struct str http_body(const struct http_request *request)
{
	return buf_str(&request->body);
}

struct str http_peer(const struct http_request *request)
{
	return str_from(request->peer);
}

bool http_is_local(const struct http_request *request)
{
	return request->local;
}

struct str http_network(const struct http_request *request)
{
	return (struct str){ (const char *)request->address, sizeof(request->address) };
}

bool http_is_tls(const struct http_request *request)
{
	return request->cert != NULL;
}

int64_t http_began_ns(const struct http_request *request)
{
	return request->began_ns;
}

struct arena *http_arena(struct http_request *request)
{
	return &request->arena;
}

void http_set_context(struct http_request *request, void *context)
{
	request->context = context;
}

void *http_context(const struct http_request *request)
{
	return request->context;
}

bool http_gone(const struct http_request *request)
{
	struct pollfd state = { .fd = request->fd, .events = POLLRDHUP };

	return http_watch_phase(request) == PHASE_CUT || poll(&state, 1, 0) > 0;
}
