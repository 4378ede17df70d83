// SPDX-License-Identifier: LGPL-2.1-or-later
/* Offline data authentication: EMV Book 3, 10.3, and Book 2. */

#include "emv/step.h"

/*
 * A card of the real world has no business in a test or a training. Its issuer is certified under a CA
 * key that the terminal does not know as a test key, so the index alone shows it.
 */
static bool is_test_card(const struct emv *e) {
        const uint8_t *aid, *index;
        const struct emv_ca_key *key;
        size_t size;

        aid = store_get(&e->store, TAG_DF_NAME, &size);
        index = store_get(&e->store, TAG_CA_INDEX, NULL);
        if (!aid || size < EMV_RID_SIZE || !index)
                return false;
        key = emv_terminal_find_ca_key(&e->start->terminal, aid, *index);
        return key && key->test;
}

int emv_authenticate_offline(struct emv *e) {
        if (e->start->mode != EMV_MODE_LIVE && !is_test_card(e))
                return emv_end(e, EMV_REASON_LIVE_CARD);
        /* The third byte of 9F33 says that the terminal has neither SDA nor DDA nor CDA. */
        tvr_set(e->tvr, TVR_AUTHENTICATION_NOT_PERFORMED);
        return 0;
}
