/*
 * Where a test's store is. A test program is linked with one of the two databases and with that
 * one's store_place_….c; the tests themselves do not know which it is.
 */
#ifndef TT_TESTS_STORE_PLACE_H
#define TT_TESTS_STORE_PLACE_H

#include "store/store.h"

struct store_place {
	char url[192];
	char user[64]; /* whose rows they are; empty where a store is one person's */
};

/* A new place: the file PATH, whose directory the caller removes in the end; or a new user of the
 * database that tests/lib/with-pg has made, with PATH unused. Failures end the program. */
void store_place_make(struct store_place *place, const char *path);
/* A new database, without any user; as nobody's it is one for the administration of users. */
void store_place_make_alone(struct store_place *place, const char *path);
struct store_options store_place_options(const struct store_place *place);
/* Let everything in it be gone, when nobody has it open. */
void store_place_empty(struct store_place *place);
/* Is TEXT anywhere in it, as any table's or file's bytes? */
bool store_place_holds(const struct store_place *place, const char *text);

/* How many of ROUNDS, which are alike, a test is to do: some behind a server, where each question
 * is a round trip; what the server adds is met in these too. */
int store_place_rounds(int rounds);

/* Has a database room for many? Then its tables have others' rows too, and no file. */
bool store_place_is_shared(void);

#endif
