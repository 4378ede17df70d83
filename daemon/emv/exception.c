// SPDX-License-Identifier: LGPL-2.1-or-later
/* The exception file's names for cards: EMV Book 4, 6.3.5. */

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "emv/message.h"

int emv_exception_hash(const uint8_t salt[static EMV_SALT_SIZE], const char *pan,
                       uint8_t ret[static EMV_EXCEPTION_SIZE]) {
        if (!HMAC(EVP_sha256(), salt, EMV_SALT_SIZE, (const uint8_t *) pan, strlen(pan), ret, NULL))
                return -EIO;
        return 0;
}
