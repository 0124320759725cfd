/*
 * Records. Whatever changes gets the next seq; what was so already keeps its own. Names, tags and
 * globs are checked here, the one way into the tables.
 */
#include "store/records.h"

#include "base/glob.h"
#include "base/utf8.h"
#include "model/limits.h"
#include "store/sql/rows.h"

int records_begin(struct store *store, struct err *err)
{
	return db_write_begin(store, err);
}

int records_commit(struct store *store, struct err *err)
{
	return db_write_commit(store, err);
}

void records_rollback(struct store *store)
{
	db_write_rollback(store);
}

/* --- checks --- */

static bool has_control(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
			return true;
	return false;
}

int record_check_name(struct str name, struct err *err)
{
	const char *fault = NULL;

	if (str_trim(name).len == 0)
		fault = "it is empty";
	else if (name.len > LIMIT_NAME_BYTES)
		fault = "it is longer than 256 bytes";
	else if (has_control(name) || !utf8_valid(name))
		fault = "it holds control characters or is not UTF-8";
	if (!fault)
		return 0;
	return err_set(err, ERR_USAGE, "not a name for a stream: %s", fault);
}

int record_check_tag(struct str tag, struct err *err)
{
	static const char others[] = "_-:./";
	bool ok = tag.len > 0 && tag.len <= RECORD_TAG_BYTES;

	for (size_t i = 0; i < tag.len && ok; i++) {
		char c = tag.ptr[i];

		ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		     (c != '\0' && strchr(others, c));
	}
	if (ok)
		return 0;
	return err_set(err, ERR_USAGE, "not a tag: '%.*s' (1 to 64 letters, digits and any of %s)",
		STR_ARG(tag), others);
}

/* --- streams --- */

#define STREAM_COLUMNS "stream_id, name, anchor_id, merged_into, created_ns, updated_ns"

static void read_stream(struct db_statement *stmt, struct arena *arena, void *row)
{
	struct stream_record *out = row;

	*out = (struct stream_record){
		.stream_id = db_col_copy(stmt, 0, arena),
		.name = db_col_copy(stmt, 1, arena),
		.anchor_id = db_col_copy(stmt, 2, arena),
		.merged_into = db_col_copy(stmt, 3, arena),
		.created_ns = db_col_i64(stmt, 4),
		.updated_ns = db_col_i64(stmt, 5),
	};
}

/* A tag and the number or id of what has it. */
struct tag_row {
	struct str owner;
	int64_t owner_no;
	struct str tag;
};

static void read_tag(struct db_statement *stmt, struct arena *arena, void *row)
{
	struct tag_row *out = row;

	*out = (struct tag_row){ db_col_copy(stmt, 0, arena), db_col_i64(stmt, 0),
		db_col_copy(stmt, 1, arena) };
}

static const struct row_type stream_row = { sizeof(struct stream_record), read_stream };
static const struct row_type tag_row = { sizeof(struct tag_row), read_tag };

static int read_rows(struct store *store, const char *sql, const struct row_type *type,
	struct arena *arena, struct rows *out, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store, sql, &stmt, err) < 0)
		return err->code;
	return rows_read(store, stmt, type, arena, out, err);
}

static struct str *tag_list(struct arena *arena, const struct tag_row *tags, size_t count)
{
	struct str *list = arena_zalloc(arena, count, sizeof(*list));

	for (size_t i = 0; i < count; i++)
		list[i] = tags[i].tag;
	return list;
}

static int read_streams(struct store *store, struct arena *arena, struct rows *streams,
	struct rows *tags, struct err *err)
{
	if (read_rows(store, "SELECT " STREAM_COLUMNS " FROM stream" ALL_OWN " ORDER BY stream_id",
		    &stream_row, arena, streams, err) < 0)
		return err->code;
	return read_rows(store,
		"SELECT stream_id, tag FROM stream_tag" ALL_OWN " ORDER BY stream_id, tag",
		&tag_row, arena, tags, err);
}

int records_streams(struct store *store, struct arena *arena, struct stream_record **out,
	size_t *count, struct err *err)
{
	struct rows streams, tags;
	struct tag_row *tag;
	size_t at = 0;
	int rc = db_read_begin(store, err);

	if (rc < 0)
		return rc;
	rc = read_streams(store, arena, &streams, &tags, err);
	db_read_end(store);
	if (rc < 0)
		return rc;
	*out = streams.ptr;
	*count = streams.count;
	tag = tags.ptr;
	for (size_t i = 0; i < streams.count; i++) {
		size_t first;

		while (at < tags.count && str_cmp(tag[at].owner, (*out)[i].stream_id) < 0)
			at++;
		first = at;
		while (at < tags.count && str_eq(tag[at].owner, (*out)[i].stream_id))
			at++;
		(*out)[i].tags = tag_list(arena, tag + first, at - first);
		(*out)[i].tag_count = at - first;
	}
	return 0;
}

int records_stream_find(struct store *store, struct str stream_id, struct arena *arena,
	struct stream_record *out, bool *found, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int rc;

	*found = false;
	if (!db_is_text(stream_id))
		return 0;
	if (db_stmt(store, "SELECT " STREAM_COLUMNS " FROM stream WHERE " OWN "stream_id = ?",
		    &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, stream_id);
	rc = db_step(store, stmt, err);
	if (rc < 0)
		return rc;
	*found = rc == 1;
	if (*found)
		read_stream(stmt, arena, out);
	return 0;
}

static int put_stream(struct store *store, const struct stream_record *stream, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store,
		    "INSERT INTO stream (" OWNER STREAM_COLUMNS ", seq) VALUES (" OWN_VALUE
		    "?, ?, ?, ?, ?, ?, ?) ON CONFLICT (" OWNER "stream_id) DO UPDATE SET"
		    " name = excluded.name, anchor_id = excluded.anchor_id,"
		    " merged_into = excluded.merged_into, created_ns = excluded.created_ns,"
		    " updated_ns = excluded.updated_ns, seq = excluded.seq",
		    &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, stream->stream_id);
	db_bind_str(stmt, 2, stream->name);
	db_bind_str(stmt, 3, stream->anchor_id);
	db_bind_str(stmt, 4, stream->merged_into);
	db_bind_i64(stmt, 5, stream->created_ns);
	db_bind_i64(stmt, 6, stream->updated_ns);
	db_bind_i64(stmt, 7, db_next_seq(store));
	return db_exec(store, stmt, err);
}

int records_stream_put(struct store *store, const struct stream_record *stream, struct err *err)
{
	bool own;

	if (stream->name.len > 0 && record_check_name(stream->name, err) < 0)
		return err->code;
	if (db_write_join(store, &own, err) < 0)
		return err->code;
	return db_write_leave(store, own, put_stream(store, stream, err), err);
}

/* Run SQL, whose parameters are texts; 1: rows changed, 0: none. */
static int change(struct store *store, const char *sql, struct str a, struct str b, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int64_t changes;

	if (db_stmt(store, sql, &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, a);
	if (db_params(stmt) > 1)
		db_bind_str(stmt, 2, b);
	if (db_exec_count(store, stmt, &changes, err) < 0)
		return err->code;
	return changes > 0;
}

static int delete_stream(struct store *store, struct str stream_id, struct err *err)
{
	static const char *const dependent[] = {
		"DELETE FROM stream_tag WHERE " OWN "stream_id = ?",
		"DELETE FROM event_assignment WHERE " OWN "stream_id = ?",
		"DELETE FROM session_assignment WHERE " OWN "stream_id = ?",
	};
	struct str none = { 0 };
	int gone = change(
		store, "DELETE FROM stream WHERE " OWN "stream_id = ?", stream_id, none, err);

	if (gone < 0)
		return gone;
	if (gone == 0)
		return err_set(
			err, ERR_NOT_FOUND, "no stream has the id '%.*s'", STR_ARG(stream_id));
	for (size_t i = 0; i < ARRAY_LEN(dependent); i++)
		if (change(store, dependent[i], stream_id, none, err) < 0)
			return err->code;
	return 0;
}

int records_stream_delete(struct store *store, struct str stream_id, struct err *err)
{
	bool own;

	if (db_write_join(store, &own, err) < 0)
		return err->code;
	return db_write_leave(store, own, delete_stream(store, stream_id, err), err);
}

static int add_tag(struct store *store, struct str stream_id, struct str tag, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;
	int64_t changes;

	if (db_stmt(store,
		    "INSERT INTO stream_tag (" OWNER "stream_id, tag, seq) VALUES (" OWN_VALUE
		    "?, ?, ?) ON CONFLICT DO NOTHING",
		    &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, stream_id);
	db_bind_str(stmt, 2, tag);
	db_bind_i64(stmt, 3, db_next_seq(store));
	if (db_exec_count(store, stmt, &changes, err) < 0)
		return err->code;
	return changes > 0;
}

int records_tag(struct store *store, struct str stream_id, struct str tag, bool on, bool *changed,
	struct err *err)
{
	bool own;
	int rc;

	if (on && record_check_tag(tag, err) < 0)
		return err->code;
	if (db_write_join(store, &own, err) < 0)
		return err->code;
	rc = on ? add_tag(store, stream_id, tag, err)
		: change(store, "DELETE FROM stream_tag WHERE " OWN "stream_id = ? AND tag = ?",
			  stream_id, tag, err);
	rc = db_write_leave(store, own, rc, err);
	if (rc < 0)
		return rc;
	*changed = rc > 0;
	return 0;
}

static int copy_tags(struct store *store, struct str from_id, struct str into_id, struct err *err)
{
	struct arena arena = { 0 };
	struct rows tags = { 0 };
	struct tag_row *tag;
	int rc;

	rc = read_rows(store,
		"SELECT stream_id, tag FROM stream_tag" ALL_OWN " ORDER BY stream_id, tag",
		&tag_row, &arena, &tags, err);
	tag = tags.ptr;
	for (size_t i = 0; i < tags.count && rc >= 0; i++)
		if (str_eq(tag[i].owner, from_id))
			rc = add_tag(store, into_id, tag[i].tag, err);
	arena_release(&arena);
	return rc < 0 ? rc : 0;
}

int records_tags_copy(struct store *store, struct str from_id, struct str into_id, struct err *err)
{
	bool own;

	if (db_write_join(store, &own, err) < 0)
		return err->code;
	return db_write_leave(store, own, copy_tags(store, from_id, into_id, err), err);
}

/* --- rules --- */

static void read_rule(struct db_statement *stmt, struct arena *arena, void *row)
{
	struct rule_record *out = row;

	*out = (struct rule_record){ .rule_no = db_col_i64(stmt, 0),
		.glob = db_col_copy(stmt, 1, arena) };
}

static const struct row_type rule_row = { sizeof(struct rule_record), read_rule };

static int read_rules(struct store *store, struct arena *arena, struct rows *rules,
	struct rows *tags, struct err *err)
{
	if (read_rows(store, "SELECT rule_no, glob FROM rule" ALL_OWN " ORDER BY rule_no",
		    &rule_row, arena, rules, err) < 0)
		return err->code;
	return read_rows(store,
		"SELECT rule_no, tag FROM rule_tag" ALL_OWN " ORDER BY rule_no, position", &tag_row,
		arena, tags, err);
}

int records_rules(struct store *store, struct arena *arena, struct rule_record **out, size_t *count,
	struct err *err)
{
	struct rows rules, tags;
	struct tag_row *tag;
	size_t at = 0;
	int rc = db_read_begin(store, err);

	if (rc < 0)
		return rc;
	rc = read_rules(store, arena, &rules, &tags, err);
	db_read_end(store);
	if (rc < 0)
		return rc;
	*out = rules.ptr;
	*count = rules.count;
	tag = tags.ptr;
	for (size_t i = 0; i < rules.count; i++) {
		size_t first = at;

		while (at < tags.count && tag[at].owner_no == (*out)[i].rule_no)
			at++;
		(*out)[i].tags = tag_list(arena, tag + first, at - first);
		(*out)[i].tag_count = at - first;
	}
	return 0;
}

static int check_rule(struct str pattern, const struct str *tags, size_t tag_count, struct err *err)
{
	struct arena arena = { 0 };
	struct glob *glob;
	int rc;

	/* Any home will do: only the form is checked. */
	rc = glob_compile(&glob, &arena, pattern, STR("/"), err);
	arena_release(&arena);
	if (rc < 0 || db_check_text("the pattern", pattern, err) < 0)
		return err->code;
	if (tag_count == 0)
		return err_set(err, ERR_USAGE, "a rule needs at least one tag");
	for (size_t i = 0; i < tag_count; i++)
		if (record_check_tag(tags[i], err) < 0)
			return err->code;
	return 0;
}

static int add_rule_tag(
	struct store *store, int64_t rule_no, size_t position, struct str tag, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store,
		    "INSERT INTO rule_tag (" OWNER "rule_no, position, tag) VALUES (" OWN_VALUE
		    "?, ?, ?)",
		    &stmt, err) < 0)
		return err->code;
	db_bind_i64(stmt, 1, rule_no);
	db_bind_i64(stmt, 2, (int64_t)position);
	db_bind_str(stmt, 3, tag);
	return db_exec(store, stmt, err);
}

static int add_rule(struct store *store, struct str glob, int64_t *rule_no, struct err *err)
{
	CLEANUP(db_donep) struct db_statement *stmt = NULL;

	if (db_stmt(store,
		    "/*!WITH given AS (UPDATE store_state SET last_rule = last_rule + 1"
		    " WHERE user_no = $0 RETURNING last_rule) */INSERT INTO rule (/*!user_no,"
		    " rule_no, */glob, seq) VALUES (/*!$0, (SELECT last_rule FROM given), */?, ?)"
		    " RETURNING rule_no",
		    &stmt, err) < 0)
		return err->code;
	db_bind_str(stmt, 1, glob);
	db_bind_i64(stmt, 2, db_next_seq(store));
	return db_exec_number(store, stmt, rule_no, err);
}

int records_rule_add(struct store *store, struct str glob, const struct str *tags, size_t tag_count,
	int64_t *rule_no, struct err *err)
{
	bool own;
	int rc;

	if (check_rule(glob, tags, tag_count, err) < 0 || db_write_join(store, &own, err) < 0)
		return err->code;
	rc = add_rule(store, glob, rule_no, err);
	for (size_t i = 0; i < tag_count && rc == 0; i++)
		rc = add_rule_tag(store, *rule_no, i, tags[i], err);
	return db_write_leave(store, own, rc, err);
}

static int remove_rule(struct store *store, int64_t rule_no, struct err *err)
{
	static const char *const sql[] = { "DELETE FROM rule_tag WHERE " OWN "rule_no = ?",
		"DELETE FROM rule WHERE " OWN "rule_no = ?" };
	int64_t changes = 0;

	for (size_t i = 0; i < ARRAY_LEN(sql); i++) {
		CLEANUP(db_donep) struct db_statement *stmt = NULL;

		if (db_stmt(store, sql[i], &stmt, err) < 0)
			return err->code;
		db_bind_i64(stmt, 1, rule_no);
		if (db_exec_count(store, stmt, &changes, err) < 0)
			return err->code;
	}
	if (changes == 0)
		return err_set(
			err, ERR_NOT_FOUND, "no rule has the number %lld", (long long)rule_no);
	return 0;
}

int records_rule_remove(struct store *store, int64_t rule_no, struct err *err)
{
	bool own;

	if (db_write_join(store, &own, err) < 0)
		return err->code;
	return db_write_leave(store, own, remove_rule(store, rule_no, err), err);
}
