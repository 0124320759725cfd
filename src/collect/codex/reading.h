/* Between codex.c, which decides what is read, and codex_reading.c, one pass over a file: nobody
 * else includes this. */
#ifndef TT_COLLECT_CODEX_READING_H
#define TT_COLLECT_CODEX_READING_H

#include "collect/codex/codex.h"
#include "collect/codex/memory.h"
#include "collect/codex/walk.h"
#include "collect/places.h"
#include "collect/tail.h"
#include "collect/zst.h"

/* State of a cursor: the session is excluded. What it says is passed over until the rules change,
 * which forgets all cursors. */
#define CODEX_EXCLUDED STR("{\"excluded\":true}")

enum { CODEX_DEEPEST = 16 };

struct codex_round {
	const struct collect_context *context;
	struct source_counts *counts;
	struct agent_round *put;
	struct intake *intake;
	struct tail_set *set;
	struct arena arena;
	struct codex_files files;
	/* One file of FILES, unless it is done. */
	int (*collect)(struct codex_round *round, struct codex_file *file, struct err *err);
	int depth; /* of files read on the way to another, origins and who waits for them */
};

/* One pass over a file. */
struct codex_reading {
	struct codex_round *round;
	const char *path;
	struct tail *tail; /* one of the two */
	struct zst *zst;
	struct codex_reader reader;
	struct codex_parser parser;
	struct agent_session session;
	struct arena arena;     /* of the batch */
	bool saves;             /* the tail's cursor, after each batch */
	bool mute;              /* gives nothing, remembers nothing */
	bool passing;           /* gives, but remembers nothing */
	struct codex_span span; /* by all copies, when SPAN_KNOWN */
	bool span_known;
	int64_t through; /* lines that begin up to here were taken before; -1: none */
	int64_t until;   /* lines that begin behind it are left; INT64_MAX: none */
	int64_t batch_read;
	struct buf asked; /* the last turn that was asked for */
	bool asked_answer;
	struct buf noted;  /* the last turn that was remembered */
	struct buf before; /* the state before a last line without end; empty: none was taken */
	int64_t progress;  /* of the file, not yet reported */
	int fault;         /* code of what ended it early; 0: nothing */
};

/* A pass over all of FILE's content that gives, unless something else is said. */
struct codex_reading codex_reading_of(struct codex_round *round, const struct codex_file *file);
void codex_reading_release(struct codex_reading *reading);
/* A file that cannot be read does not keep the others from being read. */
void codex_note_failure(struct codex_round *round, const struct err *fault);
/* So many bytes of the file are done; no more than were announced. */
void codex_report(struct codex_reading *reading, int64_t bytes);
/*
 * All lines that there are now. A file that cannot be read on ends there: *FAULT says why, its code
 * 0 when nothing was wrong. The last batch is not put. < 0 only for failures of the store.
 */
MUST_USE int codex_take_lines(struct codex_reading *reading, struct err *fault, struct err *err);
/* A last line without its end, if it is a record already: who wrote it may be gone. What is saved
 * stays before it. */
MUST_USE int codex_take_rest(struct codex_reading *reading, struct err *err);
MUST_USE int codex_put_batch(struct codex_reading *reading, struct err *err);
/* How strong a reading of the session is that is done now: see codex_origin. */
MUST_USE int codex_strength(struct codex_reading *reading, int64_t *strength, struct err *err);
/* The tail's cursor. */
MUST_USE int codex_save(struct codex_reading *reading, struct err *err);

#endif
