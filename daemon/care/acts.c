// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/log.h"
#include "care/acts-internal.h"

void act_observe(struct acts *a, const char *code, const char *subject, int64_t transaction, const char *detail) {
        struct fault_record seen = { .transaction = transaction };

        COPY(seen.code, code);
        COPY(seen.subject, subject);
        COPY(seen.detail, detail);
        faults_observe(a->faults, &seen);
}

bool act_is_open(struct acts *a, const char *code, const char *subject) {
        struct fault_record record;

        return fault_record_find(engine_journal(a->engine), code, subject, &record) >= 0;
}

void act_later(struct acts *a, sd_event_source **source, uint64_t usec, sd_event_time_handler_t handler) {
        int r;

        *source = sd_event_source_disable_unref(*source);
        r = sd_event_add_time_relative(engine_loop(a->engine), source, CLOCK_BOOTTIME, usec, USEC_PER_MSEC, handler,
                                       a);
        /* -ESTALE: tilld stops. */
        if (r < 0 && r != -ESTALE)
                log_warning_errno(r, "A fault is looked at later");
}

void acts_transaction(struct acts *a, const struct transaction_view *view, enum transaction_event event) {
        acts_card_transaction(a, view, event);
        if (event != TRANSACTION_CHANGED)
                acts_read_errors(a);
}

void acts_job(struct acts *a, int64_t job, enum print_state state) {
        const struct printing *p = engine_printing(a->engine);
        const struct device *printer = printing_device(p);

        acts_read_errors(a);
        if (state == PRINT_PRINTED)
                faults_disprove(a->faults, "printer-silent", "");
        if (state == PRINT_UNCONFIRMED && printer && !printing_is_mute(p))
                act_observe(a, "printer-silent", printer->id, 0,
                            "a paper was sent, and it did not say that it is out");
}

int acts_new(struct engine *e, struct faults *f, struct acts **ret) {
        _cleanup_(acts_freep) struct acts *a = calloc(1, sizeof(*a));

        if (!a)
                return -ENOMEM;
        a->engine = e;
        a->faults = f;
        a->hindrance = "";
        acts_start_devices(a);
        *ret = TAKE_PTR(a);
        return 0;
}

struct acts *acts_free(struct acts *a) {
        if (!a)
                return NULL;
        sd_event_source_disable_unref(a->reader_failed);
        sd_event_source_disable_unref(a->unstable);
        sd_event_source_disable_unref(a->errors);
        sd_event_source_disable_unref(a->printer);
        sd_event_source_disable_unref(a->card_left);
        free(a);
        return NULL;
}
