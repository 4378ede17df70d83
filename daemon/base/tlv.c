// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/tlv.h"

bool tlv_is_constructed(uint32_t tag) {
        while (tag > 0xff)
                tag >>= 8;
        return tag & 0x20;
}

static int take_tag(const uint8_t **data, size_t *size, uint32_t *ret) {
        const uint8_t *p = *data;
        size_t n = 1;
        uint32_t tag;

        if (*size < 1)
                return -EBADMSG;
        tag = p[0];
        if ((tag & 0x1f) == 0x1f) {
                do {
                        /* A tag number does not begin with zeros, and three bytes are all that EMV has. */
                        if (n >= 3 || n >= *size || p[n] == 0x80)
                                return -EBADMSG;
                        tag = tag << 8 | p[n];
                } while (p[n++] & 0x80);
        }
        *data += n;
        *size -= n;
        *ret = tag;
        return 0;
}

static int take_length(const uint8_t **data, size_t *size, size_t *ret) {
        const uint8_t *p = *data;
        size_t n, length = 0;

        if (*size < 1)
                return -EBADMSG;
        if (p[0] < 0x80) {
                n = 0;
                length = p[0];
        } else {
                /* 80, the indefinite form, is not of EMV. */
                n = p[0] & 0x7f;
                if (n < 1 || n > 2 || *size < 1 + n)
                        return -EBADMSG;
                for (size_t i = 1; i <= n; i++)
                        length = length << 8 | p[i];
        }
        *data += 1 + n;
        *size -= 1 + n;
        *ret = length;
        return 0;
}

static void skip_filling(const uint8_t **data, size_t *size) {
        while (*size > 0 && **data == 0) {
                (*data)++;
                (*size)--;
        }
}

int tlv_next(const uint8_t **data, size_t *size, struct tlv *ret) {
        const uint8_t *p = *data;
        size_t left = *size, length;
        uint32_t tag;
        int r;

        skip_filling(&p, &left);
        if (left == 0) {
                *data = p;
                *size = 0;
                return 0;
        }
        r = take_tag(&p, &left, &tag);
        if (r < 0)
                return r;
        r = take_length(&p, &left, &length);
        if (r < 0)
                return r;
        if (length > left)
                return -EBADMSG;

        *ret = (struct tlv){ .tag = tag, .value = p, .size = length };
        *data = p + length;
        *size = left - length;
        return 1;
}

int tlv_find(const uint8_t *data, size_t size, uint32_t tag, struct tlv *ret) {
        struct tlv t, found = {};
        bool have = false;
        int r;

        while ((r = tlv_next(&data, &size, &t)) > 0)
                if (t.tag == tag && !have) {
                        found = t;
                        have = true;
                }
        if (r < 0)
                return r;
        if (!have)
                return -ENOENT;
        *ret = found;
        return 0;
}

int tlv_only(const uint8_t *data, size_t size, uint32_t tag, struct tlv *ret) {
        struct tlv t, more;
        int r;

        r = tlv_next(&data, &size, &t);
        if (r < 0)
                return r;
        if (r == 0 || t.tag != tag)
                return -EBADMSG;
        r = tlv_next(&data, &size, &more);
        if (r != 0)
                return -EBADMSG;
        *ret = t;
        return 0;
}

static int check_level(const uint8_t *data, size_t size, unsigned depth) {
        struct tlv t;
        int r;

        if (depth >= TLV_DEPTH_MAX)
                return -EBADMSG;
        while ((r = tlv_next(&data, &size, &t)) > 0)
                if (tlv_is_constructed(t.tag)) {
                        r = check_level(t.value, t.size, depth + 1);
                        if (r < 0)
                                return r;
                }
        return r;
}

int tlv_check(const uint8_t *data, size_t size) {
        return check_level(data, size, 0);
}

int tlv_append(uint8_t *buffer, size_t max, size_t *used, uint32_t tag, const void *value, size_t size) {
        uint8_t head[6];
        size_t n = 0;

        if (size > 0xffff)
                return -ENOBUFS;
        for (int shift = 16; shift >= 0; shift -= 8)
                if (tag >> shift)
                        head[n++] = (uint8_t) (tag >> shift);
        if (size > 0xff) {
                head[n++] = 0x82;
                head[n++] = (uint8_t) (size >> 8);
        } else if (size > 0x7f)
                head[n++] = 0x81;
        head[n++] = (uint8_t) size;

        if (*used > max || n + size > max - *used)
                return -ENOBUFS;
        memcpy(buffer + *used, head, n);
        if (size > 0)
                memcpy(buffer + *used + n, value, size);
        *used += n + size;
        return 0;
}

int dol_next(const uint8_t **data, size_t *size, uint32_t *ret_tag, uint8_t *ret_size) {
        const uint8_t *p = *data;
        size_t left = *size;
        uint32_t tag;
        int r;

        if (left == 0)
                return 0;
        r = take_tag(&p, &left, &tag);
        if (r < 0)
                return r;
        if (left < 1)
                return -EBADMSG;
        *ret_tag = tag;
        *ret_size = p[0];
        *data = p + 1;
        *size = left - 1;
        return 1;
}
