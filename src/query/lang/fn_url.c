/* split_url_events: the parts of `url`, as browsers see them, beside it. */
#include "base/url.h"
#include "query/lang/function.h"

enum { PARSE_STEPS = 128 };

static struct str quoted(struct mapper *mapper, struct str text)
{
	struct buf quoted = BUF_INIT;
	struct str copy;

	json_quote(&quoted, text);
	copy = arena_str(&mapper->scratch, buf_str(&quoted));
	buf_release(&quoted);
	return copy;
}

/* Without any `www.` at its start, however many; a URL without host shows its scheme. */
static struct str domain_of(const struct url *url)
{
	struct str domain = url->host.ptr ? url->host : url->scheme;

	while (url->host.ptr && str_starts(domain, STR("www.")))
		domain = str_sub(domain, 4, domain.len);
	return domain;
}

static const struct data *with_parts(
	struct mapper *mapper, const struct data *data, const struct url *url)
{
	const struct data_member members[] = {
		{ STR("$domain"), quoted(mapper, domain_of(url)) },
		{ STR("$params"), quoted(mapper, url->query) },
		{ STR("$path"), quoted(mapper, url->path) },
		{ STR("$protocol"), quoted(mapper, url->scheme) },
	};

	buf_clear(&mapper->more);
	data_with(&mapper->more, data, members, ARRAY_LEN(members), &mapper->scratch);
	return run_data(mapper->run, buf_str(&mapper->more));
}

static const struct data *map_url(const void *state, struct mapper *mapper, const struct data *data)
{
	struct str value = data_get(data, STR("url"), &mapper->scratch), text;
	struct url url;

	(void)state;
	mapper->run->steps += PARSE_STEPS;
	buf_clear(&mapper->text);
	if (!value.ptr || !data_string(value, &mapper->scratch, &text) ||
		!url_parse(text, &mapper->text, &url))
		return data;
	return with_parts(mapper, data, &url);
}

static void release_nothing(void *state)
{
	(void)state;
}

static const struct mapping_type url_type = { map_url, release_nothing };

static int make_url(struct run *run, struct call *call, const struct memo_key *key)
{
	(void)run;
	call->mapping = mapping_new(&url_type, NULL, key);
	return 0;
}

int split_url_events_prepare(struct run *run, struct call *call)
{
	return function_mapping(run, call, 1, make_url);
}
