// SPDX-License-Identifier: LGPL-2.1-or-later
/* The form is SQLite's, section 4 of its "Database File Format". */
#include "journal/wal.h"

#include <endian.h>
#include <fcntl.h>
#include <sys/stat.h>

#define HEADER_SIZE 32
#define FRAME_HEADER_SIZE 24
#define MAGIC 0x377f0682 /* and a bit that says which end of a word comes first in sums */
#define VERSION 3007000

struct wal {
        int fd;
        bool big_endian;
        uint32_t page_size;
        uint32_t salt[2];
        uint32_t sum[2]; /* of all up to here */
};

static uint32_t word(const uint8_t *p) {
        uint32_t v;

        memcpy(&v, p, sizeof(v));
        return be32toh(v);
}

static void add(struct wal *w, const uint8_t *data, size_t size) {
        for (size_t i = 0; i < size; i += 8) {
                uint32_t v[2];

                memcpy(v, data + i, sizeof(v));
                w->sum[0] += (w->big_endian ? be32toh(v[0]) : le32toh(v[0])) + w->sum[1];
                w->sum[1] += (w->big_endian ? be32toh(v[1]) : le32toh(v[1])) + w->sum[0];
        }
}

static int read_header(struct wal *w) {
        uint8_t header[HEADER_SIZE];
        ssize_t n = pread(w->fd, header, sizeof(header), 0);

        if (n < 0)
                return -errno;
        if (n != sizeof(header) || (word(header) & ~1U) != MAGIC || word(header + 4) != VERSION)
                return -EBADMSG;
        w->big_endian = word(header) & 1;
        w->page_size = word(header + 8);
        if (w->page_size < 512 || w->page_size > 65536 || (w->page_size & (w->page_size - 1)) != 0)
                return -EBADMSG;
        w->salt[0] = word(header + 16);
        w->salt[1] = word(header + 20);
        add(w, header, HEADER_SIZE - 8);
        return w->sum[0] == word(header + 24) && w->sum[1] == word(header + 28) ? 0 : -EBADMSG;
}

/* Whether the frame belongs to this log, whatever its sum. */
static bool is_ours(const struct wal *w, const uint8_t *frame) {
        return word(frame) != 0 && word(frame + 8) == w->salt[0] && word(frame + 12) == w->salt[1];
}

static bool fits(struct wal *w, const uint8_t *frame) {
        add(w, frame, 8);
        add(w, frame + FRAME_HEADER_SIZE, w->page_size);
        return w->sum[0] == word(frame + 16) && w->sum[1] == word(frame + 20);
}

static int read_frames(struct wal *w, struct wal_report *ret) {
        size_t size = FRAME_HEADER_SIZE + w->page_size;
        _cleanup_free_ uint8_t *frame = malloc(size);
        struct wal_report report = {};
        bool whole = true;
        uint64_t bad = 0;

        if (!frame)
                return -ENOMEM;
        for (uint64_t i = 0;; i++) {
                ssize_t n = pread(w->fd, frame, size, (off_t) (HEADER_SIZE + i * size));

                if (n < 0)
                        return -errno;
                if ((size_t) n != size)
                        break;
                if (whole && is_ours(w, frame) && fits(w, frame)) {
                        report.frames++;
                        continue;
                }
                if (whole)
                        bad = i;
                whole = false;
                /* A frame that says how large the file is then ends a commit. */
                if (i > bad && is_ours(w, frame) && word(frame + 4) != 0)
                        report.behind = i - bad;
        }
        *ret = report;
        return 0;
}

int wal_inspect(const char *path, struct wal_report *ret) {
        _cleanup_free_ char *log = NULL;
        _cleanup_close_ int fd = -EBADF;
        struct wal w = {};
        struct stat st;
        int r;

        if (asprintf(&log, "%s-wal", path) < 0)
                return -ENOMEM;
        fd = open(log, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0 && errno != ENOENT)
                return -errno;
        /* Less than a frame is what a crash leaves at the first write. */
        if (fd < 0 || fstat(fd, &st) < 0 || st.st_size < HEADER_SIZE + FRAME_HEADER_SIZE + 512) {
                *ret = (struct wal_report){};
                return 0;
        }
        w.fd = fd;
        r = read_header(&w);
        if (r < 0)
                return r;
        return read_frames(&w, ret);
}
