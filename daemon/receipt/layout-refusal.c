// SPDX-License-Identifier: LGPL-2.1-or-later
/* Declined and not completed: what happened, and whether to pay again. */

#include "receipt/blocks.h"

int add_response(struct layout *l) {
        char text[FIELD_TEXT_MAX];
        const struct phrase why = field_message(l->slip, text);
        int r;

        r = layout_field(l, FIELD_RESPONSE, &layout_normal);
        return r < 0 || isempty(l->slip->message) ? r : layout_heading(l, layout_bold, why.zh, why.en);
}

struct advice {
        struct phrase what, then;
};

static const struct advice advices[_SLIP_ADVICE_MAX] = {
        [SLIP_ADVICE_PAY_AGAIN] = { { "本次未扣款", "NOTHING WAS CHARGED" },
                                    { "可以重新支付。", "You may pay again." } },
        [SLIP_ADVICE_REVERSAL_PENDING] = { { "本次交易正在冲正", "THIS PAYMENT IS BEING REVERSED" },
                                           { "如已扣款，将自动退回原卡。可以重新支付。",
                                             "Should it have been charged, the money goes back to the card by itself. "
                                             "You may pay again." } },
        [SLIP_ADVICE_REVERSAL_DONE] = { { "本次交易已冲正", "THIS PAYMENT WAS REVERSED" },
                                        { "款项不会从卡中扣除。可以重新支付。",
                                          "The card is not charged. You may pay again." } },
        [SLIP_ADVICE_UNCONFIRMED] = { { "交易结果未知", "RESULT NOT YET KNOWN" },
                                      { "请勿重复支付。请等待商户向收单机构查询结果。",
                                        "Do not pay again before the merchant has asked the acquirer." } },
};

/* Of what would have given money back: nobody pays again for it. */
static const struct advice advices_back[_SLIP_ADVICE_MAX] = {
        [SLIP_ADVICE_PAY_AGAIN] = { { "本次未退款", "NOTHING WAS GIVEN BACK" },
                                    { "原交易仍然有效。可以重新办理。",
                                      "The original transaction stands. This may be tried again." } },
        [SLIP_ADVICE_REVERSAL_PENDING] = { { "本次交易正在冲正", "THIS IS BEING REVERSED" },
                                           { "原交易仍然有效。可以重新办理。",
                                             "The original transaction stands. This may be tried again." } },
        [SLIP_ADVICE_REVERSAL_DONE] = { { "本次交易已冲正", "THIS WAS REVERSED" },
                                        { "原交易仍然有效。可以重新办理。",
                                          "The original transaction stands. This may be tried again." } },
        [SLIP_ADVICE_UNCONFIRMED] = { { "交易结果未知", "RESULT NOT YET KNOWN" },
                                      { "请勿重复退货。请等待商户向收单机构查询结果。",
                                        "Do not refund again before the merchant has asked the acquirer." } },
};

int add_advice(struct layout *l) {
        const struct advice *advice;
        int r;

        if (l->slip->advice == SLIP_ADVICE_NONE)
                return 0;
        if ((unsigned) l->slip->advice >= _SLIP_ADVICE_MAX)
                return -EINVAL;
        advice = slip_goes_back(l->slip) ? advices_back + l->slip->advice : advices + l->slip->advice;
        r = layout_feed(l, 1);
        if (r < 0)
                return r;
        if (l->languages.zh) {
                r = layout_big(l, true, advice->what.zh);
                if (r < 0)
                        return r;
        }
        if (l->languages.en) {
                r = layout_big(l, true, advice->what.en);
                if (r < 0)
                        return r;
        }
        return layout_sentence(l, layout_center, advice->then.zh, advice->then.en);
}
