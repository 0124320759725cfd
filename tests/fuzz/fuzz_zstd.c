/*
 * Properties of reading compressed files: any bytes give the same content and the same verdict,
 * whatever the size of the pieces asked for; and what was compressed comes back.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/zstd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMIT_BYTES = 1 << 20 };

/* BYTES as a file's content; pieces of PIECE bytes. The verdict: 0 or an error. */
static int read_pieces(struct str bytes, size_t piece, struct buf *out)
{
	CLEANUP(fs_closep) int fd = memfd_create("fuzz", MFD_CLOEXEC);
	CLEANUP(zstd_reader_closep) struct zstd_reader *reader = NULL;
	char path[64];
	struct err err;
	size_t count;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ASSERT(fs_write_all(fd, path, bytes, &err) == 0);
	ASSERT(zstd_reader_open(&reader, path, LIMIT_BYTES, &err) == 0);
	do {
		if (zstd_reader_next(reader, buf_reserve(out, piece), piece, &count, &err) < 0) {
			ASSERT(zstd_reader_next(reader, path, 1, &count, &err) == err.code);
			ASSERT(count == 0);
			return err.code;
		}
		ASSERT(count <= piece);
		out->len += count;
	} while (count > 0);
	ASSERT(out->len <= LIMIT_BYTES);
	return 0;
}

static void check_any(struct str bytes)
{
	CLEANUP(buf_release) struct buf large = BUF_INIT, small = BUF_INIT;
	int verdict = read_pieces(bytes, 64 << 10, &large);

	ASSERT(read_pieces(bytes, 97, &small) == verdict);
	/* How much was given before damage was found may differ, but not what. */
	if (verdict == 0)
		ASSERT(str_eq(buf_str(&large), buf_str(&small)));
	else
		ASSERT(str_starts(buf_str(&large), buf_str(&small)) ||
			str_starts(buf_str(&small), buf_str(&large)));
}

static void check_round_trip(struct str bytes)
{
	CLEANUP(buf_release) struct buf packed = BUF_INIT, out = BUF_INIT;
	size_t most = ZSTD_compressBound(bytes.len);
	size_t got = ZSTD_compress(buf_reserve(&packed, most), most, bytes.ptr, bytes.len, 1);

	ASSERT(!ZSTD_isError(got));
	packed.len = got;
	ASSERT(read_pieces(buf_str(&packed), 1000, &out) == 0);
	ASSERT(str_eq(buf_str(&out), bytes));
	if (packed.len > 0) {
		packed.len--;
		buf_clear(&out);
		ASSERT(read_pieces(buf_str(&packed), 1000, &out) == ERR_PARSE);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str bytes = { (const char *)data, size };

	check_any(bytes);
	check_round_trip(bytes);
	return 0;
}
