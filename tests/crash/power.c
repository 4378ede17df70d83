// SPDX-License-Identifier: LGPL-2.1-or-later
#include "crash/power.h"

#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <sys/uio.h>

#include "base/macro.h"

#define FD_POWER 202

struct file {
        sqlite3_file base;
        char name[64]; /* "" for one that is of no interest: shared memory, temporary files */
        sqlite3_file real[];
};

static sqlite3_vfs *below;

static void note(enum power_what what, const char *name, uint64_t offset, const void *data, size_t size) {
        struct power_record record = { .what = what, .name_size = strlen(name), .offset = offset, .size = size };
        struct iovec parts[] = {
                { &record, sizeof(record) },
                { (void *) name, record.name_size },
                { (void *) data, size },
        };
        ssize_t n = (ssize_t) (sizeof(record) + record.name_size + size);

        if (*name && writev(FD_POWER, parts, ELEMENTSOF(parts)) != n)
                _exit(4);
}

#define REAL(f) ((struct file *) (f))->real
#define NAME(f) ((struct file *) (f))->name
#define CALL(f, method, ...) REAL(f)->pMethods->method(REAL(f), ##__VA_ARGS__)

static int file_close(sqlite3_file *f) {
        return CALL(f, xClose);
}

static int file_read(sqlite3_file *f, void *data, int size, sqlite3_int64 offset) {
        return CALL(f, xRead, data, size, offset);
}

/* Before it is done: a kernel may bring to disk what a process did not live to hear of. */
static int file_write(sqlite3_file *f, const void *data, int size, sqlite3_int64 offset) {
        note(POWER_WRITTEN, NAME(f), (uint64_t) offset, data, (size_t) size);
        return CALL(f, xWrite, data, size, offset);
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size) {
        note(POWER_TRUNCATED, NAME(f), (uint64_t) size, NULL, 0);
        return CALL(f, xTruncate, size);
}

/* After it is done. */
static int file_sync(sqlite3_file *f, int flags) {
        int r = CALL(f, xSync, flags);

        if (r == SQLITE_OK)
                note(POWER_SYNCED, NAME(f), 0, NULL, 0);
        return r;
}

static int file_size(sqlite3_file *f, sqlite3_int64 *ret) {
        return CALL(f, xFileSize, ret);
}

static int file_lock(sqlite3_file *f, int kind) {
        return CALL(f, xLock, kind);
}

static int file_unlock(sqlite3_file *f, int kind) {
        return CALL(f, xUnlock, kind);
}

static int file_check_lock(sqlite3_file *f, int *ret) {
        return CALL(f, xCheckReservedLock, ret);
}

static int file_control(sqlite3_file *f, int op, void *argument) {
        return CALL(f, xFileControl, op, argument);
}

static int file_sector_size(sqlite3_file *f) {
        return CALL(f, xSectorSize);
}

/* Nothing that a file system may promise beyond what POSIX says: no atomic sectors, no power-safe overwriting. */
static int file_characteristics(sqlite3_file *f) {
        return 0;
}

static int file_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **ret) {
        return CALL(f, xShmMap, page, size, extend, ret);
}

static int file_shm_lock(sqlite3_file *f, int offset, int n, int flags) {
        return CALL(f, xShmLock, offset, n, flags);
}

static void file_shm_barrier(sqlite3_file *f) {
        CALL(f, xShmBarrier);
}

static int file_shm_unmap(sqlite3_file *f, int delete) {
        return CALL(f, xShmUnmap, delete);
}

/* No xFetch: what is read through a mapping is still written by xWrite, but one way is easier to trust than two. */
static const sqlite3_io_methods methods = {
        .iVersion = 2,
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
        .xSectorSize = file_sector_size,
        .xDeviceCharacteristics = file_characteristics,
        .xShmMap = file_shm_map,
        .xShmLock = file_shm_lock,
        .xShmBarrier = file_shm_barrier,
        .xShmUnmap = file_shm_unmap,
};

static const char *base_name(const char *path) {
        const char *slash = path ? strrchr(path, '/') : NULL;

        return slash ? slash + 1 : strempty(path);
}

static int vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *f, int flags, int *ret_flags) {
        const int kept = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL;
        bool is_new = path && access(path, F_OK) < 0;
        int r;

        f->pMethods = NULL;
        r = below->xOpen(below, path, REAL(f), flags, ret_flags);
        if (r != SQLITE_OK)
                return r;
        f->pMethods = &methods;
        COPY(NAME(f), flags & kept ? base_name(path) : "");
        if (is_new)
                note(POWER_CREATED, NAME(f), 0, NULL, 0);
        return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync_directory) {
        int r = below->xDelete(below, path, sync_directory);

        if (r == SQLITE_OK)
                note(sync_directory ? POWER_DELETED_FOR_GOOD : POWER_DELETED, base_name(path), 0, NULL, 0);
        return r;
}

static int open_log(const char *directory) {
        char path[PATH_MAX];
        int fd;

        (void) snprintf(path, sizeof(path), "%s/power.log", directory);
        fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        if (dup3(fd, FD_POWER, O_CLOEXEC) < 0)
                return -errno;
        safe_close(fd);
        return 0;
}

void power_record(const char *directory) {
        static sqlite3_vfs vfs;

        below = sqlite3_vfs_find(NULL);
        if (!below || open_log(directory) < 0)
                _exit(4);
        vfs = *below;
        vfs.zName = "till-power";
        vfs.szOsFile = (int) sizeof(struct file) + below->szOsFile;
        vfs.pNext = NULL;
        vfs.xOpen = vfs_open;
        vfs.xDelete = vfs_delete;
        if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK)
                _exit(4);
}
