/* The query language's source of events, over the store as ActivityWatch sees it. */
#ifndef TT_SERVE_LANG_STORE_H
#define TT_SERVE_LANG_STORE_H

#include "query/lang.h"
#include "serve/stream_bucket.h"
#include "store/aw.h"
#include "store/users.h"

/*
 * A source over STORE, for one lang_run, on STORE's thread. Its identity is the store's id, so that
 * what an engine learned from one connection holds for every other; after a restore, or with
 * another file under its name, it is another. For answers of one moment, begin a snapshot first.
 */
struct lang_store {
	struct store *store;
	struct lang_source source; /* to be given to lang_run */
	/* The streams' bucket (serve/stream_bucket.h), if lang_store_streams was called: */
	struct str hostname;
	struct actor actor; /* whose it is */
	struct attention_params params;
	struct store *own; /* where it is computed */
	const char *url;
	int64_t patience_ms; /* of that connection (store_options); set it behind the call */
	struct arena arena;
	const struct stream_bucket_data *data; /* of what was loaded last */
	size_t data_count;
};
MUST_USE int lang_store_init(struct lang_store *out, struct store *store, struct err *err);
/* Show the streams' bucket of host HOSTNAME too; it is computed on a connection of its own to URL,
 * for ACTOR as STORE is, since STORE may have a snapshot open. Call lang_store_release then. */
void lang_store_streams(struct lang_store *source, const char *url, const char *hostname,
	const struct actor *actor, struct attention_params params);
void lang_store_release(struct lang_store *source);

#endif
