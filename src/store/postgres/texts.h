/* The data that was read last: whoever asks for one usually asks for its neighbours, and each
 * question waits for its answer. */
#ifndef TT_STORE_POSTGRES_TEXTS_H
#define TT_STORE_POSTGRES_TEXTS_H

struct pg_texts;

/* After a rollback: numbers given out in it are void. Accepts NULL. */
void pg_texts_forget(struct pg_texts *texts);
/* Accepts NULL. */
void pg_texts_free(struct pg_texts *texts);

#endif
