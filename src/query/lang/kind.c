/* What goes wrong in a program, in the words that ActivityWatch's clients know. */
#include "query/lang.h"

const char *lang_kind_name(enum lang_kind kind)
{
	static const char *const names[] = {
		[LANG_OK] = "OK",
		[LANG_PARSING_ERROR] = "ParsingError",
		[LANG_EMPTY_QUERY] = "EmptyQuery",
		[LANG_VARIABLE_NOT_DEFINED] = "VariableNotDefined",
		[LANG_MATH_ERROR] = "MathError",
		[LANG_INVALID_TYPE] = "InvalidType",
		[LANG_INVALID_FUNCTION_PARAMETERS] = "InvalidFunctionParameters",
		[LANG_TIME_INTERVAL_ERROR] = "TimeIntervalError",
		[LANG_BUCKET_QUERY_ERROR] = "BucketQueryError",
		[LANG_REGEX_COMPILE_ERROR] = "RegexCompileError",
		[LANG_LIMIT] = "LimitExceeded",
		[LANG_STORE] = "StoreError",
	};

	return (size_t)kind < ARRAY_LEN(names) ? names[kind] : "?";
}
