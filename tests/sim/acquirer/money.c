// SPDX-License-Identifier: LGPL-2.1-or-later
#include "acquirer/card.h"
#include "base/log.h"
#include "base/secret.h"
#include "host/digits.h"
#include "host/result.h"

/* What a credit card is good for, less what was charged to it. */
#define CARD_LIMIT INT64_C(100000000)

/* What the acquirer knows of a kind beside the profile's codes. */
struct money_rule {
        bool card;            /* named and looked at: known, not expired, not declined */
        uint8_t chip;         /* kind of cryptogram that is asked of a chip, 0 for none */
        bool advice;          /* it has happened: a repeat is answered again, a wrong certificate is only noted */
        enum host_kind of[3]; /* kinds of its original */
        size_t n_of;
        const char *(*check)(struct sim_acquirer *a, const struct request *q, const struct ledger_row *original,
                             const char **ret_note);
};

/* ---- originals ---- */

/* How many of these are about the original; the simulator's own failure counts as one. */
static int64_t count_about(struct sim_acquirer *a, const struct ledger_row *original, enum host_kind kind,
                           int64_t *ret_sum) {
        int64_t count = 1;

        *ret_sum = 0;
        (void) ledger_about(a->ledger, original->id, host_kind_name(kind), &count, ret_sum);
        return count;
}

static const char *refuse_if(struct sim_acquirer *a, const struct ledger_row *original, enum host_kind kind,
                             const char *note, const char **ret_note) {
        int64_t sum;

        if (count_about(a, original, kind, &sum) == 0)
                return NULL;
        *ret_note = note;
        return "12";
}

static const char *check_voids(struct sim_acquirer *a, const struct ledger_row *row, const char **ret_note) {
        static const enum host_kind voids[] = { HOST_VOID, HOST_PREAUTH_VOID, HOST_COMPLETION_VOID };
        const char *code = NULL;

        for (size_t i = 0; i < ELEMENTSOF(voids) && !code; i++)
                code = refuse_if(a, row, voids[i], "voided", ret_note);
        return code;
}

static const char *same_as_original(const struct request *q, const struct ledger_row *original,
                                    const char **ret_note) {
        if ((int64_t) q->amount == original->amount)
                return NULL;
        *ret_note = "another amount than the original's";
        return "64";
}

static const char *check_void(struct sim_acquirer *a, const struct request *q, const struct ledger_row *original,
                              const char **ret_note) {
        const char *code;

        code = same_as_original(q, original, ret_note);
        if (!code)
                code = refuse_if(a, original, HOST_REFUND, "refunded", ret_note);
        if (!code)
                code = refuse_if(a, original, HOST_TIP, "tipped", ret_note);
        return code;
}

static const char *check_refund(struct sim_acquirer *a, const struct request *q, const struct ledger_row *original,
                                const char **ret_note) {
        int64_t sum;

        (void) count_about(a, original, HOST_REFUND, &sum);
        if ((int64_t) q->amount <= original->amount - sum)
                return NULL;
        *ret_note = "more than is left of the original";
        return "64";
}

static const char *check_age(const struct sim_acquirer *a, const struct ledger_row *original, const char **ret_note) {
        if (original->age_days <= a->profile->limits.preauth_days)
                return NULL;
        *ret_note = "the pre-authorization is too old";
        return "12";
}

static const char *check_preauth_void(struct sim_acquirer *a, const struct request *q,
                                      const struct ledger_row *original, const char **ret_note) {
        const char *code;

        code = check_age(a, original, ret_note);
        if (!code)
                code = same_as_original(q, original, ret_note);
        if (!code)
                code = refuse_if(a, original, HOST_COMPLETION, "completed", ret_note);
        return code;
}

static const char *check_completion(struct sim_acquirer *a, const struct request *q, const struct ledger_row *original,
                                    const char **ret_note) {
        const char *code;

        code = check_age(a, original, ret_note);
        if (!code)
                code = refuse_if(a, original, HOST_COMPLETION, "completed already", ret_note);
        if (!code && (int64_t) q->amount > original->amount * a->profile->limits.completion_percent / 100) {
                *ret_note = "too much for the pre-authorization";
                code = "64";
        }
        return code;
}

static const char *check_tip(struct sim_acquirer *a, const struct request *q, const struct ledger_row *original,
                             const char **ret_note) {
        const char *code;

        code = refuse_if(a, original, HOST_TIP, "tipped already", ret_note);
        if (!code)
                code = refuse_if(a, original, HOST_REFUND, "refunded", ret_note);
        return code;
}

static const struct money_rule rules[] = {
        [HOST_SALE] = { .card = true, .chip = 0x80 },
        [HOST_VOID] = { .of = { HOST_SALE }, .n_of = 1, .check = check_void },
        [HOST_REFUND] = { .of = { HOST_SALE, HOST_COMPLETION, HOST_OFFLINE_SALE }, .n_of = 3, .check = check_refund },
        [HOST_PREAUTH] = { .card = true, .chip = 0x80 },
        [HOST_PREAUTH_VOID] = { .of = { HOST_PREAUTH }, .n_of = 1, .check = check_preauth_void },
        [HOST_COMPLETION] = { .of = { HOST_PREAUTH }, .n_of = 1, .check = check_completion },
        [HOST_COMPLETION_VOID] = { .of = { HOST_COMPLETION }, .n_of = 1, .check = check_void },
        [HOST_BALANCE] = { .card = true, .chip = 0x80 },
        [HOST_OFFLINE_SALE] = { .card = true, .chip = 0x40, .advice = true },
        [HOST_TIP] = { .advice = true, .of = { HOST_SALE, HOST_OFFLINE_SALE }, .n_of = 2, .check = check_tip },
};

/* DE61 names the row; DE37, DE38 and the date must be the row's where they are there. */
static int find_original(struct sim_acquirer *a, const struct request *q, struct ledger_row *ret) {
        const char *text = iso8583_text(q->m, 61);
        struct ledger_row row;
        char value[13];
        int r;

        if (!text || strspn(text, "0123456789") < 12)
                return -ENOENT;
        r = ledger_find(a->ledger, q->terminal, (uint32_t) digits_read(text, 6), (uint32_t) digits_read(text + 6, 6),
                        &row);
        if (r < 0)
                return r;
        copy_trimmed(q->m, 37, value, sizeof(value));
        if (value[0] && !streq(value, row.rrn))
                return -ENOENT;
        copy_trimmed(q->m, 38, value, sizeof(value));
        if (value[0] && !streq(value, row.approval))
                return -ENOENT;
        if (strlen(text) >= 16 && strncmp(text + 12, row.date, 4) != 0)
                return -ENOENT;
        *ret = row;
        return 0;
}

static bool is_of(const struct money_rule *rule, const struct ledger_row *row) {
        for (size_t i = 0; i < rule->n_of; i++)
                if (streq(host_kind_name(rule->of[i]), row->kind))
                        return true;
        return false;
}

/* A void is only for what is not settled; what crosses batches says so by its kind. */
static const char *check_batch(struct sim_acquirer *a, const struct request *q, const char **ret_note) {
        const char *text = iso8583_text(q->m, 61);
        enum ledger_batch state = LEDGER_BATCH_SETTLED;

        if (q->kind != HOST_VOID && q->kind != HOST_COMPLETION_VOID && q->kind != HOST_TIP)
                return NULL;
        (void) ledger_batch_state(a->ledger, q->terminal, (uint32_t) digits_read(text, 6), &state);
        if (state == LEDGER_BATCH_OPEN)
                return NULL;
        *ret_note = "the original's batch is settled";
        return "12";
}

static const char *check_original(struct sim_acquirer *a, const struct request *q, const struct money_rule *rule,
                                  const struct card *c, struct ledger_row *ret, const char **ret_note) {
        const char *code;

        if (find_original(a, q, ret) < 0) {
                *ret_note = "no such original";
                return "25";
        }
        if (!is_of(rule, ret) || ret->state != LEDGER_APPROVED) {
                *ret_note = "the original is of another kind or not approved";
                return "12";
        }
        if (c->pan[0] && ret->pan_hash[0] && !ledger_is_card(a->ledger, ret, c->pan)) {
                *ret_note = "another card than the original's";
                return "14";
        }
        if (!streq(strempty(iso8583_text(q->m, 49)), ret->currency)) {
                *ret_note = "another currency than the original's";
                return "64";
        }
        code = check_batch(a, q, ret_note) ?: check_voids(a, ret, ret_note);
        return code ?: rule->check(a, q, ret, ret_note);
}

/* ---- the decision ---- */

/* What the chip says against an advice is noted, for the money has moved. */
static const char *judge_chip(const struct sim_acquirer *a, const struct request *q, const struct money_rule *rule,
                              const struct card *c, uint8_t *key, const uint8_t **ret_arqc, const char **ret_note) {
        const uint8_t *cryptogram = NULL;
        const char *code;

        if (!rule->chip || !startswith(strempty(iso8583_text(q->m, 22)), "05"))
                return NULL;
        code = chip_check(a, q, c->pan, rule->chip, key, &cryptogram, ret_note);
        if (rule->advice)
                return NULL;
        *ret_arqc = cryptogram;
        return code;
}

static const char *judge(struct sim_acquirer *a, const struct request *q, const struct money_rule *rule,
                         const struct card *c, uint8_t *key, const uint8_t **ret_arqc, struct ledger_row *ret_original,
                         const char **ret_note) {
        const char *chip, *code = NULL;

        chip = judge_chip(a, q, rule, c, key, ret_arqc, ret_note);
        if (q->step.action == ACTION_DECLINE) {
                *ret_note = "script";
                return q->step.code;
        }
        if (c->note) {
                *ret_note = c->note;
                return "14";
        }
        if (rule->card && q->step.action == ACTION_APPROVE)
                *ret_note = "script";
        else if (rule->card)
                code = chip ?: card_check(a, q, c, ret_note);
        if (!code && rule->n_of > 0)
                code = check_original(a, q, rule, c, ret_original, ret_note);
        return code;
}

/* ---- what was there before ---- */

/*
 * A number that was seen, in whatever state, is not looked at again: this is what stops a second charge. An advice
 * that was booked may be answered 00 again, and one that was declined is declined again.
 */
static void answer_repeat(const struct sim_acquirer *a, const struct request *q, const struct ledger_row *row,
                          struct verdict *v) {
        bool same = rules[q->kind].advice && streq(row->kind, host_kind_name(q->kind)) &&
                    row->amount == (int64_t) q->amount;

        v->code = "94";
        if (!same || (row->state == LEDGER_APPROVED && !a->settings->repeats_approved))
                return;
        snprintf(v->code_text, sizeof(v->code_text), "%s", row->code);
        v->code = v->code_text;
        memcpy(v->rrn, row->rrn, sizeof(v->rrn));
        memcpy(v->approval, row->approval, sizeof(v->approval));
}

static int sign_of(const struct request *q) {
        return q->rule->side == HOST_DEBIT ? 1 : q->rule->side == HOST_CREDIT ? -1 : 0;
}

static int answer_balance(struct sim_acquirer *a, const struct request *q, const struct card *c, struct verdict *v) {
        struct host_balance balance;
        uint64_t currency;
        int64_t owed;
        int r;

        r = ledger_owed(a->ledger, c->pan, &owed);
        if (r < 0)
                return r;
        if (iso8583_number(q->m, 49, &currency) < 0)
                return -EBADMSG;
        balance = (struct host_balance){ .currency = (uint16_t) currency, .amount = CARD_LIMIT - owed };
        return host_balance_format(&balance, v->balance);
}

static int book(struct sim_acquirer *a, const struct request *q, const struct card *c,
                const struct ledger_row *original, struct verdict *v, bool approved) {
        struct ledger_entry e = {
                .terminal = q->terminal,
                .merchant = q->merchant,
                .batch = q->batch,
                .stan = q->stan,
                .kind = host_kind_name(q->kind),
                .entry = iso8583_text(q->m, 22),
                .amount = (int64_t) q->amount,
                .currency = iso8583_text(q->m, 49),
                .pan = c->pan[0] ? c->pan : NULL,
                .code = v->code,
                .effect = approved ? "approved" : "declined",
                .note = v->note,
                .original = original->id,
                .sign = sign_of(q),
                .foreign = c->pan[0] ? host_is_foreign(a->profile, c->pan) : original->foreign,
        };
        int r;

        r = ledger_add(a->ledger, &e);
        if (r < 0)
                return r;
        memcpy(v->rrn, e.rrn, sizeof(v->rrn));
        memcpy(v->approval, e.approval, sizeof(v->approval));
        return 0;
}

/* What has happened already cannot be taken just now: when it comes again it is looked at anew. */
static bool is_put_off(const struct request *q, const char *code) {
        return q->step.action == ACTION_DECLINE && rules[q->kind].advice &&
               host_result_find(code)->action == HOST_ACTION_RETRY;
}

int money_handle(struct sim_acquirer *a, struct request *q, struct verdict *v) {
        struct card card = {};
        uint8_t key[ISSUER_KEY_SIZE] = {};
        const uint8_t *arqc = NULL;
        const char *code;
        WIPE_AT_END(key);
        _cleanup_(wipe_done) _unused_ struct wipe wipe_card = { &card, sizeof(card) };
        struct ledger_row row, original = {};
        enum ledger_batch state;
        int r;

        r = ledger_find(a->ledger, q->terminal, q->batch, q->stan, &row);
        if (r != -ENOENT) {
                if (r >= 0)
                        answer_repeat(a, q, &row, v);
                return r;
        }
        r = ledger_batch_state(a->ledger, q->terminal, q->batch, &state);
        if (r < 0)
                return r;
        if (state != LEDGER_BATCH_OPEN) {
                v->code = "77";
                v->note = "the batch is settled";
                return 0;
        }

        card_read(a, q, &card);
        code = judge(a, q, rules + q->kind, &card, key, &arqc, &original, &v->note);
        snprintf(v->code_text, sizeof(v->code_text), "%s", code ?: "00");
        v->code = v->code_text;
        if (is_put_off(q, v->code))
                return 0;
        r = book(a, q, &card, &original, v, !code);
        if (r >= 0 && !code && q->kind == HOST_BALANCE)
                r = answer_balance(a, q, &card, v);
        if (r >= 0 && arqc)
                r = chip_answer(a, q, card.pan, key, arqc, v);
        return r;
}

/* ---- reversal ---- */

/* Keeps a number whose original never came, so that it cannot come after its reversal. */
static int block_unknown(struct sim_acquirer *a, const struct request *q) {
        struct ledger_entry e = {
                .terminal = q->terminal,
                .merchant = q->merchant,
                .batch = q->batch,
                .stan = q->stan,
                .kind = host_kind_name(HOST_REVERSAL),
                .amount = (int64_t) q->amount,
                .currency = iso8583_text(q->m, 49),
                .code = "25",
                .effect = "unknown",
        };
        int r;

        r = ledger_add(a->ledger, &e);
        if (r < 0)
                return r;
        return ledger_reverse(a->ledger, q->terminal, q->batch, q->stan, iso8583_text(q->m, 39));
}

/* Whether the reversal names the row's kind by its codes, and that kind has reversals. */
static bool reverses(const struct sim_acquirer *a, const struct request *q, const struct ledger_row *row) {
        enum host_kind kind = host_kind_from_name(row->kind);
        const struct host_kind_rule *rule;

        if (row->state == LEDGER_UNKNOWN)
                return true;
        if (kind < 0 || !a->profile->kinds[kind].reversal)
                return false;
        rule = a->profile->kinds + kind;
        return streq_ptr(iso8583_text(q->m, 3), rule->processing) &&
               streq_ptr(iso8583_text(q->m, 25), rule->condition) &&
               strncmp(strempty(iso8583_text(q->m, 60)), rule->type, 2) == 0;
}

/* Nothing that something else stands on is taken away: a void has undone it, the rest must go first. */
static const char *check_reversal(struct sim_acquirer *a, const struct request *q, const struct ledger_row *row,
                                  const char **ret_note) {
        static const enum host_kind others[] = { HOST_REFUND, HOST_COMPLETION, HOST_TIP };
        const char *code;

        if (!reverses(a, q, row)) {
                *ret_note = "not the kind of the original";
                return "64";
        }
        if (row->amount != (int64_t) q->amount)
                return same_as_original(q, row, ret_note);
        code = check_voids(a, row, ret_note);
        for (size_t i = 0; i < ELEMENTSOF(others) && !code; i++)
                if (refuse_if(a, row, others[i], "something is about it", ret_note))
                        code = "64";
        return code;
}

int reversal_handle(struct sim_acquirer *a, struct request *q, struct verdict *v) {
        struct ledger_row row;
        int r;

        r = ledger_find(a->ledger, q->terminal, q->batch, q->stan, &row);
        if (r == -ENOENT) {
                v->code = "25";
                return block_unknown(a, q);
        }
        if (r < 0)
                return r;
        v->code = check_reversal(a, q, &row, &v->note);
        if (v->code)
                return 0;
        v->code = row.state == LEDGER_UNKNOWN ? "25" : "00";
        return ledger_reverse(a->ledger, q->terminal, q->batch, q->stan, iso8583_text(q->m, 39));
}
