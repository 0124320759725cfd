/*
 * A session's document: its head and its requests. Requests are parsed one at a time, so that a
 * document of hundreds of megabytes needs the memory of its largest request. One that cannot be
 * read is noted and passed over.
 *
 * Of a request come, in this order: the prompt, the files attached to it, what the response's parts
 * tell, and how it ended: a response, or an error, or (cancelled) nothing; what is still under way
 * has not ended. Its tokens are the response's; where there is none but tokens were spent, they are
 * an item of their own. Only the prompt has a time of its own, and the end where the document tells
 * it; parts have none.
 */
#include "collect/agent_value.h"
#include "collect/copilot/parts.h"
#include "model/limits.h"

enum outcome { PENDING, ANSWERED, CANCELLED, FAILED };

#define LONGEST_NS (30 * 24 * NS_PER_HOUR)

struct reading {
	struct agent_session *session;
	struct copilot_extent *extent;
	struct str bytes, path;
	struct json_parser parser;
	struct arena arena;   /* of the document */
	struct arena scratch; /* of a request */
	struct buf text;
	struct copilot_map requests, tools;
	int64_t created_ns, dated_ns;
};

static void reading_release(struct reading *reading)
{
	json_parser_release(&reading->parser);
	arena_release(&reading->arena);
	arena_release(&reading->scratch);
	buf_release(&reading->text);
}

/* --- prompts --- */

/* MESSAGE is a text, or {text, parts}. In the session's arena. */
static struct str prompt_text(struct agent_session *session, const struct json *message)
{
	CLEANUP(buf_release) struct buf joined = BUF_INIT;
	struct json_iter parts = json_iter(json_get(message, "parts"));
	const struct json *part;
	struct str key;

	if (json_is(message, JSON_STRING))
		return copilot_keep(session, json_str(message));
	if (json_is(json_get(message, "text"), JSON_STRING))
		return copilot_keep(session, json_get_str(message, "text"));
	while (json_next(&parts, &key, &part))
		buf_add(&joined, json_get_str(part, "text"));
	return copilot_keep(session, buf_str(&joined));
}

/* Which of the agents that came with each mode of older releases. */
static const struct {
	const char *agent;
	const char *mode;
} agent_modes[] = {
	{ "github.copilot.editsAgent", "agent" },
	{ "github.copilot.editingSession", "edit" },
	{ "github.copilot.editingSession2", "edit" },
	{ "github.copilot.default", "ask" },
};

static struct str mode_of(const struct json *request)
{
	const struct json *info = json_get(request, "modeInfo");
	struct str own = json_get_str(json_get(info, "modeInstructions"), "name");
	struct str kind = json_get_str(info, "kind");
	struct str agent = json_get_str(json_get(request, "agent"), "id");

	if (own.len > 0 || kind.len > 0)
		return own.len > 0 ? own : kind;
	if (json_get_str(info, "modeId").len > 0)
		return json_get_str(info, "modeId");
	for (size_t i = 0; i < ARRAY_LEN(agent_modes); i++)
		if (str_eq_c(agent, agent_modes[i].agent))
			return str_from(agent_modes[i].mode);
	return STR("");
}

struct agent_item *copilot_item(
	const struct copilot_request *request, enum agent_kind kind, struct str key, int64_t at_ns)
{
	struct agent_item *item = agent_item(request->session, kind, key, at_ns);

	item->turn = request->id;
	item->mode = request->mode;
	item->model = kind == AGENT_PROMPT ? request->prompt_model : request->model;
	item->withdrawn = request->withdrawn;
	return item;
}

static const struct json *variables_of(const struct copilot_request *request)
{
	return json_get(json_get(request->root, "variableData"), "variables");
}

static bool has_image(const struct copilot_request *request)
{
	struct json_iter iter = json_iter(variables_of(request));
	const struct json *variable;
	struct str key;

	while (json_next(&iter, &key, &variable))
		if (str_eq(json_get_str(variable, "kind"), STR("image")))
			return true;
	return false;
}

static void take_prompt(const struct copilot_request *request, enum outcome outcome)
{
	struct agent_item *item = copilot_item(request, AGENT_PROMPT, request->key, request->at_ns);

	item->text = prompt_text(request->session, json_get(request->root, "message"));
	item->has_image = has_image(request);
	item->cancelled = outcome == CANCELLED;
}

/* A file is one item, whether it is named once or often. */
static void take_file(
	const struct copilot_request *request, struct copilot_map *seen, const struct json *value)
{
	struct str file = copilot_file(request->session->arena, value);
	struct str key;

	if (file.len == 0 || !copilot_map_add(seen, file, NULL))
		return;
	key = copilot_key(request->session, request->key, ":", file);
	copilot_item(request, AGENT_FILE_READ, key, request->at_ns)->file = file;
}

static void take_files(const struct copilot_request *request)
{
	struct copilot_map seen = { .arena = request->scratch };
	struct json_iter variables = json_iter(variables_of(request));
	const struct json *value;
	struct str key;

	while (json_next(&variables, &key, &value)) {
		struct str kind = json_get_str(value, "kind");

		if (!str_eq(kind, STR("directory")) && !str_eq(kind, STR("tool")) &&
			!str_eq(kind, STR("toolset")))
			take_file(request, &seen, json_get(value, "value"));
	}
}

/* --- how it ended --- */

static enum outcome outcome_of(const struct json *request)
{
	static const enum outcome by_state[] = { PENDING, ANSWERED, CANCELLED, FAILED, PENDING };
	const struct json *result = json_get(request, "result");
	const struct json *fault = json_get(result, "errorDetails");
	enum outcome outcome;
	int64_t state;

	if (json_get_i64(json_get(request, "modelState"), "value", &state) && state >= 0 &&
		state < (int64_t)ARRAY_LEN(by_state))
		outcome = by_state[state];
	else /* older releases wrote what was over, and said nothing */
		outcome = json_is(result, JSON_OBJECT) ||
					  json_len(json_get(request, "response")) > 0 ||
					  json_str(json_get(request, "response")).len > 0
				  ? ANSWERED
				  : PENDING;
	if (outcome == CANCELLED || json_is_true(json_get(request, "isCanceled")) ||
		str_eq(json_get_str(fault, "code"), STR("canceled")))
		return CANCELLED;
	return json_is(fault, JSON_OBJECT) ? FAILED : outcome;
}

static int64_t after(int64_t at_ns, const struct json *elapsed_ms)
{
	double ms;

	if (at_ns == INT64_MIN || !json_to_double(elapsed_ms, &ms) || !(ms >= 0) ||
		ms > (double)(LONGEST_NS / NS_PER_MS) || at_ns > INT64_MAX - LONGEST_NS)
		return INT64_MIN;
	return at_ns + (int64_t)(ms * (double)NS_PER_MS);
}

/* When it ended, as far as the document says. */
static int64_t end_of(const struct copilot_request *request)
{
	int64_t at_ns =
		copilot_time(json_get(json_get(request->root, "modelState"), "completedAt"));

	if (at_ns == INT64_MIN)
		at_ns = after(request->at_ns,
			json_get(json_get(json_get(request->root, "result"), "timings"),
				"totalElapsed"));
	if (at_ns == INT64_MIN)
		at_ns = after(request->at_ns, json_get(request->root, "elapsedMs"));
	return at_ns;
}

/* What the request itself says is newer than what its result says. */
static int64_t tokens_of(const struct json *request, const char *const keys[static 2])
{
	const struct json *holders[] = { request,
		json_get(json_get(request, "result"), "metadata") };

	for (size_t i = 0; i < ARRAY_LEN(holders); i++)
		for (size_t j = 0; j < 2; j++) {
			int64_t number =
				keys[j] ? copilot_number(json_get(holders[i], keys[j])) : -1;

			if (number >= 0)
				return number;
		}
	return -1;
}

static bool take_tokens(const struct copilot_request *request, int64_t tokens[AGENT_TOKENS])
{
	static const char *const input[2] = { "promptTokens", NULL };
	static const char *const output[2] = { "completionTokens", "outputTokens" };

	tokens[AGENT_INPUT] = tokens_of(request->root, input);
	tokens[AGENT_OUTPUT] = tokens_of(request->root, output);
	return tokens[AGENT_INPUT] >= 0 || tokens[AGENT_OUTPUT] >= 0;
}

static struct str code_of(const struct copilot_request *request)
{
	static const struct {
		const char *flag;
		const char *code;
	} flags[] = { { "isRateLimited", "rateLimited" }, { "isQuotaExceeded", "quotaExceeded" },
		{ "responseIsFiltered", "filtered" }, { "responseIsIncomplete", "incomplete" } };
	const struct json *fault = json_get(json_get(request->root, "result"), "errorDetails");
	const struct json *code = json_get(fault, "code");
	struct str text = json_is(code, JSON_NUMBER) ? json_number_text(code) : json_str(code);

	if (agent_is_code(text))
		return copilot_keep(request->session, text);
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (json_is_true(json_get(fault, flags[i].flag)))
			return str_from(flags[i].code);
	return STR("failed");
}

static void take_outcome(const struct copilot_request *request, enum outcome outcome)
{
	int64_t at_ns = request->at_ns, end_ns = end_of(request);
	int64_t tokens[AGENT_TOKENS] = { -1, -1, -1, -1, -1 };
	bool spent = take_tokens(request, tokens);
	struct agent_item *item;

	if (at_ns == INT64_MIN)
		at_ns = end_ns;
	if (outcome == FAILED)
		copilot_item(request, AGENT_ERROR, request->key, at_ns)->error = code_of(request);
	if (outcome == ANSWERED) {
		struct str text = copilot_response_text(request);

		item = copilot_item(request, AGENT_RESPONSE, request->key, at_ns);
		item->text = text;
		if (end_ns > at_ns && time_plausible(at_ns) && time_plausible(end_ns))
			item->duration_ns = end_ns - at_ns;
		memcpy(item->tokens, tokens, sizeof(tokens));
	} else if (spent && outcome != PENDING) {
		item = copilot_item(request, AGENT_USAGE, request->key, at_ns);
		memcpy(item->tokens, tokens, sizeof(tokens));
	}
}

/* --- requests --- */

/* Taken back: hidden since, or to be removed when the next one is sent. */
static bool is_withdrawn(const struct json *request)
{
	const struct json *removed = json_get(request, "shouldBeRemovedOnSend");

	return json_is_true(json_get(request, "isHidden")) || json_is_true(removed) ||
	       (json_is(removed, JSON_OBJECT) && !json_get(removed, "afterUndoStop"));
}

static void note_extent(struct reading *reading, int64_t at_ns)
{
	struct copilot_extent *extent = reading->extent;
	struct agent_session *session = reading->session;

	extent->prompts++;
	if (at_ns > extent->last_ns)
		extent->last_ns = at_ns;
	agent_widen(at_ns, &session->started_ns, &session->ended_ns);
}

static void take_request(struct reading *reading, const struct json *root, uint32_t ordinal)
{
	const struct json *metadata = json_get(json_get(root, "result"), "metadata");
	struct agent_session *session = reading->session;
	struct copilot_request request = { .session = session,
		.tools = &reading->tools,
		.scratch = &reading->scratch,
		.root = root,
		.id = copilot_keep(session, json_get_str(root, "requestId")),
		.prompt_model = copilot_keep(session, json_get_str(root, "modelId")),
		.model = copilot_keep(session, json_get_str(metadata, "resolvedModel")),
		.mode = copilot_keep(session, mode_of(root)),
		.at_ns = copilot_time(json_get(root, "timestamp")),
		.withdrawn = is_withdrawn(root) };
	struct str version = json_get_str(json_get(root, "agent"), "extensionVersion");
	enum outcome outcome = outcome_of(root);

	if (request.id.len == 0)
		request.id = copilot_number_key(session, STR(""), "#", ordinal);
	request.key = copilot_key(session, session->id, ":", request.id);
	if (!copilot_map_add(&reading->requests, request.key, NULL))
		return;
	if (request.model.len == 0)
		request.model = request.prompt_model;
	if (version.len > 0)
		session->version = copilot_keep(session, version);
	note_extent(reading, request.at_ns);
	if (!json_is_true(json_get(root, "isSystemInitiated"))) {
		take_prompt(&request, outcome);
		take_files(&request);
	}
	copilot_take_parts(&request);
	take_outcome(&request, outcome);
}

/* The offset of TEXT, if it is a part of the document's bytes. */
static int64_t offset_of(const struct reading *reading, struct str text)
{
	uintptr_t from = (uintptr_t)reading->bytes.ptr, at = (uintptr_t)text.ptr;

	return at >= from && at - from < reading->bytes.len ? (int64_t)(at - from) : -1;
}

static void take_requests(struct reading *reading, const struct copilot_node *requests)
{
	const struct json *root;
	struct err err;

	for (uint32_t i = 0; i < requests->count; i++) {
		struct str text = copilot_text(&requests->members[i].node, &reading->text);

		arena_reset(&reading->scratch);
		if (json_parse(&reading->parser, text, true, &root, &err) < 0)
			agent_session_bad(reading->session, reading->path, offset_of(reading, text),
				"not_json", err.message, text);
		else if (json_is(root, JSON_OBJECT))
			take_request(reading, root, i);
	}
}

/* --- the document --- */

/* Member KEY of the document; valid until the next call. */
static const struct json *member(
	struct reading *reading, const struct copilot_node *root, const char *key)
{
	const struct copilot_node *node = copilot_get(root, str_from(key));
	const struct json *value;
	struct err ignored;

	if (!node || json_parse(&reading->parser, copilot_text(node, &reading->text), true, &value,
			     &ignored) < 0)
		return NULL;
	return value;
}

static void take_head(struct reading *reading, const struct copilot_node *root)
{
	struct agent_session *session = reading->session;
	struct str id = json_str(member(reading, root, "sessionId"));
	const struct json *directory;

	if (session->id.len == 0)
		session->id = copilot_keep(session, id);
	session->title = copilot_keep(session, json_str(member(reading, root, "customTitle")));
	session->branch = copilot_keep(
		session, json_get_str(member(reading, root, "repoData"), "localBranch"));
	directory = member(reading, root, "workingDirectory");
	if (session->cwd.len == 0)
		session->cwd = copilot_file(session->arena, directory);
	reading->created_ns = copilot_time(member(reading, root, "creationDate"));
	reading->dated_ns = copilot_time(member(reading, root, "lastMessageDate"));
	session->fallback_ns =
		reading->created_ns != INT64_MIN ? reading->created_ns : reading->dated_ns;
}

/* A session has one of these, however old; other files that are JSON have none. */
static bool is_session(const struct copilot_node *root)
{
	return copilot_get(root, STR("requests")) || copilot_get(root, STR("sessionId")) ||
	       copilot_get(root, STR("creationDate"));
}

bool copilot_take_document(struct copilot_node *root, struct str bytes, struct str path,
	struct agent_session *session, struct copilot_extent *extent)
{
	CLEANUP(reading_release)
	struct reading reading = {
		.session = session, .extent = extent, .bytes = bytes, .path = path
	};
	struct copilot_node *requests;

	if (copilot_open(&reading.arena, root) != COPILOT_OPEN || !is_session(root))
		return false;
	reading.requests.arena = reading.tools.arena = &reading.arena;
	take_head(&reading, root);
	requests = copilot_get(root, STR("requests"));
	if (requests && copilot_open(&reading.arena, requests) == COPILOT_OPEN &&
		requests->kind == COPILOT_ARRAY)
		take_requests(&reading, requests);
	extent->dated_ns = reading.dated_ns != INT64_MIN ? reading.dated_ns : extent->last_ns;
	*root = copilot_node(STR("null")); /* what it was opened into ends here */
	return true;
}

bool copilot_read_document(struct str bytes, struct str path, struct agent_session *session,
	struct copilot_extent *extent)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct str text = bytes;
	struct copilot_node root;
	enum copilot_opened opened;

	*extent = (struct copilot_extent){ .last_ns = INT64_MIN, .dated_ns = INT64_MIN };
	if (str_starts(text, STR("\xef\xbb\xbf")))
		text = str_sub(text, 3, text.len);
	if (str_trim(text).len == 0) {
		extent->taken = bytes.len;
		return false;
	}
	root = copilot_node(text);
	opened = copilot_open(&arena, &root);
	if (opened == COPILOT_CUT) /* it is being written */
		return false;
	extent->taken = bytes.len;
	if (opened == COPILOT_OPEN && copilot_take_document(&root, bytes, path, session, extent))
		return true;
	agent_session_bad(session, path, 0, opened == COPILOT_OPEN ? "not_a_session" : "not_json",
		"no document of a session", bytes);
	return false;
}
