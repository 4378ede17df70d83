/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * BER-TLV as EMV Book 3, Annex B has it, of a card and of an acquirer's DE55: tags of one to three bytes, definite
 * lengths of one to three bytes, 00 as filling between objects. Any bytes give objects or an error; nothing is
 * allocated, and values point into the input.
 */

#include "base/macro.h"

/* Objects inside objects that tlv_check() follows. */
#define TLV_DEPTH_MAX 6

struct tlv {
        uint32_t tag; /* its bytes as a number: 5A, 9F02, DF8101 */
        const uint8_t *value;
        size_t size;
};

/* Whether bit 6 of the tag's first byte says that the value is made of objects. */
bool tlv_is_constructed(uint32_t tag);

/*
 * Takes one object off the front of *data, which has *size bytes, and moves both on. 1 with an object,
 * 0 at the end, -EBADMSG when what is there is no object.
 */
int tlv_next(const uint8_t **data, size_t *size, struct tlv *ret);

/* The first object of that tag on this level. 0, -ENOENT, or -EBADMSG when anything on this level is broken. */
int tlv_find(const uint8_t *data, size_t size, uint32_t tag, struct tlv *ret);

/* Exactly one object, of that tag, and nothing but filling after it. 0 or -EBADMSG. */
int tlv_only(const uint8_t *data, size_t size, uint32_t tag, struct tlv *ret);

/* Walks the whole tree. 0 or -EBADMSG, also below TLV_DEPTH_MAX. */
int tlv_check(const uint8_t *data, size_t size);

/*
 * Appends one object at *used of a buffer of max bytes. 0, or -ENOBUFS with the buffer unchanged;
 * sizes to 65535.
 */
int tlv_append(uint8_t *buffer, size_t max, size_t *used, uint32_t tag, const void *value, size_t size);

/* One entry of a data object list (Book 3, 5.4), which has tags and lengths only. As tlv_next(). */
int dol_next(const uint8_t **data, size_t *size, uint32_t *ret_tag, uint8_t *ret_size);
