/* The texts of schema/<version>_<part>.sql, embedded by schema/embed.sh. */
#ifndef TT_STORE_SQLITE_SCHEMA_H
#define TT_STORE_SQLITE_SCHEMA_H

extern const char schema_001_permanent[];
extern const char schema_001_derived[];
extern const char schema_002_permanent[];
extern const char schema_003_permanent[];

#endif
