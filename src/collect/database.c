/*
 * The cursor of a database: its own file's, and as state one line that tells of its log and whether
 * something was left to do, followed by what the source keeps.
 */
#include "collect/database.h"

#include <stdlib.h>

#include "base/fs.h"
#include "base/hash.h"

/* `DEVICE:INODE:SIZE:MTIME`, or `-`: there is none. */
static struct str log_of(struct arena *arena, const char *path)
{
	struct str log = arena_printf(arena, "%s-wal", path);
	struct stat status;

	if (stat(log.ptr, &status) < 0)
		return STR("-");
	return arena_printf(arena, "%llu:%llu:%lld:%lld.%09ld", (unsigned long long)status.st_dev,
		(unsigned long long)status.st_ino, (long long)status.st_size,
		(long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

static struct str head_of(struct arena *arena, struct str log, bool pending)
{
	return arena_printf(arena, "%.*s%s", STR_ARG(log), pending ? " pending" : "");
}

bool database_unchanged(
	struct tail_set *set, struct arena *arena, const char *path, struct str *kept)
{
	bool same = doc_unchanged(set, path);
	struct str state = doc_state(set, path), head = str_split(&state, '\n');

	*kept = state;
	return same && str_eq(head, head_of(arena, log_of(arena, path), false));
}

int database_look(struct database *out, struct arena *arena, const char *path, struct err *err)
{
	*out = (struct database){ .arena = arena };
	/* The log first: what is moved from it into the file meanwhile makes a difference next
	 * time. */
	out->log = log_of(arena, path);
	return doc_stat(&out->doc, path, err);
}

int database_save(struct database *database, struct tail_set *set, struct intake *intake,
	bool pending, struct str keep, struct err *err)
{
	struct str head = head_of(database->arena, database->log, pending);
	struct str state =
		arena_printf(database->arena, "%.*s\n%.*s", STR_ARG(head), STR_ARG(keep));

	return doc_save(&database->doc, set, intake, database->doc.cursor.size, state, err);
}

int database_fault(const struct collect_context *context, struct source_counts *counts,
	struct database *database, struct tail_set *set, struct intake *intake, struct str keep,
	struct err *err)
{
	if (err->code == ERR_BUSY || err->code == ERR_NOT_FOUND) {
		log_debug(context->log, "%s", err->message);
		return 0;
	}
	if (err->code == ERR_VERSION && database->doc.cursor.size == 0) {
		/* It was made, and nothing written to it yet. */
		log_debug(context->log, "%s", err->message);
		return database_save(database, set, intake, false, keep, err);
	}
	counts->failed++;
	log_warn(context->log, "%s", err->message);
	if (err->code != ERR_CORRUPT && err->code != ERR_VERSION && err->code != ERR_LIMIT)
		return 0;
	return database_save(database, set, intake, false, keep, err);
}

/* --- whose state holds --- */

bool database_number(struct str *text, int base, uint64_t *out)
{
	struct str field = str_split(text, ' ');
	char digits[24], *end;

	if (field.len == 0 || field.len >= sizeof(digits))
		return false;
	memcpy(digits, field.ptr, field.len);
	digits[field.len] = '\0';
	*out = strtoull(digits, &end, base);
	return *end == '\0';
}

static struct str owner_key(struct arena *arena, struct str id)
{
	return arena_printf(arena, "owner:%.*s", STR_ARG(id));
}

/* `UPDATED PATH` */
struct owner {
	bool known;
	uint64_t updated;
	struct str path;
};

static int get_owner(struct intake *intake, struct arena *arena, struct str source, struct str key,
	struct owner *out, struct err *err)
{
	*out = (struct owner){ 0 };
	if (intake_memo_get(intake, source, key, arena, &out->path, &out->known, err) < 0)
		return err->code;
	out->known = out->known && database_number(&out->path, 10, &out->updated);
	return 0;
}

int database_may_give(struct intake *intake, struct str source, const char *path, struct str id,
	int64_t updated, bool *may, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct str key = owner_key(&arena, id);
	uint64_t now = updated > 0 ? (uint64_t)updated : 0;
	struct owner owner;
	bool own;

	*may = false;
	if (get_owner(intake, &arena, source, key, &owner, err) < 0)
		return err->code;
	own = owner.known && str_eq_c(owner.path, path);
	*may = !owner.known || own || now > owner.updated ||
	       (now == owner.updated && !fs_exists(arena_cstr(&arena, owner.path)));
	if (!*may || (own && owner.updated == now))
		return 0;
	return intake_memo_put(intake, source, key,
		arena_printf(&arena, "%llu %s", (unsigned long long)now, path), err);
}

int database_holds(
	struct intake *intake, struct str source, struct str id, bool *holds, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = { 0 };
	struct str text;

	return intake_memo_get(intake, source, owner_key(&arena, id), &arena, &text, holds, err);
}
