/*
 * Properties of reading a git configuration: other sections and comments before it change nothing;
 * a URL that was found is found again when it is written as git would write it; a project's name is
 * a piece of the URL without separators.
 */
#include "base/buf.h"
#include "base/err.h"
#include "collect/project.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_quoted(struct buf *out, struct str value)
{
	buf_byte(out, '"');
	for (size_t i = 0; i < value.len; i++) {
		static const char plain[] = "\n\t\b\"\\", escaped[] = "ntb\"\\";
		const char *hit = value.ptr[i] ? strchr(plain, value.ptr[i]) : NULL;

		if (hit)
			buf_byte(out, '\\');
		buf_byte(out, hit ? escaped[hit - plain] : value.ptr[i]);
	}
	buf_byte(out, '"');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	CLEANUP(buf_release) struct buf other = BUF_INIT;
	struct str text = { (const char *)data, size };
	struct str url = project_origin_url(text, &arena), name = project_of_url(url);

	ASSERT(str_find(name, '/', 0) < 0 && str_find(name, ':', 0) < 0);
	ASSERT(name.len == 0 || str_find_str(url, name) >= 0);
	buf_addc(&other, "# url = no\n[remote \"other\"]\n\turl = no\n[core]\n");
	if (!str_starts(text, STR("\xef\xbb\xbf"))) {
		buf_add(&other, text);
		ASSERT(str_eq(project_origin_url(buf_str(&other), &arena), url));
	}
	if (url.len == 0)
		return 0;
	buf_clear(&other);
	buf_addc(&other, "[remote \"origin\"]\r\n\turl = ");
	write_quoted(&other, url);
	buf_addc(&other, " ; end\r\n");
	ASSERT(str_eq(project_origin_url(buf_str(&other), &arena), url));
	return 0;
}
