// SPDX-License-Identifier: LGPL-2.1-or-later
/* The transactions of a change: the acquirer is asked, told, and talked to over the new binding. */
#include <inttypes.h>

#include "base/log.h"
#include "base/secret.h"
#include "binding/rebind.h"
#include "host/binding.h"

#define REFERENCE_SIZE 48
/* Between tries to tell the acquirer of a lost phone. */
#define CONFIRM_PAUSE_USEC (5 * 60 * USEC_PER_SEC)

static const struct {
        const char *kind;
        const char *word; /* of its reference */
} steps[_REBIND_STEP_MAX] = {
        [REBIND_CHECK] = { "binding-check", "CHECK" },
        [REBIND_CONFIRM] = { "binding-confirm", "CONFIRM" },
        [REBIND_TEST] = { "echo", "TEST" },
};

/* Of a step, as its references tell. */
struct tries {
        unsigned n;                       /* which one this is, from 1 */
        char reference[REFERENCE_SIZE];   /* its own */
        struct transaction_record record; /* its own, where it has begun */
        struct transaction_record before; /* of the one before, which failed; id 0 for none */
};

static void make_reference(int64_t id, enum rebind_step step, unsigned n, char ret[static REFERENCE_SIZE]) {
        int length = snprintf(ret, REFERENCE_SIZE, ENGINE_OWN_REFERENCES "%" PRIi64 "-%s", id, steps[step].word);

        if (n > 1)
                (void) snprintf(ret + length, REFERENCE_SIZE - (size_t) length, "-%u", n);
}

/* Nothing of it reached the acquirer: what would take it back is not there. */
static int has_not_left(struct binding *b, int64_t transaction) {
        _cleanup_(request_record_done) struct request_record record = {};
        int r;

        r = request_record_load(binding_journal(b), REQUEST_WITHDRAWAL, transaction, &record);
        return r < 0 && r != -ENOENT ? r : r == -ENOENT;
}

/*
 * It has failed, and another one follows: of the test, unless the acquirer has said no, or of a confirm that has not
 * left, where a waiting time would have been for nothing.
 */
static int is_spent(struct binding *b, enum rebind_step step, const struct tries *t) {
        if (t->record.state != TRANSACTION_DONE || t->record.result != RESULT_FAILED)
                return 0;
        if (step == REBIND_TEST)
                return t->n < TEST_TRIES;
        if (step == REBIND_CONFIRM && b->rebind.kind == REBIND_LOST)
                return has_not_left(b, t->record.id);
        return 0;
}

/* The newest of a step's; -ENOENT where it has not begun. */
static int find(struct binding *b, enum rebind_step step, struct tries *ret) {
        struct transaction_view view;
        int r;

        *ret = (struct tries){};
        for (ret->n = 1;; ret->n++) {
                make_reference(b->rebind.id, step, ret->n, ret->reference);
                r = engine_find(b->engine, ret->reference, &view);
                if (r < 0)
                        return r;
                /* What bears its reference and is something else is not its. */
                if (!streq(view.record.kind, steps[step].kind))
                        return -EBADMSG;
                ret->record = view.record;
                r = is_spent(b, step, ret);
                if (r <= 0)
                        return r;
                ret->before = ret->record;
        }
}

int acquirer_word_find(struct binding *b, enum rebind_step step, struct transaction_record *ret) {
        struct tries t;
        int r;

        r = find(b, step, &t);
        if (r >= 0)
                *ret = t.record;
        return r;
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

const char *acquirer_word_failed(struct binding *b) {
        enum rebind_step step = b->rebind.step;
        struct tries t;
        int r;

        if (!steps[step].kind)
                return NULL;
        r = find(b, step, &t);
        if ((r < 0 && r != -ENOENT) || t.before.id == 0 || (r >= 0 && t.record.state == TRANSACTION_DONE))
                return NULL;
        return reason_of(step, &t.before);
}

/* After one that has failed. */
static bool pauses(struct binding *b, enum rebind_step step, unsigned failed) {
        if (b->failed_tries < failed) {
                b->failed_tries = failed;
                rebind_pause(b, step == REBIND_TEST ? test_pause(failed) : CONFIRM_PAUSE_USEC);
        }
        return rebind_pauses(b);
}

int acquirer_word(struct binding *b, enum rebind_step step, const char **ret_reason) {
        struct tries t;
        int r;

        r = find(b, step, &t);
        if (r == -EIO)
                engine_panic(r, "the journal cannot be read");
        if (r == -ENOENT)
                return pauses(b, step, t.n - 1) ? 0 : start(b, step, t.reference, ret_reason);
        if (r < 0) {
                *ret_reason = "storage";
                return -ECONNREFUSED;
        }
        if (t.record.state != TRANSACTION_DONE)
                return 0;
        if (t.record.result == RESULT_APPROVED) {
                b->failed_tries = 0;
                return 1;
        }
        *ret_reason = reason_of(step, &t.record);
        return -ECONNREFUSED;
}
