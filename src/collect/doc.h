/*
 * Documents: files that are read as a whole and may be rewritten at any time. Their cursors live in
 * the same tail_set as those of growing files. An unchanged document costs one stat.
 */
#ifndef TT_COLLECT_DOC_H
#define TT_COLLECT_DOC_H

#include "collect/tail.h"

/* All-zero is a valid fresh one; reading again reuses its memory. */
struct doc {
	const char *path; /* as given: not copied */
	struct buf bytes;
	struct file_cursor cursor; /* as it will be saved */
};

/* One stat: is PATH (device, inode, size, mtime) as its cursor says? Marks it as seen in this
 * round. False when it is new, changed or gone. */
bool doc_unchanged(struct tail_set *set, const char *path);
/* The state saved with PATH's cursor, valid while SET is; empty: none. */
struct str doc_state(const struct tail_set *set, const char *path);
/*
 * Read all of PATH (a regular file, else ERR_IO; at most LIMIT_DOCUMENT_BYTES, else ERR_LIMIT).
 * ERR_BUSY when it changed while it was read: leave it to the next round. ERR_NOT_FOUND when it
 * vanished. After a failure only doc_release and another reading may follow.
 */
MUST_USE int doc_read(struct doc *doc, const char *path, struct err *err);
/*
 * Put its cursor into INTAKE with the source's STATE. TAKEN: bytes that were understood, less than
 * the size when a last line without newline waits; the rest is counted as waiting. Either way the
 * document looks unchanged until it changes.
 */
MUST_USE int doc_save(struct doc *doc, struct tail_set *set, struct intake *intake, int64_t taken,
	struct str state, struct err *err);
/* The cursor of a file that is watched but whose bytes are not hashed (a database, its WAL): from
 * one stat, before it is read. ERR_NOT_FOUND, ERR_IO as above. */
MUST_USE int doc_stat(struct doc *doc, const char *path, struct err *err);
/* Does DOC, just read, still begin with what was taken of it (by hashes at both ends)? *TAKEN is
 * how much that was; 0 and false when nothing was, or it is another file by now. */
bool doc_grew(const struct doc *doc, const struct tail_set *set, int64_t *taken);
/* The same of what was taken of the file at PATH: is DOC that file, moved here? */
bool doc_grew_from(
	const struct doc *doc, const struct tail_set *set, const char *path, int64_t *taken);
void doc_release(struct doc *doc);

/* Lines of a document: bytes up to '\n', a CR before it dropped, a BOM at the start skipped. */
struct doc_lines {
	struct str rest;
	int64_t offset; /* of what doc_line gives next */
};
struct doc_lines doc_lines(const struct doc *doc);
/* True: LINE and the OFFSET it began at. False: only an unterminated line is left, or nothing; then
 * `rest` is that line and `offset` where it begins. */
bool doc_line(struct doc_lines *lines, struct str *line, int64_t *offset);

#endif
