// SPDX-License-Identifier: LGPL-2.1-or-later
/* The transactions of a change: the acquirer is asked, told, and talked to over the new binding. */
#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "binding/rebind.h"
#include "host/binding.h"
#include "transaction/timer.h"

#define REFERENCE_SIZE 48
#define AGAIN_USEC (5 * 60 * USEC_PER_SEC)

static const struct {
        const char *kind;
        const char *word; /* of its reference */
} steps[_REBIND_STEP_MAX] = {
        [REBIND_CHECK] = { "binding-check", "CHECK" },
        [REBIND_CONFIRM] = { "binding-confirm", "CONFIRM" },
        [REBIND_TEST] = { "echo", "TEST" },
};

/* Of the first try, or of one after it. */
static void make_reference(int64_t id, enum rebind_step step, unsigned attempt, char ret[static REFERENCE_SIZE]) {
        int n = snprintf(ret, REFERENCE_SIZE, ENGINE_OWN_REFERENCES "%" PRIi64 "-%s", id, steps[step].word);

        if (attempt > 1)
                (void) snprintf(ret + n, REFERENCE_SIZE - (size_t) n, "-%u", attempt);
}

/* Nothing of it reached the acquirer: what would take it back is not there. */
static int has_not_left(struct binding *b, int64_t transaction) {
        _cleanup_(request_record_done) struct request_record record = {};
        int r;

        r = request_record_load(binding_journal(b), REQUEST_WITHDRAWAL, transaction, &record);
        return r < 0 && r != -ENOENT ? r : r == -ENOENT;
}

/* The test is made again after a restart has cut it off; the confirm where a waiting time would have been for nothing.
 */
static int is_spent(struct binding *b, enum rebind_step step, const struct transaction_record *record) {
        if (record->state != TRANSACTION_DONE)
                return 0;
        if (step == REBIND_TEST)
                return streq(record->reason, "interrupted");
        if (step == REBIND_CONFIRM && b->rebind.kind == REBIND_LOST && record->result == RESULT_FAILED)
                return has_not_left(b, record->id);
        return 0;
}

/* The newest of a step's; reference is that of it, or of the one to start when there is none. */
static int find(struct binding *b, enum rebind_step step, char reference[static REFERENCE_SIZE],
                struct transaction_record *ret) {
        struct transaction_view view;
        int r;

        for (unsigned attempt = 1;; attempt++) {
                make_reference(b->rebind.id, step, attempt, reference);
                r = engine_find(b->engine, reference, &view);
                if (r < 0)
                        return r;
                /* What bears its reference and is something else is not its. */
                if (!streq(view.record.kind, steps[step].kind))
                        return -EBADMSG;
                r = is_spent(b, step, &view.record);
                if (r < 0)
                        return r;
                if (r > 0)
                        continue;
                *ret = view.record;
                return 0;
        }
}

int acquirer_word_find(struct binding *b, enum rebind_step step, struct transaction_record *ret) {
        char reference[REFERENCE_SIZE];

        return find(b, step, reference, ret);
}

static int fill_binding(struct binding *b, struct host_binding *ret) {
        static const enum host_binding_kind kinds[_REBIND_KIND_MAX] = {
                [REBIND_FIRST] = HOST_BINDING_FIRST,
                [REBIND_CHANGE] = HOST_BINDING_CHANGE,
                [REBIND_LOST] = HOST_BINDING_LOST,
        };
        struct binding_record current = {};
        int r;

        r = binding_record_load_current(binding_journal(b), &current);
        if (r < 0 && r != -ENOENT)
                return r;
        *ret = (struct host_binding){ .kind = kinds[b->rebind.kind], .number = (uint32_t) b->rebind.id };
        COPY(ret->serial, b->rebind.serial);
        COPY(ret->phone, b->rebind.phone);
        COPY(ret->old_phone, current.phone);
        explicit_bzero(&current, sizeof(current));
        return 0;
}

static int start(struct binding *b, enum rebind_step step, const char *reference, const char **ret_reason) {
        struct host_binding binding = {};
        _cleanup_(wipe_done) _unused_ struct wipe wipe_binding = { &binding, sizeof(binding) };
        struct engine_call call = {
                .kind = steps[step].kind,
                .currency = "",
                .reference = reference,
                .order = "",
                .internal = true,
                .starter = getuid(),
                .binding = step == REBIND_TEST ? NULL : &binding,
        };
        struct refusal refusal;
        int64_t id;
        int r;

        r = fill_binding(b, &binding);
        if (r == -EIO)
                engine_panic(r, "the journal cannot be read");
        if (r < 0) {
                *ret_reason = "storage";
                return -ECONNREFUSED;
        }
        r = engine_start_transaction(b->engine, &call, &id, &refusal);
        if (r >= 0 && step == REBIND_CONFIRM)
                b->again_usec = clock_now(CLOCK_BOOTTIME) + AGAIN_USEC;
        if (r >= 0 || refusal.code == REFUSAL_BUSY)
                return 0;
        log_error("Change %" PRIi64 " of the bound phone: %s", b->rebind.id, refusal.text);
        *ret_reason = "not-ready";
        return -ECONNREFUSED;
}

/* Documentation/acquirer-profile.md has the codes. */
static const char *reason_of_code(const char *code) {
        if (streq(code, "97"))
                return "serial-refused";
        return streq(code, "12") ? "phone-differs" : "acquirer-refused";
}

/* Why it is no yes. */
static const char *reason_of(enum rebind_step step, const struct transaction_record *record) {
        if (step == REBIND_TEST)
                return "test-transaction-failed";
        if (record->result == RESULT_DECLINED)
                return reason_of_code(record->response_code);
        if (streq(record->reason, "storage"))
                return "storage";
        return streq(record->reason, "interrupted") ? "interrupted" : "unreachable-host";
}

int acquirer_word(struct binding *b, enum rebind_step step, const char **ret_reason) {
        struct transaction_record record;
        char reference[REFERENCE_SIZE];
        int r;

        r = find(b, step, reference, &record);
        if (r == -EIO)
                engine_panic(r, "the journal cannot be read");
        if (r == -ENOENT && step == REBIND_CONFIRM && b->again_usec > clock_now(CLOCK_BOOTTIME)) {
                timer_again(b->go_on, AGAIN_USEC);
                return 0;
        }
        if (r == -ENOENT)
                return start(b, step, reference, ret_reason);
        if (r < 0) {
                *ret_reason = "storage";
                return -ECONNREFUSED;
        }
        if (record.state != TRANSACTION_DONE)
                return 0;
        if (record.result == RESULT_APPROVED)
                return 1;
        *ret_reason = reason_of(step, &record);
        return -ECONNREFUSED;
}
