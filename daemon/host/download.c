// SPDX-License-Identifier: LGPL-2.1-or-later
#include <openssl/evp.h>

#include "base/tlv.h"
#include "host/digits.h"
#include "host/download.h"

#define NOTHING '0'
#define LAST '1'
#define MORE '2'

int host_position_format(unsigned position, char text[static HOST_POSITION_DIGITS + 1]) {
        if (position > HOST_POSITION_MAX)
                return -ERANGE;
        digits_write(text, HOST_POSITION_DIGITS, 100 + position);
        text[HOST_POSITION_DIGITS] = '\0';
        return 0;
}

int host_position_parse(const void *data, size_t size, unsigned *ret) {
        const char *text = data;

        if (size != HOST_POSITION_DIGITS || text[0] != '1' || text[1] < '0' || text[1] > '9' || text[2] < '0' ||
            text[2] > '9')
                return -EBADMSG;
        *ret = (unsigned) digits_read(text + 1, 2);
        return 0;
}

size_t host_download_format(const struct host_download *d, uint8_t ret[static HOST_DOWNLOAD_MAX + 1]) {
        ret[0] = d->size == 0 ? NOTHING : d->more ? MORE : LAST;
        memcpy(ret + 1, d->data, d->size);
        return 1 + d->size;
}

int host_download_parse(const void *data, size_t size, struct host_download *ret) {
        const uint8_t *p = data;
        struct host_download d = {};

        if (size < 1 || size > HOST_DOWNLOAD_MAX + 1 || p[0] < NOTHING || p[0] > MORE)
                return -EBADMSG;
        d.more = p[0] == MORE;
        d.size = size - 1;
        if ((p[0] == NOTHING) != (d.size == 0) || tlv_check(p + 1, d.size) < 0)
                return -EBADMSG;
        memcpy(d.data, p + 1, d.size);
        *ret = d;
        return 0;
}

/* The value of a tag, of min to max bytes. */
static int take(const void *data, size_t size, uint32_t tag, size_t min, size_t max, void *ret, size_t *ret_size) {
        struct tlv t;

        if (tlv_find(data, size, tag, &t) < 0 || t.size < min || t.size > max)
                return -EBADMSG;
        memcpy(ret, t.value, t.size);
        *ret_size = t.size;
        return 0;
}

/* Book 2, table 30: over RID, index, modulus and exponent. */
static bool check_value_fits(const struct host_ca_key *k) {
        uint8_t text[sizeof(k->rid) + 1 + sizeof(k->modulus) + sizeof(k->exponent)], digest[20];
        size_t n = sizeof(k->rid);
        unsigned l;

        memcpy(text, k->rid, sizeof(k->rid));
        text[n++] = k->index;
        memcpy(text + n, k->modulus, k->modulus_size);
        n += k->modulus_size;
        memcpy(text + n, k->exponent, k->exponent_size);
        n += k->exponent_size;
        return EVP_Digest(text, n, digest, &l, EVP_sha1(), NULL) == 1 && memcmp(digest, k->sha1, sizeof(digest)) == 0;
}

int host_ca_key_parse(const void *data, size_t size, struct host_ca_key *ret) {
        struct host_ca_key k = {};
        struct tlv expiry;
        size_t n;

        if (take(data, size, 0x9F06, 5, 5, k.rid, &n) < 0 || take(data, size, 0x9F22, 1, 1, &k.index, &n) < 0 ||
            take(data, size, 0xDF02, 1, sizeof(k.modulus), k.modulus, &k.modulus_size) < 0 ||
            take(data, size, 0xDF04, 1, sizeof(k.exponent), k.exponent, &k.exponent_size) < 0 ||
            take(data, size, 0xDF03, sizeof(k.sha1), sizeof(k.sha1), k.sha1, &n) < 0)
                return -EBADMSG;
        if (tlv_find(data, size, 0xDF05, &expiry) >= 0) {
                if (expiry.size != 8)
                        return -EBADMSG;
                memcpy(k.expiry, expiry.value, 8);
                if (!digits_only(k.expiry, 8))
                        return -EBADMSG;
        }
        if (!check_value_fits(&k))
                return -EBADMSG;
        *ret = k;
        return 0;
}

static uint32_t read_binary(const uint8_t b[static 4]) {
        return (uint32_t) b[0] << 24 | (uint32_t) b[1] << 16 | (uint32_t) b[2] << 8 | b[3];
}

/* Two digits. */
static int read_percent(uint8_t bcd, uint8_t *ret) {
        if (bcd >> 4 > 9 || (bcd & 0x0F) > 9)
                return -EBADMSG;
        *ret = (uint8_t) (10 * (bcd >> 4) + (bcd & 0x0F));
        return 0;
}

int host_application_parse(const void *data, size_t size, struct host_application *ret) {
        uint8_t indicator, floor[4], threshold[4], target_max, target;
        struct host_application a = {};
        struct tlv t;
        size_t n;

        if (take(data, size, 0x9F06, 5, sizeof(a.aid), a.aid, &a.aid_size) < 0 ||
            take(data, size, 0xDF01, 1, 1, &indicator, &n) < 0 || take(data, size, 0x9F08, 2, 2, a.version, &n) < 0 ||
            take(data, size, 0xDF11, 5, 5, a.tac_default, &n) < 0 ||
            take(data, size, 0xDF12, 5, 5, a.tac_online, &n) < 0 ||
            take(data, size, 0xDF13, 5, 5, a.tac_denial, &n) < 0 || take(data, size, 0x9F1B, 4, 4, floor, &n) < 0 ||
            take(data, size, 0xDF15, 4, 4, threshold, &n) < 0 || take(data, size, 0xDF16, 1, 1, &target_max, &n) < 0 ||
            take(data, size, 0xDF17, 1, 1, &target, &n) < 0)
                return -EBADMSG;
        if (tlv_find(data, size, 0xDF14, &t) >= 0 &&
            take(data, size, 0xDF14, 1, sizeof(a.ddol), a.ddol, &a.ddol_size) < 0)
                return -EBADMSG;
        if (indicator > 1 || read_percent(target_max, &a.target_max) < 0 || read_percent(target, &a.target) < 0)
                return -EBADMSG;
        a.partial = indicator == 0;
        a.floor_limit = read_binary(floor);
        a.threshold = read_binary(threshold);
        *ret = a;
        return 0;
}
