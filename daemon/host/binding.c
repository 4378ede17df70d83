// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/binding.h"

#include "base/tlv.h"

#define TAG_KIND 0xC0      /* one byte: 0 first, 1 change, 2 lost */
#define TAG_NUMBER 0xC1    /* four bytes, the most significant one first */
#define TAG_SERIAL 0xC2    /* printable ASCII */
#define TAG_PHONE 0xC3     /* E.164 with its "+" */
#define TAG_OLD_PHONE 0xC4 /* the same; absent of a first one */

size_t host_binding_format(const struct host_binding *b, uint8_t ret[static HOST_BINDING_MAX]) {
        const uint8_t kind = (uint8_t) b->kind;
        const uint8_t number[4] = { (uint8_t) (b->number >> 24), (uint8_t) (b->number >> 16),
                                    (uint8_t) (b->number >> 8), (uint8_t) b->number };
        size_t used = 0;

        (void) tlv_append(ret, HOST_BINDING_MAX, &used, TAG_KIND, &kind, sizeof(kind));
        (void) tlv_append(ret, HOST_BINDING_MAX, &used, TAG_NUMBER, number, sizeof(number));
        (void) tlv_append(ret, HOST_BINDING_MAX, &used, TAG_SERIAL, b->serial, strlen(b->serial));
        (void) tlv_append(ret, HOST_BINDING_MAX, &used, TAG_PHONE, b->phone, strlen(b->phone));
        if (*b->old_phone)
                (void) tlv_append(ret, HOST_BINDING_MAX, &used, TAG_OLD_PHONE, b->old_phone, strlen(b->old_phone));
        return used;
}
_Static_assert(2 + 1 + 2 + 4 + 2 + sizeof(((struct host_binding *) NULL)->serial) + 2 * (2 + PHONE_SIZE) <=
                       HOST_BINDING_MAX,
               "the longest binding has room");

static bool is_printable(const char *text) {
        for (; *text; text++)
                if (*text < ' ' || *text > '~')
                        return false;
        return true;
}

bool host_binding_is_valid(const struct host_binding *b) {
        if ((unsigned) b->kind >= _HOST_BINDING_KIND_MAX || b->number == 0)
                return false;
        if (!*b->serial || !is_printable(b->serial) || !phone_is_valid(b->phone))
                return false;
        return b->kind == HOST_BINDING_FIRST ? !*b->old_phone : phone_is_valid(b->old_phone);
}

static int read_text(const struct tlv *t, char *ret, size_t size) {
        if (t->size >= size || memchr(t->value, '\0', t->size))
                return -EBADMSG;
        memcpy(ret, t->value, t->size);
        ret[t->size] = '\0';
        return 0;
}

static int read_number(const struct tlv *t, uint32_t *ret) {
        if (t->size != 4)
                return -EBADMSG;
        *ret = (uint32_t) t->value[0] << 24 | (uint32_t) t->value[1] << 16 | (uint32_t) t->value[2] << 8 | t->value[3];
        return 0;
}

static int read_kind(const struct tlv *t, enum host_binding_kind *ret) {
        if (t->size != 1)
                return -EBADMSG;
        *ret = (enum host_binding_kind) t->value[0];
        return 0;
}

/* Tags that are not known are passed over. */
static int read_object(const struct tlv *t, struct host_binding *b) {
        switch (t->tag) {
        case TAG_KIND:
                return read_kind(t, &b->kind);
        case TAG_NUMBER:
                return read_number(t, &b->number);
        case TAG_SERIAL:
                return read_text(t, b->serial, sizeof(b->serial));
        case TAG_PHONE:
                return read_text(t, b->phone, sizeof(b->phone));
        case TAG_OLD_PHONE:
                return read_text(t, b->old_phone, sizeof(b->old_phone));
        default:
                return 0;
        }
}

/* Which tags there have been, a bit each. */
static unsigned tag_bit(uint32_t tag) {
        return tag >= TAG_KIND && tag <= TAG_OLD_PHONE ? 1u << (tag - TAG_KIND) : 0;
}

int host_binding_parse(const void *data, size_t size, struct host_binding *ret) {
        const unsigned always = tag_bit(TAG_KIND) | tag_bit(TAG_NUMBER) | tag_bit(TAG_SERIAL) | tag_bit(TAG_PHONE);
        struct host_binding b = {};
        const uint8_t *p = data;
        unsigned seen = 0;
        struct tlv t;
        int r;

        while ((r = tlv_next(&p, &size, &t)) > 0) {
                if (seen & tag_bit(t.tag))
                        return -EBADMSG;
                seen |= tag_bit(t.tag);
                r = read_object(&t, &b);
                if (r < 0)
                        return r;
        }
        if (r < 0 || (seen & always) != always || !host_binding_is_valid(&b))
                return -EBADMSG;
        *ret = b;
        return 0;
}
