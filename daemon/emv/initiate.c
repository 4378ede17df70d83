// SPDX-License-Identifier: LGPL-2.1-or-later
/* Initiate application processing: EMV Book 3, 10.1. */

#include "base/tlv.h"
#include "emv/step.h"

#define INS_GET_PROCESSING_OPTIONS 0xa8

/* Format 1: the profile and the file locator one after the other (6.5.8.4). */
static int parse_format_1(struct emv *e, const struct tlv *t) {
        int r;

        if (t->size < 2)
                return -EBADMSG;
        r = store_put_card(&e->store, TAG_AIP, t->value, 2);
        if (r < 0)
                return r;
        return store_put_card(&e->store, TAG_AFL, t->value + 2, t->size - 2);
}

static int parse_options(struct emv *e) {
        struct tlv t;
        int r;

        if (tlv_only(e->response.data, e->response.size, TAG_RESPONSE_1, &t) >= 0)
                r = parse_format_1(e, &t);
        else {
                r = tlv_only(e->response.data, e->response.size, TAG_RESPONSE_2, &t);
                if (r >= 0)
                        r = store_put_card_all(&e->store, t.value, t.size);
        }
        if (r < 0)
                return r;
        if (!store_get(&e->store, TAG_AIP, NULL) || !store_get(&e->store, TAG_AFL, NULL))
                return -EBADMSG;
        return 0;
}

int emv_initiate_application(struct emv *e) {
        uint8_t data[255] = { TAG_COMMAND_TEMPLATE };
        const uint8_t *pdol;
        size_t pdol_size = 0, built = 0, head = 2;
        int r;

        r = emv_store_results(e);
        if (r < 0)
                return r;
        pdol = store_get(&e->store, TAG_PDOL, &pdol_size);
        if (pdol) {
                /* One more length byte above 127, so build behind the longer head and move down if short. */
                r = store_build_dol(&e->store, pdol, pdol_size, data + 3, sizeof(data) - 3, &built);
                if (r < 0)
                        return r;
                if (built > 0x7f) {
                        data[1] = 0x81;
                        head = 3;
                } else
                        memmove(data + 2, data + 3, built);
                data[head - 1] = (uint8_t) built;
                memcpy(e->pdol.data, data + head, built);
                e->pdol.size = built;
        }

        r = emv_exchange(e, 0x80, INS_GET_PROCESSING_OPTIONS, 0, 0, data, head + built, true);
        if (r < 0)
                return r;
        if (e->response.sw == 0x6985)
                return 0;
        if (e->response.sw != 0x9000)
                return -EBADMSG;
        r = parse_options(e);
        return r < 0 ? r : 1;
}
