/* Static content: what is in memory, and files of a directory. */
#ifndef TT_SERVE_API_FILES_H
#define TT_SERVE_API_FILES_H

#include "serve/call.h"

/* The type of a file by the ending of its name, as browsers want it under `nosniff`;
 * application/octet-stream for others. */
const char *files_type(struct str name);
/* CONTENT, which lives as long as the program, as the reply: 304 when the client has it. */
int files_answer(struct call *call, struct str name, struct str content);
/*
 * The file PATH (segments joined by '/', as struct call's rest) under DIR, with ETag; of a
 * directory its index.html. Names that begin with a dot, symbolic links and what is no plain file
 * are not there: 404. A directory without '/' at the end of the request's path is redirected, so
 * that relative links in its index work.
 */
MUST_USE int files_send(struct call *call, const char *dir, struct str path, struct err *err);

#endif
