/* Made-up Claude Code transcripts. */
#ifndef TT_BENCH_TRANSCRIPTS_H
#define TT_BENCH_TRANSCRIPTS_H

#include <stdint.h>

enum transcripts_kind {
	/* As real ones are: prompts, answers of several lines (thinking, text, a tool call; a
	 * growing usage), and results that hold most of the bytes, each twice, as Claude Code
	 * writes them. */
	TRANSCRIPTS_REAL,
	/* The hardest for a collector: short lines, each with something to count. */
	TRANSCRIPTS_DENSE,
	/* As real ones are, in one file. */
	TRANSCRIPTS_HUGE,
};

/* About BYTES of them below DIR/projects, the last near UNTIL_NS. 0, or 1 after saying what failed.
 */
int transcripts_write(
	enum transcripts_kind kind, uint64_t bytes, const char *dir, int64_t until_ns);

#endif
