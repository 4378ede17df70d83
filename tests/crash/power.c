// SPDX-License-Identifier: LGPL-2.1-or-later
#include "crash/power.h"

#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "base/macro.h"

#define FD_POWER 202
/* From here on they are the test's own. */
#define FD_WORLD 200

struct file {
        sqlite3_file base;
        char name[64]; /* "" for one that is of no interest: shared memory, temporary files */
        bool is_new;   /* a log that was not there: SQLite syncs the directory with it */
        sqlite3_file real[];
};

static sqlite3_vfs *below;
static const char *directory; /* NULL: nothing is written down */

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
        struct file *file = (struct file *) f;
        int r = CALL(f, xSync, flags);

        if (r != SQLITE_OK)
                return r;
        note(POWER_SYNCED, NAME(f), 0, NULL, 0);
        if (file->is_new)
                note(POWER_DIRECTORY_SYNCED, NAME(f), 0, NULL, 0);
        file->is_new = false;
        return SQLITE_OK;
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

/* From the directory on; "" for what lies elsewhere. */
static const char *name_of(const char *path) {
        const char *rest = path && directory ? startswith(path, directory) : NULL;

        return rest && *rest == '/' ? rest + 1 : "";
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
        COPY(NAME(f), flags & kept ? name_of(path) : "");
        if (is_new)
                note(POWER_CREATED, NAME(f), 0, NULL, 0);
        ((struct file *) f)->is_new = is_new && !(flags & SQLITE_OPEN_MAIN_DB);
        return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync_directory) {
        int r = below->xDelete(below, path, sync_directory);

        if (r != SQLITE_OK)
                return r;
        note(POWER_DELETED, name_of(path), 0, NULL, 0);
        if (sync_directory)
                note(POWER_DIRECTORY_SYNCED, name_of(path), 0, NULL, 0);
        return SQLITE_OK;
}

/* ---- The daemon's own calls ---- */

int __wrap_open(const char *path, int flags, ...);
int __real_open(const char *path, int flags, ...);
ssize_t __wrap_write(int fd, const void *data, size_t size);
ssize_t __real_write(int fd, const void *data, size_t size);
int __wrap_fsync(int fd);
int __real_fsync(int fd);
int __wrap_rename(const char *from, const char *to);
int __real_rename(const char *from, const char *to);
int __wrap_unlink(const char *path);
int __real_unlink(const char *path);

/* The file behind a descriptor; "" for one that is of no interest, what this program itself writes down among it. */
static void read_name(int fd, char ret[static PATH_MAX]) {
        char link[64], path[PATH_MAX];
        ssize_t n = -1;

        (void) snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        if (directory && fd > STDERR_FILENO && fd < FD_WORLD)
                n = readlink(link, path, sizeof(path) - 1);
        path[MAX(n, 0)] = '\0';
        (void) snprintf(ret, PATH_MAX, "%s", name_of(path));
}

static bool is_directory(int fd) {
        struct stat st;

        return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

int __wrap_open(const char *path, int flags, ...) {
        bool is_new = *name_of(path) && (flags & O_CREAT) && access(path, F_OK) < 0;
        va_list ap;
        mode_t mode;
        int fd;

        va_start(ap, flags);
        mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0;
        va_end(ap);
        fd = __real_open(path, flags, mode);
        if (fd < 0)
                return fd;
        if (is_new)
                note(POWER_CREATED, name_of(path), 0, NULL, 0);
        else if (flags & O_TRUNC)
                note(POWER_TRUNCATED, name_of(path), 0, NULL, 0);
        return fd;
}

ssize_t __wrap_write(int fd, const void *data, size_t size) {
        char name[PATH_MAX];

        read_name(fd, name);
        if (*name)
                note(POWER_WRITTEN, name, (uint64_t) lseek(fd, 0, SEEK_CUR), data, size);
        return __real_write(fd, data, size);
}

int __wrap_fsync(int fd) {
        char name[PATH_MAX];
        int r = __real_fsync(fd);

        if (r < 0 || !directory)
                return r;
        read_name(fd, name);
        if (is_directory(fd))
                note(POWER_DIRECTORY_SYNCED, *name ? name : ".", 0, NULL, 0);
        else
                note(POWER_SYNCED, name, 0, NULL, 0);
        return r;
}

int __wrap_rename(const char *from, const char *to) {
        int r = __real_rename(from, to);

        if (r == 0)
                note(POWER_RENAMED, name_of(from), 0, name_of(to), strlen(name_of(to)));
        return r;
}

int __wrap_unlink(const char *path) {
        int r = __real_unlink(path);

        if (r == 0)
                note(POWER_DELETED, name_of(path), 0, NULL, 0);
        return r;
}

/* ---- The log ---- */

static int open_log(void) {
        char path[PATH_MAX];
        int fd;

        (void) snprintf(path, sizeof(path), "%s/power.log", directory);
        fd = __real_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        if (dup3(fd, FD_POWER, O_CLOEXEC) < 0)
                return -errno;
        safe_close(fd);
        return 0;
}

void power_record(const char *path) {
        static sqlite3_vfs vfs;

        directory = path;
        below = sqlite3_vfs_find(NULL);
        if (!below || open_log() < 0)
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
