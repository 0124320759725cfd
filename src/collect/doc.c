/*
 * Documents, read whole.
 *
 * The status in a cursor is that of the open file before its first byte was read, and it is taken
 * again after the last: bytes that were written meanwhile make a difference now or at the next
 * look. A file that is replaced by renaming is another inode, so what was read is one whole state
 * of it. The hashes are as tail.c has them: of the first bytes and of those before what was taken.
 */
#include "collect/doc.h"

#include <errno.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "collect/tail_set.h"
#include "model/limits.h"

enum { CHUNK_BYTES = 64 << 10 };

bool doc_unchanged(struct tail_set *set, const char *path)
{
	struct tail_entry *entry = tail_set_find(set, str_from(path));
	struct stat status;

	if (!entry || stat(path, &status) < 0)
		return false;
	entry->seen = true;
	return tail_cursor_fits(&entry->cursor, &status);
}

struct str doc_state(const struct tail_set *set, const char *path)
{
	const struct tail_entry *entry = tail_set_find(set, str_from(path));

	return entry ? entry->cursor.state : STR("");
}

/* To the end of the file, however much that is by now. */
static int read_all(struct doc *doc, int fd, int64_t expected, struct err *err)
{
	size_t chunk = (size_t)expected + 1;
	ssize_t got;

	for (;;) {
		do
			got = read(fd, buf_reserve(&doc->bytes, chunk), chunk);
		while (got < 0 && errno == EINTR);
		if (got < 0)
			return err_sys(err, "cannot read '%s'", doc->path);
		if (got == 0)
			return 0;
		doc->bytes.len += (size_t)got;
		if (doc->bytes.len > LIMIT_DOCUMENT_BYTES)
			return err_set(err, ERR_LIMIT, "'%s' is larger than %d bytes", doc->path,
				LIMIT_DOCUMENT_BYTES);
		chunk = CHUNK_BYTES;
	}
}

int doc_read(struct doc *doc, const char *path, struct err *err)
{
	CLEANUP(fs_closep) int fd = -1;
	struct stat status;

	doc->path = path;
	buf_clear(&doc->bytes);
	if (tail_open_regular(path, &fd, &status, err) < 0)
		return err->code;
	doc->cursor = tail_cursor_of(&status);
	if (status.st_size > LIMIT_DOCUMENT_BYTES)
		return err_set(
			err, ERR_LIMIT, "'%s' is larger than %d bytes", path, LIMIT_DOCUMENT_BYTES);
	if (read_all(doc, fd, status.st_size, err) < 0)
		return err->code;
	if (fstat(fd, &status) < 0)
		return err_sys(err, "cannot look at '%s'", path);
	if (!tail_cursor_fits(&doc->cursor, &status) || (int64_t)doc->bytes.len != doc->cursor.size)
		return err_set(err, ERR_BUSY, "'%s' changed while it was read", path);
	return 0;
}

int doc_stat(struct doc *doc, const char *path, struct err *err)
{
	struct stat status;

	doc->path = path;
	buf_clear(&doc->bytes);
	if (stat(path, &status) < 0)
		return err_sys(err, "cannot look at '%s'", path);
	if (!S_ISREG(status.st_mode))
		return err_set(err, ERR_IO, "'%s' is no regular file", path);
	doc->cursor = tail_cursor_of(&status);
	return 0;
}

/* Of at most MOST bytes that end at END, as many as were read; COUNT of them. */
static uint64_t hash_before(const struct doc *doc, size_t end, size_t most, int64_t *count)
{
	size_t length = end > doc->bytes.len ? 0 : end < most ? end : most;

	*count = (int64_t)length;
	return hash64(str_sub(buf_str(&doc->bytes), end - length, length), 0);
}

int doc_save(struct doc *doc, struct tail_set *set, struct intake *intake, int64_t taken,
	struct str state, struct err *err)
{
	struct file_cursor *cursor = &doc->cursor;
	size_t end = (size_t)taken, head = end < TAIL_HEAD_BYTES ? end : TAIL_HEAD_BYTES;

	ASSERT(taken >= 0 && taken <= cursor->size);
	cursor->offset = taken;
	cursor->head_hash = hash_before(doc, head, head, &cursor->head_bytes);
	cursor->tail_hash = hash_before(doc, end, TAIL_END_BYTES, &cursor->tail_bytes);
	return tail_set_keep(set, intake, str_from(doc->path), *cursor, state, err);
}

bool doc_grew_from(
	const struct doc *doc, const struct tail_set *set, const char *path, int64_t *taken)
{
	const struct tail_entry *entry = tail_set_find(set, str_from(path));
	const struct file_cursor *old = entry ? &entry->cursor : NULL;
	int64_t head, end;

	*taken = 0;
	if (!old || old->offset <= 0 || old->head_bytes <= 0 ||
		old->offset > (int64_t)doc->bytes.len ||
		hash_before(doc, (size_t)old->head_bytes, TAIL_HEAD_BYTES, &head) !=
			old->head_hash ||
		hash_before(doc, (size_t)old->offset, TAIL_END_BYTES, &end) != old->tail_hash)
		return false;
	*taken = old->offset;
	return true;
}

bool doc_grew(const struct doc *doc, const struct tail_set *set, int64_t *taken)
{
	return doc_grew_from(doc, set, doc->path, taken);
}

void doc_release(struct doc *doc)
{
	buf_release(&doc->bytes);
	*doc = (struct doc){ 0 };
}

struct doc_lines doc_lines(const struct doc *doc)
{
	return (struct doc_lines){ buf_str(&doc->bytes), 0 };
}

bool doc_line(struct doc_lines *lines, struct str *line, int64_t *offset)
{
	ptrdiff_t end = str_find(lines->rest, '\n', 0);

	if (end < 0)
		return false;
	*line = str_sub(lines->rest, 0, (size_t)end);
	*offset = lines->offset;
	lines->rest = str_sub(lines->rest, (size_t)end + 1, lines->rest.len);
	lines->offset += end + 1;
	if (*offset == 0 && str_starts(*line, STR("\xef\xbb\xbf")))
		*line = str_sub(*line, 3, line->len);
	if (str_ends(*line, STR("\r")))
		line->len--;
	return true;
}
