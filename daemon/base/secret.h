/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Memory for keys and card data: locked, left out of core dumps and children, wiped when freed.
 */

#include "base/macro.h"

/* size bytes of zero, or NULL (errno ENOMEM). Memory beyond RLIMIT_MEMLOCK is not locked; the log says so, once. */
void *secret_new(size_t size);
/* Wipes and frees; takes NULL. The size is remembered. Returns NULL. */
void *secret_free(void *p);

/* Wipes what calls that have returned may have left on the stack, 128 KiB below the caller. */
void secret_wipe_stack(void);

static inline void secret_freep(void *p) {
        secret_free(*(void **) p);
}
#define _cleanup_secret_ _cleanup_(secret_freep)

/* Wipes a buffer of known size at the end of its scope. */
struct wipe {
        void *data;
        size_t size;
};
static inline void wipe_done(struct wipe *w) {
        explicit_bzero(w->data, w->size);
}
#define WIPE_AT_END(array) _cleanup_(wipe_done) _unused_ struct wipe wipe_##array = { array, sizeof(array) }

/* In time that does not depend on the content. */
bool secret_equal(const void *a, const void *b, size_t size);
