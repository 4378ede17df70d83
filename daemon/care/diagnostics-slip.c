// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/diagnostics-slip.h"

#include <inttypes.h>

#define FAULTS_MAX 50

static int add_number(struct slip *slip, const char *name, uint64_t number) {
        char text[24];

        (void) snprintf(text, sizeof(text), "%" PRIu64, number);
        return slip_add_pair(slip, name, text);
}

static int add_terminal(struct engine *e, struct slip *slip) {
        int jobs = printing_count(engine_printing(e));
        int r;

        if (jobs < 0)
                return jobs;
        r = slip_add_title(slip, "TERMINAL");
        if (r >= 0)
                r = slip_add_pair(slip, "tilld", TILLD_VERSION);
        return r < 0 ? r : add_number(slip, "papers waiting", (uint64_t) jobs);
}

static int add_devices(struct engine *e, struct slip *slip) {
        struct device *d;
        int r = slip_add_title(slip, "DEVICES");

        for (size_t i = 0; r >= 0 && (d = monitor_get(engine_monitor(e), i)); i++) {
                char title[DEVICE_TITLE_MAX];

                r = slip_add_pair(slip, device_title(d, title), d->connected ? "connected" : "not connected");
        }
        return r;
}

static int add_fault(const struct fault_record *record, void *userdata) {
        return slip_add_pair(userdata, record->code, record->subject);
}

static int add_faults(struct engine *e, const struct faults *faults, struct slip *slip) {
        const struct fault_filter open = { .open = true, .limit = FAULTS_MAX };
        int r;

        r = slip_add_title(slip, "OPEN FAULTS");
        if (r >= 0)
                r = add_number(slip, "open", faults ? faults_count_open(faults) : 0);
        return r < 0 ? r : fault_record_each(engine_journal(e), &open, add_fault, slip);
}

int diagnostics_slip_fill(struct engine *e, const struct faults *faults, struct slip *ret) {
        int r;

        paper_fill_terminal(e, SLIP_DIAGNOSTICS, ret);
        r = add_terminal(e, ret);
        if (r >= 0)
                r = add_devices(e, ret);
        if (r >= 0)
                r = add_faults(e, faults, ret);
        return r == -ENOBUFS ? 0 : r;
}
