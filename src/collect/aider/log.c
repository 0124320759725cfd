/*
 * A chat history, line by line.
 *
 *   # aider chat started at 2026-03-10 09:00:00    a session begins
 *   #### words                                     a person's; lines that follow each other are one
 *   > words                                        the program's
 *   anything else                                  the model's
 *
 * Inside a fenced block of the model's nothing is a mark. But an answer may be interrupted within a
 * block, so two things end it: the report of tokens, which follows every answer, and the header of
 * a session, if they stand as the program writes them.
 *
 * A block of text after a prompt, or after a report of tokens, is a response; the model may quote
 * in it, so of the program's lines only those that are known to be its own end it. Items have no
 * ids: they are counted by kind within their session.
 */
#include "collect/aider/aider.h"

#include "base/hash.h"
#include "collect/doc.h"

struct parser {
	struct aider_log log;
	const struct aider_file *file;
	uint64_t place; /* hash of its name */
	struct doc_lines lines;
	enum { NOTHING, PROMPT, TEXT } block;
	struct buf text; /* of the block */
	bool after_blank;
	char fence; /* '`' or '~' of the block that is open; 0: none */
	size_t fence_length;
	struct str model;
	struct str turn; /* key of the last prompt; empty: none yet */
	bool asked;      /* the next block of text is an answer */
	int64_t counts[AGENT_KINDS];
	struct start *starts; /* a hash table */
	size_t start_slots;
};

/* How many sessions began in a second. */
struct start {
	int64_t local_ns;
	int count;
};

/* --- wall clock --- */

static bool two_digits(struct str text, size_t at, int most, int32_t *out)
{
	int64_t value;

	if (!str_to_i64(str_sub(text, at, 2), &value) || value < 0 || value > most)
		return false;
	*out = (int32_t)value;
	return true;
}

/* ".123456" as nanoseconds; -1 when it is none. */
static int64_t fraction_ns(struct str text)
{
	int64_t ns = 0, unit = NS_PER_S / 10;

	if (text.len == 0)
		return 0;
	if (text.ptr[0] != '.' || text.len < 2)
		return -1;
	for (size_t i = 1; i < text.len; i++, unit /= 10) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return -1;
		ns += (text.ptr[i] - '0') * unit;
	}
	return ns;
}

bool aider_clock(struct str text, struct aider_clock *out)
{
	int32_t hour, minute, second;
	int64_t ns = fraction_ns(str_sub(text, 19, text.len));
	struct err err;

	if (text.len < 19 || ns < 0 || date_parse(str_sub(text, 0, 10), &out->date, &err) < 0 ||
		(text.ptr[10] != ' ' && text.ptr[10] != 'T') || text.ptr[13] != ':' ||
		text.ptr[16] != ':' || !two_digits(text, 11, 23, &hour) ||
		!two_digits(text, 14, 59, &minute) || !two_digits(text, 17, 59, &second) ||
		out->date.year < 1970 || out->date.year > 2200)
		return false;
	out->second = hour * 3600 + minute * 60 + second;
	out->local_ns = (date_to_days(out->date) * 86400 + out->second) * NS_PER_S + ns;
	return true;
}

/* --- sessions --- */

static struct aider_chat *chat_of(struct parser *parser)
{
	return &parser->log.chats[parser->log.count - 1];
}

static struct agent_session *session_of(struct parser *parser)
{
	return &chat_of(parser)->session;
}

static struct aider_chat *add_chat(struct parser *parser, int64_t offset)
{
	struct aider_log *log = &parser->log;
	struct aider_chat *chat;

	if (log->count > 0)
		chat_of(parser)->end = offset;
	if (log->count == log->capacity) {
		size_t capacity = log->capacity * 2 + 8;
		struct aider_chat *grown = arena_zalloc(log->arena, capacity, sizeof(*grown));

		if (log->count > 0)
			memcpy(grown, log->chats, log->count * sizeof(*grown));
		log->chats = grown;
		log->capacity = capacity;
	}
	chat = &log->chats[log->count++];
	chat->begin = offset;
	chat->session = agent_session(log->arena, "aider");
	chat->session.path = str_from(parser->file->path);
	chat->session.cwd = parser->file->workspace;
	return chat;
}

static struct start *start_slot(struct start *starts, size_t slots, int64_t local_ns)
{
	size_t at = (size_t)(local_ns / NS_PER_S);

	while (starts[at & (slots - 1)].count > 0 && starts[at & (slots - 1)].local_ns != local_ns)
		at++;
	return &starts[at & (slots - 1)];
}

/* Which one this is of the sessions of the file that began at LOCAL_NS: 1 and up. */
static int count_start(struct parser *parser, int64_t local_ns)
{
	struct start *start;

	if (parser->log.count * 2 >= parser->start_slots) {
		size_t slots = parser->start_slots ? parser->start_slots * 2 : 16;
		struct start *grown = arena_zalloc(parser->log.arena, slots, sizeof(*grown));

		for (size_t i = 0; i < parser->start_slots; i++)
			if (parser->starts[i].count > 0)
				*start_slot(grown, slots, parser->starts[i].local_ns) =
					parser->starts[i];
		parser->starts = grown;
		parser->start_slots = slots;
	}
	start = start_slot(parser->starts, parser->start_slots, local_ns);
	start->local_ns = local_ns;
	return ++start->count;
}

static void begin_session(struct parser *parser, const struct aider_clock *start, int64_t offset)
{
	int number = count_start(parser, start->local_ns);
	struct aider_chat *chat = add_chat(parser, offset);
	CLEANUP(buf_release) struct buf id = BUF_INIT;

	chat->headed = true;
	chat->start = *start;
	buf_printf(&id, "aider-%016llx-%04d%02d%02dT%02d%02d%02d",
		(unsigned long long)parser->place, start->date.year, start->date.month,
		start->date.day, (int)start->second / 3600, (int)start->second / 60 % 60,
		(int)start->second % 60);
	if (number > 1)
		buf_printf(&id, ".%d", number);
	chat->session.id = arena_str(parser->log.arena, buf_str(&id));
	parser->model = parser->turn = (struct str){ NULL, 0 };
	parser->asked = false;
	memset(parser->counts, 0, sizeof(parser->counts));
}

static void begin_headless(struct parser *parser)
{
	add_chat(parser, 0)->session.id = arena_printf(
		parser->log.arena, "aider-%016llx-before", (unsigned long long)parser->place);
}

/* --- items --- */

static struct agent_item *add_item(struct parser *parser, enum agent_kind kind)
{
	struct agent_session *session = session_of(parser);
	struct str key = arena_printf(parser->log.arena, "%.*s:%lld", STR_ARG(session->id),
		(long long)++parser->counts[kind]);
	struct agent_item *item = agent_item(session, kind, key, AGENT_NO_TIME);

	item->turn = parser->turn;
	if (kind == AGENT_RESPONSE || kind == AGENT_USAGE)
		item->model = parser->model;
	return item;
}

static void end_prompt(struct parser *parser)
{
	struct str text = str_trim(buf_str(&parser->text));
	struct agent_item *item;

	if (text.len == 0 || str_eq(text, STR("<blank>"))) { /* no input at all */
		parser->turn = (struct str){ NULL, 0 };
		return;
	}
	item = add_item(parser, AGENT_PROMPT);
	item->turn = parser->turn = item->key;
	item->text = arena_str(parser->log.arena, text);
	item->command = text.ptr[0] == '/' || text.ptr[0] == '!';
	parser->asked = true;
}

static void end_answer(struct parser *parser)
{
	if (!parser->asked)
		return;
	parser->asked = false;
	add_item(parser, AGENT_RESPONSE)->text =
		arena_str(parser->log.arena, str_trim(buf_str(&parser->text)));
}

static void end_block(struct parser *parser)
{
	if (parser->block == PROMPT)
		end_prompt(parser);
	else if (parser->block == TEXT)
		end_answer(parser);
	parser->block = NOTHING;
	buf_clear(&parser->text);
}

/* --- the program's lines --- */

/* `4.2k`, `900`, `1.3M`; -1 when it is no number. */
static int64_t rounded(struct str text)
{
	int64_t value = 0, unit = 1, scale = 1;
	size_t i;

	for (i = 0; i < text.len; i++) {
		if (text.ptr[i] == '.' && scale == 1)
			scale = 10;
		else if (text.ptr[i] >= '0' && text.ptr[i] <= '9' && value < INT64_MAX / 100 &&
			 unit < NS_PER_S) {
			value = value * 10 + (text.ptr[i] - '0');
			unit *= scale;
		} else {
			break;
		}
	}
	if (i == 0 || i + 1 < text.len)
		return -1;
	if (i == text.len)
		return value / unit;
	if (value > INT64_MAX / 1000000)
		return -1;
	if (text.ptr[i] == 'k' || text.ptr[i] == 'K')
		return value * 1000 / unit;
	return text.ptr[i] == 'M' || text.ptr[i] == 'm' ? value * 1000000 / unit : -1;
}

static const struct {
	struct str word;
	enum agent_token token;
} token_words[] = {
	{ STR_INIT("sent"), AGENT_INPUT },
	{ STR_INIT("cache write"), AGENT_CACHE_WRITE },
	{ STR_INIT("cache hit"), AGENT_CACHE_READ },
	{ STR_INIT("received"), AGENT_OUTPUT },
};

/* `Tokens: 4.2k sent, 3k cache hit, 356 received. Cost: …` */
static bool read_tokens(struct str line, int64_t tokens[static AGENT_TOKENS])
{
	struct str rest = str_sub(line, 8, line.len);

	for (int i = 0; i < AGENT_TOKENS; i++)
		tokens[i] = -1;
	if (!str_starts(line, STR("Tokens: ")))
		return false;
	while (rest.len > 0 && tokens[AGENT_OUTPUT] < 0) {
		struct str part = str_split(&rest, ','), number;
		size_t i;

		part = str_trim(part);
		number = str_split(&part, ' ');
		for (i = 0; i < ARRAY_LEN(token_words); i++)
			if (str_starts(part, token_words[i].word))
				break;
		if (i == ARRAY_LEN(token_words) || rounded(number) < 0)
			return false;
		tokens[token_words[i].token] = rounded(number);
	}
	return tokens[AGENT_INPUT] >= 0 && tokens[AGENT_OUTPUT] >= 0;
}

static struct str after(struct str line, struct str prefix)
{
	return str_starts(line, prefix) ? str_sub(line, prefix.len, line.len)
					: (struct str){ NULL, 0 };
}

/* LINE up to the last WORD. */
static struct str before_last(struct str line, struct str word)
{
	ptrdiff_t at;

	for (at = (ptrdiff_t)line.len - (ptrdiff_t)word.len; at >= 0; at--)
		if (str_starts(str_sub(line, (size_t)at, line.len), word))
			return str_sub(line, 0, (size_t)at);
	return (struct str){ NULL, 0 };
}

static void note_model(struct parser *parser, struct str value)
{
	ptrdiff_t with = str_find_str(value, STR(" with "));

	parser->model = str_trim(with >= 0 ? str_sub(value, 0, (size_t)with) : value);
}

/* `litellm.RateLimitError: …`: the class of it. */
static bool read_failure(struct parser *parser, struct str line)
{
	struct str rest = after(line, STR("litellm.")), class = str_split(&rest, ':');

	if (class.len == 0 || class.len > 64 ||
		(!str_ends(class, STR("Error")) && !str_ends(class, STR("Exception"))) ||
		str_find(class, ' ', 0) >= 0)
		return false;
	add_item(parser, AGENT_ERROR)->error = class;
	return true;
}

static void read_program_line(struct parser *parser, struct str line)
{
	struct agent_session *session = session_of(parser);
	int64_t tokens[AGENT_TOKENS];
	struct str value;

	if (read_tokens(line, tokens)) {
		struct agent_item *item = add_item(parser, AGENT_USAGE);

		memcpy(item->tokens, tokens, sizeof(tokens));
		item->approximate = true;
		parser->asked = parser->counts[AGENT_PROMPT] > 0;
	} else if ((value = after(line, STR("Applied edit to "))).len > 0) {
		add_item(parser, AGENT_FILE_EDIT)->file = value;
	} else if ((value = before_last(after(line, STR("Added ")), STR(" to the chat"))).len > 0) {
		add_item(parser, AGENT_FILE_READ)->file = value;
	} else if ((value = after(line, STR("Main model: "))).len > 0 ||
		   (value = after(line, STR("Model: "))).len > 0) {
		note_model(parser, value);
	} else if ((value = after(line, STR("Aider v"))).len > 0) {
		session->version = str_split(&value, ' ');
	} else {
		read_failure(parser, line);
	}
}

/* Inside of an answer a line that begins otherwise is a quotation. */
static bool is_the_programs(struct str line)
{
	static const struct str beginnings[] = { STR_INIT("Tokens: "), STR_INIT("Cost: "),
		STR_INIT("Applied edit to "), STR_INIT("Commit "), STR_INIT("Added "),
		STR_INIT("Main model: "), STR_INIT("Model: "), STR_INIT("Aider v"),
		STR_INIT("litellm.") };

	for (size_t i = 0; i < ARRAY_LEN(beginnings); i++)
		if (str_starts(line, beginnings[i]))
			return true;
	return false;
}

/* --- lines --- */

static struct str trim_end(struct str line)
{
	while (line.len > 0 && strchr(" \t\r", line.ptr[line.len - 1]))
		line.len--;
	return line;
}

static bool read_header(struct str line, struct aider_clock *start)
{
	struct str text = after(trim_end(line), STR("# aider chat started at "));

	return text.len == 19 && aider_clock(text, start);
}

static bool is_prompt_line(struct str line)
{
	return str_starts(line, STR("####")) && (line.len == 4 || line.ptr[4] == ' ');
}

static bool is_program_line(struct str line)
{
	return str_starts(line, STR(">")) && (line.len == 1 || line.ptr[1] == ' ');
}

/* What the next line that is not blank begins with tells whether the program wrote this one. */
static bool program_follows(struct doc_lines lines)
{
	struct aider_clock start;
	struct str line;
	int64_t offset;

	while (doc_line(&lines, &line, &offset)) {
		line = trim_end(line);
		if (line.len > 0)
			return is_prompt_line(line) || is_program_line(line) ||
			       read_header(line, &start);
	}
	line = lines.rest;
	return line.len == 0 || line.ptr[0] == '#' || line.ptr[0] == '>';
}

/* Does LINE end the model's text in the midst of a fenced block? */
static bool breaks_fence(const struct parser *parser, struct str line)
{
	int64_t tokens[AGENT_TOKENS];
	struct aider_clock start;

	if (!parser->after_blank)
		return false;
	if (read_header(line, &start))
		return program_follows(parser->lines);
	return is_program_line(line) && read_tokens(str_trim(str_sub(line, 1, line.len)), tokens);
}

/* Of the model's text: does a fenced block begin or end here? */
static void note_fence(struct parser *parser, struct str line)
{
	struct str rest = line;
	size_t indent = 0, length = 0;
	char mark;

	while (indent < rest.len && indent < 4 && rest.ptr[indent] == ' ')
		indent++;
	rest = str_sub(rest, indent, rest.len);
	if (indent > 3 || rest.len < 3 || (rest.ptr[0] != '`' && rest.ptr[0] != '~'))
		return;
	mark = rest.ptr[0];
	while (length < rest.len && rest.ptr[length] == mark)
		length++;
	rest = trim_end(str_sub(rest, length, rest.len));
	if (parser->fence) {
		if (mark == parser->fence && length >= parser->fence_length && rest.len == 0)
			parser->fence = 0;
	} else if (length >= 3 && (mark == '~' || str_find(rest, '`', 0) < 0)) {
		parser->fence = mark;
		parser->fence_length = length;
	}
}

static void add_text(struct parser *parser, struct str line)
{
	if (parser->block != TEXT && trim_end(line).len == 0)
		return;
	parser->block = TEXT;
	buf_add(&parser->text, line);
	buf_byte(&parser->text, '\n');
	note_fence(parser, line);
}

static void add_prompt_line(struct parser *parser, struct str line)
{
	if (parser->block != PROMPT)
		end_block(parser);
	parser->block = PROMPT;
	buf_add(&parser->text, trim_end(str_sub(line, 5, line.len)));
	buf_byte(&parser->text, '\n');
}

static void take_program_line(struct parser *parser, struct str line)
{
	struct str text = str_trim(str_sub(line, 1, line.len));

	if (parser->block == TEXT && !is_the_programs(text)) {
		add_text(parser, line);
		return;
	}
	parser->fence = 0;
	end_block(parser);
	read_program_line(parser, text);
}

static void take_line(struct parser *parser, struct str line, int64_t offset)
{
	struct aider_clock start;

	if (parser->fence && !breaks_fence(parser, line)) {
		add_text(parser, line);
	} else if (read_header(line, &start)) {
		parser->fence = 0;
		end_block(parser);
		begin_session(parser, &start, offset);
	} else if (is_prompt_line(line)) {
		add_prompt_line(parser, line);
	} else if (is_program_line(line)) {
		take_program_line(parser, line);
	} else {
		if (parser->block == PROMPT)
			end_block(parser);
		add_text(parser, line);
	}
	parser->after_blank = trim_end(line).len == 0;
}

/* The last line, not complete: a prompt counts as far as it goes, unless it may still become no
 * input, and text does; of anything else nobody knows yet what it becomes. */
static void take_rest(struct parser *parser)
{
	struct str rest = parser->lines.rest, text = str_sub(rest, 5, rest.len);
	bool prompt = str_starts(rest, STR("#### ")) && !parser->fence;

	if (prompt && parser->block != PROMPT && str_starts(STR("<blank>"), trim_end(text)))
		return;
	if (trim_end(rest).len > 0 && (prompt || !strchr("#>`~ ", rest.ptr[0])))
		take_line(parser, rest, parser->lines.offset);
}

struct aider_log aider_parse(struct arena *arena, struct str bytes, const struct aider_file *file)
{
	struct parser parser = {
		.log = { .arena = arena },
		.file = file,
		.place = hash64(file->name, 0),
		.lines = { bytes, 0 },
		.after_blank = true,
	};
	struct str line;
	int64_t offset;

	begin_headless(&parser);
	while (doc_line(&parser.lines, &line, &offset))
		take_line(&parser, line, offset);
	take_rest(&parser);
	end_block(&parser);
	parser.log.taken = parser.lines.offset;
	chat_of(&parser)->end = (int64_t)bytes.len;
	buf_release(&parser.text);
	return parser.log;
}
