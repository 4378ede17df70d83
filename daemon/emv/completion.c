// SPDX-License-Identifier: LGPL-2.1-or-later
/* Completion: EMV Book 3, 10.11. */

#include "emv/step.h"

static int end_with(struct emv *e, enum emv_outcome outcome, enum emv_reason reason) {
        e->outcome = outcome;
        e->reason = reason;
        return 0;
}

/* The acquirer has spoken. */
static int complete_answered(struct emv *e) {
        bool approved = e->answer.approved;
        uint8_t given;
        int r;

        r = emv_process_scripts(e, TAG_SCRIPT_BEFORE);
        if (r < 0)
                return r;
        r = emv_generate_ac(e, approved ? AC_TC : AC_AAC, true, &given);
        if (r < 0)
                return r;
        r = emv_process_scripts(e, TAG_SCRIPT_AFTER);
        /* The cryptogram stands whatever becomes of a card that has decided; tilld's own end is another thing. */
        if (r == -ECANCELED)
                return r;
        if (!approved)
                return end_with(e, EMV_OUTCOME_DECLINED, EMV_REASON_ISSUER);
        /* A certificate with a wrong signature is none (Book 2, 6.6.2). */
        if (given != AC_TC || !e->has_cryptogram)
                return end_with(e, EMV_OUTCOME_DECLINED, EMV_REASON_CARD_AFTER_ISSUER);
        return end_with(e, EMV_OUTCOME_APPROVED, EMV_REASON_NONE);
}

/* Nobody has: the default action codes decide, but only while the acquirer cannot have heard of it. */
static int complete_unable_online(struct emv *e) {
        uint8_t asked, given;
        int r;

        if (e->answer.online == EMV_ONLINE_NOT_SENT)
                asked = emv_analyse_unable_online(e);
        else {
                memcpy(e->arc, "Z3", 2);
                asked = AC_AAC;
        }
        r = emv_generate_ac(e, asked, true, &given);
        if (r < 0)
                return r;
        if (!e->has_cryptogram)
                return end_with(e, EMV_OUTCOME_DECLINED, EMV_REASON_AUTHENTICATION);
        if (given == AC_TC)
                return end_with(e, EMV_OUTCOME_APPROVED, EMV_REASON_NONE);
        return end_with(e, EMV_OUTCOME_DECLINED, asked == AC_TC ? EMV_REASON_CARD : EMV_REASON_UNABLE_ONLINE);
}

int emv_complete(struct emv *e) {
        if (e->answer.online == EMV_ONLINE_ANSWERED)
                return complete_answered(e);
        return complete_unable_online(e);
}
