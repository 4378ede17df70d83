// SPDX-License-Identifier: LGPL-2.1-or-later
/* By what the cardholder stands for a payment. */

#include "receipt/blocks.h"

static int add_signature(struct layout *l) {
        int r;

        /* The copy to sign is the merchant's. */
        if (l->slip->paper != SLIP_MERCHANT_COPY)
                return 0;
        r = layout_rule(l);
        if (r < 0)
                return r;
        r = layout_heading(l, layout_normal, "持卡人签名", "CARDHOLDER SIGNATURE");
        if (r < 0)
                return r;
        r = layout_feed(l, 3);
        if (r < 0)
                return r;
        r = layout_rule(l);
        if (r < 0)
                return r;
        return layout_sentence(l, layout_normal, "本人确认以上交易，同意将其记入本卡账户",
                               slip_goes_back(l->slip)
                                       ? "I CONFIRM THE ABOVE AND AGREE THAT IT IS CREDITED TO MY CARD ACCOUNT"
                                       : "I CONFIRM THE ABOVE AND AGREE THAT IT IS CHARGED TO MY CARD ACCOUNT");
}

int add_verification(struct layout *l) {
        static const struct phrase words[_SLIP_VERIFICATION_MAX] = {
                [SLIP_VERIFICATION_NONE] = { "免密免签，无需签名", "NO PIN, NO SIGNATURE REQUIRED" },
                [SLIP_VERIFICATION_PIN] = { "密码已验证，无需签名", "PIN VERIFIED, NO SIGNATURE REQUIRED" },
        };
        int r;

        if (l->slip->verification == SLIP_VERIFICATION_SIGNATURE)
                return add_signature(l);
        if ((unsigned) l->slip->verification >= _SLIP_VERIFICATION_MAX)
                return -EINVAL;
        r = layout_feed(l, 1);
        if (r < 0)
                return r;
        return layout_sentence(l, layout_center, words[l->slip->verification].zh, words[l->slip->verification].en);
}
