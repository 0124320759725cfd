/*
 * Zstandard over libzstd's streaming decoder: compressed bytes are read in pieces, and what comes
 * out goes straight to the caller.
 *
 * A file ends well only between frames: the decoder says 0 when a frame is complete, and any other
 * hint at the end of the file means that the rest of a frame is missing.
 */
#include "base/zstd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/fs.h"

enum { INPUT_BYTES = 128 << 10 };

struct zstd_reader {
	int fd;
	const char *path;
	ZSTD_DCtx *decoder;
	int64_t left_bytes; /* of the limit */
	ZSTD_inBuffer input;
	bool complete; /* the last frame is */
	bool flushed;  /* the decoder holds nothing that could be given without more input */
	int failed;    /* 0 or the code that every further call fails with */
	char bytes[INPUT_BYTES];
};

int zstd_reader_open(
	struct zstd_reader **out, const char *path, int64_t limit_bytes, struct err *err)
{
	CLEANUP(zstd_reader_closep) struct zstd_reader *reader = mem_zalloc(sizeof(*reader));
	struct stat status;

	*out = NULL;
	reader->path = path;
	reader->left_bytes = limit_bytes;
	reader->input.src = reader->bytes;
	reader->flushed = true;
	reader->fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (reader->fd < 0)
		return err_sys(err, "cannot open '%s'", path);
	if (fstat(reader->fd, &status) < 0)
		return err_sys(err, "cannot look at '%s'", path);
	if (!S_ISREG(status.st_mode))
		return err_set(err, ERR_IO, "'%s' is no regular file", path);
	reader->decoder = ZSTD_createDCtx();
	ASSERT(reader->decoder != NULL);
	ZSTD_DCtx_setParameter(reader->decoder, ZSTD_d_windowLogMax, ZSTD_READER_WINDOW_LOG);
	*out = reader;
	reader = NULL;
	return 0;
}

/* More compressed bytes: 1, 0 at the end of the file, or an error. */
static int refill(struct zstd_reader *reader, struct err *err)
{
	ssize_t got;

	do
		got = read(reader->fd, reader->bytes, sizeof(reader->bytes));
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_sys(err, "cannot read '%s'", reader->path);
	reader->input.size = (size_t)got;
	reader->input.pos = 0;
	return got > 0;
}

static int decode(struct zstd_reader *reader, ZSTD_outBuffer *output, struct err *err)
{
	size_t rc = ZSTD_decompressStream(reader->decoder, output, &reader->input);

	if (!ZSTD_isError(rc)) {
		reader->complete = rc == 0;
		return 0;
	}
	if (ZSTD_getErrorCode(rc) == ZSTD_error_frameParameter_windowTooLarge)
		return err_set(err, ERR_LIMIT, "'%s' needs more memory to read than is allowed",
			reader->path);
	return err_set(err, ERR_PARSE, "'%s' is damaged: %s", reader->path, ZSTD_getErrorName(rc));
}

/* Bytes to decode, or at least a frame that may still hold some: 1; 0 at a good end of the file. */
static int feed(struct zstd_reader *reader, struct err *err)
{
	int more;

	if (reader->input.pos < reader->input.size)
		return 1;
	more = refill(reader, err);
	if (more == 0 && !reader->complete)
		return err_set(err, ERR_PARSE, "'%s' is cut within a frame", reader->path);
	return more;
}

static int next(struct zstd_reader *reader, ZSTD_outBuffer *output, struct err *err)
{
	while (output->pos == 0) {
		int more = reader->flushed ? feed(reader, err) : 1;

		if (more <= 0)
			return more;
		if (decode(reader, output, err) < 0)
			return err->code;
		/* A full buffer may have left something behind in the decoder. */
		reader->flushed = reader->complete || output->pos < output->size;
	}
	reader->left_bytes -= (int64_t)output->pos;
	if (reader->left_bytes < 0)
		return err_set(err, ERR_LIMIT, "there is more in '%s' than is read of such a file",
			reader->path);
	return 0;
}

int zstd_reader_next(
	struct zstd_reader *reader, char *bytes, size_t capacity, size_t *count, struct err *err)
{
	ZSTD_outBuffer output = { bytes, capacity, 0 };

	*count = 0;
	if (reader->failed != 0)
		return err_set(err, reader->failed, "reading '%s' failed before", reader->path);
	reader->failed = next(reader, &output, err);
	if (reader->failed == 0)
		*count = output.pos;
	return reader->failed;
}

void zstd_reader_close(struct zstd_reader *reader)
{
	if (!reader)
		return;
	fs_closep(&reader->fd);
	ZSTD_freeDCtx(reader->decoder);
	free(reader);
}

void zstd_reader_closep(struct zstd_reader **reader)
{
	zstd_reader_close(*reader);
	*reader = NULL;
}
