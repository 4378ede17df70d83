/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The data objects of one transaction, by tag, in memory of fixed size. */

#include "base/macro.h"

#define STORE_OBJECTS_MAX 256
#define STORE_BYTES_MAX 16384

struct store_object {
        uint32_t tag;
        uint16_t offset, size;
        bool again; /* store_may_come_again() */
};

struct store {
        size_t n, used;
        struct store_object objects[STORE_OBJECTS_MAX];
        uint8_t bytes[STORE_BYTES_MAX];
};

/* What the terminal or the issuer says: replaces what was there. -ENOBUFS when full. */
int store_set(struct store *s, uint32_t tag, const void *value, size_t size);

/*
 * What the card says. An object that is the terminal's to set is passed over. -EEXIST when it is there
 * already (Book 3, 10.2: the card has an object once), -EBADMSG for a length that the books do not allow,
 * -ENOBUFS when full.
 */
int store_put_card(struct store *s, uint32_t tag, const uint8_t *value, size_t size);

/* All objects of a constructed value's first level by store_put_card(). */
int store_put_card_all(struct store *s, const uint8_t *data, size_t size);

/* Objects of those tags that are there may come once more, and are then replaced: records repeat what an FCI said. */
void store_may_come_again(struct store *s, const uint32_t *tags, size_t n);

/* NULL when not there; the memory stays with the store, until the next store_set(). */
const uint8_t *store_get(const struct store *s, uint32_t tag, size_t *ret_size);

void store_forget(struct store *s, uint32_t tag);

/*
 * Builds the data that a data object list asks for (Book 3, 5.4): unknown objects as zeros, cut and
 * filled by format. -EBADMSG for a broken list, -ENOBUFS beyond max.
 */
int store_build_dol(const struct store *s, const uint8_t *dol, size_t dol_size, uint8_t *ret, size_t max,
                    size_t *ret_size);
