// SPDX-License-Identifier: LGPL-2.1-or-later
/* Online processing: EMV Book 3, 10.9. */

#include "emv/step.h"

#define INS_EXTERNAL_AUTHENTICATE 0x82

/* At most once in a transaction: there is one answer, and this is its one use. */
static int authenticate_issuer(struct emv *e) {
        const struct message_online_answer *a = &e->answer;
        int r;

        if (a->issuer_authentication_size == 0)
                return 0;
        /* Too short to be any issuer's (Book 3, Annex A: 8 to 16 bytes): nothing to ask the card about. */
        if (a->issuer_authentication_size < 8) {
                tvr_set(e->tvr, TVR_ISSUER_AUTHENTICATION_FAILED);
                return 0;
        }
        r = store_set(&e->store, TAG_ISSUER_AUTHENTICATION, a->issuer_authentication, a->issuer_authentication_size);
        if (r < 0)
                return r;
        /* Without that bit the card takes 91 through CDOL2, or not at all. */
        if (!(emv_aip(e) & AIP_ISSUER_AUTHENTICATION))
                return 0;
        r = emv_exchange(e, 0x00, INS_EXTERNAL_AUTHENTICATE, 0, 0, a->issuer_authentication,
                         a->issuer_authentication_size, false);
        if (r < 0)
                return r;
        if (e->response.sw != 0x9000)
                tvr_set(e->tvr, TVR_ISSUER_AUTHENTICATION_FAILED);
        e->tsi[0] |= TSI_ISSUER_AUTHENTICATION;
        return 0;
}

int emv_go_online(struct emv *e) {
        int r;

        message_init(&e->request, MESSAGE_ONLINE_REQUEST);
        emv_fill_card(e, true, &e->request.card);
        r = emv_fill_result(e, &e->request.result);
        if (r < 0)
                return r;
        e->online = true;
        r = e->callbacks->online(e->userdata, &e->request, &e->answer);
        if (r < 0)
                return r;
        if (e->answer.online != EMV_ONLINE_ANSWERED)
                return 0;
        memcpy(e->arc, e->answer.arc, 2);
        return authenticate_issuer(e);
}
