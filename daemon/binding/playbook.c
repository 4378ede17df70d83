// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The three troubles with a bound phone that people ask about: each is a line of the log with a message id, which
 * `journalctl -x` explains from packaging/catalog.
 */
#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "binding/rebind.h"
#include "host/result.h"
#include "journal/uptime.h"

#define MESSAGE_BINDING_FAILED "8646e79ded0a4ea5aadd4dbb17ea78dc"
#define MESSAGE_PAYMENT_FAILS "3e3b2f74078d49c987361d61b14a92dd"
#define MESSAGE_DATA_DIFFER "c0afd517938b4a26ab389d9c4e19658d"

/* So long after a change a failing payment may have to do with it. */
#define SUSPECT_USEC (24 * 3600 * USEC_PER_SEC)

static void log_trouble(const struct rebind_record *record, const char *id, const char *text) {
        char number[32], step[32], reason[64];
        const char *const fields[] = { number, step, reason, NULL };

        (void) snprintf(number, sizeof(number), "TILLD_REBIND=%" PRIi64, record->id);
        (void) snprintf(step, sizeof(step), "TILLD_STEP=%s", rebind_step_to_string(record->failed));
        (void) snprintf(reason, sizeof(reason), "TILLD_REASON=%s", record->reason);
        log_about(LOG_WARNING, 0, &(struct log_about){ .message_id = id, .other = fields },
                  "Change %" PRIi64 " of the bound phone: %s", record->id, text);
}

void playbook_binding_failed(const struct rebind_record *record) {
        char text[160];

        (void) snprintf(text, sizeof(text), "rolled back at step %s: %s", rebind_step_to_string(record->failed),
                        record->reason);
        log_trouble(record, MESSAGE_BINDING_FAILED, text);
        if (streq(record->reason, "serial-refused") || streq(record->reason, "phone-differs"))
                log_trouble(record, MESSAGE_DATA_DIFFER, "the acquirer's record differs from what is bound here");
}

/* What a new phone at the acquirer may have to do with: the terminal is not known there any more, or its keys. */
static bool is_suspect(const struct transaction_record *record) {
        static const char *const words[] = { "unreachable-host", "no-sign-on", "no-answer", "bad-answer" };

        if (record->result == RESULT_DECLINED)
                return host_result_find(record->response_code)->action == HOST_ACTION_CONFIGURE ||
                       host_result_find(record->response_code)->action == HOST_ACTION_SIGN_ON;
        return record->result == RESULT_FAILED && string_table_find(words, ELEMENTSOF(words), record->reason) >= 0;
}

static int find_committed(const struct rebind_record *record, void *userdata) {
        if (record->step != REBIND_COMMITTED)
                return 0;
        *(struct rebind_record *) userdata = *record;
        return 1;
}

void playbook_look(struct binding *b, const struct transaction_record *record) {
        struct rebind_record in_force[1] = {};
        WIPE_AT_END(in_force);
        char text[160];
        uint64_t passed;

        if (b->told_payments_fail || !kind_is_payment(kind_find(record->kind)) || !is_suspect(record))
                return;
        /* The newest change may be another one, which was rolled back. */
        if (rebind_record_each(binding_journal(b), find_committed, in_force) <= 0 ||
            uptime_since(binding_journal(b), in_force->step_uptime, &passed) < 0 || passed > SUSPECT_USEC)
                return;
        b->told_payments_fail = true;
        (void) snprintf(text, sizeof(text), "transaction %" PRIi64 " fails after it: %s%s", record->id, record->reason,
                        record->result == RESULT_DECLINED ? record->response_code : "");
        log_trouble(in_force, MESSAGE_PAYMENT_FAILS, text);
}
