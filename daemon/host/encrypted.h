/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A stripe that the reader has encrypted, as it goes to the acquirer in a private field: TLV with C0, the key serial
 * number, and C1, the cryptogram of track 2. The terminal can read neither. No published form was found; an acquirer
 * who takes such readers says its own.
 */

#include "base/macro.h"

#define HOST_KSN_MAX 12         /* 10 bytes for TDES, 12 for AES */
#define HOST_CRYPTOGRAM_MAX 128 /* whole blocks: of 8 bytes for TDES, of 16 for AES */
#define HOST_ENCRYPTED_MAX (2 + HOST_KSN_MAX + 3 + HOST_CRYPTOGRAM_MAX)

struct host_encrypted {
        uint8_t ksn[HOST_KSN_MAX];
        size_t ksn_size;
        uint8_t cryptogram[HOST_CRYPTOGRAM_MAX];
        size_t cryptogram_size;
};

/* Returns the number of bytes, or -EINVAL when the sizes are not those of a cipher. */
ssize_t host_encrypted_format(const struct host_encrypted *e, uint8_t ret[static HOST_ENCRYPTED_MAX]);
/* -EBADMSG for anything else. */
int host_encrypted_parse(const void *data, size_t size, struct host_encrypted *ret);
