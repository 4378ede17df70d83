// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/terminal-state.h"

#include "care/fault-code.h"
#include "journal/fault.h"

/* The worse one counts. */
static const char *const printer_words[] = { "OK", "PaperLow", "NoPaper", "PaperJam", "OutOfOrder" };

/* Of a fault of the printer; 0 for one that does not keep it from printing. */
static unsigned printer_rank(const struct fault_record *record) {
        if (streq(record->code, "printer-paper-low"))
                return 1;
        if (streq(record->code, "printer-paper-end"))
                return 2;
        if (streq(record->code, "printer-cutter"))
                return 3;
        return streq(record->severity, "warning") ? 0 : 4;
}

struct sum {
        struct terminal_state state;
        unsigned printer;
        bool maintenance;
};

static bool is_of_acquirer(const struct fault_code *code) {
        return streq(code->area, "network") || startswith(code->code, "acquirer-");
}

static int note_fault(const struct fault_record *record, void *userdata) {
        const struct fault_code *code = fault_code_find(record->code);
        bool counts = !streq(record->severity, "warning");
        struct sum *sum = userdata;
        struct terminal_state *s = &sum->state;

        s->open_faults++;
        if (!code)
                return 0;
        s->unconfirmed += streq(code->code, "result-unconfirmed");
        sum->maintenance |= streq(record->severity, "critical");
        if (streq(code->area, "printer"))
                sum->printer = MAX(sum->printer, printer_rank(record));
        if (!counts)
                return 0;
        s->card_reader &= !streq(code->area, "reader");
        s->communication &= !is_of_acquirer(code);
        s->security &= !streq(code->area, "keys") && !streq(code->code, "journal-changed");
        return 0;
}

static const char *global_word(const struct engine *e, const struct sum *sum) {
        if (sum->maintenance)
                return "Maintenance";
        if (!sum->state.communication)
                return "Unreachable";
        return engine_current(e) > 0 ? "Busy" : "OK";
}

int terminal_state_read(struct engine *e, struct terminal_state *ret) {
        struct sum sum = { .state = { .card_reader = true, .communication = true, .security = true } };
        int r;

        for (enum request_queue queue = 0; queue < _REQUEST_QUEUE_MAX; queue++)
                sum.state.unconfirmed += outbox_count(engine_outbox(e), queue);
        r = fault_record_each(engine_journal(e), &(struct fault_filter){ .open = true }, note_fault, &sum);
        if (r < 0)
                return r;
        sum.state.printer = printer_words[sum.printer];
        sum.state.global = global_word(e, &sum);
        *ret = sum.state;
        return 0;
}
