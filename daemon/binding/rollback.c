// SPDX-License-Identifier: LGPL-2.1-or-later
/* The way back: the old binding stays, and the acquirer is told so where it may have been told otherwise. */
#include <inttypes.h>

#include "base/log.h"
#include "binding/rebind.h"
#include "transaction/timer.h"

static int tell_too_many(struct binding *b, const struct rebind_record *next) {
        struct rebind_masks masks;
        struct notice_order order;
        int r;

        r = rebind_fill_order(b, next, NOTICE_TEXT_CODES_LOCKED, &masks, &order);
        if (r < 0)
                return r;
        order.event = NOTICE_SECURITY;
        return notices_add(engine_notices(b->engine), &order, NOTICE_TO_ALL);
}

/* Whoever was sent a code for it. */
static int tell_end(struct binding *b, const struct rebind_record *next) {
        struct rebind_masks masks;
        struct notice_order order;
        int r;

        if (next->kind == REBIND_LOST && next->failed >= REBIND_WAIT)
                return waiting_tell_end(b, next);
        if (next->kind != REBIND_CHANGE || next->failed < REBIND_CODES)
                return 0;
        r = rebind_fill_order(b, next, NOTICE_TEXT_ROLLED_BACK, &masks, &order);
        return r < 0 ? r : notices_add(engine_notices(b->engine), &order, NOTICE_TO_PHONE);
}

static int undo(struct binding *b, const struct rebind_record *next) {
        struct journal *j = binding_journal(b);
        int r = 0;

        if (next->confirm > 0)
                r = withdrawals_arm(j, next->confirm);
        if (r >= 0 && streq(next->reason, "wrong-codes"))
                r = tell_too_many(b, next);
        if (r >= 0)
                r = tell_end(b, next);
        return r < 0 ? r : rebind_code_forget(j, next->id);
}

int rebind_find_confirm(struct binding *b, int64_t *ret_id) {
        struct transaction_record record;
        int r;

        *ret_id = 0;
        if (b->rebind.step < REBIND_CONFIRM)
                return 0;
        r = acquirer_word_find(b, REBIND_CONFIRM, &record);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        *ret_id = record.id;
        return record.state != TRANSACTION_DONE;
}

/* 0: it is; 1: not yet, the acquirer is just being told. */
static int try_to_roll_back(struct binding *b, const char *reason, const char *by) {
        struct rebind_record next = b->rebind;
        int r;

        r = rebind_find_confirm(b, &next.confirm);
        if (r != 0)
                return r;
        next.failed = next.step;
        next.step = REBIND_ROLLED_BACK;
        COPY(next.reason, reason);
        next.ended_usec = clock_now(CLOCK_REALTIME);
        r = rebind_write(b, &next, "rebind-rolled-back", by, undo);
        if (r < 0)
                return r;
        b->failing = NULL;
        rebind_drop_calls(b);
        playbook_binding_failed(&b->rebind);
        if (next.confirm > 0)
                outbox_kick(engine_outbox(b->engine));
        rebind_say_end(b);
        return 0;
}

void rebind_roll_back(struct binding *b, const char *reason) {
        int r;

        /* The first is the cause. */
        if (!b->failing)
                b->failing = reason;
        r = try_to_roll_back(b, b->failing, NULL);
        if (r > 0)
                b->listener.changed(b->listener.userdata);
        if (r >= 0)
                return;
        log_error_errno(r, "Change %" PRIi64 " of the bound phone cannot be rolled back; it is tried again",
                        b->rebind.id);
        timer_again(b->go_on, RETRY_USEC);
}

int rebind_call_off(struct binding *b, const char *reason, const char *by) {
        struct rebind_record next = b->rebind;
        int r;

        r = try_to_roll_back(b, reason, by);
        if (r <= 0)
                return r;
        /* The next start of tilld finds it. */
        COPY(next.reason, reason);
        r = rebind_write(b, &next, "rebind-called-off", by, NULL);
        if (r < 0)
                return r;
        b->failing = reason;
        b->listener.changed(b->listener.userdata);
        return 0;
}
