/*
 * ActivityWatch's data into the store: its export format (JSON, of both servers and of this one)
 * and its servers' databases. Event ids are discarded; an event whose start, duration and data the
 * bucket has already is a duplicate, so that importing again, or the same history from two servers,
 * adds nothing. What cannot be understood goes to quarantine, by its reason.
 */
#ifndef TT_SYNC_AW_IMPORT_H
#define TT_SYNC_AW_IMPORT_H

#include "base/json.h"
#include "store/aw_write.h"

struct aw_import_options {
	struct str machine_id; /* whose events these become */
	struct str hostname;   /* of this machine: "!local" */
	struct str origin;     /* for quarantine: "import" */
	struct str path;       /* for quarantine: the file, or "" */
	/* Count, write nothing: all is done in one transaction that is undone, so that others who
	 * write wait meanwhile. */
	bool dry_run;
	/* After every few thousand events; in bytes of a file, in events of a database. May be
	 * NULL. */
	void (*progress)(void *context, int64_t done, int64_t total);
	void *context;
};

struct aw_import_counts {
	const char *server; /* whose database it was; NULL otherwise */
	int version;        /* of its tables */
	int64_t buckets_made;
	int64_t buckets_known;
	/* Of them, those that cannot be written over the API, this store's own, and computed ones,
	 * which an export has too. Their events are not looked at. */
	int64_t buckets_readonly;
	int64_t settings; /* that were not there: settings that are there stay */
	int64_t new_events;
	int64_t duplicate;
	int64_t quarantined;
	struct intake_reason reasons[INTAKE_REASONS];
};

/*
 * An export: {"buckets":{…}} (an array of buckets is understood too), or one bucket, in memory. All
 * of it in the open intake: for the server, whose batch it joins. What the document as a whole gets
 * wrong is an error (ERR_PARSE) before anything is written; single events go to quarantine. Never
 * with dry_run (a bug): do not commit the intake instead.
 */
MUST_USE int aw_import_json(struct intake *intake, const struct json *root,
	const struct aw_import_options *options, struct aw_import_counts *counts, struct err *err);
/* The same from a file of any size, in memory that does not grow with it, committing as it goes:
 * cut short, it is done again. ERR_PARSE says where; COUNTS is what was committed, also then. */
MUST_USE int aw_import_file(struct store *store, const char *path,
	const struct aw_import_options *options, struct aw_import_counts *counts, struct err *err);
/* A server's database, with its settings. Errors as foreign.h has them. ERR_BUSY: its server
 * changes it again and again; what was committed is right all the same. */
MUST_USE int aw_import_database(struct store *store, const char *path, const char *state_dir,
	const struct aw_import_options *options, struct aw_import_counts *counts, struct err *err);
/* aw-server (Python) keeps its settings in a JSON file of its own. */
MUST_USE int aw_import_settings(struct store *store, const char *path,
	const struct aw_import_options *options, struct aw_import_counts *counts, struct err *err);

/* Where ActivityWatch keeps its data on this system: those that exist, in the arena. */
struct aw_place {
	const char *path;
	const char *what; /* "aw-server-rust", "aw-server", "aw-server settings" */
	bool database;
	int64_t bytes;
};
MUST_USE int aw_places(struct arena *arena, struct aw_place **out, size_t *count, struct err *err);

#endif
