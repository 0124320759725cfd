/*
 * All that is kept between runs. What is in it points to data of its pool, so it is given up
 * as a whole, when the pool has grown too large; runs that are under way keep theirs to their
 * end.
 */
#ifndef TT_QUERY_LANG_HOARD_H
#define TT_QUERY_LANG_HOARD_H

#include "query/lang/mapping.h"

struct hoard;

struct hoard *hoard_new(size_t limit_bytes);
struct hoard *hoard_ref(struct hoard *hoard);
void hoard_unref(struct hoard *hoard);
size_t hoard_bytes(struct hoard *hoard);
/* Has the part of it that only grows passed its limit? */
bool hoard_full(struct hoard *hoard);

struct data_pool *hoard_pool(struct hoard *hoard);
struct memo *hoard_memo(struct hoard *hoard);
struct mappings *hoard_mappings(struct hoard *hoard);

/* The data of number DATA_NO of a source, or NULL. Any thread. */
const struct data *hoard_row(struct hoard *hoard, uint64_t identity, int64_t data_no);
void hoard_add_row(
	struct hoard *hoard, uint64_t identity, int64_t data_no, const struct data *data);

/* What was seen last of a bucket in a range: -1 when it is not known. Any thread. */
struct hoard_range {
	uint64_t identity;
	int64_t bucket_no;
	int64_t from_ns;
	int64_t to_ns;
};
int64_t hoard_version(struct hoard *hoard, const struct hoard_range *range);
void hoard_set_version(struct hoard *hoard, const struct hoard_range *range, int64_t version);

#endif
