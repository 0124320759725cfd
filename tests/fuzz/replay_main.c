/*
 * Runs a fuzz target without a fuzzer: every file of its corpus, then deterministic mutations of
 * them (the same in every run), as TAP. A property that fails aborts the program, which the test
 * runner counts; the input is left in the file named by the diagnostic, ready to become part of the
 * corpus.
 *
 *   replay CORPUS_DIR [MUTATIONS]
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"

enum { CORPUS_FILES = 4096, CORPUS_FILE_BYTES = 1 << 20, MUTATED_BYTES = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct corpus {
	struct dirent **names;
	int count;
	struct buf *files;
};

/* What is being tried, for the handler of an abort: it can take no argument. */
static struct str current;

static void on_abort(int signal_number)
{
	static const char path[] = "fuzz-failure.bin";
	FILE *file = fopen(path, "wb");

	(void)signal_number;
	if (file) {
		fwrite(current.ptr ? current.ptr : "", 1, current.len, file);
		fclose(file);
		fprintf(stderr, "the input that failed is in %s\n", path);
	}
	_exit(134);
}

static void try_input(struct str input)
{
	/* Its own block of exactly this size, so that ASan sees a read beyond the end. */
	uint8_t *copy = malloc(input.len > 0 ? input.len : 1);

	ASSERT(copy != NULL);
	if (input.len > 0)
		memcpy(copy, input.ptr, input.len);
	current = (struct str){ (const char *)copy, input.len };
	(void)LLVMFuzzerTestOneInput(copy, input.len);
	free(copy);
}

static int not_hidden(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int load(struct corpus *corpus, const char *dir)
{
	corpus->count = scandir(dir, &corpus->names, not_hidden, alphasort);
	if (corpus->count <= 0 || corpus->count > CORPUS_FILES) {
		printf("Bail out! no corpus in %s\n", dir);
		return -1;
	}
	corpus->files = calloc((size_t)corpus->count, sizeof(corpus->files[0]));
	ASSERT(corpus->files != NULL);
	for (int i = 0; i < corpus->count; i++) {
		struct buf path CLEANUP(buf_release) = BUF_INIT;
		struct err err;

		buf_printf(&path, "%s/%s", dir, corpus->names[i]->d_name);
		if (fs_read(buf_cstr(&path), CORPUS_FILE_BYTES, &corpus->files[i], &err) < 0) {
			printf("Bail out! %s\n", err.message);
			return -1;
		}
	}
	return 0;
}

static void release(struct corpus *corpus)
{
	for (int i = 0; i < corpus->count; i++) {
		if (corpus->files)
			buf_release(&corpus->files[i]);
		free(corpus->names[i]);
	}
	free(corpus->files);
	free(corpus->names);
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static size_t pick(uint64_t *state, size_t below)
{
	return below > 0 ? (size_t)(next_random(state) % below) : 0;
}

static struct str piece_of(uint64_t *state, struct str text)
{
	size_t from = pick(state, text.len + 1);

	return str_sub(text, from, pick(state, 32) + 1);
}

/* One small change of INPUT, as OUT; OTHER gives pieces to splice in. */
static void mutate(uint64_t *state, struct str input, struct str other, struct buf *out)
{
	static const char *const words[] = { "\"", "\\", "\n", "{", "}", "[", "]", ":", ",", ".",
		"-", "+", "0", "9", "99999999999999999999", "\xff", "\xc3", "\xed\xa0\x80",
		"\\u0000", "\\ud800", " ", "\t", "\r", "Z", "T", "true", "null", "e", "#", "=", "/",
		"*", "**" };
	size_t at = pick(state, input.len + 1);
	size_t cut = 0;
	struct str middle = { NULL, 0 };
	char byte = (char)next_random(state);

	switch (pick(state, 6)) {
	case 0: /* flip a bit */
		cut = 1;
		byte = (char)((at < input.len ? input.ptr[at] : 0) ^ (1 << pick(state, 8)));
		middle = (struct str){ &byte, 1 };
		break;
	case 1: /* insert a byte */
		middle = (struct str){ &byte, 1 };
		break;
	case 2: /* insert a word that means something to a parser */
		middle = str_from(words[pick(state, ARRAY_LEN(words))]);
		break;
	case 3: /* drop some */
		cut = pick(state, 16) + 1;
		break;
	case 4: /* splice */
		middle = piece_of(state, other);
		cut = pick(state, 16);
		break;
	default: /* cut off the end */
		cut = input.len;
		break;
	}
	buf_clear(out);
	buf_add(out, str_sub(input, 0, at));
	buf_add(out, middle);
	buf_add(out, str_sub(input, at + cut < input.len ? at + cut : input.len, input.len));
}

static void try_mutations(const struct corpus *corpus, long count)
{
	struct buf one CLEANUP(buf_release) = BUF_INIT;
	struct buf two CLEANUP(buf_release) = BUF_INIT;
	uint64_t state = UINT64_C(0x7469646d61726b21);

	for (long i = 0; i < count; i++) {
		const struct buf *seed = &corpus->files[pick(&state, (size_t)corpus->count)];
		const struct buf *other = &corpus->files[pick(&state, (size_t)corpus->count)];
		size_t rounds = pick(&state, 4);

		mutate(&state, str_sub(buf_str(seed), 0, MUTATED_BYTES), buf_str(other), &one);
		try_input(buf_str(&one));
		while (rounds-- > 0) {
			mutate(&state, buf_str(&one), buf_str(other), &two);
			try_input(buf_str(&two));
			buf_clear(&one);
			buf_add(&one, buf_str(&two));
		}
	}
}

int main(int argc, char **argv)
{
	struct corpus corpus = { 0 };
	long mutations = argc > 2 ? strtol(argv[2], NULL, 10) : 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGABRT, on_abort);
	puts("TAP version 13");
	if (argc < 2 || load(&corpus, argv[1]) < 0) {
		release(&corpus);
		return 1;
	}
	for (int i = 0; i < corpus.count; i++) {
		try_input(buf_str(&corpus.files[i]));
		printf("ok %d - %s\n", i + 1, corpus.names[i]->d_name);
	}
	try_mutations(&corpus, mutations);
	printf("ok %d - %ld mutations\n1..%d\n", corpus.count + 1, mutations, corpus.count + 1);
	release(&corpus);
	return 0;
}
