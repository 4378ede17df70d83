// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/tlv.h"
#include "emv/store.h"
#include "emv/tag.h"

static struct store_object *find(const struct store *s, uint32_t tag) {
        for (size_t i = 0; i < s->n; i++)
                if (s->objects[i].tag == tag)
                        return (struct store_object *) s->objects + i;
        return NULL;
}

void store_forget(struct store *s, uint32_t tag) {
        struct store_object *o = find(s, tag);
        uint16_t offset, size;

        if (!o)
                return;
        offset = o->offset;
        size = o->size;
        memmove(s->bytes + offset, s->bytes + offset + size, s->used - offset - size);
        s->used -= size;
        *o = s->objects[--s->n];
        for (size_t i = 0; i < s->n; i++)
                if (s->objects[i].offset > offset)
                        s->objects[i].offset -= size;
}

static int append(struct store *s, uint32_t tag, const void *value, size_t size) {
        if (s->n >= STORE_OBJECTS_MAX || size > STORE_BYTES_MAX - s->used)
                return -ENOBUFS;
        s->objects[s->n++] =
                (struct store_object){ .tag = tag, .offset = (uint16_t) s->used, .size = (uint16_t) size };
        if (size > 0)
                memcpy(s->bytes + s->used, value, size);
        s->used += size;
        return 0;
}

int store_set(struct store *s, uint32_t tag, const void *value, size_t size) {
        struct store_object *o = find(s, tag);

        if (o && o->size == size) {
                if (size > 0)
                        memmove(s->bytes + o->offset, value, size);
                return 0;
        }
        store_forget(s, tag);
        return append(s, tag, value, size);
}

int store_put_card(struct store *s, uint32_t tag, const uint8_t *value, size_t size) {
        const struct tag_info *info = tag_find(tag);
        const struct store_object *o;

        if (info && info->terminal)
                return 0;
        if (info && (size < info->min || size > info->max))
                return -EBADMSG;
        o = find(s, tag);
        if (o && !o->again)
                return -EEXIST;
        store_forget(s, tag);
        return append(s, tag, value, size);
}

int store_put_card_all(struct store *s, const uint8_t *data, size_t size) {
        struct tlv t;
        int r;

        while ((r = tlv_next(&data, &size, &t)) > 0) {
                r = store_put_card(s, t.tag, t.value, t.size);
                if (r < 0)
                        return r;
        }
        return r;
}

void store_may_come_again(struct store *s, const uint32_t *tags, size_t n) {
        for (size_t i = 0; i < n; i++) {
                struct store_object *o = find(s, tags[i]);

                if (o)
                        o->again = true;
        }
}

const uint8_t *store_get(const struct store *s, uint32_t tag, size_t *ret_size) {
        const struct store_object *o = find(s, tag);

        if (!o)
                return NULL;
        if (ret_size)
                *ret_size = o->size;
        return s->bytes + o->offset;
}

/* Book 3, 5.4, rules 2 to 4. */
static void fit(uint8_t *to, size_t wanted, const uint8_t *value, size_t size, enum tag_format format) {
        size_t n = MIN(wanted, size);

        memset(to, format == TAG_COMPRESSED ? 0xff : 0, wanted);
        if (format == TAG_NUMERIC)
                memcpy(to + wanted - n, value + size - n, n);
        else
                memcpy(to, value, n);
}

int store_build_dol(const struct store *s, const uint8_t *dol, size_t dol_size, uint8_t *ret, size_t max,
                    size_t *ret_size) {
        size_t used = 0;
        uint32_t tag;
        uint8_t wanted;
        int r;

        while ((r = dol_next(&dol, &dol_size, &tag, &wanted)) > 0) {
                const struct tag_info *info = tag_find(tag);
                const uint8_t *value;
                size_t size;

                if (wanted > max - used)
                        return -ENOBUFS;
                value = tlv_is_constructed(tag) ? NULL : store_get(s, tag, &size);
                if (value)
                        fit(ret + used, wanted, value, size, info ? (enum tag_format) info->format : TAG_BINARY);
                else
                        memset(ret + used, 0, wanted);
                used += wanted;
        }
        if (r < 0)
                return r;
        *ret_size = used;
        return 0;
}
