/* Lines of a compressed file are those of the plain one: as tail.h gives them. */
#include <unistd.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "collect/tail.h"
#include "collect/zst.h"
#include "model/limits.h"
#include "tap.h"

enum { CONTENT_BYTES = 1 << 30 };

struct files {
	char plain[64], packed[64];
};

static void begin(struct files *files)
{
	*files = (struct files){ "/tmp/tt-zst-XXXXXX", "/tmp/tt-zst-XXXXXX" };
	close(mkstemp(files->plain));
	close(mkstemp(files->packed));
}

static void end(struct files *files)
{
	unlink(files->plain);
	unlink(files->packed);
}

static void put(struct files *files, struct str content)
{
	CLEANUP(buf_release) struct buf packed = BUF_INIT;
	size_t most = ZSTD_compressBound(content.len);
	size_t got = ZSTD_compress(buf_reserve(&packed, most), most, content.ptr, content.len, 1);
	struct err err;

	OK(!ZSTD_isError(got));
	packed.len = got;
	OK(fs_write_atomic(files->plain, content, 0600, &err) == 0);
	OK(fs_write_atomic(files->packed, buf_str(&packed), 0600, &err) == 0);
}

/* What is behind the last newline of CONTENT, from both. */
static void check_rest(const struct tail *tail, const struct zst *zst, struct str content)
{
	struct str got = STR("unset"), other = STR("unset"), want = content;
	int64_t offset = -1, other_offset = -1;

	for (ptrdiff_t end; (end = str_find(want, '\n', 0)) >= 0;)
		want = str_sub(want, (size_t)end + 1, want.len);
	IS_INT(tail_rest(tail, &got, &offset), want.len > 0);
	IS_INT(zst_rest(zst, &other, &other_offset), want.len > 0);
	if (want.len == 0)
		return;
	if (str_ends(want, STR("\r")))
		want.len--;
	OK(str_eq(got, want) && str_eq(other, want));
	IS_INT(offset, tail_waiting_bytes(tail) > 0
			       ? (int64_t)content.len - tail_waiting_bytes(tail)
			       : -1);
	IS_INT(other_offset, offset);
}

/* Both give the same; the number of lines. */
static int compare(struct files *files, struct str content)
{
	CLEANUP(tail_closep) struct tail *tail = NULL;
	CLEANUP(zst_closep) struct zst *zst = NULL;
	int more = 1, lines = -1;
	struct err err;

	put(files, content);
	if (!OK(tail_open_whole(&tail, files->plain, &err) == 0) ||
		!OK(zst_open(&zst, files->packed, CONTENT_BYTES, &err) == 0))
		return -1;
	while (more > 0) {
		struct str want, got;
		int64_t want_offset, got_offset;
		bool want_long, got_long;

		more = tail_next(tail, &want, &want_offset, &want_long, &err);
		IS_INT(zst_next(zst, &got, &got_offset, &got_long, &err), more);
		lines++;
		if (more <= 0)
			break;
		OK(str_eq(got, want));
		IS_INT(got_offset, want_offset);
		IS_INT(got_long, want_long);
	}
	IS_INT(more, 0);
	IS_INT(zst_waiting_bytes(zst), tail_waiting_bytes(tail));
	check_rest(tail, zst, content);
	return lines;
}

static void lines_as_of_a_plain_file(void)
{
	CLEANUP(buf_release) struct buf content = BUF_INIT;
	struct files files;

	begin(&files);
	IS_INT(compare(&files, STR("")), 0);
	IS_INT(compare(&files, STR("\n")), 1);
	IS_INT(compare(&files, STR("no newline")), 0);
	IS_INT(compare(&files, STR("one\ntwo\r")), 1);
	IS_INT(compare(&files, STR("\xef\xbb\xbfone\r\ntwo\n\nfour\xe2\x80\xa8still\nrest")), 4);
	for (int i = 0; i < 300000; i++)
		buf_printf(&content, "line %d\n", i);
	for (int i = 0; i < 600000; i++)
		buf_byte(&content, 'x');
	buf_addc(&content, "\nlast");
	IS_INT(compare(&files, buf_str(&content)), 300001);
	end(&files);
}

static void lines_beyond_the_limit_come_cut(void)
{
	CLEANUP(zst_closep) struct zst *zst = NULL;
	CLEANUP(buf_release) struct buf content = BUF_INIT;
	struct files files;
	struct str line;
	struct err err;
	int64_t offset;
	bool overlong;

	begin(&files);
	buf_addc(&content, "first\n");
	memset(buf_reserve(&content, LIMIT_LOG_LINE_BYTES + 70000), 'y',
		LIMIT_LOG_LINE_BYTES + 70000);
	content.len += LIMIT_LOG_LINE_BYTES + 70000;
	buf_addc(&content, "\nthird\n");
	IS_INT(compare(&files, buf_str(&content)), 3);
	content.len -= sizeof("\nthird\n") - 1;
	put(&files, buf_str(&content)); /* too long to be a line, and without end */
	OK(zst_open(&zst, files.packed, CONTENT_BYTES, &err) == 0);
	IS_INT(zst_next(zst, &line, &offset, &overlong, &err), 1);
	IS_INT(zst_next(zst, &line, &offset, &overlong, &err), 0);
	IS_INT(zst_waiting_bytes(zst), LIMIT_LOG_LINE_BYTES + 70000);
	OK(!zst_rest(zst, &line, &offset));
	end(&files);
}

static void a_cut_file_gives_what_it_has(void)
{
	CLEANUP(zst_closep) struct zst *zst = NULL;
	CLEANUP(buf_release) struct buf content = BUF_INIT, packed = BUF_INIT;
	struct files files;
	struct str line;
	struct err err;
	int64_t offset;
	bool overlong;
	int lines = 0, rc;

	begin(&files);
	for (int i = 0; i < 100000; i++)
		buf_printf(&content, "line %d\n", i * 7919);
	put(&files, buf_str(&content));
	OK(fs_read(files.packed, 64 << 20, &packed, &err) == 0);
	OK(fs_write_atomic(
		   files.packed, str_sub(buf_str(&packed), 0, packed.len / 2), 0600, &err) == 0);
	OK(zst_open(&zst, files.packed, CONTENT_BYTES, &err) == 0);
	while ((rc = zst_next(zst, &line, &offset, &overlong, &err)) > 0)
		lines++;
	IS_INT(rc, ERR_PARSE);
	OK(lines > 1000 && lines < 100000);
	IS_INT(zst_next(zst, &line, &offset, &overlong, &err), ERR_PARSE);
	zst_close(zst);
	OK(zst_open(&zst, files.packed, 100, &err) == 0);
	while ((rc = zst_next(zst, &line, &offset, &overlong, &err)) > 0)
		;
	IS_INT(rc, ERR_LIMIT);
	zst_closep(&zst);
	IS_INT(zst_open(&zst, "/nowhere/at/all", 1, &err), ERR_NOT_FOUND);
	end(&files);
}

static const struct tap_case cases[] = { TAP_CASE(lines_as_of_a_plain_file),
	TAP_CASE(lines_beyond_the_limit_come_cut), TAP_CASE(a_cut_file_gives_what_it_has) };
TAP_MAIN(cases)
