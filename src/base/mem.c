/* The aborting heap and arenas of doubling blocks. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { ARENA_FIRST_BLOCK = 8 << 10, ARENA_LARGEST_BLOCK = 4 << 20 };

struct arena_block {
	struct arena_block *next;
	size_t size;
	size_t used;
	_Alignas(max_align_t) char bytes[];
};

static void *or_abort(void *ptr)
{
	if (!ptr) {
		fputs("tt: out of memory\n", stderr);
		abort();
	}
	return ptr;
}

void *mem_alloc(size_t bytes)
{
	return or_abort(malloc(bytes ? bytes : 1));
}

void *mem_zalloc(size_t bytes)
{
	return or_abort(calloc(1, bytes ? bytes : 1));
}

void *mem_resize(void *ptr, size_t count, size_t size)
{
	return or_abort(reallocarray(ptr, count ? count : 1, size ? size : 1));
}

void mem_freep(void *variable)
{
	void *ptr;

	memcpy(&ptr, variable, sizeof(ptr));
	free(ptr);
}

void arena_init(struct arena *arena, size_t limit_bytes)
{
	*arena = (struct arena){ .limit_bytes = limit_bytes };
}

static void free_blocks(struct arena_block *block)
{
	while (block) {
		struct arena_block *next = block->next;

		free(block);
		block = next;
	}
}

void arena_release(struct arena *arena)
{
	free_blocks(arena->head);
	arena->head = NULL;
	arena->used_bytes = 0;
}

void arena_reset(struct arena *arena)
{
	struct arena_block *block = arena->head, *keep = NULL;

	arena->used_bytes = 0;
	while (block) {
		struct arena_block *next = block->next, *drop = block;

		if (!keep || block->size > keep->size) {
			drop = keep;
			keep = block;
		}
		free(drop);
		block = next;
	}
	arena->head = keep;
	if (!keep)
		return;
	keep->next = NULL;
	keep->used = 0;
}

bool arena_over(const struct arena *arena)
{
	return arena->limit_bytes != 0 && arena->used_bytes > arena->limit_bytes;
}

static struct arena_block *add_block(struct arena *arena, size_t bytes)
{
	size_t size = arena->head ? arena->head->size * 2 : ARENA_FIRST_BLOCK;
	struct arena_block *block;
	size_t total;

	if (size > ARENA_LARGEST_BLOCK)
		size = ARENA_LARGEST_BLOCK;
	if (size < bytes)
		size = bytes;
	if (__builtin_add_overflow(sizeof(*block), size, &total))
		or_abort(NULL);
	block = mem_alloc(total);
	block->next = arena->head;
	block->size = size;
	block->used = 0;
	arena->head = block;
	return block;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
	struct arena_block *block = arena->head;
	size_t rounded;
	void *ptr;

	if (__builtin_add_overflow(bytes, _Alignof(max_align_t) - 1, &rounded))
		or_abort(NULL);
	rounded &= ~(_Alignof(max_align_t) - 1);
	if (!block || block->size - block->used < rounded)
		block = add_block(arena, rounded);
	ptr = block->bytes + block->used;
	block->used += rounded;
	arena->used_bytes += rounded;
	return ptr;
}

void *arena_zalloc(struct arena *arena, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		or_abort(NULL);
	return memset(arena_alloc(arena, bytes), 0, bytes);
}

struct str arena_str(struct arena *arena, struct str s)
{
	char *copy = arena_alloc(arena, s.len + 1);

	if (s.len > 0)
		memcpy(copy, s.ptr, s.len);
	copy[s.len] = '\0';
	return (struct str){ copy, s.len };
}

const char *arena_cstr(struct arena *arena, struct str s)
{
	return arena_str(arena, s).ptr;
}

struct str arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	char *text = NULL;
	struct str copy;
	int len;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	if (len < 0)
		or_abort(NULL);
	copy = arena_str(arena, (struct str){ text, (size_t)len });
	free(text);
	return copy;
}
