/* The heap that aborts, and arenas: alignment, limits, reuse, and sizes that cannot be. */
#include "tap.h"

#include <stdalign.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

/* Whether RUN ends the process other than by success; what it says goes nowhere. */
static bool dies(void (*run)(void))
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(0);
		run();
		_exit(0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status != 0;
}

static void allocates_from_the_heap(void)
{
	unsigned char *zeros = mem_zalloc(64);
	char *nothing = mem_alloc(0);
	int *numbers = mem_resize(NULL, 4, sizeof(*numbers));
	int sum = 0;

	for (int i = 0; i < 64; i++)
		sum += zeros[i];
	IS_INT(sum, 0);
	OK(nothing != NULL);
	numbers[3] = 5;
	numbers = mem_resize(numbers, 4000, sizeof(*numbers));
	IS_INT(numbers[3], 5);
	free(zeros);
	free(nothing);
	free(numbers);
}

static void cleans_up_at_the_end_of_scope(void)
{
	CLEANUP(mem_freep) char *text = mem_alloc(10);
	CLEANUP(mem_freep) char *none = NULL;

	memcpy(text, "abc", 4);
	IS_CSTR(text, "abc");
	OK(none == NULL);
}

static void resize_overflow(void)
{
	free(mem_resize(NULL, SIZE_MAX / 2, 4));
}

static void arena_size_overflow(void)
{
	struct arena arena = { 0 };

	arena_alloc(&arena, SIZE_MAX);
}

/* Rounding still fits, the block's head no longer does. */
static void arena_block_overflow(void)
{
	struct arena arena = { 0 };

	arena_alloc(&arena, SIZE_MAX - 31);
}

static void arena_count_overflow(void)
{
	struct arena arena = { 0 };

	arena_zalloc(&arena, SIZE_MAX / 2, 4);
}

static void impossible_sizes_end_the_program(void)
{
	OK(dies(resize_overflow));
	OK(dies(arena_size_overflow));
	OK(dies(arena_block_overflow));
	OK(dies(arena_count_overflow));
}

static void arena_memory_is_aligned_and_apart(void)
{
	enum { COUNT = 2000 };
	struct arena arena;
	unsigned char *parts[COUNT];
	bool aligned = true, apart = true;

	arena_init(&arena, 0);
	for (size_t i = 0; i < COUNT; i++) {
		parts[i] = arena_alloc(&arena, i % 100);
		aligned = aligned && (uintptr_t)parts[i] % alignof(max_align_t) == 0;
		memset(parts[i], (int)(i % 256), i % 100);
	}
	for (size_t i = 0; i < COUNT; i++)
		for (size_t j = 0; j < i % 100; j++)
			apart = apart && parts[i][j] == i % 256;
	OK(aligned);
	OK(apart);
	OK(arena.used_bytes >= 20 * (99 * 100 / 2));
	arena_release(&arena);
	IS_INT(arena.used_bytes, 0);
}

static void arena_zalloc_zeroes_reused_memory(void)
{
	struct arena arena = { 0 };
	unsigned char *bytes = arena_alloc(&arena, 1000);
	int sum = 0;

	memset(bytes, 0xff, 1000);
	arena_reset(&arena);
	bytes = arena_zalloc(&arena, 250, 4);
	for (int i = 0; i < 1000; i++)
		sum += bytes[i];
	IS_INT(sum, 0);
	OK(arena_zalloc(&arena, 0, 8) != NULL);
	arena_release(&arena);
}

static void a_limit_is_soft(void)
{
	struct arena arena;

	arena_init(&arena, 1000);
	OK(arena_alloc(&arena, 900) != NULL);
	OK(!arena_over(&arena));
	OK(arena_alloc(&arena, 900) != NULL);
	OK(arena_over(&arena));
	arena_reset(&arena);
	OK(!arena_over(&arena));
	IS_INT(arena.limit_bytes, 1000);
	arena_release(&arena);
	IS_INT(arena.limit_bytes, 1000);

	arena_init(&arena, 0);
	OK(arena_alloc(&arena, 10 << 20) != NULL);
	OK(!arena_over(&arena));
	arena_release(&arena);
}

/* The largest block stays, wherever in the chain it is: the next round of the same work needs no
 * other. */
static void reset_keeps_the_largest_block(void)
{
	enum { LARGE = 12 << 20 };
	struct arena arena = { 0 };
	char *large = arena_alloc(&arena, LARGE);

	arena_alloc(&arena, 100);
	arena_reset(&arena);
	OK(arena_alloc(&arena, LARGE) == large);
	arena_reset(&arena);
	arena_reset(&arena);
	OK(arena_alloc(&arena, 1) == large);
	arena_release(&arena);
	arena_reset(&arena);
	arena_release(&arena);
	OK(arena.head == NULL);
}

static void copies_texts(void)
{
	struct arena arena = { 0 };
	char source[] = "a\0b";
	struct str copy = arena_str(&arena, (struct str){ source, 3 });

	source[0] = 'x';
	OK(str_eq(copy, STR("a\0b")));
	IS_INT(copy.ptr[3], 0);
	IS_CSTR(arena_cstr(&arena, STR("text")), "text");
	IS_CSTR(arena_cstr(&arena, (struct str){ NULL, 0 }), "");
	IS_STR(arena_printf(&arena, "%s/%d", "dir", 7), "dir/7");
	IS_INT(arena_printf(&arena, "%20000d", 1).len, 20000);
	IS_STR(arena_printf(&arena, "%s", ""), "");
	arena_release(&arena);
}

static const struct tap_case cases[] = {
	TAP_CASE(allocates_from_the_heap),
	TAP_CASE(cleans_up_at_the_end_of_scope),
	TAP_CASE(impossible_sizes_end_the_program),
	TAP_CASE(arena_memory_is_aligned_and_apart),
	TAP_CASE(arena_zalloc_zeroes_reused_memory),
	TAP_CASE(a_limit_is_soft),
	TAP_CASE(reset_keeps_the_largest_block),
	TAP_CASE(copies_texts),
};

TAP_MAIN(cases)
