/* Zstandard as a stream: content in pieces of any size, several frames, and everything that can be
 * wrong with a file. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "base/fs.h"
#include "base/zstd.h"
#include "tap.h"

enum { LIMIT_BYTES = 64 << 20 };

struct file {
	char path[64];
	struct buf bytes;
};

static void begin(struct file *file)
{
	int fd;

	*file = (struct file){ .path = "/tmp/tt-zstd-XXXXXX" };
	fd = mkstemp(file->path);
	OK(fd >= 0);
	close(fd);
}

static void end(struct file *file)
{
	unlink(file->path);
	buf_release(&file->bytes);
}

/* CONTENT as a frame behind what there is. */
static void add_frame(struct file *file, struct str content, int level)
{
	size_t most = ZSTD_compressBound(content.len);
	size_t got = ZSTD_compress(
		buf_reserve(&file->bytes, most), most, content.ptr, content.len, level);

	if (OK(!ZSTD_isError(got)))
		file->bytes.len += got;
}

static void write_file(struct file *file, struct str bytes)
{
	struct err err;

	OK(fs_write_atomic(file->path, bytes, 0600, &err) == 0);
}

/* All content, in pieces; the verdict. */
static int read_file(
	struct file *file, int64_t limit, size_t piece, struct buf *out, struct err *err)
{
	CLEANUP(zstd_reader_closep) struct zstd_reader *reader = NULL;
	size_t count = 1;
	int rc = zstd_reader_open(&reader, file->path, limit, err);

	buf_clear(out);
	while (rc == 0 && count > 0) {
		rc = zstd_reader_next(reader, buf_reserve(out, piece), piece, &count, err);
		OK(count <= piece);
		out->len += count;
	}
	if (rc < 0 && reader) {
		struct err again;
		char byte;

		IS_INT(zstd_reader_next(reader, &byte, 1, &count, &again), rc);
		IS_INT(count, 0);
	}
	return rc;
}

static void pieces_of_any_size_give_the_content(void)
{
	static const size_t pieces[] = { 1, 7, 4096, 1 << 20 };
	CLEANUP(buf_release) struct buf content = BUF_INIT, out = BUF_INIT;
	struct file file;
	struct err err;

	begin(&file);
	for (int i = 0; i < 20000; i++)
		buf_printf(&content, "line %d\n", i * 7919);
	for (int level = 1; level <= 19; level += 9) {
		buf_clear(&file.bytes);
		add_frame(&file, buf_str(&content), level);
		write_file(&file, buf_str(&file.bytes));
		for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
			OK(read_file(&file, LIMIT_BYTES, pieces[i], &out, &err) == 0);
			OK(str_eq(buf_str(&out), buf_str(&content)));
		}
	}
	end(&file);
}

static void frames_follow_each_other(void)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct file file;
	struct err err;

	begin(&file);
	add_frame(&file, STR("one "), 3);
	add_frame(&file, STR(""), 3);
	add_frame(&file, STR("two"), 3);
	write_file(&file, buf_str(&file.bytes));
	for (size_t piece = 1; piece < 9; piece++) {
		OK(read_file(&file, LIMIT_BYTES, piece, &out, &err) == 0);
		IS_STR(buf_str(&out), "one two");
	}
	end(&file);
}

static void damage_is_an_error_and_what_was_before_is_sound(void)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct file file;
	struct err err;
	size_t whole;

	begin(&file);
	add_frame(&file, STR("the first frame is whole"), 3);
	whole = file.bytes.len;
	add_frame(&file, STR("the second frame is not"), 3);
	for (size_t cut = 0; cut < file.bytes.len; cut++) {
		write_file(&file, str_sub(buf_str(&file.bytes), 0, cut));
		if (cut == whole) {
			OK(read_file(&file, LIMIT_BYTES, 100, &out, &err) == 0);
			continue;
		}
		IS_INT(read_file(&file, LIMIT_BYTES, 100, &out, &err), ERR_PARSE);
		OK(strstr(err.message, file.path) != NULL);
		if (cut > whole)
			OK(str_starts(buf_str(&out), STR("the first frame is whole")));
	}
	write_file(&file, STR("no Zstandard at all"));
	IS_INT(read_file(&file, LIMIT_BYTES, 100, &out, &err), ERR_PARSE);
	buf_addc(&file.bytes, "garbage behind it");
	write_file(&file, buf_str(&file.bytes));
	IS_INT(read_file(&file, LIMIT_BYTES, 100, &out, &err), ERR_PARSE);
	IS_STR(buf_str(&out), "the first frame is wholethe second frame is not");
	end(&file);
}

static void content_has_a_limit(void)
{
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct file file;
	struct err err;

	begin(&file);
	add_frame(&file, STR("0123456789"), 3);
	write_file(&file, buf_str(&file.bytes));
	OK(read_file(&file, 10, 3, &out, &err) == 0);
	IS_INT(read_file(&file, 9, 3, &out, &err), ERR_LIMIT);
	IS_STR(buf_str(&out), "012345678");
	end(&file);
}

/* A few bytes that ask for a window of 2 GB. */
static void memory_has_a_limit(void)
{
	static const char head[] = "\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00";
	CLEANUP(buf_release) struct buf out = BUF_INIT;
	struct file file;
	struct err err;

	begin(&file);
	write_file(&file, (struct str){ head, sizeof(head) - 1 });
	IS_INT(read_file(&file, LIMIT_BYTES, 100, &out, &err), ERR_LIMIT);
	end(&file);
}

static void only_files_that_are_there_are_opened(void)
{
	struct zstd_reader *reader;
	struct err err;

	IS_INT(zstd_reader_open(&reader, "/nowhere/at/all", 1, &err), ERR_NOT_FOUND);
	OK(reader == NULL);
	IS_INT(zstd_reader_open(&reader, "/tmp", 1, &err), ERR_IO);
	OK(reader == NULL);
	zstd_reader_close(NULL);
}

static const struct tap_case cases[] = { TAP_CASE(pieces_of_any_size_give_the_content),
	TAP_CASE(frames_follow_each_other),
	TAP_CASE(damage_is_an_error_and_what_was_before_is_sound), TAP_CASE(content_has_a_limit),
	TAP_CASE(memory_has_a_limit), TAP_CASE(only_files_that_are_there_are_opened) };
TAP_MAIN(cases)
