/* Each file object holds the real one behind itself; every method counts, perhaps fails, and passes
 * on. */
#include "fault_vfs.h"

#include <sqlite3.h>
#include <stdlib.h>

struct fault_file {
	sqlite3_file base;
	sqlite3_file *real; /* in the same allocation */
};

static struct {
	sqlite3_vfs vfs;
	sqlite3_vfs *real;
	long left; /* calls until the failure; 0: not armed */
	int rc;
	bool sticky;
	bool failed;
	long syncs;
} fault;

void fault_vfs_arm(long n, int rc, bool sticky)
{
	fault.left = n;
	fault.rc = rc;
	fault.sticky = sticky;
	fault.failed = false;
}

long fault_vfs_syncs(void)
{
	return fault.syncs;
}

bool fault_vfs_disarm(void)
{
	fault.left = 0;
	fault.sticky = false;
	return fault.failed;
}

static bool strikes(void)
{
	if (fault.failed && fault.sticky)
		return true;
	if (fault.left == 0 || --fault.left > 0)
		return false;
	fault.failed = true;
	return true;
}

static sqlite3_file *real_of(sqlite3_file *file)
{
	return ((struct fault_file *)(void *)file)->real;
}

static int file_close(sqlite3_file *file)
{
	return real_of(file)->pMethods->xClose(real_of(file));
}

static int file_read(sqlite3_file *file, void *to, int count, sqlite3_int64 at)
{
	if (strikes())
		return SQLITE_IOERR_READ;
	return real_of(file)->pMethods->xRead(real_of(file), to, count, at);
}

/* Half of a torn write reaches the disk. */
static int file_write(sqlite3_file *file, const void *from, int count, sqlite3_int64 at)
{
	if (!strikes())
		return real_of(file)->pMethods->xWrite(real_of(file), from, count, at);
	if (count > 1)
		real_of(file)->pMethods->xWrite(real_of(file), from, count / 2, at);
	return fault.rc;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	if (strikes())
		return SQLITE_IOERR_TRUNCATE;
	return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int file_sync(sqlite3_file *file, int flags)
{
	fault.syncs++;
	if (strikes())
		return SQLITE_IOERR_FSYNC;
	return real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int file_lock(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int file_unlock(sqlite3_file *file, int level)
{
	return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int file_check_lock(sqlite3_file *file, int *reserved)
{
	return real_of(file)->pMethods->xCheckReservedLock(real_of(file), reserved);
}

static int file_control(sqlite3_file *file, int op, void *arg)
{
	return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int file_sector(sqlite3_file *file)
{
	return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int file_device(sqlite3_file *file)
{
	return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **out)
{
	if (strikes())
		return SQLITE_IOERR_SHMMAP;
	return real_of(file)->pMethods->xShmMap(real_of(file), region, size, extend, out);
}

static int shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
	return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void shm_barrier(sqlite3_file *file)
{
	real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int shm_unmap(sqlite3_file *file, int delete_it)
{
	return real_of(file)->pMethods->xShmUnmap(real_of(file), delete_it);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2, /* no memory mapping: the store uses none */
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_check_lock,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_device,
	.xShmMap = shm_map,
	.xShmLock = shm_lock,
	.xShmBarrier = shm_barrier,
	.xShmUnmap = shm_unmap,
};

static int vfs_open(
	sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *out)
{
	struct fault_file *own = (struct fault_file *)(void *)file;
	int rc;

	(void)vfs;
	own->base.pMethods = NULL;
	own->real = (sqlite3_file *)(void *)(own + 1);
	if (strikes())
		return SQLITE_CANTOPEN;
	rc = fault.real->xOpen(fault.real, name, own->real, flags, out);
	if (own->real->pMethods)
		own->base.pMethods = &methods;
	return rc;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
	(void)vfs;
	if (strikes())
		return SQLITE_IOERR_DELETE;
	return fault.real->xDelete(fault.real, name, sync_dir);
}

void fault_vfs_install(void)
{
	fault.real = sqlite3_vfs_find(NULL);
	fault.vfs = *fault.real;
	fault.vfs.zName = "fault";
	fault.vfs.szOsFile = (int)sizeof(struct fault_file) + fault.real->szOsFile;
	fault.vfs.pNext = NULL;
	fault.vfs.xOpen = vfs_open;
	fault.vfs.xDelete = vfs_delete;
	if (sqlite3_vfs_register(&fault.vfs, 1) != SQLITE_OK)
		abort();
}
