/*
 * A path is walked from the directory segment by segment, no link followed, so nothing leads out of
 * it, whatever changes meanwhile.
 */
#include "serve/api/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"

enum {
	FILES_AT_ONCE_BYTES = 256 << 10, /* up to this a file is the reply's body, else a stream */
	FILES_CHUNK_BYTES = 64 << 10,
};

static const struct {
	const char *ending;
	const char *type;
} types[] = {
	{ ".html", "text/html; charset=utf-8" },
	{ ".htm", "text/html; charset=utf-8" },
	{ ".js", "text/javascript; charset=utf-8" },
	{ ".mjs", "text/javascript; charset=utf-8" },
	{ ".css", "text/css; charset=utf-8" },
	{ ".json", "application/json" },
	{ ".map", "application/json" },
	{ ".webmanifest", "application/manifest+json" },
	{ ".wasm", "application/wasm" },
	{ ".txt", "text/plain; charset=utf-8" },
	{ ".md", "text/plain; charset=utf-8" },
	{ ".csv", "text/csv; charset=utf-8" },
	{ ".xml", "application/xml" },
	{ ".svg", "image/svg+xml" },
	{ ".png", "image/png" },
	{ ".jpg", "image/jpeg" },
	{ ".jpeg", "image/jpeg" },
	{ ".gif", "image/gif" },
	{ ".webp", "image/webp" },
	{ ".ico", "image/x-icon" },
	{ ".woff", "font/woff" },
	{ ".woff2", "font/woff2" },
	{ ".ttf", "font/ttf" },
	{ ".otf", "font/otf" },
	{ ".pdf", "application/pdf" },
};

const char *files_type(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		size_t length = strlen(types[i].ending);

		if (name.len > length &&
			strncasecmp(name.ptr + name.len - length, types[i].ending, length) == 0)
			return types[i].type;
	}
	return "application/octet-stream";
}

static int not_there(struct call *call, struct err *err)
{
	return call_fail(call, 404, err, "There is no such file");
}

/* --- what the client has already --- */

static bool client_has(const struct call *call, struct str tag)
{
	struct str rest = http_header(call->http, "If-None-Match", NULL);

	while (rest.len > 0) {
		struct str one = str_trim(str_split(&rest, ','));

		if (str_starts(one, STR("W/")))
			one = str_sub(one, 2, one.len);
		if (str_eq(one, tag) || str_eq_c(one, "*"))
			return true;
	}
	return false;
}

/* Head of a reply: 304 when the client has TAG (true), else 200. */
static bool begin(struct call *call, struct str name, struct str tag)
{
	bool has = client_has(call, tag);

	call_empty(call, has ? 304 : 200);
	if (!has)
		http_reply_header(&call->reply, STR("Content-Type"), str_from(files_type(name)));
	http_reply_header(&call->reply, STR("ETag"), tag);
	/* Kept, but asked for again each time: an update of the program or the files shows. */
	http_reply_header(&call->reply, STR("Cache-Control"), STR("no-cache"));
	return has;
}

int files_answer(struct call *call, struct str name, struct str content)
{
	struct str tag =
		arena_printf(call->arena, "\"%016llx\"", (unsigned long long)hash64(content, 0));

	if (!begin(call, name, tag))
		buf_add(&call->reply.body, content);
	return 0;
}

/* --- files --- */

static bool is_absent(int error)
{
	return error == ENOENT || error == ENOTDIR || error == ELOOP || error == EMLINK ||
	       error == EACCES || error == ENAMETOOLONG || error == ENXIO;
}

/* NAME in the directory *FD, which it replaces. 0, or -1 with errno. */
static int step(int *fd, struct str name, int flags, struct arena *arena)
{
	int next, error;

	if (name.len == 0 || name.ptr[0] == '.') {
		errno = ENOENT;
		return -1;
	}
	next = openat(*fd, arena_cstr(arena, name),
		flags | O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	error = errno;
	close(*fd);
	*fd = next;
	errno = error;
	return next < 0 ? -1 : 0;
}

/* Open PATH under DIR: *FD is the file or directory. */
static int walk(struct arena *arena, const char *dir, struct str path, int *fd)
{
	*fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0)
		return -1;
	while (path.len > 0) {
		struct str name = str_split(&path, '/');

		if (step(fd, name, path.len > 0 ? O_DIRECTORY : 0, arena) < 0)
			return -1;
	}
	return 0;
}

struct file_stream {
	int fd;
	off_t at;
	off_t size; /* when it was opened, as its tag says */
};

/* One chunk of FD from AT: its length, 0 at the end. */
static ssize_t read_chunk(int fd, off_t at, struct buf *out, size_t want)
{
	size_t room = want < FILES_CHUNK_BYTES ? want : FILES_CHUNK_BYTES;
	char *to = buf_reserve(out, room);
	ssize_t got;

	do
		got = pread(fd, to, room, at);
	while (got < 0 && errno == EINTR);
	if (got > 0) {
		out->len += (size_t)got;
		out->ptr[out->len] = '\0';
	}
	return got;
}

static int file_fill(void *context, struct buf *out, size_t want, struct err *err)
{
	struct file_stream *file = context;
	size_t left = (size_t)(file->size - file->at);
	ssize_t got;

	if (left == 0)
		return 0;
	if (want == 0 || want > left)
		want = left;
	got = read_chunk(file->fd, file->at, out, want);
	if (got < 0)
		return err_sys(err, "reading a file of the web page");
	if (got == 0)
		return err_set(err, ERR_IO, "a file of the web page was cut while it was sent");
	file->at += got;
	return 1;
}

static void file_end(void *context)
{
	struct file_stream *file = context;

	close(file->fd);
	free(file);
}

static int send_small(struct call *call, int fd, struct err *err)
{
	off_t at = 0;
	ssize_t got;

	while ((got = read_chunk(fd, at, &call->reply.body, FILES_CHUNK_BYTES)) > 0) {
		at += got;
		if (at > 2 * (off_t)FILES_AT_ONCE_BYTES)
			return err_set(
				err, ERR_IO, "a file of the web page grew while it was read");
	}
	return got < 0 ? err_sys(err, "reading a file of the web page") : 0;
}

/* FD is taken over. */
static int send_file(
	struct call *call, int *fd, struct str name, const struct stat *status, struct err *err)
{
	struct str tag = arena_printf(call->arena, "\"%llx-%llx-%llx.%lx\"",
		(unsigned long long)status->st_ino, (unsigned long long)status->st_size,
		(unsigned long long)status->st_mtim.tv_sec, (unsigned long)status->st_mtim.tv_nsec);
	struct file_stream *file;

	if (begin(call, name, tag))
		return 0;
	if (status->st_size <= FILES_AT_ONCE_BYTES)
		return send_small(call, *fd, err);
	file = mem_alloc(sizeof(*file));
	*file = (struct file_stream){ .fd = *fd, .size = status->st_size };
	*fd = -1;
	call->reply.stream =
		(struct http_stream){ .fill = file_fill, .free = file_end, .context = file };
	return 0;
}

/* Where the request's path is a directory's, but does not say so. */
static int redirect(struct call *call)
{
	struct str query = http_query(call->http);
	struct str to = arena_printf(call->arena, "%.*s/%s%.*s", STR_ARG(http_path(call->http)),
		query.len > 0 ? "?" : "", STR_ARG(query));

	/* Two slashes at its beginning would make it another host's. */
	while (str_starts(to, STR("//")))
		to = str_sub(to, 1, to.len);
	call_empty(call, 308);
	http_reply_header(&call->reply, STR("Location"), to);
	return 0;
}

int files_send(struct call *call, const char *dir, struct str path, struct err *err)
{
	CLEANUP(fs_closep) int fd = -1;
	struct stat status;
	struct str name = path;
	int rc = walk(call->arena, dir, path, &fd);

	if (rc == 0)
		rc = fstat(fd, &status);
	if (rc == 0 && S_ISDIR(status.st_mode)) {
		if (!str_ends(http_path(call->http), STR("/")))
			return redirect(call);
		name = STR("index.html");
		rc = step(&fd, name, 0, call->arena);
		if (rc == 0)
			rc = fstat(fd, &status);
	}
	if (rc < 0 && is_absent(errno))
		return not_there(call, err);
	if (rc < 0)
		return err_sys(err, "a file of the web page under '%s'", dir);
	if (!S_ISREG(status.st_mode))
		return not_there(call, err);
	return send_file(call, &fd, name, &status, err);
}
