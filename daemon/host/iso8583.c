// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/hex.h"
#include "base/secret.h"
#include "host/iso8583.h"

/* Digits double when they become text, and every field gets a terminator. */
#define ARENA_SIZE (2 * ISO8583_SIZE_MAX + ISO8583_FIELDS)
#define NUMBER_DIGITS_MAX 18

struct iso8583 {
        const struct iso8583_field *table;
        unsigned mti;
        uint64_t fields;
        struct {
                uint16_t offset;
                uint16_t size; /* without the terminator */
        } value[ISO8583_FIELDS + 1];
        size_t used;
        char arena[ARENA_SIZE];
};

int iso8583_new(const struct iso8583_field *table, unsigned mti, struct iso8583 **ret) {
        struct iso8583 *m;

        if (mti > 9999)
                return -EINVAL;

        m = secret_new(sizeof(*m));
        if (!m)
                return -ENOMEM;
        m->table = table;
        m->mti = mti;
        *ret = m;
        return 0;
}

struct iso8583 *iso8583_free(struct iso8583 *m) {
        return secret_free(m);
}

unsigned iso8583_mti(const struct iso8583 *m) {
        return m->mti;
}

uint64_t iso8583_fields(const struct iso8583 *m) {
        return m->fields;
}

static bool is_packed(const struct iso8583_field *f) {
        return f->content == ISO8583_N || f->content == ISO8583_N_RIGHT || f->content == ISO8583_Z;
}

static bool takes_byte(const struct iso8583_field *f, uint8_t c) {
        switch (f->content) {
        case ISO8583_N:
        case ISO8583_N_RIGHT:
                return c >= '0' && c <= '9';
        case ISO8583_Z:
                return (c >= '0' && c <= '9') || c == '=';
        case ISO8583_ANS:
                return c >= 0x20 && c < 0x7F;
        case ISO8583_B:
                return true;
        }
        return false;
}

/* Reserves room for one field; the caller fills it. */
static int field_reserve(struct iso8583 *m, unsigned field, size_t size, char **ret) {
        if (m->fields & ISO8583_BIT(field))
                return -EEXIST;
        if (size + 1 > sizeof(m->arena) - m->used)
                return -ENOBUFS;

        *ret = m->arena + m->used;
        m->value[field].offset = (uint16_t) m->used;
        m->value[field].size = (uint16_t) size;
        m->used += size + 1;
        m->fields |= ISO8583_BIT(field);
        return 0;
}

static const struct iso8583_field *field_find(const struct iso8583_field *table, unsigned field) {
        if (field < 2 || field > ISO8583_FIELDS || table[field].length == ISO8583_ABSENT)
                return NULL;
        return table + field;
}

static int field_set(struct iso8583 *m, unsigned field, const void *data, size_t size) {
        const struct iso8583_field *f = field_find(m->table, field);
        const uint8_t *p = data;
        size_t padded = size;
        char *value;
        int r;

        if (!f || size > f->size)
                return -EINVAL;
        if (f->length == ISO8583_FIXED) {
                if (size < f->size && f->content != ISO8583_ANS)
                        return -EINVAL;
                padded = f->size;
        }
        for (size_t i = 0; i < size; i++)
                if (!takes_byte(f, p[i]))
                        return -EINVAL;

        r = field_reserve(m, field, padded, &value);
        if (r < 0)
                return r;
        memcpy(value, p, size);
        memset(value + size, ' ', padded - size);
        return 0;
}

int iso8583_set_text(struct iso8583 *m, unsigned field, const char *text) {
        const struct iso8583_field *f = field_find(m->table, field);

        if (!f || f->content == ISO8583_B)
                return -EINVAL;
        return field_set(m, field, text, strlen(text));
}

int iso8583_set_bytes(struct iso8583 *m, unsigned field, const void *data, size_t size) {
        return field_set(m, field, data, size);
}

int iso8583_set_number(struct iso8583 *m, unsigned field, uint64_t value) {
        const struct iso8583_field *f = field_find(m->table, field);
        char digits[21];
        int n;

        if (!f || f->length != ISO8583_FIXED || f->size >= sizeof(digits) ||
            (f->content != ISO8583_N && f->content != ISO8583_N_RIGHT))
                return -EINVAL;

        n = snprintf(digits, sizeof(digits), "%0*llu", f->size, (unsigned long long) value);
        if (n != f->size)
                return -ERANGE;
        return field_set(m, field, digits, (size_t) n);
}

const void *iso8583_bytes(const struct iso8583 *m, unsigned field, size_t *ret_size) {
        if (field < 2 || field > ISO8583_FIELDS || !iso8583_has(m, field))
                return NULL;
        *ret_size = m->value[field].size;
        return m->arena + m->value[field].offset;
}

const char *iso8583_text(const struct iso8583 *m, unsigned field) {
        size_t size;

        if (field > ISO8583_FIELDS || m->table[field].content == ISO8583_B)
                return NULL;
        return iso8583_bytes(m, field, &size);
}

int iso8583_number(const struct iso8583 *m, unsigned field, uint64_t *ret) {
        const char *text = iso8583_text(m, field);
        uint64_t value = 0;

        if (!text)
                return -ENODATA;
        if (!*text)
                return -EINVAL;
        if (strlen(text) > NUMBER_DIGITS_MAX)
                return -ERANGE;
        for (; *text; text++) {
                if (*text < '0' || *text > '9')
                        return -EINVAL;
                value = value * 10 + (uint64_t) (*text - '0');
        }
        *ret = value;
        return 0;
}

/* What is still to be written. */
struct writer {
        uint8_t *p;
        size_t left;
};

static int write_bytes(struct writer *w, const void *data, size_t size) {
        if (size > w->left)
                return -ENOBUFS;
        memcpy(w->p, data, size);
        w->p += size;
        w->left -= size;
        return 0;
}

static uint8_t nibble(char c) {
        return c == '=' ? 0x0D : (uint8_t) (c - '0');
}

static int write_packed(struct writer *w, const struct iso8583_field *f, const char *text, size_t digits) {
        bool skip = digits % 2 > 0 && f->content == ISO8583_N_RIGHT;
        size_t size = (digits + 1) / 2;

        if (size > w->left)
                return -ENOBUFS;
        memset(w->p, 0, size);
        for (size_t i = 0; i < digits; i++) {
                size_t at = i + skip;

                w->p[at / 2] |= (uint8_t) (nibble(text[i]) << (at % 2 > 0 ? 0 : 4));
        }
        w->p += size;
        w->left -= size;
        return 0;
}

static int write_field(struct writer *w, const struct iso8583_field *f, const char *value, size_t size) {
        uint8_t length[2] = { bcd_byte(size / 100), bcd_byte(size) };
        int r = 0;

        if (f->length == ISO8583_LL)
                r = write_bytes(w, length + 1, 1);
        else if (f->length == ISO8583_LLL)
                r = write_bytes(w, length, 2);
        if (r < 0)
                return r;

        if (is_packed(f))
                return write_packed(w, f, value, size);
        return write_bytes(w, value, size);
}

ssize_t iso8583_encode(const struct iso8583 *m, void *data, size_t size) {
        struct writer w = { data, MIN(size, (size_t) ISO8583_SIZE_MAX) };
        uint8_t head[10] = { bcd_byte(m->mti / 100), bcd_byte(m->mti) };
        int r;

        /* Field 1 is the highest bit of the first byte. */
        for (unsigned field = 2; field <= ISO8583_FIELDS; field++)
                if (iso8583_has(m, field))
                        head[2 + (field - 1) / 8] |= (uint8_t) (0x80 >> (field - 1) % 8);
        r = write_bytes(&w, head, sizeof(head));
        if (r < 0)
                return r;

        for (unsigned field = 2; field <= ISO8583_FIELDS; field++) {
                if (!iso8583_has(m, field))
                        continue;
                r = write_field(&w, m->table + field, m->arena + m->value[field].offset, m->value[field].size);
                if (r < 0)
                        return r;
        }
        return w.p - (uint8_t *) data;
}

/* What is still to be read. */
struct reader {
        const uint8_t *p;
        size_t left;
};

static const uint8_t *read_bytes(struct reader *r, size_t size) {
        const uint8_t *p = r->p;

        if (size > r->left)
                return NULL;
        r->p += size;
        r->left -= size;
        return p;
}

/* Returns two digits, or -EBADMSG. */
static int read_bcd(struct reader *r) {
        const uint8_t *p = read_bytes(r, 1);

        if (!p || *p >> 4 > 9 || (*p & 0x0F) > 9)
                return -EBADMSG;
        return (*p >> 4) * 10 + (*p & 0x0F);
}

static int read_length(struct reader *r, const struct iso8583_field *f, size_t *ret) {
        int high = 0, low;

        if (f->length == ISO8583_FIXED) {
                *ret = f->size;
                return 0;
        }
        if (f->length == ISO8583_LLL) {
                high = read_bcd(r);
                if (high < 0)
                        return high;
        }
        low = read_bcd(r);
        if (low < 0)
                return low;
        if (high * 100 + low > f->size)
                return -EBADMSG;
        *ret = (size_t) (high * 100 + low);
        return 0;
}

static int unpack(const struct iso8583_field *f, const uint8_t *packed, size_t digits, char *text) {
        bool odd = digits % 2 > 0, skip = odd && f->content == ISO8583_N_RIGHT;

        /* The filling is 0, so that one message has one encoding. */
        if (skip && packed[0] >> 4 != 0)
                return -EBADMSG;
        if (odd && !skip && (packed[digits / 2] & 0x0F) != 0)
                return -EBADMSG;

        for (size_t i = 0; i < digits; i++) {
                size_t at = i + skip;
                uint8_t n = at % 2 > 0 ? packed[at / 2] & 0x0F : packed[at / 2] >> 4;

                if (n <= 9)
                        text[i] = (char) ('0' + n);
                else if (n == 0x0D && f->content == ISO8583_Z)
                        text[i] = '=';
                else
                        return -EBADMSG;
        }
        return 0;
}

static int read_field(struct reader *r, struct iso8583 *m, unsigned field) {
        const struct iso8583_field *f = field_find(m->table, field);
        const uint8_t *p;
        size_t size;
        char *value;
        int k;

        if (!f)
                return -EBADMSG;
        k = read_length(r, f, &size);
        if (k < 0)
                return k;
        p = read_bytes(r, is_packed(f) ? (size + 1) / 2 : size);
        if (!p)
                return -EBADMSG;

        if (is_packed(f)) {
                k = field_reserve(m, field, size, &value);
                return k < 0 ? k : unpack(f, p, size, value);
        }
        k = field_set(m, field, p, size);
        return k == -EINVAL ? -EBADMSG : k;
}

static int read_message(struct reader *r, struct iso8583 *m, unsigned *at) {
        const uint8_t *bitmap;
        int high, low, k;

        *at = 0;
        high = read_bcd(r);
        low = read_bcd(r);
        if (high < 0 || low < 0)
                return -EBADMSG;
        m->mti = (unsigned) (high * 100 + low);

        *at = 1;
        bitmap = read_bytes(r, 8);
        if (!bitmap || bitmap[0] & 0x80)
                return -EBADMSG;

        for (*at = 2; *at <= ISO8583_FIELDS; (*at)++) {
                if (!(bitmap[(*at - 1) / 8] & 0x80 >> (*at - 1) % 8))
                        continue;
                k = read_field(r, m, *at);
                if (k < 0)
                        return k;
        }
        return r->left > 0 ? -EBADMSG : 0;
}

int iso8583_decode(const struct iso8583_field *table, const void *data, size_t size, struct iso8583 **ret,
                   unsigned *ret_field) {
        _cleanup_(iso8583_freep) struct iso8583 *m = NULL;
        struct reader reader = { data, size };
        unsigned at = 0;
        int r;

        if (size > ISO8583_SIZE_MAX)
                r = -EBADMSG;
        else {
                r = iso8583_new(table, 0, &m);
                if (r < 0)
                        return r;
                r = read_message(&reader, m, &at);
        }
        if (r < 0) {
                if (ret_field)
                        *ret_field = at;
                return r;
        }
        *ret = TAKE_PTR(m);
        return 0;
}
