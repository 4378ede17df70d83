// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/original.h"

#include <inttypes.h>

#include "base/amount.h"
#include "base/clock.h"
#include "journal/age.h"
#include "journal/counter.h"
#include "transaction/engine.h"

/* What is asked for, while it is held against the original. */
struct asked {
        struct engine *engine;
        const struct kind *kind;
        const struct transaction_record *original;
        int64_t amount;
        struct refusal *refusal;
};

static int refuse(struct asked *a, const char *why) {
        return refusal_set(a->refusal, REFUSAL_INVALID_ORIGINAL, "Transaction %" PRIi64 " cannot have a %s: %s",
                           a->original->id, a->kind->name, why);
}

static int refuse_amount(struct asked *a, int64_t most) {
        char text[AMOUNT_TEXT_MAX] = "";

        (void) amount_format(most, currency_find(a->original->currency), text);
        return refusal_set(a->refusal, REFUSAL_INVALID_AMOUNT,
                           "A %s about transaction %" PRIi64 " may have %s %s at most, which is %" PRIi64
                           " in minor units",
                           a->kind->name, a->original->id, text, a->original->currency, most);
}

/* The amount that a kind about the original has in sum, standing or open; 0 with none. */
static int sum_of(struct asked *a, const char *kind, unsigned *ret_count, int64_t *ret_amount) {
        int r = transaction_record_about(a->engine->config.journal, a->original->id, kind, ret_count, ret_amount);

        return r < 0 ? engine_refuse_journal(a->refusal, r) : 0;
}

/* None of that kind is there; `why` says what is wrong with one, and what to do. */
static int check_none(struct asked *a, const char *kind, const char *why) {
        unsigned n;
        int r;

        r = sum_of(a, kind, &n, NULL);
        if (r < 0)
                return r;
        return n > 0 ? refuse(a, why) : 0;
}

static int check_open_batch(struct asked *a, const char *why) {
        uint32_t batch;
        int r;

        r = counter_get_batch(a->engine->config.journal, &batch);
        if (r < 0)
                return engine_refuse_journal(a->refusal, r);
        return a->original->batch == batch ? 0 : refuse(a, why);
}

static int check_whole_amount(struct asked *a) {
        if (a->amount == a->original->amount)
                return 0;
        return refusal_set(a->refusal, REFUSAL_INVALID_AMOUNT,
                           "A %s takes back the whole amount: give %" PRIi64 ", as transaction %" PRIi64 " has it",
                           a->kind->name, a->original->amount, a->original->id);
}

static int check_void(struct asked *a) {
        int r;

        r = check_open_batch(a, N_("its batch is settled; refund it instead"));
        if (r >= 0)
                r = check_none(a, "void", N_("it has one already"));
        if (r >= 0)
                r = check_none(a, "refund", N_("it was refunded; refund the rest instead"));
        if (r >= 0)
                r = check_none(a, "tip", N_("it has a tip; refund it instead"));
        return r < 0 ? r : check_whole_amount(a);
}

static int check_completion_void(struct asked *a) {
        int r;

        r = check_open_batch(a, N_("its batch is settled; refund it instead"));
        if (r >= 0)
                r = check_none(a, "completion-void", N_("it has one already"));
        if (r >= 0)
                r = check_none(a, "refund", N_("it was refunded; refund the rest instead"));
        return r < 0 ? r : check_whole_amount(a);
}

static int check_refund(struct asked *a) {
        int64_t refunded, left;
        int r;

        r = check_none(a, "void", N_("it was voided; nothing is left to refund"));
        if (r >= 0)
                r = check_none(a, "completion-void", N_("it was voided; nothing is left to refund"));
        if (r >= 0)
                r = sum_of(a, "refund", NULL, &refunded);
        if (r < 0)
                return r;
        left = a->original->amount - refunded;
        if (left <= 0)
                return refuse(a, N_("it is refunded whole, or a refund of it is unconfirmed and has to be resolved"));
        return a->amount > left ? refuse_amount(a, left) : 0;
}

/* By whichever clock it is younger: setting the time shortens nothing, and the acquirer has the last word. */
static int check_age(struct asked *a) {
        uint64_t days = acquirer_profile(a->engine->acquirer)->limits.preauth_days;
        uint64_t now = clock_now(CLOCK_REALTIME), age;
        int r;

        r = age_of_transaction(a->engine->config.journal, a->original->id, &age);
        if (r < 0)
                return engine_refuse_journal(a->refusal, r);
        age = MIN(age, now > a->original->finished_usec ? now - a->original->finished_usec : UINT64_C(0));
        return age > days * 24 * 3600 * USEC_PER_SEC ? refuse(a, N_("it is too old; take a new pre-authorization"))
                                                     : 0;
}

static int check_preauthorization(struct asked *a) {
        int r;

        r = check_age(a);
        if (r >= 0)
                r = check_none(a, "pre-authorization-void", N_("it was voided"));
        if (r >= 0)
                r = check_none(a, "completion", N_("it was completed; void the completion first"));
        return r;
}

static int check_preauthorization_void(struct asked *a) {
        int r = check_preauthorization(a);

        return r < 0 ? r : check_whole_amount(a);
}

static int check_completion(struct asked *a) {
        int64_t most = a->original->amount * acquirer_profile(a->engine->acquirer)->limits.completion_percent / 100;
        int r = check_preauthorization(a);

        if (r < 0)
                return r;
        return a->amount > most ? refuse_amount(a, most) : 0;
}

static int check_tip(struct asked *a) {
        int64_t most = a->original->amount * a->engine->config.settings->tip_percent / 100;
        int r;

        r = check_open_batch(a, N_("its batch is settled"));
        if (r >= 0)
                r = check_none(a, "tip", N_("it has one already"));
        if (r >= 0)
                r = check_none(a, "void", N_("it was voided"));
        if (r >= 0)
                r = check_none(a, "refund", N_("it was refunded"));
        if (r < 0)
                return r;
        if (most == 0)
                return refuse(a, N_("this terminal takes no tips; see tip_percent= in tilld.conf(5)"));
        return a->amount > most ? refuse_amount(a, most) : 0;
}

static int check_kind(struct asked *a) {
        switch (kind_to_host(a->kind)) {
        case HOST_VOID:
                return check_void(a);
        case HOST_COMPLETION_VOID:
                return check_completion_void(a);
        case HOST_REFUND:
                return check_refund(a);
        case HOST_PREAUTH_VOID:
                return check_preauthorization_void(a);
        case HOST_COMPLETION:
                return check_completion(a);
        case HOST_TIP:
                return check_tip(a);
        default:
                return refuse(a, N_("that kind takes no original"));
        }
}

static bool is_original_of(const struct kind *kind, const struct transaction_record *record) {
        for (size_t i = 0; i < ELEMENTSOF(kind->originals) && kind->originals[i]; i++)
                if (streq(kind->originals[i], record->kind))
                        return true;
        return false;
}

int original_check(struct engine *e, const struct kind *kind, int64_t id, int64_t amount, const char *currency,
                   struct transaction_record *ret, struct refusal *ret_refusal) {
        struct transaction_record original;
        struct asked a = {
                .engine = e, .kind = kind, .original = &original, .amount = amount, .refusal = ret_refusal
        };
        int r;

        r = transaction_record_load(e->config.journal, id, &original);
        if (r == -ENOENT)
                return refusal_set(ret_refusal, REFUSAL_INVALID_ORIGINAL,
                                   "The option \"original\" names no transaction of this terminal: give the path that "
                                   "StartTransaction or FindTransaction returned for it");
        if (r < 0)
                return engine_refuse_journal(ret_refusal, r);
        if (!is_original_of(kind, &original))
                return refuse(&a, N_("it is of another kind"));
        if (original.purged)
                return refuse(&a, N_("its card is no longer known, as the retention time is over"));
        if (original.result != RESULT_APPROVED)
                return refuse(&a, N_("it is not approved"));
        if (original.forwarding == FORWARDING_REJECTED || original.forwarding == FORWARDING_RESOLVED)
                return refuse(&a, N_("the acquirer did not take it, and has nothing of it to give back or add to"));
        if (original.forwarding == FORWARDING_PENDING)
                return refuse(&a, N_("the acquirer has not been told of it yet; forward it first, with Flush"));
        if (!streq(original.currency, currency))
                return refusal_set(ret_refusal, REFUSAL_UNKNOWN_CURRENCY,
                                   "Transaction %" PRIi64 " is in %s, and so is a %s about it", id, original.currency,
                                   kind->name);
        r = check_kind(&a);
        if (r < 0)
                return r;
        *ret = original;
        return 0;
}
