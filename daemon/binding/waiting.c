// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The waiting time of a phone that is said to be lost: who is told at its begin, and who can cancel until it is over.
 *
 * Also those are told who were contacts a short time ago, and the old phone: whoever wants the shop's notices for
 * himself may have been at the list before.
 */
#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "binding/rebind.h"
#include "journal/uptime.h"

/*
 * A right one is always taken, at once: a pause would be for whoever wants the change to go through. So many wrong
 * ones and the change is rolled back, which is of no use to him either; whoever only wants it undone is named in the
 * event log, each time. 1000 guesses at 17 codes among a hundred million are a chance of one in 5800.
 */
#define WRONG_MAX 1000

struct people {
        int64_t *ids;
        size_t n;
};

static void people_done(struct people *p) {
        free(p->ids);
}

static int add_person(struct people *p, int64_t id) {
        int64_t *ids = reallocarray(p->ids, p->n + 1, sizeof(*ids));

        if (!ids)
                return -ENOMEM;
        p->ids = ids;
        p->ids[p->n++] = id;
        return 0;
}

static int collect_contact(const struct contact_record *record, void *userdata) {
        return add_person(userdata, record->id);
}

static int collect(struct journal *j, uint64_t wait_usec, struct people *ret) {
        uint64_t now;
        int r;

        r = uptime_get(j, &now);
        if (r >= 0)
                r = add_person(ret, 0);
        if (r >= 0)
                r = contact_record_each(j, now > wait_usec ? now - wait_usec : 0, collect_contact, ret);
        return r;
}

/* The old phone has its message also when it comes late. */
static int64_t recipient_of(int64_t person) {
        return person > 0 ? person : NOTICE_TO_OLD_PHONE;
}

static int tell_one(struct binding *b, const struct rebind_record *next, int64_t person, struct notice_order *order) {
        char code[CODE_SIZE];
        WIPE_AT_END(code);
        int r;

        r = code_issue(binding_journal(b), next->id, REBIND_CONTACT, person, CANCEL_DIGITS, code);
        if (r < 0)
                return r;
        order->fields.code = code;
        r = notices_add(engine_notices(b->engine), order, recipient_of(person));
        order->fields.code = NULL;
        return r;
}

int waiting_tell(struct binding *b, const struct rebind_record *next) {
        _cleanup_(people_done) struct people people = {};
        struct rebind_masks masks;
        struct transaction_record check;
        struct notice_order order;
        int r;

        r = rebind_fill_order(b, next, NOTICE_TEXT_LOST_BEGUN, &masks, &order);
        if (r >= 0)
                r = collect(binding_journal(b), next->wait_usec, &people);
        if (r >= 0)
                r = acquirer_word_find(b, REBIND_CHECK, &check);
        if (r < 0)
                return r;
        /* By that it is known again; and it counts from the first, so that the last may still come in time. */
        order.transaction = check.id;
        order.life_usec = 2 * next->wait_usec;
        order.fields.time_usec = clock_now(CLOCK_REALTIME) + next->wait_usec;
        for (size_t i = 0; i < people.n && r >= 0; i++)
                r = tell_one(b, next, people.ids[i], &order);
        return r;
}

int waiting_is_told(struct binding *b) {
        struct transaction_record check;
        int r;

        r = acquirer_word_find(b, REBIND_CHECK, &check);
        return r < 0 ? r
                     : notice_record_count_delivered(binding_journal(b), notice_event_to_string(NOTICE_BINDING),
                                                     check.id);
}

/* ---- Whose codes there are ---- */

static int collect_code(const struct rebind_code *code, void *userdata) {
        return add_person(userdata, code->contact);
}

int waiting_tell_end(struct binding *b, const struct rebind_record *next) {
        _cleanup_(people_done) struct people people = {};
        struct rebind_masks masks;
        struct notice_order order;
        int r;

        r = rebind_fill_order(b, next, NOTICE_TEXT_ROLLED_BACK, &masks, &order);
        if (r >= 0)
                r = rebind_code_each_contact(binding_journal(b), next->id, collect_code, &people);
        for (size_t i = 0; i < people.n && r >= 0; i++)
                r = notices_add(engine_notices(b->engine), &order, recipient_of(people.ids[i]));
        return r;
}

/* ---- Cancelling ---- */

struct guess {
        struct journal *journal;
        const char *text;
        bool right;
        uint32_t wrong; /* the most of any: each was one for all of them */
};

/* All are compared, whichever is right. */
static int compare(const struct rebind_code *code, void *userdata) {
        struct guess *g = userdata;
        int r;

        r = code_compare(g->journal, code, g->text);
        if (r < 0)
                return r;
        g->right = g->right || r > 0;
        g->wrong = MAX(g->wrong, code->wrong);
        return 0;
}

static int count_wrong(struct binding *b, const char *by) {
        struct journal *j = binding_journal(b);
        _cleanup_(people_done) struct people people = {};
        struct rebind_code code;
        int r;

        r = rebind_code_each_contact(j, b->rebind.id, collect_code, &people);
        if (r >= 0)
                r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;
        for (size_t i = 0; i < people.n && r >= 0; i++) {
                r = rebind_code_load(j, b->rebind.id, REBIND_CONTACT, people.ids[i], &code);
                code.wrong++;
                if (r >= 0)
                        r = rebind_code_store(j, &code);
        }
        if (r >= 0)
                r = rebind_append_event(j, "rebind-wrong-code", &b->rebind, by);
        return r < 0 ? r : journal_commit(j);
}

static int cancel_wrong(struct binding *b, uint32_t wrong, const char *by, struct refusal *ret_refusal) {
        int r;

        r = count_wrong(b, by);
        if (r < 0)
                return engine_refuse_journal(ret_refusal, r);
        wrong++;
        if (wrong >= WRONG_MAX) {
                rebind_roll_back(b, "wrong-codes");
                return refusal_set(ret_refusal, REFUSAL_WRONG_CODE,
                                   "The code is wrong, and there were too many: the change is rolled back, the old "
                                   "phone stays bound");
        }
        return refusal_set(ret_refusal, REFUSAL_WRONG_CODE,
                           "The code is wrong. It is the one in the message about the lost phone");
}

int waiting_cancel(struct binding *b, const char *text, const char *by, struct refusal *ret_refusal) {
        struct guess guess = { .journal = binding_journal(b), .text = text };
        int r;

        r = rebind_code_each_contact(guess.journal, b->rebind.id, compare, &guess);
        if (r < 0)
                return engine_refuse_journal(ret_refusal, r);
        if (!guess.right)
                return cancel_wrong(b, guess.wrong, by, ret_refusal);
        r = rebind_call_off(b, "cancelled-by-contact", by);
        return r < 0 ? engine_refuse_journal(ret_refusal, r) : 0;
}
