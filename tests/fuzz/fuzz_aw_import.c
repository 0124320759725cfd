/*
 * Properties of reading an export of ActivityWatch: what can be read in memory is read from a file
 * with the same result, and reading it again finds nothing new. Nothing is committed, so that one
 * store does for all inputs.
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/json.h"
#include "sync/aw_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct world {
	char dir[64];
	char export[80];
	struct store *store;
} world;

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
	(void)status;
	(void)type;
	(void)at;
	return remove(path);
}

static void end(void)
{
	store_close(world.store);
	nftw(world.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void begin(void)
{
	struct store_options options = { 0 };
	char path[80];
	struct err err;

	snprintf(world.dir, sizeof(world.dir), "%s/tt-fuzz-XXXXXX",
		fs_exists("/dev/shm") ? "/dev/shm" : "/tmp");
	ASSERT(mkdtemp(world.dir));
	snprintf(world.export, sizeof(world.export), "%.60s/export", world.dir);
	snprintf(path, sizeof(path), "%.60s/data/tt.db", world.dir);
	options.url = path;
	ASSERT(store_open(&world.store, &options, &err) == 0);
	ASSERT(atexit(end) == 0);
}

static struct aw_import_options options(bool dry_run)
{
	return (struct aw_import_options){ .machine_id =
						   STR("5f0c8a52-91d7-4c0e-8b6a-2d1f7a9be310"),
		.origin = STR("import"),
		.dry_run = dry_run };
}

/* False: it is no export. */
static bool in_memory(struct str text, struct aw_import_counts *counts)
{
	CLEANUP(json_parser_release) struct json_parser parser = { 0 };
	CLEANUP(intake_freep) struct intake *intake = NULL;
	const struct aw_import_options usual = options(false);
	struct aw_import_counts again;
	const struct json *root;
	struct err err;

	if (json_parse(&parser, text, true, &root, &err) < 0)
		return false;
	ASSERT(intake_begin_lazy(&intake, world.store, &err) == 0);
	if (aw_import_json(intake, root, &usual, counts, &err) < 0) {
		ASSERT(err.code == ERR_PARSE);
		return false;
	}
	ASSERT(aw_import_json(intake, root, &usual, &again, &err) == 0);
	ASSERT(again.new_events == 0 && again.buckets_made == 0);
	ASSERT(again.duplicate == counts->duplicate + counts->new_events);
	ASSERT(again.quarantined == counts->quarantined);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str text = { (const char *)data, size };
	const struct aw_import_options dry = options(true);
	struct aw_import_counts memory, file;
	struct err err;
	int rc;

	if (!world.store)
		begin();
	ASSERT(fs_write_atomic(world.export, text, 0600, &err) == 0);
	rc = aw_import_file(world.store, world.export, &dry, &file, &err);
	ASSERT(rc == 0 || rc == ERR_PARSE || rc == ERR_LIMIT);
	if (in_memory(text, &memory)) {
		ASSERT(rc == 0);
		ASSERT(memory.new_events == file.new_events && memory.duplicate == file.duplicate);
		ASSERT(memory.quarantined == file.quarantined);
		ASSERT(memory.buckets_made == file.buckets_made &&
			memory.buckets_known == file.buckets_known);
	}
	return 0;
}
