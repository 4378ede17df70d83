// SPDX-License-Identifier: LGPL-2.1-or-later
/* The last commit of a change: with it the new binding is in force, and all are told. */
#include <inttypes.h>

#include "base/log.h"
#include "binding/rebind.h"
#include "journal/uptime.h"

static int tell_all(struct binding *b, const struct rebind_record *next) {
        struct notices *n = engine_notices(b->engine);
        struct rebind_masks masks;
        struct notice_order order;
        int r;

        r = rebind_fill_order(b, next, NOTICE_TEXT_REBOUND, &masks, &order);
        if (r < 0)
                return r;
        r = notices_add(n, &order, NOTICE_TO_CONTACTS);
        return r < 0 ? r : notices_add(n, &order, NOTICE_TO_OLD_PHONE);
}

static int insert_binding(struct binding *b, const struct rebind_record *next) {
        struct binding_record record = { .since_usec = next->ended_usec };
        int r;

        COPY(record.phone, next->phone);
        COPY(record.serial, next->serial);
        COPY(record.terminal, next->terminal);
        COPY(record.by, next->by);
        r = binding_record_insert(binding_journal(b), &record);
        explicit_bzero(&record, sizeof(record));
        return r;
}

/* The new phone is told how to clean the old one, where there is one: named while it still is the bound one. */
static int replace_phone(struct binding *b, const struct rebind_record *next) {
        struct rebind_masks masks;
        struct notice_order order;
        int r;

        r = rebind_fill_order(b, next, NOTICE_TEXT_CHECKLIST, &masks, &order);
        if (r >= 0)
                r = insert_binding(b, next);
        if (r < 0 || next->kind == REBIND_FIRST)
                return r;
        return notices_add(engine_notices(b->engine), &order, NOTICE_TO_PHONE);
}

/* Its holder has been let in by others than the codes: what was guessed before counts no longer. */
static int forget_wrong_codes(struct journal *j) {
        struct rebind_limit limit;
        int r;

        r = rebind_limit_load(j, &limit);
        if (r < 0)
                return r;
        limit.wrong_codes = 0;
        limit.locked_until = 0;
        return rebind_limit_store(j, &limit);
}

static int bind(struct binding *b, const struct rebind_record *next) {
        struct journal *j = binding_journal(b);
        int r;

        r = tell_all(b, next);
        if (r >= 0)
                r = replace_phone(b, next);
        if (r >= 0)
                r = withdrawals_forget(j, next->confirm);
        if (r >= 0)
                r = rebind_code_forget(j, next->id);
        if (r >= 0)
                r = forget_wrong_codes(j);
        /* What the old phone has not got goes to the new one. */
        return r < 0 ? r : notice_record_hurry(j);
}

void rebind_put_in_force(struct binding *b) {
        struct rebind_record next = b->rebind;
        char masked[PHONE_SIZE];
        int r;

        next.step = REBIND_COMMITTED;
        next.ended_usec = clock_now(CLOCK_REALTIME);
        r = uptime_get(binding_journal(b), &next.step_uptime);
        if (r >= 0)
                r = rebind_write(b, &next, "rebind-committed", NULL, bind);
        if (r < 0) {
                log_error_errno(r, "The new binding cannot be written");
                return rebind_roll_back(b, "storage");
        }
        rebind_drop_calls(b);
        b->told_payments_fail = false;
        phone_mask(b->rebind.phone, masked);
        log_notice("Change %" PRIi64 " of the bound phone is committed: %s is bound", b->rebind.id, masked);
        rebind_say_end(b);
}
