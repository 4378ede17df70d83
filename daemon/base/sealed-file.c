// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/sealed-file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

int sealed_file_new(const char *name, const void *data, size_t size) {
        _cleanup_close_ int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

        if (fd < 0)
                return -errno;
        for (size_t done = 0; done < size;) {
                ssize_t n = write(fd, (const uint8_t *) data + done, size - done);

                if (n < 0)
                        return -errno;
                done += (size_t) n;
        }
        if (lseek(fd, 0, SEEK_SET) < 0 || fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL) < 0)
                return -errno;
        return TAKE_FD(fd);
}

/* With its seals it is memory, which neither makes its reader wait nor differs at a second look. */
int sealed_file_read_most(int fd, size_t most, uint8_t **ret, size_t *ret_size) {
        _cleanup_free_ uint8_t *data = NULL;
        int seals = fcntl(fd, F_GET_SEALS);
        struct stat st;
        size_t size;

        if (seals < 0 || (seals & SEALS) != SEALS)
                return -EBADMSG;
        if (fstat(fd, &st) < 0)
                return -errno;
        if ((uint64_t) st.st_size > most)
                return -EBADMSG;
        size = (size_t) st.st_size;
        data = malloc(size + 1);
        if (!data)
                return -ENOMEM;
        if (pread(fd, data, size, 0) != (ssize_t) size)
                return -EBADMSG;
        data[size] = '\0';
        *ret = TAKE_PTR(data);
        *ret_size = size;
        return 0;
}

int sealed_file_read(int fd, size_t size, uint8_t **ret) {
        _cleanup_free_ uint8_t *data = NULL;
        size_t n;
        int r;

        r = sealed_file_read_most(fd, size, &data, &n);
        if (r < 0)
                return r;
        if (n != size)
                return -EBADMSG;
        *ret = TAKE_PTR(data);
        return 0;
}
