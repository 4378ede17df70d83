// SPDX-License-Identifier: LGPL-2.1-or-later
#include "acquirer/card.h"
#include "base/secret.h"
#include "host/digits.h"

/* ---- settlement ---- */

static bool same_total(const struct host_total *a, const struct host_total *b) {
        return a->count == b->count && a->amount == b->amount;
}

static enum host_reconciliation judge_pair(const struct host_total_pair *said, const struct host_total_pair *booked) {
        return same_total(&said->debit, &booked->debit) && same_total(&said->credit, &booked->credit) ? HOST_BALANCED
                                                                                                      : HOST_UNEQUAL;
}

/* Its own word in the terminal's totals. */
static int judge_totals(struct sim_acquirer *a, const struct request *q, struct host_totals *said,
                        const char **ret_note) {
        const char *currency = strempty(iso8583_text(q->m, 49));
        struct host_totals booked;
        char booked_currency[4];
        int r;

        r = ledger_totals(a->ledger, a->profile, q->terminal, q->batch, &booked, booked_currency);
        if (r < 0 && r != -ENOTUNIQ)
                return r;
        if (r == -ENOTUNIQ || (booked_currency[0] && !streq(booked_currency, currency))) {
                *ret_note = "another currency than what was booked";
                said->domestic.reconciliation = said->foreign.reconciliation = HOST_RECONCILIATION_FAILED;
                return 0;
        }
        said->domestic.reconciliation = judge_pair(&said->domestic, &booked.domestic);
        said->foreign.reconciliation = judge_pair(&said->foreign, &booked.foreign);
        if (q->step.action == ACTION_WRONG_AMOUNT)
                said->domestic.reconciliation = HOST_UNEQUAL;
        return 0;
}

static int settle(struct sim_acquirer *a, struct request *q, struct verdict *v) {
        struct host_totals totals;
        enum ledger_batch state;
        int r;

        if (host_totals_parse(strempty(iso8583_text(q->m, 48)), &totals) < 0) {
                v->code = "30";
                return 0;
        }
        r = judge_totals(a, q, &totals, &v->note);
        if (r < 0)
                return r;
        v->code = "00";
        switch (host_totals_verdict(&totals)) {
        case HOST_BALANCED:
                state = LEDGER_BATCH_SETTLED;
                break;
        case HOST_UNEQUAL:
                v->note = "the totals differ";
                state = LEDGER_BATCH_UNEQUAL;
                break;
        default:
                return host_totals_format(&totals, v->totals);
        }
        r = ledger_set_batch(a->ledger, q->terminal, q->batch, state);
        return r < 0 ? r : host_totals_format(&totals, v->totals);
}

/* ---- upload ---- */

static int take_details(struct sim_acquirer *a, const struct request *q, struct verdict *v) {
        struct host_detail details[HOST_DETAILS_MAX];
        WIPE_AT_END(details);
        int n, r;

        n = host_details_parse(strempty(iso8583_text(q->m, 48)), details);
        if (n < 0) {
                v->code = "30";
                return 0;
        }
        for (int i = 0; i < n; i++)
                if (isempty(details[i].pan) && !a->profile->detail_without_pan) {
                        v->code = "30";
                        v->note = "a detail without a card number";
                        return 0;
                }
        for (int i = 0; i < n; i++) {
                struct ledger_upload u = {
                        .terminal = q->terminal,
                        .batch = q->batch,
                        .stan = details[i].stan,
                        .amount = details[i].amount,
                        .pan = details[i].pan,
                };

                r = ledger_upload(a->ledger, &u);
                if (r < 0)
                        return r;
        }
        v->code = "00";
        return 0;
}

/* DE61 names the transaction. */
static int take_chip(struct sim_acquirer *a, const struct request *q, struct verdict *v) {
        const char *original = iso8583_text(q->m, 61);
        struct card card = {};
        _cleanup_(wipe_done) _unused_ struct wipe wipe_card = { &card, sizeof(card) };
        struct ledger_upload u = { .terminal = q->terminal, .batch = q->batch, .amount = (int64_t) q->amount };

        u.icc = iso8583_bytes(q->m, 55, &u.icc_size);
        card_read(a, q, &card);
        if (!u.icc || !card.pan[0] || !original || strspn(original, "0123456789") < 12) {
                v->code = "30";
                return 0;
        }
        u.stan = (uint32_t) digits_read(original + 6, 6);
        u.pan = card.pan;
        v->code = "00";
        return ledger_upload(a->ledger, &u);
}

static int end_upload(struct sim_acquirer *a, const struct request *q, struct verdict *v) {
        uint64_t said;
        int64_t came;
        int r;

        if (iso8583_number(q->m, 48, &said) < 0) {
                v->code = "30";
                return 0;
        }
        r = ledger_count_uploads(a->ledger, q->terminal, q->batch, &came);
        if (r < 0)
                return r;
        if (came != (int64_t) said) {
                v->code = "95";
                v->note = "another number of records came";
                return 0;
        }
        v->code = "00";
        return ledger_set_batch(a->ledger, q->terminal, q->batch, LEDGER_BATCH_SETTLED);
}

int batch_handle(struct sim_acquirer *a, struct request *q, struct verdict *v) {
        enum ledger_batch state;
        int r;

        if (q->kind == HOST_SETTLEMENT)
                return settle(a, q, v);

        r = ledger_batch_state(a->ledger, q->terminal, q->batch, &state);
        if (r < 0)
                return r;
        if (state == LEDGER_BATCH_OPEN) {
                v->code = "12";
                v->note = "no settlement came before";
                return 0;
        }
        if (q->kind == HOST_BATCH_UPLOAD)
                return take_details(a, q, v);
        return q->kind == HOST_CHIP_UPLOAD ? take_chip(a, q, v) : end_upload(a, q, v);
}
