// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/diagnostics-slip.h"

#include <inttypes.h>

#include "device/monitor.h"
#include "journal/fault.h"
#include "transaction/paper.h"
#include "transaction/printing.h"

#define FAULTS_MAX 50

/* What has no room is counted, and the paper says how much it was. */
static int count_left_out(struct slip *slip, int r) {
        if (r != -ENOBUFS)
                return r;
        slip->left_out++;
        return 0;
}

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

                r = count_left_out(slip, slip_add_pair(slip, device_title(d, title),
                                                       d->connected ? "connected" : "not connected"));
        }
        return r;
}

struct fault_rows {
        struct slip *slip;
        unsigned n;
};

static int add_fault(const struct fault_record *record, void *userdata) {
        struct fault_rows *rows = userdata;

        if (rows->n++ >= FAULTS_MAX)
                return count_left_out(rows->slip, -ENOBUFS);
        return count_left_out(rows->slip, slip_add_pair(rows->slip, record->code, record->subject));
}

/* How many there are says the journal, as it gives the list. */
static int add_faults(struct engine *e, struct slip *slip) {
        const struct fault_filter open = { .open = true };
        struct fault_rows rows = { .slip = slip };
        int r, n = fault_record_count_open(engine_journal(e));

        if (n < 0)
                return n;
        r = count_left_out(slip, slip_add_title(slip, "OPEN FAULTS"));
        if (r >= 0)
                r = count_left_out(slip, add_number(slip, "open", (uint64_t) n));
        return r < 0 ? r : fault_record_each(engine_journal(e), &open, add_fault, &rows);
}

int diagnostics_slip_fill(struct engine *e, struct slip *ret) {
        int r;

        paper_fill_terminal(e, SLIP_DIAGNOSTICS, ret);
        r = add_terminal(e, ret);
        if (r >= 0)
                r = add_devices(e, ret);
        return r < 0 ? r : add_faults(e, ret);
}
