/*
 * Foreign URLs. What parses is ASCII and, put together again, parses to the same parts.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The parts as one URL. A path of segments without a host must not look like one. */
static void put_together(struct buf *out, const struct url *url)
{
	buf_add(out, url->scheme);
	buf_byte(out, ':');
	if (url->host.ptr || str_eq_c(url->scheme, "file")) {
		buf_addc(out, "//");
		buf_add(out, url->host);
	} else if (str_starts(url->path, STR("//"))) {
		buf_addc(out, "/.");
	}
	buf_add(out, url->path);
	buf_byte(out, '?');
	buf_add(out, url->query);
	buf_byte(out, '#'); /* else spaces at the end would be trimmed */
}

static void check_ascii(struct str part)
{
	for (size_t i = 0; i < part.len; i++)
		ASSERT(part.ptr[i] >= ' ' && part.ptr[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(buf_release) struct buf buf = BUF_INIT, text = BUF_INIT, again_buf = BUF_INIT;
	CLEANUP(buf_release) struct buf coded = BUF_INIT, back = BUF_INIT;
	struct str input = { (const char *)data, size };
	struct url url, again;

	url_encode(&coded, input);
	ASSERT(url_decode(&back, buf_str(&coded), true));
	ASSERT(str_eq(buf_str(&back), input));
	if (!url_parse(input, &buf, &url))
		return 0;
	ASSERT(url.scheme.len > 0 && (url.host.len > 0) == (url.host.ptr != NULL));
	check_ascii(buf_str(&buf));
	put_together(&text, &url);
	ASSERT(url_parse(buf_str(&text), &again_buf, &again));
	ASSERT(str_eq(url.scheme, again.scheme) && str_eq(url.host, again.host));
	ASSERT(str_eq(url.path, again.path) && str_eq(url.query, again.query));
	return 0;
}
