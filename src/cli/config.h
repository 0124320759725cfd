/*
 * The effective configuration. Each key is a row of one table: name, type, default. Precedence:
 * command line option, TT_* environment, configuration file, default; each value knows where it
 * came from.
 */
#ifndef TT_CLI_CONFIG_H
#define TT_CLI_CONFIG_H

#include "base/err.h"
#include "base/mem.h"

/* What may be set for each of the agents' sources. */
enum { CONFIG_SOURCES = 9 };
struct config_source {
	bool enabled;             /* "collect.NAME.enabled" */
	int64_t text;             /* "collect.NAME.text": enum collect_text; CONFIG_TEXT_INHERIT */
	const char *const *roots; /* "collect.NAME.roots": NULL-terminated; NULL: none */
};
enum { CONFIG_TEXT_INHERIT = 3 };
/* The names, in the order of struct config's sources. */
extern const char *const config_sources[CONFIG_SOURCES];

/* The server: "serve.NAME". Lists are NULL-terminated, texts empty when not set. */
struct config_serve {
	const char *const *listen; /* "ADDRESS:PORT"; none: loopback */
	bool require_key;
	const char *const *hosts;
	const char *const *origins;
	const char *const *origin_patterns;
	const char *webui;
	const char *const *pages; /* "NAME=DIR" */
	const char *tls_cert;
	const char *tls_key;
	int64_t rate; /* requests a second, of one key or address; 0: the usual */
	const char *access_log;
	const char *read_store;    /* URL of a replica to read from; may be empty */
	int64_t store_patience_ns; /* how long a database's server may say nothing */
	bool plain;    /* no warning when others can reach it without TLS: a proxy has that */
	bool on_start; /* the daemon starts it too */
};

struct config {
	const char *store;            /* "store": URL; empty: <data dir>/tt.db */
	const char *user;             /* "user": whose rows of a shared store; may be empty */
	const char *timezone;         /* "report.timezone": empty: the machine's */
	int64_t day_start_s;          /* "report.day_start": "04:00" */
	int64_t week_start;           /* "report.week_start": 0 Monday … 6 Sunday */
	int64_t window_ns;            /* "attention.window" */
	int64_t agent_timeout_ns;     /* "attention.agent_timeout" */
	int64_t waiting_limit_ns;     /* "attention.waiting_limit" */
	int64_t gap_ns;               /* "streams.gap" */
	int64_t collect_text;         /* "collect.text": enum collect_text */
	const char *const *exclude;   /* "collect.exclude": globs, NULL-terminated */
	const char *const *text_none; /* "collect.text_none", …: globs of workspaces */
	const char *const *text_summary;
	const char *const *text_full;
	struct config_source sources[CONFIG_SOURCES]; /* "collect.NAME.…" */
	int64_t retention_days;     /* "storage.retention_days": 0 keeps for ever */
	const char *remote_command; /* "sync.remote_command": how `tt` is called on a remote */
	int64_t sync_timeout_ns;    /* "sync.timeout": without any byte from a remote */
	struct config_serve serve;
	struct config_value *values; /* one per key, in the order of the table */
	size_t value_count;
};

/* One row for `tt config`. */
struct config_value {
	const char *key;
	const char *from; /* "default", "environment TT_STORE", "file:12", "option" */
	const char *text; /* as it would be written */
};

/*
 * Load PATH (must exist when MUST_EXIST), apply the environment. Unknown keys, wrong types and
 * values out of range: ERR_USAGE naming file, line, key, what is accepted and the nearest key.
 */
MUST_USE int config_load(struct config *config, const char *path, bool must_exist,
	struct arena *arena, struct err *err);
/* Note that a command line option set KEY. */
void config_override(struct config *config, const char *key, const char *text);

#endif
