// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/see.h"
#include "kernel/include/uapi/linux/till.h"

/* What to do first, and nothing that follows from it: an open cover makes a printer offline and lifts the paper. */
static const char *code_of(const struct printer_status *s) {
        if (s->errors & TILL_PRINTER_ERROR_FATAL)
                return "printer-broken";
        if (s->flags & TILL_PRINTER_COVER_OPEN)
                return "printer-cover-open";
        if (s->paper == TILL_PAPER_END)
                return "printer-paper-end";
        if (s->errors & TILL_PRINTER_ERROR_CUTTER)
                return "printer-cutter";
        if (s->errors & (TILL_PRINTER_ERROR_MECHANICAL | TILL_PRINTER_ERROR_OTHER))
                return "printer-broken";
        if (s->errors & TILL_PRINTER_ERROR_RECOVERABLE)
                return "printer-hot";
        if (s->online == TILL_PRINTER_OFFLINE && !(s->flags & TILL_PRINTER_FEEDING))
                return "printer-offline";
        return s->paper == TILL_PAPER_NEAR_END ? "printer-paper-low" : NULL;
}

static int see_status(struct engine *e, const struct device *printer, struct fault_changes *sight) {
        const struct printer_status *status = printing_status(engine_printing(e), printer);
        const char *code = status && status->open ? code_of(status) : NULL;

        if (!code)
                return 0;
        if (clock_now(CLOCK_BOOTTIME) < printing_status_since(engine_printing(e)) + SEE_PRINTER_SETTLE_USEC)
                return sight_keep(e, sight, code, printer->id);
        return sight_add(sight, code, printer->id, "%s", status->words);
}

int see_printer(struct engine *e, struct fault_changes *sight) {
        struct device *d;
        int r = 0;

        for (size_t i = 0; r >= 0 && (d = monitor_get(engine_monitor(e), i)); i++) {
                if (d->kind != DEVICE_PRINTER || !d->connected)
                        continue;
                r = see_status(e, d, sight);
                if (r >= 0 && !d->properties)
                        r = sight_add(sight, "printer-model-unknown", d->id,
                                      "nothing is known of %04x:%04x; it is taken for a usual one of 80 mm",
                                      d->vendor_id, d->product_id);
        }
        return r;
}
