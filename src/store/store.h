/*
 * The store: the one deep interface over everything Tidemark keeps. What is permanent is written
 * through intake.h (events) and records.h (what people edit); derived.h holds what can be dropped
 * and rebuilt.
 *
 * One struct store is one connection, for one thread. What writes (an intake, records_…,
 * derived_begin, a setting) must not begin on a connection while a scan or a snapshot of that same
 * connection is open: that is a bug and aborts. Read first, or use a second one. Several processes
 * may have the same store open: readers never block the writer, writers wait for each other (up to
 * busy_ms).
 */
#ifndef TT_STORE_STORE_H
#define TT_STORE_STORE_H

#include "base/mem.h"
#include "model/event.h"

struct store;

struct store_options {
	const char *url; /* "sqlite:PATH" or a plain path; "postgresql://…" */
	/* E-mail address or id of the user whose rows it works with; NULL or "": nobody, which is
	 * for servers and administration. ERR_NOT_FOUND: no such user. SQLite looks not at it. */
	const char *user;
	bool read_only;  /* nothing is written, not even a migration */
	bool must_exist; /* ERR_NOT_FOUND instead of making it */
	int64_t busy_ms; /* how long to wait for another writer; 0: 30,000 */
	/* How long a database's server may say nothing before it is given up: ERR_BUSY. 0: as long
	 * as the network tells that it is there. SQLite looks not at it. */
	int64_t patience_ms;
};

/*
 * Open, create (0600, in a 0700 directory) or migrate the store. Before a migration the old file is
 * copied to `<path>.v<N>.bak`. ERR_VERSION: made by a newer program (message names both versions;
 * untouched). ERR_CORRUPT: not a store, or damaged; never recreated. ERR_NOT_FOUND, ERR_READONLY,
 * ERR_FULL, ERR_BUSY.
 */
MUST_USE int store_open(struct store **out, const struct store_options *options, struct err *err);
/* Another connection to the same store, for the same user and device as LIKE; url and user of
 * OPTIONS are not looked at. (The path of a store does not tell its password.) */
MUST_USE int store_open_again(struct store **out, const struct store *like,
	const struct store_options *options, struct err *err);
void store_close(struct store *store);
void store_closep(struct store **store);
const char *store_path(const struct store *store);

/* True when another file, or none, has the store's name by now (a restore, a file put back): what
 * is written here would be lost. Close it and open it again. Costs one stat(2). */
bool store_replaced(struct store *store);
/* Can the store be written? Writes what is there already; durable when this is a transaction of its
 * own (no intake of the connection is writing). */
MUST_USE int store_probe(struct store *store, struct err *err);

/* A consistent view for several reads, of the moment it begins; nests not. store_close ends it too.
 */
MUST_USE int store_snapshot_begin(struct store *store, struct err *err);
void store_snapshot_end(struct store *store);

struct store_info {
	char store_id[40]; /* UUID; new when the store is made or restored */
	uint64_t file_no;  /* inode: another one when a copy was put in the file's place */
	int64_t schema_version;
	int64_t last_seq;
	int64_t events;
	int64_t quarantined;
	int64_t bytes; /* files on disk */
};
MUST_USE int store_info(struct store *store, struct store_info *out, struct err *err);

/* --- machines --- */

struct store_machine {
	struct str machine_id;    /* empty: events whose id names no machine */
	struct str label;         /* may be empty */
	struct str hostname;      /* may be empty */
	struct str alias;         /* how it was last reached by ssh; may be empty */
	struct str store_id;      /* of its store, as sync keeps it (sync/pull.c); may be empty */
	int64_t cursor;           /* its seq up to which its changes are here; 0 at first */
	int64_t last_sync_ns;     /* INT64_MIN: never */
	int64_t clock_skew_ns;    /* its clock minus ours at the last sync */
	struct str version;       /* of its program; may be empty */
	struct str last_event_id; /* of its newest event here; may be empty */
	int64_t last_event_ns;    /* INT64_MIN: none */
	int64_t events;
};
/* All known machines, ordered by label then id; copied into the arena. */
MUST_USE int store_machines(struct store *store, struct arena *arena, struct store_machine **out,
	size_t *count, struct err *err);
/* One by id or, when ID_OR_ALIAS is no UUID, by alias; ERR_NOT_FOUND. */
MUST_USE int store_machine_find(struct store *store, struct str id_or_alias, struct arena *arena,
	struct store_machine *out, struct err *err);
/* Set the label; with ONLY_IF_EMPTY a label that is there stays. Makes the row if needed. */
MUST_USE int store_machine_label(struct store *store, struct str machine_id, struct str label,
	bool only_if_empty, struct err *err);

/* --- buckets --- */

/* A bucket holds the events of one type from one source on one machine; its id is
 * `{source}.{type}@{machine id}`. */
struct store_bucket {
	int64_t bucket_no;
	struct str id;
	struct str machine_id; /* may be empty */
	struct str source;
	struct str type;
	int64_t events;
	int64_t first_ns; /* INT64_MIN when empty */
	int64_t last_ns;
	int64_t last_seen_ns; /* start of the newest event, same as last_ns; for status */
};
MUST_USE int store_buckets(struct store *store, struct arena *arena, struct store_bucket **out,
	size_t *count, struct err *err);

/* --- reading events --- */

/* Zero fields do not filter; times: from <= start < to, both 0 for everything. */
struct event_filter {
	int64_t from_ns;
	int64_t to_ns;
	struct str machine_id;
	struct str source;
	struct str type;
	struct str bucket; /* name glob over bucket ids, also written with the machine's label */
	bool lean; /* rows come without id and data (both empty), at half the cost: for readers
		      that know most data by its number; see event_scan_data */
};

struct stored_event {
	struct event event; /* views, valid until the next call on the scan */
	struct str machine_id;
	int64_t seq;
	int64_t bucket_no;
	int64_t data_no; /* equal numbers: equal data */
};

struct event_scan;
/* In the total order of events (event_cmp), merged over all buckets; memory independent of the
 * number of events. */
MUST_USE int event_scan_open(struct event_scan **out, struct store *store,
	const struct event_filter *filter, struct err *err);
/* The changes with seq > AFTER_SEQ in order of seq, tombstones included: the feed. Each changed
 * event once. */
MUST_USE int event_feed_open(
	struct event_scan **out, struct store *store, int64_t after_seq, struct err *err);
/* 1: *out is set; 0: the end; < 0: error. */
MUST_USE int event_scan_next(struct event_scan *scan, struct stored_event *out, struct err *err);
/* The data of the row that event_scan_next gave last, also of a lean one. Valid until the next
 * call. */
MUST_USE int event_scan_data(struct event_scan *scan, struct str *out, struct err *err);
void event_scan_close(struct event_scan *scan);
void event_scan_closep(struct event_scan **scan);

/* One event by id, copied into the arena. ERR_NOT_FOUND (also when deleted). */
MUST_USE int store_event_find(struct store *store, struct str id, struct arena *arena,
	struct stored_event *out, struct err *err);

/* --- quarantine --- */

struct quarantine_entry {
	int64_t entry_no;
	struct str source; /* "claude", "import", "tmux", "sync:devbox" */
	struct str path;   /* file, or empty */
	int64_t offset; /* byte offset of the line in it, or line number for streams; -1 unknown */
	struct str reason; /* stable word */
	struct str detail; /* the message */
	int64_t at_ns;
	int64_t bytes_total; /* length of the foreign bytes; `bytes` may hold only the first
				LIMIT_QUARANTINE_BYTES */
	struct str bytes;
};
MUST_USE int store_quarantine(struct store *store, struct arena *arena,
	struct quarantine_entry **out, size_t *count, struct err *err);
/* Drop entry ENTRY_NO, or all with 0; *DROPPED counts. ERR_NOT_FOUND. */
MUST_USE int store_quarantine_drop(
	struct store *store, int64_t entry_no, int64_t *dropped, struct err *err);

/* --- settings and whole-store operations --- */

/* Small named values of the store itself. Absent: an empty view. */
MUST_USE int store_setting_get(struct store *store, const char *key, struct arena *arena,
	struct str *out, struct err *err);
MUST_USE int store_setting_put(
	struct store *store, const char *key, struct str value, struct err *err);

/*
 * Integrity: SQLite's own check, foreign keys, every event has its data and bucket, seq unique and
 * not beyond the counter, counts agree. ERR_CORRUPT with the first fault; each fault goes to REPORT
 * (one line each) if not NULL.
 */
MUST_USE int store_verify(struct store *store, struct buf *report, struct err *err);
/* A consistent, verified copy at PATH while others write; ERR_EXISTS if PATH exists. A copy that
 * fails leaves nothing. */
MUST_USE int store_backup(struct store *store, const char *path, struct err *err);
/*
 * Put the verified backup FROM in the place of the store at URL, which nobody may have open for
 * writing (ERR_BUSY). The old file is kept as `<path>.before-restore`. The restored store gets a
 * new store id, so that readers' cursors start again.
 */
MUST_USE int store_restore(const char *url, const char *from, struct err *err);

#endif
