// SPDX-License-Identifier: LGPL-2.1-or-later
#include <sys/mman.h>

#include "base/log.h"
#include "base/secret.h"

/* Whole pages, so that no other data shares the lock and the advice. */
struct header {
        size_t mapped;
        max_align_t data[];
};

static void lock(void *p, size_t size) {
        static bool told;

        if (mlock(p, size) >= 0 || told)
                return;
        told = true;
        log_notice_errno(errno, "Memory for keys and card data cannot be locked, and may be swapped out; raise "
                                "LimitMEMLOCK= of tilld.service");
}

void *secret_new(size_t size) {
        size_t page = (size_t) sysconf(_SC_PAGESIZE);
        size_t mapped = (sizeof(struct header) + size + page - 1) / page * page;
        struct header *h;

        if (mapped < size) {
                errno = ENOMEM;
                return NULL;
        }
        h = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (h == MAP_FAILED)
                return NULL;

        lock(h, mapped);
        (void) madvise(h, mapped, MADV_DONTDUMP);
        (void) madvise(h, mapped, MADV_DONTFORK);
        h->mapped = mapped;
        return h->data;
}

void *secret_free(void *p) {
        struct header *h;

        if (!p)
                return NULL;

        h = (struct header *) ((char *) p - offsetof(struct header, data));
        size_t mapped = h->mapped;
        explicit_bzero(h, mapped);
        (void) munmap(h, mapped);
        return NULL;
}

__attribute__((noinline)) void secret_wipe_stack(void) {
        uint8_t below[128 << 10];

        explicit_bzero(below, sizeof(below));
}

bool secret_equal(const void *a, const void *b, size_t size) {
        const volatile uint8_t *x = a, *y = b;
        uint8_t diff = 0;

        for (size_t i = 0; i < size; i++)
                diff |= x[i] ^ y[i];
        return diff == 0;
}
