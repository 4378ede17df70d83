// SPDX-License-Identifier: LGPL-2.1-or-later
/* Read application data: EMV Book 3, 10.2. */

#include "base/tlv.h"
#include "emv/step.h"

#define INS_READ_RECORD 0xb2
#define INS_GET_DATA 0xca

/*
 * The record as a part of the static data to be authenticated (10.3): without tag and length of its template in
 * files 1 to 10, whole in files 11 to 30. One that is no template makes the authentication fail.
 */
static void collect_static_data(struct emv *e, uint8_t sfi) {
        const uint8_t *from = e->response.data;
        size_t size = e->response.size;
        struct tlv t;

        if (tlv_only(from, size, TAG_RECORD, &t) < 0 || size > sizeof(e->static_data) - e->static_data_size) {
                e->static_data_broken = true;
                return;
        }
        if (sfi <= 10) {
                size -= (size_t) (t.value - from);
                from = t.value;
        }
        memcpy(e->static_data + e->static_data_size, from, size);
        e->static_data_size += size;
}

static int read_record(struct emv *e, uint8_t sfi, uint8_t record, bool authenticated) {
        struct tlv t;
        int r;

        r = emv_exchange(e, 0x00, INS_READ_RECORD, record, (uint8_t) (sfi << 3 | 4), NULL, 0, true);
        if (r < 0)
                return r;
        if (e->response.sw != 0x9000)
                return -EBADMSG;
        if (authenticated)
                collect_static_data(e, sfi);
        /* Files 11 to 30 are the scheme's and the issuer's own: nothing in them is for us (5.3.2.1). */
        if (sfi > 10)
                return 0;
        r = tlv_only(e->response.data, e->response.size, TAG_RECORD, &t);
        if (r < 0)
                return authenticated ? 0 : r;
        return store_put_card_all(&e->store, t.value, t.size);
}

/* One entry of the application file locator. */
static int read_file(struct emv *e, const uint8_t entry[static 4], unsigned *n_records) {
        uint8_t sfi = entry[0] >> 3, first = entry[1], last = entry[2], authenticated = entry[3];
        int r;

        if (entry[0] & 0x07 || sfi < 1 || sfi > 30 || first < 1 || last < first || authenticated > last - first + 1)
                return -EBADMSG;
        for (unsigned record = first; record <= last; record++) {
                if (++*n_records > EMV_RECORDS_MAX)
                        return -EBADMSG;
                r = read_record(e, sfi, (uint8_t) record, record < first + authenticated);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Table 26, and what every later step leans on. */
static int check_mandatory(struct emv *e) {
        static const uint32_t mandatory[] = { TAG_EXPIRATION_DATE, TAG_PAN, TAG_CDOL1, TAG_CDOL2 };
        const uint8_t *value;
        char text[EMV_TRACK2_MAX + 1];
        size_t size;
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(mandatory); i++)
                if (!store_get(&e->store, mandatory[i], NULL))
                        return -EBADMSG;
        if (!emv_is_date(store_get(&e->store, TAG_EXPIRATION_DATE, NULL)))
                return -EBADMSG;
        value = store_get(&e->store, TAG_EFFECTIVE_DATE, NULL);
        if (value && !emv_is_date(value))
                return -EBADMSG;
        value = store_get(&e->store, TAG_PAN, &size);
        if (emv_pan_digits(value, size, text) < 0)
                r = -EBADMSG;
        value = store_get(&e->store, TAG_TRACK2, &size);
        if (value && emv_track2_text(value, size, text) < 0)
                r = -EBADMSG;
        return r;
}

int emv_read_application_data(struct emv *e) {
        uint8_t afl[252];
        const uint8_t *value;
        unsigned n_records = 0;
        size_t size;
        int r;

        value = store_get(&e->store, TAG_AFL, &size);
        if (!value || size % 4 != 0)
                return -EBADMSG;
        memcpy(afl, value, size);
        for (size_t i = 0; i < size; i += 4) {
                r = read_file(e, afl + i, &n_records);
                if (r < 0)
                        return r;
        }
        return check_mandatory(e);
}

int emv_get_data(struct emv *e, uint32_t tag, uint8_t *ret, size_t size) {
        struct tlv t;
        int r;

        r = emv_exchange(e, 0x80, INS_GET_DATA, (uint8_t) (tag >> 8), (uint8_t) tag, NULL, 0, true);
        if (r < 0)
                return r;
        if (e->response.sw != 0x9000 || tlv_only(e->response.data, e->response.size, tag, &t) < 0 || t.size != size)
                return 0;
        memcpy(ret, t.value, size);
        return 1;
}
