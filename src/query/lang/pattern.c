/*
 * Compiled patterns. JIT where the machine allows it, PCRE2's interpreter else; both count their
 * steps. What a search needs beyond the pattern it makes for itself, so threads share nothing: that
 * costs an allocation of some hundred bytes a search.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "query/lang/pattern.h"

#include <pcre2.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "model/limits.h"
#include "query/lang/pattern_translate.h"

enum {
	HEAP_KIB = 16 << 10,        /* of the interpreter */
	JIT_STACK_START = 64 << 10, /* beyond the 32 KB that searches have anyway */
	JIT_STACK_MAX = 4 << 20,
	LONG_BYTES = 4 << 10, /* a subject that is not searched at once */
	WINDOW_STARTS = 256,
	QUICK_NS = 1000000,  /* a window after which the next is larger */
	SLOW_NS = 200000000, /* a search that is given up */
	MESSAGE_BYTES = 256
};

struct pattern {
	pcre2_code *code;
	pcre2_match_context *limits;
};

static const uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_DOLLAR_ENDONLY |
				PCRE2_ALT_CIRCUMFLEX | PCRE2_NEVER_BACKSLASH_C |
				PCRE2_MATCH_INVALID_UTF | PCRE2_USE_OFFSET_LIMIT;

/* What PCRE2 refuses of a pattern that translates. */
static int explain(struct err *err, int error, size_t at)
{
	char message[MESSAGE_BYTES];

	switch (error) {
	case PCRE2_ERROR_LOOKBEHIND_NOT_FIXED_LENGTH:
		return err_set(err, ERR_PARSE,
			"the look-behind at byte %zu of the regular expression has no fixed length: "
			"each of its alternatives must have one, without '*', '+', '?' or groups of "
			"different lengths inside",
			at);
	case PCRE2_ERROR_LOOKBEHIND_TOO_COMPLICATED:
	case PCRE2_ERROR_LOOKBEHIND_TOO_LONG:
	case PCRE2_ERROR_PATTERN_TOO_LARGE:
	case PCRE2_ERROR_PATTERN_TOO_COMPLICATED:
	case PCRE2_ERROR_PARENTHESES_NEST_TOO_DEEP:
	case PCRE2_ERROR_HEAP_FAILED:
	case PCRE2_ERROR_PARENTHESES_STACK_CHECK:
		return err_set(err, ERR_LIMIT,
			"the regular expression is too large with what repeats up to byte %zu", at);
	default:
		pcre2_get_error_message(error, (PCRE2_UCHAR *)message, sizeof(message));
		return err_set(
			err, ERR_PARSE, "%s at byte %zu of the regular expression", message, at);
	}
}

static pcre2_code *compile(const struct translation *translation, struct err *err)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	struct str text = buf_str(&translation->text);
	pcre2_code *code;
	PCRE2_SIZE offset = 0;
	/* JIT of 10.42 skips too far ahead where something lazy is in an atomic group: "2bcc" in
	 * "12bcc" for (?>[^a]+?)b(?>c+?). */
	uint32_t start = translation->lazy && translation->atomic ? PCRE2_NO_START_OPTIMIZE : 0;
	int error = 0;

	ASSERT(context && pcre2_set_newline(context, PCRE2_NEWLINE_LF) == 0);
#if PCRE2_MAJOR > 10 || PCRE2_MINOR >= 43
	/* The same language wherever it runs: older ones look behind by fixed lengths only. */
	pcre2_set_max_varlookbehind(context, 0);
#endif
	code = pcre2_compile((PCRE2_SPTR)(text.len > 0 ? text.ptr : ""), text.len, options | start,
		&error, &offset, context);
	pcre2_compile_context_free(context);
	if (!code) {
		explain(err, error, translation_origin(translation, offset));
		return NULL;
	}
	/* Without JIT the interpreter matches, only slower. */
	pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
	return code;
}

int pattern_compile(struct pattern **out, struct str text, bool ignore_case, struct err *err)
{
	struct translation translation = { .text = BUF_INIT };
	pcre2_code *code = NULL;
	struct pattern *pattern;

	*out = NULL;
	if (text.len > LIMIT_REGEX_BYTES)
		return err_set(err, ERR_LIMIT, "a regular expression longer than %d bytes",
			LIMIT_REGEX_BYTES);
	if (pattern_translate(&translation, text, ignore_case, err) == 0)
		code = compile(&translation, err);
	translation_release(&translation);
	if (!code)
		return err->code;
	pattern = mem_zalloc(sizeof(*pattern));
	pattern->code = code;
	pattern->limits = pcre2_match_context_create(NULL);
	ASSERT(pattern->limits != NULL);
	pcre2_set_match_limit(pattern->limits, LIMIT_REGEX_STEPS);
	pcre2_set_depth_limit(pattern->limits, LIMIT_REGEX_STEPS);
	pcre2_set_heap_limit(pattern->limits, HEAP_KIB);
	*out = pattern;
	return 0;
}

void pattern_free(struct pattern *pattern)
{
	if (!pattern)
		return;
	pcre2_match_context_free(pattern->limits);
	pcre2_code_free(pattern->code);
	free(pattern);
}

void pattern_freep(struct pattern **pattern)
{
	pattern_free(*pattern);
	*pattern = NULL;
}

/* One thread's search. */
struct search {
	const struct pattern *pattern;
	struct str subject;
	pcre2_match_context *limits;
	pcre2_match_data *data;
	pcre2_jit_stack *stack; /* NULL: the thread's own, of 32 KB */
};

static int match_from(const struct search *search, size_t start)
{
	struct str subject = search->subject;

	return pcre2_match(search->pattern->code, (PCRE2_SPTR)(subject.ptr ? subject.ptr : ""),
		subject.len, start, 0, search->data, search->limits);
}

/* Limits that are this search's own. */
static void own_limits(struct search *search)
{
	if (search->limits != search->pattern->limits)
		return;
	search->limits = pcre2_match_context_copy(search->limits);
	ASSERT(search->limits != NULL);
}

/* A match that begins at START or later; if the stack is too small, once more with a larger one:
 * few patterns need that, on long subjects. */
static int match(struct search *search, size_t start)
{
	int result = match_from(search, start);

	if (result != PCRE2_ERROR_JIT_STACKLIMIT || search->stack)
		return result;
	own_limits(search);
	search->stack = pcre2_jit_stack_create(JIT_STACK_START, JIT_STACK_MAX, NULL);
	ASSERT(search->stack != NULL);
	pcre2_jit_stack_assign(search->limits, NULL, search->stack);
	return match_from(search, start);
}

/*
 * PCRE2 counts the steps back, not those ahead: what goes far ahead from every start and fails
 * takes the square of the subject's length and no step that counts. So long subjects are searched
 * from some starts at a time, from more of them while that is quick, and the clock stops it.
 */
static int match_windows(struct search *search)
{
	int64_t begin = clock_monotonic_ns(), before = begin;
	size_t start = 0, window = WINDOW_STARTS;
	struct str subject = search->subject;

	own_limits(search);
	for (;;) {
		size_t last = start + window - 1;
		int result;
		int64_t now;

		pcre2_set_offset_limit(search->limits, last);
		result = match(search, start);
		if (result != PCRE2_ERROR_NOMATCH || last >= subject.len)
			return result;
		for (start = last + 1; start < subject.len; start++)
			if (((unsigned char)subject.ptr[start] & 0xc0) != 0x80)
				break;
		now = clock_monotonic_ns();
		if (now - begin > SLOW_NS)
			return PCRE2_ERROR_MATCHLIMIT;
		window = now - before < QUICK_NS ? window * 2 : window;
		before = now;
	}
}

enum pattern_result pattern_search(const struct pattern *pattern, struct str subject)
{
	struct search search = { .pattern = pattern,
		.subject = subject,
		.limits = pattern->limits,
		/* Where the match is nobody asks: one pair of offsets will do. */
		.data = pcre2_match_data_create(1, NULL) };
	int result;

	ASSERT(search.data != NULL);
	result = subject.len <= LONG_BYTES ? match(&search, 0) : match_windows(&search);
	pcre2_match_data_free(search.data);
	pcre2_jit_stack_free(search.stack);
	if (search.limits != pattern->limits)
		pcre2_match_context_free(search.limits);
	if (result >= 0)
		return PATTERN_YES;
	return result == PCRE2_ERROR_NOMATCH ? PATTERN_NO : PATTERN_LIMIT;
}
