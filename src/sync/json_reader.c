#include "sync/json_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fs.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

enum { READ_BYTES = 256 << 10, LOOK_AHEAD_BYTES = 128 };

/* Replace the window by the next piece of the file. 1: there is one; 0: the end. */
static int fill(struct json_reader *reader, struct err *err)
{
	ssize_t got;

	reader->base += (int64_t)reader->window.len;
	buf_clear(&reader->window);
	reader->at = 0;
	do
		got = read(reader->fd, buf_reserve(&reader->window, READ_BYTES), READ_BYTES);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_sys(err, "reading %s", reader->path);
	reader->window.len = (size_t)got;
	return got > 0;
}

int json_reader_open(struct json_reader *reader, const char *path, struct err *err)
{
	struct stat status;
	int rc;

	*reader = (struct json_reader){ .path = path };
	reader->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (reader->fd < 0 || fstat(reader->fd, &status) < 0)
		return err_sys(err, "opening %s", path);
	if (!S_ISREG(status.st_mode))
		return err_set(err, ERR_USAGE, "%s is no regular file", path);
	reader->bytes = status.st_size;
	rc = fill(reader, err);
	if (rc > 0 && str_starts(buf_str(&reader->window), STR(BYTE_ORDER_MARK)))
		reader->at = strlen(BYTE_ORDER_MARK);
	return rc < 0 ? rc : 0;
}

void json_reader_release(struct json_reader *reader)
{
	if (reader->path)
		fs_closep(&reader->fd);
	buf_release(&reader->window);
}

int64_t json_reader_tell(const struct json_reader *reader)
{
	return reader->base + (int64_t)reader->at;
}

int json_reader_seek(struct json_reader *reader, int64_t offset, struct err *err)
{
	if (offset >= reader->base && offset <= reader->base + (int64_t)reader->window.len) {
		reader->at = (size_t)(offset - reader->base);
		return 0;
	}
	if (lseek(reader->fd, offset, SEEK_SET) < 0)
		return err_sys(err, "going back in %s", reader->path);
	reader->base = offset;
	buf_clear(&reader->window);
	reader->at = 0;
	return 0;
}

static int fail_cut(struct json_reader *reader, struct err *err)
{
	reader->cut = true;
	return err_set(err, ERR_PARSE,
		"%s: it ends at byte %lld, in the middle of its data: it was cut", reader->path,
		(long long)json_reader_tell(reader));
}

/* Make sure that there is a byte at hand. 1: there is; 0: the end. */
static int ready(struct json_reader *reader, struct err *err)
{
	return reader->at < reader->window.len ? 1 : fill(reader, err);
}

static bool is_space(char byte)
{
	return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r';
}

/* 1: *BYTE is the next one that is no white space; 0: the end. */
static int next_byte(struct json_reader *reader, char *byte, struct err *err)
{
	int rc;

	while ((rc = ready(reader, err)) > 0) {
		*byte = reader->window.ptr[reader->at];
		if (!is_space(*byte))
			return 1;
		reader->at++;
	}
	return rc;
}

int json_reader_peek(struct json_reader *reader, char *byte, struct err *err)
{
	int rc = next_byte(reader, byte, err);

	return rc == 0 ? fail_cut(reader, err) : rc < 0 ? rc : 0;
}

/* Foreign bytes may be a terminal's control characters. */
static int fail_at(struct json_reader *reader, const char *want, struct err *err)
{
	return err_set(err, ERR_PARSE, "%s: at byte %lld %s is missing", reader->path,
		(long long)json_reader_tell(reader), want);
}

int json_reader_pass(struct json_reader *reader, char byte, struct err *err)
{
	const char want[] = { '\'', byte, '\'', '\0' };
	char next;

	if (json_reader_peek(reader, &next, err) < 0)
		return err->code;
	if (next != byte)
		return fail_at(reader, want, err);
	reader->at++;
	return 0;
}

int json_reader_more(
	struct json_reader *reader, char closing, bool *first, bool *more, struct err *err)
{
	char next;

	if (json_reader_peek(reader, &next, err) < 0)
		return err->code;
	*more = next != closing;
	if (!*more) {
		reader->at++;
		return 0;
	}
	if (!*first && json_reader_pass(reader, ',', err) < 0)
		return err->code;
	*first = false;
	return 0;
}

/* --- the end of a value --- */

struct walk {
	int64_t depth;
	bool string, escaped, scalar, done;
};

/* Does the value end before BYTE (then *BEFORE), or with it? */
static void step(struct walk *walk, char byte, bool *before)
{
	if (walk->string) {
		if (walk->escaped)
			walk->escaped = false;
		else if (byte == '\\')
			walk->escaped = true;
		else if (byte == '"')
			walk->string = false;
		walk->done = !walk->string && walk->depth == 0;
		return;
	}
	switch (byte) {
	case '"':
		*before = walk->scalar;
		walk->string = true;
		break;
	case '{':
	case '[':
		*before = walk->scalar;
		walk->depth++;
		break;
	case '}':
	case ']':
		*before = walk->depth == 0;
		walk->depth--;
		walk->done = walk->depth == 0;
		break;
	default:
		*before = walk->depth == 0 && (byte == ',' || byte == ':' || is_space(byte));
		walk->scalar = walk->depth == 0;
		break;
	}
	walk->done |= *before;
}

/* How many bytes at the head of TEXT, which is in a string, neither end it nor escape anything, as
 * far as a look ahead shows. */
static size_t plain_bytes(struct str text)
{
	size_t len = text.len < LOOK_AHEAD_BYTES ? text.len : LOOK_AHEAD_BYTES;
	const char *quote = memchr(text.ptr, '"', len);
	const char *escape;

	len = quote ? (size_t)(quote - text.ptr) : len;
	escape = memchr(text.ptr, '\\', len);
	return escape ? (size_t)(escape - text.ptr) : len;
}

/* As far as the window goes. */
static void walk_on(struct walk *walk, struct json_reader *reader)
{
	const struct buf *window = &reader->window;

	while (!walk->done && reader->at < window->len) {
		bool before = false;

		if (walk->string && !walk->escaped)
			reader->at += plain_bytes(
				(struct str){ window->ptr + reader->at, window->len - reader->at });
		if (reader->at == window->len)
			return;
		step(walk, window->ptr[reader->at], &before);
		reader->at += !before;
	}
}

static void keep(struct buf *out, size_t limit, struct str piece)
{
	if (out->len < limit)
		buf_add(out, str_sub(piece, 0, limit - out->len));
}

int json_reader_take(
	struct json_reader *reader, size_t limit, struct buf *out, int64_t *bytes, struct err *err)
{
	struct walk walk = { 0 };
	char first;

	buf_clear(out);
	*bytes = 0;
	if (json_reader_peek(reader, &first, err) < 0)
		return err->code;
	while (!walk.done) {
		int rc = ready(reader, err);
		size_t from = reader->at;

		if (rc < 0)
			return rc;
		if (rc == 0)
			return fail_cut(reader, err);
		walk_on(&walk, reader);
		keep(out, limit, str_sub(buf_str(&reader->window), from, reader->at - from));
		*bytes += (int64_t)(reader->at - from);
	}
	return *bytes > 0 ? 0 : fail_at(reader, "a value", err);
}

int json_reader_end(struct json_reader *reader, struct err *err)
{
	char byte;
	int rc = next_byte(reader, &byte, err);

	if (rc > 0)
		return err_set(err, ERR_PARSE, "%s: something follows its end, at byte %lld",
			reader->path, (long long)json_reader_tell(reader));
	return rc;
}
