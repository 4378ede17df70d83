// SPDX-License-Identifier: LGPL-2.1-or-later
#include "helpers/till-report/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <poll.h>
#include <time.h>

struct pack {
        struct archive *archive;
        char *folder;
        int fd;
        int error; /* of the file, 0 for none */
};

/* The file is its caller's, who may have said that it is not to be waited for. */
static la_ssize_t write_some(struct archive *archive, void *userdata, const void *data, size_t size) {
        struct pack *p = userdata;
        struct pollfd wait = { .fd = p->fd, .events = POLLOUT };
        ssize_t n;

        while ((n = write(p->fd, data, size)) < 0 && (errno == EAGAIN || errno == EINTR))
                (void) poll(&wait, 1, -1);
        if (n >= 0)
                return n;
        p->error = -errno;
        archive_set_error(archive, errno, "cannot be written");
        return -1;
}

struct pack *pack_free(struct pack *p) {
        if (!p)
                return NULL;
        if (p->archive)
                (void) archive_write_free(p->archive);
        free(p->folder);
        free(p);
        return NULL;
}

static int pack_error(const struct pack *p, int r) {
        if (r >= ARCHIVE_WARN)
                return 0;
        return p->error < 0 ? p->error : -EIO;
}

int pack_new(int fd, const char *folder, struct pack **ret) {
        _cleanup_(pack_freep) struct pack *p = calloc(1, sizeof(*p));

        if (!p)
                return -ENOMEM;
        p->fd = fd;
        p->folder = strdup(folder);
        p->archive = archive_write_new();
        if (!p->folder || !p->archive)
                return -ENOMEM;
        /* A warning would be that zstd is a program, which there is not. */
        if (archive_write_add_filter_zstd(p->archive) != ARCHIVE_OK ||
            archive_write_set_format_pax_restricted(p->archive) != ARCHIVE_OK)
                return -EOPNOTSUPP;
        /* Nobody waits for a whole block of a tape. */
        (void) archive_write_set_bytes_in_last_block(p->archive, 1);
        if (archive_write_open(p->archive, p, NULL, write_some, NULL) != ARCHIVE_OK)
                return p->error < 0 ? p->error : -EIO;
        *ret = TAKE_PTR(p);
        return 0;
}

int pack_add(struct pack *p, const char *name, const char *data, size_t size) {
        _cleanup_free_ char *path = NULL;
        struct archive_entry *entry;
        int r;

        if (asprintf(&path, "%s/%s", p->folder, name) < 0)
                return -ENOMEM;
        entry = archive_entry_new();
        if (!entry)
                return -ENOMEM;
        archive_entry_set_pathname(entry, path);
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0600);
        archive_entry_set_size(entry, (la_int64_t) size);
        archive_entry_set_mtime(entry, time(NULL), 0);
        r = archive_write_header(p->archive, entry);
        archive_entry_free(entry);
        if (r < ARCHIVE_WARN)
                return pack_error(p, r);
        return archive_write_data(p->archive, data, size) == (la_ssize_t) size ? 0 : pack_error(p, ARCHIVE_FATAL);
}

int pack_finish(struct pack *p) {
        return pack_error(p, archive_write_close(p->archive));
}
