/* Memory: the heap that aborts when it is empty, and arenas. */
#ifndef TT_BASE_MEM_H
#define TT_BASE_MEM_H

#include "base/str.h"

/* As malloc, calloc(1), reallocarray; out of memory and overflow abort with a message. Freed with
 * free(). */
void *mem_alloc(size_t bytes);
void *mem_zalloc(size_t bytes);
void *mem_resize(void *ptr, size_t count, size_t size);

/* For CLEANUP(mem_freep) char *p: frees what a pointer variable points to. */
void mem_freep(void *variable);

/*
 * An arena: many small allocations, freed together. One per command, request or round.
 * Its limit is soft: beyond it allocation still succeeds, and arena_over() says so; a loop over
 * foreign data asks at its head and ends with ERR_LIMIT.
 */
struct arena_block;
struct arena {
	struct arena_block *head;
	size_t used_bytes;
	size_t limit_bytes;
};

/* LIMIT_BYTES 0: no limit. An all-zero struct arena is a valid one without limit. */
void arena_init(struct arena *arena, size_t limit_bytes);
/* Frees everything; the arena may be used again. */
void arena_release(struct arena *arena);
/* Forget everything but keep the largest block for reuse. */
void arena_reset(struct arena *arena);
bool arena_over(const struct arena *arena);
/* BYTES, aligned for any type, not zeroed. */
void *arena_alloc(struct arena *arena, size_t bytes);
/* COUNT x SIZE zeroed bytes; overflow aborts. */
void *arena_zalloc(struct arena *arena, size_t count, size_t size);
/* A copy, NUL-terminated behind its length. */
struct str arena_str(struct arena *arena, struct str s);
const char *arena_cstr(struct arena *arena, struct str s);
struct str arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
