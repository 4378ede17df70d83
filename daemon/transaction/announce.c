// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/announce.h"

#include <inttypes.h>

#include "base/amount.h"
#include "base/clock.h"
#include "transaction/batch-totals.h"
#include "transaction/engine.h"
#include "transaction/kind.h"

#define MONEY_MAX (AMOUNT_TEXT_MAX + 4)

/* "128.50 CNY", "" where there is none. */
static void say_money(int64_t amount, const char *code, char ret[static MONEY_MAX]) {
        const struct currency *currency = currency_find(code);
        char text[AMOUNT_TEXT_MAX];

        *ret = '\0';
        if (currency)
                (void) snprintf(ret, MONEY_MAX, "%s %s", amount_format(amount, currency, text), code);
}

static int add(struct notices *n, const struct notice_order *order, int64_t to) {
        int r = notices_add(n, order, to);

        return r < 0 ? r : 0;
}

int announce_transaction(struct engine *e, const struct transaction_record *record) {
        const struct kind *kind = kind_find(record->kind);
        struct notice_order order = {
                .event = NOTICE_TRANSACTION,
                .what = NOTICE_TEXT_TRANSACTION,
                .transaction = record->id,
                .fields.kind = record->kind,
                .fields.last_four = record->masked_pan,
                .fields.reference = record->reference,
                .fields.time_usec = record->finished_usec,
        };
        char money[MONEY_MAX];

        if (record->result != RESULT_APPROVED || !kind || !kind->amount)
                return 0;
        say_money(record->amount, record->currency, money);
        order.fields.amount = money;
        if (record->forwarding == FORWARDING_PENDING)
                order.fields.result = "to-forward";
        return add(e->notices, &order, NOTICE_TO_ALL);
}

/* ---- Settlement ---- */

struct sum {
        const struct host_profile *profile;
        int64_t net;
        unsigned count;
};

static int add_total(const struct batch_total *total, void *userdata) {
        struct sum *sum = userdata;
        enum host_side side = batch_totals_side(sum->profile, host_kind_from_name(total->kind));

        sum->count += total->count;
        if (side == HOST_DEBIT)
                sum->net += total->amount;
        if (side == HOST_CREDIT)
                sum->net -= total->amount;
        return 0;
}

int announce_settlement(struct engine *e, const struct transaction_record *settlement,
                        const struct batch_record *batch) {
        struct sum sum = { .profile = acquirer_profile(e->acquirer) };
        struct notice_order order = {
                .event = NOTICE_SETTLEMENT,
                .what = NOTICE_TEXT_SETTLEMENT,
                .transaction = settlement->id,
                .fields.result = batch_reconciliation_to_string(batch->reconciliation),
                .fields.time_usec = clock_now(CLOCK_REALTIME),
        };
        char number[16], money[MONEY_MAX];
        int r;

        r = batch_each_total(e->config.journal, batch->number, add_total, &sum);
        if (r < 0)
                return r;
        (void) snprintf(number, sizeof(number), "%06" PRIu32, batch->number);
        say_money(sum.net, batch->currency, money);
        order.fields.name = number;
        order.fields.count = sum.count;
        order.fields.amount = money;
        return add(e->notices, &order, NOTICE_TO_ALL);
}

/* ---- Security ---- */

int announce_locked_operator(struct notices *n, const char *number) {
        const struct notice_order order = {
                .event = NOTICE_SECURITY,
                .what = NOTICE_TEXT_OPERATOR_LOCKED,
                .fields.name = number,
                .fields.time_usec = clock_now(CLOCK_REALTIME),
        };

        return add(n, &order, NOTICE_TO_ALL);
}
