// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/tlv.h"
#include "host/encrypted.h"

#define TAG_KSN 0xC0
#define TAG_CRYPTOGRAM 0xC1

static bool sizes_fit(const struct host_encrypted *e) {
        size_t block = e->ksn_size == 10 ? 8 : 16;

        return (e->ksn_size == 10 || e->ksn_size == 12) && e->cryptogram_size > 0 &&
               e->cryptogram_size <= HOST_CRYPTOGRAM_MAX && e->cryptogram_size % block == 0;
}

ssize_t host_encrypted_format(const struct host_encrypted *e, uint8_t ret[static HOST_ENCRYPTED_MAX]) {
        size_t used = 0;
        int r;

        if (!sizes_fit(e))
                return -EINVAL;
        r = tlv_append(ret, HOST_ENCRYPTED_MAX, &used, TAG_KSN, e->ksn, e->ksn_size);
        if (r >= 0)
                r = tlv_append(ret, HOST_ENCRYPTED_MAX, &used, TAG_CRYPTOGRAM, e->cryptogram, e->cryptogram_size);
        return r < 0 ? r : (ssize_t) used;
}

int host_encrypted_parse(const void *data, size_t size, struct host_encrypted *ret) {
        struct host_encrypted e = {};
        struct tlv ksn, cryptogram;

        if (tlv_find(data, size, TAG_KSN, &ksn) < 0 || tlv_find(data, size, TAG_CRYPTOGRAM, &cryptogram) < 0 ||
            ksn.size > sizeof(e.ksn) || cryptogram.size > sizeof(e.cryptogram))
                return -EBADMSG;
        memcpy(e.ksn, ksn.value, ksn.size);
        e.ksn_size = ksn.size;
        memcpy(e.cryptogram, cryptogram.value, cryptogram.size);
        e.cryptogram_size = cryptogram.size;
        if (!sizes_fit(&e))
                return -EBADMSG;
        *ret = e;
        return 0;
}
