/* Every limit on foreign data. Each is documented where people meet it and has a test. */
#ifndef TT_MODEL_LIMITS_H
#define TT_MODEL_LIMITS_H

enum {
	LIMIT_ID_BYTES = 1024,              /* an event id */
	LIMIT_NAME_BYTES = 256,             /* source, type, label, tag, stream name */
	LIMIT_EVENT_BYTES = 1 << 20,        /* the data of one event, as JSON text */
	LIMIT_WIRE_LINE_BYTES = 4 << 20,    /* one line of import or sync */
	LIMIT_QUARANTINE_BYTES = 64 << 10,  /* kept of one entry, beside its full length */
	LIMIT_LOG_LINE_BYTES = 64 << 20,    /* one line of an agent's log (60 MB ones exist) */
	LIMIT_DOCUMENT_BYTES = 512 << 20,   /* a foreign document that is read as a whole */
	LIMIT_FOREIGN_COPY_BYTES = 1 << 30, /* a database that can only be read from a copy */
	LIMIT_CONFIG_BYTES = 1 << 20,
	LIMIT_PATH_BYTES = 4096,
	LIMIT_PROJECT_LEVELS = 64,  /* directories walked up when looking for .git or .jj */
	LIMIT_INTAKE_BATCH = 5000,  /* events per transaction */
	LIMIT_INTAKE_EXPECT = 1000, /* events that are looked up together */
	/* The server: what a request may ask of it. */
	LIMIT_SMALL_BODY_BYTES = 1 << 20, /* a heartbeat, a setting, a bucket */
	LIMIT_EVENTS_BODY_BYTES = 64 << 20,
	LIMIT_IMPORT_BODY_BYTES = 256 << 20, /* larger ones: tt import */
	LIMIT_BODY_EVENTS = 200000,          /* events in one POST of events */
	LIMIT_SETTING_KEY_BYTES = 127,
	LIMIT_QUERY_TEXT_BYTES = 1 << 20,
	LIMIT_QUERY_PERIODS = 1000,
	LIMIT_QUERY_DEPTH = 200,       /* nesting of a program, length of an operator chain */
	LIMIT_QUERY_MS = 30000,        /* time of one request */
	LIMIT_QUERY_BYTES = 768 << 20, /* memory of one request */
	LIMIT_REGEX_BYTES = 16 << 10,  /* a pattern */
	LIMIT_REGEX_STEPS = 100000,    /* of PCRE2's match limit: about a millisecond */
};

#endif
