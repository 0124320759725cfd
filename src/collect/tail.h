/*
 * Reading files that grow, are cut, replaced, rotated or rewritten, line by line, each line once.
 *
 * A file is known by its cursor: device, inode, size, mtime, hashes of its first bytes and of the
 * bytes before the offset. On each look: nothing changed (device, inode, size, mtime) skipped after
 * one stat larger or touched, same head, same bytes before offset reading goes on at the offset
 *   anything else (cut, replaced, rewritten)               read again from 0: ids make repetition
 * harmless A last line without newline waits. A line is bytes up to '\n'; a CR before it is
 * dropped; a BOM at the start of the file is skipped.
 */
#ifndef TT_COLLECT_TAIL_H
#define TT_COLLECT_TAIL_H

#include "store/intake.h"

/* All cursors of one source, for finding by path; and which files were seen this round. */
struct tail_set;
MUST_USE int tail_set_load(
	struct tail_set **out, struct store *store, struct str source, struct err *err);
/* Forget the cursors of files that were not looked at this round and are gone. What was taken from
 * them stays. */
MUST_USE int tail_set_forget_missing(struct tail_set *set, struct intake *intake, struct err *err);
/* Is PATH still the file that its cursor is of, and does the cursor stand at its end, no line
 * waiting? */
bool tail_set_has_all(const struct tail_set *set, const char *path);
void tail_set_free(struct tail_set *set);
void tail_set_freep(struct tail_set **set);

struct tail;
enum tail_start { TAIL_UNCHANGED, TAIL_CONTINUED, TAIL_RESTARTED, TAIL_FRESH };

/*
 * Look at PATH. TAIL_UNCHANGED: *OUT is NULL, nothing was opened. Otherwise *OUT reads on. STATE is
 * the state bytes stored with the cursor (empty when fresh or restarted), valid while SET is.
 * ERR_NOT_FOUND when it vanished meanwhile. Directories, pipes and devices are refused (ERR_IO).
 */
MUST_USE int tail_open(struct tail **out, struct tail_set *set, const char *path,
	enum tail_start *start, struct str *state, struct err *err);
/* All of PATH from its start, whatever was read of it before; no cursor is kept for it. */
MUST_USE int tail_open_whole(struct tail **out, const char *path, struct err *err);
/*
 * 1: LINE (valid until the next call) and the byte OFFSET it began at; 0: no more complete lines
 * now; < 0 error. A line longer than LIMIT_LOG_LINE_BYTES comes cut, with *OVERLONG true, and the
 * rest of it is skipped. Memory stays within the longest line read, whatever the size of the file.
 */
MUST_USE int tail_next(
	struct tail *tail, struct str *line, int64_t *offset, bool *overlong, struct err *err);
/*
 * Put the cursor behind the last line returned into the intake, with the source's STATE. Call it
 * before each intake_commit. A cursor saved before tail_next said 0 never looks unchanged: what was
 * not read yet is read by the next look.
 */
MUST_USE int tail_save(struct tail *tail, struct intake *intake, struct str state, struct err *err);
void tail_close(struct tail *tail);
void tail_closep(struct tail **tail);
/* Bytes of an unterminated last line that waits, after tail_next said 0. */
int64_t tail_waiting_bytes(const struct tail *tail);
/* That line as it is by now, without a CR at its end, and where it begins; false: there is none, or
 * it is longer than any line may be. The cursor stays before it. */
bool tail_rest(const struct tail *tail, struct str *line, int64_t *offset);

#endif
